"""Conversations as files: one JSON document each, in a private folder, written whole after every turn."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from bethna_cli.adapters.private_files import PrivateFolder
from bethna_cli.domain.conversation import Context, Offered, Session, Turn, read_request
from bethna_cli.domain.units import iso

LONGEST_FILE = 4_000_000
MOST_TURNS = 500
SUFFIX = ".json"
STAMP = "%Y%m%dT%H%M%S"


class _Turn(BaseModel, extra="forbid"):
    at: datetime
    text: str
    intent: str | None
    commands: list[list[str]]
    exit: int


class _Offered(BaseModel, extra="forbid"):
    id: str
    asset: str
    is_hold: bool
    buy_line: list[str]


class _File(BaseModel, extra="forbid"):
    network: str
    turns: list[_Turn]
    offered: _Offered | None
    request: list[str]
    idea: list[str]
    asset: str | None
    position: str | None


def session_name(at: datetime, tail: str) -> str:
    """Name a session by when it began; `tail` keeps two that began in the same second apart."""
    return f"{at.astimezone(UTC):{STAMP}}-{tail}"


class SessionFiles:
    """`Sessions` in a folder. Raises KeystoreRefused where the folder or a file is not private."""

    def __init__(self, path: Path) -> None:
        self._folder = PrivateFolder(path)

    def keep(self, session: Session) -> None:
        with self._folder.locked():
            self._folder.replace(session.name + SUFFIX, _document(session).model_dump_json(indent=1).encode())

    def latest(self, network: str) -> Session | None:
        for name in sorted(self._names(), reverse=True):
            session = self._read(name)
            if session is not None and session.network == network:
                return session
        return None

    def prune(self, before: datetime) -> int:
        old = [name for name in self._names() if name < f"{before.astimezone(UTC):{STAMP}}"]
        for name in old:
            (self._folder.path / (name + SUFFIX)).unlink(missing_ok=True)
        return len(old)

    def _names(self) -> list[str]:
        return [place.stem for place in self._folder.path.glob(f"*{SUFFIX}")]

    def _read(self, name: str) -> Session | None:
        """Read a session; one that is damaged counts as none, since nothing rests on it."""
        content = self._folder.read(name + SUFFIX, LONGEST_FILE)
        try:
            kept = _File.model_validate_json(content or b"")
        except ValidationError:
            return None
        left = kept.offered
        offered = None if left is None else Offered(left.id, left.asset, left.is_hold, tuple(left.buy_line))
        return Session(
            name,
            kept.network,
            tuple(
                Turn(turn.at, turn.text, turn.intent, tuple(map(tuple, turn.commands)), turn.exit)
                for turn in kept.turns
            ),
            Context(
                offered,
                read_request(tuple(kept.request)),
                read_request(tuple(kept.idea)),
                kept.asset,
                kept.position,
            ),
        )


def _document(session: Session) -> _File:
    context = session.context
    return _File.model_validate(
        {
            "network": session.network,
            "turns": [
                {
                    "at": iso(turn.at),
                    "text": turn.text,
                    "intent": turn.intent,
                    "commands": [list(command) for command in turn.commands],
                    "exit": turn.exit_code,
                }
                for turn in session.turns[-MOST_TURNS:]
            ],
            "offered": context.offered
            and {
                "id": context.offered.id,
                "asset": context.offered.asset,
                "is_hold": context.offered.is_hold,
                "buy_line": list(context.offered.buy_line),
            },
            "request": list(context.request.command) if context.request else [],
            "idea": list(context.idea.command) if context.idea else [],
            "asset": context.asset,
            "position": context.position,
        }
    )
