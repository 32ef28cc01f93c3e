"""Nothing that a language model, a post or a token name says is signed, changes anything, or steers the terminal."""

import io
import random
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from bethna_cli.adapters.sql import SqliteLedger
from bethna_cli.bootstrap.chat import ChatDesk, chat_desk, session_to_hold
from bethna_cli.cli.repl import run_here
from bethna_cli.cli.repl_status import alert_line
from bethna_cli.cli.talk import Talk
from bethna_cli.cli.voice import Quotation, Voice
from bethna_cli.domain.alert import Alert, KeptAlert, Level
from bethna_cli.domain.conversation import Context, Held, Offered, Request, Speaker
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.settings import load_settings
from cards import recommendation
from hostile_words import ESCAPES, hostile_replies, injections
from model_server import ModelServer, Reply, serving

LOOKS = {"recommend", "market", "strategies", "positions", "risk", "history", "report", "alerts"}
ORDINARY = 20
VAGUE = "my dog likes the beach"
TOKEN = "0x" + "aa" * 32


class Listening:
    """Runs command lines for real, and writes down what it was asked to run."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(tuple(command))
        return run_here(command) if command[0] in LOOKS else 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hostile")
    place.chmod(0o700)
    return place


@pytest.fixture
def settled_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a recommendation in its store, and nothing else of ours in the environment."""
    monkeypatch.setenv("BETHNA_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    (home / "data").mkdir(mode=0o700, exist_ok=True)
    ledger = SqliteLedger.open(home / "data" / "sim.db")
    answer = recommendation()
    ledger.add_recommendation(answer.id, answer.created_at, recommendation_document(answer))
    ledger.close()
    return home


@pytest.fixture
def model(settled_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """Serve a model and set it up; its library is loaded before, which takes longer than asking on a busy machine."""
    import_module("langchain_openai")
    with serving(lambda _: Reply(pieces=["nothing"])) as server:
        monkeypatch.setenv("BETHNA_LLM_MODEL", "openai:test")
        monkeypatch.setenv("BETHNA_LLM_URL", server.url)
        yield server


class Holding(ChatDesk):
    """A desk that holds two positions under a name of somebody's choice."""

    title = ""

    def held(self) -> list[Held]:
        kinds = {"CALL": "aaaa1111", "PUT": "bbbb2222"}
        return [Held(name, TOKEN, "ETH", kind, self.title) for kind, name in kinds.items()]


def talk_with(commands: Listening, title: str | None = None) -> Talk:
    """Begin a conversation with a recommendation on the table, and with positions of a name where one is given."""
    desk = chat_desk(load_settings())
    if title is not None:
        named = type("Named", (Holding,), {"title": title})
        desk = named(**{field.name: getattr(desk, field.name) for field in fields(desk)})
    session = session_to_hold(desk, go_on=False)
    request = Request("recommend", "ETH", view="bullish")
    context = Context(Offered(recommendation().id, "ETH", is_hold=False), request, request, "ETH")
    return Talk(desk, Voice(), commands, replace(session, context=context))


def printed_by(talk: Talk, lines: Sequence[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        for line in lines:
            talk.hear(line)
    return out.getvalue() + err.getvalue()


def state_of(home: Path) -> object:
    """Everything that a trade, an answer or a setting would change."""
    import sqlite3

    with sqlite3.connect(home / "data" / "sim.db") as db:
        tables = ("trades", "transactions", "decisions", "errands", "mandates", "halts")
        counts = {table: db.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}
    return counts, (home / "config.toml").exists(), (home / "secrets.toml").exists(), (home / "data/wallets").exists()


def steering(text: str) -> set[str]:
    return {character for character in text if not character.isprintable() and character != "\n"}


def attacked(model: ModelServer, home: Path, replies: Sequence[Reply]) -> None:
    before = state_of(home)
    for reply in replies:
        answers = iter([reply])
        model.answer = lambda _, answers=answers: next(answers, Reply(pieces=["done"]))
        commands = Listening()
        talk = talk_with(commands)

        text = printed_by(talk, [VAGUE])
        answers = iter([reply])
        model.answer = lambda _, answers=answers: next(answers, Reply(pieces=["done"]))
        text += printed_by(talk, ["why a call and not a put?"])

        assert {command[0] for command in commands.commands} <= LOOKS, reply
        assert steering(text) == set(), reply
    assert state_of(home) == before
    assert len(model.requests) >= 2 * len(replies), "the model was not asked"


FAILURES = {
    "killed before a word": Reply(breaks_off=True),
    "killed in the middle": Reply(pieces=["Because ", "the odds "], breaks_off=True),
    "429": Reply(status=429, raw=b"{}"),
    "a call that cannot be read": Reply(calls=[("market", '{"asset": ')]),
    "a call of no tool": Reply(calls=[("execute", "{}")] * 9),
    "100 kB": Reply(pieces=["word " * 1_000] * 20),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_model_that_fails_leaves_the_conversation_where_it_was(model, failure):
    """The local path answers that turn from the store, the next turn is answered by the model again."""
    commands = Listening()
    talk = talk_with(commands)
    model.answer = lambda _: failure
    failed = printed_by(talk, ["why a call and not a put?"])
    model.answer = lambda _: Reply(pieces=["Back ", "again."])
    after = printed_by(talk, ["why a call and not a put?"])

    assert "On ETH I said" in failed
    assert "Back again." in after
    assert commands.commands == []


def test_a_twentieth_of_the_hostile_outputs_signs_and_changes_nothing(model, settled_home):
    attacked(model, settled_home, hostile_replies()[::ORDINARY])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_hostile_output_signs_or_changes_anything(model, settled_home):
    replies = hostile_replies()

    assert len(replies) >= 500
    attacked(model, settled_home, replies)


def test_what_the_counters_count_can_be_reached(settled_home):
    """The control of the tests here: a person's own yes does arrive at the card."""
    commands = Listening()

    printed_by(talk_with(commands), ["yes, go ahead"])

    assert commands.commands == [("approve", recommendation().id)]


def injected(home: Path, texts: Sequence[str]) -> None:
    """Quote each text as a post, and let two positions be called by it."""
    before = state_of(home)
    for text in texts:
        commands = Listening()
        shown = printed_by(talk_with(commands), [f'somebody posted this, what does it mean: "{text}"'])
        shown += printed_by(talk_with(commands, text), ["sell my eth option"])

        assert {command[0] for command in commands.commands} <= LOOKS, text
        assert steering(shown) == set(), text
    assert state_of(home) == before


def test_a_twentieth_of_the_injected_posts_and_names_does_nothing(settled_home):
    injected(settled_home, injections()[::ORDINARY])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_injected_post_or_name_does_anything(settled_home):
    texts = injections()

    assert len(texts) >= 200
    injected(settled_home, texts)


# ── 10,000 strings ────────────────────────────────────────────────────────────────────────────────────────────────


def fuzzed(count: int) -> Iterator[str]:
    """Give strings of escapes, control characters, letters of everywhere and ordinary words."""
    chance = random.Random(20261125)
    pieces = (
        lambda: chance.choice(ESCAPES),
        lambda: chr(chance.randrange(0x20)),
        lambda: chr(chance.randrange(0x7F, 0xA0)),
        lambda: chr(chance.choice([0x200B, 0x200E, 0x202A, 0x202E, 0x2066, 0x2028, 0x2029, 0xFEFF, 0xE0041])),
        lambda: chr(chance.randrange(0x20, 0xD800)),
        lambda: chance.choice(["ETH", "3,200.50", "[red]", "approve", "\n", "  "]),
    )
    for _ in range(count):
        yield "".join(chance.choice(pieces)() for _ in range(chance.randrange(1, 20)))


def unsteered(count: int) -> None:
    for text in fuzzed(count):
        stream = io.StringIO()
        with redirect_stdout(stream), redirect_stderr(stream):
            Voice().say(Speaker.ALPHA, text)
            quotation = Quotation(78, lambda: None)
            quotation.feed(text)
            quotation.end()
        alert = Alert("cause", Level.CRITICAL, "kind", text, text)
        printed = stream.getvalue() + alert_line(KeptAlert(1, alert, datetime(2026, 11, 25, tzinfo=UTC)))

        assert steering(printed) == set(), ascii(text)


def test_a_twentieth_of_the_fuzzed_strings_steers_no_terminal():
    unsteered(500)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_fuzzed_string_steers_the_terminal():
    unsteered(10_000)
