"""Which trades are possible: from the quotes on offer to sized purchases. bethna only ever buys.

A straddle is two purchases of the same size; a spread is one quote of a two-strike series. Nothing here has an opinion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bethna_cli.domain.errors import NothingSuitable
from bethna_cli.domain.options import OptionKind, OptionQuote
from bethna_cli.domain.recommendation import Leg, Signal
from bethna_cli.domain.units import Contracts, Usdc, contracts_for, premium_for
from bethna_cli.options import black

SHORTEST_LIFE = timedelta(hours=1)
"""An option with less time left is not proposed: the approval alone takes minutes."""

SIGNALS: dict[OptionKind, Signal] = {
    OptionKind.CALL: Signal.LONG_CALL,
    OptionKind.PUT: Signal.LONG_PUT,
    OptionKind.CALL_SPREAD: Signal.CALL_SPREAD,
    OptionKind.PUT_SPREAD: Signal.PUT_SPREAD,
}


@dataclass(frozen=True, slots=True)
class Purchase:
    """A trade that can be made now, sized within its budget."""

    signal: Signal
    legs: tuple[Leg, ...]

    @property
    def contracts(self) -> Contracts:
        return self.legs[0].contracts

    @property
    def amount(self) -> Usdc:
        return Usdc(sum(leg.premium for leg in self.legs))

    @property
    def expires_at(self) -> datetime:
        return self.legs[0].quote.expires_at


def years_left(quote: OptionQuote, now: datetime) -> float:
    """Return the time to expiry in years, ACT/365."""
    return (quote.expires_at - now).total_seconds() / black.SECONDS_PER_YEAR


def at_expiry_nearest(quotes: Iterable[OptionQuote], days: float, now: datetime) -> tuple[OptionQuote, ...]:
    """Keep the quotes of the one expiry nearest to `days` from `now`; of two as near, the later. May be empty."""
    alive = [quote for quote in quotes if quote.expires_at - now >= SHORTEST_LIFE and quote.good_until > now]
    if not alive:
        return ()
    wanted = now + timedelta(days=days)
    expiry = min({quote.expires_at for quote in alive}, key=lambda at: (abs(at - wanted), -at.timestamp()))
    return tuple(quote for quote in alive if quote.expires_at == expiry)


def purchases(
    quotes: Sequence[OptionQuote], spot_usd: float, target_delta: float, budget: Usdc, now: datetime
) -> tuple[Purchase, ...]:
    """Propose at most one purchase per strategy from the quotes of one expiry.

    Calls and puts by delta; the straddle at the strike nearest the spot; a spread that buys near the spot and sells
    near the strike of the target delta. Strategies that nobody quotes, or that the budget cannot buy, are left out.
    """
    calls, puts, call_spreads, put_spreads = (_of_kind(quotes, kind) for kind in OptionKind)
    call = _nearest_delta(calls, spot_usd, target_delta, now)
    put = _nearest_delta(puts, spot_usd, target_delta, now)
    choices: list[tuple[Signal, tuple[OptionQuote, ...] | None]] = [
        (Signal.LONG_CALL, (call,) if call else None),
        (Signal.LONG_PUT, (put,) if put else None),
        (Signal.LONG_STRADDLE, _straddle(calls, puts, spot_usd)),
        (Signal.CALL_SPREAD, _spread(call_spreads, call, spot_usd)),
        (Signal.PUT_SPREAD, _spread(put_spreads, put, spot_usd)),
    ]
    sized = (_sized(signal, legs, budget) for signal, legs in choices if legs)
    return tuple(purchase for purchase in sized if purchase)


def purchase_of(
    quotes: Sequence[OptionQuote], strikes: tuple[Decimal, ...], kinds: frozenset[OptionKind], budget: Usdc
) -> Purchase:
    """Size exactly what was named: one quote per kind at these strikes (a call and a put: a straddle).

    Of several quotes the cheapest is taken. Raises NothingSuitable when a kind is not on offer at these strikes, or
    the budget buys nothing of it.
    """
    named = [quote for quote in quotes if quote.strikes == strikes]
    by_kind = [_of_kind(named, kind) for kind in OptionKind if kind in kinds]
    if not all(by_kind):
        offered = sorted({quote.strikes for quote in quotes if quote.kind in kinds})
        said = ", ".join(map(_text, offered)) or "nothing"
        raise NothingSuitable(f"No quote at {_text(strikes)}; on offer: {said}.", hint="bethna strategies")
    cheapest = tuple(min(same, key=lambda quote: quote.price) for same in by_kind)
    signal = SIGNALS[cheapest[0].kind] if len(cheapest) == 1 else Signal.LONG_STRADDLE
    purchase = _sized(signal, cheapest, budget)
    if purchase is None:
        raise NothingSuitable("The amount does not buy the smallest size on offer.", hint="Give a larger --amount")
    return purchase


def _of_kind(quotes: Iterable[OptionQuote], kind: OptionKind) -> list[OptionQuote]:
    return [quote for quote in quotes if quote.kind is kind]


def _nearest_delta(quotes: Sequence[OptionQuote], spot_usd: float, target: float, now: datetime) -> OptionQuote | None:
    """Pick the quote whose absolute delta is nearest the target; of equals the cheaper one."""
    judged = [(delta, quote) for quote in quotes if (delta := _delta(quote, spot_usd, now)) is not None]
    if not judged:
        return None
    return min(judged, key=lambda pair: (abs(abs(pair[0]) - target), pair[1].price))[1]


def _delta(quote: OptionQuote, spot_usd: float, now: datetime) -> float | None:
    """Return the venue's delta, or else the one its own ask implies; None where the ask implies none."""
    if quote.greeks:
        return quote.greeks.delta
    strike, years = float(quote.strikes[0]), years_left(quote, now)
    try:
        iv = black.implied_vol(float(quote.price_usd), spot_usd, strike, years, quote.kind.is_call)
    except ValueError:
        return None
    return black.greeks(spot_usd, strike, years, iv, quote.kind.is_call).delta


