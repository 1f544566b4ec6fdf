"""Kills while a version is published."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from pathlib import Path

from tests.faults.order import calls_of_a_publish
from tests.faults.promise import Promise, Tally
from tests.faults.store import (
    candidate,
    entries,
    fork,
    new_zoo,
    temporary_files,
    waiting_at_most,
    wrong_with,
)
from zoo.registry.publishing import publish

_KILLS_A_ZOO = 20
_VALUES = 40_000


def kill_publishing(count: int, seed: int, folder: Path) -> Tally:
    """Kills a publish at random moments and at random system calls, and publishes after each."""
    tally, draw = Tally(), random.Random(seed)
    calls = list(range(1, len(calls_of_a_publish(new_zoo(folder / "calls"))) + 1))
    draw.shuffle(calls)
    found = {"before": 0, "in": 0, "after": 0}
    littered = 0
    length = _length(new_zoo(folder / "length"))
    root = folder  # the first kill makes a zoo of it
    for number in range(count):
        if number % _KILLS_A_ZOO == 0 or wrong_with(root, []):
            root = new_zoo(folder / f"zoo-{number}")
        before, files = entries(root), _files(root)
        if number % 2:
            calls_of_a_publish(root, calls[number // 2 % len(calls)])
        else:
            _publish_and_kill(root, draw.uniform(0, 1.1 * length))
        changed = _files(root) != files
        listed = len(entries(root)) > len(before) if not wrong_with(root, before) else False
        found["after" if listed else "in" if changed else "before"] += 1
        littered += any(str(path) not in files for path in temporary_files(root))
        with tally.trial(f"kill {number}"), waiting_at_most(2):
            assert (wrong := wrong_with(root, before)) == [], wrong
            entry = publish(root, candidate(values=_VALUES))
            assert (wrong := wrong_with(root, [*before, entry])) == [], wrong
    kills = ", ".join(f"{number} {when}" for when, number in found.items())
    tally.notes += [f"kills: {kills} (the entry is listed)", f"{littered} left temporary files"]
    return tally


def _publish_and_kill(root: Path, seconds: float) -> None:
    def work() -> None:
        os.write(write, b"!")
        publish(root, candidate(values=_VALUES))
        time.sleep(60)

    read, write = os.pipe()
    child, told = fork(work)
    os.read(read, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for pipe in (read, write, told):
        os.close(pipe)


def _length(root: Path) -> float:
    """How long a publish takes in a child."""

    def work() -> None:
        began = time.perf_counter()
        publish(root, candidate(values=_VALUES))
        os.write(write, f"{time.perf_counter() - began}\n".encode())

    lengths = []
    for _ in range(5):
        read, write = os.pipe()
        child, told = fork(work)
        os.waitpid(child, 0)
        lengths.append(float(os.read(read, 100)))
        for pipe in (read, write, told):
            os.close(pipe)
    return statistics.median(lengths)


def _files(root: Path) -> set[str]:
    return {str(path) for path in root.rglob("*")}


PROMISES = [
    Promise("a kill in a publish costs nothing and blocks nothing", kill_publishing, 60, 600)
]
