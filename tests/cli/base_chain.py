"""A development chain that answers as Base: its id, its USDC at Base's address, our contracts, and a maker's quotes.

The chain is the embedded one with another id and a genesis that holds the token; the quotes are those of the simulated
market, signed for the router that was deployed here. bethna reaches both as it reaches real services: over HTTP.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from eth.vm.forks.prague import PragueVM
from eth_account import Account
from eth_typing import Address as EthAddress

from bethna_cli.adapters.abi import artifact, code_hash
from bethna_cli.adapters.sim import chain_vm, maker
from bethna_cli.adapters.sim.market import SimWorld
from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.public_keys import SigningQuoter, private_key
from bethna_cli.adapters.sim.rpc_server import rpc_app
from bethna_cli.adapters.sim.wire import create_app
from bethna_cli.adapters.sim.wire_hermes import FEED_IDS
from bethna_cli.domain.chain import CHAIN_IDS, USDC_ADDRESSES, Address
from bethna_cli.domain.embedded import EMBEDDED_VENUE, PUBLIC_ACCOUNTS
from chain_places import ETH, OWNER, STRANGER, Place, embedded_node, in_process, served

BASE, USDC = CHAIN_IDS["base"], Address(USDC_ADDRESSES["base"])
MAKER = Address(PUBLIC_ACCOUNTS["maker"])
TOKEN = artifact("DevelopmentUSDC")
SLOTS = 24
"""More than the token's constructor writes."""


@dataclass(frozen=True)
class BaseChain:
    """Where chain and quotes are served, and the contracts, each with its code hash as a setting pins it."""

    place: Place
    rpc_url: str
    market_url: str
    trader: str
    router: str

    def read(self, token: str, name: str, *arguments: object) -> int:
        function = TOKEN.function(name)
        call = {"to": token, "data": "0x" + function.encode(*arguments).hex()}
        (value,) = function.decode(bytes.fromhex(self.place.ask("eth_call", call, "latest")[2:]))
        return int(value)


@contextmanager
def served_as_base(monkeypatch: pytest.MonkeyPatch, buyer: Address) -> Iterator[BaseChain]:
    """Serve the chain and the quotes, with money for the buyer and the maker."""
    node = _chain_with_usdc(monkeypatch)
    place = in_process(node)
    oracle = place.deployed("DevelopmentPriceOracle", OWNER)
    router = place.deployed("ThetanutsTokenRouter", USDC, oracle, OWNER)
    trader = place.deployed("SentientTrader", USDC, [router], OWNER, STRANGER)
    place.mined(router, artifact("ThetanutsTokenRouter").function("setMaker").encode(MAKER, True))
    register = artifact("ThetanutsTokenRouter").function("registerFeed")
    for feed, asset in EMBEDDED_VENUE.feeds.items():
        place.mined(router, register.encode(feed, bytes.fromhex(FEED_IDS[asset]), asset.encode().ljust(32, b"\0")))
    for account, usdc in ((MAKER, 10**15), (buyer, 500_000_000)):
        place.mined(USDC, TOKEN.function("mint").encode(account, usdc))
        place.ask("eth_sendRawTransaction", "0x" + place.signed(account, value=ETH).hex())
    _maker_allows(place, router)

    venue = replace(EMBEDDED_VENUE, chain_id=BASE, book=router, usdc=USDC)
    listed = maker.expiries  # two are enough, and a fifth of what they all cost
    monkeypatch.setattr(maker, "expiries", lambda at_s: listed(at_s)[4:6])
    world = SimWorld(7, lambda: datetime.now(UTC), venue=venue, quoter=SigningQuoter())
    services = create_app(world)

    async def market(scope: Any, receive: Any, send: Any) -> None:
        await services(scope, receive, send)

    with served(rpc_app(node)) as rpc_url, served(market) as market_url:
        yield BaseChain(place, rpc_url, market_url, *(_pin(place, one) for one in (trader, router)))


def _pin(place: Place, address: Address) -> str:
    (account,) = place.run(lambda client: client.accounts([address]))
    return f"{address}@{code_hash(account.code)}"


def _maker_allows(place: Place, router: Address) -> None:
    account = Account.from_key(private_key("maker"))
    fields = {
        "type": 2, "chainId": BASE, "nonce": 0, "to": bytes.fromhex(USDC[2:]), "value": 0, "gas": 100_000,
        "data": TOKEN.function("approve").encode(router, 2**256 - 1), "maxFeePerGas": 10**9,
        "maxPriorityFeePerGas": 10**6,
    }  # fmt: skip
    place.ask("eth_sendRawTransaction", "0x" + bytes(account.sign_transaction(fields).raw_transaction).hex())


def _chain_with_usdc(monkeypatch: pytest.MonkeyPatch) -> Node:
    """Begin a chain of Base's id with the development token at the address that Base has USDC at."""
    scratch = in_process(embedded_node(chain_id=BASE))
    token = scratch.usdc()
    code = bytes.fromhex(scratch.ask("eth_getCode", token, "latest")[2:])
    slots = [int(scratch.ask("eth_getStorageAt", token, hex(slot), "latest"), 16) for slot in range(SLOTS)]

    def genesis(machine: Any, timestamp: int, allocation: Mapping[bytes, int]) -> Any:
        seed = chain_vm.keccak(machine.chain_id.to_bytes(32, "big"))
        header = chain_vm._header(0, b"\0" * 32, timestamp, b"", seed)
        state = PragueVM.build_state(machine._nodes, header, chain_vm.ChainContext(machine.chain_id))
        for address, balance_wei in sorted(allocation.items()):
            state.set_balance(EthAddress(address), balance_wei)
        place = EthAddress(bytes.fromhex(USDC[2:]))
        state.set_code(place, code)
        for slot, value in enumerate(slots):
            state.set_storage(place, slot, value)
        state.persist()
        return chain_vm._block(header.copy(state_root=state.state_root), ())

    with monkeypatch.context() as patch:
        patch.setattr(chain_vm.Machine, "genesis", genesis)
        return embedded_node(chain_id=BASE)
