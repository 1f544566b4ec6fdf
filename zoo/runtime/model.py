"""The model that gives losses and metrics what they ask for by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import keras

from zoo.runtime.bindings import (
    BoundMetric,
    asks_for_gradients,
    bind_loss,
    bind_metric,
    step_in_progress,
)


class StepMetrics:
    """The metrics that only a training step can update.

    A plain object, so that Keras's attribute tracking does not find the metrics inside and
    report them in validation too.

    Attributes:
        metrics: The metrics.
        optimizer_steps_at_reset: How many steps the optimizer had made when they were reset.
        watch: What the training steps note of values that are not finite; None before the first.
    """

    def __init__(self, metrics: Iterable[BoundMetric] = ()) -> None:
        self.metrics = tuple(metrics)
        self.optimizer_steps_at_reset: Any = None
        self.watch: Any = None


@keras.saving.register_keras_serializable(package="zoo")
class BoundModel(keras.Model):  # type: ignore[misc]
    """A functional Keras model whose losses and metrics may ask for more by naming it.

    Used like `keras.Model(inputs=..., outputs=..., name=...)`. Beyond `y_true`, `y_pred` and
    `sample_weight`, a loss or metric may take parameters named after the model's inputs, or
    `inputs` (all of them, a dict); a metric also `gradients` and `trainable_variables`.

    A metric that asks for `gradients` is updated once per optimizer step, with the gradients of
    the whole batch: unscaled, before clipping, averaged over accumulation steps and summed into
    the global batch over replicas. It is reported in training only.
    """

    _steps = StepMetrics()

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        *,
        step_metrics: Iterable[Any] = (),
        **options: Any,
    ) -> None:
        """Compiles as `keras.Model.compile` does, binding each loss and metric by name.

        Args:
            optimizer: As in Keras.
            loss: As in Keras; bound here unless `bind_loss` did it.
            loss_weights: As in Keras.
            metrics: As in Keras; bound here unless `bind_metric` did it.
            weighted_metrics: As in Keras.
            step_metrics: Metrics that ask for gradients. They may stand among `metrics` too.
            **options: Keras's other arguments.

        Raises:
            UnboundNeed: A loss or metric asks for something that the model does not have.
            ValueError: A metric asks for gradients on another backend than TensorFlow.
        """
        names = [tensor.name for tensor in self.inputs]
        taken = [bind_metric(metric, input_names=names) for metric in step_metrics]
        several = len(self.outputs) if len(self.outputs) > 1 else None
        metrics = _take_step_metrics(metrics, names, taken, keep_length=several)
        weighted_metrics = _take_step_metrics(weighted_metrics, names, taken, keep_length=several)
        _require_tensorflow(taken)
        self._steps = StepMetrics(taken)
        super().compile(
            optimizer=optimizer,
            loss=keras.tree.map_structure(partial(bind_loss, input_names=names), loss),
            loss_weights=loss_weights,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            **options,
        )

    def get_compile_config(self) -> dict[str, Any]:
        """Returns what `compile_from_config` needs."""
        config: dict[str, Any] = super().get_compile_config()
        if config and self._steps.metrics:
            serialize = keras.saving.serialize_keras_object
            config["step_metrics"] = [serialize(metric) for metric in self._steps.metrics]
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model, so that it evaluates and trains on."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns Keras's total loss; bound losses see this step's inputs."""
        with step_in_progress(self, x):
            return super().compute_loss(x, y, y_pred, sample_weight, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns Keras's metric results; bound metrics see this step's inputs."""
        with step_in_progress(self, x):
            return super().compute_metrics(x, y, y_pred, sample_weight)

    def make_train_function(self, force: bool = False) -> Any:
        """Makes Keras's own; the variables of a step are made before, where all replicas are."""
        if keras.backend.backend() == "tensorflow" and self.optimizer is not None:
            from zoo.runtime import steps

            steps.build_optimizer(self)
        return super().make_train_function(force)

    def train_step(self, *arguments: Any) -> Any:
        """Runs the training step of the zoo, or Keras's own on another backend."""
        if keras.backend.backend() != "tensorflow":
            return super().train_step(*arguments)
        from zoo.runtime import steps

        return steps.train_step(self, *arguments)

    @property
    def step_metrics(self) -> StepMetrics:
        """The metrics that only a training step can update."""
        return self._steps

    @property
    def metrics(self) -> list[Any]:
        """Every metric, those of the training step last."""
        return [*super().metrics, *self._steps.metrics]

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the results that training and validation both have."""
        results: dict[str, Any] = {}
        for metric in super().metrics:
            result = metric.result()
            results.update(result if isinstance(result, Mapping) else {metric.name: result})
        return results

    def reset_metrics(self) -> None:
        """Resets every metric."""
        super().reset_metrics()
        if self._steps.metrics:
            # The sum is a copy: the variable itself would move on.
            self._steps.optimizer_steps_at_reset = self.optimizer.iterations + 0

    def _get_metrics_result_or_logs(self, logs: dict[str, Any]) -> Any:
        # Keras calls this at the end of an epoch. Under a strategy its own metrics have to be
        # read from their variables; every replica holds the same step metrics, and their logs
        # are right as they are.
        if not self._steps.metrics:
            return super()._get_metrics_result_or_logs(logs)
        shared = {name: value for name, value in self.get_metrics_result().items() if name in logs}
        return {**shared, **{k: v for k, v in logs.items() if self._stepped() and k not in shared}}

    def _stepped(self) -> bool:
        """Whether the optimizer stepped since the last reset.

        An accumulation window may span epochs, and loss scaling skips steps: a metric that saw
        no step has nothing to report, and 0 would be a lie.
        """
        before = self._steps.optimizer_steps_at_reset
        return before is None or bool(self.optimizer.iterations != before)


def _take_step_metrics(
    structure: Any, names: list[str], taken: list[Any], keep_length: int | None = None
) -> Any:
    """Binds the metrics of a structure and moves those that ask for gradients to `taken`.

    A list with one entry per output keeps its length, since Keras reads it by position.
    """
    if isinstance(structure, Mapping):
        bound = {key: _take_step_metrics(value, names, taken) for key, value in structure.items()}
        return {key: value for key, value in bound.items() if value is not None}
    if isinstance(structure, list | tuple):
        items = [_take_step_metrics(value, names, taken) for value in structure]
        return items if len(items) == keep_length else [i for i in items if i is not None]
    if structure is None:
        return None
    metric = bind_metric(structure, input_names=names)
    if not asks_for_gradients(metric):
        return metric
    taken.append(metric)
    return None


def _require_tensorflow(metrics: list[Any]) -> None:
    backend = keras.backend.backend()
    if metrics and backend != "tensorflow":
        raise ValueError(
            f'metric "{metrics[0].name}" asks for gradients, which needs the TensorFlow backend; '
            f'Keras runs on "{backend}": set KERAS_BACKEND=tensorflow, or leave the metric out'
        )
