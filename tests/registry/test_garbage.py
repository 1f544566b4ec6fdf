"""What may be removed from a zoo, and what never is."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from zoo.errors import RegistryError, StorageError
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.garbage import Garbage, garbage, remove
from zoo.registry.verification import verify

Publish = Callable[..., WeightsEntry]


def found(root: Path) -> dict[str, str]:
    """Why each path, seen from the root, may go."""
    left = garbage(root, read_registry(root))
    return {item.path.relative_to(root).as_posix(): item.why for item in left}


def write(path: Path, data: bytes = b"x", *, hours_ago: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    age(path, hours_ago)
    return path


def age(path: Path, hours: float) -> None:
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


def test_a_zoo_in_which_nothing_was_killed_has_none(published: Path) -> None:
    assert found(published) == {}


def test_what_a_killed_publish_wrote_is_found_at_once(published: Path) -> None:
    for name in ("1.2.0.safetensors", "1.2.0.toml"):
        write(published / "weights" / "tiny" / name, b"12345")
    left = garbage(published, read_registry(published))
    assert left == [
        Garbage(published / "weights" / "tiny" / name, "not listed in registry.toml", 5)
        for name in ("1.2.0.safetensors", "1.2.0.toml")
    ]


def test_half_a_download_is_kept_as_long_as_its_version_is_listed(published: Path) -> None:
    for name in ("1.0.0.safetensors.part", "1.2.0.safetensors.part"):
        write(published / "weights" / "tiny" / name)
    assert found(published) == {
        "weights/tiny/1.2.0.safetensors.part": "not listed in registry.toml"
    }


def test_temporary_files_are_found_once_they_are_old(published: Path) -> None:
    places = ["registry.toml", "models/m.toml", "weights/tiny/1.2.0.toml", "runs/m/1/run.json"]
    for place in places:
        path = published / place
        write(path.with_name(f".{path.name}.abcd_123"), hours_ago=1.1)
        write(path.with_name(f".{path.name}.zyxw9876"), hours_ago=0.9)
    assert found(published) == {
        ".registry.toml.abcd_123": "temporary file",
        "models/.m.toml.abcd_123": "temporary file",
        "runs/m/1/.run.json.abcd_123": "temporary file",
        "weights/tiny/.1.2.0.toml.abcd_123": "temporary file",
    }


def test_a_run_that_is_at_work_keeps_its_temporary_files(published: Path) -> None:
    run = published / "runs" / "m" / "1"
    write(run / "report" / ".table.csv.abcd_123", hours_ago=2)
    with FileLock(run / ".lock"):
        assert found(published) == {}
    assert found(published) == {"runs/m/1/report/.table.csv.abcd_123": "temporary file"}


def test_whatever_has_another_name_or_is_a_link_is_left_alone(
    published: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    write(outside / "9.0.0.toml")
    tiny = published / "weights" / "tiny"
    names = ["NOTES.md", "1.0.toml", "01.0.0.toml", "1.2.0.npz", "latest.safetensors", ".keep"]
    for name in names:
        write(tiny / name, hours_ago=100)
    write(published / ".notes.json.abcd_123", hours_ago=100)
    (tiny / "9.0.0.safetensors").symlink_to(outside / "9.0.0.toml")
    (tiny / "8.0.0.toml").mkdir()
    (published / "weights" / "elsewhere").symlink_to(outside)
    for run in ("checkpoint.safetensors", "config.toml"):
        write(published / "runs" / "m" / "1" / run, hours_ago=100)
    os.mkfifo(tiny / "7.0.0.toml")
    assert found(published) == {}


def test_a_weights_folder_that_is_a_link_is_not_followed(zoo_root: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside" / "tiny" / "1.0.0.toml")
    (tmp_path / "outside" / "empty").mkdir()
    age(tmp_path / "outside" / "empty", 100)
    (zoo_root / "weights").symlink_to(tmp_path / "outside")
    assert found(zoo_root) == {}


def test_what_an_entry_lists_is_kept_however_it_is_written(published: Path) -> None:
    path = published / "registry.toml"
    text = path.read_text().replace('"weights/tiny/1.0.0', '"weights/./tiny/1.0.0')
    path.write_text(text)
    registry = read_registry(published, accept_edits=True)
    assert garbage(published, registry) == []


def test_the_config_that_only_a_model_names_is_kept(zoo_root: Path) -> None:
    write(zoo_root / "weights" / "m" / "1.0.0.toml")
    (zoo_root / "registry.toml").write_text(
        'format = 1\n[[models]]\nname = "m"\nconfig = "weights/m/1.0.0.toml"\n'
    )
    assert found(zoo_root) == {}


def test_folders_that_are_empty_go_and_those_that_become_so(published: Path) -> None:
    weights = published / "weights"
    write(weights / "gone" / "1.0.0.toml")
    write(weights / "kept" / "notes.txt")
    for folder in (weights / "old", weights / "new", weights / "deep" / "er"):
        folder.mkdir(parents=True)
    for folder in (weights / "old", weights / "deep" / "er", weights / "deep"):
        age(folder, 2)
    left = garbage(published, read_registry(published))
    assert {item.path for item in left} == {
        weights / "gone" / "1.0.0.toml",
        weights / "gone",
        weights / "old",
        weights / "deep" / "er",
        weights / "deep",
    }
    remove(left)
    assert sorted(path.name for path in weights.iterdir()) == ["kept", "new", "tiny"]
    registry = read_registry(published)
    assert len(verify(registry, registry.weights, {})) == 0


def test_the_weights_folder_itself_stays(zoo_root: Path) -> None:
    (zoo_root / "weights").mkdir()
    age(zoo_root / "weights", 100)
    assert found(zoo_root) == {}


def test_an_entry_that_leads_out_through_a_link_stops_it(published: Path, tmp_path: Path) -> None:
    registry = read_registry(published)
    (published / "weights" / "tiny").rename(tmp_path / "tiny")
    (published / "weights" / "tiny").symlink_to(tmp_path / "tiny")
    with pytest.raises(RegistryError, match="it leads out of"):
        garbage(published, registry)


def test_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    remove([Garbage(tmp_path / "gone", "", 0)])


def test_what_cannot_be_removed_is_named(tmp_path: Path) -> None:
    write(tmp_path / "folder" / "file")
    with pytest.raises(StorageError) as info:
        remove([Garbage(tmp_path / "folder", "empty folder")])
    (finding,) = info.value.findings
    assert finding.message == f"cannot remove {tmp_path / 'folder'}: Directory not empty"
    assert (tmp_path / "folder" / "file").exists()
