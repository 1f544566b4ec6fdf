import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo_weighted_loss import WeightedMSE

# Keras 3.15 reads its variables in a way that NumPy 2 has deprecated.
kerass_own = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

N, NOBS, OBS_DENS = 12, 5, 2


def gains(batch=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, batch, N, NOBS))


def reference(y_true, y_pred, weights):
    """The definition, sample by sample, in float64."""
    losses = []
    for true, pred, weight in zip(y_true, y_pred, weights, strict=True):
        weight = np.broadcast_to(np.float64(weight), true.shape)
        losses.append(np.sum(weight * (true - pred) ** 2) / np.sum(weight))
    return np.array(losses)


def gaussian_of_distance(model_size, nobs, obs_dens, scale):
    """The weights by distance, element by element, walking round the circle both ways."""
    weights = np.empty((model_size, nobs))
    for state in range(model_size):
        for observation in range(nobs):
            steps = (state - (obs_dens * (observation + 1) - 1)) % model_size
            distance = min(steps, model_size - steps)
            weights[state, observation] = np.exp(-(distance**2) / (2 * scale**2))
    return weights


def test_without_weights_it_is_the_mean_squared_error():
    y_true, y_pred = gains()
    expected = np.mean((y_true - y_pred) ** 2, axis=(1, 2))
    np.testing.assert_allclose(WeightedMSE().call(y_true, y_pred), expected, rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("axes", [(N, NOBS), (N, 1), (1, NOBS)])
def test_weights_of_a_model_input_count_sample_by_sample(axes, batch):
    y_true, y_pred = gains(batch)
    weights = np.random.default_rng(1).uniform(size=(batch, *axes))
    losses = WeightedMSE().call(y_true, y_pred, weights=weights)
    assert losses.shape == (batch,)
    np.testing.assert_allclose(losses, reference(y_true, y_pred, weights), rtol=1e-6)


@pytest.mark.parametrize("axes", [(N, NOBS), (N, 1), (NOBS,), ()])
def test_fixed_weights_broadcast_to_one_sample(axes):
    y_true, y_pred = gains()
    weights = np.random.default_rng(2).uniform(size=axes)
    losses = WeightedMSE(fixed_weights=weights.tolist()).call(y_true, y_pred)
    np.testing.assert_allclose(losses, reference(y_true, y_pred, [weights] * 3), rtol=1e-6)


@pytest.mark.parametrize(("model_size", "nobs", "obs_dens"), [(12, 5, 2), (40, 20, 2), (7, 7, 1)])
@pytest.mark.parametrize("scale", [0.5, 3])
def test_weights_by_distance_are_periodic_and_peak_at_the_observation(
    model_size, nobs, obs_dens, scale
):
    y_true, y_pred = np.random.default_rng(3).standard_normal((2, 2, model_size, nobs))
    losses = WeightedMSE(distance_scale=scale, obs_dens=obs_dens).call(y_true, y_pred)
    weights = gaussian_of_distance(model_size, nobs, obs_dens, scale)
    assert weights[obs_dens - 1, 0] == 1.0
    np.testing.assert_allclose(losses, reference(y_true, y_pred, [weights] * 2), rtol=2e-6)


def test_a_tiny_distance_scale_leaves_only_the_observed_states():
    y_true, y_pred = gains(1)
    losses = WeightedMSE(distance_scale=1e-200, obs_dens=OBS_DENS).call(y_true, y_pred)
    observed = [(OBS_DENS * (j + 1) - 1, j) for j in range(NOBS)]
    expected = np.mean([(y_true - y_pred)[0, i, j] ** 2 for i, j in observed])
    np.testing.assert_allclose(losses, [expected], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e300])
def test_only_the_ratios_of_fixed_weights_matter(scale):
    y_true, y_pred = gains()
    weights = np.arange(1.0, NOBS + 1)
    losses = WeightedMSE(fixed_weights=(scale * weights).tolist()).call(y_true, y_pred)
    np.testing.assert_allclose(losses, reference(y_true, y_pred, [weights] * 3), rtol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"fixed_weights": list(range(NOBS))}, {"distance_scale": 2.0, "obs_dens": OBS_DENS}],
)
def test_gradients_agree_with_central_differences(arguments):
    loss = WeightedMSE(**arguments, dtype="float64")
    y_true, y_pred = gains(1, seed=4)
    prediction = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        total = loss(y_true, prediction)
    gradient = tape.gradient(total, prediction).numpy().ravel()
    step = 1e-6
    for index in np.random.default_rng(5).choice(gradient.size, 10, replace=False):
        nudge = np.zeros(gradient.size)
        nudge[index] = step
        nudge = nudge.reshape(y_pred.shape)
        rise = float(loss(y_true, y_pred + nudge)) - float(loss(y_true, y_pred - nudge))
        assert gradient[index] == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-9)


def test_a_sample_whose_weights_are_all_zero_has_loss_and_gradient_zero():
    y_true, y_pred = gains(2)
    weights = np.stack([np.zeros((N, NOBS)), np.ones((N, NOBS))])
    prediction = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        losses = WeightedMSE().call(y_true, prediction, weights)
    gradient = tape.gradient(losses, prediction).numpy()
    assert float(losses[0]) == 0.0
    assert float(losses[1]) > 0.0
    assert np.all(gradient[0] == 0.0)
    assert np.all(np.isfinite(gradient[1]))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_bad_weight_of_a_model_input_spoils_its_own_sample_only(jit_compile):
    y_true, y_pred = gains(2)
    call = tf.function(WeightedMSE().call, jit_compile=jit_compile)
    for bad in (-1.0, np.nan, np.inf):
        weights = np.ones((2, N, NOBS))
        weights[0, 3, 2] = bad
        losses = call(tf.constant(y_true), tf.constant(y_pred), tf.constant(weights)).numpy()
        assert np.isnan(losses[0]), bad
        assert np.isfinite(losses[1]), bad


