"""`bethna alerts`: what happened while nobody looked, live or later, and a try of every channel that tells it."""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, Network, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.domain.alert import ChannelState, KeptAlert
    from bethna_cli.ports import Alerts
    from bethna_cli.settings import Settings

LOOK_EVERY_S = 0.5
SHOWN = 20
MOST = 1_000
STREAM_PATIENCE_S = 10.0
STYLES = {"INFO": "", "WARNING": "yellow", "CRITICAL": "bold red"}


app = new_app("Notifications: what happened, newest last; live with --follow.", acts="bethna alerts --follow")

Follow = Annotated[bool, typer.Option("--follow", help="Go on showing new ones as they come; Ctrl-C ends it.")]
Ack = Annotated[str | None, typer.Option("--ack", metavar="ID", help="Note that you have seen one, or `all`.")]
Open = Annotated[bool, typer.Option("--open", help="Only those that nobody has acknowledged.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=MOST, metavar="N", help="How many, the newest.")]


@app.callback(invoke_without_command=True)
def alerts(
    ctx: typer.Context,
    follow: Follow = False,
    ack: Ack = None,
    only_open: Open = False,
    limit: Limit = SHOWN,
    network: Network = None,
    as_json: Json = False,
    no_color: NoColor = False,
) -> None:
    """List alerts, follow them, or acknowledge one."""
    if ctx.invoked_subcommand is not None:
        return
    from bethna_cli.bootstrap.notify import open_alerts, open_outbox
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    kept_alerts = open_alerts(settings)
    try:
        if ack is not None:
            _acknowledge(kept_alerts, ack, as_json)
            return
        found = kept_alerts.latest(limit, only_open=only_open)
        if follow:
            _follow(kept_alerts, found, as_json, no_color)
            return
        outbox = open_outbox(settings)
        try:
            _show(found, outbox.states(), as_json, no_color)
        finally:
            outbox.close()
    finally:
        kept_alerts.close()


def _acknowledge(kept_alerts: "Alerts", which: str, as_json: bool) -> None:
    from bethna_cli.bootstrap.market import system_clock
    from bethna_cli.cli import output
    from bethna_cli.domain.alert import alert_document

    names = [kept.alert.id for kept in kept_alerts.latest(MOST, only_open=True)] if which == "all" else [which]
    seen = [kept_alerts.acknowledge(name, system_clock().now()) for name in names]
    if as_json:
        output.emit([alert_document(kept) for kept in seen])
    else:
        typer.echo(f"Acknowledged: {len(seen)}" if which == "all" else f"Acknowledged: {seen[0].alert.title}")


def _show(found: "list[KeptAlert]", states: "list[ChannelState]", as_json: bool, no_color: bool) -> None:
    from bethna_cli.cli import output
    from bethna_cli.domain.alert import alert_document

    if as_json:
        output.emit([alert_document(kept) for kept in found])
        return
    if not found:
        typer.echo("No alert yet. Try every channel: bethna alerts test", err=True)
    _print(found, no_color)
    for state in states:
        if state.failures:
            typer.echo(
                f"{state.name} does not work ({state.error}); {state.pending} wait for it. Try: bethna alerts test",
                err=True,
            )


def _print(found: "list[KeptAlert]", no_color: bool) -> None:
    from rich.text import Text

    from bethna_cli.cli.figures import moment
    from bethna_cli.cli.output import console

    screen = console(no_color)
    for kept in found:
        alert = kept.alert
        head = f"{moment(kept.at)}  {alert.level.value:8}  {alert.id[:8]}{'  seen' if kept.acked_at else ''}"
        screen.print(Text(head, style="dim" if kept.acked_at else STYLES[alert.level.value]))
        screen.print(Text(f"  {alert.title}", style="bold"))
        if alert.text:
            screen.print(_indented(alert.text))


def _indented(text: str) -> Any:
    from rich.padding import Padding
    from rich.text import Text

    return Padding(Text(text), (0, 0, 0, 2), expand=False)


def _follow(kept_alerts: "Alerts", found: "list[KeptAlert]", as_json: bool, no_color: bool) -> None:
    """Print alerts as they are kept, whoever keeps them; as JSON one object a line."""
    from bethna_cli.domain.alert import alert_document

    last = 0 if not found else found[-1].sequence
    while True:
        if as_json:
            for kept in found:
                typer.echo(json.dumps(alert_document(kept), allow_nan=False))
        else:
            _print(found, no_color)
        time.sleep(LOOK_EVERY_S)
        found = kept_alerts.after(last, MOST)
        last = found[-1].sequence if found else last


@app.command("test", cls=ExampleCommand, epilog="bethna alerts test")
def try_all(network: Network = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Send one through every channel, and say what each did with it; exit 5 when one failed."""
    from bethna_cli.cli import output
    from bethna_cli.cli.output import waiting
    from bethna_cli.settings import load_settings

    settings = load_settings({"network": network})
    with waiting("Trying every channel", no_color):
        rows = asyncio.run(try_channels_once(settings))
    if as_json:
        output.emit({"ok": all(row["ok"] is not False for row in rows), "channels": rows})
    else:
        _print_trials(rows, no_color)
    if any(row["ok"] is False for row in rows):
        raise typer.Exit(5)


async def try_channels_once(settings: "Settings") -> list[dict[str, Any]]:
    """Try every channel, and say of those that are not set up how to."""
    from bethna_cli.bootstrap.notify import hear_stream, notify_desk, open_alerts, open_outbox
    from bethna_cli.domain.alert import Alert, Level
    from bethna_cli.flow.notify import try_channels

    kept_alerts, outbox = open_alerts(settings), open_outbox(settings)
    try:
        desk = notify_desk(settings, outbox)
        newest = max((kept.sequence for kept in kept_alerts.latest(1)), default=0)
        cause = f"test:{desk.clock.now().isoformat()}"
        alert = Alert(cause, Level.INFO, "test", "A test", "This channel works.")
        hearing = asyncio.create_task(hear_stream(settings, alert.id, newest, STREAM_PATIENCE_S))
        trials = await try_channels(desk, alert)
        is_heard = await hearing
    finally:
        outbox.close()
        kept_alerts.close()
    said = {True: "told", False: "the watcher does not pass it on", None: "no watcher runs"}
    return [
        {"channel": "store", "ok": True, "detail": f"kept as {alert.id[:8]}"},
        *({"channel": one.channel, "ok": one.error is None, "detail": one.error or "told"} for one in trials),
        {"channel": "websocket", "ok": is_heard, "detail": said[is_heard]},
        *_missing(settings),
    ]


def _missing(settings: "Settings") -> list[dict[str, Any]]:
    keys = {"e-mail": ("smtp_host", "mail_to"), "chat and desktop": ("alert_urls",)}
    return [
        {"channel": channel, "ok": None, "detail": f"not set up: bethna config set {key}"}
        for channel, needed in keys.items()
        for key in [next((key for key in needed if getattr(settings, key) is None), None)]
        if key is not None
    ]


def _print_trials(rows: list[dict[str, Any]], no_color: bool) -> None:
    from rich.text import Text

    from bethna_cli.cli.output import console
    from bethna_cli.cli.tables import table, words

    grid = table("channel", "state", "detail")
    styles = {True: ("ok", "green"), False: ("failed", "red"), None: ("–", "dim")}
    for row in rows:
        grid.add_row(words(row["channel"]), Text(*styles[row["ok"]]), words(row["detail"]))
    console(no_color).print(grid)
