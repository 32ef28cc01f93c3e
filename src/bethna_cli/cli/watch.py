"""`bethna watch`: Gamma at work, in the foreground or beside, and whether it is; its own account and the gas in it."""

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.bootstrap.guard import Guarding
    from bethna_cli.cli.watch_screen import Teller
    from bethna_cli.domain.errors import BethnaError
    from bethna_cli.domain.wallet import Wallet
    from bethna_cli.flow.guard import Ticked
    from bethna_cli.settings import Settings

LATE = 5


app = new_app(
    "Gamma, the watcher: marks positions, warns, and sells what you signed for.", acts="bethna watch --detach"
)

Once = Annotated[bool, typer.Option("--once", help="Look once, say what there is, and leave.")]
Detach = Annotated[bool, typer.Option("--detach", help="Go on in the background.")]
Tell = Annotated[bool, typer.Option("--tell", help="Send an alert when nobody watches an open position; for cron.")]
Ether = Annotated[str, typer.Argument(metavar="ETH", help="How much; it may hold 0.005 at most.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; only where nothing is at stake.")]


@app.callback(invoke_without_command=True)
def watch(
    ctx: typer.Context,
    once: Once = False,
    detach: Detach = False,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """Watch open positions until Ctrl-C or `bethna watch stop`."""
    if ctx.invoked_subcommand is not None:
        return
    from bethna_cli.bootstrap.wallet import needs_no_consent, wallet_in_use
    from bethna_cli.bootstrap.watcher import ensure_watcher
    from bethna_cli.cli.sim import serve_in_background
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    wallet = wallet_in_use(settings)
    if settings.network == "sim" and not settings.rpc_urls:
        serve_in_background(settings)
    if needs_no_consent(settings, wallet):
        ensure_watcher(settings)
        settings = load_settings({"network": network})
    if detach:
        from bethna_cli.cli.watch_beside import detached

        detached(settings, wallet, as_json)
        return
    from bethna_cli.cli.watch_screen import Teller

    teller = Teller(as_json, no_color)
    code = asyncio.run(_watched(settings, wallet, teller, once=once))
    if code:
        raise typer.Exit(code)


async def _watched(settings: "Settings", wallet: "Wallet", teller: "Teller", *, once: bool) -> int:
    """Be the watcher. Returns the exit code."""
    from bethna_cli.bootstrap.guard import open_guard, watch_lock, watch_log
    from bethna_cli.bootstrap.notify import telling

    with watch_lock(settings, wallet.address).held():
        log = watch_log(settings)

        def report(channel: str, error: "BethnaError") -> None:
            log(f"{channel}: {error.message}")

        async with open_guard(settings, wallet, log) as guarding, telling(settings, report):
            if once:
                return await _one_look(settings, guarding, teller)
            return await _rounds(settings, guarding, teller, log)


async def _one_look(settings: "Settings", guarding: "Guarding", teller: "Teller") -> int:
    from bethna_cli.bootstrap.guard import real_interval_s, this_process
    from bethna_cli.flow.gauge import Gauging
    from bethna_cli.flow.guard import Memory, tick

    desk, watchbook = guarding.desk, guarding.desk.watchbook
    memory = Memory(watchbook.start(desk.account, this_process(), real_interval_s(settings, desk.clock)))
    try:
        ticked = await tick(desk, memory)
        found = await Gauging(guarding.feeds.histories).turn(desk, memory.token, ticked)
    finally:
        watchbook.stop(memory.token)
    teller.looked_once(ticked, found)
    return LATE if ticked.troubles else 0


async def _rounds(settings: "Settings", guarding: "Guarding", teller: "Teller", log: Callable[[str], None]) -> int:
    from bethna_cli.bootstrap.guard import real_interval_s, this_process
    from bethna_cli.bootstrap.notify import open_alerts
    from bethna_cli.bootstrap.retain import open_retention
    from bethna_cli.cli.watch_screen import gauge_line, tick_document, tick_line
    from bethna_cli.flow.gauge import Gauging
    from bethna_cli.flow.guard import Memory
    from bethna_cli.flow.retain import Daily
    from bethna_cli.flow.watch import Rounds, keep_watching

    def said(ticked: "Ticked") -> None:
        teller.said(ticked)
        for line in (tick_line(tick_document(ticked)), *ticked.troubles, *(one.title for one in ticked.alerts)):
            log(line)

    def failed(what: str) -> None:
        teller.failed(what)
        log(what)

    async def gauge(ticked: "Ticked") -> None:
        found = await gauging.turn(desk, memory.token, ticked)
        teller.gauged(found)
        if found is not None:
            log(gauge_line(found))

    desk, gauging = guarding.desk, Gauging(guarding.feeds.histories)
    interval_s = real_interval_s(settings, desk.clock)
    memory = Memory(desk.watchbook.start(desk.account, this_process(), interval_s))
    alerts, retention, daily = open_alerts(settings), open_retention(settings), Daily()
    _stop_when_told(guarding.stop)
    teller.begins(desk.account, interval_s, can_sell=desk.exits is not None)
    try:
        rounds = Rounds(
            interval_s,
            alerts,
            guarding.look_again,
            lambda: daily.turn(retention, desk.clock.now()),
            said,
            failed,
            gauge,
        )
        await keep_watching(desk, rounds, memory, guarding.stop)
    finally:
        retention.close()
        alerts.close()
        desk.watchbook.stop(memory.token)
    teller.ends()
    return 0


def _stop_when_told(stop: asyncio.Event) -> None:
    """Let a signal set it: the tick that has begun is finished, and then the watcher leaves."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


# ── beside ────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command("status", cls=ExampleCommand, epilog="bethna watch status --tell")
def status(tell: Tell = False, network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Say whether Gamma watches and how long ago it looked. Exits 0 when it does, 5 when it is late, 6 when not."""
    from bethna_cli.cli import output
    from bethna_cli.cli.watch_beside import state_of, tell_of_absence
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    document, code = state_of(settings)
    if tell:
        told = tell_of_absence(settings, code, document["open_positions"], document.get("last_look_at"))
        document["told"] = told
    if as_json:
        output.emit(document)
    else:
        from bethna_cli.cli.tables import pairs, words

        grid = pairs()
        for name, value in document.items():
            if value is not None:
                text = ("no", "yes")[value] if isinstance(value, bool) else str(value)
                grid.add_row(name.replace("_", " "), words(f"{value:g}" if isinstance(value, float) else text))
        output.console(no_color).print(grid)
        if code:
            typer.echo("Try: bethna watch --detach", err=True)
    if code:
        raise typer.Exit(code)


@app.command("stop", cls=ExampleCommand, epilog="bethna watch stop")
def stop(network: Network = None, as_json: Json = False) -> None:
    """Let the watcher finish its look and leave. Exits 6 when there is none."""
    from bethna_cli.cli import output
    from bethna_cli.cli.watch_beside import stop_watcher
    from bethna_cli.settings import load_settings

    holder = stop_watcher(load_settings({"network": network}))
    if as_json:
        output.emit({"watching": False, "pid": holder})
    else:
        typer.echo("Gamma has stopped watching.")


# ── its own account ───────────────────────────────────────────────────────────────────────────────────────────────


@app.command("key", cls=ExampleCommand, epilog="bethna watch key")
def key(network: Network = None, as_json: Json = False) -> None:
    """Make the watcher's own account where there is none, and show it. Exits that you sign name it."""
    from bethna_cli.bootstrap.watcher import ensure_watcher, open_watcher
    from bethna_cli.cli import output
    from bethna_cli.settings import load_settings

    address = ensure_watcher(load_settings({"network": network}))
    opened = open_watcher(load_settings({"network": network}))
    if as_json:
        output.emit({"address": address, "opens": opened.address == address})
    else:
        typer.echo(f"The watcher's account is {address}; its key opens by itself and can only send what you signed.")
        typer.echo("It needs a little ether for gas: bethna watch fund 0.002", err=True)


@app.command("fund", cls=ExampleCommand, epilog="bethna watch fund 0.002")
def fund(ether: Ether, yes: Yes = False, network: Network = None, as_json: Json = False) -> None:
    """Give the watcher's account gas money from your wallet; it may hold 0.005 ETH at most."""
    from bethna_cli.bootstrap.wallet import wallet_in_use
    from bethna_cli.bootstrap.watcher import ensure_watcher
    from bethna_cli.cli import output
    from bethna_cli.cli.fund_watcher import funded, parse_ether
    from bethna_cli.cli.sim import serve_in_background
    from bethna_cli.settings import load_settings

    amount_wei = parse_ether(ether)
    settings = load_settings({"network": network})
    wallet = wallet_in_use(settings)
    if settings.network == "sim" and not settings.rpc_urls:
        serve_in_background(settings)
    ensure_watcher(settings)
    document = asyncio.run(funded(load_settings({"network": network}), wallet, amount_wei, yes=yes))
    if as_json:
        output.emit(document)
    else:
        typer.echo(f"The watcher has {document['balance_eth']} ETH now ({document['transaction']}).")


@app.command("unit", cls=ExampleCommand, epilog="bethna watch unit > ~/.config/systemd/user/bethna.service")
def unit(
    launchd: Annotated[bool, typer.Option("--launchd", help="A property list for macOS instead.")] = False,
    network: Network = None,
    as_json: Json = False,
) -> None:
    """Print what starts the watcher with the machine: a systemd user unit, or a launchd property list."""
    import os

    from bethna_cli.cli import output
    from bethna_cli.cli.watch_unit import service
    from bethna_cli.settings import SECRET_KEYS, load_settings

    settings = load_settings({"network": network})
    secrets = {f"BETHNA_{key.upper()}": key for key in sorted(SECRET_KEYS)}
    text = service(settings.network, os.environ, frozenset(secrets), launchd=launchd)
    left_out = {name: key for name, key in secrets.items() if name in os.environ}
    if as_json:
        output.emit({"manager": "launchd" if launchd else "systemd", "text": text, "left_out": list(left_out)})
    else:
        typer.echo(text, nl=False)
    for name, key in left_out.items():
        typer.echo(f"{name} is a secret and stands not in it. Try: bethna config set {key}", err=True)
