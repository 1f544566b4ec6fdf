from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo_localization.empirical import EmpiricalLocalization
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_vector
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiments, simulate_truths

PAPER = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "paper"


def by_hand(priors, truths, operator, variance, draws):
    """Least squares at each offset, over many drawn observation errors, pair after pair."""
    size, rng = operator.model_size, np.random.default_rng(1)
    top, bottom = np.zeros(size), np.zeros(size)
    for prior, truth in zip(priors, truths, strict=True):
        for j, state in enumerate(operator.states):
            observed = operator.one(prior, j)
            errors = operator(truth)[j] - observed.mean() + rng.normal(0, variance**0.5, draws)
            for i in range(size):
                covariance = np.cov(prior[:, i], observed)
                increments = covariance[0, 1] / (covariance[1, 1] + variance) * errors
                wanted = truth[i] - prior[:, i].mean()
                top[(i - state) % size] += np.mean(wanted * increments)
                bottom[(i - state) % size] += np.mean(increments**2)
    return top, bottom


@pytest.mark.parametrize("width", [1, 3], ids=["points", "averages"])
def test_the_curve_is_the_least_squares_solution_over_drawn_observations(width):
    rng, operator = np.random.default_rng(0), ObservationOperator(8, 2, width)
    priors, truths = rng.normal(size=(6, 5, 8)).cumsum(axis=-1), rng.normal(size=(6, 8))
    found = EmpiricalLocalization(operator, 0.8)
    found.watch(priors[:4], truths[:4])
    found.watch(priors[4:], truths[4:])
    top, bottom = by_hand(priors, truths, operator, 0.8, draws=20_000)
    np.testing.assert_allclose(found.curve(half=False), top / bottom, rtol=0.05, atol=0.02)
    mirrored = -np.arange(8)
    expected = (top + top[mirrored]) / (bottom + bottom[mirrored])
    np.testing.assert_allclose(found.curve(), expected, rtol=0.05, atol=0.02)


def test_a_filter_without_sampling_error_needs_no_localization():
    # Truths drawn from the very normal distribution that the members are of.
    rng, size = np.random.default_rng(2), 10
    root = np.linalg.cholesky(np.exp(-np.abs(np.subtract.outer(range(size), range(size))) / 9))
    members = rng.normal(size=(400, size)) @ root.T
    truths = rng.normal(size=(4000, size)) @ root.T
    found = EmpiricalLocalization(ObservationOperator(size, 1), 0.5)
    for truth in truths:
        found.watch(members, truth)
    np.testing.assert_allclose(found.curve(), 1.0, atol=0.15)


def test_the_curve_of_a_small_ensemble_falls_off_and_makes_a_filter_that_works():
    twin = Lorenz96Twin(40, 2)
    runs = simulate_truths(twin, [1, 2, 3], 160)
    found = EmpiricalLocalization(twin.operator, twin.error)
    teacher = Filter(1.08, gaspari_cohn_vector(40, 10.0), "serial")
    run_twin_experiments(runs, teacher, 10, spin_up=60, watch=found.watch)
    curve = found.curve()
    np.testing.assert_array_equal(curve, curve[-np.arange(40)])
    assert curve[0] > 0.7
    assert np.abs(curve[12:20]).mean() < 0.35
    learned = run_twin_experiments(runs, Filter(1.08, curve, "serial"), 10, spin_up=60)
    assert not learned.lost
    assert learned.rmse.mean() < 0.8


def test_the_published_curve_is_of_the_same_shape():
    # 1 and a little more near the observation, half of that at a tenth of the ring, then nothing.
    path = PAPER / "elf_smsp.npy"
    if not path.exists():
        pytest.skip("the paper's file elf_smsp.npy is not there")
    published = np.load(path).ravel()
    assert published[0] > 1
    assert 0.4 < published[96] < 0.7
    assert np.abs(published[240:]).max() < 0.01


def test_a_curve_of_nothing_is_refused():
    found = EmpiricalLocalization(ObservationOperator(8, 2), 1.0)
    with pytest.raises(ValueError, match="no prior was watched. Run a twin experiment with watch"):
        found.curve()
