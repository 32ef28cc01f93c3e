// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";

/// @notice What authorised couriers may buy for a user, however many signatures they hold.
contract SessionLimitsTest is Fixture {
    uint256 private _nextNonce = 100;

    function test_courierBuys_revertUntilLimitsAreSet() public {
        buyByCourierExpecting(100 * USDC, ISentientTrader.SessionExpired.selector);
    }

    function test_courierBuys_succeedUpToTheLimitPerTrade() public {
        limits(100_000_000, 1_000_000_000, 5);
        buyByCourier(100 * USDC);
        buyByCourierExpecting(100 * USDC + 1, ISentientTrader.LimitExceeded.selector);
    }

    function test_courierBuys_succeedUpToTheLimitPerDay() public {
        limits(100_000_000, 250_000_000, 5);
        buyByCourier(100 * USDC);
        buyByCourier(100 * USDC);
        buyByCourierExpecting(50 * USDC + 1, ISentientTrader.LimitExceeded.selector);
        buyByCourier(50 * USDC);
        ISentientTrader.SessionUsage memory usage = trader.sessionUsage(user);
        eq(usage.spent, 250 * USDC, "spent");
        eq(usage.trades, 3, "trades");
        eq(usage.day, NOW / 1 days, "day");
    }

    function test_courierBuys_succeedUpToTheCountPerDay() public {
        limits(100_000_000, 1_000_000_000, 2);
        buyByCourier(100 * USDC);
        buyByCourier(100 * USDC);
        buyByCourierExpecting(1 * USDC, ISentientTrader.LimitExceeded.selector);
    }

    function test_courierBuys_startAfreshAtMidnightUtcAndNotBefore() public {
        limits(100_000_000, 100_000_000, 1);
        buyByCourier(100 * USDC);
        uint256 midnight = (NOW / 1 days + 1) * 1 days;
        vm.warp(midnight - 1);
        buyByCourierExpecting(1 * USDC, ISentientTrader.LimitExceeded.selector);
        vm.warp(midnight);
        buyByCourier(100 * USDC);
        eq(trader.sessionUsage(user).spent, 100 * USDC, "only today's");
    }

    function test_courierBuys_workInTheLastSecondOfTheSessionAndNotAfter() public {
        limits(100_000_000, 1_000_000_000, 5);
        vm.warp(NOW + 3 days);
        buyByCourier(100 * USDC);
        vm.warp(NOW + 3 days + 1);
        buyByCourierExpecting(100 * USDC, ISentientTrader.SessionExpired.selector);
    }

    function test_setSessionLimits_tightensAtOnce() public {
        limits(100_000_000, 1_000_000_000, 5);
        buyByCourier(100 * USDC);
        limits(0, 0, 0);
        buyByCourierExpecting(1 * USDC, ISentientTrader.LimitExceeded.selector);
    }

    function test_setSessionLimits_touchesOnlyTheCaller() public {
        ISentientTrader.SessionLimits memory wide =
            ISentientTrader.SessionLimits(type(uint128).max, type(uint128).max, type(uint64).max, 9);
        vm.expectEmit(address(trader));
        emit ISentientTrader.SessionLimitsSet(other, wide);
        vm.prank(other);
        trader.setSessionLimits(wide);
        eq(trader.sessionLimits(other).maxPerTrade, type(uint128).max, "theirs");
        eq(trader.sessionLimits(user).maxPerTrade, 0, "not the user's");
        buyByCourierExpecting(100 * USDC, ISentientTrader.SessionExpired.selector);
    }

    function test_courierBuys_ofOneUserLeaveAnothersDayUntouched() public {
        limits(100_000_000, 100_000_000, 1);
        buyByCourier(100 * USDC);
        eq(trader.sessionUsage(other).spent, 0, "theirs");
    }

    function test_limits_bindACourierEvenWhenTheUserNamesIt() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = courier;
        approveFor(i);
        bytes memory signature = sign(i);
        vm.expectRevert(ISentientTrader.SessionExpired.selector);
        vm.prank(courier);
        trader.executeTrade(i, signature, 0, "");
    }

    function test_limits_doNotBindTheUser() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        eq(execute(i), 2 * USDC, "bought");
        eq(trader.sessionUsage(user).spent, 0, "nothing counted");
    }

    function test_limits_doNotBindAUserWhoIsACourierToo() public {
        vm.prank(owner);
        trader.setAuthorizedTrader(user, true);
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        eq(execute(i), 2 * USDC, "bought");
    }

    function test_limits_doNotBindANamedExecutor() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = daemon;
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(daemon);
        eq(trader.executeTrade(i, signature, 0, ""), 2 * USDC, "bought");
    }

    function testFuzz_courierBuys_neverExceedTheDay(uint64[8] memory amounts, uint64 perTrade, uint64 perDay) public {
        limits(perTrade, perDay, 4);
        uint256 bought = 0;
        uint256 count = 0;
        for (uint256 n = 0; n < amounts.length; ++n) {
            uint256 amount = between(amounts[n], 50, 10_000 * USDC);
            ISentientTrader.TradeIntent memory i = courierIntent(amount);
            bytes memory signature = sign(i);
            vm.prank(courier);
            try trader.executeTrade(i, signature, 0, "") {
                yes(amount <= perTrade, "within the trade");
                bought += amount;
                count += 1;
            } catch {}
        }
        yes(bought <= perDay, "within the day");
        yes(count <= 4, "within the count");
        eq(trader.sessionUsage(user).spent, bought, "all counted");
    }

    function courierIntent(uint256 amount) internal returns (ISentientTrader.TradeIntent memory i) {
        i = buyIntent();
        i.executor = address(0);
        i.amountIn = amount;
        i.quotedAmountOut = amount / 50;
        i.minAmountOut = amount / 50;
        i.nonce = _nextNonce++;
        approveFor(i);
    }

    function buyByCourier(uint256 amount) internal {
        ISentientTrader.TradeIntent memory i = courierIntent(amount);
        bytes memory signature = sign(i);
        vm.prank(courier);
        trader.executeTrade(i, signature, 0, "");
    }

    function buyByCourierExpecting(uint256 amount, bytes4 failure) internal {
        ISentientTrader.TradeIntent memory i = courierIntent(amount);
        bytes memory signature = sign(i);
        vm.expectRevert(failure);
        vm.prank(courier);
        trader.executeTrade(i, signature, 0, "");
    }
}
