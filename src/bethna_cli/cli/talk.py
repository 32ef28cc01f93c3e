"""One turn of a conversation, whoever holds it: a person at the prompt, a script on a pipe, a single question.

What was understood becomes a command line of the registry and runs through the same outer edge as in the shell, in this
process. Nothing here knows a key, a signer or a store of trades.
"""

import asyncio
import io
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bethna_cli.cli import output
from bethna_cli.cli.answers import Answer, print_turns
from bethna_cli.cli.chat_tools import Tools, trimmed_record
from bethna_cli.cli.narrate import narrate
from bethna_cli.cli.output import waiting
from bethna_cli.cli.registry import BY_NAME
from bethna_cli.cli.shown import listening
from bethna_cli.cli.voice import Voice, spoken
from bethna_cli.domain.conversation import (
    Choose,
    Command,
    Confirm,
    Context,
    Explain,
    Held,
    Offered,
    Request,
    Run,
    Say,
    Session,
    Speaker,
    Step,
    TakeToCard,
    Turn,
    read_request,
)
from bethna_cli.domain.errors import BethnaError, ConfigurationError, OutsideError, UsageError
from bethna_cli.domain.redaction import holds_key, redacted
from bethna_cli.domain.text import clean
from bethna_cli.domain.utterance import IntentKind, Understood
from bethna_cli.flow.ask import LONGEST_UTTERANCE, ask
from bethna_cli.flow.converse import look, reply
from bethna_cli.flow.explain import explain
from bethna_cli.flow.second_opinion import settled, wants_second_opinion
from bethna_cli.flow.small_talk import HELP_LINES

if TYPE_CHECKING:
    from bethna_cli.bootstrap.chat import ChatDesk
    from bethna_cli.cli.voice import Quotation

Runner = Callable[[Sequence[str]], int]

INTERRUPTED = 130
NOT_HERE = frozenset({"chat"})
LEAVING = frozenset({"/quit", "/exit", "/q", "quit", "exit"})
AFTER_IDEA = "Yes takes it to Beta's card. Or: why?   make it 200   closer strike   and for {other}?"
AFTER_HOLD = "Standing aside is an answer. Or: why?   I'm bullish   and for {other}?"
AFTER_PURCHASE = "It is yours. Next: what do I hold?   sell it if it is up 100 %"


