"""`extends`: several documents laid over each other, and what `unset` takes away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.config.compose import MAX_EXTENDS, Source, compose, implied_names, merge
from zoo.errors import ConfigError, Finding, RegistryError, StorageError

Write = Callable[..., Path]
Compose = Callable[..., dict[str, Any]]

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


def refused(composed: Compose, text: str, overrides: dict[str, Any] | None = None) -> Finding:
    with pytest.raises(ConfigError) as info:
        composed(text, overrides)
    (finding,) = info.value.findings
    return finding


def child(text: str = "", extends: str = '"base.toml"') -> str:
    return f"extends = {extends}\n{text}"


def names(document: dict[str, Any]) -> list[str]:
    return implied_names(document["layers"])


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


def test_after_something_unknown_suggests_the_right_one(composed: Compose, base: Path) -> None:
    finding = refused(composed, child('[[layers]]\ntype = "ReLU"\nafter = "frist"\n'))
    assert finding.code == "unknown-node"
    assert finding.message == "there is nothing called 'frist' to insert after"
    assert finding.key == "layers.ReLU.after"
    assert finding.suggestion == 'did you mean "first"?'


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
        ("train.callbacks.7", "unknown-node", "7", None),
    ],
)
def test_unset_of_what_is_not_there_suggests_the_right_one(
    composed: Compose, base: Path, key: str, code: str, what: str, suggestion: str | None
) -> None:
    finding = refused(composed, child(f'unset = ["{key}"]\n'))
    assert (finding.code, finding.key) == (code, key)
    assert finding.message == f"{key}: there is nothing called {what!r}"
    assert finding.suggestion == suggestion


@pytest.mark.parametrize("value", ['"train"', "3", "[1]"])
def test_unset_is_a_list_of_keys(composed: Compose, base: Path, value: str) -> None:
    finding = refused(composed, child(f"unset = {value}\n"))
    assert (finding.code, finding.key) == ("wrong-type", "unset")
    assert finding.message == "`unset` is a list of dotted keys"


def test_of_several_parents_the_later_one_wins(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config("[train]\nepochs = 20\nseed = 1\n", "long.toml")
    document = composed(child("[train]\nseed = 2\n", '["base.toml", "long.toml"]'))
    assert (document["train"]["epochs"], document["train"]["seed"]) == (20, 2)


def test_an_empty_list_of_parents_is_none(composed: Compose) -> None:
    assert composed("extends = []\nname = 'alone'\n") == {"name": "alone"}


def test_a_parent_may_have_parents_and_be_one_twice(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config(child("[train]\nepochs = 11\n"), "left.toml")
    write_config(child("[train]\nseed = 5\n"), "right.toml")
    document = composed(child("", '["left.toml", "right.toml"]'))
    assert names(document) == ["first", "last"]
    assert document["train"]["seed"] == 5


def test_a_path_of_extends_is_relative_to_the_file_that_has_it(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config(child("", '"../base.toml"'), "deep/left.toml")
    assert composed(child("", '"deep/left.toml"'))["name"] == "base"


def test_configs_that_extend_each_other_are_named(composed: Compose, write_config: Write) -> None:
    write_config(child("", '"b.toml"'), "a.toml")
    write_config(child("", '"a.toml"'), "b.toml")
    finding = refused(composed, child("", '"a.toml"'))
    assert (finding.code, finding.key) == ("cycle", "extends")
    assert finding.message == "configs extend each other: a.toml -> b.toml -> a.toml"


def test_a_config_that_extends_itself_by_a_link_is_a_cycle(
    composed: Compose, zoo_root: Path
) -> None:
    (zoo_root / "me.toml").symlink_to(zoo_root / "model.toml")
    finding = refused(composed, child("", '"me.toml"'))
    assert finding.message == "configs extend each other: model.toml -> model.toml"


def test_the_chain_of_parents_has_a_longest_length(composed: Compose, write_config: Write) -> None:
    for index in range(1, MAX_EXTENDS + 1):
        write_config(f'extends = "c{index + 1}.toml"\n', f"c{index}.toml")
    write_config("name = 'end'\n", f"c{MAX_EXTENDS}.toml")
    with pytest.raises(ConfigError, match=f"more than {MAX_EXTENDS} configs extend one another"):
        composed(child("", '"c1.toml"'))
    assert composed(child("", '"c2.toml"')) == {"name": "end"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../base.toml", "it leads out of"),
        ("/base.toml", "it is absolute"),
        ("~/base.toml", "`~` is not expanded"),
        ("file:base.toml", "it has a scheme or a drive"),
        ("https://example.org/base.toml", "it has a scheme or a drive"),
        ("link/base.toml", "it leads out of"),
        ("", "it is empty or has control characters"),
    ],
)
def test_a_parent_outside_the_root_is_refused(
    composed: Compose, zoo_root: Path, path: str, reason: str
) -> None:
    (zoo_root / "link").symlink_to(zoo_root.parent)
    finding = refused(composed, child("", f'"{path}"'))
    assert (finding.code, finding.key) == ("unsafe-path", "extends")
    assert finding.message.startswith(f"the path {path!r} is not accepted: {reason}")
    assert finding.file == str(zoo_root / "model.toml")


@pytest.mark.parametrize("value", ["3", "[3]", "{ path = 'base.toml' }"])
def test_extends_is_a_path_a_name_or_a_list(composed: Compose, value: str) -> None:
    finding = refused(composed, child("", value))
    assert (finding.code, finding.key) == ("wrong-type", "extends")
    assert finding.message == "`extends` is a path, a model's name, or a list of them"


def test_a_missing_parent_is_named(composed: Compose, zoo_root: Path) -> None:
    with pytest.raises(StorageError, match=f"there is no file {zoo_root / 'gone.toml'}"):
        composed(child("", '"gone.toml"'))


def test_what_is_wrong_in_a_parent_is_said_of_the_parent(
    composed: Compose, write_config: Write
) -> None:
    path = write_config("a = = 1\n", "broken.toml")
    finding = refused(composed, child("", '"broken.toml"'))
    assert (finding.code, finding.file, finding.line) == ("syntax", str(path), 1)


def test_a_parent_may_be_a_models_name(base: Path, write_config: Write) -> None:
    path = write_config(child("[train]\nseed = 3\n", '"some-model"'))
    asked: list[str] = []

    def find(name: str) -> Source:
        asked.append(name)
        return Source(base, base.parent)

    document = compose(Source(path, path.parent), {}, find)
    assert asked == ["some-model"]
    assert document["train"]["seed"] == 3
    assert document["name"] == "base"


def test_a_models_name_that_is_unknown_is_the_registrys_error(composed: Compose) -> None:
    with pytest.raises(RegistryError, match="there is no model 'some-model'"):
        composed(child("", '"some-model"'))


def test_a_resolved_config_has_its_paths_from_the_root(tmp_path: Path) -> None:
    path = tmp_path / "weights" / "m.toml"
    assert Source(path, tmp_path).folder == tmp_path / "weights"
    assert Source(path, tmp_path, resolved=True).folder == tmp_path


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["Dense", "Dense", "Dense"], ["dense", "dense_1", "dense_2"]),
        ([{"type": "Dense", "name": "dense"}, {"type": "Dense"}], ["dense", "dense_1"]),
        ([{"type": "Dense"}, {"type": "Dense", "name": "dense"}], ["dense_1", "dense"]),
        ([{"shared_with": "conv"}, {}], ["conv", "item"]),
        ([{"name": 3, "type": "Dense"}], ["dense"]),
    ],
)
def test_items_without_a_name_are_told_apart_as_keras_does(
    items: list[Any], expected: list[str]
) -> None:
    assert implied_names(items) == expected
