"""Walk through recorded history: at each moment Alpha and its rivals decide by what was known, and live with it later.

The decisions come from the very code that answers `bethna recommend`: `observe`, then `advise`, on feeds that know
nothing later than their moment. What is bought, sold and settled is kept on paper (`paper.py`).
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bethna_cli.analysis import bands
from bethna_cli.analysis.strategies import Purchase, at_expiry_nearest, purchases
from bethna_cli.domain.backtest import Backtest, BacktestTerms, Bought, Closed, Course, Ending, Strategy
from bethna_cli.domain.errors import BethnaError, NotEnoughData, NotFound, NothingSuitable, OutsideError
from bethna_cli.domain.intent import TradeRequest
from bethna_cli.domain.market import MarketSnapshot
from bethna_cli.domain.model import Model, Progress
from bethna_cli.domain.recommendation import Leg, Recommendation, Signal
from bethna_cli.domain.units import iso
from bethna_cli.flow.advise import Desk, advise
from bethna_cli.flow.observe import Feeds
from bethna_cli.flow.paper import PaperAccount
from bethna_cli.ports import RecordedMarket, RecordedMoment

NETWORK = "backtest"

Watcher = Callable[[Recommendation], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a strategy buys at a moment."""

    signal: Signal
    legs: Sequence[Leg]


async def backtest(
    terms: BacktestTerms,
    market: RecordedMarket,
    model: Model,
    progress: Progress,
    log: Callable[[Closed], None],
    watch: Watcher = lambda answer: None,  # noqa: ARG005
) -> Backtest:
    """Decide at every moment of `market`; every closed position goes to `log`, every answer of Alpha's to `watch`.

    Raises DataRefused when the recording is damaged, NotEnoughData when no moment of it shows a price.
    """
    walk = _Walk(terms, log)
    for moment in market.moments():
        progress(f"{terms.asset} {moment.at:%Y-%m-%d}", market.done)
        snapshot, answer = await _asked(terms, moment, model)
        if not isinstance(answer, BethnaError):
            watch(answer)
        walk.step(moment, market, snapshot, answer)
    return walk.ended(market, model)


async def _asked(
    terms: BacktestTerms, moment: RecordedMoment, model: Model
) -> tuple[MarketSnapshot, Recommendation | BethnaError]:
    """Ask Alpha, and return what it looked at and its answer, or the error when it has none."""
    shelf = _Shelf()
    feeds = Feeds(spots=(moment,), histories=(moment,), options=moment, funding=moment, sentiment=moment)
    request = TradeRequest(
        terms.asset, None, terms.budget, expiry_days=terms.expiry_days, target_delta=terms.target_delta
    )
    answer: Recommendation | BethnaError
    try:
        answer = await advise(request, Desk(feeds, model, shelf, _Moment(moment.at), NETWORK))
    except (OutsideError, NothingSuitable) as error:
        answer = error
    return shelf.seen(), answer


def _choice_of(answer: Recommendation | BethnaError) -> Choice | None:
    if isinstance(answer, BethnaError) or answer.trade is None:
        return None
    return Choice(answer.signal, answer.trade.legs)


def _learned_until(model: Model) -> str:
    """Return the end of the model's training range, ISO 8601; "" where its card names none."""
    learned = model.card.get("trained_on")
    return str(learned.get("to", "")) if isinstance(learned, Mapping) else ""


class _Walk:
    """The accounts of all strategies on their way through the moments, and what Alpha said at each."""

    def __init__(self, terms: BacktestTerms, log: Callable[[Closed], None]) -> None:
        self._terms = terms
        self._books = {strategy: _Book(strategy, terms, log) for strategy in Strategy}
        self._rivals = _Rivals(terms)
        self._decisions: Counter[Signal] = Counter()
        self._unanswered: Counter[str] = Counter()
        self._why = ""
        self._moments: list[datetime] = []
        self._last: tuple[RecordedMoment, float] | None = None

    def step(
        self,
        moment: RecordedMoment,
        market: RecordedMarket,
        snapshot: MarketSnapshot,
        answer: Recommendation | BethnaError,
    ) -> None:
        """Live through one moment; one without a price is passed over."""
        if isinstance(answer, BethnaError):
            self._unanswered[answer.code] += 1
            self._why = answer.message.rstrip(".")
        else:
            self._decisions[answer.signal] += 1
        if snapshot.spot.value is None:
            return
        spot_usd = float(snapshot.spot.value.value_usd)
        choices = {**self._rivals.choose(snapshot), Strategy.ALPHA: _choice_of(answer)}
        for strategy, book in self._books.items():
            book.step(moment, market, spot_usd, choices.get(strategy))
        self._moments.append(moment.at)
        self._last = moment, spot_usd

    def ended(self, market: RecordedMarket, model: Model) -> Backtest:
        """Sell what is left, and tell what came of it. Raises NotEnoughData without a price, or any answer of Alpha."""
        if self._last is None:
            raise NotEnoughData("No moment of the recording shows a price.", hint="bethna backtest -h")
        if not self._decisions:
            raise NotEnoughData(
                f"Alpha had no answer at any of {len(self._moments)} moments ({self._why}).",
                hint="bethna backtest --data DIR --candles DIR2",
            )
        for book in self._books.values():
            book.end(*self._last)
        return Backtest(
            terms=self._terms,
            market=market.described(),
            model_version=model.version,
            model_sha256=model.sha256,
            in_sample=iso(self._moments[0]) < _learned_until(model),
            moments=self._moments,
            decisions=dict(sorted(self._decisions.items())),
            unanswered=dict(sorted(self._unanswered.items())),
            courses={strategy: book.course() for strategy, book in self._books.items()},
        )


