"""What positions are worth now: every distinct option is priced once, then every position is a multiplication.

A mark is an estimate from a fresh spot price and the venue's volatility, not a promise of anybody. Beside it stands the
adverse mark, at the edge of the spot's band that is worse for the holder: exits are decided by that one. An option that
cannot be valued has no mark; its positions are worth "unknown", never nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bethna_cli.domain.guarding import SpotView, Unknown
from bethna_cli.domain.market import Asset
from bethna_cli.domain.options import OptionKind
from bethna_cli.domain.position import OptionTerms
from bethna_cli.options.black import SECONDS_PER_YEAR, price, price_and_greeks
from bethna_cli.risk.volatility import Smiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

MOST_USD = 1e12
"""No option is worth more than this; a mark beyond it is a mistake, and no whole number that fits 64 bits."""
UNKNOWN = -1
"""The value of a position whose option has no mark; real values are zero or more."""


@dataclass(frozen=True, slots=True)
class AssetView:
    """What an asset's options are valued by, or why they are not."""

    spot: SpotView | Unknown
    smiles: Smiles | Unknown

    @property
    def fault(self) -> str | None:
        """Say why nothing of this asset has a value, None when it has."""
        for part in (self.spot, self.smiles):
            if isinstance(part, Unknown):
                return part.reason
        return None


class Legs(NamedTuple):
    """Distinct options as the plain options they are made of: `near` less `far`, where there is a far one.

    terms: in the order of all arrays; asset: the place of the option's asset in `assets`; strikes in USD, `far` NaN
    without one; expires_s: Unix seconds.
    """

    terms: tuple[OptionTerms, ...]
    assets: tuple[Asset, ...]
    asset: "Ints"
    is_call: "Flags"
    near: "Floats"
    far: "Floats"
    expires_s: "Floats"


class Marks(NamedTuple):
    """One contract of each distinct option, USD: its value, the adverse one, and Greeks in Deribit's units.

    `usd` is NaN where there is no mark, and so is everything else there. iv: of the first strike.
    """

    usd: "Floats"
    adverse_usd: "Floats"
    delta: "Floats"
    gamma: "Floats"
    vega: "Floats"
    theta: "Floats"
    iv: "Floats"

    @property
    def is_known(self) -> "Flags":
        known: Flags = np.isfinite(self.usd) & np.isfinite(self.adverse_usd)
        return known


def legs_of(terms: Sequence[OptionTerms]) -> Legs:
    """Take options apart. A call pays min(S - K, K): it is a call at K less one at 2 K, like a spread."""
    assets = tuple(dict.fromkeys(one.asset for one in terms))
    return Legs(
        terms=tuple(terms),
        assets=assets,
        asset=np.array([assets.index(one.asset) for one in terms], dtype=np.int64),
        is_call=np.array([one.kind.is_call for one in terms], dtype=np.bool_),
        near=np.array([_near(one) for one in terms], dtype=np.float64),
        far=np.array([_far(one) for one in terms], dtype=np.float64),
        expires_s=np.array([one.expires_at.timestamp() for one in terms], dtype=np.float64),
    )


def _near(terms: OptionTerms) -> float:
    """The strike of the plain option that is held: a put spread's is its higher one."""
    return float(terms.strikes[-1] if terms.kind is OptionKind.PUT_SPREAD else terms.strikes[0])


def _far(terms: OptionTerms) -> float:
    if terms.kind is OptionKind.CALL:
        return 2.0 * float(terms.strikes[0])
    if terms.kind is OptionKind.PUT:
        return np.nan
    return float(terms.strikes[0] if terms.kind is OptionKind.PUT_SPREAD else terms.strikes[-1])


def mark(legs: Legs, views: Mapping[Asset, AssetView], now: datetime) -> Marks:
    """Value one contract of each distinct option; what has expired or cannot be valued has no mark."""
    now_s = now.timestamp()
    near_iv, far_iv = _ivs(legs, views, now_s)
    years = (legs.expires_s - now_s) / SECONDS_PER_YEAR
    years = np.where(years > 0.0, years, np.nan)
    spot, band = _spots(legs, views)
    values = _held(legs, spot, years, near_iv, far_iv)
    adverse = np.where(legs.is_call, spot - band, spot + band)
    adverse_usd = np.where(band > 0.0, _worth(legs, adverse, years, near_iv, far_iv), values[0])
    usd = np.maximum(values[0], 0.0)
    usd = np.where(usd <= MOST_USD, usd, np.nan)
    return Marks(usd, np.clip(adverse_usd, 0.0, usd), *values[1:], near_iv)


