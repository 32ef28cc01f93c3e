"""Beta looks: everything that is held against a plan, put to every check, with the plan as it would be carried out.

It runs before the card and again after signing, each time on what is so then. A fact that cannot be learned stays
unknown, which refuses the trade; nothing is signed or sent here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bethna_cli.analysis.outlook import ewma_volatility
from bethna_cli.domain.approval import Decision, Wanted
from bethna_cli.domain.chain import ContractPin, ContractState, Hash
from bethna_cli.domain.errors import BethnaError, ContractRefused
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.market import Asset, MarketSnapshot, Status
from bethna_cli.domain.signing import Plan
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import proceeds_of
from bethna_cli.execution import steps
from bethna_cli.execution.approval import reference
from bethna_cli.execution.checks import Facts, Pinned, Result, Verdict, first_refusal, run_checks
from bethna_cli.execution.plan import Terms
from bethna_cli.flow.draft import domain_of, exits_of, plan_of, trades_of
from bethna_cli.flow.sight import Sight, TradingDesk, look

LIFETIME_S = 300
"""How long a signed trade may wait for a block."""
NO_CODE = Hash("0x" + "00" * 32)
WHOLE_PLAN = frozenset({"balance", "size"})
"""Checks that concern what all legs give together."""
NOT_BOUGHT = frozenset({TradeState.REVERTED, TradeState.CANCELLED, TradeState.DEAD})


@dataclass(frozen=True, slots=True)
class Review:
    """What would be signed, with everything that is held against it.

    trades, digests, results, venue_said: one per leg, in order. exits: the mandates signed with them. venue_said: the
    contract's own refusal of the venue's quote. code: four characters that tell the plan from another. has_watcher:
    whether there is an account that could send exits.
    """

    wanted: Wanted
    sight: Sight
    trades: tuple[PlannedTrade, ...]
    exits: tuple[PlannedTrade, ...]
    plan: Plan
    digests: tuple[Hash, ...]
    exit_digests: tuple[Hash, ...]
    results: tuple[tuple[Result, ...], ...]
    venue_said: tuple[ContractRefused | None, ...]
    code: str
    has_watcher: bool

    @property
    def gas_cost_wei(self) -> int:
        """What all transactions cost at most."""
        return sum(step.most_wei for step in self.plan.steps)

    @property
    def refusal(self) -> BethnaError | None:
        """Return why it must not be sent, None when nothing forbids it; the contract's own words where it has some."""
        for results, said in zip(self.results, self.venue_said, strict=True):
            error = first_refusal(results)
            failed = [result.check for result in results if result.verdict is Verdict.FAIL]
            if error is not None:
                return said if said is not None and failed == ["slippage"] else error
        return None

    @property
    def questions(self) -> tuple[str, ...]:
        """What the person has to answer for themselves; whoever may not ask them must not go on."""
        asked = [result.words for results in self.results for result in results if result.verdict is Verdict.ASK]
        for trade, leg in zip(self.trades, self.wanted.legs, strict=True):
            quoted = trade.intent.quoted_amount_out
            share = trade.intent.min_amount_out * 10_000 // max(1, quoted)
            if leg.expected_out is not None and quoted * 10_000 < leg.expected_out * share:
                dearer = leg.expected_out / quoted - 1
                asked.append(f"{leg.ticker} has become {dearer:.1%} dearer since it was proposed.")
        return tuple(asked)


async def review(desk: TradingDesk, wanted: Wanted) -> Review:
    """Look, write the plan that would carry out what is wanted now, and make every check. Raises what `look` does."""
    sight = await look(desk, wanted)
    ref = reference(wanted.document, desk.keccak)
    terms = Terms(
        plan_id=ref,  # one decision, carried out once: whatever is signed for it shares its nonces
        domain=domain_of(desk.pins),
        user=desk.wallet.address,
        executor=desk.wallet.address,
        ref=ref,
        slippage=desk.slippage,
        block_time_s=sight.state.block.timestamp_s,
        lifetime_s=LIFETIME_S,
    )
    trades = trades_of(desk, wanted, sight, terms)
    return await review_of(desk, wanted, sight, trades, exits_of(desk, wanted, trades, terms))


async def review_of(
    desk: TradingDesk,
    wanted: Wanted,
    sight: Sight,
    trades: tuple[PlannedTrade, ...],
    exits: tuple[PlannedTrade, ...],
    *,
    is_known: bool | None = None,
) -> Review:
    """Write the plan that carries out these trades, and make every check. is_known: as in `checked`."""
    plan = await plan_of(desk, wanted, sight, trades, exits)
    draft = Review(
        wanted=wanted,
        sight=sight,
        trades=trades,
        exits=exits,
        plan=plan,
        digests=tuple(desk.venue.digest(trade) for trade in trades),
        exit_digests=tuple(desk.venue.digest(trade) for trade in exits),
        results=(),
        venue_said=(),
        code=desk.venue.code(plan),
        has_watcher=desk.pins.watcher is not None,
    )
    offered = zip(trades, sight.offers, strict=True)
    delivered = [await desk.venue.quote(trade.intent, offer.order) for trade, offer in offered]
    return await checked(desk, draft, delivered, is_known=is_known)


