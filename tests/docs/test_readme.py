"""The front page and the page for contributors: what they promise is there."""

import re
import tomllib
from pathlib import Path

import pytest

import zoo
from tests.docs.blocks import ROOT, blocks, read
from tests.docs.installed import a_zoo, install, run_here
from tests.docs.shell import COMMANDS, name_and_rest, zoo_calls


@pytest.mark.parametrize("file", sorted((ROOT / "models").glob("*.toml")), ids=lambda f: f.name)
def test_every_general_model_passes_the_check_without_plugins(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "1")
    root = a_zoo(tmp_path / "zoo")
    assert zoo.check(root / "models" / file.name, zoo=root) == []


def test_the_readme_has_nothing_before_sentence_picture_commands_config_and_plugin() -> None:
    text = read("README.md")
    order = ["A model zoo for Keras", "way.svg", "make train", "make test", "zoo = 1", "entry-po"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert places[0] == 0


@pytest.mark.usefixtures("no_run_report")
def test_the_python_and_the_plugin_of_the_readme_run(tmp_path: Path) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install("README.md", site, root)
    (root / "weighted.toml").write_text(
        'zoo = 1\nname = "weighted"\nloss = "my_weighted_mse"\n'
        'inputs = [{ name = "x", shape = [3] }, { name = "weights", shape = [2] }]\n'
        'layers = [{ name = "y", type = "Dense", inputs = "x", units = 2 }]\n',
        encoding="utf-8",
    )
    own = [b.text for b in blocks("README.md") if b.language == "python" and not b.marks]
    losses = (
        "import numpy as np\n"
        "model = zoo.build('weighted.toml')\n"
        "x, w = np.ones((2, 3), 'float32'), np.array([[1, 0], [0, 3]], 'float32')\n"
        "data = {'x': x, 'weights': w}\n"
        "y = np.asarray(model(data)) + np.array([[1, 5], [5, 2]], 'float32')\n"
        "print(float(model.evaluate(data, y, verbose=0)))\n"
    )
    said = run_here("\n".join([*own, losses]), root, site).splitlines()
    assert "mlp-synthetic@1.0.0" in said[-2]
    # By hand: the mean of 1 * 1, 0 * 25, 0 * 25 and 3 * 4.
    assert float(said[-1]) == pytest.approx(13 / 4, rel=1e-5)


def test_every_command_that_there_is_stands_in_the_readme() -> None:
    named = {name_and_rest(words)[0] for words in zoo_calls("README.md")}
    assert named == set(COMMANDS)


def test_contributing_says_what_every_dependency_is_for() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(name for extra in extras for name in extra)]
    table = read("CONTRIBUTING.md").partition("## Dependencies")[2].partition("\n## ")[0]
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    named = {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}
    assert named == {re.split(r"[><=\[;]", name)[0] for name in wanted}
