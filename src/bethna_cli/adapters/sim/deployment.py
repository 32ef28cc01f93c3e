"""The contracts and balances that the embedded chain starts with, as transactions that are the same every time.

Each is signed deterministically, so its hash says whether it is on the chain already. That makes the deployment one
that can be broken off anywhere and gone on with.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bethna_cli.adapters.abi import artifact, keccak
from bethna_cli.adapters.sim.chain_types import TransactionRefused
from bethna_cli.adapters.sim.evm import EmbeddedChain
from bethna_cli.adapters.sim.public_keys import signed_transaction
from bethna_cli.adapters.sim.wire_hermes import FEED_IDS
from bethna_cli.domain.embedded import EMBEDDED_VENUE, PUBLIC_ACCOUNTS, PUBLIC_BOOK, PUBLIC_CONTRACTS
from bethna_cli.domain.errors import ConfigurationError
from bethna_cli.domain.units import USDC_UNIT
from bethna_cli.domain.venue import Address

ETH = 10**18
ALLOCATION = {address: (10 if role == "throwaway_wallet" else 1_000) * ETH for role, address in PUBLIC_ACCOUNTS.items()}
THROWAWAY_USDC = 10_000 * USDC_UNIT
MAKER_USDC = 1_000_000_000 * USDC_UNIT
DEPLOY_GAS = 9_000_000
CALL_GAS = 200_000
UNLIMITED = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of the deployment; `to` None creates a contract."""

    role: str
    to: Address | None
    data: bytes


def deploy(chain: EmbeddedChain, *, with_book: bool = False) -> None:
    """Put on the chain whatever of the deployment is not there yet; with_book: the stand-in for the order book too.

    Raises ConfigurationError when the chain holds another deployment: other contracts, of another release.
    """
    nonces = dict.fromkeys(PUBLIC_ACCOUNTS, 0)
    for step in (*_steps(), *(_book() if with_book else ())):
        gas = DEPLOY_GAS if step.to is None else CALL_GAS
        raw = signed_transaction(step.role, nonces[step.role], step.to, step.data, gas)
        nonces[step.role] += 1
        if chain.receipt(keccak(raw)) is None:
            _send(chain, raw)


def _send(chain: EmbeddedChain, raw: bytes) -> None:
    try:
        receipt = chain.receipt(chain.send(raw))
    except TransactionRefused as refusal:
        raise ConfigurationError(
            "The kept chain holds the contracts of another release.", hint="bethna sim reset"
        ) from refusal
    if receipt is None or not receipt.succeeded:
        raise ConfigurationError("The embedded chain cannot be set up.", hint="bethna sim reset")


def _steps() -> Iterator[Step]:
    yield from _contracts()
    yield from _listings()
    yield from _money()


def _contracts() -> Iterator[Step]:
    """Create the contracts, in the order that fixes their addresses."""
    usdc, oracle, router = (PUBLIC_CONTRACTS[name] for name in ("usdc", "oracle", "router"))
    deployer, owner, guardian = (PUBLIC_ACCOUNTS[role] for role in ("deployer", "owner", "guardian"))
    yield Step("deployer", None, artifact("DevelopmentUSDC").creation(deployer))
    yield Step("deployer", None, artifact("DevelopmentPriceOracle").creation(PUBLIC_ACCOUNTS["keeper"]))
    yield Step("deployer", None, artifact("ThetanutsTokenRouter").creation(usdc, oracle, deployer))
    yield Step("deployer", None, artifact("SentientTrader").creation(usdc, [router], owner, guardian))


def _listings() -> Iterator[Step]:
    """Tell the router who makes its market, and where an underlying's prices come from."""
    contract, router = artifact("ThetanutsTokenRouter"), PUBLIC_CONTRACTS["router"]
    yield Step("deployer", router, contract.function("setMaker").encode(PUBLIC_ACCOUNTS["maker"], True))
    register = contract.function("registerFeed")
    for price_feed, asset in EMBEDDED_VENUE.feeds.items():
        name = asset.encode().ljust(32, b"\0")
        yield Step("deployer", router, register.encode(price_feed, bytes.fromhex(FEED_IDS[asset]), name))


def _book() -> Iterator[Step]:
    """Create the order book, and let it take what its maker's orders promise."""
    contract, usdc = artifact("DevelopmentOptionBook"), PUBLIC_CONTRACTS["usdc"]
    yield Step("deployer", None, contract.creation(usdc, PUBLIC_CONTRACTS["oracle"], PUBLIC_ACCOUNTS["deployer"]))
    register = contract.function("registerFeed")
    for price_feed, asset in EMBEDDED_VENUE.feeds.items():
        yield Step("deployer", PUBLIC_BOOK, register.encode(price_feed, bytes.fromhex(FEED_IDS[asset])))
    approve = artifact("DevelopmentUSDC").function("approve")
    yield Step("maker", usdc, approve.encode(PUBLIC_BOOK, UNLIMITED))


def _money() -> Iterator[Step]:
    """Give the wallet something to trade with, and the maker what its quotes promise."""
    contract, usdc = artifact("DevelopmentUSDC"), PUBLIC_CONTRACTS["usdc"]
    mint = contract.function("mint")
    yield Step("deployer", usdc, mint.encode(PUBLIC_ACCOUNTS["throwaway_wallet"], THROWAWAY_USDC))
    yield Step("deployer", usdc, mint.encode(PUBLIC_ACCOUNTS["maker"], MAKER_USDC))
    yield Step("maker", usdc, contract.function("approve").encode(PUBLIC_CONTRACTS["router"], UNLIMITED))
