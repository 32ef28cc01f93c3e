// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";
import {StubToken} from "./support/Tokens.sol";

/// @notice What the world says about an intent: pauses, listings, approvals.
contract TradeConditionsTest is Fixture {
    // ---- pauses

    function test_executeTrade_revertsForBuysWhenPaused() public {
        vm.prank(guardian);
        trader.pause();
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        executeExpecting(i, abi.encodePacked(Pausable.EnforcedPause.selector));
    }

    function test_executeTrade_sellsWhenPaused() public {
        vm.prank(guardian);
        trader.pause();
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        eq(execute(i), 100 * USDC, "sold");
    }

    function test_executeTrade_revertsForSellsWhenExitsArePaused() public {
        vm.prank(owner);
        trader.setExitsPaused(true);
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        executeExpecting(i, abi.encodePacked(ISentientTrader.ExitsArePaused.selector));
    }

    function test_executeTrade_buysWhenOnlyExitsArePaused() public {
        vm.prank(owner);
        trader.setExitsPaused(true);
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        eq(execute(i), 2 * USDC, "bought");
    }

    // ---- listings

    function test_executeTrade_revertsForAnUnlistedRouter() public {
        HostileRouter unlisted = new HostileRouter(usdc);
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.router = address(unlisted);
        approveFor(i);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(unlisted)));
    }

    function test_executeTrade_revertsForASellThroughAnUnlistedRouter() public {
        HostileRouter unlisted = new HostileRouter(usdc);
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.router = address(unlisted);
        approveFor(i);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(unlisted)));
    }

    function test_executeTrade_sellsThroughARemovedRouterButDoesNotBuy() public {
        vm.prank(owner);
        trader.removeRouter(address(rogue));
        ISentientTrader.TradeIntent memory sell = sellIntent();
        approveFor(sell);
        eq(execute(sell), 100 * USDC, "sold");
        ISentientTrader.TradeIntent memory buy = buyIntent();
        approveFor(buy);
        executeExpecting(buy, abi.encodeWithSelector(ISentientTrader.RouterNotAllowed.selector, address(rogue)));
    }

    function test_executeTrade_revertsWhenTheRoutersCodeChanged() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.etch(address(rogue), hex"6001");
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.RouterCodeChanged.selector, address(rogue)));
    }

    function test_executeTrade_revertsForAnUnlistedToken() public {
        StubToken unlisted = new StubToken();
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.optionToken = address(unlisted);
        approveFor(i);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.TokenNotAllowed.selector, address(unlisted)));
    }

    function test_executeTrade_revertsForATokenThatNeverComesToExist() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.optionToken = address(0xdead);
        approveFor(i);
        rogue.setMode(HostileRouter.Mode.KEEP_ALL);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.TokenNotAllowed.selector, address(0xdead)));
    }

    function test_executeTrade_revertsForTheSaleOfATokenWithoutCode() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.optionToken = address(0xdead);
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.TokenNotAllowed.selector, address(0xdead)));
    }

    function test_executeTrade_sellsAnUnlistedTokenButDoesNotBuyIt() public {
        vm.prank(owner);
        trader.setOptionTokenAllowed(address(option), false);
        ISentientTrader.TradeIntent memory sell = sellIntent();
        approveFor(sell);
        eq(execute(sell), 100 * USDC, "sold");
        ISentientTrader.TradeIntent memory buy = buyIntent();
        approveFor(buy);
        executeExpecting(buy, abi.encodeWithSelector(ISentientTrader.TokenNotAllowed.selector, address(option)));
    }

    function test_executeTrade_acceptsASeriesThatTheRouterVouchesFor() public {
        StubToken series = new StubToken();
        rogue.vouch(address(series));
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.optionToken = address(series);
        approveFor(i);
        eq(execute(i), 2 * USDC, "bought");
    }

    function test_executeTrade_revertsForTheZeroToken() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.optionToken = address(0);
        executeExpecting(i, abi.encodePacked(ISentientTrader.ZeroAddress.selector));
    }

    function test_executeTrade_revertsForUsdcAsTheOption() public {
        rogue.vouch(address(usdc));
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.optionToken = address(usdc);
        approveFor(i);
        executeExpecting(i, abi.encodePacked(ISentientTrader.SameToken.selector));
    }

    // ---- permit

    function test_executeTradeWithPermit_needsNoApproval() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        eq(executeWithPermit(i, NOW + 60), 2 * USDC, "bought");
        eq(usdc.allowance(user, address(trader)), 0, "nothing stands");
    }

    function test_executeTradeWithPermit_survivesAPermitThatWasSubmittedFirst() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        (uint8 v, bytes32 r, bytes32 s) = permitFor(i, NOW + 60);
        vm.prank(stranger);
        usdc.permit(user, address(trader), i.amountIn, NOW + 60, v, r, s);
        bytes memory signature = sign(i);
        vm.prank(user);
        eq(trader.executeTradeWithPermit(i, signature, 0, "", NOW + 60, v, r, s), 2 * USDC, "bought");
    }

    function test_executeTradeWithPermit_revertsWhenThePermitFailsAndNothingWasApproved() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        bytes memory signature = sign(i);
        vm.expectRevert();
        vm.prank(user);
        trader.executeTradeWithPermit(i, signature, 0, "", NOW + 60, 27, bytes32(uint256(1)), bytes32(uint256(1)));
    }

    function executeWithPermit(ISentientTrader.TradeIntent memory i, uint256 permitDeadline)
        internal
        returns (uint256)
    {
        (uint8 v, bytes32 r, bytes32 s) = permitFor(i, permitDeadline);
        bytes memory signature = sign(i);
        vm.prank(user);
        return trader.executeTradeWithPermit(i, signature, 0, "", permitDeadline, v, r, s);
    }

    function permitFor(ISentientTrader.TradeIntent memory i, uint256 permitDeadline)
        internal
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash =
            keccak256(abi.encode(typehash, i.user, address(trader), i.amountIn, usdc.nonces(i.user), permitDeadline));
        return vm.sign(USER_KEY, keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash)));
    }
}
