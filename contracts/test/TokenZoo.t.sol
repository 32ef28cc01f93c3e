// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DevelopmentUSDC} from "../src/dev/DevelopmentUSDC.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";
import {
    AliasToken,
    ApproveOnceToken,
    FalseToken,
    FeeToken,
    FreezingToken,
    HookToken,
    NoReturnToken,
    RebasingToken,
    SenderFeeToken,
    ShrinkingToken,
    StubToken,
    UnderReportingToken
} from "./support/Tokens.sol";

/// @notice Listed tokens that behave like no token should: either the trade is exact, or nothing happens.
contract TokenZooTest is Fixture {
    function list(address token) internal returns (StubToken) {
        vm.prank(owner);
        trader.setOptionTokenAllowed(token, true);
        return StubToken(token);
    }

    function buyOf(address token) internal returns (ISentientTrader.TradeIntent memory i) {
        i = buyIntent();
        i.optionToken = token;
        approveFor(i);
    }

    function sellOf(address token) internal returns (ISentientTrader.TradeIntent memory i) {
        i = sellIntent();
        i.optionToken = token;
        approveFor(i);
    }

    // ---- fees

    function test_feeToken_buysRevertWhenTheFeeBreaksTheMinimum() public {
        ISentientTrader.TradeIntent memory i = buyOf(address(list(address(new FeeToken()))));
        i.minAmountOut = 1_980_001;
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_001, 1_980_000));
    }

    function test_feeToken_buysReportWhatArrivedNotWhatWasSent() public {
        ISentientTrader.TradeIntent memory i = buyOf(address(list(address(new FeeToken()))));
        bytes memory signature = sign(i);
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionPurchased(user, i.optionToken, 100 * USDC, 1_980_000, NOW);
        vm.prank(user);
        eq(trader.executeTrade(i, signature, 0, ""), 1_980_000, "measured at the user");
    }

    function test_feeToken_sellsRevert() public {
        ISentientTrader.TradeIntent memory i = sellOf(address(list(address(new FeeToken()))));
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.FeeOnTransfer.selector, 2 * USDC, 1_980_000));
    }

    function test_senderFeeToken_cannotChargeTheUserMoreThanTheSignedAmount() public {
        StubToken token = list(address(new SenderFeeToken()));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        SenderFeeToken(address(token)).setCharged(user);
        token.mint(user, 1 * USDC);
        executeExpecting(i, abi.encodePacked(ISentientTrader.OverPull.selector));
    }

    function test_senderFeeToken_cannotChargeDonations() public {
        StubToken token = list(address(new SenderFeeToken()));
        ISentientTrader.TradeIntent memory i = buyOf(address(token));
        SenderFeeToken(address(token)).setCharged(address(trader));
        token.mint(address(trader), 1 * USDC);
        executeExpecting(i, abi.encodePacked(ISentientTrader.OverPull.selector));
    }

    // ---- answers

    function test_falseToken_sellsRevert() public {
        FalseToken token = new FalseToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        token.breakIt();
        executeExpecting(i, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
    }

    function test_falseToken_buysRevert() public {
        FalseToken token = new FalseToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = buyOf(address(token));
        token.breakIt();
        executeExpecting(i, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
    }

    function test_noReturnToken_tradesBothWays() public {
        tradesBothWays(address(new NoReturnToken()));
    }

    function test_approveOnceToken_tradesBothWays() public {
        tradesBothWays(address(new ApproveOnceToken()));
    }

    function tradesBothWays(address token) internal {
        list(token);
        eq(execute(buyOf(token)), 2 * USDC, "bought");
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.optionToken = token;
        vm.prank(user);
        NoReturnToken(token).approve(address(trader), 2 * USDC);
        eq(execute(i), 100 * USDC, "sold");
        assertNothingLeftBehind(token);
    }

    // ---- calls

    /// @dev The token itself holds a second valid signed intent, and tries it in the middle of the first.
    function test_hookToken_cannotReenterWithASecondSignedIntent() public {
        HookToken token = new HookToken();
        list(address(token));
        rogue.vouch(address(token));
        ISentientTrader.TradeIntent memory second = buyIntent();
        second.executor = address(token);
        second.nonce = 99;
        approveFor(second);
        ISentientTrader.TradeIntent memory first = sellOf(address(token));
        token.arm(address(trader), abi.encodeCall(ISentientTrader.executeTrade, (second, sign(second), 0, "")));
        eq(execute(first), 100 * USDC, "the first goes on");
        yes(!token.payloadSucceeded(), "the second was refused");
        yes(!trader.isNonceUsed(user, 99), "and is untouched");
    }

    // ---- balances

    function test_rebasingToken_sellsRevertWhileItRises() public {
        RebasingToken token = new RebasingToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        token.setRising(true);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.FeeOnTransfer.selector, 2 * USDC, 2_200_000));
    }

    function test_rebasingToken_tradesWhileItRests() public {
        RebasingToken token = new RebasingToken();
        list(address(token));
        eq(execute(sellOf(address(token))), 100 * USDC, "sold");
    }

    function test_shrinkingToken_cannotMakeDonationsPayForATrade() public {
        ShrinkingToken token = new ShrinkingToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        token.mint(address(trader), 10 * USDC);
        token.setTrigger(address(rogue));
        executeExpecting(i, abi.encodePacked(ISentientTrader.OverPull.selector));
    }

    /// @dev Were the leftover USDC counted as proceeds, a venue could take half of the money and deliver nothing.
    function test_aliasToken_leftoversAreNotProceeds() public {
        AliasToken token = new AliasToken(StubToken(address(usdc)));
        list(address(token));
        rogue.setMode(HostileRouter.Mode.PARTIAL_PULL);
        ISentientTrader.TradeIntent memory i = buyOf(address(token));
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 0));
    }

    function test_underReportingToken_sellsRevert() public {
        UnderReportingToken token = new UnderReportingToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        token.mint(user, 2 * USDC);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.FeeOnTransfer.selector, 2 * USDC, 1 * USDC));
    }

    // ---- freezes

    function test_freezingToken_revertsAndLeavesTheIntentGood() public {
        FreezingToken token = new FreezingToken();
        list(address(token));
        ISentientTrader.TradeIntent memory i = sellOf(address(token));
        token.setFrozen(true);
        executeExpecting(i, abi.encodeWithSignature("Error(string)", "frozen"));
        token.setFrozen(false);
        eq(execute(i), 100 * USDC, "later it sells");
    }

    function test_usdc_pausedStopsEverythingAndLosesNothing() public {
        ISentientTrader.TradeIntent memory i = buyOf(address(option));
        vm.prank(owner);
        usdc.pause();
        executeExpecting(i, abi.encodePacked(Pausable.EnforcedPause.selector));
        vm.prank(owner);
        usdc.unpause();
        eq(execute(i), 2 * USDC, "later it buys");
    }

    function test_usdc_blacklistingTheUserRevertsTheSaleAndKeepsTheOptions() public {
        ISentientTrader.TradeIntent memory i = sellOf(address(option));
        vm.prank(owner);
        usdc.blacklist(user);
        executeExpecting(i, abi.encodeWithSelector(DevelopmentUSDC.AccountBlacklisted.selector, user));
        eq(option.balanceOf(user), 2 * USDC, "kept");
    }

    function test_usdc_blacklistingTheTraderRevertsEverything() public {
        ISentientTrader.TradeIntent memory i = buyOf(address(option));
        vm.prank(owner);
        usdc.blacklist(address(trader));
        executeExpecting(i, abi.encodeWithSelector(DevelopmentUSDC.AccountBlacklisted.selector, address(trader)));
    }
}
