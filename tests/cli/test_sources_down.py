"""Each source down, slow, or talking nonsense: what a person gets, in time, and never an invented number."""

import json
import math
import time
from collections.abc import Callable, Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest
from broken_market import FAULTS, NOW, broken_app, served
from cli_process import environment_at, run_here

from bethna_cli.adapters.sim import market

Bethna = Callable[..., "CompletedProcess[str]"]
AT = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
PATHS = {"PYTH": "/hermes", "DYDX": "/dydx", "THETANUTS": "/thetanuts", "FNG": "/fng"}
PATIENCE_S = 3.0
NOBODY = "http://127.0.0.1:9"
BROKEN = [*FAULTS, "error 500", "stale"]


@pytest.fixture(scope="module", params=[*BROKEN, "slow"])
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    with served(broken_app(request.param)) as url:
        yield request.param, url


def recommend(bethna_here: Bethna, monkeypatch: pytest.MonkeyPatch, **urls: str) -> "CompletedProcess[str]":
    monkeypatch.setenv("BETHNA_SOURCE_TIMEOUT_S", str(PATIENCE_S))
    for source, url in urls.items():
        monkeypatch.setenv(f"BETHNA_{source}_URL", url)
    return bethna_here("recommend", "ETH", "--at", AT, "--json")


def sound(document: Any) -> bool:
    """Whether every number anywhere in a document is finite."""
    if isinstance(document, dict):
        return all(map(sound, document.values()))
    if isinstance(document, list):
        return all(map(sound, document))
    return not isinstance(document, float) or math.isfinite(document)


def check(source: str, answer: "CompletedProcess[str]", healthy: dict[str, Any]) -> None:
    """Hold an answer to what is documented for `source` being unusable."""
    document = json.loads(answer.stdout)
    assert sound(document)
    assert "Traceback" not in answer.stdout + answer.stderr
    if source == "THETANUTS":
        assert answer.returncode == 5
        assert document["ok"] is False
        assert "options" in document["error"]["message"]
        return
    assert answer.returncode == 0
    spot = document["market"]["spot"]
    assert spot["value"] == pytest.approx(healthy["market"]["spot"]["value"], rel=0.02)
    if source == "PYTH":
        assert spot["source"] == "dydx oracle"
        assert any("pyth" in note for note in spot["notes"])
        assert document["prediction"] == healthy["prediction"]
        return
    part = {"DYDX": "funding", "FNG": "sentiment"}[source]
    assert document["market"][part]["status"] in ("failed", "stale")
    assert document["market"][part]["reason"]
    assert any(part in warning for warning in document["warnings"])
    assert part in document["prediction"]["missing"]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is answered with every source up: the same bytes each time, as the last of these tests says."""
    done = run_here(environment_at(tmp_path_factory.mktemp("healthy")), "recommend", "ETH", "--at", AT, "--json")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("source", PATHS)
def test_a_source_that_answers_nonsense_or_not_in_time_is_left_out_or_ends_the_answer(
    bethna_here: Bethna, monkeypatch: pytest.MonkeyPatch, healthy: dict[str, Any], broken: tuple[str, str], source: str
) -> None:
    _, url = broken
    started = time.monotonic()
    answer = recommend(bethna_here, monkeypatch, **{source: url + PATHS[source]})

    check(source, answer, healthy)
    assert time.monotonic() - started < 10, "the time-out of one source bounds the whole look"


@pytest.mark.parametrize("source", PATHS)
def test_a_source_that_is_down_is_left_out_or_ends_the_answer(
    bethna_here: Bethna, monkeypatch: pytest.MonkeyPatch, healthy: dict[str, Any], source: str
) -> None:
    check(source, recommend(bethna_here, monkeypatch, **{source: NOBODY}), healthy)


def test_with_everything_down_there_is_one_clear_error(bethna_here: Bethna, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = recommend(bethna_here, monkeypatch, **dict.fromkeys(PATHS, NOBODY))

    assert answer.returncode == 5
    assert json.loads(answer.stdout)["error"]["hint"] == "bethna doctor"


def test_the_same_seed_and_clock_give_the_same_bytes(bethna_here: Bethna, monkeypatch: pytest.MonkeyPatch) -> None:
    first = recommend(bethna_here, monkeypatch).stdout
    market._nature.cache_clear()
    second = recommend(bethna_here, monkeypatch).stdout

    assert first == second
    assert bethna_here("recommend", "ETH", "--at", AT, "--seed", "8", "--json").stdout != first
