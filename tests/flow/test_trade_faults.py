"""What goes wrong before a purchase or a sale is sent: one clear error each, and nothing has happened."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from approval_desk import HereSigner, Person, opened, pause_exits, pause_trading, recommended
from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS
from bethna_cli.domain.errors import BethnaError, SourceUnavailable
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.signing import Plan
from bethna_cli.flow.approve import approve
from bethna_cli.flow.carry import Carried
from bethna_cli.flow.close import close
from bethna_cli.flow.sight import TradingDesk
from exchange_fixtures import copied
from execution_desk import GWEI, USER, WALLET, Market

Trade = Callable[[TradingDesk, Person], Awaitable[Carried]]


async def buy(desk: TradingDesk, person: Person) -> Carried:
    return await approve(desk, await recommended(desk, OptionKind.CALL), person)


async def sell(desk: TradingDesk, person: Person) -> Carried:
    (position,) = desk.positions.all()
    return await close(desk, position.id, Fraction(1), person)


@pytest.fixture(scope="module")
def begun_holding(begun_exchange: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market in which an option was bought, and a minute has passed."""
    folder = tmp_path_factory.mktemp("holding")
    market = copied(begun_exchange, folder)

    async def bought() -> None:
        async with opened(market, HereSigner()) as desk:
            await buy(desk, Person())

    asyncio.run(bought())
    market.clock.advance(61)
    market.exchange.catch_up()
    market.close()
    return folder


@pytest.fixture
def market(begun_holding: Path, tmp_path: Path) -> Iterator[Market]:
    held = copied(begun_holding / "chain.db", tmp_path, begun_holding / "sim.db")
    yield held
    held.close()


# ── what can go wrong ─────────────────────────────────────────────────────────────────────────────────────────────


def answer_another_chain(market: Market, desk: TradingDesk, person: Person) -> None:
    inner = market.transport.exchange

    async def exchange(body: bytes) -> bytes:
        asked = json.loads(body)
        if isinstance(asked, dict) and asked["method"] == "eth_chainId":
            return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": "0x2105"}).encode()
        return await inner(body)

    market.transport.exchange = exchange  # type: ignore[method-assign]


def give_all_ether_away(market: Market, desk: TradingDesk, person: Person) -> None:
    gas, fee = 21_000, GWEI
    left = int(market.ask("eth_getBalance", USER, "latest"), 16) - gas * fee
    fields = {
        "type": 2,
        "chainId": market.exchange.node.chain.chain_id,
        "to": bytes.fromhex(PUBLIC_ACCOUNTS["owner"][2:]),
        "data": b"",
    }
    fees = {"gas": gas, "maxFeePerGas": fee, "maxPriorityFeePerGas": fee}
    raw = WALLET.sign_transaction({**fields, **fees, "value": left, "nonce": market.nonce()}).raw_transaction
    market.ask("eth_sendRawTransaction", "0x" + bytes(raw).hex())
    market.clock.advance(30)
    market.exchange.catch_up()


def repeat_old_quotes(market: Market, desk: TradingDesk, person: Person) -> None:
    """The maker's feed says for ever what it said a minute ago."""
    for name in ("board", "bids"):
        setattr(desk.book, name, _repeating(getattr(desk.book, name), market))


def _repeating(real: Any, market: Market) -> Any:
    said: list[Any] = []

    async def repeat(asset: Any) -> Any:
        if not said:
            said.append(await real(asset))
            market.clock.advance(31)
            market.exchange.catch_up()
        return said[0]

    return repeat


def fall_silent(market: Market, desk: TradingDesk, person: Person) -> None:
    async def silent(_: bytes) -> bytes:
        raise SourceUnavailable("rpc", "no answer in time")

    market.transport.exchange = silent  # type: ignore[method-assign]


def fall_silent_after_the_yes(market: Market, desk: TradingDesk, person: Person) -> None:
    person.before = lambda _: fall_silent(market, desk, person)


def fall_silent_once_signed(market: Market, desk: TradingDesk, person: Person) -> None:
    real = desk.signer.unlocked

    @contextmanager
    def unlocked(plan: Plan) -> Iterator[Any]:
        with real(plan) as session:
            signing = session.sign

            def sign(*arguments: Any) -> Any:
                fall_silent(market, desk, person)
                return signing(*arguments)

            session.sign = sign  # type: ignore[method-assign]
            yield session

    desk.signer.unlocked = unlocked  # type: ignore[method-assign]


def pause(market: Market, desk: TradingDesk, person: Person) -> None:
    pause_trading(market)
    pause_exits(market)
    market.clock.advance(30)
    market.exchange.catch_up()


Fault = Callable[[Market, TradingDesk, Person], None]
FAULTS: dict[str, tuple[Fault, int, str, str]] = {
    "wrong chain": (answer_another_chain, 4, "wrong_chain", "serves chain 8453, not 779977"),
    "no ether for gas": (give_all_ether_away, 3, "refused", "gas can cost"),
    "old quotes": (repeat_old_quotes, 3, "quote_expired", "s old"),
    "a paused contract": (pause, 3, "contract_paused", "paused"),
    "no node": (fall_silent, 5, "source_unavailable", "no answer in time"),
    "no node after the yes": (fall_silent_after_the_yes, 5, "source_unavailable", "no answer in time"),
    "no node once it is signed": (fall_silent_once_signed, 5, "source_unavailable", "no answer in time"),
}


@pytest.mark.parametrize("trade", [buy, sell], ids=["buying", "selling"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_before_the_sending_is_one_clear_error_and_nothing_has_happened(
    market: Market, fault: str, trade: Trade
):
    happen, exit_code, code, words = FAULTS[fault]
    before = market.executions(), [entry.digest for entry in market.desk().journal.entries()]

    async def work() -> None:
        async with opened(market, HereSigner()) as desk:
            person = Person()
            happen(market, desk, person)
            await trade(desk, person)

    with pytest.raises(BethnaError) as raised:
        asyncio.run(work())

    assert (raised.value.exit_code, raised.value.code) == (exit_code, code)
    assert words in raised.value.message
    assert market.transport.sent == []
    assert (market.executions(), [entry.digest for entry in market.desk().journal.entries()]) == before
