"""A small model for the command line, and a version of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

CONFIG = """
zoo = 1
name = "tiny"
description = "Two numbers from four."
optimizer = "SGD"
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


@pytest.fixture
def tiny(zoo_root: Path) -> Path:
    """The config of a small model."""
    path = zoo_root / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="session")
def zoo_after(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a zoo with the small model in which commands were given, for tests to copy."""
    from zoo.cli.app import app

    def make(*commands: str) -> Path:
        root = tmp_path_factory.mktemp("after") / "zoo"
        root.mkdir()
        (root / "registry.toml").write_text("format = 1\n")
        (root / "tiny.toml").write_text(CONFIG)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("ZOO_ROOT", "ZOO_DISABLE_PLUGINS"):
                patch.delenv(name, raising=False)
            patch.chdir(root)
            patch.setattr("zoo.runtime.training.try_run_report", lambda *_, **__: None)
            for command in commands:
                result = CliRunner().invoke(app, command.split())
                assert result.exit_code == 0, result.output
        return root

    return make


@pytest.fixture(scope="session")
def _published(zoo_after: Callable[..., Path]) -> Path:
    return zoo_after("train tiny.toml --publish --quiet")


@pytest.fixture
def published(_published: Path, tiny: Path) -> str:
    """A version that was trained and published by commands."""
    shutil.copytree(_published, tiny.parent, dirs_exist_ok=True)
    return "tiny@1.0.0"
