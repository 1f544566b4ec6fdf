"""What a killed process leaves behind: temporary files, unlisted weights, runs half-way."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.registry.document import read_registry
from zoo.registry.editing import LOCK_NAME
from zoo.registry.garbage import RUN_LOCK, RUNS, is_held, is_old, temporary_files, unlisted_files
from zoo.rows import Row
from zoo.runs import Run

_SUBJECT = "leftovers"
_REMEDY = "zoo gc --delete"
_MOST_RUNS = 10


def look_for_leftovers(root: Path) -> Iterator[Row]:
    """Looks for what nobody will come back for, and for runs that can be resumed."""
    rows = [*_temporary_files(root), *_unlisted_weights(root), *_locks(root), *_runs(root)]
    yield from rows
    if not rows:
        yield Row(_SUBJECT, "files and runs", "ok", "nothing was left behind")


def _temporary_files(root: Path) -> Iterator[Row]:
    for path in temporary_files(root):
        message = f"{path} was left by a process that was killed"
        yield Row(_SUBJECT, "temporary file", "warning", message, _REMEDY)


def _unlisted_weights(root: Path) -> Iterator[Row]:
    try:
        unlisted = list(unlisted_files(root, read_registry(root)))
    except ZooError:
        return  # what is listed is not known
    for path in unlisted:
        if is_old(path):  # else a publish may be about to list it
            message = f"{path} is not listed: a publish was killed before it was"
            yield Row(_SUBJECT, "weights", "warning", message, f"publish again, or {_REMEDY}")


def _locks(root: Path) -> Iterator[Row]:
    if is_held(root / LOCK_NAME):
        message = f"another process is changing the registry: {root / LOCK_NAME} is locked"
        yield Row(_SUBJECT, "lock", "warning", message, "wait for it, or stop it")


def _runs(root: Path) -> Iterator[Row]:
    files = sorted((root / RUNS).glob("*/*/run.json"), key=_changed, reverse=True)
    unfinished = []
    for file in files:
        run = Run(file.parent)
        try:
            how = _how_it_ended(run, run.facts)
        except ZooError as error:
            message = f"{error.findings[0].message}"
            yield Row(_SUBJECT, "run", "warning", message, f"rm -r {run.folder}")
            continue
        if how:
            unfinished.append((run, how))
    for run, how in unfinished[:_MOST_RUNS]:
        remedy = f"zoo train {run.config_path} --resume --run {run.folder}"
        yield Row(_SUBJECT, "run", "warning", f"{run.folder} {how} and can be resumed", remedy)
    if len(unfinished) > _MOST_RUNS:
        message = f"{len(unfinished) - _MOST_RUNS} older runs can be resumed too"
        yield Row(
            _SUBJECT, "run", "warning", message, f"remove those in {root / RUNS} you do not want"
        )


def _how_it_ended(run: Run, facts: dict[str, Any]) -> str | None:
    """Says how a run ended before it was done; None if it was done, or is at work."""
    done = max((len(values) for values in run.history.values()), default=0)
    if done >= facts.get("planned", 1):
        return None
    if facts.get("status") == "stopped":
        return "was stopped"
    # Whoever trains holds the lock for as long as it lives.
    at_work = facts.get("status") != "running" or is_held(run.folder / RUN_LOCK)
    return None if at_work else "was killed"


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()
