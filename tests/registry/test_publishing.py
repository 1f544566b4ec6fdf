"""Publishing: weights first, index second, nothing overwritten, nothing lost."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from zoo.digest import sha256
from zoo.errors import ConfigError, RegistryError, StorageError
from zoo.registry import editing as editing_module
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.editing import editing
from zoo.registry.tensors import decode
from zoo.registry.verification import verify

Publish = Callable[..., WeightsEntry]


def test_the_first_version_is_one(publish_tiny: Publish, zoo_root: Path) -> None:
    entry = publish_tiny()
    assert entry.reference == "tiny@1.0.0"
    assert read_registry(zoo_root).weights == (entry,)


def test_a_new_training_is_a_minor_version_and_a_new_graph_a_major_one(
    publish_tiny: Publish,
) -> None:
    versions = [publish_tiny(fingerprint=letter * 64).version for letter in "aaabba"]
    assert versions == ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "3.0.0"]


def test_the_next_version_follows_the_newest_not_the_last_in_the_file(
    publish_tiny: Publish,
) -> None:
    publish_tiny("2.5.0")
    publish_tiny("1.0.0")
    assert publish_tiny().version == "2.6.0"


def test_a_version_may_be_asked_for(publish_tiny: Publish) -> None:
    assert publish_tiny("7.1.3").version == "7.1.3"


def test_what_is_no_version_cannot_be_asked_for(publish_tiny: Publish) -> None:
    with pytest.raises(ConfigError) as info:
        publish_tiny("1.0")
    assert str(info.value) == (
        "error[bad-value]: '1.0' is not a version of the form MAJOR.MINOR.PATCH\n"
        "  = for example --version 1.2.0"
    )


def test_a_published_version_never_changes(publish_tiny: Publish, zoo_root: Path) -> None:
    first = publish_tiny()
    with pytest.raises(RegistryError) as info:
        publish_tiny("1.0.0", tensors={"other": np.ones(2)})
    assert "tiny@1.0.0 is published already, and never changes" in str(info.value)
    assert "leave --version out for the next free one" in str(info.value)
    assert read_registry(zoo_root).weights == (first,)
    second = publish_tiny(tensors={"other": np.ones(2)})
    assert read_registry(zoo_root).weights == (first, second)
    for file, digest in ((first.file, first.sha256), (first.config, first.config_sha256)):
        assert sha256((zoo_root / file).read_bytes()) == digest


def test_the_entry_says_all_that_the_contract_wants(publish_tiny: Publish, zoo_root: Path) -> None:
    entry = publish_tiny(parent="other@1.0.0")
    weights, config = zoo_root / entry.file, zoo_root / entry.config
    assert entry.file == "weights/tiny/1.0.0.safetensors"
    assert entry.config == "weights/tiny/1.0.0.toml"
    assert (entry.sha256, entry.size) == (sha256(weights.read_bytes()), weights.stat().st_size)
    assert entry.config_sha256 == sha256(config.read_bytes())
    assert config.read_text() == 'zoo = 1\nname = "tiny"\n'
    assert (entry.plugins, entry.keras, entry.metrics) == (
        {"zoo-diagnostics": "1.0"},
        "3.15.1",
        {"val_loss": 0.5},
    )
    assert (entry.parent, entry.status) == ("other@1.0.0", "stable")
    assert entry.created.microsecond == 0
    assert entry.created.utcoffset() is not None


def test_the_weights_carry_their_manifest_and_graph(publish_tiny: Publish, zoo_root: Path) -> None:
    entry = publish_tiny()
    metadata = decode((zoo_root / entry.file).read_bytes(), "it").metadata
    assert (metadata["format"], metadata["model"]) == ("zoo-weights-1", "tiny@1.0.0")
    assert metadata["fingerprint"] == "a" * 64
    assert json.loads(metadata["graph"]) == {"nodes": ["dense"]}
    assert json.loads(metadata["manifest"]) == [
        ["dense/kernel", [2, 3], "float32"],
        ["dense/bias", [3], "float32"],
    ]


def test_the_model_gets_an_entry_once(publish_tiny: Publish, zoo_root: Path) -> None:
    publish_tiny()
    publish_tiny()
    (model,) = read_registry(zoo_root).models
    assert (model.name, model.config) == ("tiny", "weights/tiny/1.0.0.toml")
    assert model.description == "A small model."


def test_where_the_config_comes_from_is_kept(publish_tiny: Publish, zoo_root: Path) -> None:
    publish_tiny(source="zoo-extra/tiny")
    assert read_registry(zoo_root).models[0].config == "zoo-extra/tiny"


def test_a_persons_comments_and_order_stay(publish_tiny: Publish, zoo_root: Path) -> None:
    path = zoo_root / "registry.toml"
    before = (
        "# The zoo of our group.\n\n"
        'format   =   1   # the only one\n\n[[plugins]]\nrequires = ">=0.1"\nname = "zoo-extra"\n'
        '\n# Ours.\n[[models]]\ndescription = """\nLong."""\nconfig = "tiny.toml"\nname = "tiny"'
    )
    path.write_text(before)
    publish_tiny()
    once = path.read_text()
    without_index = "\n".join(line for line in once.splitlines() if not line.startswith("index = "))
    assert without_index.startswith(f"{before}\n\n[[weights]]\n")
    publish_tiny()
    twice = path.read_text()
    assert [line for line in twice.splitlines() if line.startswith("index")] == [
        line for line in twice.splitlines() if line.startswith("index = {entries = 3, ")
    ]
    tail = once.partition("[[weights]]")[2]
    assert tail in twice


def test_the_seal_stands_before_the_format(published: Path) -> None:
    first, second, *_ = (published / "registry.toml").read_text().splitlines()
    assert first.startswith("index = {entries = 3, sha256 = ")
    assert second == "format = 1"


def test_an_orphan_file_of_a_killed_publish_does_not_block(
    publish_tiny: Publish, zoo_root: Path
) -> None:
    folder = zoo_root / "weights" / "tiny"
    folder.mkdir(parents=True)
    (folder / "1.0.0.safetensors").write_bytes(b"half")
    (folder / "1.0.0.toml").write_bytes(b"")
    (folder / ".1.0.0.safetensors.abcd").write_bytes(b"temporary")
    entry = publish_tiny()
    assert sha256((zoo_root / entry.file).read_bytes()) == entry.sha256
    assert verify(read_registry(zoo_root), [entry], {}) == []


def test_a_damaged_registry_is_not_written_to(publish_tiny: Publish, published: Path) -> None:
    path = published / "registry.toml"
    path.write_text(path.read_text().replace("0.5", "0.4", 1))
    before = path.read_bytes()
    with pytest.raises(RegistryError, match="an entry is not as it was written"):
        publish_tiny()
    assert path.read_bytes() == before


def test_a_folder_of_weights_that_leads_out_of_the_zoo_is_not_written_to(
    publish_tiny: Publish, zoo_root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (zoo_root / "weights").symlink_to(outside)
    with pytest.raises(RegistryError, match="is not accepted: it leads out of"):
        publish_tiny()
    assert list(outside.iterdir()) == []
    assert read_registry(zoo_root).weights == ()


def test_what_could_not_be_read_back_does_not_replace_what_can(zoo_root: Path) -> None:
    before = (zoo_root / "registry.toml").read_bytes()
    with editing(zoo_root) as edit:
        edit.append("models", {"name": "Not A Name", "config": "x"})
        with pytest.raises(RegistryError, match="name in Not A Name takes a-z, 0-9"):
            edit.save()
    assert (zoo_root / "registry.toml").read_bytes() == before


def test_an_edit_that_is_not_saved_changes_nothing(zoo_root: Path) -> None:
    before = (zoo_root / "registry.toml").read_bytes()
    with editing(zoo_root) as edit:
        edit.append("models", {"name": "tiny", "config": "x"})
    assert (zoo_root / "registry.toml").read_bytes() == before


def test_a_hand_edit_that_is_accepted_is_sealed_again(published: Path) -> None:
    path = published / "registry.toml"
    path.write_text("# Yanked by hand.\n" + path.read_text().replace('"stable"', '"yanked"', 1))
    with pytest.raises(RegistryError, match="edited by hand"):
        read_registry(published)
    with editing(published, accept_edits=True) as edit:
        edit.save()
    assert read_registry(published).find("tiny@1.0.0").status == "yanked"
    assert path.read_text().startswith("# Yanked by hand.\n")


def test_a_lock_that_another_process_keeps_is_an_error_in_the_end(
    zoo_root: Path, monkeypatch: pytest.MonkeyPatch, publish_tiny: Publish
) -> None:
    monkeypatch.setattr(editing_module, "_LOCK_SECONDS", 0.05)
    with FileLock(zoo_root / ".registry.lock"), pytest.raises(StorageError) as info:
        publish_tiny()
    (finding,) = info.value.findings
    assert finding.message == (
        f"another process has kept {zoo_root / '.registry.lock'} locked for 0.05 seconds"
    )
    assert finding.suggestion == "wait for it, or stop it"


def test_a_folder_in_place_of_the_lock_is_an_error(zoo_root: Path, publish_tiny: Publish) -> None:
    (zoo_root / ".registry.lock").mkdir()
    with pytest.raises(StorageError, match=r"cannot lock .*\.registry\.lock: Is a directory"):
        publish_tiny()
