// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

/// @title Pyth's read interface, and the one question settlement asks
/// @notice `getPriceUnsafe` and `getPriceNoOlderThan` have Pyth's selectors, tuple and errors, so that a reader written
/// for Pyth reads this unchanged.
interface IPriceOracle {
    /// @dev value = price * 10^expo; conf is half the width of the confidence band in the same scale.
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    /// @dev Pyth's own: the feed was never written (0x14aebe68).
    error PriceFeedNotFound();
    /// @dev Pyth's own: the last price is further than `age` from now (0x19abf40e).
    error StalePrice();
    /// @notice No price has been published at or after `timestamp` yet.
    error PriceNotPublished(uint256 timestamp);

    /// @notice The last price, however old it is.
    function getPriceUnsafe(bytes32 id) external view returns (Price memory price);

    /// @notice The last price, if it lies within `age` seconds of the block's time.
    function getPriceNoOlderThan(bytes32 id, uint256 age) external view returns (Price memory price);

    /// @notice The first price ever published with `publishTime >= timestamp`. Once it exists its answer never changes,
    /// so whoever asks cannot choose the price by choosing the moment.
    function firstPriceAtOrAfter(bytes32 id, uint256 timestamp) external view returns (Price memory price);
}
