from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.enkf import kalman_gain
from zoo_localization.layers import BandConv2D, GainFeatures, GainFromBand, StateBand
from zoo_localization.layers.gain_band import band_to_gain, gain_to_band
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper

NOBS, DENS, HALF = 12, 3, 4
SIZE = NOBS * DENS
OPERATOR = ObservationOperator(SIZE, DENS)
RNG = np.random.default_rng(3)


def smooth_ensemble(members: int = 8) -> np.ndarray:
    white = RNG.normal(size=(members, SIZE))
    return sum(np.roll(white, shift, axis=1) for shift in range(5)) / 3.0


ENSEMBLES = [smooth_ensemble() for _ in range(3)]
GAINS = np.stack([kalman_gain(ensemble, OPERATOR, 1.0) for ensemble in ENSEMBLES])


def rolled(gains: np.ndarray, places: int) -> np.ndarray:
    return np.roll(gains, (places * DENS, places), axis=(1, 2))


def numpy_of(tensor) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def band_by_hand(gain: np.ndarray) -> np.ndarray:
    band = np.empty((NOBS, 2 * HALF, DENS))
    for j, w, q in np.ndindex(band.shape):
        band[j, w, q] = gain[DENS * ((j + w - HALF) % NOBS) + q, j]
    return band


def test_the_band_holds_the_states_around_each_observation():
    found = numpy_of(gain_to_band(keras.ops.convert_to_tensor(GAINS), HALF))
    np.testing.assert_array_equal(found, [band_by_hand(gain) for gain in GAINS])


def test_a_band_put_back_is_the_gain_with_zeros_outside():
    ones = gain_to_band(keras.ops.ones((1, SIZE, NOBS), "float64"), HALF)
    inside = numpy_of(band_to_gain(ones))[0]
    back = numpy_of(band_to_gain(gain_to_band(keras.ops.convert_to_tensor(GAINS), HALF)))
    np.testing.assert_array_equal(back, GAINS * inside)
    assert inside.sum() == NOBS * 2 * HALF * DENS


def test_the_features_are_the_covariances_that_the_gain_came_from():
    layer = GainFeatures(half_width=HALF, cutoffs=[6.0], dtype="float64")
    found = numpy_of(layer(GAINS))
    for ensemble, gain, image in zip(ENSEMBLES, GAINS, found, strict=True):
        covariance = np.cov(ensemble, rowvar=False)
        cross = covariance[:, OPERATOR.states]
        tapered = cross * gaspari_cohn_taper(SIZE, DENS, 6.0)
        inner = tapered[OPERATOR.states]
        inner = (inner + inner.T) / 2 + np.eye(NOBS)
        variance = np.diag(cross[OPERATOR.states])
        std = np.sqrt((np.roll(variance, 1) + variance + np.roll(variance, -1)) / 3)
        exchanged = np.empty_like(cross)
        for p, q, j in np.ndindex(NOBS, DENS, NOBS):
            exchanged[DENS * p + q, j] = covariance[DENS * j + q, OPERATOR.states[p]]
        fields = [gain, np.linalg.solve(inner, tapered.T).T, cross, exchanged]
        pair = np.repeat(std, DENS)[:, None] * std
        expected = np.concatenate([band_by_hand(field / pair) for field in fields], axis=-1)
        np.testing.assert_allclose(image[..., :-2], expected, rtol=1e-9, atol=1e-12)
        here = band_by_hand(np.broadcast_to(np.log(std), (SIZE, NOBS)))[..., 0]
        there = band_by_hand(np.broadcast_to(np.repeat(np.log(std), DENS)[:, None], gain.shape))
        np.testing.assert_allclose(image[..., -2], here, atol=1e-12)
        np.testing.assert_allclose(image[..., -1], there[..., 0], atol=1e-12)


def test_the_error_variance_only_sets_the_unit():
    ensemble, variance = ENSEMBLES[0], 4.0
    gain = kalman_gain(ensemble * np.sqrt(variance), OPERATOR, variance)[None]
    one = GainFeatures(half_width=HALF, cutoffs=[6.0], dtype="float64")(GAINS[:1])
    layer = GainFeatures(
        half_width=HALF, cutoffs=[6.0], obs_error_variance=variance, dtype="float64"
    )
    np.testing.assert_allclose(numpy_of(layer(gain)), numpy_of(one), rtol=1e-9, atol=1e-12)


def test_single_precision_features_stay_near_those_of_double():
    exact = numpy_of(GainFeatures(half_width=HALF, cutoffs=[6.0], dtype="float64")(GAINS))
    single = numpy_of(GainFeatures(half_width=HALF, cutoffs=[6.0])(GAINS.astype(np.float32)))
    np.testing.assert_allclose(single, exact, atol=2e-4)


