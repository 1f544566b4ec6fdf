from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.evaluators import gain_rmse, tuned_cutoff
from zoo_localization.geometry import distances
from zoo_localization.tapers import (
    gaspari_cohn_taper,
    roll_columns,
    static_regression,
    taper_matrix,
)

RNG = np.random.default_rng(0)
TAPER = gaspari_cohn_taper(12, 3, 7.0)


class Answer:
    """A model that always gives the same prediction."""

    def __init__(self, prediction):
        self.prediction = prediction

    def predict(self, x, verbose):
        return self.prediction


def pairs(count: int):
    """Reference gains under a taper, and the same with noise that the taper does not know."""
    true = RNG.normal(size=(count, 12, 4)) * TAPER
    return true + 0.5 * RNG.normal(size=true.shape), true


@pytest.fixture
def data():
    return {split: ({"kg_raw": raw}, true) for split, (raw, true) in splits().items()}


def splits():
    return {"train": pairs(200), "test": pairs(50)}


def rmse(gain, reference):
    return np.sqrt(np.mean((gain - reference) ** 2))


def test_each_figure_is_the_error_on_the_test_split(data):
    (train_raw, train_true), (raw, true) = ((x["kg_raw"], y) for x, y in data.values())
    found = gain_rmse(Answer(0.9 * true), data)
    assert found["raw"] == pytest.approx(rmse(raw, true))
    assert found["model"] == pytest.approx(0.1 * rmse(0, true))
    assert found["model_ratio"] == pytest.approx(found["model"] / found["raw"])
    taper = gaspari_cohn_taper(12, 3, found["cutoff"])
    assert found["gaspari_cohn"] == pytest.approx(rmse(raw * taper, true))
    for half, name in ((True, "static_half"), (False, "static_full")):
        vector = static_regression(train_raw, train_true, 3, half=half)
        expected = rmse(raw * taper_matrix(vector, 4, 3), true)
        assert found[name] == pytest.approx(expected)
    assert all(isinstance(value, float) for value in found.values())


def test_the_cutoff_is_tuned_on_the_training_split_alone(data):
    (x, y), (raw, _) = data["train"], data["test"]
    tried = {
        cutoff: rmse(x["kg_raw"] * gaspari_cohn_taper(12, 3, cutoff), y)
        for cutoff in np.arange(1, 24.25, 0.25)
    }
    best = min(tried, key=tried.get)
    data["test"] = (raw, np.zeros_like(data["test"][1]))
    assert gain_rmse(Answer(raw["kg_raw"]), data)["cutoff"] == best
    assert tuned_cutoff(x["kg_raw"], y, 3) == best


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("last_axis", [True, False])
@pytest.mark.parametrize("rolled", [True, False])
def test_a_localization_vector_scores_as_the_gain_it_makes(data, half, last_axis, rolled):
    vector = RNG.normal(size=(50, 7 if half else 12))
    full = np.stack([vector[:, min(r, 12 - r) if half else r] for r in range(12)], axis=1)
    raw = data["test"][0]["kg_raw"]
    gain = np.stack([g * taper_matrix(v, 4, 3) for g, v in zip(raw, full, strict=True)])
    expected = gain_rmse(Answer(gain), data)
    if rolled:
        data = {
            split: ({"kg_raw": roll_columns(x["kg_raw"], 3)}, roll_columns(y, 3))
            for split, (x, y) in data.items()
        }
    found = gain_rmse(Answer(vector[..., None] if last_axis else vector), data, rolled=rolled)
    assert found == pytest.approx(expected, rel=1e-12)


def test_reference_gains_beside_a_state_target_are_used(data):
    raw = data["test"][0]["kg_raw"]
    expected = gain_rmse(Answer(raw), data)
    states = {split: (x, np.zeros((len(y), 28, 1))) for split, (x, y) in data.items()}
    states["kg_true"] = {split: y for split, (_, y) in data.items()}
    assert gain_rmse(Answer(raw), states) == expected


def test_gains_with_a_last_axis_score_the_same(data):
    raw = data["test"][0]["kg_raw"]
    expected = gain_rmse(Answer(raw), data)
    longer = {s: ({"kg_raw": x["kg_raw"][..., None]}, y[..., None]) for s, (x, y) in data.items()}
    assert gain_rmse(Answer(raw[..., None]), longer) == expected


@pytest.mark.parametrize("as_dict", [False, True])
def test_a_keras_model_of_one_input_is_called_as_it_was_built(data, as_dict):
    tensor = keras.Input((12, 4), name="kg_raw")
    model = keras.Model({"kg_raw": tensor} if as_dict else tensor, keras.layers.ReLU()(tensor))
    found = gain_rmse(model, data)
    expected = gain_rmse(Answer(np.maximum(data["test"][0]["kg_raw"], 0)), data)
    assert found["model"] == pytest.approx(expected["model"], rel=1e-6)


def test_errors_by_distance_are_reported(data, report):
    raw, true = data["test"][0]["kg_raw"], data["test"][1]
    where = distances(12, 4, 3)
    found = gain_rmse(Answer(0.9 * true), data, report=report)
    columns = report.columns["gain_rmse_by_distance"]
    assert list(columns) == [
        "distance",
        "raw",
        "gaspari_cohn",
        "static_half",
        "static_full",
        "model",
    ]
    assert columns["distance"] == list(range(7))
    tuned = raw * gaspari_cohn_taper(12, 3, found["cutoff"])
    for distance in range(7):
        here = where == distance
        for name, gain in (("raw", raw), ("gaspari_cohn", tuned), ("model", 0.9 * true)):
            expected = rmse(gain[:, here], true[:, here])
            assert columns[name][distance] == pytest.approx(expected, rel=1e-9)


class Half:
    """A model that halves the gain."""

    def predict(self, x, verbose):
        return x / 2


def test_pairs_that_are_read_as_they_are_needed_score_the_same(data, stream, report):
    streams = {split: stream(x, y) for split, (x, y) in data.items()}
    in_memory, streamed = report, type(report)()
    expected = gain_rmse(Half(), data, report=in_memory)
    assert gain_rmse(Half(), streams, report=streamed) == pytest.approx(expected, rel=1e-12)
    for name, values in in_memory.columns["gain_rmse_by_distance"].items():
        assert streamed.columns["gain_rmse_by_distance"][name] == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize(("which", "what"), [(0, "raw"), (1, "reference")])
def test_gains_that_are_not_finite_are_refused_with_their_place(data, which, what):
    x, y = data["test"]
    (x["kg_raw"], y)[which][7, 2, 3] = np.nan
    message = rf"the {what} gains of the test split hold nan at \[7, 2, 3\] \(pair, state, obs"
    with pytest.raises(ValueError, match=message):
        gain_rmse(Answer(0), data)


def test_data_without_pairs_are_refused(data):
    raw = data["test"][0]["kg_raw"]
    with pytest.raises(ValueError, match=r'needs a "test" split, and the data have \[\'train\'\]'):
        gain_rmse(Answer(raw), {"train": data["train"]})
    states = {split: (x, np.zeros((len(y), 28, 1))) for split, (x, y) in data.items()}
    with pytest.raises(ValueError, match=r'train split has .* under the key "kg_true"'):
        gain_rmse(Answer(raw), states)
    with pytest.raises(ValueError, match=r"\(50, 7\) or \(50, 12\); it gave \(50, 5\)"):
        gain_rmse(Answer(np.zeros((50, 5))), data)
