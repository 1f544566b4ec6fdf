"""Losses and metrics that ask for model inputs, inside a model that trains."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from zoo.runtime.bindings import UnboundNeed
from zoo.runtime.model import BoundModel

N, NOBS, SAMPLES = 6, 3, 9  # batches of four leave a last batch of one


class LocLoss(keras.losses.Loss):
    """The source's loss: the model predicts `loc_f`, and its input is an argument."""

    def call(self, kg_true, loc_f, kg_raw):
        difference = kg_true - kg_raw * ops.expand_dims(loc_f, axis=-1)
        return ops.mean(ops.square(difference), axis=(1, 2))


class LargestGain(keras.metrics.Metric):
    """Asks for an input, and for nothing else."""

    def __init__(self, name="largest_gain", **kwargs):
        super().__init__(name=name, **kwargs)
        self.largest = self.add_weight(name="largest", initializer="zeros")

    def update_state(self, kg_raw):
        self.largest.assign(ops.maximum(self.largest, ops.max(kg_raw)))

    def result(self):
        return self.largest


def localized_error(y_true, y_pred, kg_raw):
    return ops.mean(ops.abs(y_true - kg_raw * ops.expand_dims(y_pred, axis=-1)), axis=(1, 2))


def make_gains():
    random = np.random.default_rng(3)
    kg_raw = random.normal(size=(SAMPLES, N, NOBS)).astype("float32")
    return kg_raw, (0.5 * kg_raw).astype("float32")


@pytest.fixture
def gains():
    return make_gains()


def predicted(model, x):
    return keras.tree.map_structure(ops.convert_to_numpy, model(x))


def localization_model(cls=BoundModel, **layer_options):
    keras.utils.set_random_seed(7)
    kg_raw = keras.Input((N, NOBS), name="kg_raw")
    hidden = keras.layers.Flatten()(kg_raw)
    loc_f = keras.layers.Dense(N, name="loc_f", **layer_options)(hidden)
    return cls(inputs=kg_raw, outputs=loc_f)


def per_sample(kg_raw, kg_true, loc_f):
    difference = kg_true.astype("float64") - kg_raw.astype("float64") * loc_f[:, :, None]
    return np.mean(difference**2, axis=(1, 2))


@functools.cache
def losses_by_hand(epochs):
    """A training loop that a person writes where Keras cannot pass the input."""
    kg_raw, kg_true = make_gains()
    model = localization_model(keras.Model)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9)
    history = []
    for _ in range(epochs):
        total = 0.0
        for start in range(0, SAMPLES, 4):
            x, y = kg_raw[start : start + 4], kg_true[start : start + 4]
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(y - x * model(x, training=True)[:, :, None]))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            total += float(loss) * len(x)
        history.append(total / SAMPLES)
    return history


@pytest.mark.parametrize(
    "options",
    [
        {"jit_compile": "auto"},
        {"jit_compile": True},
        {"steps_per_execution": 2},
        {"run_eagerly": True},
    ],
    ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()),
)
def test_a_loss_that_takes_an_input_trains_as_a_loop_written_by_hand(gains, options):
    model = localization_model()
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), LocLoss(), **options)
    history = model.fit(*gains, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses_by_hand(epochs=2), rtol=1e-6)


def test_without_anything_to_bind_the_model_trains_as_plain_keras(gains):
    histories = []
    for cls in (keras.Model, BoundModel):
        model = localization_model(cls)
        model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse", metrics=["mae"])
        target = gains[1][:, :, 0]
        histories.append(model.fit(gains[0], target, epochs=2, shuffle=False, verbose=0).history)
    assert histories[0] == histories[1]


def test_sample_weights_weigh_the_bound_loss_and_the_weighted_metric_only(gains):
    kg_raw, kg_true = gains
    weights = np.linspace(0.0, 2.0, SAMPLES)
    model = localization_model()
    model.compile("sgd", LocLoss(), metrics=[localized_error], weighted_metrics=[LocMean()])
    logs = model.evaluate(kg_raw, kg_true, 4, 0, sample_weight=weights, return_dict=True)
    loc_f = predicted(model, kg_raw)
    squared = per_sample(kg_raw, kg_true, loc_f)
    absolute = np.mean(np.abs(kg_true - kg_raw * loc_f[:, :, None]), axis=(1, 2))
    assert logs["loss"] == pytest.approx(np.mean(weights * squared), rel=1e-6)
    assert logs["localized_error"] == pytest.approx(np.mean(absolute), rel=1e-6)
    assert logs["loc_mean"] == pytest.approx(np.average(squared, weights=weights), rel=1e-6)


