"""The kit's rules for layers: a good layer keeps all, and each rule finds what breaks it.

Those for what a layer says of itself are in `test_layer_configs.py`.
"""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.testing import check_component

register = keras.saving.register_keras_serializable(package="kit_layers")


@register
class Good(keras.layers.Layer):
    """A layer as it should be, with a weight, an argument, noise, and two inputs."""

    def __init__(self, power=1.0, **kwargs):
        super().__init__(**kwargs)
        self.power = power
        self.noise = keras.random.SeedGenerator()

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs, training=False):
        if training:
            noise = keras.random.normal(ops.shape(inputs), dtype=inputs.dtype, seed=self.noise)
            inputs = inputs + 0.1 * noise
        return ops.sin(inputs) * self.scale**self.power

    def get_config(self):
        return {**super().get_config(), "power": self.power}


def test_a_good_layer_keeps_every_rule():
    assert check_component(Good, {"power": 2.0}, inputs=(4, 3)) == [
        "made",
        "config",
        "serialization",
        "card",
        "inference",
        "shape",
        "batch",
        "jit",
        "precision",
        "gradient",
        "seed",
        "saved",
        "training",
    ]


@register
class NoName(keras.layers.Layer):
    def __init__(self):
        super().__init__()


def test_a_layer_that_takes_no_name_is_found(broken):
    said = broken("made", "layers", NoName, inputs=(3,))
    assert "made with name='probe' it is called 'no_name" in said
    assert "take **kwargs in the constructor" in said


def test_a_layer_that_gives_nan_is_found(broken):
    @register
    class Root(keras.layers.Layer):
        def call(self, inputs):
            return ops.sqrt(inputs)

    inputs = np.array([[1.0], [4.0], [-1.0]], "float32")
    said = broken("made", "layers", Root, inputs=inputs)
    assert "what it returns holds nan at [2, 0]" in said


@register
class WrongShape(keras.layers.Layer):
    def call(self, inputs):
        return ops.concatenate([inputs, inputs], axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape


def test_a_shape_that_is_not_what_comes_out_is_found(broken):
    said = broken("shape", "layers", WrongShape, inputs=(3,))
    assert "with 5 samples it gives shape (5, 6); the model was built with (None, 3)" in said


@register
class FixedBatch(keras.layers.Layer):
    def call(self, inputs):
        return ops.broadcast_to(inputs, (5, 3))


def test_a_batch_size_that_is_written_down_is_found(broken):
    said = broken("shape", "layers", FixedBatch, inputs=(3,))
    assert "the model was built for batches of 5 alone" in said
    assert "take the batch size from ops.shape(x)[0] inside call" in said


@register
class Squeezing(keras.layers.Layer):
    def call(self, inputs):
        return ops.squeeze(inputs)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


def test_a_batch_of_one_that_loses_its_axis_is_found(broken):
    said = broken("batch", "layers", Squeezing, inputs=(1, 3))
    assert "samples one by one differ from the batch: shape (15,) against (5, 3)" in said


@register
class Centring(keras.layers.Layer):
    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0, keepdims=True)


def test_samples_that_depend_on_their_neighbours_are_found(broken):
    said = broken("batch", "layers", Centring, inputs=(3,))
    assert "samples one by one differ from the batch: 0.0 against" in said


@register
class Branching(keras.layers.Layer):
    def call(self, inputs):
        if float(ops.sum(inputs)) > 1e9:
            return inputs
        return -inputs


def test_a_branch_on_values_is_found(broken):
    said = broken("jit", "layers", Branching, inputs=(3,))
    assert "it raises" in said
    assert "no Python branch on their values" in said


@register
class Counting(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = 0

    def call(self, inputs):
        self.calls += 1
        return inputs * float(self.calls)


def test_state_in_an_attribute_is_found(broken):
    said = broken("jit", "layers", Counting, inputs=(3,))
    assert "graph differs from eager" in said


@register
class Widening(keras.layers.Layer):
    def call(self, inputs):
        return ops.cast(inputs, "float32") * 2.0


def test_a_result_of_another_dtype_than_the_policys_is_found(broken):
    said = broken("precision", "layers", Widening, inputs=(3,))
    assert "it gives float32 where its compute dtype is bfloat16" in said


@register
class Stopping(keras.layers.Layer):
    def call(self, inputs):
        return inputs * ops.stop_gradient(inputs)


def test_a_gradient_that_is_not_that_of_differences_is_found(broken):
    said = broken("gradient", "layers", Stopping, inputs=(3,))
    assert "by the inputs, the gradient says" in said
    assert "where differences give" in said


@register
class Narrow(keras.layers.Layer):
    def call(self, inputs):
        return ops.cast(ops.sin(ops.cast(inputs, "float32")), inputs.dtype)


def test_a_layer_of_float64_that_computes_in_float32_is_found(broken):
    said = broken("gradient", "layers", Narrow, inputs=(3,))
    assert "a constant in float32 makes a float64 layer inexact" in said


@register
class Unseeded(keras.layers.Layer):
    def build(self, input_shape):
        numbers = np.random.default_rng().normal(size=input_shape[-1])
        self.scale = self.add_weight(
            shape=(input_shape[-1],), initializer=lambda shape, dtype: ops.cast(numbers, dtype)
        )

    def call(self, inputs):
        return inputs * self.scale


def test_random_numbers_without_a_seed_are_found(broken):
    said = broken("seed", "layers", Unseeded, inputs=(3,))
    assert "the weights differ" in said
    assert "keras.random.SeedGenerator" in said


@register
class Hiding(keras.layers.Layer):
    def build(self, input_shape):
        self.scale = np.random.default_rng().normal(size=input_shape[-1])

    def call(self, inputs):
        return inputs * ops.cast(self.scale, inputs.dtype)


def test_numbers_that_a_saved_model_does_not_hold_are_found(broken):
    said = broken("saved", "layers", Hiding, inputs=(3,))
    assert "the loaded model differs" in said


@register
class Idle(keras.layers.Layer):
    def build(self, input_shape):
        self.used = self.add_weight(shape=(1,), initializer="ones", name="used")
        self.idle = self.add_weight(shape=(1,), initializer="ones", name="idle")

    def call(self, inputs):
        return inputs * self.used + 0.0 * self.idle


def test_a_weight_that_nothing_trains_is_found(broken):
    said = broken("training", "layers", Idle, inputs=(3,))
    assert "the weight probe/idle is trainable and never changes" in said


def test_all_that_is_wrong_is_said_at_once():
    @keras.saving.register_keras_serializable(package="kit_layers", name="AllWrong")
    class AllWrong(keras.layers.Layer):
        def __init__(self, units=1, **kwargs):
            super().__init__(**kwargs)

        def call(self, inputs):
            return ops.stop_gradient(inputs - ops.mean(inputs, axis=0))

        def get_config(self):
            return super().get_config()

    with pytest.raises(AssertionError) as caught:
        check_component(AllWrong, inputs=(3,), skip=["jit", "saved", "training"])
    said = str(caught.value)
    assert said.splitlines()[0] == "AllWrong breaks 3 rules"
    for rule in ("[config]", "[batch]", "[gradient]"):
        assert rule in said
