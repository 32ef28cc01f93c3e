"""Alpha's verdict: from a snapshot and a model to one trade, or to standing aside with the best candidate shown.

The trade with the highest expected value is proposed when that value is more than the forecast may err by; otherwise
the signal is HOLD. Same input, same answer: the id is a digest of what the answer says.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from bethna_cli.analysis import model as models
from bethna_cli.analysis.features import Series, features, series_of
from bethna_cli.analysis.outlook import Outlook, with_view
from bethna_cli.analysis.reasons import changes, reasons
from bethna_cli.analysis.strategies import at_expiry_nearest, purchase_of, purchases
from bethna_cli.analysis.valuation import LEAST_EDGE, is_worth_its_price, value, with_quantiles
from bethna_cli.analysis.volatility import forecast
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.errors import NothingSuitable, OutsideError
from bethna_cli.domain.intent import DirectRequest, TradeRequest, View
from bethna_cli.domain.market import Asset, MarketSnapshot, OptionBoard, Origin, Part, PriceHistory, SpotPrice
from bethna_cli.domain.model import Model, Row
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.recommendation import Candidate, Prediction, Recommendation, Record, Signal, ViewEffect
from bethna_cli.domain.units import CONTRACT_UNIT, Usdc, usdc_to_decimal

T = TypeVar("T")

ID_DIGITS = 16
EXPIRY_SLACK_DAYS = 2.0
"""How far the nearest expiry may be from the wished one before a warning says so."""

IN_FAVOUR: dict[View, frozenset[Signal]] = {
    View.BULLISH: frozenset({Signal.LONG_CALL, Signal.CALL_SPREAD}),
    View.BEARISH: frozenset({Signal.LONG_PUT, Signal.PUT_SPREAD}),
    View.NEUTRAL: frozenset(Signal) - {Signal.HOLD},
}
"""Trades that fit a person's view: one who is bullish is not offered a put, whatever its value."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """The usable parts of a snapshot that every answer needs."""

    spot: SpotPrice
    board: OptionBoard
    history: PriceHistory


@dataclass(frozen=True, slots=True)
class Verdict:
    """The best trade under one outlook; a signal of HOLD means that it is not worth its price."""

    signal: Signal
    best: Candidate


def recommend(request: TradeRequest, snapshot: MarketSnapshot, model: Model, network: str) -> Recommendation:
    """Answer a request from one snapshot.

    Raises OutsideError when spot, options or price history are missing, NotEnoughData when the history is too short
    for the model, NothingSuitable when nothing on offer fits the budget.
    """
    grounds = required(snapshot)
    row, outlook = _believe(snapshot, grounds, model)
    own = outlook.prediction
    quotes = at_expiry_nearest(grounds.board.quotes, request.expiry_days, snapshot.taken_at)
    without = final = _verdict(request, quotes, outlook, snapshot, None)
    effect = None
    if request.view:
        outlook = replace(outlook, prediction=with_view(own, request.view, request.view_odds))
        final = _verdict(request, quotes, outlook, snapshot, request.view)
        effect = ViewEffect(request.view, request.view_odds, without.signal, without.best.expected_value)
    final = replace(final, best=with_quantiles(final.best, outlook, snapshot.taken_at))
    warnings = (*_far_expiry(request.expiry_days, final.best, snapshot), *_capped(request.budget, final.best))
    return _assemble(request.budget, snapshot, network, own, outlook, row, final, effect, warnings)


