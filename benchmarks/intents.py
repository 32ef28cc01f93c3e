"""How well and how fast utterances are understood, against TF-IDF with logistic regression on the same training lines.

    .venv/bin/python benchmarks/intents.py

Both learn from training/intents and are asked the utterances that are held out in tests/language. Slots have no peer
here: they are checked against what was written down by hand. The time is the classifier's own; the whole process that
reads 1,000 lines is timed as a user starts it.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "tests" / "language"), str(ROOT / "benchmarks" / "training" / "intents")]

from expand import lines_of, variants  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.metrics import f1_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from utterance_sets import NOW, Labelled, read  # noqa: E402

from bethna_cli.bootstrap.language import local_understander  # noqa: E402
from bethna_cli.domain.utterance import IntentKind, utterance_document  # noqa: E402

LINES = 1_000
GOAL_S = 3.0


def main() -> None:
    chance = random.Random(1)
    lessons = [
        (kind, text)
        for kind, line in lines_of(ROOT / "benchmarks" / "training" / "intents" / "utterances.txt")
        for text in variants(line, chance)
    ]
    peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10.0, max_iter=300))
    peer.fit([text for _, text in lessons], [kind for kind, _ in lessons])
    ours = local_understander()
    print(f"{'set':22}{'n':>5}{'':4}{'accuracy':>10}{'macro-F1':>10}{'false orders':>14}{'ms each':>9}")
    for name in ("held_out.txt", "held_out_late.txt", "held_out_third.txt"):
        rows = read(name)
        report(name, "ours", rows, lambda text: ours.understand(text, NOW).kind.value)
        report(name, "peer", rows, lambda text: str(peer.predict([text])[0]))
        exact = sum(utterance_document(ours.understand(row.text, NOW))["slots"] == row.slots for row in rows)
        print(f"{'':31}slots exact {exact / len(rows):.3f}")
    elapsed = whole_process([row.text for row in read("held_out.txt")])
    print(f"{LINES:,} lines through bethna chat --parse - --json: {elapsed:.2f} s (goal: {GOAL_S:g} s or less)")


def report(name: str, who: str, rows: Sequence[Labelled], understand: Callable[[str], str]) -> None:
    start = time.perf_counter()
    found = [understand(row.text) for row in rows]
    each_ms = (time.perf_counter() - start) / len(rows) * 1e3
    truth = [row.kind for row in rows]
    accuracy = sum(one == two for one, two in zip(truth, found, strict=True)) / len(rows)
    macro = f1_score(truth, found, average="macro", zero_division=0)
    wrong = sum(one != two and IntentKind(two).is_money for one, two in zip(truth, found, strict=True))
    print(f"{name:22}{len(rows):5}{who:>5}{accuracy:9.3f}{macro:10.3f}{wrong:14}{each_ms:9.2f}")


def whole_process(texts: Sequence[str]) -> float:
    """Time one process that understands LINES lines, and check that each got its answer."""
    lines = [texts[number % len(texts)] for number in range(LINES)]
    command = [sys.executable, "-c", "from bethna_cli.cli.app import main; main()", "chat", "--parse", "-", "--json"]
    start = time.perf_counter()
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
    elapsed = time.perf_counter() - start
    answers = len(done.stdout.splitlines())
    if answers != LINES:
        raise SystemExit(f"{answers} answers to {LINES} lines")
    return elapsed


if __name__ == "__main__":
    main()
