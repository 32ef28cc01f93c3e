"""How the tests trade on the embedded chain: the feed's orders, the throwaway wallet's signatures, JSON-RPC."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_typed_data

from bethna_cli.adapters.abi import Function, artifact, decode, hash_text, keccak, refusal
from bethna_cli.adapters.option_book import route_data
from bethna_cli.adapters.sim.exchange import Exchange
from bethna_cli.adapters.sim.node import RpcError as NodeError
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.domain.chain import Address, SigningDomain
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.venue import RawOrder
from bethna_cli.execution.approval import typed_data

WALLET = Account.from_key(private_key("throwaway_wallet"))
USDC, ROUTER, TRADER = (PUBLIC_CONTRACTS[name] for name in ("usdc", "router", "trader"))
NOBODY = "0x" + "00" * 20
INTENT = "(address,address,uint8,address,address,uint256,uint256,uint256,uint256,uint256,bytes32)"
BUY = artifact("SentientTrader").function("buyOption", f"({INTENT},bytes,bytes)")
SELL = artifact("SentientTrader").function("executeTrade", f"({INTENT},bytes,uint256,bytes)")
GAS = 3_000_000
DOMAIN = SigningDomain("SentientTrader", "1", EMBEDDED_CHAIN_ID, Address(TRADER))

Ask = Callable[..., Any]
"""Asks a JSON-RPC method and returns its result; raises when the answer is an error."""


@dataclass(frozen=True)
class Offer:
    """A row of the order feed: the signed order, and the ticker beside it."""

    ticker: str
    order: RawOrder


class RpcError(Exception):
    """A JSON-RPC error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.data = error.get("data")


class Reverted(Exception):
    """A transaction failed; `refusal` is the contract's own error."""

    def __init__(self, data: bytes) -> None:
        super().__init__(str(refusal(data)))
        self.refusal = refusal(data)


def feed(answer: Mapping[str, Any], usdc: str = USDC) -> list[Offer]:
    """Read the order feed's USDC rows without judging them."""
    return [
        Offer(row["order"]["ticker"], _raw(row))
        for row in answer["data"]["orders"]
        if row["order"]["collateral"] == usdc
    ]


def feed_of(exchange: Exchange) -> list[Offer]:
    """Ask the exchange's market for its orders, in this process."""

    async def ask() -> Any:
        transport = httpx.ASGITransport(create_app(exchange.world))
        async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
            return (await client.get("/thetanuts/orders")).json()

    return feed(asyncio.run(ask()))


def _raw(row: Mapping[str, Any]) -> RawOrder:
    order = row["order"]
    return RawOrder(
        order["maker"],
        order["orderExpiryTimestamp"],
        order["collateral"],
        order["isCall"],
        order["priceFeed"],
        order["implementation"],
        order["isLong"],
        int(order["maxCollateralUsable"]),
        tuple(int(strike) for strike in order["strikes"]),
        order["expiry"],
        int(order["price"]),
        int(order["numContracts"]),
        order["extraOptionData"],
        row["signature"],
        row["chainId"],
        row["optionBookAddress"],
        int(row["nonce"]),
    )


def signed(intent: TradeIntent, key: bytes = private_key("throwaway_wallet")) -> bytes:
    """Sign an intent as a wallet does."""
    message = encode_typed_data(full_message=typed_data(PlannedTrade("buy", DOMAIN, intent)))
    return bytes(Account.sign_message(message, key).signature)


def values(intent: TradeIntent) -> tuple[object, ...]:
    """Return an intent as the contract's argument."""
    *head, ref = (getattr(intent, field.name) for field in fields(intent))
    return (*head, bytes.fromhex(ref[2:]))


