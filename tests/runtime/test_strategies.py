"""Several devices and several processes train one model, as one process alone does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo.errors import ConfigError
from zoo.registry.tensors import decode
from zoo.runtime.workers import Worker, this_worker

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# 19 samples in batches of 8: the last batch has 3, an odd number; of 17 validation samples, 1.
CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [6]
[[layers]]
name = "hidden"
type = "Dense"
units = 5
activation = "tanh"
kernel_regularizer = { type = "L2", l2 = 0.01 }
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "by_size"
[[metrics]]
type = "norm"
[[metrics]]
type = "MeanAbsoluteError"
name = "mae"
[optimizer]
type = "Adam"
learning_rate = 0.02
[data]
type = "synthetic"
x_shape = [6]
y_shape = [2]
samples = 19
validation_samples = 17
test_samples = 0
[train]
epochs = 4
batch_size = 8
seed = 7
jit_compile = false
callbacks = ["Killer"]
"""

PLUGIN = """
import json, os, signal
import keras
from keras import ops


def by_size(y_true, y_pred, x):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * (1 + ops.mean(ops.square(x), axis=-1))


class Norm(keras.metrics.Mean):
    def update_state(self, gradients):
        super().update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients)))


class Killer(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        rank = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {}).get("index")
        if os.environ.get("KILL") == f"worker {rank} in epoch {epoch}":
            if (mark := os.environ.get("KILLED")) is not None:  # once, whoever begins again
                if os.path.exists(mark):
                    return
                open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
"""

ENTRY_POINTS = {
    "zoo.losses": {"by_size": "strange_parts:by_size"},
    "zoo.metrics": {"norm": "strange_parts:Norm"},
    "zoo.callbacks": {"Killer": "strange_parts:Killer"},
}

