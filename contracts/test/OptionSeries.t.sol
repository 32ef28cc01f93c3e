// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";
import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../src/OptionSeries.sol";
import {OptionKind, Payoff} from "../src/Payoff.sol";
import {ThetanutsTokenRouter} from "../src/ThetanutsTokenRouter.sol";
import {Fixture} from "./support/Fixture.sol";

contract OptionSeriesTest is Fixture {
    OptionSeries internal put;

    function setUp() public override {
        super.setUp();
        vm.prank(user);
        usdc.approve(address(venue), type(uint256).max);
        put = write(venue.PUT(), strikes(2_300e8), 500_000);
    }

    /// @dev Sells `contracts` of a series to the user at 1 USD each, fully collateralised by the maker.
    function write(address implementation, uint256[] memory s, uint256 contracts)
        internal
        returns (OptionSeries series)
    {
        IOptionQuotes.Order memory o = ask();
        o.implementation = implementation;
        o.isCall = implementation == venue.LINEAR_CALL() || implementation == venue.CALL_SPREAD();
        o.strikes = s;
        o.price = 1e8;
        o.numContracts = contracts;
        o.maxCollateralUsable = type(uint128).max;
        series = seriesOf(o);
        bytes memory data = quoteData(o);
        vm.prank(user);
        venue.buy(address(series), type(uint64).max, 1, user, data);
    }

    // ---- payoffs: per contract, USD with 8 decimals

    function test_simulatePayout_ofAPut() public view {
        eq(put.simulatePayout(2_300e8, 1e6), 0, "at the strike");
        eq(put.simulatePayout(2_299e8, 1e6), 1e6, "a dollar below");
        eq(put.simulatePayout(1, 1e6), 2_299_999_999, "nearly worthless underlying");
    }

    function test_simulatePayout_ofACallIsCappedAtItsStrike() public {
        OptionSeries call = write(venue.LINEAR_CALL(), strikes(2_500e8), 200_000);
        eq(call.simulatePayout(2_500e8, 1e6), 0, "at the strike");
        eq(call.simulatePayout(2_600e8, 1e6), 100e6, "a hundred above");
        eq(call.simulatePayout(9_000e8, 1e6), 2_500e6, "never more than was locked");
        eq(usdc.balanceOf(address(call)), 500 * USDC, "which is the strike");
    }

    function test_simulatePayout_ofSpreadsIsCappedAtTheirWidth() public {
        OptionSeries calls = write(venue.CALL_SPREAD(), strikes(2_200e8, 2_300e8), 500_000);
        eq(calls.simulatePayout(2_200e8, 1e6), 0, "below");
        eq(calls.simulatePayout(2_250e8, 1e6), 50e6, "between");
        eq(calls.simulatePayout(2_400e8, 1e6), 100e6, "above");
        eq(usdc.balanceOf(address(calls)), 50 * USDC, "the width is locked");
        OptionSeries puts = write(venue.PUT_SPREAD(), strikes(2_300e8, 2_200e8), 500_000);
        eq(puts.simulatePayout(2_300e8, 1e6), 0, "above");
        eq(puts.simulatePayout(2_250e8, 1e6), 50e6, "between");
        eq(puts.simulatePayout(2_100e8, 1e6), 100e6, "below");
    }

    function testFuzz_simulatePayout_neverExceedsWhatIsLocked(uint256 lower, uint256 width, uint256 price, uint256 n)
        public
    {
        lower = between(lower, 1e6, 100_000e8);
        width = between(width, 1, 100_000e8);
        n = between(n, 1_000, 10 * USDC);
        price = between(price, 1, 1_000_000e8);
        vm.prank(owner);
        usdc.mint(maker, type(uint128).max);
        OptionSeries[4] memory all = [
            write(venue.LINEAR_CALL(), strikes(lower + 1), n),
            write(venue.PUT(), strikes(lower + 3), n),
            write(venue.CALL_SPREAD(), strikes(lower, lower + width), n),
            write(venue.PUT_SPREAD(), strikes(lower, lower + width), n)
        ];
        for (uint256 k = 0; k < 4; ++k) {
            yes(all[k].simulatePayout(price, n) <= usdc.balanceOf(address(all[k])), "covered");
        }
    }

    // ---- settlement

    function test_settle_revertsBeforeExpiry() public {
        vm.warp(EXPIRY - 1);
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.NotExpired.selector, EXPIRY));
        put.settle();
    }

    function test_settle_revertsUntilAPriceFromAfterExpiryExists() public {
        publish(EXPIRY - 1, 2_000e8);
        vm.warp(EXPIRY + 10);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceNotPublished.selector, EXPIRY));
        put.settle();
    }

    /// @dev Whoever settles late gets the same price as whoever settles first.
    function test_settle_takesTheFirstPriceAfterExpiryWheneverItIsAsked() public {
        publish(EXPIRY - 1, 2_000e8);
        publish(EXPIRY + 3, 2_200e8);
        publish(EXPIRY + 9, 1_000e8);
        vm.warp(EXPIRY + 30 days);
        vm.expectEmit(address(put));
        emit OptionSeries.Settled(2_200e8, EXPIRY + 3);
        eq(put.settle(), 2_200e8, "the first");
        eq(put.settle(), 2_200e8, "for good");
    }

    function test_settle_takesAPriceFromTheVerySecond() public {
        publish(EXPIRY, 2_100e8);
        eq(put.settle(), 2_100e8, "at expiry counts");
    }

    function test_redeemFor_paysTheHolderWhoeverCalls() public {
        publish(EXPIRY, 2_200e8);
        uint256 before = usdc.balanceOf(user);
        vm.expectEmit(address(put));
        emit OptionSeries.Redeemed(user, 500_000, 50 * USDC);
        vm.prank(stranger);
        eq(put.redeemFor(user), 50 * USDC, "a hundred on half a contract");
        eq(usdc.balanceOf(user) - before, 50 * USDC, "to the holder");
        eq(put.balanceOf(user), 0, "burnt");
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.NothingToRedeem.selector, user));
        put.redeemFor(user);
    }

    function test_redeemFor_burnsWorthlessOnes() public {
        publish(EXPIRY, 2_400e8);
        eq(put.redeemFor(user), 0, "worthless");
        eq(put.totalSupply(), 0, "gone");
    }

    function test_returnCollateralTo_returnsTheRest() public {
        publish(EXPIRY, 2_200e8);
        uint256 before = usdc.balanceOf(maker);
        vm.expectEmit(address(put));
        emit OptionSeries.CollateralReturned(maker, 1_100 * USDC);
        vm.prank(stranger);
        eq(put.returnCollateralTo(maker), 1_100 * USDC, "1,150 locked, 50 owed");
        eq(usdc.balanceOf(maker) - before, 1_100 * USDC, "to the writer");
        eq(usdc.balanceOf(address(put)), 50 * USDC, "what the holders are owed");
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.NothingToRedeem.selector, maker));
        put.returnCollateralTo(maker);
    }

    function test_returnCollateralTo_isEmptyWhenAllOfItIsOwed() public {
        OptionSeries spread = write(venue.PUT_SPREAD(), strikes(2_300e8, 2_200e8), 500_000);
        publish(EXPIRY, 2_000e8);
        eq(spread.returnCollateralTo(maker), 0, "nothing left");
        eq(spread.redeemFor(user), 50 * USDC, "the holder has it");
    }

    function test_redemption_revertsBeforeExpiry() public {
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.NotExpired.selector, EXPIRY));
        put.redeemFor(user);
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.NotExpired.selector, EXPIRY));
        put.returnCollateralTo(maker);
    }

    /// @dev However the contracts are spread over holders, and whoever comes first, everyone is paid.
    function testFuzz_settlement_isAlwaysSolvent(uint256[4] memory sizes, uint256 moved, int64 price, bool writerFirst)
        public
    {
        for (uint256 n = 0; n < sizes.length; ++n) {
            write(venue.PUT(), strikes(2_300e8), between(sizes[n], 1_000, 3 * USDC));
        }
        uint256 half = put.balanceOf(user) * between(moved, 0, 1e6) / 1e6;
        vm.prank(user);
        put.transfer(other, half);
        publish(EXPIRY, int64(int256(between(uint256(uint64(price)), 1, 5_000e8))));
        if (writerFirst) put.returnCollateralTo(maker);
        if (put.balanceOf(user) != 0) put.redeemFor(user);
        if (put.balanceOf(other) != 0) put.redeemFor(other);
        if (!writerFirst) put.returnCollateralTo(maker);
        yes(usdc.balanceOf(address(put)) <= 2, "only rounding stays");
    }

    // ---- before expiry

    function test_write_revertsForAnyoneButTheRouter() public {
        vm.expectRevert(abi.encodeWithSelector(OptionSeries.OnlyRouter.selector, maker));
        vm.prank(maker);
        put.write(maker, maker, 1e6, 0);
    }

    function test_closePair_freesTheCollateralOfWhatWasBoughtBack() public {
        vm.prank(user);
        put.transfer(maker, 200_000);
        uint256 before = usdc.balanceOf(maker);
        vm.expectEmit(address(put));
        emit OptionSeries.PairClosed(maker, 200_000, 460 * USDC);
        vm.prank(maker);
        eq(put.closePair(200_000), 460 * USDC, "two fifths of it");
        eq(usdc.balanceOf(maker) - before, 460 * USDC, "returned");
        eq(put.shortOf(maker), 300_000, "still short");
        eq(put.totalSupply(), 300_000, "still out there");
    }

    function test_closePair_revertsForMoreThanIsHeldOrShort() public {
        vm.expectRevert();
        vm.prank(maker);
        put.closePair(1);
        vm.expectRevert();
        vm.prank(user);
        put.closePair(1);
    }

    // ---- the token

    function test_symbol_namesTheTerms() public {
        eq(put.symbol(), "ETH-1790604800-2300-P");
        eq(put.name(), "Option ETH-1790604800-2300-P");
        eq(write(venue.LINEAR_CALL(), strikes(2_300.25e8), 1e6).symbol(), "ETH-1790604800-2300.25000000-C");
        eq(write(venue.CALL_SPREAD(), strikes(2_300e8, 2_200e8), 1e6).symbol(), "ETH-1790604800-2200/2300-CS");
        eq(write(venue.PUT_SPREAD(), strikes(2_300e8, 2_200e8), 1e6).symbol(), "ETH-1790604800-2200/2300-PS");
        eq(put.decimals(), 6, "decimals");
    }

    function test_terms_readBackFromTheClonesOwnCode() public view {
        OptionSeries.Terms memory t = put.terms();
        yes(t.kind == OptionKind.PUT, "kind");
        eq(t.priceFeed, PRICE_FEED, "feed");
        eq(t.feedId, FEED_ID, "feed id");
        eq(t.lowerStrike, 2_300e8, "strike");
        eq(t.upperStrike, 0, "no second");
        eq(t.expiry, EXPIRY, "expiry");
    }

    function test_permit_worksOnAClone() public {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                user,
                stranger,
                123,
                0,
                NOW + 60
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(USER_KEY, keccak256(abi.encodePacked(hex"1901", put.DOMAIN_SEPARATOR(), structHash)));
        put.permit(user, stranger, 123, NOW + 60, v, r, s);
        eq(put.allowance(user, stranger), 123, "approved");
        (, string memory name,,, address verifying,,) = put.eip712Domain();
        eq(name, "OptionSeries");
        eq(verifying, address(put), "each series its own domain");
    }
}

