"""Builders for the tests of strategies and advice: quotes, histories and models with plain numbers."""

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bethna_cli.analysis.features import FEATURE_NAMES
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
    PriceHistory,
    Provenance,
    Sentiment,
    SpotPrice,
    Status,
)
from bethna_cli.domain.model import Calibration, Forest, Model, Shares, VolatilityModel
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.units import CONTRACT_UNIT, Contracts, Usdc, price_from_decimal

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SPOT = 3000.0
DEPTH = Contracts(5 * CONTRACT_UNIT)


def usdc(amount: str | int) -> Usdc:
    return Usdc(int(Decimal(amount) * 1_000_000))


def quote(
    kind: OptionKind,
    strikes: Sequence[int],
    price: str,
    delta: float | None = None,
    days: float = 7,
    depth: Contracts = DEPTH,
) -> OptionQuote:
    name = "/".join(map(str, strikes))
    return OptionQuote(
        ticker=f"ETH-{name}-{kind.value}-{days:g}d",
        kind=kind,
        strikes=tuple(map(Decimal, strikes)),
        expires_at=NOW + timedelta(days=days),
        price=price_from_decimal(Decimal(price)),
        max_contracts=depth,
        good_until=NOW + timedelta(seconds=60),
        order_id=f"{kind.value}-{name}-{days:g}",
        greeks=None if delta is None else QuoteGreeks(iv=0.6, delta=delta),
    )


def chain(days: float = 7) -> list[OptionQuote]:
    """A small board at one expiry, priced near 60 % volatility at a spot of 3,000 USD."""
    return [
        quote(OptionKind.CALL, [2800], "235", 0.81, days),
        quote(OptionKind.CALL, [3000], "100", 0.51, days),
        quote(OptionKind.CALL, [3200], "34", 0.24, days),
        quote(OptionKind.PUT, [2800], "33", -0.20, days),
        quote(OptionKind.PUT, [3000], "100", -0.49, days),
        quote(OptionKind.PUT, [3200], "233", -0.76, days),
        quote(OptionKind.CALL_SPREAD, [3000, 3200], "70", None, days),
        quote(OptionKind.CALL_SPREAD, [2800, 3000], "140", None, days),
        quote(OptionKind.PUT_SPREAD, [2800, 3000], "71", None, days),
        quote(OptionKind.PUT_SPREAD, [3000, 3200], "139", None, days),
    ]


def _ok(name: str, value: object, provenance: Provenance) -> Part[object]:
    return Part(name, Status.OK, value, provenance, 1.0)


def candles(hourly_move: float, hours: int = 1460) -> tuple[Candle, ...]:
    """Hourly closes that step up and down by `hourly_move` and end, closed, at NOW."""
    closes = [SPOT * (1 + hourly_move * (i % 2)) for i in range(hours)]
    starts = [NOW - timedelta(hours=hours - i) for i in range(hours)]
    return tuple(Candle(at, close, close, close, close) for at, close in zip(starts, closes, strict=True))


def snapshot(quotes: Sequence[OptionQuote], hourly_move: float = 0.0064, **parts: Part[object]) -> MarketSnapshot:
    """A healthy market; `hourly_move` of 0.0064 is about 60 % a year."""
    told = Provenance("test market", NOW, Origin.SIMULATED)
    rate = FundingPoint(NOW, "dydx", 1, 1e-5)
    usual: dict[str, Part[object]] = {
        "spot": _ok("spot", SpotPrice(Asset.ETH, Decimal(3000), None, told), told),
        "options": _ok("options", OptionBoard(Asset.ETH, tuple(quotes), {}, told), told),
        "funding": _ok("funding", Funding(Asset.ETH, Decimal("0.00001"), None, (rate,), told), told),
        "sentiment": _ok("sentiment", Sentiment(Asset.ETH, (FearGreed(NOW, 40),), None, told), told),
        "history": _ok("history", PriceHistory(Asset.ETH, candles(hourly_move), told), told),
    }
    return MarketSnapshot(asset=Asset.ETH, taken_at=NOW, **(usual | parts))  # type: ignore[arg-type]


def failed(name: str) -> Part[object]:
    return Part(name, Status.FAILED, reason="refused")


STEADY = VolatilityModel(
    horizons_h=(24, 1080),
    weights=((0.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
    corrections=(0.0, 0.0),
    scales=(1.0, 2.0),
    widths=(1.0, 1.0),
    mixing=((1.0, 0.0), (1.0, 0.0)),
)
"""Expects the last 30 days' volatility for every horizon, and normal log returns."""


def model_that_says(bearish: float, neutral: float, bullish: float) -> Model:
    """A model whose forest is one leaf and has the whole weight: it always answers that leaf."""
    shares: Shares = (bearish, neutral, bullish)
    usual: Shares = (1 / 3, 1 / 3, 1 / 3)
    forest = Forest(
        features=len(FEATURE_NAMES),
        classes=3,
        roots=array("i", [0]),
        feature=array("h", [0]),
        threshold=array("d", [0.0]),
        right=array("i", [-1]),
        missing_left=array("b", [0]),
        leaf=array("d", shares),
    )
    return Model("test", forest, Calibration(1.0, (0.0, 0.0, 0.0)), usual, 1.0, STEADY, {})
