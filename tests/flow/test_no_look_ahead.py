"""No look-ahead, proven: whatever happens after a decision, the decision is the same to the last digit."""

import asyncio
import gzip
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.recorded import Past, RecordedChains
from bethna_cli.bootstrap.model import load_model
from bethna_cli.domain.backtest import EARLIEST, LATEST, BacktestTerms, Closed, Ending
from bethna_cli.domain.market import Asset, Candle
from bethna_cli.domain.recommendation import Recommendation
from bethna_cli.flow.backtest import backtest
from recordings import CANDLES, CHAINS, FUNDING, MOOD, Recording, copied, recording, write

HOUR = timedelta(hours=1)
Edit = Callable[[list[list[str]]], list[list[str]]]


def quiet(stage: str, done: float) -> None:
    """Nobody watches."""


def decided(made: Recording, until: datetime) -> list[tuple[datetime, str]]:
    """Everything decided up to a moment: Alpha's answers, and what every strategy bought and had closed by then.

    An answer is named by a digest of all it says, its features and its market included.
    """
    starts, ends = EARLIEST, LATEST
    market = RecordedChains(made.folder, made.period, Asset.ETH, starts, ends)
    found: list[tuple[datetime, str]] = []

    def closed(one: Closed) -> None:
        bought = f"{one.strategy} {one.trade} bought {one.contracts} {one.quote.ticker} for {one.premium}"
        found.append((one.opened_at, bought))
        if one.ending is not Ending.DATA_ENDED:
            found.append((one.closed_at, f"{bought}, {one.ending} for {one.proceeds}"))

    def answered(answer: Recommendation) -> None:
        found.append((answer.created_at, answer.id))

    asyncio.run(backtest(BacktestTerms(Asset.ETH, starts, ends), market, load_model(), quiet, closed, answered))
    return sorted(entry for entry in found if entry[0] <= until)


def with_another_future(made: Recording, folder: Path, at: datetime, seed: int) -> Recording:
    """Copy a recording and make everything that became known after `at` random: prices, chains, funding, mood."""
    other, chance = copied(made, folder), random.Random(seed)

    def scaled(columns: Sequence[int], is_later: Callable[[str], bool]) -> Edit:
        def edit(rows: list[list[str]]) -> list[list[str]]:
            for row in rows:
                if is_later(row[0]):
                    factor = chance.uniform(0.4, 2.5)
                    for column in columns:
                        row[column] = repr(float(row[column]) * factor) if row[column] else ""
            return rows

        return edit

    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    forming = (at - HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    other.change(CANDLES, scaled((1, 2, 3, 4), lambda stamp: stamp > forming))
    other.change(CHAINS, scaled((8, 9, 10, 11), lambda stamp: stamp > moment))
    other.change(FUNDING, scaled((3,), lambda stamp: stamp > moment))
    today = at.strftime("%Y-%m-%d")
    other.change(MOOD, lambda rows: [[day, chance.randint(0, 100) if day > today else mood] for day, mood in rows])
    return other


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return recording(tmp_path_factory.mktemp("seen"), days=7)


@pytest.fixture(scope="module")
def original(made: Recording) -> list[tuple[datetime, str]]:
    return decided(made, made.moments[-1])


@pytest.mark.parametrize("place", [0, 5])
def test_a_decision_does_not_depend_on_what_happens_after_it(
    made: Recording, original: list[tuple[datetime, str]], tmp_path: Path, place: int
) -> None:
    at = made.moments[place]
    other = with_another_future(made, tmp_path / "other", at, seed=place)

    assert decided(other, at) == [entry for entry in original if entry[0] <= at]
    assert decided(other, made.moments[-1]) != original


def test_a_leak_of_one_candle_would_be_seen(made: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail: plant a feed that knows the running hour's close, and the decision moves."""
    at = made.moments[1]
    honest = Past.candles_at

    def leaking(self: Past, moment: datetime, hours: int) -> tuple[Candle, ...]:
        return honest(self, moment + HOUR, hours)

    monkeypatch.setattr(Past, "candles_at", leaking)
    other = with_another_future(made, tmp_path / "other", at, seed=5)

    assert decided(other, at) != decided(made, at)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_decision_of_the_recorded_months_depends_on_what_came_after_it(
    market_data_dir: Path, tmp_path: Path
) -> None:
    """The same on real chains: a random future after each of twenty moments."""
    real = Recording(market_data_dir, 0)
    starts, ends = EARLIEST, LATEST
    market = RecordedChains(real.folder, real.period, Asset.ETH, starts, ends)
    moments = [moment.at for moment in market.moments()]
    original = _answers(decided(real, ends))
    chains = real.rows(CHAINS)
    for number in range(1, len(moments), len(moments) // 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        small = _needed(real, chains, folder, moments[number])
        other = with_another_future(small, tmp_path / f"{number}-other", moments[number], seed=number)
        answers = _answers(decided(other, moments[number]))
        assert len(answers) >= 2
        assert answers <= original


def _answers(found: list[tuple[datetime, str]]) -> set[tuple[datetime, str]]:
    """Alpha's answers alone: a market of a few days has other trades."""
    return {entry for entry in found if " " not in entry[1]}


def _needed(real: Recording, chains: list[list[str]], folder: Path, at: datetime) -> Recording:
    """Copy what an asset's backtest around a moment reads: a few chains, and all candles, funding and mood."""
    (folder / "replay_2026").mkdir()
    for name in (CANDLES, FUNDING):
        (folder / name).write_bytes((real.folder / name).read_bytes())
    mood = (real.folder / MOOD.removesuffix(".gz")).read_bytes()
    (folder / MOOD).write_bytes(gzip.compress(mood, mtime=0))
    first, last = ((at + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-3, 3))
    header, *rows = chains
    write(folder / CHAINS, header, (row for row in rows if first < row[0] < last))
    return Recording(folder, 0)
