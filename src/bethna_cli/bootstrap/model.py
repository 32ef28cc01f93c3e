"""Alpha's model: the shipped one, and how another is trained and judged."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.analysis import model_file
from bethna_cli.artifacts.model import SHA256 as SHIPPED_SHA256
from bethna_cli.artifacts.model import SHIPPED
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.market import Asset, Origin
from bethna_cli.domain.model import Model, Progress, ShelvedModel, TrainedModel
from bethna_cli.settings import Settings, folders

if TYPE_CHECKING:
    from bethna_cli.adapters.model_shelf import ModelShelf

SHIPPED_MODEL = Path(__file__).parents[1] / "artifacts" / "model" / SHIPPED


def load_model() -> Model:
    """Load the model in use. Raises ModelCorrupt when the file is not what was shipped or put on the shelf."""
    place = _shelf_folder()
    kept = model_shelf().in_use() if place.exists() else None
    if kept is not None:
        return model_file.parse(kept[0], pinned_sha256=kept[1])
    return model_file.parse(SHIPPED_MODEL.read_bytes(), pinned_sha256=SHIPPED_SHA256)


def shipped_model() -> tuple[str, str]:
    """Return the version and the SHA-256 of the model that ships, whatever is in use."""
    return model_file.parse(SHIPPED_MODEL.read_bytes(), pinned_sha256=SHIPPED_SHA256).version, SHIPPED_SHA256


def model_shelf() -> "ModelShelf":
    """Return the models that were trained on this machine."""
    from bethna_cli.adapters.model_shelf import ModelShelf

    return ModelShelf(_shelf_folder())


def shelve(trained: TrainedModel) -> ShelvedModel:
    """Keep a trained model on the shelf, not in use yet."""
    return model_shelf().add(trained.content, str(trained.card["version"]), SystemClock().now())


def _shelf_folder() -> Path:
    return folders().data / "models"


def open_model(path: Path) -> Model:
    """Load a model file that somebody names. Raises NotFound, or ModelCorrupt when it is not one."""
    try:
        return model_file.parse(path.read_bytes())
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", hint="bethna model list") from error


def train_on(folder: Path, until: datetime | None, progress: Progress) -> TrainedModel:
    """Train a model on the history files of `folder`, up to `until` (default: all of it), with scikit-learn.

    Raises DataRefused when a file is not what it should be, NotEnoughData when there is too little history.
    """
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.adapters.trainer import ForestTrainer
    from bethna_cli.flow.train import train

    return train(HistoryFolder(folder), ForestTrainer(), until or SystemClock().now(), progress)


def compare_on(
    folder: Path, candles: Path | None, until: datetime | None, resampling: tuple[int, int], progress: Progress
) -> dict[str, object]:
    """Compare volatility forecasts, walk-forward, on the history files of `folder`, with (count, seed) resamples.

    Where option chains lie there, what they imply is compared as well; candles: those of their days, default as for a
    backtest. Raises as `train_on` does.
    """
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.adapters.implied import RecordedVolatility, has_chains
    from bethna_cli.adapters.trainer import RegressionForest
    from bethna_cli.analysis.evaluation import Resampling
    from bethna_cli.bootstrap.backtest import PERIOD_FOLDER
    from bethna_cli.domain.backtest import LATEST
    from bethna_cli.flow.compare import Quoted, compare

    period = candles or folder / PERIOD_FOLDER
    quoted = [
        Quoted(asset.value, RecordedVolatility(folder, asset), HistoryFolder(period, (asset,), partial=True))
        for asset in Asset
        if has_chains(folder, asset)
    ]
    archive, known_by = HistoryFolder(folder, partial=True), until or LATEST
    return compare(archive, RegressionForest(), known_by, progress, quoted, Resampling(*resampling))


def drift_on(folder: Path, network: str) -> dict[str, object]:
    """Measure how the model in use did over the last 90 days of a folder, and keep that for later recommendations."""
    from bethna_cli.adapters.drift_report import DriftReports
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.flow.drift import drift

    report = drift(load_model(), HistoryFolder(folder, partial=True), SystemClock().now())
    DriftReports(_drift_folder(network)).keep(report)
    return report


def drift_warnings(network: str, origin: Origin, version: str) -> tuple[str, ...]:
    """Return what was last measured to be wrong with a model; nothing where prices are not real."""
    place = _drift_folder(network)
    if origin is not Origin.LIVE or not place.exists():
        return ()
    from bethna_cli.adapters.drift_report import DriftReports

    return DriftReports(place).warnings(version)


def _drift_folder(network: str) -> Path:
    return folders().data / "drift" / network


def evaluate_on(
    folder: Path,
    asset: Asset,
    model: Model,
    days: tuple[datetime | None, datetime | None],
    resampling: tuple[int, int],
    *,
    in_sample: bool,
) -> dict[str, object]:
    """Judge a model on the history files of `folder` between two moments, with (count, seed) resamples.

    Raises InSample, DataRefused, NotEnoughData.
    """
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.analysis.evaluation import Resampling
    from bethna_cli.domain.backtest import LATEST
    from bethna_cli.flow.evaluate import Question, evaluate

    question = Question(*days, in_sample=in_sample, resampling=Resampling(*resampling))
    return evaluate(model, HistoryFolder(folder, (asset,), partial=True), LATEST, question)


async def fetch_history(
    settings: Settings, folder: Path, since: datetime | None, progress: Progress
) -> dict[str, object]:
    """Bring a data folder up to date from the services of the network in use; see `flow.fetch`."""
    from bethna_cli.adapters.history_store import HistoryStore
    from bethna_cli.bootstrap.market import open_past
    from bethna_cli.flow.fetch import fetch

    store = HistoryStore(folder)
    with store.locked():
        async with open_past(settings) as (past, clock, origin):
            added = await fetch(past, store, clock, since, progress)
    return {"folder": str(folder), "origin": origin.value, "added": added}
