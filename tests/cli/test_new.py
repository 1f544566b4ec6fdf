"""`zoo new`: what it makes works at once, and it never overwrites."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zoo
from tests.distributions import write_distribution
from tests.processes import ended_well
from zoo.components import KINDS

EVERY_KIND = [word for kind in KINDS for word in ("--kind", kind)]


def install(folder: Path, site: Path) -> None:
    """Writes what `pip install -e` would, for a project folder that `zoo new plugin` made."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    write_distribution(site, project["name"], project["entry-points"], version=project["version"])


class TestZoo:
    """`zoo new zoo`."""

    def test_an_empty_folder_becomes_a_zoo_without_models(self, cli, tmp_path):
        made = cli("new", "zoo", tmp_path / "fresh", "--json").document
        assert [Path(file).name for file in made["files"]] == [".gitignore", "registry.toml"]
        registry = zoo.open_registry(tmp_path / "fresh")
        assert (registry.models, registry.weights) == ((), ())
        ignored = (tmp_path / "fresh" / ".gitignore").read_text().split()
        assert {"runs/", ".zoo/"} <= set(ignored)

    def test_what_is_in_the_folder_stays_as_it_is(self, cli, tmp_path):
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / ".gitignore").write_text("mine\n")
        (folder / "code.py").write_text("x = 1\n")
        cli("new", "zoo", folder)
        assert (folder / ".gitignore").read_text() == "mine\n"
        assert (folder / "code.py").read_text() == "x = 1\n"
        assert (folder / "registry.toml").exists()

    def test_a_zoo_is_not_made_anew(self, cli, zoo_root):
        before = (zoo_root / "registry.toml").read_text()
        error = cli("new", "zoo", zoo_root, "--json", status=2).document["errors"][0]
        assert "is a zoo already: it has a registry.toml" in error["message"]
        assert "`zoo list models` shows its models" in error["suggestion"]
        assert (zoo_root / "registry.toml").read_text() == before

    def test_a_folder_that_cannot_be_written_says_so(self, cli, tmp_path):
        (tmp_path / "file").write_text("")
        error = cli("new", "zoo", tmp_path / "file" / "zoo", "--json", status=4).document
        assert "cannot write" in error["errors"][0]["message"]


