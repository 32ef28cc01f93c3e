"""Look: every source at once, one snapshot. A source that fails or is stale degrades the snapshot, visibly."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Protocol, TypeVar

from bethna_cli.domain.errors import OutsideError, SourceDisabled, SourceStale, SourceUnavailable
from bethna_cli.domain.market import (
    Asset,
    Funding,
    MarketSnapshot,
    OptionBoard,
    Part,
    PriceHistory,
    Provenance,
    Sentiment,
    SpotPrice,
    Status,
)
from bethna_cli.ports import Clock, FundingFeed, HistoryFeed, OptionsVenue, SentimentFeed, SpotFeed


class Sourced(Protocol):
    """An answer that says where it is from."""

    @property
    def provenance(self) -> Provenance: ...


T = TypeVar("T")
S = TypeVar("S", bound=Sourced)
LOOK_BACK_DAYS = 61
FUNDING_DAYS = 15
"""A day more than the longest feature looks back, so that an hour lost at the edge costs nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How old each part may be, in seconds, how far two spot sources may differ, and how long one may take.

    A funding venue that settles every 8 h is fresh for 9; Fear & Greed is daily; candles close hourly.
    """

    spot_age_s: float = 10.0
    options_age_s: float = 60.0
    funding_age_s: float = 9 * 3600.0
    sentiment_age_s: float = 48 * 3600.0
    history_age_s: float = 3 * 3600.0
    spot_disagreement: Decimal = Decimal("0.02")
    source_timeout_s: float = 4.0


@dataclass(frozen=True, slots=True)
class Feeds:
    """Where to look. Spot and history sources are in order of preference.

    remarks: by part, what stands behind its figures when they are not what the source's name says. asked_for: the
    moment that was wished for, where recorded history has only one near it.
    """

    spots: Sequence[SpotFeed]
    histories: Sequence[HistoryFeed]
    options: OptionsVenue
    funding: FundingFeed
    sentiment: SentimentFeed
    limits: Limits = Limits()
    remarks: Mapping[str, str] = field(default_factory=dict)
    asked_for: datetime | None = None


async def observe(asset: Asset, feeds: Feeds, clock: Clock) -> MarketSnapshot:
    """Take one snapshot of `asset`; it takes about as long as the slowest source, and never raises for a source."""
    limit_s = feeds.limits.source_timeout_s
    spot, options, funding, sentiment, history = await asyncio.gather(
        _spot(asset, feeds, clock),
        _ask("options", feeds.options.board(asset), limit_s),
        _ask("funding", feeds.funding.funding(asset, FUNDING_DAYS), limit_s),
        _ask("sentiment", feeds.sentiment.sentiment(asset, LOOK_BACK_DAYS), limit_s),
        _history(asset, feeds, clock),
    )
    now = clock.now()
    limits = feeds.limits
    return MarketSnapshot(
        asset=asset,
        taken_at=now,
        spot=_remarked(spot, feeds),
        options=_remarked(_aged("options", options, now, limits.options_age_s, _board_time), feeds),
        funding=_remarked(_aged("funding", funding, now, limits.funding_age_s, _funding_time), feeds),
        sentiment=_remarked(_aged("sentiment", sentiment, now, limits.sentiment_age_s, _mood_time), feeds),
        history=_remarked(_aged("history", history, now, limits.history_age_s, _history_time), feeds),
        asked_for=feeds.asked_for,
    )


def _remarked(part: Part[T], feeds: Feeds) -> Part[T]:
    remark = feeds.remarks.get(part.name)
    return replace(part, notes=(*part.notes, remark)) if remark and part.value is not None else part


async def _ask(name: str, answer: Awaitable[T], limit_s: float) -> T | OutsideError:
    """Wait for one source, no longer than its limit; a failure is a value here, not an exception."""
    try:
        async with asyncio.timeout(limit_s):
            return await answer
    except TimeoutError:
        return SourceUnavailable(name, f"no answer within {limit_s:g} s")
    except OutsideError as error:
        return error


async def _spot(asset: Asset, feeds: Feeds, clock: Clock) -> Part[SpotPrice]:
    limits = feeds.limits
    answers = await asyncio.gather(
        *(_ask(feed.name, feed.spot(asset), limits.source_timeout_s) for feed in feeds.spots)
    )
    now = clock.now()
    judged = [_fresh(answer, now, limits.spot_age_s) for answer in answers]
    prices = [answer for answer in judged if isinstance(answer, SpotPrice)]
    if not prices:
        return _failed("spot", [answer for answer in judged if isinstance(answer, OutsideError)])
    preferred = judged[: judged.index(prices[0])]
    notes = tuple(f"not used: {failure}" for failure in preferred)
    return _agreed(prices, notes, now, limits.spot_disagreement)


def _fresh(answer: SpotPrice | OutsideError, now: datetime, limit_s: float) -> SpotPrice | OutsideError:
    if isinstance(answer, OutsideError):
        return answer
    age_s = (now - answer.provenance.observed_at).total_seconds()
    return SourceStale(answer.provenance.source, age_s, limit_s) if age_s > limit_s else answer


def _agreed(prices: Sequence[SpotPrice], notes: tuple[str, ...], now: datetime, tolerance: Decimal) -> Part[SpotPrice]:
    """Use the best source that another one confirms; a lone source stands, and sources that all disagree do not."""
    best = prices[0]
    if len(prices) > 1:
        confirmed = [pair for pair in combinations(prices, 2) if _differ(*pair) <= tolerance]
        if not confirmed:
            said = ", ".join(f"{price.provenance.source} {price.value_usd}" for price in prices)
            return Part("spot", Status.FAILED, reason=f"sources disagree by more than {tolerance:.0%}: {said}")
        best = confirmed[0][0]
        notes += tuple(
            f"{price.provenance.source} disagrees: {price.value_usd}"
            for price in prices
            if _differ(best, price) > tolerance
        )
    return Part("spot", Status.OK, best, best.provenance, _age(best.provenance, now), notes=notes)


def _differ(one: SpotPrice, other: SpotPrice) -> Decimal:
    return abs(one.value_usd - other.value_usd) / min(one.value_usd, other.value_usd)


async def _history(asset: Asset, feeds: Feeds, clock: Clock) -> PriceHistory | OutsideError:
    """Ask the history sources in order of preference until one is fresh, all within one source's time.

    A slow first choice leaves the rest of the time to the others.
    """
    limit_s = feeds.limits.source_timeout_s / max(1, len(feeds.histories))
    failures: list[OutsideError] = []
    for feed in feeds.histories:
        answer = await _ask(feed.name, feed.history(asset, LOOK_BACK_DAYS * 24), limit_s)
        judged = _current(answer, clock.now(), feeds.limits.history_age_s)
        if not isinstance(judged, OutsideError):
            return judged
        failures.append(judged)
    if len(failures) == 1:
        return failures[0]
    return OutsideError("; ".join(map(str, failures)) or "no source is set up")


def _current(answer: PriceHistory | OutsideError, now: datetime, limit_s: float) -> PriceHistory | OutsideError:
    if isinstance(answer, OutsideError):
        return answer
    newest, source = _history_time(answer), answer.provenance.source
    if newest is None:
        return SourceUnavailable(source, "it has no candles")
    age_s = (now - newest).total_seconds()
    return SourceStale(source, age_s, limit_s) if age_s > limit_s else answer


def _aged(
    name: str, answer: S | OutsideError, now: datetime, limit_s: float, known_at: Callable[[S], datetime | None]
) -> Part[S]:
    """Judge one answer's age by the newest thing it knows."""
    if isinstance(answer, OutsideError):
        return _failed(name, [answer])
    newest = known_at(answer)
    if newest is None:
        return Part(name, Status.FAILED, None, answer.provenance, reason="the source has no data")
    provenance = replace(answer.provenance, observed_at=newest)
    age_s = _age(provenance, now)
    notes = tuple(getattr(answer, "notes", ()))
    if age_s > limit_s:
        stale = SourceStale(provenance.source, age_s, limit_s)
        return Part(name, Status.STALE, answer, provenance, age_s, str(stale), notes)
    return Part(name, Status.OK, answer, provenance, age_s, notes=notes)


def _failed(name: str, failures: Sequence[OutsideError]) -> Part[T]:
    reason = "; ".join(map(str, failures)) or "no source is set up"
    if any(isinstance(failure, SourceStale) for failure in failures):
        return Part(name, Status.STALE, reason=reason)
    only_disabled = bool(failures) and all(isinstance(failure, SourceDisabled) for failure in failures)
    return Part(name, Status.DISABLED if only_disabled else Status.FAILED, reason=reason)


def _age(provenance: Provenance, now: datetime) -> float:
    return max(0.0, (now - provenance.observed_at).total_seconds())


def _board_time(board: OptionBoard) -> datetime | None:
    return board.provenance.observed_at


def _funding_time(funding: Funding) -> datetime | None:
    return funding.history[-1].at if funding.history else None


def _mood_time(sentiment: Sentiment) -> datetime | None:
    if sentiment.fear_greed:
        return sentiment.fear_greed[-1].day
    return sentiment.provenance.observed_at if sentiment.posts else None


def _history_time(history: PriceHistory) -> datetime | None:
    return history.candles[-1].starts_at + timedelta(hours=1) if history.candles else None
