"""One step of the classical fourth-order Runge-Kutta scheme, for any model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def runge_kutta_step(
    tendencies: Callable[[FloatArray], FloatArray], states: FloatArray, dt: float
) -> FloatArray:
    """Advance states by one step.

    Args:
        tendencies: Gives the time derivative of states, as an array of its own; it is worked on.
        states: Any shape that `tendencies` takes.
        dt: Step, in the time unit of the derivative.

    Returns:
        The states `dt` later, same shape.

    Raises:
        ValueError: If `dt` is not a positive finite number.

    Source:
        Kutta (1901), Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen.
    """
    check_step(dt)
    first = tendencies(states)
    second = tendencies(states + (dt / 2) * first)
    third = tendencies(states + (dt / 2) * second)
    fourth = tendencies(states + dt * third)
    second += third
    second *= 2
    first += second
    first += fourth
    first *= dt / 6
    first += states
    return first


def check_step(dt: float) -> None:
    """Check that a step is one.

    Args:
        dt: Step in model time units.

    Raises:
        ValueError: If it is not a positive finite number.
    """
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be a positive number of model time units, got {dt!r}.")
