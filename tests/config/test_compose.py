"""Documents laid over each other, and what `unset` takes away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.config.parents import child, names
from zoo.config.compose import merge
from zoo.config.names import implied_names
from zoo.errors import Finding

Write = Callable[..., Path]
Compose = Callable[..., dict[str, Any]]
Refused = Callable[..., Finding]

BASE = """
zoo = 1
name = "base"
[vars]
n = 8
[[inputs]]
name = "x"
shape = ["${vars.n}"]
[[layers]]
name = "first"
type = "Dense"
units = 4
kernel_regularizer = { type = "L2", l2 = 0.1 }
[[layers]]
name = "last"
type = "Dense"
units = 1
[train]
epochs = 10
[[train.callbacks]]
type = "EarlyStopping"
patience = 5
[[train.callbacks]]
type = "TerminateOnNaN"
"""


@pytest.fixture
def base(write_config: Write) -> Path:
    return write_config(BASE, "base.toml")


def test_a_child_has_what_its_parent_has_without_the_means(composed: Compose, base: Path) -> None:
    document = composed(child('name = "child"'))
    assert document["name"] == "child"
    assert document["inputs"] == [{"name": "x", "shape": [8]}]
    assert document["train"]["epochs"] == 10
    assert not {"extends", "unset", "vars"} & document.keys()


def test_tables_merge_by_key(composed: Compose, base: Path) -> None:
    document = composed(child("[train]\nbatch_size = 4\n[vars]\nn = 9\n"))
    assert document["train"]["epochs"] == 10
    assert document["train"]["batch_size"] == 4
    assert document["inputs"][0]["shape"] == [9]


def test_arrays_of_tables_merge_by_name_and_new_ones_append(composed: Compose, base: Path) -> None:
    document = composed(child('[[layers]]\nname = "first"\nunits = 5\n[[layers]]\ntype = "ReLU"\n'))
    assert names(document) == ["first", "last", "re_lu"]
    assert document["layers"][0]["units"] == 5
    assert document["layers"][0]["kernel_regularizer"] == {"type": "L2", "l2": 0.1}


def test_after_inserts_and_leaves_no_trace(composed: Compose, base: Path) -> None:
    document = composed(
        child(
            '[[layers]]\nname = "middle"\ntype = "ReLU"\nafter = "first"\n'
            '[[layers]]\nname = "second"\ntype = "ReLU"\nafter = "middle"\n'
        )
    )
    assert names(document) == ["first", "middle", "second", "last"]
    assert "after" not in document["layers"][1]


def test_after_knows_implied_names(composed: Compose, base: Path) -> None:
    document = composed(
        child('[[train.callbacks]]\ntype = "CSVLogger"\nafter = "early_stopping"\n')
    )
    assert [row["type"] for row in document["train"]["callbacks"]] == [
        "EarlyStopping",
        "CSVLogger",
        "TerminateOnNaN",
    ]


def test_after_something_unknown_suggests_the_right_one(refused: Refused, base: Path) -> None:
    finding = refused(child('[[layers]]\ntype = "ReLU"\nafter = "frist"\n'))
    assert finding.code == "unknown-node"
    assert finding.message == "there is nothing called 'frist' to insert after"
    assert finding.key == "layers.re_lu.after"
    assert finding.suggestion == 'did you mean "first"?'


def test_after_something_unknown_is_said_of_callbacks_too(refused: Refused, base: Path) -> None:
    finding = refused(child('[[train.callbacks]]\ntype = "CSVLogger"\nafter = "erly_stopping"\n'))
    assert finding.key == "train.callbacks.csv_logger.after"
    assert finding.suggestion == 'did you mean "early_stopping"?'


def test_everything_else_replaces(composed: Compose, base: Path) -> None:
    document = composed(child('[[inputs]]\nname = "x"\nshape = [3, 4]\n'))
    assert document["inputs"] == [{"name": "x", "shape": [3, 4]}]


def test_a_change_of_type_drops_the_parents_arguments(composed: Compose, base: Path) -> None:
    document = composed(
        child(
            '[[layers]]\nname = "first"\ntype = "Conv1D"\nfilters = 2\n[[layers]]\nname = "last"\n'
        )
    )
    assert document["layers"][0] == {"name": "first", "type": "Conv1D", "filters": 2}
    assert document["layers"][1] == {"name": "last", "type": "Dense", "units": 1}


def test_a_change_of_type_keeps_the_place_in_the_graph() -> None:
    old = {"type": "A", "inputs": "x", "trainable": False, "output": "y", "name": "n", "k": 1}
    assert merge(old, {"type": "B", "j": 2}) == {
        "name": "n",
        "inputs": "x",
        "trainable": False,
        "output": "y",
        "type": "B",
        "j": 2,
    }


def test_naming_the_same_type_again_keeps_the_arguments() -> None:
    assert merge({"type": "A", "k": 1}, {"type": "A", "j": 2}) == {"type": "A", "k": 1, "j": 2}


def test_a_change_of_type_counts_in_nested_components_too(composed: Compose, base: Path) -> None:
    text = '[[layers]]\nname = "first"\nkernel_regularizer = { type = "L1", l1 = 0.2 }\n'
    assert composed(child(text))["layers"][0]["kernel_regularizer"] == {"type": "L1", "l1": 0.2}


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ("mse", {"type": "mse", "name": "l"}, {"type": "mse", "name": "l"}),
        ("mse", {"reduction": "sum"}, {"type": "mse", "reduction": "sum"}),
        ({"type": "Huber", "delta": 2}, "mse", "mse"),
        (3, {"type": "mse"}, {"type": "mse"}),
    ],
    ids=str,
)
def test_a_component_by_name_and_one_by_table_merge(old: Any, new: Any, merged: Any) -> None:
    assert merge({"loss": old}, {"loss": new}) == {"loss": merged}


def test_metrics_by_name_merge_by_the_name_they_imply() -> None:
    parent = {"metrics": ["mae", "MeanSquaredError"]}
    document = merge(parent, {"metrics": [{"name": "mae", "output": "y"}, "acc"]})
    assert document["metrics"] == [
        {"type": "mae", "name": "mae", "output": "y"},
        "MeanSquaredError",
        "acc",
    ]


def test_an_array_over_something_else_replaces_it() -> None:
    assert merge({"layers": 3}, {"layers": [{"type": "A"}]}) == {"layers": [{"type": "A"}]}


def test_the_parents_document_is_not_changed() -> None:
    parent = {"train": {"callbacks": [{"type": "A", "name": "a", "x": [1]}]}}
    merge(parent, {"train": {"callbacks": [{"name": "a", "x": [2]}], "epochs": 2}})
    assert parent == {"train": {"callbacks": [{"type": "A", "name": "a", "x": [1]}]}}


@pytest.mark.parametrize(
    "key",
    [
        "train.callbacks.early_stopping",
        "train.callbacks.0",
        "train.epochs",
        "layers.first.kernel_regularizer",
        "layers.first.kernel_regularizer.l2",
        "vars",
    ],
)
def test_unset_removes(composed: Compose, base: Path, key: str) -> None:
    kept, without = composed(child()), composed(child(f'unset = ["{key}"]\n[vars]\nn = 8\n'))
    if key == "vars":
        assert without == kept
    else:
        assert without != kept
    if "callbacks" in key:
        assert without["train"]["callbacks"] == [{"type": "TerminateOnNaN"}]


def test_unset_comes_before_what_the_child_says(composed: Compose, base: Path) -> None:
    document = composed(child('unset = ["train"]\n[train]\nseed = 3\n'))
    assert document["train"] == {"seed": 3}


@pytest.mark.parametrize(
    ("key", "code", "what", "suggestion"),
    [
        ("trian", "unknown-key", "trian", 'did you mean "train"?'),
        (
            "train.callbacks.erly_stopping",
            "unknown-node",
            "erly_stopping",
            'did you mean "early_stopping"?',
        ),
        ("train.epochs.x", "unknown-key", "x", None),
        (
            "train.callbacks.7",
            "unknown-node",
            "7",
            "there is: early_stopping, terminate_on_na_n",
        ),
    ],
)
def test_unset_of_what_is_not_there_suggests_the_right_one(
    refused: Refused, base: Path, key: str, code: str, what: str, suggestion: str | None
) -> None:
    finding = refused(child(f'unset = ["{key}"]\n'))
    assert (finding.code, finding.key) == (code, "unset.0")
    assert finding.message == f"{key}: there is nothing called {what!r}"
    assert finding.suggestion == suggestion


@pytest.mark.parametrize("value", ['"train"', "3", "[1]"])
def test_unset_is_a_list_of_keys(refused: Refused, base: Path, value: str) -> None:
    finding = refused(child(f"unset = {value}\n"))
    assert (finding.code, finding.key) == ("wrong-type", "unset")
    assert finding.message == "`unset` is a list of dotted keys"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["Dense", "Dense", "Dense"], ["dense", "dense_1", "dense_2"]),
        ([{"type": "Dense", "name": "dense"}, {"type": "Dense"}], ["dense", "dense_1"]),
        ([{"type": "Dense"}, {"type": "Dense", "name": "dense"}], ["dense_1", "dense"]),
        ([{"shared_with": "conv"}, {}], ["conv", "item"]),
        ([{"name": 3, "type": "Dense"}], ["dense"]),
    ],
    ids=str,
)
def test_items_without_a_name_are_told_apart_as_keras_does(
    items: list[Any], expected: list[str]
) -> None:
    assert implied_names(items) == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[[layers]]\ntype = "ReLU"\nafter = "first"\n', "layers.re_lu.after"),
        ('[[metrics]]\nname = "m"\nafter = "mae"\n', "metrics.m.after"),
        ('[[train.callbacks]]\ntype = "C"\nafter = "x"\n', "train.callbacks.c.after"),
    ],
)
def test_after_needs_something_that_is_extended(refused: Refused, text: str, key: str) -> None:
    finding = refused(text)
    assert (finding.code, finding.key) == ("unknown-key", key)
    assert finding.message == (
        "`after` inserts into what `extends` brings, and nothing is extended"
    )
