"""What a command may load: a look at the market must not pay for the chain, the trainer or a language model."""

import json
import subprocess

import pytest
from cli_process import INTERPRETER

HEAVY = frozenset(
    """
    numpy scipy pandas sklearn joblib web3 eth_account eth_keys eth_abi eth coincurve rlp langchain langchain_core
    langgraph langsmith sqlite_utils starlette uvicorn websockets vaderSentiment prompt_toolkit requests aiohttp keyring
    """.split()  # noqa: SIM905 (a list of names reads better as words)
)
NOT_FOR_HELP = HEAVY | frozenset(
    """
    httpx pydantic rich plotext sqlite3 asyncio tomllib platformdirs bethna_cli.settings bethna_cli.bootstrap
    bethna_cli.analysis bethna_cli.flow bethna_cli.adapters
    """.split()  # noqa: SIM905
)
LOOKS = (
    "recommend ETH",
    "recommend BTC --json",
    "market ETH",
    "strategies",
    "strategies eth-call",
    "positions",
    "history",
    "report --csv -",
)
DOCUMENTS = ("recommend ETH --json", "market ETH --json", "strategies eth --json", "config show --json")
WATCH = """
import json, sys
from bethna_cli.cli.app import run

code = run(sys.argv[1:])
sys.stderr.write(json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


@pytest.fixture
def loaded_by(environment):
    """Run a command and return its exit code and the names of all modules it loaded, parents included."""

    def run(words: str) -> tuple[int, set[str]]:
        shown = subprocess.run(
            [INTERPRETER, "-c", WATCH, *words.split()], env=environment, capture_output=True, text=True, timeout=60
        )
        report = json.loads(shown.stderr.splitlines()[-1])
        return report["code"], set(report["modules"])

    return run


@pytest.mark.parametrize("words", ["sim --help", "recommend --help"])
def test_help_of_a_command_loads_no_more_than_its_own_flags_need(loaded_by, words):
    code, modules = loaded_by(words)

    assert code == 0
    assert modules & (NOT_FOR_HELP - {"pydantic"}) == set()


@pytest.mark.parametrize("words", ["", "--help", "--version"])
def test_help_loads_typer_and_nothing_that_costs(loaded_by, words):
    code, modules = loaded_by(words)

    assert code == 0
    assert modules & NOT_FOR_HELP == set()


@pytest.mark.parametrize(
    "words", ["recommend ETH", "recommend BTC --json", "market ETH", "strategies", "strategies eth-call"]
)
def test_a_look_at_the_market_loads_no_heavy_library(loaded_by, words):
    code, modules = loaded_by(words)

    assert code == 0
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    "words", ["recommend ETH --json", "market ETH --json", "strategies eth --json", "config show --json"]
)
def test_json_draws_nothing(loaded_by, words):
    code, modules = loaded_by(words)

    assert code == 0
    assert modules & {"plotext", "bethna_cli.cli.tables"} == set()


@pytest.mark.parametrize("words", ["chat thanks", "chat why?"])
def test_a_conversation_loads_no_language_model_unless_one_is_set_up(loaded_by, words):
    code, modules = loaded_by(words)

    assert code == 0
    assert modules & (HEAVY - {"prompt_toolkit"}) == set()
