"""Models without metrics on gradients are trained, published and used on JAX and PyTorch too."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest

import zoo
from tests.processes import python

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [6, 2] }]
layers = [
    { name = "conv", type = "Conv1D", filters = 4, kernel_size = 3 },
    { name = "norm", type = "BatchNormalization" },
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "flat", type = "Flatten" },
    { name = "y", type = "Dense", units = 2 },
]
loss = "by_size"
metrics = [{ type = "MeanAbsoluteError", name = "mae" }]
optimizer = { type = "Adam", learning_rate = 0.02 }
data = { type = "synthetic", x_shape = [6, 2], y_shape = [2], samples = 18, validation_samples = 6 }
train = { epochs = 4, batch_size = 4, seed = 7 }
"""

PLUGIN = """
import keras
from keras import ops


def by_size(y_true, y_pred, x):
    size = ops.mean(ops.square(x), axis=(1, 2))
    return ops.mean(ops.square(y_true - y_pred), axis=-1) * (1 + size)


class Norm(keras.metrics.Mean):
    def update_state(self, gradients):
        super().update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in gradients)))
"""

ENTRY_POINTS = {
    "zoo.losses": {"by_size": "strange_parts:by_size"},
    "zoo.metrics": {"norm": "strange_parts:Norm"},
}

# All commands in one process: a backend takes its time to start.
PROGRAM = """
import json, sys
from typer.testing import CliRunner
from zoo.cli.app import app
done = []
for words in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, words)
    done.append([result.exit_code, result.stdout, result.stderr])
print("DONE" + json.dumps(done))
"""


@pytest.fixture(params=["jax", "torch"])
def on_backend(request, zoo_root, make_distribution):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    make_distribution("zoo-strange", ENTRY_POINTS, {"strange_parts.py": PLUGIN})
    (zoo_root / "m.toml").write_text(CONFIG)

    def on_backend(*commands):
        printed = python("-c", PROGRAM, json.dumps(commands), KERAS_BACKEND=request.param)
        return json.loads(printed.split("DONE")[1])

    on_backend.name = request.param
    return on_backend


@pytest.mark.slow  # TensorFlow and another backend both start
def test_a_model_is_trained_resumed_published_and_used(on_backend, zoo_root):
    x = np.random.default_rng(3).normal(size=(5, 6, 2)).astype("float32")
    np.save("x.npy", x)
    done = on_backend(
        ["build", "m.toml", "--json"],
        ["train", "m.toml", "--run", "whole", "--json", "--quiet"],
        ["train", "m.toml", "--run", "half", "--set", "train.epochs=2", "--quiet"],
        ["train", "m.toml", "--run", "half", "--resume", "--json", "--quiet"],
        ["publish", "whole", "--json"],
        ["predict", "m@1", "x.npy", "-o", "there.npy"],
        ["evaluate", "m@1", "--json"],
    )
    assert [status for status, _, _ in done] == [0] * 7, done
    whole, half = json.loads(done[1][1])["history"], json.loads(done[3][1])["history"]
    assert whole["loss"][-1] < whole["loss"][0]
    assert half == whole
    # What is published there gives the same here, on TensorFlow.
    loaded = zoo.load("m@1")
    here = np.asarray(loaded.predict(x, verbose=0))
    np.testing.assert_allclose(np.load("there.npy"), here, rtol=1e-5, atol=1e-5)
    assert json.loads(done[0][1])["fingerprint"] == zoo.open_registry().find("m@1").fingerprint


@pytest.mark.slow  # TensorFlow and another backend both start
def test_a_version_made_on_tensorflow_predicts_the_same(on_backend, zoo_root):
    x = np.random.default_rng(4).normal(size=(5, 6, 2)).astype("float32")
    np.save("x.npy", x)
    zoo.train("m.toml", {"train.epochs": 2}, quiet=True).publish()
    here = np.asarray(zoo.load("m@1").predict(x, verbose=0))
    ((status, _, err),) = on_backend(["predict", "m@1", "x.npy", "-o", "there.npy"])
    assert status == 0, err
    np.testing.assert_allclose(np.load("there.npy"), here, rtol=1e-5, atol=1e-5)


@pytest.mark.slow  # TensorFlow and another backend both start
def test_what_needs_tensorflow_says_so(on_backend, zoo_root):
    metric = ["--set", 'metrics=[{type = "norm"}]']
    done = on_backend(
        ["build", "m.toml", *metric],
        ["train", "m.toml", "--set", 'train.loop="gradient_tape"', "--run", "it", "--quiet"],
        ["train", "m.toml", "--set", 'train.strategy="mirrored"', "--quiet"],
    )
    wanted = [
        f"\"norm\" asks for gradients; on '{on_backend.name}' there are none",
        f"the loop \"gradient_tape\" is of TensorFlow; Keras runs on '{on_backend.name}'",
        f"the strategy 'mirrored' is of TensorFlow; Keras runs on '{on_backend.name}'",
    ]
    for (status, _, err), message in zip(done, wanted, strict=True):
        assert status == 2, err
        assert message in err
        assert "set KERAS_BACKEND=tensorflow" in err
