"""Run folders: what a training leaves behind, and how it becomes a version."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.config.compose import Source
from zoo.errors import ConfigError, RunError, StorageError
from zoo.files import file_error, is_temporary, read_bytes, write_atomically
from zoo.registry.root import find_root, no_registry, root_above
from zoo.registry.tensors import TensorFile, Tensors, decode, read_metadata_of

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import WeightsEntry

RUN_FILE = "run.json"
PROVENANCE = "provenance.json"
"""Each value of the config and where it came from."""

DATA = "data.json"
"""Shape and statistics of each array of the data."""

TIMINGS = "timings.json"
"""How many seconds each epoch took; None where that is not known."""

EVALUATION = "evaluation.json"
"""What evaluators found, and after which epoch."""

MODEL_PREFIX = "model/"
"""Before the path of each weight in a checkpoint."""

History = dict[str, list[float | None]]
"""Each metric's value per epoch; None where it had none."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training and its folder.

    Attributes:
        folder: The folder with `config.toml`, `run.json`, `history.csv`, `history.json`,
            `log.txt` and `checkpoint.safetensors`; for its report `provenance.json`, `data.json`,
            `timings.json` and, once it was evaluated, `evaluation.json`; and `report/`.
    """

    folder: Path

    @property
    def config_path(self) -> Path:
        """The resolved config."""
        return self.folder / "config.toml"

    @property
    def checkpoint_path(self) -> Path:
        """The last good state of the training."""
        return self.folder / "checkpoint.safetensors"

    @property
    def report_folder(self) -> Path:
        """Where its report is, and the tables and figures of its evaluation."""
        return self.folder / "report"

    @property
    def facts(self) -> dict[str, Any]:
        """What `run.json` says: model, status, versions, fingerprint, seed.

        Raises:
            StorageError: If the folder is not that of a run.
        """
        try:
            facts = json.loads(read_bytes(self.folder / RUN_FILE))
        except ValueError as error:
            raise StorageError(f"{self.folder / RUN_FILE} is damaged: {error}") from error
        return dict(facts)

    @property
    def history(self) -> History:
        """Each metric's value per epoch, up to the last good state and as that one has it."""
        # `history.json` is written after the checkpoint: a kill between leaves it an epoch behind.
        if not self.checkpoint_path.exists():
            return {}
        try:
            return dict(json.loads(read_metadata_of(self.checkpoint_path)["history"]))
        except (OSError, ValueError, KeyError) as error:
            raise StorageError(
                f"{self.checkpoint_path} is damaged: {error}", suggestion="train again"
            ) from error

    @property
    def source(self) -> Source:
        """The resolved config, with the folder that its paths are relative to."""
        return Source(self.config_path, Path(self.facts["root"]), resolved=True)

    def last_epoch(self) -> dict[str, float]:
        """Gives the values that the last epoch reached."""
        last = {name: values[-1] for name, values in self.history.items() if values}
        return {name: value for name, value in last.items() if value is not None}

    def write_facts(self, **changes: Any) -> None:
        """Updates `run.json`."""
        path = self.folder / RUN_FILE
        facts = self.facts if path.exists() else {}
        write_atomically(path, json.dumps({**facts, **changes}, indent=2).encode() + b"\n")

    def note(self, name: str) -> Any:
        """Reads what is kept beside the training for its report; None where it is not there.

        Args:
            name: `PROVENANCE`, `DATA`, `TIMINGS` or `EVALUATION`.

        Raises:
            StorageError: If it is damaged.
        """
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            return json.loads(read_bytes(path))
        except ValueError as error:
            raise StorageError(f"{path} is damaged: {error}") from error

    def write_note(self, name: str, document: Any) -> None:
        """Writes what is kept beside the training for its report; see `note`."""
        write_atomically(self.folder / name, json.dumps(document, indent=1).encode() + b"\n")

    def write_history(self, history: History) -> None:
        """Writes the history as JSON and as CSV, one row an epoch."""
        write_atomically(self.folder / "history.json", json.dumps(history).encode() + b"\n")
        epochs = max((len(values) for values in history.values()), default=0)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["epoch", *history])
        for epoch in range(epochs):
            row = [values[epoch] if epoch < len(values) else "" for values in history.values()]
            table.writerow([epoch + 1, *row])
        write_atomically(self.folder / "history.csv", text.getvalue().encode())

    def remove_temporaries(self) -> None:
        """Removes what a killed training was about to write; the caller holds the lock."""
        for path in self.folder.rglob(".*"):
            if is_temporary(path):
                path.unlink(missing_ok=True)

    def log(self, message: str) -> None:
        """Adds a line with the time to `log.txt`.

        Raises:
            StorageError: If it cannot be written.
        """
        path = self.folder / "log.txt"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}\n")
        except OSError as error:
            raise file_error("write", path, error) from error

    def checkpoint(self) -> TensorFile:
        """Reads the last good state.

        Raises:
            RunError: If no epoch was finished.
        """
        if not self.checkpoint_path.exists():
            raise RunError(
                f"{self.folder} has no checkpoint: no epoch was finished",
                suggestion="train it first",
            )
        return decode(read_bytes(self.checkpoint_path), str(self.checkpoint_path))

    def weights(self) -> Tensors:
        """Gives the model's weights by path, as the last good state has them."""
        tensors = self.checkpoint().tensors
        return {path: tensors[f"{MODEL_PREFIX}{path}"] for path in self.facts["weights"]}

    def publish(
        self, version: str | None = None, *, zoo: str | Path | None = None
    ) -> "WeightsEntry":
        """Publishes the weights of the last good state.

        Args:
            version: The version to give them; by default the fingerprint decides.
            zoo: The zoo root; by default the one that the run lies in or was made in, or the one
                here.

        Raises:
            RegistryError: If there is no zoo, or its registry is damaged.
            RunError: If there is nothing to publish.
        """
        from zoo.registry.publishing import Candidate, publish

        facts = self.facts
        if zoo is None and facts.get("zoo"):
            zoo = root_above(self.folder.absolute()) or facts["zoo"]  # zoos are copied and moved
        root = find_root(zoo)
        if root is None:
            raise no_registry("there is no zoo to publish into")
        return publish(
            root,
            Candidate(
                name=facts["model"],
                description=facts["description"],
                source=facts["source"],
                config=self.config_path.read_text(encoding="utf-8"),
                tensors=self.weights(),
                fingerprint=facts["fingerprint"],
                graph=facts["graph"],
                plugins=facts["plugins"],
                keras=facts["keras"],
                metrics=self.last_epoch(),
                parent=facts["parent"],
            ),
            version,
        )


