"""Trading with `bethna sim up` from outside: orders over HTTP, transactions over JSON-RPC, kills in between."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from served_chains import Listener
from trading import USDC, Offer, Trading, ask_http, event, feed

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.sim.wire_hermes import FEED_IDS
from bethna_cli.domain.embedded import EMBEDDED_VENUE, PUBLIC_ACCOUNTS
from bethna_cli.domain.venue import RawOrder

START = (sys.executable, "-c", "from bethna_cli.cli.app import main; main()")
HUNDRED = 100_000_000
REDEEM = artifact("OptionSeries").function("redeemFor")


class Served:
    """A world that another process serves, with a home of its own."""

    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "BETHNA_HOME": str(home)}
        self._client = httpx.Client(timeout=20)
        self.status: dict[str, Any] = {}

    def bethna(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(
            [*START, *words, "--json"], env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def up(self) -> Trading:
        self.status = self.bethna("sim", "up", "--detach")
        return Trading(ask_http(str(self.status["rpc_url"]), self._client))

    def offers(self) -> list[Offer]:
        """The feed's asks of some value, the first to expire first."""
        rows = feed(self._client.get(f"{self.status['market_url']}/thetanuts/orders").json())
        asks = [o for o in rows if not o.order.is_long and o.order.implementation in EMBEDDED_VENUE.implementations]
        return sorted((o for o in asks if o.order.price > 10**9), key=lambda offer: offer.order.expiry)

    def market_price_e8(self, order: RawOrder) -> int:
        """Ask the market for the underlying's price at the order's expiry."""
        answer = self._client.get(
            f"{self.status['market_url']}/hermes/v2/updates/price/{order.expiry}",
            params={"ids[]": FEED_IDS[EMBEDDED_VENUE.feeds[order.price_feed]]},
        )
        return int(answer.json()["parsed"][0]["price"]["price"])

    def kill(self) -> None:
        os.kill(int(self.status["pid"]), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{self.status['pid']}/cmdline").exists() and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        self._client.close()
        subprocess.run([*START, "sim", "down"], env=self._environment, capture_output=True, timeout=60)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    world = Served(tmp_path / "home")
    yield world
    world.close()


def is_buyable(offer: Offer) -> bool:
    """Half a minute of life left, and not of an expiry that a slow test could meet."""
    now_s = datetime.now(UTC).timestamp()
    return offer.order.order_expiry_timestamp > now_s + 30 and offer.order.expiry > now_s + 3600


def test_an_option_is_bought_held_to_expiry_and_redeemed_over_http(served):
    trading = served.up()
    order = next(offer.order for offer in served.offers() if is_buyable(offer))
    before = trading.balance(USDC)
    contracts = HUNDRED * 10**8 // order.price

    receipt = trading.buy(order, HUNDRED)
    bought = before - trading.balance(USDC), trading.balance(trading.series(order))
    served.bethna("sim", "advance", f"{(order.expiry - trading.now_s()) // 60 + 1}m")
    held = trading.balance(USDC)
    trading.send(trading.series(order), REDEEM.encode(PUBLIC_ACCOUNTS["throwaway_wallet"]))

    paid, received, _ = event(receipt, "OptionPurchased", ("uint256", "uint256", "uint256"))
    price_e8 = served.market_price_e8(order)
    payoff = trading.read(
        trading.series(order), artifact("OptionSeries").function("simulatePayout"), price_e8, contracts
    )
    assert bought == (paid, received) == (contracts * order.price // 10**8, contracts)
    assert trading.read(trading.series(order), artifact("OptionSeries").function("settlementPrice")) == price_e8
    assert trading.balance(USDC) - held == payoff


def test_who_listens_over_websocket_hears_of_a_purchase(served):
    trading = served.up()
    order = next(offer.order for offer in served.offers() if is_buyable(offer))
    purchased = artifact("SentientTrader").event_topic("OptionPurchased")

    with Listener(str(served.status["ws_url"])) as listener:
        name = listener.subscribe("logs", {"topics": [purchased]})
        receipt = trading.buy(order, HUNDRED)
        (log,) = listener.wait_for(name, 1)

    assert log["transactionHash"] == receipt["transactionHash"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_whatever_moment_it_is_killed_at_no_purchase_is_lost_and_the_market_goes_on(served):
    chance = random.Random(11)
    spent, held = 0, {}
    trading = served.up()
    start = trading.balance(USDC)
    for _ in range(25):
        order = next(offer.order for offer in served.offers() if is_buyable(offer))
        receipt = trading.buy(order, HUNDRED)
        paid, received, _ = event(receipt, "OptionPurchased", ("uint256", "uint256", "uint256"))
        series = trading.series(order)
        spent, held[series] = spent + paid, held.get(series, 0) + received
        time.sleep(chance.uniform(0, 0.3))
        served.kill()

        trading = served.up()

        assert start - trading.balance(USDC) == spent
        assert {series: trading.balance(series) for series in held} == held
