"""Runs bethna as people do: a process of its own, with a home of its own."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import SLIPPAGE, START, environment_at

from bethna_cli.cli import app as edge

Bethna = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "bethna"
    place.mkdir(mode=0o700)
    return place


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """What a process of the test gets to see."""
    return environment_at(home)


@pytest.fixture
def bethna(environment: dict[str, str]) -> Bethna:
    """Run `bethna WORDS…` with extra variables, and return what it printed and its exit code."""

    def run(*words: str, stdin: str | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*START, *words], env={**environment, **variables}, input=stdin, capture_output=True, text=True, timeout=60
        )

    return run


@pytest.fixture
def bethna_here(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bethna:
    """Run `bethna WORDS…` in this process, through the same outer edge: for the many that refuse or only print."""
    for name in [name for name in os.environ if name.startswith("BETHNA_")]:
        monkeypatch.delenv(name)
    for name, value in {**SLIPPAGE, "BETHNA_HOME": str(home), "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        capsys.readouterr()
        code = edge.run(words)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def bethna_at() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `bethna WORDS…` with a given home and input, for runs that several tests look at."""

    def run(home: Path, words: tuple[str, ...], stdin: str | None) -> "subprocess.CompletedProcess[str]":
        home.chmod(0o700)
        return subprocess.run(
            [*START, *words], env=environment_at(home), input=stdin, capture_output=True, text=True, timeout=90
        )

    return run
