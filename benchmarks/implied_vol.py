"""Implied volatility of a million prices whose volatility is known, against named peers.

Run it in an environment of its own: pip install -e . and the peers that it names when one is missing; then
`python benchmarks/implied_vol.py`. It exits 1 unless every price that determines its volatility gives it back.

The prices are of options out of the money, from a day to two years, down to a billionth of the forward: every one
determines its volatility to far better than 1e-8. iv-engine takes one flag for all, so calls and puts go in two calls.
"""

import sys

import numpy as np
from stopwatch import medians_ms, peer, report

from bethna_cli.options import black

GOAL_MS = 240.0
SIZE = 1_000_000


def known_options(size: int) -> tuple[np.ndarray, ...]:
    """Return forward, strike, years, true iv, is_call and the price, shape (size,) each."""
    chance = np.random.default_rng(11)
    forward = chance.uniform(500, 5000, 2 * size)
    years = chance.uniform(1 / 365, 2, 2 * size)
    iv = chance.uniform(0.05, 2.5, 2 * size)
    strike = forward * np.exp(iv * np.sqrt(years) * chance.uniform(-6, 6, 2 * size))
    is_call = strike > forward
    price = black.price(forward, strike, years, iv, is_call)
    kept = np.flatnonzero(price > 1e-9 * np.minimum(forward, strike))[:size]
    if len(kept) < size:
        raise RuntimeError(f"only {len(kept)} of the prices are large enough")
    return tuple(np.ascontiguousarray(column[kept]) for column in (forward, strike, years, iv, is_call, price))


def main() -> int:
    pyvolr, engine, vectorized = peer("pyvolr.black76"), peer("iv_engine.batch"), peer("py_vollib_vectorized")
    forward, strike, years, iv, is_call, price = known_options(SIZE)
    letters, signs = np.where(is_call, "c", "p"), np.where(is_call, 1, -1).astype(np.int8)
    sides = [(side, *(column[side == is_call] for column in (price, forward, strike, years))) for side in (True, False)]

    def iv_engine() -> np.ndarray:
        found = np.empty(SIZE)
        for side, *columns in sides:
            found[is_call == side] = engine.implied_volatilities(*columns, is_call=side)
        return found

    calls = {
        "bethna": lambda: black.implied_vol(price, forward, strike, years, is_call),
        "pyvolr (Rust, all cores)": lambda: pyvolr.implied_vol(
            price, signs, forward, strike, years, 0.0, on_error="ignore"
        ),
        "iv-engine (Rust, all cores)": iv_engine,
        "py_vollib_vectorized": lambda: vectorized.vectorized_implied_volatility_black(
            price, forward, strike, 0.0, years, letters, on_error="ignore", return_as="numpy"
        ),
    }
    report(f"implied volatility, {SIZE:,} prices", medians_ms(calls, rounds=7), GOAL_MS)
    for name, call in calls.items():
        error = np.abs(np.asarray(call()).reshape(-1) - iv)
        failures = int((~(error < black.IV_TOLERANCE)).sum())
        print(f"  {name:<28} largest error {np.nanmax(error):.1e}, failures {failures}")
    return int((~(np.abs(calls["bethna"]() - iv) < black.IV_TOLERANCE)).any())


if __name__ == "__main__":
    sys.exit(main())
