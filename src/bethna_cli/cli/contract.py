"""`bethna contract`: deploy your own SentientTrader, look at it, check that it can be believed, pause it.

On the embedded network transactions are signed with its public keys and sent. On a real network they are printed
unsigned, for a wallet elsewhere. A contract is pinned only by a person at a terminal who types part of its code hash.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.bootstrap.chain import OnChain
    from bethna_cli.settings import Settings

T = TypeVar("T")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
TYPED_DIGITS = 4

app = new_app("Your own SentientTrader, the contract that trades for you and holds nothing.")

Place = Annotated[str | None, typer.Argument(metavar="[ADDRESS]", help="The contract; without it the confirmed one.")]
Router = Annotated[str | None, typer.Option("--router", metavar="ADDRESS", help="The venue it trades through.")]
Venue = Annotated[
    str | None, typer.Option("--venue", metavar="token|book", help="Your contract's router, or the order book itself.")
]
Owner = Annotated[str | None, typer.Option("--owner", metavar="ADDRESS", help="Who lists routers and may pause.")]
Guardian = Annotated[str | None, typer.Option("--guardian", metavar="ADDRESS", help="Who may only pause.")]
Sender = Annotated[str | None, typer.Option("--from", metavar="ADDRESS", help="Who signs (default: the owner).")]


@app.command("deploy", cls=ExampleCommand, epilog="bethna contract deploy")
def deploy(
    router: Router = None,
    owner: Owner = None,
    guardian: Guardian = None,
    sender: Sender = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Deploy a contract of your own; on a real network print the transaction to sign."""
    from bethna_cli.cli import contract_answers
    from bethna_cli.domain.chain import NO_ADDRESS, DeploymentTerms
    from bethna_cli.flow.deploy import prepare_deployment

    given = {"--router": router, "--owner": owner, "--guardian": guardian, "--from": sender}
    named = {flag: _address(flag, value) for flag, value in given.items()}

    async def work(place: "OnChain") -> None:
        venue = named["--router"] or place.known.get("router") or _no_router(place.network)
        account = place.known.get("throwaway_wallet")
        keeper = named["--owner"] or account or _missing("--owner", "the account that will own the contract")
        terms = DeploymentTerms(
            usdc=place.known["usdc"],
            routers=(venue,),
            owner=keeper,
            guardian=named["--guardian"] or NO_ADDRESS,
        )
        payer = named["--from"] or account or keeper
        transaction = await prepare_deployment(place.chain, place.contracts, terms, payer)
        await contract_answers.settle(place, transaction, "bethna contract verify", as_json, no_color)

    _on_chain(network, work)


def _no_router(network: str) -> str:
    from bethna_cli.domain.errors import ConfigurationError

    raise ConfigurationError(
        f"There is no router on {network} that bethna knows: SentientTrader trades ERC-20 option series, and the order "
        "book there has none. It is filled from your own account, without this contract.",
        hint="bethna contract deploy --router ADDRESS",
    )


def _missing(flag: str, what: str) -> str:
    from bethna_cli.domain.errors import UsageError

    raise UsageError(f"{flag} is missing: {what}.", hint="bethna contract deploy -h")


