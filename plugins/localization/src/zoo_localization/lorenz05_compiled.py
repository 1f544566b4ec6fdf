"""Lorenz (2005), model III, many times faster: needs Numba, the extra `sim`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.lorenz05 import END_SHARES, Lorenz05, smoothing_weights


def step_compiled(
    model: Lorenz05, states: Any, steps: int = 1, *, single_precision: bool = False
) -> NDArray[Any]:
    """Advance states as `model.step` does, compiled and on all of Numba's threads.

    The first call in a process compiles, for some seconds. `NUMBA_NUM_THREADS` sets the threads;
    the result does not depend on them.

    Args:
        model: Model III with its parameters.
        states: Shape `(..., model_size)`.
        steps: Steps of `dt` to take.
        single_precision: Whether to compute, and return, float32 instead of float64.

    Returns:
        The states `steps * dt` later, same shape.

    Raises:
        ValueError: If the model is not III, or the ring smaller than its `least_size`.
        ImportError: If Numba is not installed.
    """
    if model.model != "III":
        raise ValueError(
            f'model must be "III" to be compiled, got {model.model!r}. Use its own step instead.'
        )
    values = model.checked(states)
    advance = _kernel()
    dtype = np.float32 if single_precision else np.float64
    alpha, beta = smoothing_weights(model.smoothing_length)
    end = alpha - beta * model.smoothing_length
    weights = np.array([beta, end, END_SHARES[model.end_weight] * end], dtype)
    lengths = np.array([model.averaging_length, model.smoothing_length])
    scalars = np.array([model.b, model.c, model.forcing, model.dt], dtype)
    members = np.array(values.reshape(-1, values.shape[-1]), dtype, order="C")
    advance(members, steps, lengths, weights, scalars)
    return members.reshape(values.shape)


def _kernel() -> Any:
    """Import the kernel here, so that nothing else needs Numba."""
    try:
        from zoo_localization.lorenz05_kernels import advance
    except ImportError as error:
        raise ImportError(
            'compiled steps need Numba: pip install "zoo-localization[sim]", or leave compiled out.'
        ) from error
    return advance
