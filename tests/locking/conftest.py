"""What the tests of the lock share: a zoo whose model is made of a plugin's parts, and locked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.locking import picture

LOSSES = "def swell(y_true, y_pred):\n    return (y_true - y_pred) ** 2\n"
BASE = """\
zoo = 1
name = "base"
[[inputs]]
name = "x"
shape = [8]
[[layers]]
name = "y"
type = "Dense"
units = 2
"""
PARENT = 'extends = "base.toml"\nname = "parent"\n[optimizer]\ntype = "SGD"\nmomentum = 0.5\n'
MODEL = """\
extends = "parent.toml"
name = "tiny"
description = "A small model."
loss = "swell"  # of zoo-tides
[vars]
rate = 0.1
[optimizer]
learning_rate = "${vars.rate}"
"""
REGISTRY = 'format = 1\n[[models]]\nname = "tiny"\nconfig = "model.toml"\n'
MODULES = {
    "tides/__init__.py": "",
    "tides/losses.py": LOSSES,
    "tides/table.csv": "1,2\n",
    "tides/__pycache__/losses.cpython-311.pyc": "old",
}


Cli = Callable[..., Any]


@pytest.fixture
def site(make_distribution: Callable[..., Path]) -> Path:
    """The folder that `zoo-tides`, with the loss `swell`, is installed in."""
    return make_distribution("zoo-tides", {"zoo.losses": {"swell": "tides.losses:swell"}}, MODULES)


@pytest.fixture
def info(site: Path) -> Path:
    """The metadata of `zoo-tides`."""
    return site / "zoo_tides-1.0.dist-info"


@pytest.fixture
def root(zoo_root: Path, site: Path) -> Path:
    """A zoo with one model, made of `zoo-tides` and of two configs that it extends."""
    texts = {"base.toml": BASE, "parent.toml": PARENT, "model.toml": MODEL}
    for name, text in {**texts, "registry.toml": REGISTRY}.items():
        (zoo_root / name).write_text(text)
    return zoo_root


@pytest.fixture(scope="session")
def some_files() -> dict[str, str]:
    """Two of the zoo's own files, as a lock lists all of them."""
    files = picture.code_files("zoo", ["zoo"])
    return dict(list(files.items())[:2])


@pytest.fixture
def few_files(some_files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out of locks most of the zoo's own files, three hundred digests a picture."""
    real = picture.code_files

    def code_files(name: str, modules: Iterable[str]) -> dict[str, str]:
        return dict(some_files) if name == "zoo" else real(name, modules)

    monkeypatch.setattr(picture, "code_files", code_files)


@pytest.fixture(scope="session")
def lock_texts() -> list[bytes]:
    """The lock of `root` with few files, once it was made: it names no folder."""
    return []


@pytest.fixture
def locked(root: Path, cli: Cli, lock_texts: list[bytes], request: pytest.FixtureRequest) -> Path:
    """The same zoo, with its lock."""
    # With all files it is made anew, since somebody may work on them meanwhile.
    kept = lock_texts if "few_files" in request.fixturenames else []
    if kept:
        (root / "zoo.lock").write_bytes(kept[0])
    else:
        cli("lock")
        kept.append((root / "zoo.lock").read_bytes())
    return root


@dataclass(frozen=True)
class Refusal:
    """What `--locked` said, the same everywhere.

    Attributes:
        codes: The code of each error.
        text: All of it.
        status: The exit status.
    """

    codes: list[str]
    text: str
    status: int


@pytest.fixture
def refusal(cli: Cli) -> Callable[..., Refusal]:
    """Sees that every way of asking for what is locked gives the same errors."""

    def ask(status: int, file: str = "tiny") -> Refusal:
        checked = cli("check", file, "--locked", "--json", status=status).document
        built = cli("build", file, "--locked", status=status)
        again = cli("lock", "--check", "--json", status=status).document
        with pytest.raises(zoo.ZooError) as caught:
            zoo.build(file, locked=True)
        findings = caught.value.findings
        errors = [f for f in zoo.check(file, locked=True) if f.severity == "error"]
        assert errors == list(findings)
        assert caught.value.exit_status == status
        assert [error["message"] for error in checked["errors"]] == [f.message for f in findings]
        assert all(f.message in built.err for f in findings)
        assert {f.message for f in findings} <= {error["message"] for error in again["errors"]}
        assert all(finding.suggestion for finding in findings)
        return Refusal([finding.code for finding in findings], str(caught.value), status)

    return ask


@pytest.fixture
def accepted(cli: Cli) -> Callable[[], None]:
    """Sees that nothing is refused, and that the lock is up to date."""

    def ask() -> None:
        assert cli("check", "tiny", "--locked", "--json").document["errors"] == []
        done = cli("lock", "--check", "--json").document
        assert (done["ok"], done["errors"]) == (True, [])

    return ask
