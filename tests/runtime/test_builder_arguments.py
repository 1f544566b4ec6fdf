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
def findings(write_config):
    def findings(text):
        path = write_config(text)
        with pytest.raises(ConfigError) as caught:
            zoo.build(path)
        assert all(found.file == str(path) for found in caught.value.findings)
        return caught.value.findings

    return findings


def test_a_build_refuses_with_all_that_a_check_finds(findings, write_config):
    text = BASE.replace("units = 2", "unit = 2\nactivaton = 'relu'") + "[loss]\ntype = 'mes'\n"
    found = list(findings(text))
    assert [(item.code, item.key) for item in found] == [
        ("unknown-argument", "layers.d.unit"),
        ("unknown-argument", "layers.d.activaton"),
        ("unknown-component", "loss.type"),
    ]
    assert found == zoo.check(write_config(text))


def test_a_value_that_the_layer_refuses_is_worded_with_its_place(findings):
    (found,) = findings(BASE.replace('"Dense"\nunits = 2', '"CategoryEncoding"'))
    assert (found.code, found.key) == ("bad-value", "layers.d")
    assert found.message.startswith('"CategoryEncoding" (zoo) refuses this: ')
    assert "num_tokens" in found.message


def test_an_unknown_activation_is_one_of_its_kind(findings):
    (found,) = findings(BASE + 'activation = "rellu"\n')
    assert (found.code, found.key) == ("unknown-component", "layers.d.activation.type")
    assert found.message == 'no activation is called "rellu"'
    assert found.suggestion.startswith('did you mean "relu"? (zoo ')


def test_the_way_out_for_an_argument_of_a_reserved_name_reaches_the_layer(write_config):
    model = zoo.build(write_config(BASE + "args = { trainable = false }\n"))
    assert model.get_layer("d").trainable is False


@pytest.mark.parametrize(
    "rate",
    [
        "1",
        "{ type = 'ExponentialDecay', initial_learning_rate = 1, decay_steps = 2, decay_rate = 1 }",
    ],
    ids=["a number", "a schedule"],
)
def test_an_integer_does_where_a_number_is_wanted(write_config, rate):
    text = f'{BASE}[optimizer]\ntype = "Adam"\nlearning_rate = {rate}\n'
    model = zoo.build(write_config(text))
    assert float(model.optimizer.learning_rate) == 1.0
