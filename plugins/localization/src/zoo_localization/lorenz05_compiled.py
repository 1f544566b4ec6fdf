"""The models of Lorenz (2005), many times faster: needs Numba, the extra `sim`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.extras import imported
from zoo_localization.lorenz05 import END_SHARES, Lorenz05, smoothing_weights


def step_compiled(
    model: Lorenz05, states: Any, steps: int = 1, *, single_precision: bool = False
) -> NDArray[Any]:
    """Advance states as `model.step` does, compiled and on all of Numba's threads.

    The first call on a machine compiles, for some seconds; Numba keeps the code in its cache.
    `NUMBA_NUM_THREADS` sets the threads; the result does not depend on them. Members are advanced
    16 at a time (float32) or 8 (float64): fewer take as long.

    Args:
        model: Which of the models, with its parameters.
        states: Shape `(..., model_size)`.
        steps: Steps of `dt` to take.
        single_precision: Whether to compute, and return, float32 instead of float64.

    Returns:
        The states `steps * dt` later, same shape.

    Raises:
        ValueError: If the ring is smaller than the model's `least_size`.
        ImportError: If Numba is not installed.
    """
    values = model.checked(states)
    kernels = imported(
        "zoo_localization.lorenz05_kernels",
        "sim",
        "compiled steps need Numba",
        "leave compiled out",
    )
    dtype = np.float32 if single_precision else np.float64
    members = np.array(values.reshape(-1, values.shape[-1]), dtype, order="C")
    stage_dts = np.array([model.dt / 2, model.dt / 2, model.dt, model.dt / 6], dtype)
    kernels.advance(members, steps, _lengths(model), _factors(model).astype(dtype), stage_dts)
    return members.reshape(values.shape)


def _lengths(model: Lorenz05) -> tuple[int, int]:
    """Return K and I; model I is II with means of one state."""
    averaged = 1 if model.model == "I" else model.averaging_length
    return averaged, model.smoothing_length if model.model == "III" else 1


def _factors(model: Lorenz05) -> NDArray[np.float64]:
    """Return the kernel's factors; model II is III where the smoother keeps each state as it is."""
    averaged, _ = _lengths(model)
    smoother = [0.0, 1.0, 0.0]
    if model.model == "III":
        alpha, beta = smoothing_weights(model.smoothing_length)
        end = alpha - beta * model.smoothing_length
        smoother = [beta, end, END_SHARES[model.end_weight] * end]
    shares = [0.0, 1 / averaged] if averaged % 2 else [0.5 / averaged, 0.5 / averaged]
    return np.array([*smoother, *shares, model.b, model.c, model.forcing])
