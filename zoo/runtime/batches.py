"""Batches of arrays in an order that follows from seed and epoch alone.

One of the files that import TensorFlow itself; the others are `steps.py` and `strategies.py`.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import RunError
from zoo.runtime.data import (
    Split,
    fitted,
    gives_samples,
    input_names,
    output_names,
    split_parts,
)
from zoo.runtime.workers import Worker


class EpochOrder:
    """The order of the samples in each epoch.

    A resumed training shuffles as the uninterrupted one would, since nothing but the seed and
    the epoch's number decides.

    Args:
        seed: Any integer from 0 to 2**32 - 1.
        shuffle: False keeps the data's own order.
    """

    def __init__(self, seed: int, *, shuffle: bool = True) -> None:
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)

    def start(self, epoch: int) -> None:
        """Says which epoch, counted from 0, is read next."""
        self._epoch.assign(tf.cast(epoch, tf.int64))

    @property
    def epoch(self) -> Any:
        """The epoch that is read, as a tensor."""
        return self._epoch.read_value()

    def __call__(self, positions: Any, count: int) -> Any:
        """Gives which samples stand at the positions."""
        if not self._shuffle or count < 2:
            return positions
        seed = tf.stack([tf.constant(self._seed, tf.int64), self._epoch])
        chosen, last = tf.cast(positions, tf.int64), tf.constant(count - 1, tf.int64)
        # Of the last batch a worker may have nothing, which TensorFlow refuses to shuffle.
        return tf.cond(
            tf.size(chosen) > 0,
            lambda: tf.random.experimental.index_shuffle(chosen, seed, last),
            lambda: chosen,
        )


def batches(
    split: Split,
    model: Any,
    batch_size: int,
    order: EpochOrder | None = None,
    worker: Worker | None = None,
) -> Any:
    """Makes a `tf.data.Dataset` of `(x, y)` or `(x, y, sample_weight)` batches.

    Args:
        split: Arrays, or a dataset, which is handed on as it is.
        model: The model that they are for.
        batch_size: Samples in a batch; the last one may be smaller.
        order: The order of the samples; None keeps the data's own.
        worker: Which of several processes gets its share of each batch; None gets it all.

    Raises:
        RunError: If there are several, and the split is a dataset whose batches are made already.
    """
    if gives_samples(split):
        count, take = _sampled(split, model)
    elif (parts := split_parts(split)) is not None:
        count, take = _gathered(parts, model)
    elif worker is None:
        return split
    else:
        raise RunError(
            f"workers cannot share the batches of a {type(split).__name__}",
            suggestion="give arrays, or a dataset that gives its samples by number",
        )

    def batch(start: Any) -> Any:
        end = tf.minimum(start + batch_size, count)
        positions = tf.range(*(worker.part(start, end) if worker is not None else (start, end)))
        if order is None:
            return take(positions, tf.constant(0, tf.int64))
        return take(order(positions, count), order.epoch)

    starts = tf.data.Dataset.range(0, count, batch_size)
    return starts.map(batch, num_parallel_calls=1, deterministic=True).prefetch(2)


def _gathered(parts: Any, model: Any) -> tuple[int, Any]:
    """Gives the number of samples in arrays, and the function that takes some of them."""
    tensors = keras.tree.map_structure(_as_tensor, _fitted(parts, model))

    def take(chosen: Any, _: Any) -> Any:
        return keras.tree.map_structure(lambda tensor: tf.gather(tensor, chosen), tensors)

    return int(keras.tree.flatten(tensors)[0].shape[0]), take


def _sampled(split: Any, model: Any) -> tuple[int, Any]:
    """Gives the number of samples of a dataset that gives them, and the function that asks it."""

    def asked(chosen: Any, epoch: Any) -> tuple[Any, ...]:
        return _fitted(split_parts(split.samples(chosen, int(epoch))), model)

    def read(chosen: Any, epoch: Any) -> list[Any]:
        if not len(chosen):  # of the last batch there may be less than workers
            return [array[:0] for array in arrays]
        return [_as_array(values) for values in keras.tree.flatten(asked(chosen, epoch))]

    first = asked(np.arange(1), 0)
    arrays = [_as_array(values) for values in keras.tree.flatten(first)]

    def take(chosen: Any, epoch: Any) -> Any:
        found = tf.numpy_function(read, [chosen, epoch], [array.dtype for array in arrays])
        for tensor, array in zip(found, arrays, strict=True):
            tensor.set_shape((None, *array.shape[1:]))
        return keras.tree.pack_sequence_as(first, found)

    return int(split.sample_count), take


def _fitted(parts: Any, model: Any) -> tuple[Any, ...]:
    x, y, weight = parts
    outputs = output_names(model)
    arrays = (fitted(x, input_names(model)), fitted(y, outputs))
    return (*arrays, fitted(weight, outputs)) if weight is not None else arrays


def _as_tensor(array: Any) -> Any:
    tensor = tf.convert_to_tensor(array)
    return tf.cast(tensor, keras.config.floatx()) if tensor.dtype == tf.float64 else tensor


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array
