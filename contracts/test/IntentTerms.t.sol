// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";

/// @notice What an intent says about itself: once, in time, at no worse than its bound.
contract IntentTermsTest is Fixture {
    // ---- nonces

    function test_executeTrade_revertsTheSecondTime() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        execute(i);
        approveFor(i);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.NonceUsed.selector, i.nonce));
    }

    function test_executeTrade_executesOneOfTwoIntentsThatShareANonce() public {
        ISentientTrader.TradeIntent memory stop = sellIntent();
        ISentientTrader.TradeIntent memory target = sellIntent();
        target.minAmountOut = 100 * USDC;
        approveFor(stop);
        execute(stop);
        approveFor(target);
        executeExpecting(target, abi.encodeWithSelector(ISentientTrader.NonceUsed.selector, target.nonce));
    }

    function test_executeTrade_keepsNoncesOfDifferentWordsApart() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        execute(i);
        i.nonce += 256;
        yes(!trader.isNonceUsed(user, i.nonce), "the same bit of the next word is free");
        approveFor(i);
        execute(i);
        yes(trader.isNonceUsed(user, i.nonce), "and then used");
    }

    function test_cancelNonce_stopsTheIntent() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.expectEmit(address(trader));
        emit ISentientTrader.NonceCancelled(user, 0, 1 << 7);
        vm.prank(user);
        trader.cancelNonce(7);
        yes(trader.isNonceUsed(user, 7), "used");
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.NonceUsed.selector, 7));
    }

    function test_cancelNonce_leavesOtherUsersAlone() public {
        vm.prank(other);
        trader.cancelNonce(7);
        yes(!trader.isNonceUsed(user, 7), "still free");
    }

    function test_cancelNonce_worksWhileEverythingIsPaused() public {
        vm.startPrank(owner);
        trader.pause();
        trader.setExitsPaused(true);
        vm.stopPrank();
        vm.prank(user);
        trader.cancelNonce(9);
        yes(trader.isNonceUsed(user, 9), "used");
    }

    function testFuzz_cancelNonces_burnsTheMaskAndNothingElse(uint256 word, uint256 mask, uint8 bit) public {
        word = between(word, 0, type(uint248).max);
        vm.prank(user);
        trader.cancelNonces(word, mask);
        yes(trader.isNonceUsed(user, (word << 8) | bit) == (mask >> bit & 1 == 1), "bit follows the mask");
    }

    function testFuzz_cancelNonce_burnsThatNonceOnly(uint256 nonce, uint256 neighbour) public {
        vm.assume(nonce != neighbour);
        vm.prank(user);
        trader.cancelNonce(nonce);
        yes(trader.isNonceUsed(user, nonce) && !trader.isNonceUsed(user, neighbour), "that one only");
    }

    /// @dev Revoking the allowance makes the user whole too, in the same block and without the contract's help.
    function test_executeTrade_revertsAfterTheAllowanceIsRevoked() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = daemon;
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(user);
        usdc.approve(address(trader), 0);
        vm.expectRevert();
        vm.prank(daemon);
        trader.executeTrade(i, signature, 0, "");
    }

    // ---- deadlines

    function test_executeTrade_worksInTheLastSecond() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.warp(i.deadline);
        execute(i);
        eq(option.balanceOf(user), 2 * USDC, "received");
    }

    function test_executeTrade_revertsASecondTooLate() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.warp(i.deadline + 1);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.DeadlineExpired.selector, i.deadline));
    }

    function test_executeTrade_allowsBuysFifteenMinutesAhead() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.deadline = NOW + 15 minutes;
        approveFor(i);
        execute(i);
        eq(option.balanceOf(user), 2 * USDC, "received");
    }

    function test_executeTrade_revertsForBuysFurtherAhead() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.deadline = NOW + 15 minutes + 1;
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.DeadlineTooFar.selector, i.deadline));
    }

    function test_executeTrade_allowsSellsThirtyDaysAhead() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.deadline = NOW + 30 days;
        approveFor(i);
        eq(execute(i), 100 * USDC, "sold");
    }

    function test_executeTrade_revertsForSellsFurtherAhead() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.deadline = NOW + 30 days + 1;
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.DeadlineTooFar.selector, i.deadline));
    }

    // ---- bounds

    function test_executeTrade_revertsForAZeroAmount() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.amountIn = 0;
        executeExpecting(i, abi.encodePacked(ISentientTrader.ZeroAmount.selector));
    }

    function test_executeTrade_revertsForAZeroMinimum() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.minAmountOut = 0;
        i.deadline = NOW + 2 days;
        approveFor(i);
        executeExpecting(i, abi.encodePacked(ISentientTrader.ZeroAmount.selector));
    }

    function test_executeTrade_revertsForAZeroQuote() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.quotedAmountOut = 0;
        executeExpecting(i, abi.encodePacked(ISentientTrader.ZeroAmount.selector));
    }

    function test_executeTrade_acceptsTenPercentBelowTheQuote() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.minAmountOut = 1_800_000;
        approveFor(i);
        eq(execute(i), 2 * USDC, "bought");
    }

    function test_executeTrade_revertsOneUnitLooser() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.minAmountOut = 1_799_999;
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, 1_799_999, 2 * USDC));
    }

    function test_executeTrade_bindsSellsDueWithinFifteenMinutes() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.deadline = NOW + 15 minutes;
        i.minAmountOut = 89 * USDC;
        executeExpecting(
            i, abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, 89 * USDC, 100 * USDC)
        );
    }

    function test_executeTrade_leavesTheFloorOfAMandateToThePerson() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.deadline = NOW + 15 minutes + 1;
        i.minAmountOut = 50 * USDC;
        approveFor(i);
        eq(execute(i), 100 * USDC, "sold at the market, not at the floor");
    }

    function testFuzz_executeTrade_neverAcceptsABoundLooserThanTenPercent(uint256 quoted, uint256 min) public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.quotedAmountOut = between(quoted, 1, type(uint128).max);
        i.minAmountOut = between(min, 1, type(uint128).max);
        vm.assume(i.minAmountOut * 10 < i.quotedAmountOut * 9);
        executeExpecting(
            i, abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, i.minAmountOut, i.quotedAmountOut)
        );
    }

    // ---- mandates after a partial close

    function test_executeTrade_sellsWhatIsLeftForItsShareOfTheFloor() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        vm.prank(user);
        option.transfer(other, 1_500_000);
        uint256 before = usdc.balanceOf(user);
        execute(i);
        eq(usdc.balanceOf(user) - before, 25 * USDC, "a quarter sold for a quarter");
    }

    function test_executeTrade_roundsTheShareOfTheFloorUp() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        (i.amountIn, i.minAmountOut, i.quotedAmountOut) = (3, 149, 150);
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.PAY_ONE_SHORT);
        vm.prank(user);
        option.transfer(other, 2);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 50, 49));
    }

    function test_executeTrade_neverSellsMoreThanTheCeiling() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        option.mint(user, 5 * USDC);
        execute(i);
        eq(option.balanceOf(user), 5 * USDC, "the rest stayed");
    }

    function test_executeTrade_revertsWhenNothingIsLeftToSell() public {
        executeExpecting(sellIntent(), abi.encodePacked(ISentientTrader.ZeroAmount.selector));
    }

    // ---- what the courier demands

    function test_executeTrade_takesTheCouriersMinimumWhenItIsTighter() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        bytes memory signature = sign(i);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 2_000_001, 2_000_000));
        vm.prank(user);
        trader.executeTrade(i, signature, 2_000_001, "");
    }

    function test_executeTrade_ignoresTheCouriersMinimumWhenItIsLooser() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.PAY_ONE_SHORT);
        bytes memory signature = sign(i);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 1_979_999));
        vm.prank(user);
        trader.executeTrade(i, signature, 1, "");
    }
}
