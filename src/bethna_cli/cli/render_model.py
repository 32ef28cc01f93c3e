"""The model card on the screen: what it learned from, and how it did on years it had not seen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bethna_cli.cli.figures import share
from bethna_cli.cli.tables import pairs, table, words

SHA_DIGITS = 12


def model_card(card: Mapping[str, Any], rules: Mapping[str, Any]) -> Group:
    """Lay out a model card (JSON values, as written by training) and the rules that every model trades by."""
    blocks: list[RenderableType] = [
        Text(f"Alpha's model {card['version']}", style="bold"),
        _summary(card),
        Text(),
        _rules(rules),
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


def _rules(rules: Mapping[str, Any]) -> Table:
    grid = pairs()
    grid.add_row(
        "proposes", words(f"what is expected to gain {rules['least_expected_value']:.0%} of its price or more")
    )
    grid.add_row("", words(f"({rules['least_expected_value_from']})"))
    grid.add_row("looks for", f"{rules['target_delta']:.2f} delta, {rules['expiry_days']:g} days")
    grid.add_row("sells at", f"{share(-rules['stop_loss'])} or +{share(rules['take_profit'])} of the premium")
    grid.add_row("", words(f"({rules['others_from']})"))
    grid.add_row("fitted", words(rules["fitted"]))
    return grid


def _weight(shrink: float) -> str:
    if shrink == 0:
        return "0: no directional view; held-out blocks preferred what the volatility alone says"
    return f"{shrink:g} for the forest, {1 - shrink:g} for what the volatility alone says"


def _data(card: Mapping[str, Any]) -> Table:
    grid = table("file", "rows", "from", "to", "sha256", right=("rows",))
    for file in card["data"]:
        row = (file["file"], f"{file['rows']:,}", file["from"][:10], file["to"][:10], file["sha256"][:SHA_DIGITS])
        grid.add_row(*map(words, row))
    return grid


def _walk_forward(walk: Mapping[str, Any]) -> Table:
    names = ("year", "weeks", "log loss", "base", "ECE", "in 80 % band", "vol R²", "QLIKE", "EWMA's", "weight")
    grid = table(*names, right=names)
    folds = [*walk["folds"], *([{"year": "all", **walk["pooled"]}] if walk["pooled"] else [])]
    for fold in folds:
        grid.add_row(
            str(fold["year"]),
            str(fold["independent_weeks"]),
            f"{fold['log_loss']:.3f}",
            f"{fold['log_loss_base']:.3f}",
            f"{fold['ece']:.3f}",
            share(fold["coverage_80"]),
            f"{fold['vol_r2']:.2f}",
            f"{fold['vol_qlike']:.3f}",
            f"{fold['baselines']['ewma']['vol_qlike']:.3f}",
            "–" if fold.get("shrink") is None else f"{fold['shrink']:g}",
        )
    return grid


def evaluation(report: Mapping[str, Any]) -> Group:
    """Lay out a report of `bethna model evaluate`."""
    days = f"{report['from'][:10]} to {report['to'][:10]}"
    blocks: list[RenderableType] = [
        Text(f"{report['model']} on {report['asset']}, decisions from {days}", style="bold"),
        words(f"{report['n']:,} decisions of a week each, {report['independent_weeks']} independent weeks"),
    ]
    if report["in_sample"]:
        blocks.append(Text("! The model learned from some of these days: the figures flatter it.", style="yellow"))
    blocks += [words(f"! Without {name}: no file, so its features are missing.") for name in report["missing"]]
    for file in report["data"]:
        notes = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in file["notes"].items())
        blocks.append(words(f"{file['file']}: {file['rows']:,} rows" + (f"; {notes}" if notes else "")))
    blocks += [Text(), _figures(report), Text(), _classes(report), Text()]
    return Group(*blocks, *(words(f"- {line}") for line in report["verdict"]))


def _figures(report: Mapping[str, Any]) -> Table:
    """The whole's figures, each beside its interval and its baselines."""
    others = report["baselines"]
    grid = table("", "figure", "95 % interval", *map(_spoken, others), right=("figure", *map(_spoken, others)))
    rows: tuple[tuple[str, str], ...] = (
        ("log loss", "log_loss"),
        ("Brier score", "brier"),
        ("Brier skill", "brier_skill"),
        ("calibration error", "ece"),
        ("in the 80 % band", "coverage_80"),
        ("variance: R² of log", "vol_r2"),
        ("variance: QLIKE", "vol_qlike"),
    )
    for name, key in rows:
        beside = [f"{other[key]:.3f}" if key in other else "" for other in others.values()]
        grid.add_row(name, _figure(report[key]), _interval(report["intervals"][key]), *beside)
    return grid


