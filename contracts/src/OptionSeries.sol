// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IPriceOracle} from "./interfaces/IPriceOracle.sol";
import {OptionKind, Payoff} from "./Payoff.sol";

/// @title One option series: an ERC-20 for what holders own, a ledger for what writers owe
/// @notice European, settled in USDC, fully collateralised by its writers in this contract. 6 decimals: 1_000_000 is one
/// contract on one unit of the underlying. Deployed by its router as a clone at an address fixed by its terms, which
/// nothing can change. Settles once, at the first price published at or after expiry, whoever asks and whenever.
/// @dev The EIP-712 domain of `permit` is ("OptionSeries", "1", chain id, this series).
contract OptionSeries is ERC20Permit, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice What the series pays. Strikes are USD with 8 decimals; `upperStrike` is 0 for single-strike kinds.
    struct Terms {
        OptionKind kind;
        address priceFeed;
        bytes32 feedId;
        bytes32 asset;
        uint256 lowerStrike;
        uint256 upperStrike;
        uint256 expiry;
    }

    uint256 private constant STRIKE_UNIT = 1e8;

    /// @notice The only account that may write new contracts.
    address public immutable router;
    IERC20 public immutable usdc;
    IPriceOracle public immutable oracle;

    /// @notice The price it settled at, USD with 8 decimals; 0 until then.
    uint256 public settlementPrice;
    /// @notice Contracts a writer is short (6 decimals).
    mapping(address writer => uint256 contracts) public shortOf;
    /// @notice USDC a writer has deposited here (6 decimals).
    mapping(address writer => uint256 amount) public collateralOf;

    event Written(address indexed writer, address indexed holder, uint256 contracts, uint256 collateral);
    event PairClosed(address indexed writer, uint256 contracts, uint256 collateral);
    event Settled(uint256 settlementPrice, uint256 publishTime);
    event Redeemed(address indexed holder, uint256 contracts, uint256 payout);
    event CollateralReturned(address indexed writer, uint256 amount);

    error OnlyRouter(address caller);
    error NotExpired(uint256 expiry);
    error NothingToRedeem(address account);

    constructor(IERC20 usdc_, IPriceOracle oracle_) ERC20("", "") ERC20Permit("OptionSeries") {
        router = msg.sender;
        usdc = usdc_;
        oracle = oracle_;
    }

    // ------------------------------------------------------------------------------------------------ before expiry

    /// @notice Create `contracts` for `holder` against collateral that the router has just deposited for `writer`.
    function write(address writer, address holder, uint256 contracts, uint256 collateral) external nonReentrant {
        if (msg.sender != router) revert OnlyRouter(msg.sender);
        shortOf[writer] += contracts;
        collateralOf[writer] += collateral;
        _mint(holder, contracts);
        emit Written(writer, holder, contracts, collateral);
    }

    /// @notice Cancel `contracts` that the caller both holds and is short, and take the freed collateral.
    function closePair(uint256 contracts) external nonReentrant returns (uint256 released) {
        shortOf[msg.sender] -= contracts;
        uint256 required = Payoff.collateral(terms(), shortOf[msg.sender]);
        released = collateralOf[msg.sender] - required;
        collateralOf[msg.sender] = required;
        _burn(msg.sender, contracts);
        emit PairClosed(msg.sender, contracts, released);
        usdc.safeTransfer(msg.sender, released);
    }

    // ------------------------------------------------------------------------------------------------ after expiry

    /// @notice Fix the settlement price. Anyone may, once it has been published; nobody can choose it.
    function settle() external nonReentrant returns (uint256 price) {
        return _settle();
    }

    /// @notice Pay `holder` for all contracts it holds, settling first if need be. Anyone may call for anyone.
    function redeemFor(address holder) external nonReentrant returns (uint256 payout) {
        uint256 price = _settle();
        uint256 contracts = balanceOf(holder);
        if (contracts == 0) revert NothingToRedeem(holder);
        payout = Payoff.payout(terms(), price, contracts);
        _burn(holder, contracts);
        emit Redeemed(holder, contracts, payout);
        if (payout != 0) usdc.safeTransfer(holder, payout);
    }

    /// @notice Return to `writer` what its contracts did not cost it. Anyone may call for anyone.
    function returnCollateralTo(address writer) external nonReentrant returns (uint256 amount) {
        uint256 price = _settle();
        uint256 contracts = shortOf[writer];
        uint256 deposited = collateralOf[writer];
        if (deposited == 0) revert NothingToRedeem(writer);
        amount = deposited - Payoff.liability(terms(), price, contracts);
        shortOf[writer] = 0;
        collateralOf[writer] = 0;
        emit CollateralReturned(writer, amount);
        if (amount != 0) usdc.safeTransfer(writer, amount);
    }

    function _settle() private returns (uint256 price) {
        price = settlementPrice;
        if (price != 0) return price;
        Terms memory t = terms();
        if (block.timestamp < t.expiry) revert NotExpired(t.expiry);
        IPriceOracle.Price memory first = oracle.firstPriceAtOrAfter(t.feedId, t.expiry);
        price = Payoff.toStrikeScale(first.price, first.expo);
        settlementPrice = price;
        emit Settled(price, first.publishTime);
    }

    // ------------------------------------------------------------------------------------------------ reads

    /// @notice The terms, read from the clone's own code.
    function terms() public view returns (Terms memory) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (Terms));
    }

    /// @notice What `contracts` would pay at `price` (USD, 8 decimals), in USDC base units, rounded down.
    function simulatePayout(uint256 price, uint256 contracts) external view returns (uint256) {
        return Payoff.payout(terms(), price, contracts);
    }

    function name() public view override returns (string memory) {
        return string.concat("Option ", symbol());
    }

    /// @notice Asset, expiry in Unix seconds, strikes in USD, kind: "ETH-1790323200-2300-P", "ETH-1790323200-2200/2300-CS".
    function symbol() public view override returns (string memory) {
        Terms memory t = terms();
        string memory strikes = _formatStrike(t.lowerStrike);
        if (t.upperStrike != 0) strikes = string.concat(strikes, "/", _formatStrike(t.upperStrike));
        string[4] memory suffixes = ["-C", "-P", "-CS", "-PS"];
        return
            string.concat(_assetName(t.asset), "-", Strings.toString(t.expiry), "-", strikes, suffixes[uint256(t.kind)]);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function _assetName(bytes32 asset) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && asset[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 n = 0; n < length; ++n) {
            text[n] = asset[n];
        }
        return string(text);
    }

    function _formatStrike(uint256 strike) private pure returns (string memory) {
        string memory whole = Strings.toString(strike / STRIKE_UNIT);
        uint256 fraction = strike % STRIKE_UNIT;
        if (fraction == 0) return whole;
        bytes memory digits = bytes(Strings.toString(STRIKE_UNIT + fraction));
        digits[0] = "."; // the leading 1 kept the zeros in place
        return string.concat(whole, string(digits));
    }
}
