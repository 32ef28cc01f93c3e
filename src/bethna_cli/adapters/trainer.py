"""Random forests grown by scikit-learn, handed over as plain arrays. The only file that imports scikit-learn.

Deterministic: the seed is an argument, and shares are averaged in one thread, because several add up floating-point
numbers in whatever order they finish.
"""

import platform
from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bethna_cli.domain.model import CLASSES, Forest, Row, Shares, Split, TrainingSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ForestTrainer:
    """Grows forests of shallow trees with large leaves: a week's direction has little signal and much noise.

    leaf_rows: least rows in a leaf; sample_share: share of the rows drawn for each tree, small because overlapping rows
    repeat each other (López de Prado, Advances in Financial Machine Learning, 4.5).
    """

    def __init__(
        self,
        *,
        trees: int = 300,
        depth: int = 6,
        leaf_rows: int = 50,
        sample_share: float = 0.1,
        seed: int = 20180101,
        jobs: int = 2,
    ) -> None:
        self._settings = {
            "n_estimators": trees,
            "max_depth": depth,
            "min_samples_leaf": leaf_rows,
            "max_samples": sample_share,
            "max_features": "sqrt",
            "random_state": seed,
        }
        self._jobs = jobs

    @property
    def parameters(self) -> Mapping[str, object]:
        """What the forest depends on: its settings and the versions of what grows it."""
        import numpy
        import sklearn

        versions = {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__}
        return {**self._settings, "libraries": {"python": platform.python_version(), **versions}}

    def grow(self, data: TrainingSet, rows: Sequence[int]) -> Forest:
        """Grow a forest on the given rows."""
        return to_forest(self._fitted(data, rows))

    def shares(self, data: TrainingSet, split: Split) -> list[Shares]:
        """Grow a forest on `split.train` and return its class shares for each row of `split.held_out`."""
        forest = self._fitted(data, split.train)
        forest.set_params(n_jobs=1)
        found = forest.predict_proba(_matrix(data, split.held_out))
        columns = [list(forest.classes_).index(k) if k in forest.classes_ else None for k in range(len(CLASSES))]
        padded = [[0.0 if c is None else float(row[c]) for c in columns] for row in found]
        return [(row[0], row[1], row[2]) for row in padded]

    def _fitted(self, data: TrainingSet, rows: Sequence[int]) -> Any:
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(**self._settings, n_jobs=self._jobs)
        return forest.fit(_matrix(data, rows), np.asarray([data.labels[i] for i in rows]))


class RegressionForest:
    """Grows forests of numbers with the direction forest's leaves, and Breiman's third of the columns at each split."""

    def __init__(self, *, trees: int = 100, seed: int = 20180101, jobs: int = 2) -> None:
        self._settings = {
            "n_estimators": trees,
            "max_depth": 10,
            "min_samples_leaf": 50,
            "max_samples": 0.1,
            "max_features": 1 / 3,
            "random_state": seed,
        }
        self._jobs = jobs

    def expect(self, rows: Sequence[Row], wanted: Sequence[float], asked: Sequence[Row]) -> list[float]:
        """Learn `wanted` from `rows`, and return what is to be expected of the rows that are asked about."""
        import numpy as np
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(**self._settings, n_jobs=self._jobs)
        forest.fit(np.asarray(rows, dtype=np.float32), np.asarray(wanted))
        forest.set_params(n_jobs=1)
        return [float(value) for value in forest.predict(np.asarray(asked, dtype=np.float32))]


def _matrix(data: TrainingSet, rows: Sequence[int]) -> "NDArray[np.float32]":
    """Rows as scikit-learn stores them, so that it does not copy them again."""
    import numpy as np

    return np.asarray([data.rows[i] for i in rows], dtype=np.float32)


def to_forest(fitted: Any) -> Forest:
    """Lay a fitted RandomForestClassifier's trees end to end. A class that it never saw has share 0.

    Raises ValueError when a tree's left children do not follow their parents (scikit-learn's best-first order).
    """
    forest = Forest(
        features=int(fitted.n_features_in_),
        classes=len(CLASSES),
        roots=array("i"),
        feature=array("h"),
        threshold=array("d"),
        right=array("i"),
        missing_left=array("b"),
        leaf=array("d"),
    )
    for estimator in fitted.estimators_:
        _append(forest, estimator.tree_, [int(k) for k in fitted.classes_])
    return forest


def _append(forest: Forest, tree: Any, classes: list[int]) -> None:
    """Add one of scikit-learn's trees; a leaf's unused cells are 0."""
    import numpy as np

    is_leaf = tree.children_left < 0
    parents = np.flatnonzero(~is_leaf)
    if (tree.children_left[parents] != parents + 1).any():
        raise ValueError("the tree is not in depth-first order")
    counts = tree.value[is_leaf, 0, :]
    shares = np.zeros((len(counts), len(CLASSES)))
    shares[:, classes] = counts / counts.sum(axis=1, keepdims=True)
    root, first_leaf = len(forest.feature), len(forest.leaf) // len(CLASSES)
    leaf_number = first_leaf + np.cumsum(is_leaf) - 1
    forest.roots.append(root)
    forest.feature.extend(np.where(is_leaf, 0, tree.feature).tolist())
    forest.threshold.extend(np.where(is_leaf, 0.0, tree.threshold).tolist())
    forest.right.extend(np.where(is_leaf, -1 - leaf_number, tree.children_right + root).tolist())
    forest.missing_left.extend(np.where(is_leaf, 0, tree.missing_go_to_left).tolist())
    forest.leaf.extend(shares.ravel().tolist())
