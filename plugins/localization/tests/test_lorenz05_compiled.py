from __future__ import annotations

import builtins
import functools
import importlib
import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest

from zoo_localization.extras import numba_is_there
from zoo_localization.lorenz05 import Lorenz05
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.lorenz05_twin import WANG_2023

MODELS = [
    Lorenz05("III", 8, 5),
    Lorenz05("III", 9, 6, b=7.0, c=2.0, forcing=14.0, end_weight="paper"),
    Lorenz05("III", 1, 1),
    Lorenz05("III", 1, 12),
    Lorenz05("III", 32, 12),
    Lorenz05("II", 7),
    Lorenz05("II", 2),
    Lorenz05("I"),
]


def name(model: Lorenz05) -> str:
    return f"{model.model}-{model.averaging_length}-{model.smoothing_length}"


def need_numba() -> None:
    pytest.importorskip("numba", reason="the extra sim (Numba) is not installed")


@functools.cache
def attractor_states() -> np.ndarray:
    """Four states of the published setting, short waves included."""
    starts = 7.5 + np.random.default_rng(2).standard_normal((4, 960))
    return WANG_2023.twin.model.step(starts, 3000)


def at(states, offset):
    """The states `offset` places further on."""
    return np.roll(states, -offset, axis=-1)


def bracket(x, y, k):
    """[X, Y]_K as Lorenz's double sum, the ring at once."""
    j = k // 2
    total = np.zeros_like(x)
    for a, b in itertools.product(range(-j, j + 1), repeat=2):
        halves = (abs(a) == j) + (abs(b) == j) if k % 2 == 0 else 0
        terms = at(x, -k + a - b) * at(y, k + a) - at(x, -2 * k - b) * at(y, -k - a)
        total += terms / 2**halves
    return total / k**2


def written_out_tendencies(model: Lorenz05, z):
    """The right-hand side from the equations, without a sum that slides."""
    if model.model != "III":
        k = model.averaging_length if model.model == "II" else 1
        return bracket(z, z, k) - z + model.forcing
    i = model.smoothing_length
    alpha = (3 * i**2 + 3) / (2 * i**3 + 4 * i)
    beta = (2 * i**2 + 1) / (i**4 + 2 * i**2)
    share = {"lorenz": 0.5, "paper": 0.25}[model.end_weight]
    x = sum(
        (share if abs(n) == i else 1.0) * (alpha - beta * abs(n)) * at(z, n)
        for n in range(-i, i + 1)
    )
    y = z - x
    large = bracket(x, x, model.averaging_length) - x + model.forcing
    return large + model.b**2 * bracket(y, y, 1) + model.c * bracket(y, x, 1) - model.b * y


def written_out_step(model: Lorenz05, z):
    """One classical Runge-Kutta step."""
    first = written_out_tendencies(model, z)
    second = written_out_tendencies(model, z + model.dt / 2 * first)
    third = written_out_tendencies(model, z + model.dt / 2 * second)
    fourth = written_out_tendencies(model, z + model.dt * third)
    return z + model.dt / 6 * (first + 2 * second + 2 * third + fourth)


@pytest.mark.parametrize("size", [83, 97, 211])
@pytest.mark.parametrize("model", MODELS, ids=name)
def test_compiled_steps_agree_with_numpys(model, size):
    need_numba()
    states = np.random.default_rng(0).normal(3.0, 2.0, size=(2, 3, size))
    before = states.copy()
    expected = model.step(states, 20)
    found = step_compiled(model, states, 20)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    np.testing.assert_array_equal(states, before)
    assert found.dtype == np.float64


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_a_compiled_step_is_the_equations_written_out(model):
    need_numba()
    states = np.random.default_rng(1).normal(3.0, 2.0, size=(17, 101))
    expected = written_out_step(model, states)
    found = step_compiled(model, states)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    single = step_compiled(model, states, single_precision=True)
    assert np.abs(single - expected).max() < 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("model", MODELS, ids=name)
def test_the_smallest_ring_agrees_too(model):
    need_numba()
    state = np.random.default_rng(1).normal(size=model.least_size)
    found, expected = step_compiled(model, state, 5), model.step(state, 5)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    with pytest.raises(ValueError, match=rf"at least {model.least_size} .* got shape \("):
        step_compiled(model, state[:-1])


