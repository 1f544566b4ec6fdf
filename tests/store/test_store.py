"""Weights shared through a store: whole, checked, gone on with, and nothing half."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from typer.testing import CliRunner

from tests.processes import imported_by
from zoo.cli.app import app
from zoo.digest import sha256
from zoo.errors import RegistryError, StorageError
from zoo.registry.document import Registry, read_registry
from zoo.registry.verification import read_weights
from zoo.store import objects
from zoo.store.fetching import fetch_where_missing
from zoo.store.objects import Store, Told
from zoo.store.progress import Transfers
from zoo.store.pulling import pull
from zoo.store.pushing import push
from zoo.store.url import checked_url

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:(aiobotocore|botocore|s3fs|fsspec).*"
)

MakeZoo = Callable[..., Registry]
Clone = Callable[[Registry], Registry]


# The server stays dead however often it is asked, with seconds in between that double.
IMPATIENT = {**objects._S3, "retries": {"max_attempts": 0}}


def with_a_server_that_dies(test: Callable[..., None]) -> Callable[..., None]:
    """Lets the S3 client leave sockets and coroutines open when its server is killed."""
    for ignored in ("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"):
        test = pytest.mark.filterwarnings(ignored)(test)
    return test


class AtFirstBlock(Transfers):
    """Does something as soon as the first bytes of a file have been moved."""

    def __init__(self, act: Callable[[], None], name: str = "safetensors") -> None:
        super().__init__("moving")
        self._act, self._name, self._done = act, name, False
        self.starts: dict[str, int] = {}

    def file(self, name: str, size: int, done: int = 0) -> Told:
        self.starts[name] = done

        def told(count: int) -> None:
            if self._name in name and not self._done:
                self._done = True
                self._act()

        return told


def nothing() -> None:
    """Lets all go on."""


def pushed(registry: Registry) -> list[Any]:
    return push(registry, registry.weights, Store(registry.store or ""), AtFirstBlock(nothing))


def pulled(registry: Registry, *names: str, shown: Transfers | None = None) -> list[Any]:
    return pull(registry, names, Store(registry.store or ""), shown or AtFirstBlock(nothing))


def same_files(one: Registry, other: Registry) -> bool:
    files = [f for entry in one.weights for f in (entry.file, entry.config)]
    return all((one.root / f).read_bytes() == (other.root / f).read_bytes() for f in files)


def litter(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.name.endswith(".part")]


@pytest.fixture(params=["file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        request.getfixturevalue("s3")
        return "s3://bucket/zoo"
    MemoryFileSystem.store.clear()
    return f"file://{tmp_path / 'shared'}" if request.param == "file" else "memory://zoo"


def test_what_is_pushed_is_pulled_and_nothing_is_moved_twice(
    url: str, zoo_with: MakeZoo, cloned: Clone
) -> None:
    registry = zoo_with(url)
    assert [item.files for item in pushed(registry)] == [2]
    assert [item.files for item in pushed(registry)] == [0]
    clone = cloned(registry)
    (done,) = pulled(clone)
    assert done.size == registry.weights[0].size + len('zoo = 1\nname = "small"\n')
    assert same_files(registry, clone)
    assert [item.size for item in pulled(clone)] == [0]
    assert litter(clone.root) == []


def test_a_new_version_of_a_team_mate_is_added_once_its_files_are_here(
    url: str, zoo_with: MakeZoo, tmp_path: Path
) -> None:
    registry = zoo_with(url)
    pushed(registry)
    root = tmp_path / "other"
    root.mkdir()
    (root / "registry.toml").write_text(f'format = 1\n\n[store]\nurl = "{url}"\n')
    (done,) = pulled(read_registry(root), "small")
    assert (done.reference, done.new) == ("small@1.0.0", True)
    after = read_registry(root)
    assert after.weights == registry.weights
    assert after.store == url
    # The config of that zoo's own stayed there; the resolved one came along.
    assert [model.config for model in after.models] == [registry.weights[0].config]
    assert [item.new for item in pulled(after, "small@1")] == [False]


def test_an_object_of_another_content_is_refused_and_not_kept(
    url: str, zoo_with: MakeZoo, cloned: Clone
) -> None:
    registry = zoo_with(url)
    pushed(registry)
    entry = registry.weights[0]
    store = Store(url)
    wrong = bytes(entry.size)
    store.send(wrong, f"objects/{entry.sha256}", sha256(wrong), lambda count: None)
    clone = cloned(registry)
    with pytest.raises(RegistryError, match="is not the file that was pushed") as info:
        pulled(clone)
    assert info.value.findings[0].code == "hash-mismatch"
    assert not (clone.root / entry.file).exists()
    assert litter(clone.root) == []


def test_another_version_of_the_same_number_is_refused_both_ways(
    url: str, zoo_with: MakeZoo, cloned: Clone
) -> None:
    registry = zoo_with(url)
    pushed(registry)
    other = cloned(registry)
    changed = other.weights[0].model_copy(update={"keras": "3.16.0"})
    with pytest.raises(RegistryError, match="has another small@1.0.0: they differ in keras"):
        push(other, [changed], Store(url), AtFirstBlock(nothing))


def test_an_object_that_is_missing_is_named_with_the_remedy(
    url: str, zoo_with: MakeZoo, cloned: Clone
) -> None:
    with pytest.raises(StorageError, match="does not have weights/small/1.0.0.toml") as info:
        pulled(cloned(zoo_with(url)))
    assert "zoo push small@1.0.0" in str(info.value)


def test_a_part_that_was_fetched_is_gone_on_with_and_one_of_something_else_is_not(
    url: str, zoo_with: MakeZoo, cloned: Clone
) -> None:
    registry = zoo_with(url)
    pushed(registry)
    entry = registry.weights[0]
    clone = cloned(registry)
    whole = (registry.root / entry.file).read_bytes()
    part = clone.root / f"{entry.file}.part"
    part.parent.mkdir(parents=True)
    for begun in (whole[:50], b"x" * 50, whole + b"more", whole):
        part.write_bytes(begun)
        (clone.root / entry.file).unlink(missing_ok=True)
        pulled(clone)
        assert same_files(registry, clone)
        assert litter(clone.root) == []


def test_using_a_version_fetches_it(
    url: str, zoo_with: MakeZoo, cloned: Clone, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = zoo_with(url)
    pushed(registry)
    clone = cloned(registry)
    fetch_where_missing(clone, clone.weights[0])
    assert "fetching small@1.0.0 weights/small/1.0.0.safetensors" in capsys.readouterr().err
    assert read_weights(clone, clone.weights[0]).tensors["dense/kernel"].tolist() == list(range(6))


def test_where_the_zoo_cannot_be_written_the_users_cache_is(
    zoo_with: MakeZoo, cloned: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    pushed(registry)
    clone = cloned(registry)
    # Root may write into any folder, so that the system has to be asked in its place.
    monkeypatch.setattr("os.access", lambda *args: False)
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    fetch_where_missing(clone, clone.weights[0])
    assert not (clone.root / "weights").exists()
    assert len(list((tmp_path / "cache" / "store").iterdir())) == 2
    assert len(read_weights(clone, clone.weights[0]).tensors) == 1


@with_a_server_that_dies
def test_a_server_killed_in_the_midst_of_a_push_leaves_nothing_half(
    s3: Any, zoo_with: MakeZoo, cloned: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = zoo_with("s3://bucket/zoo", large=True)
    monkeypatch.setattr(objects, "_S3", IMPATIENT)
    monkeypatch.setattr(objects, "_PART", 5 * 1024 * 1024)
    store = Store("s3://bucket/zoo")
    with pytest.raises(StorageError, match="the store s3://bucket/zoo cannot be") as info:
        push(registry, registry.weights, store, AtFirstBlock(s3.kill, "large@"))
    assert "goes on where it stopped" in str(info.value)
    s3.start()
    assert Store("s3://bucket/zoo").size(f"objects/{registry.weights[1].sha256}") is None
    pushed(registry)
    clone = cloned(registry)
    pulled(clone)
    assert same_files(registry, clone)


@with_a_server_that_dies
def test_a_server_killed_in_the_midst_of_a_pull_costs_no_block_that_came(
    s3: Any, zoo_with: MakeZoo, cloned: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_S3", IMPATIENT)
    registry = zoo_with("s3://bucket/zoo", large=True)
    pushed(registry)
    clone = cloned(registry)
    with pytest.raises(StorageError, match="cannot be read"):
        pulled(clone, shown=AtFirstBlock(s3.kill, "large@1.0.0 weights/large/1.0.0.s"))
    part = clone.root / "weights/large/1.0.0.safetensors.part"
    assert part.stat().st_size == 4 * 1024 * 1024
    assert not (clone.root / registry.weights[1].file).exists()
    s3.start()
    pushed(registry)
    shown = AtFirstBlock(nothing)
    pulled(clone, shown=shown)
    assert shown.starts == {"large@1.0.0 weights/large/1.0.0.safetensors": 4 * 1024 * 1024}
    assert same_files(registry, clone)
    assert litter(clone.root) == []


def test_missing_credentials_are_named(
    s3: Any, zoo_with: MakeZoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = zoo_with("s3://bucket/zoo")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StorageError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        pushed(registry)


def test_an_upload_that_fails_leaves_no_object_under_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(f"file://{tmp_path / 'shared'}")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(StorageError, match="shared cannot be written: No space left on device"):
        store.send(b"new", "objects/x", sha256(b"new"), lambda count: None)
    assert list((tmp_path / "shared" / "objects").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("simplecache::s3://bucket/zoo", "begins with none of file://, memory://"),
        ("zip://x.zip", "begins with none of"),
        ("github://org:repo@/", "begins with none of"),
        ("/etc", "begins with none of"),
        ("s3://key:secret@bucket/zoo", "has credentials"),
        ("sftp://me:secret@host/zoo", "has credentials"),
        ("az://container/zoo?sig=secret", "tokens belong in environment variables"),
        ("file://../zoo", "has `..`"),
        ("file://zoo", "takes a whole path"),
        ("s3://", "names no place"),
        ("", "is empty or has blanks"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_refused_and_no_secret_repeated(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as info:
        checked_url(url)
    assert "secret" not in str(info.value)


def test_a_url_is_kept_without_the_slashes_at_its_end() -> None:
    assert checked_url("s3://bucket/zoo//") == "s3://bucket/zoo"
    assert checked_url("file:///shared/zoo/") == "file:///shared/zoo"


def test_a_registry_with_such_a_url_is_refused(zoo_root: Path) -> None:
    (zoo_root / "registry.toml").write_text('format = 1\n[store]\nurl = "zip://x.zip"\n')
    with pytest.raises(RegistryError, match="url in store is wrong: it begins with none of"):
        read_registry(zoo_root)


@pytest.mark.parametrize("file", [".git/hooks/a.safetensors", "weights/.x/a.safetensors", "a.toml"])
def test_nothing_is_fetched_to_where_no_weights_are(
    file: str, zoo_with: MakeZoo, cloned: Clone, tmp_path: Path
) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    pushed(registry)
    clone = cloned(registry)
    entry = clone.weights[0].model_copy(update={"file": file})
    with pytest.raises(RegistryError, match="is not fetched to where the registry says") as info:
        fetch_where_missing(clone, entry)
    (finding,) = info.value.findings
    assert finding.code == "unsafe-path"
    assert finding.suggestion == "only files below weights/ that end in .safetensors are"
    assert not (clone.root / file).exists()


def run(*arguments: str, status: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def test_the_commands_say_what_they_did(
    zoo_with: MakeZoo, cloned: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    clone = cloned(registry)
    monkeypatch.chdir(clone.root)
    assert run("pull", status=4)["errors"][0]["code"] == "storage"
    nowhere = run("verify", status=3)["problems"][0]["message"]
    assert nowhere.startswith("small@1.0.0 is listed but neither here nor in file://")
    zoo = ("--zoo", str(registry.root))
    assert run("push", *zoo)["pushed"] == ["small@1.0.0"]
    assert run("push", "small@1", *zoo)["there"] == ["small@1.0.0"]
    away = run("verify")
    assert (away["ok"], away["checked"], away["in_the_store"]) == (True, [], ["small@1.0.0"])
    # The model's own config, which is in version control, is in neither zoo of this test.
    rows = [row for row in run("doctor", status=4)["rows"] if row["check"] == "store"]
    assert [row["result"] for row in rows] == ["ok"]
    assert run("pull", "small")["pulled"] == ["small@1.0.0"]
    assert run("pull")["here"] == ["small@1.0.0"]
    assert run("verify")["checked"] == ["small@1.0.0"]
    assert run("pull", "smal", status=3)["errors"][0]["code"] == "unknown-model"


def test_a_zoo_without_a_store_says_how_to_name_one(zoo_root: Path) -> None:
    error = run("push", status=3)["errors"][0]
    assert error["message"] == "registry.toml names no store"


def test_pushing_and_pulling_import_neither_keras_nor_tensorflow(
    zoo_with: MakeZoo, tmp_path: Path
) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}")
    for name in ("push", "pull"):
        assert imported_by(name, cwd=registry.root).isdisjoint({"keras", "tensorflow"})


def test_two_who_pull_one_version_do_not_disturb_each_other(
    zoo_with: MakeZoo, cloned: Clone, tmp_path: Path
) -> None:
    registry = zoo_with(f"file://{tmp_path / 'shared'}", large=True)
    pushed(registry)
    clone = cloned(registry)
    command = [sys.executable, "-m", "zoo", "pull"]
    both = [subprocess.Popen(command, cwd=clone.root) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert same_files(registry, clone)
    assert litter(clone.root) == []
