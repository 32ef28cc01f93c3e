"""Macro-F1 of plain VADER and of VADER with bethna's crypto lexicon, on labelled posts.

    python benchmarks/sentiment.py [DATA_DIR]

Reads `tweets_labelled.csv.gz` (DATA_DIR, else BETHNA_DATA). Both scorers face the same rule: a score from 0.05 up is
bullish, of -0.05 and less bearish, between the two neutral. Macro-F1 is the mean of F1(bearish) and F1(bullish); crypto
comments carry only these two labels, so an answer of neutral is a miss. Texts with an odd SHA-1 ("tuned") were used to
find gaps in the lexicon, those with an even one ("held out") were not. Tweets that mention crypto carry three labels:
there, and for "three classes", F1(neutral) enters the mean.
"""

import csv
import gzip
import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sklearn.metrics import f1_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bethna_cli.adapters.mood import BULLISH_FROM, Scorer, post_text

CRYPTO = re.compile(r"bitcoin|\b(?:btc|eth)\b|ethereum|crypto|blockchain|dogecoin", re.IGNORECASE)
POLAR = ("bearish", "bullish")
THREE = (*POLAR, "neutral")
Row = dict[str, str]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BETHNA_DATA", "../shared/data"))
    with gzip.open(folder / "tweets_labelled.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    comments = [row for row in rows if row["source"] == "surge_crypto_reddit"]
    tweets = [row for row in rows if row not in comments and CRYPTO.search(row["text"])]
    plain, crypto = SentimentIntensityAnalyzer(), Scorer()
    scorers = (lambda text: plain.polarity_scores(text)["compound"], lambda text: crypto.score(post_text(text)))
    print(f"{'rows':34}{'n':>5}{'plain VADER':>14}{'with lexicon':>14}{'difference':>12}")
    report("comments, tuned half", [row for row in comments if is_odd(row)], POLAR, scorers)
    report("comments, held-out half", [row for row in comments if not is_odd(row)], POLAR, scorers)
    report("comments, all, three classes", comments, THREE, scorers)
    report("tweets on crypto, three classes", tweets, THREE, scorers)
    texts = [row["text"] for row in rows]
    seconds = [timed(scorer, texts) for scorer in scorers]
    print(f"time per text: {seconds[0] * 1e6:.0f} us plain, {seconds[1] * 1e6:.0f} us: x {seconds[1] / seconds[0]:.2f}")


def is_odd(row: Row) -> bool:
    return int(hashlib.sha1(row["text"].encode()).hexdigest(), 16) % 2 == 1


def label(score: float) -> str:
    return "bullish" if score >= BULLISH_FROM else "bearish" if score <= -BULLISH_FROM else "neutral"


def report(name: str, rows: Sequence[Row], labels: Sequence[str], scorers: Sequence[Callable[[str], float]]) -> None:
    truth = [row["label"] for row in rows]
    plain, ours = (
        f1_score(truth, [label(score(row["text"])) for row in rows], labels=labels, average="macro", zero_division=0)
        for score in scorers
    )
    print(f"{name:34}{len(rows):5}{plain:14.3f}{ours:14.3f}{ours - plain:+12.3f}")


def timed(score: Callable[[str], float], texts: Sequence[str]) -> float:
    start = time.perf_counter()
    for text in texts:
        score(text)
    return (time.perf_counter() - start) / len(texts)


if __name__ == "__main__":
    main()
