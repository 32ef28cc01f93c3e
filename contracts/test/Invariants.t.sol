// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {Handler} from "./support/Handler.sol";
import {HostileRouter} from "./support/HostileRouter.sol";

/// @notice I1 to I16 of the specification, after every sequence of calls that Handler's crowd comes up with.
contract InvariantsTest is Fixture {
    Handler internal handler;
    HostileRouter[3] internal routers;

    function setUp() public override {
        super.setUp();
        address[] memory listed = new address[](2);
        for (uint256 r = 0; r < 3; ++r) {
            routers[r] = new HostileRouter(usdc);
            vm.prank(owner);
            usdc.mint(address(routers[r]), 1e30);
        }
        (listed[0], listed[1]) = (address(routers[0]), address(routers[1]));
        trader = newTrader(listed);
        handler = new Handler(trader, usdc, owner, routers);
        vm.startPrank(owner);
        trader.setAuthorizedTrader(handler.couriers(0), true);
        for (uint256 t = 0; t < 6; ++t) {
            if (t != 1) trader.setOptionTokenAllowed(handler.tokens(t), true);
        }
        vm.stopPrank();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Invariants over a crowd that never gets a trade through would say nothing.
    function test_theCrowdTradesAndIsRefused() public {
        for (uint256 n = 0; n < 60; ++n) {
            uint256 seed = uint256(keccak256(abi.encode(n)));
            handler.honestTrade(seed, seed, seed);
            handler.flawedTrade(seed, seed, seed, uint8(n));
            handler.hostileTrade(seed, seed, seed, uint8(n), n % 4 == 0);
        }
        yes(handler.executed() > 40 && handler.refused() > 40, "both happen");
        for (uint256 n = 1; n <= 16; ++n) {
            holds(n);
        }
    }

    function holds(uint256 n) internal view {
        eq(handler.breaches(n), 0, handler.lastBreach(n));
    }

    function invariant_I1_onlyWhoOrderedPays() public view {
        holds(1);
    }

    function invariant_I2_everyIntentAndNonceAtMostOnce() public view {
        holds(2);
    }

    function invariant_I3_zeroResidue() public view {
        for (uint256 t = 0; t < 7; ++t) {
            address token = handler.tokens(t);
            eq(IERC20(token).balanceOf(address(trader)), handler.donated(token), "balance is donations");
        }
    }

    function invariant_I4_zeroAllowances() public view {
        for (uint256 t = 0; t < 7; ++t) {
            for (uint256 r = 0; r < 3; ++r) {
                eq(IERC20(handler.tokens(t)).allowance(address(trader), address(routers[r])), 0, "allowance");
            }
        }
    }

    function invariant_I5_theMinimumArrives() public view {
        holds(5);
    }

    function invariant_I6_boundsAreTight() public view {
        holds(6);
    }

    function invariant_I7_nobodyElseGains() public view {
        holds(7);
    }

    function invariant_I8_deadlinesBind() public view {
        holds(8);
    }

    function invariant_I9_couriersStayWithinLimits() public view {
        holds(9);
        for (uint256 u = 0; u < 3; ++u) {
            ISentientTrader.SessionUsage memory usage = trader.sessionUsage(handler.users(u));
            eq(usage.spent, handler.boughtByCouriers(handler.users(u), usage.day), "counted as bought");
        }
    }

    function invariant_I10_pausesHold() public view {
        holds(10);
    }

    function invariant_I11_administrationCannotTouchMoneyOrHurryRouters() public view {
        holds(11);
    }

    function invariant_I12_listingsHold() public view {
        holds(12);
    }

    function invariant_I13_digestIsTheSpecifications() public view {
        holds(13);
    }

    /// @dev Besides every honest trade so far: whatever happened, one more still works once the owner lets it.
    function invariant_I14_honestTradesSucceed() public {
        holds(14);
        vm.startPrank(owner);
        if (trader.paused()) trader.unpause();
        trader.setOptionTokenAllowed(address(option), true);
        trader.proposeRouter(address(routers[0]));
        vm.warp(block.timestamp + 48 hours);
        trader.acceptRouter(address(routers[0]));
        vm.stopPrank();
        routers[0].setMode(HostileRouter.Mode.HONEST);
        ISentientTrader.TradeIntent memory i = buyIntent();
        (i.router, i.nonce) = (address(routers[0]), type(uint256).max);
        approveFor(i);
        _fund(user);
        eq(execute(i), 2 * USDC, "an honest buy");
    }

    /// @dev Whatever happened, the user can still call everything off alone.
    function invariant_I15_theUserCanAlwaysCallItOff() public {
        vm.prank(user);
        trader.cancelNonce(type(uint256).max);
        yes(trader.isNonceUsed(user, type(uint256).max), "cancelled");
    }

    function invariant_I16_oddTokensAddUpOrRevert() public view {
        holds(16);
    }
}
