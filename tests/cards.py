"""Hand-made markets and recommendations for the screen: every field is chosen, nothing comes from an adapter."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bethna_cli.domain.intent import View
from bethna_cli.domain.market import (
    Asset,
    Candle,
    FearGreed,
    Funding,
    FundingPoint,
    MarketSnapshot,
    OptionBoard,
    Origin,
    Part,
    PostMood,
    PriceHistory,
    Provenance,
    Sentiment,
    SpotPrice,
    Status,
)
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.recommendation import Candidate, Leg, Prediction, Reason, Recommendation, Signal, ViewEffect
from bethna_cli.domain.units import Contracts, PriceE8, Usdc

NOW = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
EVIL = "\x1b[31mRED\x1b[0m [bold red]loud[/] \x9b2J :smile:"


def said(source: str = "dydx", origin: Origin = Origin.SIMULATED) -> Provenance:
    return Provenance(source, NOW - timedelta(seconds=3), origin)


def quote(strike: str = "3200", kind: OptionKind = OptionKind.CALL, ticker: str = "ETH-12MAY26-3200-C") -> OptionQuote:
    return OptionQuote(
        ticker=ticker,
        kind=kind,
        strikes=tuple(Decimal(part) for part in strike.split("/")),
        expires_at=NOW + timedelta(days=6, hours=16),
        price=PriceE8(4_250_000_000),
        max_contracts=Contracts(12_500_000),
        good_until=NOW + timedelta(seconds=40),
        order_id="0x" + "ab" * 32,
        greeks=None if kind.is_spread else QuoteGreeks(0.62, 0.31, 0.00121, 1.52, -6.4),
    )


def snapshot(origin: Origin = Origin.SIMULATED, quotes: tuple[OptionQuote, ...] = (quote(),)) -> MarketSnapshot:
    seen = said(origin=origin)
    hours = tuple(Candle(NOW - timedelta(hours=h + 1), 3000.0, 3010.0, 2990.0, 3005.0) for h in range(3))
    parts = {
        "spot": SpotPrice(Asset.ETH, Decimal("3000.25"), Decimal("1.2"), seen),
        "options": OptionBoard(Asset.ETH, quotes, {"expired": 2}, seen),
        "funding": Funding(Asset.ETH, Decimal("0.00001"), None, (FundingPoint(NOW, "dydx", 1, 0.00001),), seen),
        "sentiment": Sentiment(Asset.ETH, (FearGreed(NOW, 45),), PostMood(0.12, 0.04, 80, 60, "x"), seen),
        "history": PriceHistory(Asset.ETH, hours, seen),
    }
    observed = {name: Part(name, Status.OK, value, seen, 3.0) for name, value in parts.items()}
    return MarketSnapshot(asset=Asset.ETH, taken_at=NOW, **observed)


def trade(signal: Signal = Signal.LONG_CALL, *quotes: OptionQuote) -> Candidate:
    legs = tuple(Leg(each, Contracts(2_350_000), Usdc(99_875_000)) for each in quotes or (quote(),))
    return Candidate(
        signal=signal,
        legs=legs,
        amount=Usdc(99_875_000),
        contracts=Contracts(2_350_000),
        max_loss=Usdc(99_875_000),
        max_profit=Usdc(7_420_125_000),
        break_even_usd=(Decimal("3242.5"),),
        probability_of_profit=0.23,
        expected_value=Usdc(4_200_000),
        quantiles=((0.05, Usdc(-99_875_000)), (0.5, Usdc(-99_875_000)), (0.95, Usdc(210_500_000))),
        payoff=tuple((2500.0 + 10 * i, max(-99.875, 2.35 * (2500 + 10 * i - 3242.5))) for i in range(121)),
    )


def recommendation(origin: Origin = Origin.SIMULATED) -> Recommendation:
    return Recommendation(
        id="0123456789abcdef",
        created_at=NOW,
        network="sim",
        origin=origin,
        asset=Asset.ETH,
        signal=Signal.LONG_CALL,
        prediction=Prediction(0.4, 0.35, 0.25, 7.0, 0.05, (0.34, 0.38, 0.28), (0.33, 0.37, 0.3), 0.4, "alpha"),
        trade=trade(),
        candidate=None,
        reasons=(Reason("Perpetual funding is +11.0 % a year: longs pay.", "funding", 0.11, "dydx"),),
        record=None,
        view=None,
        market=snapshot(origin),
        would_change=(),
        warnings=(),
        buy_line="bethna buy eth-call --strike 3200 --expiry 2026-05-12T07:30Z --amount 100",
    )


def hold() -> Recommendation:
    refused = replace(trade(), expected_value=Usdc(-12_300_000), refused_because="its expected value is not positive")
    return replace(
        recommendation(),
        signal=Signal.HOLD,
        trade=None,
        candidate=refused,
        would_change=("An ask below 37.20 USD per contract (now 42.50).",),
        view=ViewEffect(View.BULLISH, 3.0, Signal.HOLD, Usdc(-20_000_000)),
    )
