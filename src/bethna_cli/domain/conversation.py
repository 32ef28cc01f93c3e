"""A conversation's nouns: who speaks, what is on the table, and what a turn may lead to.

A step names what happens next and does nothing by itself. The only steps that act are `Run` and `TakeToCard`, and what
they run is a command line of the registry, so that the chat can do what the shell can and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Command = tuple[str, ...]
"""A command line without the program's name: `("market", "ETH")`."""


class Speaker(StrEnum):
    """Who answers. COPILOT: the program itself, where none of the three has a say."""

    ALPHA = "Alpha"
    BETA = "Beta"
    GAMMA = "Gamma"
    COPILOT = "bethna"


@dataclass(frozen=True, slots=True)
class Run:
    """Run a command line and show what it prints. remark: said before; to_card: go on to the card if it succeeded."""

    speaker: Speaker
    command: Command
    remark: str = ""
    to_card: bool = False


@dataclass(frozen=True, slots=True)
class TakeToCard:
    """Take what is on the table to the review card, where a person types a yes or does not."""


@dataclass(frozen=True, slots=True)
class Say:
    """Answer in words. exit_code: what a script gets, 0 where the answer is one."""

    speaker: Speaker
    text: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Explain:
    """Answer a question from the record on the table and the glossary."""

    question: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to go on, and how it is called."""

    label: str
    step: "Step"


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask which of a few things was meant; nothing happens until the person says."""

    speaker: Speaker
    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask for a yes before a command that changes something without a card of its own."""

    speaker: Speaker
    question: str
    run: Run


Step = Run | TakeToCard | Say | Explain | Choose | Confirm


@dataclass(frozen=True, slots=True)
class Held:
    """An open position, as far as a conversation names it: "my BTC call". id: as people type it; option_type: CALL …"""

    id: str
    transaction: str
    asset: str
    option_type: str
    title: str


@dataclass(frozen=True, slots=True)
class Offered:
    """The recommendation on the table. buy_line: how to buy a HOLD's candidate anyway, empty where there is none."""

    id: str
    asset: str
    is_hold: bool
    buy_line: Command = ()


@dataclass(frozen=True, slots=True)
class Request:
    """The last look at a market, apart in its parts so that a follow-up can change one. Values as flags spell them."""

    verb: str
    asset: str
    kind: str | None = None
    view: str | None = None
    budget: str | None = None
    expiry: str | None = None
    delta: str | None = None
    strike: str | None = None

    @property
    def command(self) -> Command:
        """The command line that makes this request."""
        if self.verb in ("market", "recommend"):
            words = [self.verb, self.asset]
        else:
            words = [self.verb, f"{self.asset.lower()}-{self.kind}" if self.kind else self.asset.lower()]
        if self.view and self.verb == "recommend":
            words.append(f"--{self.view}")
        budget_flag = "--amount" if self.verb == "buy" else "--budget"
        flags = {"--strike": self.strike, "--expiry": self.expiry, budget_flag: self.budget, "--delta": self.delta}
        taken = FLAGS_TAKEN[self.verb]
        for flag, value in flags.items():
            if value is not None and flag in taken:
                words += [flag, value]
        return tuple(words)


FLAGS_TAKEN = {
    "recommend": frozenset({"--budget", "--expiry", "--delta"}),
    "buy": frozenset({"--strike", "--expiry", "--amount"}),
    "strategies": frozenset[str](),
    "market": frozenset[str](),
}
_PARTS = {"--budget": "budget", "--amount": "budget", "--expiry": "expiry", "--delta": "delta", "--strike": "strike"}
_VIEWS = ("bullish", "bearish", "neutral")


def read_request(command: Command) -> Request | None:
    """Read the request behind a command line as somebody typed it; None when it is no look at a market."""
    if len(command) < 2 or command[0] not in FLAGS_TAKEN or command[1].startswith("-"):
        return None
    asset, _, kind = command[1].partition("-")
    parts: dict[str, str] = {}
    words = iter(command[2:])
    for word in words:
        flag, equals, value = word.partition("=")
        if flag.removeprefix("--") in _VIEWS:
            parts["view"] = flag.removeprefix("--")
        elif flag in _PARTS:
            parts[_PARTS[flag]] = value if equals else next(words, "")
    return Request(command[0], asset.upper(), kind or None, **parts)


@dataclass(frozen=True, slots=True)
class Context:
    """What a follow-up refers to. request: the last look at a market; idea: the last one that put a trade on the table.

    pending: the question that is open; position: the one spoken of last.
    """

    offered: Offered | None = None
    request: Request | None = None
    idea: Request | None = None
    asset: str | None = None
    position: str | None = None
    pending: Choose | Confirm | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange as it is kept: what was typed, without secrets, what it was taken for, what was run, how it ended.

    intent: None for a command that was typed as one.
    """

    at: datetime
    text: str
    intent: str | None
    commands: tuple[Command, ...]
    exit_code: int


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation as it is kept. name: sorts by the time it began."""

    name: str
    network: str
    turns: tuple[Turn, ...] = ()
    context: Context = Context()
