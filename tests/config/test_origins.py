"""What each value of a config came from, against files whose lines are counted by eye."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.config.overrides import parse_overrides
from zoo.workspace import Workspace

BASE = """\
zoo = 1
name = "base"
[vars]
width = 4
[[inputs]]
name = "x"
shape = ["${vars.width}"]
[[layers]]
name = "first"
type = "Dense"
units = "${vars.width}"
kernel_regularizer = { type = "L2", l2 = 0.5 }
[[layers]]
name = "last"
type = "Dense"
units = 1
use_bias = false
[train]
epochs = 3
"""
CHILD = """\
extends = "parts/base.toml"
name = "child"
loss = "mse"
[vars]
width = 8
[[layers]]
name = "last"
units = 2
[[layers]]
type = "Activation"
after = "first"
activation = "relu"
[[train.callbacks]]
type = "EarlyStopping"
args = { patience = 2 }
"""

Origins = Callable[..., dict[str, str]]


@pytest.fixture
def origins(write_config: Callable[..., Path]) -> Origins:
    write_config(BASE, "parts/base.toml")
    path = write_config(CHILD)

    def find(*sets: str) -> dict[str, Any]:
        workspace, overrides = Workspace(), parse_overrides(sets)
        return workspace.origins(workspace.check(path, overrides).usable, overrides)

    return find


@pytest.mark.parametrize(
    ("key", "origin"),
    [
        ("name", "model.toml:2"),
        ("layers.last.units", "model.toml:8"),
        ("layers.last.use_bias", "parts/base.toml:17"),
        ("layers.last.type", "parts/base.toml:15"),
        ("layers.activation.activation", "model.toml:12"),
        ("layers.first.units", "parts/base.toml:11 (width: model.toml:5)"),
        ("inputs.x.shape", "parts/base.toml:7 (width: model.toml:5)"),
        ("loss.type", "model.toml:3"),
        ("train.epochs", "parts/base.toml:19"),
        ("train.callbacks.early_stopping.patience", "model.toml:15"),
        ("train.batch_size", "default"),
        ("optimizer.type", "default"),
        ("outputs", "default"),
        ("layers.first.inputs", "default"),
    ],
)
def test_a_value_comes_from_the_line_that_says_it_last(
    origins: Origins, key: str, origin: str
) -> None:
    assert origins()[key] == origin


def test_what_the_command_line_gave_comes_from_there(origins: Origins) -> None:
    found = origins("train.epochs=9", "vars.width=6", "layers.first.kernel_regularizer.l2=0.1")
    assert found["train.epochs"] == "--set train.epochs"
    assert found["layers.first.units"] == "parts/base.toml:11 (width: --set vars.width)"
    assert found["layers.first.kernel_regularizer"] == (
        "parts/base.toml:12 (--set layers.first.kernel_regularizer.l2)"
    )
    assert found["layers.last.units"] == "model.toml:8"


def test_a_table_that_was_set_key_by_key_comes_from_each_of_them(origins: Origins) -> None:
    key = "layers.last.kernel_regularizer"
    found = origins(f"{key}.type='L2'", f"{key}.l2=0.1")
    assert found[key] == f"--set {key}.type, --set {key}.l2"


def test_a_layer_set_by_its_number_is_known_by_its_name(origins: Origins) -> None:
    assert origins("layers.0.units=3")["layers.first.units"] == "--set layers.first.units"


def test_a_layer_of_a_model_that_is_extended_by_name_may_be_set_by_its_number(
    write_config: Callable[..., Path], zoo_root: Path
) -> None:
    write_config(BASE, "parts/base.toml")
    rows = '[[models]]\nname = "base"\nconfig = "parts/base.toml"\n'
    (zoo_root / "registry.toml").write_text(f"format = 1\n{rows}")
    path = write_config('extends = "base"\nname = "child"\n')
    workspace, overrides = Workspace(), parse_overrides(["layers.0.units=3"])
    found = workspace.origins(workspace.check(path, overrides).usable, overrides)
    assert found["layers.first.units"] == "--set layers.first.units"
    assert found["layers.last.units"] == "parts/base.toml:16"


def test_an_argument_that_a_change_of_type_dropped_comes_from_nowhere(
    origins: Origins, write_config: Callable[..., Path]
) -> None:
    write_config(CHILD.replace("units = 2\n", 'type = "Activation"\nactivation = "tanh"\n'))
    found = origins()
    assert found["layers.last.type"] == "model.toml:8"
    assert "layers.last.use_bias" not in found


def test_a_file_that_has_gone_says_nothing(
    origins: Origins, write_config: Callable[..., Path]
) -> None:
    workspace = Workspace()
    path = write_config(BASE.replace('"base"', '"own"'), "own.toml")
    model = workspace.check(path).usable
    path.unlink()
    assert workspace.origins(model) == {}
