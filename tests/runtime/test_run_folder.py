"""What a training leaves behind, and what it refuses before it begins."""

from __future__ import annotations

import csv
import functools
import json
import shutil
import tomllib

import keras
import numpy as np
import pytest
from filelock import FileLock

import zoo
from tests.marks import keras_gives_arrays
from tests.runs import differences
from zoo.checks import check_source
from zoo.errors import ConfigError, RegistryError, RunError, StorageError
from zoo.runs import open_run
from zoo.runtime.builder import Builder
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "m"
description = "a small one"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "drop", type = "Dropout", rate = 0.2 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
metrics = [{ type = "mae", name = "mae" }]
optimizer = { type = "SGD", learning_rate = 0.01, momentum = 0.9 }
data = { type = "npz", path = "data/it.npz", validation_split = 0.25 }
train = { epochs = 2, batch_size = 4, seed = 1, jit_compile = false }
"""


def write_data(root):
    random = np.random.default_rng(0)
    (root / "data").mkdir()
    np.savez(
        root / "data/it.npz",
        x=random.normal(size=(12, 4)).astype("float32"),
        y=random.normal(size=(12, 2)).astype("float32"),
    )


@pytest.fixture
def train(zoo_root, training_of):
    write_data(zoo_root)
    return functools.partial(training_of(CONFIG), folder=None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_run_report):
    """A zoo in which one training, with its report, was all that happened."""
    root = tmp_path_factory.mktemp("trained")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)
    write_data(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.runtime.training.try_run_report", make_run_report)
        zoo.train(root / "m.toml", zoo=root, quiet=True)
    return root


@pytest.fixture
def run(trained, train, zoo_root):
    """The run of that training, in a copy of that zoo, beside what `train` will train."""
    shutil.copytree(trained, zoo_root, dirs_exist_ok=True)
    (folder,) = (zoo_root / "runs/m").iterdir()
    return open_run(folder)


def test_a_run_lies_in_the_zoo_under_the_models_name(run, zoo_root):
    assert run.folder.parent == zoo_root / "runs/m"
    assert {path.name for path in run.folder.iterdir()} - {".lock"} == {
        "config.toml",
        "run.json",
        "history.csv",
        "history.json",
        "log.txt",
        "checkpoint.safetensors",
        "provenance.json",
        "data.json",
        "timings.json",
        "report",
    }
    assert {path.name for path in zoo_root.iterdir()} == {"registry.toml", "data", "m.toml", "runs"}


def test_run_json_tells_what_was_trained_and_how_it_ended(run):
    facts = json.loads((run.folder / "run.json").read_text())
    assert facts["model"] == "m"
    assert facts["status"] == "finished"
    assert facts["epochs"] == 2
    assert facts["seed"] == 1
    assert facts["keras"] == keras.__version__
    assert facts["parameters"] == 4 * 2 + 2
    assert len(facts["fingerprint"]) == 64
    assert facts["weights"][-2:] == ["y/kernel", "y/bias"]
    assert facts["started"] <= facts["finished"]


def test_the_history_is_the_same_in_every_form(run):
    history = json.loads((run.folder / "history.json").read_text())
    assert history == run.history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    rows = list(csv.DictReader((run.folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for name, values in history.items():
        assert [float(row[name]) for row in rows] == values


def test_the_kept_config_resolves_to_the_same_model(run, train, zoo_root):
    kept = tomllib.loads((run.folder / "config.toml").read_text())
    assert kept["layers"][1]["type"] == "zoo/Dense"
    assert kept["data"]["path"] == "data/it.npz"
    first = zoo.build(zoo_root / "m.toml", zoo=zoo_root)
    again = train(folder="again", resume=False)
    assert (again.folder / "config.toml").read_bytes() == (run.folder / "config.toml").read_bytes()
    model = check_source(run.source, Workspace(zoo_root).catalog, lambda: None).usable
    rebuilt = Builder(model).build()
    for mine, wanted in zip(rebuilt.weights, first.weights, strict=True):
        assert mine.path == wanted.path
        np.testing.assert_array_equal(mine, wanted)


def test_the_checkpoint_holds_every_variable_by_its_path(run):
    tensors = run.checkpoint().tensors
    model = {name for name in tensors if name.startswith("model/")}
    assert {"model/y/kernel", "model/y/bias"} < model
    assert any("seed_generator" in name for name in model), "the state of Dropout is missing"
    assert any(name.startswith("optimizer/") for name in tensors)


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_the_same_seed_gives_the_same_run_bit_for_bit(run, train, loop):
    overrides = {"train.loop": loop}
    first = run if loop == "fit" else train(overrides, folder="a")
    keras.utils.set_random_seed(1234)
    assert differences(train(overrides, folder="b"), first) == []
    assert train({**overrides, "train.seed": 2}, folder="c").history != first.history


def test_a_folder_that_holds_something_is_refused(train, zoo_root):
    (zoo_root / "mine").mkdir()
    (zoo_root / "mine/notes.txt").write_text("keep")
    with pytest.raises(ConfigError, match="is there already and not empty") as caught:
        train(folder="mine")
    assert "--resume" in caught.value.findings[0].suggestion
    assert [path.name for path in (zoo_root / "mine").iterdir()] == ["notes.txt"]


def test_two_trainings_in_one_folder_are_refused(run, train):
    with (
        FileLock(run.folder / ".lock"),
        pytest.raises(StorageError, match="another training is at work in") as caught,
    ):
        train({"train.epochs": 4}, folder=run.folder, resume=True)
    assert caught.value.exit_status == 4


def test_nothing_is_written_for_a_config_that_is_wrong(train, zoo_root):
    before = sorted(zoo_root.rglob("*"))
    for overrides in ({"layers.y.units": 0}, {"data.path": "data/other.npz"}, {"loss.type": "mes"}):
        with pytest.raises(zoo.ZooError):
            train(overrides)
    assert sorted(zoo_root.rglob("*")) == before


@pytest.mark.parametrize("missing", ["data", "loss"])
def test_a_config_without_data_or_loss_cannot_be_trained(training_of, missing):
    lines = [line for line in CONFIG.splitlines() if not line.startswith(f"{missing} = ")]
    with pytest.raises(ConfigError, match=rf"there is no \[{missing}\] to train with") as caught:
        training_of("\n".join(lines))()
    assert (caught.value.findings[0].code, caught.value.findings[0].key) == ("missing-key", missing)


@keras_gives_arrays
def test_callbacks_write_inside_the_run_folder_only(train, zoo_root):
    before = set(zoo_root.rglob("*"))
    run = train(
        {
            "train.callbacks": [
                {"type": "CSVLogger", "filename": "mine.csv"},
                {
                    "type": "ModelCheckpoint",
                    "filepath": "best.weights.h5",
                    "save_weights_only": True,
                },
            ]
        }
    )
    assert (run.folder / "best.weights.h5").is_file()
    assert (run.folder / "mine.csv").is_file()
    written = set(zoo_root.rglob("*")) - before - {zoo_root / "runs", zoo_root / "runs/m"}
    assert all(path == run.folder or run.folder in path.parents for path in written)


def test_a_callbacks_path_may_not_leave_the_run(train):
    with pytest.raises(ConfigError, match="is not accepted") as caught:
        train({"train.callbacks": [{"type": "CSVLogger", "filename": "../../../out.csv"}]})
    assert caught.value.findings[0].code == "unsafe-path"


def test_training_starts_from_the_weights_of_a_version(run, train):
    entry = run.publish()
    child = train({"optimizer": {"type": "SGD", "learning_rate": 1e-12}}, start_from="m@1")
    for path, array in run.weights().items():
        np.testing.assert_allclose(child.weights()[path], array, rtol=0, atol=1e-7)
    assert child.publish().parent == entry.reference == "m@1.0.0"


def test_a_version_that_training_starts_from_may_be_the_beginning_of_the_model(run, zoo_root):
    run.publish()
    (zoo_root / "on-top.toml").write_text(
        'zoo = 1\nextends = "m.toml"\nname = "on-top"\n'
        '[[layers]]\nname = "scaled"\ntype = "Rescaling"\nscale = 2.0\n'
    )
    slow = {"optimizer": {"type": "SGD", "learning_rate": 1e-12}}
    child = zoo.train("on-top.toml", slow, start_from="m@1", quiet=True)
    for path, array in run.weights().items():
        np.testing.assert_allclose(child.weights()[path], array, rtol=0, atol=1e-7)


def test_training_does_not_start_from_what_another_graph_learned(run, train):
    run.publish()
    with pytest.raises(RegistryError, match="node y: arguments: activation: None became relu") as e:
        train({"layers.y.activation": "relu"}, start_from="m@1")
    assert e.value.findings[0].suggestion == (
        "start from a version whose nodes all stand in the model"
    )


def test_an_open_run_without_an_epoch_has_nothing_to_publish(run):
    (run.folder / "checkpoint.safetensors").unlink()
    with pytest.raises(RunError, match="has no checkpoint: no epoch was finished"):
        run.publish()
