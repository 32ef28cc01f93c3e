"""Exits for what is held already: signed anew, or called off; and what a crash left undecided about a purchase's own.

New ones are signed before the old ones are called off, so that a position is never without. Old ones end on chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bethna_cli.domain.chain import Hash, SigningDomain
from bethna_cli.domain.errors import ConfigurationError, ContractMismatch, OutcomeUnknown, TradeRefused
from bethna_cli.domain.journal import Errand, TradeState
from bethna_cli.domain.mandate import ExitTerms, Mandate, MandateState
from bethna_cli.domain.position import Position
from bethna_cli.domain.signing import CancelNonce, Plan
from bethna_cli.domain.trade import PlannedTrade
from bethna_cli.domain.units import iso
from bethna_cli.execution import steps
from bethna_cli.execution.approval import CardLine, card, reference
from bethna_cli.execution.exits import ExitFrame, Protected, exit_intents, kind_of
from bethna_cli.execution.journal import ENDED
from bethna_cli.flow import execute
from bethna_cli.flow.carry import purpose_of
from bethna_cli.flow.close import require_sellable
from bethna_cli.flow.draft import living_mandates, needed_by
from bethna_cli.flow.protect import Purchases
from bethna_cli.flow.review import pinned
from bethna_cli.flow.sight import TradingDesk
from bethna_cli.ports import Clock, Journal, Mandates
from bethna_cli.risk.lots import shared_out


@dataclass(frozen=True, slots=True)
class ExitReview:
    """What would be signed for a position's exits. ended: the mandates that are called off with it.

    bared: the other positions that these guard, too, and that have none afterwards.
    """

    position: Position
    exits: tuple[PlannedTrade, ...]
    digests: tuple[Hash, ...]
    ended: tuple[Mandate, ...]
    plan: Plan
    code: str
    bared: tuple[Position, ...] = ()

    @property
    def gas_cost_wei(self) -> int:
        """What all transactions cost at most."""
        return sum(step.most_wei for step in self.plan.steps)

    @property
    def card_lines(self) -> list[CardLine]:
        """The card of exactly what is signed."""
        return card(self.exits)


class ExitConsent(Protocol):
    """Whoever says yes to exits. Returns only when exactly this was agreed to; otherwise it raises TradeRefused."""

    def ask_exits(self, shown: ExitReview) -> None: ...


async def authorise(desk: TradingDesk, position: str, terms: ExitTerms, consent: ExitConsent) -> ExitReview:
    """Have a position's exits signed, in place of those that it has. Raises TradeRefused and its kinds."""
    shown = await review_exits(desk, position, terms)
    return await _carry_out(desk, shown, consent)


async def call_off(desk: TradingDesk, position: str, consent: ExitConsent) -> ExitReview:
    """Call a position's exits off, for good and on chain. Raises TradeRefused when it has none."""
    shown = await review_exits(desk, position, None)
    if not shown.ended:
        raise TradeRefused("It has no exits that could be called off.", hint="bethna exits -h")
    return await _carry_out(desk, shown, consent)


async def review_exits(desk: TradingDesk, prefix: str, terms: ExitTerms | None) -> ExitReview:
    """Write the plan that signs a position's exits, or that calls them off (without terms). Signs nothing."""
    position = desk.positions.position(prefix)
    require_sellable(desk, position)
    await desk.chain.check()
    state, fees = await desk.traders.state(desk.pins.contract), await desk.chain.fees()
    pin = pinned(desk, state).contract
    if (state.address, state.code_hash) != (pin.address, pin.code_hash):
        raise ContractMismatch("The contract there is not the confirmed one.", hint="bethna contract verify")
    purse = await desk.venue.purse(desk.wallet.address, desk.pins.contract)
    (held,) = await desk.venue.held(desk.wallet.address, desk.pins.contract, [position.token])
    living = await living_mandates(desk, position.token, state)
    ended, bared = _protecting(desk, position, living)
    others = [one for one in living if one not in ended]
    exits = () if terms is None else _exits(desk, position, terms, state.block.timestamp_s, held.balance)
    frame = steps.Frame(
        chain_id=desk.pins.chain_id,
        contract=desk.pins.contract,
        user=desk.wallet.address,
        block_time_s=state.block.timestamp_s,
        account_nonce=purse.nonce,
        fees=fees,
        dearest_wei=desk.limits.gas_ask_wei,
    )
    nonces = sorted({one.trade.intent.nonce for one in ended})
    plan = steps.exits(frame, exits, position.token, held.allowance, needed_by(others), nonces)
    digests = tuple(desk.venue.digest(trade) for trade in exits)
    shown = ExitReview(position, exits, digests, tuple(ended), plan, desk.venue.code(plan), tuple(bared))
    if purse.balance_wei < shown.gas_cost_wei:
        raise TradeRefused("The account has too little ETH for the gas.", hint="bethna wallet balance")
    return shown


