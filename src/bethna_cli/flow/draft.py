"""What would carry out what is wanted: its trades, the exits that go with them, and the plan of transactions.

Nothing is checked or signed here; the mandates that still stand are counted by what the chain says of them.
"""

from collections.abc import Collection, Sequence

from bethna_cli.domain.approval import Offer, Wanted, WantedLeg
from bethna_cli.domain.chain import Address, ContractState, SigningDomain
from bethna_cli.domain.mandate import Mandate, MandateState
from bethna_cli.domain.signing import Plan
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import contracts_for, proceeds_of
from bethna_cli.execution import steps
from bethna_cli.execution.direct import DirectLeg, direct_domain, direct_trades
from bethna_cli.execution.exits import ExitFrame, Protected, exit_intents
from bethna_cli.execution.plan import QuotedLeg, Terms, planned
from bethna_cli.flow.sight import Sight, TradingDesk, TradingPins

SPARE = (102, 100)
"""Exits are signed for a little more than was quoted: a better price brings more, and what is there is sold."""
STANDING = frozenset({MandateState.WAITING, MandateState.OPEN})


def domain_of(pins: TradingPins) -> SigningDomain:
    if pins.fills_book:
        return direct_domain(pins.chain_id, pins.contract)
    return SigningDomain("SentientTrader", "1", pins.chain_id, pins.contract)


def trades_of(desk: TradingDesk, wanted: Wanted, sight: Sight, terms: Terms) -> tuple[PlannedTrade, ...]:
    pairs = list(zip(wanted.legs, sight.offers, strict=True))
    if not desk.pins.fills_book:
        return planned([_quoted(desk, wanted.side, leg, offer) for leg, offer in pairs], terms, desk.keccak)
    return direct_trades(
        [DirectLeg(offer.order, offer.series, leg.amount_in) for leg, offer in pairs], terms, desk.keccak
    )


def _quoted(desk: TradingDesk, side: Side, leg: WantedLeg, offer: Offer) -> QuotedLeg:
    quoted = contracts_for if side is Side.BUY else proceeds_of
    return QuotedLeg(
        side=side,
        option_token=offer.series,
        router=desk.pins.router,
        amount_in=leg.amount_in,
        quoted_amount_out=quoted(leg.amount_in, offer.quote.price),
        after_s=leg.after_s,
    )


def exits_of(
    desk: TradingDesk, wanted: Wanted, trades: Sequence[PlannedTrade], terms: Terms
) -> tuple[PlannedTrade, ...]:
    """Write the mandates that go with a purchase, a pair for each option that is bought, whatever parts it comes in."""
    watcher = desk.pins.watcher
    if wanted.exits is None or watcher is None or wanted.side is Side.SELL or desk.pins.fills_book:
        return ()
    more, than = SPARE
    by_token: dict[Address, list[tuple[WantedLeg, PlannedTrade]]] = {}
    for leg, trade in zip(wanted.legs, trades, strict=True):
        by_token.setdefault(trade.intent.option_token, []).append((leg, trade))
    found: list[PlannedTrade] = []
    for number, (token, parts) in enumerate(by_token.items(), 1 if len(by_token) > 1 else 0):
        position = Protected(
            token=token,
            router=desk.pins.router,
            contracts=sum(trade.intent.quoted_amount_out for _, trade in parts) * more // than,
            cost=sum(trade.intent.amount_in for _, trade in parts) * more // than,
            expires_at_s=int(parts[0][0].expires_at.timestamp()),
        )
        frame = ExitFrame(terms.plan_id, terms.domain, terms.user, watcher, terms.ref, terms.block_time_s, number)
        found.extend(exit_intents(position, wanted.exits, frame, desk.keccak))
    return tuple(found)


async def plan_of(
    desk: TradingDesk, wanted: Wanted, sight: Sight, trades: Sequence[PlannedTrade], exits: Sequence[PlannedTrade]
) -> Plan:
    frame = steps.Frame(
        chain_id=desk.pins.chain_id,
        contract=desk.pins.contract,
        user=desk.wallet.address,
        block_time_s=sight.state.block.timestamp_s,
        account_nonce=sight.purse.nonce,
        fees=sight.fees,
        dearest_wei=desk.limits.gas_ask_wei,
    )
    if desk.pins.fills_book:
        return steps.fills(frame, trades, desk.pins.usdc, sight.purse.allowance)
    if wanted.side is Side.BUY:
        tokens = {trade.intent.option_token for trade in trades}
        signed = {trade.intent.nonce for trade in exits}
        allowed = {token: needed_by(await living_mandates(desk, token, sight.state, signed)) for token in tokens}
        return steps.purchase(frame, trades, exits, sight.purse.permit_nonce, allowed)
    mandates = await living_mandates(desk, trades[0].intent.option_token, sight.state)
    left = max(0, sight.held[0].balance - wanted.amount_in)
    nonces = sorted({one.trade.intent.nonce for one in mandates}) if not left else []
    return steps.sale(frame, trades, sight.held[0], min(left, needed_by(mandates)), nonces)


async def living_mandates(
    desk: TradingDesk, token: Address, state: ContractState, without: Collection[int] = ()
) -> list[Mandate]:
    """Return the standing mandates that the contract would still execute: a crash can leave an ended one standing."""
    evidence, at = desk.execution.evidence, state.block.hash
    found = standing_mandates(desk, token, without)
    by_nonce = {one.trade.intent.nonce: one.trade for one in found}
    used = {nonce for nonce, trade in by_nonce.items() if await evidence.is_nonce_used(trade, at)}
    return [
        one
        for one in found
        if one.trade.intent.nonce not in used and state.block.timestamp_s <= one.trade.intent.deadline_s
    ]


def standing_mandates(desk: TradingDesk, token: Address, without: Collection[int] = ()) -> list[Mandate]:
    """Return the mandates that still count on the account's tokens, but for those with certain nonces."""
    found = desk.mandates.of_token(desk.wallet.address, token)
    return [one for one in found if one.state in STANDING and one.trade.intent.nonce not in without]


def needed_by(mandates: Collection[Mandate]) -> int:
    """Count what mandates can sell at most: of those that share a nonce, one."""
    most: dict[int, int] = {}
    for one in mandates:
        intent = one.trade.intent
        most[intent.nonce] = max(most.get(intent.nonce, 0), intent.amount_in)
    return sum(most.values())