@pytest.mark.parametrize("single", [False, True])
def test_a_member_does_not_depend_on_its_neighbours(single):
    need_numba()
    model = MODELS[1]
    states = np.random.default_rng(3).normal(3.0, 2.0, size=(35, 61))
    together = step_compiled(model, states, 10, single_precision=single)
    for few in ([0], [34], range(5, 22)):
        alone = step_compiled(model, states[few], 10, single_precision=single)
        np.testing.assert_array_equal(alone, together[few])


@pytest.mark.parametrize("single", [False, True])
def test_the_result_does_not_depend_on_the_threads(single):
    need_numba()
    import numba

    states = np.random.default_rng(4).normal(3.0, 2.0, size=(70, 61))
    threads, found = numba.get_num_threads(), []
    try:
        for count in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(count)
            found.append(step_compiled(MODELS[0], states, 10, single_precision=single))
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_fifty_steps_in_single_precision_stay_near_double_precision():
    need_numba()
    states = attractor_states()
    expected = WANG_2023.twin.model.step(states, 50)
    found = step_compiled(WANG_2023.twin.model, states, 50, single_precision=True)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 1e-4
    assert np.sqrt(np.mean((found - expected) ** 2)) < 5e-6


def test_fifty_steps_in_double_precision_are_numpys():
    need_numba()
    states = attractor_states()
    expected = WANG_2023.twin.model.step(states, 50)
    found = step_compiled(WANG_2023.twin.model, states, 50)
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


def test_a_state_that_is_not_finite_stays_alone():
    need_numba()
    states = np.random.default_rng(5).normal(3.0, 2.0, size=(3, 61))
    states[1, 7] = np.inf
    found = step_compiled(MODELS[0], states, 3)
    assert not np.isfinite(found[1]).all()
    np.testing.assert_allclose(found[::2], MODELS[0].step(states[::2], 3), rtol=1e-10)


def test_a_ring_longer_than_a_sum_runs_agrees_too():
    need_numba()
    states = np.random.default_rng(7).normal(3.0, 2.0, size=(2, 1601))
    expected = MODELS[0].step(states, 5)
    found = step_compiled(MODELS[0], states, 5)
    assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()


def test_no_steps_change_nothing_and_no_members_stay_none():
    need_numba()
    states = np.random.default_rng(6).normal(size=(2, 40))
    np.testing.assert_array_equal(step_compiled(MODELS[0], states, 0), states)
    assert step_compiled(MODELS[0], states[:0], 3).shape == (0, 40)


def test_a_compiled_twin_steps_to_the_same_truth():
    need_numba()
    twin = replace(WANG_2023.twin, spin_up=2)
    plain = replace(twin, compiled=False)
    expected = plain.start(np.random.default_rng(3))
    for compiled in (None, True):
        state = replace(twin, compiled=compiled).start(np.random.default_rng(3))
        np.testing.assert_allclose(state, expected, rtol=1e-10)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_twin_in_single_precision_steps_in_it(compiled):
    if compiled:
        need_numba()
    twin = replace(WANG_2023.twin, compiled=compiled, single_precision=True)
    states = attractor_states()
    found = twin.step(states)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, twin.model.step(states, 50), rtol=0, atol=1e-4)


def test_where_nothing_can_be_cached_the_kernel_is_there_all_the_same(monkeypatch):
    need_numba()
    from numba.core.caching import CacheImpl

    module = "zoo_localization.lorenz05_kernels"
    assert importlib.import_module(module).advance.stats.cache_path is not None
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    monkeypatch.delitem(sys.modules, module)
    assert importlib.import_module(module).advance.stats.cache_path is None


def no_numba(monkeypatch) -> None:
    real = builtins.__import__

    def without_numba(name, *arguments, **keywords):
        if name == "numba":
            raise ImportError("no numba")
        return real(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "zoo_localization.lorenz05_kernels", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(builtins, "__import__", without_numba)


def test_without_numba_the_message_names_the_extra(monkeypatch):
    no_numba(monkeypatch)
    with pytest.raises(ImportError, match=r'pip install "zoo-localization\[sim\]"'):
        step_compiled(MODELS[0], np.zeros(40))


def test_without_numba_a_twin_steps_with_numpy(monkeypatch):
    no_numba(monkeypatch)
    assert not numba_is_there()
    twin, states = WANG_2023.twin, attractor_states()[:1]
    np.testing.assert_array_equal(twin.step(states), twin.model.step(states, 50))
    with pytest.raises(ImportError, match="or leave compiled out"):
        replace(twin, compiled=True).step(states)