async def checked(
    desk: TradingDesk, draft: Review, delivered: Sequence[int | ContractRefused], *, is_known: bool | None = None
) -> Review:
    """Make every check on a review's plan. delivered: what each trade brings now, or the contract's refusal.

    is_known: whether it was approved before, where that need not be looked up.
    """
    known = await _known(desk, draft) if is_known is None else is_known
    open_positions = await _open_positions(desk, draft.wanted.asset)
    total = sum(trade.intent.amount_in for trade in draft.trades)
    pin = pinned(desk, draft.sight.state)
    results = []
    for number, output in enumerate(delivered):
        facts = _facts(desk, draft, number, output, open_positions, is_known=known)
        intent = draft.trades[number].intent
        alone = run_checks(intent, facts, pin, desk.limits)
        together = run_checks(replace(intent, amount_in=total), facts, pin, desk.limits)
        results.append(
            tuple(whole if whole.check in WHOLE_PLAN else one for one, whole in zip(alone, together, strict=True))
        )
    said = tuple(output if isinstance(output, ContractRefused) else None for output in delivered)
    return replace(draft, results=tuple(results), venue_said=said)


# ── facts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def pinned(desk: TradingDesk, state: ContractState) -> Pinned:
    """Return what a plan may touch; where nobody confirmed a code, this release's own alone will do."""
    pins = desk.pins
    released = state.code_hash if state.is_release else NO_CODE
    contract = ContractPin(pins.contract, released if pins.code_hash is None else pins.code_hash)
    return Pinned(pins.chain_id, contract, pins.usdc, pins.router, pins.implementations)


def _facts(
    desk: TradingDesk,
    draft: Review,
    number: int,
    output: int | ContractRefused,
    open_positions: int,
    *,
    is_known: bool,
) -> Facts:
    sight, offer, trade = draft.sight, draft.sight.offers[number], draft.trades[number]
    snapshot, is_buy = sight.snapshot, trade.intent.side is Side.BUY
    held = sight.held[number]
    size = offer.quote.max_contracts
    has_permit = draft.plan.permit_of(number) is not None
    is_prepared = bool(steps.preparation(draft.plan))
    return Facts(
        chain_id=desk.chain.chain_id,
        contract=sight.state.address,
        code_hash=sight.state.code_hash,
        is_paused=sight.state.is_paused if is_buy else sight.state.are_exits_paused,
        block_time_s=sight.state.block.timestamp_s,
        gas_price_wei=sight.fees.base_fee_wei + sight.fees.tip_wei,
        gas_cost_wei=draft.gas_cost_wei,
        balance_wei=sight.purse.balance_wei,
        balance_in=sight.purse.usdc if is_buy else held.balance,
        allowance=sight.purse.allowance if is_buy else held.allowance,
        # The plan's own permission, for exactly this.
        permit_amount=trade.intent.amount_in if has_permit or is_prepared else 0,
        order=offer.order,
        series=offer.series,
        quote_age_s=max(0.0, (desk.clock.now() - offer.seen_at).total_seconds()),
        simulated_out=None if isinstance(output, ContractRefused) else output,
        available_out=size if is_buy else proceeds_of(size, offer.quote.price),
        fair_value_usdc=offer.fair_value_usdc,
        # Cash alone: what is held in options would only raise the limit.
        portfolio_usdc=sight.purse.usdc,
        open_positions=open_positions,
        volatility=None if snapshot.history.value is None else ewma_volatility(snapshot.history.value.candles),
        market_status=_worst(snapshot),
        spot_age_s=snapshot.spot.age_s,
        is_known=is_known,
    )


def _worst(snapshot: MarketSnapshot) -> Status:
    """Return how far spot and options can be trusted together."""
    both = (snapshot.spot.status, snapshot.options.status)
    return next((status for status in both if status is not Status.OK), Status.OK)


async def _known(desk: TradingDesk, draft: Review) -> bool:
    """Say whether this decision was carried out before, here or anywhere else with the same wallet."""
    if is_journaled(desk, draft.trades[0]):
        return True
    return any(
        [await desk.execution.evidence.is_nonce_used(trade, draft.sight.state.block.hash) for trade in draft.trades]
    )


def is_journaled(desk: TradingDesk, trade: PlannedTrade) -> bool:
    """Say whether the journal has a trade of the same decision and account."""
    wanted = (trade.intent.ref, trade.intent.user)
    return any((one.trade.intent.ref, one.trade.intent.user) == wanted for one in desk.execution.journal.entries())


async def _open_positions(desk: TradingDesk, asset: Asset) -> int:
    """Count the options on `asset` that the journal says were bought and the account still holds."""
    plans = {d.plan_id for d in desk.decisions.all() if d.plan_id is not None and _asset_of(desk, d) == asset.value}
    bought = {
        entry.trade.intent.option_token
        for entry in desk.execution.journal.entries()
        if entry.plan_id in plans and entry.trade.intent.side is Side.BUY and entry.state not in NOT_BOUGHT
    }
    return sum(1 for held in await desk.venue.balances(desk.wallet.address, sorted(bought)) if held)


def _asset_of(desk: TradingDesk, decision: Decision) -> object:
    return desk.ledger.recommendation(decision.recommendation_id)["asset"]
