"""The page for data-assimilation scientists: its blocks run, one after the other, as they stand."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "localization.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.S)

# The page loads a published model, and trains for minutes: here it is trained on next to nothing.
BEFORE = """
import zoo
few = {"train_pairs": 32, "validation_pairs": 16, "test_pairs": 16, "pairs_per_block": 16}
few |= {"reference_members": 200, "spin_up": 50}
short = {"train.epochs": 1} | {f"data.{name}": value for name, value in few.items()}
zoo.train("residual-lorenz96", short).publish()
train = zoo.train
zoo.train = lambda config: train(config, {"train.epochs": 1})
"""
AFTER = """
import json
from zoo_localization.enkf import matrix_update

ensemble = rng.normal(size=(members, model_size))
observation = rng.normal(size=observed.size)
localized = matrix_update(
    ensemble, observation, operator, 1.0, np.random.default_rng(1), localization
)
mean = localized.mean(axis=0)
ours = mean + 1.05 * (localized - mean)
page = analysis(ensemble, observation, np.random.default_rng(1))
print(json.dumps({
    "difference": float(np.abs(page - ours).max()),
    "pairs": [len(raw), len(reference)],
    "arms": sorted({name.split(".")[1] for name in figures}),
    "values": all(np.isfinite(value) for value in figures.values()),
}))
"""


def write_the_files_of_the_page(folder: Path) -> None:
    for mark, text in re.findall(r"<!-- file: (\S+) -->\n```toml\n(.*?)```", PAGE, re.S):
        (folder / mark).write_text(text, encoding="utf-8")


def test_the_blocks_of_the_localization_page_run(tmp_path: Path) -> None:
    (tmp_path / "registry.toml").write_text("format = 1\n", encoding="utf-8")
    write_the_files_of_the_page(tmp_path)
    blocks = [text for language, text in BLOCKS if language == "python"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([BEFORE, *blocks, AFTER])],
        cwd=tmp_path,
        env={
            **os.environ,
            "ZOO_CACHE_DIR": str(tmp_path / "cache"),
            "ZOO_ROOT": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert any(re.fullmatch(r"\d\S* own-lorenz96@1\.0\.0", line) for line in said)
    assert any(line.startswith("posterior_rmse.model_matrix = 0.") for line in said)
    found = json.loads(said[-1])
    assert found["difference"] < 1e-6
    assert found["pairs"] == [400, 400]
    assert found["arms"] == ["gaspari_cohn_matrix", "gaspari_cohn_serial", "model_matrix"]
    assert found["values"]


def test_the_map_of_the_localization_page_names_every_tensor_of_the_published_weights() -> None:
    archive = ROOT.parent / "shared" / "data" / "paper" / "clf_f15_sob.npz"
    if not archive.exists():
        pytest.skip("the published weights are not beside this checkout")
    (text,) = [text for language, text in BLOCKS if language == "toml" and "[names]" in text]
    names = tomllib.loads(text)["names"]
    assert set(names.values()) == set(np.load(archive).files)
