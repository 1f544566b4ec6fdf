"""The zoo's own callbacks."""

import atexit
import json
import os
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from zoo.differences import flattened
from zoo.files import read_bytes, write_atomically
from zoo.runs import Run

_ID_FILE = "mlflow.json"
_STORE = "mlruns"
_PARAMETERS = ("loss", "losses", "loss_weights", "optimizer", "train")
_MOST_AT_ONCE = 100
_LONGEST = 500


class MLflow(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Logs a training to MLflow: its settings, and its metrics after each epoch.

    The environment variable `MLFLOW_TRACKING_URI` says where to, as for MLflow itself; without it,
    into the folder `mlruns` of the zoo. A config cannot: it does not decide who is told of a
    training. A training that is resumed goes on with its MLflow run.

    Args:
        experiment: The experiment; by default the model's name.
        run_name: The name of the run; by default that of its folder.
        run_folder: The run's folder, which a training supplies.

    Raises:
        ValueError: If MLflow is not installed.
    """

    def __init__(self, experiment: str = "", run_name: str = "", run_folder: str = "") -> None:
        super().__init__()
        _import_mlflow()
        self.experiment = experiment
        self.run_name = run_name
        self.run_folder = run_folder
        # A checkpoint keeps what callbacks remember, and what was logged is known to MLflow alone.
        self._log: Callable[[int, Mapping[str, Any]], None] | None = None
        self._end: Callable[[str], None] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        run = Run(Path(self.run_folder)) if self.run_folder else None
        facts = run.facts if run is not None else {}
        experiment = self.experiment or str(facts.get("model") or self.model.name)
        name = self.run_name or (run.folder.name if run is not None else "")
        tracked = _Tracked(_tracking_uri(facts), experiment, name, run)
        if run is not None:
            tracked.describe(tomllib.loads(run.config_path.read_text(encoding="utf-8")), facts)
        self._log, self._end = tracked.log, tracked.end
        # Keras tells no callback that a training failed or was stopped.
        atexit.register(tracked.end, "KILLED")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._log is not None:
            self._log(epoch + 1, logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        if self._end is not None:
            self._end("FINISHED")


class _Tracked:
    """One run of MLflow."""

    def __init__(self, uri: str, experiment: str, name: str, run: Run | None) -> None:
        self._client = _import_mlflow().MlflowClient(tracking_uri=uri)
        self._id = self._earlier(uri, run) or self._new(experiment, name)
        self._last = self._last_steps()
        self._ended = False
        self._client.update_run(self._id, status="RUNNING")
        if run is not None:
            known = {"tracking_uri": uri, "run_id": self._id}
            write_atomically(run.folder / _ID_FILE, json.dumps(known).encode() + b"\n")

    def describe(self, config: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Logs what is trained, and how."""
        from mlflow.entities import Param, RunTag

        chosen = {key: config[key] for key in _PARAMETERS if key in config}
        logged = self._client.get_run(self._id).data.params
        # MLflow never changes a parameter, and a resumed training may have more epochs.
        missing = [
            Param(key, str(value)[:_LONGEST])
            for key, value in flattened(chosen).items()
            if key not in logged
        ]
        for start in range(0, len(missing), _MOST_AT_ONCE):
            self._client.log_batch(self._id, params=missing[start : start + _MOST_AT_ONCE])
        tags = {f"zoo.{key}": str(facts[key]) for key in ("model", "fingerprint", "parent")}
        tags["zoo.epochs"] = str(config["train"]["epochs"])
        self._client.log_batch(self._id, tags=[RunTag(key, value) for key, value in tags.items()])

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Logs the metrics of an epoch, but those that a run before its kill logged already."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        new = [name for name in values if step > self._last.get(name, 0)]
        metrics = [Metric(name, float(values[name]), now, step) for name in new]
        self._client.log_batch(self._id, metrics=metrics)

    def end(self, status: str) -> None:
        """Says how the training ended."""
        atexit.unregister(self.end)
        if not self._ended:
            self._ended = True
            self._client.set_terminated(self._id, status=status)

    def _earlier(self, uri: str, run: Run | None) -> str | None:
        if run is None or not (run.folder / _ID_FILE).is_file():
            return None
        known = json.loads(read_bytes(run.folder / _ID_FILE))
        return str(known["run_id"]) if known["tracking_uri"] == uri else None

    def _new(self, experiment: str, name: str) -> str:
        found = self._client.get_experiment_by_name(experiment)
        number = found.experiment_id if found else self._client.create_experiment(experiment)
        return str(self._client.create_run(number, run_name=name or None).info.run_id)

    def _last_steps(self) -> dict[str, int]:
        names = self._client.get_run(self._id).data.metrics
        histories = {name: self._client.get_metric_history(self._id, name) for name in names}
        return {name: max(item.step for item in items) for name, items in histories.items()}


def _tracking_uri(facts: Mapping[str, Any]) -> str:
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        return uri
    # MLflow wants to be told that one means a folder rather than a database.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    root = facts.get("zoo") or facts.get("root") or Path.cwd()
    return Path(root, _STORE).resolve().as_uri()


def _import_mlflow() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
    except ImportError as error:
        raise ValueError("it needs the extra `mlflow`: pip install 'zoo[mlflow]'") from error
    return mlflow
