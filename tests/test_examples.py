"""The examples: models of no particular field, which the core has to serve as well as any."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.runs import Run

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
CONFIGS = sorted(EXAMPLES.glob("*.toml"))

pytest.importorskip("sklearn", reason="the examples' data comes from scikit-learn")

pytestmark = pytest.mark.usefixtures("no_run_report")


def script(folder: Path, name: str):
    """Imports a script of the examples."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    """A zoo with the examples and their data."""
    root = tmp_path_factory.mktemp("zoo")
    (root / "registry.toml").write_text("format = 1\n")
    ignored = shutil.ignore_patterns("data", "runs", "__pycache__")
    folder = Path(shutil.copytree(EXAMPLES, root / "examples", ignore=ignored))
    script(folder, "make_data").main()
    return folder


def test_the_examples_are_three_and_the_readme_names_each():
    assert [path.stem for path in CONFIGS] == ["diabetes-mlp", "digits-cnn", "digits-pair"]
    readme = (EXAMPLES / "README.md").read_text()
    for path in CONFIGS:
        assert f"`{path.name}`" in readme


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_an_example_passes_the_check_without_plugins(config, examples, monkeypatch):
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "1")
    assert zoo.check(examples / config.name, zoo=examples.parent) == []


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_an_example_says_how_it_is_run_and_has_a_name_of_its_own(config):
    text = config.read_text()
    assert f"zoo train examples/{config.name}" in text
    assert tomllib.loads(text)["name"] == config.stem


@pytest.fixture(scope="module")
def trained(examples):
    """Trains an example for two epochs, once, and gives its run."""

    @cache
    def trained(name: str) -> Run:
        # Batches of one size, so that the mean of the sums is the sum of the means.
        more = {"train.batch_size": 60} if name == "digits-pair" else {}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(examples.parent)
            return zoo.train(examples / f"{name}.toml", {"train.epochs": 2, **more}, quiet=True)

    return trained


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_an_example_learns_in_two_epochs(config, trained):
    loss = trained(config.stem).history["loss"]
    assert loss[1] < loss[0]


def test_the_pair_has_a_loss_and_a_metric_for_each_output(trained):
    last = trained("digits-pair").last_epoch()
    assert {"larger_loss", "sum_loss", "larger_accuracy", "sum_mae"} <= set(last)
    assert last["loss"] == pytest.approx(last["larger_loss"] + 0.1 * last["sum_loss"], rel=1e-3)


def test_the_made_data_is_what_scikit_learn_ships(examples):
    from sklearn.datasets import load_diabetes, load_digits

    table = np.loadtxt(examples / "data" / "diabetes.csv", delimiter=",", skiprows=1)
    shipped = load_diabetes(scaled=False)
    whole = np.column_stack([shipped.data, shipped.target])
    np.testing.assert_array_equal(np.unique(table, axis=0), np.unique(whole, axis=0))
    digits = np.load(examples / "data" / "digits.npz")
    assert (len(digits["x"]), len(digits["x_test"])) == (1438, 359)
    counts = np.bincount(np.concatenate([digits["y"], digits["y_test"]]))
    np.testing.assert_array_equal(counts, np.bincount(load_digits().target))


def test_no_test_image_of_a_pair_is_one_that_was_trained_on(examples):
    pairs = np.load(examples / "data" / "pairs.npz")
    train, test = (
        {image.tobytes() for side in ("left", "right") for image in pairs[f"{side}{split}"]}
        for split in ("", "_test")
    )
    assert train.isdisjoint(test)


def test_the_targets_of_a_pair_follow_from_its_digits(examples):
    pairs, digits = (np.load(examples / "data" / f"{name}.npz") for name in ("pairs", "digits"))
    images = np.concatenate([digits["x"], digits["x_test"]])
    labels = np.concatenate([digits["y"], digits["y_test"]])
    digit = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    for row in range(0, 1000, 50):
        left, right = (digit[pairs[f"{side}_test"][row].tobytes()] for side in ("left", "right"))
        assert pairs["sum_test"][row, 0] == left + right
        assert pairs["larger_test"][row, 0] == (left > right)


@pytest.mark.slow
def test_each_example_is_at_least_as_good_as_its_peer_of_scikit_learn(examples):
    compare = script(examples, "compare")
    found = {name: compare.trained(name) for name in compare.PEERS}
    peers = {name: peer(examples / "data") for name, (_, peer) in compare.PEERS.items()}
    # A network gains little on 442 patients: it must not lose more than a seed's luck.
    assert found["diabetes-mlp"]["r2"] > peers["diabetes-mlp"]["r2"] - 0.03
    assert found["digits-cnn"]["accuracy"] > peers["digits-cnn"]["accuracy"]
    larger = [figures["digits-pair"]["larger_accuracy"] for figures in (found, peers)]
    assert larger[0] > larger[1] + 0.05
    assert found["digits-pair"]["sum_mae"] < 0.6 * peers["digits-pair"]["sum_mae"]


def test_comparing_without_data_says_how_to_make_it(tmp_path):
    shutil.copy(EXAMPLES / "compare.py", tmp_path)
    compare = script(tmp_path, "compare")
    with pytest.raises(SystemExit, match=r"python examples/make_data\.py"):
        compare.main()


def test_without_scikit_learn_the_data_script_says_so(tmp_path, monkeypatch):
    shutil.copy(EXAMPLES / "make_data.py", tmp_path)
    made = script(tmp_path, "make_data")
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(SystemExit, match="pip install scikit-learn"):
        made.main()