class LocMean(keras.metrics.Mean):
    def __init__(self, name="loc_mean", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true, y_pred, kg_raw, sample_weight=None):
        difference = y_true - kg_raw * ops.expand_dims(y_pred, axis=-1)
        values = ops.mean(ops.square(difference), axis=(1, 2))
        super().update_state(values, sample_weight=sample_weight)


def test_several_metrics_with_different_arguments_report_side_by_side(gains):
    kg_raw, kg_true = gains
    model = localization_model()
    model.compile("sgd", LocLoss(), metrics=[LargestGain(), localized_error, LocMean()])
    logs = model.evaluate(kg_raw, kg_true, 4, 0, return_dict=True)
    loc_f = predicted(model, kg_raw)
    assert list(logs) == ["largest_gain", "loc_mean", "localized_error", "loss"]
    assert logs["largest_gain"] == pytest.approx(float(kg_raw.max()), rel=1e-6)
    assert logs["loc_mean"] == pytest.approx(per_sample(kg_raw, kg_true, loc_f).mean(), rel=1e-6)


def test_metrics_start_anew_with_every_epoch(gains):
    model = localization_model()
    model.compile(keras.optimizers.SGD(0.0), LocLoss(), metrics=[LocMean()])
    history = model.fit(*gains, batch_size=4, epochs=2, verbose=0, shuffle=False).history
    expected = per_sample(*gains, predicted(model, gains[0])).mean()
    np.testing.assert_allclose(history["loc_mean"], [expected] * 2, rtol=1e-6)


def difference_loss(y_true, y_pred, a):
    return ops.mean(ops.square(y_true - y_pred - a), axis=-1)


def two_by_two(outputs_as):
    keras.utils.set_random_seed(1)
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    outputs = {
        "first": keras.layers.Dense(2, name="first")(joined),
        "second": keras.layers.Dense(2, name="second")(joined),
    }
    outputs = outputs if outputs_as == "dict" else list(outputs.values())
    return BoundModel(inputs={"a": a, "b": b}, outputs=outputs)


@pytest.mark.parametrize("form", ["dict", "list"])
def test_several_inputs_and_outputs_keep_loss_weights_and_weights_per_output(form):
    random = np.random.default_rng(5)
    a, b, t, u = (random.normal(size=(5, k)).astype("float32") for k in (2, 3, 2, 2))
    w, v = random.uniform(size=(2, 5)).astype("float32")
    model = two_by_two(form)
    as_form = lambda first, second: (  # noqa: E731 - a structure, twice
        {"first": first, "second": second} if form == "dict" else [first, second]
    )
    model.compile(
        "sgd",
        as_form(difference_loss, "mse"),
        loss_weights=as_form(2.0, 0.5),
        metrics=as_form([difference_loss], ["mae"]),
    )
    x = {"a": a, "b": b}
    data = tf.data.Dataset.from_tensor_slices(
        (x, {"first": t, "second": u}, {"first": w, "second": v})
        if form == "dict"
        else (x, (t, u), (w, v))
    ).batch(5)
    logs = model.evaluate(data, verbose=0, return_dict=True)
    p, q = keras.tree.flatten(predicted(model, x))
    first = np.mean((t - p - a).astype("float64") ** 2, axis=-1)
    second = np.mean((u - q).astype("float64") ** 2, axis=-1)
    assert logs["loss"] == pytest.approx(2 * np.mean(w * first) + np.mean(v * second) / 2, rel=1e-6)
    assert logs["first_loss"] == pytest.approx(np.mean(w * first), rel=1e-6)
    assert logs["first_difference_loss"] == pytest.approx(first.mean(), rel=1e-6)
    assert logs["second_mae"] == pytest.approx(np.abs(u - q).mean(), rel=1e-6)
    assert np.isfinite(model.fit(data, shuffle=False, verbose=0).history["loss"][0])


