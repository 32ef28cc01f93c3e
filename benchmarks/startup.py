"""Start-up: `bethna --help` against a bare Typer application, and a whole `bethna recommend ETH` process.

Run: python benchmarks/startup.py [ROUNDS]. Bytecode is compiled first, the variants take turns in one run, and each
answer is checked: help lists the commands, the recommendation is the JSON of a simulated market. Goals: help at
most 0.55 of the bare application (one command, rich help, Typer's defaults); recommend at most 400 ms.
"""

import compileall
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROUNDS = 15
BARE = """
import typer

app = typer.Typer()


@app.callback()
def root() -> None:
    '''A bare application.'''


@app.command()
def hello(name: str = "you", loud: bool = False) -> None:
    '''Say hello.'''


app()
"""
BETHNA = str(Path(sysconfig.get_path("scripts")) / "bethna")
HELP_GOAL = 0.55
RECOMMEND_GOAL_MS = 400.0


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    compile_everything()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        variants = {
            "bare interpreter": [sys.executable, "-c", "pass"],
            "bare Typer --help": [sys.executable, str(bare), "--help"],
            "bethna --help": [BETHNA, "--help"],
            "bethna recommend ETH --json": [BETHNA, "recommend", "ETH", "--json"],
            "bethna recommend ETH": [BETHNA, "recommend", "ETH"],
        }
        check(variants, home)
        spent: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(rounds):
            for name, command in variants.items():
                spent[name].append(timed(command, home))
    return report(spent)


def compile_everything() -> None:
    """Write the bytecode that a normal installation has."""
    for folder in (sysconfig.get_path("purelib"), str(Path(__file__).resolve().parent.parent / "src")):
        compileall.compile_dir(folder, quiet=2, workers=2)


def environment(home: Path) -> dict[str, str]:
    """Return a child's variables: none of ours, bytecode allowed, a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BETHNA_") and k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "BETHNA_HOME": str(home), "COLUMNS": "80"}


def run(command: list[str], home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, check=True)


def timed(command: list[str], home: Path) -> float:
    started = time.perf_counter()
    run(command, home)
    return (time.perf_counter() - started) * 1000


def check(variants: dict[str, list[str]], home: Path) -> None:
    """Fail when an answer is not what it should be; the first runs also warm the disk."""
    shown = run(variants["bethna --help"], home).stdout
    assert all(word in shown for word in ("recommend", "market", "doctor")), shown
    assert "hello" in run(variants["bare Typer --help"], home).stdout
    answer = json.loads(run(variants["bethna recommend ETH --json"], home).stdout)
    assert answer["simulated"], answer
    assert answer["market"]["spot"]["value"] > 0, answer
    assert "SIMULATED" in run(variants["bethna recommend ETH"], home).stdout


def report(spent: dict[str, list[float]]) -> int:
    medians = {name: statistics.median(times) for name, times in spent.items()}
    for name, times in spent.items():
        print(f"{name:30} median {medians[name]:6.0f} ms   min {min(times):6.0f}   max {max(times):6.0f}")
    ratio = medians["bethna --help"] / medians["bare Typer --help"]
    card = medians["bethna recommend ETH"]
    print(f"help / bare Typer: {ratio:.2f} (goal {HELP_GOAL}); recommend: {card:.0f} ms (goal {RECOMMEND_GOAL_MS:.0f})")
    return 0 if ratio <= HELP_GOAL and card <= RECOMMEND_GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
