"""The chat: from the command to its prompt against a bare prompt-toolkit session, and a local answer in milliseconds.

Run: python benchmarks/chat.py [ROUNDS]. Bytecode is compiled first and both prompts are waited for in a real
pseudo-terminal, in turns. The bare session is history, suggestions, a completer and a toolbar, and nothing behind it.
A local answer is one turn of a conversation that runs no command: understood, decided, explained, kept on disk.
Goals: the prompt within 600 ms, an answer within 50 ms.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pexpect
from startup import BETHNA, compile_everything, environment

ROUNDS = 9
PROMPT_GOAL_MS, ANSWER_GOAL_MS = 600.0, 50.0
BARE = """
from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import InMemoryHistory

session = PromptSession("bethna> ", completer=WordCompleter(["market"]), history=InMemoryHistory(),
                        auto_suggest=AutoSuggestFromHistory(), bottom_toolbar=lambda: "sim")
session.prompt()
"""
QUESTIONS = {"what is delta?": "Delta:", "thanks!": "welcome", "why?": "Nothing is on the table"}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    compile_everything()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        commands = {"bare prompt-toolkit": [sys.executable, str(bare)], "bethna chat": [BETHNA, "chat"]}
        spent: dict[str, list[float]] = {name: [] for name in commands}
        for round_number in range(rounds + 1):
            for name, command in commands.items():
                elapsed = until_prompt(command, home)
                if round_number:  # the first warms the disk
                    spent[name].append(elapsed)
        answers = answer_times(home, rounds)
    return report(spent, answers)


def until_prompt(command: list[str], home: Path) -> float:
    """Start a command in a pseudo-terminal and return the milliseconds until its prompt is drawn."""
    env = {**environment(home), "TERM": "xterm-256color"}
    started = time.perf_counter()
    child = pexpect.spawn(command[0], command[1:], env=env, dimensions=(40, 80), encoding="utf-8", timeout=30)
    child.expect("bethna>")
    elapsed = (time.perf_counter() - started) * 1000
    child.close(force=True)
    return elapsed


def answer_times(home: Path, rounds: int) -> list[float]:
    """Time whole turns in this process, each answer checked."""
    os.environ["BETHNA_HOME"] = str(home)
    from bethna_cli.bootstrap.chat import chat_desk, session_to_hold
    from bethna_cli.cli.repl import run_here
    from bethna_cli.cli.talk import Talk
    from bethna_cli.cli.voice import Voice
    from bethna_cli.settings import load_settings

    desk = chat_desk(load_settings())
    talk = Talk(desk, Voice(), run_here, session_to_hold(desk, go_on=False))
    times = []
    for question, expected in list(QUESTIONS.items()) * (rounds + 1):
        printed = StringIO()
        started = time.perf_counter()
        with redirect_stdout(printed):
            talk.hear(question)
        times.append((time.perf_counter() - started) * 1000)
        assert expected in printed.getvalue(), printed.getvalue()
    return times[len(QUESTIONS) :]


def report(spent: dict[str, list[float]], answers: list[float]) -> int:
    medians = {name: statistics.median(times) for name, times in spent.items()}
    for name, times in spent.items():
        print(f"{name:22} median {medians[name]:6.0f} ms   min {min(times):6.0f}   max {max(times):6.0f}")
    answer = statistics.median(answers)
    ratio = medians["bethna chat"] / medians["bare prompt-toolkit"]
    print(f"a local answer         median {answer:6.1f} ms   min {min(answers):6.1f}   max {max(answers):6.1f}")
    print(f"prompt: {ratio:.2f} × bare (goal {PROMPT_GOAL_MS:.0f} ms); answer goal {ANSWER_GOAL_MS:.0f} ms")
    return 0 if medians["bethna chat"] <= PROMPT_GOAL_MS and answer <= ANSWER_GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
