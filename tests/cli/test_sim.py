"""The embedded world for several processes: up, seen by others, moved ahead, down, gone on, forgotten."""

import json

import pytest


@pytest.fixture
def world(bethna):
    """Start a world in the background, stop it afterwards whatever happens, and return what it says of itself."""

    def start(*words: str) -> dict[str, object]:
        shown = bethna("sim", "up", "--detach", "--json", *words)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        return json.loads(shown.stdout)

    yield start
    bethna("sim", "down")


def test_a_world_that_is_not_served_exits_6_with_the_line_that_serves_it(bethna_here):
    for words in ("status", "down", "advance 6h"):
        shown = bethna_here("sim", *words.split(), "--json")

        assert shown.returncode == 6
        assert json.loads(shown.stdout)["error"]["hint"] == "bethna sim up --detach"


def test_a_served_world_names_its_address_time_seed_and_speed(world, bethna_here):
    started = world("--seed", "5", "--speed", "3")

    status = json.loads(bethna_here("sim", "status", "--json").stdout)

    assert status["market_url"] == started["market_url"]
    assert (status["seed"], status["speed"], status["origin"]) == (5, 3.0, "simulated")
    assert status["time"] >= started["time"]


def test_another_process_sees_the_served_world_at_the_worlds_own_time(world, bethna, bethna_here):
    url = str(world()["market_url"])
    moved = json.loads(bethna_here("sim", "advance", "6h", "--json").stdout)

    seen = json.loads(bethna("market", "ETH", "--json", BETHNA_MARKET_URL=url).stdout)

    assert seen["taken_at"] >= moved["time"]
    assert {seen[part]["status"] for part in ("spot", "options", "funding", "history")} == {"ok"}
    assert seen["spot"]["simulated"]


def test_starting_a_world_that_is_up_changes_nothing(world, bethna_here):
    first = world()

    again = bethna_here("sim", "up", "--detach", "--speed", "20", "--json")

    assert (json.loads(again.stdout)["pid"], json.loads(again.stdout)["speed"]) == (first["pid"], first["speed"])
    assert "stays as it is" in again.stderr


def test_a_stopped_world_goes_on_and_a_forgotten_one_starts_anew(world, bethna_here):
    started = world("--seed", "5")
    moved = json.loads(bethna_here("sim", "advance", "2d", "--json").stdout)
    assert bethna_here("sim", "reset").returncode == 4
    assert bethna_here("sim", "down").returncode == 0

    refused = bethna_here("sim", "up", "--detach", "--seed", "6", "--json")
    resumed = world("--seed", "5")
    assert bethna_here("sim", "down").returncode == 0
    assert bethna_here("sim", "reset").returncode == 0
    anew = world("--seed", "6")

    assert "seed 5, not 6" in json.loads(refused.stdout)["error"]["message"]
    assert resumed["time"] >= moved["time"]
    assert (anew["seed"], anew["time"] < moved["time"]) == (6, True)
    assert anew["pid"] != started["pid"]


@pytest.mark.parametrize("span", ["0s", "-1h", "6", "9999d", "soon"])
def test_a_step_of_the_clock_that_is_no_span_is_refused(bethna_here, span):
    assert bethna_here("sim", "advance", "--", span).returncode == 2


def test_a_replayed_world_stands_still_and_says_what_it_replays(world, bethna, bethna_here, market_data_dir):
    started = world("--replay", str(market_data_dir), "--at", "2026-05-05T15:30Z")

    advanced = bethna_here("sim", "advance", "1h")
    seen = json.loads(bethna("market", "ETH", "--json", BETHNA_MARKET_URL=str(started["market_url"])).stdout)
    alone = bethna("recommend", "ETH", "--json", "--replay", str(market_data_dir), "--at", "2026-05-05T15:30Z")
    served = json.loads(bethna("recommend", "ETH", "--json").stdout)

    assert (started["origin"], advanced.returncode) == ("replay", 2)
    assert seen["taken_at"] == started["time"]
    assert seen["spot"]["origin"] == "replay"
    assert served["candidate"] == json.loads(alone.stdout)["candidate"]
    assert served["payoff"] == json.loads(alone.stdout)["payoff"]
