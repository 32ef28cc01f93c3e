"""What a backtest sees of a recorded moment is what the venue's client reads from a replay of it."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bethna_cli.adapters.recorded import RecordedChains
from bethna_cli.bootstrap.market import open_app
from bethna_cli.domain.market import Asset, MarketSnapshot
from bethna_cli.domain.options import OptionQuote
from bethna_cli.flow.observe import Feeds, observe
from bethna_cli.settings import load_settings
from recordings import FIRST_DAY, recording


def replayed(folder: Path, asset: Asset, at: datetime, home: Path, monkeypatch: pytest.MonkeyPatch) -> MarketSnapshot:
    """What `bethna recommend --replay` looks at."""
    monkeypatch.setenv("BETHNA_HOME", str(home))

    async def look() -> MarketSnapshot:
        settings = load_settings({"replay": folder, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")})
        async with open_app(settings, asset) as application:
            return await observe(asset, application.feeds, application.clock)

    return asyncio.run(look())


def recorded(folder: Path, asset: Asset, at: datetime) -> MarketSnapshot:
    """What a backtest looks at, at the last moment up to `at`."""

    class Clock:
        def now(self) -> datetime:
            return moment.at

    moments = list(RecordedChains(folder, folder / "replay_2026", asset, at - timedelta(days=4), at).moments())
    moment = moments[-1]
    feeds = Feeds((moment,), (moment,), moment, moment, moment)
    return asyncio.run(observe(asset, feeds, Clock()))


def unnamed(quotes: tuple[OptionQuote, ...]) -> list[OptionQuote]:
    """Quotes without the ids of orders, which a recording has none of."""
    return sorted((replace(quote, order_id="") for quote in quotes), key=lambda quote: (quote.ticker, quote.price))


def check(one: MarketSnapshot, other: MarketSnapshot) -> None:
    assert one.taken_at == other.taken_at
    for part in ("spot", "options", "history", "sentiment"):
        assert getattr(one, part).usable, part
        assert shown(one, part) == shown(other, part), part


def shown(snapshot: MarketSnapshot, part: str) -> object:
    """The figures of a part, whoever answered."""
    value = getattr(snapshot, part).value
    figures = {"spot": "value_usd", "history": "candles", "sentiment": "fear_greed"}
    return unnamed(value.quotes) if part == "options" else getattr(value, figures[part])


def test_a_made_recording_shows_the_same_market_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recording(tmp_path / "made", days=2).folder
    at = FIRST_DAY + timedelta(days=1, hours=20)

    check(recorded(folder, Asset.ETH, at), replayed(folder, Asset.ETH, at, tmp_path / "home", monkeypatch))


@pytest.mark.parametrize("asset", list(Asset))
def test_a_real_recording_shows_the_same_market_both_ways(
    market_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: Asset
) -> None:
    at = datetime.fromisoformat("2026-02-03T00:00:00Z")

    check(recorded(market_data_dir, asset, at), replayed(market_data_dir, asset, at, tmp_path / "home", monkeypatch))
