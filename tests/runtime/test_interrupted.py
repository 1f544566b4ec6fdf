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
from zoo.errors import Stopped
from zoo.registry.tensors import decode

CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "drop"
type = "Dropout"
rate = 0.3
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "mse"
[data]
type = "synthetic"
x_shape = [4]
y_shape = [2]
samples = 64
validation_samples = 8
test_samples = 0
[train]
epochs = 200000
batch_size = 16
seed = 7
jit_compile = false
"""


def start(root, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "train", "m.toml", "--run", "run", *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def wait_for_epochs(process, run, count=3):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        history = run / "history.json"
        if history.exists() and len(json.loads(history.read_text())["loss"]) >= count:
            return
        time.sleep(0.02)
    pytest.fail("the training did not come to its epochs")


def assert_goes_on(root, config):
    """Resumes in-process to a little further, and compares with a training without a break."""
    before = decode((root / "run/checkpoint.safetensors").read_bytes(), "it")
    epochs = int(before.metadata["epoch"]) + 2
    options = {"zoo": root, "quiet": True}
    resumed = zoo.train(
        config, {"train.epochs": epochs}, folder=root / "run", resume=True, **options
    )
    whole = zoo.train(root / "m.toml", {"train.epochs": epochs}, folder=root / "whole", **options)
    assert resumed.history == whole.history
    expected = whole.weights()
    for path, array in resumed.weights().items():
        np.testing.assert_array_equal(array, expected[path], err_msg=path)


@pytest.fixture
def root(zoo_root):
    (zoo_root / "m.toml").write_text(CONFIG)
    return zoo_root


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="INT"),
        pytest.param(signal.SIGTERM, 143, id="TERM", marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_at_the_next_batch_and_tells_how_to_go_on(root, number, status):
    process = start(root, "--json")
    wait_for_epochs(process, root / "run")
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
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
    assert_goes_on(root, hint[1])


def test_a_killed_training_goes_on_after_its_last_whole_epoch(root):
    process = start(root, "--quiet")
    wait_for_epochs(process, root / "run")
    process.kill()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert_goes_on(root, root / "m.toml")


STOPPER = """
import keras, os, signal
class Stopper(keras.callbacks.Callback):
    def __init__(self, number, at):
        super().__init__()
        self.number, self.at = number, at
    def on_train_batch_begin(self, batch, logs=None):
        self.at -= 1
        if self.at == 0:
            os.kill(os.getpid(), self.number)
"""


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_a_stop_inside_an_epoch_keeps_the_epochs_before(root, make_distribution, loop):
    make_distribution(
        "zoo-stopper",
        {"zoo.callbacks": {"Stopper": "stopper_mod:Stopper"}},
        {"stopper_mod.py": STOPPER},
    )
    table = {"type": "Stopper", "number": int(signal.SIGTERM), "at": 11}
    overrides = {"train.epochs": 4, "train.loop": loop, "train.callbacks": [table]}
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="stopped by SIGTERM") as caught:
        zoo.train(root / "m.toml", overrides, zoo=root, folder=root / "run", quiet=True)
    assert caught.value.exit_status == 143
    assert signal.getsignal(signal.SIGTERM) is before
    # Four batches an epoch: the eleventh is in the third.
    content = decode((root / "run/checkpoint.safetensors").read_bytes(), "it")
    assert content.metadata["epoch"] == "2"
    assert len(json.loads((root / "run/history.json").read_text())["loss"]) == 2
    assert "stopped" in (root / "run/log.txt").read_text()


def test_a_stop_before_the_first_epoch_leaves_a_run_that_begins_anew(root, make_distribution):
    make_distribution(
        "zoo-stopper",
        {"zoo.callbacks": {"Stopper": "stopper_mod:Stopper"}},
        {"stopper_mod.py": STOPPER},
    )
    table = {"type": "Stopper", "number": int(signal.SIGINT), "at": 2}
    overrides = {"train.epochs": 2, "train.callbacks": [table]}
    with pytest.raises(Stopped, match="stopped by SIGINT"):
        zoo.train(root / "m.toml", overrides, zoo=root, folder=root / "run", quiet=True)
    assert not (root / "run/checkpoint.safetensors").exists()
    table["at"] = 1000
    with pytest.raises(zoo.ConfigError, match="train changed"):
        zoo.train(root / "m.toml", overrides, zoo=root, folder=root / "run", resume=True)
    plain = zoo.train(root / "m.toml", {"train.epochs": 2}, zoo=root, folder=root / "b", quiet=True)
    assert len(plain.history["loss"]) == 2
