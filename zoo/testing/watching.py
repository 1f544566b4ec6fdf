"""What an import changes besides defining things."""

import logging
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_NETWORK = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname")
_PROCESSES = ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec")
_WRITING = os.O_WRONLY | os.O_RDWR
_NOT_FILES = ("/dev/", "/proc/")
_LONGEST = 80

Change = tuple[str, str, str]
"""The name of the check, what was seen, and the remedy."""


@dataclass(frozen=True)
class State:
    """What is compared before and after an import."""

    values: dict[str, Any]
    events: int
    output: tuple[int, int]


class Watch:
    """Looks at the state of the process, and listens to what it does.

    What it listens to are Python's audit events: they cannot be turned off again, so there is one
    of these in a process.
    """

    def __init__(self) -> None:
        self._events: list[tuple[str, str]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _NETWORK:
            place = args[1] if event in ("socket.connect", "socket.bind") else args[0]
            self._events.append(("network", str(place)))
        elif event in _PROCESSES:
            self._events.append(("processes", str(args[0])[:_LONGEST] if args else event))
        elif event == "open" and isinstance(args[0], str | bytes) and _writes(args):
            path = os.fsdecode(args[0])
            if not path.startswith(_NOT_FILES) and not path.endswith(".pyc"):
                self._events.append(("files", path))

    def state(self) -> State:
        """Gives the state now."""
        numpy_state: Any = np.random.get_state()
        values = {
            "environment": dict(os.environ),
            "current folder": os.getcwd(),
            "threads": set(threading.enumerate()),
            "signals": [signal.getsignal(number) for number in _SIGNALS],
            "search path": list(sys.path),
            "logging": (logging.root.level, list(logging.root.handlers)),
            "random numbers": (random.getstate(), numpy_state[1].tobytes(), numpy_state[2]),
            "Keras settings": {
                "floatx": keras.config.floatx(),
                "epsilon": keras.config.epsilon(),
                "image_data_format": keras.config.image_data_format(),
                "dtype_policy": keras.config.dtype_policy().name,
            },
        }
        return State(values, len(self._events), _written())

    def changes(self, before: State) -> Iterator[Change]:
        """Words what has changed since, and what was done meanwhile."""
        after = self.state()
        for check, (words, remedy) in _CHANGES.items():
            old, new = before.values[check], after.values[check]
            if old != new:
                yield check, words(old, new), remedy
        done = self._events[before.events : after.events]
        for check, (what, remedy) in _EVENTS.items():
            found = list(dict.fromkeys(text for event, text in done if event == check))
            if found:
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                yield check, f"{what} {', '.join(found[:3])}{more}", remedy
        for name, number, old, new in zip(
            ("stdout", "stderr"), (1, 2), before.output, after.output, strict=True
        ):
            if new > old:
                text = os.pread(number, _LONGEST, old) if new - old else b""
                said = " ".join(text.decode("utf-8", "replace").split())
                yield "output", f"it writes to {name}: {said!r}", "print nothing at import"


def _writes(args: tuple[Any, ...]) -> bool:
    mode, flags = (*args[1:], None, None)[:2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)


def _written() -> tuple[int, int]:
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fstat(1).st_size, os.fstat(2).st_size


def _names(old: dict[str, str], new: dict[str, str]) -> str:
    changed = sorted(key for key in {**old, **new} if old.get(key) != new.get(key))
    return f"it changes {', '.join(changed)}"


def _threads(old: set[Any], new: set[Any]) -> str:
    return f"it starts {', '.join(sorted(thread.name for thread in new - old))}"


def _settings(old: dict[str, Any], new: dict[str, Any]) -> str:
    changed = [f"{key} to {new[key]!r}" for key in new if old[key] != new[key]]
    return f"it sets {', '.join(changed)}"


def _paths(old: list[str], new: list[str]) -> str:
    return f"it adds {', '.join(path for path in new if path not in old) or 'nothing, but moves'}"


_LATER = "do it where it is needed, not at import"
_CHANGES: dict[str, tuple[Callable[[Any, Any], str], str]] = {
    "environment": (_names, "read os.environ; what a component needs is an argument"),
    "current folder": (lambda _, new: f"it changes to {new}", "use absolute paths"),
    "threads": (_threads, _LATER),
    "signals": (
        lambda *_: "it handles SIGINT or SIGTERM itself",
        "leave the signals alone: a training is stopped by them, and resumed",
    ),
    "search path": (_paths, "let the package be installed with what it needs"),
    "logging": (
        lambda *_: "it sets up the root logger",
        "use logging.getLogger(__name__), and leave handlers and levels to the program",
    ),
    "random numbers": (
        lambda *_: "it draws from, or seeds, the global random generators",
        "use a generator of its own, seeded by an argument",
    ),
    "Keras settings": (_settings, "leave keras.config to the user: a config says `precision`"),
}
_EVENTS = {
    "network": ("it uses the network:", _LATER),
    "processes": ("it starts", _LATER),
    "files": ("it writes", _LATER),
}
