"""Beta looks: everything that is held against a trade, put to every check, with the plans that would carry it out.

It runs before the card and again after signing, each time on what is so then. A fact that cannot be learned stays
unknown, which refuses the trade; nothing is signed or sent here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bethna_cli.analysis.outlook import ewma_volatility
from bethna_cli.domain.approval import Decision, Offer, Wanted
from bethna_cli.domain.chain import ContractPin, ContractState, Hash, SigningDomain
from bethna_cli.domain.errors import BethnaError, ContractRefused
from bethna_cli.domain.journal import TradeState
from bethna_cli.domain.market import Asset, MarketSnapshot, Status
from bethna_cli.domain.signing import Permit, Plan, Step, Submit
from bethna_cli.domain.trade import PlannedTrade, Side
from bethna_cli.domain.units import contracts_for
from bethna_cli.execution.approval import reference
from bethna_cli.execution.checks import Facts, Pinned, Result, Verdict, first_refusal, run_checks
from bethna_cli.execution.plan import QuotedLeg, Terms, planned
from bethna_cli.flow.sight import Sight, TradingDesk, look

GAS_PER_BUY = 900_000
"""A limit for one purchase: the first fill of a series deploys its token, and takes about 500,000 with it."""
LIFETIME_S = 300
"""How long a signed purchase may wait for a block."""
NO_CODE = Hash("0x" + "00" * 32)
WHOLE_PLAN = frozenset({"balance", "size"})
"""Checks that concern what all legs cost together."""
NOT_BOUGHT = frozenset({TradeState.REVERTED, TradeState.CANCELLED, TradeState.DEAD})


@dataclass(frozen=True, slots=True)
class Review:
    """What would be signed, with everything that is held against it.

    trades, plans, digests, results, venue_said: one per leg, in order; each is signed and sent by itself. venue_said:
    the contract's own refusal of the venue's quote. code: four characters a plan, which tell it from another.
    """

    wanted: Wanted
    sight: Sight
    trades: tuple[PlannedTrade, ...]
    plans: tuple[Plan, ...]
    digests: tuple[Hash, ...]
    results: tuple[tuple[Result, ...], ...]
    venue_said: tuple[ContractRefused | None, ...]
    code: str

    @property
    def gas_cost_wei(self) -> int:
        """What all transactions cost at most."""
        return sum(step.gas * step.max_fee_wei for plan in self.plans for step in plan.steps)

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
            if quoted * 10_000 < leg.contracts * share:
                asked.append(f"{leg.ticker} has become {leg.contracts / quoted - 1:.1%} dearer since it was proposed.")
        return tuple(asked)


async def review(desk: TradingDesk, wanted: Wanted) -> Review:
    """Look, write the plan that would buy what is wanted now, and make every check. Raises what `look` does."""
    sight = await look(desk, wanted)
    ref = reference(wanted.document, desk.keccak)
    legs = [
        QuotedLeg(
            Side.BUY,
            offer.series,
            desk.pins.router,
            leg.amount_in,
            contracts_for(leg.amount_in, offer.quote.price),
        )
        for leg, offer in zip(wanted.legs, sight.offers, strict=True)
    ]
    terms = Terms(
        plan_id=ref,
        domain=SigningDomain("SentientTrader", "1", desk.pins.chain_id, desk.pins.contract),
        user=desk.wallet.address,
        executor=desk.wallet.address,
        ref=ref,
        slippage=desk.slippage,
        block_time_s=sight.state.block.timestamp_s,
        lifetime_s=LIFETIME_S,
    )
    trades = planned(legs, terms, desk.keccak)
    plans = tuple(_plan(desk, trade, sight, number) for number, trade in enumerate(trades))
    draft = Review(
        wanted=wanted,
        sight=sight,
        trades=trades,
        plans=plans,
        digests=tuple(desk.venue.digest(trade) for trade in trades),
        results=(),
        venue_said=(),
        code=" ".join(desk.venue.code(plan) for plan in plans),
    )
    pairs = zip(trades, sight.offers, strict=True)
    return await checked(desk, draft, [await desk.venue.quote(trade.intent, offer.order) for trade, offer in pairs])


async def checked(desk: TradingDesk, draft: Review, delivered: Sequence[int | ContractRefused]) -> Review:
    """Make every check on a review's plan. delivered: what each trade brings now, or the contract's refusal."""
    known = await _known(desk, draft)
    open_positions = await _open_positions(desk, draft.wanted.asset)
    total = sum(trade.intent.amount_in for trade in draft.trades)
    pin = _pin(desk, draft.sight.state)
    results = []
    for trade, offer, output in zip(draft.trades, draft.sight.offers, delivered, strict=True):
        simulated = None if isinstance(output, ContractRefused) else output
        facts = _facts(desk, draft, trade, offer, simulated, open_positions, is_known=known)
        alone = run_checks(trade.intent, facts, pin, desk.limits)
        together = run_checks(replace(trade.intent, amount_in=total), facts, pin, desk.limits)
        results.append(
            tuple(whole if whole.check in WHOLE_PLAN else one for one, whole in zip(alone, together, strict=True))
        )
    said = tuple(output if isinstance(output, ContractRefused) else None for output in delivered)
    return replace(draft, results=tuple(results), venue_said=said)


def _plan(desk: TradingDesk, trade: PlannedTrade, sight: Sight, number: int) -> Plan:
    """Write what is signed for one leg: its intent, a permit for exactly its amount, one transaction.

    The contract takes a permit for one intent's amount only, so each leg has its own, and a leg that is refused leaves
    no allowance behind. number: how many legs go before it; account and permit nonces count on them.
    """
    fees = (sight.fees.max_fee_wei, sight.fees.tip_wei)
    submission = Submit(0, trade.intent.min_amount_out, with_permit=True)
    return Plan(
        chain_id=desk.pins.chain_id,
        contract=desk.pins.contract,
        user=desk.wallet.address,
        block_time_s=sight.state.block.timestamp_s,
        intents=(trade.intent,),
        permits=(Permit(0, sight.purse.permit_nonce + number, trade.intent.deadline_s),),
        steps=(Step(submission, sight.purse.nonce + number, GAS_PER_BUY, *fees),),
    )


def _pin(desk: TradingDesk, state: ContractState) -> Pinned:
    pins = desk.pins
    released = state.code_hash if state.is_release else NO_CODE
    contract = ContractPin(pins.contract, released if pins.code_hash is None else pins.code_hash)
    return Pinned(pins.chain_id, contract, pins.usdc, pins.router, pins.implementations)


def _facts(
    desk: TradingDesk,
    draft: Review,
    trade: PlannedTrade,
    offer: Offer,
    simulated: int | None,
    open_positions: int,
    *,
    is_known: bool,
) -> Facts:
    sight, snapshot = draft.sight, draft.sight.snapshot
    return Facts(
        chain_id=desk.chain.chain_id,
        contract=sight.state.address,
        code_hash=sight.state.code_hash,
        is_paused=sight.state.is_paused,
        block_time_s=sight.state.block.timestamp_s,
        gas_price_wei=sight.fees.base_fee_wei + sight.fees.tip_wei,
        gas_cost_wei=draft.gas_cost_wei,
        balance_wei=sight.purse.balance_wei,
        balance_in=sight.purse.usdc,
        allowance=sight.purse.allowance,
        permit_amount=trade.intent.amount_in,  # the plan's own permit, for exactly this
        order=offer.order,
        series=offer.series,
        quote_age_s=max(0.0, (desk.clock.now() - offer.seen_at).total_seconds()),
        simulated_out=simulated,
        available_out=offer.quote.max_contracts,
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
    """Say whether the journal has a trade of the same recommendation and account."""
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
