"""What is as the lock says is built, trained, published, loaded, evaluated and predicted."""

from __future__ import annotations

import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.usefixtures("no_run_report", "few_files")

DATA = """
[data]
type = "synthetic"
x_shape = [8]
y_shape = [2]
samples = 8
validation_samples = 8
test_samples = 8
[train]
jit_compile = false
[[evaluate]]
type = "metrics"
"""


@pytest.fixture
def trainable(root, cli):
    path = root / "model.toml"
    path.write_text(path.read_text() + DATA)
    cli("lock")
    return root


def test_from_a_locked_config_to_a_locked_version(trainable, cli, site):
    assert zoo.build("tiny", locked=True).count_params() == 18
    done = cli("train", "tiny", "--locked", "--publish", "--quiet", "--json").document
    assert done["published"] == "tiny@1.0.0"
    # A run is of the config that was locked; its version is newer than the lock.
    cli("evaluate", done["run"], "--locked")
    assert "tiny@1.0.0 is not in zoo.lock" in cli("evaluate", "tiny", "--locked", status=2).err
    assert cli("lock", "--json").document["changes"] == [
        {
            "kind": "weights",
            "name": "tiny@1.0.0",
            "change": "added",
            "detail": "",
            "severity": "error",
        }
    ]
    x = np.ones((3, 8), "float32")
    np.save("x.npy", x)
    cli("evaluate", "tiny", "--locked")
    cli("predict", "tiny@1", "x.npy", "-o", "y.npy", "--locked")
    loaded = zoo.load("tiny", locked=True)
    np.testing.assert_allclose(np.load("y.npy"), loaded.predict(x, verbose=0), rtol=1e-6)
    (site / "tides/losses.py").write_text("def swell(y_true, y_pred):\n    return y_true\n")
    for command in (("evaluate", done["run"]), ("evaluate", "tiny"), ("train", "tiny")):
        assert "changed tides/losses.py" in cli(*command, "--locked", status=5).err


def test_a_run_of_another_config_than_the_locked_one_is_refused(trainable, cli):
    run = cli("train", "tiny", "--quiet", "--set", "train.seed=3", "--json").document["run"]
    said = cli("evaluate", run, "--locked", status=2).err
    assert "the resolved config of tiny is not the locked one: changed train" in said
    cli("evaluate", run)


def test_a_run_goes_on_locked(trainable, cli):
    run = zoo.train("tiny", locked=True, quiet=True)
    again = zoo.train(run.config_path, locked=True, quiet=True, resume=True, folder=run.folder)
    assert again.history == run.history
