"""The JSON shape of the nouns: the contract with scripts, and what the store keeps of a decision.

Money becomes a number of USDC, prices USD, times ISO 8601 UTC. Every figure keeps its source, age and origin.
"""

from datetime import datetime
from decimal import Decimal

from bethna_cli.domain.market import (
    Funding,
    MarketSnapshot,
    OptionBoard,
    Origin,
    Part,
    PriceHistory,
    Sentiment,
    SpotPrice,
)
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.recommendation import Candidate, Leg, Prediction, Reason, Recommendation, Record, ViewEffect
from bethna_cli.domain.units import iso, usdc_to_decimal

Document = dict[str, object]


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _money(amount: int | None) -> float | None:
    return None if amount is None else float(usdc_to_decimal(amount))


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def quote_document(quote: OptionQuote) -> Document:
    """One ask: what it is, what it costs per contract (USD), how many there are, and the venue's Greeks."""
    greeks = quote.greeks
    return {
        "ticker": quote.ticker,
        "option_type": quote.kind.value,
        "strike": float(quote.strikes[0]),
        "strikes": [float(strike) for strike in quote.strikes],
        "expiry": iso(quote.expires_at),
        "price_usd": float(quote.price_usd),
        "max_contracts": float(quote.max_size),
        "good_until": iso(quote.good_until),
        "order_id": quote.order_id,
        "iv": greeks.iv if greeks else None,
        "delta": greeks.delta if greeks else None,
        "gamma": greeks.gamma if greeks else None,
        "vega": greeks.vega if greeks else None,
        "theta": greeks.theta if greeks else None,
    }


def leg_document(leg: Leg) -> Document:
    """One purchase of a trade; `side` is always BUY."""
    return {
        **quote_document(leg.quote),
        "side": "BUY",
        "contracts": float(Decimal(leg.contracts) / 1_000_000),
        "premium_usdc": _money(leg.premium),
    }


def candidate_document(trade: Candidate) -> Document:
    """One trade with its risks."""
    return {
        "signal": trade.signal.value,
        "legs": [leg_document(leg) for leg in trade.legs],
        "amount_usdc": _money(trade.amount),
        "contracts": float(Decimal(trade.contracts) / 1_000_000),
        "max_loss_usdc": _money(trade.max_loss),
        "max_profit_usdc": _money(trade.max_profit),
        "break_even": [float(price) for price in trade.break_even_usd],
        "probability_of_profit": trade.probability_of_profit,
        "expected_value_usdc": _money(trade.expected_value),
        "payoff_quantiles": [[share, _money(pnl)] for share, pnl in trade.quantiles],
        "payoff": [[spot, pnl] for spot, pnl in trade.payoff],
        "refused_because": trade.refused_because,
    }


def _part_head(part: Part[object]) -> Document:
    provenance = part.provenance
    origin = provenance.origin if provenance else None
    return {
        "source": provenance.source if provenance else None,
        "observed_at": _time(provenance.observed_at if provenance else None),
        "age_s": None if part.age_s is None else round(part.age_s, 3),
        "simulated": None if origin is None else origin is Origin.SIMULATED,
        "origin": origin.value if origin else None,
        "status": part.status.value,
        "reason": part.reason,
        "notes": list(part.notes),
    }


def _spot_body(spot: SpotPrice) -> Document:
    return {"value": _number(spot.value_usd), "confidence_usd": _number(spot.confidence_usd)}


def _options_body(board: OptionBoard) -> Document:
    return {
        "quotes": len(board.quotes),
        "left_out": dict(sorted(board.left_out.items())),
        "expiries": sorted(map(iso, {quote.expires_at for quote in board.quotes})),
        "assumed_cap": board.assumed_cap,
    }


def _funding_body(funding: Funding) -> Document:
    return {
        "next_rate_1h": float(funding.next_rate_1h),
        "annualised": float(funding.next_rate_1h) * 8760,
        "open_interest_coin": _number(funding.open_interest_coin),
        "settled_points": len(funding.history),
    }


def _sentiment_body(sentiment: Sentiment) -> Document:
    posts = sentiment.posts
    return {
        "fear_greed": sentiment.fear_greed[-1].value if sentiment.fear_greed else None,
        "posts": None
        if posts is None
        else {
            "mean": posts.mean,
            "standard_error": posts.standard_error,
            "posts": posts.posts,
            "authors": posts.authors,
            "source": posts.source,
        },
    }


