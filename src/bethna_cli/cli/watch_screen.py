"""What a running watcher says: a line for each look, and more where something happened; JSON lines for scripts."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from bethna_cli.domain.chain import Address
    from bethna_cli.flow.gauge import Gauged
    from bethna_cli.flow.guard import Ticked


class Teller:
    """Tells a person, or a script, what each tick has found."""

    def __init__(self, as_json: bool, no_color: bool) -> None:
        self._as_json = as_json
        self._no_color = no_color

    def begins(self, account: "Address", interval_s: float, *, can_sell: bool) -> None:
        """Say what is about to happen."""
        if self._as_json:
            return
        can = "sells what you signed for" if can_sell else "can only warn: it has no key (bethna watch key)"
        typer.echo(f"Gamma watches {account} every {interval_s:g} s.", err=True)
        typer.echo(f"It {can}. Ctrl-C ends it.", err=True)

    def said(self, ticked: "Ticked") -> None:
        """Tell one tick."""
        document = tick_document(ticked)
        if self._as_json:
            typer.echo(json.dumps(document, allow_nan=False))
            return
        from bethna_cli.cli.output import console
        from bethna_cli.cli.tables import indented, words

        screen = console(self._no_color)
        screen.print(words(tick_line(document)))
        for alert in ticked.alerts:
            style = {"CRITICAL": "bold red", "WARNING": "yellow"}.get(alert.level.value, "")
            screen.print(indented(words(f"{alert.level.value} {alert.title}", style)))
            screen.print(indented(words(alert.text)))
        for trouble in ticked.troubles:
            screen.print(indented(words(trouble, "red")))

    def looked_once(self, ticked: "Ticked", found: "Gauged | None") -> None:
        """Tell all of a single look: to scripts in one object."""
        from bethna_cli.cli import output
        from bethna_cli.flow.gauge import gauged_document

        if self._as_json:
            output.emit({**tick_document(ticked), "portfolio": None if found is None else gauged_document(found)})
        else:
            self.said(ticked)
            self.gauged(found)

    def gauged(self, found: "Gauged | None") -> None:
        """Tell what the positions add up to."""
        from bethna_cli.flow.gauge import gauged_document

        if found is None:
            return
        if self._as_json:
            typer.echo(json.dumps({"portfolio": gauged_document(found)}, allow_nan=False))
        else:
            from bethna_cli.cli.output import console
            from bethna_cli.cli.tables import indented, words

            console(self._no_color).print(indented(words(gauge_line(found), "dim")))

    def failed(self, what: str) -> None:
        """Tell of a turn that came to nothing."""
        if self._as_json:
            typer.echo(json.dumps({"trouble": what}))
        else:
            from bethna_cli.cli.output import console
            from bethna_cli.cli.tables import indented, words

            console(self._no_color).print(indented(words(what, "red")))

    def ends(self) -> None:
        """Say that nobody watches any more."""
        if not self._as_json:
            typer.echo("Gamma has stopped watching. bethna watch starts it again.", err=True)


def gauge_line(found: "Gauged") -> str:
    """Write what the positions add up to on one line."""
    from bethna_cli.cli.figures import signed
    from bethna_cli.domain.units import usdc_to_decimal

    deltas = [one.delta_usd for one in found.exposures if one.delta_usd is not None]
    loss = "unknown" if found.at_risk is None else f"{usdc_to_decimal(found.at_risk.loss):,.2f}"
    return (
        f"delta {signed(sum(deltas))} USD, vega {signed(sum(one.vega_usd for one in found.exposures))} a point,"
        f" theta {signed(sum(one.theta_usd for one in found.exposures))} a day, bad day {loss} USDC,"
        f" health {'–' if found.score is None else found.score}"
    )


def tick_document(ticked: "Ticked") -> dict[str, Any]:
    """Return a tick as scripts see it; values in USDC, null where not known."""
    from bethna_cli.domain.units import iso, usdc_to_decimal

    values = [] if ticked.assessment is None else ticked.assessment.values.tolist()
    rows = []
    for row, (position, value) in enumerate(zip(ticked.book.positions, values, strict=True)):
        cost, state = ticked.book.costs[row], ticked.book.states[row]
        known = value >= 0
        attempt = ticked.attempts.get(position.id)
        rows.append(
            {
                "id": position.id,
                "ticker": position.terms.ticker,
                "cost_usdc": float(usdc_to_decimal(cost)),
                "value_usdc": float(usdc_to_decimal(value)) if known else None,
                "pnl_usdc": float(usdc_to_decimal(value - cost)) if known else None,
                "protection": state.protection.value,
                "reason": state.reason,
                "sold": attempt.is_sold if attempt is not None else False,
            }
        )
    return {
        "at": iso(ticked.at),
        "positions": rows,
        "alerts": [{"level": one.level.value, "kind": one.kind, "title": one.title} for one in ticked.alerts],
        "troubles": list(ticked.troubles),
    }


def tick_line(document: Mapping[str, Any]) -> str:
    """Write a tick in one line."""
    rows = document["positions"]
    if not rows:
        return f"{document['at']}  no open position"
    known = [one for one in rows if one["value_usdc"] is not None]
    value, cost = (sum(one[key] for one in known) for key in ("value_usdc", "cost_usdc"))
    gain = f"{value - cost:+,.2f} ({(value - cost) / cost:+.1%})" if known and cost else "–"
    bare = sum(one["protection"] == "UNPROTECTED" for one in rows)
    unknown = len(rows) - len(known)
    parts = [
        f"{document['at']}  {len(rows)} open",
        f"value {value:,.2f} USDC, {gain}" if known else "value unknown",
        f"{unknown} unknown" if unknown and known else "",
        f"{bare} UNPROTECTED" if bare else "all protected",
    ]
    return ", ".join(part for part in parts if part)


def age_words(then: "datetime", now: "datetime") -> str:
    """Write how long ago something was."""
    from bethna_cli.cli.figures import age

    return f"{age(max(0.0, (now - then).total_seconds()))} ago"
