// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {IThetanutsRouter} from "../src/interfaces/IThetanutsRouter.sol";
import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../src/OptionSeries.sol";
import {ThetanutsTokenRouter} from "../src/ThetanutsTokenRouter.sol";
import {Fixture} from "./support/Fixture.sol";
import {ContractWallet} from "./support/Tokens.sol";

contract ThetanutsTokenRouterTest is Fixture {
    uint256 internal constant BUDGET = 5 * USDC;

    function setUp() public override {
        super.setUp();
        vm.prank(user);
        usdc.approve(address(venue), type(uint256).max);
    }

    function fill(IOptionQuotes.Order memory o, uint256 amountIn) internal returns (uint256) {
        address series = address(seriesOf(o));
        bytes memory data = quoteData(o);
        vm.prank(user);
        return venue.buy(series, amountIn, 1, user, data);
    }

    function fillExpecting(IOptionQuotes.Order memory o, uint256 amountIn, bytes memory failure) internal {
        fillRawExpecting(address(seriesOf(o)), amountIn, quoteData(o), failure);
    }

    function fillRawExpecting(address series, uint256 amountIn, bytes memory data, bytes memory failure) internal {
        expectFailure(failure);
        vm.prank(user);
        venue.buy(series, amountIn, 1, user, data);
    }

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
            o,
            1 * USDC,
            abi.encodeWithSelector(IOptionQuotes.ExceedsMakerSize.selector, 55_756_600, 2_300_000)
        );
        fill(o, 41_250); // the last thousandth of a contract
        eq(venue.amountFilled(venue.hashOrder(o)), o.maxCollateralUsable, "used up");
    }

    function test_buy_revertsBelowTheMinimumSize() public {
        fillExpecting(
            ask(), 41_249, abi.encodeWithSelector(IOptionQuotes.BelowMinimumSize.selector, 999, 1_000)
        );
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

    function testFuzz_buy_neverChargesMoreThanTheQuoteNorLocksLessThanTheWorstCase(uint256 budget, uint256 price, uint256 strike)
        public
    {
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
        sellExpecting(
            o, abi.encodeWithSelector(IOptionQuotes.ExceedsMakerSize.selector, 4_848_480, 1 * USDC)
        );
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

    function sell(IOptionQuotes.Order memory o, uint256 amountIn) internal returns (uint256) {
        address series = address(seriesOf(o));
        bytes memory data = quoteData(o);
        vm.startPrank(user);
        OptionSeries(series).approve(address(venue), amountIn);
        uint256 out = venue.sell(series, amountIn, 1, user, data);
        vm.stopPrank();
        return out;
    }

    function sellExpecting(IOptionQuotes.Order memory o, bytes memory failure) internal {
        address series = address(seriesOf(o));
        bytes memory data = quoteData(o);
        expectFailure(failure);
        vm.prank(user);
        venue.sell(series, 121_212, 1, user, data);
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

    // ---- whose quotes count

    function test_buy_revertsForAMakerWhoIsNotListed() public {
        vm.prank(owner);
        venue.setMaker(maker, false);
        fillExpecting(ask(), BUDGET, abi.encodeWithSelector(IOptionQuotes.MakerNotAllowed.selector, maker));
    }

    function test_buy_revertsForAQuoteTheMakerDidNotSign() public {
        IOptionQuotes.Order memory o = ask();
        fillRawExpecting(
            address(seriesOf(o)),
            BUDGET,
            abi.encode(o, signed(USER_KEY, venue.hashOrder(o))),
            abi.encodePacked(IOptionQuotes.BadMakerSignature.selector)
        );
    }

    function test_buy_acceptsAMakerThatIsAContract() public {
        ContractWallet wallet = new ContractWallet(maker);
        _fund(address(wallet));
        wallet.approve(usdc, address(venue), type(uint256).max);
        vm.prank(owner);
        venue.setMaker(address(wallet), true);
        IOptionQuotes.Order memory o = ask();
        o.maker = address(wallet);
        eq(fill(o, BUDGET), 121_212, "filled");
    }

    /// @dev Alter any signed field and the quote is void. (Contracts to fill and extra data are not signed.)
    function testFuzz_buy_revertsForAnAlteredQuote(uint256 field) public {
        IOptionQuotes.Order memory o = ask();
        bytes memory signature = signed(MAKER_KEY, venue.hashOrder(o));
        field = field % 5;
        if (field == 0) o.orderExpiryTimestamp += 1;
        if (field == 1) o.maxCollateralUsable += 1;
        if (field == 2) o.strikes = strikes(2_301e8);
        if (field == 3) o.expiry += 1;
        if (field == 4) o.price -= 1;
        fillRawExpecting(
            address(seriesOf(o)),
            BUDGET,
            abi.encode(o, signature),
            abi.encodePacked(IOptionQuotes.BadMakerSignature.selector)
        );
    }

    function test_buy_revertsAfterTheQuoteExpired() public {
        IOptionQuotes.Order memory o = ask();
        vm.warp(o.orderExpiryTimestamp);
        fill(o, BUDGET);
        vm.warp(o.orderExpiryTimestamp + 1);
        fillExpecting(
            o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OrderExpired.selector, o.orderExpiryTimestamp)
        );
    }

    function test_buy_revertsOnceTheOptionExpired() public {
        IOptionQuotes.Order memory o = ask();
        o.orderExpiryTimestamp = EXPIRY + 60;
        vm.warp(EXPIRY);
        fillExpecting(o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OptionExpired.selector, EXPIRY));
    }

    function test_buy_revertsForTheWrongSide() public {
        IOptionQuotes.Order memory o = bid();
        fillExpecting(o, BUDGET, abi.encodePacked(IOptionQuotes.WrongSide.selector));
        o = ask();
        sellExpecting(o, abi.encodePacked(IOptionQuotes.WrongSide.selector));
    }

    function test_buy_revertsForAnotherSeriesThanTheQuotes() public {
        IOptionQuotes.Order memory o = ask();
        address quoted = address(seriesOf(o));
        bytes memory data = quoteData(o);
        o.strikes = strikes(2_400e8);
        address wanted = address(seriesOf(o));
        fillRawExpecting(
            wanted, BUDGET, data, abi.encodeWithSelector(IOptionQuotes.SeriesMismatch.selector, quoted, wanted)
        );
    }

    function test_buy_revertsForTermsItDoesNotTrade() public {
        bytes memory invalid = abi.encodePacked(IOptionQuotes.InvalidTerms.selector);
        address series = address(seriesOf(ask()));
        IOptionQuotes.Order memory o = ask();
        o.collateral = stranger;
        fillRawExpecting(
            series,
            BUDGET,
            quoteData(o),
            abi.encodeWithSelector(IOptionQuotes.UnsupportedCollateral.selector, stranger)
        );
        o = ask();
        o.price = 0;
        fillRawExpecting(series, BUDGET, quoteData(o), invalid);
        o = ask();
        o.extraOptionData = hex"01";
        fillRawExpecting(series, BUDGET, quoteData(o), invalid);
        o = ask();
        o.isCall = true;
        fillRawExpecting(series, BUDGET, quoteData(o), invalid);
        o = ask();
        o.priceFeed = stranger;
        fillRawExpecting(
            series, BUDGET, quoteData(o), abi.encodeWithSelector(IOptionQuotes.UnknownFeed.selector, stranger)
        );
        o = ask();
        o.implementation = stranger;
        fillRawExpecting(
            series,
            BUDGET,
            quoteData(o),
            abi.encodeWithSelector(IOptionQuotes.UnknownImplementation.selector, stranger)
        );
    }

    // ---- taking quotes back

    function test_cancelOrder_voidsOneQuote() public {
        IOptionQuotes.Order memory o = ask();
        bytes32 digest = venue.hashOrder(o);
        vm.expectEmit(address(venue));
        emit IOptionQuotes.OrderCancelled(digest, maker);
        vm.prank(maker);
        venue.cancelOrder(o);
        fillExpecting(o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OrderIsCancelled.selector, digest));
        o.price += 1;
        eq(fill(o, BUDGET), 121_212, "the next quote is another one");
    }

    function test_cancelOrder_revertsForAnyoneElse() public {
        IOptionQuotes.Order memory o = ask();
        vm.expectRevert(abi.encodeWithSelector(IOptionQuotes.OnlyMaker.selector, maker));
        vm.prank(user);
        venue.cancelOrder(o);
    }

    function test_cancelOrdersExpiringBefore_voidsTheOlderOnes() public {
        IOptionQuotes.Order memory o = ask();
        vm.startPrank(maker);
        vm.expectEmit(address(venue));
        emit IOptionQuotes.MakerCutoffUpdated(maker, 0, o.orderExpiryTimestamp);
        venue.cancelOrdersExpiringBefore(o.orderExpiryTimestamp);
        vm.stopPrank();
        eq(fill(o, BUDGET), 121_212, "at the cut-off it still counts");
        vm.prank(maker);
        venue.cancelOrdersExpiringBefore(o.orderExpiryTimestamp + 1);
        fillExpecting(
            o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OrderIsCancelled.selector, venue.hashOrder(o))
        );
        vm.expectRevert(
            abi.encodeWithSelector(IOptionQuotes.CutoffNotIncreasing.selector, o.orderExpiryTimestamp)
        );
        vm.prank(maker);
        venue.cancelOrdersExpiringBefore(o.orderExpiryTimestamp);
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

    // ---- the wire format

    function test_hashOrder_usesTheOrderBooksTypeAndDomain() public view {
        eq(
            venue.LIMIT_ORDER_TYPEHASH(),
            0xa5646ad4e12f13a826a13d347af87609a823345c54b80e92a318f474d6cf45eb,
            "the published type hash"
        );
        (, string memory name, string memory version,, address verifying,,) = venue.eip712Domain();
        eq(name, "OptionBook");
        eq(version, "1.0");
        eq(verifying, address(venue), "verifying contract");
    }

    function test_computeNonce_isSharedByABatch() public view {
        IOptionQuotes.Order memory o = ask();
        uint256 nonce = venue.computeNonce(o);
        (o.strikes, o.price, o.expiry) = (strikes(1), 1, 1);
        eq(venue.computeNonce(o), nonce, "strikes, price and expiry are not in it");
        o.maxCollateralUsable += 1;
        yes(venue.computeNonce(o) != nonce, "size is");
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