def _history_body(history: PriceHistory) -> Document:
    candles = history.candles
    return {
        "hours": len(candles),
        "from": iso(candles[0].starts_at) if candles else None,
        "to": iso(candles[-1].starts_at) if candles else None,
    }


def snapshot_document(snapshot: MarketSnapshot, quotes: bool = False) -> Document:
    """A snapshot: per part its value, source, time, age, origin and status. `quotes` adds every ask."""
    spot, options, funding = snapshot.spot, snapshot.options, snapshot.funding
    sentiment, history = snapshot.sentiment, snapshot.history
    document: Document = {
        "asset": snapshot.asset.value,
        "taken_at": iso(snapshot.taken_at),
        "spot": {**({"value": None} if spot.value is None else _spot_body(spot.value)), **_part_head(spot)},
        "options": {**({} if options.value is None else _options_body(options.value)), **_part_head(options)},
        "funding": {**({} if funding.value is None else _funding_body(funding.value)), **_part_head(funding)},
        "sentiment": {**({} if sentiment.value is None else _sentiment_body(sentiment.value)), **_part_head(sentiment)},
        "history": {**({} if history.value is None else _history_body(history.value)), **_part_head(history)},
        "replay": None
        if snapshot.asked_for is None
        else {"asked_for": iso(snapshot.asked_for), "at": iso(snapshot.taken_at)},
    }
    if quotes:
        board = options.value
        document["quotes"] = [quote_document(quote) for quote in board.quotes] if board else []
    return document


def prediction_document(prediction: Prediction) -> Document:
    """The model's probabilities with what they are measured against."""
    return {
        "bullish": prediction.bullish,
        "neutral": prediction.neutral,
        "bearish": prediction.bearish,
        "horizon_days": prediction.horizon_days,
        "neutral_band": prediction.neutral_band,
        "base_rate": dict(zip(("bullish", "neutral", "bearish"), prediction.base, strict=True)),
        "shrink": prediction.shrink,
        "model": prediction.model_version,
        "missing": list(prediction.missing),
    }


def _reason_document(reason: Reason) -> Document:
    return {"text": reason.text, "feature": reason.feature, "value": reason.value, "source": reason.source}


def _record_document(record: Record | None) -> Document | None:
    if record is None:
        return None
    return {
        "data": record.data,
        "from": iso(record.starts),
        "to": iso(record.ends),
        "trades": record.trades,
        "win_rate": record.win_rate,
        "average_return": record.average_return,
        "average_return_interval": None if record.interval is None else list(record.interval),
        "max_drawdown": record.max_drawdown,
    }


def _view_document(view: ViewEffect | None) -> Document | None:
    if view is None:
        return None
    return {
        "sentiment": view.view.value,
        "odds": view.odds,
        "signal_without": view.signal_without.value,
        "expected_value_without_usdc": _money(view.expected_value_without),
    }


def recommendation_document(rec: Recommendation) -> Document:
    """A recommendation as scripts see it; with HOLD the trade's own fields are empty and `candidate` is full."""
    trade = rec.trade
    body = candidate_document(trade) if trade else _no_trade()
    return {
        "id": rec.id,
        "created_at": iso(rec.created_at),
        "network": rec.network,
        "simulated": rec.origin is Origin.SIMULATED,
        "origin": rec.origin.value,
        "asset": rec.asset.value,
        "confidence": rec.prediction.confidence,
        "prediction": prediction_document(rec.prediction),
        **body,
        "signal": rec.signal.value,
        "candidate": candidate_document(rec.candidate) if rec.candidate else None,
        "reasons": [_reason_document(reason) for reason in rec.reasons],
        "record": _record_document(rec.record),
        "view": _view_document(rec.view),
        "would_change": list(rec.would_change),
        "buy_line": rec.buy_line,
        "market": snapshot_document(rec.market),
        "warnings": list(rec.warnings),
    }


def _no_trade() -> Document:
    return {
        "legs": [],
        "amount_usdc": 0.0,
        "contracts": 0.0,
        "max_loss_usdc": 0.0,
        "max_profit_usdc": None,
        "break_even": [],
        "probability_of_profit": None,
        "expected_value_usdc": None,
        "payoff_quantiles": [],
        "payoff": [],
        "refused_because": None,
    }
