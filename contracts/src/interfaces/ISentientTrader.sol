// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

/// @title A pass-through for option trades that only its user can order
/// @notice Holds nothing between transactions. Money moves only when the payer calls, or when the payer's EIP-712
/// signature over the exact trade is shown; whoever submits that signature is a courier and can gain nothing from it.
/// The payer is the only beneficiary. Amounts are base units (USDC 6 decimals, option tokens 6), times Unix seconds.
interface ISentientTrader {
    /// @notice The trade that the user signs. EIP-712 type, in this field order:
    /// TradeIntent(address user,address executor,uint8 side,address optionToken,address router,uint256 amountIn,
    /// uint256 quotedAmountOut,uint256 minAmountOut,uint256 nonce,uint256 deadline,bytes32 ref)
    struct TradeIntent {
        /// payer and only beneficiary
        address user;
        /// who may submit besides the user; 0 is any authorised courier
        address executor;
        /// 0 BUY (USDC to option), 1 SELL (option to USDC)
        uint8 side;
        address optionToken;
        address router;
        /// BUY: exact; SELL: a ceiling, the contract sells min(amountIn, balance)
        uint256 amountIn;
        /// what the screen displayed, > 0
        uint256 quotedAmountOut;
        /// > 0; at least 90 % of the quote for buys and for sells due within 15 minutes
        uint256 minAmountOut;
        /// unordered: word nonce >> 8, bit nonce & 255
        uint256 nonce;
        uint256 deadline;
        /// keccak256 of the canonical recommendation; not interpreted on chain
        bytes32 ref;
    }

    /// @notice A user's ceiling on what authorised couriers may buy. USDC base units; a day is a UTC day.
    struct SessionLimits {
        uint128 maxPerTrade;
        uint128 maxPerDay;
        uint64 validUntil;
        uint32 maxTradesPerDay;
    }

    /// @notice What couriers have bought for a user on `day` (Unix time / 86,400).
    struct SessionUsage {
        uint128 spent;
        uint64 day;
        uint32 trades;
    }

    /// @notice SELL_ONLY is what remains of a removed router or token: no more buys, but no one is locked in.
    enum Listing {
        NONE,
        ACTIVE,
        SELL_ONLY
    }

    /// @notice A router's standing: its code hash when it was accepted, and the proposal waiting for it, if any.
    struct RouterRecord {
        Listing listing;
        bytes32 codehash;
        bytes32 proposedCodehash;
        uint256 activeFrom;
    }

    event OptionPurchased(
        address indexed user, address indexed optionToken, uint256 amountIn, uint256 amountOut, uint256 timestamp
    );
    event OptionSold(
        address indexed user, address indexed optionToken, uint256 amountIn, uint256 amountOut, uint256 timestamp
    );
    event TraderAuthorizationChanged(address indexed trader, bool authorized);
    /// @notice The router of the three-argument calls changed.
    event RouterUpdated(address indexed oldRouter, address indexed newRouter);
    event IntentExecuted(
        bytes32 indexed intentHash, address indexed user, address indexed executor, uint256 nonce, bytes32 ref
    );
    event NonceCancelled(address indexed user, uint256 wordPos, uint256 mask);
    event SessionLimitsSet(address indexed user, SessionLimits limits);
    event RouterProposed(address indexed router, bytes32 codehash, uint256 activeFrom);
    event RouterAccepted(address indexed router, bytes32 codehash);
    event RouterRemoved(address indexed router);
    event OptionTokenAllowed(address indexed token, bool allowed);
    event GuardianSet(address indexed guardian);
    event ExitsPaused(bool paused);
    event TokenRescued(address indexed token, address indexed to, uint256 amount);

    error NotAuthorized(address caller);
    error BadSignature();
    error NonceUsed(uint256 nonce);
    error DeadlineExpired(uint256 deadline);
    error DeadlineTooFar(uint256 deadline);
    error RouterNotAllowed(address router);
    error RouterCodeChanged(address router);
    /// @notice The router's code can delegate to other code, so its hash promises nothing.
    error RouterCanDelegate(address router);
    error TokenNotAllowed(address token);
    error ZeroAmount();
    error ZeroAddress();
    error SameToken();
    error UnsupportedSide(uint8 side);
    error SlippageBoundTooLoose(uint256 minOut, uint256 quoted);
    error SlippageExceeded(uint256 minOut, uint256 got);
    error FeeOnTransfer(uint256 expected, uint256 got);
    /// @notice More left the user, or this contract, than the trade's amount.
    error OverPull();
    error SessionExpired();
    error LimitExceeded();
    error DelayNotElapsed(uint256 activeFrom);
    error ExitsArePaused();
    /// @notice Owner, guardian and courier must be three different accounts.
    error RoleConflict(address account);
    error RenounceDisabled();
    error NotUsdc(address token);

