"""A market to walk through where no option chain was recorded: real candles, and options priced from a stated surface.

Nobody ever quoted these prices, and the description says so. Every day at one hour, options on a grid of strikes and
Fridays are asked and bid around a value: Black-76, volatility at the money a multiple of the price's own recent one,
bent by a fixed smile, calls capped as the venue's are. The surface knows the closes up to its moment and nothing else.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from bethna_cli.adapters.recorded import HOUR, Past, PastMoment
from bethna_cli.adapters.sim.surface import CURVATURE, Surface, Value
from bethna_cli.adapters.tickers import write_ticker
from bethna_cli.domain.backtest import MarketDescription, Sale, Settlement
from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Asset, Candle, OptionBoard, SpotPrice
from bethna_cli.domain.options import OptionKind, OptionQuote, QuoteGreeks
from bethna_cli.domain.units import CONTRACT_UNIT, PRICE_UNIT, Contracts, PriceE8
from bethna_cli.options.black import SECONDS_PER_YEAR

DECISION_HOUR = 16
HISTORY = timedelta(days=61)
FRIDAYS = 4
STRIKES_EACH_WAY = 9
STEP = 0.025
"""Distance of two strikes as a share of the spot, before rounding to a number people would list."""
DAILY_DECAY = 0.94
SLOPE = -0.05
LEAST_IV = 0.10
HALF_SPREAD = 0.04
TICK_SHARE = 0.00005
CAP = Contracts(10 * CONTRACT_UNIT)
QUOTE_LIFE = timedelta(seconds=90)
SPREAD_WIDTHS = 2


@dataclass(frozen=True, slots=True)
class SurfaceTerms:
    """What the surface is made of. over: implied volatility at the money as a multiple of the price's EWMA one."""

    over: float

    @property
    def words(self) -> str:
        return (
            f"MODELLED, never quoted: Black-76 at {self.over:g} times the EWMA volatility of the closes so far (decay "
            f"{DAILY_DECAY} a day, at least {LEAST_IV:.0%}), times 1 {SLOPE:+g} k {CURVATURE:+g} k² at k deviations "
            f"from the spot; calls capped at their strike; ask and bid {HALF_SPREAD:.0%} of the value and "
            f"{TICK_SHARE:.3%} of the spot away; Fridays 08:00 UTC, strikes about {STEP:.1%} apart"
        )


class ModelledMoment(PastMoment):
    """One day's market: the last close as the spot, and options priced around it."""

    def __init__(self, asset: Asset, at: datetime, past: Past, close: float, iv: float) -> None:
        super().__init__(asset, at, past)
        self._close, self._iv = close, iv

    async def spot(self, asset: Asset) -> SpotPrice:
        return SpotPrice(asset, Decimal(repr(self._close)), None, self._said(self._past.sources))

    async def board(self, asset: Asset) -> OptionBoard:
        quotes = tuple(quote for expiry in _fridays(self.at) for quote in self._quotes(expiry))
        return OptionBoard(asset, quotes, {}, self._said("modelled surface"), "10 contracts a quote, assumed")

    def sale(self, quote: OptionQuote) -> Sale | None:
        if quote.expires_at <= self.at:
            return None
        value = self._value(quote.kind, tuple(map(float, quote.strikes)), quote.expires_at)
        bid_e8 = math.floor((value.usd * (1 - HALF_SPREAD) - TICK_SHARE * self._close) * PRICE_UNIT)
        mark_e8 = math.floor(max(0.0, value.usd) * PRICE_UNIT)
        return Sale(PriceE8(bid_e8) if bid_e8 > 0 else None, PriceE8(mark_e8), value.iv)

    def _quotes(self, expires_at: datetime) -> Iterator[OptionQuote]:
        strikes = self._strikes
        near = min(range(len(strikes)), key=lambda place: abs(strikes[place] - self._close))
        for strike in strikes:
            yield from self._quote(OptionKind.CALL, (strike,), expires_at)
            yield from self._quote(OptionKind.PUT, (strike,), expires_at)
        for width in range(1, SPREAD_WIDTHS + 1):
            yield from self._quote(OptionKind.CALL_SPREAD, (strikes[near], strikes[near + width]), expires_at)
            yield from self._quote(OptionKind.PUT_SPREAD, (strikes[near - width], strikes[near]), expires_at)

    def _quote(self, kind: OptionKind, strikes: tuple[float, ...], expires_at: datetime) -> Iterator[OptionQuote]:
        """Give the ask of a series, unless it is worth less than nothing or more than it can pay."""
        value = self._value(kind, strikes, expires_at)
        ask_usd = value.usd * (1 + HALF_SPREAD) + TICK_SHARE * self._close
        collateral_usd = strikes[-1] - strikes[0] if kind.is_spread else strikes[0]
        if not 0 < ask_usd < collateral_usd:
            return
        levels = tuple(Decimal(repr(strike)) for strike in strikes)
        shown = levels if kind.is_call else tuple(reversed(levels))
        ticker = write_ticker(self.asset, kind, shown, expires_at)
        yield OptionQuote(
            ticker=ticker,
            kind=kind,
            strikes=levels,
            expires_at=expires_at,
            price=PriceE8(math.ceil(ask_usd * PRICE_UNIT)),
            max_contracts=CAP,
            good_until=self.at + QUOTE_LIFE,
            order_id=ticker,
            greeks=QuoteGreeks(value.iv, value.delta, value.gamma, value.vega, value.theta),
        )

    def _value(self, kind: OptionKind, strikes: tuple[float, ...], expires_at: datetime) -> Value:
        """Value one contract; a put spread is the put that is bought, at the higher strike, less the other one."""
        surface = self._surface(expires_at)
        if kind is OptionKind.PUT_SPREAD:
            low, high = (surface.option(strike, is_call=False) for strike in strikes)
            return high.less(low)
        return surface.contract(kind, strikes)

    def _surface(self, expires_at: datetime) -> Surface:
        expiry_s = int(expires_at.timestamp())
        if expiry_s not in self._surfaces:
            years = (expires_at - self.at).total_seconds() / SECONDS_PER_YEAR
            self._surfaces[expiry_s] = Surface(expiry_s, self._close, years, self._iv, SLOPE)
        return self._surfaces[expiry_s]

    @cached_property
    def _surfaces(self) -> dict[int, Surface]:
        return {}

    @cached_property
    def _strikes(self) -> list[float]:
        step = _listed(self._close * STEP)
        middle = round(self._close / step)
        return [step * (middle + place) for place in range(-STRIKES_EACH_WAY, STRIKES_EACH_WAY + 1)]


