// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {IOptionQuotes} from "./interfaces/IOptionQuotes.sol";
import {IThetanutsRouter} from "./interfaces/IThetanutsRouter.sol";
import {OptionSeries} from "./OptionSeries.sol";
import {OptionKind, Payoff} from "./Payoff.sol";

/// @title A venue whose options are ERC-20 series, filled from quotes that market makers sign
/// @notice The quotes have the wire format of Thetanuts' OptionBook (same struct, same EIP-712 type, domain name
/// "OptionBook" version "1.0") with this contract as `verifyingContract`, so a client needs one encoder for both.
/// What differs: `implementation` is one of the four constants below, a fill mints a transferable token instead of
/// a role, and a maker's bid buys the token that the taker holds.
contract ThetanutsTokenRouter is IOptionQuotes, EIP712, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev A quote that passed every check, and what filling it means.
    struct Fill {
        bytes32 digest;
        address maker;
        address implementation;
        OptionSeries.Terms terms;
        uint256 contracts;
        uint256 premium;
        uint256 collateral;
    }

    // The last 20 bytes of keccak256("ThetanutsTokenRouter.<name>"): labels, no code lives there.
    address public constant LINEAR_CALL = address(uint160(uint256(keccak256("ThetanutsTokenRouter.LINEAR_CALL"))));
    address public constant PUT = address(uint160(uint256(keccak256("ThetanutsTokenRouter.PUT"))));
    address public constant CALL_SPREAD = address(uint160(uint256(keccak256("ThetanutsTokenRouter.CALL_SPREAD"))));
    address public constant PUT_SPREAD = address(uint160(uint256(keccak256("ThetanutsTokenRouter.PUT_SPREAD"))));

    bytes32 public constant LIMIT_ORDER_TYPEHASH = keccak256(
        "Order(address maker,uint256 orderExpiryTimestamp,address collateral,bool isCall,address priceFeed,address implementation,bool isLong,uint256 maxCollateralUsable,uint256[] strikes,uint256 expiry,uint256 price)"
    );
    uint256 public constant PRICE_DECIMALS = 1e8;
    /// @notice The smallest purchase, 0.001 contract: below it rounding would be worth more than the trade.
    uint256 public constant MIN_CONTRACTS = 1_000;
    uint256 private constant CANCELLED = type(uint256).max;
    uint256 private constant MAX_STRIKE = type(uint96).max;

    IERC20 public immutable usdc;
    IPriceOracle public immutable oracle;
    /// @notice The code that every series clones.
    address public immutable seriesImplementation;

    /// @inheritdoc IThetanutsRouter
    mapping(address token => bool) public isSeries;
    /// @notice Whose quotes may be filled. Takers rely on it: a stolen exit mandate can only be sold to one of these.
    mapping(address maker => bool) public isMaker;
    mapping(address priceFeed => Feed) public feeds;
    /// @notice How much of an order's `maxCollateralUsable` is used, by `hashOrder`; the maximum means cancelled.
    mapping(bytes32 digest => uint256) public amountFilled;
    /// @notice Quotes with an `orderExpiryTimestamp` before this are void.
    mapping(address maker => uint256) public makerCancellationCutoff;

    constructor(IERC20 usdc_, IPriceOracle oracle_, address initialOwner)
        EIP712("OptionBook", "1.0")
        Ownable(initialOwner)
    {
        usdc = usdc_;
        oracle = oracle_;
        seriesImplementation = address(new OptionSeries(usdc_, oracle_));
    }

    // ------------------------------------------------------------------------------------------------ taking

    /// @inheritdoc IThetanutsRouter
    /// @dev `contracts = amountIn * 1e8 / price` and `premium = price * contracts / 1e8`, both rounded down; only the
    /// premium is pulled.
    function buy(
        address optionToken,
        uint256 amountIn,
        uint256 minAmountOut,
        address recipient,
        bytes calldata routeData
    ) external nonReentrant returns (uint256) {
        Fill memory fill = _checkBuy(optionToken, amountIn, routeData);
        if (fill.contracts < minAmountOut) revert SlippageExceeded(minAmountOut, fill.contracts);
        amountFilled[fill.digest] += fill.collateral;
        OptionSeries series = OptionSeries(_create(fill.terms, fill.implementation));
        emit OrderFilled(fill.digest, fill.maker, msg.sender, optionToken, false, fill.contracts, fill.premium);
        usdc.safeTransferFrom(msg.sender, fill.maker, fill.premium);
        // The maker has signed this fill's terms and size.
        // slither-disable-next-line arbitrary-send-erc20
        usdc.safeTransferFrom(fill.maker, address(series), fill.collateral);
        series.write(fill.maker, recipient, fill.contracts, fill.collateral);
        return fill.contracts;
    }

    /// @inheritdoc IThetanutsRouter
    /// @dev `amountIn` contracts, or `order.numContracts` if it names fewer, for `price * contracts / 1e8`, rounded down.
    function sell(
        address optionToken,
        uint256 amountIn,
        uint256 minAmountOut,
        address recipient,
        bytes calldata routeData
    ) external nonReentrant returns (uint256) {
        Fill memory fill = _checkSell(optionToken, amountIn, routeData);
        if (fill.premium < minAmountOut) revert SlippageExceeded(minAmountOut, fill.premium);
        amountFilled[fill.digest] += fill.premium;
        emit OrderFilled(fill.digest, fill.maker, msg.sender, optionToken, true, fill.contracts, fill.premium);
        IERC20(optionToken).safeTransferFrom(msg.sender, fill.maker, fill.contracts);
        // The maker has signed this fill's price and size.
        // slither-disable-next-line arbitrary-send-erc20
        usdc.safeTransferFrom(fill.maker, recipient, fill.premium);
        return fill.premium;
    }

    /// @inheritdoc IThetanutsRouter
    function quoteBuy(address optionToken, uint256 amountIn, bytes calldata routeData) external view returns (uint256) {
        return _checkBuy(optionToken, amountIn, routeData).contracts;
    }

    /// @inheritdoc IThetanutsRouter
    function quoteSell(address optionToken, uint256 amountIn, bytes calldata routeData)
        external
        view
        returns (uint256)
    {
        return _checkSell(optionToken, amountIn, routeData).premium;
    }

    // ------------------------------------------------------------------------------------------------ making

    /// @inheritdoc IOptionQuotes
    function cancelOrder(Order calldata order) external nonReentrant {
        if (msg.sender != order.maker) revert OnlyMaker(order.maker);
        bytes32 digest = hashOrder(order);
        amountFilled[digest] = CANCELLED;
        emit OrderCancelled(digest, msg.sender);
    }

    /// @inheritdoc IOptionQuotes
    function cancelOrdersExpiringBefore(uint256 cutoff) external nonReentrant {
        uint256 current = makerCancellationCutoff[msg.sender];
        if (cutoff <= current) revert CutoffNotIncreasing(cutoff);
        makerCancellationCutoff[msg.sender] = cutoff;
        emit MakerCutoffUpdated(msg.sender, current, cutoff);
    }

    // ------------------------------------------------------------------------------------------------ administration

    function setMaker(address maker, bool allowed) external onlyOwner nonReentrant {
        isMaker[maker] = allowed;
        emit MakerSet(maker, allowed);
    }

    /// @notice Bind an order's `priceFeed` to an oracle feed and an asset name, once: a series must not change its prices.
    function registerFeed(address priceFeed, bytes32 feedId, bytes32 asset) external onlyOwner nonReentrant {
        if (feeds[priceFeed].feedId != 0) revert FeedAlreadyRegistered(priceFeed);
        if (feedId == 0 || asset == 0) revert InvalidTerms();
        feeds[priceFeed] = Feed({feedId: feedId, asset: asset});
        emit FeedRegistered(priceFeed, feedId, asset);
    }

    // ------------------------------------------------------------------------------------------------ series

    /// @inheritdoc IOptionQuotes
    function createSeries(address implementation, address priceFeed, uint256[] calldata strikes, uint256 expiry)
        external
        nonReentrant
        returns (address)
    {
        return _create(_terms(implementation, priceFeed, strikes, expiry), implementation);
    }

    /// @inheritdoc IOptionQuotes
    function seriesAddress(address implementation, address priceFeed, uint256[] calldata strikes, uint256 expiry)
        external
        view
        returns (address)
    {
        return _predict(_terms(implementation, priceFeed, strikes, expiry));
    }

    // ------------------------------------------------------------------------------------------------ hashing

    /// @inheritdoc IOptionQuotes
    function hashOrder(Order memory o) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    LIMIT_ORDER_TYPEHASH,
                    o.maker,
                    o.orderExpiryTimestamp,
                    o.collateral,
                    o.isCall,
                    o.priceFeed,
                    o.implementation,
                    o.isLong,
                    o.maxCollateralUsable,
                    keccak256(abi.encodePacked(o.strikes)),
                    o.expiry,
                    o.price
                )
            )
        );
    }

    /// @inheritdoc IOptionQuotes
    function computeNonce(Order memory o) external pure returns (uint256) {
        return uint256(
            keccak256(
                abi.encode(
                    o.maker,
                    o.orderExpiryTimestamp,
                    o.collateral,
                    o.isCall,
                    o.priceFeed,
                    o.implementation,
                    o.isLong,
                    o.maxCollateralUsable
                )
            )
        );
    }

    // ------------------------------------------------------------------------------------------------ checks

    function _checkBuy(address optionToken, uint256 amountIn, bytes calldata routeData)
        private
        view
        returns (Fill memory fill)
    {
        Order memory order;
        (order, fill) = _checkOrder(optionToken, false, routeData);
        fill.contracts =
            order.numContracts != 0 ? order.numContracts : Math.mulDiv(amountIn, PRICE_DECIMALS, order.price);
        if (fill.contracts < MIN_CONTRACTS) revert BelowMinimumSize(fill.contracts, MIN_CONTRACTS);
        fill.premium = Math.mulDiv(fill.contracts, order.price, PRICE_DECIMALS);
        if (fill.premium == 0) revert BelowMinimumSize(fill.contracts, MIN_CONTRACTS);
        if (fill.premium > amountIn) revert ExceedsAmountIn(fill.premium, amountIn);
        fill.collateral = Payoff.collateral(fill.terms, fill.contracts);
        _requireSize(order, fill.digest, fill.collateral);
    }

    function _checkSell(address optionToken, uint256 amountIn, bytes calldata routeData)
        private
        view
        returns (Fill memory fill)
    {
        Order memory order;
        (order, fill) = _checkOrder(optionToken, true, routeData);
        fill.contracts = order.numContracts != 0 ? order.numContracts : amountIn;
        if (fill.contracts > amountIn) revert ExceedsAmountIn(fill.contracts, amountIn);
        fill.premium = Math.mulDiv(fill.contracts, order.price, PRICE_DECIMALS);
        if (fill.premium == 0) revert BelowMinimumSize(fill.contracts, MIN_CONTRACTS);
        _requireSize(order, fill.digest, fill.premium);
    }

    function _checkOrder(address optionToken, bool makerIsLong, bytes calldata routeData)
        private
        view
        returns (Order memory order, Fill memory fill)
    {
        if (routeData.length == 0) revert MakerQuoteRequired();
        bytes memory signature;
        (order, signature) = abi.decode(routeData, (Order, bytes));
        if (order.isLong != makerIsLong) revert WrongSide();
        if (!isMaker[order.maker]) revert MakerNotAllowed(order.maker);
        if (order.collateral != address(usdc)) revert UnsupportedCollateral(order.collateral);
        if (order.price == 0 || order.extraOptionData.length != 0) revert InvalidTerms();
        if (block.timestamp > order.orderExpiryTimestamp) revert OrderExpired(order.orderExpiryTimestamp);
        if (block.timestamp >= order.expiry) revert OptionExpired(order.expiry);
        fill.terms = _orderTerms(order);
        address expected = _predict(fill.terms);
        if (expected != optionToken) revert SeriesMismatch(expected, optionToken);
        fill.maker = order.maker;
        fill.implementation = order.implementation;
        fill.digest = hashOrder(order);
        if (order.orderExpiryTimestamp < makerCancellationCutoff[order.maker]) revert OrderIsCancelled(fill.digest);
        if (!SignatureChecker.isValidSignatureNow(order.maker, fill.digest, signature)) revert BadMakerSignature();
    }

    function _requireSize(Order memory order, bytes32 digest, uint256 wanted) private view {
        uint256 used = amountFilled[digest];
        if (used == CANCELLED) revert OrderIsCancelled(digest);
        uint256 available = Math.saturatingSub(order.maxCollateralUsable, used);
        if (wanted > available) revert ExceedsMakerSize(wanted, available);
    }

    // ------------------------------------------------------------------------------------------------ terms

    function _orderTerms(Order memory order) private view returns (OptionSeries.Terms memory t) {
        t = _terms(order.implementation, order.priceFeed, order.strikes, order.expiry);
        bool isCall = t.kind == OptionKind.CALL || t.kind == OptionKind.CALL_SPREAD;
        if (order.isCall != isCall) revert InvalidTerms();
    }

    function _terms(address implementation, address priceFeed, uint256[] memory strikes, uint256 expiry)
        private
        view
        returns (OptionSeries.Terms memory t)
    {
        Feed memory feed = feeds[priceFeed];
        if (feed.feedId == 0) revert UnknownFeed(priceFeed);
        t.kind = _kind(implementation);
        t.priceFeed = priceFeed;
        t.feedId = feed.feedId;
        t.asset = feed.asset;
        t.expiry = expiry;
        bool isSpread = t.kind == OptionKind.CALL_SPREAD || t.kind == OptionKind.PUT_SPREAD;
        if (strikes.length != (isSpread ? 2 : 1)) revert InvalidTerms();
        t.lowerStrike = isSpread ? Math.min(strikes[0], strikes[1]) : strikes[0];
        t.upperStrike = isSpread ? Math.max(strikes[0], strikes[1]) : 0;
        uint256 highest = Math.max(t.lowerStrike, t.upperStrike);
        if (t.lowerStrike == 0 || t.lowerStrike == t.upperStrike || highest > MAX_STRIKE) revert InvalidTerms();
    }

    function _kind(address implementation) private pure returns (OptionKind) {
        if (implementation == LINEAR_CALL) return OptionKind.CALL;
        if (implementation == PUT) return OptionKind.PUT;
        if (implementation == CALL_SPREAD) return OptionKind.CALL_SPREAD;
        if (implementation == PUT_SPREAD) return OptionKind.PUT_SPREAD;
        revert UnknownImplementation(implementation);
    }

    function _create(OptionSeries.Terms memory t, address implementation) private returns (address series) {
        if (block.timestamp >= t.expiry) revert OptionExpired(t.expiry);
        series = _predict(t);
        if (isSeries[series]) return series;
        isSeries[series] = true;
        // It lands where it was predicted: that is what CREATE2 means.
        // slither-disable-next-line unused-return
        Clones.cloneDeterministicWithImmutableArgs(seriesImplementation, abi.encode(t), bytes32(0));
        emit SeriesCreated(series, implementation, t.priceFeed, t.lowerStrike, t.upperStrike, t.expiry);
    }

    function _predict(OptionSeries.Terms memory t) private view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(seriesImplementation, abi.encode(t), bytes32(0));
    }
}
