from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.enkf import kalman_gain
from zoo_localization.gain_algebra import covariances_of_gain
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper

CORRELATED = np.diag([0.5, 2.0, 1.0, 0.7]) + 0.2


def members(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 12)) @ rng.normal(size=(12, 12))


@pytest.mark.parametrize("width", [1, 5], ids=["points", "averages"])
@pytest.mark.parametrize(
    "error", [0.7, [0.5, 2.0, 1.0, 0.7], CORRELATED], ids=["one", "each", "matrix"]
)
@pytest.mark.parametrize("count", [3, 40], ids=["few members", "many"])
def test_a_gain_gives_back_the_ensembles_covariances(count, error, width):
    ensemble, operator = members(count), ObservationOperator(12, 3, width)
    covariance, h = np.cov(ensemble.T), operator.matrix
    cross, innovation = covariances_of_gain(kalman_gain(ensemble, operator, error), operator, error)
    np.testing.assert_allclose(cross, covariance @ h.T, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(innovation, h @ covariance @ h.T, rtol=1e-9, atol=1e-10)
    assert cross.dtype == innovation.dtype == np.float64


def test_gains_side_by_side_give_the_covariances_of_each():
    ensembles, operator = np.stack([members(8, k) for k in range(3)]), ObservationOperator(12, 3)
    gains = kalman_gain(ensembles, operator, 1.0)
    together = covariances_of_gain(gains, operator, 1.0)
    for k in range(3):
        alone = covariances_of_gain(gains[k], operator, 1.0)
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_allclose(all_of_them[k], one, rtol=0, atol=1e-11)


def test_a_localized_gain_is_taken_while_every_eigenvalue_is_below_one():
    operator = ObservationOperator(12, 3)
    gain = kalman_gain(members(4), operator, 30.0) * gaspari_cohn_taper(12, 3, 5.0)
    cross, innovation = covariances_of_gain(gain, operator, 30.0)
    s = np.linalg.inv(np.eye(4) - operator.matrix @ gain) @ (30.0 * np.eye(4))
    np.testing.assert_allclose(innovation, s - 30.0 * np.eye(4), atol=1e-10)
    np.testing.assert_allclose(cross, gain @ s, atol=1e-10)


def test_an_eigenvalue_at_or_above_one_is_refused_with_its_place():
    operator = ObservationOperator(12, 3)
    gain = np.zeros((2, 12, 4))
    gain[1, operator.states, range(4)] = [0.2, 1.0, 0.3, 0.4]
    with pytest.raises(ValueError, match=r"H K of gain 1 has the eigenvalue 1, .* Give the raw"):
        covariances_of_gain(gain, operator, 1.0)
    with pytest.raises(ValueError, match="H K has the eigenvalue 2.5, and no covariance gives one"):
        covariances_of_gain(2.5 * gain[1], operator, 1.0)


def test_a_large_entry_beside_the_diagonal_is_no_large_eigenvalue():
    # The symmetric part of H K then is above 1, and its eigenvalues are not.
    operator = ObservationOperator(12, 3)
    gain = np.zeros((12, 4))
    gain[operator.states, range(4)] = 0.5
    gain[2, 3] = 5.0
    _, innovation = covariances_of_gain(gain, operator, 1.0)
    assert innovation[0, 3] == pytest.approx(5.0 / 0.5 / 0.5)


def test_gains_of_another_shape_or_that_are_not_finite_are_refused():
    operator = ObservationOperator(12, 3)
    with pytest.raises(ValueError, match=r"= \(12, 4\), states first, got shape \(4, 12\)"):
        covariances_of_gain(np.zeros((4, 12)), operator, 1.0)
    gain = np.zeros((12, 4))
    gain[5, 2] = np.nan
    with pytest.raises(ValueError, match=r"gain must be finite, and holds nan at index \(5, 2\)"):
        covariances_of_gain(gain, operator, 1.0)
    with pytest.raises(ValueError, match="R must be a covariance with variances above 0"):
        covariances_of_gain(np.zeros((12, 4)), operator, 0.0)
