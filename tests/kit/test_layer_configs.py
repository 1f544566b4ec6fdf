"""The kit's rules for what a layer says of itself: config, name, arguments and shapes."""

import keras
import pytest

register = keras.saving.register_keras_serializable(package="kit_layer_configs")


@register
class Forgetful(keras.layers.Layer):
    def __init__(self, units, power=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.power = units, power

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_an_argument_that_the_config_leaves_out_is_found(broken):
    said = broken("config", "layers", Forgetful, {"units": 2}, inputs=(3,))
    assert "get_config leaves out power" in said


@register
class Doubling(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = 2 * units

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_config_that_comes_back_different_is_found(broken):
    said = broken("config", "layers", Doubling, {"units": 3}, inputs=(3,))
    assert "from_config(get_config()) gives another config: units is 6, then 12" in said


@register
class Holding(keras.layers.Layer):
    def __init__(self, table, **kwargs):
        super().__init__(**kwargs)
        self.table = table

    def get_config(self):
        return {**super().get_config(), "table": self.table}


def test_a_config_that_is_not_plain_is_found(broken):
    class Table:
        def get_config(self):
            return {"numbers": object()}

    said = broken("config", "layers", Holding, {"table": Table()}, inputs=(3,))
    assert "its config cannot be written as JSON" in said


def test_a_layer_that_keras_does_not_know_is_found(broken):
    class Unknown(keras.layers.Layer):
        pass

    said = broken("serialization", "layers", Unknown, inputs=(3,))
    assert "Unknown is not registered with Keras" in said
    assert "@keras.saving.register_keras_serializable(package='your_package')" in said


def test_two_layers_of_one_registered_name_are_found(broken):
    @keras.saving.register_keras_serializable(package="kit_layer_configs", name="Same")
    class First(keras.layers.Layer):
        pass

    @keras.saving.register_keras_serializable(package="kit_layer_configs", name="Same")
    class Second(keras.layers.Layer):
        pass

    said = broken("serialization", "layers", First, inputs=(3,))
    assert "another class is registered as 'kit_layer_configs>Same'" in said


HIDDEN = """
import keras
class Hidden(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
def _init(self, width, **kwargs):
    super(Hidden, self).__init__(**kwargs)
setattr(Hidden, "__init__", _init)
"""


def test_arguments_that_the_source_does_not_show_are_found(broken, make_distribution):
    make_distribution(
        "zoo-hidden", {"zoo.layers": {"Hidden": "hidden_mod:Hidden"}}, {"hidden_mod.py": HIDDEN}
    )
    said = broken("card", "layers", "Hidden", {"width": 2}, inputs=(3,))
    assert "zoo check would refuse width, which it takes" in said


TYPED = """
import keras
class Typed(keras.layers.Layer):
    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
"""


def test_a_value_that_the_check_would_refuse_is_found(broken, make_distribution):
    make_distribution(
        "zoo-typed", {"zoo.layers": {"Typed": "typed_mod:Typed"}}, {"typed_mod.py": TYPED}
    )
    said = broken("card", "layers", "Typed", {"units": "many"}, inputs=(3,))
    assert "zoo check would say:" in said
    assert "takes an integer as 'units'; received \"many\"" in said


RULED = """
import keras
@keras.saving.register_keras_serializable(package="ruled")
class Ruled(keras.layers.Layer):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units = units
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))
    def call(self, inputs):
        return inputs @ self.kernel
"""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("return shapes", "it gives (batch, 4); the rule says (batch, 3)"),
        (
            "return {'output': (None, arguments['units']), 'weights': [(3,)]}",
            "it has 12 weights; the rule says 3",
        ),
        ("return None\n1 / 0", "importing ruled_shapes:ruled raised ZeroDivisionError"),
    ],
)
def test_a_shape_rule_that_is_wrong_is_found(broken, make_distribution, rule, message):
    groups = {
        "zoo.layers": {"Ruled": "ruled_mod:Ruled"},
        "zoo.shapes": {"Ruled": "ruled_shapes:ruled"},
    }
    modules = {
        "ruled_mod.py": RULED,
        "ruled_shapes.py": f"def ruled(arguments, shapes):\n    {rule}\n",
    }
    make_distribution("zoo-ruled", groups, modules)
    assert message in broken("inference", "layers", "Ruled", {"units": 4}, inputs=(3,))
