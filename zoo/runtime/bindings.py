"""Losses and metrics get what they ask for by naming it.

Beyond `y_true`, `y_pred` and `sample_weight`, a parameter of a loss's `call`, of a metric's
`update_state` or of a plain function is bound by its name to what the training step has: a
model input, all inputs, or (metrics only) the gradients. Keras goes on driving the loss and the
metric; the wrappers here only add the missing arguments, which they read from the step in
progress.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import keras

from zoo.resolve.needs import (
    GRADIENTS,
    INPUTS,
    STANDARD,
    TRAINABLE_VARIABLES,
    Needs,
    UnboundNeed,
)
from zoo.runtime.needs import call_to, called, is_function, needs_of, resolve

__all__ = [
    "BoundLoss",
    "BoundMetric",
    "Needs",
    "StepValues",
    "UnboundNeed",
    "asks_for_gradients",
    "bind_loss",
    "bind_metric",
    "needs_of",
    "step_in_progress",
]


def bind_loss(
    loss: Any,
    needs: Mapping[str, str] | None = None,
    input_names: Iterable[str] = (),
    label: str | None = None,
) -> Any:
    """Returns the loss, wrapped where it asks for more than Keras passes.

    Args:
        loss: A `keras.losses.Loss`, a function, or whatever else Keras takes as one loss
            (a name, None), which comes back as it is.
        needs: Which source each parameter takes where the names differ: `{"kg": "kg_raw"}`.
        input_names: The model's input names.
        label: The component's name in messages; omitted, its class's or function's own.

    Raises:
        UnboundNeed: A required parameter has no source, or `needs` names what is not there.
    """
    return _bind(loss, BoundLoss, needs or {}, tuple(input_names), label)


def bind_metric(
    metric: Any,
    needs: Mapping[str, str] | None = None,
    input_names: Iterable[str] = (),
    label: str | None = None,
) -> Any:
    """Returns the metric, wrapped where it asks for more than Keras passes.

    Args:
        metric: A `keras.metrics.Metric`, a function that returns a value per sample, or
            whatever else Keras takes as one metric, which comes back as it is.
        needs: Which source each parameter takes where the names differ: `{"kg": "kg_raw"}`.
        input_names: The model's input names.
        label: The component's name in messages; omitted, its class's or function's own.

    Raises:
        UnboundNeed: A required parameter has no source, or `needs` names what is not there.
    """
    return _bind(metric, BoundMetric, needs or {}, tuple(input_names), label)


def asks_for_gradients(metric: Any) -> bool:
    """Whether a bound metric can only be updated by a training step."""
    return isinstance(metric, BoundMetric) and GRADIENTS in metric.arguments.values()


def _bind(
    component: Any,
    wrapper: Callable[..., Any],
    needs: Mapping[str, str],
    input_names: Iterable[str],
    label: str | None,
) -> Any:
    if isinstance(component, type):
        component = component()
    if isinstance(component, BoundLoss | BoundMetric) and not needs:
        call = call_to(component.wrapped, wrapper is BoundLoss, input_names, label)
        call.check_sources(component.arguments.values())
        return component
    sources = resolve(component, wrapper is BoundLoss, needs, input_names, label)
    return component if sources is None else wrapper(component, sources)


class StepValues:
    """What a step in progress can give to the losses and metrics that ask."""

    def __init__(self, model: Any, x: Any, gradients: list[Any] | None = None) -> None:
        self.model = model
        self.x = x
        self.gradients = gradients

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The model's inputs by name, as the model itself sees them."""
        specs = self.model.inputs
        if isinstance(self.x, Mapping) and all(spec.name in self.x for spec in specs):
            tensors = [self.x[spec.name] for spec in specs]
        else:
            tensors = keras.tree.flatten(self.x)
        pairs = zip(specs, tensors, strict=True)
        return {spec.name: _as_the_model_sees(tensor, spec) for spec, tensor in pairs}

    def get(self, source: str) -> Any:
        """Returns the value of one source."""
        if source == INPUTS:
            return dict(self.inputs)
        if source == GRADIENTS:
            return self.gradients
        if source == TRAINABLE_VARIABLES:
            return self.model.trainable_variables
        return self.inputs[source]


