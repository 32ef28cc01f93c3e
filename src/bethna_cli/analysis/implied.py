"""What option quotes say of the coming volatility: one moment's term structure at the money, read at any horizon."""

from bisect import bisect_left

from bethna_cli.domain.options import Term


def implied_variance(term: Term, years: float) -> float | None:
    """Return the annual variance that the quotes imply until `years` from now; None beyond the last expiry.

    Total variance is straight in time between two expiries; before the first one its volatility counts. Source: Cboe,
    "Volatility Index Methodology: Cboe Volatility Index", 2023 (interpolation between two terms).
    """
    place = bisect_left(term, (years, 0.0))
    if place == len(term):
        return None
    until, iv = term[place]
    if place == 0:
        return iv * iv
    since, before = term[place - 1]
    share = (years - since) / (until - since)
    total = (1 - share) * before * before * since + share * iv * iv * until
    return total / years
