"""`zoo sweep`: each trial once, whatever comes between, and the best of them."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import zoo
from zoo.cli.app import app_with
from zoo.cli.sweep_table import trials_table
from zoo.config.schema import SweepTable
from zoo.sweeps import running
from zoo.sweeps.running import Sweep
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "swept"
loss = "mse"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "y"
type = "Dense"
units = 2
[optimizer]
type = "SGD"
learning_rate = 0.1
[data]
type = "synthetic"
x_shape = [4]
y_shape = [2]
samples = 16
[train]
epochs = 2
[sweep]
metric = "loss"
[sweep.values]
"""
RATES = '"optimizer.learning_rate" = [0.0001, 0.1, 0.001]\n'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "registry.toml").write_text("format = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, values: str, text: str = CONFIG) -> None:
    (root / "swept.toml").write_text(text + values, encoding="utf-8")


def sweep(*options: str, status: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml", "--json", *options])
    assert done.exit_code == status, done.output
    return dict(json.loads(done.stdout))


def facts(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def _swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("swept")
    (root / "registry.toml").write_text("format = 1\n", encoding="utf-8")
    write(root, RATES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr("zoo.runtime.training.try_run_report", lambda *_, **__: None)
        return root, sweep("--publish")


@pytest.fixture
def swept(_swept: tuple[Path, dict[str, Any]], root: Path) -> dict[str, Any]:
    """What a sweep has said, in a copy of the zoo that it was done in."""
    shutil.copytree(_swept[0], root, dirs_exist_ok=True)
    return _swept[1]


def test_each_trial_is_what_a_training_with_its_values_is_and_the_best_is_published(
    swept: dict[str, Any],
) -> None:
    alone = {
        rate: zoo.train("swept.toml", {"optimizer.learning_rate": rate}, quiet=True).history
        for rate in (0.0001, 0.1, 0.001)
    }
    rows = {row["values"]["optimizer.learning_rate"]: row["value"] for row in swept["trials"]}
    assert rows == {rate: history["loss"][-1] for rate, history in alone.items()}
    assert list(rows) == sorted(rows, key=rows.__getitem__)
    assert len(CliRunner().invoke(app_with(["runs"]), ["runs"]).stdout.split("finished")) == 7
    assert swept["published"] == "swept@1.0.0"
    best = zoo.load("swept@1")
    assert float(best.optimizer.learning_rate) == pytest.approx(next(iter(rows)))
    assert "sweep" not in (Path(swept["trials"][0]["run"]) / "config.toml").read_text()


def test_the_largest_is_first_where_the_mode_says_so(root: Path, swept: dict[str, Any]) -> None:
    write(root, RATES, CONFIG.replace('metric = "loss"', 'metric = "loss"\nmode = "max"'))
    values = [row["value"] for row in sweep("--resume")["trials"]]
    assert len(set(values)) == 3
    assert values == [row["value"] for row in swept["trials"]][::-1]


def test_a_mistake_in_any_trial_is_found_before_the_first_one_is_trained(root: Path) -> None:
    write(root, '"layers.y.units" = [2, -3]\n')
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml"])
    assert done.exit_code == 2
    assert "-3" in done.output
    assert not (root / "runs").exists()


def test_a_config_without_a_sweep_says_what_one_looks_like(root: Path) -> None:
    write(root, "", CONFIG.partition("[sweep]")[0])
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml"])
    assert done.exit_code == 2
    assert "there is no [sweep]" in done.output
    assert '[sweep.values] with "optimizer.learning_rate"' in done.output


def test_a_trial_that_fails_is_named_and_the_others_are_trained(root: Path) -> None:
    write(root, '"optimizer.learning_rate" = [1e30, 0.1]\n')
    found = sweep("--run", "s", status=6)
    assert [row["trial"] for row in found["trials"]] == [2]
    (failure,) = found["failed"]
    assert failure["trial"] == 1
    assert "finite" in failure["reason"]


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_trains_no_finished_trial_again(root: Path) -> None:
    write(root, RATES, CONFIG.replace("epochs = 2", "epochs = 30"))
    command = [sys.executable, "-m", "zoo", "sweep", "swept.toml", "--run", "s"]
    process = subprocess.Popen(command, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    try:
        end = time.monotonic() + 600
        while not (root / "s/trial-2/run.json").exists() and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    first = facts(root / "s/trial-1")
    assert first["status"] == "finished"
    assert not (root / "s/trial-3").exists()
    found = sweep("--run", "s", "--resume")
    assert facts(root / "s/trial-1") == first
    whole = zoo.train("swept.toml", {"optimizer.learning_rate": 0.1}, quiet=True)
    (second,) = [row for row in found["trials"] if row["trial"] == 2]
    assert second["value"] == whole.history["loss"][-1]
    assert len(found["trials"]) == 3


def test_a_stopped_sweep_says_how_to_go_on_and_trains_no_finished_trial_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, RATES)
    train = running.train_trial

    def stop_at_the_second(order: Any) -> str:
        if order["folder"].endswith("trial-2"):
            os.kill(os.getpid(), signal.SIGINT)
        return train(order)

    monkeypatch.setattr(running, "train_trial", stop_at_the_second)
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml", "--run", "s"])
    assert done.exit_code == 130
    assert "stopped with 1 of 3 trials done" in done.output
    assert f"go on with: zoo sweep swept.toml --run {root / 's'} --resume" in done.output
    first = facts(root / "s/trial-1")
    monkeypatch.setattr(running, "train_trial", train)
    assert len(sweep("--run", "s", "--resume")["trials"]) == 3
    assert facts(root / "s/trial-1") == first


@pytest.mark.usefixtures("swept")
def test_a_changed_sweep_is_not_gone_on_with(root: Path) -> None:
    (folder,) = (path.parent for path in root.glob("runs/swept/*/sweep.json"))
    write(root, RATES.replace("0.001]", "0.002]"))
    again = ["sweep", "swept.toml", "--run", str(folder)]
    done = CliRunner().invoke(app_with(["sweep"]), [*again, "--resume"])
    assert done.exit_code == 2
    assert "the trials are not those" in done.output
    done = CliRunner().invoke(app_with(["sweep"]), again)
    assert "has a sweep already" in done.output


def test_nothing_to_resume_is_said(root: Path) -> None:
    write(root, RATES)
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml", "--resume"])
    assert done.exit_code == 4
    assert "there is no sweep to resume" in done.output


LEARNING = CONFIG.replace('metric = "loss"', 'metric = "loss"\nmethod = "tpe"\ntrials = 2')
RANGE = '"optimizer.learning_rate" = { low = 0.001, high = 0.1, log = true }\n'


def test_a_sweep_that_learns_goes_on_with_more_trials_as_it_would_have(root: Path) -> None:
    pytest.importorskip("optuna")
    write(root, RANGE, LEARNING)
    whole = sweep("--run", "whole")["trials"]
    write(root, RANGE, LEARNING.replace("trials = 2", "trials = 1"))
    assert len(sweep("--run", "parts")["trials"]) == 1
    first = facts(root / "parts/trial-1")
    write(root, RANGE, LEARNING)
    parts = sweep("--run", "parts", "--resume")["trials"]
    assert [{**row, "run": ""} for row in parts] == [{**row, "run": ""} for row in whole]
    assert facts(root / "parts/trial-1") == first
    write(root, RANGE.replace("0.001", "0.002"), LEARNING)
    done = CliRunner().invoke(
        app_with(["sweep"]), ["sweep", "swept.toml", "--run", "parts", "--resume"]
    )
    assert done.exit_code == 2
    assert "the trials are not those that" in done.output


def test_an_end_that_is_wrong_is_found_before_a_learning_sweep_trains(root: Path) -> None:
    pytest.importorskip("optuna")
    write(root, '"layers.y.units" = { low = 0, high = 4 }\n', LEARNING)
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml"])
    assert done.exit_code == 2
    assert "units" in done.output
    assert not (root / "runs").exists()


def test_the_table_on_a_terminal_says_how_far_each_trial_is(root: Path) -> None:
    write(root, '"optimizer.learning_rate" = [0.0001, 1e30, 0.001, 0.2]\n')
    checked = Workspace(None).check("swept.toml", {}).usable
    table = SweepTable.model_validate(checked.document["sweep"])
    swept = Sweep.planned("swept.toml", {}, root, root / "s", table)
    trials = swept.run()
    next(trials)
    trial, reason = next(trials)
    failed = {trial.number: reason}
    begun = root / "s/trial-3"
    begun.mkdir()
    (begun / "run.json").write_text('{"status": "running"}', encoding="utf-8")
    (begun / "history.json").write_text('{"loss": [1.0]}', encoding="utf-8")
    console = Console(file=io.StringIO(), width=100)
    console.print(trials_table(swept, failed, 10))
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[1] == "3 0.001 epoch 2"
    assert lines[2].startswith("1 0.0001 ")
    assert lines[2].endswith(" finished")
    assert lines[3] == "2 1e+30 failed"
    assert lines[4] == "2 of 4 done, 1 under way, 1 waiting"


def test_without_ray_the_extra_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, RATES)
    monkeypatch.setitem(sys.modules, "ray", None)
    done = CliRunner().invoke(app_with(["sweep"]), ["sweep", "swept.toml", "--workers", "2"])
    assert done.exit_code == 2
    assert "pip install 'zoo[ray]'" in done.output


KILLED_ONCE = """
import os, signal
from pathlib import Path
import keras

class KilledOnce(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        mark = Path(os.environ["MARK"])
        if epoch == 1 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_process_of_ray_is_replaced_and_the_trial_goes_on(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    site = root / "site"
    metadata = site / "killed_once-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "killed_once.py").write_text(KILLED_ONCE, encoding="utf-8")
    (metadata / "METADATA").write_text("Name: killed-once\nVersion: 0.1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        "[zoo.callbacks]\nkilled_once = killed_once:KilledOnce\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("MARK", str(root / "mark"))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    write(root, RATES, CONFIG.replace("epochs = 2", 'epochs = 4\ncallbacks = ["killed_once"]'))
    command = [sys.executable, "-m", "zoo", "sweep", "swept.toml", "--json", "--run"]
    found = []
    for folder, options in (("s", ["--workers", "2"]), ("t", [])):
        done = subprocess.run(
            [*command, folder, *options], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found.append({r["trial"]: r["value"] for r in json.loads(done.stdout)["trials"]})
    assert (root / "mark").exists()
    assert found[0].keys() == found[1].keys() == {1, 2, 3}
    for trial, value in found[0].items():
        np.testing.assert_allclose(value, found[1][trial], rtol=1e-6)
