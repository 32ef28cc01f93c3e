"""Black-76 in one place: price, Greeks and implied volatility, for one option or for millions.

Black-Scholes is the same formula here, because the rate is zero; time is ACT/365 and the units are Deribit's. Each
formula is written once, against `Maths`: plain numbers use the standard library (a one-shot command never imports
NumPy), arrays use NumPy and SciPy, imported on first use. It refuses rates, dividends and early exercise, and never
returns a volatility that the price does not determine.

Arguments, everywhere: forward and strike in USD, > 0; years to expiry (seconds / (365 * 86,400)), >= 0; iv, the
volatility as a fraction a year (0.65 is 65 %), >= 0; is_call True for a call, False for a put. Numbers in, number out,
and a ValueError for one outside these ranges or not finite. Arrays broadcast, and such an element gives NaN.

Without time or volatility left the price is intrinsic, delta is a step (one half at the strike), the other Greeks are 0
(rho still moves with the strike while there is time).

Sources: Black (1976), "The pricing of commodity contracts"; Hull, "Options, Futures, and Other Derivatives", 10th ed.,
chapters 18 and 19.
"""

import math
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, overload

from bethna_cli.options.backend import SCALAR, Maths, X, in_chunks, is_scalar

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from bethna_cli.options.backend import Flag, FloatArray

DAYS_PER_YEAR = 365.0
SECONDS_PER_YEAR = DAYS_PER_YEAR * 86_400.0
IV_TOLERANCE = 1e-8
"""The largest error of an implied volatility: where one rounding unit of the price moves it further, there is none."""

_INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
_EPSILON = 2.0**-52  # one rounding unit of a double, relative
_TINY = 1e-300  # keeps a divisor from zero without reaching any result
_STEPS = 4
_CONVERGED = 1e-3  # a last step this small, relative, leaves about its fourth power
_LEAST = 1e-290  # time value over near; less has too few digits left inside the formula
_FITTED = 0.348


class Greeks(NamedTuple, Generic[X]):
    """Sensitivities of one contract's USD price, in Deribit's units.

    delta: N(d1), undiscounted, a put's is N(d1) - 1; gamma: delta per USD; vega: USD per volatility point (0.01);
    theta: USD per day of the plain formula (Deribit publishes one that is capped near expiry); rho: USD per point
    (0.01) of a rate, with the spot held fixed.
    """

    delta: X
    gamma: X
    vega: X
    theta: X
    rho: X


@overload
def price(forward: float, strike: float, years: float, iv: float, is_call: bool) -> float: ...
@overload
def price(
    forward: "ArrayLike", strike: "ArrayLike", years: "ArrayLike", iv: "ArrayLike", is_call: "ArrayLike"
) -> "FloatArray": ...
def price(forward: Any, strike: Any, years: Any, iv: Any, is_call: Any) -> Any:
    """Return the USD value of one contract, undiscounted. Arguments and errors: see the module."""
    if is_scalar(forward, strike, years, iv, is_call):
        return _price(SCALAR, *_checked_option(forward, strike, years, iv), _checked_flag(is_call))
    return in_chunks(lambda maths, *columns: (_price(maths, *columns),), 1, (forward, strike, years, iv), is_call)[0]


@overload
def greeks(forward: float, strike: float, years: float, iv: float, is_call: bool) -> Greeks[float]: ...
@overload
def greeks(
    forward: "ArrayLike", strike: "ArrayLike", years: "ArrayLike", iv: "ArrayLike", is_call: "ArrayLike"
) -> "Greeks[FloatArray]": ...
def greeks(forward: Any, strike: Any, years: Any, iv: Any, is_call: Any) -> Any:
    """Return the five Greeks of one contract. Arguments and errors: see the module."""
    return price_and_greeks(forward, strike, years, iv, is_call)[1]


@overload
def price_and_greeks(
    forward: float, strike: float, years: float, iv: float, is_call: bool
) -> tuple[float, Greeks[float]]: ...
@overload
def price_and_greeks(
    forward: "ArrayLike", strike: "ArrayLike", years: "ArrayLike", iv: "ArrayLike", is_call: "ArrayLike"
) -> "tuple[FloatArray, Greeks[FloatArray]]": ...
def price_and_greeks(forward: Any, strike: Any, years: Any, iv: Any, is_call: Any) -> Any:
    """Return the price and the Greeks in one pass, for little more than the price alone."""
    if is_scalar(forward, strike, years, iv, is_call):
        option = _checked_option(forward, strike, years, iv)
        value, *sensitivities = _price_and_greeks(SCALAR, *option, _checked_flag(is_call))
    else:
        value, *sensitivities = in_chunks(_price_and_greeks, 6, (forward, strike, years, iv), is_call)
    return value, Greeks(*sensitivities)


