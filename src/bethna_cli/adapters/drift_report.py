"""The last drift report, kept beside the store: which model it was about and what was measured to be wrong."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bethna_cli.adapters.private_files import PrivateFolder
from bethna_cli.domain.text import clean

NAME = "drift.json"
MAX_BYTES = 1024 * 1024
MAX_WARNING = 200


class _Report(BaseModel):
    """What a recommendation needs of a report; the rest is for people."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str = Field(max_length=64)
    warnings: tuple[str, ...] = Field(max_length=10)


class DriftReports:
    """One report in a private folder."""

    def __init__(self, folder: Path) -> None:
        self._files = PrivateFolder(folder)

    def keep(self, report: Mapping[str, object]) -> None:
        with self._files.locked():
            self._files.replace(NAME, json.dumps(report, indent=1, allow_nan=False).encode())

    def warnings(self, version: str) -> tuple[str, ...]:
        """Return what the last report warns of when it was about this model; an unreadable report is said as such."""
        raw = self._files.read(NAME, MAX_BYTES)
        if raw is None:
            return ()
        try:
            report = _Report.model_validate_json(raw)
        except ValidationError:
            return ("The drift report cannot be read: bethna model drift writes a new one.",)
        return tuple(clean(line, MAX_WARNING) for line in report.warnings) if report.model == version else ()
