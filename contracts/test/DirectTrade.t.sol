// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {IThetanutsRouter} from "../src/interfaces/IThetanutsRouter.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";

/// @notice The three-argument calls: whoever calls trades with their own money, for themselves.
contract DirectTradeTest is Fixture {
    function setUp() public override {
        super.setUp();
        option.mint(user, 2 * USDC);
        vm.startPrank(user);
        usdc.approve(address(trader), 100 * USDC);
        option.approve(address(trader), 2 * USDC);
        vm.stopPrank();
    }

    function test_buyOption_tradesForTheCaller() public {
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionPurchased(user, address(option), 100 * USDC, 2 * USDC, NOW);
        vm.prank(user);
        eq(trader.buyOption(address(option), 100 * USDC, 2 * USDC), 2 * USDC, "bought");
        eq(option.balanceOf(user), 4 * USDC, "received");
        assertNothingLeftBehind(address(option));
    }

    function test_sellOption_tradesForTheCaller() public {
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionSold(user, address(option), 2 * USDC, 100 * USDC, NOW);
        vm.prank(user);
        eq(trader.sellOption(address(option), 2 * USDC, 99 * USDC), 100 * USDC, "sold");
        assertNothingLeftBehind(address(option));
    }

    function test_buyOption_cannotReachAnotherUsersAllowance() public {
        vm.expectRevert();
        vm.prank(courier);
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
    }

    function test_buyOption_revertsForZeroAmounts() public {
        vm.startPrank(user);
        vm.expectRevert(ISentientTrader.ZeroAmount.selector);
        trader.buyOption(address(option), 0, 1);
        vm.expectRevert(ISentientTrader.ZeroAmount.selector);
        trader.buyOption(address(option), 100 * USDC, 0);
        vm.expectRevert(ISentientTrader.ZeroAmount.selector);
        trader.sellOption(address(option), 2 * USDC, 0);
    }

    function test_buyOption_revertsForAMinimumFarBelowTheVenuesQuote() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, 1_799_999, 2 * USDC));
        vm.prank(user);
        trader.buyOption(address(option), 100 * USDC, 1_799_999);
    }

    function test_sellOption_revertsForAMinimumFarBelowTheVenuesQuote() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, 89 * USDC, 100 * USDC));
        vm.prank(user);
        trader.sellOption(address(option), 2 * USDC, 89 * USDC);
    }

    function test_buyOption_leavesTheVenueToRefuseWhenItCannotQuote() public {
        rogue.setMode(HostileRouter.Mode.REVERT);
        vm.startPrank(user);
        vm.expectRevert(bytes("venue closed"));
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
        vm.expectRevert(bytes("venue closed"));
        trader.sellOption(address(option), 2 * USDC, 99 * USDC);
    }

    function test_buyOption_revertsWhenPaused() public {
        vm.prank(guardian);
        trader.pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(user);
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
    }

    function test_sellOption_revertsWhenExitsArePausedAndOnlyThen() public {
        vm.startPrank(owner);
        trader.pause();
        trader.setExitsPaused(true);
        vm.stopPrank();
        vm.expectRevert(ISentientTrader.ExitsArePaused.selector);
        vm.prank(user);
        trader.sellOption(address(option), 2 * USDC, 99 * USDC);
        vm.prank(owner);
        trader.setExitsPaused(false);
        vm.prank(user);
        eq(trader.sellOption(address(option), 2 * USDC, 99 * USDC), 100 * USDC, "sold while buys are paused");
    }

    function test_buyOption_revertsWhereTheVenueNeedsAMakersQuote() public {
        vm.prank(owner);
        trader.setDefaultRouter(address(venue));
        vm.expectRevert(IThetanutsRouter.MakerQuoteRequired.selector);
        vm.prank(user);
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
    }

    function test_buyOption_revertsWithoutADefaultRouter() public {
        address[] memory none = new address[](0);
        trader = newTrader(none);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(0)));
        vm.prank(user);
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
    }

    function test_buyOption_revertsThroughARemovedDefaultRouterWhileSellsGoOn() public {
        vm.prank(owner);
        trader.removeRouter(address(rogue));
        vm.startPrank(user);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(rogue)));
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
        eq(trader.sellOption(address(option), 2 * USDC, 99 * USDC), 100 * USDC, "sold");
    }
}
