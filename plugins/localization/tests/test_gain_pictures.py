from __future__ import annotations

import json

import numpy as np
import pytest

from zoo.report import Report
from zoo_localization.evaluators import gain_pictures
from zoo_localization.evaluators.gain_pictures import shown
from zoo_localization.tapers import roll_columns

RNG = np.random.default_rng(0)
ERRORS = [0.5, 0.1, 0.9, 0.3, 0.7]


class Doubling:
    """A model that doubles the gain."""

    def predict(self, x, verbose):
        return 2 * x


def gains(errors=ERRORS, size=12, nobs=4):
    """Raw gains, and references that twice of them are off by so much."""
    raw = RNG.normal(size=(len(errors), size, nobs)).astype("float32")
    signs = np.sign(RNG.normal(size=raw.shape)).astype("float32")
    return raw, 2 * raw + np.array(errors, "float32")[:, None, None] * signs


def data_of(raw, true):
    return {"test": ({"kg_raw": raw}, true)}


def drawn(tmp_path, data, **arguments):
    report = Report(tmp_path).of("gain_pictures", "gain_pictures")
    found = gain_pictures(Doubling(), data, report=report, **arguments)
    documents = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    return found, documents


def rmse(one, other):
    return np.sqrt(np.mean((np.float64(one) - other) ** 2))


def check_images(document, raw, true):
    images = document["figure"]["images"]
    assert list(images) == ["raw", "predicted", "reference", "error"]
    expected = {"raw": raw, "predicted": 2 * raw, "reference": true, "error": 2 * raw - true}
    for title, image in expected.items():
        np.testing.assert_allclose(images[title], image, rtol=1e-5, atol=1e-6)
    assert document["figure"]["diverging"] is True


def test_the_gain_of_median_error_is_shown(tmp_path):
    raw, true = gains()
    found, documents = drawn(tmp_path, data_of(raw, true))
    assert list(documents) == ["gain_pictures"]
    check_images(documents["gain_pictures"], raw[0], true[0])
    assert found["model"] == pytest.approx(0.5, rel=1e-5)
    assert found["raw"] == pytest.approx(rmse(raw[0], true[0]), rel=1e-6)
    assert found["model_ratio"] == pytest.approx(found["model"] / found["raw"])
    caption = documents["gain_pictures"]["caption"]
    assert caption.startswith("Test gain 0, of median error: RMSE raw ")
    assert caption.endswith("predicted 0.5")


def test_of_two_gains_in_the_middle_that_of_less_error_is_shown(tmp_path):
    raw, true = gains([0.4, 0.1, 0.9, 0.3])
    _, documents = drawn(tmp_path, data_of(raw, true))
    check_images(documents["gain_pictures"], raw[3], true[3])


@pytest.mark.parametrize("is_stream", [True, False])
def test_the_gains_asked_for_are_shown_each_by_itself(tmp_path, is_stream, stream):
    raw, true = gains()
    data = {"test": stream({"kg_raw": raw}, true)} if is_stream else data_of(raw, true)
    found, documents = drawn(tmp_path, data, samples=[4, 1])
    assert sorted(documents) == ["gain_pictures_1", "gain_pictures_4"]
    for number in (1, 4):
        check_images(documents[f"gain_pictures_{number}"], raw[number], true[number])
    assert found["model"] == pytest.approx(np.sqrt((0.7**2 + 0.1**2) / 2), rel=1e-5)
    assert found["raw"] == pytest.approx(rmse(raw[[4, 1]], true[[4, 1]]), rel=1e-6)


def test_a_stream_and_arrays_have_the_same_median(tmp_path, stream):
    raw, true = gains(RNG.permutation(np.linspace(0.1, 0.9, 71)))
    found, documents = drawn(tmp_path, {"test": stream({"kg_raw": raw}, true)})
    assert found["model"] == pytest.approx(0.5, rel=1e-5)
    again, same = drawn(tmp_path, data_of(raw, true))
    assert again == pytest.approx(found, rel=1e-9)
    assert same == documents


def test_rolled_gains_are_shown_in_their_places(tmp_path):
    raw, true = gains()
    _, documents = drawn(
        tmp_path, data_of(roll_columns(raw, 3), roll_columns(true, 3)), rolled=True
    )
    check_images(documents["gain_pictures"], raw[0], true[0])


def test_reference_gains_beside_a_state_target_are_those_of_the_sample(tmp_path):
    raw, true = gains()
    data = {"test": ({"kg_raw": raw}, np.zeros((5, 28, 1))), "kg_true": {"test": true}}
    _, documents = drawn(tmp_path, data, samples=[2])
    check_images(documents["gain_pictures_2"], raw[2], true[2])


def test_of_a_large_gain_a_window_around_the_observation_in_the_middle_is_shown(tmp_path):
    raw, true = gains([0.5], 960, 240)
    _, documents = drawn(tmp_path, data_of(raw, true))
    document = documents["gain_pictures"]
    # 70 observations and the 4 states of each: 19,600 entries.
    check_images(document, raw[0, 340:620, 85:155], true[0, 340:620, 85:155])
    assert document["caption"].endswith(
        "Shown are the states 340 to 619 of 960 and the observations 85 to 154 of 240"
    )
    assert document["figure"]["xlabel"] == "observation, counted from 85"
    assert document["figure"]["ylabel"] == "state, counted from 340"


@pytest.mark.parametrize(
    ("size", "nobs", "dens"),
    [(40, 20, 2), (960, 240, 4), (960, 24, 40), (3000, 10, 1), (400, 400, 1)],
)
def test_what_is_shown_is_never_too_much_and_holds_the_band_around_observations(size, nobs, dens):
    rows, columns = shown(size, nobs, dens)
    count = (rows.stop - rows.start) * (columns.stop - columns.start)
    assert 0 < count <= 20_000
    assert 0 <= rows.start < rows.stop <= size
    assert 0 <= columns.start < columns.stop <= nobs
    if size * nobs > 20_000:
        observed = [dens * (j + 1) - 1 for j in range(columns.start, columns.stop)]
        assert all(rows.start <= state < rows.stop for state in observed)
        assert columns.start <= nobs // 2 < columns.stop or nobs < 2


@pytest.mark.parametrize("samples", [[5], [-1], [1.0], [True]])
def test_gains_that_there_are_not_are_refused(samples):
    with pytest.raises(ValueError, match=r"samples must be numbers of gains from 0 to 4, .* got"):
        gain_pictures(Doubling(), data_of(*gains()), samples=samples)


def test_data_without_a_test_split_are_refused():
    with pytest.raises(ValueError, match='gain_pictures needs a "test" split'):
        gain_pictures(Doubling(), {"train": ()})
