// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

/// @notice The cheat codes of forge that these tests use (there is no maintained npm package of forge-std).
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function prank(address caller) external;
    function startPrank(address caller) external;
    function stopPrank() external;
    function warp(uint256 timestamp) external;
    function chainId(uint256 id) external;
    function etch(address target, bytes calldata code) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata data) external;
    function expectRevert(bytes4 selector) external;
    function expectRevert() external;
    function expectEmit(address emitter) external;
    function readFile(string calldata path) external view returns (string memory);
    function writeFile(string calldata path, string calldata data) external;
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function toString(address value) external pure returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
    function toString(bytes32 value) external pure returns (string memory);
}

abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    error Unequal(string what, uint256 got, uint256 wanted);
    error Untrue(string what);

    function eq(uint256 got, uint256 wanted, string memory what) internal pure {
        if (got != wanted) revert Unequal(what, got, wanted);
    }

    function eq(address got, address wanted, string memory what) internal pure {
        if (got != wanted) revert Unequal(what, uint160(got), uint160(wanted));
    }

    function eq(bytes32 got, bytes32 wanted, string memory what) internal pure {
        if (got != wanted) revert Unequal(what, uint256(got), uint256(wanted));
    }

    function eq(string memory got, string memory wanted) internal pure {
        if (keccak256(bytes(got)) != keccak256(bytes(wanted))) revert Untrue(string.concat(got, " is not ", wanted));
    }

    function yes(bool condition, string memory what) internal pure {
        if (!condition) revert Untrue(what);
    }

    /// @dev Folds a fuzzed number into [low, high].
    function between(uint256 x, uint256 low, uint256 high) internal pure returns (uint256) {
        if (high - low == type(uint256).max) return x;
        return low + x % (high - low + 1);
    }

    function signed(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }
}
