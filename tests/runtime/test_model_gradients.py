"""Metrics of gradients, against gradients computed by hand in float64.

The model is linear and its loss the mean square, so the gradients have a closed form:
`2/(B D) X^T (X W + b - Y)` for the kernel and its column sums, without `X`, for the bias.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo.runtime.model import BoundModel

SAMPLES, IN, OUT, BATCH, RATE = 9, 4, 3, 2, 0.25  # the last batch holds one sample


class GradientNorm(keras.metrics.Mean):
    """The mean over optimizer steps, asked for with the source's signature."""

    def __init__(self, name="gradient_norm", **kwargs):
        super().__init__(name=name, **kwargs)

    def update_state(self, y, gradients, sample_weight=None):
        super().update_state(global_norm(gradients))


class Updates(keras.metrics.Sum):
    def update_state(self, gradients):
        super().update_state(1.0)


class LastNorm(keras.metrics.Metric):
    """Keeps the last value in a variable and returns the variable, as the source's does."""

    def __init__(self, name="last_norm", **kwargs):
        super().__init__(name=name, **kwargs)
        self.norm = self.add_weight(name="norm", initializer="zeros")

    def update_state(self, gradients):
        self.norm.assign(global_norm(gradients))

    def result(self):
        return self.norm


def global_norm(gradients):
    return ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients))


@pytest.fixture
def data():
    random = np.random.default_rng(11)
    x = random.normal(size=(SAMPLES, IN)).astype("float32")
    return x, random.normal(size=(SAMPLES, OUT)).astype("float32")


def linear_model(**layer_options):
    keras.utils.set_random_seed(4)
    x = keras.Input((IN,), name="x")
    return BoundModel(inputs=x, outputs=keras.layers.Dense(OUT, **layer_options)(x))


def gradient(x, y, kernel, bias):
    error = 2 * (x @ kernel + bias - y) / y.size
    return x.T @ error, error.sum(axis=0)


def norm(gradients):
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def norms_by_hand(data, weights, epochs=1, batch=BATCH, steps=1, clip=lambda g: g):
    """Trains by gradient descent; returns each epoch's list of norms, one per step."""
    x, y = (a.astype("float64") for a in data)
    kernel, bias = (w.astype("float64") for w in weights)
    window, history = [], []
    for _ in range(epochs):
        history.append([])
        for start in range(0, len(x), batch):
            part = slice(start, start + batch)
            window.append(gradient(x[part], y[part], kernel, bias))
            if len(window) == steps:
                mean = [sum(parts) / steps for parts in zip(*window, strict=True)]
                history[-1].append(norm(mean))
                step = clip(mean)
                kernel, bias, window = kernel - RATE * step[0], bias - RATE * step[1], []
    return history


def fit(model, data, epochs=1, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, **options}
    return model.fit(*data, epochs=epochs, **options).history


def each_clipped(limit):
    return lambda gradients: [g * min(1, limit / norm([g])) for g in gradients]


def all_clipped(limit):
    return lambda gradients: [g * min(1, limit / norm(gradients)) for g in gradients]


def values_clipped(limit):
    return lambda gradients: [np.clip(g, -limit, limit) for g in gradients]


# Each way to run a step is tried with and without accumulation, and with and without a scaled
# loss, somewhere below; it need not be with every pair of the two.
PLAIN = {}
XLA = {"jit_compile": True}
EAGER = {"run_eagerly": True}
SEVERAL = {"steps_per_execution": 2}


@pytest.mark.parametrize("options", [PLAIN, EAGER], ids=str)
def test_the_norm_is_the_mean_over_an_epoch_s_steps(data, options):
    model = linear_model()
    expected = norms_by_hand(data, model.get_weights(), epochs=2)
    model.compile(keras.optimizers.SGD(RATE), "mse", metrics=[GradientNorm()], **options)
    history = fit(model, data, epochs=2)
    means = [np.mean(norms) for norms in expected]
    np.testing.assert_allclose(history["gradient_norm"], means, rtol=1e-6)


