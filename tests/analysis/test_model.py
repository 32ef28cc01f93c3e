"""The model file and its predictions: the same as scikit-learn's, refused when altered, modest when data is missing."""

import hashlib
import json
import math
import struct
from array import array
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from bethna_cli.adapters.trainer import to_forest
from bethna_cli.analysis.features import FEATURE_NAMES, FEATURES
from bethna_cli.analysis.model import calibrated, predict, probabilities, shares
from bethna_cli.analysis.model_file import parse, serialise
from bethna_cli.analysis.volatility import undirected
from bethna_cli.domain.errors import ModelCorrupt
from bethna_cli.domain.model import Calibration, Forest, Model, Row, VolatilityModel

WIDTH = len(FEATURE_NAMES)
HEADER = struct.Struct("<8sH32sII")
CARD: dict[str, object] = {"version": "test", "features": [{"name": name} for name in FEATURE_NAMES]}
RNG = np.random.default_rng(5)


def noisy_rows(n: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    rows = RNG.normal(size=(n, WIDTH)) * 10.0 ** RNG.integers(-4, 5, size=WIDTH)
    rows[RNG.random(rows.shape) < 0.15] = np.nan
    return rows


def grown() -> RandomForestClassifier:
    rows = noisy_rows(1500)
    labels = (np.nan_to_num(rows[:, 0]) > 0).astype(int) + (np.isnan(rows[:, 3]) & (RNG.random(1500) < 0.8))
    fitted = RandomForestClassifier(n_estimators=40, max_depth=6, random_state=0).fit(rows.astype(np.float32), labels)
    return fitted.set_params(n_jobs=1)


FITTED = grown()
VOLATILITY = VolatilityModel(
    horizons_h=(24, 168, 1080),
    weights=tuple((-0.1, 0.1, 0.1, 0.3, 0.2, 0.2) for _ in range(3)),
    corrections=(0.4, 0.3, 0.2),
    scales=(0.5, 1.0, 2.0),
    widths=(0.9, 0.95, 1.0),
    mixing=((0.4, 0.5, 0.1), (0.3, 0.6, 0.1), (0.2, 0.8, 0.0)),
)
ONE_HORIZON = {
    "horizons_h": (24,),
    "weights": VOLATILITY.weights[:1],
    "corrections": (0.0,),
    "widths": (1.0,),
    "mixing": VOLATILITY.mixing[:1],
}
CALIBRATION = Calibration(0.8, (-0.2, 0.0, 0.1))
MODEL = Model("test", to_forest(FITTED), CALIBRATION, (0.25, 0.4, 0.35), 0.6, VOLATILITY, CARD)
CONTENT = serialise(MODEL)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FULL_ROW: Row = tuple(0.5 + 0.01 * i for i in range(WIDTH))


def without(group: str) -> Row:
    return tuple(math.nan if spec.group == group else x for spec, x in zip(FEATURES, FULL_ROW, strict=True))


def signed(card: bytes, body: bytes) -> bytes:
    """A file with a correct checksum, as a forger would write it."""
    return HEADER.pack(b"BETHNAFM", 2, hashlib.sha256(card + body).digest(), len(card), len(body)) + card + body


def test_the_array_walk_answers_what_scikit_learn_answers() -> None:
    rows = noisy_rows(400).astype(np.float32)
    expected = FITTED.predict_proba(rows)

    walked = [shares(MODEL.forest, tuple(map(float, row))) for row in rows]

    assert np.isnan(rows).any()
    assert np.abs(np.asarray(walked) - expected).max() < 1e-12


def test_values_are_rounded_to_single_precision_as_in_training() -> None:
    tests = [(MODEL.forest.feature[root], MODEL.forest.threshold[root]) for root in MODEL.forest.roots]
    edges = [(column, at) for column, limit in tests for at in (limit, math.nextafter(limit, math.inf))]
    rows = [tuple(at if i == column else x for i, x in enumerate(FULL_ROW)) for column, at in edges if at < 1e9]

    walked = np.asarray([shares(MODEL.forest, row) for row in rows])

    assert np.abs(walked - FITTED.predict_proba(np.asarray(rows, dtype=np.float32))).max() < 1e-12


def test_a_model_survives_its_file() -> None:
    read = parse(CONTENT)

    assert read == replace(MODEL, sha256=SHA256)
    assert serialise(read) == CONTENT


def test_probabilities_are_the_calibrated_shares_weighed_against_what_the_volatility_says() -> None:
    raw = shares(MODEL.forest, FULL_ROW)
    odds = [math.exp(0.8 * math.log(max(s, 1e-4)) + b) for s, b in zip(raw, (-0.2, 0.0, 0.1), strict=True)]
    plain = undirected(VOLATILITY, FULL_ROW)
    expected = [0.4 * without + 0.6 * o / sum(odds) for without, o in zip(plain, odds, strict=True)]

    prediction = predict(MODEL, FULL_ROW)

    assert [prediction.bearish, prediction.neutral, prediction.bullish] == pytest.approx(expected, abs=1e-15)
    assert prediction.base == (0.35, 0.4, 0.25)
    assert prediction.shrink == pytest.approx(0.6)
    assert prediction.missing == ()
    volatility = FULL_ROW[FEATURE_NAMES.index("volatility_30d")]
    assert prediction.neutral_band == pytest.approx(0.4 * volatility * math.sqrt(7 / 365))


@given(st.lists(st.floats(0, 1e6) | st.just(math.nan), min_size=WIDTH, max_size=WIDTH), st.floats(0.001, 100))
def test_probabilities_are_positive_and_sum_to_one_for_any_row(values: list[float], volatility: float) -> None:
    longest = {FEATURE_NAMES.index(name): volatility for name in ("volatility_30d", "volatility_56d")}
    found = probabilities(MODEL, tuple(longest.get(i, value) for i, value in enumerate(values)))

    assert math.fsum(found) == pytest.approx(1.0, abs=1e-12)
    assert min(found) > 0


@given(st.lists(st.floats(1e-9, 1.0), min_size=3, max_size=3))
def test_a_calibration_never_changes_which_class_gained_most(raw: list[float]) -> None:
    assume(sorted(raw)[2] > 1.01 * sorted(raw)[1] and sorted(raw)[2] > 1e-3)

    found = calibrated(Calibration(0.7, (0.0, 0.0, 0.0)), (raw[0], raw[1], raw[2]))

    assert found.index(max(found)) == raw.index(max(raw))


def test_no_weight_means_no_directional_view() -> None:
    blind = replace(MODEL, shrink=0.0)

    prediction = predict(blind, FULL_ROW)

    assert (prediction.bearish, prediction.neutral, prediction.bullish) == undirected(VOLATILITY, FULL_ROW)
    assert prediction.bearish == pytest.approx(prediction.bullish)
    assert prediction.shrink == 0.0


@pytest.mark.parametrize("shrink", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("group", ["funding", "sentiment"])
def test_a_missing_group_makes_the_answer_less_confident(group: str, shrink: float) -> None:
    model = replace(MODEL, shrink=shrink)
    stump = replace(model, forest=one_leaf(0.2, 0.5, 0.3))

    full, blind = predict(stump, FULL_ROW), predict(stump, without(group))

    assert blind.confidence < full.confidence
    assert blind.missing == (group,)
    assert blind.shrink <= full.shrink


def one_leaf(*leaf: float) -> Forest:
    return Forest(
        WIDTH, 3, *(array(c, [v]) for c, v in (("i", 0), ("h", 0), ("d", 0.0), ("i", -1), ("b", 0))), array("d", leaf)
    )


def test_with_everything_missing_the_odds_are_even() -> None:
    found = probabilities(MODEL, (math.nan,) * WIDTH)

    assert found == pytest.approx((1 / 3, 1 / 3, 1 / 3))


@pytest.mark.parametrize("row", [FULL_ROW[:-1], (*FULL_ROW, 1.0), (math.inf, *FULL_ROW[1:])])
def test_a_row_that_does_not_fit_is_refused(row: Row) -> None:
    with pytest.raises(ValueError, match="a row is"):
        predict(MODEL, row)


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_noticed(place: int, flip: int) -> None:
    altered = bytearray(CONTENT)
    altered[place] ^= flip

    with pytest.raises(ModelCorrupt):
        parse(bytes(altered))


@pytest.mark.parametrize("place", [0, 8, 10, 42, 46, 50, 60, len(CONTENT) // 2, len(CONTENT) - 1])
def test_a_changed_byte_in_each_section_is_noticed(place: int) -> None:
    altered = bytearray(CONTENT)
    altered[place] ^= 1

    with pytest.raises(ModelCorrupt):
        parse(bytes(altered))


@given(st.integers(0, len(CONTENT) - 1))
def test_a_file_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ModelCorrupt):
        parse(CONTENT[:length])


def test_a_file_with_something_behind_it_is_refused() -> None:
    with pytest.raises(ModelCorrupt):
        parse(CONTENT + b"\0")


def test_another_valid_file_than_the_pinned_one_is_refused() -> None:
    swapped = serialise(replace(MODEL, shrink=0.7))

    assert parse(CONTENT, pinned_sha256=SHA256) == replace(MODEL, sha256=SHA256)
    with pytest.raises(ModelCorrupt, match="shipped"):
        parse(swapped, pinned_sha256=SHA256)


@pytest.mark.parametrize(
    "names",
    [FEATURE_NAMES[::-1], FEATURE_NAMES[:-1], (*FEATURE_NAMES, "post_score"), ("x", *FEATURE_NAMES[1:])],
)
def test_other_features_or_another_order_are_refused(names: tuple[str, ...]) -> None:
    card = {"version": "test", "features": [{"name": name} for name in names]}

    with pytest.raises(ModelCorrupt, match="features"):
        parse(serialise(replace(MODEL, card=card)))


@pytest.mark.parametrize(
    "card",
    [b"", b"[]", b"{}", b"{", b'{"version": 1}', b'{"version": "a"}', b'{"version": "a", "features": 3}', b"\xff"],
)
def test_a_forged_card_is_refused(card: bytes) -> None:
    body = CONTENT[HEADER.size + len(json.dumps(CARD, sort_keys=True, separators=(",", ":"))) :]

    with pytest.raises(ModelCorrupt):
        parse(signed(card, body))


def changed(name: str, index: int, value: float) -> Forest:
    """The forest with one cell changed, as a forger with a correct checksum would."""
    values = getattr(MODEL.forest, name)[:]
    values[index] = value
    return replace(MODEL.forest, **{name: values})


INNER = next(i for i, right in enumerate(MODEL.forest.right) if right >= 0)
NODES, LEAVES = len(MODEL.forest.feature), len(MODEL.forest.leaf) // 3


@pytest.mark.parametrize(
    "forest",
    [
        changed("right", INNER, INNER),
        changed("right", INNER, INNER + 1),
        changed("right", INNER, NODES),
        changed("right", INNER, -1 - LEAVES),
        changed("right", NODES - 1, NODES),
        changed("roots", 0, 1),
        changed("roots", 1, 0),
        changed("roots", -1, NODES),
        changed("feature", INNER, WIDTH),
        changed("feature", INNER, -1),
        changed("threshold", INNER, math.nan),
        changed("missing_left", INNER, 2),
        changed("leaf", 0, math.nan),
        changed("leaf", 0, 1.5),
        changed("leaf", 0, -0.5),
        changed("leaf", 0, math.inf),
        replace(MODEL.forest, leaf=array("d")),
        replace(MODEL.forest, roots=array("i")),
        replace(MODEL.forest, features=WIDTH + 1),
    ],
    ids=lambda _: "",
)
def test_a_forest_that_could_loop_or_lie_is_refused_whatever_its_checksum(forest: Forest) -> None:
    with pytest.raises(ModelCorrupt):
        parse(serialise(replace(MODEL, forest=forest)))


@pytest.mark.parametrize(
    "model",
    [
        *(
            replace(MODEL, volatility=replace(VOLATILITY, **wrong))  # type: ignore[arg-type]
            for wrong in (
                {"horizons_h": (24, 24, 1080)},
                {"horizons_h": (0, 168, 1080)},
                {
                    "horizons_h": (24,),
                    "weights": VOLATILITY.weights[:1],
                    "corrections": (0.0,),
                    "widths": (1.0,),
                    "mixing": ((1.0, 0, 0),),
                },
                {"scales": (0.5, 0.5, 2.0)},
                {"scales": (-0.5, 1.0, 2.0)},
                {"scales": (0.5, 1.0, math.inf)},
                {"corrections": (0.4, math.nan, 0.2)},
                {"corrections": (0.4, 1e9, 0.2)},
                {"widths": (0.9, 0.0, 1.0)},
                {"weights": ((math.nan,) * 6, *VOLATILITY.weights[1:])},
                {"mixing": ((0.4, 0.5, 0.2), *VOLATILITY.mixing[1:])},
                {"mixing": ((-0.1, 1.0, 0.1), *VOLATILITY.mixing[1:])},
            )
        ),
        replace(MODEL, shrink=math.nan),
        replace(MODEL, shrink=1.7),
        replace(MODEL, shrink=-0.1),
        replace(MODEL, base=(0.5, 0.5, 0.5)),
        replace(MODEL, base=(0.0, 0.5, 0.5)),
        replace(MODEL, base=(math.nan, 0.5, 0.5)),
        replace(MODEL, calibration=Calibration(-1.0, (0.0, 0.0, 0.0))),
        replace(MODEL, calibration=Calibration(math.nan, (0.0, 0.0, 0.0))),
        replace(MODEL, calibration=Calibration(1.0, (math.inf, 0.0, 0.0))),
    ],
    ids=lambda _: "",
)
def test_numbers_that_could_not_give_probabilities_are_refused(model: Model) -> None:
    with pytest.raises(ModelCorrupt):
        parse(serialise(model))
