"""Trainings that are killed, stopped or hung up on leave a run that goes on where it was."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import zoo
from tests import warm
from tests.processes import LEAN
from tests.runs import differences
from zoo.errors import Stopped
from zoo.runs import open_run

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.01, momentum = 0.9 }
data = { type = "synthetic", x_shape = [4], y_shape = [2], samples = 64, validation_samples = 8 }
train = { epochs = 200000, batch_size = 16, seed = 7, jit_compile = false }
"""


COMMAND = [sys.executable, "-m", "zoo", "train", "m.toml", "--run", "run"]


def wait_for_epochs(process, run, count=3):
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        assert process.poll() is None, "the training ended by itself"
        history = run / "history.json"
        if history.exists() and len(json.loads(history.read_text())["loss"]) >= count:
            return
        time.sleep(0.02)
    pytest.fail("the training did not come to its epochs")


@pytest.fixture
def train(training_of):
    return training_of(CONFIG)


@pytest.fixture
def root(train, zoo_root):
    return zoo_root


def assert_goes_on(root, config):
    """Resumes in-process to a little further, as a training without a break, which it gives."""
    epochs = int(open_run(root / "run").checkpoint().metadata["epoch"]) + 2
    overrides, options = {"train.epochs": epochs}, {"zoo": root, "quiet": True}
    resumed = zoo.train(config, overrides, folder=root / "run", resume=True, **options)
    whole = zoo.train(root / "m.toml", overrides, folder=root / "whole", **options)
    assert resumed.history == whole.history
    expected = whole.weights()
    for path, array in resumed.weights().items():
        np.testing.assert_array_equal(array, expected[path], err_msg=path)
    return whole


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="INT"),
        pytest.param(signal.SIGTERM, 143, id="TERM", marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_at_the_next_batch_and_tells_how_to_go_on(root, number, status):
    # A fresh interpreter, for what it inherits of signals and for another order of its sets.
    process = subprocess.Popen(
        [*COMMAND, "--json"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "123",
            "PYTHONPATH": str(LEAN),
        },
    )
    wait_for_epochs(process, root / "run")
    process.send_signal(number)
    out, err = process.communicate(timeout=600)
    assert process.returncode == status
    assert f"stopped by {number.name}" in err
    hint = re.search(r"go on with: zoo train (\S+) --resume --run (\S+)", err)
    assert hint is not None, err
    assert hint[2] == f"{root}/run"
    assert "Traceback" not in err
    document = json.loads(out)
    assert document["ok"] is False
    assert document["errors"][0]["code"] == "stopped"
    facts = json.loads((root / "run/run.json").read_text())
    assert facts["status"] == "stopped"
    assert facts["epochs"] >= 3
    whole = assert_goes_on(root, hint[1])
    assert facts["fingerprint"] == whole.facts["fingerprint"]


def test_a_killed_training_goes_on_after_its_last_whole_epoch(root):
    process = warm.Popen([*COMMAND, "--quiet"], cwd=root)
    wait_for_epochs(process, root / "run")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert_goes_on(root, root / "m.toml")


STOPPER = """
import keras, os, signal
class Stopper(keras.callbacks.Callback):
    def __init__(self, number):
        super().__init__()
        self.number, self.seen = number, 0
    def on_train_batch_begin(self, batch, logs=None):
        self.seen += 1
        if str(self.seen) == os.environ.get("STOP_AT"):
            os.kill(os.getpid(), self.number)
"""


@pytest.fixture
def stopper(make_distribution):
    """A callback that sends a signal at the batch that `STOP_AT` names."""
    entry_points = {"zoo.callbacks": {"Stopper": "stopper_mod:Stopper"}}
    make_distribution("zoo-stopper", entry_points, {"stopper_mod.py": STOPPER})
    return lambda number: {"type": "Stopper", "number": int(number)}


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_a_stop_inside_an_epoch_keeps_the_epochs_before(root, train, stopper, monkeypatch, loop):
    monkeypatch.setenv("STOP_AT", "11")
    callbacks = [stopper(signal.SIGTERM)]
    overrides = {"train.epochs": 4, "train.loop": loop, "train.callbacks": callbacks}
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="stopped by SIGTERM") as caught:
        train(overrides)
    assert caught.value.exit_status == 143
    assert signal.getsignal(signal.SIGTERM) is before
    # Four batches an epoch: the eleventh is in the third.
    assert open_run(root / "run").checkpoint().metadata["epoch"] == "2"
    assert len(json.loads((root / "run/history.json").read_text())["loss"]) == 2
    assert "stopped" in (root / "run/log.txt").read_text()


def test_a_stop_before_the_first_epoch_leaves_a_run_that_begins_anew(
    root, train, stopper, monkeypatch
):
    overrides = {"train.epochs": 2, "train.callbacks": [stopper(signal.SIGINT)]}
    monkeypatch.setenv("STOP_AT", "2")
    with pytest.raises(Stopped, match="stopped by SIGINT"):
        train(overrides)
    assert not (root / "run/checkpoint.safetensors").exists()
    with pytest.raises(zoo.ConfigError, match="train changed"):
        train({"train.epochs": 2}, resume=True)
    monkeypatch.delenv("STOP_AT")
    resumed = train(overrides, resume=True)
    assert len(resumed.history["loss"]) == 2
    assert differences(resumed, train(overrides, "whole")) == []
