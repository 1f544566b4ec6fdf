"""The system calls by which files are written: noted, made to fail, or the last of a process."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CALLS = ("stat", "mkdir", "open", "fsync", "chown", "chmod", "replace", "rename", "unlink")


@dataclass
class Calls:
    """The system calls of this process on a zoo, noted in order; one of them may end it.

    Attributes:
        root: The zoo.
        failing: The number of the call that fails, counted from 1; 0 for none.
        number: The error that it fails with; 0 kills the process instead.
        made: Each call, with its path or paths.
    """

    root: Path
    failing: int = 0
    number: int = 0
    made: list[tuple[str, ...]] = field(default_factory=list)
    _opened: dict[int, str] = field(default_factory=dict)

    def watch(self) -> None:
        """Puts itself between Python and the system, for as long as the process lives."""
        for name in _CALLS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        fdopen = os.fdopen
        os.fdopen = lambda handle, *args, **named: _Watched(  # type: ignore[assignment]
            fdopen(handle, *args, **named), self, self._opened.get(handle, "")
        )
        opened: Callable[..., Any] = io.open

        def reading(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
            self.note("read" if mode in ("r", "rb") else "open", str(file))
            there = opened(file, mode, *args, **named)
            return there if mode in ("r", "rb") else _Watched(there, self, str(file))

        io.open = reading

    def note(self, name: str, *paths: str) -> None:
        """Notes a call, and fails if it is its turn."""
        if not paths or not paths[0].startswith(str(self.root)):
            return
        self.made.append((name, *paths))
        if len(self.made) == self.failing:
            if not self.number:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(self.number, os.strerror(self.number), paths[0])

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(first: Any, *args: Any, **named: Any) -> Any:
            path = self._opened.get(first, "") if isinstance(first, int) else os.fspath(first)
            second = [os.fspath(args[0])] if name in ("replace", "rename") else []
            self.note(name, path, *second)
            place = len(self.made) - 1
            try:
                result = call(first, *args, **named)
            except OSError:
                if name == "mkdir":  # it was there already
                    del self.made[place:]
                raise
            if name == "open":
                self._opened[result] = path
            return result

        return watched


class _Watched:
    """A file whose writes are noted."""

    def __init__(self, file: Any, calls: Calls, path: str) -> None:
        self._file, self._calls, self._path = file, calls, path

    def write(self, data: bytes) -> int:
        # A disk fills up, and a kill comes, in the middle.
        self._file.write(data[: len(data) // 2])
        self._file.flush()
        self._calls.note("write", self._path)
        self._file.write(data[len(data) // 2 :])
        return len(data)

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, *args: Any) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
