// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";

/// @notice A listed venue turns hostile: whatever it does, the user keeps the money or gets what was signed.
contract HostileVenueTest is Fixture {
    function test_executeTrade_believesBalancesNotTheVenue() public {
        refuses(HostileRouter.Mode.LIE, abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 0));
    }

    function test_executeTrade_revertsWhenTheVenueKeepsEverything() public {
        refuses(
            HostileRouter.Mode.KEEP_ALL, abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 0)
        );
    }

    function test_executeTrade_revertsForOneUnitTooLittle() public {
        refuses(
            HostileRouter.Mode.PAY_ONE_SHORT,
            abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 1_979_999)
        );
    }

    /// @dev Otherwise a venue could keep the proceeds and have the user paid what an expired option owes them anyway.
    function test_executeTrade_countsOnlyWhatCameThroughTheContract() public {
        rogue.payDirectly(user);
        refuses(
            HostileRouter.Mode.PAY_THE_USER_DIRECTLY,
            abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 0)
        );
    }

    function test_executeTrade_passesOnTheVenuesOwnRefusal() public {
        refuses(HostileRouter.Mode.REVERT, abi.encodeWithSignature("Error(string)", "venue closed"));
    }

    function test_executeTrade_revertsWhenTheVenueBurnsAllGas() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.GAS_BOMB);
        bytes memory signature = sign(i);
        vm.prank(user);
        (bool ok,) =
            address(trader).call{gas: 2_000_000}(abi.encodeCall(ISentientTrader.executeTrade, (i, signature, 0, "")));
        yes(!ok, "refused");
        yes(!trader.isNonceUsed(user, i.nonce), "and still possible later");
    }

    function test_executeTrade_survivesAReturnBomb() public {
        refuses(
            HostileRouter.Mode.RETURN_BOMB,
            abi.encodeWithSelector(ISentientTrader.SlippageExceeded.selector, 1_980_000, 0)
        );
    }

    function test_executeTrade_refundsWhatTheVenueDidNotTake() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.PARTIAL_PULL);
        uint256 before = usdc.balanceOf(user);
        bytes memory signature = sign(i);
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionPurchased(user, address(option), 50 * USDC, 2 * USDC, NOW);
        vm.prank(user);
        trader.executeTrade(i, signature, 0, "");
        eq(before - usdc.balanceOf(user), 50 * USDC, "half was spent, half refunded");
        assertNothingLeftBehind(address(option));
    }

    function test_executeTrade_refundsTheUserNotTheCourier() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = daemon;
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.PARTIAL_PULL);
        uint256 before = usdc.balanceOf(user);
        bytes memory signature = sign(i);
        vm.prank(daemon);
        trader.executeTrade(i, signature, 0, "");
        eq(before - usdc.balanceOf(user), 50 * USDC, "half came back to the user");
        eq(usdc.balanceOf(daemon), 0, "and nothing to the courier");
    }

    function test_executeTrade_givesTheVenueNotAUnitMore() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.startPrank(user);
        usdc.approve(address(trader), type(uint256).max); // even from the careless
        usdc.transfer(address(trader), 7 * USDC);
        vm.stopPrank();
        rogue.setMode(HostileRouter.Mode.OVER_PULL);
        execute(i);
        eq(rogue.extraPulled(), 0, "nothing extra");
        eq(usdc.balanceOf(address(trader)), 7 * USDC, "donation untouched");
    }

    /// @dev The venue holds the user's own valid, unexecuted second intent, and is its named executor.
    function test_executeTrade_cannotBeReenteredWithASecondSignedIntent() public {
        ISentientTrader.TradeIntent memory second = sellIntent();
        second.executor = address(rogue);
        approveFor(second);
        bytes memory secondSignature = sign(second);
        reenters(abi.encodeCall(ISentientTrader.executeTrade, (second, secondSignature, 0, "")));
        yes(!trader.isNonceUsed(user, second.nonce), "the second intent is untouched");
        eq(option.balanceOf(user), 4 * USDC, "two held, two bought");
    }

    function test_everyStateChangingCall_refusesReentry() public {
        bytes[7] memory calls = [
            abi.encodeWithSignature("buyOption(address,uint256,uint256)", address(option), 1, 1),
            abi.encodeCall(ISentientTrader.sellOption, (address(option), 1, 1)),
            abi.encodeCall(ISentientTrader.cancelNonce, (1)),
            abi.encodeCall(ISentientTrader.cancelNonces, (1, 1)),
            abi.encodeCall(
                ISentientTrader.setSessionLimits, (ISentientTrader.SessionLimits(1, 1, type(uint64).max, 1))
            ),
            abi.encodeWithSignature("pause()"),
            abi.encodeWithSignature("acceptOwnership()")
        ];
        for (uint256 n = 0; n < calls.length; ++n) {
            reenters(calls[n]);
        }
    }

    /// @dev The worst case: the venue is the owner. Still nothing can be taken out during a trade.
    function test_ownersCalls_refuseReentryEvenByAVenueThatIsTheOwner() public {
        vm.prank(owner);
        trader.transferOwnership(address(rogue));
        vm.prank(address(rogue));
        trader.acceptOwnership();
        bytes[10] memory calls = [
            abi.encodeCall(trader.rescueToken, (address(usdc), address(rogue), 100 * USDC)),
            abi.encodeCall(trader.setAuthorizedTrader, (stranger, true)),
            abi.encodeCall(trader.unpause, ()),
            abi.encodeCall(trader.setExitsPaused, (true)),
            abi.encodeCall(trader.proposeRouter, (address(rogue))),
            abi.encodeCall(trader.acceptRouter, (address(rogue))),
            abi.encodeCall(trader.removeRouter, (address(rogue))),
            abi.encodeCall(trader.setDefaultRouter, (address(venue))),
            abi.encodeCall(trader.setOptionTokenAllowed, (address(option), true)),
            abi.encodeCall(trader.setGuardian, (stranger))
        ];
        for (uint256 n = 0; n < calls.length; ++n) {
            reenters(calls[n]);
        }
        reenters(abi.encodeCall(trader.transferOwnership, (stranger)));
    }

    uint256 private _reentryNonce = 1_000;

    function reenters(bytes memory payload) internal {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.nonce = _reentryNonce++;
        approveFor(i);
        rogue.arm(address(trader), payload);
        eq(execute(i), 2 * USDC, "the trade itself goes on");
        yes(!rogue.payloadSucceeded(), "reentry refused");
    }

    /// @dev After any attack the next honest trade goes through as if nothing had been.
    function testFuzz_executeTrade_worksAgainAfterAnyHostility(uint8[6] memory attacks) public {
        for (uint256 n = 0; n < attacks.length; ++n) {
            rogue.setMode(HostileRouter.Mode(attacks[n] % 8));
            rogueTry(n);
        }
        rogue.setMode(HostileRouter.Mode.HONEST);
        uint256 before = option.balanceOf(user);
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        execute(i);
        eq(option.balanceOf(user) - before, 2 * USDC, "honest again");
        assertNothingLeftBehind(address(option));
    }

    function rogueTry(uint256 n) internal {
        if (rogue.mode() == HostileRouter.Mode.GAS_BOMB) return; // has its own test, with a gas limit
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.nonce = 2_000 + n;
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(user);
        try trader.executeTrade(i, signature, 0, "") {} catch {}
    }

    function refuses(HostileRouter.Mode mode, bytes memory failure) internal {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        uint256 before = usdc.balanceOf(user);
        rogue.setMode(mode);
        executeExpecting(i, failure);
        eq(usdc.balanceOf(user), before, "not a unit lost");
        yes(!trader.isNonceUsed(user, i.nonce), "the intent is still good");
    }
}
