"""The rows of the source of 2021: its pattern under today's Keras, and the same thing done here.

The source is a page of notes on custom losses, metrics, training loops and layers under
TensorFlow 2.2. Where its pattern can still be written down, a test shows what Keras 3 says to it.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.marks import keras_gives_arrays

pytestmark = pytest.mark.usefixtures("no_run_report")

MODEL_SIZE, NOBS, OBS_DENS, SAMPLES = 8, 4, 2, 9  # batches of four leave a last batch of one
HALF = MODEL_SIZE // 2 + 1

NETWORK = f"""
zoo = 1
name = "localizer"
[[inputs]]
name = "kg_raw"
shape = [{MODEL_SIZE}, {NOBS}]
[[layers]]
name = "flat"
type = "Flatten"
[[layers]]
name = "loc_f"
type = "Dense"
units = {HALF}
"""

TRAINING = """
[data]
type = "npz"
path = "gains.npz"
[optimizer]
type = "SGD"
learning_rate = 0.05
[train]
epochs = 2
batch_size = 4
seed = 7
shuffle = false
jit_compile = false
"""


@pytest.fixture
def gains():
    random = np.random.default_rng(3)
    kg_raw = random.normal(size=(SAMPLES, MODEL_SIZE, NOBS)).astype("float32")
    return kg_raw, (0.5 * kg_raw).astype("float32")


@pytest.fixture
def train(zoo_root, gains):
    def train(text, overrides=None, name="run", data=None):
        x, y = gains
        np.savez(zoo_root / "gains.npz", **(data or {"x": x, "y": y}))
        (zoo_root / "localizer.toml").write_text(text)
        return zoo.train(zoo_root / "localizer.toml", overrides, folder=zoo_root / name, quiet=True)

    return train


def keras_network():
    keras.utils.set_random_seed(7)
    kg_raw = keras.Input((MODEL_SIZE, NOBS), name="kg_raw")
    loc_f = keras.layers.Dense(HALF, name="loc_f")(keras.layers.Flatten()(kg_raw))
    return kg_raw, loc_f


def mirrored(loc_f):
    return np.concatenate([loc_f, loc_f[:, -2:0:-1]], axis=1)


# A loss with the model's input as an argument.


class LossWithInput2021(keras.losses.Loss):
    """The source's `LocLoss`: the symbolic input is an attribute."""

    def __init__(self, kg_raw, name="custom_loss"):
        super().__init__(name=name)
        self.kg_raw = kg_raw

    def call(self, kg_true, loc_f):
        full = tf.concat([loc_f, tf.reverse(loc_f[:, 1:-1], [1])], axis=1)
        return tf.reduce_mean(tf.square(kg_true - self.kg_raw * full[:, :, None]))


def test_a_loss_that_holds_the_symbolic_input_fails_under_keras_3(gains):
    kg_raw, loc_f = keras_network()
    model = keras.Model(kg_raw, loc_f)
    model.compile("adam", LossWithInput2021(kg_raw))
    with pytest.raises(ValueError, match="A KerasTensor cannot be used as input to a TensorFlow"):
        model.fit(*gains, verbose=0)


def test_the_switch_that_made_it_work_in_2021_is_gone():
    model = keras.Model(*keras_network())
    with pytest.raises(TypeError, match="experimental_run_tf_function"):
        model.compile("adam", "mse", experimental_run_tf_function=False)


