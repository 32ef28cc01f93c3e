// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {OptionSeries} from "./OptionSeries.sol";

/// @notice The four shapes that USDC can collateralise. CALL is Thetanuts' LINEAR_CALL: it pays at most its strike.
enum OptionKind {
    CALL,
    PUT,
    CALL_SPREAD,
    PUT_SPREAD
}

/// @title What an option pays, and what must be locked up for it
/// @notice Prices and strikes are USD with 8 decimals, contracts and USDC have 6, so contracts * price / 1e8 is USDC.
/// Rounding always favours solvency: payouts down, collateral and liabilities up.
library Payoff {
    uint256 internal constant PRICE_UNIT = 1e8;
    int32 private constant STRIKE_DECIMALS = 8;

    error PriceOutOfRange(int64 price, int32 expo);

    /// @notice The most that one contract can pay, USD with 8 decimals.
    function ceiling(OptionSeries.Terms memory t) internal pure returns (uint256) {
        return t.upperStrike == 0 ? t.lowerStrike : t.upperStrike - t.lowerStrike;
    }

    /// @notice USDC that fully covers `contracts`, rounded up.
    function collateral(OptionSeries.Terms memory t, uint256 contracts) internal pure returns (uint256) {
        return Math.mulDiv(contracts, ceiling(t), PRICE_UNIT, Math.Rounding.Ceil);
    }

    /// @notice USDC that `contracts` pay at `price`, rounded down.
    function payout(OptionSeries.Terms memory t, uint256 price, uint256 contracts) internal pure returns (uint256) {
        return Math.mulDiv(contracts, perContract(t, price), PRICE_UNIT);
    }

    /// @notice USDC that the writer of `contracts` owes at `price`, rounded up.
    function liability(OptionSeries.Terms memory t, uint256 price, uint256 contracts) internal pure returns (uint256) {
        return Math.mulDiv(contracts, perContract(t, price), PRICE_UNIT, Math.Rounding.Ceil);
    }

    /// @notice The payoff of one contract at `price`, USD with 8 decimals.
    function perContract(OptionSeries.Terms memory t, uint256 price) internal pure returns (uint256) {
        bool paysAbove = t.kind == OptionKind.CALL || t.kind == OptionKind.CALL_SPREAD;
        uint256 anchor = paysAbove || t.upperStrike == 0 ? t.lowerStrike : t.upperStrike;
        uint256 intrinsic = paysAbove ? Math.saturatingSub(price, anchor) : Math.saturatingSub(anchor, price);
        return Math.min(intrinsic, ceiling(t));
    }

    /// @notice An oracle's price as USD with 8 decimals, rounded down, and the least unit rather than zero: a series
    /// that could not settle would keep everyone's money.
    function toStrikeScale(int64 price, int32 expo) internal pure returns (uint256 scaled) {
        if (price <= 0 || expo > 0 || expo < -18) revert PriceOutOfRange(price, expo);
        uint256 value = SafeCast.toUint256(price);
        int32 shift = expo + STRIKE_DECIMALS;
        scaled = shift >= 0 ? value * 10 ** SafeCast.toUint256(shift) : value / 10 ** SafeCast.toUint256(-shift);
        if (scaled == 0) scaled = 1;
    }
}
