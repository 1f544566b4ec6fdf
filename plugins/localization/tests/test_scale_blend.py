from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.layers import ScaleBlend
from zoo_localization.tapers import gaspari_cohn_taper

# Keras reads its variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIZE, NOBS, DENS = 48, 12, 4
STATES = np.arange(SIZE)
RNG = np.random.default_rng(0)
LONG, RAW = (RNG.normal(size=(3, SIZE, NOBS)).astype("float32") for _ in range(2))


def wave(number: int) -> np.ndarray:
    """A wave along the states in every column."""
    column = np.cos(2 * np.pi * number * STATES / SIZE)
    return np.repeat(column[None, :, None], NOBS, axis=2).astype("float32")


@pytest.mark.parametrize("number", [0, 1, 3, 6])
def test_a_wave_of_the_first_gain_keeps_what_the_gaussian_leaves_of_it(number):
    # The transform of a Gaussian, for a std well above the grid's spacing and below the ring's.
    kept = np.exp(-0.5 * (2 * np.pi * number * 2.0 / SIZE) ** 2)
    found = ScaleBlend(DENS, cutoff=20.0, std=2.0)([wave(number), 0 * wave(number)])
    np.testing.assert_allclose(found, kept * wave(number), atol=2e-6)


def test_what_is_smoothed_away_comes_from_the_tapered_second_gain():
    taper = gaspari_cohn_taper(SIZE, DENS, 20.0)
    weights = np.exp(-0.5 * (np.minimum(STATES, SIZE - STATES) / 3.0) ** 2)
    weights /= weights.sum()
    expected = np.zeros((3, SIZE, NOBS))
    for i in range(SIZE):
        for k in range(SIZE):
            expected[:, i] += weights[(i - k) % SIZE] * (LONG[:, k] - taper[k] * RAW[:, k])
    expected += taper * RAW
    found = ScaleBlend(DENS, cutoff=20.0, std=3.0)([LONG, RAW])
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_without_smoothing_it_is_the_first_gain_and_of_one_gain_with_itself_nearly_its_taper():
    np.testing.assert_allclose(ScaleBlend(DENS, 20.0, 0)([LONG, RAW]), LONG, atol=1e-6)
    tapered = (RAW * gaspari_cohn_taper(SIZE, DENS, 20.0)).astype("float32")
    np.testing.assert_allclose(ScaleBlend(DENS, 20.0, 3.0)([tapered, RAW]), tapered, atol=1e-6)


def test_a_last_axis_of_one_and_a_last_partial_batch_of_one_are_taken(tmp_path):
    inputs = [keras.Input((SIZE, NOBS)), keras.Input((SIZE, NOBS, 1))]
    model = keras.Model(inputs, ScaleBlend(DENS, 20.0, 3.0, name="blend")(inputs))
    assert model.output_shape == (None, SIZE, NOBS)
    found = model.predict([LONG, RAW[..., None]], batch_size=2, verbose=0)
    np.testing.assert_allclose(found, ScaleBlend(DENS, 20.0, 3.0)([LONG, RAW]), atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = loaded.predict([LONG, RAW[..., None]], batch_size=2, verbose=0)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"obs_dens": 0}, "obs_dens must be a positive integer, got 0"),
        ({"cutoff": 0.0}, "cutoff must be a positive number of grid points, got 0.0"),
        ({"std": -1.0}, "std must be a number of grid points, 0 or more, got -1.0"),
        ({"std": float("nan")}, "std must be a number of grid points, 0 or more, got nan"),
    ],
)
def test_an_argument_out_of_its_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScaleBlend(**{"obs_dens": DENS, "cutoff": 20.0, "std": 3.0, **arguments})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (LONG, r'needs a list of two gains.*inputs = \["kg_long", "kg_raw"\]'),
        ([LONG, RAW[:, :, :6]], r"same states and observations, got \(48, 12\) and \(48, 6\)"),
        ([LONG[:, :40], RAW[:, :40]], "Lower obs_dens=4 to at most 3"),
    ],
)
def test_inputs_that_are_not_two_such_gains_are_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        ScaleBlend(DENS, 20.0, 3.0)(inputs)
