"""The command line called in this process, where importing Keras is paid for once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.main import app

CONFIG = """
zoo = 1
name = "tiny"
description = "Two numbers from four."
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "hidden"
type = "Dense"
units = 3
activation = "tanh"
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "mse"
[[metrics]]
type = "mae"
name = "mae"
[data]
type = "synthetic"
x_shape = [4]
y_shape = [2]
samples = 16
validation_samples = 8
test_samples = 8
[train]
epochs = 2
batch_size = 8
jit_compile = false
"""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def cli(zoo_root: Path) -> Callable[..., Done]:
    """Runs a command in the zoo; `status` is what it has to end with."""

    def run(*arguments: object, status: int = 0) -> Done:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        done = Done(result.exit_code, result.stdout, result.stderr)
        assert done.status == status, f"{done.out}\n{done.err}\n{result.exception!r}"
        assert "Traceback" not in done.out + done.err
        return done

    return run


@pytest.fixture
def tiny(zoo_root: Path) -> Path:
    """The config of a small model."""
    path = zoo_root / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def published(cli: Callable[..., Done], tiny: Path) -> str:
    """A version that was trained and published by commands."""
    return str(cli("train", tiny, "--publish", "--json", "--quiet").document["published"])
