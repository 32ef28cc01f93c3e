"""Looks at positions, prices and quotes for the tests of Gamma's rules."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bethna_cli.domain.guarding import Seen, SpotView
from bethna_cli.domain.market import Asset, Origin, Provenance, SpotPrice
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.position import OptionTerms
from bethna_cli.domain.units import Contracts, PriceE8
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.volatility import smiles_of

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WEEK = NOON + timedelta(days=7)
STRIKES = tuple(float(strike) for strike in range(2_400, 3_700, 100))
COST = 100_000_000


def price(usd: float | Decimal, source: str = "pyth", age_s: float = 1.0, band: float | None = 0.5) -> SpotPrice:
    provenance = Provenance(source, NOON - timedelta(seconds=age_s), Origin.SIMULATED)
    return SpotPrice(Asset.ETH, Decimal(usd), None if band is None else Decimal(band), provenance)


def look(value_usdc: float, after_s: float = 0.0, sources: int = 1, days_left: float = 6.0, **more: float) -> Seen:
    """A look at a position that cost 100 USDC, so many seconds after the first one."""
    observed_at = NOON + timedelta(seconds=after_s)
    return Seen(COST, round(value_usdc * 1_000_000), observed_at, sources, days_left * 86_400.0, **more)


def terms(kind: OptionKind, *strikes: int, expires_at: datetime = WEEK, asset: Asset = Asset.ETH) -> OptionTerms:
    return OptionTerms(asset, kind, tuple(Decimal(one) for one in strikes), expires_at, f"{asset}-{kind}-{strikes}")


def quote(strike: float, iv: float, expires_at: datetime = WEEK, kind: OptionKind = OptionKind.CALL) -> OptionQuote:
    return OptionQuote(
        f"ETH-{strike}", kind, (Decimal(strike),), expires_at, PriceE8(10**9), Contracts(10**6), NOON, "1",
        QuoteGreeks(iv, 0.5),
    )  # fmt: skip


def view(usd: float = 3_000.0, band_usd: float = 0.0, iv: float = 0.6, sources: int = 2) -> AssetView:
    spot = SpotView(Asset.ETH, usd, band_usd, NOON, "pyth", sources)
    return AssetView(spot, smiles_of([quote(strike, iv) for strike in STRIKES]))
