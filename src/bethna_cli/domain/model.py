"""The trained model as plain arrays: what a forest is, without the library that grew it."""

from array import array
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forest:
    """Decision trees laid end to end. Node i tests `row[feature[i]] <= threshold[i]` in float32.

    roots: index of each tree's first node. left, right: absolute node indices, -1 at a leaf. missing_left: 1 where a
    missing (NaN) value goes left. leaf: class shares, `classes` per node, in the order bearish, neutral, bullish.
    """

    features: int
    classes: int
    roots: "array[int]"
    feature: "array[int]"
    threshold: "array[float]"
    left: "array[int]"
    right: "array[int]"
    missing_left: "array[int]"
    leaf: "array[float]"
