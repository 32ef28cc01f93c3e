"""Posts become one number: what may count, what a trader's words are worth, and how many voices are averaged."""

import csv
import gzip
import hashlib
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bethna_cli.adapters.lexicon import EMOJI, VALENCE
from bethna_cli.adapters.mood import BULLISH_FROM, Post, Scorer, is_signal, mood_of, post_text, select

NOW = datetime(2026, 5, 5, 15, 30, tzinfo=UTC)
SCORER = Scorer()
OPINIONS = ("bullish on ETH, reason", "ETH is a scam, reason", "watching ETH, reason")


def post(number: int, text: str | None = None, **changes: object) -> Post:
    spoken = text or f"{OPINIONS[number % 3]} {number}"
    return replace(Post(str(number), f"author{number}", NOW - timedelta(minutes=number), spoken, "en"), **changes)


def crowd(size: int) -> list[Post]:
    return [post(number) for number in range(size)]


def label(score: float) -> str:
    return "bullish" if score >= BULLISH_FROM else "bearish" if score <= -BULLISH_FROM else "neutral"


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("$ETH breaking out, this is going to the moon 🚀🚀", "bullish"),
        ("so bullish on $SOL it's not even funny", "bullish"),
        ("never selling, buying the dip", "bullish"),
        ("📈📈", "bullish"),
        ("ETH up 12% today", "bullish"),
        ("ngmi if you sell here", "bearish"),
        ("this is a scam, rug pull confirmed, avoid!!", "bearish"),
        ("not bullish at all", "bearish"),
        ("down 40% since March 💀", "bearish"),
        ("BTC -8% on the day", "neutral"),
        ("sharing my trust wallet token lol", "neutral"),
        ("a filing with the SEC, LOL", "neutral"),
        ("", "neutral"),
        ("🧿🪬", "neutral"),
    ],
)
def test_a_text_reads_as_a_trader_reads_it(text: str, reading: str) -> None:
    assert label(SCORER.score(text)) == reading


def test_every_emoji_stands_for_an_entry_of_the_lexicon() -> None:
    assert {entry for entry in EMOJI.values() if entry} <= VALENCE.keys()


def test_every_valence_is_on_vaders_scale() -> None:
    assert all(-4.0 <= valence <= 4.0 for valence in VALENCE.values())


def test_the_lexicon_beats_plain_vader_by_a_tenth_on_posts_it_was_not_written_for(market_data_dir: Path) -> None:
    with gzip.open(market_data_dir / "tweets_labelled.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        comments = [row for row in csv.DictReader(lines) if row["source"] == "surge_crypto_reddit"]
    held_out = [row for row in comments if int(hashlib.sha1(row["text"].encode()).hexdigest(), 16) % 2 == 0]
    truth = [row["label"] for row in held_out]
    plain = SentimentIntensityAnalyzer()

    def macro_f1(readings: list[str]) -> float:
        return float(f1_score(truth, readings, labels=["bearish", "bullish"], average="macro"))

    before = macro_f1([label(plain.polarity_scores(row["text"])["compound"]) for row in held_out])
    after = macro_f1([label(SCORER.score(post_text(row["text"]))) for row in held_out])

    assert after - before >= 0.10


def test_a_post_is_unescaped_and_then_cleaned() -> None:
    assert post_text("ETH &gt; BTC &amp; &#27;[31mred\x1b]0;x\x07") == "ETH > BTC & [31mred]0;x"


@pytest.mark.parametrize(
    "unwanted",
    [
        post(1, "GIVEAWAY! follow + retweet to win 2 ETH"),
        post(1, "free airdrop for all ETH holders"),
        post(1, "whitelist open, hurry"),
        post(1, "$ETH $BTC $SOL $DOGE all ready"),
        post(1, "ETH sube mucho", language="es"),
        post(1, "@alice @bob https://example.org/x"),
        post(1, "ETH will rise", at=NOW - timedelta(hours=25)),
        post(1, "ETH will rise", at=NOW + timedelta(minutes=10)),
    ],
)
def test_spam_lists_other_languages_and_other_days_do_not_count(unwanted: Post) -> None:
    assert select([unwanted], NOW) == []


def test_the_same_words_count_once_whoever_repeats_them() -> None:
    first = post(9, "ETH to 5k @bob https://a.example")
    copy = post(3, "eth to 5K https://b.example")

    assert select([copy, first], NOW) == [first]


def test_an_author_has_one_vote() -> None:
    others = [post(number, f"watching ETH {number}") for number in range(30)]
    once = [*others, post(31, "ETH to the moon 31", author="fan", at=NOW)]
    often = [*others, *(post(number, f"ETH to the moon {number}", author="fan", at=NOW) for number in range(31, 61))]

    assert mood_of(often, NOW, "X", SCORER).mean == pytest.approx(mood_of(once, NOW, "X", SCORER).mean)
    assert mood_of(often, NOW, "X", SCORER).authors == 31


def test_a_fresh_post_weighs_more_than_an_old_one() -> None:
    neutral = [post(number, f"watching ETH {number}") for number in range(30)]
    fresh = mood_of([*neutral, post(40, "ETH is bullish", at=NOW)], NOW, "X", SCORER)
    old = mood_of([*neutral, post(40, "ETH is bullish", at=NOW - timedelta(hours=20))], NOW, "X", SCORER)

    assert fresh.mean > old.mean > 0


def test_engagement_adds_weight_by_its_logarithm() -> None:
    neutral = [post(number, f"watching ETH {number}") for number in range(30)]
    quiet, loud, huge = (
        mood_of([*neutral, post(40, "ETH is bullish", engagement=count)], NOW, "X", SCORER).mean
        for count in (0, 100, 1_000_000)
    )

    assert quiet < loud < huge < 20 * quiet


@pytest.mark.parametrize(("posts", "enough"), [(crowd(20), True), (crowd(19), False)])
def test_twenty_posts_are_a_signal_and_nineteen_are_none(posts: list[Post], enough: bool) -> None:
    assert is_signal(posts) is enough


def test_twenty_posts_by_a_handful_of_authors_are_no_signal() -> None:
    few = [replace(said, author=f"author{number % 9}") for number, said in enumerate(crowd(40))]

    assert not is_signal(few)
    with pytest.raises(ValueError):
        mood_of(few, NOW, "X", SCORER)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=40), st.integers(0, 10**12), st.integers(0, 1439)), min_size=20, max_size=40)
)
def test_a_mood_is_bounded_and_its_error_finite_whatever_people_write(said: list[tuple[str, int, int]]) -> None:
    posts = [
        post(number, post_text(text), engagement=engagement, at=NOW - timedelta(minutes=minutes))
        for number, (text, engagement, minutes) in enumerate(said)
    ]

    mood = mood_of(posts, NOW, "X", SCORER)

    assert -1.0 <= mood.mean <= 1.0
    assert 0.0 <= mood.standard_error <= 2.0
    assert not any(unicodedata.category(character) == "Cc" for each in posts for character in each.text)
