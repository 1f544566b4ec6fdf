"""A progress bar for a person at a terminal, and a plain line now and then for a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

# A log gets a line every tenth, and at least one a minute.
_SECONDS_BETWEEN_LINES = 60.0


class Steps(Protocol):
    """What is called after each step, or after several at once."""

    def __call__(self, steps: int = 1) -> None:
        """Say that so many steps more are done."""


@contextmanager
def progress(label: str, total: int) -> Iterator[Steps]:
    """Show on stderr how far `total` steps have come, and how long the rest will take.

    Nothing is shown where the environment variable `ZOO_QUIET` is set.

    Args:
        label: What is being done.
        total: Number of steps.

    Yields:
        A function to call after each step, or with a number after several.
    """
    if os.environ.get("ZOO_QUIET"):
        yield _unseen
        return
    if not sys.stderr.isatty():
        yield _lines(label, total)
        return
    # Imported here: most runs find their data in the cache and show nothing.
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)

        def advance(steps: int = 1) -> None:
            bar.advance(task, steps)

        yield advance


def _unseen(steps: int = 1) -> None:
    del steps


def _lines(label: str, total: int) -> Steps:
    done = 0
    start = last = time.monotonic()

    def advance(steps: int = 1) -> None:
        nonlocal done, last
        tenths, done, now = 10 * done // total, done + steps, time.monotonic()
        if 10 * done // total > tenths or now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            left = timedelta(seconds=round((now - start) / done * (total - done)))
            share = f"{100 * done // total} % ({done} of {total})"
            print(f"{label}: {share}, {left} left", file=sys.stderr)

    return advance
