"""An explicit training loop gives what `fit` gives."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from zoo.runtime.model import BoundModel
from zoo.runtime.steps import make_train_step, tape_step

SAMPLES, BATCH, EPOCHS = 9, 4, 2


def localized_error(y_true, y_pred, kg_raw):
    return ops.mean(ops.square(y_true - kg_raw * y_pred), axis=-1)


class GradientNorm(keras.metrics.Mean):
    def update_state(self, gradients):
        super().update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients)))


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(1)
    kg_raw = random.normal(size=(SAMPLES, 3)).astype("float32")
    weights = random.uniform(size=SAMPLES).astype("float32")
    return kg_raw, (0.5 * kg_raw).astype("float32"), weights


def make_model(gradients, run_eagerly=False, jit_compile=False, optimizer=None):
    keras.utils.set_random_seed(6)
    kg_raw = keras.Input((3,), name="kg_raw")
    hidden = keras.layers.Dense(5, "tanh", kernel_regularizer="l2")(kg_raw)
    hidden = keras.layers.Dropout(0.3, seed=3)(keras.layers.BatchNormalization()(hidden))
    model = BoundModel(inputs=kg_raw, outputs=keras.layers.Dense(3)(hidden))
    metrics = [localized_error, *([GradientNorm(name="norm")] if gradients else [])]
    model.compile(
        optimizer or keras.optimizers.SGD(0.01, momentum=0.9),
        localized_error,
        metrics=metrics,
        run_eagerly=run_eagerly,
        jit_compile=jit_compile,
    )
    return model


def by_loop(model, step, data):
    history = []
    for _ in range(EPOCHS):
        model.reset_metrics()
        for start in range(0, len(data[0]), BATCH):
            logs = step(*(tf.constant(part[start : start + BATCH]) for part in data))
        history.append({name: float(value) for name, value in logs.items()})
    return history


def by_fit(model, data):
    x, y, weights = data
    options = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, "verbose": 0}
    history = model.fit(x, y, sample_weight=weights, **options).history
    return [{name: values[e] for name, values in history.items()} for e in range(EPOCHS)]


@pytest.fixture(scope="module")
def fitted(data):
    """What `fit` gives with gradient metrics and without, for all that is held against it."""
    return functools.cache(lambda gradients: by_fit(make_model(gradients), data))


def assert_same(history, expected):
    for logs, wanted in zip(history, expected, strict=True):
        assert logs == pytest.approx(wanted, rel=1e-6)


def test_a_loop_over_a_compiled_step_equals_fit(data, fitted):
    model = make_model(False)
    assert_same(by_loop(model, make_train_step(model), data), fitted(False))


def test_a_loop_over_a_step_that_xla_compiles_equals_fit(data):
    # XLA compiles each size of a batch anew, and draws other random numbers for Dropout.
    data = [part[: 2 * BATCH] for part in data]
    expected = by_fit(make_model(True, jit_compile=True), data)
    model = make_model(True)
    assert_same(by_loop(model, make_train_step(model, jit_compile=True), data), expected)


def test_a_loop_over_a_step_that_the_caller_compiles_equals_fit(data, fitted):
    model = make_model(True)
    step = tf.function(lambda x, y, w: tape_step(model, x, y, w), reduce_retracing=True)
    assert_same(by_loop(model, step, data), fitted(True))


def test_an_eager_loop_equals_fit(data, fitted):
    model = make_model(True, run_eagerly=True)
    assert_same(by_loop(model, make_train_step(model), data), fitted(True))


def test_a_loop_with_moving_averages_equals_fit_after_they_are_taken_over(data):
    def adam():
        return keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5, global_clipnorm=0.1)

    model_of_fit = make_model(True, optimizer=adam())
    expected = by_fit(model_of_fit, data)
    model = make_model(True, optimizer=adam())
    assert_same(by_loop(model, make_train_step(model), data), expected)
    model.optimizer.finalize_variable_values(model.trainable_weights)
    for mine, wanted in zip(model.get_weights(), model_of_fit.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6, atol=1e-7)


def test_a_frozen_model_only_reports(data):
    model = make_model(False)
    model.trainable = False
    model.compile("sgd", localized_error, metrics=[GradientNorm(name="norm")])
    before = model.get_weights()
    step = make_train_step(model)
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        logs = step(*(tf.constant(part) for part in data))
    assert set(logs) == {"loss"}
    for was, is_ in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_)
