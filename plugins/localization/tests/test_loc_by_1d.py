from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.layers import LocBy1D
from zoo_localization.losses import LocLoss
from zoo_localization.tapers import roll_columns

SIZES = [(12, 3), (40, 1), (40, 2), (96, 8), (240, 4), (960, 4)]


def brute_force(gain: np.ndarray, loc: np.ndarray, obs_dens: int) -> np.ndarray:
    """The definition, one entry at a time, in float64."""
    _, size, nobs = gain.shape
    out = np.zeros(gain.shape)
    for j in range(nobs):
        at = obs_dens * (j + 1) - 1
        for i in range(size):
            r = (i - at) % size
            out[:, i, j] = gain[:, i, j] * loc[:, r if loc.shape[1] == size else min(r, size - r)]
    return out


def pair(size: int, obs_dens: int, batch: int, half: bool, dtype: str = "float64"):
    rng = np.random.default_rng([size, obs_dens, batch, half])
    gain = rng.normal(size=(batch, size, size // obs_dens)).astype(dtype)
    loc = rng.normal(size=(batch, size // 2 + 1 if half else size)).astype(dtype)
    return gain, loc


def model_of(size: int, nobs: int, length: int, obs_dens: int, **compiled):
    inputs = [keras.Input((size, nobs), name="kg_raw"), keras.Input((length,), name="loc_f")]
    model = keras.Model(inputs, LocBy1D(obs_dens, name="kg_pred")(inputs))
    model.compile("sgd", "mse", **compiled)
    return model


@pytest.mark.parametrize(("size", "obs_dens"), SIZES)
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("half", [True, False])
def test_it_multiplies_each_entry_by_the_value_at_its_offset(size, obs_dens, batch, half):
    gain, loc = pair(size, obs_dens, batch, half)
    expected = brute_force(gain, loc, obs_dens)
    for inputs in ([gain, loc], [gain[..., None], loc[..., None]]):
        found = LocBy1D(obs_dens, dtype="float64")(inputs)
        assert found.shape == gain.shape
        np.testing.assert_array_equal(np.asarray(found), expected)


def test_an_odd_ring_mirrors_each_distance_once():
    gain, loc = pair(9, 3, 2, half=True)
    assert loc.shape[1] == 5
    found = np.asarray(LocBy1D(3, dtype="float64")([gain, loc]))
    np.testing.assert_array_equal(found, brute_force(gain, loc, 3))


def test_fewer_observations_than_fit_are_fine():
    rng = np.random.default_rng(0)
    gain, loc = rng.normal(size=(2, 12, 2)), rng.normal(size=(2, 12))
    found = np.asarray(LocBy1D(3, dtype="float64")([gain, loc]))
    np.testing.assert_array_equal(found, brute_force(gain, loc, 3))


@pytest.mark.parametrize("half", [True, False])
def test_gradients_agree_with_finite_differences(half):
    tf = pytest.importorskip("tensorflow")
    gain, loc = pair(12, 3, 2, half)
    weight = np.random.default_rng(1).normal(size=gain.shape)
    layer = LocBy1D(3, dtype="float64")
    tensors = [tf.constant(gain), tf.constant(loc)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = tf.reduce_sum(layer(tensors) * weight)
    for which, gradient in enumerate(tape.gradient(value, tensors)):
        gradient = tf.convert_to_tensor(gradient).numpy()
        numeric = np.zeros_like(gradient)
        for place in np.ndindex(*numeric.shape):
            step = [np.zeros_like(gain), np.zeros_like(loc)]
            step[which][place] = 1e-3
            up = brute_force(gain + step[0], loc + step[1], 3)
            down = brute_force(gain - step[0], loc - step[1], 3)
            numeric[place] = ((up - down) * weight).sum() / 2e-3
        # The layer is linear in each input, so central differences are exact but for rounding.
        np.testing.assert_allclose(gradient, numeric, rtol=0, atol=1e-11)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_locloss_on_rolled_gains_is_the_squared_error_of_the_layer_on_unrolled_ones(half, dtype):
    raw, loc = pair(40, 2, 5, half, dtype)
    true = np.random.default_rng(7).normal(size=raw.shape).astype(dtype)
    localized = np.asarray(LocBy1D(2, dtype=dtype)([raw, loc]))
    expected = np.mean((true - localized) ** 2, axis=(1, 2))
    loss = LocLoss(dtype=dtype)
    tensors = (keras.ops.convert_to_tensor(a) for a in (roll_columns(true, 2), loc))
    found = loss.call(*tensors, keras.ops.convert_to_tensor(roll_columns(raw, 2)))
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_last_partial_batch_of_one_keeps_its_batch_axis(jit_compile):
    gain, loc = pair(40, 2, 5, half=True, dtype="float32")
    model = model_of(40, 20, 21, 2, jit_compile=jit_compile)
    found = model.predict([gain, loc], batch_size=2, verbose=0)
    assert found.shape == gain.shape
    np.testing.assert_allclose(found, brute_force(gain, loc, 2), rtol=1e-6)


def test_a_batch_of_unknown_size_gives_an_output_of_unknown_batch():
    assert model_of(12, 4, 7, 3).output_shape == (None, 12, 4)


def test_the_output_shape_is_told_without_a_call():
    layer = LocBy1D(3)
    assert layer.compute_output_shape([(None, 12, 4, 1), (None, 7, 1)]) == (None, 12, 4)


def test_mixed_precision_computes_in_half_precision():
    gain, loc = pair(40, 2, 3, half=True, dtype="float32")
    found = LocBy1D(2, dtype="mixed_float16")([gain, loc])
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    expected = brute_force(gain.astype("float16"), loc.astype("float16"), 2)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2**-11, atol=2**-24)


def test_a_saved_model_loads_and_predicts_the_same(tmp_path):
    gain, loc = pair(40, 2, 3, half=False, dtype="float32")
    model = model_of(40, 20, 40, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("kg_pred").obs_dens == 2
    np.testing.assert_array_equal(
        loaded.predict([gain, loc], verbose=0), model.predict([gain, loc], verbose=0)
    )


def test_the_config_makes_the_same_layer_again():
    config = LocBy1D(4, model_size=960, nobs=240, batch_size=32, name="kg_pred").get_config()
    assert LocBy1D.from_config(config).get_config() == config
    assert {k: config[k] for k in ("obs_dens", "model_size", "nobs", "batch_size")} == {
        "obs_dens": 4,
        "model_size": 960,
        "nobs": 240,
        "batch_size": 32,
    }


@pytest.mark.parametrize(
    ("arguments", "shapes", "message"),
    [
        ({"obs_dens": 2}, [(1, 40), (1, 21)], r"needs a gain of shape .* got \(1, 40\)"),
        ({"obs_dens": 2}, [(1, 40, 20, 2), (1, 21)], r"got \(1, 40, 20, 2\)"),
        ({"obs_dens": 2}, [(1, 40, 20), (1, 20)], r"\(batch, 21\).*\(batch, 40\).*got \(1, 20\)"),
        ({"obs_dens": 2}, [(1, 40, 20), (21,)], r"got \(21,\)"),
        ({"obs_dens": 2, "nobs": 10}, [(1, 40, 20), (1, 21)], "nobs=10, but .* has 20"),
        ({"obs_dens": 2, "model_size": 20}, [(1, 40, 20), (1, 21)], "model_size=20, but .* has 40"),
        ({"obs_dens": 3}, [(1, 40, 20), (1, 21)], "Lower obs_dens=3 to at most 2"),
        ({"obs_dens": 2}, [(1, 20, 40), (1, 11)], "states first"),
        ({"obs_dens": 2}, [(1, 40, None), (1, 21)], "Give .* the layer the argument nobs"),
        ({"obs_dens": 2}, [(1, 40, 20)], "needs a list of two inputs"),
        ({"obs_dens": 2}, (1, 40), "needs a list of two inputs"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_a_remedy(arguments, shapes, message):
    with pytest.raises(ValueError, match=message):
        LocBy1D(**arguments).build(shapes)


@pytest.mark.parametrize("obs_dens", [0, -1, 2.0, True, None, "2"])
def test_an_observation_density_that_is_no_count_is_refused(obs_dens):
    with pytest.raises(ValueError, match="obs_dens must be a positive integer, got"):
        LocBy1D(obs_dens)
