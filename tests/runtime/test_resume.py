"""A resumed training is the uninterrupted one, bit for bit."""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest

import zoo
from zoo import files
from zoo.errors import ConfigError, RegistryError, Stopped, StorageError
from zoo.registry.tensors import decode, encode

# Keras's own variables do not know the `copy` keyword with which NumPy 2 asks for an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEAD = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [6, 2]
"""

DENSE = """
[[layers]]
name = "flat"
type = "Flatten"
[[layers]]
name = "hidden"
type = "Dense"
units = 5
activation = "relu"
[[layers]]
name = "drop"
type = "Dropout"
rate = 0.4
[[layers]]
name = "noise"
type = "GaussianNoise"
stddev = 0.1
"""

CONV = """
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
"""

TAIL = """
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
x_shape = [6, 2]
y_shape = [2]
samples = 18
validation_samples = 6
test_samples = 0
[train]
epochs = 6
batch_size = 4
seed = 7
jit_compile = false
"""

# No epoch improves by that much, so that both count from the first epoch on.
CALLBACKS = {
    "train.callbacks": [
        {
            "type": "ReduceLROnPlateau",
            "monitor": "val_loss",
            "patience": 2,
            "factor": 0.5,
            "min_delta": 100.0,
        },
        {
            "type": "EarlyStopping",
            "monitor": "val_loss",
            "patience": 4,
            "min_delta": 100.0,
            "restore_best_weights": True,
        },
    ]
}


STOPPER = """
import os, signal, keras
class Stopper(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == int(os.environ.get("STOP_IN_EPOCH", "-1")):
            os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.fixture
def train(zoo_root):
    def train(text, overrides, name, **options):
        (zoo_root / "m.toml").write_text(text)
        return zoo.train(
            zoo_root / "m.toml",
            overrides,
            zoo=zoo_root,
            folder=zoo_root / name,
            quiet=True,
            **options,
        )

    return train


def content(run):
    file = decode((run.folder / "checkpoint.safetensors").read_bytes(), "it")
    return file.tensors, file.metadata


def assert_identical(first, second):
    tensors, metadata = content(first)
    others, other_metadata = content(second)
    assert metadata == other_metadata
    assert tensors.keys() == others.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(others[name], array, err_msg=name)
    assert first.history == second.history


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
@pytest.mark.parametrize("layers", [DENSE, CONV], ids=["dropout", "batchnorm"])
def test_a_resumed_run_equals_the_uninterrupted_one(train, layers, loop):
    text = HEAD + layers + TAIL
    whole = train(text, {"train.loop": loop}, "whole")
    half = train(text, {"train.loop": loop, "train.epochs": 3}, "half")
    assert len(half.history["loss"]) == 3
    resumed = train(text, {"train.loop": loop}, "half", resume=True)
    assert len(resumed.history["loss"]) == 6
    assert_identical(resumed, whole)


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_callbacks_go_on_with_what_they_remember(train, make_distribution, monkeypatch, loop):
    entry_points = {"zoo.callbacks": {"Stopper": "stopper_mod:Stopper"}}
    make_distribution("zoo-stopper", entry_points, {"stopper_mod.py": STOPPER})
    text = HEAD + DENSE + TAIL
    callbacks = [*CALLBACKS["train.callbacks"], {"type": "Stopper"}]
    overrides = {"train.callbacks": callbacks, "train.loop": loop, "train.epochs": 12}
    whole = train(text, overrides, "whole")
    rates = whole.history["learning_rate"]
    assert len(rates) == 5, "EarlyStopping did not stop where it should"
    assert [round(rates[0] / rate) for rate in rates] == [1, 1, 1, 2, 2]
    monkeypatch.setenv("STOP_IN_EPOCH", "2")
    with pytest.raises(Stopped, match="SIGTERM"):
        train(text, overrides, "half")
    monkeypatch.delenv("STOP_IN_EPOCH")
    assert_identical(train(text, overrides, "half", resume=True), whole)


def test_a_callback_that_counts_improvements_counts_them_alike(train):
    # `min_delta` decides whether each small step is an improvement, in either direction.
    text = HEAD + CONV + TAIL
    table = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "min_delta": 1e-3}
    overrides = {"train.callbacks": [table], "train.epochs": 8, "optimizer.learning_rate": 1e-4}
    whole = train(text, overrides, "whole")
    train(text, {**overrides, "train.epochs": 1}, "half")
    assert_identical(train(text, overrides, "half", resume=True), whole)


def test_a_changed_config_is_not_resumed(train):
    text = HEAD + CONV + TAIL
    run = train(text, {"train.epochs": 1}, "it")
    before = (run.folder / "checkpoint.safetensors").read_bytes()
    changed = {"layers.conv.filters": 5, "optimizer.learning_rate": 0.5}
    with pytest.raises(ConfigError, match="layers, optimizer changed") as caught:
        train(text, changed, "it", resume=True)
    assert "--resume --run" in caught.value.findings[0].suggestion
    assert (run.folder / "checkpoint.safetensors").read_bytes() == before


def test_a_finished_run_stays_as_it_is(train, capsys):
    text = HEAD + CONV + TAIL
    run = train(text, {"train.epochs": 1}, "it")
    before = (run.folder / "checkpoint.safetensors").read_bytes()
    again = train(text, {"train.epochs": 1}, "it", resume=True)
    assert again.history == run.history
    assert (run.folder / "checkpoint.safetensors").read_bytes() == before
    assert "all 1 epochs are done already" in capsys.readouterr().err


