// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {SentientTrader} from "../src/SentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";
import {StubToken} from "./support/Tokens.sol";

contract EighteenDecimals {
    function decimals() external pure returns (uint8) {
        return 18;
    }
}

contract AdministrationTest is Fixture {
    HostileRouter internal late;

    function setUp() public override {
        super.setUp();
        late = new HostileRouter(usdc);
    }

    // ---- construction

    function test_constructor_recordsWhatItWasGiven() public view {
        eq(trader.usdc(), address(usdc), "usdc");
        eq(trader.owner(), owner, "owner");
        eq(trader.guardian(), guardian, "guardian");
        eq(trader.defaultRouter(), address(rogue), "default router");
        ISentientTrader.RouterRecord memory record = trader.routerRecord(address(venue));
        yes(record.listing == ISentientTrader.Listing.ACTIVE, "listed");
        eq(record.codehash, address(venue).codehash, "code hash");
    }

    function test_constructor_announcesItsDomain() public view {
        (, string memory name, string memory version, uint256 chain, address verifying,,) = trader.eip712Domain();
        eq(name, "SentientTrader");
        eq(version, "1");
        eq(chain, block.chainid, "chain");
        eq(verifying, address(trader), "verifying contract");
    }

    function test_constructor_revertsForAnythingButUsdc() public {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotUsdc.selector, stranger));
        new SentientTrader(stranger, none, owner, guardian);
        address wide = address(new EighteenDecimals());
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotUsdc.selector, wide));
        new SentientTrader(wide, none, owner, guardian);
    }

    function test_constructor_revertsWhenOwnerAndGuardianAreOne() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, owner));
        new SentientTrader(address(usdc), new address[](0), owner, owner);
    }

    function test_constructor_revertsForAProxyAsRouter() public {
        address[] memory routers = new address[](1);
        routers[0] = address(new ERC1967Proxy(address(rogue), abi.encodeWithSignature("mode()")));
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterCanDelegate.selector, routers[0]));
        newTrader(routers);
    }

    // ---- every owner's call refuses everyone else

    function test_administration_revertsForAnyoneButTheOwner() public {
        bytes[11] memory calls = [
            abi.encodeCall(trader.setAuthorizedTrader, (stranger, true)),
            abi.encodeCall(trader.unpause, ()),
            abi.encodeCall(trader.setExitsPaused, (true)),
            abi.encodeCall(trader.proposeRouter, (address(late))),
            abi.encodeCall(trader.acceptRouter, (address(late))),
            abi.encodeCall(trader.removeRouter, (address(rogue))),
            abi.encodeCall(trader.setDefaultRouter, (address(venue))),
            abi.encodeCall(trader.setOptionTokenAllowed, (stranger, true)),
            abi.encodeCall(trader.setGuardian, (stranger)),
            abi.encodeCall(trader.rescueToken, (address(usdc), stranger, 1)),
            abi.encodeCall(trader.transferOwnership, (stranger))
        ];
        address[4] memory callers = [guardian, courier, user, stranger];
        for (uint256 n = 0; n < calls.length; ++n) {
            for (uint256 m = 0; m < callers.length; ++m) {
                vm.prank(callers[m]);
                (bool ok, bytes memory answer) = address(trader).call(calls[n]);
                yes(!ok, "refused");
                eq(
                    keccak256(answer),
                    keccak256(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, callers[m])),
                    "for being someone else"
                );
            }
        }
    }

    // ---- pausing

    function test_pause_isOpenToOwnerAndGuardianOnly() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotAuthorized.selector, courier));
        vm.prank(courier);
        trader.pause();
        vm.prank(guardian);
        trader.pause();
        yes(trader.paused(), "paused by the guardian");
        vm.prank(owner);
        trader.unpause();
        vm.prank(owner);
        trader.pause();
        yes(trader.paused(), "paused by the owner");
    }

    function test_setExitsPaused_announcesItself() public {
        vm.expectEmit(address(trader));
        emit ISentientTrader.ExitsPaused(true);
        vm.prank(owner);
        trader.setExitsPaused(true);
        yes(trader.exitsPaused(), "exits paused");
    }

    // ---- routers

    function test_acceptRouter_waitsFortyEightHours() public {
        vm.startPrank(owner);
        vm.expectEmit(address(trader));
        emit ISentientTrader.RouterProposed(address(late), address(late).codehash, NOW + 48 hours);
        trader.proposeRouter(address(late));
        vm.warp(NOW + 48 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.DelayNotElapsed.selector, NOW + 48 hours));
        trader.acceptRouter(address(late));
        vm.warp(NOW + 48 hours);
        vm.expectEmit(address(trader));
        emit ISentientTrader.RouterAccepted(address(late), address(late).codehash);
        trader.acceptRouter(address(late));
        vm.stopPrank();
        tradeThrough(address(late));
    }

    function test_acceptRouter_revertsWithoutAProposal() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
        vm.prank(owner);
        trader.acceptRouter(address(late));
    }

    function test_acceptRouter_revertsWhenTheCodeChangedMeanwhile() public {
        vm.startPrank(owner);
        trader.proposeRouter(address(late));
        vm.warp(NOW + 48 hours);
        vm.etch(address(late), hex"6001");
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterCodeChanged.selector, address(late)));
        trader.acceptRouter(address(late));
    }

    function test_acceptRouter_worksOncePerProposal() public {
        vm.startPrank(owner);
        trader.proposeRouter(address(late));
        vm.warp(NOW + 48 hours);
        trader.acceptRouter(address(late));
        trader.removeRouter(address(late));
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
        trader.acceptRouter(address(late));
    }

    function test_proposeRouter_givesNoRightBeforeItIsAccepted() public {
        vm.prank(owner);
        trader.proposeRouter(address(late));
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.router = address(late);
        approveFor(i);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
    }

    function test_proposeRouter_revertsForAnAccountWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, stranger));
        vm.prank(owner);
        trader.proposeRouter(stranger);
    }

    function test_proposeRouter_revertsForCodeThatCanBecomeOtherCode() public {
        address[3] memory proxies = [
            address(new ERC1967Proxy(address(rogue), abi.encodeWithSignature("mode()"))),
            Clones.clone(address(rogue)),
            address(uint160(0xCA11C0DE))
        ];
        vm.etch(proxies[2], hex"60006000600060006000600060fff200"); // a bare CALLCODE
        for (uint256 n = 0; n < proxies.length; ++n) {
            vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterCanDelegate.selector, proxies[n]));
            vm.prank(owner);
            trader.proposeRouter(proxies[n]);
        }
    }

    function test_proposeRouter_readsOpcodesNotData() public {
        address harmless = address(uint160(0xDA7A));
        vm.etch(harmless, hex"61f4f2007f00000000000000000000000000000000000000000000000000000000000000f400");
        vm.prank(owner);
        trader.proposeRouter(harmless);
        yes(trader.routerRecord(harmless).activeFrom != 0, "proposed");
    }

    function test_removeRouter_withdrawsAProposal() public {
        vm.startPrank(owner);
        trader.proposeRouter(address(late));
        vm.expectEmit(address(trader));
        emit ISentientTrader.RouterRemoved(address(late));
        trader.removeRouter(address(late));
        vm.warp(NOW + 48 hours);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
        trader.acceptRouter(address(late));
        yes(trader.routerRecord(address(late)).listing == ISentientTrader.Listing.NONE, "never listed, not sellable");
    }

    function test_removeRouter_revertsForAnUnknownOne() public {
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
        vm.prank(owner);
        trader.removeRouter(address(late));
    }

    function test_removeRouter_canBeUndoneAfterTheDelay() public {
        vm.startPrank(owner);
        trader.removeRouter(address(rogue));
        trader.proposeRouter(address(rogue));
        vm.warp(NOW + 48 hours);
        trader.acceptRouter(address(rogue));
        vm.stopPrank();
        tradeThrough(address(rogue));
    }

    function test_setDefaultRouter_takesOnlyActiveOnes() public {
        vm.startPrank(owner);
        vm.expectEmit(address(trader));
        emit ISentientTrader.RouterUpdated(address(rogue), address(venue));
        trader.setDefaultRouter(address(venue));
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(late)));
        trader.setDefaultRouter(address(late));
        trader.removeRouter(address(rogue));
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(rogue)));
        trader.setDefaultRouter(address(rogue));
    }

    function tradeThrough(address router) internal {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.router = router;
        approveFor(i);
        eq(execute(i), 2 * USDC, "traded");
    }

    // ---- tokens

    function test_setOptionTokenAllowed_announcesItself() public {
        StubToken token = new StubToken();
        vm.startPrank(owner);
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionTokenAllowed(address(token), true);
        trader.setOptionTokenAllowed(address(token), true);
        trader.setOptionTokenAllowed(address(token), false);
        yes(trader.tokenListing(address(token)) == ISentientTrader.Listing.SELL_ONLY, "sells stay");
    }

    function test_setOptionTokenAllowed_revertsForWhatCannotBeAnOption() public {
        vm.startPrank(owner);
        vm.expectRevert(ISentientTrader.ZeroAddress.selector);
        trader.setOptionTokenAllowed(address(0), true);
        vm.expectRevert(ISentientTrader.SameToken.selector);
        trader.setOptionTokenAllowed(address(usdc), true);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.TokenNotAllowed.selector, stranger));
        trader.setOptionTokenAllowed(stranger, false);
    }

    // ---- roles

    function test_setAuthorizedTrader_announcesItself() public {
        vm.startPrank(owner);
        vm.expectEmit(address(trader));
        emit ISentientTrader.TraderAuthorizationChanged(stranger, true);
        trader.setAuthorizedTrader(stranger, true);
        yes(trader.authorizedTraders(stranger), "authorised");
        trader.setAuthorizedTrader(stranger, false);
        yes(!trader.authorizedTraders(stranger), "no longer");
    }

    function test_setAuthorizedTrader_revertsForOwnerGuardianAndZero() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, owner));
        trader.setAuthorizedTrader(owner, true);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, guardian));
        trader.setAuthorizedTrader(guardian, true);
        vm.expectRevert(ISentientTrader.ZeroAddress.selector);
        trader.setAuthorizedTrader(address(0), true);
    }

    function test_setGuardian_revertsForOwnerAndCourier() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, owner));
        trader.setGuardian(owner);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, courier));
        trader.setGuardian(courier);
        vm.expectEmit(address(trader));
        emit ISentientTrader.GuardianSet(address(0));
        trader.setGuardian(address(0));
        eq(trader.guardian(), address(0), "none");
    }

    function test_transferOwnership_takesTwoSteps() public {
        vm.prank(owner);
        trader.transferOwnership(stranger);
        eq(trader.owner(), owner, "still the old one");
        vm.prank(stranger);
        trader.acceptOwnership();
        eq(trader.owner(), stranger, "the new one");
    }

    function test_acceptOwnership_revertsForCourierAndGuardian() public {
        address[2] memory others = [courier, guardian];
        for (uint256 n = 0; n < others.length; ++n) {
            vm.prank(owner);
            trader.transferOwnership(others[n]);
            vm.expectRevert(abi.encodeWithSelector(ISentientTrader.RoleConflict.selector, others[n]));
            vm.prank(others[n]);
            trader.acceptOwnership();
        }
    }

    function test_acceptOwnership_revertsForAnyoneElse() public {
        vm.prank(owner);
        trader.transferOwnership(stranger);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, user));
        vm.prank(user);
        trader.acceptOwnership();
    }

    function test_renounceOwnership_revertsForTheOwnerToo() public {
        vm.expectRevert(ISentientTrader.RenounceDisabled.selector);
        vm.prank(owner);
        trader.renounceOwnership();
    }

    // ---- rescue

    function test_rescueToken_sendsAwayWhatWasSentByMistake() public {
        vm.prank(user);
        usdc.transfer(address(trader), 5 * USDC);
        vm.expectEmit(address(trader));
        emit ISentientTrader.TokenRescued(address(usdc), stranger, 5 * USDC);
        vm.prank(owner);
        trader.rescueToken(address(usdc), stranger, 5 * USDC);
        eq(usdc.balanceOf(stranger), 5 * USDC, "received");
    }

    function test_rescueToken_revertsForTheZeroAddress() public {
        vm.expectRevert(ISentientTrader.ZeroAddress.selector);
        vm.prank(owner);
        trader.rescueToken(address(usdc), address(0), 0);
    }

    function test_rescueToken_cannotReachAUsersAllowance() public {
        vm.prank(user);
        usdc.approve(address(trader), 100 * USDC);
        vm.expectRevert();
        vm.prank(owner);
        trader.rescueToken(address(usdc), owner, 1);
    }

    /// @dev Tokens sent by mistake are the owner's to return, never part of somebody's trade.
    function test_executeTrade_leavesDonationsWhereTheyAre() public {
        vm.prank(other);
        usdc.transfer(address(trader), 5 * USDC);
        option.mint(address(trader), 3 * USDC);
        tradeThrough(address(rogue));
        eq(usdc.balanceOf(address(trader)), 5 * USDC, "usdc donation");
        eq(option.balanceOf(address(trader)), 3 * USDC, "option donation");
        eq(option.balanceOf(user), 2 * USDC, "the trade's own proceeds");
    }
}