def small_network() -> keras.Model:
    gain = keras.Input((SIZE, NOBS), name="kg_raw")
    features = GainFeatures(half_width=HALF, cutoffs=[6.0, 9.0])(gain)
    hidden = BandConv2D(6, dilation=2, activation="relu")(features)
    hidden = BandConv2D(6, offset_dilation=2, activation="relu", residual=True)(hidden)
    correction = BandConv2D(4 * DENS, kernel_initializer="glorot_normal")(hidden)
    return keras.Model(gain, GainFromBand()([features, correction]))


def test_a_gain_rolled_around_the_ring_gives_the_answer_rolled():
    keras.utils.set_random_seed(1)
    model = small_network()
    plain = model.predict(GAINS.astype(np.float32), verbose=0)
    moved = model.predict(rolled(GAINS, 5).astype(np.float32), verbose=0)
    np.testing.assert_allclose(moved, rolled(plain, 5), atol=2e-5)
    assert np.abs(plain).max() > 0.1


def test_a_network_that_says_nothing_leaves_the_mean_of_the_relocalized_gains():
    features = GainFeatures(half_width=HALF, cutoffs=[6.0, 9.0], dtype="float64")(GAINS)
    nothing = np.zeros((3, NOBS, 2 * HALF, 4 * DENS))
    found = numpy_of(GainFromBand(dtype="float64")([features, nothing]))
    for ensemble, gain in zip(ENSEMBLES, found, strict=True):
        cross = np.cov(ensemble, rowvar=False)[:, OPERATOR.states]
        expected = np.zeros_like(gain)
        for cutoff in (6.0, 9.0):
            tapered = cross * gaspari_cohn_taper(SIZE, DENS, cutoff)
            inner = tapered[OPERATOR.states]
            inner = (inner + inner.T) / 2 + np.eye(NOBS)
            expected += np.linalg.solve(inner, tapered.T).T / 2
        np.testing.assert_allclose(band_by_hand(gain), band_by_hand(expected), atol=1e-10)


def test_the_convolution_is_circular_in_the_observations_and_padded_with_zeros_in_the_offsets():
    layer = BandConv2D(2, dilation=3, offset_dilation=2, offset_scale=False, dtype="float64")
    image = RNG.normal(size=(2, 7, 6, 3))
    found = numpy_of(layer(image))
    kernel, bias = layer.get_weights()
    for b, j, w in np.ndindex(2, 7, 6):
        expected = bias.copy()
        for a, c in np.ndindex(3, 3):
            place = w + 2 * (c - 1)
            if 0 <= place < 6:
                expected += image[b, (j + 3 * (a - 1)) % 7, place] @ kernel[a, c]
        np.testing.assert_allclose(found[b, j, w], expected, atol=1e-12)


def test_a_state_is_laid_out_like_a_gain_with_its_own_cell_behind():
    states = RNG.normal(size=(2, SIZE))
    layer = StateBand(NOBS, half_width=HALF, scale=0.5, offset=1.0, dtype="float64")
    found = numpy_of(layer(states))
    for state, image in zip((states - 1.0) * 0.5, found, strict=True):
        around = band_by_hand(np.broadcast_to(state[:, None], (SIZE, NOBS)))
        np.testing.assert_array_equal(image[..., :DENS], around)
        own = np.broadcast_to(state.reshape(NOBS, 1, DENS), around.shape)
        np.testing.assert_array_equal(image[..., DENS:], own)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("rows", [1, 3])
def test_the_network_comes_back_from_its_file(tmp_path, rows):
    keras.utils.set_random_seed(2)
    model = small_network()
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    gains = GAINS[:rows].astype(np.float32)
    np.testing.assert_array_equal(again.predict(gains, verbose=0), model.predict(gains, verbose=0))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GainFeatures(7)(GAINS), "half_width from 1 to nobs//2 = 6 observations"),
        (lambda: GainFeatures(4)(GAINS[:, :35]), "divide evenly, got model_size=35 and nobs=12"),
        (lambda: GainFeatures(4, [0.0]), "cutoffs must be positive numbers of grid points"),
        (lambda: GainFeatures(4, obs_error_variance=0.0), "must be a positive variance, got 0.0"),
        (lambda: BandConv2D(4, kernel_size=2), "kernel_size must be odd"),
        (lambda: BandConv2D(0), "filters must be a positive integer, got 0"),
        (lambda: BandConv2D(4, dilation=8)(np.ones((1, 7, 6, 3))), "more than the ring's 7"),
        (
            lambda: BandConv2D(4, residual=True)(np.ones((1, 7, 6, 3))),
            "as many filters as channels come in, 3, got filters=4",
        ),
        (lambda: BandConv2D(4)(np.ones((1, 7, 6))), "an image of known shape"),
        (
            lambda: GainFromBand()([np.ones((1, 12, 8, 11)), np.ones((1, 12, 8, 11))]),
            "needs the output of GainFeatures",
        ),
        (lambda: StateBand(12, half_width=7), "at most nobs//2 = 6"),
        (lambda: StateBand(12, 4)(np.ones((1, 35))), "that nobs=12 observations divide evenly"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_sizes(build, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        build()