class ModelledMarket:
    """The days of recorded candles from `first` to `last` (aware UTC) that have enough history before them.

    Raises ConfigurationError when there are no candles, DataRefused when they are damaged or too few.
    """

    def __init__(self, period: Path, asset: Asset, first: datetime, last: datetime, terms: SurfaceTerms) -> None:
        self._asset, self._terms = asset, terms
        self._past = Past.read(period, asset, last)
        self._volatility = _ewma_volatility(self._past.candles)
        opened, closed = self._past.closed_at[0], self._past.closed_at[-1]
        self._first = max(first, opened + HISTORY).replace(hour=DECISION_HOUR, minute=0, second=0, microsecond=0)
        if self._first < max(first, opened + HISTORY):
            self._first += timedelta(days=1)
        self._last = min(last, closed)
        self._at = self._first
        if self._first > self._last:
            span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
            raise DataRefused(
                f"No day from {span} has {HISTORY.days} days of {asset} candles before it.",
                hint="bethna backtest -h",
            )

    @property
    def done(self) -> float:
        return min(1.0, (self._at - self._first) / max(self._last - self._first, HOUR))

    def moments(self) -> Iterator[ModelledMoment]:
        """Give one moment a day; a day whose last close is not of that hour is a gap, and is left out."""
        self._at = self._first
        while self._at <= self._last:
            place = bisect_right(self._past.closed_at, self._at) - 1
            if self._past.closed_at[place] == self._at:
                iv = max(LEAST_IV, self._terms.over * self._volatility[place])
                yield ModelledMoment(self._asset, self._at, self._past, self._past.candles[place].close, iv)
            self._at += timedelta(days=1)

    def settlement(self, expires_at: datetime) -> Settlement | None:
        return self._past.close_at(expires_at)

    def described(self) -> MarketDescription:
        counted = {name: count for file in self._past.files for name, count in file.notes.items()}
        return MarketDescription(
            pricing=self._terms.words,
            settlement=f"close of the hourly candle that ends at the expiry ({self._past.sources})",
            modelled=True,
            files=self._past.files,
            counted=dict(sorted(counted.items())),
        )


def _fridays(at: datetime) -> list[datetime]:
    """Return the next Fridays 08:00 that are more than a day away."""
    day = (at + timedelta(days=1)).replace(hour=8, minute=0)
    first = day + timedelta(days=(4 - day.weekday()) % 7)
    if first - at < timedelta(days=1):
        first += timedelta(days=7)
    return [first + timedelta(days=7 * week) for week in range(FRIDAYS)]


def _listed(distance: float) -> float:
    """Round a distance of strikes to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(distance))
    return max(step for step in (1.0, 2.0, 5.0) if step * power <= distance) * power


def _ewma_volatility(candles: Sequence[Candle]) -> list[float]:
    """Return the EWMA volatility (fraction a year) known at each close; a gap counts by its length.

    Source: RiskMetrics, Technical Document, 1996, 5.3.
    """
    squares = hours = 0.0
    found = [0.0]
    for before, after in pairwise(candles):
        gap_h = (after.starts_at - before.starts_at) / HOUR
        decay = DAILY_DECAY ** (gap_h / 24)
        squares = decay * squares + math.log(after.close / before.close) ** 2
        hours = decay * hours + gap_h
        found.append(math.sqrt(squares / hours * 8760))
    return found
