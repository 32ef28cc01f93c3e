// Ways to break the contracts, one by one. Each entry names the invariant (of SentientTrader, I1 to I16; V is the
// venue) that it attacks and the edits that make it: [file, text that occurs exactly once, what to put in its place].
const TRADER = 'src/SentientTrader.sol';
const INTENTS = 'src/SignedIntents.sol';
const ADMIN = 'src/TraderAdministration.sol';
const VENUE = 'src/ThetanutsTokenRouter.sol';
const SERIES = 'src/OptionSeries.sol';
const PAYOFF = 'src/Payoff.sol';
const ORACLE = 'src/dev/DevelopmentPriceOracle.sol';

const FIELDS = ['user', 'executor', 'side', 'optionToken', 'router', 'amountIn', 'quotedAmountOut', 'minAmountOut',
  'nonce', 'deadline', 'ref'];
const HASHED = 'abi.encode(TRADE_INTENT_TYPEHASH, i)';

function encodeFields(expressions) {
  return `bytes.concat(abi.encode(TRADE_INTENT_TYPEHASH, ${expressions.slice(0, 5).join(', ')}), `
    + `abi.encode(${expressions.slice(5).join(', ')}))`;
}

function withoutField(dropped) {
  const zero = { user: 'address(0)', executor: 'address(0)', optionToken: 'address(0)', router: 'address(0)', ref: 'bytes32(0)' };
  return encodeFields(FIELDS.map((name) => (name === dropped ? zero[name] || 'uint256(0)' : `i.${name}`)));
}

function swapped(a, b) {
  return encodeFields(FIELDS.map((name) => `i.${name === a ? b : name === b ? a : name}`));
}

const GUARDED_TRADE = `        uint256 execMinAmountOut,
        bytes calldata routeData
    ) external nonReentrant returns (uint256 amountOut) {`;
const REFUND = '        if (left > trade.ownInBefore) IERC20(trade.tokenIn).safeTransfer(trade.user, left - trade.ownInBefore);\n';
const UNTOUCHED_IN = '_balance(trade.tokenIn, address(this)) != trade.ownInBefore';
const UNTOUCHED_OUT = '_balance(trade.tokenOut, address(this)) != trade.ownOutBefore';

