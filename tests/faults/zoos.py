"""What the attacks on trainings and plugins share: small zoos, models, and child processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

DENSE = """
zoo = 1
name = "dense"
[[inputs]]
name = "x"
shape = [6]
[[layers]]
name = "hidden"
type = "Dense"
units = 5
activation = "tanh"
[[layers]]
name = "drop"
type = "Dropout"
rate = 0.4
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "mse"
[optimizer]
type = "Adam"
learning_rate = 0.02
[data]
type = "synthetic"
x_shape = [6]
y_shape = [2]
samples = 20
validation_samples = 6
test_samples = 0
[train]
epochs = 4
batch_size = 4
seed = 7
jit_compile = false
[[train.callbacks]]
type = "ReduceLROnPlateau"
monitor = "val_loss"
patience = 1
min_delta = 100.0
"""
CONV = """
zoo = 1
name = "conv"
[[inputs]]
name = "x"
shape = [6, 2]
[[layers]]
name = "conv"
type = "Conv1D"
filters = 4
kernel_size = 3
[[layers]]
name = "norm"
type = "BatchNormalization"
[[layers]]
name = "flat"
type = "Flatten"
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "mse"
[data]
type = "synthetic"
x_shape = [6, 2]
y_shape = [2]
samples = 18
validation_samples = 6
test_samples = 0
[train]
epochs = 9
batch_size = 4
seed = 7
jit_compile = false
[[train.callbacks]]
type = "EarlyStopping"
monitor = "val_loss"
patience = 3
min_delta = 100.0
restore_best_weights = true
"""
GAINS = {
    "data.reference_members": 20,
    "data.members": 5,
    "data.spin_up": 5,
    "data.cycles_between_pairs": 1,
    "data.pairs_per_block": 6,
    "data.train_pairs": 12,
    "data.validation_pairs": 6,
    "data.test_pairs": 0,
    "vars.model_size": 8,
    "vars.nobs": 4,
    "layers.conv1.filters": 2,
    "layers.conv2.filters": 2,
    "layers.conv3.filters": 2,
    "layers.features.target_shape": [8, 2],
    "train.epochs": 3,
    "train.batch_size": 4,
    "train.jit_compile": False,
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "dense": ("dense.toml", {}),
    "conv": ("conv.toml", {}),
    "gains": ("clf-lorenz96", GAINS),
}
"""For each model, what to train and with which overrides."""


def make_zoo(folder: Path, **texts: str) -> Path:
    """Makes a zoo root with the configs `NAME.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.toml").write_text("format = 1\n")
    for name, text in {"dense": DENSE, "conv": CONV, **texts}.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


def install(
    site: Path,
    name: str,
    entry_points: Mapping[str, Mapping[str, str]] | bytes,
    modules: Mapping[str, str] | None = None,
) -> Path:
    """Installs a distribution into a folder, and gives the folder of its metadata."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if not isinstance(entry_points, bytes):
        entry_points = "".join(
            f"[{group}]\n" + "".join(f"{key} = {target}\n" for key, target in rows.items())
            for group, rows in entry_points.items()
        ).encode()
    (info / "entry_points.txt").write_bytes(entry_points)
    for file, source in (modules or {}).items():
        (site / file).write_text(source)
    return info


@contextlib.contextmanager
def on_path(site: Path) -> Iterator[None]:
    """Has a folder on `sys.path` for a while, and forgets what was imported from it."""
    before = set(sys.modules)
    sys.path.insert(0, str(site))
    try:
        yield
    finally:
        sys.path.remove(str(site))
        for module in set(sys.modules) - before:
            if (getattr(sys.modules[module], "__file__", None) or "").startswith(str(site)):
                del sys.modules[module]


def forked(work: Callable[[], None]) -> int:
    """Does something in a copy of this process, and gives its number."""
    with warnings.catch_warnings():
        # Newer Pythons warn where there are threads; the copy uses none of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return pid


def with_keras(folder: Path, work: Callable[..., None], *arguments: Any) -> Any:
    """Makes a process that has Keras imported and nothing else of TensorFlow begun.

    It is a copy of a server that imports Keras once; start it, and join or kill it. What it
    prints and caches goes into the folder.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["zoo.runtime.training", "zoo.runtime.steps", "zoo.builtin.loops"]
    )
    return context.Process(target=_in_a_folder, args=(folder, work, *arguments))


def _in_a_folder(folder: Path, work: Callable[..., None], *arguments: Any) -> None:
    os.environ["ZOO_CACHE_DIR"] = str(folder / "cache")
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    work(*arguments)


def differences(run: Any, other: Any) -> list[str]:
    """Says in what two runs are not the same, bit for bit."""
    first, second = run.checkpoint(), other.checkpoint()
    found = [f"history {run.history} and {other.history}"] if run.history != other.history else []
    found += [
        f"{key}: {first.metadata.get(key)} and {second.metadata.get(key)}"
        for key in {**first.metadata, **second.metadata}
        if first.metadata.get(key) != second.metadata.get(key)
    ]
    for name in {**first.tensors, **second.tensors}:
        a, b = first.tensors.get(name), second.tensors.get(name)
        if a is None or b is None or a.dtype != b.dtype or not np.array_equal(a, b):
            found.append(f"the bits of {name}")
    return found
