"""A resumed training is the uninterrupted one, bit for bit."""

from __future__ import annotations

import errno
import functools
import json
import shutil

import numpy as np
import pytest

import zoo
from tests.marks import keras_gives_arrays
from tests.runs import differences
from zoo import files
from zoo.errors import ConfigError, RegistryError, Stopped, StorageError
from zoo.registry.tensors import encode
from zoo.runs import open_run

pytestmark = keras_gives_arrays

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "norm", type = "BatchNormalization" },
    { name = "drop", type = "Dropout", rate = 0.4 },
    { name = "noise", type = "GaussianNoise", stddev = 0.1 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.02, momentum = 0.9 }
data = { type = "synthetic", x_shape = [4], y_shape = [2], samples = 18, validation_samples = 6 }
train = { epochs = 4, batch_size = 4, seed = 7, jit_compile = false }
"""
ADAM = {"type": "Adam", "learning_rate": 0.02}
LOOPS = {
    "fit": {"train.loop": "fit", "optimizer": ADAM},
    "gradient_tape": {"train.loop": "gradient_tape"},
}

# No epoch improves by that much, so that both count from the first epoch on.
WATCH = {"monitor": "val_loss", "min_delta": 100.0}
CALLBACKS = [
    {"type": "ReduceLROnPlateau", "patience": 2, "factor": 0.5, **WATCH},
    {"type": "EarlyStopping", "patience": 4, "restore_best_weights": True, **WATCH},
]

STOPPER = """
import os, signal, keras
class Stopper(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == int(os.environ.get("STOP_IN_EPOCH", "-1")):
            os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.fixture
def train(training_of):
    return training_of(CONFIG)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trains once for all tests that hold another run against this one, or go on from it."""
    root = tmp_path_factory.mktemp("trained")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)

    @functools.cache
    def trained(loop=None, epochs=4):
        overrides = {**LOOPS.get(loop, {}), "train.epochs": epochs}
        folder = root / f"{loop}-{epochs}"
        return zoo.train(root / "m.toml", overrides, zoo=root, folder=folder, quiet=True)

    return trained


@pytest.fixture
def one_epoch(trained, train, zoo_root):
    """A run of one epoch, which `train` goes on with."""
    shutil.copytree(trained(epochs=1).folder, zoo_root / "run")
    return open_run(zoo_root / "run")


@pytest.mark.parametrize("loop", LOOPS)
def test_a_resumed_run_equals_the_uninterrupted_one_and_says_nothing(train, trained, loop, capsys):
    half = train({**LOOPS[loop], "train.epochs": 2})
    assert len(half.history["loss"]) == 2
    capsys.readouterr()
    resumed = train(LOOPS[loop], resume=True)
    assert "may differ" not in capsys.readouterr().err
    assert len(resumed.history["loss"]) == 4
    assert differences(resumed, trained(loop)) == []


def test_callbacks_go_on_with_what_they_remember(train, make_distribution, monkeypatch):
    entry_points = {"zoo.callbacks": {"Stopper": "stopper_mod:Stopper"}}
    make_distribution("zoo-stopper", entry_points, {"stopper_mod.py": STOPPER})
    callbacks = [*CALLBACKS, {"type": "Stopper"}]
    overrides = {"train.callbacks": callbacks, "train.epochs": 12}
    whole = train(overrides, "whole")
    rates = whole.history["learning_rate"]
    assert len(rates) == 5, "EarlyStopping did not stop where it should"
    assert [round(rates[0] / rate) for rate in rates] == [1, 1, 1, 2, 2]
    monkeypatch.setenv("STOP_IN_EPOCH", "2")
    with pytest.raises(Stopped, match="SIGTERM"):
        train(overrides, "half")
    monkeypatch.delenv("STOP_IN_EPOCH")
    assert differences(train(overrides, "half", resume=True), whole) == []


def test_a_callback_that_counts_improvements_counts_them_alike(train, capsys):
    # `min_delta` decides whether each small step is an improvement, in either direction.
    table = {"type": "EarlyStopping", "monitor": "loss", "patience": 2, "min_delta": 1e-3}
    overrides = {"train.callbacks": [table], "train.epochs": 8, "train.loop": "gradient_tape"}
    overrides |= {"optimizer.learning_rate": 1e-4, "data.validation_samples": 0}
    whole = train(overrides, "whole", quiet=False)
    done = len(whole.history["loss"])
    assert 2 < done < 8, "nothing was counted"
    assert f"the training ended by itself after {done} of 8 epochs" in capsys.readouterr().err
    train({**overrides, "train.epochs": 1}, "half")
    assert differences(train(overrides, "half", resume=True), whole) == []


def test_a_changed_config_is_not_resumed(train, one_epoch):
    run = one_epoch
    before = run.checkpoint_path.read_bytes()
    changed = {"layers.drop.rate": 0.5, "optimizer.learning_rate": 0.5}
    with pytest.raises(ConfigError, match="layers, optimizer changed") as caught:
        train(changed, resume=True)
    assert "--resume --run" in caught.value.findings[0].suggestion
    assert run.checkpoint_path.read_bytes() == before


def test_a_finished_run_stays_as_it_is(train, one_epoch, capsys):
    run = one_epoch
    before = run.checkpoint_path.read_bytes()
    again = train({"train.epochs": 1}, resume=True)
    assert again.history == run.history
    assert run.checkpoint_path.read_bytes() == before
    assert "all 1 epochs are done already" in capsys.readouterr().err


def test_a_run_that_stopped_early_stays_as_it_is(train):
    overrides = {"train.callbacks": CALLBACKS, "train.epochs": 12}
    run = train(overrides)
    before, epochs = run.checkpoint().tensors, len(run.history["loss"])
    assert epochs < 12
    again = train(overrides, resume=True)
    assert len(again.history["loss"]) == epochs
    for name, array in again.checkpoint().tensors.items():
        np.testing.assert_array_equal(before[name], array, err_msg=name)


def test_the_newest_run_is_resumed_where_none_is_named(train):
    second = train({"train.epochs": 1}, None)
    shutil.copytree(second.folder, second.folder.with_name("20010101-000000"))
    resumed = train({"train.epochs": 2}, None, resume=True)
    assert resumed.folder == second.folder
    assert len(resumed.history["loss"]) == 2


def test_where_there_is_no_run_none_is_resumed(train):
    with pytest.raises(StorageError, match="there is no run of m to resume in"):
        train(folder=None, resume=True)
    with pytest.raises(StorageError, match="there is no run in .*nowhere to resume"):
        train(folder="nowhere", resume=True)


def test_a_resume_under_other_conditions_says_which(train, one_epoch, capsys):
    run = one_epoch
    tensors, metadata = run.checkpoint().tensors, dict(run.checkpoint().metadata)
    conditions = {**json.loads(metadata["conditions"]), "Keras": "3.0", "threads": "9"}
    metadata["conditions"] = json.dumps(conditions)
    run.checkpoint_path.write_bytes(encode(tensors, metadata))
    capsys.readouterr()
    train({"train.epochs": 2}, resume=True)
    said = capsys.readouterr().err
    assert "the results may differ in the last bits: its checkpoint is of Keras 3.0, now " in said
    assert "; threads 9, now " in said
    assert "TensorFlow" not in said
    assert "may differ" in (run.folder / "log.txt").read_text()


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
    callbacks = [{"type": "Hoarder"}]
    train({"train.epochs": 1, "train.callbacks": callbacks})
    capsys.readouterr()
    train({"train.epochs": 2, "train.callbacks": callbacks}, resume=True)
    said = capsys.readouterr().err
    assert "the results may differ: a checkpoint cannot keep" in said
    assert "seen" in said
    assert "count" not in said


def test_a_run_of_another_graph_is_not_resumed(train, one_epoch):
    run = one_epoch
    facts = run.facts
    facts["graph"]["nodes"]["y"]["arguments"]["activation"] = "relu"
    run.write_facts(graph=facts["graph"])
    with pytest.raises(RegistryError, match="node y: arguments: activation: relu became") as e:
        train({"train.epochs": 2}, resume=True)
    assert "install the versions that its run.json names" in e.value.findings[0].suggestion


def test_a_disk_that_is_full_at_a_checkpoint_costs_that_epoch_alone(train, trained, monkeypatch):
    written = []

    def full_at_the_second(path, data):
        if path.name == "checkpoint.safetensors":
            written.append(path)
            if len(written) == 2:
                raise files.file_error("write", path, OSError(errno.ENOSPC, "No space left"))
        files.write_atomically(path, data)

    with monkeypatch.context() as patch:
        patch.setattr("zoo.runtime.checkpoint.write_atomically", full_at_the_second)
        with pytest.raises(StorageError, match="No space left") as caught:
            train(LOOPS["fit"])
    assert caught.value.exit_status == 4
    assert "zoo gc" in caught.value.findings[0].suggestion
    resumed = train(LOOPS["fit"], resume=True)
    assert differences(resumed, trained("fit")) == []