module.exports = [
  ['I1', 'no signature check', [[INTENTS, 'if (!SignatureChecker.isValidERC1271SignatureNowCalldata(user, digest, signature)) revert BadSignature();', '']]],
  ['I1', 'any signer will do', [[INTENTS, 'signer == user) return', 'signer != address(0)) return']]],
  ...FIELDS.map((name) => ['I1', `${name} is not signed`, [[INTENTS, HASHED, withoutField(name)]]]),
  ['I1', 'any caller may bring it', [[INTENTS, 'if (i.executor != address(0) || !authorizedTraders[msg.sender]) revert NotAuthorized(msg.sender);', '']]],
  ['I1', 'couriers override the named executor', [[INTENTS, 'i.executor != address(0) || !authorizedTraders', '!authorizedTraders']]],
  ['I1', 'a mandate sells the whole balance', [[TRADER, 'if (balance >= trade.amountIn) return;', '']]],
  ['I2', 'a used nonce is no obstacle', [[INTENTS, 'if (isNonceUsed(user, nonce)) revert NonceUsed(nonce);', '']]],
  ['I2', 'the nonce is never burnt', [[INTENTS, '_usedNonces[user][nonce >> 8] |= 1 << (nonce & 255);', '']]],
  ['I2', 'the nonce is burnt after the venue call, unguarded', [
    [INTENTS, '        _useNonce(i.user, i.nonce);\n', ''],
    [INTENTS, 'function _useNonce(address user, uint256 nonce) private', 'function _useNonce(address user, uint256 nonce) internal'],
    [TRADER, 'amountOut = _settle(trade, vouched, routeData);', 'amountOut = _settle(trade, vouched, routeData); _useNonce(i.user, i.nonce);'],
    [TRADER, GUARDED_TRADE, GUARDED_TRADE.replace(' nonReentrant', '')]]],
  ['I2', 'executeTrade may be reentered', [[TRADER, GUARDED_TRADE, GUARDED_TRADE.replace(' nonReentrant', '')]]],
  ['I2', 'one word serves all nonces', [[INTENTS, '_usedNonces[user][nonce >> 8] |=', '_usedNonces[user][0] |=']]],
  ['I3', 'leftovers are not refunded', [[TRADER, REFUND, '']]],
  ['I3', 'leftovers stay, unnoticed', [[TRADER, REFUND, ''], [TRADER, `${UNTOUCHED_IN}\n                ||`, 'false ||']]],
  ['I3', 'donations may pay a fee', [[TRADER, UNTOUCHED_OUT, 'false']]],
  ['I3', 'donations are delivered with the proceeds', [[TRADER, 'Math.saturatingSub(_balance(trade.tokenOut, address(this)), trade.ownOutBefore)', '_balance(trade.tokenOut, address(this))']]],
  ['I4', 'the allowance is not reset', [[TRADER, '        IERC20(trade.tokenIn).forceApprove(trade.router, 0);\n', '']]],
  ['I4', 'the venue is approved without limit', [[TRADER, 'forceApprove(trade.router, trade.amountIn)', 'forceApprove(trade.router, type(uint256).max)']]],
  ['I5', 'proceeds are not checked', [[TRADER, 'if (proceeds < trade.minAmountOut) revert SlippageExceeded(trade.minAmountOut, proceeds);', '']]],
  ['I5', 'what arrives is not checked', [[TRADER, 'if (received < trade.minAmountOut) revert SlippageExceeded(trade.minAmountOut, received);', '']]],
  ['I5', 'the venue is believed', [
    [TRADER, '_callVenue(trade, routeData);\n        if', 'uint256 claimed = _callVenue(trade, routeData);\n        if'],
    [TRADER, 'function _callVenue(Trade memory trade, bytes calldata routeData) private {', 'function _callVenue(Trade memory trade, bytes calldata routeData) private returns (uint256 claimed) {'],
    [TRADER, 'router.buy(', 'claimed = router.buy('],
    [TRADER, 'router.sell(', 'claimed = router.sell('],
    [TRADER, 'received = _deliver(trade);', 'received = _deliver(trade, claimed);'],
    [TRADER, 'function _deliver(Trade memory trade) private', 'function _deliver(Trade memory trade, uint256 claimed) private'],
    [TRADER, 'if (proceeds < trade.minAmountOut) revert', 'if (claimed < trade.minAmountOut) revert'],
    [TRADER, 'if (received < trade.minAmountOut) revert', 'if (claimed < trade.minAmountOut) revert']]],
  ['I5', "the courier's minimum is ignored", [[TRADER, 'if (execMinAmountOut > trade.minAmountOut) trade.minAmountOut = execMinAmountOut;', '']]],
  ['I5', "the courier's minimum replaces the signed one", [[TRADER, 'if (execMinAmountOut > trade.minAmountOut) trade', 'if (execMinAmountOut != 0) trade']]],
  ['I5', 'the event reports the amount asked for', [[TRADER, 'emit OptionPurchased(trade.user, trade.optionToken, spent,', 'emit OptionPurchased(trade.user, trade.optionToken, trade.amountIn,']]],
  ['I5', 'the share of the floor is rounded down', [[TRADER, 'Math.Rounding.Ceil', 'Math.Rounding.Floor']]],
  ['I6', 'no bound', [[INTENTS, 'if (!isMandate) _requireTightBound(i.minAmountOut, i.quotedAmountOut);', '']]],
  ['I6', 'ten percent exactly is refused', [[INTENTS, 'minOut * BPS < quoted', 'minOut * BPS <= quoted']]],
  ['I6', 'a hundredth of a percent more', [[INTENTS, 'MAX_SLIPPAGE_BPS = 1_000', 'MAX_SLIPPAGE_BPS = 1_001']]],
  ['I6', 'a zero minimum passes', [[INTENTS, 'i.minAmountOut == 0 || ', '']]],
  ['I6', 'every sell is a mandate', [[INTENTS, 'i.side == SELL && i.deadline > block.timestamp + MAX_BUY_WINDOW', 'i.side == SELL']]],
  ['I6', 'mandates are bound like buys', [[INTENTS, 'bool isMandate = i.side == SELL &&', 'bool isMandate = i.side == BUY &&']]],
  ['I6', 'direct trades ignore the standing quote', [[TRADER, '        _requireNearStandingQuote(trade);\n', '']]],
  ['I7', 'the caller gets the proceeds', [[TRADER, 'safeTransfer(trade.user, proceeds)', 'safeTransfer(msg.sender, proceeds)']]],
  ['I7', 'the caller gets the refund', [[TRADER, 'safeTransfer(trade.user, left', 'safeTransfer(msg.sender, left']]],
  ['I8', 'the last second is too late', [[INTENTS, 'block.timestamp > i.deadline)', 'block.timestamp >= i.deadline)']]],
  ['I8', 'nothing expires', [[INTENTS, 'if (block.timestamp > i.deadline) revert DeadlineExpired(i.deadline);', '']]],
  ['I8', 'no deadline is too far', [[INTENTS, 'if (i.deadline > block.timestamp + window) revert DeadlineTooFar(i.deadline);', '']]],
  ['I8', 'buys may wait as long as sells', [[INTENTS, 'i.side == BUY ? MAX_BUY_WINDOW : MAX_SELL_WINDOW', 'MAX_SELL_WINDOW']]],
  ['I9', 'no limit per trade', [[INTENTS, 'amountIn > limits.maxPerTrade || ', '']]],
  ['I9', 'no limit per day', [[INTENTS, 'usage.spent + amountIn > limits.maxPerDay', 'false']]],
  ['I9', 'no limit on the count', [[INTENTS, '|| usage.trades >= limits.maxTradesPerDay', '']]],
  ['I9', 'one trade too many', [[INTENTS, 'usage.trades >= limits', 'usage.trades > limits']]],
  ['I9', 'sessions last for ever', [[INTENTS, 'if (block.timestamp > limits.validUntil) revert SessionExpired();', '']]],
  ['I9', 'the day never ends', [[INTENTS, 'if (usage.day != today) usage = SessionUsage({spent: 0, day: today, trades: 0});', '']]],
  ['I9', 'every trade starts a day', [[INTENTS, 'if (usage.day != today) usage', 'usage']]],
  ['I9', 'usage is not stored', [[INTENTS, '        _usage[user] = usage;\n', '']]],
  ['I9', "the courier's own limits count", [[INTENTS, '_limits[user];\n        if', '_limits[msg.sender];\n        if']]],
  ['I9', 'couriers are never limited', [[INTENTS, 'if (i.side == BUY && msg.sender != i.user && authorizedTraders[msg.sender]) _useSession(i.user, i.amountIn);', '']]],
  ['I9', 'sells are limited too', [[INTENTS, 'if (i.side == BUY && msg.sender', 'if (msg.sender']]],
  ['I10', 'the two pauses are swapped', [[TRADER, 'if (side == BUY) _requireNotPaused();', 'if (side == SELL) _requireNotPaused();']]],
  ['I10', 'buys cannot be paused', [[TRADER, 'if (side == BUY) _requireNotPaused();\n        else if', 'if (side == SELL &&'], [TRADER, '(exitsPaused) revert', 'exitsPaused) revert']]],
  ['I10', 'exits cannot be paused', [[TRADER, 'else if (exitsPaused) revert ExitsArePaused();', '']]],
  ['I10', 'cancelling can be paused', [[INTENTS, 'function cancelNonce(uint256 nonce) external nonReentrant', 'function cancelNonce(uint256 nonce) external nonReentrant whenNotPaused']]],
  ['I11', 'no delay for routers', [[ADMIN, 'if (block.timestamp < record.activeFrom) revert DelayNotElapsed(record.activeFrom);', '']]],
  ['I11', 'a router is usable once proposed', [[ADMIN, 'record.proposedCodehash = router.codehash;', 'record.proposedCodehash = router.codehash; _listRouter(router, router.codehash);']]],
  ['I11', 'a withdrawn proposal can be accepted', [[ADMIN, '        record.activeFrom = 0;\n', '']]],
  ['I11', 'the accepted code may differ from the proposed', [[ADMIN, 'if (router.codehash != record.proposedCodehash) revert RouterCodeChanged(router);', '']]],
  ['I11', 'proxies are welcome', [[ADMIN, 'if (delegates) revert RouterCanDelegate(router);', '']]],
  ['I11', 'data is read as code', [[ADMIN, 'if lt(sub(opcode, 0x60), 32) { cursor := add(cursor, sub(opcode, 0x5f)) }', '']]],
  ['I11', 'rescue in the middle of a trade', [[ADMIN, 'function rescueToken(address token, address to, uint256 amount) external onlyOwner nonReentrant', 'function rescueToken(address token, address to, uint256 amount) external onlyOwner']]],
  ['I11', 'anyone may rescue', [[ADMIN, 'uint256 amount) external onlyOwner nonReentrant', 'uint256 amount) external nonReentrant']]],
  ['I11', 'the owner may be a courier', [[ADMIN, 'authorized && (trader == owner() || trader == guardian)', 'authorized && trader == guardian']]],
  ['I12', 'any router', [[TRADER, 'record.listing == Listing.NONE || ', '']]],
  ['I12', 'removed routers buy', [[TRADER, '(trade.isBuy && record.listing != Listing.ACTIVE)', 'false']]],
  ['I12', 'removed routers cannot sell', [[TRADER, '(trade.isBuy && record.listing', '(record.listing']]],
  ['I12', 'code may change', [[TRADER, 'if (trade.router.codehash != record.codehash) revert RouterCodeChanged(trade.router);', '']]],
  ['I12', 'any token', [[TRADER, '!vouched && !(trade.isBuy && trade.optionToken.code.length == 0)', 'false']]],
  ['I12', 'unlisted tokens can be bought', [[TRADER, '(listing == Listing.SELL_ONLY && !trade.isBuy)', 'listing == Listing.SELL_ONLY']]],
  ['I12', 'a token without code is never judged', [[TRADER, '        if (!vouched && !_isTokenListed(trade)) revert TokenNotAllowed(trade.optionToken);\n', '']]],
  ['I12', 'usdc as an option', [[TRADER, 'if (trade.optionToken == usdc) revert SameToken();', '']]],
  ['I12', 'the zero token', [[TRADER, 'if (trade.optionToken == address(0)) revert ZeroAddress();', '']]],
  ['I12', 'a series is not enough', [[TRADER, 'return IThetanutsRouter(trade.router).isSeries(trade.optionToken);', 'return false;']]],
  ['I13', 'two fields change places', [[INTENTS, HASHED, swapped('amountIn', 'quotedAmountOut')]]],
  ['I13', 'two addresses change places', [[INTENTS, HASHED, swapped('optionToken', 'router')]]],
  ['I13', 'another version in the domain', [[INTENTS, 'EIP712("SentientTrader", "1")', 'EIP712("SentientTrader", "2")']]],
  ['I13', 'another word in the type', [[INTENTS, 'uint8 side', 'uint256 side']]],
  ['I14', 'the proceeds go to the venue', [
    [TRADER, 'router.buy(trade.optionToken, trade.amountIn, trade.minAmountOut, address(this), routeData)', 'router.buy(trade.optionToken, trade.amountIn, trade.minAmountOut, trade.router, routeData)']]],
  ['I14', 'the quote does not reach the venue', [[TRADER, 'router.sell(trade.optionToken, trade.amountIn, trade.minAmountOut, address(this), routeData)', 'router.sell(trade.optionToken, trade.amountIn, trade.minAmountOut, address(this), "")']]],
  ['I14', 'a permit submitted first is fatal', [[TRADER, '{} catch {}\n    }\n\n    function _noPermit', '{} catch { revert BadSignature(); }\n    }\n\n    function _noPermit']]],
  ['I14', 'the key of an account with code is refused', [[INTENTS, 'signer == user) return', 'signer == user && user.code.length == 0) return']]],
  ['I15', 'cancelling does nothing', [[INTENTS, '_usedNonces[msg.sender][wordPos] |= mask;', '']]],
  ['I15', 'cancelling one nonce cancels another', [[INTENTS, '_cancel(nonce >> 8, 1 << (nonce & 255))', '_cancel(nonce >> 8, 1 << (nonce & 127))']]],
  ['I16', 'fees on the way in go unnoticed', [[TRADER, 'if (arrived != trade.amountIn) revert FeeOnTransfer(trade.amountIn, arrived);', '']]],
  ['I16', 'fees on top go unnoticed', [[TRADER, 'spent > trade.amountIn || ', '']]],
  ['I16', 'leftovers count as proceeds', [[TRADER, '        _refund(trade);\n        received = _deliver(trade);', '        received = _deliver(trade);\n        _refund(trade);']]],
  ['V', 'any maker', [[VENUE, 'if (!isMaker[order.maker]) revert MakerNotAllowed(order.maker);', '']]],
  ['V', 'unsigned quotes', [[VENUE, 'if (!SignatureChecker.isValidSignatureNow(order.maker, fill.digest, signature)) revert BadMakerSignature();', '']]],
  ['V', 'fills are not counted', [[VENUE, 'amountFilled[fill.digest] += fill.collateral;', '']]],
  ['V', "a bid's budget is not counted", [[VENUE, 'amountFilled[fill.digest] += fill.premium;', '']]],
  ['V', 'quotes have no size', [[VENUE, 'if (wanted > available) revert ExceedsMakerSize(wanted, available);', '']]],
  ['V', 'quotes never expire', [[VENUE, 'if (block.timestamp > order.orderExpiryTimestamp) revert OrderExpired(order.orderExpiryTimestamp);', '']]],
  ['V', 'cancelled quotes are filled', [[VENUE, 'amountFilled[digest] = CANCELLED;', '']]],
  ['V', 'the cut-off is ignored', [[VENUE, 'if (order.orderExpiryTimestamp < makerCancellationCutoff[order.maker]) revert OrderIsCancelled(fill.digest);', '']]],
  ['V', 'strikes are not signed', [[VENUE, 'keccak256(abi.encodePacked(o.strikes))', 'bytes32(0)']]],
  ['V', 'any series will do', [[VENUE, 'if (expected != optionToken) revert SeriesMismatch(expected, optionToken);', '']]],
  ['V', 'the taker may overdraw', [[VENUE, 'if (fill.premium > amountIn) revert ExceedsAmountIn(fill.premium, amountIn);', '']]],
  ['V', 'collateral is rounded down', [[PAYOFF, 'ceiling(t), PRICE_UNIT, Math.Rounding.Ceil', 'ceiling(t), PRICE_UNIT']]],
  ['V', 'payouts are rounded up', [[PAYOFF, 'Math.mulDiv(contracts, perContract(t, price), PRICE_UNIT);', 'Math.mulDiv(contracts, perContract(t, price), PRICE_UNIT, Math.Rounding.Ceil);']]],
  ['V', 'calls are not capped', [[PAYOFF, 'return Math.min(intrinsic, ceiling(t));', 'return intrinsic;']]],
  ['V', 'settlement before expiry', [[SERIES, 'if (block.timestamp < t.expiry) revert NotExpired(t.expiry);', '']]],
  ['V', 'settlement at the price of the moment', [[SERIES, 'oracle.firstPriceAtOrAfter(t.feedId, t.expiry)', 'oracle.getPriceUnsafe(t.feedId)']]],
  ['V', 'redeemed tokens live on', [[SERIES, '        _burn(holder, contracts);\n', '']]],
  ['V', 'collateral is returned twice', [[SERIES, '        collateralOf[writer] = 0;\n', '']]],
  ['V', 'anyone writes options', [[SERIES, 'if (msg.sender != router) revert OnlyRouter(msg.sender);', '']]],
  ['V', 'the price of the second before', [[ORACLE, 'history[middle].publishTime < timestamp', 'history[middle].publishTime + 1 < timestamp']]],
];