def _straddle(
    calls: Sequence[OptionQuote], puts: Sequence[OptionQuote], spot_usd: float
) -> tuple[OptionQuote, ...] | None:
    """Pick the cheapest call and put at the common strike nearest the spot."""
    common = {quote.strikes for quote in calls} & {quote.strikes for quote in puts}
    if not common:
        return None
    strikes = min(common, key=lambda strikes: (abs(float(strikes[0]) - spot_usd), strikes))
    return tuple(
        min((quote for quote in side if quote.strikes == strikes), key=lambda quote: quote.price)
        for side in (calls, puts)
    )


def _spread(
    spreads: Sequence[OptionQuote], single: OptionQuote | None, spot_usd: float
) -> tuple[OptionQuote, ...] | None:
    """Pick the spread whose bought strike is nearest the spot and whose sold strike is nearest the single option's."""
    if not spreads:
        return None
    far = float(single.strikes[0]) if single else spot_usd

    def distance(quote: OptionQuote) -> tuple[float, int]:
        low, high = (float(strike) for strike in quote.strikes)
        bought, sold = (low, high) if quote.kind.is_call else (high, low)
        return abs(bought - spot_usd) + abs(sold - far), quote.price

    return (min(spreads, key=distance),)


def _sized(signal: Signal, quotes: tuple[OptionQuote, ...], budget: Usdc) -> Purchase | None:
    """Buy as many contracts as budget and makers allow, the same number of each; None when that is not even a unit.

    Each leg's premium is rounded up, so every leg after the first may cost one unit more than its exact share.
    """
    spendable = budget - (len(quotes) - 1)
    unit_price = sum(quote.price for quote in quotes)
    if spendable <= 0 or unit_price <= 0:
        return None
    contracts = Contracts(min(contracts_for(spendable, unit_price), *(quote.max_contracts for quote in quotes)))
    if contracts <= 0:
        return None
    return Purchase(signal, tuple(Leg(quote, contracts, premium_for(contracts, quote.price)) for quote in quotes))


def _text(strikes: Iterable[Decimal]) -> str:
    return "/".join(f"{strike:f}" for strike in strikes)
