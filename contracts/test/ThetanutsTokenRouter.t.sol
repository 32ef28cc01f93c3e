// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {IThetanutsRouter} from "../src/interfaces/IThetanutsRouter.sol";
import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../src/OptionSeries.sol";
import {VenueFixture} from "./support/VenueFixture.sol";

contract ThetanutsTokenRouterTest is VenueFixture {
    // ---- buying from an ask

    /// @dev 5 USDC at 41.25 a contract: the numbers of the order book's own documentation.
    function test_buy_mintsFlooredContractsAgainstCeiledCollateral() public {
        IOptionQuotes.Order memory o = ask();
        OptionSeries series = seriesOf(o);
        uint256 userBefore = usdc.balanceOf(user);
        uint256 makerBefore = usdc.balanceOf(maker);
        bytes32 digest = venue.hashOrder(o);
        bytes memory data = quoteData(o);

        vm.expectEmit(address(venue));
        emit IOptionQuotes.OrderFilled(digest, maker, user, address(series), false, 121_212, 4_999_995);
        vm.prank(user);
        eq(venue.buy(address(series), BUDGET, 1, user, data), 121_212, "contracts");

        eq(series.balanceOf(user), 121_212, "held");
        eq(userBefore - usdc.balanceOf(user), 4_999_995, "premium");
        eq(usdc.balanceOf(address(series)), 278_787_600, "collateral");
        eq(makerBefore - usdc.balanceOf(maker), 278_787_600 - 4_999_995, "maker's net");
        eq(series.shortOf(maker), 121_212, "short");
        eq(venue.amountFilled(digest), 278_787_600, "used");
        yes(venue.isSeries(address(series)), "vouched for");
    }

    function test_buy_throughSentientTraderDeploysTheSeriesAndDelivers() public {
        IOptionQuotes.Order memory o = ask();
        ISentientTrader.TradeIntent memory i = buyIntent();
        i.router = address(venue);
        i.optionToken = address(seriesOf(o));
        (i.amountIn, i.quotedAmountOut, i.minAmountOut) = (BUDGET, 121_212, 120_000);
        approveFor(i);
        bytes memory signature = sign(i);
        bytes memory data = quoteData(o);
        uint256 before = usdc.balanceOf(user);
        vm.prank(user);
        eq(trader.buyOption(i, signature, data), 121_212, "bought");
        eq(OptionSeries(i.optionToken).balanceOf(user), 121_212, "delivered");
        eq(before - usdc.balanceOf(user), 4_999_995, "the 5 units that bought nothing came back");
        eq(usdc.balanceOf(address(trader)), 0, "no residue");
        eq(usdc.allowance(address(trader), address(venue)), 0, "no allowance");
    }

    function test_sell_throughSentientTraderPaysTheUser() public {
        test_buy_throughSentientTraderDeploysTheSeriesAndDelivers();
        IOptionQuotes.Order memory o = bid();
        ISentientTrader.TradeIntent memory i = sellIntent();
        i.router = address(venue);
        i.optionToken = address(seriesOf(o));
        (i.amountIn, i.quotedAmountOut, i.minAmountOut) = (121_212, 4_848_480, 4_800_000);
        vm.prank(user);
        OptionSeries(i.optionToken).approve(address(trader), 121_212);
        bytes memory signature = sign(i);
        bytes memory data = quoteData(o);
        vm.prank(user);
        eq(trader.executeTrade(i, signature, 0, data), 4_848_480, "40 USD a contract");
        eq(OptionSeries(i.optionToken).balanceOf(maker), 121_212, "the maker holds them now");
    }

    function test_buy_takesTheContractsThatTheTakerNames() public {
        IOptionQuotes.Order memory o = ask();
        o.numContracts = 100_000;
        eq(fill(o, BUDGET), 100_000, "exactly those");
    }

    function test_buy_revertsWhenTheNamedContractsCostMore() public {
        IOptionQuotes.Order memory o = ask();
        o.numContracts = 121_213;
        fillExpecting(
            o, BUDGET - 1, abi.encodeWithSelector(IOptionQuotes.ExceedsAmountIn.selector, 5_000_036, BUDGET - 1)
        );
    }

    function test_buy_fillsAQuoteUpToItsSizeAndNotBeyond() public {
        IOptionQuotes.Order memory o = ask();
        o.maxCollateralUsable = 278_787_600 + 2_300_000;
        fill(o, BUDGET);
        fillExpecting(
            o, 1 * USDC, abi.encodeWithSelector(IOptionQuotes.ExceedsMakerSize.selector, 55_756_600, 2_300_000)
        );
        fill(o, 41_250); // the last thousandth of a contract
        eq(venue.amountFilled(venue.hashOrder(o)), o.maxCollateralUsable, "used up");
    }

    function test_buy_revertsBelowTheMinimumSize() public {
        fillExpecting(ask(), 41_249, abi.encodeWithSelector(IOptionQuotes.BelowMinimumSize.selector, 999, 1_000));
    }

    function test_buy_revertsWhenThePremiumRoundsToNothing() public {
        IOptionQuotes.Order memory o = ask();
        o.price = 1;
        o.numContracts = 1_000;
        fillExpecting(o, BUDGET, abi.encodeWithSelector(IOptionQuotes.BelowMinimumSize.selector, 1_000, 1_000));
    }

    function test_buy_revertsBelowTheCallersMinimum() public {
        IOptionQuotes.Order memory o = ask();
        address series = address(seriesOf(o));
        bytes memory data = quoteData(o);
        vm.expectRevert(abi.encodeWithSelector(IThetanutsRouter.SlippageExceeded.selector, 121_213, 121_212));
        vm.prank(user);
        venue.buy(series, BUDGET, 121_213, user, data);
    }

    function testFuzz_buy_neverChargesMoreThanTheQuoteNorLocksLessThanTheWorstCase(
        uint256 budget,
        uint256 price,
        uint256 strike
    ) public {
        IOptionQuotes.Order memory o = ask();
        o.price = between(price, 1e6, 1_000e8);
        o.strikes = strikes(between(strike, 1e8, 100_000e8));
        o.maxCollateralUsable = type(uint128).max;
        budget = between(budget, o.price / 1e5 + 1, 10_000 * USDC);
        vm.prank(owner);
        usdc.mint(maker, type(uint128).max);
        uint256 before = usdc.balanceOf(user);
        uint256 contracts = fill(o, budget);
        uint256 paid = before - usdc.balanceOf(user);
        yes(paid <= budget, "within the budget");
        yes(paid * 1e8 <= contracts * o.price, "not above the quote");
        yes((paid + 1) * 1e8 > contracts * o.price, "nor a unit below");
        yes(usdc.balanceOf(address(seriesOf(o))) * 1e8 >= contracts * o.strikes[0], "worst case covered");
    }

    // ---- selling into a bid

    function test_sell_paysFlooredPremiumForTheTokens() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        OptionSeries series = seriesOf(o);
        bytes memory data = quoteData(o);
        bytes32 digest = venue.hashOrder(o);
        uint256 before = usdc.balanceOf(stranger);
        vm.startPrank(user);
        series.approve(address(venue), 121_212);
        vm.expectEmit(address(venue));
        emit IOptionQuotes.OrderFilled(digest, maker, user, address(series), true, 121_211, 4_848_440);
        eq(venue.sell(address(series), 121_211, 1, stranger, data), 4_848_440, "premium");
        eq(usdc.balanceOf(stranger) - before, 4_848_440, "to the recipient");
        eq(series.balanceOf(maker), 121_211, "to the maker");
        eq(venue.amountFilled(digest), 4_848_440, "premium used");
    }

    function test_sell_takesTheContractsThatTheTakerNames() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        o.numContracts = 1_000;
        eq(sell(o, 121_212), 40_000, "a thousandth");
        o.numContracts = 200_000;
        sellExpecting(o, abi.encodeWithSelector(IOptionQuotes.ExceedsAmountIn.selector, 200_000, 121_212));
    }

    function test_sell_stopsAtTheMakersBudget() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        o.maxCollateralUsable = 1 * USDC;
        sellExpecting(o, abi.encodeWithSelector(IOptionQuotes.ExceedsMakerSize.selector, 4_848_480, 1 * USDC));
    }

    function test_sell_revertsWhenThePremiumRoundsToNothing() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        o.price = 1;
        o.numContracts = 1;
        sellExpecting(o, abi.encodeWithSelector(IOptionQuotes.BelowMinimumSize.selector, 1, 1_000));
    }

    function test_sell_revertsBelowTheCallersMinimum() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        address series = address(seriesOf(o));
        bytes memory data = quoteData(o);
        vm.expectRevert(abi.encodeWithSelector(IThetanutsRouter.SlippageExceeded.selector, 4_848_481, 4_848_480));
        vm.prank(user);
        venue.sell(series, 121_212, 4_848_481, user, data);
    }

    // ---- quotes

    function test_quoteBuy_saysWhatBuyWillDeliver() public {
        IOptionQuotes.Order memory o = ask();
        uint256 quoted = venue.quoteBuy(address(seriesOf(o)), BUDGET, quoteData(o));
        eq(fill(o, BUDGET), quoted, "as quoted");
    }

    function test_quoteSell_saysWhatSellWillDeliver() public {
        fill(ask(), BUDGET);
        IOptionQuotes.Order memory o = bid();
        uint256 quoted = venue.quoteSell(address(seriesOf(o)), 121_212, quoteData(o));
        eq(sell(o, 121_212), quoted, "as quoted");
    }

    function test_quoteBuy_revertsWithoutAMakersQuote() public {
        address series = address(seriesOf(ask()));
        vm.expectRevert(IThetanutsRouter.MakerQuoteRequired.selector);
        venue.quoteBuy(series, BUDGET, "");
        vm.expectRevert(IThetanutsRouter.MakerQuoteRequired.selector);
        venue.quoteSell(series, BUDGET, "");
    }

    // ---- series

    function test_createSeries_landsWhereItWasPredictedAndOnlyOnce() public {
        IOptionQuotes.Order memory o = ask();
        address predicted = address(seriesOf(o));
        yes(!venue.isSeries(predicted), "not yet");
        vm.expectEmit(address(venue));
        emit IOptionQuotes.SeriesCreated(predicted, o.implementation, PRICE_FEED, 2_300e8, 0, EXPIRY);
        eq(venue.createSeries(o.implementation, PRICE_FEED, o.strikes, EXPIRY), predicted, "created");
        eq(venue.createSeries(o.implementation, PRICE_FEED, o.strikes, EXPIRY), predicted, "again: the same");
        yes(venue.isSeries(predicted), "vouched for");
    }

    function test_createSeries_doesNotCareHowStrikesAreOrdered() public view {
        eq(
            venue.seriesAddress(venue.PUT_SPREAD(), PRICE_FEED, strikes(2_300e8, 2_200e8), EXPIRY),
            venue.seriesAddress(venue.PUT_SPREAD(), PRICE_FEED, strikes(2_200e8, 2_300e8), EXPIRY),
            "one series"
        );
    }

    function testFuzz_seriesAddress_differsWhereverTheTermsDiffer(uint256 a, uint256 b, uint64 expiry, uint64 later)
        public
        view
    {
        a = between(a, 1, type(uint96).max);
        b = between(b, 1, type(uint96).max);
        vm.assume(a != b && expiry != later);
        address one = venue.seriesAddress(venue.PUT(), PRICE_FEED, strikes(a), expiry);
        yes(one != venue.seriesAddress(venue.PUT(), PRICE_FEED, strikes(b), expiry), "strike");
        yes(one != venue.seriesAddress(venue.PUT(), PRICE_FEED, strikes(a), later), "expiry");
        yes(one != venue.seriesAddress(venue.LINEAR_CALL(), PRICE_FEED, strikes(a), expiry), "kind");
    }

    function test_createSeries_revertsForImpossibleTerms() public {
        address put = venue.PUT();
        address spread = venue.CALL_SPREAD();
        bytes4 invalid = IOptionQuotes.InvalidTerms.selector;
        vm.expectRevert(invalid);
        venue.createSeries(put, PRICE_FEED, strikes(1, 2), EXPIRY);
        vm.expectRevert(invalid);
        venue.createSeries(spread, PRICE_FEED, strikes(1), EXPIRY);
        vm.expectRevert(invalid);
        venue.createSeries(put, PRICE_FEED, strikes(0), EXPIRY);
        vm.expectRevert(invalid);
        venue.createSeries(spread, PRICE_FEED, strikes(5, 5), EXPIRY);
        vm.expectRevert(invalid);
        venue.createSeries(put, PRICE_FEED, strikes(uint256(type(uint96).max) + 1), EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(IOptionQuotes.OptionExpired.selector, NOW));
        venue.createSeries(put, PRICE_FEED, strikes(1e8), NOW);
    }

    // ---- administration

    function test_registerFeed_happensOnce() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IOptionQuotes.FeedAlreadyRegistered.selector, PRICE_FEED));
        venue.registerFeed(PRICE_FEED, keccak256("another"), "ETH");
        vm.expectRevert(IOptionQuotes.InvalidTerms.selector);
        venue.registerFeed(stranger, bytes32(0), "ETH");
        vm.expectRevert(IOptionQuotes.InvalidTerms.selector);
        venue.registerFeed(stranger, FEED_ID, bytes32(0));
    }

    function test_administration_revertsForAnyoneButTheOwner() public {
        vm.startPrank(maker);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, maker));
        venue.setMaker(stranger, true);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, maker));
        venue.registerFeed(stranger, FEED_ID, "ETH");
    }
}
