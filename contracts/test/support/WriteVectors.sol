// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./Fixture.sol";

/// @notice Writes test/vectors/trade_intents.json: intents and the digests that the contract gives them, for every other
/// implementation to be compared with. `npm run vectors`; the same input gives the same file.
contract WriteVectors is Fixture {
    uint256 internal constant COUNT = 64;

    function run() external {
        setUp();
        string memory json = string.concat(
            '{\n "name": "SentientTrader",\n "version": "1",\n "typehash": "',
            vm.toString(trader.TRADE_INTENT_TYPEHASH()),
            '",\n "vectors": [\n'
        );
        for (uint256 n = 0; n < COUNT; ++n) {
            json = string.concat(json, vector(n), n + 1 == COUNT ? "\n" : ",\n");
        }
        vm.writeFile("test/vectors/trade_intents.json", string.concat(json, " ]\n}\n"));
    }

    /// @dev Elsewhere than here: the domain of another chain and another address, through the same code.
    function vector(uint256 n) internal returns (string memory) {
        uint256 chain = [uint256(8453), 84532, 31337, 1_001_337][n % 4];
        address verifying = address(uint160(uint256(keccak256(abi.encode("contract", n % 8)))));
        vm.chainId(chain);
        vm.etch(verifying, address(trader).code);
        ISentientTrader.TradeIntent memory i = intent(n);
        bytes32 digest = ISentientTrader(verifying).hashIntent(i);
        return string.concat(
            '  {"chainId": ',
            vm.toString(chain),
            ', "verifyingContract": "',
            vm.toString(verifying),
            '", "digest": "',
            vm.toString(digest),
            '",\n   "intent": {',
            head(i),
            tail(i),
            "}}"
        );
    }

    /// @dev Numbers of every size: the first two are the smallest and the largest there are.
    function intent(uint256 n) internal pure returns (ISentientTrader.TradeIntent memory i) {
        i.user = address(uint160(draw(n, "user")));
        i.executor = n % 3 == 0 ? address(0) : address(uint160(draw(n, "executor")));
        i.side = uint8(n / 2 % 2);
        i.optionToken = address(uint160(draw(n, "optionToken")));
        i.router = address(uint160(draw(n, "router")));
        i.amountIn = draw(n, "amountIn");
        i.quotedAmountOut = draw(n, "quotedAmountOut");
        i.minAmountOut = draw(n, "minAmountOut");
        i.nonce = draw(n, "nonce");
        i.deadline = draw(n, "deadline");
        i.ref = bytes32(draw(n, "ref"));
    }

    function draw(uint256 n, string memory field) private pure returns (uint256) {
        if (n == 0) return 0;
        if (n == 1) return type(uint256).max;
        uint256 shift = uint256(keccak256(abi.encode("size", n, field))) % 256;
        return uint256(keccak256(abi.encode("value", n, field))) >> (n % 2 == 0 ? shift : 0);
    }

    function head(ISentientTrader.TradeIntent memory i) private pure returns (string memory) {
        return string.concat(
            '"user": "',
            vm.toString(i.user),
            '", "executor": "',
            vm.toString(i.executor),
            '", "side": ',
            vm.toString(uint256(i.side)),
            ', "optionToken": "',
            vm.toString(i.optionToken),
            '", "router": "',
            vm.toString(i.router),
            '",\n    '
        );
    }

    function tail(ISentientTrader.TradeIntent memory i) private pure returns (string memory) {
        string memory numbers = string.concat(
            '"amountIn": "',
            vm.toString(i.amountIn),
            '", "quotedAmountOut": "',
            vm.toString(i.quotedAmountOut),
            '", "minAmountOut": "',
            vm.toString(i.minAmountOut)
        );
        return string.concat(
            numbers,
            '",\n    "nonce": "',
            vm.toString(i.nonce),
            '", "deadline": "',
            vm.toString(i.deadline),
            '", "ref": "',
            vm.toString(i.ref),
            '"'
        );
    }
}