@overload
def implied_vol(price: float, forward: float, strike: float, years: float, is_call: bool) -> float: ...
@overload
def implied_vol(
    price: "ArrayLike", forward: "ArrayLike", strike: "ArrayLike", years: "ArrayLike", is_call: "ArrayLike"
) -> "FloatArray": ...
def implied_vol(price: Any, forward: Any, strike: Any, years: Any, is_call: Any) -> Any:
    """Return the volatility at which `price` (USD) is the Black-76 price, within IV_TOLERANCE.

    NaN for an array's element, ValueError for a number, where there is no such volatility or the price does not
    determine it: price not above intrinsic, or not below the forward (call) or the strike (put); no time left; an
    argument out of range; time value so small, or so near its bound, that a double's last digit moves the answer by
    more than IV_TOLERANCE.
    """
    if not is_scalar(price, forward, strike, years, is_call):
        return in_chunks(
            lambda maths, *columns: (_implied_vol(maths, *columns),), 1, (forward, strike, years, price), is_call
        )[0]
    price = _checked("price", price, allow_zero=True)
    option = _checked_option(forward, strike, years, iv=0.0)[:3]
    flag = _checked_flag(is_call)
    lowest = _price(SCALAR, *option, 0.0, flag)
    highest = option[0] if flag else option[1]
    if not lowest < price < highest:
        raise ValueError(f"A price of {price} has no implied volatility: it must lie between {lowest} and {highest}.")
    if option[2] == 0.0:
        raise ValueError("An option without time left has no implied volatility.")
    iv = _implied_vol(SCALAR, *option, price, flag)
    if math.isnan(iv):
        raise ValueError(f"A price of {price} does not determine the volatility to {IV_TOLERANCE}.")
    return iv


# The formulas, each written once.


class _Terms(NamedTuple, Generic[X]):
    """What price and Greeks share. The out-of-the-money option is priced first, because it keeps all its digits."""

    side: X  # of the out-of-the-money option at this strike: 1 call, -1 put
    exercise: X  # 1 for a call in the money, -1 for a put in the money, else 0
    root_years: X
    total: X  # volatility until expiry
    d1: X
    n1: X  # N(side * d1)
    n2: X  # N(side * d2)
    price: X


def _terms(maths: Maths[X], forward: X, strike: X, years: X, iv: X, is_call: "Flag") -> _Terms[X]:
    side = maths.copysign(1.0, strike - forward)
    exercise = maths.as_number(is_call) - 0.5 - 0.5 * side
    root_years = maths.sqrt(years)
    total = maths.maximum(iv * root_years, _TINY)
    d1 = maths.log(forward / strike) / total + 0.5 * total
    n1, n2 = maths.ndtr(side * d1), maths.ndtr(side * (d1 - total))
    time_value = side * (forward * n1 - strike * n2)
    price = exercise * (forward - strike) + maths.maximum(time_value, 0.0)
    return _Terms(side, exercise, root_years, total, d1, n1, n2, price)


def _price(maths: Maths[X], forward: X, strike: X, years: X, iv: X, is_call: "Flag") -> X:
    return _terms(maths, forward, strike, years, iv, is_call).price


def _price_and_greeks(
    maths: Maths[X], forward: X, strike: X, years: X, iv: X, is_call: "Flag"
) -> tuple[X, X, X, X, X, X]:
    side, exercise, root_years, total, d1, n1, n2, price = _terms(maths, forward, strike, years, iv, is_call)
    mass = maths.as_number(total > _TINY) * forward * _INV_SQRT_2PI * maths.exp(-0.5 * d1 * d1)  # forward * phi(d1)
    delta = side * n1 + exercise
    gamma = mass / maths.maximum(forward * forward * total, _TINY)
    vega = 0.01 * mass * root_years
    theta = -0.5 / DAYS_PER_YEAR * mass * iv / maths.maximum(root_years, _TINY)
    rho = 0.01 * strike * years * (side * n2 + exercise)
    return price, delta, gamma, vega, theta, rho


