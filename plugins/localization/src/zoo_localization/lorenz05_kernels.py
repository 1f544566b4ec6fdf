# mypy: disable-error-code="misc,untyped-decorator"
"""Model III of Lorenz (2005), compiled by Numba; imported by `lorenz05_compiled` alone.

The formulas are those of `lorenz05`, one member at a time in work space that stays in the cache.
"""

from __future__ import annotations

from typing import Any

import numba  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra
import numpy as np

# Rows of a thread's work space.
ROWS = 13


@numba.njit(error_model="numpy")
def _wrap(values: Any, ring: Any, before: int, after: int) -> None:
    """Write a ring into `ring`, lengthened at both ends."""
    size = values.size
    for n in range(before):
        ring[n] = values[size - before + n]
    for n in range(size):
        ring[before + n] = values[n]
    for n in range(after):
        ring[before + size + n] = values[n]


@numba.njit(error_model="numpy")
def _sliding_sum(values: Any, length: int, width: int, spare: Any, total: Any) -> int:
    """Write the sums of `width` neighbours into `total`, and return how many there are."""
    places = length - width + 1
    start, span, left, is_first, turn = 0, 1, length, True, 0
    sums = values
    while True:
        if width & span:
            # Slices from 0 and arrays that do not overlap are what lets the loops be vectorized.
            part = sums[start : start + places]
            for n in range(places):
                total[n] = part[n] if is_first else total[n] + part[n]
            start, is_first = start + span, False
        if 2 * span > width:
            return places
        left -= span
        ahead, doubled = sums[span : span + left], spare[turn]
        for n in range(left):
            doubled[n] = sums[n] + ahead[n]
        sums, turn, span = doubled, 1 - turn, 2 * span


@numba.njit(error_model="numpy")
def _centred_mean(values: Any, length: int, width: int, spare: Any, total: Any) -> None:
    """Write the means around each place into `total`; even widths have half weight at both ends."""
    places = _sliding_sum(values, length, width, spare, total)
    if width % 2:
        scale = total.dtype.type(1.0 / width)
        for n in range(places):
            total[n] *= scale
    else:
        scale = total.dtype.type(0.5 / width)
        following = total[1:]
        for n in range(places - 1):
            total[n] = (total[n] + following[n]) * scale


@numba.njit(error_model="numpy")
def _smooth(states: Any, length: int, weights: Any, out: Any, work: Any) -> None:
    """Write the long waves of `states` into `out`; `weights` are of triangle, box and ends."""
    size = states.size
    ring, boxes, triangle = work[0], work[1], work[2]
    _wrap(states, ring, length, length)
    places = _sliding_sum(ring, size + 2 * length, length, work[11:13], boxes)
    _sliding_sum(boxes[1:], places - 2, length, work[11:13], triangle)
    boxes_ahead, ring_ahead = boxes[length : length + size], ring[2 * length : 2 * length + size]
    for n in range(size):
        inside = boxes[n] + boxes_ahead[n] - ring[n]
        ends = ring[n] + ring_ahead[n]
        out[n] = weights[0] * triangle[n] + weights[1] * inside + weights[2] * ends


@numba.njit(error_model="numpy")
def _tendencies(states: Any, lengths: Any, weights: Any, scalars: Any, out: Any, work: Any) -> None:
    """Write the time derivative of one state into `out`."""
    averaged, half, size = lengths[0], lengths[0] // 2, states.size
    long, ring, means, products, advected = work[4][:size], work[0], work[1], work[2], work[10]
    _smooth(states, lengths[1], weights, long, work)
    _wrap(long, ring, 2 * averaged + half, averaged + half)
    _centred_mean(ring, size + averaged + 3 * half, averaged, work[11:13], means)
    upstream, downstream = means[averaged - half :], ring[3 * averaged :]
    for n in range(size + 2 * half):
        products[n] = upstream[n] * downstream[n]
    _centred_mean(products, size + 2 * half, averaged, work[11:13], advected)
    b, c, forcing = scalars[0], scalars[1], scalars[2]
    short, carrier = work[5], work[6]
    here, around, near = short[2 : 2 + size], carrier[1 : 1 + size], means[averaged:]
    for n in range(size):
        here[n] = states[n] - long[n]
        around[n] = b * b * here[n] + c * long[n]
    short[0], short[1] = here[size - 2], here[size - 1]
    carrier[0], carrier[size + 1] = around[size - 1], around[0]
    before, after = short[1 : 1 + size], carrier[2 : 2 + size]
    for n in range(size):
        large = advected[n] - means[n] * near[n] - long[n]
        small = before[n] * after[n] - short[n] * carrier[n] - b * here[n]
        out[n] = large + small + forcing


@numba.njit(error_model="numpy")
def _advance(state: Any, steps: int, lengths: Any, weights: Any, scalars: Any, work: Any) -> None:
    """Advance one state in place by Runge-Kutta steps; `scalars[3]` is the step."""
    size, dt = state.size, scalars[3]
    slope, total, trial = work[7][:size], work[8][:size], work[9][:size]
    one, two, six = state.dtype.type(1), state.dtype.type(2), state.dtype.type(6)
    for _ in range(steps):
        _tendencies(state, lengths, weights, scalars, slope, work)
        total[:] = slope
        for stage in range(3):
            reach = dt if stage == 2 else dt / two
            share = one if stage == 2 else two
            for n in range(size):
                trial[n] = state[n] + reach * slope[n]
            _tendencies(trial, lengths, weights, scalars, slope, work)
            for n in range(size):
                total[n] += share * slope[n]
        for n in range(size):
            state[n] += dt / six * total[n]


@numba.njit(parallel=True, error_model="numpy")
def advance(members: Any, steps: int, lengths: Any, weights: Any, scalars: Any) -> None:
    """Advance `(members, model_size)` states in place, members side by side.

    Args:
        members: States, float32 or float64.
        steps: Steps to take.
        lengths: K and I.
        weights: Of the smoother's triangle, box and ends, in the states' type.
        scalars: b, c, F and the step, in the states' type.
    """
    row = members.shape[1] + 4 * lengths[0] + 2 * lengths[1] + 4
    for m in numba.prange(members.shape[0]):
        work = np.empty((ROWS, row), members.dtype)
        _advance(members[m], steps, lengths, weights, scalars, work)