class TestPlugin:
    """`zoo new plugin`."""

    @pytest.fixture
    def waves(self, cli, tmp_path, monkeypatch) -> Path:
        """A plugin with a component of every kind, installed."""
        made = cli("new", "plugin", "zoo-waves", *EVERY_KIND, "--dir", tmp_path, "--json").document
        folder = Path(made["folder"])
        install(folder, tmp_path / "site")
        for path in (tmp_path / "site", folder / "src"):
            monkeypatch.syspath_prepend(path)
        yield folder
        for module in [name for name in sys.modules if name.startswith("zoo_waves")]:
            del sys.modules[module]

    def test_by_default_it_has_one_loss(self, cli, tmp_path):
        made = cli("new", "plugin", "Zoo_Waves", "--dir", tmp_path, "--json").document
        assert made["distribution"] == "zoo-waves"
        assert made["package"] == "zoo_waves"
        assert made["components"] == {"losses": "WavesLoss"}
        names = {Path(file).relative_to(made["folder"]).as_posix() for file in made["files"]}
        assert names == {
            ".gitignore",
            "README.md",
            "pyproject.toml",
            "src/zoo_waves/__init__.py",
            "src/zoo_waves/losses.py",
            "src/zoo_waves/models/__init__.py",
            "src/zoo_waves/models/waves-example.toml",
            "tests/test_losses.py",
            "tests/test_package.py",
        }

    def test_every_kind_is_found_under_its_name(self, cli, waves):
        rows = zoo.discover().rows
        mine = {row.kind: row.name for row in rows if row.distribution == "zoo-waves"}
        assert mine == {
            "layers": "WavesLayer",
            "losses": "WavesLoss",
            "metrics": "WavesMetric",
            "optimizers": "WavesOptimizer",
            "callbacks": "WavesCallback",
            "datasets": "waves_dataset",
            "loops": "waves_loop",
            "evaluators": "waves_evaluator",
            "models": "waves-example",
        }
        assert {row.status for row in rows if row.distribution == "zoo-waves"} == {"ok"}

    def test_shapes_and_parameters_of_its_model_are_known_without_keras(self, cli, waves):
        shown = cli("show", "waves-example", "--json").document
        assert [node["shape"] for node in shown["nodes"]] == [[16], [16], [2]]
        # Dense from 8 to 16, a number for each of 16 features, Dense from 16 to 2.
        assert [node["parameters"] for node in shown["nodes"]] == [144, 16, 34]

    @pytest.mark.usefixtures("no_run_report")
    def test_the_model_that_it_ships_uses_every_one_and_trains(self, cli, waves):
        shown = cli("show", "waves-example", "--json").document
        assert shown["metrics"] == ["zoo-waves/WavesMetric"]
        done = cli("train", "waves-example", "--quiet", "--json").document
        assert len(done["history"]["loss"]) == 3
        results = cli("evaluate", done["run"], "--json").document["results"]["waves_evaluator"]
        assert 0 < results["mean_error"] < results["largest_error"]

    def test_its_python_keeps_the_style_of_the_house(self, waves):
        for arguments in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *arguments, "--isolated", "--line-length=100", "."],
                cwd=waves,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr

    def test_its_modules_never_import_the_zoo(self, waves):
        for file in waves.glob("src/**/*.py"):
            assert not re.search(r"^\s*(from|import) zoo\b", file.read_text(), re.MULTILINE)

    def test_a_name_that_repeats_the_kind_says_it_once(self, cli, tmp_path):
        made = cli("new", "plugin", "my-losses", "--dir", tmp_path, "--json").document
        assert made["components"] == {"losses": "MyLoss"}

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("-waves", "'-waves' cannot be the name of a package"),
            ("my plugin", "'my plugin' cannot be the name of a package"),
            ("../up", "'../up' cannot be the name of a package"),
            ("x" * 49, f"'{'x' * 49}' cannot be the name of a package"),
            ("4dvar", "would be imported as '4dvar', which is not a name in Python"),
            ("class", "would be imported as 'class', which is not a name in Python"),
            ("json", "would be imported as 'json', which is a module of Python's own"),
            ("numpy", "would be imported as 'numpy', which is there already: "),
            ("Zoo.Localization", "would be imported as 'zoo_localization', which is there already"),
        ],
    )
    def test_a_name_that_no_package_can_have_is_refused(self, cli, tmp_path, name, message):
        target = tmp_path / "made"
        done = cli("new", "plugin", "--dir", target, "--json", "--", name, status=2)
        assert message in done.document["errors"][0]["message"]
        assert done.document["errors"][0]["suggestion"]
        assert not target.exists()

    @pytest.mark.parametrize(
        ("kind", "remedy"),
        [
            ("losses,metrics", "repeat it: --kind losses --kind metrics"),
            ("models", "every plugin gets an example model; say the kinds of its components alone"),
        ],
        ids=["two in one", "models"],
    )
    def test_what_is_no_kind_of_component_says_what_to_write(self, cli, tmp_path, kind, remedy):
        done = cli("new", "plugin", "zoo-waves", "--kind", kind, "--json", status=2)
        assert done.document["errors"][0]["suggestion"] == remedy
        assert not (tmp_path / "zoo-waves").exists()

    def test_a_kind_that_there_is_not_is_refused_with_the_right_one(self, cli, tmp_path):
        done = cli("new", "plugin", "zoo-waves", "--kind", "loss", "--json", status=2)
        assert done.document["errors"][0]["message"] == "there is no kind 'loss' of component"
        assert done.document["errors"][0]["suggestion"] == 'did you mean "losses"?'

    def test_nothing_is_overwritten(self, cli, tmp_path):
        folder = tmp_path / "zoo-waves"
        folder.mkdir()
        (folder / "notes.txt").write_text("work of days")
        done = cli("new", "plugin", "zoo-waves", "--dir", tmp_path, "--json", status=2)
        assert "is there already; nothing was written" in done.document["errors"][0]["message"]
        assert [path.name for path in folder.iterdir()] == ["notes.txt"]

    def test_an_empty_folder_is_taken_and_a_file_in_its_place_is_not(self, cli, tmp_path):
        (tmp_path / "zoo-waves").mkdir()
        made = cli("new", "plugin", "zoo-waves", "--dir", tmp_path, "--json").document
        assert made["folder"] == str(tmp_path / "zoo-waves")
        (tmp_path / "zoo-tides").write_text("mine")
        done = cli("new", "plugin", "zoo-tides", "--dir", tmp_path, "--json", status=2)
        message = f"{tmp_path / 'zoo-tides'} is there already; nothing was written"
        assert done.document["errors"][0]["message"] == message
        assert (tmp_path / "zoo-tides").read_text() == "mine"

    def test_a_folder_that_cannot_be_made_leaves_nothing_behind(self, cli, tmp_path):
        (tmp_path / "file").write_text("")
        done = cli("new", "plugin", "zoo-waves", "--dir", tmp_path / "file", "--json", status=4)
        assert "cannot write" in done.document["errors"][0]["message"]
        assert [path.name for path in tmp_path.iterdir() if path.name != "zoo"] == ["file"]

    def test_the_next_steps_are_printed(self, cli, tmp_path):
        said = cli("new", "plugin", "zoo-waves", "--dir", tmp_path).out
        for step in ('pip install -e ".[test]"', "pytest", "zoo plugin check zoo-waves"):
            assert step in said

    @pytest.mark.slow
    def test_it_installs_and_passes_its_own_tests(self, cli, tmp_path):
        pytest.importorskip("hatchling", reason="the build backend of the plugin is not installed")
        made = cli("new", "plugin", "zoo-waves", *EVERY_KIND, "--dir", tmp_path, "--json").document
        python = a_scratch_environment(tmp_path / "venv")

        def run(*words, cwd):
            return ended_well([python, "-m", *words], cwd, PYTHONPATH="")

        pip = ["pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "-e", "."]
        run(*pip, cwd=made["folder"])
        # Beside the source, not in it: what is tested is what was installed.
        run("pytest", "-q", "-W", "error", cwd=made["folder"])
        rows = json.loads(run("zoo", "plugin", "check", "zoo-waves", "--json", cwd=tmp_path))[
            "rows"
        ]
        assert {row["result"] for row in rows} == {"ok"}
        listed = json.loads(run("zoo", "plugin", "list", "--json", cwd=tmp_path))
        (waves,) = [plugin for plugin in listed if plugin["name"] == "zoo-waves"]
        assert (waves["editable"], waves["location"]) == (True, made["folder"])


def a_scratch_environment(folder: Path) -> Path:
    """Makes a virtual environment that sees the packages of this one, and nothing of it back."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=600
    )
    (site,) = folder.glob("lib/python*/site-packages")
    paths = [path for path in sys.path if path and Path(path).is_dir()]
    (site / "outer.pth").write_text("\n".join(paths))
    return folder / "bin" / "python"
