"""The trained model as plain arrays, and what it is trained on: no library that grows forests is needed to hold one."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bethna_cli.domain.market import Candle, FearGreed, FundingPoint

BEARISH, NEUTRAL, BULLISH = range(3)
CLASSES = ("bearish", "neutral", "bullish")

Row = tuple[float, ...]
Shares = tuple[float, float, float]
"""One number per class, in the order bearish, neutral, bullish."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Decision trees laid end to end, each in depth-first order: the left child of node i is node i + 1.

    Node i goes left when `row[feature[i]] <= threshold[i]`, the row rounded to float32; a missing (NaN) value goes left
    where missing_left is 1. A threshold of infinity parts the missing from the present. right: absolute index of the
    right child, or -1 - k at leaf k. roots: index of each tree's first node. leaf: `classes` shares per leaf, in the
    order of CLASSES.
    """

    features: int
    classes: int
    roots: "array[int]"
    feature: "array[int]"
    threshold: "array[float]"
    right: "array[int]"
    missing_left: "array[int]"
    leaf: "array[float]"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probability of class k is softmax over k of `slope * log(share_k) + bias_k`; slope >= 0, 0 ignores the forest."""

    slope: float
    bias: Shares


@dataclass(frozen=True, slots=True)
class VolatilityModel:
    """How far the price will move over each horizon, as plain numbers; read by `analysis.volatility`.

    weights[i]: intercept, then one weight per past span, of the log of the annual variance over horizons_h[i] hours;
    corrections[i]: added to that log for the mean variance. scales: standard deviations of the terminal log price,
    ascending, in units of the forecast's times widths[i]; mixing[i]: the probability of each scale at horizon i.
    """

    horizons_h: tuple[int, ...]
    weights: tuple[tuple[float, ...], ...]
    corrections: tuple[float, ...]
    scales: tuple[float, ...]
    widths: tuple[float, ...]
    mixing: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a prediction needs. base: how often each class occurred in training. shrink: weight of the calibrated
    forest against what the volatility alone says, 0 is "no directional view". card: the model card, as JSON values.
    sha256: of the file it was read from, "" where it was not read from one."""

    version: str
    forest: Forest
    calibration: Calibration
    base: Shares
    shrink: float
    volatility: VolatilityModel
    card: Mapping[str, object]
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """One asset's recorded past: closed hourly candles and settled funding, oldest first; gaps stay gaps."""

    asset: str
    candles: tuple[Candle, ...]
    funding: tuple[FundingPoint, ...]


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file that was read: its name, its bytes' sha256, what it covers, and repairs by kind with their counts."""

    name: str
    sha256: str
    rows: int
    first: datetime
    last: datetime
    notes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """A data folder as read: what was known by `until`, and from which files."""

    assets: tuple[AssetHistory, ...]
    fear_greed: tuple[FearGreed, ...]
    files: tuple[DataFile, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the price did after one hour: its log return and its realised annual variance over each of the horizons.

    NaN where the horizon is not over or too many hours are missing.
    """

    returns: Row
    variances: Row


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Labelled rows of all assets. hours[i]: hours since the epoch when rows[i] was known; labels index CLASSES.

    after[i]: what came after row i, over `analysis.volatility.HORIZONS_H`; ewma[i]: an annual variance known with row
    i, a yardstick and not a feature.
    """

    rows: tuple[Row, ...]
    labels: tuple[int, ...]
    hours: tuple[int, ...]
    after: tuple[Aftermath, ...]
    ewma: tuple[float, ...]

    def only(self, rows: Sequence[int]) -> "TrainingSet":
        """The given rows alone, in that order."""
        return TrainingSet(
            tuple(self.rows[i] for i in rows),
            tuple(self.labels[i] for i in rows),
            tuple(self.hours[i] for i in rows),
            tuple(self.after[i] for i in rows),
            tuple(self.ewma[i] for i in rows),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers to learn from and row numbers to predict; no label window of the one touches one of the other."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model file's bytes and its card."""

    content: bytes
    card: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ShelvedModel:
    """A model kept on this machine: the hash of its file is its name."""

    version: str
    sha256: str
    added_at: datetime
    is_in_use: bool


class Progress(Protocol):
    """Told what is being done and how much of the whole is behind us, 0..1."""

    def __call__(self, stage: str, done: float) -> None: ...
