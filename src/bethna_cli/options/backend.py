"""One formula, two ways to run it: on plain numbers with the standard library, or on arrays with NumPy and SciPy.

A formula is written against `Maths`, and knows nothing of the two. NumPy and SciPy are imported when the first array
comes, so that a command which prices a handful of options starts without them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    FloatArray: TypeAlias = NDArray[np.float64]
    Flag: TypeAlias = bool | NDArray[np.bool_]

X = TypeVar("X", float, "FloatArray")

CHUNK = 8_192
"""Rows run at a time: a dozen temporaries of this many doubles stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Maths(Generic[X]):
    """The few functions that a formula needs, for plain numbers or for arrays."""

    log: Callable[[X], X]
    sqrt: Callable[[X], X]
    exp: Callable[[X], X]
    ndtr: Callable[[X], X]
    minimum: Callable[[X, X], X]
    maximum: Callable[[X, X | float], X]
    where: Callable[["Flag", X | float, X | float], X]
    copysign: Callable[[float, X], X]
    as_number: Callable[["Flag"], X]  # 1 for true, 0 for false
    all: Callable[["Flag"], bool]


def ndtr(z: float) -> float:
    """Return the standard normal distribution function, with full relative precision in the lower tail."""
    return 0.5 * math.erfc(-z * math.sqrt(0.5))


SCALAR: Maths[float] = Maths(
    log=math.log,
    sqrt=math.sqrt,
    exp=math.exp,
    ndtr=ndtr,
    minimum=min,
    maximum=max,
    where=lambda condition, if_true, if_false: if_true if condition else if_false,
    copysign=math.copysign,
    as_number=float,
    all=bool,
)


def is_scalar(*arguments: object) -> bool:
    """Tell whether every argument is a single number, a NumPy one included."""
    return all(isinstance(value, float | int) or getattr(value, "ndim", None) == 0 for value in arguments)


def _array_maths() -> "Maths[FloatArray]":
    import numpy as np
    from scipy.special import ndtr

    return Maths(
        log=np.log,
        sqrt=np.sqrt,
        exp=np.exp,
        ndtr=ndtr,
        minimum=np.minimum,
        maximum=np.maximum,
        where=np.where,
        copysign=np.copysign,
        as_number=lambda flag: np.asarray(flag, dtype=np.float64),
        all=lambda flag: bool(np.all(flag)),
    )


def in_chunks(
    formula: Callable[..., tuple[Any, ...]], outputs: int, columns: "tuple[ArrayLike, ...]", is_call: "ArrayLike"
) -> "FloatArray":
    """Run a formula over (forward, strike, years, iv or price), broadcast, piece by piece; return (outputs, *shape)."""
    import numpy as np

    maths = _array_maths()
    flags = np.asarray(is_call)
    if flags.dtype != np.bool_ and not ((flags == 0) | (flags == 1)).all():
        raise ValueError("is_call must hold booleans.")
    arrays = [*(np.asarray(column, dtype=np.float64) for column in columns), flags.astype(bool, copy=False)]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    arrays = [array.reshape(()) if array.size == 1 else np.broadcast_to(array, shape).reshape(-1) for array in arrays]
    result = np.empty((outputs, math.prod(shape)))
    with np.errstate(all="ignore"):
        for start in range(0, result.shape[1], CHUNK):
            piece = slice(start, start + CHUNK)
            forward, strike, *others = (array if array.ndim == 0 else array[piece] for array in arrays)
            forward = _nan_if_out_of_range(forward, strike, *others[:2])
            for row, values in zip(result, formula(maths, forward, strike, *others), strict=True):
                row[piece] = values
    return result.reshape(outputs, *shape)


def _nan_if_out_of_range(
    forward: "FloatArray", strike: "FloatArray", years: "FloatArray", iv_or_price: "FloatArray"
) -> "FloatArray":
    """Return the forwards, NaN where an argument is out of range: formulas carry a NaN forward to every result."""
    import numpy as np

    in_range = (
        (np.minimum(forward, strike) > 0.0)
        & (np.minimum(years, iv_or_price) >= 0.0)
        & (np.maximum(np.maximum(forward, strike), np.maximum(years, iv_or_price)) < np.inf)
    )
    return forward if in_range.all() else np.where(in_range, forward, np.nan)
