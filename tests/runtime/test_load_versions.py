"""Publishing and loading by version: the same predictions, or a refusal that says why."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import shutil
import sys

import keras
import numpy as np
import pytest
import tomlkit

import zoo
from tests import warm
from tests.candidates import a_candidate
from zoo.errors import PluginError, RegistryError
from zoo.registry.publishing import publish
from zoo.runs import open_run
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "m"
description = "a small one"
inputs = [{ name = "x", shape = [6, 2] }]
layers = [
    { name = "conv", type = "Conv1D", filters = 3, kernel_size = 3 },
    { name = "norm", type = "BatchNormalization" },
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "flat", type = "Flatten" },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = "sgd"
data = { type = "synthetic", x_shape = [6, 2], y_shape = [2], samples = 32, validation_samples = 8 }
train = { epochs = 1, batch_size = 8, jit_compile = false }
"""


@pytest.fixture
def train(training_of):
    return functools.partial(training_of(CONFIG), folder=None)


@pytest.fixture(scope="module")
def _published(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)
    zoo.train(root / "m.toml", zoo=root, quiet=True).publish()
    return root


@pytest.fixture
def run(_published, zoo_root):
    """A run whose weights are `m@1.0.0`, trained once for all that read it."""
    shutil.copytree(_published, zoo_root, dirs_exist_ok=True)
    (folder,) = (zoo_root / "runs/m").iterdir()
    return open_run(folder)


@pytest.fixture
def entry(run, zoo_root):
    (entry,) = zoo.open_registry(zoo_root).weights
    return entry


@pytest.fixture
def x():
    return np.random.default_rng(3).normal(size=(5, 6, 2)).astype("float32")


def by_numpy(weights, x):
    """The network's forward pass in float64."""
    w = {path: array.astype("float64") for path, array in weights.items()}
    windows = np.stack([x[:, i : i + 3] for i in range(4)], axis=1).astype("float64")
    conv = np.einsum("bpkc,kcf->bpf", windows, w["conv/kernel"]) + w["conv/bias"]
    scale = w["norm/gamma"] / np.sqrt(w["norm/moving_variance"] + 1e-3)
    normed = (conv - w["norm/moving_mean"]) * scale + w["norm/beta"]
    return normed.reshape(len(x), -1) @ w["y/kernel"] + w["y/bias"]


def test_a_loaded_version_predicts_as_the_trained_model(run, entry, zoo_root, x):
    assert entry.reference == "m@1.0.0"
    model = zoo.load("m@1.0.0", zoo=zoo_root)
    assert isinstance(model, keras.Model)
    np.testing.assert_allclose(model(x), by_numpy(run.weights(), x), rtol=1e-5, atol=1e-5)
    for variable in model.weights:
        np.testing.assert_array_equal(variable, run.weights()[variable.path])


@pytest.mark.usefixtures("run")
def test_a_fresh_process_predicts_identically(zoo_root, x):
    here = zoo.load("m", zoo=zoo_root).predict(x, verbose=0)
    np.save(zoo_root / "x.npy", x)
    (zoo_root / "there.py").write_text(
        "import numpy as np, zoo\n"
        f"model = zoo.load('m@1', zoo={str(zoo_root)!r})\n"
        "np.save('there.npy', model.predict(np.load('x.npy'), verbose=0))\n"
    )
    warm.output_of(zoo_root / "there.py")
    np.testing.assert_array_equal(np.load(zoo_root / "there.npy"), here)


def test_the_same_graph_is_a_minor_version_and_another_a_major_one(entry, train, zoo_root):
    published = [
        train(overrides).publish().reference
        for overrides in ({"train.seed": 5}, {"layers.conv.filters": 4}, {"loss": "mae"})
    ]
    assert [entry.reference, *published[:2]] == ["m@1.0.0", "m@1.1.0", "m@2.0.0"]
    # The last one has the first graph again, which is not the newest version's.
    assert published[2] == "m@3.0.0"
    shapes = {
        reference: zoo.load(reference, zoo=zoo_root).get_layer("conv").kernel.shape[-1]
        for reference in ("m@1", "m@1.0", "m@1.1.0", "m@2", "m")
    }
    assert shapes == {"m@1": 3, "m@1.0": 3, "m@1.1.0": 3, "m@2": 4, "m": 3}


