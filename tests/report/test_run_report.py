"""The report of a run: what it shows of real trainings, and that it never costs one."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from tests.processes import python
from zoo.runs import Run, open_run

CONFIG = """
zoo = 1
name = "tiny"
description = "From <script>alert(1)</script> four numbers & two."
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "hidden", type = "Dense", units = 3 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = "SGD"
data = { type = "npz", path = "data.npz", validation_split = 0.25 }
train = { epochs = 2, batch_size = 4, jit_compile = false }
"""
EVALUATOR = """
def skill(model, data, report=None):
    report.lines("skill_curve", {"d": [0, 1], "m": [1.0, 0.5]}, x="d", y=["m"], caption="<b>c</b>")
    report.images("maps", {"raw": [[1.0, -1.0]]})
    report.table("rows", {"<i>name": ["<b>x</b>"], "value": [0.25]})
    return {"score": 0.125}
"""

Train = Callable[..., Run]


UNSPLIT = {"data.validation_split": 0.0}
"""For a training whose validation nothing is about."""

SETTINGS = {"train.seed": 3, "layers.hidden.units": 5}
"""What the run that many tests look at was told by `--set`."""


def write_data(root: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    np.savez(root / "data.npz", x=x, y=x[:, :2])


@pytest.fixture
def train(zoo_root: Path, training_of: Callable[..., Train]) -> Train:
    write_data(zoo_root)
    return training_of(CONFIG)


@pytest.fixture(scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    (root / "registry.toml").write_text("format = 1\n")
    (root / "m.toml").write_text(CONFIG)
    write_data(root)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ZOO_ROOT", "ZOO_DISABLE_PLUGINS"):
            patch.delenv(name, raising=False)
        zoo.train(root / "m.toml", SETTINGS, zoo=root, folder=root / "run", quiet=True)
    return root


@pytest.fixture
def run(_trained: Path, zoo_root: Path) -> Run:
    """A run of two epochs, in a zoo of the test's own."""
    shutil.copytree(_trained, zoo_root, dirs_exist_ok=True)
    return Run(zoo_root / "run")


def html(run: Run) -> str:
    return (run.report_folder / "index.html").read_text()


def rows(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(path.read_text().splitlines())]


