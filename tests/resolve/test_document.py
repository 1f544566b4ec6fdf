"""A resolved model as TOML: complete, and the same wherever it is read."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.candidates import a_candidate
from zoo.checks import check_source
from zoo.config.compose import Source
from zoo.errors import Finding
from zoo.registry.document import WeightsEntry
from zoo.registry.publishing import publish
from zoo.resolve import ResolvedModel, resolved_toml
from zoo.workspace import Workspace

Model = Callable[..., ResolvedModel]
Tiny = Callable[..., str]
Write = Callable[..., Path]

EVERYTHING = """
zoo = 1
name = "everything"
description = "Uses each part of the form once."
outputs = ["dense", "lstm[1]"]
[vars]
n = 5
[[inputs]]
name = "x"
shape = ["any", "${vars.n}"]
dtype = "float32"
[[inputs]]
name = "z"
shape = []
[[layers]]
type = "LSTM"
inputs = "x"
units = 2
return_state = true
kernel_regularizer = { type = "L2", l2 = 1e-4 }
[[layers]]
name = "dense"
type = "Dense"
inputs = "lstm[0]"
units = 1
activation = "relu"
trainable = false
args = { name = "other", lora_rank = 3 }
[[layers]]
name = "again"
shared_with = "dense"
inputs = ["z"]
trainable = false
[losses]
dense = "mse"
[losses."lstm[1]"]
type = "Huber"
delta = 2
[loss_weights]
dense = 2
[[metrics]]
name = "error"
type = "any_metric"
output = "dense"
needs = { weight = "z" }
[data]
type = "npz"
path = "data/x.npz"
[train]
epochs = 3
jit_compile = false
[train.loop]
type = "gradient_tape"
[[train.callbacks]]
type = "EarlyStopping"
patience = 2
[[evaluate]]
type = "metrics"
"""


def resolved_again(text: str, root: Path, catalog: Any) -> ResolvedModel:
    path = root / "kept" / "config.toml"
    path.parent.mkdir()
    path.write_text(text)
    return check_source(Source(path, root, resolved=True), catalog, lambda: None).usable


@pytest.mark.parametrize("text", [EVERYTHING, None], ids=["everything", "tiny"])
def test_resolving_its_own_output_gives_the_same_output(
    model: Model, tiny: Tiny, zoo_root: Path, catalog: Any, text: str | None
) -> None:
    first = model(text or tiny())
    written = resolved_toml(first)
    second = resolved_again(written, zoo_root, catalog)
    assert resolved_toml(second) == written
    assert second.outputs == first.outputs
    assert [node.name for node in second.nodes] == [node.name for node in first.nodes]
    assert second.train.model_dump() | {"loop": 0} == first.train.model_dump() | {
        "loop": 0,
        "callbacks": second.train.model_dump()["callbacks"],
    }


def test_it_names_every_component_with_its_distribution(model: Model) -> None:
    document = tomllib.loads(resolved_toml(model(EVERYTHING)))
    lstm, dense = document["layers"]
    assert lstm["name"] == "lstm"
    assert lstm["kernel_regularizer"] == {"type": "zoo/L2", "l2": 1e-4}
    assert (dense["type"], dense["activation"]) == ("zoo/Dense", "zoo/relu")
    assert document["losses"] == {
        "dense": {"type": "zoo/mse"},
        "lstm[1]": {"type": "zoo/Huber", "delta": 2},
    }
    assert document["optimizer"] == {"type": "zoo/Adam"}
    assert document["train"]["loop"] == {"type": "zoo/gradient_tape"}
    assert document["metrics"] == [
        {
            "type": "zoo-unknown/any_metric",
            "name": "error",
            "output": "dense",
            "needs": {"weight": "z"},
        }
    ]


def test_it_names_every_input_and_default_and_has_no_means_left(model: Model) -> None:
    document = tomllib.loads(resolved_toml(model(EVERYTHING)))
    assert document["inputs"] == [
        {"name": "x", "shape": ["any", 5], "dtype": "float32"},
        {"name": "z", "shape": []},
    ]
    assert [layer["inputs"] for layer in document["layers"]] == ["x", "lstm[0]"]
    assert (document["train"]["epochs"], document["train"]["batch_size"]) == (3, 32)
    assert not {"vars", "extends", "unset"} & document.keys()


def test_arguments_of_reserved_names_stay_in_args(model: Model) -> None:
    dense = tomllib.loads(resolved_toml(model(EVERYTHING)))["layers"][1]
    assert dense["args"] == {"name": "other"}
    assert (dense["lora_rank"], dense["name"], dense["trainable"]) == (3, "dense", False)


def test_a_shared_layer_stays_shared(model: Model, tiny: Tiny) -> None:
    text = tiny("", '[[layers]]\nname = "again"\nshared_with = "first"\ninputs = "x"\n')
    text += '[[layers]]\ntype = "Concatenate"\ninputs = ["last", "again"]\n'
    again = tomllib.loads(resolved_toml(model(text)))["layers"][2]
    assert again == {"name": "again", "inputs": "x", "shared_with": "first"}


def test_one_output_has_its_loss_in_one_table(model: Model, tiny: Tiny) -> None:
    document = tomllib.loads(resolved_toml(model(tiny('loss = "mse"'))))
    assert document["loss"] == {"type": "zoo/mse"}
    assert "losses" not in document
    assert "loss" not in tomllib.loads(resolved_toml(model(tiny())))


def test_paths_become_relative_to_the_root(
    write_config: Write, zoo_root: Path, catalog: Any, tiny: Tiny
) -> None:
    text = tiny(
        "",
        '[[layers]]\ntype = "Anything"\nfiles = ["a.txt", "../b.txt"]\n'
        'vocabulary = ["the", "word"]\ntable = { path = "c.txt" }\n'
        '[data]\ntype = "npz"\npath = "../data/x.npz"\n',
    )
    path = write_config(text, "models/deep/model.toml")
    model = check_source(Source(path, zoo_root), catalog, lambda: None).usable
    document = tomllib.loads(resolved_toml(model))
    last = document["layers"][2]
    assert document["data"]["path"] == "models/data/x.npz"
    assert last["files"] == ["models/deep/a.txt", "models/b.txt"]
    assert last["vocabulary"] == ["the", "word"]
    assert last["table"] == {"path": "models/deep/c.txt"}


def test_a_callbacks_path_is_left_to_the_runs_folder(
    write_config: Write, zoo_root: Path, catalog: Any, tiny: Tiny
) -> None:
    text = tiny("", '[[train.callbacks]]\ntype = "CSVLogger"\nfilename = "log.csv"\n')
    path = write_config(text, "models/model.toml")
    model = check_source(Source(path, zoo_root), catalog, lambda: None).usable
    (callback,) = tomllib.loads(resolved_toml(model))["train"]["callbacks"]
    assert callback["filename"] == "log.csv"


def test_the_plugins_of_a_model_are_those_its_parts_come_from(
    make_distribution: Callable[..., Path], write_config: Write, tiny: Tiny
) -> None:
    groups = {"zoo.regularizers": {"Smooth": "extra:Smooth"}, "zoo.losses": {"off": "extra:off"}}
    make_distribution("zoo-extra", groups, {"extra.py": ""}, version="2.1")
    plain = Workspace().check(write_config(tiny('loss = "mse"'))).usable
    nested = Workspace().check(write_config(tiny("", 'kernel_regularizer = "Smooth"\n'))).usable
    assert plain.plugins() == {}
    assert nested.plugins() == {"zoo-extra": "2.1"}


def published(root: Path, version: str) -> WeightsEntry:
    return publish(root, a_candidate("other"), version)


def test_a_model_of_the_zoo_as_a_layer_is_pinned_to_a_full_version(
    write_config: Write, zoo_root: Path, tiny: Tiny
) -> None:
    published(zoo_root, "1.2.0")
    path = write_config(
        tiny("", 'weights = "other"\n[[layers]]\nname = "inner"\ntype = "zoo:other@1"\n')
    )
    model = Workspace(zoo_root).check(path).usable
    inner = model.nodes[-1]
    assert (inner.model, inner.layer, inner.part) == ("other@1.2.0", "inner", None)
    written = resolved_toml(model)
    published(zoo_root, "1.3.0")
    assert Workspace(zoo_root).check(path).usable.nodes[-1].model == "other@1.3.0"
    kept = tomllib.loads(written)["layers"]
    assert kept[2] == {"name": "inner", "inputs": "last", "type": "zoo:other@1.2.0"}
    assert kept[1]["weights"] == "other@1.2.0"
    again = Workspace(zoo_root).check(write_config(written, "again.toml")).usable
    assert resolved_toml(again) == written


@pytest.mark.parametrize(
    ("layer", "code", "message", "key"),
    [
        (
            'type = "zoo:othr@1"',
            "unknown-model",
            "the zoo has no model 'othr'",
            "layers.inner.type",
        ),
        (
            'type = "zoo:other@2"',
            "unknown-version",
            "other has no version 2",
            "layers.inner.type",
        ),
        (
            'type = "zoo:other@x"',
            "unknown-version",
            "'x' in 'other@x' is not a version",
            "layers.inner.type",
        ),
        (
            'type = "zoo:other@1"\nunits = 3',
            "unknown-argument",
            "a model of the zoo takes no arguments as a layer",
            "layers.inner",
        ),
    ],
)
def test_a_model_as_a_layer_that_is_not_there_is_named(
    write_config: Write,
    zoo_root: Path,
    tiny: Tiny,
    layer: str,
    code: str,
    message: str,
    key: str,
) -> None:
    published(zoo_root, "1.2.0")
    path = write_config(tiny("", f'[[layers]]\nname = "inner"\n{layer}\n'))
    (finding,) = Workspace(zoo_root).check(path).findings
    assert isinstance(finding, Finding)
    assert (finding.code, finding.message, finding.key) == (code, message, key)


def test_where_a_training_is_logged_is_written_only_if_it_is(model: Model, tiny: Tiny) -> None:
    assert "log" not in tomllib.loads(resolved_toml(model(tiny())))["train"]
    logged = model(tiny("", '[train]\nlog = "tensorboard"\n'))
    assert tomllib.loads(resolved_toml(logged))["train"]["log"] == ["tensorboard"]
