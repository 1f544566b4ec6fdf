from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.divergence import FilterDivergedError
from zoo_localization.enkf import inflate, kalman_gain, matrix_update, serial_update
from zoo_localization.observations import ObservationOperator, observation_error
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment

UPDATES = [matrix_update, serial_update]


def ensemble_with(mean, covariance, members, seed=0):
    """Members whose sample mean and covariance are exactly the given ones."""
    white = np.random.default_rng(seed).normal(size=(members, len(mean)))
    white -= white.mean(axis=0)
    white @= np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T
    return mean + white @ np.linalg.cholesky(covariance).T


MEAN = np.array([1.0, -2.0, 0.5, 3.0])
COVARIANCE = np.array(
    [[2.0, 0.8, 0.3, 0.0], [0.8, 1.5, 0.4, 0.1], [0.3, 0.4, 1.0, -0.2], [0.0, 0.1, -0.2, 0.7]]
)
OPERATOR = ObservationOperator(4, 2)
OBSERVATION = np.array([-1.0, 2.0])
ERROR = np.array([0.5, 0.9])


def kalman_filter():
    """The exact posterior, in its textbook form."""
    h = np.array([[0, 1.0, 0, 0], [0, 0, 0, 1.0]])
    gain = COVARIANCE @ h.T @ np.linalg.inv(h @ COVARIANCE @ h.T + np.diag(ERROR))
    return MEAN + gain @ (OBSERVATION - h @ MEAN), (np.eye(4) - gain @ h) @ COVARIANCE, gain


def test_observation_j_sees_the_last_state_of_its_stretch():
    operator = ObservationOperator(12, 3)
    assert list(operator.states) == [2, 5, 8, 11]
    np.testing.assert_array_equal(operator(np.arange(12.0)), [2, 5, 8, 11])
    np.testing.assert_array_equal(operator.matrix @ np.arange(12.0), [2, 5, 8, 11])


def test_the_gain_of_three_variables_is_the_textbook_formula():
    # One observation of the third variable: column P[:, 2] / (P[2, 2] + R), by hand.
    ensemble = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 4.0], [4.0, 4.0, 3.0]])
    # Anomalies of the third: -1, 1, 0; cov with the first: (2 + 0 + 0)/2 = 1, with the second:
    # (1 - 1 + 0)/2 = 0, its own variance 1; R = 3.
    gain = kalman_gain(ensemble, ObservationOperator(3, 3), 3.0)
    np.testing.assert_allclose(gain, [[0.25], [0.0], [0.25]], atol=1e-15)


@pytest.mark.parametrize("error", [0.7, ERROR, np.array([[0.5, 0.2], [0.2, 0.9]])])
def test_the_gain_agrees_with_explicit_matrices_for_every_form_of_r(error):
    ensemble = ensemble_with(MEAN, COVARIANCE, 9)
    r = error * np.eye(2) if np.ndim(error) < 2 else error
    h = np.array([[0, 1.0, 0, 0], [0, 0, 0, 1.0]])
    expected = COVARIANCE @ h.T @ np.linalg.inv(h @ COVARIANCE @ h.T + r)
    np.testing.assert_allclose(kalman_gain(ensemble, OPERATOR, error), expected, atol=1e-13)


def test_filters_side_by_side_give_the_gains_of_each():
    ensembles = np.random.default_rng(4).normal(size=(3, 6, 4))
    together = kalman_gain(ensembles, OPERATOR, ERROR)
    for k in range(3):
        np.testing.assert_allclose(together[k], kalman_gain(ensembles[k], OPERATOR, ERROR))


@pytest.mark.parametrize("update", UPDATES)
def test_a_large_ensemble_agrees_with_the_kalman_filter(update):
    members = 200_000
    ensemble = ensemble_with(MEAN, COVARIANCE, members)
    posterior = update(ensemble, OBSERVATION, OPERATOR, ERROR, np.random.default_rng(5))
    mean, covariance, _ = kalman_filter()
    # Perturbations are centred, so only their covariance is sampled: a few standard errors.
    few = 5 / np.sqrt(members)
    np.testing.assert_allclose(posterior.mean(axis=0), mean, atol=few)
    np.testing.assert_allclose(np.cov(posterior.T), covariance, atol=2 * few)


def test_the_mean_of_the_matrix_update_is_exact_for_any_number_of_members():
    ensemble = ensemble_with(MEAN, COVARIANCE, 6)
    posterior = matrix_update(ensemble, OBSERVATION, OPERATOR, ERROR, np.random.default_rng(6))
    np.testing.assert_allclose(posterior.mean(axis=0), kalman_filter()[0], atol=1e-13)


def test_both_updates_agree_exactly_for_one_observation():
    ensemble = ensemble_with(MEAN, COVARIANCE, 7)
    operator = ObservationOperator(4, 4)
    taper = gaspari_cohn_taper(4, 4, 3.0)
    results = [
        update(ensemble, np.array([1.5]), operator, 0.4, np.random.default_rng(7), taper)
        for update in UPDATES
    ]
    np.testing.assert_allclose(results[0], results[1], atol=1e-13)


@pytest.mark.parametrize("update", UPDATES)
def test_localization_leaves_states_beyond_the_cutoff_alone(update):
    ensemble = np.random.default_rng(8).normal(size=(6, 12))
    operator = ObservationOperator(12, 12)
    taper = gaspari_cohn_taper(12, 12, 3.0)
    posterior = update(ensemble, np.zeros(1), operator, 1.0, np.random.default_rng(9), taper)
    changed = np.abs(posterior - ensemble).max(axis=0) > 0
    assert list(np.flatnonzero(changed)) == [0, 1, 9, 10, 11]


