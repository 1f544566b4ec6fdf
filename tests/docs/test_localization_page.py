"""The page for data-assimilation scientists: its blocks run, one after the other, as they stand."""

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.processes import python

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "localization.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.S)

ARCHIVE = ROOT.parent / "shared" / "data" / "paper" / "clf_f15_sob.npz"

# The page trains for minutes: here it is done on next to nothing.
FEW = {"train_pairs": 32, "validation_pairs": 16, "test_pairs": 16, "pairs_per_block": 16}
FEW |= {"reference_members": 200, "spin_up": 50}
SHORT = ["train.epochs=1", *(f"data.{name}={value}" for name, value in FEW.items())]
BEFORE = """
import zoo
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


@pytest.fixture
def folder(zoo_root: Path) -> Path:
    """A zoo with the files of the page."""
    for mark, text in re.findall(r"<!-- file: (\S+) -->\n```toml\n(.*?)```", PAGE, re.S):
        (zoo_root / mark).write_text(text, encoding="utf-8")
    return zoo_root


def lines(command: str) -> list[list[str]]:
    """The words of each line of the block of `zoo` commands that begins with a command."""
    (text,) = (text for language, text in BLOCKS if text.startswith(f"zoo {command} "))
    return [shlex.split(line)[1:] for line in text.splitlines()]


def run(folder: Path, *words: str) -> str:
    return python(*words, cwd=folder, ZOO_CACHE_DIR=str(folder / "cache"), ZOO_ROOT="")


def test_every_block_of_the_localization_page_is_run_by_a_test_here() -> None:
    commands = [text.split()[1] for language, text in BLOCKS if language == "sh"]
    files = re.findall(r"<!-- file: \S+ -->\n```toml\n", PAGE)
    languages = [language for language, _ in BLOCKS]
    assert commands == ["train", "import"]
    assert len(files) == languages.count("toml")
    assert {*languages} == {"sh", "python", "toml"}
    # None stands inside a list or a quotation, where it would not be found.
    assert len(BLOCKS) == PAGE.count("```") / 2


@pytest.mark.usefixtures("folder")
def test_the_configs_of_the_localization_page_are_correct(cli: Callable[..., Any]) -> None:
    for name in ("own", "pictures"):
        assert cli("check", f"{name}.toml").out == f"{name}.toml: ok\n"


@pytest.mark.slow  # it trains and runs filters
def test_the_python_blocks_of_the_localization_page_run(folder: Path) -> None:
    for words in lines("train"):
        short = [word for change in SHORT for word in ("--set", change)]
        run(folder, "-m", "zoo", *words, *(short if words[0] == "train" else []))
    blocks = [text for language, text in BLOCKS if language == "python"]
    said = run(folder, "-c", "\n".join([BEFORE, *blocks, AFTER])).splitlines()
    assert any(re.fullmatch(r"\d\S* own-lorenz96@1\.0\.0", line) for line in said)
    assert any(line.startswith("posterior_rmse.model_matrix = 0.") for line in said)
    found = json.loads(said[-1])
    assert found["difference"] < 1e-6
    assert found["pairs"] == [400, 400]
    assert found["arms"] == ["gaspari_cohn_matrix", "gaspari_cohn_serial", "model_matrix"]
    assert found["values"]


def test_the_published_weights_become_a_version_as_the_localization_page_has_it(
    folder: Path, cli: Callable[..., Any]
) -> None:
    if not ARCHIVE.exists():
        pytest.skip("the published weights are not beside this checkout")
    names = tomllib.loads((folder / "names.toml").read_text(encoding="utf-8"))["names"]
    assert set(names.values()) == set(np.load(ARCHIVE).files)
    shutil.copy(ARCHIVE, folder)
    shown = [cli(*words).out for words in lines("import")][-1]
    rows = dict(line.split(maxsplit=1) for line in shown.splitlines() if " " in line.strip())
    assert (rows["name"], rows["version"]) == ("clf-srcnn-lorenz05", "1.0.0")
