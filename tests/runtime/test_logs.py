"""What `[train] log` writes, read back by TensorBoard's own reader, also after a break."""

from __future__ import annotations

import csv
import json
import shutil
import sys

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import (
    EventAccumulator as NewerAccumulator,
)
from tensorboard.compat.proto.graph_pb2 import GraphDef

import zoo
from zoo.errors import ConfigError, RunError

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "hidden", type = "Dense", units = 3 },
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.0625, momentum = 0.5 }
data = { type = "synthetic", x_shape = [4], y_shape = [2], samples = 64, validation_samples = 8 }
train = { epochs = 4, batch_size = 16, seed = 7, jit_compile = false, log = ["tensorboard", "csv"] }
"""


@pytest.fixture
def config(write_config):
    return write_config(CONFIG, "m.toml")


@pytest.fixture
def train(training_of, config):
    train = training_of(CONFIG)
    return lambda folder="run", resume=False, **keys: train(
        {f"train.{key}": value for key, value in keys.items()}, folder, resume=resume
    )


def read(run, name, reader=EventAccumulator):
    everything = {"scalars": 0, "tensors": 0, "images": 0, "histograms": 0}
    return reader(str(run.folder / "tensorboard" / name), everything).Reload()


def scalars(run, name, tag="epoch_loss"):
    return [(event.step, event.value) for event in read(run, name).Scalars(tag)]


def as_float32(values):
    return list(enumerate(np.float32(values).astype(float).tolist(), 1))


def rows(run):
    with (run.folder / "batches.csv").open() as file:
        return list(csv.DictReader(file))


def checkpoint(run):
    return {path: array.tobytes() for path, array in run.checkpoint().tensors.items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory, make_run_report):
    """A whole training, with its report, for all that only read what it left."""
    root = tmp_path_factory.mktemp("whole")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.runtime.training.try_run_report", make_run_report)
        return zoo.train(root / "m.toml", zoo=root, folder=root / "run", quiet=True)


def test_tensorboard_reads_the_curves_of_training_and_validation(run):
    assert scalars(run, "train") == as_float32(run.history["loss"])
    assert scalars(run, "validation") == as_float32(run.history["val_loss"])
    assert scalars(run, "train", "epoch_learning_rate") == [(n, 0.0625) for n in (1, 2, 3, 4)]


def test_tensorboard_of_today_reads_the_same(run):
    reader = read(run, "train", NewerAccumulator)
    found = [float(event.tensor_proto.float_val[0]) for event in reader.Tensors("epoch_loss")]
    assert found == np.float32(run.history["loss"]).tolist()


def test_the_graph_has_the_nodes_of_the_config(run):
    graph = read(run, "train").Graph()
    graph = graph if isinstance(graph, GraphDef) else GraphDef.FromString(graph)
    assert [(node.name, node.op, list(node.input)) for node in graph.node] == [
        ("x", "Input", []),
        ("hidden", "Dense", ["x"]),
        ("drop", "Dropout", ["hidden"]),
        ("y", "Dense", ["drop"]),
    ]


def test_the_last_histogram_of_a_weight_counts_its_values(run):
    reader = read(run, "train")
    kernel = run.weights()["hidden/kernel"].astype("float64")
    *_, last = reader.Histograms("hidden/kernel")
    assert last.step == 4
    assert last.histogram_value.num == kernel.size == sum(last.histogram_value.bucket)
    assert last.histogram_value.min == kernel.min()
    assert last.histogram_value.sum == pytest.approx(kernel.sum(), rel=1e-12)
    inside = np.searchsorted(np.sort(kernel.ravel()), last.histogram_value.bucket_limit, "right")
    assert np.cumsum(last.histogram_value.bucket)[-1] == inside[-1]


def test_the_charts_of_the_report_are_images(run):
    pytest.importorskip("matplotlib")
    drawn = {
        path.relative_to(run.report_folder).with_suffix("").as_posix(): path.read_bytes()
        for path in run.report_folder.rglob("*.png")
    }
    reader = read(run, "train")
    assert drawn
    assert set(reader.Tags()["images"]) == set(drawn)
    for tag, data in drawn.items():
        (shown,) = reader.Images(tag)
        assert shown.encoded_image_string == data
        assert (shown.step, shown.width > 100) == (4, True)


def test_batches_csv_has_a_row_a_batch_and_ends_each_epoch_at_its_loss(run):
    found = rows(run)
    assert [(int(row["epoch"]), int(row["batch"])) for row in found] == [
        (epoch, batch) for epoch in (1, 2, 3, 4) for batch in (1, 2, 3, 4)
    ]
    assert [float(row["loss"]) for row in found[3::4]] == run.history["loss"]


def test_a_resumed_training_goes_on_in_its_logs_and_ends_bit_for_bit_as_a_whole_one(train):
    whole = train("whole", loop="gradient_tape")
    train("broken", loop="gradient_tape", epochs=2)
    broken = train("broken", loop="gradient_tape", resume=True)
    assert checkpoint(broken) == checkpoint(whole)
    for name in ("train", "validation"):
        assert scalars(broken, name) == scalars(whole, name)
        assert len(list((broken.folder / "tensorboard" / name).iterdir())) == 1
    assert rows(broken) == rows(whole)
    steps = [event.step for event in read(broken, "train").Histograms("y/kernel")]
    assert steps == [1, 2, 3, 4]


def test_a_log_is_no_part_of_the_training(train, run):
    without = train("without", log=[])
    assert checkpoint(without) == checkpoint(run)
    assert "log" not in without.config_path.read_text()
    assert not (without.folder / "tensorboard").exists()
    assert not (without.folder / "batches.csv").exists()


def test_what_a_kill_left_of_an_epoch_that_is_not_in_the_checkpoint_is_taken_out(train, run):
    killed = train("killed", epochs=2)
    # As if it had been killed in the third epoch, with events of it on the disk, the last cut off.
    for name in ("train", "validation"):
        shutil.rmtree(killed.folder / "tensorboard" / name)
        shutil.copytree(run.folder / "tensorboard" / name, killed.folder / "tensorboard" / name)
        (file,) = (killed.folder / "tensorboard" / name).iterdir()
        file.write_bytes(file.read_bytes()[:-5])
    cut_off = (run.folder / "batches.csv").read_text()[:-4]
    (killed.folder / "batches.csv").write_text(cut_off)
    broken = train("killed", resume=True)
    assert checkpoint(broken) == checkpoint(run)
    for name in ("train", "validation"):
        assert scalars(broken, name) == scalars(run, name)
    assert rows(broken) == rows(run)


def test_a_log_that_is_asked_for_later_has_the_curves_from_the_beginning(train):
    train(log=[], epochs=2)
    run = train(log="tensorboard", resume=True)
    assert scalars(run, "train") == as_float32(run.history["loss"])
    assert scalars(run, "validation") == as_float32(run.history["val_loss"])


def test_the_batches_up_to_a_loss_that_is_not_finite_are_there(config, zoo_root):
    keys = {"train.epochs": 9, "optimizer.type": "SGD", "optimizer.learning_rate": 1e30}
    with pytest.raises(RunError, match="the loss became"):
        zoo.train(config, keys, folder=zoo_root / "nan", quiet=True)
    values = [float(row["loss"]) for row in rows(zoo.runs.open_run(zoo_root / "nan"))]
    assert values
    assert not np.isfinite(values[-1])


def test_a_missing_package_is_named_with_its_extra_before_anything_is_written(
    train, zoo_root, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match="needs the extra `tensorboard`") as caught:
        train(log="tensorboard")
    assert caught.value.findings[0].suggestion == "pip install 'zoo[tensorboard]'"
    assert not (zoo_root / "run").exists()


def test_an_unknown_log_says_which_there_are(write_config):
    findings = zoo.check(write_config(CONFIG.replace('"csv"]', '"wandb"]'), "m.toml"))
    assert [finding.code for finding in findings] == ["bad-value"]
    assert "'wandb' is not one of tensorboard, csv" in findings[0].message


def test_one_log_may_be_written_without_a_list(cli, config):
    config.write_text(CONFIG.replace('["tensorboard", "csv"]', '"csv"'))
    done = cli("train", config, "-q", "--json", "--run", "run").document
    assert json.loads(json.dumps(done))["history"]["loss"]
    assert (config.parent / "run/batches.csv").exists()
    assert not (config.parent / "run/tensorboard").exists()
