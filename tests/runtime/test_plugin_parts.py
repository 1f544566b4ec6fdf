"""Loops, callbacks, evaluators and datasets from a plugin, which never imports `zoo`."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest

import zoo
from tests.distributions import write_distribution
from zoo.catalog.discovery import find_components
from zoo.errors import ConfigError, RunError
from zoo.report import Report
from zoo.runs import open_run
from zoo.runtime.evaluation import evaluate
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [3] }]
layers = [{ name = "y", type = "Dense", units = 1, kernel_initializer = "zeros" }]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.1 }
data = { type = "arrays" }
train = { epochs = 2, batch_size = 4, shuffle = false, jit_compile = false }
"""

MODULE = '''
import keras
import numpy as np

def _xy(count=8):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 3)).astype("float32")
    return x, (x @ np.array([[1.0], [-2.0], [0.5]])).astype("float32")

def arrays():
    print("a plugin that prints")
    x, y = _xy()
    return {"train": (x, y), "validation": (x[:4], y[:4])}

def by_name():
    x, y = _xy()
    return {"train": ({"x": x, "unused": x}, {"y": y})}

def as_dataset():
    import tensorflow as tf
    x, y = _xy()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    return {"train": data, "validation": data.take(1)}

class _Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.x, self.y = _xy()
    def __len__(self):
        return 2
    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return self.x[part], self.y[part]

def as_pydataset():
    return {"train": _Batches()}

def gives_nothing():
    return {"test": _xy()}

def gives_a_number():
    return {"train": 3}

def raises():
    raise ValueError("the sensor was off")

def two_steps(model, data, settings, callbacks, factor=1.0):
    """A loop that moves the weights by itself."""
    listeners = keras.callbacks.CallbackList(callbacks, add_history=True, model=model)
    listeners.on_train_begin()
    for epoch in range(settings.initial_epoch, settings["epochs"]):
        listeners.on_epoch_begin(epoch)
        kernel = model.get_layer("y").kernel
        kernel.assign(kernel + factor)
        listeners.on_epoch_end(epoch, {"loss": float(epoch), "rate": factor})
    listeners.on_train_end()
    return model.history

def silent(model, data, settings, callbacks):
    """A loop that calls no callbacks."""
    return model.fit(*data["train"], epochs=settings.epochs, verbose=0)

def mute(model, data, settings, callbacks):
    """A loop that trains and tells nobody."""
    model.fit(*data["train"], epochs=settings.epochs, verbose=0)
    return {"loss": []}

def wrong_loop(model, data, settings, callbacks):
    raise RuntimeError("no gradients on Sundays")

class Tracker(keras.callbacks.Callback):
    def __init__(self, filename):
        super().__init__()
        self.filename = filename
    def on_epoch_end(self, epoch, logs=None):
        with open(self.filename, "a") as file:
            file.write(f"{epoch} {logs['loss']:.6f}\\n")

def bias(model, data, split="train", scale=1.0):
    x, y = data[split]
    error = np.mean(model.predict(x, verbose=0) - y)
    return {"bias": scale * float(error), "samples": len(x)}

def reporter(model, data, report, rows=2):
    report.table("errors", {"row": range(rows), "error": np.arange(rows) / 4}, caption="By row")
    return {"rows": rows}

def nan_evaluator(model, data):
    return {"skill": float("nan")}

def broken_evaluator(model, data):
    raise KeyError("truth")
'''

ENTRY_POINTS = {
    "zoo.datasets": {
        name: f"parts_mod:{name}"
        for name in (
            "arrays",
            "by_name",
            "as_dataset",
            "as_pydataset",
            "gives_nothing",
            "gives_a_number",
            "raises",
        )
    },
    "zoo.loops": {
        name: f"parts_mod:{name}" for name in ("two_steps", "silent", "mute", "wrong_loop")
    },
    "zoo.callbacks": {"Tracker": "parts_mod:Tracker"},
    "zoo.evaluators": {
        name: f"parts_mod:{name}"
        for name in ("bias", "reporter", "nan_evaluator", "broken_evaluator")
    },
}


