"""What `bethna init` tries after each step: it asks the real thing once, and says in one line what came back.

A trial changes nothing and buys nothing; the one for e-mail sends one message, because nothing less proves it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bethna_cli.cli.output import waiting
from bethna_cli.domain.errors import BethnaError

if TYPE_CHECKING:
    from bethna_cli.bootstrap.market import App
    from bethna_cli.settings import Settings

OK, FAILED, NOT_SET_UP = "ok", "failed", "not set up"
QUESTION = "show me eth calls"


@dataclass(frozen=True, slots=True)
class Trial:
    """How a step stands: ok, failed or not set up, in words, with a command to type where something is wrong."""

    status: str
    detail: str
    hint: str | None = None


def tried(trial: "Callable[[Settings], Trial]", settings: "Settings") -> Trial:
    """Run one trial; what fails becomes its result."""
    try:
        return trial(settings)
    except BethnaError as error:
        return Trial(FAILED, error.message, error.hint)


def try_network(settings: "Settings") -> Trial:
    """Ask for one spot price, as `recommend` would."""
    from bethna_cli.cli.session import with_market
    from bethna_cli.domain.market import Asset
    from bethna_cli.flow.observe import observe

    async def look(application: "App") -> Trial:
        snapshot = await observe(Asset.ETH, application.feeds, application.clock)
        spot = snapshot.spot
        if not spot.usable or spot.value is None or spot.provenance is None:
            return Trial(FAILED, f"no spot price: {spot.reason}", "bethna doctor")
        price, said = spot.value.value_usd, spot.provenance
        return Trial(OK, f"{settings.network}: ETH is at {price:,.2f} USD ({said.source}, {said.origin.value})")

    return with_market(settings, Asset.ETH, look)


def try_rpc(settings: "Settings") -> Trial:
    """Ask every endpoint for its chain and its newest block."""
    from bethna_cli.bootstrap.chain import open_chain

    if settings.network == "sim" and not settings.rpc_urls:
        return Trial(OK, "the embedded world brings its own chain")
    if not settings.rpc_urls:
        return Trial(NOT_SET_UP, f"no endpoint, so {settings.network} cannot be reached", "bethna config set rpc_url")

    async def ask() -> Trial:
        async with open_chain(settings) as place:
            await place.chain.check()
            block = await place.chain.block()
            return Trial(
                OK, f"chain {place.chain.chain_id}, block {block.number:,}, {place.chain.endpoints} endpoint(s)"
            )

    with waiting("Asking the chain"):
        return asyncio.run(ask())


def try_keys(settings: "Settings") -> Trial:
    """Ask the sources that take a key, with the keys that are set."""
    from bethna_cli.cli.doctor import ask_sources
    from bethna_cli.cli.session import with_market
    from bethna_cli.domain.market import Asset

    keys = {"pyth_api_key": "Pyth", "x_bearer_token": "X"}
    given = [name for key, name in keys.items() if getattr(settings, key) is not None]
    if not given:
        return Trial(NOT_SET_UP, "no keys: spot from dYdX, mood from Fear & Greed; that works")

    async def ask(application: "App") -> Trial:
        checks = await ask_sources(application, Asset.ETH)
        wrong = [check for check in checks if check.status == "failed"]
        if wrong:
            return Trial(FAILED, "; ".join(f"{check.name}: {check.detail}" for check in wrong), "bethna doctor")
        return Trial(OK, f"{', '.join(given)}: every source answers")

    return with_market(settings, Asset.ETH, ask)


def try_wallet(settings: "Settings") -> Trial:
    """Name the wallet that would sign; no password is asked for."""
    from bethna_cli.bootstrap.chain import shown_address
    from bethna_cli.bootstrap.wallet import wallet_folder

    wallet = wallet_folder(settings).in_use(settings.network)
    if wallet is None:
        return Trial(NOT_SET_UP, f"no wallet for {settings.network}: you can look, not trade", "bethna wallet new main")
    return Trial(OK, f"{wallet.name} ({wallet.kind.value}), {shown_address(wallet.address)}")


def try_contract(settings: "Settings") -> Trial:
    """Look at the pinned contract on its chain, and compare its code with what was confirmed."""
    from bethna_cli.bootstrap.chain import open_chain, shown_address
    from bethna_cli.domain.chain import Address

    pin = settings.trader_pin
    if pin is None:
        if settings.network == "sim":
            return Trial(OK, "the embedded world deploys its own")
        return Trial(NOT_SET_UP, "none is confirmed: you can look, not trade", "bethna contract deploy -h")

    async def ask() -> Trial:
        async with open_chain(settings) as place:
            state = await place.contracts.state(Address(pin[0]))
        if state.code_hash != pin[1]:
            return Trial(FAILED, f"{shown_address(pin[0])} has other code now", f"bethna contract verify {pin[0]}")
        return Trial(OK, f"{shown_address(pin[0])}, the code that you confirmed")

    with waiting("Asking the chain"):
        return asyncio.run(ask())


def try_mail(settings: "Settings") -> Trial:
    """Send one message through every channel for alerts."""
    from bethna_cli.cli.alerts import try_channels_once

    if not (settings.smtp_host and settings.mail_to):
        return Trial(NOT_SET_UP, "no e-mail: alerts are shown here and kept", "bethna config set smtp_host HOST")
    with waiting("Sending a message"):
        rows = {row["channel"]: row for row in asyncio.run(try_channels_once(settings))}
    mail = next((row for name, row in rows.items() if "mail" in name), None)
    if mail is None or not mail["ok"]:
        return Trial(FAILED, f"e-mail: {mail['detail'] if mail else 'no channel'}", "bethna config set smtp_host HOST")
    return Trial(OK, f"a test message went to {settings.mail_to}")


def try_language_model(settings: "Settings") -> Trial:
    """Let the model say what a harmless question means."""
    from bethna_cli.bootstrap.chat import language_model

    model = language_model(settings)
    if model is None:
        return Trial(NOT_SET_UP, "none: the chat understands you without one, on this machine")

    async def ask() -> str:
        started = time.perf_counter()
        understood = await model.understand(QUESTION, "")
        elapsed = time.perf_counter() - started
        return f"{settings.llm_model} read {QUESTION!r} as {understood.kind.value} in {elapsed:.1f} s"

    with waiting("Asking the language model"):
        return Trial(OK, asyncio.run(ask()))
