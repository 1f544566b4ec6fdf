"""A resolved model as a list of keys and values, for a person to read."""

from collections.abc import Callable
from pathlib import Path

from tests.candidates import a_candidate
from zoo.registry.publishing import publish
from zoo.resolve import ResolvedModel
from zoo.resolve.settings import settings
from zoo.workspace import Workspace

Model = Callable[..., ResolvedModel]

EVERYTHING = """
zoo = 1
name = "everything"
description = "Uses each part of the form once."
outputs = ["dense", "again"]
[[inputs]]
name = "x"
shape = ["any", 5]
dtype = "float32"
[[inputs]]
name = "z"
shape = [2]
[[layers]]
type = "LSTM"
inputs = "x"
units = 2
kernel_regularizer = { type = "L2", l2 = 0.5 }
[[layers]]
name = "dense"
type = "Dense"
units = 1
trainable = false
[[layers]]
name = "again"
shared_with = "dense"
inputs = "z"
[losses]
dense = "mse"
[losses.again]
type = "Huber"
delta = 2
[loss_weights]
dense = 2
[[metrics]]
name = "error"
type = "any_metric"
output = "dense"
needs = { weight = "z" }
[data]
type = "npz"
path = "x.npz"
[train]
epochs = 3
log = ["csv"]
[train.loop]
type = "gradient_tape"
[[train.callbacks]]
type = "EarlyStopping"
patience = 2
[[evaluate]]
type = "metrics"
split = "validation"
"""


def test_every_value_has_its_dotted_key_and_stands_in_the_order_of_the_config(
    model: Model,
) -> None:
    assert list(settings(model(EVERYTHING)).items()) == [
        ("name", "everything"),
        ("description", "Uses each part of the form once."),
        ("inputs.x.shape", [None, 5]),
        ("inputs.x.dtype", "float32"),
        ("inputs.z.shape", [2]),
        ("layers.lstm.type", "zoo/LSTM"),
        ("layers.lstm.inputs", "x"),
        ("layers.lstm.units", 2),
        ("layers.lstm.kernel_regularizer", {"type": "zoo/L2", "l2": 0.5}),
        ("layers.dense.type", "zoo/Dense"),
        ("layers.dense.inputs", "lstm"),
        ("layers.dense.trainable", False),
        ("layers.dense.units", 1),
        ("layers.again.shared_with", "dense"),
        ("layers.again.inputs", "z"),
        ("outputs", ["dense", "again"]),
        ("losses.dense.type", "zoo/mse"),
        ("losses.again.type", "zoo/Huber"),
        ("losses.again.delta", 2),
        ("metrics.error.type", "zoo-unknown/any_metric"),
        ("metrics.error.name", "error"),
        ("metrics.error.needs", {"weight": "z"}),
        ("metrics.error.output", "dense"),
        ("optimizer.type", "zoo/Adam"),
        ("loss_weights.dense", 2.0),
        ("data.type", "zoo/npz"),
        ("data.path", "x.npz"),
        ("train.epochs", 3),
        ("train.batch_size", 32),
        ("train.seed", 0),
        ("train.shuffle", True),
        ("train.precision", "float32"),
        ("train.jit_compile", "auto"),
        ("train.steps_per_execution", 1),
        ("train.log", ["csv"]),
        ("train.loop.type", "zoo/gradient_tape"),
        ("train.callbacks.early_stopping.type", "zoo/EarlyStopping"),
        ("train.callbacks.early_stopping.patience", 2),
        ("evaluate.metrics.type", "zoo/metrics"),
        ("evaluate.metrics.split", "validation"),
    ]


def test_a_model_of_the_zoo_and_weights_to_begin_from_are_named_with_their_version(
    zoo_root: Path, write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    publish(zoo_root, a_candidate("other"), "1.2.0")
    text = tiny("", 'weights = "other"\n[[layers]]\nname = "inner"\ntype = "zoo:other"\n')
    listed = settings(Workspace(zoo_root).check(write_config(text)).usable)
    assert listed["layers.last.weights"] == "other@1.2.0"
    assert {key: value for key, value in listed.items() if key.startswith("layers.inner.")} == {
        "layers.inner.type": "zoo:other@1.2.0",
        "layers.inner.inputs": "last",
    }


def test_what_a_model_does_not_say_is_not_listed(model: Model, tiny: Callable[..., str]) -> None:
    listed = settings(model(tiny()))
    assert listed["description"] == ""
    assert [key for key in listed if key.startswith(("data", "loss", "metrics", "inputs"))] == [
        "inputs.x.shape"
    ]
    assert not {"layers.first.trainable", "layers.first.weights"} & listed.keys()
