"""The Lorenz-96 model: its tendencies, and one Runge-Kutta step of many members at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_localization.runge_kutta import runge_kutta_step

FloatArray = NDArray[np.float64]


def tendencies(states: FloatArray, forcing: float = 8.0) -> FloatArray:
    """Return the time derivative of Lorenz-96 states.

    `dx[i]/dt = (x[i+1] - x[i-2]) * x[i-1] - x[i] + F`, with periodic `i`.

    Args:
        states: Shape `(..., model_size)`, for example `(members, model_size)`; no unit.
        forcing: F.

    Returns:
        The derivative, same shape, per model time unit (5 days).

    Source:
        Lorenz (1996), Predictability: a problem partly solved, equation 1.
    """
    # One padded copy and slices of it: rolling would copy the whole ensemble three times.
    ring: FloatArray = np.concatenate([states[..., -2:], states, states[..., :1]], axis=-1)
    derivative: FloatArray = ring[..., 3:] - ring[..., :-3]
    derivative *= ring[..., 1:-2]
    derivative -= states
    derivative += forcing
    return derivative


def step(states: FloatArray, dt: float = 0.05, forcing: float = 8.0) -> FloatArray:
    """Advance Lorenz-96 states by one step of the classical fourth-order Runge-Kutta scheme.

    Args:
        states: Shape `(..., model_size)`, with at least 4 states on the ring.
        dt: Step in model time units; 0.05 is 6 hours.
        forcing: F.

    Returns:
        The states `dt` later, same shape, float64.

    Raises:
        ValueError: If the ring is too small or `dt` is not a positive number.
    """
    states = np.asarray(states, dtype=np.float64)
    if states.ndim == 0 or states.shape[-1] < 4:
        raise ValueError(
            f"states must end in an axis of at least 4 model states, got shape {states.shape}."
        )
    return runge_kutta_step(lambda x: tendencies(x, forcing), states, dt)


def attractor_state(
    model_size: int,
    rng: np.random.Generator,
    *,
    dt: float = 0.05,
    forcing: float = 8.0,
    spin_up: int = 1000,
) -> FloatArray:
    """Return a state on the attractor: a random start, then a spin-up.

    Args:
        model_size: Number of states, N.
        rng: Where the random start comes from.
        dt: Step in model time units.
        forcing: F.
        spin_up: Steps to forget the start.

    Returns:
        Shape `(model_size,)`.

    Raises:
        ValueError: If the ring is too small or `dt` is not a positive number.
    """
    state = forcing + rng.normal(size=model_size)
    for _ in range(spin_up):
        state = step(state, dt, forcing)
    return state