# A context variable is per thread, so that the replicas of a strategy do not see each other's.
_STEP: contextvars.ContextVar[StepValues | None] = contextvars.ContextVar("step", default=None)
_WEIGHT: contextvars.ContextVar[Any] = contextvars.ContextVar("weight", default=None)


@contextlib.contextmanager
def step_in_progress(
    model: Any, x: Any, gradients: list[Any] | None = None
) -> Iterator[StepValues]:
    """Makes a step's values available to the bound losses and metrics that run inside."""
    values = StepValues(model, x, gradients)
    token = _STEP.set(values)
    try:
        yield values
    finally:
        _STEP.reset(token)


@contextlib.contextmanager
def _weighting_itself(sample_weight: Any) -> Iterator[None]:
    token = _WEIGHT.set(sample_weight)
    try:
        yield
    finally:
        _WEIGHT.reset(token)


def _as_the_model_sees(tensor: Any, spec: Any) -> Any:
    """Converts one input as a functional model does: to its dtype and its rank."""
    if tensor is None or spec.sparse:
        return tensor
    tensor = keras.ops.convert_to_tensor(tensor, dtype=spec.dtype)
    rank, wanted = len(tensor.shape), len(spec.shape)
    if rank == wanted + 1 and tensor.shape[-1] == 1:
        return keras.ops.squeeze(tensor, axis=-1)
    if rank == wanted - 1 and spec.shape[-1] == 1:
        return keras.ops.expand_dims(tensor, axis=-1)
    return tensor


