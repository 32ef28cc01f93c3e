"""The record beside a recommendation: measured, of the shipped model, of such trades, and absent where they are few."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bethna_cli.adapters.recorded import RecordedChains
from bethna_cli.analysis import model_file
from bethna_cli.artifacts.model import SHA256
from bethna_cli.bootstrap.backtest import run_backtest
from bethna_cli.bootstrap.model import load_model, model_shelf
from bethna_cli.bootstrap.track_record import load_records, stored_record
from bethna_cli.domain.backtest import EARLIEST, LATEST, BacktestTerms, Closed
from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.intent import TradeRequest, View
from bethna_cli.domain.market import Asset
from bethna_cli.domain.recommendation import Recommendation, Record, Signal
from bethna_cli.flow.advise import Desk, advise
from bethna_cli.flow.observe import Feeds
from bethna_cli.flow.track_record import FEW_TRADES, record_document, records_of
from bethna_cli.ports import RecordedMoment
from recordings import Recording, recording

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
CALLS = Record("backtest", START, END, 41, 0.3, -0.05, 0.2, (-0.3, 0.2))


class Forgetful:
    """A ledger that keeps nothing."""

    def add_snapshot(self, snapshot: object) -> None: ...

    def add_recommendation(self, recommendation_id: str, at: datetime, document: object) -> None: ...

    def recommendation(self, prefix: str) -> dict[str, object]:
        return {}


class At:
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


@pytest.fixture(scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> RecordedMoment:
    """A moment at which options are cheap: Alpha buys a call."""
    return moment_of(recording(tmp_path_factory.mktemp("cheap"), days=1, iv=0.4))


@pytest.fixture(scope="module")
def dear(tmp_path_factory: pytest.TempPathFactory) -> RecordedMoment:
    """A moment at which options are dear: Alpha stands aside."""
    return moment_of(recording(tmp_path_factory.mktemp("dear"), days=1, iv=2.0))


def moment_of(made: Recording) -> RecordedMoment:
    return next(RecordedChains(made.folder, made.period, Asset.ETH, EARLIEST, LATEST).moments())


def answer_at(moment: RecordedMoment, signal: Signal, view: View | None = None) -> Recommendation:
    """Alpha's answer when trades of one kind have a record."""
    feeds = Feeds((moment,), (moment,), moment, moment, moment)
    desk = Desk(feeds, load_model(), Forgetful(), At(moment.at), "sim", {(Asset.ETH, signal): CALLS})
    return asyncio.run(advise(TradeRequest(Asset.ETH, view), desk))


def test_a_recommendation_shows_the_record_of_its_own_signal(cheap: RecordedMoment) -> None:
    bought = answer_at(cheap, Signal.LONG_CALL)

    assert bought.signal is Signal.LONG_CALL
    assert bought.record == CALLS
    assert answer_at(cheap, Signal.LONG_PUT).record is None


def test_the_id_of_an_answer_speaks_of_its_record_too(cheap: RecordedMoment) -> None:
    assert answer_at(cheap, Signal.LONG_CALL).id != answer_at(cheap, Signal.LONG_PUT).id


def test_standing_aside_has_no_record(dear: RecordedMoment) -> None:
    aside = answer_at(dear, Signal.LONG_CALL)

    assert (aside.signal, aside.record) == (Signal.HOLD, None)


def test_a_trade_that_only_the_persons_view_made_has_no_record(dear: RecordedMoment, cheap: RecordedMoment) -> None:
    own = answer_at(cheap, Signal.LONG_CALL, View.BULLISH)
    swayed = answer_at(cheap, Signal.LONG_PUT, View.BEARISH)

    assert (own.signal, own.record) == (Signal.LONG_CALL, CALLS)
    assert (swayed.signal, swayed.record) == (Signal.LONG_PUT, None)


def test_the_stored_record_is_of_the_shipped_model() -> None:
    stored = stored_record()

    assert stored["model"] == {"version": load_model().version, "sha256": SHA256}
    assert set(stored["assets"]) == set(Asset)


def test_another_model_has_no_record() -> None:
    """Its version may be the same: the bytes of its file decide."""
    assert load_records(replace(load_model(), sha256="0" * 64)) == {}


def test_fewer_than_twenty_trades_are_no_record() -> None:
    stored = stored_record()
    figures = stored["assets"]["ETH"]["strategies"]["alpha"]["by_signal"]
    figures.clear()
    measured = {
        "win_rate": 0.4,
        "average_return": 0.1,
        "average_return_interval": [-0.1, 0.3],
        "median_return": 0.0,
        "max_drawdown": 0.1,
    }
    figures["LONG_CALL"] = {"trades": FEW_TRADES - 1, **measured}
    figures["LONG_PUT"] = {"trades": FEW_TRADES, **measured}

    found = records_of(stored, stored["model"]["sha256"])

    assert (Asset.ETH, Signal.LONG_CALL) not in found
    assert found[Asset.ETH, Signal.LONG_PUT].trades == FEW_TRADES
    assert found[Asset.ETH, Signal.LONG_PUT].interval == (-0.1, 0.3)


def test_every_shown_record_is_what_the_stored_backtest_says() -> None:
    stored = stored_record()["assets"]

    for (asset, signal), record in load_records(load_model()).items():
        figures = stored[asset]["strategies"]["alpha"]["by_signal"][signal]
        assert record.trades == figures["trades"] >= FEW_TRADES
        assert (record.win_rate, record.average_return) == (figures["win_rate"], figures["average_return"])
        assert record.starts.isoformat()[:10] == stored[asset]["from"][:10]


def test_a_damaged_record_is_refused_and_not_guessed_at() -> None:
    stored = stored_record()
    del stored["assets"]["ETH"]["from"]
    stored["assets"]["ETH"]["strategies"]["alpha"]["by_signal"] = {"LONG_CALL": {"trades": 30}}

    with pytest.raises(ModelCorrupt):
        records_of(stored, stored["model"]["sha256"])


def test_a_record_names_the_model_that_made_it_and_not_the_one_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BETHNA_HOME", str(tmp_path / "home"))
    shipped = load_model()
    other = model_file.serialise(replace(shipped, version="other", card={**shipped.card, "version": "other"}))
    model_shelf().add(other, "other", datetime(2026, 11, 25, tzinfo=UTC))
    model_shelf().use("other")

    made = regenerated(recording(tmp_path / "made", days=2).folder, [Asset.ETH])

    assert made["model"] == {"version": "other", "sha256": hashlib.sha256(other).hexdigest()}
    assert made["model"] != stored_record()["model"]


def regenerated(folder: Path, assets: list[Asset]) -> dict[str, object]:
    def forget(closed: Closed) -> None:
        """Keep no log."""

    def quiet(stage: str, done: float) -> None:
        """Nobody watches."""

    reports = [run_backtest(folder, None, BacktestTerms(asset, EARLIEST, LATEST), quiet, forget) for asset in assets]
    return json.loads(json.dumps(record_document(reports)))


def test_the_stored_record_is_what_its_command_gives_again(market_data_dir: Path) -> None:
    """BTC only: it has a third of the chains."""
    again = regenerated(market_data_dir, [Asset.BTC])

    assert again["model"] == stored_record()["model"]
    assert again["assets"] == {"BTC": stored_record()["assets"]["BTC"]}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_stored_record_is_what_its_command_gives_again(market_data_dir: Path) -> None:
    assert regenerated(market_data_dir, list(Asset)) == stored_record()
