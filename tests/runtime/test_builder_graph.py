"""The graph that a config describes is the graph that Keras gets."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ConfigError

HEAD = 'zoo = 1\nname = "m"\n'
VECTOR = '[[inputs]]\nname = "x"\nshape = [4]\n'


@pytest.fixture
def build(zoo_root):
    def build(text, overrides=None):
        path = zoo_root / "m.toml"
        path.write_text(HEAD + text)
        return zoo.build(path, overrides, zoo=zoo_root)

    return build


def test_each_node_is_a_keras_layer_of_its_own_name(build):
    model = build(
        VECTOR
        + """
[[layers]]
name = "first"
type = "Dense"
units = 3
[[layers]]
type = "Dropout"
rate = 0.5
[[layers]]
type = "Dense"
units = 2
[[layers]]
type = "Dense"
units = 1
"""
    )
    assert isinstance(model, keras.Model)
    assert model.name == "m"
    assert [layer.name for layer in model.layers] == ["x", "first", "dropout", "dense", "dense_1"]
    assert model.get_layer("first").units == 3
    assert [variable.path for variable in model.weights] == [
        f"{node}/{name}" for node in ("first", "dense", "dense_1") for name in ("kernel", "bias")
    ]


def test_nested_components_become_keras_objects(build):
    model = build(
        VECTOR
        + """
[[layers]]
name = "d"
type = "Dense"
units = 3
activation = "gelu"
kernel_regularizer = { type = "L2", l2 = 1e-3 }
bias_constraint = "NonNeg"
kernel_initializer = { type = "Constant", value = 0.5 }
"""
    )
    layer = model.get_layer("d")
    assert layer.activation is keras.activations.gelu
    assert isinstance(layer.kernel_regularizer, keras.regularizers.L2)
    assert float(layer.kernel_regularizer.l2) == pytest.approx(1e-3)
    assert isinstance(layer.bias_constraint, keras.constraints.NonNeg)
    np.testing.assert_array_equal(layer.kernel, np.full((4, 3), 0.5, "float32"))
    # L2 of twelve weights of 0.5, by hand.
    assert float(model.losses[0]) == pytest.approx(1e-3 * 12 * 0.25, rel=1e-6)


def test_a_wrapper_takes_its_layer_as_a_table(build):
    model = build(
        """
[[inputs]]
name = "x"
shape = [5, 2]
[[layers]]
name = "both"
type = "Bidirectional"
layer = { type = "LSTM", units = 3, return_sequences = true }
merge_mode = "sum"
"""
    )
    layer = model.get_layer("both")
    assert isinstance(layer, keras.layers.Bidirectional)
    assert isinstance(layer.forward_layer, keras.layers.LSTM)
    assert layer.forward_layer.units == 3
    assert model.output_shape == (None, 5, 3)


def test_a_shared_layer_has_one_set_of_weights_and_is_called_twice(build):
    model = build(
        """
outputs = ["distance"]
[[inputs]]
name = "a"
shape = [4]
[[inputs]]
name = "b"
shape = [4]
[[layers]]
name = "encode_a"
type = "Dense"
inputs = "a"
units = 3
[[layers]]
name = "encode_b"
shared_with = "encode_a"
inputs = "b"
[[layers]]
name = "distance"
type = "Subtract"
inputs = ["encode_a", "encode_b"]
"""
    )
    assert [variable.path for variable in model.weights] == ["encode_a/kernel", "encode_a/bias"]
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 6, 4)).astype("float32")
    kernel = model.get_layer("encode_a").kernel.numpy().astype("float64")
    found = model({"a": a, "b": b})
    np.testing.assert_allclose(found, (a - b) @ kernel, rtol=1e-5, atol=1e-6)


def test_several_outputs_are_called_after_their_nodes(build):
    model = build(
        'outputs = ["mean", "spread"]\n'
        + VECTOR
        + """
[[layers]]
name = "mean"
type = "Dense"
units = 2
[[layers]]
name = "spread"
type = "Dense"
units = 1
inputs = "x"
[losses.mean]
type = "mse"
[losses.spread]
type = "mae"
[loss_weights]
mean = 2.0
spread = 0.5
"""
    )
    x = np.ones((3, 4), "float32")
    y = {"mean": np.zeros((3, 2), "float32"), "spread": np.zeros((3, 1), "float32")}
    predicted = model(x)
    assert {name: value.shape for name, value in predicted.items()} == {
        "mean": (3, 2),
        "spread": (3, 1),
    }
    by_hand = 2.0 * np.mean(predicted["mean"] ** 2) + 0.5 * np.mean(np.abs(predicted["spread"]))
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(
        by_hand, rel=1e-6
    )


def test_a_table_of_inputs_is_a_call_with_keywords(build):
    model = build(
        """
