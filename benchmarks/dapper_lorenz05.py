"""Lorenz (2005), model III: our step against DAPPER's, one process, the same states.

Needs DAPPER (`pip install -e "plugins/localization[dapper,sim]"`); the compiled rows need Numba.
Run as `OMP_NUM_THREADS=1 python benchmarks/dapper_lorenz05.py [members]`.
"""

import importlib.util
import sys
import time
from collections.abc import Callable

import numpy as np

from zoo_localization.lorenz05 import Lorenz05
from zoo_localization.lorenz05_compiled import step_compiled

STEPS, REPEATS = 10, 5
OURS = Lorenz05(model="III", averaging_length=32, smoothing_length=12, b=10.0, c=3.0, dt=0.001)


def microseconds(
    rows: dict[str, Callable[[np.ndarray], object]], states: np.ndarray
) -> dict[str, float]:
    """The best of some repeats, taken in turn, for one member and one step."""
    best = dict.fromkeys(rows, float("inf"))
    for repeat in range(1 + REPEATS):
        for name, advance in rows.items():
            start = time.perf_counter()
            advance(states)
            # The first round compiles and warms up.
            if repeat:
                best[name] = min(best[name], time.perf_counter() - start)
    return {name: 1e6 * seconds / STEPS / len(states) for name, seconds in best.items()}


def main() -> None:
    if importlib.util.find_spec("dapper") is None:
        sys.exit('DAPPER is not installed: pip install -e "plugins/localization[dapper,sim]"')
    from dapper.mods.Lorenz05 import Model

    members = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    states = np.random.default_rng(0).normal(3.0, 2.0, size=(members, 960))
    theirs = Model(b=10.0, c=3.0)

    def dapper(states: np.ndarray) -> np.ndarray:
        # It writes into the ensemble that it is given.
        states = states.copy()
        for _ in range(STEPS):
            states = theirs.step(states, 0.0, 0.001)
        return states

    rows = {"DAPPER": dapper, "ours, NumPy": lambda states: OURS.step(states, STEPS)}
    if importlib.util.find_spec("numba") is not None:
        rows["ours, compiled"] = lambda states: step_compiled(OURS, states, STEPS)
        rows["ours, compiled, float32"] = lambda states: step_compiled(
            OURS, states, STEPS, single_precision=True
        )
    difference = np.abs(dapper(states) - OURS.step(states, STEPS)).max()
    print(f"{members} members of 960 states, {STEPS} steps; largest difference {difference:.1e}")
    found = microseconds(rows, states)
    print("microseconds a member and step, and how many times faster than DAPPER")
    for name, value in found.items():
        print(f"{name:<24} {value:8.1f} {found['DAPPER'] / value:8.1f}")


if __name__ == "__main__":
    main()
