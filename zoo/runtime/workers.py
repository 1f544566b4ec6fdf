"""Which of several processes this one is, that train one model together."""

import atexit
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ConfigError, RunError

VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes that train a model together.

    Attributes:
        rank: Its number, counted from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes the run, the log and the versions."""
        return self.rank == 0

    def part(self, start: Any, end: Any) -> tuple[Any, Any]:
        """Gives its share of the places from `start` to before `end`: where it begins and ends.

        The shares of all workers follow one another and differ by one place at most.
        """
        size = end - start
        return start + size * self.rank // self.count, start + size * (self.rank + 1) // self.count


class LostWorker(RunError):
    """Another worker is not there, or not any more; all of them together can begin again."""


def worker_of(strategy: str | None) -> Worker:
    """Gives which worker this process is: of a training with "multi_worker", as TF_CONFIG says.

    Raises:
        ConfigError: If that says nothing that can be understood.
    """
    return this_worker() if strategy == "multi_worker" else Worker()


def this_worker() -> Worker:
    """Reads which worker this process is from `TF_CONFIG`.

    Raises:
        ConfigError: If it is not there, or not what TensorFlow understands.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        raise _wrong(f"{VARIABLE} is not set, which says who the workers are")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        tasks = [(kind, index) for kind, index in _tasks(cluster)]
        own = (task["type"], int(task["index"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(f"{VARIABLE} cannot be read: {type(error).__name__}: {error}") from error
    if own not in tasks:
        there = ", ".join(f"{kind} {index}" for kind, index in tasks) or "nobody"
        raise _wrong(f"{VARIABLE}: its task is {own[0]} {own[1]}, its cluster has {there}")
    return Worker(tasks.index(own), len(tasks))


def told_to(rank: int, addresses: Sequence[str]) -> str:
    """Gives the `TF_CONFIG` of one worker among those at the addresses."""
    task = {"type": "worker", "index": rank}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def free_port() -> int:
    """Gives a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("", 0))
        return int(listener.getsockname()[1])


def _tasks(cluster: Any) -> Iterator[tuple[str, int]]:
    for kind in ("chief", "worker"):
        addresses = cluster.get(kind, [])
        if not isinstance(addresses, list):
            raise TypeError(f"{kind!r} is not a list of addresses")
        yield from ((kind, index) for index in range(len(addresses)))


def _wrong(message: str) -> ConfigError:
    return ConfigError(
        message,
        "bad-value",
        key="train.strategy",
        suggestion=f"start every process with its own {VARIABLE}, such as {_EXAMPLE}; or have "
        "Ray start them, with --workers N; or leave the strategy out",
    )


def private_folder(like: Path | None = None) -> Path:
    """Makes a folder for the run of a worker that does not lead; it goes with the process.

    Args:
        like: The folder of the run that it goes on with.
    """
    place = Path(tempfile.mkdtemp(prefix="zoo-worker-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = place / "run"
    if like is not None:
        shutil.copytree(like, folder, ignore=shutil.ignore_patterns(".*", "report"))
    return folder