def test_regularization_and_added_losses_come_on_top(gains):
    class Penalty(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(0.1 * ops.mean(ops.square(inputs)))
            return inputs

    kg_raw = keras.Input((N, NOBS), name="kg_raw")
    dense = keras.layers.Dense(N, kernel_regularizer=keras.regularizers.L2(0.01))
    outputs = Penalty()(dense(keras.layers.Flatten()(kg_raw)))
    model = BoundModel(inputs=kg_raw, outputs=outputs)
    model.compile("sgd", LocLoss())
    value = model.evaluate(*gains, batch_size=SAMPLES, verbose=0)
    loc_f = predicted(model, gains[0])
    expected = (
        per_sample(*gains, loc_f).mean()
        + 0.01 * np.sum(np.square(dense.kernel.numpy(), dtype="float64"))
        + 0.1 * np.mean(np.square(loc_f, dtype="float64"))
    )
    assert value == pytest.approx(expected, rel=1e-6)


def test_dropout_and_batch_normalization_act_in_training_only(gains):
    kg_raw = keras.Input((N, NOBS), name="kg_raw")
    hidden = keras.layers.BatchNormalization()(keras.layers.Flatten()(kg_raw))
    loc_f = keras.layers.Dense(N)(keras.layers.Dropout(0.5, seed=1)(hidden))
    model = BoundModel(inputs=kg_raw, outputs=loc_f)
    model.compile(keras.optimizers.SGD(0.0), LocLoss())
    moving = model.layers[2].moving_variance.numpy().copy()
    history = model.fit(*gains, verbose=0, validation_data=gains, batch_size=SAMPLES).history
    expected = per_sample(*gains, predicted(model, gains[0])).mean()
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-6)
    assert abs(history["loss"][0] - expected) > 1e-3
    assert np.any(model.layers[2].moving_variance.numpy() != moving)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_under_mixed_precision_the_input_reaches_the_loss_in_full_precision(gains, policy):
    seen = []

    def spy(y_true, y_pred, kg_raw):
        seen.extend(keras.backend.standardize_dtype(t.dtype) for t in (y_pred, kg_raw))
        return localized_error(y_true, y_pred, kg_raw)

    model = localization_model(dtype=policy)
    model.compile("sgd", spy)
    history = model.fit(*gains, verbose=0, epochs=2).history
    assert set(seen) == {"float32"}
    assert history["loss"][1] < history["loss"][0]


def test_a_batch_of_one_trains_and_a_step_on_a_batch_reports_all(gains):
    model = localization_model()
    model.compile("sgd", LocLoss(), metrics=[LocMean()])
    logs = model.train_on_batch(gains[0][:1], gains[1][:1], return_dict=True)
    assert logs["loss"] == pytest.approx(float(logs["loc_mean"]), rel=1e-6)
    assert model.test_on_batch(gains[0][:1], gains[1][:1], return_dict=True).keys() == logs.keys()


def test_a_metric_of_the_variables_alone_is_reported_in_validation_too(gains):
    class WeightNorm(keras.metrics.Mean):
        def update_state(self, trainable_variables):
            squares = [ops.sum(ops.square(v)) for v in trainable_variables]
            super().update_state(ops.sqrt(sum(squares)))

    model = localization_model()
    model.compile("sgd", LocLoss(), metrics=[WeightNorm(name="weight_norm")])
    history = model.fit(*gains, verbose=0, validation_data=gains).history
    weights = np.concatenate([w.ravel() for w in model.get_weights()]).astype("float64")
    assert history["val_weight_norm"][0] == pytest.approx(np.linalg.norm(weights), rel=1e-6)


def test_compiling_what_cannot_be_bound_names_the_loss_and_the_inputs():
    x = keras.Input((2,), name="state")
    model = BoundModel(inputs=x, outputs=keras.layers.Dense(2)(x))
    with pytest.raises(UnboundNeed, match=r'"LocLoss" asks for "kg_raw".*inputs, state'):
        model.compile("sgd", LocLoss())