class Trading:
    """The throwaway wallet at work, over whatever `ask` speaks to."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask

    def read(self, to: str, function: Function, *arguments: object) -> Any:
        """Call a function that returns one value."""
        output = self.ask("eth_call", {"to": to, "data": "0x" + function.encode(*arguments).hex()}, "latest")
        (value,) = function.decode(bytes.fromhex(output[2:]))
        return value

    def balance(self, token: str, holder: str = WALLET.address.lower()) -> int:
        return self.read(token, artifact("DevelopmentUSDC").function("balanceOf"), holder)

    def allowance(self, token: str, spender: str, holder: str = WALLET.address.lower()) -> int:
        return self.read(token, artifact("DevelopmentUSDC").function("allowance"), holder, spender)

    def series(self, order: RawOrder) -> str:
        """Ask the router where the order's option token is or will be."""
        lookup = artifact("ThetanutsTokenRouter").function("seriesAddress")
        return self.read(ROUTER, lookup, order.implementation, order.price_feed, order.strikes, order.expiry)

    def sent(self) -> int:
        """Count the wallet's transactions."""
        return int(self.ask("eth_getTransactionCount", WALLET.address, "pending"), 16)

    def now_s(self) -> int:
        return int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def send(self, to: str, data: bytes) -> dict[str, Any]:
        """Send a transaction and return its receipt. Raises Reverted when it failed."""
        transaction = {
            "type": 2, "chainId": EMBEDDED_CHAIN_ID, "to": bytes.fromhex(to[2:]), "data": data, "value": 0, "gas": GAS,
            "maxFeePerGas": 10**9, "maxPriorityFeePerGas": 0,
            "nonce": self.sent(),
        }  # fmt: skip
        raw = WALLET.sign_transaction(transaction).raw_transaction
        receipt = self.ask("eth_getTransactionReceipt", self.ask("eth_sendRawTransaction", "0x" + raw.hex()))
        if receipt["status"] != "0x1":
            call = {"from": WALLET.address, "to": to, "data": "0x" + data.hex()}
            raise Reverted(self.revert_data(call))
        return receipt

    def revert_data(self, call: Mapping[str, str]) -> bytes:
        try:
            self.ask("eth_call", call, "latest")
        except (NodeError, RpcError) as error:
            return bytes.fromhex(str(error.data)[2:])
        raise AssertionError("the call did not revert")

    def approve(self, token: str, amount: int) -> None:
        self.send(token, artifact("DevelopmentUSDC").function("approve").encode(TRADER, amount))

    def intent(self, order: RawOrder, side: Side, amount: int, quoted: int) -> TradeIntent:
        """Write an intent that accepts the quote as it is shown."""
        return TradeIntent(
            user=WALLET.address.lower(), executor=WALLET.address.lower(), side=side, option_token=self.series(order),
            router=ROUTER, amount_in=amount, quoted_amount_out=quoted, min_amount_out=quoted,
            nonce=self.sent(), deadline_s=self.now_s() + 600, ref=hash_text(keccak(b"what was recommended")),
        )  # fmt: skip

    def buy(self, order: RawOrder, amount: int) -> dict[str, Any]:
        """Approve exactly, sign, and buy for up to `amount` USDC base units. Returns the receipt."""
        intent = self.intent(order, Side.BUY, amount, amount * 10**8 // order.price)
        self.approve(USDC, amount)
        return self.send(TRADER, BUY.encode(values(intent), signed(intent), route_data(order)))

    def sell(self, order: RawOrder, contracts: int) -> dict[str, Any]:
        """Approve exactly, sign, and sell `contracts` (base units) to a maker's bid. Returns the receipt."""
        intent = self.intent(order, Side.SELL, contracts, contracts * order.price // 10**8)
        self.approve(intent.option_token, contracts)
        return self.send(TRADER, SELL.encode(values(intent), signed(intent), 0, route_data(order)))


def event(receipt: Mapping[str, Any], name: str, types: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the unindexed values of SentientTrader's one event of this name."""
    topic = artifact("SentientTrader").event_topic(name)
    (log,) = [log for log in receipt["logs"] if log["topics"][0] == topic and log["address"].lower() == TRADER]
    return decode(types, bytes.fromhex(log["data"][2:]))


def ask_node(exchange: Exchange) -> Ask:
    """Ask the chain in this process."""
    return lambda method, *params: exchange.node.request(method, list(params))


def ask_http(url: str, client: httpx.Client) -> Ask:
    """Ask a served chain."""

    def ask(method: str, *params: object) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = client.post(url, json=body).json()
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    return ask
