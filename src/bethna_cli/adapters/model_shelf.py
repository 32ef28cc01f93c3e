"""Models trained on this machine, side by side in one private folder, and which of them is in use.

A model is kept under its SHA-256 and read back only if it still has it; `shelf.json` names them in the order in which
they came and remembers what was in use before, so that a step back is always possible. Nothing in use: the shipped one.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bethna_cli.adapters.private_files import PrivateFolder
from bethna_cli.domain.errors import ModelCorrupt, NotFound
from bethna_cli.domain.model import ShelvedModel

INDEX = "shelf.json"
MAX_MODEL_BYTES = 32 * 1024 * 1024
MAX_INDEX_BYTES = 1024 * 1024
SHIPPED = "shipped"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    version: str = Field(max_length=64)
    added_at: AwareDatetime


class _Index(BaseModel):
    """used: hashes that were put in use, the current one last; an empty string stands for the shipped model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[_Entry, ...] = ()
    used: tuple[str, ...] = ()


class ModelShelf:
    """The shelf in one folder. Methods raise ModelCorrupt when a file is not what was put there."""

    def __init__(self, folder: Path) -> None:
        self._files = PrivateFolder(folder)

    def add(self, content: bytes, version: str, at: datetime) -> ShelvedModel:
        """Keep a model file; the same bytes are kept once. It is not in use by that."""
        digest = hashlib.sha256(content).hexdigest()
        with self._files.locked():
            index = self._index()
            if digest not in {entry.sha256 for entry in index.models}:
                self._files.replace(f"{digest}.bin", content)
                entry = _Entry(sha256=digest, version=version, added_at=at)
                self._keep(index.model_copy(update={"models": (*index.models, entry)}))
        return next(model for model in self.models() if model.sha256 == digest)

    def models(self) -> list[ShelvedModel]:
        """Return what is on the shelf, oldest first."""
        index = self._index()
        current = index.used[-1] if index.used else ""
        return [ShelvedModel(e.version, e.sha256, e.added_at, e.sha256 == current) for e in index.models]

    def in_use(self) -> tuple[bytes, str] | None:
        """Return the bytes and the hash of the model in use, None where that is the shipped one."""
        used = self._index().used
        if not used or not used[-1]:
            return None
        content = self._files.read(f"{used[-1]}.bin", MAX_MODEL_BYTES)
        if content is None:
            raise ModelCorrupt("The model in use is no longer on the shelf.", hint="bethna model rollback")
        return content, used[-1]

    def use(self, name: str) -> str:
        """Put a model in use, named by its version, the beginning of its hash, or `shipped`; return its hash or "".

        Raises NotFound when there is none or several.
        """
        with self._files.locked():
            index = self._index()
            chosen = "" if name == SHIPPED else self._named(index, name).sha256
            self._keep(index.model_copy(update={"used": (*index.used, chosen)}))
        return chosen

    def rollback(self) -> str:
        """Go back to what was in use before; return its hash, "" for the shipped one. Raises NotFound at the start."""
        with self._files.locked():
            index = self._index()
            if not index.used:
                raise NotFound("The shipped model is in use; there is nothing before it.", hint="bethna model list")
            self._keep(index.model_copy(update={"used": index.used[:-1]}))
            return index.used[-2] if len(index.used) > 1 else ""

    @staticmethod
    def _named(index: _Index, name: str) -> _Entry:
        fitting = [e for e in index.models if e.version == name or (len(name) >= 4 and e.sha256.startswith(name))]
        if len(fitting) != 1:
            said = "Several models are" if fitting else "No model on the shelf is"
            raise NotFound(f"{said} called {name[:64]!a}.", hint="bethna model list")
        return fitting[0]

    def _index(self) -> _Index:
        raw = self._files.read(INDEX, MAX_INDEX_BYTES)
        if raw is None:
            return _Index()
        try:
            return _Index.model_validate_json(raw, strict=False)
        except ValidationError as error:
            path = self._files.path / INDEX
            raise ModelCorrupt(f"{path} is not a list of models.", hint=f"mv {path} {path}.bad") from error

    def _keep(self, index: _Index) -> None:
        self._files.replace(INDEX, json.dumps(index.model_dump(mode="json"), indent=1).encode())