class _Rivals:
    """The rules that Alpha is measured against. Each buys what Alpha could have bought at that moment."""

    def __init__(self, terms: BacktestTerms) -> None:
        self._terms = terms
        self._chance = random.Random(terms.seed)

    def choose(self, snapshot: MarketSnapshot) -> Mapping[Strategy, Choice | None]:
        offered = {purchase.signal: purchase for purchase in self._offered(snapshot)}
        named = sorted(offered)
        drawn = named[self._chance.randrange(len(named))] if named else Signal.HOLD
        turn = self._turn(snapshot)
        return {
            Strategy.CALL_30_DELTA: _bought(offered.get(Signal.LONG_CALL)),
            Strategy.STRADDLE: _bought(offered.get(Signal.LONG_STRADDLE)),
            Strategy.RANDOM: _bought(offered.get(drawn)),
            Strategy.RSI_BOLLINGER: _bought(offered.get(turn)),
        }

    def _offered(self, snapshot: MarketSnapshot) -> tuple[Purchase, ...]:
        board, spot, terms, now = snapshot.options.value, snapshot.spot.value, self._terms, snapshot.taken_at
        if board is None or spot is None:
            return ()
        quotes = at_expiry_nearest(board.quotes, terms.expiry_days, now)
        return purchases(quotes, float(spot.value_usd), terms.target_delta, terms.budget, now)

    def _turn(self, snapshot: MarketSnapshot) -> Signal:
        history = snapshot.history.value
        closes = [candle.close for candle in history.candles[-bands.LEAST_CANDLES :]] if history else []
        return {1: Signal.LONG_CALL, -1: Signal.LONG_PUT}.get(bands.signal(closes), Signal.HOLD)


def _bought(purchase: Purchase | None) -> Choice | None:
    return None if purchase is None else Choice(purchase.signal, purchase.legs)


class _Book:
    """One strategy's account with what it has come to so far."""

    def __init__(self, strategy: Strategy, terms: BacktestTerms, log: Callable[[Closed], None]) -> None:
        self._account = PaperAccount(strategy, terms, self._closed)
        self._values = [int(terms.capital)]
        self._over: defaultdict[int, list[Bought]] = defaultdict(list)
        self._endings: Counter[Ending] = Counter()
        self._log = log

    def step(self, moment: RecordedMoment, market: RecordedMarket, spot_usd: float, choice: Choice | None) -> None:
        """Settle what has expired, sell what a rule sells, buy what was chosen, and take the account's value."""
        self._account.settle(moment.at, market)
        self._account.look(moment, spot_usd)
        if choice is not None:
            self._account.buy(choice.signal, choice.legs, moment.at, spot_usd)
        self._values.append(self._account.worth(moment, spot_usd))

    def end(self, moment: RecordedMoment, spot_usd: float) -> None:
        self._account.end(moment, spot_usd)

    def course(self) -> Course:
        trades = [_together(legs) for _, legs in sorted(self._over.items())]
        endings = dict(sorted(self._endings.items()))
        return Course(self._account.strategy, trades, self._values, endings, self._account.counts())

    def _closed(self, closed: Closed) -> None:
        self._log(closed)
        self._endings[closed.ending] += 1
        leg = Bought(closed.signal, closed.premium, closed.proceeds, closed.closed_at)
        self._over[closed.trade].append(leg)


def _together(legs: Sequence[Bought]) -> Bought:
    return Bought(
        legs[0].signal,
        sum(leg.premium for leg in legs),
        sum(leg.proceeds for leg in legs),
        max(leg.closed_at for leg in legs),
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """A clock that stands at a recorded moment."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class _Shelf:
    """A ledger that remembers the last look and nothing else: a backtest leaves the person's store alone."""

    def __init__(self) -> None:
        self._snapshot: MarketSnapshot | None = None

    def add_snapshot(self, snapshot: MarketSnapshot) -> None:
        self._snapshot = snapshot

    def add_recommendation(self, recommendation_id: str, at: datetime, document: Mapping[str, object]) -> None: ...

    def recommendation(self, prefix: str) -> Mapping[str, object]:
        raise NotFound(f"A backtest keeps no recommendation {prefix!r}.")

    def seen(self) -> MarketSnapshot:
        """Return the last look; `advise` keeps it before it can refuse anything."""
        if self._snapshot is None:
            raise RuntimeError("nobody has looked")
        return self._snapshot
