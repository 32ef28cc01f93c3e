"""What a person hears from Gamma: each cause once, with the numbers, and what to type next."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bethna_cli.domain.alert import Alert, Level
from bethna_cli.domain.guarding import Decided, ExitRule, GuardState, Protection
from bethna_cli.domain.journal import JournalEntry
from bethna_cli.domain.mandate import Mandate
from bethna_cli.domain.market import Asset
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal
from bethna_cli.execution.exits import BEFORE_EXPIRY_S
from bethna_cli.flow.exits import Attempt
from bethna_cli.risk.book import Decision, spot_facts
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.protection import NO_GAS, Cover

CRITICAL_EVERY_S = 300


def rule_words(rule: ExitRule) -> str:
    """Name a rule as people read it."""
    return rule.value.replace("-", " ").capitalize().replace("Iv ", "IV ")


def decided(position: Position, at: datetime, decision: Decision, view: AssetView) -> Decided:
    """Write down a decision with everything it went by."""
    seen, made = decision.seen, decision.decision
    facts: dict[str, object] = {
        "value_usdc": _usdc(seen.value),
        "mark_usdc": None if seen.mark is None else _usdc(seen.mark),
        "cost_usdc": _usdc(seen.cost),
        "hours_left": round(seen.seconds_left / 3600.0, 2),
        "iv": seen.iv,
        "entry_iv": seen.entry_iv,
        "first_seen_at": None if made.breach is None else iso(made.breach.since),
        "market": spot_facts(view),
    }
    return Decided(position.id, at, made.verdict.value, made.rule, made.words, facts)


def warning_alerts(position: Position, decision: Decision) -> list[Alert]:
    """Say once a day that a rule which only warns is broken."""
    day = decision.seen.observed_at.date().isoformat()
    return [
        _alert(
            f"rule:{position.id}:{rule.value}:{day}",
            Level.WARNING,
            rule.value,
            position,
            rule_words(rule).lower(),
            f"{_sentence(words)} {_to_sell(position)}",
        )
        for rule, words in decision.decision.warnings
    ]


def unsigned_alert(position: Position, decision: Decision, why: str) -> Alert:
    """Say that a rule asks for a sale which nobody signed, and ask for it."""
    made = decision.decision
    rule = made.rule or ExitRule.STOP_LOSS
    since = made.breach.since if made.breach else decision.seen.observed_at
    text = (
        f"{made.words[:1].upper()}{made.words[1:]}. Nothing is sold: {why}. To sell: bethna close {position.short_id}"
    )
    return _alert(
        f"unsigned:{position.id}:{rule.value}:{iso(since)}",
        Level.CRITICAL,
        rule.value,
        position,
        f"{rule_words(rule).lower()} reached, and nothing is signed",
        text,
    )


def failing_alert(position: Position, state: GuardState, rule: ExitRule, why: str, now: datetime) -> Alert | None:
    """Say every five minutes that a sale does not come about; nothing at the first try."""
    if state.selling_since is None:
        return None
    turn = int((now - state.selling_since).total_seconds()) // CRITICAL_EVERY_S
    if turn == 0 and state.attempts < 2:
        return None
    return _alert(
        f"exit-failing:{position.id}:{iso(state.selling_since)}:{turn}",
        Level.CRITICAL,
        "exit-failing",
        position,
        f"{rule_words(rule).lower()} cannot sell",
        f"Tried {state.attempts} times since {iso(state.selling_since)}: {why}. {_to_sell(position)}",
    )


def sold_alert(entry: JournalEntry, rule: ExitRule, title: str, position: str | None, booked: Sequence[str]) -> Alert:
    """Say what an exit has brought; one for each transaction that did it. booked: what it reduced instead, by name."""
    assert entry.fill is not None
    fill = entry.fill
    level = Level.INFO if rule is ExitRule.TAKE_PROFIT else Level.WARNING
    size, usdc = usdc_to_decimal(fill.amount_in), usdc_to_decimal(fill.amount_out)
    text = f"{size:,.4f} contracts brought {usdc:,.2f} USDC, now in your account. Transaction {fill.transaction}."
    if booked:
        text += f" Sales take the oldest contracts of an option first: this one reduced {', '.join(booked)}."
    if position:
        text += f" Its reasons: bethna why {position[2:10]}"
    return Alert(
        f"sold:{entry.digest}:{fill.transaction}",
        level,
        f"sold-{rule.value}",
        f"{title} sold by {rule.value}",
        text,
        position,
    )


def unknown_alert(asset: Asset, since: datetime, reason: str) -> Alert:
    """Say that positions cannot be valued, and that nothing is sold meanwhile."""
    return Alert(
        f"unknown:{asset}:{iso(since)}",
        Level.CRITICAL,
        "value-unknown",
        f"{asset}: value unknown",
        f"Since {iso(since)} {asset} positions cannot be valued, so no exit fires: {reason}. Try: bethna doctor",
    )


def known_again_alert(asset: Asset, since: datetime, now: datetime) -> Alert:
    """Say that what could not be valued can be again."""
    text = f"From {iso(since)} to {iso(now)} {asset} positions could not be valued. Exits are watched again."
    return Alert(f"known:{asset}:{iso(since)}", Level.INFO, "value-known", f"{asset}: value known again", text)


def answering_again_alert(since: datetime, now: datetime) -> Alert:
    """Say that the chain can be read again."""
    text = f"From {iso(since)} to {iso(now)} no exit could be sent. Now they can be again."
    return Alert(f"answering:{iso(since)}", Level.INFO, "chain-answers", "The chain can be read again", text)


def silent_alert(since: datetime, reason: str) -> Alert:
    """Say that the chain cannot be read, so that no exit can be sent meanwhile."""
    return Alert(
        f"silent:{iso(since)}",
        Level.CRITICAL,
        "chain-silent",
        "The chain cannot be read",
        f"Since {iso(since)} no exit can be sent: {reason}. Prices are still watched. Try: bethna doctor",
    )


def absent_alert(still_open: int, last_look_at: str | None, now: datetime) -> Alert:
    """Say that nobody watches what is open; last_look_at: of a watcher that is there and does not look any more."""
    what = "An open position" if still_open == 1 else f"{still_open} open positions"
    since = "There is no watcher" if last_look_at is None else f"The watcher has not looked since {last_look_at}"
    first = "" if last_look_at is None else "bethna watch stop, then "
    return Alert(
        f"absent:{last_look_at or 'none'}:{now.date().isoformat()}",
        Level.CRITICAL,
        "nobody-watches",
        f"{what} {'is' if still_open == 1 else 'are'} watched by nobody",
        f"{since}: no stop, no goal and no alert works. Try: {first}bethna watch --detach",
    )


def protection_alert(position: Position, after: GuardState) -> Alert | None:
    """Say loudly that a position is not protected; nothing when it is."""
    if after.protection is Protection.PROTECTED:
        return None
    return _alert(
        f"unprotected:{position.id}:{after.reason}",
        Level.WARNING,
        "unprotected",
        position,
        "is UNPROTECTED",
        f"No exit would be sent: {after.reason}. {_to_protect(position, after.reason)}",
    )


def passed_on_alert(position: Position, cover: Cover) -> Alert:
    """Say that a sale has left a position with the exits of another one, and at which limits these sell."""
    at = " and ".join(
        f"{one.kind.value} at {usdc_to_decimal(one.trigger_value(position.contracts_left)):,.2f} USDC"
        for one in cover.usable
    )
    text = (
        "Sales take the oldest contracts of an option first, and what was signed for this purchase has sold those of an"
        f" older one. Now it is {cover.reason}: {at}."
        f" To sign others: bethna exits {position.short_id} --stop-loss 50% --sign"
    )
    cause = f"passed-on:{position.id}:{cover.usable[0].trade.intent.nonce}"
    return _alert(cause, Level.WARNING, "exits-passed-on", position, "is guarded by an older purchase's exits", text)


def _to_protect(position: Position, reason: str) -> str:
    if reason == NO_GAS:
        return "To give it some: bethna watch fund 0.002"
    return f"To sign exits: bethna exits {position.short_id} --stop-loss 50% --sign"


def ending_alert(position: Position, mandate: Mandate, before_s: int) -> Alert:
    """Say that a mandate, and what shares its nonce, ends soon."""
    when = "24 hours" if before_s > 3_600 else "1 hour"
    intent, expires_s = mandate.trade.intent, position.terms.expires_at.timestamp()
    text = f"What you signed runs out at {iso(from_unix(mandate.usable_until_s))}; afterwards it is UNPROTECTED."
    if expires_s - intent.deadline_s <= BEFORE_EXPIRY_S:
        text += f" The option expires soon after, so nothing can be signed for longer. {_to_sell(position)}"
    else:
        text += f" To sign again: bethna exits {position.short_id} --stop-loss 50% --sign"
    return _alert(
        f"mandate-ends:{intent.nonce}:{before_s}",
        Level.WARNING,
        "mandate-ends",
        position,
        f"exits end within {when}",
        text,
    )


def attempt_facts(attempt: Attempt) -> Mapping[str, object]:
    """Return what a try to sell went by and what came of it."""
    fill = None if attempt.entry is None else attempt.entry.fill
    return {
        **attempt.facts,
        "refusal": attempt.refusal,
        "transaction": None if fill is None else fill.transaction,
        "proceeds_usdc": None if fill is None else _usdc(fill.amount_out),
    }


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _to_sell(position: Position) -> str:
    return f"To sell: bethna close {position.short_id}"


def _alert(cause: str, level: Level, kind: str, position: Position, what: str, text: str) -> Alert:
    return Alert(cause, level, kind, f"{position.terms.ticker} {what}", text, position.id)


def _usdc(amount: int) -> float:
    return float(usdc_to_decimal(amount))
