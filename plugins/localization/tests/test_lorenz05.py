from __future__ import annotations

import math

import numpy as np
import pytest

from zoo_localization.lorenz05 import Lorenz05, smooth, smoothing_weights


def loop_bracket(x, y, k):
    """[X, Y]_K as Lorenz's double sum, state by state."""
    n, j = len(x), k // 2
    weight = [0.5 if k % 2 == 0 and abs(i) == j else 1.0 for i in range(-j, j + 1)]
    result = np.zeros(n)
    for at in range(n):
        terms = []
        for a in range(-j, j + 1):
            for b in range(-j, j + 1):
                first = -x[(at - 2 * k - b) % n] * y[(at - k - a) % n]
                second = x[(at - k + a - b) % n] * y[(at + k + a) % n]
                terms.append(weight[a + j] * weight[b + j] * (first + second))
        result[at] = math.fsum(terms) / k**2
    return result


def loop_smooth(z, i, end):
    """Lorenz's X, state by state; `end` is the share of the two end terms."""
    alpha = (3 * i**2 + 3) / (2 * i**3 + 4 * i)
    beta = (2 * i**2 + 1) / (i**4 + 2 * i**2)
    n = len(z)
    result = np.zeros(n)
    for at in range(n):
        result[at] = math.fsum(
            (end if abs(k) == i else 1.0) * (alpha - beta * abs(k)) * z[(at + k) % n]
            for k in range(-i, i + 1)
        )
    return result


def loop_tendencies(model: Lorenz05, z):
    """The right-hand side of one state, from the equations."""
    if model.model == "I":
        return loop_bracket(z, z, 1) - z + model.forcing
    if model.model == "II":
        return loop_bracket(z, z, model.averaging_length) - z + model.forcing
    x = loop_smooth(z, model.smoothing_length, {"lorenz": 0.5, "paper": 0.25}[model.end_weight])
    y = z - x
    return (
        loop_bracket(x, x, model.averaging_length)
        + model.b**2 * loop_bracket(y, y, 1)
        + model.c * loop_bracket(y, x, 1)
        - x
        - model.b * y
        + model.forcing
    )


MODELS = [
    Lorenz05("I"),
    Lorenz05("II", averaging_length=1),
    Lorenz05("II", averaging_length=2),
    Lorenz05("II", averaging_length=7),
    Lorenz05("II", averaging_length=8),
    Lorenz05("III", 8, 5, end_weight="lorenz"),
    Lorenz05("III", 8, 5, end_weight="paper"),
    Lorenz05("III", 9, 6, b=7.0, c=2.0, forcing=14.0),
    Lorenz05("III", 4, 1),
]


def name(model: Lorenz05) -> str:
    return f"{model.model}-{model.averaging_length}-{model.smoothing_length}-{model.end_weight}"


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_tendencies_are_the_equations_written_out_state_by_state(model):
    states = np.random.default_rng(0).normal(4.0, 5.0, size=(2, 31))
    expected = np.stack([loop_tendencies(model, state) for state in states])
    assert np.abs(model.tendencies(states) - expected).max() < 1e-12 * np.abs(expected).max()


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_the_smallest_ring_agrees_too_and_a_smaller_one_is_refused(model):
    states = np.random.default_rng(1).normal(size=model.least_size)
    expected = loop_tendencies(model, states)
    assert np.abs(model.tendencies(states) - expected).max() < 1e-12 * np.abs(expected).max()
    with pytest.raises(ValueError, match=f"at least {model.least_size} model states for model"):
        model.tendencies(states[:-1])


def test_ten_steps_with_the_papers_smoother_agree_with_the_loop():
    model = Lorenz05("III", 8, 5, end_weight="paper")
    states = np.random.default_rng(2).normal(3.0, 2.0, size=(2, 40))
    expected = states.copy()
    for m in range(2):
        z = states[m]
        for _ in range(10):
            first = loop_tendencies(model, z)
            second = loop_tendencies(model, z + 0.0005 * first)
            third = loop_tendencies(model, z + 0.0005 * second)
            fourth = loop_tendencies(model, z + 0.001 * third)
            z = z + 0.001 / 6 * (first + 2 * second + 2 * third + fourth)
        expected[m] = z
    found = model.step(states, 10)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()


