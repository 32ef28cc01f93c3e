"""Why, in sentences with their numbers: what speaks for and against a trade, and what would change the verdict."""

import math
from dataclasses import replace
from datetime import datetime

from bethna_cli.analysis.features import FEATURE_NAMES
from bethna_cli.analysis.outlook import Outlook, with_view
from bethna_cli.analysis.strategies import years_left
from bethna_cli.analysis.valuation import LEAST_EDGE, least_value_usdc, profit_curve
from bethna_cli.domain.intent import View
from bethna_cli.domain.market import MarketSnapshot
from bethna_cli.domain.model import Row
from bethna_cli.domain.recommendation import Candidate, Leg, Prediction, Reason, Signal, ViewEffect
from bethna_cli.domain.units import CONTRACT_UNIT, usdc_to_decimal
from bethna_cli.options import black
from bethna_cli.options.payoff import payoff_knots

HELPFUL_VIEW: dict[Signal, View] = {
    Signal.LONG_CALL: View.BULLISH,
    Signal.CALL_SPREAD: View.BULLISH,
    Signal.LONG_PUT: View.BEARISH,
    Signal.PUT_SPREAD: View.BEARISH,
}
MOST_ODDS = 100.0
BISECTIONS = 40


def reasons(
    snapshot: MarketSnapshot,
    own: Prediction,
    outlook: Outlook,
    row: Row,
    trade: Candidate,
    effect: ViewEffect | None,
) -> tuple[Reason, ...]:
    """List what the verdict rests on, each with its number and source; what was not observed is not mentioned.

    own: the prediction before the person's view; outlook: with it.
    """
    found = (
        _direction(own),
        _view(effect, outlook.prediction),
        _volatility(trade, outlook, own, snapshot.taken_at),
        _momentum(row, snapshot),
        _funding(snapshot),
        _fear_greed(snapshot),
        _posts(snapshot),
    )
    return tuple(reason for reason in found if reason)


def changes(trade: Candidate, outlook: Outlook, now: datetime) -> tuple[str, ...]:
    """Say what would make a refused trade worth its price: a lower ask, or a likelier direction."""
    return tuple(line for line in (_cheaper(trade), _likelier(trade, outlook, now)) if line)


def _direction(own: Prediction) -> Reason:
    if own.shrink == 0:
        text = "No directional view: on held-out history the forest added nothing to what the volatility alone says"
        text = f"{text}: {_shares(own)}"
    else:
        text = f"Over {own.horizon_days:g} days the model sees {_shares(own)}"
    return Reason(f"{text}.", "prediction", own.bullish - own.bearish, f"model {own.model_version}")


def _view(effect: ViewEffect | None, believed: Prediction) -> Reason | None:
    if effect is None:
        return None
    text = f"Your {effect.view.lower()} view, at odds × {effect.odds:g}, makes it {_shares(believed)}"
    return Reason(f"{text}. Without it Alpha says {effect.signal_without}.", "view", effect.odds, "you")


def _shares(prediction: Prediction) -> str:
    up, flat, down = map(_percent, (prediction.bullish, prediction.neutral, prediction.bearish))
    return f"{up} up, {flat} flat, {down} down"


def _percent(fraction: float) -> str:
    return f"{fraction:.0%}".replace("%", " %")


def _volatility(trade: Candidate, outlook: Outlook, own: Prediction, now: datetime) -> Reason | None:
    priced = [(leg.quote.greeks.iv, _worth_iv(leg, outlook, now)) for leg in trade.legs if leg.quote.greeks]
    if not priced:
        return None
    iv, worth = (sum(column) / len(priced) for column in zip(*priced, strict=True))
    expected = outlook.volatility(years_left(trade.legs[0].quote, now))
    dear = "dearer" if iv > worth else "cheaper"
    text = f"Priced at {_percent(iv)} IV, {dear} than the {_percent(worth)} that this is worth to Alpha"
    text = f"{text}, who expects {_percent(expected)} at the money until expiry."
    return Reason(text, "iv_less_worth", iv - worth, f"options, model {own.model_version}")


