"""The model card on the screen: what it learned from, and how it did on years it had not seen."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.tables import pairs, share, table, words

SHA_DIGITS = 12


def model_card(card: Mapping[str, Any]) -> Group:
    """Lay out a model card (JSON values, as written by training)."""
    blocks: list[RenderableType] = [
        Text(f"Alpha's model {card['version']}", style="bold"),
        _summary(card),
        Text(),
        _data(card),
        Text(),
        Text("Walk-forward: each year predicted by a model of the years before", style="bold"),
        _walk_forward(card["walk_forward"]),
    ]
    return Group(*blocks)


def _summary(card: Mapping[str, Any]) -> Table:
    learned, forest = card["trained_on"], card["forest"]
    base = card["base_rates"]
    grid = pairs()
    grid.add_row(
        "predicts", words(f"{', '.join(card['predicts']['classes'])} over {card['predicts']['horizon_hours']} h")
    )
    grid.add_row("neutral is", words(card["predicts"]["neutral"]))
    grid.add_row(
        "learned from", words(f"{', '.join(learned['assets'])}, {learned['from'][:10]} to {learned['to'][:10]}")
    )
    grid.add_row("", f"{learned['rows']:,} rows, {learned['independent_weeks']} independent weeks")
    grid.add_row("features", str(len(card["features"])))
    grid.add_row("forest", f"{forest['n_estimators']} trees, depth {forest['max_depth']}")
    grid.add_row(
        "base rates", f"up {share(base['bullish'])}, flat {share(base['neutral'])}, down {share(base['bearish'])}"
    )
    grid.add_row("weight", _weight(float(card["shrink"])))
    return grid


def _weight(shrink: float) -> str:
    if shrink == 0:
        return "0: no directional view; held-out blocks preferred the base rates"
    return f"{shrink:g} for the forest, {1 - shrink:g} for the base rates"


def _data(card: Mapping[str, Any]) -> Table:
    grid = table("file", "rows", "from", "to", "sha256", right=("rows",))
    for file in card["data"]:
        row = (file["file"], f"{file['rows']:,}", file["from"][:10], file["to"][:10], file["sha256"][:SHA_DIGITS])
        grid.add_row(*map(words, row))
    return grid


def _walk_forward(walk: Mapping[str, Any]) -> Table:
    names = ("year", "weeks", "log loss", "base", "accuracy", "base ", "weight")
    grid = table(*names, right=names)
    folds = [*walk["folds"], *([{"year": "all", **walk["pooled"]}] if walk["pooled"] else [])]
    for fold in folds:
        grid.add_row(
            str(fold["year"]),
            str(fold["independent_weeks"]),
            f"{fold['log_loss']:.4f}",
            f"{fold['log_loss_base']:.4f}",
            share(fold["accuracy"]),
            share(fold["accuracy_base"]),
            "–" if fold.get("shrink") is None else f"{fold['shrink']:g}",
        )
    return grid