def open_run(folder: str | Path) -> Run:
    """Opens the folder of a run.

    Raises:
        StorageError: If it is not one.
    """
    run = Run(Path(folder).absolute())
    if not (run.folder / RUN_FILE).is_file():
        raise StorageError(
            f"{folder} is not the folder of a run: it has no run.json",
            suggestion="give the folder that `zoo train` named",
        )
    return run


def new_folder(name: str, root: Path, asked: str | Path | None) -> Path:
    """Chooses the folder of a new run.

    Args:
        name: The model's name.
        root: The zoo root, or the current folder outside of one; runs go into `runs/NAME/` there.
        asked: The folder that the user named.

    Raises:
        ConfigError: If the folder that was named holds something already.
    """
    if asked is not None:
        folder = Path(asked).absolute()
        if folder.exists() and (not folder.is_dir() or _holds_something(folder)):
            raise ConfigError(
                f"{asked} is there already and not empty",
                suggestion="name another folder, or go on with the run in it by --resume",
            )
        return folder
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    base = root / "runs" / name
    candidates = (base / (f"{stamp}-{n}" if n else stamp) for n in range(1000))
    return next(folder for folder in candidates if not folder.exists())


def _holds_something(folder: Path) -> bool:
    """Tells whether there is more in a folder than a training leaves that is killed at once."""
    names = {path.name for path in folder.iterdir() if not is_temporary(path)}
    return bool(names - {".lock", "config.toml"}) or names == {"config.toml"}
