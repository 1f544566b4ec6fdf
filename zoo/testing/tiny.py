"""A model and data that train in moments, for what works on a training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.config.schema import TrainTable
from zoo.runtime.model import BoundModel
from zoo.runtime.training import Settings
from zoo.testing.samples import as_arrays
from zoo.testing.subject import Subject

EPOCHS = 3
_BATCH_SIZE = 4


@dataclass(frozen=True)
class TrainingBench:
    """A loop, callback, optimizer or evaluator, with a model and data to work on.

    Attributes:
        subject: The component.
        model_maker: Makes the compiled model, always the same for the same seed.
        data: What a dataset returned.
    """

    subject: Subject
    model_maker: Callable[[], Any]
    data: Mapping[str, Any]

    def model(self, *, eager: bool = True) -> Any:
        """Makes the model from the seed; eager, where nothing has to be traced, is faster."""
        keras.utils.set_random_seed(self.subject.seed)
        model = self.model_maker()
        model.run_eagerly = eager
        keras.utils.set_random_seed(self.subject.seed)
        return model

    def settings(self, **changes: Any) -> Settings:
        """Gives the settings of a config's `[train]`, as a loop gets them."""
        table = TrainTable(epochs=EPOCHS, batch_size=_BATCH_SIZE, seed=self.subject.seed)
        settings = Settings(table.model_dump(exclude={"loop", "callbacks"}))
        settings.update({"initial_epoch": 0, **changes})
        return settings

    def arrays(self) -> list[Any]:
        """Gives a copy of every array of the data; a dataset has none."""
        splits = [split for split in self.data.values() if isinstance(split, tuple | list)]
        return [array.copy() for array in as_arrays(splits)]


def copy_state(source: Any, target: Any) -> None:
    """Gives a model the weights, and its optimizer the variables, of another like it."""
    target.optimizer.build(target.trainable_variables)
    for one, other in ((source, target), (source.optimizer, target.optimizer)):
        for variable, copy in zip(one.variables, other.variables, strict=True):
            copy.assign(variable.value)


def tiny_model() -> Any:
    """Makes the smallest model that has a hidden layer."""
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4, activation="tanh", name="hidden")(inputs)
    outputs = keras.layers.Dense(1, name="y")(hidden)
    model = BoundModel(inputs=inputs, outputs=outputs, name="tiny")
    model.compile(keras.optimizers.SGD(0.05), "mse", metrics=["mae"], jit_compile=False)
    return model


def tiny_data(seed: int) -> dict[str, Any]:
    """Makes data for it; the last batch of 4 is a partial one."""
    random = np.random.default_rng(seed)

    def draw(count: int) -> tuple[Any, Any]:
        x = random.normal(size=(count, 3)).astype("float32")
        return x, np.tanh(x.sum(axis=1, keepdims=True)).astype("float32")

    return {"train": draw(10), "validation": draw(5), "test": draw(5)}