def _implied_vol(maths: Maths[X], forward: X, strike: X, years: X, price: X, is_call: "Flag") -> X:
    """Solve for the total volatility s = iv * sqrt(years) by at most four safeguarded third-order Householder steps.

    With x = log(far / near), the time value over `near` is c(s) = N(s/2 - x/s) - e^x N(-s/2 - x/s), from 0 to 1. The
    steps solve log c = log c0 or, above one half, log(1 - c) = log(1 - c0): neither loses digits at its end of the
    range. Derivatives of c: Jaeckel (2015), "Let's be rational". NaN where IV_TOLERANCE cannot be kept.
    """
    near, far = maths.minimum(forward, strike), maths.maximum(forward, strike)
    time_value = price - maths.where(is_call == (forward > strike), far - near, 0.0)
    is_priced = time_value > _LEAST * maths.maximum(near, 1.0)
    time_value = maths.where(is_priced, time_value, 0.5 * near)

    ratio = far / near
    x = maths.log(ratio)
    is_high = time_value > 0.5 * near
    sign = maths.where(is_high, -1.0, 1.0)
    target = maths.where(is_high, near - time_value, time_value) / near
    total = maths.maximum(_first_guess(maths, ratio, time_value / near), _TINY)
    for _ in range(_STEPS):
        k = x / total
        d_near = 0.5 * total - k
        reached = maths.ndtr(sign * d_near) - sign * ratio * maths.ndtr(-0.5 * total - k)
        reached = maths.maximum(reached, _TINY)
        density = maths.maximum(_INV_SQRT_2PI * maths.exp(-0.5 * d_near * d_near), _TINY)
        step = _householder_step(maths, total, k, sign * density / reached, maths.log(reached / target))
        moved = maths.minimum(maths.maximum(total + step, 0.5 * total), 2.0 * total)
        is_converged, total = abs(moved - total) <= _CONVERGED * moved, moved
        if maths.all(is_converged):
            break

    root = maths.sqrt(years)
    is_determined = (_EPSILON * price <= IV_TOLERANCE * near * density * root) & is_converged
    return maths.where(is_priced & is_determined, total / root, math.nan)


def _first_guess(maths: Maths[X], ratio: X, value: X) -> X:
    """Guess the total volatility of a time value, both over `near`, from the normal model's inverse.

    Choi, Kim and Kwak (2009), "Numerical approximation of the implied volatility under arithmetic Brownian motion",
    with their rational function cut to one fitted coefficient (0.6 % off); s^2/24 leads from the normal model to Black.
    """
    ratio = maths.maximum(ratio, 1.0 + 1e-9)  # at the money the same expression would be 0 / 0
    gap = ratio - 1.0
    straddle = 2.0 * value + gap
    eta = 2.0 * gap / (straddle * maths.log(1.0 + gap / value))
    shape = maths.sqrt(eta) * (_INV_SQRT_2PI + (1.0 + _FITTED - _INV_SQRT_2PI) * eta) / (1.0 + _FITTED * eta)
    normal = math.sqrt(0.5 * math.pi) * straddle * shape * maths.log(ratio) / gap
    return normal * (1.0 + normal * normal / 24.0)


def _householder_step(maths: Maths[X], total: X, k: X, slope: X, excess: X) -> X:
    """Return the third-order step towards excess = 0, where excess = log(c / c0), slope = c'/c and k = x / total."""
    newton = -excess / slope
    curve = k * k / total - 0.25 * total  # c''/c'
    second = curve - slope
    third = curve * curve - 3.0 * (k / total) * (k / total) - 0.25 - 3.0 * curve * slope + 2.0 * slope * slope
    denominator = 1.0 + newton * (second + newton * third / 6.0)
    return newton * (1.0 + 0.5 * newton * second) / maths.maximum(denominator, 0.1)


def _checked(name: str, value: Any, *, allow_zero: bool) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0.0 or (number == 0.0 and not allow_zero):
        raise ValueError(f"{name} must be finite and {'at least' if allow_zero else 'above'} 0, not {number}.")
    return number


def _checked_option(forward: Any, strike: Any, years: Any, iv: Any) -> tuple[float, float, float, float]:
    return (
        _checked("forward", forward, allow_zero=False),
        _checked("strike", strike, allow_zero=False),
        _checked("years", years, allow_zero=True),
        _checked("iv", iv, allow_zero=True),
    )


def _checked_flag(is_call: Any) -> bool:
    if is_call not in (True, False):
        raise ValueError(f"is_call must be true or false, not {is_call}.")
    return bool(is_call)
