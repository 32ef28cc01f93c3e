"""An account on paper: buys at the ask, sells at the bid when one of Gamma's rules fires, settles at expiry.

One rule book for Alpha and for every baseline. A breach seen at a recorded moment counts as confirmed: live, the second
look comes a minute later, and the recording has one look a day.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bethna_cli.domain.backtest import BacktestTerms, Closed, Ending, Sale, Settlement, Strategy
from bethna_cli.domain.guarding import ExitRules, Seen, Verdict
from bethna_cli.domain.options import OptionQuote
from bethna_cli.domain.recommendation import Leg, Signal
from bethna_cli.domain.units import CONTRACT_UNIT, PRICE_UNIT, USDC_UNIT, Contracts, Usdc
from bethna_cli.options.fees import venue_fee
from bethna_cli.options.payoff import payoff_at, payoff_knots
from bethna_cli.ports import RecordedMarket, RecordedMoment
from bethna_cli.risk.exits import Strictness, decide_exit

ONE_LOOK = Strictness(looks_apart_s=0.0)


@dataclass(frozen=True, slots=True)
class Held:
    """A position that is open: what was bought by which decision, for how much, and where the price stood."""

    trade: int
    signal: Signal
    quote: OptionQuote
    contracts: Contracts
    premium: Usdc
    opened_at: datetime
    spot_usd: float


class PaperAccount:
    """What one strategy holds, has and has closed. Every closed position goes to `report`, and nowhere else.

    without_bid: times a rule fired and nobody bid; unlisted: times a held series was not in the chain; late: positions
    settled by a close before their expiry; lost: positions that could not be settled at all and count as worthless.
    """

    def __init__(self, strategy: Strategy, terms: BacktestTerms, report: Callable[[Closed], None]) -> None:
        self.strategy = strategy
        self.cash = int(terms.capital)
        self.trades = self.unaffordable = self.without_bid = self.unlisted = self.late = self.lost = 0
        self._terms = terms
        self._report = report
        self._held: list[Held] = []

    def buy(self, signal: Signal, legs: Iterable[Leg], at: datetime, spot_usd: float) -> None:
        """Buy all legs at their asks, or nothing when the cash does not suffice."""
        legs = tuple(legs)
        cost = sum(leg.premium for leg in legs)
        if cost > self.cash:
            self.unaffordable += 1
            return
        self.cash -= cost
        for leg in legs:
            self._held.append(Held(self.trades, signal, leg.quote, leg.contracts, leg.premium, at, spot_usd))
        self.trades += 1

    def settle(self, now: datetime, market: RecordedMarket) -> None:
        """Pay out what has expired by `now`; what the recording cannot settle counts as worthless, and is counted."""
        for held in [held for held in self._held if held.quote.expires_at <= now]:
            price = market.settlement(held.quote.expires_at)
            self.late += price is not None and price.late_h > 0
            self.lost += price is None
            settled = price or Settlement(held.spot_usd)
            proceeds = _payout(held, settled.price_usd) if price else Usdc(0)
            self._close(held, proceeds, held.quote.expires_at, Ending.SETTLED, settled.price_usd)

    def look(self, moment: RecordedMoment, spot_usd: float) -> None:
        """Sell what a rule wants sold and somebody bids for."""
        for held in tuple(self._held):
            sale = moment.sale(held.quote)
            if sale is None:
                self.unlisted += 1
                continue
            ending = _ending(held, sale, moment.at, self._terms.rules)
            if ending is None:
                continue
            if sale.bid is None:
                self.without_bid += 1
                continue
            self._close(held, _brings(held, sale, spot_usd), moment.at, ending, spot_usd)

    def end(self, moment: RecordedMoment, spot_usd: float) -> None:
        """Sell everything at the last bids; what nobody bids for is worth nothing."""
        for held in tuple(self._held):
            proceeds = _brings(held, moment.sale(held.quote), spot_usd)
            self._close(held, proceeds, moment.at, Ending.DATA_ENDED, spot_usd)

    def worth(self, moment: RecordedMoment, spot_usd: float) -> int:
        """Return cash and what the positions would bring now, USDC base units."""
        return self.cash + sum(_brings(held, moment.sale(held.quote), spot_usd) for held in self._held)

    def counts(self) -> dict[str, int]:
        """Return how often what was wished could not be done, by what was in the way."""
        return {
            "unaffordable": self.unaffordable,
            "without_bid": self.without_bid,
            "unlisted": self.unlisted,
            "settled_late": self.late,
            "never_settled": self.lost,
        }

    def _close(self, held: Held, proceeds: Usdc, at: datetime, ending: Ending, spot_usd: float) -> None:
        self._held.remove(held)
        self.cash += proceeds
        self._report(
            Closed(
                strategy=self.strategy,
                trade=held.trade,
                signal=held.signal,
                quote=held.quote,
                contracts=held.contracts,
                premium=held.premium,
                proceeds=proceeds,
                opened_at=held.opened_at,
                closed_at=at,
                ending=ending,
                spot_at_open=held.spot_usd,
                spot_at_close=spot_usd,
            )
        )


def _ending(held: Held, sale: Sale, at: datetime, rules: ExitRules) -> Ending | None:
    """Ask Gamma's rules about one position, by its mark; None when they keep it."""
    stated = held.quote.greeks
    seen = Seen(
        cost=held.premium,
        value=_times(held.contracts, sale.mark),
        observed_at=at,
        sources=1,
        seconds_left=(held.quote.expires_at - at).total_seconds(),
        iv=sale.iv,
        entry_iv=stated.iv if stated else None,
    )
    decision = decide_exit(rules, seen, None, ONE_LOOK)
    return Ending(decision.rule.value) if decision.verdict is Verdict.SELL and decision.rule else None


def _times(contracts: int, price: int) -> int:
    return contracts * price // PRICE_UNIT


def _brings(held: Held, sale: Sale | None, spot_usd: float) -> Usdc:
    """Return what selling now would bring after the venue's fee, nothing where nobody bids."""
    if sale is None or sale.bid is None:
        return Usdc(0)
    premium = _times(held.contracts, sale.bid)
    return Usdc(premium - venue_fee(held.contracts, premium, spot_usd))


def _payout(held: Held, price_usd: float) -> Usdc:
    """Return what the venue's series pays at expiry, rounded down."""
    knots = payoff_knots(held.quote.kind, [float(strike) for strike in held.quote.strikes])
    paid = round(payoff_at(knots, price_usd) * USDC_UNIT)
    return Usdc(paid * held.contracts // CONTRACT_UNIT)
