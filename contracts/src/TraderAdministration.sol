// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ISentientTrader} from "./interfaces/ISentientTrader.sol";

/// @title What the owner and the guardian of SentientTrader may decide
/// @notice Roles, listings and pauses. Nothing here can order a trade or reach a user's allowance; the only tokens that
/// move are those sent to the contract by mistake.
abstract contract TraderAdministration is ISentientTrader, Ownable2Step, Pausable, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 public constant ROUTER_DELAY = 48 hours;

    /// @inheritdoc ISentientTrader
    address public immutable usdc;
    /// @inheritdoc ISentientTrader
    address public defaultRouter;
    /// @inheritdoc ISentientTrader
    address public guardian;
    /// @inheritdoc ISentientTrader
    bool public exitsPaused;
    /// @inheritdoc ISentientTrader
    mapping(address trader => bool) public authorizedTraders;
    /// @inheritdoc ISentientTrader
    mapping(address token => Listing) public tokenListing;

    mapping(address router => RouterRecord) internal _routers;

    constructor(address usdc_, address[] memory initialRouters, address initialOwner, address initialGuardian)
        Ownable(initialOwner)
    {
        if (usdc_.code.length == 0 || IERC20Metadata(usdc_).decimals() != 6) revert NotUsdc(usdc_);
        usdc = usdc_;
        _setGuardian(initialGuardian);
        for (uint256 n = 0; n < initialRouters.length; ++n) {
            _requireFixedCode(initialRouters[n]);
            _listRouter(initialRouters[n], initialRouters[n].codehash);
        }
        if (initialRouters.length != 0) _setDefaultRouter(initialRouters[0]);
    }

    /// @inheritdoc ISentientTrader
    function setAuthorizedTrader(address trader, bool authorized) external onlyOwner nonReentrant {
        if (trader == address(0)) revert ZeroAddress();
        if (authorized && (trader == owner() || trader == guardian)) revert RoleConflict(trader);
        authorizedTraders[trader] = authorized;
        emit TraderAuthorizationChanged(trader, authorized);
    }

    /// @inheritdoc ISentientTrader
    function pause() external nonReentrant {
        if (msg.sender != owner() && msg.sender != guardian) revert NotAuthorized(msg.sender);
        _pause();
    }

    /// @inheritdoc ISentientTrader
    function unpause() external onlyOwner nonReentrant {
        _unpause();
    }

    /// @inheritdoc ISentientTrader
    function setExitsPaused(bool paused_) external onlyOwner nonReentrant {
        exitsPaused = paused_;
        emit ExitsPaused(paused_);
    }

    /// @inheritdoc ISentientTrader
    function proposeRouter(address router) external onlyOwner nonReentrant {
        _requireFixedCode(router);
        RouterRecord storage record = _routers[router];
        record.proposedCodehash = router.codehash;
        record.activeFrom = block.timestamp + ROUTER_DELAY;
        emit RouterProposed(router, router.codehash, record.activeFrom);
    }

    /// @inheritdoc ISentientTrader
    function acceptRouter(address router) external onlyOwner nonReentrant {
        RouterRecord storage record = _routers[router];
        if (record.activeFrom == 0) revert RouterNotAllowed(router);
        if (block.timestamp < record.activeFrom) revert DelayNotElapsed(record.activeFrom);
        if (router.codehash != record.proposedCodehash) revert RouterCodeChanged(router);
        _listRouter(router, record.proposedCodehash);
    }

    /// @inheritdoc ISentientTrader
    function removeRouter(address router) external onlyOwner nonReentrant {
        RouterRecord storage record = _routers[router];
        if (record.listing != Listing.ACTIVE && record.activeFrom == 0) revert RouterNotAllowed(router);
        if (record.listing == Listing.ACTIVE) record.listing = Listing.SELL_ONLY;
        record.proposedCodehash = bytes32(0);
        record.activeFrom = 0;
        emit RouterRemoved(router);
    }

    /// @inheritdoc ISentientTrader
    function setDefaultRouter(address router) external onlyOwner nonReentrant {
        if (_routers[router].listing != Listing.ACTIVE) revert RouterNotAllowed(router);
        _setDefaultRouter(router);
    }

    /// @inheritdoc ISentientTrader
    function setOptionTokenAllowed(address token, bool allowed) external onlyOwner nonReentrant {
        if (token == address(0)) revert ZeroAddress();
        if (token == usdc) revert SameToken();
        if (!allowed && tokenListing[token] == Listing.NONE) revert TokenNotAllowed(token);
        tokenListing[token] = allowed ? Listing.ACTIVE : Listing.SELL_ONLY;
        emit OptionTokenAllowed(token, allowed);
    }

    /// @inheritdoc ISentientTrader
    function setGuardian(address guardian_) external onlyOwner nonReentrant {
        _setGuardian(guardian_);
    }

    /// @inheritdoc ISentientTrader
    function rescueToken(address token, address to, uint256 amount) external onlyOwner nonReentrant {
        if (to == address(0)) revert ZeroAddress();
        IERC20(token).safeTransfer(to, amount);
        emit TokenRescued(token, to, amount);
    }

    /// @notice Offer ownership; it passes when the new owner accepts.
    function transferOwnership(address newOwner) public override onlyOwner nonReentrant {
        super.transferOwnership(newOwner);
    }

    /// @notice Take over an offered ownership.
    function acceptOwnership() public override nonReentrant {
        super.acceptOwnership();
    }

    /// @notice Disabled: without an owner nobody could withdraw a broken router.
    function renounceOwnership() public pure override {
        revert RenounceDisabled();
    }

    /// @inheritdoc ISentientTrader
    function routerRecord(address router) external view returns (RouterRecord memory) {
        return _routers[router];
    }

    function _listRouter(address router, bytes32 codehash) private {
        _routers[router] =
            RouterRecord({listing: Listing.ACTIVE, codehash: codehash, proposedCodehash: bytes32(0), activeFrom: 0});
        emit RouterAccepted(router, codehash);
    }

    function _setDefaultRouter(address router) private {
        emit RouterUpdated(defaultRouter, router);
        defaultRouter = router;
    }

    function _setGuardian(address guardian_) private {
        if (guardian_ != address(0) && (guardian_ == owner() || authorizedTraders[guardian_])) {
            revert RoleConflict(guardian_);
        }
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @dev Ownership never reaches the guardian or a courier, by whatever way it is offered.
    function _transferOwnership(address newOwner) internal override {
        if (newOwner == guardian || authorizedTraders[newOwner]) revert RoleConflict(newOwner);
        super._transferOwnership(newOwner);
    }

    /// @dev The recorded code hash only means something when that code cannot hand over to other code. So every proxy is
    /// refused (EIP-1967, beacon, EIP-1167), by looking for DELEGATECALL and CALLCODE outside the data of PUSHes.
    function _requireFixedCode(address router) private view {
        bytes memory code = router.code;
        if (code.length == 0) revert RouterNotAllowed(router);
        bool delegates = false;
        // In assembly because Solidity's bounds checks would cost millions of gas over a whole contract.
        assembly ("memory-safe") {
            let cursor := add(code, 32)
            let end := add(cursor, mload(code))
            for {} lt(cursor, end) { cursor := add(cursor, 1) } {
                let opcode := byte(0, mload(cursor))
                if lt(sub(opcode, 0x60), 32) { cursor := add(cursor, sub(opcode, 0x5f)) }
                if or(eq(opcode, 0xf4), eq(opcode, 0xf2)) {
                    delegates := 1
                    break
                }
            }
        }
        if (delegates) revert RouterCanDelegate(router);
    }
}
