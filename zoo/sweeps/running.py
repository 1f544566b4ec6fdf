"""The trials of a sweep: trained once each, in this process or in Ray's."""

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.config.schema import SweepTable
from zoo.errors import ConfigError, Stopped, StorageError, ZooError, in_one_line
from zoo.files import read_bytes, write_atomically
from zoo.runs import RUN_FILE, Run
from zoo.runtime.cluster import RETRIES, connected, environment
from zoo.sweeps import sampling
from zoo.sweeps.plan import plan

SWEEP_FILE = "sweep.json"


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a sweep.

    Attributes:
        number: Its number, from 1.
        values: What it tries, by dotted key.
        folder: The folder of its run.
    """

    number: int
    values: Mapping[str, Any]
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether its training has come to its end."""
        return (self.folder / RUN_FILE).is_file() and Run(self.folder).facts["status"] == "finished"

    def result(self, metric: str) -> float | None:
        """Gives the last value of a metric; None where there is none."""
        return Run(self.folder).last_epoch().get(metric) if self.finished else None


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep and its folder.

    Attributes:
        file: The config, a path or a model's name.
        overrides: What holds for every trial, by dotted key.
        zoo: The zoo root, where there is one.
        folder: Where `sweep.json` is, and the runs.
        table: The `[sweep]` table.
        size: How many trials there are in the end.
        trials: Those that are known, in their order; all of them unless they learn.
    """

    file: str
    overrides: Mapping[str, Any]
    zoo: Path | None
    folder: Path
    table: SweepTable
    size: int
    trials: list[Trial]

    @classmethod
    def planned(
        cls,
        file: str,
        overrides: Mapping[str, Any],
        zoo: Path | None,
        folder: Path,
        table: SweepTable,
    ) -> "Sweep":
        """Gives a sweep with the trials that are known beforehand.

        Raises:
            ConfigError: If it needs Optuna, which is not installed.
        """
        if table.method == "tpe":
            sampling.optuna()
        known = plan(table)
        sweep = cls(file, overrides, zoo, folder, table, len(known) or table.trials or 0, [])
        for values in known:
            sweep._add(values)
        return sweep

    @property
    def metric(self) -> str:
        """What decides."""
        return self.table.metric

    def ranked(self) -> list[tuple[Trial, float]]:
        """Gives the finished trials that have the metric, the best first."""
        found = [(trial, trial.result(self.metric)) for trial in self.trials]
        valued = [(trial, value) for trial, value in found if value is not None]
        return sorted(valued, key=lambda pair: pair[1], reverse=self.table.mode == "max")

    def begin(self, resume: bool) -> None:
        """Writes `sweep.json`, or holds it against what is asked for now.

        Raises:
            ConfigError: If another sweep is in the folder.
            StorageError: If there is none to resume, or it cannot be written.
        """
        path = self.folder / SWEEP_FILE
        if not resume:
            if path.exists():
                raise ConfigError(
                    f"{self.folder} has a sweep already", suggestion="go on with it by --resume"
                )
            self._write()
            return
        try:
            before = json.loads(read_bytes(path))
        except ValueError as error:
            raise StorageError(f"{path} is damaged: {error}") from error
        now = json.loads(json.dumps(self._document()))
        # More trials of a kind that learns go on from those that are there.
        same = "tried" if self.table.method == "tpe" else "trials"
        if before.get(same) != now[same]:
            raise ConfigError(
                f"the trials are not those that {self.folder} began with",
                suggestion="undo the change of [sweep], or begin a new sweep without --resume",
            )
        for values in before["trials"][len(self.trials) :]:
            self._add(values)

    def run(self, workers: int = 0, address: str | None = None) -> Iterator[tuple[Trial, str]]:
        """Trains what is not finished yet.

        Args:
            workers: How many of Ray's processes train at a time; 0 trains here, one by one.
            address: Of a Ray cluster; by default one is started on this machine.

        Yields:
            Each trial as it ends, and why it failed, `""` if it did not.

        Raises:
            ConfigError: If Ray is asked for and not installed.
            Stopped: If a signal came; what was begun is gone on with later.
        """
        if workers or address:
            yield from _in_ray(self, workers, address)
            return
        from zoo.runtime.builder import forget_models

        begun: set[int] = set()
        while trial := self.take(begun):
            yield trial, train_trial(self._order(trial))
            forget_models()

    def take(self, begun: set[int], running: Collection[Trial] = ()) -> Trial | None:
        """Gives the next trial to train, whose values are on disk then; None if there is none.

        Args:
            begun: The numbers of the trials that this process has taken; the new one is added.
            running: Those of them whose training has not ended.
        """
        waiting = (t for t in self.trials if t.number not in begun and not t.finished)
        trial = next(waiting, None)
        if trial is None and len(self.trials) < self.size:
            there = {id(trial) for trial in running}
            ended = [(t.values, t.result(self.metric)) for t in self.trials if id(t) not in there]
            number = len(self.trials) + 1
            values = sampling.ask(self.table, number, ended, [t.values for t in running])
            trial = self._add(values)
            self._write()
        if trial is not None:
            begun.add(trial.number)
        return trial

    def _add(self, values: Mapping[str, Any]) -> Trial:
        number = len(self.trials) + 1
        folder = self.folder / f"trial-{number:0{len(str(self.size))}}"
        self.trials.append(Trial(number, values, folder))
        return self.trials[-1]

    def _document(self) -> dict[str, Any]:
        return {
            "config": self.file,
            "overrides": dict(self.overrides),
            "metric": self.metric,
            "mode": self.table.mode,
            "tried": {
                "method": self.table.method,
                "seed": self.table.seed,
                "values": self.table.values,
            },
            "trials": [dict(trial.values) for trial in self.trials],
        }

    def _write(self) -> None:
        text = json.dumps(self._document(), indent=1)
        write_atomically(self.folder / SWEEP_FILE, text.encode() + b"\n")

    def _order(self, trial: Trial) -> dict[str, Any]:
        return {
            "file": self.file,
            "overrides": {**self.overrides, **trial.values},
            "zoo": str(self.zoo) if self.zoo is not None else None,
            "folder": str(trial.folder),
            "cwd": str(Path.cwd()),
        }


def train_trial(order: Mapping[str, Any]) -> str:
    """Trains a trial, or goes on with one that was begun; done twice, it is done once.

    Args:
        order: `file`, `overrides`, `zoo`, `folder`, `cwd`: plain data, for another process.

    Returns:
        Why it failed; `""` if it did not.

    Raises:
        Stopped: If a signal came.
        StorageError: If nothing can be written: so it would be with the next one.
    """
    import zoo

    folder = Path(order["folder"])
    begun = (folder / RUN_FILE).is_file()
    if begun and Run(folder).facts["status"] == "finished":
        return ""
    try:
        with contextlib.chdir(order["cwd"]):
            zoo.train(
                order["file"],
                order["overrides"],
                zoo=order["zoo"],
                folder=folder,
                resume=begun,
                quiet=True,
            )
    except (Stopped, StorageError):
        raise
    except ZooError as error:
        return in_one_line(error)
    return ""


def _in_ray(sweep: Sweep, workers: int, address: str | None) -> Iterator[tuple[Trial, str]]:
    with connected(workers, address) as ray:
        train = ray.remote(num_cpus=1, max_retries=RETRIES)(train_trial)
        train = train.options(runtime_env=environment())
        at_a_time = workers or int(ray.cluster_resources().get("CPU", 1))
        begun: set[int] = set()
        running: dict[Any, Trial] = {}
        while True:
            while len(running) < at_a_time and (trial := sweep.take(begun, running.values())):
                running[train.remote(sweep._order(trial))] = trial
            if not running:
                return
            (done,), _ = ray.wait(list(running), num_returns=1)
            trial = running.pop(done)
            try:
                yield trial, ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                yield trial, f"its process died {RETRIES + 1} times: {in_one_line(error)}"
