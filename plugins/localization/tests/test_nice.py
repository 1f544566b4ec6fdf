from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.enkf import kalman_gain
from zoo_localization.nice import (
    correlation_std,
    nice_covariance,
    nice_factor,
    nice_gain,
    nice_gain_of_gain,
    nice_taper,
)
from zoo_localization.observations import ObservationOperator
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment

OPERATOR = ObservationOperator(60, 3)


def true_covariance() -> np.ndarray:
    """Correlations that fall off around a ring, and variances that differ."""
    offset = np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    std = 1 + 0.5 * np.sin(np.arange(60) / 5)
    return np.exp(-np.minimum(offset, 60 - offset) / 3) * np.outer(std, std)


def ensemble(members: int, seed: int) -> np.ndarray:
    values, vectors = np.linalg.eigh(true_covariance())
    root = vectors * np.sqrt(np.maximum(values, 0))
    return np.random.default_rng(seed).normal(size=(members, 60)) @ root.T


@pytest.mark.parametrize(("members", "accuracy"), [(10, 0.15), (40, 0.04)])
def test_the_error_of_a_correlation_is_that_of_samples(members, accuracy):
    rng, draws = np.random.default_rng(0), 20_000
    for r in (0.0, 0.5, -0.9):
        x, z = rng.normal(size=(2, draws, members))
        y = r * x + np.sqrt(1 - r**2) * z
        x, y = (v - v.mean(axis=1, keepdims=True) for v in (x, y))
        found = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        # Fisher's transform is an approximation for many members.
        assert correlation_std(np.array(r), members) == pytest.approx(found.std(), rel=accuracy)
    assert correlation_std(np.array([1.0, -1.0]), members).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("members", "tolerance"), [(10, 1.0), (40, 1.0), (40, 0.3)])
def test_the_correction_is_as_large_as_the_expected_error(members, tolerance):
    correlation = np.corrcoef(ensemble(members, 1).T)
    factor = nice_factor(correlation, members, tolerance)
    correction = np.linalg.norm((factor - 1) * correlation)
    expected = tolerance * np.sqrt(np.sum(correlation_std(correlation, members) ** 2))
    assert correction == pytest.approx(expected, rel=1e-12)


def test_the_factor_is_a_blend_of_two_even_powers():
    # Entry by entry, (factor - r^(g-2)) / (r^g - r^(g-2)) must be one number from 0 to 1.
    correlation = np.corrcoef(ensemble(20, 2).T)
    factor = nice_factor(correlation, 20)
    entries = np.abs(np.abs(correlation) - 0.5) < 0.3
    r, f = correlation[entries], factor[entries]
    blends = [(f - r ** (g - 2)) / (r**g - r ** (g - 2)) for g in (2, 4, 6, 8, 10)]
    is_one = [np.ptp(blend) < 1e-9 and 0 <= blend[0] <= 1 for blend in blends]
    assert sum(is_one) == 1


def test_the_corrected_matrix_is_a_covariance_with_the_sample_variances():
    members = ensemble(8, 3)
    found = nice_covariance(members)
    np.testing.assert_allclose(found, found.T, atol=1e-14)
    np.testing.assert_allclose(np.diag(found), members.var(axis=0, ddof=1), rtol=1e-12)
    assert np.linalg.eigvalsh(found).min() > -1e-12


@pytest.mark.parametrize("members", [10, 40])
def test_the_correction_brings_covariances_and_gains_nearer_to_the_truth(members):
    p, h = true_covariance(), OPERATOR.matrix
    true_gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + np.eye(20))
    ratios = []
    for seed in range(10):
        sample = ensemble(members, 100 + seed)
        raw = np.cov(sample.T)
        raw_gain = raw @ h.T @ np.linalg.inv(h @ raw @ h.T + np.eye(20))
        ratios.append(
            [
                np.linalg.norm(nice_covariance(sample) - p) / np.linalg.norm(raw - p),
                np.linalg.norm(nice_gain(sample, OPERATOR, 1.0) - true_gain)
                / np.linalg.norm(raw_gain - true_gain),
                np.linalg.norm(raw_gain * nice_taper(sample, OPERATOR) - true_gain)
                / np.linalg.norm(raw_gain - true_gain),
            ]
        )
    assert (np.mean(ratios, axis=0) < [0.8, 0.8, 0.9]).all()


