// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IThetanutsRouter} from "./IThetanutsRouter.sol";

/// @title The quotes that makers sign for the token router, and what can be wrong with one
interface IOptionQuotes is IThetanutsRouter {
    /// @notice A maker's quote. `isLong` is the maker's side: false sells (the taker buys), true buys. `price` is USD per
    /// contract and strikes USD, both with 8 decimals; `maxCollateralUsable` is USDC base units: the collateral a
    /// selling maker commits, or the premium a buying one will spend. `numContracts` and `extraOptionData` are not
    /// signed: the first is the taker's choice (0: as many as `amountIn` allows), the second must be empty.
    struct Order {
        address maker;
        uint256 orderExpiryTimestamp;
        address collateral;
        bool isCall;
        address priceFeed;
        address implementation;
        bool isLong;
        uint256 maxCollateralUsable;
        uint256[] strikes;
        uint256 expiry;
        uint256 price;
        uint256 numContracts;
        bytes extraOptionData;
    }

    /// @notice Where an underlying's settlement prices come from, and its short name.
    struct Feed {
        bytes32 feedId;
        bytes32 asset;
    }

    /// @notice A quote was filled: `contracts` and `premium` both have 6 decimals; `digest` is `hashOrder` of the quote.
    event OrderFilled(
        bytes32 indexed digest,
        address indexed maker,
        address indexed taker,
        address series,
        bool makerIsLong,
        uint256 contracts,
        uint256 premium
    );
    event OrderCancelled(bytes32 indexed digest, address indexed maker);
    /// @notice The maker's quotes that expire before `newCutoff` are void.
    event MakerCutoffUpdated(address indexed maker, uint256 oldCutoff, uint256 newCutoff);
    event MakerSet(address indexed maker, bool allowed);
    /// @notice Orders that name `priceFeed` settle on the oracle's `feedId`; `asset` is its short name, padded with zeros.
    event FeedRegistered(address indexed priceFeed, bytes32 feedId, bytes32 asset);
    /// @notice A series exists from now on. Strikes are USD with 8 decimals; `upperStrike` is 0 for single-strike kinds.
    event SeriesCreated(
        address indexed series,
        address indexed implementation,
        address indexed priceFeed,
        uint256 lowerStrike,
        uint256 upperStrike,
        uint256 expiry
    );

    error MakerNotAllowed(address maker);
    error OnlyMaker(address maker);
    error BadMakerSignature();
    error OrderExpired(uint256 orderExpiryTimestamp);
    error OrderIsCancelled(bytes32 digest);
    /// @notice The quote has less left than this fill needs: USDC collateral for an ask, USDC premium for a bid.
    error ExceedsMakerSize(uint256 requested, uint256 available);
    /// @notice An ask was brought to `sell`, or a bid to `buy`.
    error WrongSide();
    /// @notice The quote is for the series `expected`, not for the token that was asked for.
    error SeriesMismatch(address expected, address actual);
    /// @notice Strikes, price or flags that no series has.
    error InvalidTerms();
    error UnsupportedCollateral(address collateral);
    error UnknownFeed(address priceFeed);
    error UnknownImplementation(address implementation);
    error FeedAlreadyRegistered(address priceFeed);
    error OptionExpired(uint256 expiry);
    /// @notice Fewer contracts than can be bought, or a premium that rounds to nothing.
    error BelowMinimumSize(uint256 contracts, uint256 minimum);
    /// @notice The contracts that the taker named cost, or are, more than `amountIn`.
    error ExceedsAmountIn(uint256 requested, uint256 amountIn);
    error CutoffNotIncreasing(uint256 cutoff);

    /// @notice Void one of the caller's quotes.
    function cancelOrder(Order calldata order) external;
    /// @notice Void all of the caller's quotes that expire before `cutoff`.
    function cancelOrdersExpiringBefore(uint256 cutoff) external;
    /// @notice The EIP-712 digest that the maker signs.
    function hashOrder(Order memory order) external view returns (bytes32);
    /// @notice The number that the order feed shows as `nonce`: shared by a batch, so not an order's identity.
    function computeNonce(Order memory order) external pure returns (uint256);
    /// @notice Deploy the series with these terms if it does not exist yet; anyone may. Strikes in any order.
    function createSeries(address implementation, address priceFeed, uint256[] calldata strikes, uint256 expiry)
        external
        returns (address);
    /// @notice Where the series with these terms lives, deployed or not.
    function seriesAddress(address implementation, address priceFeed, uint256[] calldata strikes, uint256 expiry)
        external
        view
        returns (address);
}
