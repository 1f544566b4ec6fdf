"""A resolved model to a run: trained, recorded after every epoch, resumable."""

import contextlib
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from zoo.catalog.discovery import CORE
from zoo.errors import ConfigError, RunError, StorageError, ZooError, in_one_line
from zoo.files import file_error, make_folder, storage_error, write_atomically
from zoo.progress import quietly
from zoo.registry.tensors import TensorFile
from zoo.report.run_report import try_run_report
from zoo.resolve import ResolvedModel, resolved_toml
from zoo.resolve.settings import settings
from zoo.runs import DATA, PROVENANCE, Run
from zoo.runtime import checkpoint
from zoo.runtime.batch_log import Log
from zoo.runtime.blame import line_of_a_plugin
from zoo.runtime.data import load_data
from zoo.runtime.data_summary import data_summary
from zoo.runtime.fingerprint import fingerprint, part_within
from zoo.runtime.instantiate import Instantiator
from zoo.runtime.logs import check_logs, close_logs, open_logs
from zoo.runtime.measuring import choose_compilation
from zoo.runtime.progress import progress_callback
from zoo.runtime.recorder import Recorder
from zoo.runtime.run_folder import folder_of, locked
from zoo.runtime.signals import StopRequest, stop_on_signals, stopped_by
from zoo.runtime.targets import check_targets
from zoo.runtime.weights import Shelf, assign
from zoo.runtime.workers import worker_of


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user asks of one training beside the config.

    Attributes:
        folder: The run's folder; by default a new one in `runs/NAME/` of the zoo.
        resume: Whether to go on with the run in that folder, or else with the newest one.
        start_from: The `name@version` whose weights the training starts from.
        quiet: Whether to show no progress.
        origins: Where each value of the config comes from, for the report.
    """

    folder: str | Path | None = None
    resume: bool = False
    start_from: str | None = None
    quiet: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)


class Settings(dict[str, Any]):
    """The `[train]` table as a loop gets it, by key or by attribute."""

    def __getattr__(self, name: str) -> Any:
        """Gives a setting."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def train(model: ResolvedModel, shelf: Shelf, zoo: Path | None, wishes: Wishes) -> Run:
    """Trains a model; what is wrong is said before anything is written.

    Args:
        model: The resolved model.
        shelf: Builds models of the zoo.
        zoo: The zoo root, where there is one.
        wishes: What the user asks beside the config.

    Returns:
        The run.

    Raises:
        ConfigError: If the config cannot be trained.
        RunError: If the data or the training is not finite; the last good checkpoint stays.
        Stopped: If a signal stopped it; `resume` goes on.
    """
    with stop_on_signals() as request, quietly(wishes.quiet):
        try:
            return _Training(model, shelf, zoo, wishes, request).run()
        except KeyboardInterrupt as error:
            hint = "nothing was trained yet and nothing is lost: give the command again"
            raise stopped_by(error, hint) from None


