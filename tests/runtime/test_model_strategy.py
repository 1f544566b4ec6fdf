"""On several replicas, losses and gradients are those of the whole batch."""

from __future__ import annotations

import json

import numpy as np

from tests import warm

# A process of its own: logical devices can only be made before TensorFlow starts.
SCRIPT = """
import json, sys
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from keras import ops
from zoo.runtime.model import BoundModel
from zoo.runtime.steps import make_train_step


def norm(gradients):
    return ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients))


class MeanNorm(keras.metrics.Mean):
    def update_state(self, gradients):
        super().update_state(norm(gradients))


class LastNorm(keras.metrics.Metric):
    def __init__(self, name="last_norm", **kwargs):
        super().__init__(name=name, **kwargs)
        self.norm = self.add_weight(name="norm", initializer="zeros")

    def update_state(self, gradients):
        self.norm.assign(norm(gradients))

    def result(self):
        return self.norm


def squared(y_true, y_pred, x):
    return ops.mean(ops.square(y_true - y_pred * ops.sign(x[:, :1])), axis=-1)


def trained(settings):
    x, y = (np.array(settings[name], dtype="float32") for name in "xy")
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        inputs = keras.Input((4,), name="x")
        model = BoundModel(inputs=inputs, outputs=keras.layers.Dense(3)(inputs))
        optimizer = keras.optimizers.SGD(0.25, global_clipnorm=settings["clip"])
        if settings["scale"]:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 8.0, dynamic_growth_steps=2)
        model.compile(optimizer, squared, metrics=[MeanNorm(name="mean_norm"), LastNorm()])
    model.set_weights([np.array(settings["kernel"]), np.zeros(3)])
    if settings["loop"] == "fit":
        options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
        return model.fit(x, y, **options).history, strategy.num_replicas_in_sync
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    step, history = make_train_step(model), {}
    for _ in range(2):
        model.reset_metrics()
        for batch in strategy.experimental_distribute_dataset(batches):
            logs = step(*batch)
        for name, value in logs.items():
            history.setdefault(name, []).append(float(value))
    return history, strategy.num_replicas_in_sync


print("RESULT" + json.dumps([trained(settings) for settings in json.loads(sys.argv[1])]))
"""


def by_hand(x, y, kernel, clip):
    """One machine, float64: the loss and the norms of batches of four, per epoch."""
    bias, history = np.zeros(3), {"loss": [], "mean_norm": [], "last_norm": []}
    for _ in range(2):
        losses, norms = [], []
        for part in (slice(0, 4), slice(4, 8)):
            sign = np.sign(x[part, :1])
            error = (x[part] @ kernel + bias) * sign - y[part]
            slope = 2 * error * sign / error.size
            gradients = x[part].T @ slope, slope.sum(axis=0)
            losses.append(np.mean(error**2))
            norms.append(np.sqrt(sum(np.sum(g**2) for g in gradients)))
            shrink = min(1.0, clip / norms[-1])
            kernel, bias = (
                w - 0.25 * shrink * g for w, g in zip((kernel, bias), gradients, strict=True)
            )
        history["loss"].append(np.mean(losses))
        history["mean_norm"].append(np.mean(norms))
        history["last_norm"].append(norms[-1])
    return history


def test_two_replicas_report_what_one_machine_computes_by_hand(tmp_path):
    random = np.random.default_rng(5)
    x, y, kernel = (random.normal(size=size) for size in ((8, 4), (8, 3), (4, 3)))
    x, y, clip = x.astype("float32"), y.astype("float32"), 1e9
    common = {"x": x.tolist(), "y": y.tolist(), "kernel": kernel.tolist(), "clip": clip}
    ways = [{"loop": "fit", "scale": True}, {"loop": "tape", "scale": False}]
    (tmp_path / "trained.py").write_text(SCRIPT)
    settings = json.dumps([{**common, **way} for way in ways])
    printed = warm.output_of(tmp_path / "trained.py", settings)
    expected = by_hand(x.astype("float64"), y.astype("float64"), kernel, clip)
    for way, (history, replicas) in zip(ways, json.loads(printed.split("RESULT")[1]), strict=True):
        assert replicas == 2
        assert history.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(
                history[name], values, rtol=1e-6, err_msg=f"{name}, {way['loop']}"
            )
