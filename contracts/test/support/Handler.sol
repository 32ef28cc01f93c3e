// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {DevelopmentUSDC} from "../../src/dev/DevelopmentUSDC.sol";
import {ISentientTrader} from "../../src/interfaces/ISentientTrader.sol";
import {SentientTrader} from "../../src/SentientTrader.sol";
import {HostileRouter} from "./HostileRouter.sol";
import {RebasingToken} from "./Tokens.sol";
import {Crowd} from "./Crowd.sol";

/// @notice Everyone who might touch the contract, doing anything they can in any order.
contract Handler is Crowd {
    constructor(SentientTrader trader_, DevelopmentUSDC usdc_, address minter_, HostileRouter[3] memory routers_)
        Crowd(trader_, usdc_, minter_, routers_)
    {}

    // ---- trading

    function honestTrade(uint256 seed, uint256 amount, uint256 slack) external {
        Attempt memory a = _honest(seed, amount, slack);
        _sign(a);
        _run(a, false);
    }

    /// @notice An honest venue, and something wrong with the intent or with who brings it.
    function flawedTrade(uint256 seed, uint256 amount, uint256 slack, uint8 flaw) external {
        Attempt memory a = _honest(seed, amount, slack);
        _spoil(a, flaw % 22, seed);
        _sign(a);
        bool forged = flaw % 22 == 0;
        if (forged) a.signature = signed(keys[(seed % USERS + 1) % USERS], trader.hashIntent(a.i));
        _run(a, forged);
    }

    /// @notice A good intent, and a venue that may do anything.
    function hostileTrade(uint256 seed, uint256 amount, uint256 slack, uint8 mode, bool oddToken) external {
        Attempt memory a = _honest(seed, amount, slack);
        a.mode = HostileRouter.Mode(mode % 10);
        if (a.mode == HostileRouter.Mode.REENTER) a.mode = HostileRouter.Mode.HONEST; // reenter() arms the venue first
        if (oddToken) _spoil(a, uint8(18 + seed % 4), seed);
        _sign(a);
        _run(a, false);
    }

    /// @notice Everything executed before is shown again, by its user and by the couriers.
    function replay(uint256 seed) external {
        if (_done.length == 0) return;
        Attempt memory a;
        uint256 which = seed % _done.length;
        a.i = _done[which];
        a.signature = _doneSignatures[which];
        a.caller = seed % 2 == 0 ? a.i.user : couriers[0];
        a.key = _keyOf(a.i.user);
        _run(a, false);
    }

    /// @notice A venue that holds a second valid intent tries it in the middle of the first.
    function reenter(uint256 seed, uint256 amount) external {
        seed = seed / 2;
        Attempt memory first = _honest(seed, amount, 0);
        Attempt memory second = _honest(seed + 12, amount, 0); // the same user, the other side
        second.i.nonce = first.i.nonce + 1;
        second.i.executor = first.i.router;
        _sign(first);
        _sign(second);
        first.mode = HostileRouter.Mode.REENTER;
        _fund(second.i);
        HostileRouter(first.i.router)
            .arm(address(trader), abi.encodeCall(ISentientTrader.executeTrade, (second.i, second.signature, 0, "")));
        bool wasUsed = spentNonces[second.i.user][second.i.nonce];
        _run(first, false);
        if (!wasUsed && trader.isNonceUsed(second.i.user, second.i.nonce)) {
            _breach(2, "a second intent ran inside the first");
        }
        vm.startPrank(first.i.user);
        usdc.approve(address(trader), 0);
        vm.stopPrank();
    }

    /// @notice The three-argument calls: only ever with the caller's own money.
    function direct(uint256 seed, uint256 amount, bool isBuy) external {
        address router = trader.defaultRouter();
        HostileRouter(router).setMode(HostileRouter.Mode.HONEST);
        address caller = seed % 3 == 0 ? stranger : users[seed % USERS];
        ISentientTrader.TradeIntent memory i = _honest(seed, amount, 0).i;
        (i.user, i.side, i.router) = (caller, isBuy ? 0 : 1, router);
        if (caller != stranger) _fund(i);
        Books memory before = _books();
        vm.prank(caller);
        try trader.buyOption(tokens[0], isBuy ? i.amountIn : 1, isBuy ? i.amountIn / 50 : 0) {
            if (!isBuy) _breach(6, "a zero minimum passed");
            if (buysPaused) _breach(10, "a direct buy while paused");
            if (!buysAllowed[router]) _breach(12, "a direct buy through a withdrawn router");
            if (caller == stranger) _breach(1, "a stranger bought without money");
        } catch {}
        Books memory after_ = _books();
        for (uint256 u = 0; u < USERS; ++u) {
            if (users[u] != caller) _unchanged(before, after_, u);
        }
    }

    // ---- everything else

    function cancel(uint256 seed, uint256 nonce) external {
        nonce = between(nonce, 0, 300);
        address user = users[seed % USERS];
        vm.prank(user);
        trader.cancelNonce(nonce);
        spentNonces[user][nonce] = true;
    }

    function setLimits(uint256 seed, uint64 perTrade, uint64 perDay, uint8 count, uint32 forSeconds) external {
        address user = users[seed % USERS];
        ISentientTrader.SessionLimits memory l = ISentientTrader.SessionLimits(
            perTrade % 3_000_000_000, perDay % 6_000_000_000, uint64(block.timestamp) + forSeconds % 300_000, count % 8
        );
        vm.prank(user);
        trader.setSessionLimits(l);
        _modelLimits[user] = l;
    }

    function warp(uint32 forward) external {
        vm.warp(block.timestamp + forward % 40_000);
    }

    function rebase(bool rising) external {
        RebasingToken(tokens[4]).setRising(rising);
    }

    function donate(uint256 seed, uint256 amount) external {
        uint256 t = seed % 2 == 0 ? 0 : 6;
        amount = between(amount, 1, 1_000 * USDC);
        _mint(tokens[t], address(trader), amount);
        donated[tokens[t]] += amount;
    }

    /// @notice Owner, guardian, couriers and strangers press every button.
    function administer(uint256 seed, uint8 button, uint256 argument) external {
        address caller = [owner, owner, owner, guardian, couriers[0], stranger][seed % 6];
        Books memory before = _books();
        button = button % 10;
        address router = address(routers[argument % 3]);
        address token = tokens[argument % 7];
        if (button == 0) _press(caller, abi.encodeCall(trader.pause, ()), caller == owner || caller == guardian);
        if (button == 1) _press(caller, abi.encodeCall(trader.unpause, ()), caller == owner);
        if (button == 2) _press(caller, abi.encodeCall(trader.setExitsPaused, (argument % 4 == 0)), caller == owner);
        if (button == 3) {
            if (_press(caller, abi.encodeCall(trader.proposeRouter, (router)), caller == owner)) {
                proposedAt[router] = block.timestamp;
            }
        }
        if (button == 4) _accept(caller, router);
        if (button == 5) {
            if (_press(caller, abi.encodeCall(trader.removeRouter, (router)), caller == owner)) {
                (buysAllowed[router], proposedAt[router]) = (false, 0);
            }
        }
        if (button == 6) {
            bool allowed = argument % 2 == 0;
            if (_press(caller, abi.encodeCall(trader.setOptionTokenAllowed, (token, allowed)), caller == owner)) {
                modelListing[token] = allowed ? ISentientTrader.Listing.ACTIVE : ISentientTrader.Listing.SELL_ONLY;
                if (token == address(usdc)) _breach(12, "usdc became an option");
            }
        }
        if (button == 7) {
            address courier = couriers[argument % 2];
            bool authorized = argument % 3 != 0;
            if (_press(caller, abi.encodeCall(trader.setAuthorizedTrader, (courier, authorized)), caller == owner)) {
                modelCourier[courier] = authorized;
            }
        }
        if (button == 8) _rescue(caller, argument);
        if (button == 9) _press(caller, abi.encodeCall(trader.setDefaultRouter, (router)), caller == owner);
        buysPaused = trader.paused();
        exitsPaused = trader.exitsPaused();
        Books memory after_ = _books();
        for (uint256 u = 0; u < USERS; ++u) {
            _unchanged(before, after_, u);
        }
    }

    function _accept(address caller, address router) private {
        if (!_press(caller, abi.encodeCall(trader.acceptRouter, (router)), caller == owner)) return;
        if (proposedAt[router] == 0 || block.timestamp < proposedAt[router] + 48 hours) {
            _breach(11, "a router became usable within 48 hours");
        }
        (buysAllowed[router], sellsAllowed[router], proposedAt[router]) = (true, true, 0);
    }

    function _rescue(address caller, uint256 argument) private {
        address token = argument % 2 == 0 ? tokens[0] : tokens[6];
        uint256 amount = donated[token] + (argument % 5 == 0 ? 1 : 0);
        if (_press(caller, abi.encodeCall(trader.rescueToken, (token, address(0xdead), amount)), caller == owner)) {
            if (amount > donated[token]) _breach(11, "more was rescued than was ever there");
            donated[token] -= amount;
        }
    }

    function _press(address caller, bytes memory button, bool mayPress) private returns (bool ok) {
        vm.prank(caller);
        (ok,) = address(trader).call(button);
        if (ok && !mayPress) _breach(11, "a stranger pressed an owner's button");
    }
}
