"""A small model for the command line, and a version of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def tiny(zoo_root: Path) -> Path:
    """The config of a small model."""
    path = zoo_root / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def published(cli: Callable[..., Any], tiny: Path) -> str:
    """A version that was trained and published by commands."""
    return str(cli("train", tiny, "--publish", "--json", "--quiet").document["published"])
