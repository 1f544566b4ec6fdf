"""What a person sees while a model trains."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import keras
from rich.progress import TextColumn

from zoo.progress import bar, on_a_terminal


def progress_callback(epochs: int, *, quiet: bool = False) -> Any:
    """Gives the callback that shows the progress on stderr.

    Args:
        epochs: How many epochs there are.
        quiet: Whether to show nothing.

    Returns:
        A bar on a terminal, one line an epoch otherwise.
    """
    if quiet:
        return keras.callbacks.Callback()
    return EpochBar(epochs) if on_a_terminal() else EpochLines(epochs)


class EpochLines(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """One line an epoch."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        seconds = time.monotonic() - self._started
        line = f"epoch {epoch + 1}/{self._epochs}  {seconds:.1f} s  {_in_words(logs)}"
        print(line, file=sys.stderr, flush=True)


class EpochBar(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """A bar over the epochs, and a line for each that is done."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._bar = bar(TextColumn("{task.fields[logs]}"))
        self._task: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._task is None:
            self._task = self._bar.add_task("training", total=self._epochs, logs="")
        self._bar.update(self._task, completed=epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        text = f"batch {batch + 1}  {_in_words({'loss': (logs or {}).get('loss', 0.0)})}"
        self._bar.update(self._task, logs=text)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._bar.update(self._task, completed=epoch + 1, logs="")
        self._bar.console.print(f"epoch {epoch + 1}/{self._epochs}  {_in_words(logs)}")

    def close(self) -> None:
        """Gives the terminal back."""
        self._bar.stop()


def _in_words(logs: Mapping[str, Any] | None) -> str:
    return "  ".join(f"{name} {float(value):.4g}" for name, value in (logs or {}).items())
