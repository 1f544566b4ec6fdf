"""What the attacks on trainings and plugins share: small zoos, models, and child processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DENSE = """
zoo = 1
name = "dense"
inputs = [{ name = "x", shape = [6] }]
layers = [
    { name = "hidden", type = "Dense", units = 5, activation = "tanh" },
    { name = "drop", type = "Dropout", rate = 0.4 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = { type = "Adam", learning_rate = 0.02 }
data = { type = "synthetic", x_shape = [6], y_shape = [2], samples = 20, validation_samples = 6 }
train = { epochs = 4, batch_size = 4, seed = 7, jit_compile = false, callbacks = [
    { type = "ReduceLROnPlateau", monitor = "val_loss", patience = 1, min_delta = 100.0 },
] }
"""
CONV = """
zoo = 1
name = "conv"
inputs = [{ name = "x", shape = [6, 2] }]
layers = [
    { name = "conv", type = "Conv1D", filters = 4, kernel_size = 3 },
    { name = "norm", type = "BatchNormalization" },
    { name = "flat", type = "Flatten" },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
data = { type = "synthetic", x_shape = [6, 2], y_shape = [2], samples = 18, validation_samples = 6 }
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
