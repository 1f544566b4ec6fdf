from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.report import Report
from zoo_localization.enkf import kalman_gain
from zoo_localization.evaluators import gain_rmse, localization_curve
from zoo_localization.evaluators.localization_curve import gain_curves, half_width
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import (
    gaspari_cohn,
    gaspari_cohn_taper,
    gaspari_cohn_vector,
    roll_columns,
    static_regression,
)

SIZE, NOBS, DENS = 12, 4, 3
CURVES = ("model", "reference", "gaspari_cohn", "static")


class Answer:
    """A model that always gives the same prediction."""

    def __init__(self, prediction):
        self.prediction = prediction

    def predict(self, x, verbose):
        return self.prediction


class Halving:
    """A model that halves what lies above 0."""

    def predict(self, x, verbose):
        return np.maximum(x, 0) / 2


def pairs(count, seed):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(count, SIZE, NOBS)) * gaspari_cohn_taper(SIZE, DENS, 7.0)
    return {"kg_raw": true + 0.5 * rng.normal(size=true.shape)}, true


@pytest.fixture
def data():
    return {"train": pairs(200, 0), "test": pairs(45, 1)}


def curve_by_hand(raw, gain):
    """Return the least-squares factor at each offset of one pair, entry by entry."""
    square, product = np.zeros(SIZE), np.zeros(SIZE)
    for state in range(SIZE):
        for observation in range(NOBS):
            offset = (state - (DENS * (observation + 1) - 1)) % SIZE
            square[offset] += raw[state, observation] ** 2
            product[offset] += raw[state, observation] * gain[state, observation]
    return product / square


def drawn(tmp_path, model, data, **arguments):
    report = Report(tmp_path).of("localization_curve", "localization_curve")
    found = localization_curve(model, data, report=report, **arguments)
    return found, json.loads((tmp_path / "localization_curve.json").read_text())


