"""The fingerprint changes with the graph and with nothing else."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.processes import python
from zoo.errors import RegistryError
from zoo.runtime.fingerprint import canonical_graph, differences, fingerprint
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "m"
description = "a model"
[[inputs]]
name = "x"
shape = [8, 2]
[[layers]]
name = "conv"
type = "Conv1D"
filters = 4
kernel_size = 3
activation = "relu"
kernel_regularizer = { type = "L2", l2 = 1 }
[[layers]]
name = "drop"
type = "Dropout"
rate = 0.5
[[layers]]
name = "flat"
type = "Flatten"
[[layers]]
name = "out"
type = "Dense"
units = 2
[loss]
type = "mse"
"""


@pytest.fixture
def graph_of(zoo_root):
    def graph_of(text=CONFIG, overrides=None):
        (zoo_root / "m.toml").write_text(text)
        workspace = Workspace(zoo_root)
        model = workspace.check(zoo_root / "m.toml", overrides).usable

        def no_model(reference):
            raise RegistryError(f"{reference} is not there")

        shelf = Shelf(None, workspace.catalog)
        return canonical_graph(model, shelf.build(model), no_model)

    return graph_of


def test_it_is_the_sha256_of_the_sorted_plain_graph(graph_of):
    graph = graph_of()
    text = json.dumps(graph, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert fingerprint(graph) == hashlib.sha256(text.encode()).hexdigest()


def test_the_graph_names_types_arguments_edges_and_variables(graph_of):
    graph = graph_of()
    assert graph["inputs"] == [["x", [8, 2], None]]
    assert graph["outputs"] == ["out"]
    assert list(graph["nodes"]) == ["conv", "drop", "flat", "out"]
    conv = graph["nodes"]["conv"]
    assert conv["type"] == "zoo/Conv1D"
    assert conv["inputs"] == "x"
    assert conv["arguments"]["padding"] == "valid"
    assert graph["variables"] == [
        ["conv/bias", [4], "float32"],
        ["conv/kernel", [3, 2, 4], "float32"],
        ["out/bias", [2], "float32"],
        ["out/kernel", [24, 2], "float32"],
    ]


CHANGES = {
    "an argument": {"layers.drop.rate": 0.25},
    "an activation": {"layers.conv.activation": "tanh"},
    "a nested argument": {"layers.conv.kernel_regularizer.l2": 2},
    "a size": {"layers.out.units": 3},
    "an edge": {"layers.flat.inputs": "conv"},
    "the input's shape": {"inputs.x.shape": [9, 2]},
    "the precision": {"train.precision": "float64"},
    "a layer's type": {"layers.drop": {"name": "drop", "type": "GaussianDropout", "rate": 0.5}},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_graph_changes_it(graph_of, change):
    before, after = graph_of(), graph_of(overrides=CHANGES[change])
    assert fingerprint(after) != fingerprint(before)
    assert differences(before, after)


@pytest.mark.parametrize("old", ['"conv"', '"x"'])
def test_another_name_changes_it(graph_of, old):
    assert fingerprint(graph_of(CONFIG.replace(f"name = {old}", 'name = "other"'))) != fingerprint(
        graph_of()
    )


SAME = {
    "an explicit default": {"layers.conv.padding": "valid", "layers.conv.strides": 1},
    "a float for a whole number": {"layers.conv.kernel_regularizer.l2": 1.0},
    "a qualified name": {"layers.conv.type": "zoo/Conv1D"},
    "a default as a table": {"layers.out.kernel_initializer": {"type": "glorot_uniform"}},
    "the loss": {"loss.type": "mae"},
    "the optimizer": {"optimizer.type": "SGD"},
    "the training": {"train.epochs": 7, "train.seed": 4, "train.batch_size": 2},
    "the description": {"description": "another"},
    "the model's name": {"name": "renamed"},
    "what is trained": {"layers.conv.trainable": False},
}


@pytest.mark.parametrize("change", SAME)
def test_what_is_not_the_graph_leaves_it(graph_of, change):
    before, after = graph_of(), graph_of(overrides=SAME[change])
    assert differences(before, after) == []
    assert fingerprint(after) == fingerprint(before)


def test_the_order_in_the_file_leaves_it(graph_of):
    parts = CONFIG.replace('name = "out"', 'name = "out"\ninputs = "flat"').split("[[layers]]")
    turned = "[[layers]]".join([parts[0], parts[4].partition("[loss]")[0], *parts[1:4]])
    turned = turned.replace('type = "Conv1D"', 'type = "Conv1D"\ninputs = "x"')
    turned = turned.replace('description = "a model"', 'outputs = ["out"]')
    assert fingerprint(graph_of(turned)) == fingerprint(graph_of())


@pytest.mark.slow  # the run of test_interrupted.py that is stopped by a signal begins in one too
def test_it_is_the_same_in_every_process(graph_of, zoo_root):
    code = (
        "import sys, keras\n"
        "keras.layers.Dense(3).build((None, 2))\n"
        "from zoo.cli import main\n"
        f"sys.argv = ['zoo', 'build', {str(zoo_root / 'm.toml')!r}, '--json']\n"
        "main()\n"
    )
    expected = fingerprint(graph_of())
    printed = python("-c", code, PYTHONHASHSEED="123", ZOO_ROOT=str(zoo_root))
    assert json.loads(printed)["fingerprint"] == expected


def test_a_difference_names_the_node_and_the_argument(graph_of):
    before = graph_of()
    changed = graph_of(overrides={"layers.drop.rate": 0.25, "layers.out.units": 3})
    assert differences(before, changed) == [
        "node drop: arguments: rate: 0.5 became 0.25",
        "node out: arguments: units: 2 became 3",
        "variable out/bias: [2] float32 became [3] float32",
        "variable out/kernel: [24, 2] float32 became [24, 3] float32",
    ]
    fewer = {**before, "nodes": {k: v for k, v in before["nodes"].items() if k != "drop"}}
    assert differences(before, fewer) == ["node drop is gone"]
    assert differences(fewer, before) == ["node drop is new"]
