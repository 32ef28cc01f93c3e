"""Selling a position for a person who is away: within what they signed, once, and at this moment's price.

The watcher's own account sends it, journaled like every trade. What fails is tried again later; the signed floor is
never below what the person chose, and the sale asks for nearly all that is offered now.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bethna_cli.domain.chain import Fees
from bethna_cli.domain.errors import ContractRefused, NotFound, OutsideError, TradeRefused, WatcherReplaced
from bethna_cli.domain.guarding import ExitRule
from bethna_cli.domain.journal import JournalEntry, TradeState
from bethna_cli.domain.mandate import Mandate
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import PRICE_UNIT, Bps, usdc_to_decimal
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.approval import least_acceptable
from bethna_cli.execution.journal import ENDED
from bethna_cli.flow import execute
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.ports import ExitSigner, OrderBook, TradingVenue
from bethna_cli.risk.protection import Cover, mandate_for

EXIT_GAS = 1_000_000
EXIT_SLIPPAGE = Bps(200)
"""How much less than the live quote an exit takes at most: 2 %."""

LEAST_LIFE_S = 15.0
RECEIPT_LOOKS = 20
SETTLED = frozenset({TradeState.MINED, TradeState.SAFE, TradeState.FINAL})


@dataclass(frozen=True, slots=True)
class ExitDesk:
    """What an exit works with: the watcher's key, makers' bids, the venue on chain, the journal."""

    key: ExitSigner
    bids: OrderBook
    venue: TradingVenue
    execution: ExecutionDesk
    slippage: Bps = EXIT_SLIPPAGE


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying to sell. refusal: why nothing was sold yet, None once it was; facts: what it went by."""

    entry: JournalEntry | None
    refusal: str | None
    facts: Mapping[str, object]

    @property
    def is_sold(self) -> bool:
        return self.entry is not None and self.entry.fill is not None


@dataclass(frozen=True, slots=True)
class Bid:
    """A maker's signed bid that is large enough, and what it pays for all that is sold, base units."""

    quote: OptionQuote
    order: RawOrder
    offered: int


@dataclass(frozen=True, slots=True)
class Leave:
    """How long a watcher may act on what it saw.

    good_until: when the price behind it is too old. require_newest: raises WatcherReplaced when another watcher has
    taken over; it is asked last of all, because a process may sleep for hours between any two of its steps.
    """

    good_until: datetime
    require_newest: Callable[[], None]

    def check(self, now: datetime) -> None:
        """Raise TradeRefused when it has ended."""
        if now > self.good_until:
            raise TradeRefused("the price that asked for it is too old by now", hint="bethna alerts")
        self.require_newest()


async def sell(desk: ExitDesk, position: Position, rule: ExitRule, cover: Cover, leave: Leave) -> Attempt:
    """Try once to sell a position by one of the mandates that cover it; sends at most one transaction.

    What is sold is what the contract takes by them, which may be more of the option than this position. Never raises
    for what the outside does. Raises WatcherReplaced.
    """
    facts: dict[str, object] = {"rule": rule.value}
    try:
        return await _sell(desk, position, rule, cover, leave, facts)
    except WatcherReplaced:
        raise
    except (OutsideError, TradeRefused, NotFound) as error:
        return Attempt(None, error.message, facts)


async def _sell(
    desk: ExitDesk,
    position: Position,
    rule: ExitRule,
    cover: Cover,
    leave: Leave,
    facts: dict[str, object],
) -> Attempt:
    usable, takes = cover.usable, cover.takes
    on_its_way = [entry for one in usable if (entry := _journaled(desk, one)) is not None and entry.variants]
    if on_its_way:
        return await _settled(desk, on_its_way[0], facts)
    bid = await _best_bid(desk, position, takes)
    facts |= {"bid_usd": float(bid.quote.price_usd), "offered_usdc": _usdc(bid.offered)}
    mandate = mandate_for(rule, usable, takes, bid.offered)
    if mandate is None:
        floor = min(one.floor(takes) for one in usable)
        return Attempt(
            None, f"{_usdc(bid.offered):,.2f} USDC are offered, less than the floor of {_usdc(floor):,.2f}", facts
        )
    delivered = await desk.venue.quote(replace(mandate.trade.intent, amount_in=takes), bid.order)
    if isinstance(delivered, ContractRefused):
        return Attempt(None, delivered.message, facts)
    minimum = max(mandate.floor(takes), least_acceptable(delivered, desk.slippage))
    facts |= {"mandate": mandate.kind.value, "minimum_usdc": _usdc(minimum), "digest": mandate.digest}
    entry = _journaled(desk, mandate) or await _begun(desk, mandate)
    return await _sent(desk, entry, mandate, minimum, bid, leave, facts)


