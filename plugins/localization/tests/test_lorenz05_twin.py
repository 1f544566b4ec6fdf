from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_localization.lorenz05 import Lorenz05
from zoo_localization.lorenz05_twin import WANG_2023, Lorenz05Twin
from zoo_localization.tapers import gaspari_cohn_vector
from zoo_localization.twin import Filter
from zoo_localization.twin_experiment import run_twin_experiment

SMALL = Lorenz05Twin(
    Lorenz05("II", 4, forcing=10.0, dt=0.025),
    60,
    2,
    1,
    1.0,
    steps_per_cycle=2,
    spin_up=100,
    compiled=False,
)


def test_the_published_setting_is_the_papers():
    twin = WANG_2023.twin
    assert (twin.model_size, twin.operator.nobs, twin.obs_dens) == (960, 240, 4)
    assert (twin.model.averaging_length, twin.model.smoothing_length) == (32, 12)
    assert (twin.model.b, twin.model.c, twin.model.forcing) == (10, 3, 15)
    assert (twin.model.dt, twin.steps_per_cycle, twin.error) == (0.001, 50, 1.0)
    assert (twin.model.model, twin.model.end_weight) == ("III", "paper")
    assert (WANG_2023.members, WANG_2023.reference_members) == (40, 2000)
    assert (WANG_2023.cutoff, WANG_2023.inflation) == (240.0, 1.01)


def test_a_truth_moves_from_one_observation_to_the_next():
    states = SMALL.start(np.random.default_rng(0))
    expected = SMALL.model.step(SMALL.model.step(states))
    np.testing.assert_array_equal(SMALL.step(states), expected)


def test_truths_that_start_side_by_side_are_those_that_start_alone():
    seeds = [3, 4]
    together = SMALL.starts([np.random.default_rng(seed) for seed in seeds])
    for truth, seed in zip(together, seeds, strict=True):
        np.testing.assert_array_equal(truth, SMALL.start(np.random.default_rng(seed)))


def test_observations_of_a_truth_have_the_errors_that_are_asked_for():
    correlated = 0.5 * np.eye(30) + 0.5
    twin = replace(SMALL, width=5, obs_error=correlated)
    truth, rng = np.arange(60.0) % 7, np.random.default_rng(1)
    errors = np.stack([twin.observe(truth, rng) - twin.operator(truth) for _ in range(4000)])
    np.testing.assert_allclose(np.cov(errors.T), correlated, atol=0.12)
    np.testing.assert_allclose(errors.mean(axis=0), 0.0, atol=0.1)


@pytest.mark.parametrize(
    ("update", "width"), [("matrix", 1), ("serial", 1), ("square_root", 1), ("square_root", 5)]
)
def test_every_filter_follows_the_truth_of_a_small_ring(update, width):
    twin = replace(SMALL, width=width)
    kalman_filter = Filter(1.05, gaspari_cohn_vector(60, 15.0), update)
    found = run_twin_experiment(twin, kalman_filter, 20, cycles=100, spin_up=50, seed=2)
    # The errors of a single observation are 1, the standard deviation of a truth is 4.
    assert found.rmse.mean() < 0.5


@pytest.mark.slow
def test_the_published_filter_follows_its_truth():
    taper = gaspari_cohn_vector(960, WANG_2023.cutoff)
    twin = replace(WANG_2023.twin, spin_up=100)
    kalman_filter = Filter(WANG_2023.inflation, taper, "square_root")
    found = run_twin_experiment(twin, kalman_filter, WANG_2023.members, cycles=20, spin_up=40)
    assert found.rmse.mean() < 0.45
    assert np.isfinite(found.spread).all()
