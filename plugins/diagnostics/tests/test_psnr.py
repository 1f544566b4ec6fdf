import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo_diagnostics import PSNR

# Keras 3.15 reads its variables in a way that NumPy 2 has deprecated.
kerass_own = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAP = -20 * math.log10(2.0**-23)  # 138.47 dB: the spacing of float32 numbers at 1


def pairs(shape, seed=0, error=0.1):
    rng = np.random.default_rng(seed)
    y_true = rng.uniform(size=shape)
    return y_true, y_true + error * rng.standard_normal(shape)


def reference(y_true, y_pred, maxi=1.0, sample_weight=None):
    """The definition, in float64: 20 log10(maxi / rmse)."""
    squares = np.square(np.float64(y_true) - np.float64(y_pred)).reshape(len(y_true), -1)
    mean = np.average(squares.mean(axis=1), weights=sample_weight)
    return 20 * math.log10(maxi / math.sqrt(mean))


def value(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 5), (6, 5, 4), (1, 8, 8, 3)])
def test_it_is_the_definition_at_every_rank(shape):
    y_true, y_pred = pairs(shape)
    assert value(PSNR(), (y_true, y_pred)) == pytest.approx(reference(y_true, y_pred), abs=1e-4)


def test_a_hand_computed_case():
    assert value(PSNR(), (np.zeros((2, 3)), np.full((2, 3), 0.1))) == pytest.approx(20.0, abs=1e-4)


@pytest.mark.parametrize("maxi", [255, 2.5, 1e-12, 1e25])
def test_the_peak_scales_with_the_signal(maxi):
    y_true, y_pred = pairs((5, 7), seed=1)
    expected = reference(y_true, y_pred)
    assert value(PSNR(maxi), (maxi * y_true, maxi * y_pred)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("sizes", [[13], [5, 5, 3], [1, 12], [1] * 13])
def test_batches_of_unequal_sizes_give_what_one_batch_gives(sizes):
    y_true, y_pred = pairs((13, 6), seed=2, error=np.logspace(-3, 0, 13)[:, np.newaxis])
    ends = np.cumsum(sizes)[:-1]
    batches = zip(np.split(y_true, ends), np.split(y_pred, ends), strict=True)
    assert value(PSNR(), *batches) == pytest.approx(reference(y_true, y_pred), abs=1e-4)


def test_it_agrees_with_keras_ops_psnr_of_all_samples_at_once():
    y_true, y_pred = (array.astype("float32") for array in pairs((9, 4), seed=3))
    expected = float(keras.ops.psnr(y_true, y_pred, 1.0))
    batches = [(y_true[:4], y_pred[:4]), (y_true[4:], y_pred[4:])]
    assert value(PSNR(), *batches) == pytest.approx(expected, abs=1e-4)


def test_sample_weights_count():
    y_true, y_pred = pairs((6, 3, 2), seed=4, error=np.arange(1, 7).reshape(6, 1, 1))
    weights = np.array([0.0, 1.0, 2.0, 0.5, 0.0, 3.0])
    expected = reference(y_true, y_pred, sample_weight=weights)
    halves = [(a[:2], b[:2], w[:2]) for a, b, w in [(y_true, y_pred, weights)]]
    halves += [(a[2:], b[2:], w[2:]) for a, b, w in [(y_true, y_pred, weights)]]
    assert value(PSNR(), *halves) == pytest.approx(expected, abs=1e-4)


def test_a_weight_for_each_element_counts():
    y_true, y_pred = pairs((4, 3), seed=5)
    weights = np.random.default_rng(6).uniform(size=(4, 3))
    expected = -10 * math.log10(np.average(np.square(y_true - y_pred), weights=weights))
    assert value(PSNR(), (y_true, y_pred, weights)) == pytest.approx(expected, abs=1e-4)


def test_perfect_predictions_give_the_documented_finite_value():
    y_true, _ = pairs((3, 4), seed=7)
    assert value(PSNR(), (y_true, y_true)) == pytest.approx(CAP, abs=1e-4)
    assert pytest.approx(138.47, abs=5e-3) == CAP


def test_one_perfect_sample_leaves_the_epoch_finite():
    y_true, y_pred = pairs((4, 5), seed=8)
    y_pred[1] = y_true[1]
    batches = [(y_true[:2], y_pred[:2]), (y_true[2:], y_pred[2:])]
    assert value(PSNR(), *batches) == pytest.approx(reference(y_true, y_pred), abs=1e-4)


def test_without_a_sample_that_counts_the_result_is_zero():
    metric = PSNR()
    assert float(metric.result()) == 0.0
    assert value(metric, (*pairs((2, 2)), np.zeros(2))) == 0.0


def test_a_reset_forgets_the_epoch_before():
    metric = PSNR()
    value(metric, pairs((3, 2), seed=9, error=5.0))
    metric.reset_state()
    y_true, y_pred = pairs((3, 2), seed=10)
    assert value(metric, (y_true, y_pred)) == pytest.approx(reference(y_true, y_pred), abs=1e-4)


def test_half_precision_predictions_of_large_signals_do_not_overflow():
    y_true, y_pred = (array.astype("float16") for array in pairs((4, 6), seed=11))
    y_true, y_pred = 6e4 * y_true.astype("float32"), np.float16(6e4) * y_pred * np.float16(0.5)
    expected = reference(y_true, y_pred, 6e4)
    metric = PSNR(6e4, dtype="mixed_float16")
    assert value(metric, (y_true, tf.constant(y_pred))) == pytest.approx(expected, abs=1e-4)


def test_bytes_are_subtracted_as_numbers_and_not_modulo_256():
    y_true, y_pred = np.array([[10]], "uint8"), np.array([[12]], "uint8")
    expected = 20 * math.log10(255 / 2)
    assert value(PSNR(255), (y_true, y_pred)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("jit_compile", "policy"), [(False, "mixed_float16"), (True, "float32")])
def test_fit_logs_the_whole_epoch_with_a_partial_last_batch(jit_compile, policy):
    keras.utils.set_random_seed(12)
    rng = np.random.default_rng(12)
    x, y = (rng.standard_normal((10, 3)).astype("float32") for _ in range(2))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, dtype=policy)])
    model.compile("sgd", "mse", weighted_metrics=[PSNR(3.0)], jit_compile=jit_compile)
    model.optimizer.learning_rate = 0.0  # so that the epoch's predictions are those of `predict`
    weights = rng.uniform(0.5, 2.0, 10)
    history = model.fit(x, y, batch_size=4, sample_weight=weights, verbose=0, shuffle=False)
    predicted = model.predict(x, batch_size=4, verbose=0)
    expected = reference(y, predicted, 3.0, weights)
    assert history.history["psnr"][0] == pytest.approx(expected, abs=1e-3)


