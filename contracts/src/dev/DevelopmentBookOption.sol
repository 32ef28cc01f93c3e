// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IBookOption} from "../interfaces/IBookOption.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {OptionSeries} from "../OptionSeries.sol";
import {OptionKind, Payoff} from "../Payoff.sol";

/// @title An option of the development book: the real one's reads, roles and events, our own insides
/// @notice Created by its book as a clone of one implementation per kind. On the real chain the protocol settles by
/// itself on an average price; here anyone may call `settle`, and it is the first price after expiry.
contract DevelopmentBookOption is IBookOption, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev What a fill makes of an order.
    struct Terms {
        address buyer;
        address seller;
        address implementation;
        address priceFeed;
        bytes32 feedId;
        uint256[] strikes;
        uint256 expiry;
        uint256 numContracts;
        uint256 collateral;
    }

    address public immutable book;
    OptionKind public immutable kind;
    IERC20 private immutable _usdc;
    IPriceOracle private immutable _oracle;

    Terms private _terms;
    /// @inheritdoc IBookOption
    bool public optionSettled;
    mapping(address owner => mapping(address spender => bool)) public buyerAllowance;
    mapping(address owner => mapping(address spender => bool)) public sellerAllowance;

    error OnlyBook(address caller);
    error AlreadyInitialized();
    error NotRoleHolder(address caller);
    error ZeroTarget();
    error NotExpired(uint256 expiry);
    error AlreadySettled();
    error InvalidStrikes();

    constructor(OptionKind kind_, IERC20 usdc_, IPriceOracle oracle_) {
        book = msg.sender;
        kind = kind_;
        _usdc = usdc_;
        _oracle = oracle_;
    }

    /// @notice Write the terms into a fresh clone; its book has paid in the collateral.
    function initialize(Terms calldata terms) external {
        if (msg.sender != book) revert OnlyBook(msg.sender);
        if (_terms.buyer != address(0)) revert AlreadyInitialized();
        _terms = terms;
        emit OptionInitialized(
            terms.buyer,
            terms.seller,
            book,
            uint256(kind),
            address(_usdc),
            terms.priceFeed,
            terms.strikes,
            terms.expiry,
            terms.numContracts,
            terms.collateral,
            ""
        );
    }

    /// @inheritdoc IBookOption
    function transfer(bool isBuyer, address target) external nonReentrant {
        if (target == address(0)) revert ZeroTarget();
        if (optionSettled) revert AlreadySettled();
        address from = isBuyer ? _terms.buyer : _terms.seller;
        bool isApproved = isBuyer ? buyerAllowance[from][msg.sender] : sellerAllowance[from][msg.sender];
        if (msg.sender != from && !isApproved) revert NotRoleHolder(msg.sender);
        if (isBuyer) _terms.buyer = target;
        else _terms.seller = target;
        emit RoleTransferred(address(this), from, target, isBuyer);
    }

    /// @inheritdoc IBookOption
    function approveTransfer(bool isBuyer, address target, bool isApproved) external nonReentrant {
        if (isBuyer) buyerAllowance[msg.sender][target] = isApproved;
        else sellerAllowance[msg.sender][target] = isApproved;
        emit TransferApproval(target, msg.sender, isBuyer, isApproved);
    }

    /// @notice Pay buyer and seller once the option has expired; anyone may call.
    function settle() external nonReentrant returns (uint256 payout) {
        if (optionSettled) revert AlreadySettled();
        if (block.timestamp < _terms.expiry) revert NotExpired(_terms.expiry);
        IPriceOracle.Price memory first = _oracle.firstPriceAtOrAfter(_terms.feedId, _terms.expiry);
        uint256 price = Payoff.toStrikeScale(first.price, first.expo);
        optionSettled = true;
        payout = calculatePayout(price);
        emit OptionExpired(address(this), price);
        emit OptionPayout(address(this), _terms.buyer, payout);
        if (payout != 0) _usdc.safeTransfer(_terms.buyer, payout);
        uint256 left = _terms.collateral - payout;
        if (left != 0) _usdc.safeTransfer(_terms.seller, left);
    }

    /// @inheritdoc IBookOption
    function buyer() external view returns (address) {
        return _terms.buyer;
    }

    /// @inheritdoc IBookOption
    function seller() external view returns (address) {
        return _terms.seller;
    }

    /// @inheritdoc IBookOption
    function collateralToken() external view returns (address) {
        return address(_usdc);
    }

    /// @inheritdoc IBookOption
    function collateralAmount() external view returns (uint256) {
        return _terms.collateral;
    }

    /// @inheritdoc IBookOption
    function numContracts() external view returns (uint256) {
        return _terms.numContracts;
    }

    /// @inheritdoc IBookOption
    function chainlinkPriceFeed() external view returns (address) {
        return _terms.priceFeed;
    }

    /// @inheritdoc IBookOption
    function expiryTimestamp() external view returns (uint256) {
        return _terms.expiry;
    }

    /// @inheritdoc IBookOption
    function getStrikes() external view returns (uint256[] memory) {
        return _terms.strikes;
    }

    /// @inheritdoc IBookOption
    function getImplementation() external view returns (address) {
        return _terms.implementation;
    }

    /// @inheritdoc IBookOption
    function calculatePayout(uint256 price) public view returns (uint256) {
        return simulatePayout(price, _terms.strikes, _terms.numContracts);
    }

    /// @inheritdoc IBookOption
    function simulatePayout(uint256 price, uint256[] memory strikes, uint256 n) public view returns (uint256) {
        return Payoff.payout(_shape(strikes), price, n);
    }

    /// @inheritdoc IBookOption
    function calculateRequiredCollateral(uint256[] calldata strikes, uint256 n) external view returns (uint256) {
        return Payoff.collateral(_shape(strikes), n);
    }

    /// @dev The same shapes that a series has; what identifies one is left empty.
    function _shape(uint256[] memory strikes) private view returns (OptionSeries.Terms memory t) {
        bool isSpread = kind == OptionKind.CALL_SPREAD || kind == OptionKind.PUT_SPREAD;
        if (strikes.length != (isSpread ? 2 : 1) || strikes[0] == 0) revert InvalidStrikes();
        t.kind = kind;
        t.lowerStrike = strikes[0];
        if (!isSpread) return t;
        if (strikes[1] == 0 || strikes[0] == strikes[1]) revert InvalidStrikes();
        (t.lowerStrike, t.upperStrike) = strikes[0] < strikes[1] ? (strikes[0], strikes[1]) : (strikes[1], strikes[0]);
    }
}
