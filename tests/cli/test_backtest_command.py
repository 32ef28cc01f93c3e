"""`bethna backtest` on the command line: a screen, JSON, a trade log, pictures, and refusals with a next step."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from bethna_cli.flow.backtest_report import TRADE_COLUMNS
from recordings import Recording, recording

Bethna = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return recording(tmp_path_factory.mktemp("cli"), days=4)


def test_the_screen_fits_80_columns_and_says_what_is_not_shown(bethna_here: Bethna, made: Recording) -> None:
    run = bethna_here("backtest", "--data", str(made.folder), "--asset", "eth", "--plot")

    assert (run.returncode, run.stderr) == (0, "")
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert run.stdout.startswith("Alpha on ETH, 2026-03-01 to 2026-03-04: 4 decisions")
    assert "What it shows" in run.stdout
    assert "holding cash" in run.stdout
    assert "\x1b" not in run.stdout


def test_json_holds_the_figures_and_the_logs_hold_the_positions(
    bethna_here: Bethna, made: Recording, tmp_path: Path
) -> None:
    table, lines = tmp_path / "trades.csv", tmp_path / "trades.jsonl"
    printed = [
        bethna_here("backtest", "--data", str(made.folder), "--trades", str(path), "--json").stdout
        for path in (table, lines)
    ]
    report = json.loads(printed[0])
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    objects = [json.loads(line) for line in lines.read_text().splitlines()]

    assert printed[0] == printed[1]
    assert tuple(rows[0]) == tuple(objects[0]) == TRADE_COLUMNS
    assert [row["profit_usdc"] for row in rows] == [str(one["profit_usdc"]) for one in objects]
    for name, figures in report["strategies"].items():
        profits = [one["profit_usdc"] for one in objects if one["strategy"] == name]
        assert figures["gain_usdc"] == pytest.approx(sum(profits), abs=1e-5)


def test_a_range_is_two_days_the_last_one_included(bethna_here: Bethna, made: Recording) -> None:
    words = ("--from", "2026-03-02", "--to", "2026-03-03", "--json")
    report = json.loads(bethna_here("backtest", "--data", str(made.folder), *words).stdout)

    assert (report["moments"], report["from"][:10], report["to"][:10]) == (2, "2026-03-02", "2026-03-03")


def test_candles_alone_test_the_rule_on_the_asset_itself(bethna_here: Bethna, made: Recording) -> None:
    words = ("backtest", "--data", str(made.period), "--candles-only")
    report = json.loads(bethna_here(*words, "--json").stdout)
    screen = bethna_here(*words).stdout

    assert report["trades"] == len(report["trade_log"]) > 0
    assert report["candles"] == report["data"][0]["rows"]
    assert "No options and no model in it" in screen
    assert max(map(len, screen.splitlines())) <= 80


def test_a_picture_is_a_png_file(bethna_here: Bethna, made: Recording, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    picture = tmp_path / "course.png"

    assert bethna_here("backtest", "--data", str(made.folder), "--png", str(picture), "--json").returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_refusal_says_what_to_install(
    bethna_here: Bethna, made: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bethna_cli.cli.plot_png.find_spec", {}.get)

    run = bethna_here("backtest", "--data", str(made.folder), "--png", str(tmp_path / "c.png"))

    assert (run.returncode, run.stdout) == (4, "")
    assert "pip install 'bethna[plot]'" in run.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "yesterday"), 2, "--from 'yesterday' must be a day like 2026-01-31"),
        (("--from", "2026-03-03", "--to", "2026-03-01"), 2, "--to is before --from"),
        (("--capital", "much"), 2, "--capital 'much' must be an amount of USDC"),
        (("--capital", "5"), 2, "--capital must be at least one --budget"),
        (("--png", "course.jpg"), 2, "must end in .png"),
        (("--candles-only", "--modelled", "1"), 2, "--candles-only and --modelled are different tests"),
        (("--modelled", "9"), 2, "--modelled"),
        (("--asset", "DOGE"), 6, "DOGE"),
        (("--asset", "BTC"), 4, "deribit_options_btc.csv.gz"),
        (("--from", "2030-01-01"), 4, "no chain from 2030-01-01"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    bethna_here: Bethna, made: Recording, words: tuple[str, ...], code: int, said: str
) -> None:
    run = bethna_here("backtest", "--data", str(made.folder), *words, "--json")
    error = json.loads(run.stdout)["error"]

    assert (run.returncode, error["exit"]) == (code, code)
    assert said in error["message"]
