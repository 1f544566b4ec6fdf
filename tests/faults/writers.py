"""Many who publish at once, and one who reads all along."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.faults.promise import Promise, Tally
from tests.faults.store import answer, candidate, entries, fork, new_zoo
from zoo.registry.document import read_registry
from zoo.registry.publishing import publish
from zoo.registry.verification import verify

_NAMES = 4
_ROUNDS = {8: 2}
_MOST_ROUNDS = 20


def publish_at_once(count: int, seed: int, folder: Path) -> Tally:
    """Lets as many processes publish as told, several of them the same model."""
    del seed
    tally = Tally()
    rounds = _ROUNDS.get(count, _MOST_ROUNDS)
    root = new_zoo(folder / "zoo", 0)
    began = time.perf_counter()
    writers = [fork(lambda name=name: _publish(root, name, rounds)) for name in range(count)]
    done, finish = os.pipe()
    reader = fork(lambda: _read_until(done, root))
    waits: list[float] = []
    published: list[str] = []
    for number, writer in enumerate(writers):
        with tally.trial(f"writer {number}"):
            told = answer(*writer)
            assert isinstance(told, list), told
            published += [reference for reference, _ in told]
            waits += [seconds for _, seconds in told]
    seconds = time.perf_counter() - began
    os.write(finish, b"!")
    with tally.trial("the reader"):
        reads = answer(*reader)
        assert isinstance(reads, int), reads
    os.close(done)
    os.close(finish)
    with tally.trial("all entries"):
        listed = [entry.reference for entry in entries(root)]
        assert sorted(listed) == sorted(published), "what was published is not what is listed"
        assert len(set(listed)) == count * rounds, f"{len(set(listed))} of {count * rounds}"
        registry = read_registry(root)
        problems = verify(registry, registry.weights, {})
        assert problems == [], problems
    longest = max(waits, default=0.0)
    tally.notes.append(f"{len(listed)} entries in {seconds:.0f} s, longest wait {longest:.1f} s")
    tally.notes.append(f"{reads} reads meanwhile")
    return tally


def _publish(root: Path, number: int, rounds: int) -> list[tuple[str, float]]:
    told = []
    for _ in range(rounds):
        began = time.perf_counter()
        entry = publish(root, candidate(f"model-{number % _NAMES}"))
        told.append((entry.reference, time.perf_counter() - began))
    return told


def _read_until(done: int, root: Path) -> int:
    """Reads the registry until told to end; it only ever grows, and what it lists is whole."""
    os.set_blocking(done, False)
    reads, known = 0, 0
    while True:
        registry = read_registry(root)
        assert len(registry.weights) >= known, "entries were lost"
        new = registry.weights[known:]
        problems = verify(registry, new, {})
        assert problems == [], problems
        reads, known = reads + 1, len(registry.weights)
        try:
            os.read(done, 1)
            return reads
        except BlockingIOError:
            time.sleep(0.01)


PROMISES = [
    Promise("writers lose nothing, a reader never sees half", publish_at_once, 8, 64),
]
