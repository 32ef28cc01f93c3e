// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {ContractWallet} from "./support/Tokens.sol";
import {VenueFixture} from "./support/VenueFixture.sol";

contract MakerQuotesTest is VenueFixture {
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
        fillExpecting(o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OrderExpired.selector, o.orderExpiryTimestamp));
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
            series, BUDGET, quoteData(o), abi.encodeWithSelector(IOptionQuotes.UnsupportedCollateral.selector, stranger)
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
            series, BUDGET, quoteData(o), abi.encodeWithSelector(IOptionQuotes.UnknownImplementation.selector, stranger)
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
        fillExpecting(o, BUDGET, abi.encodeWithSelector(IOptionQuotes.OrderIsCancelled.selector, venue.hashOrder(o)));
        vm.expectRevert(abi.encodeWithSelector(IOptionQuotes.CutoffNotIncreasing.selector, o.orderExpiryTimestamp));
        vm.prank(maker);
        venue.cancelOrdersExpiringBefore(o.orderExpiryTimestamp);
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
}
