"""Installs the plugin that a page shows, without `pip`."""

import contextlib
import io
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from tests.distributions import write_distribution
from tests.docs.blocks import ROOT, blocks
from tests.processes import python


def a_zoo(folder: Path) -> Path:
    """A zoo with the general models and nothing published."""
    folder.mkdir()
    (folder / "registry.toml").write_text("format = 1\n", encoding="utf-8")
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("runs"))
    return folder


def install(page: str, site: Path, into: Path) -> None:
    """Writes the files that a page shows, and the metadata that `pip install` would.

    Modules that are called `my_...`, and those below a `pyproject.toml` that the page shows, go
    into `site`, everything else into another folder.
    """
    files = [Path(block.marks["file"]) for block in blocks(page) if "file" in block.marks]
    projects = [file.parent for file in files if file.name == "pyproject.toml"]
    groups: dict[str, dict[str, str]] = {}
    for block in blocks(page):
        if name := block.marks.get("file"):
            file = _place_of(Path(name), projects, site, into)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if "entry points" in block.marks or Path(name or "").name == "pyproject.toml":
            groups |= tomllib.loads(block.text)["project"].get("entry-points", {})
    write_distribution(site, "my-losses", groups, version="0.1.0")


def _place_of(file: Path, projects: list[Path], site: Path, into: Path) -> Path:
    if file.suffix != ".py":
        return into / file
    for project in projects:
        if file.is_relative_to(project):
            inside = file.relative_to(project)
            return site / (inside.relative_to("src") if inside.parts[0] == "src" else inside)
    return (site if file.name.startswith("my_") else into) / file


def run_python(script: str, folder: Path, site: Path) -> str:
    """Runs a script in a process that sees the plugin, and gives what it prints."""
    return python("-c", script, cwd=folder, PYTHONPATH=str(site), ZOO_ROOT="")


def run_here(script: str, folder: Path, site: Path) -> str:
    """Runs a script as `run_python` does, but in this process, which has Keras already."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.chdir(folder)
        patch.syspath_prepend(site)
        patch.setenv("ZOO_ROOT", "")
        try:
            exec(compile(script, "script", "exec"), {"__name__": "script"})
        finally:
            for name in set(sys.modules) - before:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(site)):
                    del sys.modules[name]
    return said.getvalue()
