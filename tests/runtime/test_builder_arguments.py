"""Arguments are checked against the component before it is called, and every error says where."""

from __future__ import annotations

import pytest

import zoo
from zoo.errors import ConfigError

BASE = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "d"
type = "Dense"
units = 2
"""


@pytest.fixture
def findings(zoo_root):
    def findings(text, **train):
        path = zoo_root / "m.toml"
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            zoo.build(path, zoo=zoo_root)
        assert all(found.file == str(path) for found in caught.value.findings)
        return caught.value.findings

    return findings


def test_an_unknown_argument_is_named_with_the_right_one(findings):
    (found,) = findings(BASE + 'kernel_regulariser = "l2"\n')
    assert found.code == "unknown-argument"
    assert found.key == "layers.d.kernel_regulariser"
    assert found.message == "\"Dense\" (zoo) takes no argument 'kernel_regulariser'"
    assert found.suggestion == 'did you mean "kernel_regularizer"?'


def test_an_argument_like_none_lists_what_there_is(findings):
    (found,) = findings(BASE.replace("units = 2", "units = 2\nxyzzy = 1"))
    assert found.code == "unknown-argument"
    assert "units, activation, use_bias" in found.suggestion


def test_a_missing_argument_is_named(findings):
    (found,) = findings(BASE.replace("units = 2", ""))
    assert (found.code, found.key) == ("missing-argument", "layers.d.units")
    assert found.message == "\"Dense\" (zoo) needs the argument 'units'"


def test_every_wrong_argument_of_a_component_is_said_at_once(findings):
    found = findings(BASE.replace("units = 2", "unit = 2\nactivaton = 'relu'"))
    assert {(item.code, item.key) for item in found} == {
        ("unknown-argument", "layers.d.unit"),
        ("unknown-argument", "layers.d.activaton"),
    }


@pytest.mark.parametrize("value", ["true", "2.0", '"two"'])
def test_what_is_no_integer_is_not_taken_for_one(findings, value):
    (found,) = findings(BASE.replace("units = 2", f"units = {value}"))
    assert (found.code, found.key) == ("wrong-type", "layers.d.units")
    assert "takes an integer as 'units'; received" in found.message


def test_a_value_that_the_layer_refuses_is_worded_with_its_place(findings):
    (found,) = findings(BASE.replace('"Dense"\nunits = 2', '"CategoryEncoding"'))
    assert (found.code, found.key) == ("bad-value", "layers.d")
    assert found.message.startswith('"CategoryEncoding" (zoo) refuses this: ')
    assert "num_tokens" in found.message


def test_a_nested_argument_is_checked_like_the_rest(findings):
    (found,) = findings(BASE + 'kernel_constraint = { type = "MaxNorm", max_valu = 2 }\n')
    assert (found.code, found.key) == ("unknown-argument", "layers.d.kernel_constraint.max_valu")
    assert found.suggestion == 'did you mean "max_value"?'


def test_an_unknown_activation_is_one_of_its_kind(findings):
    (found,) = findings(BASE + 'activation = "rellu"\n')
    assert (found.code, found.key) == ("unknown-component", "layers.d.activation.type")
    assert found.message == 'no activation is called "rellu"'
    assert found.suggestion.startswith('did you mean "relu"? (zoo ')


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('[loss]\ntype = "Huber"\ndleta = 2.0\n', "loss.dleta"),
        ('[[metrics]]\ntype = "AUC"\nnum_treshold = 9\n', "metrics.auc.num_treshold"),
        ('[optimizer]\ntype = "Adam"\nlearning_rat = 0.1\n', "optimizer.learning_rat"),
    ],
)
def test_losses_metrics_and_optimizers_are_checked_too(findings, table, key):
    (found,) = findings(BASE + table)
    assert (found.code, found.key) == ("unknown-argument", key)
    assert found.suggestion.startswith("did you mean ")


def test_the_way_out_for_an_argument_of_a_reserved_name_reaches_the_layer(zoo_root):
    path = zoo_root / "m.toml"
    path.write_text(BASE + "args = { trainable = false }\n")
    model = zoo.build(path, zoo=zoo_root)
    assert model.get_layer("d").trainable is False


def test_a_need_that_nothing_gives_lists_what_there_is(findings):
    (found,) = findings(
        BASE + '[loss]\ntype = "zoo-localization/LocLoss"\nneeds = { kg_raw = "kg" }\n'
    )
    assert found.code == "unbound-need"
    assert found.key == "loss.needs"
    assert found.message == (
        '"LocLoss" asks for "kg", which cannot be bound; '
        "there is: y_true, y_pred, sample_weight, inputs, x"
    )


@pytest.mark.parametrize(
    "rate",
    [
        "1",
        "{ type = 'ExponentialDecay', initial_learning_rate = 1, decay_steps = 2, decay_rate = 1 }",
    ],
)
def test_an_integer_does_where_a_number_is_wanted(zoo_root, rate):
    (zoo_root / "m.toml").write_text(f'{BASE}[optimizer]\ntype = "Adam"\nlearning_rate = {rate}\n')
    model = zoo.build("m.toml", zoo=zoo_root)
    assert float(model.optimizer.learning_rate) == 1.0
