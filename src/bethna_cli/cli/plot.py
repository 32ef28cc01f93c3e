"""The payoff at expiry, drawn in characters with plotext: profit or loss in USDC against the price at expiry."""

from collections.abc import Sequence

HEIGHT = 11
ROWS = HEIGHT - 4
"""Rows between the lowest and the highest height, less one for rounding."""


def payoff_plot(
    points: Sequence[tuple[float, float]], break_even_usd: Sequence[float], spot_usd: float, width: int
) -> str:
    """Draw the points `(spot USD, P&L USDC)` in at most `width` columns, without colour.

    A line stands at today's spot and at zero profit; the axis names the spot and the break-evens inside the range.
    """
    import plotext

    spots, profits = [point[0] for point in points], [point[1] for point in points]
    low, high = min(spots), max(spots)
    marks = sorted({low, high} | {price for price in (spot_usd, *break_even_usd) if low < price < high})
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, HEIGHT)
    plotext.plot(spots, profits, marker="braille")
    plotext.hline(0)
    plotext.vline(spot_usd)
    heights = _apart(min(profits), max(profits), 0.0, max(profits) / 2)
    plotext.yticks(heights, [f"{height:,.0f}" for height in heights])
    plotext.xticks(marks, [f"{mark:,.0f}" for mark in marks])
    drawing = plotext.uncolorize(plotext.build())
    return "\n".join(line.rstrip() for line in drawing.splitlines())


def course_plot(times: Sequence[str], values: Sequence[float], level: float, width: int) -> str:
    """Draw an account's values in USDC over `times` (ISO 8601) in at most `width` columns, with a line at `level`."""
    import plotext

    low, high = min(*values, level), max(*values, level)
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, HEIGHT)
    places = list(range(len(values)))
    plotext.plot(places, list(values), marker="braille")
    plotext.hline(level)
    heights = _apart(low, high, level)
    plotext.yticks(heights, [f"{height:,.0f}" for height in heights])
    shown = sorted({0, len(places) // 2, len(places) - 1})
    plotext.xticks(shown, [times[place][:10] for place in shown])
    drawing = plotext.uncolorize(plotext.build())
    return "\n".join(line.rstrip() for line in drawing.splitlines())


def _apart(*heights: float) -> list[float]:
    """Keep the heights, the first ones first, that are a row apart; of two in one row plotext would draw either."""
    row = (max(heights) - min(heights)) / ROWS
    kept: list[float] = []
    for height in heights:
        if all(abs(height - other) > row for other in kept):
            kept.append(height)
    return sorted(kept)