/// @notice Reads the library through an external call, so that its refusals can be expected.
contract PayoffReader {
    function toStrikeScale(int64 price, int32 expo) external pure returns (uint256) {
        return Payoff.toStrikeScale(price, expo);
    }
}

contract PayoffTest is Fixture {
    PayoffReader internal reader = new PayoffReader();

    function test_toStrikeScale_readsAnyExponent() public view {
        eq(reader.toStrikeScale(230_012_345_678, -8), 230_012_345_678, "as it is");
        eq(reader.toStrikeScale(12_276_250, -5), 122.7625e8, "fewer decimals");
        eq(reader.toStrikeScale(2_300, 0), 2_300e8, "none");
        eq(reader.toStrikeScale(123_456_789_999, -11), 123_456_789, "more, rounded down");
        eq(reader.toStrikeScale(1, -18), 1, "never zero");
    }

    function test_toStrikeScale_revertsForWhatIsNoPrice() public {
        int64[4] memory prices = [int64(0), -1, 1, 1];
        int32[4] memory exponents = [int32(-8), -8, 1, -19];
        for (uint256 n = 0; n < 4; ++n) {
            vm.expectRevert(abi.encodeWithSelector(Payoff.PriceOutOfRange.selector, prices[n], exponents[n]));
            reader.toStrikeScale(prices[n], exponents[n]);
        }
    }
}
