// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice An ordinary token that anyone may mint; the base of the odd ones.
contract StubToken is ERC20, ERC20Permit {
    constructor() ERC20("Stub", "STUB") ERC20Permit("Stub") {}

    function mint(address to, uint256 amount) external virtual {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

/// @notice Takes 1 % of what is sent out of what arrives.
contract FeeToken is StubToken {
    function _update(address from, address to, uint256 value) internal virtual override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0xfee), fee);
    }
}

/// @notice Delivers in full, and charges one chosen sender 1 % on top.
contract SenderFeeToken is StubToken {
    address public charged;

    function setCharged(address charged_) external {
        charged = charged_;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from == charged && from != address(0)) super._update(from, address(0xfee), value / 100);
    }
}

/// @notice Answers false instead of reverting, and moves nothing.
contract FalseToken is StubToken {
    bool public broken;

    function breakIt() external {
        broken = true;
    }

    function transfer(address to, uint256 value) public override(ERC20) returns (bool) {
        return broken ? false : super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override(ERC20) returns (bool) {
        return broken ? false : super.transferFrom(from, to, value);
    }
}

/// @notice Answers nothing at all, like the oldest tokens.
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function decimals() external pure returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 value) external virtual {
        allowance[msg.sender][spender] = value;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) external {
        allowance[from][msg.sender] -= value;
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// @notice Refuses to change a non-zero allowance to another non-zero one.
contract ApproveOnceToken is NoReturnToken {
    function approve(address spender, uint256 value) external override {
        require(value == 0 || allowance[msg.sender][spender] == 0, "reset first");
        allowance[msg.sender][spender] = value;
    }
}

/// @notice Calls out on every transfer, like ERC-777.
contract HookToken is StubToken {
    address public target;
    bytes public payload;
    bool public payloadSucceeded;

    function arm(address target_, bytes calldata payload_) external {
        target = target_;
        payload = payload_;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target == address(0) || from == address(0)) return;
        (bool ok,) = target.call(payload);
        if (ok) payloadSucceeded = true;
    }
}

/// @notice Grows by 10 % for everyone on every transfer while `rising`.
contract RebasingToken is StubToken {
    uint256 public index = 100;
    bool public rising;

    function setRising(bool rising_) external {
        rising = rising_;
    }

    function balanceOf(address account) public view override(ERC20) returns (uint256) {
        return super.balanceOf(account) * index / 100;
    }

    function _update(address from, address to, uint256 value) internal virtual override {
        super._update(from, to, value * 100 / index);
        if (rising && from != address(0)) index = index * 11 / 10;
    }
}

/// @notice Halves everyone's balance whenever tokens reach `trigger`.
contract ShrinkingToken is RebasingToken {
    address public trigger;

    function setTrigger(address trigger_) external {
        trigger = trigger_;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (to == trigger) index = index / 2;
    }
}

/// @notice A second address through which another token can be moved.
contract AliasToken {
    StubToken public immutable real;

    constructor(StubToken real_) {
        real = real_;
    }

    function balanceOf(address account) external view returns (uint256) {
        return real.balanceOf(account);
    }

    function mint(address, uint256) external {}

    function transfer(address to, uint256 value) external returns (bool) {
        return real.transferFrom(msg.sender, to, value);
    }
}

/// @notice Cannot be moved by anyone while frozen.
contract FreezingToken is StubToken {
    bool public frozen;

    function setFrozen(bool frozen_) external {
        frozen = frozen_;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!frozen || from == address(0), "frozen");
        super._update(from, to, value);
    }
}

/// @notice Reports half of every balance.
contract UnderReportingToken is StubToken {
    function balanceOf(address account) public view override(ERC20) returns (uint256) {
        return super.balanceOf(account) / 2;
    }
}

/// @notice An account that is a contract and signs by ERC-1271 for one key.
contract ContractWallet {
    address public immutable signer;

    constructor(address signer_) {
        signer = signer_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(signature[0:32]), bytes32(signature[32:64]), uint8(signature[64]));
        return ecrecover(digest, v, r, s) == signer ? bytes4(0x1626ba7e) : bytes4(0);
    }

    function approve(IERC20 token, address spender, uint256 amount) external {
        token.approve(spender, amount);
    }
}