def published(left: np.ndarray, right: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The covariance as the authors describe it: try even powers, then shares of the last two."""
    members = len(left)
    both = np.corrcoef(left.T, right.T)
    r = both[: left.shape[1], left.shape[1] :]
    allowed = np.linalg.norm(correlation_std(r, members))
    power = next(g for g in (2, 4, 6, 8, 10) if np.linalg.norm(r ** (g + 1) - r) > allowed)
    corrected = r ** (power - 1)
    for share in shares:
        blend = ((1 - share) * r ** (power - 2) + share * r**power) * r
        if np.linalg.norm(blend - r) <= allowed:
            corrected = blend
    return corrected * np.outer(left.std(axis=0, ddof=1), right.std(axis=0, ddof=1))


def test_the_gain_is_that_of_the_two_covariances_that_a_filter_needs_each_corrected():
    sample, r = ensemble(12, 4), np.diag(np.linspace(0.5, 2.0, 20)) + 0.1
    observed, shares = OPERATOR(sample), np.linspace(0, 1, 4001)
    cross, innovation = (published(left, observed, shares) for left in (sample, observed))
    expected = cross @ np.linalg.inv(innovation + r)
    np.testing.assert_allclose(nice_gain(sample, OPERATOR, r), expected, atol=2e-4)


def test_with_every_state_observed_it_is_the_gain_of_the_corrected_covariance():
    sample, operator = ensemble(12, 4), ObservationOperator(60, 1)
    p = nice_covariance(sample)
    expected = p @ np.linalg.inv(p + 0.7 * np.eye(60))
    np.testing.assert_allclose(nice_gain(sample, operator, 0.7), expected, atol=1e-12)


def test_the_raw_gain_of_every_state_tells_as_much_as_the_ensemble():
    sample, operator = ensemble(12, 4), ObservationOperator(60, 1)
    gain = kalman_gain(sample, operator, 0.7)
    found = nice_gain_of_gain(gain, operator, 0.7, members=12)
    np.testing.assert_allclose(found, nice_gain(sample, operator, 0.7), atol=1e-9)


def test_between_observed_states_the_spread_is_interpolated_around_the_ring():
    # With a spread that is linear between observations the raw gain tells as much again.
    sample = ensemble(12, 4)
    places = OPERATOR.states
    known = np.linspace(1.0, 3.0, 20)
    wanted = np.interp(np.arange(60), places, known, period=60)
    sample = sample / sample.std(axis=0, ddof=1) * wanted
    gain = kalman_gain(sample, OPERATOR, 0.7)
    found = nice_gain_of_gain(gain, OPERATOR, 0.7, members=12)
    np.testing.assert_allclose(found, nice_gain(sample, OPERATOR, 0.7), atol=1e-9)


def test_ensembles_side_by_side_are_each_corrected_as_alone():
    samples = np.stack([ensemble(8, 3), ensemble(8, 4), 5 * ensemble(8, 5)])
    gains = kalman_gain(samples, OPERATOR, 1.0)
    together = [
        nice_covariance(samples),
        nice_gain(samples, OPERATOR, 1.0),
        nice_taper(samples, OPERATOR),
        nice_gain_of_gain(gains, OPERATOR, 1.0, 8),
    ]
    for k, sample in enumerate(samples):
        alone = [
            nice_covariance(sample),
            nice_gain(sample, OPERATOR, 1.0),
            nice_taper(sample, OPERATOR),
            nice_gain_of_gain(gains[k], OPERATOR, 1.0, 8),
        ]
        for several, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(several[k], one, rtol=0, atol=1e-10)


def test_states_without_spread_have_no_correlation():
    sample = ensemble(12, 5)
    sample[:, 0] = 2.0
    assert np.isfinite(nice_gain(sample, OPERATOR, 1.0)).all()
    np.testing.assert_allclose(nice_gain(sample, OPERATOR, 1.0)[0], 0.0, atol=1e-15)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="members must be at least 4 .* got 3"):
        nice_covariance(ensemble(3, 6))
    with pytest.raises(ValueError, match="tolerance must be a positive factor, got 0"):
        nice_taper(ensemble(8, 6), OPERATOR, 0)
    with pytest.raises(ValueError, match="width=3 states does not tell .* Use nice_gain, which"):
        nice_gain_of_gain(np.zeros((60, 20)), ObservationOperator(60, 3, 3), 1.0, 8)
    with pytest.raises(ValueError, match="two ways to localize"):
        Filter(localization=np.ones(60), taper_of_ensemble=nice_taper)


def test_a_filter_takes_the_taper_of_each_prior():
    twin, rng = Lorenz96Twin(12, 3), np.random.default_rng(7)
    prior, observation = rng.normal(size=(6, 12)), rng.normal(size=4)
    adaptive = Filter(1.0, update="square_root", taper_of_ensemble=nice_taper)
    fixed = Filter(1.0, nice_taper(prior, twin.operator), "square_root")
    found, expected = (f.analyse(prior, observation, twin, rng) for f in (adaptive, fixed))
    np.testing.assert_array_equal(found, expected)


def test_a_filter_of_ten_members_follows_its_truth_without_knowing_distances():
    kalman_filter = Filter(1.08, update="square_root", taper_of_ensemble=nice_taper)
    found = run_twin_experiment(Lorenz96Twin(40, 1), kalman_filter, 10, cycles=300, spin_up=100)
    assert found.rmse.mean() < 0.5
