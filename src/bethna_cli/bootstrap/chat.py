"""What a conversation works with: who understands it, where it is kept, and what it may look at. Nothing that signs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.bootstrap.places import store_path
from bethna_cli.domain.conversation import Held, Session
from bethna_cli.domain.errors import NotFound
from bethna_cli.domain.market import Origin
from bethna_cli.ports import Clock, LanguageModel, Sessions, Understander
from bethna_cli.settings import SECRET_KEYS, Settings
from bethna_cli.settings_files import make_private

if TYPE_CHECKING:
    from bethna_cli.domain.position import Position

RECENT = 10

KEPT = timedelta(days=30)
"""How long conversations are kept: as long as logs."""


@dataclass(frozen=True, slots=True)
class ChatDesk:
    """What a conversation works with. model: None unless one is set up; secrets: must not be kept or passed on.

    understander: loaded when it is first asked for, which takes longer than a prompt may.
    """

    settings: Settings
    clock: Clock
    understander: Callable[[], Understander]
    model: LanguageModel | None
    sessions: Sessions
    secrets: tuple[str, ...]

    def held(self) -> Sequence[Held]:
        """List the open positions as the store knows them."""
        from bethna_cli.adapters.positions import SqlitePositions
        from bethna_cli.domain.chain import CHAIN_IDS

        positions = SqlitePositions.open(store_path(self.settings, Origin.LIVE), CHAIN_IDS[self.settings.network])
        try:
            return [_held(position) for position in positions.all(only_open=True)]
        finally:
            positions.close()

    def recommendation(self, name: str) -> Mapping[str, Any] | None:
        """Return a stored recommendation, None where there is none of that name."""
        from bethna_cli.adapters.sql import SqliteLedger

        ledger = SqliteLedger.open(store_path(self.settings, Origin.LIVE))
        try:
            return ledger.recommendation(name)
        except NotFound:
            return None
        finally:
            ledger.close()

    def trades(self) -> Sequence[tuple[str, str]]:
        """List the newest trades of the journal: the first digits of the digest, and how far it has come."""
        from bethna_cli.adapters.journal import SqliteJournal

        journal = SqliteJournal.open(store_path(self.settings, Origin.LIVE))
        try:
            return [(entry.digest[2:10], entry.state.value) for entry in journal.entries()[-RECENT:]]
        finally:
            journal.close()

    def expiries(self) -> Sequence[str]:
        """List the expiries that were on offer when a market was last looked at."""
        from bethna_cli.adapters.sql import SqliteLedger

        ledger = SqliteLedger.open(store_path(self.settings, Origin.LIVE))
        try:
            return ledger.newest_expiries()
        finally:
            ledger.close()

    def recent(self) -> Sequence[tuple[str, str]]:
        """List the newest recommendations, newest first: id, and what it says."""
        from bethna_cli.adapters.sql import SqliteLedger

        ledger = SqliteLedger.open(store_path(self.settings, Origin.LIVE))
        try:
            return ledger.newest_recommendations(RECENT)
        finally:
            ledger.close()


def chat_desk(settings: Settings) -> ChatDesk:
    """Return what a conversation works with; forgets the conversations whose time is over."""
    from bethna_cli.adapters.sessions import SessionFiles

    clock = SystemClock()
    sessions = SessionFiles(chat_folder(settings) / "sessions")
    sessions.prune(clock.now() - KEPT)
    secrets = _secrets(settings)
    return ChatDesk(settings, clock, _understander, language_model(settings), sessions, secrets)


@cache
def _understander() -> Understander:
    from bethna_cli.bootstrap.language import local_understander

    return local_understander()


def language_model(settings: Settings) -> LanguageModel | None:
    """Return the language model that is set up; its library is imported when it is asked."""
    if settings.llm_model is None:
        return None
    from bethna_cli.adapters.language import ChatLanguageModel, ModelChoice
    from bethna_cli.domain.redaction import redacted

    key, secrets = settings.llm_api_key, _secrets(settings)
    choice = ModelChoice(settings.llm_model, settings.llm_url, None if key is None else key.get_secret_value())
    return ChatLanguageModel(choice, lambda text: redacted(text, secrets))


def chat_folder(settings: Settings) -> Path:
    """Return where conversations and what was typed are kept."""
    return make_private(make_private(settings.folders.data) / "chat")


def session_to_hold(desk: ChatDesk, *, go_on: bool) -> Session:
    """Return the newest conversation to go on with, or a new one."""
    import secrets

    from bethna_cli.adapters.sessions import session_name

    network = desk.settings.network
    latest = desk.sessions.latest(network) if go_on else None
    return latest or Session(session_name(desk.clock.now(), secrets.token_hex(3)), network)


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Collect the values of the secret settings, whole and word by word: some hold several."""
    texts = [value.get_secret_value() for key in sorted(SECRET_KEYS) if (value := getattr(settings, key)) is not None]
    return tuple(dict.fromkeys(word for text in texts for word in (text, *text.split())))


def _held(position: "Position") -> Held:
    terms = position.terms
    strikes = "/".join(f"{strike.normalize():f}" for strike in terms.strikes)
    kind = terms.kind.value.replace("_", " ").lower()
    title = f"{terms.asset} {strikes} {kind}, {terms.expires_at:%d %b}"
    return Held(position.short_id, position.transaction, terms.asset.value, terms.kind.value, title)
