"""A store that is damaged, or no store at all: what is refused, and what to do then."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from tests.candidates import a_candidate
from zoo.digest import sha256
from zoo.errors import Finding, RegistryError, StorageError, ZooError
from zoo.registry.document import ModelEntry, Registry, read_registry
from zoo.registry.publishing import publish
from zoo.store import objects
from zoo.store.objects import Store
from zoo.store.progress import Transfers
from zoo.store.pulling import pull
from zoo.store.pushing import push
from zoo.store.records import listed_versions, object_key, read_record, record_key, record_of

MakeZoo = Callable[..., Registry]
PUSH_AGAIN = "remove that object from the store, then push the version again"


@pytest.fixture
def shared(zoo_with: MakeZoo, tmp_path: Path) -> Registry:
    """A zoo with `small@1.0.0`, which is in its store too."""
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    push(registry, registry.weights, _store(registry), Transfers("pushing"))
    return registry


def _store(registry: Registry) -> Store:
    assert registry.store is not None
    return Store(registry.store)


def _refused(act: Callable[[], Any], kind: type[ZooError]) -> Finding:
    with pytest.raises(kind) as info:
        act()
    (finding,) = info.value.findings
    return finding


def _pull_into(root: Path, registry: Registry) -> Callable[[], Any]:
    root.mkdir()
    (root / "registry.toml").write_text(f'format = 1\n\n[store]\nurl = "{registry.store}"\n')
    return lambda: pull(read_registry(root), ["small"], _store(registry), Transfers("pulling"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: "format =", "error[syntax]: this is not TOML: Invalid value"),
        (lambda text: "format = 1\n", "not enough values to unpack (expected 1, got 0)"),
        (lambda text: text.replace("keras = ", "kerass = "), "error[bad-registry]"),
        (lambda text: text.replace("size = ", "size = 1"), "error[hash-mismatch]"),
    ],
    ids=["no TOML", "empty", "another key", "edited"],
)
def test_an_entry_that_is_not_as_it_was_pushed_is_refused(
    shared: Registry, tmp_path: Path, change: Callable[[str], str], why: str
) -> None:
    entry = tmp_path / "shared" / record_key("small@1.0.0")
    entry.write_text(change(entry.read_text()))
    finding = _refused(_pull_into(tmp_path / "other", shared), RegistryError)
    place = f"{shared.store}/versions/small/1.0.0.toml"
    assert finding.message.startswith(f"{place} is not the entry that was pushed: {why}")
    assert (finding.code, finding.suggestion) == ("hash-mismatch", PUSH_AGAIN)


def test_the_entry_of_another_version_is_refused(shared: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "shared" / "versions" / "small"
    (folder / "1.0.0.toml").rename(folder / "1.1.0.toml")
    finding = _refused(_pull_into(tmp_path / "other", shared), RegistryError)
    assert finding.message == (
        f"{shared.store}/versions/small/1.1.0.toml is not the entry that was pushed: "
        "it is the entry of small@1.0.0"
    )


def test_an_object_of_another_size_is_refused_before_it_is_fetched(
    shared: Registry, tmp_path: Path
) -> None:
    (entry,) = shared.weights
    (tmp_path / "shared" / object_key(entry.sha256)).write_bytes(b"1" * 1234)
    finding = _refused(_pull_into(tmp_path / "other", shared), RegistryError)
    assert finding.code == "hash-mismatch"
    assert f"1,234 bytes instead of {entry.size:,}" in finding.message


def test_another_version_of_the_same_number_says_what_to_do(shared: Registry) -> None:
    changed = shared.weights[0].model_copy(update={"keras": "3.16.0", "status": "yanked"})
    finding = _refused(
        lambda: push(shared, [changed], _store(shared), Transfers("pushing")), RegistryError
    )
    assert finding.message == f"{shared.store} has another small@1.0.0: they differ in keras"
    assert finding.code == "hash-mismatch"
    assert finding.suggestion == "a version never changes: publish yours under another number"


def test_versions_are_listed_by_number_and_what_is_none_is_left_out(
    shared: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "shared" / "versions" / "small"
    for name in ("1.10.0.toml", "1.9.0.toml", "1.9.1", "notes.toml", "01.0.0.toml"):
        (folder / name).touch()
    store = _store(shared)
    assert listed_versions(store, "small") == ["1.0.0", "1.9.0", "1.10.0"]
    assert listed_versions(store, "large") == []


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda store: store.size("objects/x"), "be asked"),
        (lambda store: store.names("objects/x"), "be listed"),
        (lambda store: list(store.read("objects/x", 3)), "be read"),
        (
            lambda store: store.send(b"x", "objects/x", sha256(b"x"), lambda count: None),
            "be written",
        ),
    ],
    ids=["size", "names", "read", "send"],
)
def test_a_file_where_the_store_should_be_is_said_with_what_was_asked_of_it(
    tmp_path: Path, act: Callable[[Store], Any], what: str
) -> None:
    (tmp_path / "shared").write_text("no folder")
    url = f"file://{tmp_path / 'shared'}"
    finding = _refused(lambda: act(Store(url)), StorageError)
    assert finding.message.startswith(f"the store {url} cannot {what}: NotADirectoryError: ")
    assert finding.suggestion == (
        "check that it can be reached, then run the command again: it goes on where it stopped"
    )


def test_an_object_that_is_not_there_is_said_with_where_to_look(shared: Registry) -> None:
    finding = _refused(lambda: list(_store(shared).read("objects/x", 3)), StorageError)
    assert finding.message.startswith(f"the store {shared.store} cannot be read: FileNotFoundError")
    assert finding.suggestion == (
        "check the url under [store] in registry.toml: the place has to be there"
    )


def test_a_store_that_can_only_be_read_is_not_pushed_to() -> None:
    finding = _refused(Store("https://example.org/zoo").refuse_if_read_only, StorageError)
    assert finding.message == "the store https://example.org/zoo can only be read"
    assert finding.suggestion == "push to the place that it shows, for example s3:// or file://"


def test_a_file_that_was_changed_since_is_not_pushed(zoo_with: MakeZoo, tmp_path: Path) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    (entry,) = registry.weights
    (registry.root / entry.config).write_text("zoo = 2\n")
    finding = _refused(
        lambda: push(registry, [entry], _store(registry), Transfers("pushing")), RegistryError
    )
    assert finding.message == (f"small@1.0.0: {entry.config} is not the file that was published")
    assert finding.code == "hash-mismatch"
    assert finding.suggestion == (
        "restore it from version control or a copy; `zoo verify` checks all"
    )
    assert not (tmp_path / "shared" / "versions").exists()


def test_an_object_that_ends_early_is_said(shared: Registry, tmp_path: Path) -> None:
    (tmp_path / "shared" / "objects" / "x").write_bytes(b"ab")
    finding = _refused(lambda: list(_store(shared).read("objects/x", 3)), StorageError)
    assert finding.message == (
        f"the store {shared.store} cannot be read: OSError: it gave 2 of 3 bytes"
    )


def test_a_version_whose_file_is_nowhere_is_not_pushed(zoo_with: MakeZoo, tmp_path: Path) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    (entry,) = registry.weights
    (registry.root / entry.file).unlink()
    finding = _refused(
        lambda: push(registry, [entry], _store(registry), Transfers("pushing")), StorageError
    )
    assert finding.message == f"small@1.0.0: {entry.file} is neither here nor in {registry.store}"
    assert finding.suggestion == "push it from the zoo that has it"


@pytest.mark.parametrize("at_once", [(), ("memory",)], ids=["under another name", "at once"])
def test_what_the_store_gives_back_otherwise_is_refused_and_taken_away_again(
    at_once: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_WHOLE_OR_NOT", at_once)
    MemoryFileSystem.store.clear()
    store = Store("memory://zoo")
    finding = _refused(
        lambda: store.send(b"new", "objects/x", sha256(b"old"), lambda count: None), RegistryError
    )
    assert finding.message == "memory://zoo gave back something else than was sent as objects/x"
    assert (finding.code, finding.suggestion) == (
        "hash-mismatch",
        "push again; if it happens again, the store is not to be trusted",
    )
    assert store.names("objects") == []


def test_what_another_takes_the_place_of_stays_where_that_is_not_what_was_sent(
    tmp_path: Path,
) -> None:
    store = Store(f"file://{tmp_path / 'shared'}")
    store.send(b"old", "objects/x", sha256(b"old"), lambda count: None)
    _refused(
        lambda: store.send(b"new", "objects/x", sha256(b"more"), lambda count: None), RegistryError
    )
    assert (store.names("objects"), list(store.read("objects/x", 3))) == (["x"], [b"old"])


def test_a_version_of_a_model_that_the_registry_does_not_list_is_recorded_with_its_config(
    zoo_root: Path, tmp_path: Path
) -> None:
    entry = publish(zoo_root, a_candidate("small"))
    registry = read_registry(zoo_root)
    registry.models = ()
    store = Store(f"file://{tmp_path / 'shared'}")
    record = record_of(registry, entry)
    store.send(record, record_key(entry.reference), sha256(record), lambda count: None)
    model = ModelEntry(name="small", config=entry.config)
    assert read_record(store, "small@1.0.0") == (model, entry)
