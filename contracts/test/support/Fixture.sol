// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {DevelopmentPriceOracle} from "../../src/dev/DevelopmentPriceOracle.sol";
import {DevelopmentUSDC} from "../../src/dev/DevelopmentUSDC.sol";
import {ISentientTrader} from "../../src/interfaces/ISentientTrader.sol";
import {IOptionQuotes} from "../../src/interfaces/IOptionQuotes.sol";
import {OptionSeries} from "../../src/OptionSeries.sol";
import {SentientTrader} from "../../src/SentientTrader.sol";
import {ThetanutsTokenRouter} from "../../src/ThetanutsTokenRouter.sol";
import {HostileRouter} from "./HostileRouter.sol";
import {Test} from "./Test.sol";
import {StubToken} from "./Tokens.sol";

/// @notice The whole world of a test: a trader contract, both venues, a maker, a user, couriers and bystanders.
abstract contract Fixture is Test {
    using SafeERC20 for IERC20;

    uint8 internal constant BUY = 0;
    uint8 internal constant SELL = 1;
    uint256 internal constant NOW = 1_790_000_000;
    uint256 internal constant EXPIRY = NOW + 7 days;
    uint256 internal constant USDC = 1e6;
    bytes32 internal constant FEED_ID = 0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace;
    address internal constant PRICE_FEED = 0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70;

    uint256 internal constant USER_KEY = 0xA11CE;
    uint256 internal constant OTHER_KEY = 0xB0B;
    uint256 internal constant MAKER_KEY = 0x3A4E2;

    address internal owner = address(0x0A);
    address internal guardian = address(0x0B);
    address internal courier = address(0x0C);
    address internal daemon = address(0x0D);
    address internal stranger = address(0x0E);
    address internal writer = address(0x0F);
    address internal user;
    address internal other;
    address internal maker;

    DevelopmentUSDC internal usdc;
    DevelopmentPriceOracle internal oracle;
    ThetanutsTokenRouter internal venue;
    HostileRouter internal rogue;
    SentientTrader internal trader;
    StubToken internal option;

    function setUp() public virtual {
        vm.warp(NOW);
        user = vm.addr(USER_KEY);
        other = vm.addr(OTHER_KEY);
        maker = vm.addr(MAKER_KEY);
        usdc = new DevelopmentUSDC(owner);
        oracle = new DevelopmentPriceOracle(writer);
        venue = new ThetanutsTokenRouter(usdc, oracle, owner);
        rogue = new HostileRouter(usdc);
        option = new StubToken();
        address[] memory routers = new address[](2);
        (routers[0], routers[1]) = (address(rogue), address(venue));
        trader = newTrader(routers);
        _openShop();
        _fund(user);
        _fund(other);
        _fund(maker);
        _fund(address(rogue));
        vm.prank(maker);
        usdc.approve(address(venue), type(uint256).max);
    }

    function newTrader(address[] memory routers) internal returns (SentientTrader) {
        return new SentientTrader(address(usdc), routers, owner, guardian);
    }

    function _openShop() private {
        vm.startPrank(owner);
        trader.setAuthorizedTrader(courier, true);
        trader.setOptionTokenAllowed(address(option), true);
        venue.setMaker(maker, true);
        venue.registerFeed(PRICE_FEED, FEED_ID, "ETH");
        vm.stopPrank();
    }

    function _fund(address who) internal {
        vm.prank(owner);
        usdc.mint(who, 1_000_000 * USDC);
    }

    // ---- intents

    /// @dev 100 USDC for 2 contracts at the rogue venue, which is what it pays when honest.
    function buyIntent() internal view returns (ISentientTrader.TradeIntent memory i) {
        i.user = user;
        i.executor = user;
        i.side = BUY;
        i.optionToken = address(option);
        i.router = address(rogue);
        i.amountIn = 100 * USDC;
        i.quotedAmountOut = 2 * USDC;
        i.minAmountOut = 1_980_000;
        i.nonce = 7;
        i.deadline = block.timestamp + 5 minutes;
        i.ref = keccak256("plan");
    }

    /// @dev 2 contracts for 100 USDC.
    function sellIntent() internal view returns (ISentientTrader.TradeIntent memory i) {
        i = buyIntent();
        i.side = SELL;
        i.amountIn = 2 * USDC;
        i.quotedAmountOut = 100 * USDC;
        i.minAmountOut = 99 * USDC;
        i.nonce = 8;
    }

    function sign(ISentientTrader.TradeIntent memory i) internal view returns (bytes memory) {
        return signed(USER_KEY, trader.hashIntent(i));
    }

    /// @dev Gives the user what the intent spends, with an exact approval.
    function approveFor(ISentientTrader.TradeIntent memory i) internal {
        if (i.side == SELL) StubToken(i.optionToken).mint(i.user, i.amountIn);
        address token = i.side == BUY ? address(usdc) : i.optionToken;
        vm.startPrank(i.user);
        IERC20(token).forceApprove(address(trader), i.amountIn);
        vm.stopPrank();
    }

    function execute(ISentientTrader.TradeIntent memory i) internal returns (uint256) {
        bytes memory signature = sign(i);
        vm.prank(i.user);
        return trader.executeTrade(i, signature, 0, "");
    }

    function executeExpecting(ISentientTrader.TradeIntent memory i, bytes memory failure) internal {
        bytes memory signature = sign(i);
        expectFailure(failure);
        vm.prank(i.user);
        trader.executeTrade(i, signature, 0, "");
    }

    function expectFailure(bytes memory failure) internal {
        if (failure.length == 4) vm.expectRevert(bytes4(failure));
        else vm.expectRevert(failure);
    }

    function limits(uint128 perTrade, uint128 perDay, uint32 count) internal {
        vm.prank(user);
        trader.setSessionLimits(
            ISentientTrader.SessionLimits({
                maxPerTrade: perTrade,
                maxPerDay: perDay,
                validUntil: uint64(block.timestamp + 3 days),
                maxTradesPerDay: count
            })
        );
    }

    // ---- maker quotes

    /// @dev The maker sells ETH puts struck at 2,300 for 41.25 USD, with 10,000 USDC of collateral to commit.
    function ask() internal view returns (IOptionQuotes.Order memory o) {
        o.maker = maker;
        o.orderExpiryTimestamp = block.timestamp + 60;
        o.collateral = address(usdc);
        o.isCall = false;
        o.priceFeed = PRICE_FEED;
        o.implementation = venue.PUT();
        o.isLong = false;
        o.maxCollateralUsable = 10_000 * USDC;
        o.strikes = strikes(2_300e8);
        o.expiry = EXPIRY;
        o.price = 41.25e8;
        o.extraOptionData = "";
    }

    /// @dev The maker buys the same puts for 40 USD, spending at most 1,000 USDC.
    function bid() internal view returns (IOptionQuotes.Order memory o) {
        o = ask();
        o.isLong = true;
        o.price = 40e8;
        o.maxCollateralUsable = 1_000 * USDC;
    }

    function strikes(uint256 only) internal pure returns (uint256[] memory s) {
        s = new uint256[](1);
        s[0] = only;
    }

    function strikes(uint256 first, uint256 second) internal pure returns (uint256[] memory s) {
        s = new uint256[](2);
        (s[0], s[1]) = (first, second);
    }

    function seriesOf(IOptionQuotes.Order memory o) internal view returns (OptionSeries) {
        return OptionSeries(venue.seriesAddress(o.implementation, o.priceFeed, o.strikes, o.expiry));
    }

    function quoteData(IOptionQuotes.Order memory o) internal view returns (bytes memory) {
        return abi.encode(o, signed(MAKER_KEY, venue.hashOrder(o)));
    }

    function publish(uint256 time, int64 price) internal {
        vm.warp(time);
        vm.prank(writer);
        oracle.updatePrice(FEED_ID, price, 1, -8, uint64(time));
    }

    // ---- what must hold after any trade

    function assertNothingLeftBehind(address token) internal view {
        eq(IERC20(token).balanceOf(address(trader)), 0, "residue");
        eq(usdc.balanceOf(address(trader)), 0, "usdc residue");
        eq(IERC20(token).allowance(address(trader), address(rogue)), 0, "allowance to router");
        eq(usdc.allowance(address(trader), address(rogue)), 0, "usdc allowance to router");
    }
}
