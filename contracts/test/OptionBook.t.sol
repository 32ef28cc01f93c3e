// SPDX-License-Identifier: MIT
pragma solidity ^0.8.25;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {DevelopmentBookOption} from "../src/dev/DevelopmentBookOption.sol";
import {DevelopmentOptionBook} from "../src/dev/DevelopmentOptionBook.sol";
import {IBookOption} from "../src/interfaces/IBookOption.sol";
import {IOptionBook} from "../src/interfaces/IOptionBook.sol";
import {IOptionQuotes} from "../src/interfaces/IOptionQuotes.sol";
import {Fixture} from "./support/Fixture.sol";
import {ContractWallet} from "./support/Tokens.sol";

/// @notice The development book against what is published of the real one: selectors, hashes, amounts, words, roles.
contract OptionBookTest is Fixture {
    uint256 internal constant N = 121_212;
    uint256 internal constant PREMIUM = 4_999_995;
    uint256 internal constant COLLATERAL = 278_787_600;
    uint256 internal constant FEE = 178_181;

    DevelopmentOptionBook internal book;

    function setUp() public override {
        super.setUp();
        book = new DevelopmentOptionBook(usdc, oracle, owner);
        vm.prank(owner);
        book.registerFeed(PRICE_FEED, FEED_ID);
        publish(NOW, 2_450e8);
        vm.prank(maker);
        usdc.approve(address(book), type(uint256).max);
    }

    /// @dev The published example: puts struck at 2,300 for 41.25 USD, 5 USDC worth of them.
    function offered() internal view returns (IOptionQuotes.Order memory o) {
        o = ask();
        o.implementation = book.put();
        o.numContracts = N;
    }

    function wanted() internal view returns (IOptionQuotes.Order memory o) {
        o = offered();
        o.isLong = true;
        o.maxCollateralUsable = 100 * USDC;
    }

    function fill(IOptionQuotes.Order memory o, address referrer) internal returns (DevelopmentBookOption) {
        bytes memory signature = signed(MAKER_KEY, book.hashOrder(o));
        vm.startPrank(user);
        usdc.approve(address(book), o.isLong ? COLLATERAL : PREMIUM);
        address option = book.fillOrder(o, signature, referrer);
        vm.stopPrank();
        return DevelopmentBookOption(option);
    }

    function fill(IOptionQuotes.Order memory o) internal returns (DevelopmentBookOption) {
        return fill(o, address(0));
    }

    function fillExpecting(IOptionQuotes.Order memory o, string memory words) internal {
        fillSignedExpecting(o, signed(MAKER_KEY, book.hashOrder(o)), words);
    }

    function fillSignedExpecting(IOptionQuotes.Order memory o, bytes memory signature, string memory words) internal {
        vm.startPrank(user);
        usdc.approve(address(book), type(uint256).max);
        vm.expectRevert(bytes(words));
        book.fillOrder(o, signature, address(0));
        vm.stopPrank();
    }

    // ---- the published interface

    function test_interface_hasThePublishedSelectorsAndTopics() public pure {
        eq(bytes32(IOptionBook.fillOrder.selector), bytes32(bytes4(0xa4761ec1)), "fillOrder");
        eq(bytes32(IOptionBook.amountFilled.selector), bytes32(bytes4(0xc0da0f68)), "amountFilled");
        eq(bytes32(IOptionBook.computeNonce.selector), bytes32(bytes4(0xdf531b78)), "computeNonce");
        eq(bytes32(IOptionBook.hashOrder.selector), bytes32(bytes4(0xc755b2d9)), "hashOrder");
        eq(bytes32(IOptionBook.cancelOrder.selector), bytes32(bytes4(0x74b42387)), "cancelOrder");
        eq(bytes32(IOptionBook.getValidNumContracts.selector), bytes32(bytes4(0x2e25445b)), "getValidNumContracts");
        eq(bytes32(IOptionBook.claimFees.selector), bytes32(bytes4(0x15a0ea6a)), "claimFees");
        eq(bytes32(IBookOption.buyer.selector), bytes32(bytes4(0x7150d8ae)), "buyer");
        eq(bytes32(IBookOption.transfer.selector), bytes32(bytes4(0x942129ee)), "transfer");
        eq(bytes32(IBookOption.optionSettled.selector), bytes32(bytes4(0x36c05ff3)), "optionSettled");
        eq(bytes32(IBookOption.simulatePayout.selector), bytes32(bytes4(0xf89e6314)), "simulatePayout");
        eq(
            IOptionBook.OrderFilled.selector,
            0x0fee4799857c39adce81e92cca3ceec36011917cd675b91dad36d2be13e1fd2d,
            "OrderFilled"
        );
        eq(
            IBookOption.OptionInitialized.selector,
            0x2d27837a600426b91f8973e3ad37045eb3351b43769cbb4fb9ad1f9aaff1a484,
            "OptionInitialized"
        );
        eq(
            IBookOption.RoleTransferred.selector,
            0x83a50732194629dbdc1b6553381c106fd007ecfa402a02558dbfb039dda69fb7,
            "RoleTransferred"
        );
        eq(
            IBookOption.OptionPayout.selector,
            0x3a945388fe0a73ff7616714347533e2f1713377f609ad9e8b365949cbee1ff6e,
            "OptionPayout"
        );
    }

    function test_hashOrder_isTheRoutersForAnotherContract() public view {
        eq(book.LIMIT_ORDER_TYPEHASH(), venue.LIMIT_ORDER_TYPEHASH(), "one type for both");
        yes(book.hashOrder(ask()) != venue.hashOrder(ask()), "a quote is for one book only");
        eq(book.computeNonce(ask()), venue.computeNonce(ask()), "a batch has one number");
        eq(book.PRICE_DECIMALS(), 1e8, "prices have 8 decimals");
        eq(book.factory(), address(book), "it is its own factory");
    }

    // ---- filling

    function test_fillOrder_movesTheAmountsOfThePublishedExample() public {
        uint256 before = usdc.balanceOf(user);
        uint256 makers = usdc.balanceOf(maker);

        DevelopmentBookOption option = fill(offered());

        eq(before - usdc.balanceOf(user), PREMIUM, "the buyer pays the premium and nothing more");
        eq(makers - usdc.balanceOf(maker), COLLATERAL - (PREMIUM - FEE), "the fee is carved out of it");
        eq(usdc.balanceOf(address(option)), COLLATERAL, "the option holds what it may have to pay");
        eq(usdc.balanceOf(address(book)), FEE, "the book keeps the fee");
        eq(usdc.allowance(user, address(book)), 0, "the exact approval is used up");
    }

    function test_fillOrder_matchesARealFill() public {
        IOptionQuotes.Order memory o = offered();
        o.strikes = strikes(2_340e8);
        o.numContracts = 389_926;
        o.price = 256_458_635;
        DevelopmentBookOption option = fill(o);
        eq(option.collateralAmount(), 912_426_840, "collateral");
        eq(usdc.balanceOf(address(book)), 124_999, "fee");
    }

    function test_fillOrder_givesTheCallerTheBuyersRole() public {
        DevelopmentBookOption option = fill(offered());
        eq(option.buyer(), user, "buyer");
        eq(option.seller(), maker, "seller");
        eq(option.numContracts(), N, "contracts");
        eq(option.collateralAmount(), COLLATERAL, "collateral");
        eq(option.expiryTimestamp(), EXPIRY, "expiry");
        eq(option.getStrikes()[0], 2_300e8, "strike");
        eq(option.getImplementation(), book.put(), "implementation");
        eq(option.collateralToken(), address(usdc), "token");
        eq(option.chainlinkPriceFeed(), PRICE_FEED, "feed");
        yes(!option.optionSettled(), "not settled");
    }

    function test_fillOrder_takingABidMakesTheCallerTheSeller() public {
        uint256 before = usdc.balanceOf(user);
        DevelopmentBookOption option = fill(wanted());
        eq(option.seller(), user, "seller");
        eq(option.buyer(), maker, "buyer");
        eq(before - usdc.balanceOf(user), COLLATERAL - (PREMIUM - FEE), "a new short, with its whole collateral");
        eq(book.amountFilled(book.computeNonce(wanted())), PREMIUM, "a bid's budget is premium");
    }

    function test_fillOrder_reportsTheFill() public {
        vm.prank(owner);
        book.setReferrerFeeSplit(stranger, 2_500);
        IOptionQuotes.Order memory o = offered();
        bytes memory signature = signed(MAKER_KEY, book.hashOrder(o));
        vm.startPrank(user);
        usdc.approve(address(book), PREMIUM);
        address option = book.fillOrder(o, signature, stranger);
        vm.stopPrank();
        eq(book.fees(address(usdc), stranger), FEE / 4, "the referrer's share");
        yes(option.code.length != 0, "the option exists");
        vm.prank(stranger);
        book.claimFees(address(usdc));
        eq(usdc.balanceOf(stranger), FEE / 4, "claimed");
        vm.prank(stranger);
        book.claimFees(address(usdc));
        eq(usdc.balanceOf(stranger), FEE / 4, "claimed once");
    }

    function test_fillOrder_countsABatchTogether() public {
        IOptionQuotes.Order memory o = offered();
        o.maxCollateralUsable = COLLATERAL * 2 - 1;
        fill(o);
        o.price += 1;
        fillExpecting(o, "Exceeds max collateral");
    }

    function testFuzz_fillOrder_neverChargesMoreThanThePremium(uint256 n, uint256 price) public {
        n = between(n, 1_000, 1_000_000);
        price = between(price, 1e8, 1_000e8);
        IOptionQuotes.Order memory o = offered();
        (o.numContracts, o.price, o.maxCollateralUsable) = (n, price, type(uint128).max);
        bytes memory signature = signed(MAKER_KEY, book.hashOrder(o));
        uint256 premium = price * n / 1e8;
        uint256 before = usdc.balanceOf(user);
        vm.startPrank(user);
        usdc.approve(address(book), premium);
        address option = book.fillOrder(o, signature, address(0));
        vm.stopPrank();
        eq(before - usdc.balanceOf(user), premium, "premium");
        eq(usdc.balanceOf(option), DevelopmentBookOption(option).collateralAmount(), "fully covered");
    }

    function test_fillOrder_acceptsAMakerThatIsAContract() public {
        ContractWallet wallet = new ContractWallet(maker);
        _fund(address(wallet));
        wallet.approve(usdc, address(book), type(uint256).max);
        IOptionQuotes.Order memory o = offered();
        o.maker = address(wallet);
        eq(fill(o).seller(), address(wallet), "seller");
    }

    // ---- refusals, in the real book's words where they are known

    function test_fillOrder_refusesWhatIsTooLate() public {
        IOptionQuotes.Order memory o = offered();
        vm.warp(o.orderExpiryTimestamp + 1);
        fillExpecting(o, "Order expired");
        o.orderExpiryTimestamp = EXPIRY + 60;
        vm.warp(EXPIRY);
        fillExpecting(o, "Option expired");
    }

    function test_fillOrder_refusesWhatTheMakerTookBack() public {
        IOptionQuotes.Order memory o = offered();
        vm.expectRevert("Only maker can cancel");
        book.cancelOrder(o);
        vm.startPrank(maker);
        book.cancelOrdersExpiringBefore(o.orderExpiryTimestamp + 1);
        vm.expectRevert("Cutoff not increasing");
        book.cancelOrdersExpiringBefore(o.orderExpiryTimestamp + 1);
        vm.stopPrank();
        fillExpecting(o, "Order cancelled");
        o.orderExpiryTimestamp += 2;
        vm.prank(maker);
        book.cancelOrder(o);
        fillExpecting(o, "Order cancelled");
    }

    /// @dev Any signed field; the number of contracts is the taker's.
    function testFuzz_fillOrder_refusesAnAlteredOrder(uint256 field) public {
        IOptionQuotes.Order memory o = offered();
        bytes memory signature = signed(MAKER_KEY, book.hashOrder(o));
        field = field % 5;
        if (field == 0) o.orderExpiryTimestamp += 1;
        if (field == 1) o.maxCollateralUsable += 1;
        if (field == 2) o.strikes = strikes(2_301e8);
        if (field == 3) o.expiry += 1;
        if (field == 4) o.price -= 1;
        fillSignedExpecting(o, signature, "Signer not authorized");
    }

    function test_fillOrder_refusesTermsItDoesNotKnow() public {
        IOptionQuotes.Order memory o = offered();
        o.collateral = stranger;
        fillExpecting(o, "Unsupported collateral");
        o = offered();
        o.implementation = stranger;
        fillExpecting(o, "Unknown implementation");
        o = offered();
        o.priceFeed = stranger;
        fillExpecting(o, "Unknown price feed");
        o = offered();
        o.numContracts = 999;
        fillExpecting(o, "Too few contracts");
        o = offered();
        o.price = 1;
        fillExpecting(o, "Premium too small");
    }

    function test_getValidNumContracts_namesTheCollateral() public {
        address implementation = book.put();
        (uint256 valid, uint256 collateral) = book.getValidNumContracts(implementation, strikes(2_300e8), N);
        eq(valid, N, "contracts");
        eq(collateral, COLLATERAL, "collateral");
        vm.expectRevert("Unknown implementation");
        book.getValidNumContracts(stranger, strikes(2_300e8), N);
    }

    function test_administration_isTheOwners() public {
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        book.registerFeed(stranger, FEED_ID);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        book.setReferrerFeeSplit(stranger, 1);
        vm.stopPrank();
        vm.prank(owner);
        vm.expectRevert("Split above the fee");
        book.setReferrerFeeSplit(stranger, 10_001);
    }

    // ---- the role

    function test_transfer_movesTheWholeRole() public {
        DevelopmentBookOption option = fill(offered());
        vm.expectEmit(address(option));
        emit IBookOption.RoleTransferred(address(option), user, other, true);
        vm.prank(user);
        option.transfer(true, other);
        eq(option.buyer(), other, "buyer");
        vm.prank(maker);
        option.transfer(false, other);
        eq(option.seller(), other, "seller");
    }

    function test_transfer_isTheHoldersOrWhomTheyApproved() public {
        DevelopmentBookOption option = fill(offered());
        vm.expectRevert(abi.encodeWithSelector(DevelopmentBookOption.NotRoleHolder.selector, stranger));
        vm.prank(stranger);
        option.transfer(true, stranger);
        vm.expectRevert(abi.encodePacked(DevelopmentBookOption.ZeroTarget.selector));
        vm.prank(user);
        option.transfer(true, address(0));
        vm.prank(user);
        option.approveTransfer(true, stranger, true);
        vm.prank(maker);
        option.approveTransfer(false, stranger, true);
        vm.startPrank(stranger);
        option.transfer(true, other);
        option.transfer(false, other);
        vm.stopPrank();
        eq(option.buyer(), other, "moved");
    }

    function test_settle_paysWhoeverIsTheBuyerThen() public {
        DevelopmentBookOption option = fill(offered());
        vm.prank(user);
        option.transfer(true, other);
        vm.expectRevert(abi.encodeWithSelector(DevelopmentBookOption.NotExpired.selector, EXPIRY));
        option.settle();
        publish(EXPIRY, 2_200e8);
        uint256 before = usdc.balanceOf(other);
        uint256 sellers = usdc.balanceOf(maker);
        uint256 payout = option.settle();
        eq(payout, N * 100, "100 USD a contract");
        eq(usdc.balanceOf(other) - before, payout, "to the new holder");
        eq(usdc.balanceOf(maker) - sellers, COLLATERAL - payout, "the rest to the seller");
        yes(option.optionSettled(), "settled");
        vm.expectRevert(abi.encodePacked(DevelopmentBookOption.AlreadySettled.selector));
        option.settle();
        vm.expectRevert(abi.encodePacked(DevelopmentBookOption.AlreadySettled.selector));
        vm.prank(other);
        option.transfer(true, user);
    }

    function test_settle_givesTheSellerAllOfAWorthlessOne() public {
        DevelopmentBookOption option = fill(offered());
        publish(EXPIRY, 2_300e8);
        uint256 before = usdc.balanceOf(maker);
        eq(option.settle(), 0, "worthless");
        eq(usdc.balanceOf(maker) - before, COLLATERAL, "all of it");
    }

    function test_settle_givesTheBuyerAllOfACappedCall() public {
        IOptionQuotes.Order memory o = offered();
        (o.implementation, o.isCall) = (book.linearCall(), true);
        DevelopmentBookOption option = fill(o);
        publish(EXPIRY, 9_000e8);
        eq(option.settle(), COLLATERAL, "a call pays its strike at most");
    }

    function test_initialize_isTheBooksAndOnce() public {
        DevelopmentBookOption option = fill(offered());
        DevelopmentBookOption.Terms memory terms;
        vm.expectRevert(abi.encodeWithSelector(DevelopmentBookOption.OnlyBook.selector, address(this)));
        option.initialize(terms);
        vm.expectRevert(abi.encodePacked(DevelopmentBookOption.AlreadyInitialized.selector));
        vm.prank(address(book));
        option.initialize(terms);
    }

    function test_spreads_lockTheirWidthWhicheverStrikeComesFirst() public view {
        DevelopmentBookOption spread = DevelopmentBookOption(book.putSpread());
        eq(spread.calculateRequiredCollateral(strikes(2_200e8, 2_300e8), 1e6), 100 * USDC, "ascending");
        eq(spread.calculateRequiredCollateral(strikes(2_300e8, 2_200e8), 1e6), 100 * USDC, "descending");
        eq(spread.simulatePayout(2_250e8, strikes(2_300e8, 2_200e8), 1e6), 50 * USDC, "half way");
        eq(
            DevelopmentBookOption(book.callSpread()).simulatePayout(2_250e8, strikes(2_200e8, 2_300e8), 1e6),
            50 * USDC,
            "calls too"
        );
    }

    function test_strikes_mustMakeSense() public {
        DevelopmentBookOption spread = DevelopmentBookOption(book.callSpread());
        DevelopmentBookOption single = DevelopmentBookOption(book.put());
        bytes memory invalid = abi.encodePacked(DevelopmentBookOption.InvalidStrikes.selector);
        vm.expectRevert(invalid);
        spread.calculateRequiredCollateral(strikes(2_200e8), 1e6);
        vm.expectRevert(invalid);
        spread.calculateRequiredCollateral(strikes(2_200e8, 2_200e8), 1e6);
        vm.expectRevert(invalid);
        spread.calculateRequiredCollateral(strikes(2_200e8, 0), 1e6);
        vm.expectRevert(invalid);
        single.calculateRequiredCollateral(strikes(0), 1e6);
    }
}
