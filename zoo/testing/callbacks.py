"""The rules for callbacks."""

import inspect
import json
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras

from zoo.components import did_you_mean
from zoo.files import read_bytes
from zoo.registry.tensors import decode
from zoo.runtime import checkpoint
from zoo.testing import cards
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import as_arrays, must_agree
from zoo.testing.tiny import EPOCHS, TrainingBench, copy_state


class _Restored(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Puts the state of callbacks back, as a resumed run does."""

    def __init__(self, content: Any, callbacks: list[Any]) -> None:
        super().__init__()
        self._content = content
        self._callbacks = callbacks

    def on_train_begin(self, logs: Any = None) -> None:
        checkpoint.restore_callbacks(self._content, self._callbacks)


@dataclass(frozen=True)
class CallbackBench(TrainingBench):
    """A callback, with a model and data to train."""

    @cached_property
    def first(self) -> Any:
        """The history of the first whole training."""
        return _fit(self, self.model(eager=False), [self.subject.make()])


def _fit(bench: CallbackBench, model: Any, callbacks: list[Any], **options: Any) -> Any:
    x, y = bench.data["train"][:2]
    options = {"epochs": EPOCHS, "validation_data": bench.data.get("validation"), **options}
    return model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=callbacks, **options)


@rule(
    "It is made with its arguments, and a training with it ends, with and without validation.",
    "read logs by logs.get(...): a value may be missing, and logs may be None.",
)
def made(bench: CallbackBench) -> None:
    """Trains with it."""
    assert bench.first is not None
    _fit(bench, bench.model(), [bench.subject.make()], validation_data=None)


@rule(
    "Every method that begins with on_ is one that Keras calls.",
    "spell it as keras.callbacks.Callback does.",
)
def hooks(bench: CallbackBench) -> None:
    """Compares its methods with Keras's."""
    known = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
    for name, _ in inspect.getmembers(bench.subject.target, callable):
        if name.startswith("on_") and name not in known:
            hint = did_you_mean(name, known, f"there are {', '.join(known)}")
            raise Broken(f"nothing ever calls {name}; {hint}")


@rule(
    "The same seed gives the same training.",
    "draw random numbers from a generator that the constructor seeds.",
)
def seed(bench: CallbackBench) -> None:
    """Trains twice."""
    again = _fit(bench, bench.model(eager=False), [bench.subject.make()])
    first = _numbers(bench.first.history)
    must_agree(_numbers(again.history), first, "two trainings differ", 0.0)


@rule(
    "A run that is resumed goes on as if it had not stopped.",
    "keep what has to survive in attributes of the callback that are numbers, texts, arrays, or "
    "lists of them, or tables of numbers and texts: the checkpoint holds those and nothing else.",
)
def resume(bench: CallbackBench) -> None:
    """Stops a training after an epoch, and goes on with a new callback from the checkpoint."""
    whole = bench.first
    model, callbacks = bench.model(), [bench.subject.make()]
    first = _fit(bench, model, callbacks, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checkpoint.safetensors"
        checkpoint.save(file, model, callbacks, 1, {})
        content = decode(read_bytes(file), str(file))
    stopped, model, callbacks = model, bench.model(), [bench.subject.make()]
    copy_state(stopped, model)
    callbacks.append(_Restored(content, callbacks[:]))
    second = _fit(bench, model, callbacks, initial_epoch=1)
    joined = {name: [*first.history[name], *second.history.get(name, [])] for name in first.history}
    if json.dumps(whole.epoch) != json.dumps([*first.epoch, *second.epoch]):
        raise Broken(f"epochs {whole.epoch} become {[*first.epoch, *second.epoch]}")
    must_agree(_numbers(joined), _numbers(whole.history), "the resumed training differs")


def _numbers(history: dict[str, list[float]]) -> list[Any]:
    return as_arrays([history[name] for name in sorted(history)])


RULES = (made, hooks, cards.card, seed, resume)
