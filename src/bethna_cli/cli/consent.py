"""How a yes is given: typed by a person at a terminal, who has the card before them.

`--yes` stands for it only where nothing is at stake (the embedded world as this machine serves it, with the wallet
whose key everybody has), or for trades within a policy that the person made at a terminal and signed. No variable, no
pipe and no other file does.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bethna_cli.domain.wallet import Password, Wallet
    from bethna_cli.flow.consent import Consent, Way
    from bethna_cli.flow.mandate import ExitReview
    from bethna_cli.flow.review import Review
    from bethna_cli.ports import Policies, Signer
    from bethna_cli.settings import Settings

Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing: in the embedded world, or within your policy.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="With --yes and a policy: read the password from stdin.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show checks, card and calldata; sign and send nothing.")]


def require_person(command: str, hint: str | None = None) -> None:
    """Raise TradeRefused unless a person can read the card and type an answer."""
    from bethna_cli.domain.errors import TradeRefused

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TradeRefused("A yes is typed by a person at a terminal.", hint=hint or f"{command} --dry-run")


@contextmanager
def agreed(
    settings: "Settings", wallet: "Wallet", command: str, *, password_stdin: bool
) -> "Iterator[tuple[Consent, Signer | None]]":
    """Give the consent to a trade that `--yes` stands for, and the signer that needs no terminal, None for the usual.

    Raises TradeRefused where something is at stake and the person has made no policy.
    """
    from bethna_cli.bootstrap.policy import ahead_of_time_signer, opened_policies
    from bethna_cli.bootstrap.wallet import needs_no_consent
    from bethna_cli.domain.chain import CHAIN_IDS
    from bethna_cli.domain.errors import TradeRefused

    if needs_no_consent(settings, wallet):
        yield NothingAtStake(), None
        return
    with opened_policies(settings) as policies:
        policy = policies.current(wallet.address, CHAIN_IDS[settings.network])
        if policy is None:
            raise TradeRefused(
                "--yes is for the embedded world, served by this machine, and its throwaway wallet; this is another, "
                "and there is no policy for it.",
                hint=f"{command}, or bethna policy set -h",
            )
        signer = ahead_of_time_signer(settings, policy, _password(wallet, from_stdin=password_stdin))
        yield WithinPolicy(policies), signer


def _password(wallet: "Wallet", *, from_stdin: bool) -> "Password":
    """Get the password that a policy lets be given unasked: a line of stdin, or what the keyring keeps."""
    from bethna_cli.bootstrap.policy import remembered_password
    from bethna_cli.domain.wallet import LONGEST_PASSWORD, Password

    if from_stdin:
        return Password(sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n"))
    return remembered_password(wallet)


def granted(settings: "Settings", wallet: "Wallet", command: str) -> "NothingAtStake":
    """Return the consent that `--yes` stands for. Raises TradeRefused wherever anything is at stake."""
    from bethna_cli.bootstrap.wallet import needs_no_consent
    from bethna_cli.domain.errors import TradeRefused

    if not needs_no_consent(settings, wallet):
        raise TradeRefused(
            "--yes is for the embedded world, served by this machine, and its throwaway wallet; this is another.",
            hint=command,
        )
    return NothingAtStake()


class WithinPolicy:
    """Says yes as far as the person's policy goes, and answers no question that they should."""

    def __init__(self, policies: "Policies") -> None:
        self._policies = policies

    def ask(self, shown: "Review") -> None:
        from bethna_cli.domain.errors import SlippageTooHigh
        from bethna_cli.flow.carry import again

        if shown.questions:
            raise SlippageTooHigh(shown.questions[0], hint=again(shown.wanted))
        self.confirm(shown)

    def confirm(self, shown: "Review") -> None:
        from bethna_cli.bootstrap.policy import policy_check
        from bethna_cli.flow.policy import require_within

        require_within(self._policies, policy_check(), shown.plan)

    def ask_way(self, way: "Way") -> None:
        from bethna_cli.domain.errors import TradeRefused

        raise TradeRefused(f"A person decides what to do at account nonce {way.nonce}.", hint="bethna recover --sign")

    def tell(self, words: str) -> None:
        typer.echo(words, err=True)