outputs = ["attend"]
[[inputs]]
name = "question"
shape = [3, 4]
[[inputs]]
name = "memory"
shape = [5, 4]
[[layers]]
name = "attend"
type = "MultiHeadAttention"
num_heads = 2
key_dim = 3
inputs = { query = "question", value = "memory" }
"""
    )
    random = np.random.default_rng(0)
    x = {
        "question": random.normal(size=(2, 3, 4)).astype("float32"),
        "memory": random.normal(size=(2, 5, 4)).astype("float32"),
    }
    by_hand = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3)
    by_hand.build((2, 3, 4), (2, 5, 4))
    by_hand.set_weights(model.get_layer("attend").get_weights())
    expected = by_hand(query=x["question"], value=x["memory"])
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-6)


LSTM_STATE = """
outputs = ["twice"]
[[inputs]]
name = "x"
shape = [5, 2]
[[layers]]
name = "lstm"
type = "LSTM"
units = 3
return_state = true
[[layers]]
name = "twice"
type = "Rescaling"
scale = 2.0
inputs = "lstm[INDEX]"
"""


def test_an_index_chooses_among_what_a_layer_returns(build):
    model = build(LSTM_STATE.replace("INDEX", "2"))
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
    by_hand = keras.layers.LSTM(3, return_state=True)
    by_hand.build((4, 5, 2))
    by_hand.set_weights(model.get_layer("lstm").get_weights())
    cell = np.asarray(by_hand(x)[2])
    np.testing.assert_allclose(model(x), 2.0 * cell, rtol=1e-5, atol=1e-6)


def test_an_index_that_a_layer_does_not_return_is_refused(build):
    with pytest.raises(ConfigError, match=r"'lstm\[3\]': lstm returns 3 tensors") as caught:
        build(LSTM_STATE.replace("INDEX", "3"))
    assert caught.value.findings[0].code == "unknown-node"
    assert caught.value.findings[0].key == "layers.twice.inputs"


def test_a_node_may_take_one_that_stands_further_down(build):
    model = build(
        'outputs = ["last"]\n'
        + VECTOR
        + """
[[layers]]
name = "last"
type = "Dense"
units = 1
inputs = "earlier"
[[layers]]
name = "earlier"
type = "Dense"
units = 7
inputs = "x"
"""
    )
    assert model.get_layer("last").kernel.shape == (7, 1)


def test_what_keras_refuses_names_the_node_and_its_shapes(build):
    with pytest.raises(ConfigError) as caught:
        build(
            VECTOR
            + """
[[layers]]
name = "wide"
type = "Dense"
units = 3
[[layers]]
name = "sum"
type = "EinsumDense"
equation = "abc,cd->abd"
output_shape = [2]
"""
        )
    finding = caught.value.findings[0]
    assert finding.code == "shape-mismatch"
    assert finding.key == "layers.sum"
    assert "node sum, called with shape (batch, 3)" in finding.message
    assert finding.file.endswith("m.toml")


def test_an_axis_of_any_size_stays_open(build):
    model = build(
        """
[[inputs]]
name = "x"
shape = ["any", 2]
[[layers]]
type = "Conv1D"
filters = 3
kernel_size = 1
"""
    )
    assert model.output_shape == (None, None, 3)
    assert model(np.ones((1, 9, 2), "float32")).shape == (1, 9, 3)


def test_a_frozen_node_has_no_trainable_variables(build):
    model = build(
        VECTOR
        + '[[layers]]\nname = "fixed"\ntype = "Dense"\nunits = 2\ntrainable = false\n'
        + '[[layers]]\nname = "free"\ntype = "Dense"\nunits = 2\n'
    )
    assert [v.path for v in model.trainable_variables] == ["free/kernel", "free/bias"]


def test_overrides_change_the_model_that_is_built(build):
    text = VECTOR + '[[layers]]\nname = "d"\ntype = "Dense"\nunits = 2\n'
    assert build(text, {"layers.d.units": 9}).output_shape == (None, 9)
