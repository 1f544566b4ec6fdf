"""A progress bar for a person at a terminal, and a plain line every tenth for a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show on stderr how far `total` steps have come.

    Args:
        label: What is being done.
        total: Number of steps.

    Yields:
        A function to call after each step.
    """
    if not sys.stderr.isatty():
        yield _lines(label, total)
        return
    # Imported here: most runs find their data in the cache and show nothing.
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


def _lines(label: str, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        tenths, done = 10 * done // total, done + 1
        if 10 * done // total > tenths:
            print(f"{label}: {100 * done // total} % ({done} of {total})", file=sys.stderr)

    return advance
