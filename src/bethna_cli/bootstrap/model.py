"""Alpha's model: the shipped one, and how another is trained."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.analysis import model as models
from bethna_cli.artifacts.model import SHA256 as SHIPPED_SHA256
from bethna_cli.domain.model import Model, Progress, TrainedModel

if TYPE_CHECKING:
    pass


SHIPPED_MODEL = "model/alpha-1.bin"


def load_model() -> Model:
    """Load the shipped model. Raises ModelCorrupt when the file is not what was shipped."""
    content = (Path(__file__).parents[1] / "artifacts" / SHIPPED_MODEL).read_bytes()
    return models.parse(content, pinned_sha256=SHIPPED_SHA256)


def train_on(folder: Path, until: datetime | None, progress: Progress) -> TrainedModel:
    """Train a model on the history files of `folder`, up to `until` (default: all of it), with scikit-learn.

    Raises DataRefused when a file is not what it should be, NotEnoughData when there is too little history.
    """
    from bethna_cli.adapters.history_files import HistoryFolder
    from bethna_cli.adapters.trainer import ForestTrainer
    from bethna_cli.flow.train import train

    return train(HistoryFolder(folder), ForestTrainer(), until or SystemClock().now(), progress)