def propose(request: DirectRequest, snapshot: MarketSnapshot, model: Model, network: str) -> Recommendation:
    """Value exactly the trade a person chose; Alpha's doubts become warnings, never a refusal.

    Raises as `recommend` does, and NothingSuitable when that trade is not on offer.
    """
    grounds = required(snapshot)
    row, outlook = _believe(snapshot, grounds, model)
    now = snapshot.taken_at
    days = request.expiry if isinstance(request.expiry, float) else (request.expiry - now) / timedelta(days=1)
    kinds = [quote for quote in grounds.board.quotes if quote.kind in request.kinds]
    purchase = purchase_of(at_expiry_nearest(kinds, days, now), request.strikes, request.kinds, request.budget)
    trade = with_quantiles(value(purchase, outlook, now), outlook, now)
    verdict = Verdict(trade.signal, trade)
    doubts = () if is_worth_its_price(trade) else (f"Alpha would stand aside: {_refusal(trade)}.",)
    warnings = (*doubts, *_far_expiry(days, trade, snapshot), *_capped(request.budget, trade))
    return _assemble(request.budget, snapshot, network, outlook.prediction, outlook, row, verdict, None, warnings)


def required(snapshot: MarketSnapshot) -> Grounds:
    """Return the parts without which there is no answer. Raises OutsideError naming what is missing and why."""
    grounds = Grounds(_need(snapshot.spot), _need(snapshot.options), _need(snapshot.history))
    if not grounds.board.quotes:
        why = ", ".join(f"{count} {reason}" for reason, count in grounds.board.left_out.items()) or "it has none"
        raise OutsideError(
            f"No recommendation without options: no offer of the venue can be bought ({why}).", hint="bethna doctor"
        )
    return grounds


def _need(part: Part[T]) -> T:
    if part.usable and part.value is not None:
        return part.value
    raise OutsideError(
        f"No recommendation without {part.name}: {part.status.value}, {part.reason}.", hint="bethna doctor"
    )


def _series(snapshot: MarketSnapshot, history: PriceHistory) -> Series:
    """Lay out what the model may see; a stale or failed part is missing, never old."""
    funding = snapshot.funding.value if snapshot.funding.usable else None
    mood = snapshot.sentiment.value if snapshot.sentiment.usable else None
    return series_of(history.candles, funding.history if funding else (), mood.fear_greed if mood else ())


def _verdict(
    request: TradeRequest,
    quotes: Sequence[OptionQuote],
    outlook: Outlook,
    snapshot: MarketSnapshot,
    view: View | None,
) -> Verdict:
    """Value every possible trade and keep the best; a view narrows the choice to trades that fit it, if any does."""
    now = snapshot.taken_at
    possible = [
        value(purchase, outlook, now)
        for purchase in purchases(quotes, outlook.spot_usd, request.target_delta, request.budget, now)
    ]
    if not possible:
        raise NothingSuitable(
            f"Nothing on offer for {request.asset} can be bought with {usdc_to_decimal(request.budget):f} USDC.",
            hint=f"bethna strategies {request.asset.lower()}-call",
        )
    fitting = [trade for trade in possible if trade.signal in IN_FAVOUR[view]] if view else possible
    best = max(fitting or possible, key=lambda trade: (trade.expected_value, trade.signal))
    return Verdict(best.signal if is_worth_its_price(best) else Signal.HOLD, best)


def _believe(snapshot: MarketSnapshot, grounds: Grounds, model: Model) -> tuple[Row, Outlook]:
    """Return the features of the moment and what Alpha makes of them, without anybody's view."""
    row = features(_series(snapshot, grounds.history), snapshot.taken_at)
    return row, Outlook(float(grounds.spot.value_usd), forecast(model.volatility, row), models.predict(model, row))


def _assemble(
    budget: Usdc,
    snapshot: MarketSnapshot,
    network: str,
    own: Prediction,
    outlook: Outlook,
    row: Row,
    verdict: Verdict,
    effect: ViewEffect | None,
    warnings: tuple[str, ...],
) -> Recommendation:
    hold = verdict.signal is Signal.HOLD
    draft = Recommendation(
        id="",
        created_at=snapshot.taken_at,
        network=network,
        origin=_origin(snapshot),
        asset=snapshot.asset,
        signal=verdict.signal,
        prediction=outlook.prediction,
        trade=None if hold else verdict.best,
        candidate=replace(verdict.best, refused_because=_refusal(verdict.best)) if hold else None,
        reasons=reasons(snapshot, own, outlook, row, verdict.best, effect),
        record=None,
        view=effect,
        market=snapshot,
        would_change=changes(verdict.best, outlook, snapshot.taken_at) if hold else (),
        warnings=(*_missing(snapshot), *warnings),
        buy_line=buy_line(snapshot.asset, budget, verdict.best),
    )
    return replace(draft, id=_digest(draft))


