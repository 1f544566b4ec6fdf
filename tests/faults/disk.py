"""Full disks, read-only disks and too little memory, wherever something is written."""

from __future__ import annotations

import ctypes
import os
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.promise import Promise, Tally
from tests.faults.store import Refusal, candidate, in_child, new_zoo, wrong_with
from zoo.arrays import write_arrays
from zoo.registry.publishing import publish
from zoo.runs import Run

_VALUES = 20_000
_DISK = 1024 * 1024
_READ_ONLY, _REMOUNT, _PRIVATE = 1, 32, 0x44000
_NEW_MOUNTS = 0x00020000

WRITERS: dict[str, Callable[[Path], Any]] = {
    "publish": lambda root: publish(root, candidate(values=_VALUES)),
    "predict": lambda root: write_arrays(root / "out.npy", {"": np.ones(_VALUES)}),
    "history": lambda root: Run(root).write_history({"loss": [0.5] * _VALUES}),
    "facts": lambda root: Run(root).write_facts(notes="x" * 8 * _VALUES),
}


def fill_disks(count: int, seed: int, folder: Path) -> Tally:
    """Fills a small disk up to a random rest, or makes it read-only, and writes."""
    tally, draw = Tally(), random.Random(seed)
    if in_child(lambda: _mount(folder, "size=1m")) is not True:
        tally.notes.append("no small disk can be mounted here: only memory was tried")
    else:
        for number in range(count):
            name = draw.choice(list(WRITERS))
            rest = None if number % 4 == 0 else draw.randrange(0, 6 * _VALUES)
            with tally.trial(f"{name}, {'read-only' if rest is None else f'{rest} bytes left'}"):
                told = in_child(lambda n=name, r=rest: _write_where_there_is_no_room(folder, n, r))
                assert told is True, told
    for name in ("publish", "predict"):
        with tally.trial(f"{name}, too little memory"):
            root = new_zoo(folder / f"memory-{name}", 1)
            told = in_child(lambda n=name, r=root: _write_without_memory(r, n))
            assert isinstance(told, (Refusal, bool)), told
            assert told is True or told.exit_status == 4, told
            assert (wrong := wrong_with(root, [])) == [], wrong
    return tally


def _mount(folder: Path, options: str, flags: int = 0) -> bool:
    system = ctypes.CDLL(None, use_errno=True)
    if not flags and (
        system.unshare(_NEW_MOUNTS) or system.mount(b"none", b"/", None, _PRIVATE, None)
    ):
        return False
    place = os.fsencode(folder)
    return not system.mount(b"none", place, b"tmpfs", flags, options.encode())


def _write_where_there_is_no_room(folder: Path, name: str, rest: int | None) -> bool:
    assert _mount(folder, "size=1m")
    root = new_zoo(folder / "zoo", 1)
    (root / "out.npy").write_bytes(b"old")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    full = os.statvfs(folder)
    if rest is None:
        assert _mount(folder, "size=1m", _REMOUNT | _READ_ONLY)
    else:
        (folder / "filler").write_bytes(b"x" * max(full.f_bavail * full.f_bsize - rest, 0))
    told = in_child(lambda: WRITERS[name](root) and None)
    assert isinstance(told, Refusal), told
    assert told.exit_status == 4, told
    hint = "read-only" if rest is None else "make room"
    assert all(hint in str(remedy) for remedy in told.remedies), (told, told.remedies)
    now = {path: path.read_bytes() for path in before}
    assert now == before, "an old file is not what it was"
    if rest is not None:
        (folder / "filler").unlink()
        WRITERS[name](root)
    return True


def _write_without_memory(root: Path, name: str) -> bool:
    made = candidate(values=8 * 1024 * 1024)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 16 * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        if name == "publish":
            publish(root, made)
        else:
            write_arrays(root / "out.npy", dict(list(made.tensors.items())[:1]))
    except MemoryError:  # a command gives it the exit status 4
        return True
    return False


PROMISES = [Promise("a full disk costs nothing and says what to free", fill_disks, 8, 200)]