def test_the_published_size_agrees_with_the_loop_at_some_states():
    # The whole double loop at K = 32 takes minutes; one state of it says the same.
    model, k = Lorenz05("II", 32), 32
    x = np.random.default_rng(3).normal(4.0, 5.0, size=960)
    found = model.tendencies(x)
    weight = np.ones(33)
    weight[[0, -1]] = 0.5
    for at in (0, 1, 63, 64, 500, 927, 928, 959):
        total = 0.0
        for a in range(-16, 17):
            for b in range(-16, 17):
                first = -x[(at - 2 * k - b) % 960] * x[(at - k - a) % 960]
                second = x[(at - k + a - b) % 960] * x[(at + k + a) % 960]
                total += weight[a + 16] * weight[b + 16] * (first + second)
        assert found[at] == pytest.approx(total / k**2 - x[at] + 15.0, rel=0, abs=1e-11)


@pytest.mark.parametrize(
    "model",
    [Lorenz05("I", forcing=8.0), Lorenz05("II", 8, forcing=10.0), Lorenz05("III", 8, 5)],
    ids=name,
)
def test_the_scheme_is_of_fourth_order(model):
    dt = {"I": 0.02, "II": 0.05, "III": 0.002}[model.model]
    fields = {key: value for key, value in vars(model).items() if key != "dt"}
    start = Lorenz05(**fields, dt=dt / 4).step(np.random.default_rng(4).normal(size=60), 400)

    def after(steps: int) -> np.ndarray:
        return Lorenz05(**fields, dt=8 * dt / steps).step(start, steps)

    exact = after(1024)
    errors = [np.abs(after(steps) - exact).max() for steps in (8, 16, 32)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 4.0, atol=0.3)


def test_the_advection_conserves_energy():
    # Lorenz (2005): the quadratic terms of model II keep the sum of squares.
    states = np.random.default_rng(5).normal(size=(3, 80))
    for length in (7, 8):
        advected = Lorenz05("II", length, forcing=0.0).tendencies(states) + states
        np.testing.assert_allclose((states * advected).sum(axis=1), 0.0, atol=1e-11)


def test_the_smoother_passes_quadratic_functions_unchanged():
    n = np.arange(60.0)
    quadratic = 2 - 0.3 * n + 0.1 * n**2
    inside = slice(12, -12)
    np.testing.assert_allclose(smooth(quadratic, 12)[inside], quadratic[inside], rtol=1e-12)


def test_the_papers_smoother_has_weights_that_sum_to_more_than_one():
    ones = np.ones(40)
    np.testing.assert_allclose(smooth(ones, 12, "lorenz"), 1.0, atol=1e-14)
    alpha, beta = smoothing_weights(12)
    np.testing.assert_allclose(smooth(ones, 12, "paper"), 1 - 0.5 * (alpha - 12 * beta), atol=1e-14)
    assert smooth(ones, 12, "paper")[0] == pytest.approx(1.0204, abs=5e-5)


def test_members_are_advanced_independently_and_left_as_they_were():
    # More members than are advanced at once.
    ensemble = np.random.default_rng(6).normal(size=(2, 20, 40))
    model, before = Lorenz05("III", 8, 5), ensemble.copy()
    together = model.step(ensemble, 3)
    np.testing.assert_array_equal(ensemble, before)
    for m in range(20):
        np.testing.assert_array_equal(together[1, m], model.step(ensemble[1, m], 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "IV"}, r'model must be one of "I", "II", "III", got \'IV\''),
        ({"end_weight": "half"}, r'end_weight must be one of "lorenz", "paper", got \'half\''),
        ({"averaging_length": 0}, "averaging_length must be a positive number of states, got 0"),
        ({"smoothing_length": 1.5}, "smoothing_length must be a positive number .* got 1.5"),
        ({"b": np.nan}, "b must be a finite number, got nan"),
        ({"dt": 0.0}, "dt must be a positive number of model time units, got 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Lorenz05(**arguments)