@app.command("status", cls=ExampleCommand, epilog="bethna contract status")
def status(place: Place = None, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Show a contract's roles, routers, switches and balances."""
    from bethna_cli.cli import contract_answers

    settings = _settings(network)
    wanted = _address("ADDRESS", place)

    async def work(there: "OnChain") -> None:
        await there.chain.check()
        state = await there.contracts.state(_contract(wanted, settings, there))
        contract_answers.show_state(there, state, settings, as_json, no_color)

    _with_chain(settings, work)


@app.command("verify", cls=ExampleCommand, epilog="bethna contract verify")
def verify(
    place: Place = None,
    owner: Owner = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Compare a contract with this release, and pin it if you confirm. Exits 4 when it differs."""
    from bethna_cli.cli import contract_answers
    from bethna_cli.domain.chain import ContractPin, ContractState, Hash
    from bethna_cli.flow.deploy import Expectation, Finding, findings

    settings = _settings(network)
    wanted, keeper = _address("ADDRESS", place), _address("--owner", owner)

    async def work(there: "OnChain") -> "tuple[ContractState, list[Finding]]":
        await there.chain.check()
        state = await there.contracts.state(_contract(wanted, settings, there))
        known = settings.trader_pin
        pin = None if known is None else ContractPin(known[0], Hash(known[1]))
        return state, findings(state, Expectation(there.chain.chain_id, there.known["usdc"], keeper, pin))

    state, found = _with_chain(settings, work)
    contract_answers.show_findings(state, found, as_json, no_color)
    contract_answers.refuse_differences(state, found)
    pin = (state.address, state.code_hash)
    if settings.trader_pin != pin and not as_json and _is_confirmed(state.code_hash):
        _pin(settings, settings.trader_key, *pin)


def _is_confirmed(code_hash: str) -> bool:
    """Ask for the last digits of the code hash. Only a person at a terminal can answer; nothing else confirms."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        typer.echo("Not pinned: that takes a person at a terminal.", err=True)
        return False
    question = f"To pin it, type the last {TYPED_DIGITS} digits of its code hash"
    typed = str(typer.prompt(question, default="", show_default=False, err=True))
    if typed.strip().lower() == code_hash[-TYPED_DIGITS:]:
        return True
    from bethna_cli.domain.errors import TradeRefused

    raise TradeRefused("Those are other digits; nothing was pinned.", hint="bethna contract verify")


def _pin(settings: "Settings", key: str, address: str, code_hash: str) -> None:
    from bethna_cli.settings_files import write_value

    write_value(settings.folders.config_file, key, f"{address}@{code_hash}")
    typer.echo(f"Pinned as {key} in {settings.folders.config_file}", err=True)


@app.command("venue", cls=ExampleCommand, epilog="bethna contract venue --venue book --network base")
def venue(
    kind: Venue = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Show what your trades go through, the router or the order book, and pin it if you confirm."""
    from bethna_cli.bootstrap.chain import venue_address, venue_contracts
    from bethna_cli.cli import contract_answers
    from bethna_cli.domain.chain import ContractPin, ContractState, Hash
    from bethna_cli.flow.deploy import Finding, venue_findings

    settings = _settings(network, kind)

    async def work(there: "OnChain") -> "tuple[ContractState, list[Finding]]":
        await there.chain.check()
        state = await venue_contracts(there, settings.venue).state(await venue_address(settings, there))
        known = settings.venue_pin
        pin = None if known is None else ContractPin(known[0], Hash(known[1]))
        return state, venue_findings(state, there.chain.chain_id, pin)

    state, found = _with_chain(settings, work)
    contract_answers.show_findings(state, found, as_json, no_color)
    contract_answers.refuse_differences(state, found)
    if settings.network == "sim":
        typer.echo("The embedded world's venue is known; there is nothing to pin.", err=True)
    elif settings.venue_pin != (state.address, state.code_hash) and not as_json and _is_confirmed(state.code_hash):
        _pin(settings, settings.venue_key, state.address, state.code_hash)


@app.command("pause", cls=ExampleCommand, epilog="bethna contract pause")
def pause(
    place: Place = None,
    sender: Sender = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Stop all buys; signed exits go on. The owner or the guardian may."""
    _switch(place, sender, network, as_json, no_color, paused=True)


@app.command("unpause", cls=ExampleCommand, epilog="bethna contract unpause")
def unpause(
    place: Place = None,
    sender: Sender = None,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Allow buys again. Only the owner may."""
    _switch(place, sender, network, as_json, no_color, paused=False)


def _switch(
    place: str | None, sender: str | None, network: str | None, as_json: bool, no_color: bool, *, paused: bool
) -> None:
    from bethna_cli.cli import contract_answers
    from bethna_cli.flow.deploy import prepare_switch

    settings = _settings(network)
    wanted, account = _address("ADDRESS", place), _address("--from", sender)

    async def work(there: "OnChain") -> None:
        address = _contract(wanted, settings, there)
        payer = account or (await there.contracts.state(address)).owner
        transaction = await prepare_switch(there.chain, there.contracts, address, payer, paused=paused)
        await contract_answers.settle(there, transaction, f"bethna contract status {address}", as_json, no_color)

    _with_chain(settings, work)


# ── what the commands share ───────────────────────────────────────────────────────────────────────────────────────


def _address(flag: str, value: str | None) -> str | None:
    """Read an address that was typed. Raises UsageError for anything else, and for a wrong checksum."""
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.domain.errors import UsageError

    if value is None:
        return None
    if not _ADDRESS.fullmatch(value):
        raise UsageError(f"{flag}: not an address; one is 0x and 40 digits.", hint="bethna contract -h")
    if value[2:] not in (value[2:].lower(), value[2:].upper()) and shown_address(value.lower()) != value:
        raise UsageError(f"{flag}: the address has a typing error; its checksum is wrong.", hint="bethna contract -h")
    return value.lower()


def _contract(wanted: str | None, settings: "Settings", place: "OnChain") -> str:
    from bethna_cli.domain.errors import ConfigurationError

    if wanted is not None:
        return wanted
    if settings.trader_pin is not None:
        return settings.trader_pin[0]
    if "trader" in place.known:
        return place.known["trader"]
    raise ConfigurationError(f"No contract is pinned on {place.network}.", hint="bethna contract verify ADDRESS")


def _settings(network: str | None, venue: str | None = None) -> "Settings":
    from bethna_cli.settings import load_settings

    return load_settings({"network": network, "venue": venue})


def _on_chain(network: str | None, work: "Callable[[OnChain], Awaitable[T]]") -> T:
    return _with_chain(_settings(network), work)


def _with_chain(settings: "Settings", work: "Callable[[OnChain], Awaitable[T]]") -> T:
    from bethna_cli.bootstrap.chain import open_chain
    from bethna_cli.cli.output import waiting

    async def session() -> T:
        async with open_chain(settings) as place:
            return await work(place)

    with waiting("Asking the chain"):
        return asyncio.run(session())
