"""How likely a stop or a goal is reached before expiry, if the price just wanders with the venue's volatility.

A binomial tree without drift (Cox, Ross and Rubinstein, "Option pricing: a simplified approach", 1979): at every step
the option is marked with the time that is left, and what touches a limit leaves the tree. Volatility stays as it is.
It says what an ordinary market does to a rule; it is no forecast.
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

    stop_usd: 0 or less for no stop; goal_usd: infinite for no goal. Looked at STEPS times until then, so that a touch
    between two looks is not seen, as the watcher does not see it either. Raises ValueError on what is not positive.
    """
    if not (0.0 < spot_usd < math.inf and 0.0 < iv < math.inf and 0.0 < seconds_left < math.inf):
        raise ValueError(f"Spot, volatility and time must be positive, not {spot_usd}, {iv}, {seconds_left}.")
    years = seconds_left / SECONDS_PER_YEAR
    up = math.exp(iv * math.sqrt(years / STEPS))
    rising = (1.0 - 1.0 / up) / (up - 1.0 / up)
    alive = {0: 1.0}  # by how many more steps went up than down
    stopped = reached = 0.0
    for step in range(1, STEPS + 1):
        later: dict[int, float] = {}
        for height, mass in alive.items():
            later[height + 1] = later.get(height + 1, 0.0) + mass * rising
            later[height - 1] = later.get(height - 1, 0.0) + mass * (1.0 - rising)
        alive = {}
        for height, mass in later.items():
            value = worth(terms, spot_usd * up**height, iv, years * (1.0 - step / STEPS))
            if value <= stop_usd:
                stopped += mass
            elif value >= goal_usd:
                reached += mass
            else:
                alive[height] = mass
    return Chances(stopped, reached, math.fsum(alive.values()))


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