def test_sample_weights_and_reduction_are_those_of_keras():
    y_true, y_pred = gains()
    weights, fixed = np.array([0.0, 1.0, 3.0]), np.arange(1.0, NOBS + 1)
    each = reference(y_true, y_pred, [fixed] * 3)
    arguments = {"fixed_weights": fixed.tolist()}
    mean = WeightedMSE(**arguments)(y_true, y_pred, sample_weight=weights)
    assert float(mean) == pytest.approx(np.mean(weights * each), rel=1e-6)
    total = WeightedMSE(**arguments, reduction="sum")(y_true, y_pred)
    assert float(total) == pytest.approx(np.sum(each), rel=1e-6)


def test_half_precision_neither_overflows_nor_rounds_the_sums():
    y_true, y_pred = (300 * gains()).astype("float16")
    fixed = np.arange(1.0, NOBS + 1)
    losses = WeightedMSE(fixed_weights=fixed.tolist(), dtype="float16").call(y_true, y_pred)
    expected = reference(np.float64(y_true), np.float64(y_pred), [fixed] * 3)
    np.testing.assert_allclose(losses, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2, 3, 2)])
def test_it_takes_every_rank(shape):
    y_true, y_pred = np.random.default_rng(6).standard_normal((2, *shape))
    expected = np.mean(((y_true - y_pred) ** 2).reshape(4, -1), axis=1)
    losses = WeightedMSE(dtype="float64").call(y_true, y_pred)
    np.testing.assert_allclose(losses, expected, rtol=1e-14)


def test_one_target_a_sample_may_come_without_its_axis():
    y_true, y_pred = np.random.default_rng(7).standard_normal((2, 4))
    losses = WeightedMSE(dtype="float64").call(y_true, y_pred[:, np.newaxis])
    np.testing.assert_allclose(losses, (y_true - y_pred) ** 2, rtol=1e-14)


def small_model(policy="float32"):
    model = keras.Sequential([keras.Input((N, NOBS)), keras.layers.Dense(NOBS, dtype=policy)])
    model.layers[0].set_weights([0.5 * np.eye(NOBS), np.zeros(NOBS)])
    return model


@pytest.mark.parametrize(
    ("samples", "jit_compile", "policy"),
    [
        (1, False, "float32"),
        (1, True, "mixed_float16"),
        (5, False, "mixed_float16"),
        (5, True, "float32"),
    ],
)
def test_fit_reports_the_mean_over_all_samples(samples, jit_compile, policy):
    y, x = gains(samples, seed=8)
    model = small_model(policy)
    loss = WeightedMSE(distance_scale=2.0, obs_dens=OBS_DENS)
    model.compile(keras.optimizers.SGD(0.0), loss, jit_compile=jit_compile)
    history = model.fit(x, y, batch_size=2, verbose=0).history["loss"]
    weights = gaussian_of_distance(N, NOBS, OBS_DENS, 2.0)
    expected = np.mean(reference(y, 0.5 * x, [weights] * samples))
    # Half precision rounds the predictions themselves, to 2**-11 of their size.
    assert history[0] == pytest.approx(expected, rel=1e-5 if policy == "float32" else 1e-3)


def test_training_follows_the_weights():
    x = np.ones((8, 1))
    y = np.tile([1.0, -1.0], (8, 1))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.add(keras.layers.RepeatVector(2))
    model.add(keras.layers.Flatten())
    loss = WeightedMSE(fixed_weights=[3, 1])
    model.compile(keras.optimizers.SGD(0.2), loss, jit_compile=False)
    model.fit(x, y, epochs=15, verbose=0)  # each leaves a fifth of the error
    # One number for both targets: the weighted mean (3*1 - 1*1) / 4 is the best there is.
    np.testing.assert_allclose(model.predict(x, verbose=0), 0.5, atol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"fixed_weights": [[1.0], *[[2.0]] * (N - 1)], "reduction": "sum", "name": "mine"},
        {"distance_scale": 5.0, "obs_dens": OBS_DENS, "dtype": "float64"},
    ],
)
def test_it_survives_serialization(arguments):
    loss = WeightedMSE(**arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert isinstance(again, WeightedMSE)
    assert again.get_config() == loss.get_config()
    assert arguments.items() <= again.get_config().items()
    y_true, y_pred = gains()
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))


@kerass_own
def test_a_saved_model_comes_back_with_its_loss(tmp_path):
    y, x = gains(4, seed=9)
    model = small_model()
    loss = WeightedMSE(fixed_weights=np.arange(1, NOBS + 1))
    model.compile("sgd", loss, jit_compile=False)
    before = model.evaluate(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    objects = {"WeightedMSE": WeightedMSE}
    loaded = keras.saving.load_model(tmp_path / "model.keras", custom_objects=objects)
    assert loaded.loss.fixed_weights == [1, 2, 3, 4, 5]
    assert loaded.evaluate(x, y, verbose=0) == before
    loaded.fit(x, y, verbose=0)
    assert loaded.evaluate(x, y, verbose=0) < before
