"""The filter's steps in Keras against NumPy, in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization import ensemble_ops
from zoo_localization.enkf import kalman_gain
from zoo_localization.lorenz96 import step
from zoo_localization.observations import ObservationOperator

MODEL_SIZE = 12


def ensembles(members=5, batch=3, scale=2.0):
    return np.random.default_rng(0).normal(2.0, scale, (batch, members, MODEL_SIZE))


def in_keras(function, *arrays, **arguments):
    given = [np.asarray(array, "float32") for array in arrays]
    return keras.ops.convert_to_numpy(function(*given, **arguments))


@pytest.mark.parametrize("members", [2, 5, 40])
@pytest.mark.parametrize("obs_dens", [1, 3])
def test_the_gain_in_the_space_of_the_members_is_the_filters_own(members, obs_dens):
    ensemble, variance = ensembles(members), 0.7
    found = in_keras(
        ensemble_ops.ensemble_gain, ensemble, obs_dens=obs_dens, obs_error_variance=variance
    )
    expected = kalman_gain(ensemble, ObservationOperator(MODEL_SIZE, obs_dens), variance)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_update_moves_every_member_by_the_gain_and_widens_what_comes_out():
    prior, rng = ensembles(), np.random.default_rng(1)
    gain, targets = rng.normal(size=(3, MODEL_SIZE, 6)), rng.normal(size=(3, 5, 6))
    expected = np.empty_like(prior)
    for row in range(3):
        for member in range(5):
            innovation = targets[row, member] - prior[row, member, 1::2]
            expected[row, member] = prior[row, member] + gain[row] @ innovation
        mean = expected[row].mean(axis=0)
        expected[row] = mean + 1.5 * (expected[row] - mean)
    found = in_keras(ensemble_ops.updated, prior, gain, targets, obs_dens=2, inflation=1.5)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-4)


def test_a_step_is_that_of_the_simulated_truth():
    states = ensembles()
    found = in_keras(ensemble_ops.lorenz96_step, states, dt=0.05, forcing=8.0)
    np.testing.assert_allclose(found, step(states, 0.05, 8.0), rtol=2e-5, atol=2e-5)


def test_observations_are_where_the_operator_has_them():
    states = ensembles()
    for obs_dens in (1, 2, 4):
        operator = ObservationOperator(MODEL_SIZE, obs_dens)
        np.testing.assert_array_equal(ensemble_ops.observe(states, obs_dens), operator(states))
