"""The form of components and nodes: names and tables, arguments, inputs."""

import pytest

from tests.config.forms import config, only, wrong


def test_a_component_is_a_name_or_a_table() -> None:
    for table in ("mse", {"type": "mse"}):
        loss = config(loss=table).loss
        assert loss is not None
        assert (loss.type, loss.arguments) == ("mse", {})
    assert only(loss=["mse"]) == (
        "wrong-type",
        "loss",
        "loss: a component is a name, or a table with `type`",
    )


@pytest.mark.parametrize("place", ["loss", "optimizer", "data"])
def test_a_table_of_a_component_needs_a_type(place: str) -> None:
    assert only(**{place: {"k": 1}}) == (
        "missing-key",
        f"{place}.type",
        f"`type` is missing in [{place}]",
    )


def test_arguments_stand_flat_beside_the_type_or_in_args() -> None:
    table = {"type": "Odd", "units": 2, "args": {"name": "a", "type": 3, "inputs": "z"}}
    (layer,) = config(layers=[table]).layers
    assert layer.arguments == {"units": 2, "name": "a", "type": 3, "inputs": "z"}
    assert layer.name is None


def test_an_argument_stands_once() -> None:
    code, key, message = only(layers=[{"type": "Dense", "units": 1, "args": {"units": 1}}])
    assert (code, key) == ("bad-value", "layers.dense")
    assert message == "layers.dense: units stands beside `type` and in `args` too"


@pytest.mark.parametrize(
    "key", ["name", "type", "inputs", "shared_with", "weights", "trainable", "args"]
)
def test_a_reserved_key_of_a_layer_is_no_argument(key: str) -> None:
    table = {"type": "Dense", key: object()}
    found = wrong(layers=[table])
    assert {finding.code for finding in found} == {"wrong-type"}


def test_needs_of_a_loss_and_a_metric_is_a_table_of_names() -> None:
    assert config(loss={"type": "l", "needs": {"a": "x"}}).loss.needs == {"a": "x"}  # type: ignore[union-attr]
    assert only(metrics=[{"type": "m", "needs": {"a": 3}}])[:2] == (
        "wrong-type",
        "metrics.m.needs.a",
    )


@pytest.mark.parametrize("inputs", ["x", ["x", "y"], {"a": "x", "b": ["x", "y"]}], ids=str)
def test_inputs_are_a_name_a_list_or_a_table(inputs: object) -> None:
    assert config(layers=[{"type": "Add", "inputs": inputs}]).layers[0].inputs == inputs


@pytest.mark.parametrize("inputs", [3, [3], {"a": 3}, {"a": {"b": "x"}}, True], ids=str)
def test_inputs_of_any_other_kind_are_refused(inputs: object) -> None:
    assert only(layers=[{"type": "Add", "inputs": inputs}]) == (
        "wrong-type",
        "layers.add.inputs",
        "layers.add.inputs: `inputs` is a node's name, a list of names, or a table of them",
    )


@pytest.mark.parametrize("inputs", [[], {}, {"a": []}], ids=str)
def test_a_node_takes_something(inputs: object) -> None:
    code, _, message = only(layers=[{"type": "Add", "inputs": inputs}])
    assert (code, message) == ("bad-value", "layers.add.inputs: a node needs at least one input")


def test_a_layer_has_a_type_or_shares_one() -> None:
    assert config(layers=[{"shared_with": "a"}]).layers[0].shared_with == "a"
    assert only(layers=[{"units": 3}]) == (
        "missing-key",
        "layers.item.type",
        "`type` is missing in [layers.item]",
    )


@pytest.mark.parametrize("extra", [{"type": "Dense"}, {"units": 1}, {"weights": "m@1"}], ids=str)
def test_a_shared_layer_has_nothing_of_its_own(extra: dict[str, object]) -> None:
    code, _, message = only(layers=[{"name": "b", "shared_with": "a", **extra}])
    assert code == "bad-value"
    assert message == (
        "layers.b: a node with `shared_with` has no type, arguments or weights of its own"
    )
