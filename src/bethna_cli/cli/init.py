"""`bethna init`: asks for what a person may want to set up, step by step, and tries each answer on the real thing.

Every step can be skipped, and the whole run again: what is set up already is shown and kept. A secret is typed at a
hidden prompt, goes where the person says (environment, keyring, a file for their eyes only) and is printed nowhere.
"""

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bethna_cli.cli.commands import ExampleCommand, Json, NoColor, new_app

if TYPE_CHECKING:
    from bethna_cli.cli.init_trials import Trial
    from bethna_cli.settings import Settings

app = new_app("Set bethna up, step by step.")

Check = Annotated[bool, typer.Option("--check", help="Ask nothing: try what is set up, and say what came back.")]
Only = Annotated[str | None, typer.Option("--only", metavar="STEP", help="One step alone, like wallet.")]

NETWORKS = ("sim", "base", "base-sepolia")
INTERRUPTED = 130
FAILURE = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to set up. trial: the name of its trial in init_trials; change: asks, and writes what was answered."""

    name: str
    about: str
    trial: str
    change: Callable[["Settings"], None]


@app.command("init", cls=ExampleCommand, epilog="bethna init")
def init(check: Check = False, only: Only = None, as_json: Json = False, no_color: NoColor = False) -> None:
    """Set up network, RPC, keys, wallet, contract, e-mail and language model; skip what you do not want."""
    from bethna_cli.cli import output
    from bethna_cli.domain.errors import UsageError

    steps = _chosen(only)
    if not check and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("bethna init asks questions, so it needs a terminal.", hint="bethna init --check")
    if no_color:
        os.environ["NO_COLOR"] = "1"  # for the commands that run in this process, too
    if not check:
        _say("Enter leaves a step as it is; Ctrl-C leaves here. What you have answered is kept.")
    rows = []
    for number, step in enumerate(steps, 1):
        if not check:
            _say(f"\n{number}/{len(steps)} {step.name}: {step.about}")
        rows.append({"step": step.name, **_taken(step, ask=not check)})
    is_ok = all(row["status"] != "failed" for row in rows)
    if as_json:
        output.emit({"ok": is_ok, "network": _settings().network, "steps": rows})
    else:
        _print(rows)
    if not is_ok:
        raise typer.Exit(FAILURE)


def _chosen(only: str | None) -> "tuple[Step, ...]":
    from difflib import get_close_matches

    from bethna_cli.domain.errors import UsageError

    if only is None:
        return STEPS
    found = tuple(step for step in STEPS if step.name == only)
    if not found:
        names = [step.name for step in STEPS]
        near = get_close_matches(only, names, n=1)
        raise UsageError(
            f"No step is called {only[:24]!a}; there are {', '.join(names)}.",
            hint=f"bethna init --only {near[0] if near else names[0]}",
        )
    return found


def _taken(step: Step, *, ask: bool) -> dict[str, object]:
    """Take one step: show how it stands, change what the person wants, and try it, until it works or is left."""
    trial = _tried(step)
    if not ask:
        return _row(trial, changed=False)
    _show(trial, "now")
    changed = False
    question = "Change it?" if trial.status == "ok" else "Set it up?"
    while _yes(question):
        step.change(_settings())
        changed = True
        trial = _tried(step)
        _show(trial, "tried")
        if trial.status != "failed":
            break
        question = "Try again?"
    return _row(trial, changed=changed)


def _tried(step: Step) -> "Trial":
    from bethna_cli.cli import init_trials
    from bethna_cli.domain.errors import BethnaError

    try:
        return init_trials.tried(getattr(init_trials, step.trial), _settings())
    except BethnaError as error:
        return init_trials.Trial(init_trials.FAILED, error.message, error.hint)


def _row(trial: "Trial", *, changed: bool) -> dict[str, object]:
    return {"status": trial.status, "changed": changed, "detail": trial.detail, "hint": trial.hint}


def _settings() -> "Settings":
    from bethna_cli.settings import load_settings

    return load_settings()


# ── what is asked ─────────────────────────────────────────────────────────────────────────────────────────────────


def _change_network(settings: "Settings") -> None:
    _set("network", _choice("Which network", NETWORKS, settings.network))


def _change_rpc(_: "Settings") -> None:
    _say("One to four https URLs, with spaces between them; they may carry keys, so nothing shows as you type.")
    _set_secret("rpc_url")


def _change_keys(_: "Settings") -> None:
    for key, what in (("pyth_api_key", "Pyth (spot prices)"), ("x_bearer_token", "X (posts)")):
        if _yes(f"A key for {what}?"):
            _set_secret(key)


def _change_wallet(settings: "Settings") -> None:
    how = _choice("Make a new one, import a key or phrase, watch an address, or use another", WAYS, "new")
    name = _line("What do you call it", "main")
    if how == "watch":
        is_there = _run("wallet", "import", name, "--watch", _line("The address", ""))
    else:
        is_there = how == "use" or _run("wallet", how, name)
    if is_there:
        _run("wallet", "use", name, "--network", settings.network)


def _change_contract(settings: "Settings") -> None:
    if settings.network == "sim":
        _say("The embedded world deploys its own with: bethna sim up --detach")
        return
    _say("Not deployed yet? Leave it empty, and see: bethna contract deploy -h")
    address = _line("Your contract's address", "")
    if address:
        _run("contract", "verify", address)


def _change_mail(settings: "Settings") -> None:
    _set("smtp_host", _line("The mail server", settings.smtp_host or ""))
    _set("smtp_security", _choice("How is mail kept private", ("starttls", "tls", "none"), settings.smtp_security))
    default_port = {"tls": "465", "none": "25"}.get(_settings().smtp_security, "587")
    _set("smtp_port", _line("Its port", default_port))
    _set("mail_to", _line("Who gets the alerts", settings.mail_to or ""))
    user = _line("The login there (empty: none)", settings.smtp_user or "")
    if user:
        _set("smtp_user", user)
        _set_secret("smtp_password")


def _change_language_model(settings: "Settings") -> None:
    _say("provider:model, like ollama:llama3.2, openai:gpt-4.1-mini or anthropic:claude-haiku-4-5.")
    _set("llm_model", _line("Which model", settings.llm_model or ""))
    url = _line("Where it is served (empty: at its provider's)", settings.llm_url or "")
    if url:
        _set("llm_url", url)
    if _yes("Does it need a key?"):
        _set_secret("llm_api_key")


WAYS = ("new", "import", "watch", "use")
STEPS = (
    Step("network", "which world you talk to; sim costs nothing", "try_network", _change_network),
    Step("rpc", "how the chain is reached", "try_rpc", _change_rpc),
    Step("keys", "keys of data sources, all optional", "try_keys", _change_keys),
    Step("wallet", "the account that signs", "try_wallet", _change_wallet),
    Step("contract", "your own SentientTrader", "try_contract", _change_contract),
    Step("e-mail", "alerts by e-mail, optional", "try_mail", _change_mail),
    Step("language-model", "better understanding in the chat, optional", "try_language_model", _change_language_model),
)


# ── asking, and running the commands that do the work ─────────────────────────────────────────────────────────────


def _set(key: str, value: str) -> None:
    if value:
        _run("config", "set", key, value)


def _set_secret(key: str) -> None:
    """Let the person choose where a secret lives; in the environment, bethna never sees it."""
    from bethna_cli.settings import variable

    place = _choice("Keep it in a file for your eyes only, the keyring, or the environment", PLACES, "file")
    if place == "environment":
        _say(f"Put it there yourself, then run this again: export {variable(key)}=…")
        return
    _run("config", "set", key, *(("--keyring",) if place == "keyring" else ()))


PLACES = ("file", "keyring", "environment")


def _run(*words: str) -> bool:
    """Run a bethna command as if it had been typed, and say whether it went well; stdout is kept for the result."""
    from bethna_cli.cli.app import run

    with redirect_stdout(sys.stderr):
        code = run(words)
    if code == INTERRUPTED:
        raise typer.Abort
    return code == 0


def _yes(question: str) -> bool:
    return bool(typer.confirm(question, default=False, err=True))


def _line(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default), err=True)).strip()


def _choice(question: str, ways: tuple[str, ...], default: str) -> str:
    """Ask until one of the ways is named, or begun without doubt."""
    while True:
        typed = _line(f"{question} ({', '.join(ways)})", default).lower()
        found = [way for way in ways if way == typed] or [way for way in ways if typed and way.startswith(typed)]
        if len(found) == 1:
            return found[0]
        _say(f"One of {', '.join(ways)}, please.")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _show(trial: "Trial", when: str) -> None:
    _say(f"  {when}: {trial.status}, {trial.detail}" + (f"\n  Try: {trial.hint}" if trial.hint else ""))


def _print(rows: list[dict[str, object]]) -> None:
    from bethna_cli.cli.output import console
    from bethna_cli.cli.tables import table, words

    grid = table("step", "state", "detail")
    for row in rows:
        grid.add_row(str(row["step"]), str(row["status"]), words(str(row["detail"])))
    console().print(grid)
