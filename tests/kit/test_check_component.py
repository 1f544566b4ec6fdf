"""How the kit is called, and what it says when it is called wrongly."""

import keras
import numpy as np
import pytest

from zoo.errors import ConfigError
from zoo.testing import check_component


def test_a_name_means_what_is_registered():
    assert "made" in check_component("zoo/ReLU", inputs=(3,), skip=["jit", "saved", "training"])


def test_a_misspelt_name_suggests_the_right_one():
    with pytest.raises(ConfigError, match='did you mean "ReLU"'):
        check_component("RelU", inputs=(3,))


def test_a_name_that_two_kinds_have_asks_which():
    with pytest.raises(ValueError, match="'Hinge' is registered among losses and metrics; say"):
        check_component("Hinge")


def test_a_function_that_is_not_installed_asks_for_its_kind():
    def mine(y_true, y_pred):
        return y_pred

    with pytest.raises(ValueError, match=r'say what mine is: kind="losses", or another of layers'):
        check_component(mine)


def test_a_kind_that_the_kit_does_not_know_is_refused():
    with pytest.raises(ValueError, match="the kind of Zeros is 'initializers'; the kit knows lay"):
        check_component(keras.initializers.Zeros)


def test_a_class_of_another_kind_is_refused():
    with pytest.raises(AssertionError, match=r"Dense is not a class derived from keras\.Loss, nor"):
        check_component(keras.layers.Dense, kind="losses")


def test_a_layer_asks_what_it_is_called_with():
    with pytest.raises(ValueError, match=r"say what ReLU is called with: inputs=\(8, 3\)"):
        check_component(keras.layers.ReLU)


def test_what_a_kind_does_not_take_is_refused():
    with pytest.raises(ValueError, match="one of the losses, which take no `inputs`; they take"):
        check_component(keras.losses.MeanSquaredError, inputs=(3,))


def test_a_rule_that_there_is_not_cannot_be_skipped():
    with pytest.raises(ValueError, match="`skip` names 'gradients', which is no rule for ReLU"):
        check_component(keras.layers.ReLU, inputs=(3,), skip=["gradients"])


@pytest.mark.parametrize("samples", ["8", 8, (8, None), {"x": "y"}], ids=str)
def test_what_is_neither_shape_nor_array_is_refused(samples):
    with pytest.raises(ValueError, match="is neither a shape nor an array"):
        check_component(keras.layers.ReLU, inputs=samples)


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="too few samples to make batches of. Give at least 3"):
        check_component(keras.layers.ReLU, inputs=np.zeros((2, 3)))


def test_a_layer_in_the_arguments_has_to_be_made_anew():
    with pytest.raises(ValueError, match="'layer' holds a layer, which would be one and the same"):
        check_component(
            keras.layers.TimeDistributed, {"layer": keras.layers.Dense(2)}, inputs=(4, 3)
        )
    check_component(
        keras.layers.TimeDistributed,
        lambda: {"layer": keras.layers.Dense(2)},
        inputs=(4, 3),
        skip=["jit", "saved", "training", "batch"],
    )


def test_layers_in_a_list_of_arguments_are_not_held_against_the_card_as_text():
    others = ["config", "serialization", "inference", "shape", "batch", "jit", "precision"]
    checked = check_component(
        "Pipeline",
        lambda: {"layers": [keras.layers.Rescaling(2.0), keras.layers.ReLU()]},
        inputs=(3,),
        skip=[*others, "gradient", "seed", "saved", "training"],
    )
    assert checked == ["made", "card"]
