// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {ContractWallet} from "./support/Tokens.sol";

/// @notice What is signed is what happens, whoever of the few who may brings it.
contract SignedTradeTest is Fixture {
    // ---- the honest case

    function test_executeTrade_buysExactlyWhatWasSigned() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        uint256 before = usdc.balanceOf(user);
        bytes memory signature = sign(i);

        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionPurchased(user, address(option), 100 * USDC, 2 * USDC, NOW);
        vm.expectEmit(address(trader));
        emit ISentientTrader.IntentExecuted(trader.hashIntent(i), user, user, i.nonce, i.ref);
        vm.prank(user);
        uint256 out = trader.executeTrade(i, signature, 0, "");

        eq(out, 2 * USDC, "returned");
        eq(option.balanceOf(user), 2 * USDC, "received");
        eq(before - usdc.balanceOf(user), 100 * USDC, "paid");
        assertNothingLeftBehind(address(option));
    }

    function test_buyOption_isExecuteTradeForBuys() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(user);
        eq(trader.buyOption(i, signature, ""), 2 * USDC, "bought");
    }

    function test_buyOption_revertsForASell() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        bytes memory signature = sign(i);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.UnsupportedSide.selector, SELL));
        vm.prank(user);
        trader.buyOption(i, signature, "");
    }

    function test_executeTrade_sellsForTheUser() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        approveFor(i);
        uint256 before = usdc.balanceOf(user);
        bytes memory signature = sign(i);
        vm.expectEmit(address(trader));
        emit ISentientTrader.OptionSold(user, address(option), 2 * USDC, 100 * USDC, NOW);
        vm.prank(user);
        trader.executeTrade(i, signature, 0, "");
        eq(usdc.balanceOf(user) - before, 100 * USDC, "received");
        eq(option.balanceOf(user), 0, "sold");
        assertNothingLeftBehind(address(option));
    }

    function test_executeTrade_revertsForAThirdSide() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.side = 2;
        executeExpecting(i, abi.encodeWithSelector(ISentientTrader.UnsupportedSide.selector, 2));
    }

    function testFuzz_executeTrade_movesExactlyTheSignedAmount(uint256 amount, uint256 slack) public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.amountIn = between(amount, 50, 1_000_000 * USDC);
        i.quotedAmountOut = i.amountIn / 50;
        i.minAmountOut = i.quotedAmountOut - between(slack, 0, i.quotedAmountOut / 10);
        approveFor(i);
        uint256 before = usdc.balanceOf(user);
        execute(i);
        eq(before - usdc.balanceOf(user), i.amountIn, "paid");
        eq(option.balanceOf(user), i.amountIn / 50, "received");
        assertNothingLeftBehind(address(option));
    }

    // ---- who may submit

    function test_executeTrade_letsTheNamedExecutorSubmit() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = daemon;
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(daemon);
        trader.executeTrade(i, signature, 0, "");
        eq(option.balanceOf(user), 2 * USDC, "the user received");
        eq(option.balanceOf(daemon) + usdc.balanceOf(daemon), 0, "the executor gained");
    }

    function test_executeTrade_revertsForAStranger() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = address(0);
        approveFor(i);
        bytes memory signature = sign(i);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotAuthorized.selector, stranger));
        vm.prank(stranger);
        trader.executeTrade(i, signature, 0, "");
    }

    function test_executeTrade_revertsForACourierWhenAnotherExecutorIsNamed() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = daemon;
        approveFor(i);
        bytes memory signature = sign(i);
        limits(type(uint128).max, type(uint128).max, 9);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotAuthorized.selector, courier));
        vm.prank(courier);
        trader.executeTrade(i, signature, 0, "");
    }

    function test_executeTrade_revertsForTheOwner() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = address(0);
        approveFor(i);
        bytes memory signature = sign(i);
        vm.expectRevert(abi.encodeWithSelector(ISentientTrader.NotAuthorized.selector, owner));
        vm.prank(owner);
        trader.executeTrade(i, signature, 0, "");
    }

    function test_executeTrade_letsACourierSellWithoutSessionLimits() public {
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.executor = address(0);
        approveFor(i);
        bytes memory signature = sign(i);
        vm.prank(courier);
        eq(trader.executeTrade(i, signature, 0, ""), 100 * USDC, "sold");
    }

    // ---- the signature

    function test_executeTrade_revertsWithoutTheUsersSignature() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.executor = address(0);
        approveFor(i);
        limits(type(uint128).max, type(uint128).max, 9);
        bytes memory forged = signed(OTHER_KEY, trader.hashIntent(i));
        vm.expectRevert(ISentientTrader.BadSignature.selector);
        vm.prank(courier);
        trader.executeTrade(i, forged, 0, "");
    }

    function test_executeTrade_revertsWhenTheUserCallsWithSomeoneElsesSignature() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        bytes memory forged = signed(OTHER_KEY, trader.hashIntent(i));
        vm.expectRevert(ISentientTrader.BadSignature.selector);
        vm.prank(user);
        trader.executeTrade(i, forged, 0, "");
    }

    function testFuzz_executeTrade_revertsForGarbageInPlaceOfASignature(bytes memory garbage) public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.expectRevert(ISentientTrader.BadSignature.selector);
        vm.prank(user);
        trader.executeTrade(i, garbage, 0, "");
    }

    /// @dev Each of the eleven fields is under the signature: whichever a courier alters, the trade is refused.
    function testFuzz_executeTrade_revertsWhenAnyFieldIsAltered(uint256 field, uint256 noise) public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        bytes32 before = trader.hashIntent(i);
        bytes memory signature = sign(i);
        ISentientTrader.TradeIntent memory altered = alter(i, field % 11, noise);
        yes(trader.hashIntent(altered) != before, "the digest covers the field");
        vm.expectRevert();
        vm.prank(altered.user);
        trader.executeTrade(altered, signature, 0, "");
    }

    function test_hashIntent_coversEveryField() public view {
        bytes32 before = trader.hashIntent(buyIntent());
        for (uint256 field = 0; field < 11; ++field) {
            yes(trader.hashIntent(alter(buyIntent(), field, 1)) != before, "field is covered");
        }
    }

    function alter(ISentientTrader.TradeIntent memory i, uint256 field, uint256 noise)
        internal
        pure
        returns (ISentientTrader.TradeIntent memory)
    {
        uint160 flip = uint160(between(noise, 1, type(uint160).max));
        if (field == 0) i.user = address(uint160(i.user) ^ flip);
        if (field == 1) i.executor = address(uint160(i.executor) ^ flip);
        if (field == 2) i.side ^= 1;
        if (field == 3) i.optionToken = address(uint160(i.optionToken) ^ flip);
        if (field == 4) i.router = address(uint160(i.router) ^ flip);
        if (field == 5) i.amountIn ^= flip;
        if (field == 6) i.quotedAmountOut ^= flip;
        if (field == 7) i.minAmountOut ^= flip;
        if (field == 8) i.nonce ^= flip;
        if (field == 9) i.deadline ^= flip;
        if (field == 10) i.ref ^= bytes32(uint256(flip));
        return i;
    }

    function test_executeTrade_acceptsAContractWallet() public {
        ContractWallet wallet = new ContractWallet(user);
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.user = address(wallet);
        i.executor = daemon;
        _fund(address(wallet));
        wallet.approve(usdc, address(trader), i.amountIn);
        bytes memory signature = sign(i);
        vm.prank(daemon);
        trader.executeTrade(i, signature, 0, "");
        eq(option.balanceOf(address(wallet)), 2 * USDC, "received");
    }

    function test_executeTrade_revertsForAContractWalletThatDisagrees() public {
        ContractWallet wallet = new ContractWallet(other);
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.user = address(wallet);
        i.executor = daemon;
        bytes memory signature = sign(i);
        vm.expectRevert(ISentientTrader.BadSignature.selector);
        vm.prank(daemon);
        trader.executeTrade(i, signature, 0, "");
    }

    /// @dev An EIP-7702 account has code that need not know ERC-1271; its key still signs.
    function test_executeTrade_acceptsTheKeyOfAnAccountWithCode() public {
        ISentientTrader.TradeIntent memory i = buyIntent();
        approveFor(i);
        vm.etch(user, hex"00");
        execute(i);
        eq(option.balanceOf(user), 2 * USDC, "received");
    }

    function test_hashIntent_dependsOnTheChain() public {
        bytes32 here = trader.hashIntent(buyIntent());
        vm.chainId(8453);
        yes(trader.hashIntent(buyIntent()) != here, "another chain, another digest");
    }
}
