"""How likely a stop or a goal is reached before expiry, if the price just wanders with the venue's volatility.

A binomial tree without drift (Cox, Ross and Rubinstein, "Option pricing: a simplified approach", 1979): at every step
the option is marked with the time that is left, and what passes a limit leaves the tree. Volatility stays as it is.
The tree's steps are hours and the watcher's looks minutes, so a step that would end beyond a limit ends at it: with the
probability that keeps the mark's expectation, which no way of selling can change. It says what an ordinary market does
to a rule; it is no forecast.
"""

import math

from bethna_cli.domain.guarding import Chances
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import OptionTerms
from bethna_cli.options.black import SECONDS_PER_YEAR, price

STEPS = 96


def chances(
    terms: OptionTerms, spot_usd: float, iv: float, seconds_left: float, stop_usd: float, goal_usd: float
) -> Chances:
    """Return the chances that one contract's mark touches `stop_usd` or `goal_usd` first, until it expires.

    stop_usd: 0 or less for no stop; goal_usd: infinite for no goal. Raises ValueError on what is not positive.
    """
    if not (0.0 < spot_usd < math.inf and 0.0 < iv < math.inf and 0.0 < seconds_left < math.inf):
        raise ValueError(f"Spot, volatility and time must be positive, not {spot_usd}, {iv}, {seconds_left}.")
    years = seconds_left / SECONDS_PER_YEAR
    up = math.exp(iv * math.sqrt(years / STEPS))
    rising = (1.0 - 1.0 / up) / (up - 1.0 / up)
    now = worth(terms, spot_usd, iv, years)
    if now <= stop_usd or now >= goal_usd:
        return Chances(float(now <= stop_usd), float(now > stop_usd), 0.0)
    alive, marks = {0: 1.0}, {0: now}  # by how many more steps went up than down
    stopped = reached = 0.0
    for step in range(1, STEPS + 1):
        left = years * (1.0 - step / STEPS)
        later = {
            height: worth(terms, spot_usd * up**height, iv, left)
            for height in {near + way for near in alive for way in (-1, 1)}
        }
        masses: dict[int, float] = {}
        for height, mass in alive.items():
            for place, share in _ways(height, marks[height], later, rising, stop_usd, goal_usd):
                masses[place] = masses.get(place, 0.0) + mass * share
        stopped += math.fsum(mass for place, mass in masses.items() if later[place] <= stop_usd)
        reached += math.fsum(mass for place, mass in masses.items() if later[place] >= goal_usd)
        alive = {place: mass for place, mass in masses.items() if stop_usd < later[place] < goal_usd}
        marks = later
    return Chances(stopped, reached, math.fsum(alive.values()))


def _ways(
    height: int, mark: float, later: dict[int, float], rising: float, stop_usd: float, goal_usd: float
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Return where one step may lead, each with its probability; beyond a limit it leads just to the limit."""
    low, high = sorted((height - 1, height + 1), key=later.__getitem__)  # a put's mark rises when the price falls
    floor, top = max(stop_usd, later[low]), min(goal_usd, later[high])
    if (floor, top) == (later[low], later[high]) or floor >= top:
        share = rising if high > low else 1.0 - rising
    else:
        share = min(1.0, max(0.0, (mark - floor) / (top - floor)))
    return (low, 1.0 - share), (high, share)


def worth(terms: OptionTerms, spot_usd: float, iv: float, years: float) -> float:
    """Return one contract's value in USD at one volatility, the cap of a call and the far leg of a spread taken off."""
    strikes = [float(strike) for strike in terms.strikes]
    near, far = strikes[0], strikes[-1] if terms.kind.is_spread else 2.0 * strikes[0]
    if terms.kind is OptionKind.PUT:
        return price(spot_usd, near, years, iv, False)
    if terms.kind is OptionKind.PUT_SPREAD:
        near, far = far, near
    is_call = terms.kind.is_call
    return price(spot_usd, near, years, iv, is_call) - price(spot_usd, far, years, iv, is_call)
