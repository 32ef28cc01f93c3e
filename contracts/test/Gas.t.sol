// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../src/OptionSeries.sol";
import {Fixture} from "./support/Fixture.sol";

interface GasMeter {
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);
}

/// @notice What each call costs, written to snapshots/ and compared with the committed figures by `npm run gas`.
contract GasTest is Fixture {
    GasMeter private constant METER = GasMeter(address(uint160(uint256(keccak256("hevm cheat code")))));

    function meter(string memory name) private {
        METER.snapshotGasLastCall("SentientTrader", name);
    }

    function venueBuy() internal view returns (ISentientTrader.TradeIntent memory i) {
        i = buyIntent();
        i.router = address(venue);
        i.optionToken = address(seriesOf(ask()));
        (i.amountIn, i.quotedAmountOut, i.minAmountOut) = (5 * USDC, 121_212, 120_000);
    }

    function buyAtVenue(uint256 nonce, string memory name) internal {
        ISentientTrader.TradeIntent memory i = venueBuy();
        i.nonce = nonce;
        approveFor(i);
        bytes memory signature = sign(i);
        bytes memory data = quoteData(ask());
        vm.prank(user);
        trader.buyOption(i, signature, data);
        meter(name);
    }

    function test_gas_trades() public {
        buyAtVenue(1, "buyOption, first fill of a series");
        buyAtVenue(2, "buyOption, later fill");
        ISentientTrader.TradeIntent memory i = sellIntent();
        IOptionQuotes.Order memory o = bid();
        i.router = address(venue);
        i.optionToken = address(seriesOf(o));
        (i.amountIn, i.quotedAmountOut, i.minAmountOut) = (121_212, 4_848_480, 4_800_000);
        vm.prank(user);
        OptionSeries(i.optionToken).approve(address(trader), 121_212);
        bytes memory signature = sign(i);
        bytes memory data = quoteData(o);
        vm.prank(user);
        trader.executeTrade(i, signature, 0, data);
        meter("executeTrade, sell");
    }

    function test_gas_directTrades() public {
        vm.startPrank(user);
        usdc.approve(address(trader), 100 * USDC);
        trader.buyOption(address(option), 100 * USDC, 2 * USDC);
        meter("buyOption, three arguments, stub venue");
        option.approve(address(trader), 2 * USDC);
        trader.sellOption(address(option), 2 * USDC, 99 * USDC);
        meter("sellOption, three arguments, stub venue");
    }

    function test_gas_userCalls() public {
        vm.startPrank(user);
        trader.cancelNonce(1);
        meter("cancelNonce");
        trader.setSessionLimits(ISentientTrader.SessionLimits(1, 1, uint64(NOW), 1));
        meter("setSessionLimits");
    }

    function test_gas_administration() public {
        vm.startPrank(owner);
        trader.pause();
        meter("pause");
        trader.proposeRouter(address(venue));
        meter("proposeRouter");
        vm.warp(NOW + 48 hours);
        trader.acceptRouter(address(venue));
        meter("acceptRouter");
    }

    function test_gas_settlement() public {
        buyAtVenue(1, "buyOption, first fill of a series");
        publish(EXPIRY, 2_200e8);
        OptionSeries series = OptionSeries(venue.seriesAddress(venue.PUT(), PRICE_FEED, strikes(2_300e8), EXPIRY));
        series.settle();
        meter("OptionSeries.settle");
        series.redeemFor(user);
        meter("OptionSeries.redeemFor");
        series.returnCollateralTo(maker);
        meter("OptionSeries.returnCollateralTo");
    }
}
