"""What is so at the moment of an approval: the market, an offer for each leg, the contract, the account, the fees.

Everything comes through ports, and what cannot be learned stays unknown. Nothing is decided here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bethna_cli.domain.approval import Held, Offer, Purse, Wanted, WantedLeg
from bethna_cli.domain.chain import Address, ContractState, Fees, Hash
from bethna_cli.domain.errors import NothingSuitable, OutsideError, SourceUnavailable
from bethna_cli.domain.market import Asset, MarketSnapshot, OptionBoard
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import Bps, contracts_for
from bethna_cli.domain.venue import ReferencePrice
from bethna_cli.domain.wallet import Wallet
from bethna_cli.execution.approval import Keccak
from bethna_cli.execution.checks import CheckLimits
from bethna_cli.flow.execute import ExecutionDesk
from bethna_cli.flow.observe import Feeds, observe
from bethna_cli.ports import (
    Chain,
    Clock,
    ContractStates,
    Decisions,
    Ledger,
    Mandates,
    OrderBook,
    Positions,
    Signer,
    TradingVenue,
)


@dataclass(frozen=True, slots=True)
class TradingPins:
    """What a plan may touch. code_hash: what the person confirmed, None where only this release's own code will do.

    watcher: the account that sends exits, None where there is none yet. fills_book: `contract` is an order book, which
    is filled from the person's own account.
    """

    chain_id: int
    contract: Address
    code_hash: Hash | None
    usdc: Address
    router: Address
    implementations: Collection[Address]
    watcher: Address | None = None
    fills_book: bool = False


@dataclass(frozen=True, slots=True)
class TradingDesk:
    """What an approval works with. approve_within_s: how long a recommendation stands."""

    network: str
    wallet: Wallet
    pins: TradingPins
    feeds: Feeds
    book: OrderBook
    venue: TradingVenue
    traders: ContractStates
    chain: Chain
    signer: Signer
    execution: ExecutionDesk
    ledger: Ledger
    decisions: Decisions
    mandates: Mandates
    positions: Positions
    clock: Clock
    keccak: Keccak
    slippage: Bps
    approve_within_s: float
    limits: CheckLimits


@dataclass(frozen=True, slots=True)
class Sight:
    """What is so now: the market, an offer per leg, the contract, the account, the fees, and what ETH costs.

    held: of each leg's option token.
    """

    snapshot: MarketSnapshot
    offers: tuple[Offer, ...]
    state: ContractState
    purse: Purse
    held: tuple[Held, ...]
    fees: Fees
    eth_usd: Decimal | None


async def look(desk: TradingDesk, wanted: Wanted) -> Sight:
    """See what is so now. Raises WrongChain, NothingSuitable when a leg is no longer on offer, OutsideError."""
    await desk.chain.check()
    snapshot = await observe(wanted.asset, desk.feeds, desk.clock)
    board = snapshot.options.value
    if board is None or not snapshot.options.usable:
        raise OutsideError(f"There are no quotes now: {snapshot.options.reason}.", hint="bethna doctor")
    if wanted.side is Side.SELL:
        board = await desk.book.bids(wanted.asset)
    references = await _references(desk, wanted.asset)
    offers = [await _offer(desk, leg, wanted.side, board, references) for leg in wanted.legs]
    account, contract = desk.wallet.address, desk.pins.contract
    return Sight(
        snapshot=snapshot,
        offers=tuple(offers),
        state=await desk.traders.state(contract),
        purse=await desk.venue.purse(account, contract),
        held=tuple(await desk.venue.held(account, contract, [offer.series for offer in offers])),
        fees=await desk.chain.fees(),
        eth_usd=await _eth_usd(desk, snapshot),
    )


async def _references(desk: TradingDesk, asset: Asset) -> Sequence[ReferencePrice]:
    try:
        return await desk.book.reference_prices(asset)
    except SourceUnavailable:
        return ()


async def _offer(
    desk: TradingDesk, leg: WantedLeg, side: Side, board: OptionBoard, references: Sequence[ReferencePrice]
) -> Offer:
    """Find the best quote for a leg that is large enough, by its terms and not by its id."""
    quotes = [quote for quote in board.quotes if leg.is_offered_by(quote)]
    if not quotes:
        raise _not_offered(leg, side, board.asset)
    if side is Side.BUY:
        large = [quote for quote in quotes if quote.max_contracts >= contracts_for(leg.amount_in, quote.price)]
        best = min(large or quotes, key=lambda quote: quote.price)
    else:
        large = [quote for quote in quotes if quote.max_contracts >= leg.amount_in]
        best = max(large or quotes, key=lambda quote: quote.price)
    order = desk.book.order(best.order_id)
    return Offer(
        quote=best,
        order=order,
        series=await desk.venue.series(order),
        seen_at=board.provenance.observed_at,
        fair_value_usdc=fair_value_usdc(best, references),
    )


def _not_offered(leg: WantedLeg, side: Side, asset: Asset) -> NothingSuitable:
    if side is Side.BUY:
        return NothingSuitable(f"{leg.ticker} is not on offer any more.", hint=f"bethna strategies {asset.lower()}")
    return NothingSuitable(f"No maker bids for {leg.ticker} now; it stays yours.", hint="bethna positions")


def fair_value_usdc(quote: OptionQuote, references: Sequence[ReferencePrice]) -> float | None:
    """Return what exchanges think one contract is worth; a spread is the difference of its two options."""
    kind = OptionKind.CALL if quote.kind.is_call else OptionKind.PUT
    marks = []
    for strike in quote.strikes:
        terms = (kind, strike, quote.expires_at)
        found = [one.mark_usd for one in references if (one.kind, one.strike_usd, one.expires_at) == terms]
        if not found or found[0] is None:
            return None
        marks.append(float(found[0]))
    return marks[0] if len(marks) == 1 else abs(marks[0] - marks[1])


async def _eth_usd(desk: TradingDesk, snapshot: MarketSnapshot) -> Decimal | None:
    """Return what gas money is worth, None when no source says; only the card shows it."""
    if snapshot.asset is Asset.ETH and snapshot.spot.usable and snapshot.spot.value is not None:
        return snapshot.spot.value.value_usd
    for feed in desk.feeds.spots:
        try:
            return (await feed.spot(Asset.ETH)).value_usd
        except SourceUnavailable:
            continue
    return None
