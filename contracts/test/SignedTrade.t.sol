// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";
import {HostileRouter} from "./support/HostileRouter.sol";
import {ContractWallet, StubToken} from "./support/Tokens.sol";

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
        executeExpecting(
            i, abi.encodeWithSelector(ISentientTrader.SlippageBoundTooLoose.selector, 1_799_999, 2 * USDC)
        );
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
            i,
            abi.encodeWithSelector(
                ISentientTrader.SlippageBoundTooLoose.selector, i.minAmountOut, i.quotedAmountOut
            )
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

    function executeWithPermit(ISentientTrader.TradeIntent memory i, uint256 permitDeadline) internal returns (uint256) {
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
        bytes32 structHash = keccak256(
            abi.encode(typehash, i.user, address(trader), i.amountIn, usdc.nonces(i.user), permitDeadline)
        );
        return vm.sign(USER_KEY, keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash)));
    }
}
