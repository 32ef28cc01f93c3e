// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IOptionBook} from "../interfaces/IOptionBook.sol";
import {IOptionQuotes} from "../interfaces/IOptionQuotes.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {OptionKind, Payoff} from "../Payoff.sol";
import {DevelopmentBookOption} from "./DevelopmentBookOption.sol";

/// @title A stand-in for Thetanuts' OptionBook: its signatures, hashes, fees and events, our own insides
/// @notice For development and tests. It proves that a client speaks the book's language, not that the real book does
/// what this one does. `swapAndFillOrder` is left out: nothing here swaps. It is its own `factory`.
/// @dev Refusals carry the words that the real book was seen to use; they are the only revert strings in this folder.
contract DevelopmentOptionBook is IOptionBook, EIP712, Ownable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev What filling an order means, in base units.
    struct Fill {
        uint256 nonce;
        address buyer;
        address seller;
        uint256 premium;
        uint256 collateral;
        uint256 fee;
        uint256 referralFee;
    }

    bytes32 public constant LIMIT_ORDER_TYPEHASH = keccak256(
        "Order(address maker,uint256 orderExpiryTimestamp,address collateral,bool isCall,address priceFeed,address implementation,bool isLong,uint256 maxCollateralUsable,uint256[] strikes,uint256 expiry,uint256 price)"
    );
    uint256 public constant PRICE_DECIMALS = 1e8;
    uint256 public constant minNumContracts = 1_000;
    uint256 public constant minPremiumAmount = 1_000;
    uint256 private constant CANCELLED = type(uint256).max;
    uint256 private constant FULL_BPS = 10_000;

    IERC20 public immutable usdc;
    IPriceOracle public immutable oracle;
    /// @notice One implementation per kind; orders name them, fills clone them.
    address public immutable linearCall;
    address public immutable put;
    address public immutable callSpread;
    address public immutable putSpread;

    mapping(address priceFeed => bytes32 feedId) public feeds;
    /// @inheritdoc IOptionBook
    mapping(uint256 nonce => uint256) public amountFilled;
    /// @inheritdoc IOptionBook
    mapping(address maker => uint256) public makerCancellationCutoff;
    /// @inheritdoc IOptionBook
    mapping(address token => mapping(address referrer => uint256)) public fees;
    /// @inheritdoc IOptionBook
    mapping(address referrer => uint256) public referrerFeeSplitBps;

    constructor(IERC20 usdc_, IPriceOracle oracle_, address owner_) EIP712("OptionBook", "1.0") Ownable(owner_) {
        usdc = usdc_;
        oracle = oracle_;
        linearCall = address(new DevelopmentBookOption(OptionKind.CALL, usdc_, oracle_));
        put = address(new DevelopmentBookOption(OptionKind.PUT, usdc_, oracle_));
        callSpread = address(new DevelopmentBookOption(OptionKind.CALL_SPREAD, usdc_, oracle_));
        putSpread = address(new DevelopmentBookOption(OptionKind.PUT_SPREAD, usdc_, oracle_));
    }

    // ------------------------------------------------------------------------------------------------ taking

    /// @inheritdoc IOptionBook
    function fillOrder(IOptionQuotes.Order calldata order, bytes calldata signature, address referrer)
        external
        nonReentrant
        returns (address optionAddress)
    {
        Fill memory fill = _checked(order, signature, referrer);
        amountFilled[fill.nonce] += order.isLong ? fill.premium : fill.collateral;
        fees[address(usdc)][referrer] += fill.referralFee;
        optionAddress = Clones.clone(order.implementation);
        // The order's maker has signed price and size; the other side is the caller.
        // slither-disable-next-line arbitrary-send-erc20
        usdc.safeTransferFrom(fill.buyer, fill.seller, fill.premium - fill.fee);
        // slither-disable-next-line arbitrary-send-erc20
        usdc.safeTransferFrom(fill.buyer, address(this), fill.fee);
        // slither-disable-next-line arbitrary-send-erc20
        usdc.safeTransferFrom(fill.seller, optionAddress, fill.collateral);
        _initialize(order, fill, optionAddress);
        emit OrderFilled(
            fill.nonce,
            fill.buyer,
            fill.seller,
            optionAddress,
            fill.premium,
            fill.fee,
            referrer,
            fill.referralFee,
            !order.isLong
        );
        if (fill.referralFee != 0) emit ReferralFeePaid(referrer, address(usdc), fill.referralFee, optionAddress);
    }

    // ------------------------------------------------------------------------------------------------ making

    /// @inheritdoc IOptionBook
    function cancelOrder(IOptionQuotes.Order calldata order) external {
        require(msg.sender == order.maker, "Only maker can cancel");
        uint256 nonce = computeNonce(order);
        amountFilled[nonce] = CANCELLED;
        emit OrderCancelled(nonce, msg.sender);
    }

    /// @inheritdoc IOptionBook
    function cancelOrdersExpiringBefore(uint256 cutoff) external {
        uint256 current = makerCancellationCutoff[msg.sender];
        require(cutoff > current, "Cutoff not increasing");
        makerCancellationCutoff[msg.sender] = cutoff;
        emit MakerCutoffUpdated(msg.sender, current, cutoff);
    }

    // ------------------------------------------------------------------------------------------------ fees

    /// @inheritdoc IOptionBook
    function claimFees(address token) external nonReentrant {
        uint256 amount = fees[token][msg.sender];
        fees[token][msg.sender] = 0;
        emit FeesClaimed(msg.sender, token, amount);
        if (amount != 0) IERC20(token).safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IOptionBook
    function setReferrerFeeSplit(address referrer, uint256 bps) external onlyOwner {
        require(bps <= FULL_BPS, "Split above the fee");
        referrerFeeSplitBps[referrer] = bps;
        emit ReferrerFeeSplitUpdated(referrer, bps);
    }

    /// @notice Bind an order's `priceFeed` to a feed of the oracle.
    function registerFeed(address priceFeed, bytes32 feedId) external onlyOwner {
        feeds[priceFeed] = feedId;
    }

    /// @notice The smaller of 0.06 % of the notional at `price` (USD, 8 decimals) and 12.5 % of the premium.
    function calculateFee(uint256 n, uint256 premium, uint256 price) public pure returns (uint256) {
        return Math.min(n * 6 * price / PRICE_DECIMALS / FULL_BPS, premium * 125 / 1_000);
    }

    // ------------------------------------------------------------------------------------------------ reads

    /// @inheritdoc IOptionBook
    function factory() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IOptionBook
    function getValidNumContracts(address implementation, uint256[] calldata strikes, uint256 desired)
        external
        view
        returns (uint256, uint256)
    {
        require(_isImplementation(implementation), "Unknown implementation");
        return (desired, DevelopmentBookOption(implementation).calculateRequiredCollateral(strikes, desired));
    }

    /// @inheritdoc IOptionBook
    function computeNonce(IOptionQuotes.Order calldata o) public pure returns (uint256) {
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

    /// @inheritdoc IOptionBook
    function hashOrder(IOptionQuotes.Order calldata o) public view returns (bytes32) {
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

    // ------------------------------------------------------------------------------------------------ checks

    function _checked(IOptionQuotes.Order calldata order, bytes calldata signature, address referrer)
        private
        view
        returns (Fill memory fill)
    {
        require(block.timestamp <= order.orderExpiryTimestamp, "Order expired");
        require(block.timestamp < order.expiry, "Option expired");
        require(order.orderExpiryTimestamp >= makerCancellationCutoff[order.maker], "Order cancelled");
        require(order.collateral == address(usdc), "Unsupported collateral");
        require(_isImplementation(order.implementation), "Unknown implementation");
        require(order.numContracts >= minNumContracts, "Too few contracts");
        require(SignatureChecker.isValidSignatureNow(order.maker, hashOrder(order), signature), "Signer not authorized");
        fill.nonce = computeNonce(order);
        (fill.buyer, fill.seller) = order.isLong ? (order.maker, msg.sender) : (msg.sender, order.maker);
        fill.premium = Math.mulDiv(order.price, order.numContracts, PRICE_DECIMALS);
        require(fill.premium >= minPremiumAmount, "Premium too small");
        fill.collateral =
            DevelopmentBookOption(order.implementation).calculateRequiredCollateral(order.strikes, order.numContracts);
        _requireSize(order, fill);
        fill.fee = calculateFee(order.numContracts, fill.premium, _spot(order.priceFeed));
        fill.referralFee = referrer == address(0) ? 0 : fill.fee * referrerFeeSplitBps[referrer] / FULL_BPS;
    }

    function _requireSize(IOptionQuotes.Order calldata order, Fill memory fill) private view {
        uint256 used = amountFilled[fill.nonce];
        require(used != CANCELLED, "Order cancelled");
        uint256 wanted = order.isLong ? fill.premium : fill.collateral;
        require(wanted <= Math.saturatingSub(order.maxCollateralUsable, used), "Exceeds max collateral");
    }

    function _initialize(IOptionQuotes.Order calldata order, Fill memory fill, address optionAddress) private {
        DevelopmentBookOption(optionAddress)
            .initialize(
                DevelopmentBookOption.Terms({
                buyer: fill.buyer,
                seller: fill.seller,
                implementation: order.implementation,
                priceFeed: order.priceFeed,
                feedId: feeds[order.priceFeed],
                strikes: order.strikes,
                expiry: order.expiry,
                numContracts: order.numContracts,
                collateral: fill.collateral
            })
            );
    }

    function _spot(address priceFeed) private view returns (uint256) {
        bytes32 feedId = feeds[priceFeed];
        require(feedId != 0, "Unknown price feed");
        IPriceOracle.Price memory last = oracle.getPriceUnsafe(feedId);
        return Payoff.toStrikeScale(last.price, last.expo);
    }

    function _isImplementation(address implementation) private view returns (bool) {
        return implementation == linearCall || implementation == put || implementation == callSpread
            || implementation == putSpread;
    }
}