# Logical devices can only be made before TensorFlow starts.
ON_TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import zoo.cli
zoo.cli.main()
"""


@pytest.fixture
def config(zoo_root, make_distribution):
    make_distribution("zoo-strange", ENTRY_POINTS, {"strange_parts.py": PLUGIN})
    path = zoo_root / "m.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def start(config):
    started = []

    def start(folder, *arguments, program=("-m", "zoo"), strategy, **environment):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        environment["CUDA_VISIBLE_DEVICES"] = ""
        wish = f'train.strategy="{strategy}"'
        command = ["train", str(config), "--set", wish, "--run", str(folder), "--json", "--quiet"]
        process = subprocess.Popen(
            [sys.executable, *program, *command, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def start_workers(start):
    def start_workers(folder, *arguments, **environment):
        addresses = [f"localhost:{port}" for port in free_ports(2)]
        cluster = {"worker": addresses}
        tasks = [{"type": "worker", "index": index} for index in range(2)]
        configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
        return [
            start(folder, *arguments, strategy="multi_worker", TF_CONFIG=c, **environment)
            for c in configs
        ]

    return start_workers


def free_ports(count):
    with_sockets = [socket.socket() for _ in range(count)]
    for one in with_sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in with_sockets]
    for one in with_sockets:
        one.close()
    return ports


def ended(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out)


def variables(folder):
    tensors = decode((folder / "checkpoint.safetensors").read_bytes(), "it").tensors
    return {name: array for name, array in tensors.items() if array.dtype.kind == "f"}


def assert_alike(folder, alone, rtol):
    history = json.loads((folder / "history.json").read_text())
    assert history.keys() == alone.history.keys()
    for name, values in alone.history.items():
        np.testing.assert_allclose(history[name], values, rtol=rtol, err_msg=name)
    expected = variables(alone.folder)
    assert variables(folder).keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(
            variables(folder)[name], array, rtol=rtol, atol=1e-7, err_msg=name
        )


@pytest.mark.slow  # two processes start, three times over
def test_two_workers_train_as_one_process_and_a_killed_one_is_resumed(
    config, start_workers, zoo_root
):
    alone = zoo.train(config, folder=zoo_root / "alone", quiet=True)
    lead, helper = [ended(process) for process in start_workers(zoo_root / "two")]
    assert_alike(zoo_root / "two", alone, 1e-6)
    assert helper["history"] == lead["history"]
    assert helper["run"] is None
    assert sorted(path.name for path in zoo_root.iterdir() if path.is_dir()) == ["alone", "two"]

    folder = zoo_root / "killed"
    processes = start_workers(folder, KILL="worker 1 in epoch 2")
    assert processes[1].wait(timeout=300) == -9
    _, err = processes[0].communicate(timeout=300)
    assert processes[0].returncode == 6
    assert "another worker is gone" in err
    assert "start all of them again with --resume" in err
    assert len(json.loads((folder / "history.json").read_text())["loss"]) == 2
    for process in start_workers(folder, "--resume"):
        ended(process)
    assert variables(folder).keys() == variables(zoo_root / "two").keys()
    for name, array in variables(zoo_root / "two").items():
        np.testing.assert_array_equal(variables(folder)[name], array, err_msg=name)


@pytest.mark.slow  # Ray starts, and two of its processes: twice, and once more after the kill
@pytest.mark.parametrize("rank", [0, 1])
def test_workers_that_ray_places_train_as_one_process_and_begin_again_after_a_kill(
    config, start, zoo_root, rank
):
    pytest.importorskip("ray")
    alone = zoo.train(config, folder=zoo_root / "alone", quiet=True)
    two = {"strategy": "multi_worker"}
    whole = ended(start(zoo_root / "two", "--workers", "2", **two))
    assert whole["run"] == str(zoo_root / "two")
    assert_alike(zoo_root / "two", alone, 1e-6)

    folder, mark = zoo_root / "killed", zoo_root / "mark"
    kill = {"KILL": f"worker {rank} in epoch 2", "KILLED": str(mark)}
    process = start(folder, "--workers", "2", "--publish", **two, **kill)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err[-3000:]
    assert mark.exists()
    assert "all 2 workers begin again after the last checkpoint (1 of at most 3 times)" in err
    assert json.loads(out)["history"] == whole["history"]
    assert json.loads(out)["published"] == "m@1.0.0"
    for name, array in variables(zoo_root / "two").items():
        np.testing.assert_array_equal(variables(folder)[name], array, err_msg=name)


@pytest.mark.slow  # Ray starts, and two of its processes
def test_what_is_wrong_in_a_worker_of_ray_ends_the_command_as_it_would_without(
    config, start, zoo_root
):
    pytest.importorskip("ray")
    np.savez(zoo_root / "d.npz", x=np.full((8, 6), np.nan, "float32"), y=np.ones((8, 2), "float32"))
    data = ("--set", 'data={type="npz", path="d.npz"}')
    found = []
    for options in (("--workers", "2"), ("--set", 'train.strategy="mirrored"')):
        process = start(zoo_root / "run", *data, *options, strategy="multi_worker")
        out, _ = process.communicate(timeout=600)
        found.append((process.returncode, json.loads(out)["errors"]))
    assert found[0] == found[1]
    assert found[0][0] == 6


@pytest.mark.slow  # a process that starts TensorFlow, twice
def test_two_devices_of_one_process_train_as_one_and_go_on_from_a_checkpoint(
    config, start, zoo_root
):
    alone = zoo.train(config, folder=zoo_root / "alone", quiet=True)
    program = ("-c", ON_TWO_DEVICES)
    half = ("--set", "train.epochs=2")
    ended(start(zoo_root / "two", *half, program=program, strategy="mirrored"))
    ended(start(zoo_root / "two", "--resume", program=program, strategy="mirrored"))
    assert_alike(zoo_root / "two", alone, 1e-6)


@pytest.mark.slow  # XLA is off under a strategy: half a minute
def test_one_device_is_a_strategy_of_one(config, zoo_root):
    alone = zoo.train(config, folder=zoo_root / "alone", quiet=True)
    overrides = {"train.strategy": "mirrored"}
    one = zoo.train(config, overrides, folder=zoo_root / "one", quiet=True)
    assert one.history == alone.history


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"train.jit_compile": True}, 'works without XLA: leave `jit_compile` at "auto"'),
        ({"train.jit_compile": "measure"}, "works without XLA"),
        ({"train.steps_per_execution": 2}, "works with `steps_per_execution = 1` alone"),
        ({"train.loop": "gradient_tape"}, "brings its own loop: leave `loop` out"),
        ({"train.strategy": "many"}, "'many' is not one of mirrored, multi_worker"),
    ],
)
def test_what_a_strategy_cannot_do_is_said_by_the_check(config, overrides, message):
    findings = zoo.check(config, {"train.strategy": "mirrored", **overrides})
    assert [finding.code for finding in findings] == ["bad-value"]
    assert message in findings[0].message


def test_a_loss_that_is_no_mean_is_refused(config, zoo_root):
    loss = {"type": "MeanSquaredError", "reduction": "sum"}
    with pytest.raises(ConfigError, match="needs losses that are means over the samples"):
        zoo.train(config, {"train.strategy": "mirrored", "loss": loss}, folder=zoo_root / "it")
    assert not (zoo_root / "it").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "TF_CONFIG is not set"),
        ("{", "TF_CONFIG cannot be read: JSONDecodeError"),
        ("{}", "TF_CONFIG cannot be read: KeyError: 'cluster'"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "its task is worker 1, its cluster has worker 0",
        ),
        (
            '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
            "'worker' is not a list of addresses",
        ),
    ],
)
def test_workers_that_nobody_named_are_an_error(config, zoo_root, monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ConfigError, match="TF_CONFIG") as caught:
        zoo.train(config, {"train.strategy": "multi_worker"}, folder=zoo_root / "it")
    (finding,) = caught.value.findings
    assert message in finding.message
    assert "start every process with its own TF_CONFIG" in finding.suggestion
    assert not (zoo_root / "it").exists()


def test_a_chief_is_the_first_of_the_workers(monkeypatch):
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert this_worker() == Worker(2, 3)


@pytest.mark.parametrize("size", range(8))
def test_the_workers_share_every_place_once(size):
    shares = [range(*Worker(rank, 3).part(10, 10 + size)) for rank in range(3)]
    assert [place for share in shares for place in share] == list(range(10, 10 + size))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