def _exits(
    desk: TradingDesk, position: Position, terms: ExitTerms, block_time_s: int, balance: int
) -> tuple[PlannedTrade, ...]:
    watcher = desk.pins.watcher
    if watcher is None:
        raise ConfigurationError("The watcher has no account that could send them.", hint="bethna watch key")
    contracts = min(position.contracts_left, balance)
    document: dict[str, object] = {
        "exits": position.id,
        "contracts": str(contracts),
        "stop_loss": terms.stop_loss,
        "take_profit": terms.take_profit,
        "at": iso(desk.clock.now()),
    }
    ref = reference(document, desk.keccak)
    domain = SigningDomain("SentientTrader", "1", desk.pins.chain_id, desk.pins.contract)
    frame = ExitFrame(ref, domain, desk.wallet.address, watcher, ref, block_time_s)
    expires_at_s = int(position.terms.expires_at.timestamp())
    cost = position.cost * contracts // position.contracts
    found = exit_intents(
        Protected(position.token, desk.pins.router, contracts, cost, expires_at_s), terms, frame, desk.keccak
    )
    if not found:
        raise TradeRefused("The option expires too soon for exits that are signed ahead.", hint="bethna positions")
    return found


async def _carry_out(desk: TradingDesk, shown: ExitReview, consent: ExitConsent) -> ExitReview:
    consent.ask_exits(shown)
    with desk.signer.unlocked(shown.plan) as session:
        signed = session.sign([])
    if tuple(one.digest for one in signed.intents) != shown.digests:
        raise TradeRefused("What was signed is not what was shown; nothing was sent.", hint="bethna doctor")
    now = desk.clock.now()
    made = Purchases(desk.execution.journal.entries()).made(shown.position)
    purchase = None if made is None else made.digest
    fresh = [
        Mandate(answer.digest, kind_of(trade), trade, answer.signature, purchase, now, position=shown.position.id)
        for trade, answer in zip(shown.exits, signed.intents, strict=True)
    ]
    desk.mandates.keep(fresh)
    for step, (transaction, *_) in zip(shown.plan.steps, signed.steps, strict=True):
        errand = Errand(desk.wallet.address, purpose_of(step), transaction)
        receipt = await execute.run_errand(desk.execution, errand)
        if receipt is None:
            raise OutcomeUnknown(transaction.hash, "it is not in a block yet")
        if not receipt.succeeded:
            raise TradeRefused(f"{purpose_of(step)} failed in {transaction.hash}.", hint="bethna recover")
        if isinstance(step.action, CancelNonce):
            gone = [one.digest for one in shown.ended if one.trade.intent.nonce == step.action.nonce]
            desk.mandates.move(gone, MandateState.CANCELLED, desk.clock.now())
    desk.mandates.move([one.digest for one in fresh], MandateState.OPEN, desk.clock.now())
    return shown


# ── what stands for whom ──────────────────────────────────────────────────────────────────────────────────────────


def _protecting(
    desk: TradingDesk, position: Position, living: Sequence[Mandate]
) -> tuple[list[Mandate], list[Position]]:
    """Return those mandates of its token that were signed for a position or guard it now, and whom else they guard."""
    same = [one for one in desk.positions.all() if (one.user, one.token) == (position.user, position.token)]
    every = desk.mandates.of_token(position.user, position.token)
    pairs = Purchases(desk.execution.journal.entries()).pairs(every, same)
    nonces = {one.trade.intent.nonce for one in living}
    guards = shared_out(same, [one for one in pairs if one.nonce in nonces], pairs)
    ended = {one.nonce for one in pairs if position.id in one.names or one is guards.get(position.id)}
    bared = [one for one in same if one.id != position.id and one.id in guards and guards[one.id].nonce in ended]
    return [one for one in living if one.trade.intent.nonce in ended], bared


def decide_waiting(journal: Journal, mandates: Mandates, clock: Clock) -> Sequence[Mandate]:
    """Let the mandates stand whose purchase is filled, and drop those whose purchase has ended without.

    A crash between a fill and this leaves them waiting. Returns what was decided.
    """
    waiting = [one for one in mandates.live() if one.state is MandateState.WAITING]
    if not waiting:
        return []
    entries = {entry.digest: entry for entry in journal.entries()}
    stand, drop = [], []
    for one in waiting:
        entry = None if one.purchase is None else entries.get(one.purchase)
        if one.purchase is None or (entry is not None and entry.fill is not None):
            stand.append(one)
        elif entry is not None and entry.state in ENDED and entry.state is not TradeState.FINAL:
            drop.append(one)
    mandates.move([one.digest for one in stand], MandateState.OPEN, clock.now())
    mandates.move([one.digest for one in drop], MandateState.CANCELLED, clock.now())
    return [*stand, *drop]