def revalue(legs: Legs, spots: "Floats", now_s: float, ivs: "tuple[Floats, Floats]") -> "Floats":
    """Value one contract of each option at other spots and another time: (options,) or (scenarios, options), USD.

    What has expired by then is worth what it pays.
    """
    years = np.maximum((legs.expires_s - now_s) / SECONDS_PER_YEAR, 0.0)
    worth: Floats = np.maximum(_worth(legs, spots, years, *ivs), 0.0)
    return worth


def volatilities(legs: Legs, views: Mapping[Asset, AssetView], now: datetime) -> "tuple[Floats, Floats]":
    """Return the volatility of each option's strikes, NaN where there is none."""
    return _ivs(legs, views, now.timestamp())


def spots_of(legs: Legs, views: Mapping[Asset, AssetView]) -> "Floats":
    """Return the spot of each option's asset, NaN where it is not known."""
    return _spots(legs, views)[0]


def position_values(option: "Ints", contracts: "Ints", usd: "Floats") -> "Ints":
    """Return what positions are worth, USDC base units rounded down; UNKNOWN where their option has no mark.

    option: the place of each position's option in `usd`; contracts: base units, whose million is one contract, as a
    million base units are one USDC.
    """
    worth = usd[option] * contracts
    is_known = np.isfinite(worth) & (worth < 2.0**62)
    values: Ints = np.where(is_known, np.floor(np.where(is_known, worth, 0.0)), UNKNOWN).astype(np.int64)
    return values


def _held(
    legs: Legs, spot: "Floats", years: "Floats", near_iv: "Floats", far_iv: "Floats"
) -> "tuple[Floats, Floats, Floats, Floats, Floats]":
    """Return value, delta, gamma, vega and theta of each option, its far leg taken off."""
    value, near = price_and_greeks(spot, legs.near, years, near_iv, legs.is_call)
    has_far = np.isfinite(legs.far)
    strike = np.where(has_far, legs.far, legs.near)
    far_value, far = price_and_greeks(spot, strike, years, np.where(has_far, far_iv, near_iv), legs.is_call)
    off = has_far.astype(np.float64)
    return (
        value - off * far_value,
        near.delta - off * far.delta,
        near.gamma - off * far.gamma,
        near.vega - off * far.vega,
        near.theta - off * far.theta,
    )


def _worth(legs: Legs, spot: "Floats", years: "Floats", near_iv: "Floats", far_iv: "Floats") -> "Floats":
    value = price(spot, legs.near, years, near_iv, legs.is_call)
    has_far = np.isfinite(legs.far)
    strike = np.where(has_far, legs.far, legs.near)
    far = price(spot, strike, years, np.where(has_far, far_iv, near_iv), legs.is_call)
    return value - has_far * far


def _spots(legs: Legs, views: Mapping[Asset, AssetView]) -> "tuple[Floats, Floats]":
    spots = [views[asset].spot if asset in views else Unknown("not looked at") for asset in legs.assets]
    usd = np.array([one.usd if isinstance(one, SpotView) else np.nan for one in spots])
    band = np.array([one.band_usd if isinstance(one, SpotView) else np.nan for one in spots])
    return usd[legs.asset], band[legs.asset]


def _ivs(legs: Legs, views: Mapping[Asset, AssetView], now_s: float) -> "tuple[Floats, Floats]":
    near, far = np.full(len(legs.terms), np.nan), np.full(len(legs.terms), np.nan)
    rows = zip(legs.asset.tolist(), legs.near.tolist(), legs.far.tolist(), legs.expires_s.tolist(), strict=True)
    for place, (asset, near_strike, far_strike, expires_s) in enumerate(rows):
        view = views.get(legs.assets[asset])
        if view is None or isinstance(view.smiles, Unknown) or expires_s <= now_s:
            continue
        near[place] = view.smiles.at(near_strike, expires_s, now_s)
        if far_strike == far_strike:
            far[place] = view.smiles.at(far_strike, expires_s, now_s)
    return near, far
