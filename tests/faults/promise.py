"""What a promise is, and how often it was kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MOST_SHOWN = 5


@dataclass
class Tally:
    """What came of trying to break a promise.

    Attributes:
        tried: How often.
        broken: What went wrong, one text a time; empty where the promise was kept.
        notes: What else is worth a word in the table, such as what could not be tried here.
    """

    tried: int = 0
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def expect(self, kept: object, otherwise: str) -> bool:
        """Note what went wrong unless something is true, and tell whether it is."""
        if not kept:
            self.broken.append(otherwise)
        return bool(kept)

    @contextlib.contextmanager
    def trial(self, what: str) -> Iterator[None]:
        """Count one try; an exception in it is a promise broken."""
        self.tried += 1
        try:
            yield
        except Exception as error:  # noqa: BLE001  # whatever it is, it is counted and shown
            self.broken.append(f"{what}: {type(error).__name__}: {error}")


@dataclass(frozen=True)
class Promise:
    """Something that holds whatever fails.

    Attributes:
        name: One line, as a row of the table.
        attack: Tries to break it: how often, from which seed on, in which empty folder.
        fast: How often in `make test`.
        full: How often in `make test-faults`.
    """

    name: str
    attack: Callable[[int, int, Path], Tally]
    fast: int
    full: int