def test_callbacks_know_that_more_is_better():
    x = np.random.default_rng(13).standard_normal((8, 2)).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=[PSNR()], jit_compile=False)
    stop = keras.callbacks.EarlyStopping(monitor="psnr", patience=1)
    # The fit improves every epoch: read the wrong way round, it would stop after the second.
    history = model.fit(x, x @ np.eye(2, dtype="float32"), epochs=4, callbacks=[stop], verbose=0)
    assert len(history.history["psnr"]) == 4


@kerass_own
def test_it_survives_serialization_and_saving(tmp_path):
    metric = PSNR(maxi=2.0, name="ratio", dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert isinstance(again, PSNR)
    assert again.get_config() == {"maxi": 2.0, "name": "ratio", "dtype": "float64"}

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[PSNR(maxi=2.0)], jit_compile=False)
    x, y = (array.astype("float32") for array in pairs((4, 2), seed=14))
    before = model.evaluate(x, y, return_dict=True, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", custom_objects={"PSNR": PSNR})
    assert loaded.evaluate(x, y, return_dict=True, verbose=0) == before


@pytest.mark.parametrize("maxi", [0, -1.0, math.inf, math.nan, "1", None, True])
def test_a_peak_that_is_no_positive_number_is_refused(maxi):
    with pytest.raises(ValueError, match="`maxi` is the largest possible value") as caught:
        PSNR(maxi=maxi)
    assert f"Received: maxi={maxi!r}." in str(caught.value)
    assert "Give 1.0 for data in [0, 1]" in str(caught.value)


@pytest.mark.parametrize(("left", "right"), [((4, 3), (4, 2)), ((4,), (4, 3)), ((4, 3), (4, 1))])
def test_shapes_that_would_broadcast_are_refused(left, right):
    with pytest.raises(ValueError, match="must have the same shape") as caught:
        PSNR().update_state(np.zeros(left), np.zeros(right))
    assert f"y_true.shape={left}, y_pred.shape={right}" in str(caught.value)


@pytest.mark.parametrize(("left", "right"), [((4,), (4, 1)), ((4, 1), (4,))])
def test_a_missing_last_axis_of_length_one_is_added(left, right):
    y_true, y_pred = pairs((4,), seed=15)
    metric = PSNR()
    metric.update_state(y_true.reshape(left), y_pred.reshape(right))
    assert float(metric.result()) == pytest.approx(reference(y_true, y_pred), abs=1e-4)