def _classes(report: Mapping[str, Any]) -> Table:
    keys = ("share", "base_rate", "brier", "brier_base", "brier_skill", "log_loss", "ece", "auc")
    grid = table("class", *map(_spoken, keys), right=tuple(map(_spoken, keys)))
    for name, figures in report["classes"].items():
        grid.add_row(name, *(_figure(figures[key]) for key in keys))
    return grid


def comparison(report: Mapping[str, Any]) -> Group:
    """Lay out how well each forecaster did over each horizon, walk-forward and beside the quotes of option chains."""
    years = f"{report['years'][0]} to {report['years'][-1]}"
    blocks: list[RenderableType] = [
        Text(f"Forecasts of volatility, walk-forward {years}", style="bold"),
        *_forecasters(report["horizons"]),
    ]
    for asset, found in report["chains"].items():
        span = f"{found['moments']} chains, {found['from'][:10]} to {found['to'][:10]}"
        blocks += [Text(), Text(f"Beside what {asset} options implied: {span}", style="bold")]
        blocks += _forecasters(found["horizons"])
    if not report["chains"]:
        blocks += [Text(), words("No option chains lie there: implied volatility is not compared.")]
    return Group(*blocks)


def _forecasters(horizons: Mapping[str, Mapping[str, Any]]) -> Iterator[RenderableType]:
    names = list(next(iter(horizons.values()), {}))
    for title, key in (("R² of the log of the variance, higher is better", "r2"), ("QLIKE, lower is better", "qlike")):
        grid = table("", *horizons, right=tuple(horizons))
        for name in names:
            grid.add_row(_spoken(name), *(_figure(figures[name][key]) for figures in horizons.values()))
        yield from (Text(), words(title), grid)
    yield Text()
    for name in names[1:]:
        yield words(f"- {_against(name, {days: figures[name] for days, figures in horizons.items()})}")


def _against(name: str, by_horizon: Mapping[str, Mapping[str, Any]]) -> str:
    """Say over which horizons the model's QLIKE is lower or higher than another's by more than chance."""
    found: dict[str, list[str]] = {"better": [], "WORSE": [], "not shown": [], "too few weeks": []}
    for days, figures in by_horizon.items():
        interval = figures["interval"]
        if interval is None:
            verdict = "too few weeks"
        else:
            verdict = "better" if interval[0] > 0 else "WORSE" if interval[1] < 0 else "not shown"
        found[verdict].append(days)
    said = "; ".join(f"{verdict} over {', '.join(days)}" for verdict, days in found.items() if days)
    return f"The model against {_spoken(name)}: {said}."


def drift_view(report: Mapping[str, Any]) -> Group:
    """Lay out a drift report: what came true, which features have moved, and whether anything is wrong."""
    measured, intervals = report["calibration"], report["calibration"]["intervals"]
    grid = table("", "figure", "95 % interval", right=("figure",))
    for name, key in (
        ("in the 80 % band", "coverage_80"),
        ("Brier skill", "brier_skill"),
        ("calibration error", "ece"),
        ("variance: QLIKE", "vol_qlike"),
    ):
        grid.add_row(name, _figure(measured[key]), _interval(intervals[key]))
    days = f"{report['from'][:10]} to {report['to'][:10]}, {report['independent_weeks']} independent weeks"
    moved = ", ".join(report["shifted"]) or "none"
    said = [words(f"! {line}", "yellow") for line in report["warnings"]] or [words("Nothing is wrong beyond chance.")]
    title = Text(f"{report['model']}, decisions from {days}", style="bold")
    return Group(title, Text(), grid, Text(), words(f"features that have moved: {moved}"), *said)


def shelf(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out the models on this machine, the one in use marked."""
    grid = table("", "name", "version", "added")
    for row in rows:
        added = str(row["added_at"])[:16].replace("T", " ") if row["added_at"] else "with bethna"
        grid.add_row("*" if row["in_use"] else "", *map(words, (row["name"], row["version"], added)))
    return grid


def _spoken(key: str) -> str:
    return key.replace("_", " ")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(bounds: list[float | None]) -> str:
    low, high = bounds
    return f"{_figure(low)} to {_figure(high)}"