def _gather(name: str, arguments: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    step = _STEP.get()
    values = {}
    for parameter, source in arguments.items():
        if source in given:
            values[parameter] = given[source]
        elif step is None:
            raise RuntimeError(
                f'"{name}" asks for "{source}", which only a training or evaluation step of a '
                "BoundModel can give: compile it into zoo.runtime.model.BoundModel"
            )
        else:
            values[parameter] = step.get(source)
    return values


def _name_of(component: Any) -> str:
    return str(getattr(component, "name", None) or getattr(component, "__name__", "bound"))


def _as_float(value: Any, dtype: str) -> Any:
    if value is None or not keras.backend.is_float_dtype(value.dtype):
        return value
    return keras.ops.cast(value, dtype)


def _as_tensor(value: Any) -> Any:
    return keras.ops.copy(value) if isinstance(value, keras.Variable) else value


def _to_same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Drops or adds one last axis of length 1, as Keras does for every function loss."""
    if not hasattr(y_true, "shape") or not hasattr(y_pred, "shape"):
        return y_true, y_pred
    difference = len(y_true.shape) - len(y_pred.shape)
    if difference == 1 and y_true.shape[-1] == 1:
        if len(y_pred.shape) == 1:
            return y_true, keras.ops.expand_dims(y_pred, axis=-1)
        return keras.ops.squeeze(y_true, axis=-1), y_pred
    if difference == -1 and y_pred.shape[-1] == 1:
        if len(y_true.shape) == 1:
            return keras.ops.expand_dims(y_true, axis=-1), y_pred
        return y_true, keras.ops.squeeze(y_pred, axis=-1)
    return y_true, y_pred


@keras.saving.register_keras_serializable(package="zoo")
class BoundLoss(keras.losses.Loss):  # type: ignore[misc]
    """A loss together with the sources of its parameters.

    Keras reduces and weights the values as it would the wrapped loss's own.

    Args:
        loss: A `keras.losses.Loss` or a function.
        arguments: The source of each parameter that gets a value.
        name: Omitted, the wrapped loss's.
        reduction: Omitted, the wrapped loss's.
        dtype: Omitted, the wrapped loss's.
    """

    def __init__(
        self,
        loss: Any,
        arguments: Mapping[str, str],
        name: str | None = None,
        reduction: str | None = "wrapped",
        dtype: str | None = None,
    ) -> None:
        if reduction == "wrapped":
            reduction = getattr(loss, "reduction", "sum_over_batch_size")
        super().__init__(
            name=name or _name_of(loss),
            reduction=reduction,
            dtype=dtype or getattr(loss, "dtype", None),
        )
        self.wrapped = loss
        self.arguments = dict(arguments)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the reduced loss."""
        if "sample_weight" not in self.arguments.values():
            return super().__call__(y_true, y_pred, sample_weight)
        with _weighting_itself(sample_weight):
            return super().__call__(y_true, y_pred)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each sample."""
        if is_function(self.wrapped):
            y_true, y_pred = _to_same_rank(y_true, y_pred)
        given = {"y_true": y_true, "y_pred": y_pred, "sample_weight": _WEIGHT.get()}
        values = _gather(self.name, self.arguments, given)
        for parameter, source in self.arguments.items():
            if source not in STANDARD:
                # Keras hands targets and predictions over in the loss's dtype: inputs follow.
                values[parameter] = keras.tree.map_structure(
                    lambda value: _as_float(value, self.dtype), values[parameter]
                )
        return called(self.wrapped)(**values)

    def get_config(self) -> dict[str, Any]:
        """Returns the serializable configuration."""
        return {
            **super().get_config(),
            "dtype": self.dtype,
            "loss": keras.saving.serialize_keras_object(self.wrapped),
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BoundLoss:
        """Makes the loss from its configuration."""
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})


@keras.saving.register_keras_serializable(package="zoo")
class BoundMetric(keras.metrics.Metric):  # type: ignore[misc]
    """A metric together with the sources of its parameters.

    A function is averaged over the samples, weighted where there are sample weights.

    Args:
        metric: A `keras.metrics.Metric` or a function that returns a value per sample.
        arguments: The source of each parameter that gets a value.
        name: Omitted, the wrapped metric's.
        dtype: Omitted, the wrapped metric's.
    """

    def __init__(
        self,
        metric: Any,
        arguments: Mapping[str, str],
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        name = name or _name_of(metric)
        super().__init__(name=name, dtype=dtype or getattr(metric, "dtype", None))
        self.wrapped = metric
        self.arguments = dict(arguments)
        self.state = metric
        if is_function(metric):
            self.state = keras.metrics.MeanMetricWrapper(self._values, name=name, dtype=self.dtype)
        if hasattr(self.state, "_direction"):
            # EarlyStopping and ModelCheckpoint read it for `mode="auto"`.
            self._direction = self.state._direction

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds one batch, or one optimizer step, to the state."""
        if not is_function(self.wrapped):
            given = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight}
            self.wrapped.update_state(**_gather(self.name, self.arguments, given))
        elif "sample_weight" in self.arguments.values():
            with _weighting_itself(sample_weight):
                self.state.update_state(y_true, y_pred)
        else:
            self.state.update_state(y_true, y_pred, sample_weight=sample_weight)

    def _values(self, y_true: Any, y_pred: Any) -> Any:
        given = {"y_true": y_true, "y_pred": y_pred, "sample_weight": _WEIGHT.get()}
        return self.wrapped(**_gather(self.name, self.arguments, given))

    def result(self) -> Any:
        """Returns the wrapped metric's result, as tensors."""
        # A metric may return its variable itself. That would go on changing in a kept log, and
        # outside a replica it reads as the sum over all replicas.
        return keras.tree.map_structure(_as_tensor, self.state.result())

    def reset_state(self) -> None:
        """Resets the wrapped metric."""
        self.state.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Returns the serializable configuration."""
        return {
            **super().get_config(),
            "metric": keras.saving.serialize_keras_object(self.wrapped),
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BoundMetric:
        """Makes the metric from its configuration."""
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": metric})
