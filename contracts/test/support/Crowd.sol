// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DevelopmentUSDC} from "../../src/dev/DevelopmentUSDC.sol";
import {ISentientTrader} from "../../src/interfaces/ISentientTrader.sol";
import {SentientTrader} from "../../src/SentientTrader.sol";
import {HostileRouter} from "./HostileRouter.sol";
import {Test} from "./Test.sol";
import {FeeToken, HookToken, RebasingToken, SenderFeeToken, StubToken} from "./Tokens.sol";

/// @notice Builds trades, runs them and judges what moved, next to a plain model of what should have happened.
/// `breaches[n]` counts the times when invariant n of the specification did not hold.
abstract contract Crowd is Test {
    using SafeERC20 for IERC20;

    uint256 internal constant USDC = 1e6;
    uint256 internal constant USERS = 3;

    SentientTrader public immutable trader;
    DevelopmentUSDC public immutable usdc;
    address public immutable minter;

    address public owner = address(0x0A);
    address public guardian = address(0x0B);
    address[2] public couriers = [address(0x0C), address(0x1C)];
    address public daemon = address(0x0D);
    address public stranger = address(0x0E);
    uint256[USERS] public keys = [uint256(0xA11CE), 0xB0B, 0xCA401];
    address[USERS] public users;
    HostileRouter[3] public routers; // the first two start listed, the third does not
    address[7] public tokens; // ordinary, unlisted, fee, sender fee, rebasing, hook, usdc

    // ---- what the model remembers
    mapping(uint256 invariant => uint256 count) public breaches;
    mapping(uint256 invariant => string what) public lastBreach;
    mapping(address token => uint256) public donated;
    mapping(address user => mapping(uint256 nonce => bool)) public spentNonces;
    mapping(address user => mapping(uint256 day => uint256)) public boughtByCouriers;
    mapping(address user => mapping(uint256 day => uint256)) public courierTrades;
    mapping(address user => ISentientTrader.SessionLimits) internal _modelLimits;
    mapping(address router => bool) public buysAllowed;
    mapping(address router => bool) public sellsAllowed;
    mapping(address router => uint256) public proposedAt;
    mapping(address token => ISentientTrader.Listing) public modelListing;
    mapping(address who => bool) public modelCourier;
    bool public buysPaused;
    bool public exitsPaused;
    uint256 public executed;
    uint256 public refused;
    ISentientTrader.TradeIntent[] internal _done;
    bytes[] internal _doneSignatures;

    struct Attempt {
        ISentientTrader.TradeIntent i;
        bytes signature;
        address caller;
        uint256 execMin;
        HostileRouter.Mode mode;
        uint256 key;
        uint256 broken; // the first invariant that forbids this trade; 0 when it must succeed
        bool unforeseen; // an odd token: it may succeed or not, but what moves must still add up
    }

    struct Books {
        uint256[USERS][7] user; // per token, usdc last
        uint256[7] helpers;
    }

    constructor(SentientTrader trader_, DevelopmentUSDC usdc_, address minter_, HostileRouter[3] memory routers_) {
        trader = trader_;
        usdc = usdc_;
        minter = minter_;
        routers = routers_;
        for (uint256 u = 0; u < USERS; ++u) {
            users[u] = vm.addr(keys[u]);
        }
        tokens = [
            address(new StubToken()),
            address(new StubToken()),
            address(new FeeToken()),
            address(new SenderFeeToken()),
            address(new RebasingToken()),
            address(new HookToken()),
            address(usdc_)
        ];
        SenderFeeToken(tokens[3]).setCharged(users[0]);
        for (uint256 r = 0; r < 2; ++r) {
            (buysAllowed[address(routers[r])], sellsAllowed[address(routers[r])]) = (true, true);
        }
        (modelCourier[couriers[0]], modelCourier[couriers[1]]) = (true, false);
        for (uint256 t = 0; t < 6; ++t) {
            if (t != 1) modelListing[tokens[t]] = ISentientTrader.Listing.ACTIVE;
        }
    }

    // ---- building a trade

    function _honest(uint256 seed, uint256 amount, uint256 slack) internal view returns (Attempt memory a) {
        uint256 u = seed % USERS;
        a.key = keys[u];
        a.i.user = users[u];
        a.i.executor = seed / 3 % 2 == 0 ? users[u] : (seed / 6 % 2 == 0 ? address(0) : daemon);
        a.i.side = uint8(seed / 12 % 2);
        a.i.optionToken = tokens[0];
        a.i.router = address(routers[seed / 24 % 2]);
        a.i.amountIn = between(amount, 5_000, 2_000 * USDC);
        a.i.quotedAmountOut = a.i.side == 0 ? a.i.amountIn / 50 : a.i.amountIn * 50;
        a.i.minAmountOut = a.i.quotedAmountOut - between(slack, 0, a.i.quotedAmountOut / 10);
        a.i.nonce = between(seed / 48, 0, 300);
        a.i.deadline = block.timestamp + between(seed / 96, 0, 15 minutes);
        a.i.ref = bytes32(seed);
        a.caller = a.i.executor == address(0) ? couriers[seed / 7 % 2] : a.i.executor;
    }

    /// @dev Most flaws are off by exactly one, where checks go wrong.
    function _spoil(Attempt memory a, uint8 flaw, uint256 seed) internal view {
        ISentientTrader.TradeIntent memory i = a.i;
        if (flaw == 2) a.caller = [stranger, owner, guardian, couriers[1], couriers[0]][seed % 5];
        if (flaw == 3) i.deadline = block.timestamp - 1;
        if (flaw == 4) i.deadline = block.timestamp + 15 minutes + 1;
        if (flaw == 5) (i.side, i.deadline) = (1, block.timestamp + 30 days + 1);
        if (flaw == 6) i.minAmountOut = _loosest(i.quotedAmountOut) - 1;
        if (flaw == 7) i.minAmountOut = _loosest(i.quotedAmountOut);
        if (flaw == 8) i.minAmountOut = 0;
        if (flaw == 9) i.router = address(routers[2]);
        if (flaw == 10) i.optionToken = tokens[1];
        if (flaw == 11) i.optionToken = seed % 2 == 0 ? address(usdc) : address(0);
        if (flaw == 12) i.side = 2;
        if (flaw == 13) a.execMin = i.quotedAmountOut + 1;
        if (flaw == 14) a.execMin = i.quotedAmountOut;
        if (flaw == 15) (i.side, i.deadline, i.minAmountOut) = (1, block.timestamp + 29 days, 1);
        if (flaw == 16) (i.executor, a.caller) = (address(0), couriers[seed % 2]);
        if (flaw == 17) (i.executor, a.caller) = (couriers[0], couriers[0]);
        if (flaw >= 18 && flaw <= 21) i.optionToken = tokens[flaw - 16];
        if (flaw >= 18 && flaw <= 21) a.unforeseen = true;
    }

    function _loosest(uint256 quoted) private pure returns (uint256) {
        return (quoted * 9_000 + 9_999) / 10_000;
    }

    function _sign(Attempt memory a) internal {
        bytes32 digest = trader.hashIntent(a.i);
        if (digest != _digestFromTheSpecification(a.i)) _breach(13, "the digest is not the specification's");
        a.signature = signed(a.key, digest);
    }

    /// @dev EIP-712 spelled out, with no help from the contract.
    function _digestFromTheSpecification(ISentientTrader.TradeIntent memory i) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("SentientTrader"),
                keccak256("1"),
                block.chainid,
                address(trader)
            )
        );
        bytes memory head = abi.encode(
            keccak256(
                "TradeIntent(address user,address executor,uint8 side,address optionToken,address router,uint256 amountIn,uint256 quotedAmountOut,uint256 minAmountOut,uint256 nonce,uint256 deadline,bytes32 ref)"
            ),
            i.user,
            i.executor,
            i.side,
            i.optionToken,
            i.router
        );
        bytes memory tail = abi.encode(i.amountIn, i.quotedAmountOut, i.minAmountOut, i.nonce, i.deadline, i.ref);
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(head, tail))));
    }

    // ---- running and judging

    function _run(Attempt memory a, bool forged) internal {
        if (a.mode != HostileRouter.Mode.REENTER) _setMode(a);
        if (a.i.optionToken != address(0) && a.i.optionToken != address(usdc)) _fund(a.i);
        a.broken = _forbiddenBy(a, forged);
        Books memory before = _books();
        vm.prank(a.caller);
        (bool ok, bytes memory answer) = address(trader).call{gas: 1_500_000}(
            abi.encodeCall(ISentientTrader.executeTrade, (a.i, a.signature, a.execMin, ""))
        );
        if (ok && a.broken != 0) _breach(a.broken, "a forbidden trade went through");
        if (!ok && a.broken == 0 && !a.unforeseen) _breach(14, "an honest trade was refused");
        _judge(a, ok, before, _books(), ok ? abi.decode(answer, (uint256)) : 0);
        if (ok) _remember(a);
        else refused += 1;
        _withdrawApprovals(a.i);
    }

    function _setMode(Attempt memory a) private {
        HostileRouter(a.i.router).setMode(a.mode);
    }

    /// @dev The specification's rules, in a language of their own: which invariant forbids this trade?
    function _forbiddenBy(Attempt memory a, bool forged) private view returns (uint256) {
        ISentientTrader.TradeIntent memory i = a.i;
        if (forged) return 1;
        if (i.side > 1) return 12;
        if (i.side == 0 ? buysPaused : exitsPaused) return 10;
        if (!_mayCall(a)) return 1;
        if (block.timestamp > i.deadline) return 8;
        if (i.deadline > block.timestamp + (i.side == 0 ? 15 minutes : 30 days)) return 8;
        bool mandate = i.side == 1 && i.deadline > block.timestamp + 15 minutes;
        if (i.minAmountOut == 0 || (!mandate && i.minAmountOut * 10 < i.quotedAmountOut * 9)) return 6;
        if (spentNonces[i.user][i.nonce]) return 2;
        if (i.side == 0 && modelCourier[a.caller] && !_withinLimits(i)) return 9;
        if (i.side == 0 ? !buysAllowed[i.router] : !sellsAllowed[i.router]) return 12;
        if (i.optionToken == address(0) || i.optionToken == address(usdc)) return 12;
        ISentientTrader.Listing listing = modelListing[i.optionToken];
        if (listing == ISentientTrader.Listing.NONE) return 12;
        if (i.side == 0 && listing != ISentientTrader.Listing.ACTIVE) return 12;
        return _cheats(a) ? 5 : 0;
    }

    function _mayCall(Attempt memory a) private view returns (bool) {
        if (a.caller == a.i.user || a.caller == a.i.executor) return true;
        return a.i.executor == address(0) && modelCourier[a.caller];
    }

    function _withinLimits(ISentientTrader.TradeIntent memory i) private view returns (bool) {
        ISentientTrader.SessionLimits memory l = _modelLimits[i.user];
        uint256 day = block.timestamp / 1 days;
        return block.timestamp <= l.validUntil && i.amountIn <= l.maxPerTrade
            && boughtByCouriers[i.user][day] + i.amountIn <= l.maxPerDay
            && courierTrades[i.user][day] < l.maxTradesPerDay;
    }

    function _cheats(Attempt memory a) private pure returns (bool) {
        if (a.execMin > a.i.quotedAmountOut) return true;
        return a.mode == HostileRouter.Mode.LIE || a.mode == HostileRouter.Mode.PAY_ONE_SHORT
            || a.mode == HostileRouter.Mode.REVERT || a.mode == HostileRouter.Mode.GAS_BOMB
            || a.mode == HostileRouter.Mode.RETURN_BOMB || a.mode == HostileRouter.Mode.KEEP_ALL;
    }

    function _judge(Attempt memory a, bool ok, Books memory before, Books memory after_, uint256 reported) private {
        for (uint256 u = 0; u < USERS; ++u) {
            if (users[u] != a.i.user || !ok) _unchanged(before, after_, u);
            else _judgeUser(a, before, after_, u, reported);
        }
        for (uint256 t = 0; t < 7; ++t) {
            if (after_.helpers[t] > before.helpers[t]) _breach(7, "someone else gained");
        }
    }

    function _judgeUser(Attempt memory a, Books memory before, Books memory after_, uint256 u, uint256 reported)
        private
    {
        uint256 option = _indexOf(a.i.optionToken);
        uint256 tokenIn = a.i.side == 0 ? 6 : option;
        uint256 tokenOut = a.i.side == 0 ? option : 6;
        if (before.user[tokenIn][u] > after_.user[tokenIn][u] + a.i.amountIn) {
            _breach(1, "more than amountIn was taken");
        }
        uint256 received = after_.user[tokenOut][u] - before.user[tokenOut][u];
        if (received < a.i.minAmountOut || received < a.execMin) _breach(5, "less than the minimum arrived");
        if (received != reported) _breach(5, "the reported amount is not the measured one");
        for (uint256 t = 0; t < 7; ++t) {
            if (t != tokenIn && after_.user[t][u] < before.user[t][u]) _breach(1, "another token was taken");
        }
        if (a.unforeseen && received < a.i.minAmountOut) _breach(16, "an odd token came up short");
    }

    function _unchanged(Books memory before, Books memory after_, uint256 u) internal {
        for (uint256 t = 0; t < 7; ++t) {
            // the rebasing token moves everyone's balance by itself, and only upwards
            if (after_.user[t][u] < before.user[t][u]) _breach(1, "someone paid without having ordered it");
        }
    }

    function _remember(Attempt memory a) private {
        executed += 1;
        if (spentNonces[a.i.user][a.i.nonce]) _breach(2, "a nonce was used twice");
        spentNonces[a.i.user][a.i.nonce] = true;
        if (!trader.isNonceUsed(a.i.user, a.i.nonce)) _breach(2, "a nonce was not burnt");
        if (a.i.side == 0 && modelCourier[a.caller] && a.caller != a.i.user) {
            uint256 day = block.timestamp / 1 days;
            boughtByCouriers[a.i.user][day] += a.i.amountIn;
            courierTrades[a.i.user][day] += 1;
        }
        _done.push(a.i);
        _doneSignatures.push(a.signature);
    }

    // ---- money

    function _fund(ISentientTrader.TradeIntent memory i) internal {
        address token = i.side == 0 ? address(usdc) : i.optionToken;
        _mint(token, i.user, i.amountIn);
        vm.startPrank(i.user);
        IERC20(token).forceApprove(address(trader), i.amountIn);
        vm.stopPrank();
    }

    function _withdrawApprovals(ISentientTrader.TradeIntent memory i) private {
        if (i.optionToken == address(0)) return;
        vm.startPrank(i.user);
        usdc.approve(address(trader), 0);
        IERC20(i.optionToken).forceApprove(address(trader), 0);
        vm.stopPrank();
    }

    function _mint(address token, address to, uint256 amount) internal {
        if (token == address(usdc)) {
            vm.prank(minter);
            usdc.mint(to, amount);
        } else {
            StubToken(token).mint(to, amount);
        }
    }

    function _books() internal view returns (Books memory b) {
        for (uint256 t = 0; t < 7; ++t) {
            for (uint256 u = 0; u < USERS; ++u) {
                b.user[t][u] = IERC20(tokens[t]).balanceOf(users[u]);
            }
            address[6] memory others = [owner, guardian, couriers[0], couriers[1], daemon, stranger];
            for (uint256 h = 0; h < 6; ++h) {
                b.helpers[t] += IERC20(tokens[t]).balanceOf(others[h]);
            }
        }
    }

    function _indexOf(address token) private view returns (uint256 t) {
        while (tokens[t] != token) ++t;
    }

    function _keyOf(address user) internal view returns (uint256) {
        for (uint256 u = 0; u < USERS; ++u) {
            if (users[u] == user) return keys[u];
        }
        revert Untrue("a known user");
    }

    function _breach(uint256 invariant, string memory what) internal {
        breaches[invariant] += 1;
        lastBreach[invariant] = what;
    }
}