def loc_loss_by_hand(gains, epochs=2):
    """Gradient descent on the source's loss, in NumPy and float64."""
    model = keras.Model(*keras_network())
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    kg_raw, kg_true = (part.astype("float64") for part in gains)
    distance = np.minimum(np.arange(MODEL_SIZE), MODEL_SIZE - np.arange(MODEL_SIZE))
    history = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, SAMPLES, 4):
            x, y = kg_raw[start : start + 4], kg_true[start : start + 4]
            flat = x.reshape(len(x), -1)
            loc_f = flat @ kernel + bias
            error = x * mirrored(loc_f)[:, :, None] - y
            total += np.mean(error**2) * len(x)
            by_row = np.sum(2 * error * x, axis=2) / error.size
            gradient = np.zeros_like(loc_f)
            np.add.at(gradient.T, distance, by_row.T)
            kernel = kernel - 0.05 * flat.T @ gradient
            bias = bias - 0.05 * gradient.sum(axis=0)
        history.append(total / SAMPLES)
    return history


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_here_a_loss_asks_for_the_input_by_its_name(train, gains, loop):
    text = NETWORK + '[loss]\ntype = "LocLoss"\n' + TRAINING
    history = train(text, {"train.loop": loop}).history
    np.testing.assert_allclose(history["loss"], loc_loss_by_hand(gains), rtol=1e-5)


def test_here_the_input_may_have_another_name(train, gains):
    text = NETWORK.replace('"kg_raw"', '"gain"') + '[loss]\ntype = "LocLoss"\n' + TRAINING
    history = train(text, {"loss.needs": {"kg_raw": "gain"}}).history
    np.testing.assert_allclose(history["loss"], loc_loss_by_hand(gains), rtol=1e-5)


# A weighted loss, which the source left open.


def test_here_is_the_weighted_loss_that_the_source_left_open(train, gains):
    random = np.random.default_rng(0)
    weights = random.uniform(0.1, 2.0, size=(SAMPLES, HALF)).astype("float32")
    target = random.normal(size=(SAMPLES, HALF)).astype("float32")
    text = NETWORK + f'[[inputs]]\nname = "weights"\nshape = [{HALF}]\n'
    text = text.replace('name = "flat"', 'name = "flat"\ninputs = "kg_raw"')
    text += '[loss]\ntype = "weighted_mse"\n' + TRAINING
    data = {"kg_raw": gains[0], "weights": weights, "y": target}
    history = train(text, {"train.batch_size": SAMPLES}, data=data).history
    predicted = keras.Model(*keras_network()).predict(gains[0], verbose=0)
    per_sample = np.sum(weights * (target - predicted) ** 2, axis=1) / weights.sum(axis=1)
    assert history["loss"][0] == pytest.approx(float(per_sample.mean()), rel=1e-5)


# Loading a trained model; weights by version.


@keras_gives_arrays
def test_keras_does_not_load_what_the_custom_loss_was_saved_with(gains, tmp_path):
    kg_raw, loc_f = keras_network()
    model = keras.Model(kg_raw, loc_f)
    model.compile("adam", LossWithInput2021(kg_raw))
    model.save(tmp_path / "model.keras")
    with pytest.raises((TypeError, ValueError), match="LossWithInput2021|custom_loss"):
        keras.saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_saving_to_a_folder_as_in_2021_is_refused(tmp_path, method):
    model = keras.Model(*keras_network())
    with pytest.raises(ValueError, match=r"\.keras|\.weights\.h5"):
        getattr(model, method)(str(tmp_path / "save_dir"))


def test_here_a_trained_model_is_loaded_by_name_without_custom_objects(train, gains, zoo_root):
    text = NETWORK + '[loss]\ntype = "LocLoss"\n' + TRAINING
    first = train(text)
    second = train(text, {"train.seed": 8}, "second")
    assert [run.publish().reference for run in (first, second)] == [
        "localizer@1.0.0",
        "localizer@1.1.0",
    ]
    for reference, run in (("localizer@1.0.0", first), ("localizer@1", second)):
        loaded, weights = zoo.load(reference), run.weights()
        flat = gains[0].reshape(SAMPLES, -1).astype("float64")
        by_hand = flat @ weights["loc_f/kernel"] + weights["loc_f/bias"]
        np.testing.assert_allclose(loaded.predict(gains[0], verbose=0), by_hand, atol=1e-5)
        # And it is compiled: its own loss can be evaluated at once.
        error = gains[0] * mirrored(by_hand)[:, :, None] - gains[1]
        assert loaded.evaluate(*gains, verbose=0) == pytest.approx(np.mean(error**2), rel=1e-4)


