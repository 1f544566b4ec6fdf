"""Build, train, publish, verify, evaluate and predict, as the contract has their JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import h5netcdf
import numpy as np
import pytest

import zoo
from zoo.builtin.datasets import synthetic

pytestmark = pytest.mark.usefixtures("no_run_report")

ONCE = ["--set", "train.epochs=1", "--set", "data.validation_samples=0"]
"""For trainings whose values are not looked at."""


def test_build_says_what_the_model_is(cli, tiny):
    document = cli("build", tiny, "--json").document
    assert (
        document.items()
        >= {
            "name": "tiny",
            "parameters": (4 * 3 + 3) + (3 * 2 + 2),
            "inputs": {"x": [4]},
            "outputs": {"y": [2]},
        }.items()
    )
    assert len(document["fingerprint"]) == 64
    text = cli("build", tiny)
    assert document["fingerprint"] in text.out
    assert "hidden" in text.out


def test_train_gives_the_run_and_its_history_and_says_the_rest_on_stderr(cli, tiny, zoo_root):
    done = cli("train", tiny, "--json")
    assert "epoch 2/2" in done.err
    document = done.document
    assert document["published"] is None
    assert list(document["history"]) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(len(values) == 2 for values in document["history"].values())
    run = zoo_root / "runs/tiny"
    assert document["run"] == str(next(run.iterdir()))
    assert not (zoo_root / "weights").exists()
    text = cli("train", tiny, *ONCE)
    assert text.out.startswith("run        ")
    assert "next       zoo publish " in text.out
    assert cli("train", tiny, *ONCE, "--quiet").err == ""


def test_set_repeats_and_is_checked_like_the_rest(cli, tiny):
    sets = [*ONCE, "--set", 'loss.type="mae"', "--set", "layers.hidden.units=5"]
    assert len(cli("train", tiny, "--json", "-q", *sets).document["history"]["loss"]) == 1
    assert cli("build", tiny, "--json", *sets).document["parameters"] == 25 + 12
    wrong = cli("train", tiny, "--json", "--set", "train.epoch=1", status=2).document
    assert wrong["errors"][0]["code"] == "unknown-key"
    assert 'did you mean "epochs"' in wrong["errors"][0]["suggestion"]
    assert cli("check", tiny, "--set", "train.epochs", status=2).out == ""


def test_train_publish_is_one_step_and_publish_another(cli, tiny, zoo_root):
    document = cli("train", tiny, *ONCE, "--publish", "--json", "-q").document
    assert document["published"] == "tiny@1.0.0"
    again = cli("publish", document["run"], "--json").document
    file = zoo_root / again["file"]
    assert again == {
        "version": "tiny@1.1.0",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "file": "weights/tiny/1.1.0.safetensors",
    }
    asked = cli("publish", document["run"], "--version", "4.0.0", "--json").document
    assert asked["version"] == "tiny@4.0.0"
    taken = cli("publish", document["run"], "--version", "4.0.0", "--json", status=3).document
    assert "is published already" in taken["errors"][0]["message"]


def test_evaluate_takes_a_version_or_a_run(cli, tiny, published, zoo_root):
    document = cli("evaluate", "tiny", "--json").document
    assert document["model"] == "tiny@1.0.0"
    assert set(document["results"]) == {"metrics"}
    run = next((zoo_root / "runs/tiny").iterdir())
    of_run = cli("evaluate", run, "--json").document
    assert of_run["results"] == document["results"]
    # The default split is `test`; the loss by hand.
    x, y = synthetic([4], [2], samples=16, validation_samples=8, test_samples=8)["test"]
    error = zoo.load("tiny").predict(x, verbose=0) - y
    found = document["results"]["metrics"]
    assert found["loss"] == pytest.approx(float(np.mean(error**2)), rel=1e-5)
    assert found["mae"] == pytest.approx(float(np.mean(np.abs(error))), rel=1e-5)
    assert "loss" in cli("evaluate", "tiny").out


REPORTER = """
def rows(model, data, report):
    report.table("rows", {"row": [1, 2], "name": ["a", None]}, caption="Two of them")
    return {"rows": 2.0}
