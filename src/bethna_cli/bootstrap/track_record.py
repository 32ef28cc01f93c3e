"""The record that ships beside the model. On the path of every recommendation, so it imports little."""

import json
from pathlib import Path
from typing import Any

from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.model import Model
from bethna_cli.flow.track_record import Records, records_of

STORED = Path(__file__).parents[1] / "artifacts" / "model" / "record.json"


def stored_record() -> dict[str, Any]:
    """Read the stored backtest of the shipped model. Raises ModelCorrupt when it is not there or damaged."""
    try:
        document: dict[str, Any] = json.loads(STORED.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelCorrupt("The stored record of the model cannot be read.", hint="reinstall bethna") from error
    return document


def load_records(model: Model) -> Records:
    """Return the measured record of each kind of trade of `model`; none where the stored one is of another model."""
    return records_of(stored_record(), model.sha256)
