// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedIntents} from "./SignedIntents.sol";
import {TraderAdministration} from "./TraderAdministration.sol";
import {ISentientTrader} from "./interfaces/ISentientTrader.sol";
import {IThetanutsRouter} from "./interfaces/IThetanutsRouter.sol";

/// @title SentientTrader
/// @notice See ISentientTrader for what it promises. This file moves the money: every amount is measured by balances,
/// before and after, of this contract and of the user.
contract SentientTrader is SignedIntents {
    using SafeERC20 for IERC20;

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

    // ------------------------------------------------------------------------------------------------ from intent to trade

    function _execute(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData,
        Permit memory permit
    ) private returns (uint256 amountOut) {
        _requireSideOpen(i.side);
        bytes32 digest = _useIntent(i, signature);
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
        if (!vouched && !(trade.isBuy && trade.optionToken.code.length == 0)) {
            revert TokenNotAllowed(trade.optionToken);
        }
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
        if (trade.isBuy) {
            try router.quoteBuy(trade.optionToken, trade.amountIn, "") returns (uint256 quoted) {
                _requireTightBound(trade.minAmountOut, quoted);
            } catch {}
        } else {
            try router.quoteSell(trade.optionToken, trade.amountIn, "") returns (uint256 quoted) {
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
        // `user` is msg.sender or has signed this very trade.
        // slither-disable-next-line arbitrary-send-erc20
        IERC20(trade.tokenIn).safeTransferFrom(trade.user, address(this), trade.amountIn);
        uint256 arrived = _balance(trade.tokenIn, address(this)) - trade.ownInBefore;
        if (arrived != trade.amountIn) revert FeeOnTransfer(trade.amountIn, arrived);
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
        // Only what came through here counts: the user may be owed other money, and a venue could have that paid out now.
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