def test_the_entry_says_what_the_contract_lists(run, entry, zoo_root):
    document = tomlkit.parse((zoo_root / "registry.toml").read_text()).unwrap()
    assert document["format"] == 1
    (model,) = document["models"]
    assert model == {"name": "m", "config": "m.toml", "description": "a small one"}
    (weights,) = document["weights"]
    file = zoo_root / weights["file"]
    assert weights["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() == entry.sha256
    assert weights["size"] == file.stat().st_size
    config = (zoo_root / weights["config"]).read_bytes()
    assert weights["config_sha256"] == hashlib.sha256(config).hexdigest()
    assert weights["fingerprint"] == run.facts["fingerprint"]
    assert weights["keras"] == keras.__version__
    assert weights["metrics"] == {name: values[-1] for name, values in run.history.items()}
    assert weights["status"] == "stable"
    assert weights["parent"] == ""


@pytest.mark.usefixtures("run")
def test_an_unknown_model_or_version_is_named_with_what_there_is(zoo_root):
    with pytest.raises(RegistryError) as caught:
        zoo.load("m@4", zoo=zoo_root)
    assert caught.value.findings[0].code == "unknown-version"
    assert "1.0.0" in str(caught.value)
    with pytest.raises(RegistryError) as caught:
        zoo.load("n", zoo=zoo_root)
    assert caught.value.findings[0].code == "unknown-model"


def test_a_flipped_bit_is_refused(entry, zoo_root):
    path = zoo_root / entry.file
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(RegistryError, match="is not the file that was published") as caught:
        zoo.load("m", zoo=zoo_root)
    assert (caught.value.findings[0].code, caught.value.exit_status) == ("hash-mismatch", 3)


def test_a_changed_config_is_refused(entry, zoo_root):
    path = zoo_root / entry.config
    path.write_text(path.read_text().replace("rate = 0.3", "rate = 0.4"))
    with pytest.raises(RegistryError, match=r"weights/m/1\.0\.0\.toml is not the file") as caught:
        zoo.load("m", zoo=zoo_root)
    assert caught.value.findings[0].code == "hash-mismatch"


PLUGIN = """
import keras
class Scale(keras.layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
    def call(self, inputs):
        return self.factor * inputs
"""


@pytest.fixture
def scale(make_distribution, write_config):
    """The folder of an installed plugin, whose layer the model has."""
    entry_points = {"zoo.layers": {"Scale": "scale_mod:Scale"}}
    last = '{ name = "y"'
    write_config(CONFIG.replace(last, '{ name = "scale", type = "Scale" },\n' + last), "m.toml")
    return make_distribution("zoo-scale", entry_points, {"scale_mod.py": PLUGIN})


@pytest.mark.usefixtures("scale")
def test_a_model_names_the_plugins_of_the_versions_inside_it(zoo_root, write_config):
    publish(zoo_root, a_candidate("base", plugins={"zoo-scale": "0.9"}))
    config = write_config(
        'zoo = 1\nname = "host"\ninputs = [{ name = "x", shape = [4] }]\n'
        'layers = [{ name = "inner", type = "zoo:base@1" }]\n',
        "host.toml",
    )
    workspace = Workspace(zoo_root)
    shelf = Shelf(workspace.registry, workspace.catalog)
    assert shelf.plugins(workspace.check(config).usable) == {"zoo-scale": "1.0"}


def test_a_plugin_whose_default_changed_is_refused_by_node(train, scale, zoo_root):
    entry = train().publish()
    assert entry.plugins == {"zoo-scale": "1.0"}
    zoo.load("m", zoo=zoo_root)
    (scale / "scale_mod.py").write_text(PLUGIN.replace("factor=2.0", "factor=3.0"))
    del sys.modules["scale_mod"]
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    # Python tells a changed source by time and size, and both may be the same.
    for cached in scale.rglob("*.pyc"):
        cached.unlink()
    with pytest.raises(RegistryError) as caught:
        zoo.load("m", zoo=zoo_root)
    finding = caught.value.findings[0]
    assert (finding.code, caught.value.exit_status) == ("fingerprint-mismatch", 3)
    assert "node scale: arguments: factor: 2 became 3" in finding.message
    assert "zoo-scale 1.0" in finding.suggestion


def test_a_plugin_that_is_gone_is_named(train, scale, zoo_root, monkeypatch):
    train().publish()
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(scale)])
    with pytest.raises(PluginError, match="m@1.0.0 is made of zoo-scale, which is not installed"):
        zoo.load("m", zoo=zoo_root)


def test_weights_are_neither_executed_nor_unpickled(entry, zoo_root):
    header = (zoo_root / entry.file).read_bytes()
    length = int.from_bytes(header[:8], "little")
    document = json.loads(header[8 : 8 + length])
    assert set(document) - {"__metadata__"} == {
        *(f"conv/{name}" for name in ("kernel", "bias")),
        *(f"norm/{name}" for name in ("gamma", "beta", "moving_mean", "moving_variance")),
        *(f"y/{name}" for name in ("kernel", "bias")),
    }
    assert document["__metadata__"]["fingerprint"] == entry.fingerprint


def test_without_a_zoo_there_is_nothing_to_load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZOO_ROOT", raising=False)
    with pytest.raises(RegistryError, match=r"there is no registry\.toml here or above") as caught:
        zoo.load("m")
    assert "ZOO_ROOT" in caught.value.findings[0].suggestion
