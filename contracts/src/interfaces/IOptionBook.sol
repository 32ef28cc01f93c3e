// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IOptionQuotes} from "./IOptionQuotes.sol";

/// @title What bethna uses of Thetanuts' OptionBook, in the book's own signatures
/// @notice Quotes are the same structs that the token router takes. A fill makes a contract with two roles and no token:
/// the caller of `fillOrder` gets one of them, for exactly the signed price; there is no slippage argument.
interface IOptionBook {
    /// @notice A quote was filled. Amounts are base units of the collateral; the fee is part of `premiumAmount`.
    event OrderFilled(
        uint256 indexed nonce,
        address indexed buyer,
        address indexed seller,
        address optionAddress,
        uint256 premiumAmount,
        uint256 feeCollected,
        address referrer,
        uint256 referralFeePaid,
        bool sellerWasMaker
    );
    event OrderCancelled(uint256 indexed nonce, address indexed maker);
    event MakerCutoffUpdated(address indexed maker, uint256 oldCutoff, uint256 newCutoff);
    event ReferralFeePaid(address indexed referrer, address indexed collateral, uint256 fee, address optionAddress);
    event ReferrerFeeSplitUpdated(address indexed referrer, uint256 feeBps);
    event FeesClaimed(address indexed referrer, address indexed token, uint256 amount);

    /// @notice Fill `order.numContracts` (6 decimals) of a quote; the caller pays the premium, or posts the collateral
    /// where the maker is long.
    /// @param signature The maker's EIP-712 signature; the number of contracts is not part of it.
    /// @param referrer Who gets a share of the fee, zero for nobody.
    function fillOrder(IOptionQuotes.Order calldata order, bytes calldata signature, address referrer)
        external
        returns (address optionAddress);
    function cancelOrder(IOptionQuotes.Order calldata order) external;
    function cancelOrdersExpiringBefore(uint256 cutoff) external;
    function claimFees(address token) external;
    function setReferrerFeeSplit(address referrer, uint256 bps) external;

    /// @notice How much of a batch's `maxCollateralUsable` is used, by `computeNonce`; the maximum means cancelled.
    function amountFilled(uint256 nonce) external view returns (uint256);
    function makerCancellationCutoff(address maker) external view returns (uint256);
    function fees(address token, address referrer) external view returns (uint256);
    function referrerFeeSplitBps(address referrer) external view returns (uint256);
    function minNumContracts() external view returns (uint256);
    function minPremiumAmount() external view returns (uint256);
    function factory() external view returns (address);
    /// @notice Round a size to what can be filled, and what the seller locks for it.
    function getValidNumContracts(address implementation, uint256[] calldata strikes, uint256 desired)
        external
        view
        returns (uint256 validContracts, uint256 collateralRequired);
    function computeNonce(IOptionQuotes.Order calldata order) external pure returns (uint256);
    /// @notice The EIP-712 digest that the maker signs.
    function hashOrder(IOptionQuotes.Order calldata order) external view returns (bytes32);
}
