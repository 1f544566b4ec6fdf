"""A saved model predicts, evaluates and trains on as the one that was saved."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.marks import keras_gives_arrays
from zoo.runtime.bindings import bind_metric
from zoo.runtime.model import BoundModel

SAMPLES = 8

pytestmark = keras_gives_arrays


class LocLoss(keras.losses.Loss):
    def call(self, kg_true, loc_f, kg_raw):
        return ops.mean(ops.square(kg_true - kg_raw * loc_f), axis=-1)


class GradientNorm(keras.metrics.Mean):
    def __init__(self, name="gradient_norm", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y, gradients, sample_weight=None):
        super().update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients)))


def localized_error(y_true, y_pred, kg):
    return ops.mean(ops.abs(y_true - kg * y_pred), axis=-1)


CUSTOM = {c.__name__: c for c in (LocLoss, GradientNorm, localized_error)}


@pytest.fixture
def data():
    random = np.random.default_rng(8)
    kg_raw = random.normal(size=(SAMPLES, 4)).astype("float32")
    return kg_raw, (0.3 * kg_raw).astype("float32")


def trained_model(data, optimizer):
    keras.utils.set_random_seed(2)
    kg_raw = keras.Input((4,), name="kg_raw")
    model = BoundModel(inputs=kg_raw, outputs=keras.layers.Dense(4)(kg_raw), name="loc")
    error = bind_metric(localized_error, needs={"kg": "kg_raw"}, input_names=["kg_raw"])
    loss = LocLoss(name="my_loss", reduction="sum")
    model.compile(optimizer, loss, metrics=[error, GradientNorm(), "mae"])
    model.fit(*data, batch_size=3, shuffle=False, verbose=0)
    return model


def averaging_and_accumulating():
    averaging = {"use_ema": True, "ema_overwrite_frequency": 2}
    return keras.optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=2, **averaging)


def scaled():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), 8.0)


@pytest.mark.parametrize("make_optimizer", [averaging_and_accumulating, scaled])
def test_a_reloaded_model_goes_on_as_the_saved_one(data, make_optimizer, tmp_path):
    model = trained_model(data, make_optimizer())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    assert type(again) is BoundModel
    np.testing.assert_array_equal(again(data[0]), model(data[0]))
    assert again.evaluate(*data, verbose=0, return_dict=True) == model.evaluate(
        *data, verbose=0, return_dict=True
    )
    options = {"batch_size": 3, "shuffle": False, "verbose": 0, "epochs": 2}
    history = again.fit(*data, **options).history
    assert set(history) == {"loss", "localized_error", "gradient_norm", "mae"}
    assert history == model.fit(*data, **options).history


def test_a_reloaded_loss_keeps_its_name_and_reduction(data, tmp_path):
    model = trained_model(data, "sgd")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", custom_objects=CUSTOM)
    assert (again.loss.name, again.loss.reduction) == ("my_loss", "sum")
    error = ops.convert_to_numpy(again(data[0])) * data[0] - data[1]
    by_hand = np.sum(np.mean(np.square(error, dtype="float64"), axis=-1))
    logs = again.evaluate(*data, verbose=0, batch_size=SAMPLES, return_dict=True)
    assert logs["loss"] == pytest.approx(by_hand, rel=1e-6)


def test_a_model_saved_without_compiling_is_loaded_without(tmp_path):
    x = keras.Input((2,), name="x")
    BoundModel(inputs=x, outputs=keras.layers.Dense(1)(x)).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again) is BoundModel
    assert not again.compiled


def test_compiling_again_without_the_gradient_metric_drops_it(data):
    model = trained_model(data, "sgd")
    model.compile("sgd", LocLoss(), metrics=["mae"])
    assert set(model.fit(*data, verbose=0).history) == {"loss", "mae"}
    assert [metric.name for metric in model.metrics] == ["loss", "compile_metrics"]