    // ---- msg.sender pays and receives, through `defaultRouter`

    /// @notice Buy with the caller's own USDC. Reverts with the venue's `MakerQuoteRequired` where it needs a quote.
    function buyOption(address optionToken, uint256 amountIn, uint256 minAmountOut) external returns (uint256 amountOut);

    /// @notice Sell exactly `amountIn` of the caller's own option tokens.
    function sellOption(address optionToken, uint256 amountIn, uint256 minAmountOut)
        external
        returns (uint256 amountOut);

    // ---- the user's signature pays and receives

    /// @notice `executeTrade` for side BUY at the signed minimum.
    /// @param routeData the venue's own data, for instance a maker's quote; not covered by the user's signature, because
    /// the user's bound is `minAmountOut` and `optionToken` names exactly what is bought.
    function buyOption(TradeIntent calldata i, bytes calldata signature, bytes calldata routeData)
        external
        returns (uint256 amountOut);

    /// @notice Execute a signed intent once. The caller is the user, the intent's executor, or (executor 0) an
    /// authorised courier.
    /// @param execMinAmountOut what the courier demands for the amount actually traded; can only tighten.
    function executeTrade(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData
    ) external returns (uint256 amountOut);

    /// @notice The same, after trying an EIP-2612 permit of `i.amountIn` on the token that the user pays with. A permit
    /// that fails (because somebody submitted it first) is ignored: the allowance decides.
    function executeTradeWithPermit(
        TradeIntent calldata i,
        bytes calldata signature,
        uint256 execMinAmountOut,
        bytes calldata routeData,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 amountOut);

    /// @notice Burn one of the caller's nonces. Never pausable.
    function cancelNonce(uint256 nonce) external;

    /// @notice Burn every nonce of the caller whose bit is set in `mask`, in word `wordPos` (nonce >> 8).
    function cancelNonces(uint256 wordPos, uint256 mask) external;

    /// @notice Set the caller's limits on buys by authorised couriers; all zero (the start) allows none.
    function setSessionLimits(SessionLimits calldata limits) external;

    // ---- administration: the owner lists, the guardian may only pause buys

    /// @notice Let `trader` submit other people's signed intents, and nothing else.
    function setAuthorizedTrader(address trader, bool authorized) external;
    function pause() external;
    function unpause() external;
    /// @notice Announce a router; it can be accepted 48 hours later if its code is still the same.
    function proposeRouter(address router) external;
    function acceptRouter(address router) external;
    /// @notice Withdraw a router or its proposal: at once for buys, while sells stay possible.
    function removeRouter(address router) external;
    /// @notice Choose the router of the three-argument calls among the active ones.
    function setDefaultRouter(address router) external;
    /// @notice List a token that no router vouches for with `isSeries`; unlisting leaves sells possible.
    function setOptionTokenAllowed(address token, bool allowed) external;
    function setGuardian(address guardian_) external;
    function setExitsPaused(bool paused) external;
    /// @notice Send away tokens that were sent here by mistake; trades never leave any.
    function rescueToken(address token, address to, uint256 amount) external;

    // ---- reads

    /// @notice The EIP-712 digest that the user signs.
    function hashIntent(TradeIntent calldata i) external view returns (bytes32);
    function isNonceUsed(address user, uint256 nonce) external view returns (bool);
    function sessionLimits(address user) external view returns (SessionLimits memory);
    function sessionUsage(address user) external view returns (SessionUsage memory);
    function authorizedTraders(address trader) external view returns (bool);
    function routerRecord(address router) external view returns (RouterRecord memory);
    function tokenListing(address token) external view returns (Listing);
    function usdc() external view returns (address);
    function defaultRouter() external view returns (address);
    function guardian() external view returns (address);
    function exitsPaused() external view returns (bool);
}
