"""Lorenz (2005), model III, 960 states: microseconds a member and step, and how much faster.

The anchor is a plain loop over states, members and neighbours, written from the equations and
compiled by Numba. Every repeat runs every row once, in turn; ratios are medians over repeats.
Run as `python benchmarks/lorenz05.py [results.json]`, on an idle machine; it takes half a minute.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from zoo_localization.lorenz05 import END_SHARES, smoothing_weights
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.lorenz05_twin import WANG_2023

MODEL, SIZE, REPEATS = WANG_2023.twin.model, WANG_2023.twin.model_size, 15
# Members and steps of a row: enough to time, few enough for the slow ones.
PLAIN, NUMPY, COMPILED = (1, 5), (16, 5), (256, 20)
Row = tuple[Callable[[np.ndarray, int], np.ndarray], tuple[int, int], int]


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
    k, i = MODEL.averaging_length, MODEL.smoothing_length
    alpha, beta = smoothing_weights(i)
    share, states = END_SHARES[MODEL.end_weight], states.copy()
    plain_steps(states, steps, MODEL.dt, k, i, alpha, beta, share, MODEL.b, MODEL.c, MODEL.forcing)
    return states


def double(states: np.ndarray, steps: int) -> np.ndarray:
    return step_compiled(MODEL, states, steps)


def single(states: np.ndarray, steps: int) -> np.ndarray:
    return step_compiled(MODEL, states, steps, single_precision=True)


def rows() -> dict[str, Row]:
    found: dict[str, Row] = {
        "plain loop, float64, 1 thread": (plain, PLAIN, 1),
        "NumPy, float64": (MODEL.step, NUMPY, 1),
    }
    for threads in range(1, min(2, numba.config.NUMBA_NUM_THREADS) + 1):
        name = "1 thread" if threads == 1 else f"{threads} threads"
        found[f"compiled, float64, {name}"] = (double, COMPILED, threads)
        found[f"compiled, float32, {name}"] = (single, COMPILED, threads)
    return found


def measure(states: np.ndarray) -> dict[str, list[float]]:
    """Microseconds a member and step of every row, by repeat."""
    times: dict[str, list[float]] = {name: [] for name in rows()}
    for repeat in range(1 + REPEATS):
        for name, (advance, (members, steps), threads) in rows().items():
            numba.set_num_threads(threads)
            start = time.perf_counter()
            advance(states[:members], steps)
            # The first round compiles and warms up.
            if repeat:
                times[name].append(1e6 * (time.perf_counter() - start) / (members * steps))
    return times


def main() -> None:
    few = double(7.5 + np.random.default_rng(0).standard_normal((16, SIZE)), 2000)
    expected = MODEL.step(few, 50)
    differences = {
        name: float(np.abs(advance(few, 50) - expected).max())
        for name, advance in (("plain", plain), ("float64", double), ("float32", single))
    }
    times = measure(np.resize(few, (COMPILED[0], SIZE)))
    anchor = next(iter(times.values()))
    table = []
    print(f"{'':34}{'us':>10}{'times faster':>14}")
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(anchor, found, strict=True))
        table.append({"name": name, "us": statistics.median(found), "times_faster": ratio})
        print(f"{name:34}{table[-1]['us']:10.2f}{ratio:14.1f}")
    listed = ", ".join(f"{name} {value:.1e}" for name, value in differences.items())
    print(f"Largest difference from NumPy after 50 steps: {listed}")
    if len(sys.argv) > 1:
        machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        versions = {"numba": numba.__version__, "numpy": np.__version__}
        results = {"rows": table, "differences": differences, **machine, **versions}
        Path(sys.argv[1]).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
