"""A small zoo to attack, and children that attack it: forked, so that a try costs milliseconds."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit  # publishing imports it; here it is before the fork, not in every child  # noqa: F401
from safetensors.numpy import save  # likewise  # noqa: F401

from tests.candidates import a_candidate
from zoo.errors import ZooError
from zoo.files import is_temporary
from zoo.registry import editing
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.publishing import Candidate, publish
from zoo.registry.verification import verify


def candidate(name: str = "tiny", values: int = 16) -> Candidate:
    """Something to publish, of as many float64 values as told."""
    tensors = {"dense/kernel": np.arange(values, dtype="float64"), "dense/bias": np.zeros(3)}
    return a_candidate(name, tensors=tensors, graph={"nodes": {}})


def new_zoo(root: Path, versions: int = 2) -> Path:
    """Makes a zoo with some versions of `tiny`."""
    root.mkdir(parents=True)
    (root / "registry.toml").write_text("# Ours.\nformat = 1\n")
    for _ in range(versions):
        publish(root, candidate())
    return root


def entries(root: Path) -> list[WeightsEntry]:
    """Reads what is listed, oldest first."""
    return sorted(read_registry(root).weights, key=lambda entry: (entry.name, entry.number))


def wrong_with(root: Path, before: list[WeightsEntry]) -> list[str]:
    """Says what is wrong with a zoo that had some entries, each with whole files."""
    try:
        now = entries(root)
    except ZooError as error:
        return [f"unreadable: {error}"]
    lost = [entry.reference for entry in before if entry not in now]
    problems = verify(read_registry(root), now, {})
    return [f"lost {name}" for name in lost] + [problem.message for problem in problems]


def temporary_files(root: Path) -> list[Path]:
    """Finds what an interrupted write leaves."""
    return [path for path in root.rglob(".*") if is_temporary(path)]


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Bounds the wait for the registry's lock, so that one that blocks is noticed at once."""
    usual = editing._LOCK_SECONDS
    editing._LOCK_SECONDS = seconds  # type: ignore[assignment]
    try:
        yield
    finally:
        editing._LOCK_SECONDS = usual


def fork(work: Callable[[], Any]) -> tuple[int, int]:
    """Runs something in a child; gives its id, and the end of a pipe for what `answer` reads."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads are idle here
        child = os.fork()
    if child:
        os.close(write)
        return child, read
    os.close(read)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        told: Any = work()
    except ZooError as error:
        told = error
    except BaseException:  # noqa: BLE001  # the parent shows it
        told = AssertionError(traceback.format_exc())
    finally:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pickle.dumps(_picklable(told)))
        os._exit(0)


def answer(child: int, pipe: int) -> Any:
    """Waits for a child of `fork`; what it returned, or what it raised."""
    with os.fdopen(pipe, "rb") as file:
        data = file.read()
    _, status = os.waitpid(child, 0)
    if not data:
        return AssertionError(f"the child ended with status {status}")
    told = pickle.loads(data)
    return Refusal(*told[1:]) if isinstance(told, tuple) and told[:1] == (_REFUSED,) else told


def in_child(work: Callable[[], Any]) -> Any:
    """Runs something in a child; what it returned, or the exception that it raised."""
    return answer(*fork(work))


class Refusal(Exception):
    """A `ZooError` of a child.

    Args:
        exit_status: Its exit status.
        message: What it says, with every finding.
        remedies: The remedy of each finding.
    """

    def __init__(self, exit_status: int, message: str, remedies: list[str | None]) -> None:
        super().__init__(message)
        self.exit_status = exit_status
        self.remedies = remedies


def refusal(error: ZooError) -> Refusal:
    """Keeps of an error what the promises speak of."""
    return Refusal(error.exit_status, str(error), [f.suggestion for f in error.findings])


_REFUSED = "refused"


def _picklable(told: Any) -> Any:
    if isinstance(told, ZooError):
        kept = refusal(told)
        return _REFUSED, kept.exit_status, str(kept), kept.remedies
    return told