def test_inflation_multiplies_the_spread_and_keeps_the_mean():
    ensemble = ensemble_with(MEAN, COVARIANCE, 8)
    inflated = inflate(ensemble, 1.5)
    np.testing.assert_allclose(inflated.mean(axis=0), MEAN, atol=1e-13)
    np.testing.assert_allclose(np.cov(inflated.T), 2.25 * COVARIANCE, atol=1e-12)


def test_members_may_be_a_list():
    ensemble, rng = ensemble_with(MEAN, COVARIANCE, 6), np.random.default_rng
    gain = kalman_gain(ensemble.tolist(), OPERATOR, 0.7)
    np.testing.assert_array_equal(gain, kalman_gain(ensemble, OPERATOR, 0.7))
    for update in UPDATES:
        found = update(ensemble.tolist(), [0.0, 1.0], OPERATOR, ERROR, rng(0))
        np.testing.assert_array_equal(
            found, update(ensemble, np.array([0.0, 1.0]), OPERATOR, ERROR, rng(0))
        )


def test_an_ensemble_without_a_covariance_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 members, got shape \(1, 4\)"):
        kalman_gain(np.ones((1, 4)), OPERATOR, 1.0)
    broken = np.random.default_rng(0).normal(size=(5, 4))
    broken[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"infinite values, 1 values .* first at index \(2, 1\)"):
        kalman_gain(broken, OPERATOR, 1.0)
    flat = np.random.default_rng(0).normal(size=(5, 4))
    flat[:, 3] = 0.1
    with pytest.raises(ValueError, match="zero variance at observation 1"):
        kalman_gain(flat, OPERATOR, 1.0)
    far = 1e9 * np.random.default_rng(0).normal(size=(5, 4))
    with pytest.raises(ValueError, match=r"no gain in float64: .* R goes down to 1. The filter ha"):
        kalman_gain(far, OPERATOR, 1.0)
    with pytest.raises(ValueError, match=r"must end in model_size=4 values, got shape \(5, 6\)"):
        kalman_gain(np.random.default_rng(0).normal(size=(5, 6)), OPERATOR, 1.0)


@pytest.mark.parametrize(
    "error",
    [0.0, -1.0, np.nan, [1.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.0, 1.0]]],
)
def test_an_r_that_is_no_covariance_is_refused(error):
    with pytest.raises(ValueError, match="R must be a covariance with variances above 0"):
        observation_error(error, 2)


def test_an_r_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"2 variances or a 2 x 2 matrix .* got shape \(3,\)"):
        observation_error(np.ones(3), 2)


def test_the_serial_update_refuses_correlated_errors():
    ensemble = ensemble_with(MEAN, COVARIANCE, 6)
    correlated = np.array([[1.0, 0.2], [0.2, 1.0]])
    with pytest.raises(ValueError, match="R must be diagonal for the serial update"):
        serial_update(ensemble, OBSERVATION, OPERATOR, correlated, np.random.default_rng(0))


@pytest.mark.parametrize("update", UPDATES)
def test_bad_observations_tapers_and_inflations_are_refused(update):
    ensemble, rng = ensemble_with(MEAN, COVARIANCE, 6), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"of shape \(2,\), got shape \(3,\)"):
        update(ensemble, np.zeros(3), OPERATOR, ERROR, rng)
    with pytest.raises(ValueError, match=r"with 1 values not finite, the first at index \(1,\)"):
        update(ensemble, np.array([0, np.nan]), OPERATOR, ERROR, rng)
    with pytest.raises(ValueError, match=r"taper of shape \(model_size, nobs\) = \(4, 2\), got"):
        update(ensemble, OBSERVATION, OPERATOR, ERROR, rng, np.ones((2, 4)))
    with pytest.raises(ValueError, match="inflation must be a positive factor, 1 for none, got 0"):
        inflate(ensemble, 0)
    with pytest.raises(ValueError, match=r"rng must be a numpy.random.Generator, got 3: numpy.r"):
        update(ensemble, OBSERVATION, OPERATOR, ERROR, 3)
    with pytest.raises(ValueError, match="R must be numbers, got 'small'"):
        update(ensemble, OBSERVATION, OPERATOR, "small", rng)
    with pytest.raises(
        ValueError, match="localization must be numbers, a function .* got 'gaspari"
    ):
        update(ensemble, OBSERVATION, OPERATOR, ERROR, rng, "gaspari_cohn")


def test_a_filter_that_loses_the_truth_is_reported_as_diverged():
    with pytest.raises(
        FilterDivergedError, match=r"the filter diverged by cycle .* Use more members"
    ):
        run_twin_experiment(Lorenz96Twin(40, 2), Filter(), members=4, cycles=1000)


def test_a_filter_with_values_that_are_not_finite_is_reported():
    # A step far beyond the scheme's stability blows the model itself up.
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"diverged"),
    ):
        run_twin_experiment(Lorenz96Twin(40, 1, dt=2.0), Filter(), members=5, cycles=5)


def test_an_update_of_another_name_is_refused():
    with pytest.raises(ValueError, match=r"update must be .matrix. or .serial., got 'cubic'"):
        run_twin_experiment(Lorenz96Twin(), Filter(update="cubic"), members=5, cycles=1)
