"""Tries to break every promise, and prints one table: `python -m tests.faults [WORD...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.promise import MOST_SHOWN, Promise, Tally
from tests.faults.promises import PROMISES


def main() -> int:
    """Print the table, and tell whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__)
    parser.add_argument("words", nargs="*", help="only promises whose name has one of these words")
    parser.add_argument("--fast", action="store_true", help="as few faults as in `make test`")
    parser.add_argument("--seed", type=int, default=2, help="where the random faults come from")
    options = parser.parse_args()
    chosen = [promise for promise in PROMISES if _is_meant(promise, options.words)]
    table = Table("promise", "tried", "broken", "seconds", "notes")
    progress = Console(stderr=True)
    kept = True
    for promise in chosen:
        progress.print(f"{promise.name} ...", highlight=False)
        began = time.perf_counter()
        tally = _attacked(promise, promise.fast if options.fast else promise.full, options.seed)
        for text in tally.broken[:MOST_SHOWN]:
            progress.print(f"  broken: {text}", markup=False, highlight=False)
        kept = kept and not tally.broken and tally.tried > 0
        seconds = f"{time.perf_counter() - began:.0f}"
        notes = "; ".join(tally.notes)
        table.add_row(promise.name, str(tally.tried), str(len(tally.broken)), seconds, notes)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0 if kept else 1


def _is_meant(promise: Promise, words: list[str]) -> bool:
    return not words or any(word.lower() in promise.name.lower() for word in words)


def _attacked(promise: Promise, count: int, seed: int) -> Tally:
    with tempfile.TemporaryDirectory(prefix="zoo-faults-") as folder:
        try:
            return promise.attack(count, seed, Path(folder))
        except Exception as error:  # noqa: BLE001  # the other promises are still to be tried
            return Tally(broken=[f"{type(error).__name__}: {error}"])


if __name__ == "__main__":
    sys.exit(main())
