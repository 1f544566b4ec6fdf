import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo_diagnostics import GradientNorm

SHAPES = [(3, 4), (4,), (), (2, 3, 5)]


def gradients(seed, scale=1.0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return [(scale * rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]


def norm(arrays):
    return np.sqrt(sum(np.sum(np.square(array.astype("float64"))) for array in arrays))


def value(metric, *steps):
    for step in steps:
        metric.update_state([None if g is None else tf.constant(g) for g in step])
    return float(metric.result())


def test_one_step_gives_the_norm_of_all_gradients_laid_end_to_end():
    step = gradients(0)
    assert value(GradientNorm(), step) == pytest.approx(norm(step), rel=1e-6)


def test_the_epoch_gives_the_mean_of_its_steps_and_not_the_last():
    steps = [gradients(seed, scale) for seed, scale in [(1, 1.0), (2, 10.0), (3, 0.1)]]
    expected = np.mean([norm(step) for step in steps])
    assert value(GradientNorm(), *steps) == pytest.approx(expected, rel=1e-6)


def test_per_element_divides_by_the_number_of_elements():
    steps = [gradients(4), gradients(5)]
    elements = 12 + 4 + 1 + 30
    expected = np.mean([norm(step) / elements for step in steps])
    assert value(GradientNorm(per_element=True), *steps) == pytest.approx(expected, rel=1e-6)


def test_an_unconnected_variable_counts_neither_in_the_norm_nor_in_the_elements():
    step = [np.array([3.0, 0.0], "float32"), None, np.array([[4.0]], "float32")]
    assert value(GradientNorm(), step) == pytest.approx(5.0, rel=1e-6)
    assert value(GradientNorm(per_element=True), step) == pytest.approx(5.0 / 3, rel=1e-6)


@pytest.mark.parametrize("per_element", [False, True])
@pytest.mark.parametrize("step", [[], [None, None]])
def test_without_any_gradient_the_norm_is_zero(step, per_element):
    assert value(GradientNorm(per_element=per_element), step) == 0.0


def test_a_variable_without_elements_adds_nothing():
    step = [np.zeros((0, 3), "float32"), np.array([-2.0], "float32")]
    assert value(GradientNorm(), step) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_squares_outside_of_float32_do_not_matter(scale):
    step = gradients(6, scale)
    assert value(GradientNorm(), step) == pytest.approx(norm(step), rel=1e-6)


@pytest.mark.parametrize("scale", [2e4, 1e-3])
def test_float16_gradients_neither_overflow_nor_vanish(scale):
    step = gradients(7, scale, "float16")
    assert value(GradientNorm(dtype="float16"), step) == pytest.approx(norm(step), rel=1e-6)


def test_zero_gradients_have_norm_zero():
    assert value(GradientNorm(), [np.zeros(3, "float32")]) == 0.0


def test_float64_keeps_what_float32_would_round():
    step = gradients(8, dtype="float64")
    assert value(GradientNorm(dtype="float64"), step) == pytest.approx(norm(step), rel=1e-14)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_step_that_is_not_finite_does_not_enter_the_mean(bad):
    steps = [gradients(9), [np.array([1.0, bad], "float32")], gradients(10)]
    expected = np.mean([norm(steps[0]), norm(steps[2])])
    assert value(GradientNorm(), *steps) == pytest.approx(expected, rel=1e-6)


def test_an_epoch_without_a_finite_step_gives_nan_and_a_reset_forgets_it():
    metric = GradientNorm()
    assert np.isnan(value(metric, [np.array([np.nan], "float32")]))
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert value(metric, gradients(11)) == pytest.approx(norm(gradients(11)), rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_it_gives_the_same_inside_a_compiled_step(jit_compile):
    metric = GradientNorm()

    @tf.function(jit_compile=jit_compile)
    def step(*tensors):
        metric.update_state([*tensors, None])

    steps = [gradients(12), gradients(13, 1e25), gradients(14, 1e-25)]
    for arrays in steps:
        step(*(tf.constant(array) for array in arrays))
    expected = np.mean([norm(arrays) for arrays in steps])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_variable_used_by_two_rows_of_an_embedding_is_summed_before_it_is_squared(jit_compile):
    table = tf.Variable(np.ones((5, 2), "float32"))
    metric = GradientNorm()

    @tf.function(jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, [1, 1, 3]))
        metric.update_state(tape.gradient(loss, [table]))

    step()
    # Row 1 is read twice, so its two elements have gradient 2; those of row 3 have gradient 1.
    assert float(metric.result()) == pytest.approx(np.sqrt(4 + 4 + 1 + 1), rel=1e-6)


def test_real_gradients_agree_with_central_differences():
    rng = np.random.default_rng(15)
    x, y = rng.standard_normal((8, 3)), rng.standard_normal((8, 2))
    kernel = tf.Variable(rng.standard_normal((3, 2)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.tanh(x @ kernel) - y))
    measured = value(GradientNorm(dtype="float64"), tape.gradient(loss, [kernel]))

    def plain(flat):
        return np.mean(np.square(np.tanh(x @ flat.reshape(3, 2)) - y))

    flat, step = kernel.numpy().ravel(), 1e-6
    slopes = [(plain(flat + step * e) - plain(flat - step * e)) / (2 * step) for e in np.eye(6)]
    assert measured == pytest.approx(np.linalg.norm(slopes), rel=1e-8)


def test_it_survives_serialization():
    metric = GradientNorm(per_element=True, name="size", dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert isinstance(again, GradientNorm)
    assert again.get_config() == {"per_element": True, "name": "size", "dtype": "float64"}


def test_something_else_than_a_list_is_refused_by_name():
    with pytest.raises(TypeError, match=r"`gradients` must be a list .* Received: EagerTensor"):
        GradientNorm().update_state(tf.zeros(3))
