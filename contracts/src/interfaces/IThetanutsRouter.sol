// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

/// @title The venue port: what SentientTrader needs from a place where options are traded
/// @notice The caller approves the router for at most `amountIn` and calls; the router pulls what it needs (never more)
/// and sends the proceeds to `recipient`. The caller measures balances itself: a return value is information, not proof.
/// Amounts are base units: USDC has 6 decimals, an option token 6 (1_000_000 is one contract).
interface IThetanutsRouter {
    /// @notice The venue has no standing price for this call: a maker's signed quote must come in `routeData`.
    error MakerQuoteRequired();
    /// @notice The venue would deliver less than the caller accepts. The same error as ISentientTrader's.
    error SlippageExceeded(uint256 minOut, uint256 got);

    /// @notice Spend up to `amountIn` USDC of the caller and send `optionToken` to `recipient`.
    /// @param routeData what the venue needs besides; for ThetanutsTokenRouter `abi.encode(Order, bytes signature)`.
    function buy(
        address optionToken,
        uint256 amountIn,
        uint256 minAmountOut,
        address recipient,
        bytes calldata routeData
    ) external returns (uint256 amountOut);

    /// @notice Take up to `amountIn` of `optionToken` from the caller and send USDC to `recipient`.
    function sell(
        address optionToken,
        uint256 amountIn,
        uint256 minAmountOut,
        address recipient,
        bytes calldata routeData
    ) external returns (uint256 amountOut);

    /// @notice What `buy` with the same arguments would deliver now. Reverts when the venue cannot say.
    function quoteBuy(address optionToken, uint256 amountIn, bytes calldata routeData)
        external
        view
        returns (uint256 amountOut);

    /// @notice What `sell` with the same arguments would deliver now. Reverts when the venue cannot say.
    function quoteSell(address optionToken, uint256 amountIn, bytes calldata routeData)
        external
        view
        returns (uint256 amountOut);

    /// @notice Whether `token` is an option series that this venue itself deployed.
    function isSeries(address token) external view returns (bool);
}
