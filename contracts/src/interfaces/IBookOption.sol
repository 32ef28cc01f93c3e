// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

/// @title One option of the book: one buyer, one seller, the seller's full collateral
/// @notice Whoever is `buyer()` at settlement is paid. The role moves whole, by `transfer`.
interface IBookOption {
    event OptionInitialized(
        address indexed buyer,
        address indexed seller,
        address indexed createdBy,
        uint256 optionType,
        address collateralToken,
        address priceFeed,
        uint256[] strikes,
        uint256 expiryTimestamp,
        uint256 numContracts,
        uint256 collateralAmount,
        bytes extraOptionData
    );
    event RoleTransferred(address indexed optionAddress, address indexed from, address indexed to, bool isBuyer);
    event TransferApproval(address indexed target, address indexed from, bool isBuyer, bool isApproved);
    event OptionExpired(address indexed optionAddress, uint256 settlementPrice);
    event OptionPayout(address indexed optionAddress, address indexed buyer, uint256 amountPaidOut);

    /// @notice Give a role to `target`; only its holder, or whom the holder approved, may.
    function transfer(bool isBuyer, address target) external;
    /// @notice Let `target` move the caller's role, or not any more.
    function approveTransfer(bool isBuyer, address target, bool isApproved) external;

    function buyer() external view returns (address);
    function seller() external view returns (address);
    function collateralToken() external view returns (address);
    function collateralAmount() external view returns (uint256);
    function numContracts() external view returns (uint256);
    function chainlinkPriceFeed() external view returns (address);
    function expiryTimestamp() external view returns (uint256);
    function optionSettled() external view returns (bool);
    function getStrikes() external view returns (uint256[] memory);
    function getImplementation() external view returns (address);
    /// @notice What this option pays its buyer at `price` (USD, 8 decimals), base units of the collateral.
    function calculatePayout(uint256 price) external view returns (uint256);
    function simulatePayout(uint256 price, uint256[] calldata strikes, uint256 n) external view returns (uint256);
    function calculateRequiredCollateral(uint256[] calldata strikes, uint256 n) external view returns (uint256);
}
