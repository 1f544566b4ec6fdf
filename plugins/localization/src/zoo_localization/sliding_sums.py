"""Sums over a window that slides around a ring, in log2(width) additions a state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def wrap(states: FloatArray, before: int, after: int) -> FloatArray:
    """Lengthen a ring by what lies beyond its two ends.

    Args:
        states: Shape `(..., model_size)`.
        before: States to repeat before the first, at most `model_size`.
        after: States to repeat behind the last, at most `model_size`.

    Returns:
        Shape `(..., before + model_size + after)`.
    """
    size = states.shape[-1]
    return np.concatenate([states[..., size - before :], states, states[..., :after]], axis=-1)


def sliding_sum(values: FloatArray, width: int) -> FloatArray:
    """Sum every `width` neighbours of a line.

    Two sums of 2**k neighbours, side by side, make one of 2**(k+1). Unlike differences of a running
    sum, this adds each value once, so nothing cancels and the result is good to the last bits.

    Args:
        values: Shape `(..., length)`.
        width: Neighbours in a sum, from 1 to `length`.

    Returns:
        Shape `(..., length - width + 1)`; entry `n` is the sum of `values[n : n + width]`.
    """
    places = values.shape[-1] - width + 1
    total: FloatArray | None = None
    start, span, sums = 0, 1, values
    while True:
        if width & span:
            part = sums[..., start : start + places]
            total = part if total is None else total + part
            start += span
        if 2 * span > width:
            break
        sums = sums[..., :-span] + sums[..., span:]
        span *= 2
    assert total is not None  # width is at least 1, so one of its bits is set
    return total


def centred_sum(values: FloatArray, width: int) -> FloatArray:
    """Sum `width` neighbours around each place; for even widths the two ends count half.

    Args:
        values: Shape `(..., length)`.
        width: Weight of a sum: `width` neighbours if odd, `width + 1` if even.

    Returns:
        Shape `(..., length - 2*(width//2))`; entry `n` is centred on `values[n + width//2]`.

    Source:
        Lorenz (2005), doi:10.1175/JAS3430.1, the sum written with a prime (section 3).
    """
    sums = sliding_sum(values, width)
    if width % 2:
        return sums
    return np.asarray((sums[..., :-1] + sums[..., 1:]) / 2)
