// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IPriceOracle} from "../interfaces/IPriceOracle.sol";

/// @title A price feed for the simulated chain, with Pyth's read interface
/// @notice One writer appends prices; nothing is ever changed or removed. It proves nothing about the world, so it has
/// no place on a real chain: there the prices come from Pyth.
contract DevelopmentPriceOracle is IPriceOracle {
    struct Observation {
        int64 price;
        uint64 conf;
        int32 expo;
        uint64 publishTime;
    }

    /// @notice The only account that may publish.
    address public immutable writer;
    // Grows by `push` in updatePrice, which the detector does not count as initialising it.
    // slither-disable-next-line uninitialized-state
    mapping(bytes32 id => Observation[]) private _history;

    event PriceFeedUpdate(bytes32 indexed id, uint64 publishTime, int64 price, uint64 conf, int32 expo);

    error OnlyWriter(address caller);
    error PriceMustBePositive();
    error ExponentOutOfRange(int32 expo);
    error PublishTimeInFuture(uint256 publishTime);
    error PublishTimeNotIncreasing(uint256 publishTime, uint256 lastPublishTime);

    constructor(address writer_) {
        writer = writer_;
    }

    /// @notice Append a price. Times strictly increase and never lie ahead of the block's, which is what makes
    /// `firstPriceAtOrAfter` final.
    function updatePrice(bytes32 id, int64 price, uint64 conf, int32 expo, uint64 publishTime) external {
        if (msg.sender != writer) revert OnlyWriter(msg.sender);
        if (price <= 0) revert PriceMustBePositive();
        if (expo > 0 || expo < -18) revert ExponentOutOfRange(expo);
        if (publishTime > block.timestamp) revert PublishTimeInFuture(publishTime);
        Observation[] storage history = _history[id];
        uint256 count = history.length;
        if (count != 0 && publishTime <= history[count - 1].publishTime) {
            revert PublishTimeNotIncreasing(publishTime, history[count - 1].publishTime);
        }
        history.push(Observation(price, conf, expo, publishTime));
        emit PriceFeedUpdate(id, publishTime, price, conf, expo);
    }

    /// @inheritdoc IPriceOracle
    function getPriceUnsafe(bytes32 id) public view returns (Price memory) {
        Observation[] storage history = _history[id];
        uint256 count = history.length;
        if (count == 0) revert PriceFeedNotFound();
        return _toPrice(history[count - 1]);
    }

    /// @inheritdoc IPriceOracle
    function getPriceNoOlderThan(bytes32 id, uint256 age) external view returns (Price memory price) {
        price = getPriceUnsafe(id);
        if (block.timestamp - price.publishTime > age) revert StalePrice();
    }

    /// @inheritdoc IPriceOracle
    function firstPriceAtOrAfter(bytes32 id, uint256 timestamp) external view returns (Price memory) {
        Observation[] storage history = _history[id];
        uint256 low = 0;
        uint256 high = history.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (history[middle].publishTime < timestamp) low = middle + 1;
            else high = middle;
        }
        if (low == history.length) revert PriceNotPublished(timestamp);
        return _toPrice(history[low]);
    }

    function _toPrice(Observation storage o) private view returns (Price memory) {
        return Price({price: o.price, conf: o.conf, expo: o.expo, publishTime: o.publishTime});
    }
}