"""


def test_tables_go_to_a_runs_folder_or_where_the_user_says(
    cli, tiny, zoo_root, tmp_path, make_distribution
):
    entry_points = {"zoo.evaluators": {"rows": "rows_mod:rows"}}
    make_distribution("zoo-rows", entry_points, {"rows_mod.py": REPORTER})
    tiny.write_text(tiny.read_text() + '\n[[evaluate]]\ntype = "rows"\n')
    run = cli("train", tiny, *ONCE, "--publish", "--json", "-q").document["run"]
    document = cli("evaluate", run, "--json").document
    folder = Path(run, "report")
    assert document["report"] == [str(folder / "rows.json"), str(folder / "rows.csv")]
    assert (folder / "rows.csv").read_text() == "row,name\n1,a\n2,\n"
    assert json.loads((folder / "rows.json").read_text()) == {
        "name": "rows",
        "evaluator": "rows",
        "caption": "Two of them",
        "columns": {"row": [1, 2], "name": ["a", None]},
    }
    assert cli("evaluate", "tiny", "--json").document["report"] == []
    chosen = zoo_root / "elsewhere"
    assert str(chosen) in cli("evaluate", "tiny", "--report", chosen).out.replace("\n", "")
    assert sorted(path.name for path in chosen.iterdir()) == ["rows.csv", "rows.json"]


def test_verify_checks_all_or_one(cli, published, tiny, zoo_root):
    cli("train", tiny, "--publish", "-q", "--set", "train.seed=1", *ONCE)
    assert cli("verify", "--json").document == {
        "ok": True,
        "checked": ["tiny@1.0.0", "tiny@1.1.0"],
        "problems": [],
        "in_the_store": [],
    }
    assert cli("verify", "tiny@1.0", "--json").document["checked"] == ["tiny@1.0.0"]
    file = zoo_root / "weights/tiny/1.1.0.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    document = cli("verify", "--json", status=3).document
    assert document["ok"] is False
    assert [problem["code"] for problem in document["problems"]] == ["hash-mismatch"]
    assert cli("verify", "tiny@1.0.0").out == "1 checked, 0 problems\n"


@pytest.fixture
def inputs():
    return np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def test_predict_reads_and_writes_npy(cli, published, inputs, zoo_root):
    np.save("in.npy", inputs)
    document = cli("predict", "tiny", "in.npy", "-o", "out.npy", "--json").document
    assert document.items() >= {"model": "tiny@1.0.0", "output": "out.npy"}.items()
    expected = zoo.load("tiny").predict(inputs, verbose=0)
    np.testing.assert_array_equal(np.load("out.npy"), expected)


def test_predict_takes_a_single_sample(cli, published, inputs):
    np.save("one.npy", inputs[1])
    assert cli("predict", "tiny@1", "one.npy", "-o", "out.npy", "--json").document["shapes"] == {
        "y": [2]
    }
    np.testing.assert_allclose(
        np.load("out.npy"), zoo.load("tiny").predict(inputs, verbose=0)[1], rtol=1e-5
    )


def test_predict_takes_npz_by_input_name(cli, published, inputs):
    np.savez("in.npz", x=inputs, other=np.zeros(7))
    cli("predict", "tiny", "in.npz", "-o", "out.npz")
    with np.load("out.npz") as archive:
        assert archive.files == ["y"]
        assert archive["y"].shape == (3, 2)


def test_predict_reads_and_writes_netcdf(cli, published, inputs):
    with h5netcdf.File("in.nc", "w") as file:
        file.dimensions = {"sample": 3, "feature": 4}
        file.create_variable("x", ("sample", "feature"), "f4")[...] = inputs
        file.create_variable("sample", ("sample",), "i4")[...] = np.arange(3)
    cli("predict", "tiny", "in.nc", "-o", "out.nc")
    with h5netcdf.File("out.nc", "r") as file:
        assert list(file.variables) == ["y"]
        assert file.variables["y"].dimensions[0] == "batch"
        np.testing.assert_array_equal(
            file.variables["y"][...], zoo.load("tiny").predict(inputs, verbose=0)
        )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 5), "x has the shape (3, 5); the model takes (4,) a sample"),
        ((2, 3, 4), "x has the shape (2, 3, 4); the model takes (4,) a sample"),
    ],
    ids=str,
)
def test_predict_refuses_another_shape(cli, published, shape, message, zoo_root):
    np.save("in.npy", np.zeros(shape))
    document = cli("predict", "tiny", "in.npy", "-o", "out.npy", "--json", status=6).document
    assert document["errors"][0]["message"] == message
    assert not (zoo_root / "out.npy").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["tiny", "no.npy", "-o", "out.npy"], 4, "there is no file no.npy"),
        (["tiny", "in.txt", "-o", "out.npy"], 2, "in.txt has the format '.txt'"),
        (["tiny", "in.npy", "-o", "out.csv"], 2, "out.csv has the format '.csv'"),
        (["tinny", "in.npy", "-o", "out.npy"], 3, "tinny"),
        (["tiny@9", "in.npy", "-o", "out.npy"], 3, "tiny"),
        (["tiny", "in.npy", "-o", "in.npy/out.npy"], 4, "in.npy/out.npy"),
    ],
    ids=str,
)
def test_predict_names_what_is_wrong(cli, published, inputs, arguments, status, message):
    np.save("in.npy", inputs)
    document = cli("predict", *arguments, "--json", status=status).document
    assert message in document["errors"][0]["message"]


def test_the_zoo_is_found_by_option_variable_or_folder(cli, published, monkeypatch, tmp_path):
    root = str(tmp_path / "zoo")
    monkeypatch.chdir(tmp_path)
    lost = cli("verify", "--json", status=3).document
    assert "there is no registry.toml here or above" in lost["errors"][0]["message"]
    assert cli("verify", "--zoo", root, "--json").document["checked"] == ["tiny@1.0.0"]
    monkeypatch.setenv("ZOO_ROOT", root)
    assert cli("verify", "--json").document["checked"] == ["tiny@1.0.0"]
    wrong = cli("verify", "--zoo", tmp_path, "--json", status=3).document
    assert "has no registry.toml" in wrong["errors"][0]["message"]
    monkeypatch.delenv("ZOO_ROOT")
    monkeypatch.chdir(tmp_path / "zoo/weights/tiny")
    assert cli("verify", "--json").document["checked"] == ["tiny@1.0.0"]


def test_a_models_name_stands_for_its_config(cli, published, zoo_root):
    assert cli("build", "tiny", "--json").document["name"] == "tiny"
    run = cli("train", "tiny", "--json", "-q", *ONCE).document
    assert len(run["history"]["loss"]) == 1
    unknown = cli("build", "tinny", "--json", status=3).document
    assert unknown["errors"][0]["code"] == "unknown-model"
    assert unknown["errors"][0]["suggestion"] == 'did you mean "tiny"?'


def test_resume_and_run_name_the_folder(cli, tiny, zoo_root):
    cli("train", tiny, "--run", "mine", "-q", "--set", "train.epochs=1")
    more = cli("train", tiny, "--run", "mine", "--resume", "--json", "-q")
    assert len(more.document["history"]["loss"]) == 2
    assert more.document["run"] == str(zoo_root / "mine")
    taken = cli("train", tiny, "--run", "mine", "--json", status=2).document
    assert "is there already and not empty" in taken["errors"][0]["message"]


def test_from_starts_with_a_versions_weights(cli, published, tiny):
    tame = ["--set", 'optimizer={type="SGD", learning_rate=1e-12}', *ONCE]
    done = cli("train", tiny, "--from", "tiny@1", "--publish", "--json", "-q", *tame)
    assert done.document["published"] == "tiny@1.1.0"
    assert cli("show", "tiny@1.1.0", "--json").document["parent"] == "tiny@1.0.0"
    first, second = (zoo.load(name) for name in ("tiny@1.0.0", "tiny@1.1.0"))
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-7)
