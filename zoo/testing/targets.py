"""What losses and metrics are tried on: targets, predictions, and what else they ask for."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.runtime.model import BoundModel
from zoo.runtime.needs import called
from zoo.testing.samples import Array
from zoo.testing.subject import Subject

PREDICTION = "the_prediction"
"""The input that a model hands through as its prediction."""


@dataclass(frozen=True)
class TargetBench:
    """A loss or metric, and what it compares.

    Attributes:
        subject: The loss or metric.
        y_true: The targets.
        y_pred: The predictions.
        needs: What else it asks for, by name.
    """

    subject: Subject
    y_true: Array
    y_pred: Array
    needs: Mapping[str, Array]

    def values(self, component: Any, chosen: Any = slice(None), y_pred: Any = None) -> Any:
        """Calls what gives a value per sample, for the chosen samples."""
        function = called(component)
        given = {name: ops.convert_to_tensor(array[chosen]) for name, array in self.needs.items()}
        if must_be_given(function, "sample_weight"):
            given["sample_weight"] = ops.ones(len(self.y_true[chosen]))
        y_true = ops.convert_to_tensor(self.y_true[chosen])
        if y_pred is None:
            y_pred = ops.convert_to_tensor(self.y_pred[chosen])
        return function(y_true, y_pred, **given)

    def model(self, dtype: str | None = None, **compiled: Any) -> Any:
        """Makes a model that hands one input through, and has the others for the asking."""
        arrays = {PREDICTION: self.y_pred, **self.needs}
        inputs = {
            name: keras.Input(array.shape[1:], name=name, dtype=array.dtype.name)
            for name, array in arrays.items()
        }
        # Keras evaluates nothing without a loss; this layer hands its input through and adds 0.
        through = (
            keras.layers.Identity if "loss" in compiled else keras.layers.ActivityRegularization
        )
        outputs = through(dtype=dtype)(inputs[PREDICTION])
        model = BoundModel(inputs=inputs, outputs=outputs)
        model.compile(optimizer="sgd", **compiled)
        return model

    def inputs(self, y_pred: Array | None = None) -> dict[str, Array]:
        """Gives what the model takes."""
        return {PREDICTION: self.y_pred if y_pred is None else y_pred, **self.needs}

    @property
    def weights(self) -> Array:
        """Sample weights of which one is 0."""
        weights = np.random.default_rng(self.subject.seed).uniform(0.5, 2.0, len(self.y_true))
        weights[1] = 0.0
        return weights.astype("float32")


def must_be_given(function: Callable[..., Any], name: str) -> bool:
    """Tells whether a function has a parameter of that name without a default."""
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and parameter.default is parameter.empty
