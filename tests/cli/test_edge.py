"""The outer edge: help, errors as words and as JSON, exit codes, pipes, our own bugs."""

import json
import shlex
import subprocess

import pytest
import typer
from cli_process import START

from bethna_cli.cli import app as edge
from bethna_cli.cli.registry import BY_NAME, COMMANDS
from bethna_cli.domain.errors import BethnaError, QuoteExpired, UnknownAsset

LEAVES = [
    *(command.name for command in COMMANDS if not command.is_group),
    *("config show", "config set", "config path"),
]


@pytest.fixture
def failing(monkeypatch):
    """Make `bethna path` raise what a test wants, at the place where commands raise."""

    def arrange(error: BaseException) -> None:
        def command(as_json: bool = typer.Option(False, "--json")) -> None:
            raise error

        table = typer.Typer(rich_markup_mode=None)
        table.command("broken")(command)
        table.callback()(lambda: None)
        monkeypatch.setattr(edge, "app", table)

    return arrange


def test_naming_no_command_prints_help_that_starts_with_a_line_to_paste(bethna):
    shown = bethna()

    assert shown.returncode == 0
    assert shown.stdout.splitlines()[0] == "bethna recommend ETH"
    assert shown.stderr == ""
    assert all(command.name in shown.stdout for command in COMMANDS)


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("words", ["", *LEAVES, "sim", "config"])
def test_every_command_has_help_that_fits_80_columns(bethna_here, words, flag):
    shown = bethna_here(*words.split(), flag)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize("words", LEAVES)
def test_help_of_a_command_starts_with_an_example_of_that_command(bethna_here, words):
    first = bethna_here(*words.split(), "-h").stdout.splitlines()[0]

    assert shlex.split(first)[: 1 + len(words.split())] == ["bethna", *words.split()]


def test_the_first_screen_is_one_page(bethna):
    assert len(bethna().stdout.splitlines()) <= 58


def test_the_version_is_printed(bethna):
    shown = bethna("--version")

    assert shown.returncode == 0
    assert shown.stdout.startswith("bethna ")


def test_a_mistyped_command_is_refused_with_the_right_one(bethna_here):
    shown = bethna_here("recomend", "ETH")

    assert shown.returncode == 2
    assert "Did you mean 'recommend'" in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        "recomend ETH",
        "recommend",
        "recommend ETH --colour",
        "recommend ETH --budget 0",
        "recommend ETH --budget -5",
        "recommend ETH --budget abc",
        "recommend ETH --budget nan",
        "recommend ETH --budget 1e400",
        "recommend ETH --expiry 0d",
        "recommend ETH --expiry 7",
        "recommend ETH --delta 2",
        "recommend ETH --seed x",
        "recommend ETH --at noon",
        "recommend ETH --replay /nowhere --at 2026-05-05T15:30Z",
        "recommend ETH --network mainnet",
        "recommend ETH --bullish --bearish",
        "recommend ETH BTC",
        "buy eth --strike 3000",
        "buy eth-call --strike x",
        "buy eth-call --strike 3000 --expiry soon",
        "buy eth-call --strike 3000 --amount 0",
        "config set seed many",
        "config set x_bearer_token abc",
        "train --data . --until yesterday",
    ],
)
def test_wrong_usage_is_refused_in_one_line_and_exits_2_in_words_and_in_json(bethna_here, words):
    said, objected = bethna_here(*shlex.split(words)), bethna_here(*shlex.split(words), "--json")

    assert (said.returncode, objected.returncode) == (2, 2)
    assert said.stdout == ""
    assert len(said.stderr.splitlines()) == 1
    error = json.loads(objected.stdout)["error"]
    assert (error["code"], error["exit"]) == ("usage", 2)
    assert error["message"] in said.stderr
    assert error["hint"].startswith(("bethna", "leave out"))
    assert objected.stderr == ""


@pytest.mark.parametrize(
    ("word", "suggestion"), [("ETG", "ETH"), ("bitcon", "BTC"), ("etherum", "ETH"), ("\x1b[31mx", "ETH")]
)
def test_an_unknown_asset_exits_6_with_a_suggestion_to_paste(bethna_here, word, suggestion):
    shown = bethna_here("recommend", word, "--json")

    error = json.loads(shown.stdout)["error"]
    assert (shown.returncode, error["exit"], error["code"]) == (6, 6, "unknown_asset")
    assert error["hint"] == f"bethna recommend {suggestion}"
    assert "\x1b" not in bethna_here("recommend", word).stderr


@pytest.mark.parametrize(
    "error",
    [
        QuoteExpired("The quote is 41 s old; the limit is 30 s.", hint="bethna recommend ETH"),
        UnknownAsset("x", ["ETH"], None),
    ],
)
def test_an_error_is_an_object_with_code_exit_message_and_hint(failing, capsys, error):
    failing(error)

    code = edge.run(["broken", "--json"])

    printed = capsys.readouterr()
    assert code == error.exit_code
    assert json.loads(printed.out) == {
        "ok": False,
        "error": {"code": error.code, "exit": error.exit_code, "message": error.message, "hint": error.hint},
    }


def test_our_own_bug_exits_1_by_type_and_place_and_keeps_its_words_to_itself(failing, capsys, monkeypatch):
    monkeypatch.delenv("BETHNA_DEBUG", raising=False)
    failing(RuntimeError("token=AAAA"))

    code = edge.run(["broken"])

    printed = capsys.readouterr()
    assert code == 1
    assert "RuntimeError" in printed.err
    assert "AAAA" not in printed.err + printed.out
    assert "Traceback" not in printed.err


def test_debugging_shows_the_traceback_of_our_own_bug(failing, capsys, monkeypatch):
    monkeypatch.setenv("BETHNA_DEBUG", "1")
    failing(RuntimeError("broken"))

    assert edge.run(["broken"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_exits_130_without_a_traceback(failing, capsys):
    failing(KeyboardInterrupt())

    assert edge.run(["broken"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_every_error_has_the_exit_code_of_its_kind():
    codes = {cls.exit_code for cls in _family(BethnaError)}

    assert codes == {1, 2, 3, 4, 5, 6}


def _family(cls):
    return {cls}.union(*(_family(child) for child in cls.__subclasses__()))


@pytest.mark.parametrize("words", ["--help", "config show", "config show --json"])
def test_a_reader_that_leaves_early_is_no_error(environment, words):
    line = f"set -o pipefail; {shlex.join(START)} {words} | head -n 1"
    shown = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert len(shown.stdout.splitlines()) == 1


@pytest.mark.parametrize("words", ["--help", "config show", "config show --json", "recomend --json"])
def test_a_reader_that_is_gone_before_the_first_word_is_no_error_of_ours(environment, words):
    line = f"{shlex.join(START)} {words} | true; echo ${{PIPESTATUS[0]}}"
    shown = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60)

    assert shown.stdout.strip() in {"0", "2"}
    assert shown.stderr == ""


def test_completion_offers_the_commands(environment):
    asked = {**environment, "_BETHNA_COMPLETE": "complete_bash", "COMP_WORDS": "bethna re", "COMP_CWORD": "1"}
    shown = subprocess.run(START, env=asked, capture_output=True, text=True, timeout=60)

    assert "recommend" in shown.stdout.split()


def test_every_command_of_the_registry_exists():
    commands = edge._Commands()

    assert list(commands) == list(BY_NAME)
    assert all(commands[name].name == name for name in commands if not BY_NAME[name].is_group)
