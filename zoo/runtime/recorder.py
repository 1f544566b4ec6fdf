"""The callback that keeps a run: history and checkpoint after each epoch, a stop on NaN."""

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from zoo.errors import RunError, StorageError
from zoo.registry.tensors import TensorFile
from zoo.runs import TIMINGS, History, Run
from zoo.runtime import checkpoint
from zoo.runtime.signals import StopRequest


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes history and checkpoint after each epoch, and stops on NaN or a signal.

    Args:
        run: The run.
        callbacks: The callbacks of the config, whose state belongs to the checkpoint.
        history: What the epochs before have reached.
        earlier: The checkpoint that the training goes on from.
        request: Whether a signal has asked to stop.
    """

    def __init__(
        self,
        run: Run,
        callbacks: Sequence[Any],
        history: History,
        earlier: TensorFile | None,
        request: StopRequest,
    ) -> None:
        super().__init__()
        self._run = run
        self._callbacks = list(callbacks)
        self._earlier = earlier
        self._request = request
        self._epoch = 0
        self._batches = 0
        self._began: float | None = None
        self.history = history
        self.done = max((len(values) for values in history.values()), default=0)
        self._before = self.done
        self._seconds = _earlier_seconds(run, self.done)

    def on_train_begin(self, logs: Any = None) -> None:
        # Keras has just reset the callbacks, which stand before this one.
        if self._earlier is not None:
            checkpoint.restore_callbacks(self._earlier, self._callbacks)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        self._began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        self._batches = batch + 1
        if not math.isfinite(loss):
            raise self._not_finite(loss)
        self._request.raise_if_received()

    def _not_finite(self, loss: float) -> RunError:
        batch = self._batches
        message = f"the loss became {loss} in epoch {self._epoch + 1}, batch {batch}"
        watch = getattr(getattr(self.model, "step_metrics", None), "watch", None)
        culprit = watch.culprit if watch is not None else None
        if culprit is None:
            remedy = "lower the learning rate, clip the gradients (clipnorm), or look at the data"
        elif culprit.partition("[")[0] in ("x", "y", "sample_weight"):
            message += f": {culprit} holds values there that are not finite"
            remedy = "clean the data"
        else:
            since = f"after batch {batch - 1}" if batch > 1 else "before it"
            message += f": {culprit} was not finite any more {since}"
            if batch > 1:
                message += ", whose loss was finite and a gradient was not"
            remedy = "lower the learning rate, or look for a root, logarithm or division at 0"
        return RunError(
            message, "not-finite", suggestion=f"{remedy}; the last good checkpoint is kept"
        )

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._request.raise_if_received()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        for name, value in (logs or {}).items():
            values = self.history.setdefault(name, [])
            values.extend([None] * (epoch - len(values)))
            values.append(_finite(value))
        self.done = epoch + 1
        self._save(self.model)
        self._seconds.extend([None] * (epoch - len(self._seconds)))
        # Its checkpoint is a part of an epoch's time, as whoever waits for it has it.
        passed = None if self._began is None else round(time.perf_counter() - self._began, 3)
        self._seconds.append(passed)
        with contextlib.suppress(StorageError):  # what the report shows is not worth the training
            self._run.write_note(TIMINGS, self._seconds)

    def take_missing(self, history: Mapping[str, Any]) -> None:
        """Takes the history of a loop that called no callbacks."""
        if self.done > self._before:
            return
        for name, values in history.items():
            kept = self.history.setdefault(name, [])
            kept.extend([None] * (self._before - len(kept)))
            kept.extend(map(_finite, values))
        self.done = max((len(values) for values in self.history.values()), default=0)

    def finish(self, model: Any) -> None:
        """Writes the final state: callbacks may change the weights at the end."""
        if self._earlier is not None and self._batches == 0:
            # Keras forgets at the beginning that a callback had ended the training.
            model.stop_training = checkpoint.ended(self._earlier)
        self._save(model)

    def _save(self, model: Any) -> None:
        path = self._run.checkpoint_path
        checkpoint.save(path, model, self._callbacks, self.done, self.history, self._batches)
        self._run.write_history(self.history)


def _earlier_seconds(run: Run, done: int) -> list[float | None]:
    """Gives how long the epochs before have taken, as far as that is known."""
    try:
        earlier = run.note(TIMINGS) if done else None
    except StorageError:  # the training is worth more than its timings
        earlier = None
    known = earlier[:done] if isinstance(earlier, list) else []
    return [*known, *([None] * (done - len(known)))]


def _finite(value: Any) -> float | None:
    # JSON has no NaN.
    number = float(value)
    return number if math.isfinite(number) else None