@pytest.mark.parametrize("options", [XLA, SEVERAL], ids=str)
def test_under_accumulation_a_window_s_average_counts_once(data, options):
    model = linear_model()
    expected = norms_by_hand(data, model.get_weights(), epochs=3, steps=3)
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=3)
    metrics = [GradientNorm(), Updates(name="updates"), LastNorm()]
    model.compile(optimizer, "mse", metrics=metrics, **options)
    history = fit(model, data, epochs=3)
    # Fifteen batches in windows of three: the windows do not end where the epochs do.
    assert history["updates"] == [len(norms) for norms in expected] == [1, 2, 2]
    means = [np.mean(norms) for norms in expected]
    np.testing.assert_allclose(history["gradient_norm"], means, rtol=1e-6)
    np.testing.assert_allclose(history["last_norm"], [n[-1] for n in expected], rtol=1e-6)


def test_an_epoch_without_an_optimizer_step_reports_no_gradient_metric(data):
    model = linear_model()
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=8)
    model.compile(optimizer, "mse", metrics=[GradientNorm(), "mae"])
    assert set(fit(model, data)) == {"loss", "mae"}
    assert set(fit(model, data)) == {"loss", "mae", "gradient_norm"}


@pytest.mark.parametrize(
    ("argument", "clip", "steps"),
    [
        ({"clipnorm": 0.25}, each_clipped(0.25), 1),
        ({"global_clipnorm": 0.25}, all_clipped(0.25), 2),
        ({"clipvalue": 0.125}, values_clipped(0.125), 2),
    ],
    ids=["clipnorm", "global_clipnorm, every second step", "clipvalue, every second step"],
)
def test_the_norm_is_that_before_clipping(data, argument, clip, steps):
    model = linear_model()
    expected = norms_by_hand(data, model.get_weights(), epochs=2, steps=steps, clip=clip)
    unclipped = norms_by_hand(data, model.get_weights(), epochs=2, steps=steps)
    accumulation = steps if steps > 1 else None
    optimizer = keras.optimizers.SGD(RATE, gradient_accumulation_steps=accumulation, **argument)
    model.compile(optimizer, "mse", metrics=[GradientNorm()])
    history = fit(model, data, epochs=2)
    means = [np.mean(norms) for norms in expected]
    np.testing.assert_allclose(history["gradient_norm"], means, rtol=1e-6)
    assert abs(means[1] - np.mean(unclipped[1])) > 1e-3  # the clipping did act


@pytest.mark.parametrize(
    ("scaled_by", "steps", "options"),
    [
        ("LossScaleOptimizer", 2, PLAIN),
        ("LossScaleOptimizer", 2, EAGER),
        ("LossScaleOptimizer", None, SEVERAL),
        ("loss_scale_factor", 2, PLAIN),
        ("loss_scale_factor", None, XLA),
    ],
    ids=str,
)
def test_the_norm_is_that_of_the_unscaled_loss(data, scaled_by, steps, options):
    model = linear_model()
    expected = norms_by_hand(data, model.get_weights(), epochs=2, steps=steps or 1)
    factor = 1024.0 if scaled_by == "loss_scale_factor" else None
    optimizer = keras.optimizers.SGD(
        RATE, gradient_accumulation_steps=steps, loss_scale_factor=factor
    )
    if scaled_by == "LossScaleOptimizer":
        # Its scale doubles after every second step: it has to be read before that.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, 8.0, dynamic_growth_steps=2)
    model.compile(optimizer, "mse", metrics=[GradientNorm()], **options)
    history = fit(model, data, epochs=2)
    means = [np.mean(norms) for norms in expected]
    np.testing.assert_allclose(history["gradient_norm"], means, rtol=1e-6)


@pytest.fixture
def exact_data():
    """Small integers, on which half precision is exact."""
    random = np.random.default_rng(2)
    x = random.integers(-2, 3, size=(8, IN)).astype("float32")
    return x, random.integers(-2, 3, size=(8, 2)).astype("float32")


def exact_model(policy):
    x = keras.Input((IN,), name="x")
    model = BoundModel(inputs=x, outputs=keras.layers.Dense(2, dtype=policy)(x))
    model.dtype_policy = keras.DTypePolicy(policy)
    kernel = np.array([[1.0, -1.0], [0.5, 2.0], [-1.0, 0.0], [1.0, 1.0]])
    model.set_weights([kernel, np.array([0.5, -1.0])])
    return model


