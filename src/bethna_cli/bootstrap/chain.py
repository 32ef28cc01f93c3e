"""The chain that a command trades on: its endpoints, its contracts, and what a trade works with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.bootstrap.market import live_venue, open_app
from bethna_cli.bootstrap.places import store_path
from bethna_cli.bootstrap.sim import served_venue, sim_control
from bethna_cli.bootstrap.wallet import plan_signer
from bethna_cli.domain.errors import ConfigurationError, NotFound
from bethna_cli.domain.market import Origin
from bethna_cli.domain.venue import VenueAddresses
from bethna_cli.ports import Clock
from bethna_cli.settings import Settings

if TYPE_CHECKING:
    from bethna_cli.adapters.contracts import SentientTraders
    from bethna_cli.adapters.decisions import SqliteDecisions
    from bethna_cli.adapters.evm import EvmChain
    from bethna_cli.adapters.journal import SqliteJournal
    from bethna_cli.adapters.mandates import SqliteMandates
    from bethna_cli.adapters.sim.public_signer import PublicSigner
    from bethna_cli.domain.chain import Address, Hash
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.execute import ExecutionDesk
    from bethna_cli.flow.sight import TradingDesk, TradingPins
    from bethna_cli.ports import ContractStates, TradingVenue


BLOCK_AGE_S = 30.0
"""How old the newest block of a real network may be."""


@dataclass(frozen=True, slots=True)
class OnChain:
    """The chain of the network in use.

    signer: on the embedded chain alone, whose keys are public. known: addresses by name (usdc; there also router,
    trader, throwaway_wallet). traders, books: whose word on trades counts. url: of the first endpoint, which may
    carry a key.
    """

    network: str
    chain: "EvmChain"
    contracts: "SentientTraders"
    signer: "PublicSigner | None"
    known: Mapping[str, str]
    traders: tuple[str, ...] = ()
    books: tuple[VenueAddresses, ...] = ()
    url: str = field(default="", repr=False)


@asynccontextmanager
async def open_chain(settings: Settings) -> AsyncIterator[OnChain]:
    """Reach the chain of the network in use, and let go of it again. Asks nothing by itself.

    Raises ConfigurationError when no endpoint is set, NotFound when the embedded world is not being served.
    """
    from bethna_cli.adapters.contracts import SentientTraders
    from bethna_cli.adapters.evm import EvmChain
    from bethna_cli.adapters.rpc import JsonRpc
    from bethna_cli.adapters.rpc_transport import Http
    from bethna_cli.domain.chain import CHAIN_IDS

    urls = _rpc_urls(settings)
    names = ["rpc"] if len(urls) == 1 else [f"rpc {number}" for number in range(1, len(urls) + 1)]
    chain = EvmChain(
        CHAIN_IDS[settings.network],
        [JsonRpc(name, Http(name, url)) for name, url in zip(names, urls, strict=True)],
        SystemClock(),
        max_block_age_s=None if settings.network == "sim" else BLOCK_AGE_S,
    )
    try:
        yield replace(_on_chain(settings, chain, SentientTraders(chain)), url=urls[0])
    finally:
        await chain.aclose()


def _rpc_urls(settings: Settings) -> tuple[str, ...]:
    if settings.rpc_urls:
        return settings.rpc_urls
    if settings.network != "sim":
        raise ConfigurationError(
            f"No RPC endpoint is set, so {settings.network} cannot be reached.", hint="bethna config set rpc_url"
        )
    info = sim_control(settings).running()
    if info is None:
        raise NotFound("The embedded world is not being served.", hint="bethna sim up --detach")
    return (f"{info.url}/rpc",)


def _on_chain(settings: Settings, chain: "EvmChain", contracts: "SentientTraders") -> OnChain:
    network, pin = settings.network, settings.trader_pin
    pinned = (pin[0],) if pin else ()
    if network != "sim":
        from bethna_cli.domain.chain import USDC_ADDRESSES

        venue, known = live_venue(settings), {"usdc": USDC_ADDRESSES[network]}
        if settings.venue == "book":
            return OnChain(network, chain, contracts, None, known, pinned, (venue,))
        routers = {"router": settings.venue_pin[0]} if settings.venue_pin else {}
        return OnChain(network, chain, contracts, None, known | routers, pinned)
    from bethna_cli.adapters.sim.public_signer import PublicSigner
    from bethna_cli.domain.embedded import PUBLIC_ACCOUNTS, PUBLIC_CONTRACTS

    known = {**PUBLIC_ACCOUNTS, **PUBLIC_CONTRACTS}
    traders = tuple(dict.fromkeys((*pinned, PUBLIC_CONTRACTS["trader"])))
    venue = served_venue(settings)
    books = () if venue.book == PUBLIC_CONTRACTS["router"] else (venue,)
    return OnChain(network, chain, contracts, PublicSigner(), known, traders, books)


def shown_address(address: str) -> str:
    """Write an address as people should see it, in mixed case with its checksum (EIP-55)."""
    from bethna_cli.adapters.abi import checksummed

    return checksummed(address)


def open_journal(settings: Settings) -> "SqliteJournal":
    """Open the journal of the network in use; the caller closes it."""
    from bethna_cli.adapters.journal import SqliteJournal

    return SqliteJournal.open(store_path(settings, Origin.LIVE))


def open_decisions(settings: Settings) -> "SqliteDecisions":
    """Open what the person said to recommendations; the caller closes it."""
    from bethna_cli.adapters.decisions import SqliteDecisions

    return SqliteDecisions.open(store_path(settings, Origin.LIVE))


def open_mandates(settings: Settings) -> "SqliteMandates":
    """Open the exits that the person signed beforehand; the caller closes them."""
    from bethna_cli.adapters.mandates import SqliteMandates

    return SqliteMandates.open(store_path(settings, Origin.LIVE))


def execution_desk(place: OnChain, journal: "SqliteJournal", clock: Clock) -> "ExecutionDesk":
    """Return what Beta executes with."""
    import asyncio

    from bethna_cli.adapters.book_evidence import BookEvidence, EvidenceByVenue
    from bethna_cli.adapters.trade_evidence import ChainEvidence
    from bethna_cli.bootstrap.record import positions_beside, record_desk
    from bethna_cli.domain.chain import Address
    from bethna_cli.flow.execute import ExecutionDesk
    from bethna_cli.flow.record import note

    positions = positions_beside(place, journal)

    async def hand_on(user: "Address", transaction: "Hash") -> None:
        await note(record_desk(place, positions, clock, user), transaction)

    usdc = Address(place.known["usdc"])
    evidence = EvidenceByVenue(ChainEvidence(place.chain, usdc), BookEvidence(usdc))
    return ExecutionDesk(place.chain, evidence, journal, clock, asyncio.sleep, hand_on=hand_on)


@asynccontextmanager
async def open_trading(settings: Settings, wallet: "Wallet") -> "AsyncIterator[TradingDesk]":
    """Open market, chain, journal and signer for one approval.

    Raises ConfigurationError when the network has no confirmed contract or no venue that it trades through, and what
    `open_app` and `open_chain` raise.
    """
    from bethna_cli.adapters.abi import keccak
    from bethna_cli.bootstrap.record import open_positions
    from bethna_cli.domain.units import Bps
    from bethna_cli.execution.checks import CheckLimits
    from bethna_cli.flow.sight import TradingDesk

    pins = trading_pins(settings)
    journal, decisions = open_journal(settings), open_decisions(settings)
    mandates, positions = open_mandates(settings), open_positions(settings)
    try:
        async with open_app(settings) as application, open_chain(settings) as place:
            venue, contracts = _venue_on_chain(place, pins, journal)
            yield TradingDesk(
                network=settings.network,
                wallet=wallet,
                pins=pins,
                feeds=application.feeds,
                book=application.book,
                venue=venue,
                traders=contracts,
                chain=place.chain,
                signer=plan_signer(settings),
                execution=execution_desk(place, journal, application.clock),
                ledger=application.ledger,
                decisions=decisions,
                mandates=mandates,
                positions=positions,
                clock=application.clock,
                keccak=keccak,
                slippage=Bps(settings.slippage_bps),
                approve_within_s=settings.approve_within_s,
                limits=CheckLimits(spot_age_s=settings.spot_max_age_s),
            )
    finally:
        for store in (journal, decisions, mandates, positions):
            store.close()


def trading_pins(settings: Settings) -> "TradingPins":
    """Say what a plan on this network may touch, from the release and from what the person confirmed."""
    from bethna_cli.domain.chain import CHAIN_IDS

    if settings.network == "sim":
        return _embedded_pins(settings)
    venue = settings.venue_pin
    if venue is None:
        raise ConfigurationError(
            f"No {_VENUE_NAMES[settings.venue]} is confirmed on {settings.network}.",
            hint=f"bethna contract venue --venue {settings.venue} --network {settings.network}",
        )
    if settings.venue == "book":
        return _pins_of(CHAIN_IDS[settings.network], venue, live_venue(settings), None, fills_book=True)
    if settings.trader_pin is None:
        raise ConfigurationError(
            f"No contract is confirmed on {settings.network}.", hint="bethna contract verify ADDRESS"
        )
    watcher = settings.watcher_address
    return _pins_of(CHAIN_IDS[settings.network], settings.trader_pin, live_venue(settings), watcher, fills_book=False)


_VENUE_NAMES = {"token": "router", "book": "order book"}


def _embedded_pins(settings: Settings) -> "TradingPins":
    """Return the embedded world's own contracts, or the person's where they deployed one there."""
    from bethna_cli.bootstrap.sim import served_venue
    from bethna_cli.domain.chain import Address, Hash
    from bethna_cli.domain.embedded import EMBEDDED_BOOK, EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS
    from bethna_cli.flow.sight import TradingPins

    venue = served_venue(settings)
    fills_book = venue is EMBEDDED_BOOK
    pin = None if fills_book else settings.trader_pin
    watcher = None if fills_book else settings.watcher_address
    return TradingPins(
        chain_id=EMBEDDED_CHAIN_ID,
        contract=Address(venue.book if fills_book else pin[0] if pin else PUBLIC_CONTRACTS["trader"]),
        code_hash=Hash(pin[1]) if pin else None,
        usdc=Address(venue.usdc),
        router=Address(venue.book),
        implementations=frozenset(venue.implementations),
        watcher=Address(watcher) if watcher else None,
        fills_book=fills_book,
    )


def _pins_of(
    chain_id: int, contract: tuple[str, str], venue: VenueAddresses, watcher: str | None, *, fills_book: bool
) -> "TradingPins":
    from bethna_cli.domain.chain import Address, Hash
    from bethna_cli.flow.sight import TradingPins

    address, code_hash = contract
    return TradingPins(
        chain_id=chain_id,
        contract=Address(address),
        code_hash=Hash(code_hash),
        usdc=Address(venue.usdc),
        router=Address(venue.book),
        implementations=frozenset(venue.implementations),
        watcher=Address(watcher) if watcher else None,
        fills_book=fills_book,
    )


def _venue_on_chain(
    place: OnChain, pins: "TradingPins", journal: "SqliteJournal"
) -> "tuple[TradingVenue, ContractStates]":
    """Return how trades are quoted and written, and what reads the contract that they go through."""
    if not pins.fills_book:
        from bethna_cli.adapters.token_venue import TokenVenue

        return TokenVenue(place.chain, pins.usdc), place.contracts
    from bethna_cli.adapters.book_venue import BookVenue

    def filled(handle: "Address") -> "Hash | None":
        found = (one.fill for one in journal.entries() if one.trade.intent.option_token == handle and one.fill)
        return next((fill.transaction for fill in found), None)

    return BookVenue(place.chain, pins.contract, pins.usdc, filled), venue_contracts(place, "book")


def venue_contracts(place: OnChain, venue: str) -> "ContractStates":
    """Return what reads the contract that fills orders: "token" the router's, "book" the order book's."""
    from bethna_cli.adapters.venue_contracts import VenueContracts
    from bethna_cli.domain.chain import Address

    released = {"token": "ThetanutsTokenRouter", "book": "DevelopmentOptionBook"}[venue]
    return VenueContracts(place.chain, Address(place.known["usdc"]), released)


async def venue_address(settings: Settings, place: OnChain) -> "Address":
    """Return where orders are filled: the embedded world's venue, the book of this release, or the router of the
    person's own contract. Raises ConfigurationError where there is none."""
    from bethna_cli.bootstrap.sim import served_venue
    from bethna_cli.domain.chain import Address

    if settings.network == "sim":
        return Address(served_venue(settings).book)
    if settings.venue == "book":
        book = live_venue(settings)
        if book.chain_id != place.chain.chain_id:
            raise ConfigurationError(
                f"There is no order book on {settings.network}.", hint="bethna config set network base"
            )
        return Address(book.book)
    if settings.trader_pin is None:
        raise ConfigurationError(
            f"No contract is confirmed on {settings.network}.", hint="bethna contract verify ADDRESS"
        )
    return (await place.contracts.state(Address(settings.trader_pin[0]))).default_router
