"""From a plugin's model to a version that somebody else uses, by the command as users run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import zoo

SMALL = [
    argument
    for pair in (
        "data.members=6",
        "data.reference_members=16",
        "data.spin_up=5",
        "data.cycles_between_pairs=1",
        "data.pairs_per_block=6",
        "data.train_pairs=12",
        "data.validation_pairs=6",
        "data.test_pairs=6",
        "train.epochs=2",
        "train.batch_size=5",
        "train.jit_compile=false",
    )
    for argument in ("--set", pair)
]


@pytest.fixture
def command(zoo_root, tmp_path):
    environment = {**os.environ, "ZOO_CACHE_DIR": str(tmp_path / "cache")}

    def command(*arguments, status=0, cwd=zoo_root):
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *map(str, arguments)],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    return command


@pytest.mark.slow
def test_a_shipped_model_goes_all_the_way(command, zoo_root, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    assert command("check", "clf-lorenz96", "--json")["ok"] is True
    trained = command("train", "clf-lorenz96", "--publish", "--json", "-q", *SMALL)
    assert trained["published"] == "clf-lorenz96@1.0.0"
    assert {"loss", "val_loss", "gradient_norm", "psnr"} <= set(trained["history"])
    assert "val_gradient_norm" not in trained["history"]
    rows = {row["name"]: row for row in command("list", "models", "--json")}
    assert rows["clf-lorenz96"]["latest"] == "1.0.0"
    assert command("verify", "--json")["ok"] is True
    results = command("evaluate", "clf-lorenz96", "--json")["results"]
    assert all(np.isfinite(value) for value in results["gain_rmse"].values())
    gains = np.random.default_rng(0).normal(size=(3, 40, 20)).astype("float32")
    np.save(zoo_root / "gains.npy", gains)
    command("predict", "clf-lorenz96", "gains.npy", "-o", "out.nc")
    command("predict", "clf-lorenz96", "gains.npy", "-o", "out.npy")
    # The version knows its plugin, its config and its weights: nothing else is needed to load it.
    model = zoo.load("clf-lorenz96@1")
    predicted = model.predict(gains, verbose=0)
    np.testing.assert_array_equal(np.load(zoo_root / "out.npy"), predicted)
    # The network's last step is the layer of the source: gain times a vector, shifted.
    inner = zoo.build("clf-lorenz96").get_layer("kg_pred")
    assert inner.obs_dens == 2
    ratio = predicted / gains
    for j in range(1, 20):
        np.testing.assert_allclose(
            np.roll(ratio[:, :, j], -2 * j, axis=1), ratio[:, :, 0], rtol=1e-3, atol=1e-4
        )


@pytest.mark.slow
def test_a_copied_zoo_is_the_same_zoo(command, zoo_root, tmp_path):
    (zoo_root / "small.toml").write_text(
        'zoo = 1\nname = "small"\n[[inputs]]\nname = "x"\nshape = [4]\n'
        '[[layers]]\nname = "y"\ntype = "Dense"\nunits = 2\n[loss]\ntype = "mse"\n'
        '[data]\ntype = "synthetic"\nx_shape = [4]\ny_shape = [2]\nsamples = 8\n'
    )
    command("train", "small.toml", "--publish", "-q")
    elsewhere = tmp_path / "copy"
    elsewhere.mkdir()
    for name in ("registry.toml", "small.toml", "weights"):
        os.rename(zoo_root / name, elsewhere / name)
    assert command("verify", "--json", cwd=elsewhere)["checked"] == ["small@1.0.0"]
    np.save(elsewhere / "x.npy", np.ones((2, 4), "float32"))
    command("predict", "small", "x.npy", "-o", "y.npy", cwd=elsewhere)
    run = command("train", "small", "--from", "small@1", "--publish", "--json", "-q", cwd=elsewhere)
    assert run["published"] == "small@1.1.0"
    assert str(elsewhere) in run["run"]
