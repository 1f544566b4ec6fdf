"""Arrays by name to predictions by name."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.errors import RunError
from zoo.runtime.prediction import predict


@pytest.fixture
def single():
    x = keras.Input((3, 2), name="x")
    return keras.Model(x, keras.layers.Rescaling(2.0, name="y")(x))


@pytest.fixture
def double():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    outputs = {
        "total": keras.layers.Add(name="total")([a, b]),
        "gap": keras.layers.Subtract(name="gap")([a, b]),
    }
    return keras.Model({"a": a, "b": b}, outputs)


def test_a_batch_gives_a_batch_and_a_sample_a_sample(single):
    x = np.arange(30.0).reshape(5, 3, 2)
    np.testing.assert_array_equal(predict(single, {"": x})["y"], 2 * x)
    np.testing.assert_array_equal(predict(single, {"": x[0]})["y"], 2 * x[0])
    np.testing.assert_array_equal(predict(single, {"x": x[:1]})["y"], 2 * x[:1])


def test_the_only_array_of_a_file_is_the_only_input_whatever_its_name(single):
    x = np.ones((2, 3, 2))
    np.testing.assert_array_equal(predict(single, {"anything": x})["y"], 2 * x)


def test_more_samples_than_a_batch_come_in_order(single):
    x = np.random.default_rng(0).normal(size=(7, 3, 2)).astype("float32")
    np.testing.assert_array_equal(predict(single, {"": x}, batch_size=3)["y"], 2 * x)


def test_several_inputs_and_outputs_go_by_name(double):
    a, b = np.arange(6.0).reshape(3, 2), np.ones((3, 2))
    found = predict(double, {"b": b, "a": a})
    np.testing.assert_array_equal(found["total"], a + b)
    np.testing.assert_array_equal(found["gap"], a - b)
    alone = predict(double, {"b": b[0], "a": a[0]})
    assert alone["gap"].shape == (2,)


def test_a_missing_input_is_named(double):
    with pytest.raises(RunError, match="the model takes the input 'b'; the file has a") as caught:
        predict(double, {"a": np.ones((3, 2))})
    assert caught.value.findings[0].suggestion == "write an .npz with an array called b"
    with pytest.raises(RunError, match="the file has one array without a name"):
        predict(double, {"": np.ones((3, 2))})


@pytest.mark.parametrize("shape", [(3,), (4, 2), (5, 4, 2), (1, 1, 3, 2), (0, 3, 2), ()], ids=str)
def test_another_shape_is_refused_with_both(single, shape):
    with pytest.raises(RunError) as caught:
        predict(single, {"": np.ones(shape)})
    message = caught.value.findings[0].message
    assert message == f"x has the shape {shape}; the model takes (3, 2) a sample"


def test_what_is_not_finite_is_named_by_place(single):
    x = np.ones((4, 3, 2))
    x[2, 1, 0] = np.nan
    with pytest.raises(RunError, match=r"x holds nan at \[2, 1, 0\]") as caught:
        predict(single, {"": x})
    assert caught.value.findings[0].code == "not-finite"
    with pytest.raises(RunError, match=r"x holds inf at \[0, 1\]"):
        predict(single, {"": np.array([[1.0, np.inf], [1, 1], [1, 1]])})


def test_a_prediction_that_overflows_is_refused(single):
    with pytest.raises(RunError, match="the prediction of y is not finite"):
        predict(single, {"": np.full((1, 3, 2), 3e38)})


def test_text_is_refused(single):
    with pytest.raises(RunError, match="numbers are needed"):
        predict(single, {"": np.full((3, 2), "one")})


def test_inputs_of_different_lengths_are_refused(double):
    with pytest.raises(RunError, match="the inputs have different numbers of samples"):
        predict(double, {"a": np.ones((3, 2)), "b": np.ones((2, 2))})