# The next test has the other two pairs: the scale of float16 under XLA, and its steps without.
@pytest.mark.parametrize(
    ("policy", "jit_compile"),
    [("mixed_float16", False), ("mixed_bfloat16", True)],
    ids=["mixed_float16", "mixed_bfloat16 with XLA"],
)
def test_under_mixed_precision_the_norm_is_unscaled(exact_data, policy, jit_compile):
    model = exact_model(policy)
    expected = norm(gradient(*exact_data, *model.get_weights()))
    model.compile(
        keras.optimizers.SGD(0.0), "mse", metrics=[GradientNorm()], jit_compile=jit_compile
    )
    is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (policy == "mixed_float16")
    # The first steps may be skipped, until the scale fits into half precision.
    history = fit(model, exact_data, batch_size=8, epochs=5)
    assert history["gradient_norm"][-1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["without XLA", "with XLA"])
def test_a_step_that_loss_scaling_skips_does_not_count(exact_data, jit_compile):
    model = exact_model("mixed_float16")
    expected = norm(gradient(*exact_data, *model.get_weights()))
    # 2**18 is beyond half precision: the scale halves until the gradients are finite.
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), 2.0**18)
    metrics = [GradientNorm(), Updates(name="updates")]
    model.compile(optimizer, "mse", metrics=metrics, jit_compile=jit_compile)
    first = fit(model, exact_data, batch_size=8)
    assert "gradient_norm" not in first  # nothing but skipped steps
    history = fit(model, exact_data, batch_size=8, epochs=8)
    skipped = 8 - len(history["updates"])
    assert 1 <= skipped <= 6
    assert int(optimizer.iterations) == len(history["updates"])
    np.testing.assert_allclose(history["gradient_norm"], expected, rtol=1e-6)


def test_validation_and_evaluation_have_no_gradient_metric(data):
    model = linear_model()
    model.compile("sgd", "mse", metrics=[GradientNorm(), "mae"])
    history = fit(model, data, validation_data=data)
    assert set(history) == {"loss", "mae", "gradient_norm", "val_loss", "val_mae"}
    assert set(model.evaluate(*data, verbose=0, return_dict=True)) == {"loss", "mae"}
    assert len(model.evaluate(*data, verbose=0)) == 2
    assert set(model.test_on_batch(*data, return_dict=True)) == {"loss", "mae"}
    logs = model.train_on_batch(*data, return_dict=True)
    assert set(logs) == {"loss", "mae", "gradient_norm"}


def test_a_gradient_metric_is_among_the_model_s_metrics_and_starts_anew(data):
    model = linear_model()
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=[Updates(name="updates")])
    assert "updates" in [metric.name for metric in model.metrics]
    assert fit(model, data, epochs=3)["updates"] == [5.0, 5.0, 5.0]


def test_frozen_layers_have_no_gradients(data):
    seen = {}

    class Spy(keras.metrics.Sum):
        def update_state(self, gradients, trainable_variables):
            seen["shapes"] = [tuple(g.shape) for g in gradients]
            seen["paths"] = [v.path for v in trainable_variables]
            super().update_state(1.0)

    x = keras.Input((IN,), name="x")
    hidden = keras.layers.Dense(5, trainable=False, name="frozen")(x)
    model = BoundModel(inputs=x, outputs=keras.layers.Dense(OUT, name="free")(hidden))
    model.compile("sgd", "mse", metrics=[Spy(name="spy")])
    fit(model, data)
    assert seen == {"shapes": [(5, OUT), (OUT,)], "paths": ["free/kernel", "free/bias"]}


@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
def test_an_unconnected_variable_has_a_gradient_of_zero(data):
    class Unused(keras.layers.Layer):
        def build(self, shape):
            self.unused = self.add_weight(shape=(7,), name="unused")

        def call(self, inputs):
            return inputs

    x = keras.Input((IN,), name="x")
    model = BoundModel(inputs=x, outputs=keras.layers.Dense(OUT)(Unused()(x)))
    expected = norms_by_hand(data, model.get_weights()[1:])
    model.compile(keras.optimizers.SGD(RATE), "mse", metrics=[GradientNorm()])
    history = fit(model, data)
    assert history["gradient_norm"][0] == pytest.approx(np.mean(expected[0]), rel=1e-6)


