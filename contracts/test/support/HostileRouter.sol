// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IThetanutsRouter} from "../../src/interfaces/IThetanutsRouter.sol";
import {StubToken} from "./Tokens.sol";

/// @notice A listed venue that can misbehave in every way a venue could. Honestly it trades at `PRICE_USDC` a contract.
contract HostileRouter is IThetanutsRouter {
    using SafeERC20 for IERC20;

    enum Mode {
        HONEST,
        LIE,
        PARTIAL_PULL,
        PAY_ONE_SHORT,
        OVER_PULL,
        REENTER,
        REVERT,
        GAS_BOMB,
        RETURN_BOMB,
        KEEP_ALL,
        PAY_THE_USER_DIRECTLY
    }

    uint256 public constant PRICE_USDC = 50; // per contract: 1 USDC unit buys 1/50 contract unit

    IERC20 public immutable usdc;
    Mode public mode;
    address public target;
    bytes public payload;
    bool public payloadSucceeded;
    uint256 public extraPulled;
    address public payee;
    mapping(address token => bool) public isSeries;

    constructor(IERC20 usdc_) {
        usdc = usdc_;
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    /// @notice Pay this account past the trader from now on.
    function payDirectly(address payee_) external {
        mode = Mode.PAY_THE_USER_DIRECTLY;
        payee = payee_;
    }

    /// @notice What to call on the trader in mode REENTER.
    function arm(address target_, bytes calldata payload_) external {
        mode = Mode.REENTER;
        target = target_;
        payload = payload_;
        payloadSucceeded = false;
    }

    function vouch(address token) external {
        isSeries[token] = true;
    }

    function buy(address optionToken, uint256 amountIn, uint256 minOut, address recipient, bytes calldata)
        external
        returns (uint256)
    {
        uint256 out = amountIn / PRICE_USDC;
        return _trade(usdc, IERC20(optionToken), amountIn, out, minOut, recipient);
    }

    function sell(address optionToken, uint256 amountIn, uint256 minOut, address recipient, bytes calldata)
        external
        returns (uint256)
    {
        return _trade(IERC20(optionToken), usdc, amountIn, amountIn * PRICE_USDC, minOut, recipient);
    }

    function quoteBuy(address, uint256 amountIn, bytes calldata) external view returns (uint256) {
        if (mode == Mode.REVERT) revert MakerQuoteRequired();
        return amountIn / PRICE_USDC;
    }

    function quoteSell(address, uint256 amountIn, bytes calldata) external view returns (uint256) {
        if (mode == Mode.REVERT) revert MakerQuoteRequired();
        return amountIn * PRICE_USDC;
    }

    function _trade(IERC20 tokenIn, IERC20 tokenOut, uint256 amountIn, uint256 out, uint256 minOut, address recipient)
        private
        returns (uint256)
    {
        if (mode == Mode.REVERT) revert("venue closed");
        if (mode == Mode.GAS_BOMB) while (true) {}
        if (mode == Mode.RETURN_BOMB) {
            assembly {
                return(0, 200000)
            }
        }
        if (mode == Mode.OVER_PULL) _pullTooMuch(tokenIn, amountIn);
        if (mode == Mode.REENTER) (payloadSucceeded,) = target.call(payload);
        uint256 taken = mode == Mode.PARTIAL_PULL ? amountIn / 2 : amountIn;
        tokenIn.safeTransferFrom(msg.sender, address(this), taken);
        if (mode == Mode.LIE) return type(uint256).max;
        if (mode == Mode.KEEP_ALL) return 0;
        uint256 paid = mode == Mode.PAY_ONE_SHORT ? minOut - 1 : out;
        _pay(tokenOut, mode == Mode.PAY_THE_USER_DIRECTLY ? payee : recipient, paid);
        return mode == Mode.PAY_ONE_SHORT ? type(uint256).max : paid;
    }

    /// @dev Beyond the approval nothing may come: not from the trader, nor from anyone who trusts the trader.
    function _pullTooMuch(IERC20 tokenIn, uint256 amountIn) private {
        try tokenIn.transferFrom(msg.sender, address(this), amountIn + 1) returns (bool ok) {
            if (ok) extraPulled += 1;
        } catch {}
    }

    function _pay(IERC20 tokenOut, address recipient, uint256 amount) private {
        if (address(tokenOut) == address(usdc)) tokenOut.transfer(recipient, amount);
        else StubToken(address(tokenOut)).mint(recipient, amount);
    }
}