@pytest.fixture
def train(make_distribution, training_of):
    make_distribution("zoo-parts", ENTRY_POINTS, {"parts_mod.py": MODULE})
    return training_of(CONFIG)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A zoo in which one training was all that happened."""
    root, site = tmp_path_factory.mktemp("trained"), tmp_path_factory.mktemp("site")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)
    write_distribution(site, "zoo-parts", ENTRY_POINTS, {"parts_mod.py": MODULE}, "1.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        zoo.train(root / "m.toml", zoo=root, folder=root / "run", quiet=True)
        del sys.modules["parts_mod"]
    return root


@pytest.fixture
def run(trained, train, zoo_root):
    """The run of that training, in a copy of that zoo."""
    shutil.copytree(trained, zoo_root, dirs_exist_ok=True)
    return open_run(zoo_root / "run")


def by_numpy(batches, epochs=2):
    """Gradient descent on the mean squared error, in float64."""
    random = np.random.default_rng(0)
    x = random.normal(size=(8, 3)).astype("float32").astype("float64")
    y = x @ np.array([[1.0], [-2.0], [0.5]])
    kernel, offset, losses = np.zeros((3, 1)), np.zeros(1), []
    for _ in range(epochs):
        total = 0.0
        for part in batches:
            error = x[part] @ kernel + offset - y[part]
            total += float(np.mean(error**2)) * len(error)
            kernel = kernel - 0.1 * 2 * x[part].T @ error / len(error)
            offset = offset - 0.1 * 2 * error.mean(axis=0)
        losses.append(total / 8)
    return losses


# Arrays, by name or not, come to either loop as a `tf.data.Dataset`.
@pytest.mark.parametrize(
    ("dataset", "loop"),
    [
        ("arrays", "fit"),
        ("by_name", "gradient_tape"),
        ("as_dataset", "fit"),
        ("as_dataset", "gradient_tape"),
        ("as_pydataset", "fit"),
        ("as_pydataset", "gradient_tape"),
    ],
)
def test_every_kind_of_dataset_trains_alike(train, dataset, loop):
    run = train({"data.type": dataset, "train.loop": loop})
    expected = by_numpy([slice(0, 4), slice(4, 8)])
    np.testing.assert_allclose(run.history["loss"], expected, rtol=1e-5)
    assert ("val_loss" in run.history) == (dataset in ("arrays", "as_dataset"))


def test_what_a_dataset_prints_does_not_reach_stdout(train, capsys):
    train()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "a plugin that prints" in captured.err


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("gives_nothing", 'a dataset returns {"train": (x, y)} and may add'),
        ("gives_a_number", "the split train is a int; it should be (x, y)"),
        ("raises", "the dataset raises fails: the sensor was off"),
    ],
)
def test_a_dataset_that_gives_no_data_is_named(train, dataset, message):
    with pytest.raises(RunError) as caught:
        train({"data.type": dataset})
    assert message in caught.value.findings[0].message
    assert caught.value.findings[0].key == "data"


def test_a_loop_of_ones_own_gets_settings_and_arguments(train, zoo_root):
    run = train({"train.loop": {"type": "two_steps", "factor": 0.5}})
    np.testing.assert_array_equal(run.weights()["y/kernel"], np.full((3, 1), 1.0, "float32"))
    assert run.history == {"loss": [0.0, 1.0], "rate": [0.5, 0.5]}
    on = train({"train.loop": {"type": "two_steps", "factor": 0.5}, "train.epochs": 4}, resume=True)
    np.testing.assert_array_equal(on.weights()["y/kernel"], np.full((3, 1), 2.0, "float32"))
    assert on.history["loss"] == [0.0, 1.0, 2.0, 3.0]


def test_a_loop_that_calls_no_callbacks_is_recorded_at_its_end(train):
    run = train({"train.loop": "silent", "train.epochs": 3})
    assert len(run.history["loss"]) == 3
    assert run.facts["epochs"] == 3
    assert run.publish().reference == "m@1.0.0"


def test_a_loop_that_calls_no_callbacks_adds_to_the_epochs_before(train):
    before = train({"train.epochs": 2, "train.loop": "silent"}).history["loss"]
    run = train({"train.epochs": 3, "train.loop": "silent"}, resume=True)
    assert run.history["loss"][:2] == before
    assert run.facts["epochs"] == len(run.history["loss"]) == 2 + 3  # it always begins at 0


def test_a_loop_that_reports_no_epoch_is_an_error_and_says_what_to_do(train, zoo_root):
    with pytest.raises(RunError, match='the loop "mute" reported no epoch') as caught:
        train({"train.loop": "mute"})
    assert "call the callbacks" in caught.value.findings[0].suggestion
    assert json.loads((zoo_root / "run/run.json").read_text())["status"] == "failed"


def test_what_a_loop_raises_is_an_error_of_the_training_that_names_the_line(train, zoo_root):
    line = MODULE[: MODULE.index("raise RuntimeError")].count("\n") + 1
    place = rf"\(parts_mod.py:{line} of zoo-parts 1.0\)"
    with pytest.raises(RunError, match=f"RuntimeError: no gradients on Sundays {place}") as caught:
        train({"train.loop": "wrong_loop"})
    assert isinstance(caught.value.__cause__, RuntimeError)  # whose lines --debug shows
    assert json.loads((zoo_root / "run/run.json").read_text())["status"] == "failed"


def test_what_the_zoo_supplies_to_a_loop_is_not_the_configs(train):
    with pytest.raises(ConfigError, match="takes no argument 'settings'") as caught:
        train({"train.loop": {"type": "two_steps", "settings": 1}})
    assert caught.value.findings[0].suggestion == "it takes factor"


def test_a_callback_writes_into_the_run(train, zoo_root):
    run = train({"train.callbacks": [{"type": "Tracker", "filename": "track.txt"}]})
    lines = (run.folder / "track.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1"]
    assert float(lines[1].split()[1]) == pytest.approx(run.history["loss"][1], abs=1e-6)


def evaluated(root, run, evaluators, report=None):
    text = (root / "run/config.toml").read_text()
    (root / "run/config.toml").write_text(text + evaluators)
    workspace = Workspace(root)
    shelf = Shelf(None, workspace.catalog)
    model, built = shelf.of_run(str(run.folder))
    return evaluate(model, built, workspace.catalog, report)


def test_an_evaluator_that_names_report_is_given_what_takes_its_tables(run, zoo_root):
    report = Report(zoo_root / "tables")
    evaluators = (
        '[[evaluate]]\ntype = "reporter"\n'
        '[[evaluate]]\ntype = "reporter"\nrows = 3\n[[evaluate]]\ntype = "bias"\n'
    )
    results = evaluated(zoo_root, run, evaluators, report)
    assert results["reporter_1"]["rows"] == 3
    assert sorted(path.name for path in (zoo_root / "tables").iterdir()) == [
        "errors.csv",
        "errors.json",
        "reporter_1-errors.csv",
        "reporter_1-errors.json",
    ]
    assert (zoo_root / "tables/errors.csv").read_text() == "row,error\n0,0.0\n1,0.25\n"


def test_without_a_folder_no_table_is_kept(run, zoo_root):
    before = set(zoo_root.rglob("*"))
    assert evaluated(zoo_root, run, '[[evaluate]]\ntype = "reporter"\n')["reporter"] == {"rows": 2}
    assert set(zoo_root.rglob("*")) == before


def test_a_config_cannot_give_what_takes_the_tables(run, zoo_root):
    with pytest.raises(ConfigError, match="\"reporter\" .* takes no argument 'report'"):
        evaluated(zoo_root, run, '[[evaluate]]\ntype = "reporter"\nreport = "here"\n')


def test_evaluators_get_model_data_and_arguments(run, zoo_root):
    results = evaluated(
        zoo_root,
        run,
        '[[evaluate]]\ntype = "bias"\n[[evaluate]]\nname = "doubled"\ntype = "bias"\nscale = 2.0\n'
        'split = "validation"\n',
    )
    kernel, offset = run.weights()["y/kernel"], run.weights()["y/bias"]
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    error = x @ kernel + offset - x @ np.array([[1.0], [-2.0], [0.5]])
    assert results["bias"]["bias"] == pytest.approx(float(error.mean()), abs=1e-5)
    assert results["bias"]["samples"] == 8
    assert results["doubled"]["bias"] == pytest.approx(2 * float(error[:4].mean()), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nan_evaluator", "the evaluator nan_evaluator gives NaN as skill"),
        ("broken_evaluator", "the evaluator broken_evaluator fails: "),
    ],
)
def test_an_evaluator_that_fails_is_named(run, zoo_root, name, message):
    with pytest.raises(RunError) as caught:
        evaluated(zoo_root, run, f'[[evaluate]]\ntype = "{name}"\n')
    assert caught.value.findings[0].message.startswith(message)


def test_nothing_of_the_plugin_is_imported_to_find_it(make_distribution):
    make_distribution("zoo-parts", ENTRY_POINTS, {"parts_mod.py": "raise SystemExit(0)\n"})
    row = find_components().find("loops", "two_steps")
    assert (row.distribution, row.version, row.target) == (
        "zoo-parts",
        "1.0",
        "parts_mod:two_steps",
    )
    assert "parts_mod" not in sys.modules