def test_a_run_that_stopped_early_stays_as_it_is(train):
    text = HEAD + DENSE + TAIL
    overrides = {**CALLBACKS, "train.epochs": 12}
    run = train(text, overrides, "it")
    before = content(run)[0]
    epochs = len(run.history["loss"])
    again = train(text, overrides, "it", resume=True)
    assert len(again.history["loss"]) == epochs
    for name, array in content(again)[0].items():
        np.testing.assert_array_equal(before[name], array, err_msg=name)


def test_the_newest_run_is_resumed_where_none_is_named(zoo_root):
    (zoo_root / "m.toml").write_text(HEAD + CONV + TAIL)
    options = {"zoo": zoo_root, "quiet": True}
    first = zoo.train(zoo_root / "m.toml", {"train.epochs": 1}, **options)
    second = zoo.train(zoo_root / "m.toml", {"train.epochs": 1}, **options)
    resumed = zoo.train(zoo_root / "m.toml", {"train.epochs": 2}, resume=True, **options)
    assert resumed.folder == second.folder != first.folder
    assert len(resumed.history["loss"]) == 2


def test_where_there_is_no_run_none_is_resumed(zoo_root):
    (zoo_root / "m.toml").write_text(HEAD + CONV + TAIL)
    with pytest.raises(StorageError, match="there is no run of m to resume in"):
        zoo.train(zoo_root / "m.toml", zoo=zoo_root, resume=True)
    with pytest.raises(StorageError, match="there is no run in .*nowhere to resume"):
        zoo.train(zoo_root / "m.toml", zoo=zoo_root, resume=True, folder=zoo_root / "nowhere")


def with_metadata(run, **changes):
    """Changes what a checkpoint says of itself."""
    tensors, metadata = content(run)
    (run.folder / "checkpoint.safetensors").write_bytes(encode(tensors, metadata | changes))


def test_a_resume_under_other_conditions_says_which(train, capsys):
    text = HEAD + CONV + TAIL
    run = train(text, {"train.epochs": 1}, "it")
    conditions = json.loads(content(run)[1]["conditions"])
    with_metadata(run, conditions=json.dumps({**conditions, "Keras": "3.0", "threads": "9"}))
    capsys.readouterr()
    train(text, {"train.epochs": 2}, "it", resume=True)
    said = capsys.readouterr().err
    assert "the results may differ in the last bits: its checkpoint is of Keras 3.0, now " in said
    assert "; threads 9, now " in said
    assert "TensorFlow" not in said
    assert "may differ" in (run.folder / "log.txt").read_text()


def test_a_resume_under_the_same_conditions_says_nothing(train, capsys):
    text = HEAD + CONV + TAIL
    train(text, {"train.epochs": 1}, "it")
    capsys.readouterr()
    train(text, {"train.epochs": 2}, "it", resume=True)
    assert "may differ" not in capsys.readouterr().err


def test_what_a_checkpoint_cannot_keep_of_a_callback_is_named(train, make_distribution, capsys):
    module = (
        "import collections, keras\n"
        "class Hoarder(keras.callbacks.Callback):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.seen = collections.deque()\n"
        "        self.count = 0\n"
    )
    entry_points = {"zoo.callbacks": {"Hoarder": "hoarder_mod:Hoarder"}}
    make_distribution("zoo-hoarder", entry_points, {"hoarder_mod.py": module})
    text, callbacks = HEAD + CONV + TAIL, [{"type": "Hoarder"}]
    train(text, {"train.epochs": 1, "train.callbacks": callbacks}, "it")
    capsys.readouterr()
    train(text, {"train.epochs": 2, "train.callbacks": callbacks}, "it", resume=True)
    said = capsys.readouterr().err
    assert "the results may differ: a checkpoint cannot keep" in said
    assert "seen" in said
    assert "count" not in said


def test_a_run_of_another_graph_is_not_resumed(train):
    text = HEAD + CONV + TAIL
    run = train(text, {"train.epochs": 1}, "it")
    facts = run.facts
    facts["graph"]["nodes"]["conv"]["arguments"]["activation"] = "relu"
    run.write_facts(graph=facts["graph"])
    with pytest.raises(RegistryError, match="node conv: arguments: activation: relu became") as e:
        train(text, {"train.epochs": 2}, "it", resume=True)
    assert "install the versions that its run.json names" in e.value.findings[0].suggestion


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_a_disk_that_is_full_at_a_checkpoint_costs_that_epoch_alone(train, monkeypatch, loop):
    text = HEAD + CONV + TAIL
    whole = train(text, {"train.loop": loop, "train.epochs": 3}, "whole")
    written = []

    def full_at_the_second(path, data):
        if path.name == "checkpoint.safetensors":
            written.append(path)
            if len(written) == 2:
                raise files.file_error("write", path, OSError(errno.ENOSPC, "No space left"))
        files.write_atomically(path, data)

    monkeypatch.setattr("zoo.runtime.checkpoint.write_atomically", full_at_the_second)
    with pytest.raises(StorageError, match="No space left") as caught:
        train(text, {"train.loop": loop, "train.epochs": 3}, "half")
    assert caught.value.exit_status == 4
    assert "zoo gc" in caught.value.findings[0].suggestion
    monkeypatch.undo()
    resumed = train(text, {"train.loop": loop, "train.epochs": 3}, "half", resume=True)
    assert_identical(resumed, whole)