# A metric on gradients; several metrics with different arguments.


def test_the_norm_of_a_list_of_gradients_fails():
    gradients = [tf.ones((3, 2)), tf.ones((2,))]
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="(?i)shape|rank"):
        tf.norm(gradients, ord="euclidean")


def test_the_train_step_of_2021_cannot_reset_its_metrics(gains):
    class CustomModel(keras.Model):
        def train_step(self, data):
            self.compiled_metrics.reset_states()
            return {}

    model = CustomModel(*keras_network())
    model.compile("adam", "mse", metrics=["mae"])
    with pytest.raises(AttributeError, match="reset_states"):
        model.fit(gains[0], np.zeros((SAMPLES, HALF)), verbose=0)


def test_a_plural_reset_is_never_called():
    class Count(keras.metrics.Metric):
        def __init__(self):
            super().__init__(name="count")
            self.called = False

        def reset_states(self):
            self.called = True

    metric = Count()
    metric.reset_state()
    assert not metric.called


METRICS = """
[loss]
type = "mse"
[[metrics]]
type = "GradientNorm"
[[metrics]]
name = "per_element"
type = "GradientNorm"
per_element = true
[[metrics]]
type = "PSNR"
maxi = 2.0
[[metrics]]
type = "mae"
name = "mae"
"""


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_here_each_metric_gets_the_arguments_it_names(train, gains, loop):
    target = np.random.default_rng(1).normal(size=(SAMPLES, HALF)).astype("float32")
    history = train(
        NETWORK + METRICS + TRAINING,
        {"train.loop": loop, "train.batch_size": SAMPLES, "data.validation_split": 0.0},
        data={"x": gains[0], "y": target, "x_validation": gains[0], "y_validation": target},
    ).history
    kernel, bias = (w.astype("float64") for w in keras.Model(*keras_network()).get_weights())
    flat = gains[0].reshape(SAMPLES, -1).astype("float64")
    error = flat @ kernel + bias - target
    by_kernel, by_bias = (2 / error.size) * flat.T @ error, (2 / error.size) * error.sum(axis=0)
    norm = np.sqrt(np.sum(by_kernel**2) + np.sum(by_bias**2))
    assert history["gradient_norm"][0] == pytest.approx(norm, rel=1e-5)
    elements = by_kernel.size + by_bias.size
    assert history["per_element"][0] == pytest.approx(norm / elements, rel=1e-5)
    assert history["psnr"][0] == pytest.approx(
        20 * np.log10(2.0 / np.sqrt(np.mean(error**2))), rel=1e-5
    )
    assert history["mae"][0] == pytest.approx(np.mean(np.abs(error)), rel=1e-5)
    # There are no gradients in validation, and no NaN in their place.
    assert set(history) - {"loss", "mae", "psnr", "gradient_norm", "per_element"} == {
        "val_loss",
        "val_mae",
        "val_psnr",
    }


# A custom training loop, which the source left open.


def test_here_is_the_training_loop_that_the_source_left_open(train, gains, make_distribution):
    module = '''
import keras
import tensorflow as tf

def by_hand(model, data, settings, callbacks):
    """Half-batch gradient steps written out, as the source wanted them."""
    x, y = data["train"]
    listeners = keras.callbacks.CallbackList(callbacks, add_history=True, model=model)
    listeners.on_train_begin()
    for epoch in range(settings.initial_epoch, settings.epochs):
        listeners.on_epoch_begin(epoch)
        total = 0.0
        for start in range(0, len(x), settings.batch_size):
            part = slice(start, start + settings.batch_size)
            with tf.GradientTape() as tape:
                y_pred = model(x[part], training=True)
                loss = model.compute_loss(x[part], y[part], y_pred)
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(gradients, model.trainable_variables)
            total += float(loss) * len(x[part])
        listeners.on_epoch_end(epoch, {"loss": total / len(x)})
    listeners.on_train_end()
    return model.history
'''
    make_distribution(
        "zoo-loop", {"zoo.loops": {"by_hand": "loop_mod:by_hand"}}, {"loop_mod.py": module}
    )
    text = NETWORK + '[loss]\ntype = "LocLoss"\n' + TRAINING
    history = train(text, {"train.loop": "by_hand"}).history
    np.testing.assert_allclose(history["loss"], loc_loss_by_hand(gains), rtol=1e-5)


