from __future__ import annotations

import builtins
import sys
from dataclasses import replace

import numpy as np
import pytest

from zoo_localization.lorenz05 import Lorenz05
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.lorenz05_twin import WANG_2023

MODELS = [
    Lorenz05("III", 8, 5),
    Lorenz05("III", 9, 6, b=7.0, c=2.0, forcing=14.0, end_weight="paper"),
    Lorenz05("III", 1, 1),
    Lorenz05("III", 32, 12),
]


def need_numba() -> None:
    pytest.importorskip("numba", reason="the extra sim (Numba) is not installed")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.averaging_length))
def test_compiled_steps_agree_with_numpys(model):
    need_numba()
    states = np.random.default_rng(0).normal(3.0, 2.0, size=(2, 3, 96))
    before = states.copy()
    expected = model.step(states, 20)
    found = step_compiled(model, states, 20)
    assert np.abs(found - expected).max() < 1e-10 * np.abs(expected).max()
    np.testing.assert_array_equal(states, before)
    assert found.dtype == np.float64


def test_the_smallest_ring_agrees_too():
    need_numba()
    model = MODELS[0]
    state = np.random.default_rng(1).normal(size=model.least_size)
    np.testing.assert_allclose(step_compiled(model, state, 5), model.step(state, 5), rtol=1e-10)
    with pytest.raises(ValueError, match=r"at least 20 model states .* got shape \(19,\)"):
        step_compiled(model, state[:-1])


def test_single_precision_is_near_double_precision():
    need_numba()
    twin = replace(WANG_2023.twin, spin_up=20)
    states = twin.start(np.random.default_rng(2)) + np.zeros((3, 1))
    expected = twin.model.step(states, 50)
    found = step_compiled(twin.model, states, 50, single_precision=True)
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 1e-3


def test_a_compiled_twin_steps_to_the_same_truth():
    need_numba()
    twin = replace(WANG_2023.twin, spin_up=2, compiled=True)
    state = twin.start(np.random.default_rng(3))
    plain = replace(twin, compiled=False)
    expected = plain.start(np.random.default_rng(3))
    np.testing.assert_allclose(state, expected, rtol=1e-10)
    np.testing.assert_allclose(twin.step(state), plain.step(expected), rtol=0, atol=1e-9)


def test_a_model_that_is_not_compiled_says_so():
    with pytest.raises(ValueError, match="model must be \"III\" to be compiled, got 'II'"):
        step_compiled(Lorenz05("II", 8), np.zeros(40))


def test_without_numba_the_message_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without_numba(name, *arguments, **keywords):
        if name == "numba":
            raise ImportError("no numba")
        return real(name, *arguments, **keywords)

    monkeypatch.delitem(sys.modules, "zoo_localization.lorenz05_kernels", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_numba)
    with pytest.raises(ImportError, match=r'pip install "zoo-localization\[sim\]"'):
        step_compiled(MODELS[0], np.zeros(40))
