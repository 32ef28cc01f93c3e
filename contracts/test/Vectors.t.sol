// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {ISentientTrader} from "../src/interfaces/ISentientTrader.sol";
import {Fixture} from "./support/Fixture.sol";

/// @notice The committed vectors are what other implementations are compared with; here they meet the contract.
contract VectorsTest is Fixture {
    string internal json;

    function test_hashIntent_givesTheCommittedDigests() public {
        json = vm.readFile("test/vectors/trade_intents.json");
        eq(trader.TRADE_INTENT_TYPEHASH(), vm.parseJsonBytes32(json, ".typehash"), "typehash");
        for (uint256 n = 0; n < 64; ++n) {
            string memory path = string.concat(".vectors[", vm.toString(n), "]");
            vm.chainId(number(path, ".chainId"));
            address verifying = location(path, ".verifyingContract");
            vm.etch(verifying, address(trader).code);
            eq(
                ISentientTrader(verifying).hashIntent(intent(string.concat(path, ".intent"))),
                vm.parseJsonBytes32(json, string.concat(path, ".digest")),
                path
            );
        }
    }

    function intent(string memory path) internal view returns (ISentientTrader.TradeIntent memory i) {
        i.user = location(path, ".user");
        i.executor = location(path, ".executor");
        i.side = uint8(number(path, ".side"));
        i.optionToken = location(path, ".optionToken");
        i.router = location(path, ".router");
        i.amountIn = number(path, ".amountIn");
        i.quotedAmountOut = number(path, ".quotedAmountOut");
        i.minAmountOut = number(path, ".minAmountOut");
        i.nonce = number(path, ".nonce");
        i.deadline = number(path, ".deadline");
        i.ref = vm.parseJsonBytes32(json, string.concat(path, ".ref"));
    }

    function number(string memory path, string memory key) internal view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(path, key));
    }

    function location(string memory path, string memory key) internal view returns (address) {
        return vm.parseJsonAddress(json, string.concat(path, key));
    }
}