def sections(text: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', text)


def test_a_training_writes_its_report_and_the_numbers_of_every_figure(run: Run) -> None:
    text = html(run)
    assert sections(text) == ["curves", "graph", "data", "timings", "config", "environment"]
    folder = run.report_folder / "training"
    for name in ("curve-loss", "seconds"):
        assert (folder / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert f'href="training/{name}.csv"' in text
        assert f'href="training/{name}.png"' in text
    kept = [
        {"epoch": str(n + 1), "training": str(t), "validation": str(v)}
        for n, (t, v) in enumerate(zip(run.history["loss"], run.history["val_loss"], strict=True))
    ]
    assert rows(folder / "curve-loss.csv") == kept
    assert text.count("<svg") == 3
    assert 'aria-label="Lines over epoch. training goes from ' in text


def test_every_link_of_a_report_leads_to_a_file_beside_it_and_nothing_is_fetched(
    run: Run, resources: Callable[[str], list[str]]
) -> None:
    named = [each for each in resources(html(run)) if each and not each.startswith(("#", "data:"))]
    assert len(named) >= 5
    for each in named:
        assert (run.report_folder / each).is_file(), each
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html(run))


def test_an_evaluation_adds_its_results_tables_and_figures_and_their_text_is_text(
    train: Train, cli: Callable[..., Any], make_distribution: Callable[..., Path]
) -> None:
    entry_points = {"zoo.evaluators": {"skill": "skill_mod:skill"}}
    make_distribution("zoo-skill", entry_points, {"skill_mod.py": EVALUATOR})
    skilled = {**UNSPLIT, "evaluate": [{"type": "skill"}]}
    run = train({"train.epochs": 1, **skilled})
    assert "evaluation" not in sections(html(run))
    document = cli("evaluate", run.folder, "--json").document
    assert document["page"] == str(run.report_folder / "index.html")
    text = html(run)
    assert "<dt>score</dt><dd>0.125</dd>" in text
    assert 'aria-label="Lines over d. m goes from 1 to 0.5, between 0.5 and 1."' in text
    assert (run.report_folder / "skill_curve.png").is_file()
    assert '<a href="rows.csv">CSV</a>' in text
    assert "<script" not in text
    assert "From &lt;script&gt;alert(1)&lt;/script&gt; four numbers &amp; two." in text
    assert "&lt;b&gt;c&lt;/b&gt;" in text
    assert "&lt;i&gt;name" in text
    assert "<b>x</b>" not in text
    train({"train.epochs": 2, **skilled}, resume=True)
    assert "After epoch 1; 2 are done by now." in html(run)


def test_the_graph_and_the_config_are_shown_with_what_they_came_from(run: Run) -> None:
    graph = rows(run.report_folder / "training/graph.csv")
    assert [row["parameters"] for row in graph] == ["", "25", "12"]
    assert graph[1]["output shape"] == "(batch, 5)"
    config = {row["key"]: row for row in rows(run.report_folder / "training/config.csv")}
    assert config["layers.hidden.units"]["value"] == "5"
    assert config["layers.hidden.units"]["from"] == "--set layers.hidden.units"
    assert config["layers.y.units"]["from"] == "m.toml:8"
    assert config["train.shuffle"]["from"] == "default"


def test_the_data_are_summed_up_as_numpy_does(run: Run) -> None:
    with np.load("data.npz") as arrays:
        x = arrays["x"].astype("float64")
    (row,) = (
        row for row in run.note("data.json") if (row["split"], row["array"]) == ("train", "x")
    )
    assert row["shape"] == [12, 4]
    assert row["dtype"] == "float32"
    # Which samples go into the validation split is the dataset's own affair.
    (other,) = (
        row for row in run.note("data.json") if (row["split"], row["array"]) == ("validation", "x")
    )
    mean = (12 * row["mean"] + 4 * other["mean"]) / 16
    assert mean == pytest.approx(x.mean(), abs=1e-9)
    assert min(row["min"], other["min"]) == pytest.approx(x.min())
    assert max(row["max"], other["max"]) == pytest.approx(x.max())
    squares = 12 * (row["std"] ** 2 + row["mean"] ** 2) + 4 * (
        other["std"] ** 2 + other["mean"] ** 2
    )
    assert squares / 16 == pytest.approx((x**2).mean(), rel=1e-9)


def test_a_gradient_norm_has_axes_of_its_own_and_without_its_plugin_the_report_is_written_too(
    train: Train, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = [{"type": "zoo-diagnostics/GradientNorm"}]
    run = train({**UNSPLIT, "metrics": metrics, "train.epochs": 1})
    assert sections(html(run))[:2] == ["curves", "gradients"]
    kept = json.loads((run.report_folder / "training/gradient-gradient_norm.json").read_text())
    assert kept["figure"]["log"] is True
    assert kept["columns"]["training"] == run.history["gradient_norm"]
    graph = run.report_folder / "training/graph.csv"
    graph.unlink()
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "1")
    cli("report", run.folder)
    assert [(row["node"], row["parameters"]) for row in rows(graph)] == [
        ("x", ""),
        ("hidden", "15"),
        ("y", "8"),
    ]


def test_times_and_origins_outlive_a_resumption(run: Run) -> None:
    before = run.note("timings.json")
    assert len(before) == 2
    assert all(seconds > 0 for seconds in before)
    zoo.train(run.config_path, {"train.epochs": 3}, folder=run.folder, resume=True, quiet=True)
    after = run.note("timings.json")
    assert after[:2] == before
    assert len(after) == 3
    origins = {row["key"]: row["from"] for row in run.note("provenance.json")}
    assert origins["train.seed"] == "--set train.seed"
    assert origins["train.epochs"] == "--set train.epochs"
    assert origins["layers.y.units"] == "m.toml:8"


def test_a_resumed_run_is_the_same_though_its_times_were_spoilt(run: Run, train: Train) -> None:
    parts = train({**SETTINGS, "train.epochs": 1}, folder="parts")
    (parts.folder / "timings.json").write_text("{")
    (parts.folder / "provenance.json").write_text("[")
    train(SETTINGS, folder="parts", resume=True)
    assert parts.history == run.history
    for path, tensor in run.weights().items():
        np.testing.assert_array_equal(parts.weights()[path], tensor)
    assert parts.note("timings.json")[0] is None
    assert len(parts.note("timings.json")) == 2
    assert "timings" in sections(html(parts))


STOPPING = """
import os, signal
import keras
class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            FAIL
"""


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGINT)", "stopped", "stopped by SIGINT"),
        ("raise ValueError('too warm')", "failed", "the training failed: ValueError: too warm"),
    ],
)
def test_a_training_that_ends_early_leaves_a_report_that_says_why(
    train: Train, make_distribution: Callable[..., Path], how: str, status: str, words: str
) -> None:
    module = f"stop_{status}"
    entry_points = {"zoo.callbacks": {"Stop": f"{module}:Stop"}}
    make_distribution("zoo-stop", entry_points, {f"{module}.py": STOPPING.replace("FAIL", how)})
    with pytest.raises(zoo.errors.ZooError, match=words.partition(":")[0]):
        train({**UNSPLIT, "train.callbacks": [{"type": "Stop"}]})
    text = html(open_run("run"))
    assert f'<span class="state bad">{status}</span> {words}' in text
    assert "<dd>1 of 2</dd>" in text


