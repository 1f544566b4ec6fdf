"""Deprecating and yanking versions, and making them stable again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import RegistryError
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.editing import editing
from zoo.registry.life import Change, set_status

Publish = Callable[..., WeightsEntry]


def statuses(root: Path) -> dict[str, str]:
    return {entry.version: entry.status for entry in read_registry(root).versions("tiny")}


def without_seal(root: Path) -> str:
    lines = (root / "registry.toml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("index = "))


def test_a_version_is_withdrawn_and_made_stable_again(published: Path) -> None:
    before = (published / "registry.toml").read_bytes()
    assert set_status(published, ["tiny@1.0.0"], "yanked") == [
        Change("tiny@1.0.0", "stable", "yanked")
    ]
    assert statuses(published) == {"1.0.0": "yanked", "1.1.0": "stable"}
    set_status(published, ["tiny@1.1.0"], "deprecated")
    assert statuses(published) == {"1.0.0": "yanked", "1.1.0": "deprecated"}
    set_status(published, ["tiny@1.0.0"], "yanked", undo=True)
    set_status(published, ["tiny@1.1.0"], "deprecated", undo=True)
    assert (published / "registry.toml").read_bytes() == before


def test_nothing_but_the_status_changes(published: Path) -> None:
    files = {path: path.read_bytes() for path in (published / "weights" / "tiny").iterdir()}
    path = published / "registry.toml"
    path.write_text(
        path.read_text().replace('status = "stable"', "status   =  'stable'   # so far", 1)
    )
    before = without_seal(published)
    set_status(published, ["tiny@1.0.0"], "deprecated")
    assert without_seal(published) == before.replace("'stable'", '"deprecated"', 1)
    assert {path: path.read_bytes() for path in files} == files
    assert len(list((published / "weights" / "tiny").iterdir())) == len(files)


def test_withdrawing_twice_writes_nothing_the_second_time(published: Path) -> None:
    set_status(published, ["tiny@1.0.0", "tiny@1.0.0"], "yanked")
    before = (published / "registry.toml").stat()
    assert set_status(published, ["tiny@1.0.0"], "yanked") == [
        Change("tiny@1.0.0", "yanked", "yanked")
    ]
    after = (published / "registry.toml").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_yanked_version_does_not_become_a_deprecated_one(published: Path) -> None:
    set_status(published, ["tiny@1.0.0"], "yanked")
    (change,) = set_status(published, ["tiny@1.0.0"], "deprecated")
    assert change.after == "yanked"
    (change,) = set_status(published, ["tiny@1.0.0"], "deprecated", undo=True)
    assert change.after == "yanked"


def test_a_deprecated_version_may_be_yanked(published: Path) -> None:
    set_status(published, ["tiny@1.0.0"], "deprecated")
    (change,) = set_status(published, ["tiny@1.0.0"], "yanked")
    assert (change.before, change.after) == ("deprecated", "yanked")


def test_all_of_several_are_changed_or_none(published: Path) -> None:
    with pytest.raises(RegistryError) as info:
        set_status(published, ["tiny@1.0.0", "tiny@2.0.0", "tinny@1.0.0", "tiny@1"], "yanked")
    assert [(f.code, f.message, f.suggestion) for f in info.value.findings] == [
        ("unknown-version", "tiny has no version 2.0.0", "there is tiny@1.0.0, tiny@1.1.0"),
        ("unknown-model", "the zoo has no model 'tinny'", 'did you mean "tiny"?'),
        (
            "unknown-version",
            "'tiny@1' is not one version: this takes its full number",
            "there is tiny@1.0.0, tiny@1.1.0",
        ),
    ]
    assert statuses(published) == {"1.0.0": "stable", "1.1.0": "stable"}
    set_status(published, ["tiny@1.0.0", "tiny@1.1.0"], "yanked")
    assert statuses(published) == {"1.0.0": "yanked", "1.1.0": "yanked"}


def test_a_yanked_version_is_still_listed_among_those_that_can_be_undone(published: Path) -> None:
    set_status(published, ["tiny@1.0.0"], "yanked")
    with pytest.raises(RegistryError, match=r"there is tiny@1\.0\.0, tiny@1\.1\.0"):
        set_status(published, ["tiny@3.0.0"], "yanked")


def test_an_edit_by_hand_is_not_accepted_on_the_way(published: Path) -> None:
    path = published / "registry.toml"
    path.write_text(path.read_text().replace("val_loss = 0.5", "val_loss = 0.4", 1))
    before = path.read_bytes()
    with pytest.raises(RegistryError, match="an entry is not as it was written"):
        set_status(published, ["tiny@1.0.0"], "yanked")
    assert path.read_bytes() == before


def test_the_newest_stable_version_is_the_latest(published: Path) -> None:
    set_status(published, ["tiny@1.1.0"], "deprecated")
    registry = read_registry(published)
    assert registry.latest("tiny") == registry.find("tiny@1.0.0")
    assert registry.latest("other") is None
    set_status(published, ["tiny@1.0.0"], "yanked")
    registry = read_registry(published)
    assert registry.latest("tiny") is None
    assert registry.find("tiny").version == "1.1.0"


def test_what_is_not_stable_comes_with_a_caution(published: Path) -> None:
    set_status(published, ["tiny@1.0.0"], "yanked")
    registry = read_registry(published)
    assert registry.caution(registry.find("tiny@1.1.0")) is None
    assert str(registry.caution(registry.find("tiny@1.0.0"))) == (
        "warning[not-stable]: tiny@1.0.0 was yanked: it should not be used\n"
        "  = the newest stable version is tiny@1.1.0"
    )
    set_status(published, ["tiny@1.1.0"], "deprecated")
    registry = read_registry(published)
    assert str(registry.caution(registry.find("tiny"))) == (
        "warning[not-stable]: tiny@1.1.0 is deprecated\n"
        "  = tiny has no stable version: `zoo list models` shows what there is"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_status_that_nobody_wrote_yet_stands_below_the_version(
    published: Path, newline: str
) -> None:
    path = published / "registry.toml"
    text = path.read_text().replace('status = "stable"\n', "")
    text = text.replace('version = "1.1.0"', 'version = "1.1.0" # good').replace("\n", newline)
    path.write_bytes(text.encode())
    with editing(published, accept_edits=True) as edit:
        edit.change(edit.registry.find("tiny@1.1.0"), "status", "deprecated")
        edit.save()
    assert statuses(published) == {"1.0.0": "stable", "1.1.0": "deprecated"}
    said = path.read_bytes().decode()
    assert f'version = "1.1.0" # good{newline}status = "deprecated"{newline}file = ' in said
    assert said.count("status") == 1


def test_entries_that_a_person_wrote_as_a_list_are_changed_too(published: Path) -> None:
    path = published / "registry.toml"
    head, *tables = path.read_text().split("\n\n")
    rows = [", ".join(table.splitlines()[1:]) for table in tables if "[[weights]]" in table]
    model = next(table for table in tables if "[[models]]" in table)
    rows[0] = rows[0].replace(', status = "stable"', "")
    listed = ",\n".join(f"  {{ {row} }}" for row in rows)
    path.write_text(f"{head}\nweights = [\n{listed}, # two\n]\n\n{model}\n")
    with editing(published, accept_edits=True) as edit:
        for version in ("1.0.0", "1.1.0"):
            edit.change(edit.registry.find(f"tiny@{version}"), "status", "yanked")
        edit.save()
    assert statuses(published) == {"1.0.0": "yanked", "1.1.0": "yanked"}
    assert 'version = "1.0.0", status = "yanked", file' in path.read_text()
    assert "# two" in path.read_text()
