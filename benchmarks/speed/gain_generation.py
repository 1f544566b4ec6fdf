"""Gain pairs of a published size: what a cycle of simulating them takes, and the whole set."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.speed.lorenz05 import MODEL, SIZE, plain
from benchmarks.speed.timing import Figure, timed
from zoo_localization.gain_pairs import snapshots
from zoo_localization.lorenz05_datasets import generate_gains
from zoo_localization.lorenz05_pairs import Lorenz05PairSettings

SECONDS_EACH, CYCLES, HOUR = 0.4, 7_200, 3600.0
# A reference of 2000 members, and two filters of 40: one a matrix analysis, one a serial analysis.
SETTINGS = Lorenz05PairSettings(spin_up=0, cycles_between_pairs=1, small_filters=2)
# The first cycles compile.
_WARM_UP = 3


def _settings(cycles: int) -> Lorenz05PairSettings:
    return replace(SETTINGS, pairs_per_block=cycles * SETTINGS.small_filters)


def _seconds_a_cycle(cycles: int) -> list[float]:
    ends: list[float] = []
    settings = _settings(cycles + _WARM_UP)
    for _ in snapshots(settings, "train", 0, lambda: ends.append(time.perf_counter())):
        pass
    return [after - before for before, after in pairwise(ends)][_WARM_UP - 1 :]


def _plain_forecast() -> float:
    """Gives the seconds that plain loops would take for a cycle's forecast, from a few steps."""
    states = MODEL.forcing / 2 + np.random.default_rng(0).standard_normal((1, SIZE))
    plain(states, 1)
    step = statistics.median(timed(lambda: plain(states, 5)) / 5 for _ in range(9))
    members = SETTINGS.reference_members + SETTINGS.small_filters * SETTINGS.members
    return step * members * SETTINGS.steps_per_cycle


def measure(full: bool) -> Iterator[Figure]:
    """Times cycles one by one, and then blocks as users get them, files and all."""
    cycles = 100 if full else 30
    found = _seconds_a_cycle(cycles)
    yield Figure(
        "gain generation: a cycle, 2000 + 40 + 40 members",
        f"{SECONDS_EACH:g} seconds",
        statistics.median(found) / SECONDS_EACH,
        1.0,
        detail=f"{statistics.median(found):.3f} s a cycle, {min(found):.3f} to {max(found):.3f}; "
        f"plain loops would take {_plain_forecast():.0f} s for its forecast",
    )
    with tempfile.TemporaryDirectory() as name:
        settings = _settings(cycles)
        pairs = settings.pairs_per_block
        seconds = timed(lambda: generate_gains(settings, "train", pairs, folder=Path(name)))
    yield Figure(
        "gain generation: the whole set of 7,200 cycles",
        "an hour",
        seconds / cycles * CYCLES / HOUR,
        1.0,
        detail=f"{seconds:.1f} s for {cycles} cycles, the truth's spin-up and files included",
    )