class _Training:
    def __init__(
        self,
        model: ResolvedModel,
        shelf: Shelf,
        zoo: Path | None,
        wishes: Wishes,
        request: StopRequest,
    ) -> None:
        self.model = model
        self.shelf = shelf
        self.zoo = zoo
        self.worker = worker_of(model.train.strategy)
        self.wishes = wishes if self.worker.leads else replace(wishes, quiet=True)
        self.request = request
        self.scope: Callable[[], Any] = contextlib.nullcontext
        source = model.source
        self.instantiator = Instantiator(source.path, source.folder, source.root)

    def run(self) -> Run:
        if self.model.data is None or not self.model.losses:
            missing = "[data]" if self.model.data is None else "[loss]"
            raise ConfigError(
                f"there is no {missing} to train with",
                "missing-key",
                file=str(self.model.source.path),
                key=missing.strip("[]"),
            )
        self.instantiator.check(self.model.data, self.model.loop, *self.model.callbacks)
        check_logs(self.model.train.log, str(self.model.source.path))
        home = self.zoo or Path.cwd()
        run, earlier = folder_of(
            self.model, home, self.wishes.folder, self.wishes.resume, self.worker
        )
        built = self._build()
        if earlier is not None:
            graph = self.shelf.graph(self.model, built)
            self.shelf.compare(run.facts["graph"], graph, str(run.folder), _SAME_VERSIONS)
        if self.wishes.start_from is not None:
            self._start_from(built, self.wishes.start_from)
        keras.utils.set_random_seed(self.model.train.seed)
        data = load_data(self.model.data, self.instantiator, built)
        self._check_targets(data, built)
        # What a callback writes stays in the run's folder.
        inside = Instantiator(self.model.source.path, run.folder, run.folder)
        supplied = {"run_folder": str(run.folder)}
        callbacks = [inside.make(part, **supplied) for part in self.model.callbacks]
        with locked(run):
            # From here on the run's files say how it ended, so a stop waits until they can.
            self.request.deferred = True
            run.remove_temporaries()
            if earlier is None:
                self._begin(run, built)
            else:
                # More epochs may be asked for than the run began with.
                write_atomically(run.config_path, resolved_toml(self.model).encode())
            chosen = choose_compilation(run, self.model, self.shelf, built, data)
            self._write_notes(run, data_summary(data, built), chosen)
            self._train(run, built, data, callbacks, earlier)
        return run

    def _build(self) -> Any:
        if self.model.train.strategy is None:
            return self.shelf.build(self.model)
        from zoo.runtime.strategies import check_losses, make_strategy

        self.scope = make_strategy(self.model.train.strategy, self.worker).scope
        with self.scope():
            built = self.shelf.build(self.model)
        check_losses(built)
        return built

    def _check_targets(self, data: Any, built: Any) -> None:
        key = self.model.data.key if self.model.data is not None else "data"
        try:
            check_targets(data, self._elementwise_outputs(), self.model.losses, built)
        except ZooError as error:
            raise error.located(file=str(self.model.source.path), key=key) from None

    def _elementwise_outputs(self) -> list[str]:
        # Of a plugin's loss it is not known; of Keras's own, few take targets of another shape.
        return [
            output
            for output, part in self.model.losses.items()
            if part.component.distribution == CORE
            and not re.match(r"sparse|ctc|circle", part.component.name, re.IGNORECASE)
        ]

    def _start_from(self, built: Any, reference: str) -> None:
        made_by, donor = self.shelf.of_version(reference)
        before, now = self.shelf.graph(made_by, donor), self.shelf.graph(self.model, built)
        # Nodes without weights may come on top.
        remedy = "start from a version whose nodes all stand in the model"
        self.shelf.compare(before, part_within(before, now), reference, remedy)
        tensors = {variable.path: variable.numpy() for variable in donor.weights}
        assign(built, tensors, reference)

    def _begin(self, run: Run, built: Any) -> None:
        graph = self.shelf.graph(self.model, built)
        try:
            make_folder(run.folder)
        except OSError as error:
            raise file_error("make", run.folder, error) from error
        write_atomically(run.config_path, resolved_toml(self.model).encode())
        source = self.model.source
        run.write_facts(
            model=self.model.name,
            description=self.model.description,
            source=source.origin,
            root=str(source.root),
            zoo=str(self.zoo) if self.zoo is not None else None,
            parent=self._parent(),
            fingerprint=fingerprint(graph),
            graph=graph,
            weights=[variable.path for variable in built.weights],
            parameters=int(built.count_params()),
            plugins=self.shelf.plugins(self.model),
            seed=self.model.train.seed,
            precision=self.model.train.precision,
            keras=keras.__version__,
            backend=keras.backend.backend(),
            tensorflow=version("tensorflow"),
            python=platform.python_version(),
            started=_now(),
            status="running",
        )

    def _write_notes(self, run: Run, summary: list[dict[str, Any]], chosen: dict[str, str]) -> None:
        try:
            before = {row["key"]: row for row in run.note(PROVENANCE) or ()}
        except (StorageError, TypeError, KeyError):  # damaged: the report will have less to say
            before = {}
        rows = [
            {"key": key, "value": value, "from": self.wishes.origins.get(key, "")}
            for key, value in (settings(self.model) | chosen).items()
        ]
        # Resumed with the run's own config, what is as it was still comes from where it came.
        kept = [_as_before(before.get(row["key"]), row) for row in rows]
        try:
            run.write_note(PROVENANCE, kept)
            run.write_note(DATA, summary)
        except StorageError as error:
            print(f"the report will not show the config: {in_one_line(error)}", file=sys.stderr)

    def _parent(self) -> str:
        return self.shelf.reference(self.wishes.start_from) if self.wishes.start_from else ""

    def _train(
        self,
        run: Run,
        built: Any,
        data: Mapping[str, Any],
        callbacks: list[Any],
        earlier: TensorFile | None,
    ) -> None:
        with self.scope():
            done, history = checkpoint.restore(earlier, built) if earlier is not None else (0, {})
        epochs, facts = self.model.train.epochs, run.facts
        finished = facts["status"] == "finished" and epochs <= max(done, facts.get("planned", 0))
        if finished or done > epochs:
            all_done = f"all {epochs} epochs are done already"
            by_itself = f"the training ended by itself after {done} epochs"
            print(all_done if done >= epochs else by_itself, file=sys.stderr)
            return
        recorder = Recorder(run, callbacks, history, earlier, self.request)
        logs: list[Log] = []
        progress = progress_callback(epochs, quiet=self.wishes.quiet)
        run.log(f"training {self.model.name}, epochs {done + 1} to {epochs}")
        run.write_facts(status="running", planned=epochs)
        try:
            for line in checkpoint.doubts(earlier) if earlier is not None else ():
                run.log(line)
                print(line, file=sys.stderr)
            # Killed between its last epoch and its end, it has only the end before it.
            ended = earlier is not None and checkpoint.ended(earlier)
            last = done if ended and epochs <= facts.get("planned", epochs) else epochs
            logs += open_logs(run, self.model, history, done)
            self._call_loop(built, data, [*callbacks, *logs, recorder, progress], done, last)
            recorder.finish(built)
            run.write_facts(status="finished", finished=_now(), epochs=recorder.done)
        except BaseException as error:  # a signal too leaves a usable run
            status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            error = self._resumable(error, run)
            # Where the disk is full, what ended the training is still worth more than its note.
            with contextlib.suppress(StorageError):
                run.log(f"{status}: {in_one_line(error)}")
                run.write_facts(status=status, finished=_now(), epochs=recorder.done)
            raise error from error.__cause__
        finally:
            getattr(progress, "close", lambda: None)()
            if self.worker.leads and run.checkpoint_path.exists():
                try_run_report(run, self.model, self.shelf.catalog, quiet=self.wishes.quiet)
            close_logs(logs, recorder.history)
        run.log("finished")
        try:
            self.request.raise_if_received()
        except KeyboardInterrupt as error:
            raise stopped_by(error, f"the training was done: {run.folder} is whole") from None

    def _call_loop(
        self, built: Any, data: Mapping[str, Any], callbacks: Sequence[Any], done: int, last: int
    ) -> None:
        not_the_loops = {"log", "loop", "callbacks", "strategy"}
        settings = Settings(self.model.train.model_dump(exclude=not_the_loops))
        settings |= {"initial_epoch": done, "epochs": last}
        if settings["jit_compile"] == "measure":
            settings["jit_compile"] = built.jit_compile
        recorder = next(item for item in callbacks if isinstance(item, Recorder))
        self.request.raise_if_received()
        try:
            with contextlib.redirect_stdout(sys.stderr):
                returned = self._loop()(built, data, settings, list(callbacks))
        except (ZooError, KeyboardInterrupt):
            raise
        except Exception as error:  # Keras and plugins raise anything here
            if (full := storage_error("the training failed", error)) is not None:
                raise full from error
            place = line_of_a_plugin(error, self.model.parts())
            what = f"{type(error).__name__}: {in_one_line(error)}" + (
                f" ({place})" if place else ""
            )
            raise RunError(f"the training failed: {what}", "training") from error
        recorder.take_missing(getattr(returned, "history", {}))
        if done < recorder.done < last and not self.wishes.quiet:
            ended = f"the training ended by itself after {recorder.done} of {last} epochs"
            print(ended, file=sys.stderr)
        if recorder.done == done < last:
            raise RunError(
                f'the loop "{self.model.loop.component.name}" reported no epoch',
                "training",
                suggestion="let it call the callbacks that it gets, or return Keras's History",
            )

    def _loop(self) -> Callable[..., Any]:
        if self.model.train.strategy != "multi_worker":
            return partial(self.instantiator.call, self.model.loop)
        from zoo.builtin.loops import multi_worker

        return multi_worker

    def _resumable(self, error: BaseException, run: Run) -> BaseException:
        if not isinstance(error, KeyboardInterrupt):
            return error
        hint = f"go on with: zoo train {run.config_path} --resume --run {run.folder}"
        return stopped_by(error, hint)


_SAME_VERSIONS = "install the versions that its run.json names, or train anew without --resume"


def _as_before(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    return old if old is not None and old.get("value") == new["value"] else new


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
