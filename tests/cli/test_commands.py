"""The commands end to end, on the embedded market: what scripts read and what people see."""

import json
import os
import pty
import shlex
import subprocess

import pytest
from cli_process import START

AT = ("--at", "2026-11-20T12:00Z", "--seed", "7")
EVERYTHING = (
    *("recommend ETH", "recommend BTC --bearish", "market BTC", "strategies", "strategies eth"),
    *("doctor", "model", "config show"),
)


def read_terminal(words: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run bethna on a terminal of its own and return its exit code and everything it wrote there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([*START, *shlex.split(words)], env=environment, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return child.wait(timeout=60), shown.decode()


def test_the_market_as_json_names_source_age_and_state_of_each_part(bethna_here):
    shown = bethna_here("market", "ether", *AT, "--json")

    found = json.loads(shown.stdout)
    assert (shown.returncode, found["asset"], found["taken_at"]) == (0, "ETH", "2026-11-20T12:00:00Z")
    for part in ("spot", "options", "funding", "sentiment", "history"):
        assert found[part]["source"]
        assert (found[part]["status"], found[part]["simulated"]) == ("ok", True)


def test_strategies_lists_asks_of_the_named_kind_alone(bethna_here):
    rows = json.loads(bethna_here("strategies", "btc-put", *AT, "--json").stdout)

    assert rows
    assert {(row["asset"], row["option_type"], row["simulated"]) for row in rows} == {("BTC", "PUT", True)}
    assert all(row["price_usd"] > 0 and row["max_contracts"] > 0 for row in rows)


def test_strategies_without_a_product_lists_what_there_is_of_both_assets(bethna_here):
    rows = json.loads(bethna_here("strategies", *AT, "--json").stdout)

    assert {row["asset"] for row in rows} == {"ETH", "BTC"}


@pytest.mark.parametrize("words", EVERYTHING)
def test_in_a_pipe_everything_but_a_line_to_paste_fits_80_columns_and_has_no_escapes(bethna_here, words):
    shown = bethna_here(*words.split())

    lines = [line for line in shown.stdout.splitlines() if not line.strip().startswith("bethna ")]
    assert shown.returncode == 0
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in shown.stdout


def test_the_line_of_a_card_works_when_pasted_and_looks_at_the_same_market(bethna_here):
    card = bethna_here("recommend", "ETH", *AT)
    (line,) = [line.strip() for line in card.stdout.splitlines() if line.strip().startswith("bethna buy")]

    assert json.loads(bethna_here("recommend", "ETH", *AT, "--json").stdout)["buy_line"] == line
    pasted = bethna_here(*shlex.split(line)[1:], "--json")

    assert pasted.returncode == 0
    found = json.loads(pasted.stdout)
    assert found["created_at"] == "2026-11-20T12:00:00Z"
    assert found["legs"][0]["ticker"] in json.dumps(json.loads(bethna_here("recommend", "ETH", *AT, "--json").stdout))


def test_buying_what_is_not_on_offer_exits_3_and_names_what_is(bethna_here):
    shown = bethna_here("buy", "eth-call", "--strike", "1", *AT, "--json")

    error = json.loads(shown.stdout)["error"]
    assert (shown.returncode, error["code"]) == (3, "nothing_suitable")


@pytest.mark.parametrize("budget", ["0.5", "33.33", "100", "5000"])
def test_a_budget_is_never_exceeded(bethna_here, budget):
    found = json.loads(bethna_here("recommend", "ETH", "--budget", budget, *AT, "--json").stdout)

    best = found["candidate"] or found
    assert 0 < best["amount_usdc"] <= float(budget)
    assert best["max_loss_usdc"] <= float(budget)


@pytest.mark.parametrize("words", ["recommend ETH", "market ETH", "strategies", "model", "recommend DOGÉ"])
def test_a_terminal_without_unicode_gets_every_answer_in_the_characters_it_has(bethna, words):
    shown = bethna(*words.split(), PYTHONIOENCODING="ascii")

    assert shown.returncode == (6 if "DOG" in words else 0)
    assert "mistake" not in shown.stderr
    assert (shown.stdout + shown.stderr).isascii()


@pytest.mark.parametrize("words", ["recommend ETH", "market ETH", "doctor"])
def test_colour_is_for_terminals_and_can_be_switched_off(environment, words):
    coloured = read_terminal(words, {**environment, "TERM": "xterm-256color"})
    asked = read_terminal(f"{words} --no-color", {**environment, "TERM": "xterm-256color"})
    told = read_terminal(words, {**environment, "TERM": "xterm-256color", "NO_COLOR": "1"})

    assert (coloured[0], asked[0], told[0]) == (0, 0, 0)
    assert "\x1b[" in coloured[1]
    assert "\x1b" not in asked[1]
    assert "\x1b" not in told[1]


def test_doctor_measures_every_source_and_finds_an_installation_in_order(bethna_here):
    shown = bethna_here("doctor", "--json")

    found = json.loads(shown.stdout)
    names = {check["name"]: check for check in found["checks"]}
    assert (shown.returncode, found["ok"]) == (0, True)
    assert {"python", "folders", "model", "store", "options", "funding", "mood"} <= set(names)
    assert names["options"]["latency_ms"] >= 0


def test_doctor_exits_5_when_a_source_is_down_and_names_it(bethna):
    shown = bethna("doctor", "--json", BETHNA_THETANUTS_URL="http://127.0.0.1:9")

    failed = {check["name"] for check in json.loads(shown.stdout)["checks"] if check["status"] == "failed"}
    assert shown.returncode == 5
    assert failed == {"options", "spot thetanuts"}


def test_doctor_exits_4_when_a_setting_is_wrong_and_points_out_a_misspelt_variable(bethna):
    wrong = bethna("doctor", "--json", BETHNA_SEED="x")
    misspelt = bethna("doctor", BETHNA_SEDE="1")

    assert wrong.returncode == 4
    assert misspelt.returncode == 0
    assert "BETHNA_SEDE" in misspelt.stdout


def test_the_model_shows_its_data_and_its_test_on_years_it_had_not_seen(bethna_here):
    card = json.loads(bethna_here("model", "--json").stdout)
    text = bethna_here("model").stdout

    assert card["version"] in text
    assert all(file["sha256"][:12] in text for file in card["data"])
    assert all(str(fold["year"]) in text for fold in card["walk_forward"]["folds"])


def test_training_without_its_data_exits_4_and_names_the_file(bethna_here, tmp_path):
    shown = bethna_here("train", "--data", str(tmp_path), "--out", str(tmp_path / "m.bin"), "--json")

    error = json.loads(shown.stdout)["error"]
    assert shown.returncode == 4
    assert "eth_usd_1h.csv" in error["message"]
    assert not (tmp_path / "m.bin").exists()


def test_settings_are_shown_with_their_source_and_secrets_as_stars(bethna):
    shown = bethna("config", "show", "--json", BETHNA_X_BEARER_TOKEN="AAAA-secret", BETHNA_SEED="3")

    rows = {row["key"]: row for row in json.loads(shown.stdout)}
    assert rows["seed"] == {"key": "seed", "value": 3, "source": "environment"}
    assert rows["x_bearer_token"] == {"key": "x_bearer_token", "value": "********", "source": "environment"}
    assert rows["network"]["source"] == "default"
    assert "AAAA" not in shown.stdout + shown.stderr


def test_a_secret_is_read_from_stdin_and_kept_in_a_private_file(bethna, home):
    shown = bethna("config", "set", "x_bearer_token", stdin="AAAA-secret\n")

    assert shown.returncode == 0
    assert "AAAA" not in shown.stdout + shown.stderr
    assert (home / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert "secrets.toml" in bethna("config", "show").stdout


def test_a_setting_that_was_set_is_used_and_can_be_unset(bethna_here):
    assert bethna_here("config", "set", "budget_usdc", "12.50").returncode == 0
    limited = json.loads(bethna_here("recommend", "ETH", *AT, "--json").stdout)
    assert bethna_here("config", "set", "budget_usdc", "--unset").returncode == 0
    usual = json.loads(bethna_here("recommend", "ETH", *AT, "--json").stdout)

    assert (limited["candidate"] or limited)["amount_usdc"] <= 12.5
    assert (usual["candidate"] or usual)["amount_usdc"] > 12.5


def test_a_replay_names_both_moments_and_is_marked(bethna_here, market_data_dir):
    words = ("recommend", "ETH", "--replay", str(market_data_dir), "--at", "2026-05-05T15:30Z")

    card = bethna_here(*words)
    found = json.loads(bethna_here(*words, "--json").stdout)

    assert (card.returncode, found["origin"], found["simulated"]) == (0, "replay", False)
    assert "asked for 2026-05-05 15:30 UTC" in card.stdout.splitlines()[1]
    assert card.stdout.splitlines()[1].startswith("REPLAY 2026-05-05")


def test_a_replay_without_a_moment_exits_4_with_what_to_add(bethna_here, market_data_dir):
    shown = bethna_here("market", "ETH", "--replay", str(market_data_dir), "--json")

    assert shown.returncode == 4
    assert "--at" in json.loads(shown.stdout)["error"]["hint"]


def test_another_model_is_put_in_use_and_taken_back(bethna_here, tmp_path, monkeypatch):
    monkeypatch.setenv("BETHNA_HOME", str(tmp_path))
    from bethna_cli.bootstrap.model import SHIPPED_MODEL, load_model, shelve
    from bethna_cli.domain.model import TrainedModel

    card = {**load_model().card, "version": "alpha-2-mine"}
    shelve(TrainedModel(_with_card(SHIPPED_MODEL.read_bytes(), card), card))

    used = bethna_here("model", "use", "alpha-2-mine", "--json")
    listed = json.loads(bethna_here("model", "list", "--json").stdout)
    back = bethna_here("model", "rollback")

    assert json.loads(used.stdout) == {"in_use": "alpha-2-mine"}
    assert [(row["version"], row["in_use"]) for row in listed] == [
        ("alpha-2-2023-12-31", False),
        ("alpha-2-mine", True),
    ]
    assert back.stdout == "In use: alpha-2-2023-12-31\n"


def _with_card(content, card):
    from dataclasses import replace

    from bethna_cli.analysis.model_file import parse, serialise

    return serialise(replace(parse(content), card=card))


def test_a_model_in_use_that_was_changed_on_disk_is_refused(bethna_here, tmp_path, monkeypatch):
    monkeypatch.setenv("BETHNA_HOME", str(tmp_path))
    from bethna_cli.bootstrap.model import SHIPPED_MODEL, load_model, model_shelf, shelve
    from bethna_cli.domain.model import TrainedModel

    card = load_model().card
    kept = shelve(TrainedModel(SHIPPED_MODEL.read_bytes(), card))
    model_shelf().use(kept.sha256)
    file = tmp_path / "data" / "models" / f"{kept.sha256}.bin"
    file.write_bytes(_with_card(file.read_bytes(), {**card, "version": "alpha-2-forged"}))

    shown = bethna_here("recommend", "ETH", "--json")

    assert shown.returncode == 4
    assert json.loads(shown.stdout)["error"]["code"] == "model_corrupt"


def test_history_is_fetched_from_the_services_in_use_and_only_what_is_missing(bethna_here, tmp_path):
    from datetime import UTC, datetime, timedelta

    since = (datetime.now(UTC) - timedelta(days=50)).strftime("%Y-%m-%d")
    command = ("train", "--fetch-only", "--data", str(tmp_path), "--since", since, "--json")
    first, again = (json.loads(bethna_here(*command).stdout)["fetched"] for _ in range(2))

    assert first["origin"] == "simulated"
    assert first["added"]["eth_candles"] >= 50 * 24
    assert first["added"]["btc_funding"] >= 50 * 24
    assert again["added"]["eth_candles"] <= 1  # an hour may have gone by
    assert len((tmp_path / "fear_greed_daily.csv").read_text().splitlines()) >= 51
