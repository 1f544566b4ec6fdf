"""Trainings that MLflow follows, read back by its own client from its own store."""

from __future__ import annotations

import json
import sys

import pytest

import zoo
from zoo.errors import ConfigError

pytest.importorskip("mlflow")

pytestmark = pytest.mark.usefixtures("no_run_report")

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [4] }]
layers = [{ name = "y", type = "Dense", units = 2 }]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.25 }
data = { type = "synthetic", x_shape = [4], y_shape = [2], samples = 32, validation_samples = 8 }
train = { epochs = 2, batch_size = 16, seed = 7, jit_compile = false, callbacks = ["MLflow"] }
"""


@pytest.fixture
def config(write_config, monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    return write_config(CONFIG, "m.toml")


@pytest.fixture
def client(zoo_root, monkeypatch, config):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return MlflowClient(tracking_uri=(zoo_root / "mlruns").as_uri())


@pytest.fixture
def train(training_of, config):
    train = training_of(CONFIG)
    return lambda folder="run", resume=False, **keys: train(
        {f"train.{key}": value for key, value in keys.items()}, folder, resume=resume
    )


def configured(arguments):
    return CONFIG.replace('"MLflow"', f'{{ type = "MLflow", {arguments} }}')


def the_run(client, experiment="m"):
    found = client.get_experiment_by_name(experiment)
    (run,) = client.search_runs([found.experiment_id])
    return run


def logged(client, run, name):
    items = client.get_metric_history(run.info.run_id, name)
    return [(item.step, item.value) for item in items]


def test_mlflow_has_the_metrics_of_each_epoch_the_settings_and_the_model(train, client):
    run = train("first")
    found = the_run(client)
    for name in ("loss", "val_loss"):
        assert logged(client, found, name) == list(enumerate(run.history[name], 1))
    assert found.info.run_name == "first"
    assert found.info.status == "FINISHED"
    assert found.data.params["optimizer.type"] == "zoo/SGD"
    assert found.data.params["optimizer.learning_rate"] == "0.25"
    assert found.data.params["train.batch_size"] == "16"
    assert found.data.params["loss.type"] == "zoo/mse"
    assert found.data.tags["zoo.model"] == "m"
    assert found.data.tags["zoo.fingerprint"] == run.facts["fingerprint"]


def test_a_resumed_training_goes_on_with_its_run_of_mlflow(train, client):
    train(epochs=1)
    run = train(epochs=2, resume=True)
    found = the_run(client)
    assert logged(client, found, "loss") == list(enumerate(run.history["loss"], 1))
    assert found.data.tags["zoo.epochs"] == "2"
    whole = train("whole", epochs=2)
    assert run.history == whole.history


def test_an_epoch_that_was_logged_before_a_kill_and_is_trained_again_is_logged_once(train, client):
    run = train(epochs=1)
    found = the_run(client)
    client.log_metric(
        found.info.run_id, "loss", 99.0, step=2
    )  # the kill came before its checkpoint
    train(epochs=3, resume=True)
    assert [step for step, _ in logged(client, found, "loss")] == [1, 2, 3]
    assert [step for step, _ in logged(client, found, "val_loss")] == [1, 2, 3]
    assert json.loads((run.folder / "mlflow.json").read_text())["run_id"] == found.info.run_id


def test_experiment_and_run_have_the_names_that_the_config_gives(train, config, client):
    config.write_text(configured('experiment = "trial", run_name = "one"'))
    train(epochs=1)
    assert the_run(client, "trial").info.run_name == "one"


def test_the_environment_says_where_to_and_the_config_cannot(
    train, config, zoo_root, tmp_path, monkeypatch
):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "elsewhere").as_uri())
    train(epochs=1)
    assert the_run(MlflowClient()).info.status == "FINISHED"
    assert not (zoo_root / "mlruns").exists()
    config.write_text(configured('tracking_uri = "http://example.org"'))
    (finding,) = zoo.check(config)
    assert finding.code == "unknown-argument"


def test_without_the_package_the_extra_is_named_before_anything_is_trained(
    train, zoo_root, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"needs the extra `mlflow`: pip install 'zoo\[mlflow\]'"):
        train()
    assert not (zoo_root / "run").exists()