def around_the_ring(columns, name):
    """Return a column against the offset 0, 1, ... around the ring."""
    values = dict(zip(columns["distance"], columns[name], strict=True))
    return np.array([values[r if r <= SIZE // 2 else r - SIZE] for r in range(SIZE)])


def test_each_curve_is_what_gains_are_multiplied_with_against_the_signed_distance(data, tmp_path):
    (x, true), (train, train_true) = data["test"], data["train"]
    raw = x["kg_raw"]
    predicted = true + 0.1 * raw**3
    found, document = drawn(tmp_path, Answer(predicted), data)
    columns = document["columns"]
    assert columns["distance"] == [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6]
    own = np.array([curve_by_hand(*pair) for pair in zip(raw, predicted, strict=True)])
    best = np.array([curve_by_hand(*pair) for pair in zip(raw, true, strict=True)])
    cutoff = gain_rmse(Answer(predicted), data)["cutoff"]
    expected = {
        "model": own.mean(axis=0),
        "model_low": np.quantile(own, 0.05, axis=0),
        "model_high": np.quantile(own, 0.95, axis=0),
        "reference": best.mean(axis=0),
        "gaspari_cohn": gaspari_cohn_vector(SIZE, cutoff),
        "static": static_regression(train["kg_raw"], train_true, DENS),
    }
    for name, curve in expected.items():
        np.testing.assert_allclose(around_the_ring(columns, name), curve, rtol=1e-10, atol=1e-15)
    assert found["cutoff"] == cutoff
    width = np.mean(expected["model_high"] - expected["model_low"])
    assert found["band_width"] == pytest.approx(width)
    for name in ("model", "gaspari_cohn", "static"):
        rmse = np.sqrt(np.mean((expected[name] - expected["reference"]) ** 2))
        assert found[f"rmse.{name}"] == pytest.approx(rmse)
    for name in CURVES:
        differences = [(expected[name][r] - expected[name][-r]) / 2 for r in range(SIZE)]
        assert found[f"asymmetry.{name}"] == pytest.approx(np.sqrt(np.mean(np.square(differences))))
    assert found["asymmetry.gaspari_cohn"] == 0.0
    figure = document["figure"]
    assert (figure["x"], figure["y"]) == ("distance", list(CURVES))
    assert figure["bands"] == {"model, 5-95 %": ["model_low", "model_high"]}
    assert "over 45 test gains" in document["caption"]


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("is_rolled", [True, False])
def test_of_a_vector_for_all_observations_the_curve_is_the_vector(data, tmp_path, half, is_rolled):
    vectors = np.random.default_rng(2).normal(size=(45, SIZE // 2 + 1 if half else SIZE))
    if is_rolled:
        data = {
            split: ({"kg_raw": roll_columns(x["kg_raw"], DENS)}, roll_columns(y, DENS))
            for split, (x, y) in data.items()
        }
    _, document = drawn(tmp_path, Answer(vectors), data, rolled=is_rolled)
    full = np.array([[v[min(r, SIZE - r) if half else r] for r in range(SIZE)] for v in vectors])
    columns = document["columns"]
    expected = {"model": full.mean(axis=0), "model_low": np.quantile(full, 0.05, axis=0)}
    for name, curve in expected.items():
        np.testing.assert_allclose(around_the_ring(columns, name), curve, rtol=1e-10)


def test_gains_of_equal_observation_errors_have_one_curve_on_both_sides_where_observations_are():
    # With R = 1, H K is its own transpose: what one observation does at another is mutual.
    operator, rng = ObservationOperator(SIZE, DENS), np.random.default_rng(3)
    members = rng.normal(size=(20, 50, SIZE)).cumsum(axis=-1)
    raw, true = (kalman_gain(members[:, :count], operator, 1.0) for count in (10, 50))
    curves = gain_curves(raw, true, DENS)
    observed = np.arange(0, SIZE, DENS)
    np.testing.assert_allclose(curves[:, observed], curves[:, -observed], rtol=1e-9)
    others = np.setdiff1d(np.arange(SIZE), observed)
    assert np.abs(curves[:, others] - curves[:, -others]).max() > 0.1


def test_where_the_raw_gain_is_zero_there_is_nothing_to_multiply():
    raw = np.ones((1, SIZE, NOBS)) * (gaspari_cohn_taper(SIZE, DENS, 3.0) > 0)
    curves = gain_curves(raw, np.full(raw.shape, 0.25), DENS)
    assert curves[0].tolist() == [0.25] * 3 + [0.0] * 7 + [0.25] * 2


def test_the_half_width_is_where_a_curve_is_half_of_what_it_is_at_the_observation():
    distance = np.minimum(np.arange(40), 40 - np.arange(40))
    triangle = 0.8 * np.maximum(1 - distance / 9, 0)
    assert half_width(triangle) == pytest.approx(4.5)
    # One side alone as narrow: the mean of the two falls to a half between them.
    sides = np.where(np.arange(40) <= 20, 1 - distance / 20, np.maximum(1 - distance / 10, 0))
    assert half_width(sides) == pytest.approx(20 / 3)
    fine = np.arange(0, 6, 1e-4)
    expected = fine[np.argmin(np.abs(gaspari_cohn(fine, 12.0) - 0.5))]
    assert half_width(gaspari_cohn_vector(40, 12.0)) == pytest.approx(expected, abs=0.02)
    assert half_width(np.full(40, 0.9)) is half_width(np.zeros(40)) is None


def test_a_curve_that_never_halves_has_no_half_width(data):
    found = localization_curve(Answer(data["test"][0]["kg_raw"]), data)
    assert "half_width.model" not in found
    assert found["asymmetry.model"] == found["band_width"] == pytest.approx(0.0, abs=1e-12)


def test_pairs_that_are_read_as_they_are_needed_give_the_same(data, stream):
    expected = localization_curve(Halving(), data)
    streams = {split: stream(*arrays) for split, arrays in data.items()}
    assert localization_curve(Halving(), streams) == pytest.approx(expected, rel=1e-12)


def test_data_without_pairs_are_refused(data):
    message = r'localization_curve needs a "test" split, and the data have \[\'train\'\]'
    with pytest.raises(ValueError, match=message):
        localization_curve(Halving(), {"train": data["train"]})
