"""A step of Lorenz (2005), model III, against the equations as plain loops, and against DAPPER."""

import importlib.util
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from typing import Any

import numba
import numpy as np

from benchmarks.speed.timing import Figure, rounds_of
from zoo_localization.lorenz05 import END_SHARES, smoothing_weights
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.lorenz05_twin import WANG_2023

MODEL, SIZE = WANG_2023.twin.model, WANG_2023.twin.model_size
PLAIN = "the equations as plain loops, compiled by Numba, float64, 1 thread"
DAPPER = "DAPPER, members batched, float64, 1 thread"
# Members and steps of a call: enough to time, few enough for the slow ones.
SLOW, BATCHED, FAST = (1, 5), (40, 2), (256, 20)
Advance = Callable[[np.ndarray, int], np.ndarray]
Row = tuple[Advance, tuple[int, int], int]


@numba.njit(error_model="numpy")
def plain_tendencies(z, k, i, alpha, beta, share, b, c, forcing):
    """The equations as they stand, state by state, one sum at a time."""
    size, j = z.size, k // 2
    x, w, slopes = np.zeros(size), np.zeros(size), np.zeros(size)
    for n in range(size):
        for m in range(-i, i + 1):
            end = share if abs(m) == i else 1.0
            x[n] += end * (alpha - beta * abs(m)) * z[(n + m) % size]
    y = z - x
    for n in range(size):
        for m in range(-j, j + 1):
            end = 0.5 if k % 2 == 0 and abs(m) == j else 1.0
            w[n] += end * x[(n - m) % size] / k
    for n in range(size):
        large = -w[(n - 2 * k) % size] * w[(n - k) % size]
        for m in range(-j, j + 1):
            end = 0.5 if k % 2 == 0 and abs(m) == j else 1.0
            large += end * w[(n - k + m) % size] * x[(n + k + m) % size] / k
        ahead, behind, upstream = (n + 1) % size, (n - 1) % size, (n - 2) % size
        small = -y[upstream] * y[behind] + y[behind] * y[ahead]
        mixed = -y[upstream] * x[behind] + y[behind] * x[ahead]
        slopes[n] = large + b * b * small + c * mixed - x[n] - b * y[n] + forcing
    return slopes


@numba.njit(error_model="numpy")
def plain_steps(states, steps, dt, k, i, alpha, beta, share, b, c, forcing):
    for m in range(len(states)):
        z = states[m]
        for _ in range(steps):
            one = plain_tendencies(z, k, i, alpha, beta, share, b, c, forcing)
            two = plain_tendencies(z + dt / 2 * one, k, i, alpha, beta, share, b, c, forcing)
            three = plain_tendencies(z + dt / 2 * two, k, i, alpha, beta, share, b, c, forcing)
            four = plain_tendencies(z + dt * three, k, i, alpha, beta, share, b, c, forcing)
            z = z + dt / 6 * (one + 2 * two + 2 * three + four)
        states[m] = z


def plain(states: np.ndarray, steps: int) -> np.ndarray:
    """Advances states by the plain loops."""
    k, i = MODEL.averaging_length, MODEL.smoothing_length
    alpha, beta = smoothing_weights(i)
    share, states = END_SHARES[MODEL.end_weight], states.copy()
    plain_steps(states, steps, MODEL.dt, k, i, alpha, beta, share, MODEL.b, MODEL.c, MODEL.forcing)
    return states


def _dapper() -> Advance | None:
    if importlib.util.find_spec("dapper") is None:
        return None
    from dapper.mods.Lorenz05 import Model

    lengths = {"K": MODEL.averaging_length, "J": MODEL.smoothing_length}
    theirs = Model(M=SIZE, **lengths, b=MODEL.b, c=MODEL.c, Force=MODEL.forcing)

    def advance(states: np.ndarray, steps: int) -> np.ndarray:
        # `step` takes the members one by one, which is no faster.
        for _ in range(steps):
            states = theirs.step1(states, 0.0, MODEL.dt)
        return states

    return advance


def _rows() -> dict[str, Row]:
    double = partial(step_compiled, MODEL)
    single: Advance = partial(step_compiled, MODEL, single_precision=True)
    threads = min(2, numba.config.NUMBA_NUM_THREADS)
    rows: dict[str, Row] = {
        "plain loops": (plain, SLOW, 1),
        "NumPy": (MODEL.step, BATCHED, 1),
        "float64, 1 thread": (double, FAST, 1),
        "float32, 1 thread": (single, FAST, 1),
        f"float64, {threads} threads": (double, FAST, threads),
        "ours": (single, FAST, threads),
    }
    dapper = _dapper()
    return rows if dapper is None else {**rows, "DAPPER": (dapper, BATCHED, 1)}


def _act(states: np.ndarray, row: Row) -> Callable[[], Any]:
    advance, (members, steps), threads = row

    def act() -> None:
        numba.set_num_threads(threads)
        advance(states[:members], steps)

    return act


def measure(full: bool) -> Iterator[Figure]:
    """Times all rows in turn; a round runs each of them once."""
    starts = MODEL.forcing / 2 + np.random.default_rng(0).standard_normal((FAST[0], SIZE))
    states, rows = step_compiled(MODEL, starts, 3000), _rows()
    times = rounds_of({name: _act(states, row) for name, row in rows.items()}, 45 if full else 15)
    # Microseconds a member and step.
    each = {
        name: [1e6 * seconds / (row[1][0] * row[1][1]) for seconds in times[name]]
        for name, row in rows.items()
    }
    said = ", ".join(f"{name} {statistics.median(found):.3g}" for name, found in each.items())
    error = np.abs(rows["ours"][0](states[:64], 50) - MODEL.step(states[:64], 50)).max()
    detail = f"microseconds a member and step: {said}; {error:.1e} off float64 after 50 steps"
    what = f"Lorenz-05 III step, float32, {rows['ours'][2]} threads"
    for anchor, other, goal in ((PLAIN, "plain loops", 300), (DAPPER, "DAPPER", 60)):
        name = f"{what}, times faster than {other}"
        if other not in each:
            why = "DAPPER is not installed"
            yield Figure(name, anchor, None, goal, more_is_better=True, detail=why)
            continue
        pairs = zip(each[other], each["ours"], strict=True)
        ratio = statistics.median(their / our for their, our in pairs)
        named = anchor.replace("DAPPER", f"DAPPER {version('dapper')}") if goal == 60 else anchor
        yield Figure(name, named, ratio, goal, more_is_better=True, detail=detail)
