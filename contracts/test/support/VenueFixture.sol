// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IOptionQuotes} from "../../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../../src/OptionSeries.sol";
import {Fixture} from "./Fixture.sol";

/// @notice A user who takes quotes straight from the venue.
abstract contract VenueFixture is Fixture {
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
}
