"""What a log of a training is, and the one of its batches."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from zoo.files import file_error, read_bytes, write_atomically
from zoo.runs import History, Run

BATCHES = "batches.csv"


class Log(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """What follows a training beside its recorder; opened anew, it has the epochs that are done."""

    def close(self, history: History) -> None:
        """Writes what is missing when the training has ended, however it did.

        Args:
            history: Each metric's value per epoch.

        Raises:
            StorageError: If it cannot be written.
        """


class BatchLog(Log):
    """One row a batch in `batches.csv`, with what Keras says of its epoch up to there.

    Args:
        run: The run.
        done: How many epochs are done.
    """

    def __init__(self, run: Run, done: int) -> None:
        super().__init__()
        self._path = run.folder / BATCHES
        self._rows: list[list[Any]] = []
        self._names: list[str] = []
        self._epoch = done
        if self._path.exists():
            self._keep(done)

    def _keep(self, done: int) -> None:
        rows = list(csv.reader(io.StringIO(read_bytes(self._path).decode(errors="replace"))))
        self._names = rows[0][2:] if rows else []
        whole = [row for row in rows[1:] if len(row) == len(rows[0]) and row[0].isdecimal()]
        kept = [row for row in whole if int(row[0]) <= done]
        write_atomically(self._path, _as_csv([*rows[:1], *kept]).encode())

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        values = logs or {}
        if not self._names:
            self._names = list(values)
            self._rows.append(["epoch", "batch", *self._names])
        cells = [float(values[name]) if name in values else "" for name in self._names]
        self._rows.append([self._epoch, batch + 1, *cells])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._write()

    def close(self, history: History) -> None:
        # The batches up to a loss that is not finite are those that one wants to see.
        self._write()

    def _write(self) -> None:
        rows, self._rows = self._rows, []
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(_as_csv(rows))
        except OSError as error:
            raise file_error("write", self._path, error) from error


def _as_csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
