"""The training step that hands gradients to the metrics that ask for them.

Everything that needs TensorFlow itself is here.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from zoo.runtime.bindings import step_in_progress
from zoo.runtime.data import input_names, output_names


class Watch:
    """Notes, in a step whose loss is not finite, what it was computed from.

    It costs nothing while the loss is finite. Make it in the scope of the model's strategy.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        # Each replica looks at its own part of a batch.
        self._found = tf.Variable(
            0,
            trainable=False,
            dtype=tf.float32,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.SUM,
        )

    def look(self, model: Any, loss: Any, batch: tuple[Any, Any, Any]) -> None:
        """Looks at a step: at the batch first, then at the variables, before they change."""
        named = [*_named_parts(batch, model), *((v.path, v) for v in model.variables)]
        watched = [(name, v) for name, v in named if keras.backend.is_float_dtype(_dtype(v))]
        self._names = [name for name, _ in watched]

        def note() -> Any:
            tensors = [tf.convert_to_tensor(value) for _, value in watched]
            finite = [tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors]
            first = tf.argmin(tf.cast(tf.stack([*finite, False]), tf.int32))
            self._found.assign(tf.cast(first + 1, tf.float32))
            return tf.constant(0.0)

        tf.cond(tf.math.is_finite(tf.reduce_sum(loss)), lambda: tf.constant(0.0), note)

    @property
    def culprit(self) -> str | None:
        """The first part or variable of the step that was not finite; None if all were."""
        on_replicas = getattr(self._found, "values", (self._found,))
        found = [int(value) - 1 for value in on_replicas]
        places = [place for place in found if 0 <= place < len(self._names)]
        return self._names[min(places)] if places else None


def build_optimizer(model: Any) -> None:
    """Creates the variables that Keras would only create inside the first step."""
    built = model.optimizer.built or not model.trainable_variables
    strategy = model.distribute_strategy
    # One replica of several cannot make what all of them share.
    watched = model.step_metrics.watch is not None or (
        strategy.num_replicas_in_sync > 1 and not tf.distribute.in_cross_replica_context()
    )
    if built and watched:
        return
    with tf.init_scope(), strategy.scope():
        if not watched:
            model.step_metrics.watch = Watch()
        # Built inside a traced step, ScheduleFreeAdamW would begin at 0 and not at the weights.
        if not built:
            model.optimizer.build(model.trainable_variables)


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Runs one training step on one batch: Keras's own, with the gradients given to metrics.

    Args:
        model: A compiled `BoundModel`.
        data: `(x, y)` or `(x, y, sample_weight)`.

    Returns:
        The running results of every metric, by name.
    """
    build_optimizer(model)
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    count = tf.shape(next(i for i in keras.tree.flatten(x) if i is not None))[0]
    share = _share(count)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
        )
        if model.step_metrics.watch is not None:
            model.step_metrics.watch.look(model, loss, (x, y, sample_weight))
        _track_loss(model, loss, count)
        if share is not None:
            loss *= tf.cast(share, loss.dtype)
        scaled_loss = model.optimizer.scale_loss(loss)
    variables = model.trainable_weights
    gradients = tape.gradient(scaled_loss, variables)
    metrics = model.step_metrics.metrics if variables else ()
    # Read before the optimizer changes its scale and its accumulators.
    whole = _of_the_whole_batch(gradients, variables, model.optimizer) if metrics else []
    stepped = _apply(model.optimizer, gradients, variables)
    logs: dict[str, Any] = model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
    if not metrics:
        return logs
    if len(model.outputs) == 1:
        y = keras.tree.flatten(y)[0]
    with step_in_progress(model, x, gradients=whole):
        _when(stepped, lambda: _update(metrics, y, y_pred, sample_weight))
    return _with_results(logs, metrics)


def tape_step(model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
    """Runs one training step of an explicit loop, with the same results as `fit`.

    The caller wraps it in `tf.function`, resets the metrics at the start of an epoch, and
    ends training with `optimizer.finalize_variable_values` (or uses `make_train_step`).
    """
    return train_step(model, (x, y, sample_weight))


def make_train_step(model: Any, jit_compile: bool | None = None) -> Callable[..., dict[str, Any]]:
    """Returns a compiled `step(x, y=None, sample_weight=None) -> logs` for an explicit loop.

    Args:
        model: A compiled `BoundModel`. `run_eagerly` and its strategy are honoured.
        jit_compile: Whether to compile with XLA; omitted, as the model was compiled.
    """
    build_optimizer(model)
    strategy = model.distribute_strategy

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def step(x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        logs = strategy.run(tape_step, args=(model, x, y, sample_weight))
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
            for name, value in logs.items()
        }

    if model.run_eagerly:
        return step  # type: ignore[no-any-return]
    jit_compile = model.jit_compile if jit_compile is None else jit_compile
    compiled: Callable[..., dict[str, Any]] = tf.function(
        step, reduce_retracing=True, jit_compile=jit_compile
    )
    return compiled


def value_and_gradients(
    function: Callable[[], Any], variables: Iterable[Any]
) -> tuple[Any, list[Any]]:
    """Gives a scalar that is computed from variables, and its gradients by them.

    Args:
        function: Computes the scalar.
        variables: `keras.Variable`s that it reads.

    Returns:
        The scalar, and for each variable its gradient, or None where it does not depend on it.
    """
    with tf.GradientTape() as tape:
        value = function()
    gradients = tape.gradient(value, list(variables))
    return value, [None if g is None else tf.convert_to_tensor(g) for g in gradients]


def _named_parts(batch: tuple[Any, Any, Any], model: Any) -> list[tuple[str, Any]]:
    outputs = output_names(model)
    named: list[tuple[str, Any]] = []
    for what, values, names in zip(
        ("x", "y", "sample_weight"), batch, (input_names(model), outputs, outputs), strict=True
    ):
        if isinstance(values, Mapping):
            named += [(f"{what}[{name}]", value) for name, value in values.items()]
        else:
            leaves = keras.tree.flatten(values)
            labels = [what] if len(leaves) == 1 else [f"{what}[{name}]" for name in names]
            named += [*zip(labels, leaves, strict=False)]
    return [(label, value) for label, value in named if value is not None]


def _dtype(value: Any) -> str:
    return str(keras.backend.standardize_dtype(value.dtype))


def _share(count: Any) -> Any:
    """Gives how large a replica's part of a batch is: 1 as large as the mean; None if alone.

    Keras counts every replica's mean alike, also where the last batch is not divided evenly.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas == 1:
        return None
    own = tf.cast(count, tf.float32)
    context = tf.distribute.get_replica_context()
    return own * replicas / context.all_reduce(tf.distribute.ReduceOp.SUM, own)


