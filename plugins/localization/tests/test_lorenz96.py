from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.lorenz96 import attractor_state, step, tendencies


def test_tendencies_are_the_equation_written_out_state_by_state():
    states = np.random.default_rng(0).normal(size=(3, 7))
    expected = np.zeros_like(states)
    for m in range(3):
        for i in range(7):
            x = states[m]
            expected[m, i] = (x[(i + 1) % 7] - x[i - 2]) * x[i - 1] - x[i] + 8.0
    np.testing.assert_allclose(tendencies(states, 8.0), expected, rtol=0, atol=1e-14)


def test_uniform_forcing_is_a_fixed_point():
    np.testing.assert_array_equal(step(np.full((2, 40), 8.0)), np.full((2, 40), 8.0))


def test_the_advection_conserves_energy():
    # Without damping and forcing, d/dt sum(x**2) / 2 = sum(x * advection) is exactly 0.
    states = np.random.default_rng(1).normal(size=(4, 40))
    advection = tendencies(states, 0.0) + states
    np.testing.assert_allclose((states * advection).sum(axis=1), 0.0, atol=1e-12)


def test_the_scheme_is_of_fourth_order():
    start = attractor_state(40, np.random.default_rng(2))

    def after(dt: float) -> np.ndarray:
        states = start
        for _ in range(round(0.4 / dt)):
            states = step(states, dt)
        return states

    exact = after(0.4 / 1024)
    errors = [np.abs(after(dt) - exact).max() for dt in (0.02, 0.01, 0.005)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 4.0, atol=0.2)


def test_members_are_advanced_independently():
    ensemble = np.random.default_rng(3).normal(size=(5, 40))
    together = step(ensemble)
    for m in range(5):
        np.testing.assert_array_equal(together[m], step(ensemble[m]))


def test_the_attractor_has_the_known_climate():
    # Mean 2.34 and standard deviation 3.63 for F = 8 are well-established figures.
    states = np.stack([attractor_state(40, np.random.default_rng(s)) for s in range(50)])
    assert abs(states.mean() - 2.34) < 0.15
    assert abs(states.std() - 3.63) < 0.15


def test_what_is_no_state_or_step_is_refused():
    with pytest.raises(ValueError, match=r"at least 4 model states, got shape \(3,\)"):
        step(np.zeros(3))
    with pytest.raises(ValueError, match="dt must be a positive number of model time units, got 0"):
        step(np.zeros(40), dt=0)
    with pytest.raises(ValueError, match=r"dt must be a positive number .* got nan"):
        step(np.zeros(40), dt=float("nan"))
