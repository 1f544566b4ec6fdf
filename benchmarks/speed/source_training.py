"""Training as the first notes had it, brought to run, against the same model from a config.

The notes (2021) have a layer `Loc_by_1D` that rotates the columns of a matrix by `gather_nd`, a
`train_step` of one's own with a metric on gradients, and batches from `tf.data`. They show neither
the network nor the rotation: the network here is a small one of the same kind, and the rotation is
the usual one, by a grid of indices. What no longer runs is what Keras 3 has instead.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import zoo
from benchmarks.speed.timing import Figure, in_words, paired_ratio, rounds_of

STATES, OBSERVATIONS, DENS, BATCH, FILTERS, KERNEL = 960, 240, 4, 32, 32, 5
LENGTH = STATES // 2 + 1
ANCHOR = "the notes' own code in TensorFlow"
_CONFIG = """
zoo = 1
name = "source"
[[inputs]]
name = "kg_raw"
shape = [960, 240]
[[layers]]
name = "conv1"
type = "Conv1D"
filters = 32
kernel_size = 5
padding = "same"
activation = "relu"
[[layers]]
name = "conv2"
type = "Conv1D"
filters = 1
kernel_size = 5
padding = "same"
[[layers]]
name = "vector"
type = "Flatten"
[[layers]]
name = "half"
type = "Dense"
units = 481
[[layers]]
name = "kg_pred"
type = "Loc_by_1D"
inputs = ["kg_raw", "half"]
obs_dens = 4
[loss]
type = "MeanSquaredError"
[[metrics]]
name = "gradient_norm"
type = "GradientNorm"
[optimizer]
type = "Adam"
learning_rate = 0.0001
[data]
type = "npz"
path = "gains.npz"
[train]
batch_size = 32
shuffle = false
"""


class Rotating(keras.layers.Layer):  # type: ignore[misc]
    """`Loc_by_1D` of the notes: one matrix of the vector, its columns rotated one by one."""

    def rotate(self, matrix: Any, shifts: Any) -> Any:
        """Rotates each column by its own shift, looked up entry by entry."""
        batch, rows, columns = tf.unstack(tf.shape(matrix))
        sample, row, column = tf.meshgrid(
            tf.range(batch), tf.range(rows), tf.range(columns), indexing="ij"
        )
        turned = tf.math.floormod(row - shifts[None, None, :], rows)
        return tf.gather_nd(matrix, tf.stack([sample, turned, column], axis=-1))

    def call(self, inputs: Any) -> Any:
        """Gives the gain times the rotated matrix."""
        gain, half = inputs
        full = tf.concat([half, tf.reverse(half[:, 1:-1], axis=[1])], axis=1)
        matrix = tf.tile(full[:, :, None], [1, 1, OBSERVATIONS])
        return gain * self.rotate(matrix, DENS * (tf.range(OBSERVATIONS) + 1) - 1)


class ByNotes(keras.Model):  # type: ignore[misc]
    """A `train_step` of one's own, which gives gradients to a metric."""

    def train_step(self, data: Any) -> dict[str, Any]:
        """Does what the notes do."""
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(y - self(x, training=True)))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.tracked.update_state(loss)
        self.norm.update_state(tf.linalg.global_norm(gradients))
        return {metric.name: metric.result() for metric in self.metrics}

    @property
    def metrics(self) -> list[Any]:
        """What Keras resets at the start of an epoch."""
        return [self.tracked, self.norm]


def _by_notes(jit: bool) -> ByNotes:
    gain = keras.Input((STATES, OBSERVATIONS))
    hidden = keras.layers.Conv1D(FILTERS, KERNEL, padding="same", activation="relu")(gain)
    hidden = keras.layers.Conv1D(1, KERNEL, padding="same")(hidden)
    half = keras.layers.Dense(LENGTH)(keras.layers.Flatten()(hidden))
    model = ByNotes(gain, Rotating()([gain, half]))
    model.tracked = keras.metrics.Mean("loss")
    model.norm = keras.metrics.Mean("gradient_norm")
    model.compile(keras.optimizers.Adam(0.0001), jit_compile=jit)
    return model


def _data(samples: int) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    true = random.standard_normal((samples, STATES, OBSERVATIONS), np.float32)
    return true + random.standard_normal(true.shape, np.float32), true


def measure(full: bool) -> Iterator[Figure]:
    """Times whole trainings, from the config or the code to the trained weights."""
    x, y = _data(512)
    epochs, losses = 10, dict[str, float]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "registry.toml").write_text("format = 1\n")
        (folder / "models").mkdir()
        (folder / "models" / "source.toml").write_text(_CONFIG)
        np.savez(folder / "models" / "gains.npz", x=x, y=y)
        start = [
            np.array(weight) for weight in zoo.build(folder / "models" / "source.toml").weights
        ]

        def notes(jit: bool) -> None:
            model = _by_notes(jit)
            model.set_weights(start[: len(model.get_weights())])
            batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)
            history = model.fit(batches, epochs=epochs, verbose=0)
            losses["notes"] = history.history["loss"][-1]

        def ours() -> None:
            run = zoo.train(
                folder / "models" / "source.toml", {"train.epochs": epochs}, zoo=folder, quiet=True
            )
            losses["zoo"] = run.last_epoch()["loss"]

        acts = {
            ANCHOR: lambda: notes(False),
            "zoo": ours,
            "the notes with XLA": lambda: notes(True),
        }
        times = rounds_of(acts, 2 if full else 1, warm_up=0)
    apart = abs(losses["zoo"] / losses["notes"] - 1)
    detail = f"{in_words(times)}; last losses {apart:.0e} apart, of {losses['notes']:.4g}"
    ratio = 1 / paired_ratio(times, "zoo", ANCHOR)
    yield Figure("training of the first notes' model", ANCHOR, ratio, 3.0, True, detail)