async def _sent(
    desk: ExitDesk,
    entry: JournalEntry,
    mandate: Mandate,
    minimum: int,
    bid: Bid,
    leave: Leave,
    facts: Mapping[str, object],
) -> Attempt:
    """Sign, run the signed call without sending it, and send it if everything is still as it was."""
    execution = desk.execution
    fees = await execution.chain.fees()
    nonce = await execute.next_account_nonce(execution, desk.key.address)
    variants = desk.key.sign(mandate, minimum, desk.venue.route(bid.order), nonce, EXIT_GAS, _rising(fees))
    outcome = await desk.venue.outcome(variants[0], desk.key.address)
    if isinstance(outcome, ContractRefused):
        return Attempt(entry, outcome.message, facts)
    progress = await execute.submit(execution, entry, variants, last_check=lambda: leave.check(execution.clock.now()))
    return await _settled(desk, progress.entry, facts)


async def _settled(desk: ExitDesk, entry: JournalEntry, facts: Mapping[str, object]) -> Attempt:
    """Wait a little for the receipt; what is not mined by then is looked for at the next tick."""
    for _ in range(RECEIPT_LOOKS):
        entry = (await execute.advance(desk.execution, entry)).entry
        if entry.fill is not None or not entry.variants:
            break
        await desk.execution.pause(execute.LOOK_EVERY_S)
    if entry.fill is not None:
        return Attempt(entry, None, facts)
    return Attempt(entry, "it is on its way" if entry.variants else "the chain refused it", facts)


def _journaled(desk: ExitDesk, mandate: Mandate) -> JournalEntry | None:
    try:
        entry = desk.execution.journal.entry(mandate.digest)
    except NotFound:
        return None
    if entry.state in ENDED:
        raise TradeRefused(f"Its mandate has ended: {entry.state}.", hint="bethna trades")
    return entry


async def _begun(desk: ExitDesk, mandate: Mandate) -> JournalEntry:
    (entry,) = await execute.approve(desk.execution, mandate.trade.intent.ref, [(mandate.digest, mandate.trade)])
    return entry


async def _best_bid(desk: ExitDesk, position: Position, contracts: int) -> Bid:
    """Find the highest bid that takes so many contracts and lives long enough. Raises TradeRefused without one."""
    board = await desk.bids.bids(position.terms.asset)
    terms, now = position.terms, desk.execution.clock.now()
    wanted = (terms.kind, terms.strikes, terms.expires_at)
    quotes = [one for one in board.quotes if (one.kind, one.strikes, one.expires_at) == wanted]
    large = [one for one in quotes if one.max_contracts >= contracts]
    lasting = [one for one in large if (one.good_until - now).total_seconds() >= LEAST_LIFE_S]
    if not lasting:
        why = (
            "nobody bids for it"
            if not quotes
            else "no bid is large enough"
            if not large
            else "every bid is running out"
        )
        raise TradeRefused(f"{terms.ticker} cannot be sold now: {why}.", hint="bethna alerts")
    best = max(lasting, key=lambda one: one.price)
    return Bid(best, desk.bids.order(best.order_id), contracts * best.price // PRICE_UNIT)


def _rising(fees: Fees) -> tuple[Fees, ...]:
    """Return the fees of the first try and of two dearer ones, which are sent when it is not mined."""
    return tuple(Fees(fees.base_fee_wei * factor, fees.tip_wei * factor) for factor in (1, 2, 4))


def _usdc(amount: int) -> float:
    return float(usdc_to_decimal(amount))
