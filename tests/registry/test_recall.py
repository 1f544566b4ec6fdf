"""A large registry that was read before: as if it were parsed, and never trusted blindly."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.cache import cache_folder
from zoo.errors import RegistryError
from zoo.registry import document, recall
from zoo.registry.document import Registry, WeightsEntry, parse_registry, read_registry
from zoo.registry.editing import editing

Publish = Callable[..., WeightsEntry]


@pytest.fixture(autouse=True)
def every_registry_is_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(recall, "LARGE", 1)


@pytest.fixture
def refuse_to_parse(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(data: bytes, file: str) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(document, "parse_values", parse)


def parsed(root: Path) -> Registry:
    return parse_registry((root / "registry.toml").read_bytes(), root)


def kept_files() -> list[Path]:
    return sorted((cache_folder() / "registries").iterdir())


def same(one: Registry, other: Registry) -> bool:
    dumps = [
        [entry.model_dump() for entry in (*registry.plugins, *registry.models, *registry.weights)]
        for registry in (one, other)
    ]
    # 1 and 1.0 are equal, but are not written alike.
    return repr(dumps[0]) == repr(dumps[1]) and one.store == other.store


def test_what_is_recalled_is_what_was_parsed(
    publish_tiny: Publish, zoo_root: Path, request: pytest.FixtureRequest
) -> None:
    publish_tiny(metrics={"loss": 1.0, "val_loss": 0.25}, parent="other@1.0.0", plugins={})
    publish_tiny(description="Ü 模型\u2028", metrics={})
    wanted = parsed(zoo_root)
    request.getfixturevalue("refuse_to_parse")
    assert same(read_registry(zoo_root), wanted)


def test_a_file_that_was_written_by_others_is_parsed_once(
    published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "empty"))
    wanted = read_registry(published)
    assert len(kept_files()) == 1
    monkeypatch.setattr(document, "parse_values", None)
    assert same(read_registry(published), wanted)


def test_a_changed_registry_is_not_the_one_that_was_kept(published: Path) -> None:
    read_registry(published)
    file = published / "registry.toml"
    file.write_text(file.read_text().replace("val_loss = 0.5", "val_loss = 0.4", 1))
    with pytest.raises(RegistryError, match="an entry is not as it was written"):
        read_registry(published)


def test_a_damaged_kept_file_is_as_if_it_were_not_there(published: Path) -> None:
    wanted = parsed(published)
    for file in kept_files():
        file.write_bytes(file.read_bytes().replace(b"0.5", b"0.4"))
    assert same(read_registry(published), wanted)


def test_what_other_code_kept_is_not_used(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "_STAMPS", [["document.py", 1, 2]])
    assert recall.recall((published / "registry.toml").read_bytes()) is None


def test_an_accepted_edit_is_not_kept_as_sound(published: Path) -> None:
    file = published / "registry.toml"
    file.write_text(file.read_text().replace("val_loss = 0.5", "val_loss = 0.4", 1))
    read_registry(published, accept_edits=True)
    with pytest.raises(RegistryError, match="an entry is not as it was written"):
        read_registry(published)


def test_a_version_is_added_without_parsing_what_was_there(
    published: Path, publish_tiny: Publish, refuse_to_parse: None
) -> None:
    before = (published / "registry.toml").read_text()
    entry = publish_tiny()
    after = (published / "registry.toml").read_text()
    assert entry.reference == "tiny@1.2.0"
    assert after.split("[[models]]")[1].startswith(before.split("[[models]]")[1])


def test_what_was_added_that_way_is_read_by_parsing(published: Path, publish_tiny: Publish) -> None:
    publish_tiny(metrics={"loss": 2.0})
    publish_tiny(name="other")
    registry = parsed(published)
    assert [entry.reference for entry in registry.weights] == [
        "tiny@1.0.0",
        "tiny@1.1.0",
        "tiny@1.2.0",
        "other@1.0.0",
    ]
    assert same(read_registry(published), registry)


def test_a_version_that_is_there_is_not_added_again(published: Path) -> None:
    file = published / "registry.toml"
    before = file.read_bytes()
    with editing(published) as edit:
        edit.append("weights", edit.registry.weights[1].model_dump())
        with pytest.raises(RegistryError, match=r"tiny@1\.1\.0"):
            edit.save()
    assert file.read_bytes() == before


def test_entries_in_a_list_are_not_added_to_as_tables(published: Path) -> None:
    file = published / "registry.toml"
    text = file.read_text()
    head, _, models = text.partition("[[models]]")
    line, rest = models.split("[[weights]]", 1)
    inline = ", ".join(part.strip() for part in line.strip().splitlines())
    file.write_text(f"{head}models = [{{ {inline} }}]\n\n[[weights]]{rest}")
    read_registry(published)
    with editing(published) as edit:
        edit.append("models", {"name": "more", "config": "more.toml", "description": ""})
        with pytest.raises(RegistryError):
            edit.save()
    assert "more.toml" not in file.read_text()


def test_only_the_newest_are_kept(publish_tiny: Publish) -> None:
    for _ in range(7):
        publish_tiny()
    assert len(kept_files()) == 4


def test_the_one_that_makes_room_is_the_oldest_and_no_other_file_is_touched(
    publish_tiny: Publish, zoo_root: Path
) -> None:
    for _ in range(4):
        publish_tiny()
    before = kept_files()
    oldest = before[1]
    for file in before:
        os.utime(file, ns=(0, 1 if file == oldest else 2))
    note = oldest.with_name("note.txt")
    note.touch()
    os.utime(note, ns=(0, 0))
    publish_tiny()
    assert set(before) - set(kept_files()) == {oldest}
    assert len(kept_files()) == 5
    assert note.exists()
    assert recall.recall((zoo_root / "registry.toml").read_bytes()) is not None


def test_entries_that_somebody_wrote_without_metrics_are_not_kept() -> None:
    recall.remember(b"data", {"weights": [{"name": "tiny"}]})
    assert recall.recall(b"data") is None


def test_a_registry_of_models_alone_is_kept_as_well(zoo_root: Path) -> None:
    text = 'format = 1\n[[models]]\nname = "tiny"\nconfig = "tiny.toml"\n'
    (zoo_root / "registry.toml").write_text(text)
    wanted = read_registry(zoo_root)
    assert len(kept_files()) == 1
    assert same(read_registry(zoo_root), wanted)


def test_a_small_registry_is_not_kept(
    publish_tiny: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recall, "LARGE", 256 * 1024)
    publish_tiny()
    assert not (cache_folder() / "registries").exists()