def test_a_training_that_ends_before_its_first_epoch_has_no_report(
    train: Train, make_distribution: Callable[..., Path]
) -> None:
    entry_points = {"zoo.callbacks": {"Stop": "stop_first:Stop"}}
    source = STOPPING.replace("FAIL", "raise ValueError").replace("epoch == 1", "epoch == 0")
    make_distribution("zoo-stop", entry_points, {"stop_first.py": source})
    with pytest.raises(zoo.errors.RunError):
        train({**UNSPLIT, "train.callbacks": [{"type": "Stop"}]})
    assert not Path("run/report").exists()


def test_a_report_that_fails_costs_no_training(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    # A file stands where the folder of the report belongs.
    callbacks = [{"type": "CSVLogger", "filename": "report"}]
    run = train({**UNSPLIT, "train.callbacks": callbacks, "train.epochs": 1})
    assert run.facts["status"] == "finished"
    assert "no report was written: " in capsys.readouterr().err
    assert not (run.report_folder / "index.html").exists()


def test_a_report_is_written_anew_and_its_json_names_it(run: Run, cli: Callable[..., Any]) -> None:
    before = html(run)
    (run.report_folder / "index.html").unlink()
    document = cli("report", run.folder, "--json").document
    assert document["run"] == str(run.folder)
    assert document["report"] == str(run.report_folder / "index.html")
    assert document["report"] in document["files"]
    assert document["missing"] == ""
    assert html(run) == before
    assert cli("report", run.folder).out == f"report  {document['report']}\n"


def test_a_folder_that_is_no_run_has_no_report(cli: Callable[..., Any], zoo_root: Path) -> None:
    assert "is not the folder of a run" in cli("report", zoo_root, status=4).err


def test_what_a_run_no_longer_has_is_no_longer_shown(run: Run, cli: Callable[..., Any]) -> None:
    stale = run.report_folder / "training/curve-gone.json"
    stale.write_text((run.report_folder / "training/curve-loss.json").read_text())
    cli("report", run.folder)
    assert not stale.exists()


def test_a_spoilt_document_is_told_of_and_the_others_are_shown(
    run: Run, cli: Callable[..., Any]
) -> None:
    spoilt = {"columns": {"x": [1, 2], "y": ["a"]}, "figure": {"kind": "lines"}, "caption": "mine"}
    (run.report_folder / "spoilt.json").write_text(json.dumps(spoilt))
    (run.report_folder / "notes.json").write_text("[")
    cli("report", run.folder)
    assert "mine" in html(run)
    assert '<span class="state bad">' in html(run)
    assert "curves" in sections(html(run))


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
sys.modules["matplotlib.figure"] = None
sys.argv = ["zoo", *sys.argv[1:]]
import zoo.cli
try:
    zoo.cli.main()
finally:
    assert not {"keras", "tensorflow"} & set(sys.modules)
"""


def test_without_matplotlib_the_page_has_tables_for_charts_and_says_so(run: Run) -> None:
    for path in run.report_folder.rglob("*.png"):
        path.unlink()
    printed = python("-c", WITHOUT, "report", run.folder)
    assert "they need matplotlib; pip install 'zoo[report]'" in printed
    assert [*run.report_folder.rglob("*.png")] == []
    text = html(run)
    assert "pip install &#39;zoo[report]&#39;" in text
    assert text.count("<svg") == 1  # the graph needs none
    assert 'training</th><th scope="col" class="number">validation' in text