class NothingAtStake:
    """Says yes where money is pretend, but answers no question that a person should."""

    def ask(self, shown: "Review") -> None:
        from bethna_cli.domain.errors import SlippageTooHigh
        from bethna_cli.flow.carry import again

        if shown.questions:
            raise SlippageTooHigh(shown.questions[0], hint=again(shown.wanted))

    def confirm(self, shown: "Review") -> None:
        """Nothing can have changed: nothing is at stake."""

    def ask_exits(self, _: "ExitReview") -> None:
        """Agree: exits bring up no question."""

    def ask_way(self, _: "Way") -> None:
        """Agree: what changes nothing brings up no question."""

    def tell(self, words: str) -> None:
        typer.echo(words, err=True)


class TypedAtTerminal:
    """Shows the card on stderr and waits for the four characters that belong to this plan and no other."""

    def __init__(self, command: str, no_color: bool) -> None:
        self._command = command
        self._no_color = no_color

    def ask(self, shown: "Review") -> None:
        from bethna_cli.cli import output
        from bethna_cli.cli.render_card import print_review, refusal_line

        require_person(self._command)
        print_review(output.console(self._no_color, sys.stderr), shown)
        require_typed(shown.wanted.side.name.lower(), shown.code, refusal_line(shown.wanted))

    def confirm(self, shown: "Review") -> None:
        """They have typed the code of exactly this."""

    def ask_way(self, way: "Way") -> None:
        from bethna_cli.domain.signing import ether

        require_person(self._command)
        if way.held_by is None:
            reason = f"A transaction is missing at account nonce {way.nonce};\nthose above it cannot be mined."
        else:
            reason = (
                f"Trade {way.held_by[2:10]} holds account nonce {way.nonce} past its deadline: it can only fail,\n"
                "and what you send next waits behind it."
            )
        typer.echo(reason, err=True)
        cost = f"it costs at most {ether(way.gas_cost_wei)} ETH"
        typer.echo(f"You sign one in its place that sends nothing to yourself;\n{cost}.", err=True)
        require_typed("sign", way.code, "bethna recover")

    def ask_exits(self, shown: "ExitReview") -> None:
        from bethna_cli.cli import output
        from bethna_cli.cli.render_exits import print_exits

        require_person(self._command)
        print_exits(output.console(self._no_color, sys.stderr), shown)
        require_typed("sign" if shown.exits else "call them off", shown.code, "bethna positions")

    def tell(self, words: str) -> None:
        typer.echo(words, err=True)


def require_typed(verb: str, code: str, hint: str) -> None:
    """Wait for the characters that belong to one plan. Raises TradeRefused for anything else."""
    from bethna_cli.domain.errors import TradeRefused

    with _interruptible():
        _forget_what_was_typed_ahead()
        words = f"To {verb}, type {code}; anything else is a no"
        typed = typer.prompt(words, default="", show_default=False, err=True)
    if str(typed).strip().lower() != code:
        raise TradeRefused("You did not say yes; nothing was signed.", hint=hint)


def _forget_what_was_typed_ahead() -> None:
    """Let no Enter from before the question answer it."""
    import termios

    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a prompt at once: a running event loop would only make a note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def serve_if_embedded(settings: "Settings") -> None:
    """Serve the embedded world in the background when this network needs one and none is."""
    from bethna_cli.cli.sim import serve_in_background

    if settings.network == "sim" and not settings.rpc_urls:
        serve_in_background(settings)


def left_behind(settings: "Settings") -> str:
    """Say after an interruption what is on its way, and what was agreed to and not sent, by the journal."""
    from bethna_cli.bootstrap.chain import open_journal

    journal = open_journal(settings)
    try:
        entries = journal.entries(only_open=True)
    finally:
        journal.close()
    sent = [entry.variants[0].hash for entry in entries if entry.handed_out]
    unsent = sum(1 for entry in entries if not entry.handed_out and not entry.is_mandated)
    if not sent and not unsent:
        return "\nInterrupted; nothing is on its way."
    lines = [f"\nInterrupted. On its way, and journaled: {', '.join(sent)}"] if sent else ["\nInterrupted."]
    if unsent:
        lines.append(f"Agreed to and not sent: {unsent}. To go on with them: bethna recover --sign")
    return "\n".join([*lines, "Try: bethna recover"])
