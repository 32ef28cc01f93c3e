// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {TraderAdministration} from "./TraderAdministration.sol";
import {ISentientTrader} from "./interfaces/ISentientTrader.sol";

/// @title Who may execute which intent, when, and how often
/// @notice Signatures, nonces, deadlines, bounds and session limits. Nothing here moves a token.
abstract contract SignedIntents is TraderAdministration, EIP712("SentientTrader", "1") {
    bytes32 public constant TRADE_INTENT_TYPEHASH = keccak256(
        "TradeIntent(address user,address executor,uint8 side,address optionToken,address router,uint256 amountIn,uint256 quotedAmountOut,uint256 minAmountOut,uint256 nonce,uint256 deadline,bytes32 ref)"
    );
    uint8 public constant BUY = 0;
    uint8 public constant SELL = 1;
    uint256 public constant MAX_SLIPPAGE_BPS = 1_000;
    uint256 public constant MAX_BUY_WINDOW = 15 minutes;
    uint256 public constant MAX_SELL_WINDOW = 30 days;
    uint256 private constant BPS = 10_000;

    mapping(address user => mapping(uint256 wordPos => uint256 bitmap)) private _usedNonces;
    mapping(address user => SessionLimits) private _limits;
    mapping(address user => SessionUsage) private _usage;

    /// @inheritdoc ISentientTrader
    function cancelNonce(uint256 nonce) external nonReentrant {
        _cancel(nonce >> 8, 1 << (nonce & 255));
    }

    /// @inheritdoc ISentientTrader
    function cancelNonces(uint256 wordPos, uint256 mask) external nonReentrant {
        _cancel(wordPos, mask);
    }

    /// @inheritdoc ISentientTrader
    function setSessionLimits(SessionLimits calldata limits) external nonReentrant {
        _limits[msg.sender] = limits;
        emit SessionLimitsSet(msg.sender, limits);
    }

    // ------------------------------------------------------------------------------------------------ reads

    /// @inheritdoc ISentientTrader
    function hashIntent(TradeIntent calldata i) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(TRADE_INTENT_TYPEHASH, i)));
    }

    /// @inheritdoc ISentientTrader
    function isNonceUsed(address user, uint256 nonce) public view returns (bool) {
        return _usedNonces[user][nonce >> 8] & (1 << (nonce & 255)) != 0;
    }

    /// @inheritdoc ISentientTrader
    function sessionLimits(address user) external view returns (SessionLimits memory) {
        return _limits[user];
    }

    /// @inheritdoc ISentientTrader
    function sessionUsage(address user) external view returns (SessionUsage memory) {
        return _usage[user];
    }

    // ------------------------------------------------------------------------------------------------ checks

    /// @dev Check everything that the intent says about itself and burn its nonce, before any other contract is called
    /// that could call back.
    function _useIntent(TradeIntent calldata i, bytes calldata signature) internal returns (bytes32 digest) {
        _requireCaller(i);
        _requireTimely(i);
        _requireBounds(i);
        digest = hashIntent(i);
        _requireSignature(i.user, digest, signature);
        _useNonce(i.user, i.nonce);
        if (i.side == BUY && msg.sender != i.user && authorizedTraders[msg.sender]) _useSession(i.user, i.amountIn);
    }

    function _requireCaller(TradeIntent calldata i) private view {
        if (msg.sender == i.user || msg.sender == i.executor) return;
        if (i.executor != address(0) || !authorizedTraders[msg.sender]) revert NotAuthorized(msg.sender);
    }

    function _requireTimely(TradeIntent calldata i) private view {
        if (block.timestamp > i.deadline) revert DeadlineExpired(i.deadline);
        uint256 window = i.side == BUY ? MAX_BUY_WINDOW : MAX_SELL_WINDOW;
        if (i.deadline > block.timestamp + window) revert DeadlineTooFar(i.deadline);
    }

    /// @dev A sell that lives longer than a buy may is an exit mandate: the quote is then the value at its trigger, and
    /// how far below to let it go is the person's choice.
    function _requireBounds(TradeIntent calldata i) private view {
        if (i.amountIn == 0 || i.minAmountOut == 0 || i.quotedAmountOut == 0) revert ZeroAmount();
        bool isMandate = i.side == SELL && i.deadline > block.timestamp + MAX_BUY_WINDOW;
        if (!isMandate) _requireTightBound(i.minAmountOut, i.quotedAmountOut);
    }

    function _requireTightBound(uint256 minOut, uint256 quoted) internal pure {
        if (minOut * BPS < quoted * (BPS - MAX_SLIPPAGE_BPS)) revert SlippageBoundTooLoose(minOut, quoted);
    }

    /// @dev ECDSA first even for accounts with code: an EIP-7702 account still signs with its key.
    function _requireSignature(address user, bytes32 digest, bytes calldata signature) private view {
        // The third value only explains an error, and any error has the same answer.
        // slither-disable-next-line unused-return
        (address signer, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && signer == user) return;
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(user, digest, signature)) revert BadSignature();
    }

    function _useNonce(address user, uint256 nonce) private {
        if (isNonceUsed(user, nonce)) revert NonceUsed(nonce);
        _usedNonces[user][nonce >> 8] |= 1 << (nonce & 255);
    }

    function _cancel(uint256 wordPos, uint256 mask) private {
        _usedNonces[msg.sender][wordPos] |= mask;
        emit NonceCancelled(msg.sender, wordPos, mask);
    }

    function _useSession(address user, uint256 amountIn) private {
        SessionLimits storage limits = _limits[user];
        if (block.timestamp > limits.validUntil) revert SessionExpired();
        SessionUsage memory usage = _usage[user];
        uint64 today = uint64(block.timestamp / 1 days);
        if (usage.day != today) usage = SessionUsage({spent: 0, day: today, trades: 0});
        if (
            amountIn > limits.maxPerTrade || usage.spent + amountIn > limits.maxPerDay
                || usage.trades >= limits.maxTradesPerDay
        ) revert LimitExceeded();
        // fits: the sum was just found not to exceed a uint128
        usage.spent += uint128(amountIn);
        usage.trades += 1;
        _usage[user] = usage;
    }
}