def with_warnings(answer: Recommendation, warnings: tuple[str, ...]) -> Recommendation:
    """Add warnings about the model itself; the answer is named anew, because it says more."""
    if not warnings:
        return answer
    draft = replace(answer, id="", warnings=(*warnings, *answer.warnings))
    return replace(draft, id=_digest(draft))


def with_record(answer: Recommendation, record: Record | None) -> Recommendation:
    """Put the measured record of such trades beside an answer, and name the answer anew by all that it says now."""
    if record is None:
        return answer
    draft = replace(answer, id="", record=record)
    return replace(draft, id=_digest(draft))


def _refusal(trade: Candidate) -> str:
    expected, paid = usdc_to_decimal(trade.expected_value), usdc_to_decimal(trade.amount)
    said = f"{expected:+.2f} for {paid:.2f} USDC"
    if expected <= 0:
        return f"its expected value is not positive ({said})"
    least = f"{LEAST_EDGE * 100:.0f} % of its price"
    return f"its expected value is below {least} ({said}), no more than the forecast may err by"


def _origin(snapshot: MarketSnapshot) -> Origin:
    """Name the least real origin among the parts: one simulated number makes the whole simulated."""
    origins = {part.provenance.origin for part in snapshot.parts if part.provenance}
    return next((origin for origin in (Origin.SIMULATED, Origin.REPLAY) if origin in origins), Origin.LIVE)


def _missing(snapshot: MarketSnapshot) -> tuple[str, ...]:
    parts = (snapshot.funding, snapshot.sentiment)
    return tuple(
        f"Without {part.name} ({part.status.value}: {part.reason}); the prediction is drawn towards even odds."
        for part in parts
        if not part.usable
    )


def _far_expiry(wished_days: float, trade: Candidate, snapshot: MarketSnapshot) -> tuple[str, ...]:
    days = (trade.legs[0].quote.expires_at - snapshot.taken_at) / timedelta(days=1)
    if abs(days - wished_days) <= EXPIRY_SLACK_DAYS:
        return ()
    return (f"Asked for {round(wished_days, 1):g} days; the nearest expiry on offer is {days:.1f} days away.",)


def _capped(budget: Usdc, trade: Candidate) -> tuple[str, ...]:
    """Say so when the makers, not the budget, decide the size."""
    offered = min(leg.quote.max_contracts for leg in trade.legs)
    if trade.contracts < offered or trade.amount >= budget:
        return ()
    size, spent, wished = offered / CONTRACT_UNIT, usdc_to_decimal(trade.amount), usdc_to_decimal(budget)
    return (f"No more than {size:,g} contracts are on offer: they cost {spent:,.2f} of {wished:,.2f} USDC.",)


def buy_line(asset: Asset, budget: Usdc, trade: Candidate) -> str:
    """Return the command that proposes exactly this trade, as typed."""
    quote = trade.legs[0].quote
    shape = "straddle" if trade.signal is Signal.LONG_STRADDLE else quote.kind.value.lower().replace("_", "-")
    strikes = "/".join(f"{strike.normalize():f}" for strike in quote.strikes)
    amount = f"{usdc_to_decimal(budget).normalize():f}"
    expiry = quote.expires_at.strftime("%Y-%m-%dT%H:%MZ")
    return f"bethna buy {asset.lower()}-{shape} --strike {strikes} --expiry {expiry} --amount {amount}"


def _digest(rec: Recommendation) -> str:
    """Name an answer by what it says: the first hexadecimal digits of the SHA-256 of its document."""
    document = json.dumps(recommendation_document(rec), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(document.encode()).hexdigest()[:ID_DIGITS]
