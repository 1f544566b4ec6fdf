"""The page for the owner of code from 2021 does what it says, in English and in Chinese."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

import zoo
from tests.distributions import write_distribution
from tests.docs.installed import run_here

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "from-the-2021-notes.md"
CHINESE = PAGE.with_name("from-the-2021-notes.zh.md")
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```", re.S)

RUN = """
import json
import numpy as np
import zoo
from typer.testing import CliRunner
from zoo.cli.app import app

def command(*words):
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)

rng = np.random.default_rng(0)
raw = rng.normal(size=(64, 40, 20))
truth = np.linspace(0.9, 0.1, 40)[:, None]
np.savez("gains.npz", kg_raw=raw, loc_f=raw * truth)
done = command("train", "taper.toml", "--publish", "--quiet", "--set", "train.epochs=2")
said = {"loss": done["history"]["loss"], "published": done["published"]}
said["largest"] = done["history"]["largest_gradient"]
model = zoo.load("taper@1")
y_pred = model.predict(raw, verbose=0)
by_hand = np.mean((raw * truth - raw * y_pred[:, :, None]) ** 2)
import my_losses
values = my_losses.TaperLoss().call(np.float32(raw * truth), y_pred, np.float32(raw))
said["by_hand"] = [float(by_hand), float(np.mean(values))]
old = {v.path: np.asarray(v) for v in zoo.build("taper.toml").variables
       if v.path.startswith(("hidden", "loc_f"))}
names = {"hidden": "dense", "loc_f": "dense_1"}
np.savez("old.npz", **{f"{names[p.split('/')[0]]}/{p.split('/')[1]}:0": a for p, a in old.items()})
said["imported"] = command("import", "old.npz", "--model", "taper.toml", "--map", "old-names.toml")
loaded = {v.path: np.asarray(v) for v in zoo.load("taper@1").variables}
said["same"] = all(np.array_equal(loaded[path], array) for path, array in old.items())
print(json.dumps(said))
"""


def blocks(page: Path) -> list[re.Match]:
    return list(BLOCK.finditer(page.read_text(encoding="utf-8")))


@pytest.mark.usefixtures("no_run_report")
@pytest.mark.parametrize(
    "page",
    [pytest.param(PAGE, id="en"), pytest.param(CHINESE, id="zh", marks=pytest.mark.slow)],
)
def test_the_loss_the_metric_and_the_old_weights_of_the_page_work(
    page: Path, tmp_path: Path
) -> None:
    root, site = tmp_path / "zoo", tmp_path / "site"
    for folder in (root, site):
        folder.mkdir()
    (root / "registry.toml").write_text("format = 1\n")
    groups = {"zoo.metrics": {"largest_gradient": "my_metrics:LargestGradient"}}
    for block in blocks(page):
        kind, _, name = (block["mark"] or "").partition(": ")
        if kind == "file":
            (site if name.endswith(".py") else root).joinpath(name).write_text(block["text"])
        elif kind == "entry points":
            groups |= tomllib.loads(block["text"])["project"]["entry-points"]
    write_distribution(site, "my-losses", groups, version="0.1.0")
    config = root / "taper.toml"
    config.write_text(config.read_text() + '\n[[metrics]]\ntype = "largest_gradient"\n')
    said = json.loads(run_here(RUN, root, site).splitlines()[-1])
    assert said["published"] == "taper@1.0.0"
    assert said["loss"][-1] < said["loss"][0]
    assert min(said["largest"]) > 0
    assert said["by_hand"][0] == pytest.approx(said["by_hand"][1], rel=1e-4)
    assert said["imported"]["version"] == "taper@1.1.0"
    assert said["same"]


@pytest.mark.parametrize("stem", ["README", "docs/how-to/from-the-2021-notes"])
def test_both_languages_have_the_same_blocks_up_to_their_comments(stem: str) -> None:
    def code(page: Path) -> list[str]:
        return [re.sub(r"\s*#.*|\"\"\".*?\"\"\"", "", block["text"]) for block in blocks(page)]

    assert code(ROOT / f"{stem}.zh.md") == code(ROOT / f"{stem}.md")


@pytest.mark.parametrize("stem", ["README", "docs/how-to/from-the-2021-notes"])
def test_each_language_begins_with_a_way_to_the_other(stem: str) -> None:
    english, chinese = ROOT / f"{stem}.md", ROOT / f"{stem}.zh.md"
    assert f"]({chinese.name})" in "\n".join(english.read_text().splitlines()[:6])
    assert f"]({english.name})" in chinese.read_text().splitlines()[0]


@pytest.mark.parametrize("stem", ["README", "docs/how-to/from-the-2021-notes"])
def test_the_chinese_page_has_every_heading_link_and_command_of_the_english_one(stem: str) -> None:
    english, chinese = (
        (ROOT / name).read_text(encoding="utf-8") for name in (f"{stem}.md", f"{stem}.zh.md")
    )
    for pattern in (r"^#+ ", r"^\|.*`zoo ([a-z ]+)", r"```(\w+)"):
        assert re.findall(pattern, chinese, re.M) == re.findall(pattern, english, re.M)

    def links(text: str) -> set[str]:
        return {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)}

    languages = {f"{Path(stem).name}.md", f"{Path(stem).name}.zh.md"}
    assert links(chinese) - languages == links(english) - languages


def test_the_layer_of_the_page_keeps_every_rule() -> None:
    from zoo.testing import check_component

    check_component("Loc_by_1D", {"obs_dens": 2}, inputs=[(40, 20), (21,)])


def test_the_models_that_the_page_names_are_there() -> None:
    assert zoo.check("locloss-lorenz96") == []
