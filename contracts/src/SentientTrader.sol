// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {TraderAdministration} from "./TraderAdministration.sol";
import {ISentientTrader} from "./interfaces/ISentientTrader.sol";
import {IThetanutsRouter} from "./interfaces/IThetanutsRouter.sol";

/// @title SentientTrader
/// @notice See ISentientTrader for what it promises.
contract SentientTrader is TraderAdministration, EIP712 {
    using SafeERC20 for IERC20;

    bytes32 public constant TRADE_INTENT_TYPEHASH = keccak256(
        "TradeIntent(address user,address executor,uint8 side,address optionToken,address router,uint256 amountIn,uint256 quotedAmountOut,uint256 minAmountOut,uint256 nonce,uint256 deadline,bytes32 ref)"
    );
    uint8 public constant BUY = 0;
    uint8 public constant SELL = 1;
    uint256 public constant MAX_SLIPPAGE_BPS = 1_000;
    uint256 public constant MAX_BUY_WINDOW = 15 minutes;
    uint256 public constant MAX_SELL_WINDOW = 30 days;
    uint256 private constant BPS = 10_000;

    mapping(address user => mapping(uint256 wordPos => uint256 bitmap)) private _usedNonces;
    mapping(address user => SessionLimits) private _limits;
    mapping(address user => SessionUsage) private _usage;

    /// @dev One trade on its way through the contract, and the balances it is measured against. In memory, because the
    /// stack has no room for it.
    struct Trade {
        bool isBuy;
        address user;
        address router;
        address optionToken;
        address tokenIn;
        address tokenOut;
        uint256 amountIn;
        uint256 minAmountOut;
        uint256 ownInBefore;
        uint256 ownOutBefore;
        uint256 userInBefore;
        uint256 userOutBefore;
    }

    /// @dev An EIP-2612 signature; `given` is false on the calls that take none.
    struct Permit {
        bool given;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @param usdc_ the token that pays for options; must have 6 decimals
    /// @param initialRouters listed at once, the first becoming the default; later ones wait 48 hours
    /// @param initialOwner lists couriers, routers and tokens; has no right to trade
    /// @param initialGuardian may pause buys and nothing else; may be zero
    constructor(address usdc_, address[] memory initialRouters, address initialOwner, address initialGuardian)
        EIP712("SentientTrader", "1")
        TraderAdministration(usdc_, initialRouters, initialOwner, initialGuardian)
    {}

    // ------------------------------------------------------------------------------------------------ trading

    /// @inheritdoc ISentientTrader
    function buyOption(address optionToken, uint256 amountIn, uint256 minAmountOut)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        return _tradeForCaller(BUY, optionToken, amountIn, minAmountOut);
    }

    /// @inheritdoc ISentientTrader
    function sellOption(address optionToken, uint256 amountIn, uint256 minAmountOut)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        return _tradeForCaller(SELL, optionToken, amountIn, minAmountOut);
    }

    /// @inheritdoc ISentientTrader
    function buyOption(TradeIntent calldata i, bytes calldata signature, bytes calldata routeData)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        if (i.side != BUY) revert UnsupportedSide(i.side);
        return _execute(i, signature, 0, routeData, _noPermit());
    }

    /// @inheritdoc ISentientTrader
    function executeTrade(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData
    ) external nonReentrant returns (uint256 amountOut) {
        return _execute(i, signature, execMinAmountOut, routeData, _noPermit());
    }

    /// @inheritdoc ISentientTrader
    function executeTradeWithPermit(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external nonReentrant returns (uint256 amountOut) {
        Permit memory permit = Permit({given: true, deadline: permitDeadline, v: v, r: r, s: s});
        return _execute(i, signature, execMinAmountOut, routeData, permit);
    }

    /// @inheritdoc ISentientTrader
    function cancelNonce(uint256 nonce) external nonReentrant {
        _cancel(nonce >> 8, 1 << (nonce & 255));
    }

    /// @inheritdoc ISentientTrader
    function cancelNonces(uint256 wordPos, uint256 mask) external nonReentrant {
        _cancel(wordPos, mask);
    }

    /// @inheritdoc ISentientTrader
    function setSessionLimits(SessionLimits calldata limits) external nonReentrant {
        _limits[msg.sender] = limits;
        emit SessionLimitsSet(msg.sender, limits);
    }

    // ------------------------------------------------------------------------------------------------ reads

    /// @inheritdoc ISentientTrader
    function hashIntent(TradeIntent calldata i) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(TRADE_INTENT_TYPEHASH, i)));
    }

    /// @inheritdoc ISentientTrader
    function isNonceUsed(address user, uint256 nonce) public view returns (bool) {
        return _usedNonces[user][nonce >> 8] & (1 << (nonce & 255)) != 0;
    }

    /// @inheritdoc ISentientTrader
    function sessionLimits(address user) external view returns (SessionLimits memory) {
        return _limits[user];
    }

    /// @inheritdoc ISentientTrader
    function sessionUsage(address user) external view returns (SessionUsage memory) {
        return _usage[user];
    }

    // ------------------------------------------------------------------------------------------------ from intent to trade

    function _execute(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData,
        Permit memory permit
    ) private returns (uint256 amountOut) {
        _requireSideOpen(i.side);
        _requireCaller(i);
        _requireTimely(i);
        _requireBounds(i);
        bytes32 digest = hashIntent(i);
        _requireSignature(i.user, digest, signature);
        _useNonce(i.user, i.nonce);
        if (i.side == BUY && msg.sender != i.user && authorizedTraders[msg.sender]) _useSession(i.user, i.amountIn);

        Trade memory trade = _newTrade(i.side, i.user, i.router, i.optionToken);
        bool vouched = _requireListed(trade);
        trade.amountIn = i.amountIn;
        trade.minAmountOut = i.minAmountOut;
        if (i.side == SELL) _fitToBalance(trade);
        if (execMinAmountOut > trade.minAmountOut) trade.minAmountOut = execMinAmountOut;
        if (permit.given) _tryPermit(trade.tokenIn, i, permit);

        amountOut = _settle(trade, vouched, routeData);
        emit IntentExecuted(digest, i.user, msg.sender, i.nonce, i.ref);
    }

    function _tradeForCaller(uint8 side, address optionToken, uint256 amountIn, uint256 minAmountOut)
        private
        returns (uint256)
    {
        _requireSideOpen(side);
        if (amountIn == 0 || minAmountOut == 0) revert ZeroAmount();
        Trade memory trade = _newTrade(side, msg.sender, defaultRouter, optionToken);
        bool vouched = _requireListed(trade);
        trade.amountIn = amountIn;
        trade.minAmountOut = minAmountOut;
        _requireNearStandingQuote(trade);
        return _settle(trade, vouched, msg.data[:0]);
    }

    function _requireSideOpen(uint8 side) private view {
        if (side > SELL) revert UnsupportedSide(side);
        if (side == BUY) _requireNotPaused();
        else if (exitsPaused) revert ExitsArePaused();
    }

    function _requireCaller(TradeIntent calldata i) private view {
        if (msg.sender == i.user || msg.sender == i.executor) return;
        if (i.executor != address(0) || !authorizedTraders[msg.sender]) revert NotAuthorized(msg.sender);
    }

    function _requireTimely(TradeIntent calldata i) private view {
        if (block.timestamp > i.deadline) revert DeadlineExpired(i.deadline);
        uint256 window = i.side == BUY ? MAX_BUY_WINDOW : MAX_SELL_WINDOW;
        if (i.deadline > block.timestamp + window) revert DeadlineTooFar(i.deadline);
    }

    /// @dev A sell that lives longer than a buy may is an exit mandate: the quote is then the value at its trigger, and
    /// how far below to let it go is the person's choice.
    function _requireBounds(TradeIntent calldata i) private view {
        if (i.amountIn == 0 || i.minAmountOut == 0 || i.quotedAmountOut == 0) revert ZeroAmount();
        bool isMandate = i.side == SELL && i.deadline > block.timestamp + MAX_BUY_WINDOW;
        if (!isMandate) _requireTightBound(i.minAmountOut, i.quotedAmountOut);
    }

    function _requireTightBound(uint256 minOut, uint256 quoted) private pure {
        if (minOut * BPS < quoted * (BPS - MAX_SLIPPAGE_BPS)) revert SlippageBoundTooLoose(minOut, quoted);
    }

    /// @dev ECDSA first even for accounts with code: an EIP-7702 account still signs with its key.
    function _requireSignature(address user, bytes32 digest, bytes calldata signature) private view {
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && signer == user) return;
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(user, digest, signature)) revert BadSignature();
    }

    function _useNonce(address user, uint256 nonce) private {
        if (isNonceUsed(user, nonce)) revert NonceUsed(nonce);
        _usedNonces[user][nonce >> 8] |= 1 << (nonce & 255);
    }

    function _cancel(uint256 wordPos, uint256 mask) private {
        _usedNonces[msg.sender][wordPos] |= mask;
        emit NonceCancelled(msg.sender, wordPos, mask);
    }

    function _useSession(address user, uint256 amountIn) private {
        SessionLimits storage limits = _limits[user];
        if (block.timestamp > limits.validUntil) revert SessionExpired();
        SessionUsage memory usage = _usage[user];
        uint64 today = uint64(block.timestamp / 1 days);
        if (usage.day != today) usage = SessionUsage({spent: 0, day: today, trades: 0});
        if (
            amountIn > limits.maxPerTrade || usage.spent + amountIn > limits.maxPerDay
                || usage.trades >= limits.maxTradesPerDay
        ) revert LimitExceeded();
        // fits: the sum was just found not to exceed a uint128
        usage.spent += uint128(amountIn);
        usage.trades += 1;
        _usage[user] = usage;
    }

    function _newTrade(uint8 side, address user, address router, address optionToken)
        private
        view
        returns (Trade memory trade)
    {
        trade.isBuy = side == BUY;
        trade.user = user;
        trade.router = router;
        trade.optionToken = optionToken;
        (trade.tokenIn, trade.tokenOut) = trade.isBuy ? (usdc, optionToken) : (optionToken, usdc);
    }

    /// @dev A series is deployed by its first fill, so a token without code can only be judged after the venue's call.
    /// @return vouched whether the token is known to be tradable already
    function _requireListed(Trade memory trade) private view returns (bool vouched) {
        RouterRecord storage record = _routers[trade.router];
        if (record.listing == Listing.NONE || (trade.isBuy && record.listing != Listing.ACTIVE)) {
            revert RouterNotAllowed(trade.router);
        }
        if (trade.router.codehash != record.codehash) revert RouterCodeChanged(trade.router);
        if (trade.optionToken == address(0)) revert ZeroAddress();
        if (trade.optionToken == usdc) revert SameToken();
        vouched = _isTokenListed(trade);
        if (!vouched && !(trade.isBuy && trade.optionToken.code.length == 0)) revert TokenNotAllowed(trade.optionToken);
    }

    function _isTokenListed(Trade memory trade) private view returns (bool) {
        Listing listing = tokenListing[trade.optionToken];
        if (listing == Listing.ACTIVE || (listing == Listing.SELL_ONLY && !trade.isBuy)) return true;
        return IThetanutsRouter(trade.router).isSeries(trade.optionToken);
    }

    /// @dev After a partial close the mandate sells what is left, for its share of the floor, rounded up.
    function _fitToBalance(Trade memory trade) private view {
        uint256 balance = IERC20(trade.tokenIn).balanceOf(trade.user);
        if (balance >= trade.amountIn) return;
        if (balance == 0) revert ZeroAmount();
        trade.minAmountOut = Math.mulDiv(trade.minAmountOut, balance, trade.amountIn, Math.Rounding.Ceil);
        trade.amountIn = balance;
    }

    /// @dev Guards the three-argument calls against a typo where the venue has a price of its own; where it has none,
    /// the venue refuses the trade itself.
    function _requireNearStandingQuote(Trade memory trade) private view {
        IThetanutsRouter router = IThetanutsRouter(trade.router);
        bytes memory none;
        if (trade.isBuy) {
            try router.quoteBuy(trade.optionToken, trade.amountIn, none) returns (uint256 quoted) {
                _requireTightBound(trade.minAmountOut, quoted);
            } catch {}
        } else {
            try router.quoteSell(trade.optionToken, trade.amountIn, none) returns (uint256 quoted) {
                _requireTightBound(trade.minAmountOut, quoted);
            } catch {}
        }
    }

    function _tryPermit(address token, TradeIntent calldata i, Permit memory p) private {
        try IERC20Permit(token).permit(i.user, address(this), i.amountIn, p.deadline, p.v, p.r, p.s) {} catch {}
    }

    function _noPermit() private pure returns (Permit memory) {}

    // ------------------------------------------------------------------------------------------------ moving the money

    /// @return received what arrived at the user, as measured
    function _settle(Trade memory trade, bool vouched, bytes calldata routeData) private returns (uint256 received) {
        _snapshot(trade);
        _pull(trade);
        _callVenue(trade, routeData);
        if (!vouched && !_isTokenListed(trade)) revert TokenNotAllowed(trade.optionToken);
        _refund(trade);
        received = _deliver(trade);
        uint256 spent = _requireNothingElseMoved(trade);
        if (trade.isBuy) emit OptionPurchased(trade.user, trade.optionToken, spent, received, block.timestamp);
        else emit OptionSold(trade.user, trade.optionToken, spent, received, block.timestamp);
    }

    function _snapshot(Trade memory trade) private view {
        trade.ownInBefore = _balance(trade.tokenIn, address(this));
        trade.ownOutBefore = _balance(trade.tokenOut, address(this));
        trade.userInBefore = _balance(trade.tokenIn, trade.user);
        trade.userOutBefore = _balance(trade.tokenOut, trade.user);
    }

    function _pull(Trade memory trade) private {
        IERC20(trade.tokenIn).safeTransferFrom(trade.user, address(this), trade.amountIn);
        uint256 arrived = _balance(trade.tokenIn, address(this)) - trade.ownInBefore;
        if (arrived != trade.amountIn) revert FeeOnTransfer(trade.amountIn, arrived);
        if (Math.saturatingSub(trade.userInBefore, _balance(trade.tokenIn, trade.user)) > trade.amountIn) revert OverPull();
    }

    function _callVenue(Trade memory trade, bytes calldata routeData) private {
        IERC20(trade.tokenIn).forceApprove(trade.router, trade.amountIn);
        IThetanutsRouter router = IThetanutsRouter(trade.router);
        // The venue's answer is not evidence: the balances are.
        // slither-disable-start unused-return
        if (trade.isBuy) {
            router.buy(trade.optionToken, trade.amountIn, trade.minAmountOut, address(this), routeData);
        } else {
            router.sell(trade.optionToken, trade.amountIn, trade.minAmountOut, address(this), routeData);
        }
        // slither-disable-end unused-return
        IERC20(trade.tokenIn).forceApprove(trade.router, 0);
    }

    /// @dev Before the proceeds are measured: if both addresses were one token, its leftover must not count as proceeds.
    function _refund(Trade memory trade) private {
        uint256 left = _balance(trade.tokenIn, address(this));
        if (left < trade.ownInBefore) revert OverPull();
        if (left > trade.ownInBefore) IERC20(trade.tokenIn).safeTransfer(trade.user, left - trade.ownInBefore);
    }

    function _deliver(Trade memory trade) private returns (uint256 received) {
        uint256 proceeds = Math.saturatingSub(_balance(trade.tokenOut, address(this)), trade.ownOutBefore);
        if (proceeds < trade.minAmountOut) revert SlippageExceeded(trade.minAmountOut, proceeds);
        IERC20(trade.tokenOut).safeTransfer(trade.user, proceeds);
        received = Math.saturatingSub(_balance(trade.tokenOut, trade.user), trade.userOutBefore);
        if (received < trade.minAmountOut) revert SlippageExceeded(trade.minAmountOut, received);
    }

    /// @return spent what left the user, as measured
    function _requireNothingElseMoved(Trade memory trade) private view returns (uint256 spent) {
        spent = Math.saturatingSub(trade.userInBefore, _balance(trade.tokenIn, trade.user));
        if (
            spent > trade.amountIn || _balance(trade.tokenIn, address(this)) != trade.ownInBefore
                || _balance(trade.tokenOut, address(this)) != trade.ownOutBefore
        ) revert OverPull();
    }

    /// @dev A series that does not exist yet has no balances.
    function _balance(address token, address account) private view returns (uint256) {
        return token.code.length == 0 ? 0 : IERC20(token).balanceOf(account);
    }
}