def test_sparse_gradients_of_an_embedding_are_summed_per_row():
    tokens = np.array([[0, 0], [1, 0]], dtype="int32")
    x = keras.Input((2,), name="tokens", dtype="int32")
    model = BoundModel(inputs=x, outputs=keras.layers.Embedding(3, 1, name="table")(x))
    model.set_weights([np.array([[1.0], [2.0], [3.0]])])
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=[GradientNorm()])
    history = model.fit(tokens, np.zeros((2, 2, 1)), verbose=0).history
    # Loss = (3 * 1**2 + 2**2) / 4, so its gradient by row is (6 * 1 / 4, 2 * 2 / 4, 0).
    assert history["gradient_norm"][0] == pytest.approx(np.hypot(1.5, 1.0), rel=1e-6)


def test_sample_weights_and_regularization_enter_the_gradients(data):
    x, y = data
    weights = np.linspace(0, 2, SAMPLES)
    model = linear_model(kernel_regularizer=keras.regularizers.L2(0.1))
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    error = 2 * weights[:, None] * (x @ kernel + bias - y) / y.size
    expected = norm([x.T @ error + 0.2 * kernel, error.sum(axis=0)])
    model.compile("sgd", "mse", metrics=[GradientNorm()])
    history = fit(model, data, sample_weight=weights, batch_size=SAMPLES)
    assert history["gradient_norm"][0] == pytest.approx(expected, rel=1e-6)


def test_two_metrics_of_one_name_are_numbered(data):
    model = linear_model()
    model.compile("sgd", "mse", metrics=[GradientNorm(), GradientNorm()])
    history = fit(model, data)
    assert history["gradient_norm"] == history["gradient_norm_1"]


@pytest.mark.parametrize("form", ["per output", "beside"])
def test_a_model_with_several_outputs_has_one_set_of_gradients(data, form):
    x = keras.Input((IN,), name="x")
    outputs = [keras.layers.Dense(OUT, name=name)(x) for name in ("a", "b")]
    model = BoundModel(inputs=x, outputs=outputs)
    kernel_a, bias_a, kernel_b, bias_b = model.get_weights()
    both = np.concatenate([kernel_a, kernel_b], axis=-1), np.concatenate([bias_a, bias_b])
    target = np.concatenate([data[1], data[1]], axis=-1)
    # The sum of two means over OUT values is twice the mean over 2 OUT values.
    expected = 2 * norm(gradient(data[0], target, *both))
    if form == "per output":
        metrics = {"metrics": [["mae", GradientNorm()], ["mae"]]}
    else:
        metrics = {"metrics": [["mae"], ["mae"]], "step_metrics": [GradientNorm()]}
    model.compile("sgd", ["mse", "mse"], **metrics)
    y = (data[1], data[1])
    history = model.fit(data[0], y, batch_size=SAMPLES, verbose=0).history
    assert set(history) == {"loss", "a_loss", "b_loss", "a_mae", "b_mae", "gradient_norm"}
    assert history["gradient_norm"][0] == pytest.approx(expected, rel=1e-6)


def test_moving_averages_and_losses_are_those_of_keras_s_own_step(data):
    histories, weights = [], []
    for metrics in (["mae"], ["mae", GradientNorm()]):
        model = linear_model()
        averaging = {"use_ema": True, "ema_momentum": 0.9, "weight_decay": 0.01}
        model.compile(keras.optimizers.SGD(0.05, 0.9, **averaging), "mse", metrics=metrics)
        histories.append(fit(model, data, epochs=2))
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    del histories[1]["gradient_norm"]
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(*weights)


def test_another_backend_is_refused_by_the_metric_s_name(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    model = linear_model()
    model.compile("sgd", "mse", metrics=["mae"])
    with pytest.raises(ValueError, match=r'"my_norm" asks for gradients.*TensorFlow.*"jax"'):
        model.compile("sgd", "mse", metrics=[GradientNorm(name="my_norm")])
