"""What tests share: a zoo in a temporary folder, its configs, and installed distributions."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import zoo
from tests import warm
from tests.distributions import EntryPoints, write_distribution
from zoo.catalog.catalog import Catalog
from zoo.checks import Checked, check_source
from zoo.components import Component
from zoo.config.compose import Source
from zoo.errors import Finding
from zoo.resolve import ResolvedModel
from zoo.runs import Run

MakeDistribution = Callable[..., Path]

HEAD = """\
zoo = 1
name = "tiny"
"""
GRAPH = """\
[[inputs]]
name = "x"
shape = [8]
[[layers]]
name = "first"
type = "Dense"
units = 4
[[layers]]
name = "last"
type = "Dense"
units = 1
"""


@pytest.fixture
def no_run_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the report at the end of a training, whose charts take as long as a small one."""
    monkeypatch.setattr("zoo.runtime.training.try_run_report", lambda *_, **__: None)


@pytest.fixture
def warm_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries plugins and exported files in processes that have imported Keras already."""
    for module in ("zoo.plugins.probing", "zoo.runtime.export_check"):
        monkeypatch.setattr(f"{module}.subprocess", warm)


@pytest.fixture
def zoo_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty zoo, which is the current folder too."""
    root = tmp_path / "zoo"
    root.mkdir()
    (root / "registry.toml").write_text("format = 1\n")
    for name in ("ZOO_ROOT", "ZOO_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(root)
    return root


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def cli(zoo_root: Path) -> Callable[..., Done]:
    """Runs a command in the zoo, in this process, where importing Keras is paid for once.

    `status` is what it has to end with.
    """
    from zoo.cli.app import COMMANDS, app_with  # which few tests need

    def run(*arguments: object, status: int = 0) -> Done:
        words = [str(argument) for argument in arguments]
        app = app_with([name for name in words[:1] if name in COMMANDS] or COMMANDS)
        result = CliRunner().invoke(app, words)
        done = Done(result.exit_code, result.stdout, result.stderr)
        assert done.status == status, f"{done.out}\n{done.err}\n{result.exception!r}"
        assert "Traceback" not in done.out + done.err
        return done

    return run


@pytest.fixture
def write_config(zoo_root: Path) -> Callable[..., Path]:
    """Writes a TOML text into the zoo and gives its path."""

    def write(text: str, name: str = "model.toml") -> Path:
        path = zoo_root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def training_of(
    zoo_root: Path, write_config: Callable[..., Path]
) -> Callable[[str], Callable[..., Run]]:
    """Writes a config, and gives what trains it: into `run` in the zoo, or another folder there.

    Where the folder is None, the zoo finds one.
    """

    def training_of(text: str) -> Callable[..., Run]:
        config = write_config(text, "m.toml")

        def train(
            overrides: dict[str, Any] | None = None, folder: str | None = "run", **how: Any
        ) -> Run:
            how = {"zoo": zoo_root, "folder": folder and zoo_root / folder, "quiet": True, **how}
            return zoo.train(config, overrides, **how)

        return train

    return training_of


@pytest.fixture
def make_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeDistribution]:
    """Installs a distribution: a real `*.dist-info` folder, and modules, in a folder on `sys.path`.

    The folder is given back; another `site` is another folder.
    """
    before = set(sys.modules)
    sites: set[Path] = set()

    def make(
        name: str,
        entry_points: EntryPoints = "",
        modules: Mapping[str, str] | None = None,
        *,
        version: str = "1.0",
        site: str = "site",
    ) -> Path:
        folder = tmp_path / site
        write_distribution(folder, name, entry_points, modules, version)
        if folder not in sites:
            sites.add(folder)
            monkeypatch.syspath_prepend(folder)
        return folder

    yield make
    for module in set(sys.modules) - before:
        file = getattr(sys.modules[module], "__file__", None)
        if file and any(Path(file).is_relative_to(site) for site in sites):
            del sys.modules[module]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """What is installed, and components of which nothing is known, so that they take anything."""
    unknown = [
        Component(kind, name, "zoo-unknown", "1.0", f"no_such_module:{name}")
        for kind, name in (("layers", "Anything"), ("metrics", "any_metric"))
    ]
    return Catalog([*zoo.discover().rows, *unknown])


@pytest.fixture(scope="session")
def tiny() -> Callable[..., str]:
    """A config that is right, with keys at its top and tables at its end."""
    return lambda top="", tables="": f"{HEAD}{top}\n{GRAPH}{tables}"


@pytest.fixture
def checked(write_config: Callable[..., Path], catalog: Catalog) -> Callable[..., Checked]:
    """Checks a TOML text in a zoo without models."""

    def check(text: str, overrides: dict[str, Any] | None = None) -> Checked:
        path = write_config(text)
        return check_source(Source(path, path.parent), catalog, lambda: None, overrides)

    return check


@pytest.fixture
def findings(checked: Callable[..., Checked]) -> Callable[..., list[Finding]]:
    """Checks a TOML text and gives every finding."""
    return lambda *args: checked(*args).findings


@pytest.fixture
def model(checked: Callable[..., Checked]) -> Callable[..., ResolvedModel]:
    """Resolves a TOML text that is right."""
    return lambda *args: checked(*args).usable
