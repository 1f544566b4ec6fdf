"""Several devices or machines that train one model, by TensorFlow's strategies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import ConfigError, in_one_line
from zoo.runtime.steps import build_optimizer, train_step
from zoo.runtime.workers import LostWorker, Worker

_OF_THE_MEAN = ("sum_over_batch_size", "mean")


def make_strategy(name: str, worker: Worker) -> Any:
    """Makes a strategy; that of several workers waits until all of them are there.

    Args:
        name: `mirrored` or `multi_worker`.
        worker: Which of several this process is.

    Raises:
        ConfigError: If a worker has several devices, or Keras runs on another backend.
        LostWorker: If the workers do not find each other.
    """
    if (backend := keras.backend.backend()) != "tensorflow":
        raise ConfigError(
            f"the strategy {name!r} is of TensorFlow; Keras runs on {backend!r}",
            "bad-value",
            key="train.strategy",
            suggestion="set KERAS_BACKEND=tensorflow, or leave the strategy out",
        )
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise LostWorker(
            f"the workers cannot be brought together: {in_one_line(error)}",
            "training",
            suggestion="start each worker as a process of its own, all at about the same time, and "
            "look whether the addresses in TF_CONFIG are theirs",
        ) from error
    if strategy.num_replicas_in_sync != worker.count:
        raise ConfigError(
            f"{worker.count} workers have {strategy.num_replicas_in_sync} devices; "
            '"multi_worker" wants one device in each process',
            "bad-value",
            key="train.strategy",
            suggestion="start a process for each device, with CUDA_VISIBLE_DEVICES naming it",
        )
    return strategy


def check_losses(model: Any) -> None:
    """Refuses losses that are not a mean over the samples: parts of a batch do not add up to them.

    Raises:
        ConfigError: If there is one.
    """
    for loss in keras.tree.flatten(model.loss):
        reduction = getattr(loss, "reduction", "mean")
        if reduction not in _OF_THE_MEAN:
            raise ConfigError(
                f'a strategy needs losses that are means over the samples; "{loss.name}" has the '
                f"reduction {reduction!r}",
                "bad-value",
                key="loss",
                suggestion='leave `reduction` at "sum_over_batch_size", or the strategy out',
            )


@contextlib.contextmanager
def noticing_lost_workers() -> Iterator[None]:
    """Words what TensorFlow raises where another worker does not answer any more.

    Raises:
        LostWorker: If one is gone.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise LostWorker(
            "another worker is gone, and the rest cannot go on without it",
            "training",
            suggestion="look what its log says; then start all of them again with --resume",
        ) from error


def make_worker_steps(model: Any, train: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Gives the training step of one worker among several, and its evaluation.

    Args:
        model: A compiled `BoundModel`, made in the scope of the strategy.
        train: The worker's batches.

    Returns:
        `step(batch) -> logs`, means over the workers of what each has seen in this epoch; and
        `evaluate(batches) -> results`, of the samples of all of them.
    """
    strategy = model.distribute_strategy
    with strategy.scope():
        # What a step would make when it is first traced cannot be shared any more then.
        model._symbolic_build(data_batch=next(iter(train)))
        build_optimizer(model)

    def step(batch: Any) -> dict[str, Any]:
        logs = strategy.run(train_step, args=(model, batch))
        # One exchange between the workers for all of them.
        together = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
        means = strategy.reduce(tf.distribute.ReduceOp.MEAN, together, axis=None)
        return dict(zip(logs, tf.unstack(means, num=len(logs)), strict=True))

    def test(batch: Any) -> None:
        strategy.run(model.test_step, args=(batch,))

    if not model.run_eagerly:
        step = tf.function(step, reduce_retracing=True)
        test = tf.function(test, reduce_retracing=True)

    def evaluate(data: Iterable[Any]) -> dict[str, float]:
        model.reset_metrics()
        for batch in data:
            test(batch)
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    return step, evaluate
