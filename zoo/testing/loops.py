"""The rules for training loops."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from zoo.testing import cards
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import Array, as_arrays, must_agree, must_be_finite
from zoo.testing.tiny import EPOCHS, TrainingBench


class _Spy(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes down what is called, and stops after an epoch where asked to."""

    def __init__(self, stop_after: int | None = None) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.logs: list[dict[str, float]] = []
        self._stop_after = stop_after

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append("train begin")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"epoch {epoch} begin")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.calls[-1] != "batches":
            self.calls.append("batches")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"epoch {epoch} end")
        self.logs.append(dict(logs or {}))
        if epoch == self._stop_after:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        self.calls.append("train end")


@dataclass(frozen=True)
class LoopBench(TrainingBench):
    """A loop, with a model and data to train."""

    def run(self, stop_after: int | None = None, *, eager: bool = True, **settings: Any) -> Any:
        """Runs the loop, and gives what it returned, the model and what a callback saw."""
        model, spy = self.model(eager=eager), _Spy(stop_after)
        target, arguments = self.subject.target, self.subject.arguments
        returned = target(model, self.data, self.settings(**settings), [spy], **arguments)
        return returned, model, spy

    @cached_property
    def first(self) -> Any:
        """The first whole training, with the data before it."""
        before = self.arrays()
        return (*self.run(), before)


def _weights(model: Any) -> list[Array]:
    return as_arrays([variable.value for variable in model.trainable_variables])


@rule(
    "It returns Keras's history, with a finite loss for each epoch.",
    "return what model.fit returns, or model.history after a keras.callbacks.CallbackList(..., "
    "add_history=True) was told of every epoch.",
)
def history(bench: LoopBench) -> None:
    """Runs it once."""
    returned = bench.first[0]
    if not isinstance(returned, keras.callbacks.History):
        raise Broken(f"it returns a {type(returned).__name__}")
    losses = returned.history.get("loss", [])
    if len(losses) != EPOCHS:
        raise Broken(f"asked for {EPOCHS} epochs, the history has {len(losses)} values of `loss`")
    must_be_finite([np.asarray(losses, "float64")], "the loss")


@rule(
    "It tells the callbacks of the beginning and end of the training, of every epoch and of its "
    "batches, in that order, and hands them the loss.",
    "make keras.callbacks.CallbackList(callbacks, model=model, ...) and call its on_train_begin, "
    "on_epoch_begin, on_train_batch_end, on_epoch_end and on_train_end.",
)
def callbacks(bench: LoopBench) -> None:
    """Compares what was called with what has to be."""
    spy = bench.first[2]
    expected = ["train begin"]
    for epoch in range(EPOCHS):
        expected += [f"epoch {epoch} begin", "batches", f"epoch {epoch} end"]
    expected.append("train end")
    if spy.calls != expected:
        pairs = enumerate(
            zip([*spy.calls, "nothing more"], [*expected, "nothing more"], strict=False)
        )
        number, (got, wanted) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
        raise Broken(f"call {number + 1} of the callbacks is {got!r} where {wanted!r} is due")
    if "loss" not in spy.logs[-1]:
        raise Broken(f"the logs of an epoch have {', '.join(spy.logs[-1]) or 'nothing'}, no loss")


@rule(
    "It begins with settings.initial_epoch, which is above 0 in a run that is resumed.",
    "count epochs by range(settings.initial_epoch, settings.epochs).",
)
def epochs(bench: LoopBench) -> None:
    """Begins with the last epoch."""
    _, _, spy = bench.run(initial_epoch=EPOCHS - 1, eager=False)
    begun = [call for call in spy.calls if call.endswith("begin") and call != "train begin"]
    if begun != [f"epoch {EPOCHS - 1} begin"]:
        raise Broken(
            f"with initial_epoch = {EPOCHS - 1} and epochs = {EPOCHS} it runs {len(begun)} epochs: "
            f"{', '.join(begun)}"
        )


@rule(
    "It ends after the epoch in which a callback sets model.stop_training.",
    "set model.stop_training = False before the first epoch, and break when it is True.",
)
def stopping(bench: LoopBench) -> None:
    """Stops after the first epoch."""
    _, _, spy = bench.run(stop_after=0)
    if len(spy.logs) != 1:
        raise Broken(f"stopped after the first epoch, it runs {len(spy.logs)}")


@rule(
    "It trains: the weights change.",
    "compute gradients by model.trainable_variables and hand them to model.optimizer.",
)
def training(bench: LoopBench) -> None:
    """Compares the weights before and after."""
    before = _weights(bench.model())
    after = _weights(bench.first[1])
    if all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
        raise Broken("the weights are what they were before")


@rule(
    "The same seed gives the same weights, bit for bit.",
    "derive every random number from settings.seed and the epoch, so that a resumed run draws the "
    "same.",
)
def seed(bench: LoopBench) -> None:
    """Trains twice."""
    must_agree(_weights(bench.run()[1]), _weights(bench.first[1]), "two trainings differ", 0.0)


@rule(
    "It reports validation values where the data has a validation split, and does without where "
    "it has none.",
    "look for data.get('validation'), and add val_NAME for each of its values to the logs.",
)
def validation(bench: LoopBench) -> None:
    """Trains with and without."""
    without = {name: bench.data[name] for name in bench.data if name != "validation"}
    for tried in (bench, LoopBench(bench.subject, bench.model_maker, without)):
        spy = tried.first[2]
        has, wants = "val_loss" in spy.logs[-1], "validation" in tried.data
        if has != wants:
            logged = ", ".join(spy.logs[-1])
            raise Broken(f"{'with' if wants else 'without'} a validation split it logs {logged}")


@rule(
    "It leaves the data as it is.",
    "copy an array before it is shuffled or scaled.",
)
def data(bench: LoopBench) -> None:
    """Compares the data before and after."""
    before = bench.first[3]
    must_agree(bench.arrays(), before, "the data has changed", 0.0)


RULES = (history, callbacks, epochs, stopping, training, seed, validation, data, cards.card)
