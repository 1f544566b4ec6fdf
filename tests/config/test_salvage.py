"""One error of form hides no other error."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.config.salvage import known_part
from zoo.errors import Finding

Findings = Callable[..., list[Finding]]

LEAST: dict[str, Any] = {
    "zoo": 1,
    "name": "m",
    "inputs": [{"name": "x", "shape": [1]}],
    "layers": [{"type": "Dense", "units": 1}, {"type": "ReLU"}],
}


def without(**changes: Any) -> dict[str, Any]:
    return {**LEAST, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "Adam"},
        {"train": {"epochs": "3", "seed": 1}},
        {"train": {"epocs": 3}},
        {"train": 3},
        {"train": {"callbacks": [3, {"patience": 1}]}},
        {"train": {"loop": {"name": "a"}}},
        {"description": 3},
        {"name": "Not A Name"},
        {"zoo": "1"},
        {"loss": 3},
        {"loss": {"reduction": "sum"}},
        {"loss": "mse", "losses": {"re_lu": "mse"}},
        {"losses": {"a": 3, "b": "mse"}},
        {"metrics": [{"output": "a"}, 3, "mae"]},
        {"optimizer": ["Adam"]},
        {"data": {"path": "x.npz"}},
        {"evaluate": "metrics"},
        {"inputs": [{"name": "x", "shape": [1], "extra": 2}]},
    ],
    ids=str,
)
def test_what_is_wrong_is_taken_out_and_the_graph_stays_whole(changes: dict[str, Any]) -> None:
    known = known_part(without(**changes))
    assert known is not None
    assert known.whole
    assert [layer.type for layer in known.config.layers] == ["Dense", "ReLU"]


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ({"inputs": 3}, ["Dense", "ReLU"]),
        ({"inputs": []}, ["Dense", "ReLU"]),
        ({"inputs": [{"name": "a b", "shape": [1]}]}, ["Dense", "ReLU"]),
        ({"inputs": [{"name": "x"}, {"shape": [2]}]}, ["Dense", "ReLU"]),
        ({"inputs": [{"name": "x", "shape": [0, "a"]}]}, ["Dense", "ReLU"]),
        ({"layers": [3, {"type": "ReLU"}]}, ["ReLU"]),
        ({"layers": [{"units": 1}, {"type": "ReLU"}]}, ["ReLU"]),
        ({"layers": [{"type": 1}, {"type": "ReLU"}]}, ["ReLU"]),
        ({"layers": [{"type": "ReLU", "name": 1}]}, ["ReLU"]),
        ({"layers": [{"type": "ReLU", "inputs": 1}]}, ["ReLU"]),
        ({"outputs": 3}, ["Dense", "ReLU"]),
        ({"outputs": []}, ["Dense", "ReLU"]),
    ],
    ids=str,
)
def test_where_something_of_the_graph_is_taken_out_that_is_known(
    changes: dict[str, Any], types: list[str]
) -> None:
    known = known_part(without(**changes))
    assert known is not None
    assert not known.whole
    assert [layer.type for layer in known.config.layers] == types


@pytest.mark.parametrize("layers", [None, 3, [], [3], [{}]], ids=str)
def test_without_any_layer_nothing_is_left_to_look_at(layers: Any) -> None:
    assert known_part(without(layers=layers)) is None


def test_a_table_that_lost_something_is_remembered_by_its_key() -> None:
    layers = [{"type": "Dense", "name": "a", "args": 3}, {"type": "Dense", "trainable": 1}]
    known = known_part(without(layers=layers, loss={"type": "mse", "needs": 3}))
    assert known is not None
    assert sorted(known.spoilt) == ["layers.a", "layers.dense", "loss"]


def test_the_document_itself_is_left_as_it_is() -> None:
    document = without(train={"epochs": "3"})
    known_part(document)
    assert document["train"] == {"epochs": "3"}


BROKEN = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
[[layers]]
type = "Dence"
units = 1
[[layers]]
name = "second"
type = "Dense"
unit = 1
[[layers]]
name = "third"
type = "Dense"
args = 3
inputs = "secnd"
[loss]
type = "mes"
[train]
"""


def test_an_ill_typed_value_hides_neither_unknown_names_nor_arguments(findings: Findings) -> None:
    found = [(f.code, f.key) for f in findings(f'{BROKEN}epochs = "3"\n')]
    assert sorted(found) == [
        ("unknown-argument", "layers.second.unit"),
        ("unknown-component", "layers.dence.type"),
        ("unknown-component", "loss.type"),
        ("unknown-node", "layers.third.inputs"),
        ("wrong-type", "layers.third.args"),
        ("wrong-type", "train.epochs"),
    ]


def test_a_graph_that_is_not_whole_is_not_found_fault_with(findings: Findings) -> None:
    text = BROKEN.replace('name = "x", shape', 'name = "x y", shape')
    found = [(f.code, f.key) for f in findings(text)]
    assert ("bad-value", "inputs.x y.name") in found
    assert ("unknown-component", "loss.type") in found
    assert not {"unknown-node", "unreachable-node", "shape-mismatch"} & {code for code, _ in found}


def test_an_unknown_variable_is_said_once_and_hides_nothing(findings: Findings) -> None:
    text = BROKEN.replace("args = 3", 'units = "${vars.n}"').replace("[4]", '["${vars.m}"]')
    found = [(f.code, f.key) for f in findings(text)]
    assert found.count(("unknown-key", "layers.third.units")) == 1
    assert found.count(("unknown-key", "inputs.x.shape.0")) == 1
    assert not {"wrong-type", "bad-value"} & {code for code, _ in found}
    assert ("unknown-component", "loss.type") in found


def test_a_value_that_is_not_finite_is_said_once(findings: Findings) -> None:
    text = BROKEN.replace("args = 3", "units = nan")
    assert [(f.code, f.key) for f in findings(text) if "third" in str(f.key)] == [
        ("bad-value", "layers.third.units"),
        ("unknown-node", "layers.third.inputs"),
    ]
