# mypy: disable-error-code="misc,no-any-return,no-untyped-call,untyped-decorator"
"""The models of Lorenz (2005), compiled by Numba; imported by `lorenz05_compiled` alone.

A block of members is advanced at once: one row of 64 bytes per state holds that state of 16 members
(float32) or 8 (float64), and `Lanes` is such a row in a vector register. A stage of Runge-Kutta is
one pass along the ring. All sums slide: add the newest row, take off the oldest; and what they need
of X, its means and products is kept in windows that stay in the fastest cache.

The compiled code is cached on disk. Numba renews the cache when this file changes, and looks at no
other: so everything that is compiled stands here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numba  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra
import numpy as np
from llvmlite import ir  # type: ignore[import-not-found,import-untyped,unused-ignore]
from numba.core import types  # type: ignore[import-not-found,import-untyped,unused-ignore]
from numba.extending import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    intrinsic,
    models,
    overload,
    register_model,
)

_ROW_BYTES = 64
# Sums start afresh after so many rows: rounding errors of sliding sums add up.
_ROWS_PER_SUM = 256

_jit = numba.njit(error_model="numpy")
_intrinsic: Any = intrinsic


class Lanes(types.Type):
    """Numba's type of a row: one state of each member of a block."""

    def __init__(self, dtype: Any) -> None:
        """Name the type by its scalars' type."""
        self.dtype = dtype
        super().__init__(name=f"Lanes({dtype})")

    @property
    def vector(self) -> Any:
        """The type in LLVM, which makes the most of whatever vector registers there are."""
        scalar = ir.FloatType() if self.dtype == types.float32 else ir.DoubleType()
        return ir.VectorType(scalar, 8 * _ROW_BYTES // self.dtype.bitwidth)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, lanes.vector)


@_intrinsic
def _rows_from(_: Any, space: Any, _n: Any) -> Any:
    """Return a pointer to row n of an aligned array, which it does not keep alive."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        rows = builder.bitcast(data, Lanes(space.dtype).vector.as_pointer())
        return builder.gep(rows, [arguments[1]])

    return types.CPointer(Lanes(space.dtype))(space, types.intp), build


@_intrinsic
def _spread(_: Any, scalar: Any) -> Any:
    """Return a row of one scalar."""

    def build(_context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = signature.return_type.vector
        empty, index = ir.Constant(vector, ir.Undefined), ir.IntType(32)
        first = builder.insert_element(empty, arguments[0], index(0))
        everywhere = ir.Constant(ir.VectorType(index, vector.count), [0] * vector.count)
        return builder.shuffle_vector(first, empty, everywhere)

    return Lanes(scalar)(scalar), build


def _teach(operation: Callable[[Any, Any], Any], instruction: str) -> None:
    """Give rows an arithmetic operation; "contract" lets a product and a sum be one instruction."""

    @_intrinsic
    def apply(_: Any, left: Any, right: Any) -> Any:
        def build(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return getattr(builder, instruction)(*arguments, flags=("contract",))

        return left(left, right), build

    @overload(operation)
    def choose(left: Any, right: Any) -> Any:
        def chosen(left: Any, right: Any) -> Any:
            return apply(left, right)

        return chosen if isinstance(left, Lanes) and left == right else None


_teach(operator.add, "fadd")
_teach(operator.sub, "fsub")
_teach(operator.mul, "fmul")


@_jit
def _aligned(like: Any, rows: int) -> Any:
    """Return room for so many rows, on boundaries of rows."""
    lanes = _ROW_BYTES // like.itemsize
    space = np.empty((rows + 1) * lanes, like.dtype)
    return space[(-space.ctypes.data % _ROW_BYTES) // like.itemsize :]


class _Work(NamedTuple):
    """Pointers to the work space of a block: rings of all states, and windows."""

    ring: Any  # the states that a stage starts from, and their neighbours around the ring
    total: Any  # the slopes of the stages so far, weighted
    state: Any  # the states that the step started from
    long: Any  # window of X
    means: Any  # window of W
    products: Any  # window of W[n-K] X[n+K]
    boxes: Any  # window of sums of I states, from each on


class _Masks(NamedTuple):
    """The window of n is row `n & mask`."""

    long: int
    means: int
    products: int
    boxes: int


class _Reach(NamedTuple):
    """How far a stage sees: `lead` rows ahead, `back` rows behind the first."""

    averaged: int  # K
    smoothed: int  # I
    lead: int
    back: int


@_jit
def _reach_of(lengths: Any) -> Any:
    """Return how far a stage sees."""
    averaged, smoothed = lengths
    half = averaged // 2
    return _Reach(averaged, smoothed, max(averaged + half, smoothed) + 1, 2 * averaged + half + 1)


@_jit
def _mask(rows: int) -> int:
    """Return the mask of a window of at least so many rows."""
    window = 1
    while window < rows:
        window *= 2
    return window - 1


@_jit
def _close(ring: Any, size: int, before: int, after: int) -> None:
    """Write the rows before and after a ring, which may be more than it has."""
    for n in range(1, before + 1):
        ring[-n] = ring[size - n]
    for n in range(after):
        ring[size + n] = ring[n]


@_jit
def _sum(rows: Any, mask: int, start: int, count: int) -> Any:
    """Return the sum of `count` rows of a window."""
    total = rows[start & mask]
    for n in range(start + 1, start + count):
        total = total + rows[n & mask]
    return total


@_jit
def _start_smooth(work: Any, masks: Any, start: int, length: int) -> Any:
    """Return the sums that `_smooth` slides along the ring: a box, and a triangle of boxes."""
    right = _sum(work.ring, -1, start - length + 1, length)
    work.boxes[(start - length + 1) & masks.boxes] = right
    around = right
    for n in range(start - length + 2, start + 1):
        right = _sum(work.ring, -1, n, length)
        work.boxes[n & masks.boxes] = right
        around = around + right
    return right, around


@_jit
def _smooth(work: Any, masks: Any, n: int, length: int, weights: Any, sums: Any) -> Any:
    """Write X of one row, and return the sums of the next."""
    (triangle, box, end), (right, around) = weights, sums
    here, after = work.ring[n], work.ring[n + length]
    left = work.boxes[(n - length + 1) & masks.boxes]
    inside, ends = right + left - here, work.ring[n - length] + after
    work.long[n & masks.long] = triangle * around + box * inside + end * ends
    right = right + (after - here)
    work.boxes[(n + 1) & masks.boxes] = right
    return right, around + (right - left)


@_jit
def _start_means(work: Any, masks: Any, length: int, shares: Any) -> None:
    """Write the means and products upstream of what `_stage` writes."""
    half, (last, whole), long = length // 2, shares, work.long
    behind = _sum(long, masks.long, -2 * length + half - length, length)
    for n in range(-2 * length, half - length):
        newest, oldest = long[(n + half) & masks.long], long[(n + half - length) & masks.long]
        ahead = behind + (newest - oldest)
        work.means[n & masks.means] = last * behind + whole * ahead
        behind = ahead
    for n in range(half - length, half):
        mean = work.means[(n - length) & masks.means]
        work.products[n & masks.products] = mean * long[(n + length) & masks.long]


@_jit
def _march(work: Any, stage: int, n: int, slope: Any, dt: Any, two: Any) -> None:
    """Take one row through a Runge-Kutta stage; `dt` is the stage's own."""
    start = work.state[n]
    if stage == 0:
        work.total[n] = slope
        work.ring[n] = start + dt * slope
    elif stage < 3:
        work.total[n] = work.total[n] + two * slope
        work.ring[n] = start + dt * slope
    else:
        end = start + dt * (work.total[n] + slope)
        work.state[n] = end
        work.ring[n] = end


@_jit
def _stage(
    work: Any, masks: Any, reach: Any, size: int, factors: Any, stage: int, stage_dt: Any
) -> None:
    """Take a block through a Runge-Kutta stage."""
    ring, long, means, products = work.ring, work.long, work.means, work.products
    length, half, lead = reach.averaged, reach.averaged // 2, reach.lead
    weights = _spread(factors[0]), _spread(factors[1]), _spread(factors[2])
    last, whole = _spread(factors[3]), _spread(factors[4])
    squared, b, c = _spread(factors[5] * factors[5]), _spread(factors[5]), _spread(factors[6])
    forcing, dt, two = _spread(factors[7]), _spread(stage_dt), _spread(factors.dtype.type(2))
    sums = _start_smooth(work, masks, -reach.back, reach.smoothed)
    for n in range(-reach.back, lead):
        sums = _smooth(work, masks, n, reach.smoothed, weights, sums)
    _start_means(work, masks, length, (last, whole))
    # Y and b^2 Y + c X of the last rows: the next trial overwrites what they come from.
    waves, first_waves = long[0], long[-1 & masks.long]
    second, first, short = ring[-2] - long[-2 & masks.long], ring[-1] - first_waves, ring[0] - waves
    before, here = squared * first + c * first_waves, squared * short + c * waves
    for start in range(0, size, _ROWS_PER_SUM):
        sums = _start_smooth(work, masks, start + lead, reach.smoothed)
        behind = _sum(long, masks.long, start + 2 * half - 2 * length, length)
        advected = _sum(products, masks.products, start + half - length, length)
        for n in range(start, min(start + _ROWS_PER_SUM, size)):
            sums = _smooth(work, masks, n + lead, reach.smoothed, weights, sums)
            new, gone = n + half, n + half - length
            newest = long[(gone + half) & masks.long]
            ahead = behind + (newest - long[(gone + half - length) & masks.long])
            mean = last * behind + whole * ahead
            product = mean * long[(new + length) & masks.long]
            onward = advected + (product - products[gone & masks.products])
            products[new & masks.products] = product
            means[gone & masks.means] = mean
            upstream = means[(n - 2 * length) & masks.means] * means[(n - length) & masks.means]
            next_waves = long[(n + 1) & masks.long]
            next_short = ring[n + 1] - next_waves
            after = squared * next_short + c * next_waves
            large = last * advected + whole * onward - upstream
            small = first * after - second * before - b * short
            _march(work, stage, n, large - waves + small + forcing, dt, two)
            behind, advected, waves = ahead, onward, next_waves
            second, first, short, before, here = first, short, next_short, here, after


@_jit
def _advance(
    members: Any, first: int, steps: int, lengths: Any, factors: Any, stage_dts: Any
) -> None:
    """Advance the block of members from `first` on in place; a short block is filled up."""
    (count, size), lanes = members.shape, _ROW_BYTES // members.itemsize
    reach = _reach_of(lengths)
    length, before, after = reach.averaged, reach.back + reach.smoothed, reach.lead + reach.smoothed
    masks = _Masks(
        _mask(reach.back + reach.lead + 1),
        _mask(length + length // 2 + 1),
        _mask(length),
        _mask(reach.smoothed + 1),
    )
    state = before + size + after
    long = state + 2 * size
    means = long + masks.long + 1
    products = means + masks.means + 1
    boxes = products + masks.products + 1
    space = _aligned(members, boxes + masks.boxes + 1)
    work = _Work(
        _rows_from(space, before),
        _rows_from(space, state + size),
        _rows_from(space, state),
        _rows_from(space, long),
        _rows_from(space, means),
        _rows_from(space, products),
        _rows_from(space, boxes),
    )
    for lane in range(lanes):
        member = members[min(first + lane, count - 1)]
        for n in range(size):
            space[(state + n) * lanes + lane] = space[(before + n) * lanes + lane] = member[n]
    for _ in range(steps):
        for stage in range(4):
            _close(work.ring, size, before, after)
            _stage(work, masks, reach, size, factors, stage, stage_dts[stage])
    # Reading `space` last is what keeps it alive while the pointers are in use.
    for lane in range(min(lanes, count - first)):
        member = members[first + lane]
        for n in range(size):
            member[n] = space[(state + n) * lanes + lane]


def _advance_all(members: Any, steps: int, lengths: Any, factors: Any, stage_dts: Any) -> None:
    """Advance `(members, model_size)` states in place, blocks of members side by side.

    Args:
        members: States, float32 or float64.
        steps: Steps to take.
        lengths: K and I.
        factors: In the states' type: the weights of the smoother's triangle, box and ends; those of
            the two sums of K neighbours whose sum is a centred mean; b, c and F.
        stage_dts: In the states' type: what each of the four stages multiplies its slopes by.
    """
    lanes = _ROW_BYTES // members.itemsize
    for block in numba.prange((members.shape[0] + lanes - 1) // lanes):
        _advance(members, block * lanes, steps, lengths, factors, stage_dts)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile for all threads, and cache that wherever Numba can write."""
    try:
        return numba.njit(parallel=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # neither the package nor the user has a folder for it
        return numba.njit(parallel=True, error_model="numpy")(function)


advance = _compiled(_advance_all)
