"""What a person sees on stderr of whatever takes over a second."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

QUIET = "ZOO_QUIET"
"""The environment variable that says to show no progress, to plugins and other processes too."""

_PATIENCE = 1.0
_SECONDS_BETWEEN_LINES = 60.0


class Steps(Protocol):
    """What is called after each step, or after several at once."""

    def __call__(self, steps: int = 1) -> None:
        """Says that so many steps more are done."""


@contextmanager
def quietly(quiet: bool = True) -> Iterator[None]:
    """Shows no progress for as long as this is open.

    Args:
        quiet: Whether that is so; otherwise it stays as it was.
    """
    before = os.environ.get(QUIET)
    if quiet:
        os.environ[QUIET] = "1"
    try:
        yield
    finally:
        if quiet and before is None:
            os.environ.pop(QUIET, None)
        elif quiet and before is not None:
            os.environ[QUIET] = before


def is_quiet() -> bool:
    """Tells whether no progress is to be shown."""
    return bool(os.environ.get(QUIET))


@contextmanager
def progress(
    label: str, total: int | None = None, *, of_bytes: bool = False, live: bool = True
) -> Iterator[Steps]:
    """Shows how far something has come, once it has taken a second: a bar, or lines in a log.

    Args:
        label: What is being done.
        total: How many steps there are; None where nobody knows.
        of_bytes: Whether a step is a byte.
        live: Whether there may be a bar; not around what shows one of its own.

    Yields:
        What to call after each step, or with a number after several.
    """
    if is_quiet():
        yield _unseen
        return
    shown = _Bar(label, total, of_bytes) if live and on_a_terminal() else _Lines(label, total)
    timer = threading.Timer(_PATIENCE, shown.begin)
    timer.daemon = True
    timer.start()
    try:
        yield shown.advance
    finally:
        timer.cancel()
        timer.join()
        shown.end()


def on_a_terminal() -> bool:
    """Tells whether a person looks on; stderr may be closed."""
    return sys.stderr is not None and sys.stderr.isatty()


def bar(*more: Any, of_bytes: bool = False) -> Any:
    """Makes an empty display of bars on stderr.

    Args:
        *more: Columns that come last.
        of_bytes: Whether they count bytes.
    """
    # Imported here: most of what is waited for takes less than a second.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counts = (DownloadColumn(), TransferSpeedColumn()) if of_bytes else (MofNCompleteColumn(),)
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    first = (TextColumn("{task.description}"), BarColumn())
    return Progress(*first, *counts, *times, *more, console=Console(stderr=True))


def _unseen(steps: int = 1) -> None:
    del steps


class _Bar:
    """A bar on a terminal, which leaves nothing behind."""

    def __init__(self, label: str, total: int | None, of_bytes: bool) -> None:
        self._label = label
        self._total = total
        self._of_bytes = of_bytes
        self._done = 0
        self._shown: Any = None
        self._task: Any = None

    def begin(self) -> None:
        shown = bar(of_bytes=self._of_bytes)
        shown.live.transient = True
        self._task = shown.add_task(self._label, total=self._total, completed=self._done)
        shown.start()
        self._shown = shown

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if self._shown is not None:
            self._shown.update(self._task, completed=self._done)

    def end(self) -> None:
        if self._shown is not None:
            self._shown.stop()


class _Lines:
    """A line when it begins, at each tenth or at least once a minute, and when it ends."""

    def __init__(self, label: str, total: int | None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._start = self._last = time.monotonic()
        self._begun = False

    def begin(self) -> None:
        self._begun = True
        _say(f"{self._label} ...")

    def advance(self, steps: int = 1) -> None:
        before, self._done = self._done, self._done + steps
        if not self._begun or not self._total or self._done >= self._total:
            return
        now = time.monotonic()
        tenth = 10 * self._done // self._total > 10 * before // self._total
        if tenth or now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            left = (now - self._start) / self._done * (self._total - self._done)
            words = f"{100 * self._done // self._total} %, {timedelta(seconds=round(left))} left"
            _say(f"{self._label}: {words}")

    def end(self) -> None:
        if self._begun:
            _say(f"{self._label}: {time.monotonic() - self._start:.1f} s")


def _say(line: str) -> None:
    if sys.stderr is not None:
        print(line, file=sys.stderr, flush=True)
