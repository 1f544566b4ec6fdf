"""A training whose workers Ray places, on one machine or several; it outlives their processes."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.errors import ConfigError, RunError
from zoo.resolve import ResolvedModel
from zoo.runs import RUN_FILE, Run
from zoo.runtime.cluster import RETRIES, connected
from zoo.runtime.outcomes import Killed, Outcomes
from zoo.runtime.places import addresses, placed, room
from zoo.runtime.relay import Lines, lines_to, shown
from zoo.runtime.run_folder import folder_of
from zoo.runtime.signals import stopped_by
from zoo.runtime.workers import VARIABLE, Worker, told_to

# A worker notices within ten seconds that another one is gone.
_GRACE = 20.0
_PATIENCE = 300.0


def train_on_ray(
    model: ResolvedModel,
    home: Path,
    asked: Mapping[str, Any],
    workers: int,
    address: str | None,
) -> Run:
    """Trains a model with several of Ray's processes; where one was killed, all begin again.

    Args:
        model: The resolved model.
        home: The folder that has `runs/NAME/`.
        asked: What each process calls `zoo.train` with, plain data.
        workers: How many processes; 0 takes as many as the cluster has room for.
        address: Of a Ray cluster; by default one is started on this machine.

    Returns:
        The run.

    Raises:
        ConfigError: If the model is not trained by several workers, or the cluster has no room.
        RunError: If the data or the training is not finite, or processes are killed too often.
        Stopped: If a signal stopped it.
    """
    if (strategy := model.train.strategy) != "multi_worker":
        has = f'"{strategy}"' if strategy else "none"
        raise ConfigError(
            f'--workers and --address go with `strategy = "multi_worker"`; this config has {has}',
            key="train.strategy",
            suggestion='write strategy = "multi_worker" into [train], or leave them out',
        )
    run, _ = folder_of(model, home, asked["folder"], asked["resume"], Worker())
    options = [f"--workers {workers}"] * bool(workers) + [f"--address {address}"] * bool(address)
    again = f"go on with: zoo train {run.config_path} --resume --run {run.folder} "
    again += " ".join(options)
    try:
        with connected(workers, address) as ray:
            _Team(ray, workers or room(ray.nodes()), run, asked, again).train()
    except KeyboardInterrupt as signal:
        raise stopped_by(signal, _what_is_left(run, again)) from None
    return run


def _what_is_left(run: Run, again: str) -> str:
    if not (run.folder / RUN_FILE).is_file():
        return "nothing was trained yet and nothing is lost: give the command again"
    if run.facts["status"] == "finished":
        return f"the training was done: {run.folder} is whole"
    return again


@dataclass(frozen=True, slots=True)
class _Team:
    """The workers of a training.

    Attributes:
        ray: The package.
        count: How many workers there are.
        run: What they train; the leading one writes it.
        asked: What each calls `zoo.train` with.
        again: How to go on with it.
    """

    ray: Any
    count: int
    run: Run
    asked: Mapping[str, Any]
    again: str

    def train(self) -> None:
        with placed(self.ray, self.count) as places:
            lost = self._attempt(places)
        for number in range(1, RETRIES + 1):
            if not lost:
                return
            line = f"{lost}; all {self.count} workers begin again after the last checkpoint"
            print(f"{line} ({number} of at most {RETRIES} times)", file=sys.stderr, flush=True)
            with placed(self.ray, self.count, _PATIENCE) as places:
                lost = self._attempt(places)
        if lost:
            raise RunError(
                f"{lost}, for the {RETRIES + 1}th time",
                "training",
                suggestion=f"see whether its machine has memory enough; {self.again}",
            )

    def _attempt(self, places: Sequence[Mapping[str, Any]]) -> str:
        """Trains until all have ended; says who was lost, and nothing if it came to its end."""
        lines = None if self.asked["quiet"] else self.ray.remote(num_cpus=0)(Lines).remote()
        tasks: list[Any] = []
        try:
            tasks = self._begun(places, lines)
            return self._watched(tasks, lines).lost()
        except KeyboardInterrupt:
            self._stop(tasks, lines)
            raise
        finally:
            if lines is not None:
                self.ray.kill(lines)  # it still waits for more

    def _begun(self, places: Sequence[Mapping[str, Any]], lines: Any) -> list[Any]:
        found = addresses(self.ray, places)
        resume = (self.run.folder / RUN_FILE).is_file()
        asked = {**self.asked, "folder": str(self.run.folder), "resume": resume}
        # A process trains once: TensorFlow cannot join other workers later.
        work = self.ray.remote(max_calls=1, max_retries=0)(_work)
        return [
            work.options(**place).remote(rank, found, asked, os.getcwd(), None if rank else lines)
            for rank, place in enumerate(places)
        ]

    def _watched(self, tasks: Sequence[Any], lines: Any) -> Outcomes:
        outcomes, end = Outcomes(), float("inf")
        for done in shown(self.ray, tasks, lines):
            if done is not None:
                rank = tasks.index(done)
                outcomes.failures[rank] = self._failure(rank, done)
            now = time.monotonic()
            if outcomes.failed:
                end = min(end, now + _GRACE)
            if now > end:
                end = now + _GRACE
                for rank in set(range(self.count)) - outcomes.failures.keys():
                    self.ray.cancel(tasks[rank], force=True)
        return outcomes

    def _failure(self, rank: int, task: Any) -> BaseException | None:
        errors = self.ray.exceptions
        try:
            self.ray.get(task)
        except errors.RayError as error:
            cause: BaseException = getattr(error, "cause", None) or error
            if isinstance(cause, errors.RayError):
                return Killed(f"the process of worker {rank} died ({type(cause).__name__})")
            cause.__cause__ = error  # where it happened, for --debug
            return cause
        return None

    def _stop(self, tasks: Sequence[Any], lines: Any) -> None:
        """Stops the leading worker within a batch, so that it ends well; then the others."""
        for task in tasks[:1]:
            self.ray.cancel(task)
        for _ in shown(self.ray, tasks[:1], lines):
            pass
        for task in tasks[1:]:
            self.ray.cancel(task)
        self.ray.wait(list(tasks), num_returns=len(tasks), timeout=_GRACE)


def _work(
    rank: int, found: Sequence[str], asked: Mapping[str, Any], folder: str, lines: Any
) -> None:
    """Trains as one of several workers, in a process of its own."""
    import zoo

    os.environ[VARIABLE] = told_to(rank, found)
    said = lines_to(lines) if lines is not None else contextlib.nullcontext()
    with tempfile.TemporaryDirectory(prefix="zoo-worker-") as place, contextlib.chdir(folder), said:
        tempfile.tempdir = place  # Ray may end the process before that tidies up
        zoo.train(**{**asked, "quiet": lines is None})
