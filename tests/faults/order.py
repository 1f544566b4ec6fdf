"""In which order a publish calls the system, and what becomes of it when a call fails."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

from tests.faults.calls import Calls
from tests.faults.promise import Promise, Tally
from tests.faults.store import (
    Refusal,
    candidate,
    entries,
    in_child,
    new_zoo,
    temporary_files,
    waiting_at_most,
    wrong_with,
)
from zoo.registry.editing import LOCK_NAME
from zoo.registry.publishing import publish

_ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES)


def calls_of_a_publish(root: Path, failing: int = 0, number: int = 0) -> Any:
    """Publishes in a child; gives its system calls, or what it raised."""

    def work() -> list[tuple[str, ...]]:
        calls = Calls(root, failing, number)
        calls.watch()
        with waiting_at_most(1):
            publish(root, candidate())
        return calls.made

    return in_child(work)


def keep_the_order(count: int, seed: int, folder: Path) -> Tally:
    """Publishes into a new zoo and into one with versions, and looks at the system calls."""
    del count, seed
    tally = Tally()
    for versions in (0, 1, 2):
        root = new_zoo(folder / f"zoo-{versions}", versions)
        made = calls_of_a_publish(root)
        with tally.trial(f"publish number {versions + 1}"):
            assert isinstance(made, list), made
            wrong = wrong_order(made, root)
            assert wrong == [], wrong
            named = [call[-1] for call in made if call[0] == "replace"]
            assert len(named) == 3, named
    tally.notes.append(f"{len(made)} system calls each")
    return tally


def wrong_order(made: list[tuple[str, ...]], root: Path) -> list[str]:
    """Says which calls a power loss could make a listed version without its files of."""
    wrong: list[str] = []
    written: set[str] = set()  # files whose content is not on the disk yet
    named: dict[str, set[str]] = {}  # folder: names in it that are not on the disk yet
    for name, *paths in made:
        path = paths[0]
        if name == "write":
            written.add(path)
        elif name == "fsync":
            written.discard(path)
            named.pop(path, None)
        elif name in ("replace", "rename"):
            target = paths[1]
            if path in written:
                wrong.append(f"{target} gets its name before its content is synced")
            if target == str(root / "registry.toml"):
                wrong += [f"{n} is listed before its name is synced" for n in _all(named)]
            named.setdefault(os.path.dirname(target), set()).add(target)
        elif name == "mkdir":
            named.setdefault(os.path.dirname(path), set()).add(path)
    return wrong + [f"the name of {target} is never synced" for target in _all(named)]


def _all(named: dict[str, set[str]]) -> list[str]:
    return sorted(name for names in named.values() for name in names)


def fail_each_call(count: int, seed: int, folder: Path) -> Tally:
    """Makes every k-th system call of a publish fail, with each error."""
    tally, draw = Tally(), random.Random(seed)
    new = len(calls_of_a_publish(new_zoo(folder / "first", 0)))
    later = len(calls_of_a_publish(new_zoo(folder / "later")))
    faults = [
        (versions, k, number)
        for versions, calls in ((0, new), (2, later))
        for k in range(1, calls + 1)
        for number in _ERRORS
    ]
    for versions, k, number in draw.sample(faults, min(count, len(faults))):
        what = f"call {k} after {versions} versions, {errno.errorcode[number]}"
        root = new_zoo(folder / what.replace(" ", "-"), versions)
        with tally.trial(what):
            _fail(root, k, number)
    tally.notes.append(f"{new} and {later} calls, {len(faults)} faults there are")
    return tally


def _fail(root: Path, k: int, number: int) -> None:
    before, index = entries(root), (root / "registry.toml").read_bytes()
    told = calls_of_a_publish(root, k, number)
    assert (wrong := wrong_with(root, before)) == [], wrong
    if isinstance(told, list):  # a call that a publish can do without
        assert told[k - 1][0] in ("stat", "chown") or told[k - 1][1:] in [
            (str(root),),
            (str(root / LOCK_NAME),),
        ], told[k - 1]
        assert len(entries(root)) == len(before) + 1
    else:
        assert isinstance(told, Refusal), told
        assert told.exit_status == 4, told
        assert all(told.remedies), told
        if (root / "registry.toml").read_bytes() != index:
            assert "registry.toml" in str(told), told
            assert len(entries(root)) == len(before) + 1, told
    assert temporary_files(root) == [], told
    with waiting_at_most(1):
        entry = publish(root, candidate())
    assert (wrong := wrong_with(root, [*before, entry])) == [], wrong


PROMISES = [
    Promise("files are synced, then named, then listed", keep_the_order, 1, 1),
    Promise(
        "whichever system call of a publish fails, the old state stays", fail_each_call, 30, 600
    ),
]