def _worth_iv(leg: Leg, outlook: Outlook, now: datetime) -> float:
    """Return the implied volatility of what one contract is worth; the plain forecast where none implies it."""
    quote = leg.quote
    years, strikes = years_left(quote, now), [float(strike) for strike in quote.strikes]
    worth = outlook.terminal(years).expected(payoff_knots(quote.kind, strikes))
    try:
        return black.implied_vol(worth, outlook.spot_usd, strikes[0], years, quote.kind.is_call)
    except ValueError:
        return outlook.volatility(years)


def _momentum(row: Row, snapshot: MarketSnapshot) -> Reason | None:
    moved = row[FEATURE_NAMES.index("momentum_7d")]
    if math.isnan(moved) or snapshot.history.provenance is None:
        return None
    text = f"The price moved {moved:+.1f} standard deviations in 7 days."
    return Reason(text, "momentum_7d", moved, snapshot.history.provenance.source)


def _funding(snapshot: MarketSnapshot) -> Reason | None:
    funding = snapshot.funding.value
    if not snapshot.funding.usable or funding is None:
        return None
    yearly = float(funding.next_rate_1h) * 8760
    payer = "longs pay" if yearly > 0 else "shorts pay" if yearly < 0 else "nobody pays"
    text = f"Perpetual funding is {yearly * 100:+.1f} % a year: {payer}."
    return Reason(text, "funding", yearly, funding.provenance.source)


def _fear_greed(snapshot: MarketSnapshot) -> Reason | None:
    mood = snapshot.sentiment.value
    if not snapshot.sentiment.usable or mood is None or not mood.fear_greed:
        return None
    value = mood.fear_greed[-1].value
    return Reason(f"Fear & Greed stands at {value} of 100.", "fear_greed", float(value), mood.provenance.source)


def _posts(snapshot: MarketSnapshot) -> Reason | None:
    mood = snapshot.sentiment.value
    if not snapshot.sentiment.usable or mood is None or mood.posts is None:
        return None
    posts = mood.posts
    text = f"{posts.posts} posts average {posts.mean:+.2f} ± {posts.standard_error:.2f} (-1 to 1); shown, not weighed."
    return Reason(text, "posts", posts.mean, posts.source)


def _cheaper(trade: Candidate) -> str:
    """Name the price per contract at which the trade would be proposed."""
    asked = float(usdc_to_decimal(trade.amount)) * CONTRACT_UNIT / trade.contracts
    worth = asked + float(usdc_to_decimal(trade.expected_value)) * CONTRACT_UNIT / trade.contracts
    return f"An ask below {worth / (1 + LEAST_EDGE):,.2f} USD per contract (now {asked:,.2f})."


def _likelier(trade: Candidate, outlook: Outlook, now: datetime) -> str | None:
    """Name the probability of its direction from which the trade pays on average; None where none does."""
    view = HELPFUL_VIEW.get(trade.signal)
    if view is None:
        return None
    years, curve = years_left(trade.legs[0].quote, now), profit_curve(trade.legs)
    wanted = least_value_usdc(float(usdc_to_decimal(trade.amount)))

    def surplus(odds: float) -> float:
        believed = replace(outlook, prediction=with_view(outlook.prediction, view, odds))
        return believed.terminal(years).expected(curve) - wanted

    if surplus(MOST_ODDS) <= 0:
        return f"Nothing about direction alone: even near-certain {view.lower()} it is not worth its price."
    low, high = 1.0, MOST_ODDS
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if surplus(middle) > 0 else (middle, high)
    needed, current = (_share(with_view(outlook.prediction, view, odds), view) for odds in (high, 1.0))
    return f"A {view.lower()} probability above {_percent(needed)} (now {_percent(current)})."


def _share(prediction: Prediction, view: View) -> float:
    return prediction.bullish if view is View.BULLISH else prediction.bearish
