"""The option market maker of the embedded world: what it lists, its spread and size, and its orders for a minute.

At the money its surface is the average variance that the market's own GARCH recursion expects until expiry, plus a
premium; it leans with the week's momentum. Orders are a function of the minute, and say so by their life.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bethna_cli.adapters.sim.chance import number
from bethna_cli.adapters.sim.paths import CHARACTERS, PERSISTENCE, SpotPath
from bethna_cli.adapters.sim.perpetual import PerpetualMarket
from bethna_cli.adapters.sim.surface import Surface, Value
from bethna_cli.adapters.sim.venue import COINS, Quoter, untraded
from bethna_cli.adapters.sim.world import DAY_S, HOUR_S, MakerOrder, ReferencePrice, SignedOrder
from bethna_cli.adapters.tickers import SETTLEMENT_HOUR, write_ticker
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.units import PRICE_UNIT, USDC_UNIT, from_unix
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.options.black import SECONDS_PER_YEAR

QUOTE_LIFE_S = 90
STRIKE_STEPS = {Asset.ETH: (50, 100, 200, 500), Asset.BTC: (1000, 2000, 5000, 10_000)}
TICK_USD = {Asset.ETH: 0.05, Asset.BTC: 1.0}
MOST_STRIKES = 11
LEAST_DELTA, MOST_DELTA = 0.05, 0.90
LEAST_BID_DELTA, MOST_BID_DELTA = 0.20, 0.55
RISK_PREMIUM = 1.04
REGIME_LIFE_HOURS = 480.0
SPREAD_VOL_POINTS = 0.5
SPREAD_SHARE = 0.008
BUDGET_USDC = {Asset.ETH: (40_000, 250_000), Asset.BTC: (150_000, 900_000)}


@dataclass(frozen=True, slots=True)
class Series:
    """What is listed: one kind at its strikes, and what a contract is worth."""

    kind: OptionKind
    strikes: tuple[float, ...]
    value: Value


class Maker:
    """Quotes one asset's options."""

    def __init__(
        self, seed: int, asset: Asset, path: SpotPath, perpetual: PerpetualMarket, venue: VenueAddresses, quoter: Quoter
    ) -> None:
        self._seed, self._asset, self._path, self._perpetual = seed, asset, path, perpetual
        self._venue, self._quoter = venue, quoter

    def orders(self, minute: int) -> list[SignedOrder]:
        """Return the orders written at the start of a minute (minutes since the Unix epoch)."""
        written_s = minute * 60
        orders: list[MakerOrder] = []
        for surface in self._surfaces(written_s):
            for series in self._series(surface):
                orders.extend(self._quotes(surface, series, written_s))
        orders.extend(self._curiosities(written_s, orders))
        return [self._sealed(order) for order in orders]

    def volatility(self, at_s: int) -> list[float]:
        """Return the volatility at the money for the next day, week and month."""
        return [self._surface(at_s, at_s + days * DAY_S).at_the_money for days in (1, 7, 30)]

    def reference(self, minute: int) -> list[ReferencePrice]:
        """Return an exchange's view of the same vanilla options (uncapped), in fractions of the underlying."""
        rows: list[ReferencePrice] = []
        for surface in self._surfaces(minute * 60):
            for series in self._series(surface):
                if not series.kind.is_spread:
                    rows.append(self._reference_row(surface, series.kind, series.strikes[0]))
        return rows

    def _surfaces(self, written_s: int) -> Iterator[Surface]:
        return (self._surface(written_s, expiry_s) for expiry_s in expiries(written_s))

    def _surface(self, at_s: int, expiry_s: int) -> Surface:
        years = (expiry_s - at_s) / SECONDS_PER_YEAR
        hour = at_s // HOUR_S
        path, character = self._path, CHARACTERS[self._asset]
        spot = path.price(at_s)
        week = math.log(path.hour_open(hour) / path.hour_open(hour - 168)) / (character.volatility / math.sqrt(52))
        carry = 365 * 3 * self._perpetual.basis(hour) / 2
        return Surface(
            expiry_s=expiry_s,
            forward=spot * (1 + carry * years),
            years=years,
            at_the_money=RISK_PREMIUM * math.sqrt(self._expected_variance(hour, years * 8760) * 8760),
            slope=-0.045 + 0.035 * math.tanh(week),
        )

    def _expected_variance(self, hour: int, hours: float) -> float:
        """Return the average hourly variance over the next `hours`: from today's to the regime's to the usual one."""
        recent = sum(self._path.variance(hour - lag) for lag in range(24)) / 24
        usual = CHARACTERS[self._asset].volatility ** 2 / 8760
        target = _faded(self._path.long_run_variance(hour), usual, hours / REGIME_LIFE_HOURS)
        return _faded(recent, target, hours * -math.log(PERSISTENCE))

    def _series(self, surface: Surface) -> Iterator[Series]:
        """Name what is listed for an expiry: calls and puts by delta, and spreads around the money."""
        strikes = self._strikes(surface)
        for strike in strikes:
            for kind in (OptionKind.CALL, OptionKind.PUT):
                value = surface.contract(kind, (strike,))
                if LEAST_DELTA <= abs(value.delta) <= MOST_DELTA:
                    yield Series(kind, (strike,), value)
        middle = min(range(len(strikes)), key=lambda i: abs(strikes[i] - surface.forward))
        for kind, outwards in ((OptionKind.CALL_SPREAD, 1), (OptionKind.PUT_SPREAD, -1)):
            for near in (middle, middle + outwards):
                for far in (near + outwards, near + 2 * outwards):
                    if 0 <= far < len(strikes):
                        pair = (strikes[near], strikes[far])
                        yield Series(kind, pair, surface.contract(kind, pair))

    def _strikes(self, surface: Surface) -> list[float]:
        low = surface.forward * math.exp(-1.7 * surface.deviation)
        high = surface.forward * math.exp(1.75 * surface.deviation)
        steps = STRIKE_STEPS[self._asset]
        step = next((size for size in steps if (high - low) / size <= MOST_STRIKES), steps[-1])
        return [float(step * i) for i in range(math.floor(low / step), math.ceil(high / step) + 1)]

    def _quotes(self, surface: Surface, series: Series, written_s: int) -> Iterator[MakerOrder]:
        value = series.value
        half = self._half_spread(value)
        yield self._order(surface, series, value.usd + half, written_s, is_long=False)
        is_near = LEAST_BID_DELTA <= abs(value.delta) <= MOST_BID_DELTA
        # Where a bid buys the holder's token, a maker takes back whatever it lists.
        if (is_near or self._venue.buys_back) and value.usd - half > 2 * TICK_USD[self._asset]:
            yield self._order(surface, series, value.usd - half, written_s, is_long=True)

    def _half_spread(self, value: Value) -> float:
        return max(TICK_USD[self._asset], SPREAD_VOL_POINTS * abs(value.vega) + SPREAD_SHARE * value.usd)

    def _order(
        self, surface: Surface, series: Series, price_usd: float, written_s: int, *, is_long: bool
    ) -> MakerOrder:
        kind, strikes, value = series.kind, series.strikes, series.value
        lowest, highest = BUDGET_USDC[self._asset]
        share = number(self._seed, "size", self._asset, kind, surface.expiry_s, written_s // 900) / 2**64
        budget = (lowest + share * (highest - lowest)) * (0.15 if kind.is_spread or is_long else 1.0)
        return MakerOrder(
            ticker=self._name(surface, kind, strikes),
            asset=self._asset,
            maker=self._quoter.maker,
            good_until_s=written_s + QUOTE_LIFE_S,
            collateral=self._venue.usdc,
            is_call=kind.is_call,
            price_feed=self._venue.feed_of(self._asset),
            implementation=self._venue.implementation_of(kind),
            is_long=is_long,
            max_collateral=round(budget / 1000) * 1000 * USDC_UNIT,
            strikes=tuple(round(strike * PRICE_UNIT) for strike in strikes),
            expiry_s=surface.expiry_s,
            price=round(price_usd * 10_000) * (PRICE_UNIT // 10_000),
            chain_id=self._venue.chain_id,
            book=self._venue.book,
            greeks={
                "delta": round(value.delta, 6),
                "iv": round(value.iv, 6),
                "gamma": round(value.gamma, 8),
                "theta": round(value.theta, 6),
                "vega": round(value.vega, 6),
            },
        )

    def _curiosities(self, written_s: int, orders: Sequence[MakerOrder]) -> list[MakerOrder]:
        """Return the rows that the real feed also has and a USDC buyer must leave out."""
        vanilla = [order for order in orders if len(order.strikes) == 1 and not order.is_long]
        put = next(order for order in vanilla if not order.is_call)
        call = next(order for order in vanilla if order.is_call)
        spot = self._path.price(written_s)
        inverse_price = round(call.price / spot)
        return [
            replace(
                call,
                collateral=COINS[self._asset],
                implementation=untraded(self._venue, "INVERSE_CALL"),
                price=inverse_price,
                max_collateral=5 * 10**18 if self._asset is Asset.ETH else 10**8,
            ),
            replace(put, implementation=untraded(self._venue, "PHYSICAL_PUT")),
            replace(put, implementation="0x00000000000000000000000000000000000000Ff", ticker=f"{put.ticker}-NEW"),
            replace(
                put,
                implementation=self._venue.implementation_of(OptionKind.PUT_SPREAD),
                strikes=(put.strikes[0], put.strikes[0] - PRICE_UNIT),
                price=PRICE_UNIT // 2,
                greeks=None,
                listing={"type": "binaries", "name": f"{self._asset} {put.strikes[0] // PRICE_UNIT} Down 1D"},
            ),
            replace(call, good_until_s=written_s - 30),
        ]

    def _name(self, surface: Surface, kind: OptionKind, strikes: tuple[float, ...]) -> str:
        return write_ticker(self._asset, kind, [Decimal(strike) for strike in strikes], from_unix(surface.expiry_s))

    def _sealed(self, order: MakerOrder) -> SignedOrder:
        return SignedOrder(order, self._quoter.nonce(order), "0x" + self._quoter.sign(order).hex())

    def _reference_row(self, surface: Surface, kind: OptionKind, strike: float) -> ReferencePrice:
        value = surface.option(strike, is_call=kind.is_call)
        half = 0.6 * SPREAD_VOL_POINTS * value.vega + 0.0001 * surface.forward
        mark, half = value.usd / surface.forward, half / surface.forward
        bid = max(0.0, round(mark - half, 6))
        name = self._name(surface, kind, (strike,))
        return ReferencePrice(name, bid, round(mark + half, 6), round(mark, 6), round(surface.forward, 2), strike)


def expiries(at_s: int) -> list[int]:
    """Return what is listed at a moment: the next three days, four Fridays and three month ends, at 08:00 UTC."""
    now = datetime.fromtimestamp(at_s, UTC)
    first = now.replace(hour=SETTLEMENT_HOUR, minute=0, second=0, microsecond=0)
    if first < now + timedelta(minutes=30):
        first += timedelta(days=1)
    friday = first + timedelta(days=(4 - first.weekday()) % 7)
    listed = {first + timedelta(days=n) for n in range(3)} | {friday + timedelta(weeks=n) for n in range(4)}
    month_ends = [
        day for n in range(20) if (day := friday + timedelta(weeks=n)).month != (day + timedelta(weeks=1)).month
    ]
    return sorted(int(day.timestamp()) for day in listed | set(month_ends[:3]))


def _faded(now: float, later: float, lives: float) -> float:
    """Return the average over `lives` time constants of a value that decays from `now` to `later`."""
    return later + (now - later) * (-math.expm1(-lives) / lives)