class Talk:
    """A conversation: its context, and what it does with the next line.

    as_json: commands answer in JSON, which is collected, and nothing is printed.
    """

    def __init__(self, desk: "ChatDesk", voice: Voice, run: Runner, session: Session, *, as_json: bool = False) -> None:
        self._desk = desk
        self._voice = voice
        self._run = run
        self._as_json = as_json
        self._record: Mapping[str, Any] | None = None
        self._answer = Answer("")
        self.session = session

    @property
    def context(self) -> Context:
        return self.session.context

    def hear(self, line: str) -> Answer:
        """Take one line, do what it asks for, and keep the turn. A failure is told and ends the turn only."""
        self._answer = Answer(redacted(line.strip(), self._desk.secrets))
        try:
            if (command := typed_command(line)) is not None:
                self._take(command)
            else:
                self._follow(line)
        except BethnaError as error:
            self._tell(error)
        except KeyboardInterrupt:
            self._answer.exit_code = INTERRUPTED
        except Exception as error:  # noqa: BLE001 (a turn is an outer edge: our own bug must not end the conversation)
            self._tell(output.internal_error(error))
        try:
            self._keep()
        except BethnaError as error:
            self._note(f"This conversation is not kept: {error.message}")
        return self._answer

    def _tell(self, error: BethnaError) -> None:
        self._answer.exit_code = error.exit_code
        if self._as_json:
            self._answer.results.append(output.error_document(error))
        else:
            output.tell(error, as_json=False)

    # ── a command that was typed as one ───────────────────────────────────────────────────────────────────────────

    def _take(self, command: Command) -> None:
        name = command[0] if command else "help"
        if name == "help":
            names = "  /".join(other for other in BY_NAME if other not in NOT_HERE)
            self._say(Speaker.COPILOT, f"{HELP_LINES}\n/{names}  /tour  /quit")
        elif name in NOT_HERE:
            raise UsageError("You are in the chat already.", hint="/help")
        elif name not in BY_NAME:
            raise UsageError(f"There is no command /{name[:24]!a}.", hint=f"/{_nearest(name)}")
        else:
            self._execute(command)
            if name == "history" and not self._as_json:
                print_turns(self.session.turns)

    # ── plain language ────────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self, line: str) -> None:
        understood = self._understood(line)
        self._answer.understood = understood
        step, context = reply(line, understood, self.context, self._held_for(line, understood))
        self.session = replace(self.session, context=context)
        self._do(step)

    def _held_for(self, line: str, understood: Understood) -> Sequence[Held]:
        """Look up the open positions where the line may be about one."""
        may_be = {understood.kind, understood.alternative} & {IntentKind.CLOSE_POSITION, IntentKind.SET_EXIT_RULE}
        return self._desk.held() if may_be or holds_key(line) else ()

    def _do(self, step: Step) -> None:
        match step:
            case Say():
                self._say(step.speaker, step.text)
                self._answer.exit_code = step.exit_code
            case Explain():
                self._explain(step.question)
            case Choose():
                options = [f"  {number}. {choice.label}" for number, choice in enumerate(step.choices, 1)]
                self._say(step.speaker, spoken([step.question, *options]))
            case Confirm():
                self._say(step.speaker, f"{step.question} (yes or no)")
            case TakeToCard():
                self._to_card()
            case Run():
                if step.remark:
                    self._say(step.speaker, step.remark)
                if self._execute(step.command) == 0 and step.to_card:
                    self._to_card()

    def _understood(self, line: str) -> Understood:
        """Understand a line by ourselves; where that leaves room, and a language model is set up, with its help."""
        ours = ask(line, self._desk.understander(), self._desk.clock)
        model = self._desk.model
        if model is None or not wants_second_opinion(ours) or self.context.pending is not None or holds_key(line):
            return ours
        try:
            with waiting("Asking the language model"):
                theirs = asyncio.run(model.understand(clean(line, LONGEST_UTTERANCE), _situation(self.context)))
        except (OutsideError, ConfigurationError) as error:
            self._note(f"{error.message} Going on without it.")
            return ours
        return settled(ours, theirs, line)

    def _explain(self, question: str) -> None:
        """Answer a question; through a language model where one is set up, from what we would have answered."""
        record = self._on_the_table()
        ours = explain(question, record, self._desk.clock.now())
        if self._desk.model is None:
            self._say(ours.speaker, spoken(ours.lines))
            return
        facts = [*ours.lines, *([] if record is None else [trimmed_record(record)])]
        told = narrate(self._desk.model, question, facts, Tools(self._run), self._quotation(ours.speaker))
        if told.text:
            self._answer.said.append((ours.speaker, told.text))
        for remark in told.remarks:
            self._note(remark)
        if told.failed:
            self._say(ours.speaker, spoken(ours.lines))
        elif told.proposed is not None:
            self._offer(told.proposed)

    def _quotation(self, speaker: Speaker) -> "Quotation | None":
        return None if self._as_json else self._voice.quote(speaker)

    def _offer(self, proposed: Request) -> None:
        """Ask whether to look at what a language model proposed, on a card."""
        run = look(proposed, "As the language model proposed; the price and the risks are from the market.")
        line = shlex.join(("bethna", *run.command))
        step = Confirm(Speaker.ALPHA, f"Look at this on a card? {line}", run)
        self.session = replace(self.session, context=replace(self.context, pending=step))
        self._do(step)

    def _note(self, text: str) -> None:
        """Remark on the answer itself, beside it."""
        self._answer.said.append((Speaker.COPILOT, text))
        if not self._as_json:
            self._voice.remark(text)

    def _to_card(self) -> None:
        """Hand what is on the table to `approve`, which shows the card and asks."""
        offered = self.context.offered
        if offered is None or offered.is_hold:
            return
        if self._execute(("approve", offered.id)) == 0:
            self.session = replace(self.session, context=replace(self.context, offered=None))
            self._say(Speaker.GAMMA, AFTER_PURCHASE)

    # ── running and learning ──────────────────────────────────────────────────────────────────────────────────────

    def _execute(self, command: Command) -> int:
        """Run a command line of the registry and learn from what it showed."""
        self._answer.commands.append(command)
        with listening() as shown:
            code = self._captured(command) if self._as_json else self._run(command)
        self._answer.exit_code = code
        self._learn(command, code, shown)
        return code

    def _captured(self, command: Command) -> int:
        printed = io.StringIO()
        with redirect_stdout(printed):
            code = self._run((*command, "--json"))
        try:
            self._answer.results.append(json.loads(printed.getvalue()))
        except ValueError:
            self._answer.results.append(printed.getvalue())
        return code

    def _learn(self, command: Command, code: int, shown: Sequence[Mapping[str, Any]]) -> None:
        context = self.context
        request = read_request(command)
        if request is not None and code == 0:
            context = replace(context, request=request, asset=request.asset)
        if command[0] in ("close", "exits", "why") and len(command) > 1:
            context = replace(context, position=command[1])
        if command[0] == "reject" and code == 0:
            context = replace(context, offered=None)
        if shown:
            self._record = shown[-1]
            context = replace(context, offered=_offered(shown[-1]), idea=request or context.idea, pending=None)
        self.session = replace(self.session, context=context)
        if shown and command[0] == "recommend":
            is_hold = context.offered is not None and context.offered.is_hold
            other = "ETH" if context.asset == "BTC" else "BTC"
            self._say(Speaker.ALPHA, (AFTER_HOLD if is_hold else AFTER_IDEA).format(other=other))

    def _on_the_table(self) -> Mapping[str, Any] | None:
        """Return the recommendation that is spoken of, from the store after a restart."""
        offered = self.context.offered
        if self._record is None and offered is not None:
            self._record = self._desk.recommendation(offered.id)
        return self._record

    def _say(self, speaker: Speaker, text: str) -> None:
        self._answer.said.append((speaker, text))
        if not self._as_json:
            self._voice.say(speaker, text)

    def _keep(self) -> None:
        """Keep the turn, without what looks like a secret."""
        answer = self._answer
        commands = tuple(tuple(redacted(word, self._desk.secrets) for word in command) for command in answer.commands)
        intent = None if answer.understood is None else answer.understood.kind.value
        turn = Turn(self._desk.clock.now(), answer.text, intent, commands, answer.exit_code)
        self.session = replace(self.session, turns=(*self.session.turns, turn))
        self._desk.sessions.keep(self.session)


def typed_command(line: str) -> Command | None:
    """Read `/market ETH`, or a pasted `bethna market ETH`, as a command line; None for plain language."""
    text = line.strip()
    if text.startswith("bethna ") and text.split()[1] in BY_NAME:
        text = text.removeprefix("bethna ")
    elif text.startswith("/"):
        text = text[1:]
    else:
        return None
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise UsageError("A quotation mark is missing.", hint="/help") from None


def _situation(context: Context) -> str:
    """Tell a language model what a line may refer to, without ids and amounts of the person's."""
    offered = context.offered
    table = (
        "nothing" if offered is None else f"a recommendation for {offered.asset}{', HOLD' if offered.is_hold else ''}"
    )
    return f"On the table: {table}. Last asset: {context.asset or 'none'}."


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, BY_NAME, n=1, cutoff=0.5)
    return near[0] if near else "help"


def _offered(document: Mapping[str, Any]) -> Offered:
    line = tuple(shlex.split(document["buy_line"] or ""))[1:]
    return Offered(document["id"], document["asset"], document["signal"] == "HOLD", line)
