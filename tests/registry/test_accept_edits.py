"""`zoo verify`, and how a deliberate edit of `registry.toml` is accepted."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from zoo.cli.app import app_with
from zoo.registry.document import read_registry


def verify(root: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        done = CliRunner().invoke(app_with(["verify"]), ["verify", "--json", *arguments])
    return done.exit_code, json.loads(done.stdout), done.stderr


def edit(root: Path, old: str, new: str) -> None:
    path = root / "registry.toml"
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_whole_zoo_is_fine(published: Path) -> None:
    status, document, _ = verify(published)
    assert (status, document["ok"], document["problems"]) == (0, True, [])
    assert document["checked"] == ["tiny@1.0.0", "tiny@1.1.0"]


@pytest.mark.parametrize(
    ("name", "checked"),
    [
        ("tiny", ["tiny@1.0.0", "tiny@1.1.0"]),
        ("tiny@1.1", ["tiny@1.1.0"]),
        ("tiny@1.0.0", ["tiny@1.0.0"]),
    ],
    ids=str,
)
def test_one_model_or_version_may_be_named(published: Path, name: str, checked: list[str]) -> None:
    assert verify(published, name)[1]["checked"] == checked


def test_an_edit_is_refused_until_it_is_accepted(published: Path) -> None:
    edit(published, 'status = "stable"', 'status = "deprecated" # worse than 1.1')
    status, document, shown = verify(published)
    assert (status, document["ok"]) == (3, False)
    assert document["errors"][0]["code"] == "hash-mismatch"
    assert "accept it with `zoo verify --accept-edits`" in shown
    assert verify(published, "--accept-edits")[0] == 0
    assert verify(published)[0] == 0
    assert 'status = "deprecated" # worse than 1.1' in (published / "registry.toml").read_text()


def test_an_edit_that_does_not_fit_the_files_is_not_accepted(published: Path) -> None:
    digest = read_registry(published).find("tiny@1.0.0").sha256
    edit(published, digest, "0" * 64)
    before = (published / "registry.toml").read_bytes()
    status, document, _ = verify(published, "--accept-edits")
    assert (status, document["ok"]) == (3, False)
    assert document["errors"][0]["code"] == "hash-mismatch"
    assert "1.0.0.safetensors is not the file that was" in document["errors"][0]["message"]
    assert (published / "registry.toml").read_bytes() == before


def test_a_version_whose_files_are_gone_is_not_accepted(published: Path) -> None:
    edit(published, 'status = "stable"', 'status = "yanked"')
    (published / "weights" / "tiny" / "1.0.0.safetensors").unlink()
    status, document, _ = verify(published, "--accept-edits")
    assert (status, document["errors"][0]["code"]) == (3, "bad-registry")
    assert "1.0.0.safetensors is listed but not there" in document["errors"][0]["message"]
    assert verify(published)[1]["errors"][0]["code"] == "hash-mismatch"


def test_a_registry_that_is_no_toml_is_not_accepted(published: Path) -> None:
    edit(published, "format = 1", "format = ")
    status, document, _ = verify(published, "--accept-edits")
    assert (status, document["errors"][0]["code"]) == (3, "syntax")


def test_without_a_zoo_there_is_nothing_to_accept(tmp_path: Path) -> None:
    status, document, _ = verify(tmp_path, "--accept-edits")
    assert status == 3
    assert document["errors"][0]["message"] == "there is no registry.toml here or above"