def _track_loss(model: Any, loss: Any, batch_size: Any) -> None:
    """Adds the batch's loss to the running mean, in the units of the whole batch."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    # Keras divides the loss by the replicas, so that their gradients sum to the batch's.
    model._loss_tracker.update_state(loss * replicas, sample_weight=batch_size)


def _of_the_whole_batch(gradients: list[Any], variables: list[Any], optimizer: Any) -> list[Any]:
    """Returns unscaled gradients, averaged over the accumulation window, of all replicas."""
    one = tf.ones(())
    scale = optimizer.scale_loss(one)
    whole = [
        tf.zeros(variable.shape, variable.dtype) if g is None else tf.convert_to_tensor(g)
        for g, variable in zip(gradients, variables, strict=True)
    ]
    if scale is not one:
        whole = [g / tf.cast(scale, g.dtype) for g in whole]
    accumulating = _accumulating(optimizer)
    if accumulating is not None:
        steps = accumulating.gradient_accumulation_steps
        earlier = [_accumulated(accumulating, variable) for variable in variables]
        whole = [(g + e) / steps for g, e in zip(whole, earlier, strict=True)]
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        replica = tf.distribute.get_replica_context()
        whole = replica.all_reduce(tf.distribute.ReduceOp.SUM, whole)
    return whole


def _accumulating(optimizer: Any) -> Any:
    """The optimizer that accumulates gradients, or None."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return inner if getattr(inner, "gradient_accumulation_steps", None) else None


def _accumulated(optimizer: Any, variable: Any) -> Any:
    index = optimizer._get_variable_index(variable)
    return tf.convert_to_tensor(optimizer._accumulated_gradients[index])


def _apply(optimizer: Any, gradients: list[Any], variables: list[Any]) -> Any:
    """Applies the gradients; returns whether that was a step, None where it always is.

    It is none while an accumulation window is open, and where loss scaling met a gradient that
    is not finite. Keras counts neither in `iterations`.
    """
    if not variables:
        warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return None
    always = _accumulating(optimizer) is None and not isinstance(
        optimizer, keras.optimizers.LossScaleOptimizer
    )
    before = None if always else tf.identity(optimizer.iterations)
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
    return None if always else tf.not_equal(before, optimizer.iterations)


def _when(condition: Any, update: Callable[[], None]) -> None:
    if condition is None:
        update()
    else:
        keras.ops.cond(condition, update, lambda: None)


def _update(metrics: Iterable[Any], y: Any, y_pred: Any, sample_weight: Any) -> None:
    for metric in metrics:
        metric.update_state(y, y_pred, sample_weight)


def _with_results(logs: Mapping[str, Any], metrics: Iterable[Any]) -> dict[str, Any]:
    """Returns the logs with the metrics' results added."""
    logs = dict(logs)
    for metric in metrics:
        result = metric.result()
        named = result if isinstance(result, Mapping) else {metric.name: result}
        for name, value in named.items():
            logs[_free_name(name, logs)] = value
    return logs


def _free_name(name: str, logs: Mapping[str, Any]) -> str:
    """Numbers a name that is taken, as Keras does for its own metrics."""
    candidate, count = name, 0
    while candidate in logs:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def thread_counts() -> tuple[int, int]:
    """Gives how many threads TensorFlow works with: between operations, and inside one."""
    threads = tf.config.threading
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    asked = (threads.get_inter_op_parallelism_threads(), threads.get_intra_op_parallelism_threads())
    return asked[0] or there or 1, asked[1] or there or 1
