from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from zoo_localization.deterministic import relax_to_prior_spread, square_root_update
from zoo_localization.enkf import matrix_update
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, Lorenz96Twin

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[2.0, 0.8, 0.3], [0.8, 1.5, 0.4], [0.3, 0.4, 1.0]])
OBSERVATION = np.array([-1.0, 2.0, 0.3])
ERROR = np.array([0.5, 0.9, 1.4])


def ensemble_with(mean, covariance, members, seed=0):
    """Members whose sample mean and covariance are exactly the given ones."""
    white = np.random.default_rng(seed).normal(size=(members, len(mean)))
    white -= white.mean(axis=0)
    white @= np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def kalman_filter(h):
    """The exact posterior, in its textbook form."""
    gain = COVARIANCE @ h.T @ np.linalg.inv(h @ COVARIANCE @ h.T + np.diag(ERROR))
    return MEAN + gain @ (OBSERVATION - h @ MEAN), (np.eye(3) - gain @ h) @ COVARIANCE


@pytest.mark.parametrize(
    ("width", "h"), [(1, np.eye(3)), (3, np.full((3, 3), 1 / 3))], ids=["points", "averages"]
)
def test_mean_and_covariance_are_exactly_the_kalman_filters(width, h):
    ensemble = ensemble_with(MEAN, COVARIANCE, 6)
    operator = ObservationOperator(3, 1, width)
    posterior = square_root_update(ensemble, OBSERVATION, operator, ERROR)
    mean, covariance = kalman_filter(h)
    np.testing.assert_allclose(posterior.mean(axis=0), mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.cov(posterior.T), covariance, rtol=0, atol=1e-10)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_the_observations_does_not_matter(order):
    # Numbering the states differently takes their observations in another order.
    order = list(order)
    ensemble = ensemble_with(MEAN, COVARIANCE, 6)
    turned = square_root_update(
        ensemble[:, order], OBSERVATION[order], ObservationOperator(3), ERROR[order]
    )
    posterior = np.empty_like(turned)
    posterior[:, order] = turned
    mean, covariance = kalman_filter(np.eye(3))
    np.testing.assert_allclose(posterior.mean(axis=0), mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(np.cov(posterior.T), covariance, rtol=0, atol=1e-10)


def test_one_observation_gives_the_members_of_the_adjustment_filter():
    # Anderson (2001): shift and shrink what the members have at the observation, then regress.
    ensemble = ensemble_with(MEAN, COVARIANCE, 5, seed=1)
    observed, variance, r, y = ensemble[:, 2], 1.0, 0.4, -0.7
    mean = (observed.mean() * r + y * variance) / (variance + r)
    adjusted = mean + np.sqrt(r / (variance + r)) * (observed - observed.mean())
    slopes = COVARIANCE[2] / variance
    expected = ensemble + (adjusted - observed)[:, None] * slopes
    found = square_root_update(ensemble, np.array([y]), ObservationOperator(3, 3), r)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_the_localized_mean_of_one_observation_is_that_of_the_matrix_update():
    ensemble = np.random.default_rng(2).normal(size=(6, 12))
    operator, taper = ObservationOperator(12, 12), gaspari_cohn_taper(12, 12, 3.0)
    found = square_root_update(ensemble, np.ones(1), operator, 0.8, taper)
    rng = np.random.default_rng(3)
    expected = matrix_update(ensemble, np.ones(1), operator, 0.8, rng, taper)
    np.testing.assert_allclose(found.mean(axis=0), expected.mean(axis=0), atol=1e-13)
    changed = np.abs(found - ensemble).max(axis=0) > 0
    assert list(np.flatnonzero(changed)) == [0, 1, 9, 10, 11]


def test_filters_side_by_side_give_the_members_of_each():
    ensembles = np.random.default_rng(4).normal(size=(2, 6, 3))
    observations = np.random.default_rng(5).normal(size=(2, 3))
    operator = ObservationOperator(3)
    together = square_root_update(ensembles, observations, operator, ERROR)
    for k in range(2):
        alone = square_root_update(ensembles[k], observations[k], operator, ERROR)
        np.testing.assert_allclose(together[k], alone, rtol=0, atol=1e-14)


def test_bad_input_of_the_square_root_filter_is_refused():
    ensemble, operator = ensemble_with(MEAN, COVARIANCE, 6), ObservationOperator(3)
    with pytest.raises(ValueError, match="R must be diagonal for the serial update"):
        square_root_update(ensemble, OBSERVATION, operator, np.eye(3) + 0.1)
    with pytest.raises(ValueError, match=r"of shape \(3,\), got shape \(2,\)"):
        square_root_update(ensemble, OBSERVATION[:2], operator, ERROR)
    with pytest.raises(ValueError, match=r"at least 2 members, got shape \(1, 3\)"):
        square_root_update(ensemble[:1], OBSERVATION, operator, ERROR)
    with pytest.raises(ValueError, match="for a serial update, which never has the gain of all"):
        square_root_update(ensemble, OBSERVATION, operator, ERROR, lambda gain: gain)


def test_relaxation_to_the_prior_spread_by_hand():
    # First state: standard deviation 4 before, 2 after; halfway is 3, so the members' differences
    # -2, 0, 2 grow by 1.5. Second: 1 before and after. Third: no spread is left to scale.
    prior = np.array([[0.0, 1.0, 0.0], [4.0, 2.0, 5.0], [8.0, 3.0, 10.0]])
    posterior = np.array([[8.0, 4.0, 6.0], [10.0, 5.0, 6.0], [12.0, 6.0, 6.0]])
    expected = np.array([[7.0, 4.0, 6.0], [10.0, 5.0, 6.0], [13.0, 6.0, 6.0]])
    found = relax_to_prior_spread(posterior, prior, 0.5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(relax_to_prior_spread(posterior, prior, 0), posterior)


def test_full_relaxation_restores_the_priors_spread_and_keeps_the_posteriors_mean():
    prior, posterior = np.random.default_rng(6).normal(size=(2, 3, 8, 5)) * [[[[3.0]]], [[[1.0]]]]
    found = relax_to_prior_spread(posterior, prior, 1.0)
    np.testing.assert_allclose(found.std(axis=1), prior.std(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.mean(axis=1), posterior.mean(axis=1), atol=1e-13)


def test_bad_input_of_the_relaxation_is_refused():
    members = np.ones((4, 3))
    for bad in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="relaxation must be a factor from 0 .* got"):
            relax_to_prior_spread(members, members, bad)
    with pytest.raises(ValueError, match=r"one shape .* got \(4, 3\) and \(5, 3\)"):
        relax_to_prior_spread(members, np.ones((5, 3)), 0.5)


def test_a_filter_relaxes_before_it_inflates():
    twin, rng = Lorenz96Twin(12, 3), np.random.default_rng(7)
    prior = rng.normal(size=(6, 12))
    observation = twin.observe(np.zeros(12), rng)
    found = Filter(1.2, update="square_root", relaxation=1.0).analyse(prior, observation, twin, rng)
    np.testing.assert_allclose(found.std(axis=0), 1.2 * prior.std(axis=0), rtol=1e-12)
