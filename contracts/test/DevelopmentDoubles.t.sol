// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {DevelopmentPriceOracle} from "../src/dev/DevelopmentPriceOracle.sol";
import {DevelopmentUSDC} from "../src/dev/DevelopmentUSDC.sol";
import {IPriceOracle} from "../src/interfaces/IPriceOracle.sol";
import {Fixture} from "./support/Fixture.sol";

contract DevelopmentPriceOracleTest is Fixture {
    function test_reads_haveThePythSelectorsAndErrors() public pure {
        eq(bytes32(IPriceOracle.getPriceUnsafe.selector), bytes32(bytes4(0x96834ad3)), "getPriceUnsafe");
        eq(bytes32(IPriceOracle.getPriceNoOlderThan.selector), bytes32(bytes4(0xa4ae35e0)), "getPriceNoOlderThan");
        eq(bytes32(IPriceOracle.PriceFeedNotFound.selector), bytes32(bytes4(0x14aebe68)), "PriceFeedNotFound");
        eq(bytes32(IPriceOracle.StalePrice.selector), bytes32(bytes4(0x19abf40e)), "StalePrice");
    }

    function test_getPriceNoOlderThan_revertsForAnOlderOne() public {
        publish(NOW, 2_000e8);
        vm.warp(NOW + 60);
        eq(oracle.getPriceNoOlderThan(FEED_ID, 60).publishTime, NOW, "just fresh enough");
        vm.expectRevert(IPriceOracle.StalePrice.selector);
        oracle.getPriceNoOlderThan(FEED_ID, 59);
    }

    function test_getPriceUnsafe_revertsForAnUnknownFeed() public {
        vm.expectRevert(IPriceOracle.PriceFeedNotFound.selector);
        oracle.getPriceUnsafe(keccak256("nothing"));
    }

    function test_updatePrice_revertsForEveryWayToRewriteHistory() public {
        vm.expectRevert(abi.encodeWithSelector(DevelopmentPriceOracle.OnlyWriter.selector, stranger));
        vm.prank(stranger);
        oracle.updatePrice(FEED_ID, 1, 0, -8, uint64(NOW));
        publish(NOW, 2_000e8);
        vm.startPrank(writer);
        vm.expectRevert(abi.encodeWithSelector(DevelopmentPriceOracle.PublishTimeNotIncreasing.selector, NOW, NOW));
        oracle.updatePrice(FEED_ID, 1, 0, -8, uint64(NOW));
        vm.expectRevert(abi.encodeWithSelector(DevelopmentPriceOracle.PublishTimeInFuture.selector, NOW + 1));
        oracle.updatePrice(FEED_ID, 1, 0, -8, uint64(NOW + 1));
        vm.expectRevert(DevelopmentPriceOracle.PriceMustBePositive.selector);
        oracle.updatePrice(FEED_ID, 0, 0, -8, uint64(NOW));
        vm.expectRevert(abi.encodeWithSelector(DevelopmentPriceOracle.ExponentOutOfRange.selector, int32(1)));
        oracle.updatePrice(FEED_ID, 1, 0, 1, uint64(NOW));
        vm.expectRevert(abi.encodeWithSelector(DevelopmentPriceOracle.ExponentOutOfRange.selector, int32(-19)));
        oracle.updatePrice(FEED_ID, 1, 0, -19, uint64(NOW));
    }

    function testFuzz_firstPriceAtOrAfter_findsWhatAPlainSearchFinds(uint16[12] memory steps, uint256 asked) public {
        uint256[12] memory times;
        uint256 time = NOW;
        for (uint256 n = 0; n < 12; ++n) {
            time += uint256(steps[n]) + 1;
            times[n] = time;
            publish(time, int64(int256(n + 1)));
        }
        asked = between(asked, NOW - 10, time);
        uint256 expected = 0;
        while (times[expected] < asked) ++expected;
        eq(oracle.firstPriceAtOrAfter(FEED_ID, asked).publishTime, times[expected], "the first");
    }
}

contract DevelopmentUSDCTest is Fixture {
    function test_metadata_isThatOfUsdc() public view {
        eq(usdc.symbol(), "USDC");
        eq(usdc.decimals(), 6, "decimals");
        (, string memory name, string memory version,,,,) = usdc.eip712Domain();
        eq(name, "USD Coin");
        eq(version, "2");
        eq(usdc.version(), "2");
    }

    function test_permit_revertsLateOrForAnotherSigner() public {
        vm.expectRevert(abi.encodeWithSelector(DevelopmentUSDC.PermitExpired.selector, NOW - 1));
        usdc.permit(user, stranger, 1, NOW - 1, 27, bytes32(uint256(1)), bytes32(uint256(1)));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                user,
                stranger,
                1,
                0,
                NOW
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(OTHER_KEY, keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash)));
        vm.expectRevert(abi.encodeWithSelector(DevelopmentUSDC.PermitSignerMismatch.selector, other, user));
        usdc.permit(user, stranger, 1, NOW, v, r, s);
    }

    function test_blacklist_stopsSenderReceiverAndSpender() public {
        vm.prank(user);
        usdc.approve(stranger, 1);
        address[3] memory roles = [user, other, stranger];
        for (uint256 n = 0; n < 3; ++n) {
            vm.prank(owner);
            usdc.blacklist(roles[n]);
            vm.expectRevert(abi.encodeWithSelector(DevelopmentUSDC.AccountBlacklisted.selector, roles[n]));
            vm.prank(stranger);
            usdc.transferFrom(user, other, 1);
            vm.prank(owner);
            usdc.unBlacklist(roles[n]);
        }
        vm.prank(stranger);
        yes(usdc.transferFrom(user, other, 1), "free again");
    }

    function test_administration_revertsForAnyoneButTheOwner() public {
        bytes[5] memory calls = [
            abi.encodeCall(usdc.mint, (user, 1)),
            abi.encodeCall(usdc.pause, ()),
            abi.encodeCall(usdc.unpause, ()),
            abi.encodeCall(usdc.blacklist, (user)),
            abi.encodeCall(usdc.unBlacklist, (user))
        ];
        for (uint256 n = 0; n < calls.length; ++n) {
            vm.prank(user);
            (bool ok, bytes memory answer) = address(usdc).call(calls[n]);
            yes(!ok, "refused");
            eq(
                keccak256(answer),
                keccak256(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, user)),
                "for being someone else"
            );
        }
    }
}
