from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.deterministic import square_root_update
from zoo_localization.enkf import kalman_gain, matrix_update, serial_update
from zoo_localization.localization import localize, taper_of
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector

OPERATOR = ObservationOperator(12, 3)
TAPER = gaspari_cohn_taper(12, 3, 4.0)
VECTOR = gaspari_cohn_vector(12, 4.0)
ENSEMBLES = np.random.default_rng(0).normal(size=(2, 6, 12))
OBSERVATIONS = np.random.default_rng(1).normal(size=(2, 4))


def updated(localization):
    rng = np.random.default_rng(2)
    return matrix_update(ENSEMBLES, OBSERVATIONS, OPERATOR, 0.7, rng, localization)


@pytest.mark.parametrize(
    "localization",
    [VECTOR, VECTOR[:7], lambda gain: gain * TAPER, lambda gain: np.float64(TAPER) * gain],
    ids=["curve", "mirrored half", "function", "function of another order"],
)
def test_every_form_of_one_localization_gives_the_same_posterior(localization):
    np.testing.assert_array_equal(updated(localization), updated(TAPER))


@pytest.mark.parametrize("curve", [VECTOR, VECTOR[:7]], ids=["curve", "mirrored half"])
def test_a_serial_update_takes_curves_too(curve):
    def both(localization):
        rng = np.random.default_rng(3)
        arguments = (ENSEMBLES, OBSERVATIONS, OPERATOR, 0.7)
        stochastic = serial_update(*arguments, rng, localization)
        return stochastic, square_root_update(*arguments, localization)

    np.testing.assert_array_equal(both(curve), both(TAPER))


def test_a_curve_that_is_not_symmetric_is_turned_to_each_observation():
    curve = np.arange(12.0)
    found = taper_of(curve, OPERATOR)
    for j, state in enumerate([2, 5, 8, 11]):
        np.testing.assert_array_equal(found[:, j], [curve[(i - state) % 12] for i in range(12)])


def test_no_localization_leaves_the_gain_alone():
    gain = kalman_gain(ENSEMBLES, OPERATOR, 0.7)
    np.testing.assert_array_equal(localize(gain, None, OPERATOR), gain)
    np.testing.assert_array_equal(updated(None), updated(np.ones((12, 4))))


def test_a_function_gets_a_batch_of_gains_whatever_the_leading_axes():
    seen = []

    def remember(gain):
        seen.append(gain.shape)
        return gain

    for leading in ((), (2,), (2, 3)):
        assert localize(np.zeros((*leading, 12, 4)), remember, OPERATOR).shape == (*leading, 12, 4)
    assert seen == [(1, 12, 4), (2, 12, 4), (6, 12, 4)]


def test_a_keras_model_is_such_a_function():
    keras = pytest.importorskip("keras")
    layers = pytest.importorskip("zoo_localization.layers")
    gain_in = keras.Input((12, 4))
    half = layers.LocalizationVector(cutoff=4.0)(gain_in)
    model = keras.Model(gain_in, layers.LocBy1D(3)([gain_in, half]))
    found = updated(lambda gain: keras.ops.convert_to_numpy(model(gain)))
    # The model works in float32.
    np.testing.assert_allclose(found, updated(TAPER), rtol=0, atol=2e-6)


def test_a_function_that_names_the_mean_is_given_it():
    seen = []

    def remember(gain, mean):
        seen.append(mean)
        return gain * TAPER

    np.testing.assert_array_equal(updated(remember), updated(TAPER))
    np.testing.assert_allclose(seen[0], ENSEMBLES.mean(axis=1))
    with pytest.raises(ValueError, match="takes the ensemble mean: give localize the argument me"):
        localize(np.zeros((12, 4)), remember, OPERATOR)
    with pytest.raises(ValueError, match=r"mean must be .* = \(12,\), got shape \(11,\)"):
        localize(np.zeros((12, 4)), remember, OPERATOR, np.zeros(11))
    with pytest.raises(ValueError, match=r"got shape \(12,\) with 12 values not finite"):
        localize(np.zeros((12, 4)), remember, OPERATOR, np.full(12, np.nan))


def test_a_function_that_can_do_without_the_mean_is_asked_for_none():
    def scaled(gain, mean=None):
        return gain if mean is None else gain * mean[..., None]

    gain, mean = np.ones((2, 12, 4)), np.arange(24.0).reshape(2, 12)
    np.testing.assert_array_equal(localize(gain, scaled, OPERATOR), gain)
    np.testing.assert_array_equal(localize(gain, scaled, OPERATOR, mean)[..., 0], mean)


def test_a_compiled_function_without_a_signature_is_a_function_of_the_gain():
    gain = kalman_gain(ENSEMBLES, OPERATOR, 0.7)
    np.testing.assert_array_equal(localize(gain, np.arctan, OPERATOR), np.arctan(gain))


def test_ensembles_side_by_side_may_each_have_a_taper_of_their_own():
    tapers = np.stack([TAPER, np.ones((12, 4))])
    found = updated(tapers)
    np.testing.assert_array_equal(found[0], updated(TAPER)[0])
    np.testing.assert_array_equal(found[1], updated(None)[1])


@pytest.mark.parametrize("localization", [None, TAPER, VECTOR, lambda gain: gain])
def test_a_gain_of_another_shape_or_with_nan_is_refused(localization):
    with pytest.raises(ValueError, match=r"model_size, nobs = \(12, 4\), states first, got shape "):
        localize(np.zeros((4, 12)), localization, OPERATOR)
    gains = np.zeros((2, 12, 4))
    gains[1, 3, 2] = np.inf
    with pytest.raises(ValueError, match=r"holds inf at index \(1, 3, 2\)"):
        localize(gains, localization, OPERATOR)


@pytest.mark.parametrize("taper", [np.ones((3, 12, 4)), np.ones((2, 1, 12, 4))])
def test_tapers_of_other_leading_axes_are_refused(taper):
    with pytest.raises(ValueError, match=r"= \(12, 4\), got shape"):
        updated(taper)


@pytest.mark.parametrize("taper", [np.ones((4, 12)), np.ones(8), np.full(12, np.nan), np.ones(())])
def test_what_is_no_taper_is_refused(taper):
    with pytest.raises(ValueError, match=r"taper of shape .* = \(12, 4\), got shape .* 12 or 7 va"):
        updated(taper)


@pytest.mark.parametrize("update", [serial_update, square_root_update])
def test_a_function_is_refused_where_there_is_no_whole_gain(update):
    rng = (np.random.default_rng(0),) if update is serial_update else ()
    with pytest.raises(ValueError, match="a function of that gain. Use the matrix update"):
        update(ENSEMBLES, OBSERVATIONS, OPERATOR, 0.7, *rng, lambda gain: gain)


def test_a_function_that_gives_no_gain_is_refused():
    with pytest.raises(ValueError, match=r"= \(2, 12, 4\); it gave shape \(2, 4, 12\)"):
        updated(lambda gain: gain.swapaxes(1, 2))
    with pytest.raises(ValueError, match="with 96 values not finite"):
        updated(lambda gain: gain * np.nan)
