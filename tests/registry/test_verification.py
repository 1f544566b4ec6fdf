"""Whether what is listed is there, whole, and what it says it is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.digest import sha256
from zoo.errors import RegistryError, StorageError
from zoo.registry.document import Registry, WeightsEntry, read_registry
from zoo.registry.root import find_root
from zoo.registry.tensors import decode, encode, manifest_of, read_metadata, read_metadata_of
from zoo.registry.verification import checked_config, missing_plugins, read_weights, verify

Publish = Callable[..., WeightsEntry]

REMEDY = "restore the file from version control or a copy, or train and publish anew"


@pytest.fixture
def entry(publish_tiny: Publish) -> WeightsEntry:
    return publish_tiny()


@pytest.fixture
def registry(entry: WeightsEntry, zoo_root: Path) -> Registry:
    return read_registry(zoo_root)


def relisted(root: Path, entry: WeightsEntry, data: bytes, **changes: Any) -> Any:
    """Writes other weights, and an entry that has their hash."""
    (root / entry.file).write_bytes(data)
    return entry.model_copy(update={"sha256": sha256(data), "size": len(data), **changes})


def refused(registry: Registry, entry: WeightsEntry) -> tuple[str, str]:
    with pytest.raises(RegistryError) as info:
        read_weights(registry, entry)
    (finding,) = info.value.findings
    return finding.code, finding.message


def metadata(**changes: str) -> dict[str, str]:
    manifest = json.dumps([["a", [2], "float32"]])
    known = {"format": "zoo-weights-1", "fingerprint": "a" * 64, "manifest": manifest}
    return {key: value for key, value in {**known, **changes}.items() if value}


TENSORS = {"a": np.zeros(2, "float32")}


def test_whole_weights_are_read(registry: Registry, entry: WeightsEntry) -> None:
    tensors = read_weights(registry, entry).tensors
    np.testing.assert_array_equal(tensors["dense/kernel"], np.arange(6).reshape(2, 3))
    assert verify(registry, [entry], {"zoo-extra": "1.0"}) == []
    assert checked_config(registry, entry) == registry.root / entry.config


@pytest.mark.parametrize("what", ["file", "config"])
def test_a_single_bit_that_differs_is_noticed(
    registry: Registry, entry: WeightsEntry, what: str
) -> None:
    path = registry.root / getattr(entry, what)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (problem,) = verify(registry, [entry], {})
    assert problem.code == "hash-mismatch"
    assert problem.message == (
        f"tiny@1.0.0: {getattr(entry, what)} is not the file that was published"
    )
    assert problem.suggestion == REMEDY


@pytest.mark.parametrize("what", ["file", "config"])
def test_a_file_that_is_gone_is_named(registry: Registry, entry: WeightsEntry, what: str) -> None:
    (registry.root / getattr(entry, what)).unlink()
    (problem,) = verify(registry, [entry], {})
    assert problem.code == "bad-registry"
    assert problem.message == f"tiny@1.0.0: {getattr(entry, what)} is listed but not there"


def test_a_folder_in_place_of_the_file_is_a_storage_error(
    registry: Registry, entry: WeightsEntry
) -> None:
    (registry.root / entry.file).unlink()
    (registry.root / entry.file).mkdir()
    with pytest.raises(StorageError, match="is not a regular file"):
        read_weights(registry, entry)


@pytest.mark.parametrize("what", ["file", "config"])
def test_an_entry_whose_path_leads_out_of_the_root_is_a_problem(
    registry: Registry, entry: WeightsEntry, what: str
) -> None:
    (problem,) = verify(registry, [entry.model_copy(update={what: "../x"})], {})
    assert problem.code == "unsafe-path"
    assert problem.message.startswith("the path '../x' is not accepted: it leads out of")


def test_all_problems_of_all_versions_are_found(registry: Registry, entry: WeightsEntry) -> None:
    (registry.root / entry.file).write_bytes(b"")
    (registry.root / entry.config).unlink()
    problems = verify(registry, [entry, entry], {})
    assert [problem.code for problem in problems] == ["hash-mismatch", "bad-registry"] * 2


def test_another_size_than_listed_is_noticed(registry: Registry, entry: WeightsEntry) -> None:
    wrong = entry.model_copy(update={"size": 1})
    assert refused(registry, wrong) == (
        "bad-registry",
        f"tiny@1.0.0: {entry.file} has {entry.size:,} bytes, the registry 1",
    )


@pytest.mark.parametrize(
    ("changes", "code", "what"),
    [
        ({"format": "other"}, "bad-registry", "is not a weights file of the zoo"),
        ({"format": ""}, "bad-registry", "is not a weights file of the zoo"),
        ({"fingerprint": "b" * 64}, "fingerprint-mismatch", "was made by another graph"),
        ({"fingerprint": ""}, "fingerprint-mismatch", "was made by another graph"),
        ({"manifest": ""}, "bad-registry", "does not hold the arrays that its manifest lists"),
        ({"manifest": "[["}, "bad-registry", "does not hold the arrays that its manifest lists"),
        ({"manifest": "3"}, "bad-registry", "does not hold the arrays that its manifest lists"),
        ({"manifest": "[3]"}, "bad-registry", "does not hold the arrays that its manifest lists"),
        (
            {"manifest": '[["a", [3], "float32"]]'},
            "bad-registry",
            "does not hold the arrays that its manifest lists",
        ),
    ],
)
def test_a_file_that_is_not_what_the_entry_says_is_refused(
    registry: Registry, entry: WeightsEntry, changes: dict[str, str], code: str, what: str
) -> None:
    listed = relisted(registry.root, entry, encode(TENSORS, metadata(**changes)))
    found, message = refused(registry, listed)
    assert found == code
    assert message.startswith(f"tiny@1.0.0: {entry.file} {what}")


def test_a_manifest_in_another_order_is_the_same(registry: Registry, entry: WeightsEntry) -> None:
    tensors = {"a": np.zeros(2), "b": np.ones(3)}
    manifest = json.dumps(manifest_of(tensors)[::-1])
    data = encode(tensors, metadata(manifest=manifest))
    assert list(read_weights(registry, relisted(registry.root, entry, data)).tensors) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "its header is longer than the file"),
        (b"1234567", "its header is longer than the file"),
        ((2**62).to_bytes(8, "little") + b"{}", "its header is longer than the file"),
        ((2).to_bytes(8, "little") + b"[[", "Expecting value"),
        (
            (18).to_bytes(8, "little") + b'{"__metadata__":3}',
            "its metadata is not a table",
        ),
        ((2).to_bytes(8, "little") + b"[]", ""),
        (b"cos\nsystem\n(S'echo'\ntR.", "its header is longer than the file"),
    ],
)
def test_bytes_that_are_no_safetensors_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RegistryError) as info:
        decode(data, "tiny@1.0.0")
    (finding,) = info.value.findings
    assert finding.message.startswith(f"tiny@1.0.0 is not a safetensors file: {reason}")
    assert finding.suggestion == "restore the file; `zoo verify` checks every version"


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint32", "bool"])
def test_arrays_come_back_as_they_were(dtype: str) -> None:
    generator = np.random.default_rng(0)
    tensors = {
        "matrix": generator.integers(0, 2, (3, 4)).astype(dtype),
        "scalar": np.array(1, dtype),
        "empty": np.zeros((0, 2), dtype),
        "turned": np.asfortranarray(generator.integers(0, 2, (3, 4)).astype(dtype)),
    }
    content = decode(encode(tensors, {"key": "välue"}), "it")
    assert content.metadata == {"key": "välue"}
    for path, array in tensors.items():
        np.testing.assert_array_equal(content.tensors[path], array)
        assert content.tensors[path].dtype == array.dtype
        assert content.tensors[path].shape == array.shape


def test_equal_content_gives_equal_bytes() -> None:
    many = {str(number): str(number) for number in range(20)}
    assert encode(TENSORS, many) == encode({"a": TENSORS["a"].copy()}, dict(many))


def test_too_little_memory_is_said_with_what_it_was_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(TENSORS, {})

    def ask(size: int) -> None:
        raise MemoryError("Unable to allocate 17 GiB")

    monkeypatch.setattr("zoo.registry.tensors._ask_for_memory", ask)
    for act, what in (
        (lambda: encode(TENSORS, {}), "cannot write the weights"),
        (lambda: decode(data, "tiny@1.0.0"), "cannot read tiny@1.0.0"),
    ):
        with pytest.raises(StorageError) as info:
            act()
        (finding,) = info.value.findings
        assert finding.message == f"{what}: out of memory: Unable to allocate 17 GiB"


def test_of_a_large_file_only_the_header_is_read_for_its_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode({"a": np.zeros(1000)}, {"key": "value"})
    (tmp_path / "large.safetensors").write_bytes(data)
    seen: list[bytes] = []
    monkeypatch.setattr(
        "zoo.registry.tensors.read_metadata", lambda read: seen.append(read) or {"it": "is"}
    )
    assert read_metadata_of(tmp_path / "large.safetensors") == {"it": "is"}
    assert seen == [data[:-8000]]


def test_a_file_without_metadata_has_none() -> None:
    assert read_metadata((2).to_bytes(8, "little") + b"{}") == {}


PROBLEMS = [
    (
        'name = "zoo-gone"',
        "plugin-missing",
        "the zoo requires zoo-gone, which is not installed",
        "pip install 'zoo-gone'",
    ),
    (
        'name = "Zoo_Extra"\nrequires = ">=2"',
        "plugin-missing",
        "the zoo requires Zoo_Extra>=2; 1.0rc1 is installed",
        "pip install --upgrade 'Zoo_Extra>=2'",
    ),
    (
        'name = "zoo-extra"\nrequires = "newest"',
        "bad-registry",
        "'newest' is not a version requirement",
        'write for example requires = ">=0.1"',
    ),
]


@pytest.mark.parametrize(("plugin", "code", "message", "suggestion"), PROBLEMS)
def test_a_plugin_that_is_required_and_not_there_is_a_problem(
    zoo_root: Path, plugin: str, code: str, message: str, suggestion: str
) -> None:
    (zoo_root / "registry.toml").write_text(f"format = 1\n[[plugins]]\n{plugin}\n")
    (problem,) = verify(read_registry(zoo_root), [], {"zoo-extra": "1.0rc1"})
    assert (problem.code, problem.message, problem.suggestion) == (code, message, suggestion)


@pytest.mark.parametrize("requires", ["", ">=0.1", ">=1.0rc1,<2"])
def test_a_plugin_that_fits_is_none_pre_releases_included(zoo_root: Path, requires: str) -> None:
    (zoo_root / "registry.toml").write_text(
        f'format = 1\n[[plugins]]\nname = "zoo.extra"\nrequires = "{requires}"\n'
    )
    assert verify(read_registry(zoo_root), [], {"zoo-extra": "1.0rc1"}) == []


def test_the_plugins_that_made_a_version_are_looked_for(entry: WeightsEntry) -> None:
    (problem,) = missing_plugins(entry, {})
    assert problem.code == "plugin-missing"
    assert problem.message == "tiny@1.0.0 is made of zoo-diagnostics, which is not installed"
    assert problem.suggestion == "pip install 'zoo-diagnostics==1.0'"
    assert missing_plugins(entry, {"zoo-diagnostics": "9"}) == []


class TestRoot:
    """Where the zoo is."""

    def test_it_is_the_first_folder_upwards(
        self, zoo_root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = zoo_root / "a" / "b"
        inner.mkdir(parents=True)
        monkeypatch.chdir(inner)
        assert find_root() == zoo_root
        (zoo_root / "a" / "registry.toml").write_text("format = 1\n")
        assert find_root() == zoo_root / "a"

    def test_a_folder_that_is_named_comes_before_the_environment_and_that_before_here(
        self, zoo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "registry.toml").write_text("format = 1\n")
        monkeypatch.setenv("ZOO_ROOT", str(tmp_path / "one"))
        assert find_root() == tmp_path / "one"
        assert find_root(tmp_path / "two") == tmp_path / "two"
        assert find_root("../two") == zoo_root / "../two"

    def test_a_folder_that_is_named_has_to_be_one(self, zoo_root: Path, tmp_path: Path) -> None:
        with pytest.raises(RegistryError) as info:
            find_root(tmp_path)
        assert info.value.findings[0].message == f"{tmp_path} has no registry.toml"
        assert re.search(
            "--zoo DIR, ZOO_ROOT or, in Python, zoo=.DIR., or make one", str(info.value)
        )

    def test_where_there_is_none_there_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ZOO_ROOT", raising=False)
        monkeypatch.chdir(tmp_path)
        assert find_root() is None