# A custom layer with two inputs and a config.

LOCALIZED = (
    'outputs = ["kg_pred"]\n'
    + NETWORK.lstrip()
    + f"""
[[layers]]
name = "kg_pred"
type = "Loc_by_1D"
inputs = ["kg_raw", "loc_f"]
obs_dens = {OBS_DENS}
"""
)


def localized(kg_raw, loc_f):
    """Entry by entry: how far each state is from the observation along the ring."""
    kg_pred = np.zeros(kg_raw.shape)
    for j in range(NOBS):
        for i in range(MODEL_SIZE):
            r = (i - (OBS_DENS * (j + 1) - 1)) % MODEL_SIZE
            kg_pred[:, i, j] = kg_raw[:, i, j] * loc_f[:, min(r, MODEL_SIZE - r)]
    return kg_pred


class Squeezing2021(keras.layers.Layer):
    """The source's layer takes its inputs apart with `tf.squeeze`."""

    def call(self, inputs):
        kg_f, loc_f = tf.squeeze(inputs[0]), tf.squeeze(inputs[1])
        return kg_f * loc_f[:, :, None]


def test_squeezing_without_an_axis_fails_for_a_batch_of_one():
    layer = Squeezing2021()
    several = layer([tf.ones((3, MODEL_SIZE, NOBS, 1)), tf.ones((3, MODEL_SIZE, 1))])
    assert several.shape == (3, MODEL_SIZE, NOBS)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        layer([tf.ones((1, MODEL_SIZE, NOBS, 1)), tf.ones((1, MODEL_SIZE, 1))])


@pytest.mark.parametrize("count", [1, 2, SAMPLES])
def test_here_a_layer_with_two_inputs_takes_any_batch(gains, zoo_root, count):
    (zoo_root / "localizer.toml").write_text(LOCALIZED)
    model = zoo.build("localizer.toml")
    kg_raw = gains[0][:count]
    kernel, bias = model.get_layer("loc_f").get_weights()
    expected = localized(kg_raw, kg_raw.reshape(count, -1) @ kernel + bias)
    np.testing.assert_allclose(model.predict(kg_raw, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_here_the_layer_is_made_again_from_its_config(zoo_root):
    (zoo_root / "localizer.toml").write_text(LOCALIZED)
    layer = zoo.build("localizer.toml").get_layer("kg_pred")
    config = layer.get_config()
    assert config["obs_dens"] == OBS_DENS
    again = type(layer).from_config(config)
    random = np.random.default_rng(0)
    kg_raw = random.normal(size=(2, MODEL_SIZE, NOBS)).astype("float32")
    loc_f = random.normal(size=(2, HALF)).astype("float32")
    np.testing.assert_allclose(again([kg_raw, loc_f]), localized(kg_raw, loc_f), rtol=1e-6)


# Batches of four, the last of one, are what `LocLoss` is trained on above, by both loops.
@pytest.mark.parametrize(("loop", "batch_size"), [("fit", 4), ("gradient_tape", 1)])
def test_here_batches_of_one_and_a_last_partial_one_train(train, gains, loop, batch_size):
    overrides = {"train.loop": loop, "train.batch_size": batch_size, "optimizer.learning_rate": 0.0}
    history = train(LOCALIZED + '[loss]\ntype = "mse"\n' + TRAINING, overrides).history
    kernel, bias = keras.Model(*keras_network()).get_weights()
    predicted = localized(gains[0], gains[0].reshape(SAMPLES, -1) @ kernel + bias)
    # Without learning, an epoch's loss is that of all samples at once, however they are cut.
    np.testing.assert_allclose(history["loss"], np.mean((predicted - gains[1]) ** 2), rtol=1e-5)
