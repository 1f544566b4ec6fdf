"""`registry.toml`: its form, and the seal by which damage is noticed."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import ConfigError, Finding, RegistryError, StorageError
from zoo.registry.document import WeightsEntry, parse_registry, read_registry
from zoo.registry.seal import seal_of

Publish = Callable[..., WeightsEntry]

DIGEST = "0" * 64
WEIGHTS = f"""
[[weights]]
name = "tiny"
version = "1.0.0"
file = "weights/tiny/1.0.0.safetensors"
sha256 = "{DIGEST}"
size = 10
fingerprint = "{DIGEST}"
config = "weights/tiny/1.0.0.toml"
config_sha256 = "{DIGEST}"
created = 2026-11-23T00:00:00Z
keras = "3.15.1"
"""


def refused(text: str | bytes, root: Path = Path("/zoo"), *, accept: bool = False) -> list[Finding]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(RegistryError) as info:
        parse_registry(data, root, accept)
    assert all(finding.file == str(root / "registry.toml") for finding in info.value.findings)
    return list(info.value.findings)


def test_an_empty_zoo_is_one_line(zoo_root: Path) -> None:
    registry = read_registry(zoo_root)
    assert (registry.models, registry.weights, registry.plugins) == ((), (), ())
    assert registry.names == []


def test_it_lists_models_plugins_and_weights(published: Path) -> None:
    text = (published / "registry.toml").read_text()
    registry = parse_registry(
        f'{text}\n[[plugins]]\nname = "zoo-extra"\nrequires = ">=0.1"\n'.encode(), published
    )
    assert registry.names == ["tiny"]
    assert registry.model("tiny") is not None
    assert registry.model("other") is None
    assert [entry.reference for entry in registry.versions("tiny")] == ["tiny@1.0.0", "tiny@1.1.0"]
    assert registry.versions("other") == []
    assert [plugin.requires for plugin in registry.plugins] == [">=0.1"]


def test_versions_come_oldest_first_whatever_their_order_in_the_file() -> None:
    text = "format = 1\n" + WEIGHTS.replace("1.0.0", "1.10.0") + WEIGHTS.replace("1.0.0", "1.9.0")
    registry = parse_registry(text.encode(), Path("/zoo"), accept_edits=True)
    assert [entry.version for entry in registry.versions("tiny")] == ["1.9.0", "1.10.0"]


def test_a_registry_that_is_missing_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"there is no file .*registry\.toml"):
        read_registry(tmp_path)


def test_a_registry_beyond_all_measure_is_not_read(zoo_root: Path) -> None:
    with (zoo_root / "registry.toml").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="registry.toml has 67,108,865 bytes"):
        read_registry(zoo_root)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "",
            "bad-registry",
            "it says no format: an older zoo wrote it, or it has lost its beginning",
        ),
        (
            "format = 2\n",
            "bad-registry",
            "a newer zoo wrote this: format 2; this zoo reads format 1",
        ),
        (
            "format = 0\n",
            "bad-registry",
            "it says format 0: an older zoo wrote it, or it has lost its beginning",
        ),
        (
            f'index = {{entries = 0, sha256 = "{DIGEST}"}}\n',
            "bad-registry",
            "it has lost its `format` line",
        ),
        ('format = "1"\n', "bad-registry", 'format takes 1; received "1"'),
        ("format = true\n", "bad-registry", "format takes 1; received true"),
        ("format = -1\n", "bad-registry", "format takes 1; received -1"),
        ("format = 1\nother = 3\n", "bad-registry", "unknown key `other`"),
        ("format = \n", "syntax", "this is not TOML: Invalid value"),
        (
            b"format = 1 # \xff\n",
            "syntax",
            "registry.toml is damaged or was edited by hand: it is not UTF-8",
        ),
        (
            'format = 1\n[[models]]\nname = "Big"\nconfig = "x"\n',
            "bad-registry",
            "name in Big takes a-z, 0-9, `.`, `_` and `-`, at most 64 of them, the first a letter "
            'or digit; received "Big"',
        ),
        (
            f"format = 1\n{WEIGHTS}".replace('"1.0.0"', '"1.0"'),
            "bad-registry",
            "version in tiny@1.0 is wrong: '1.0' is not a version of the form MAJOR.MINOR.PATCH",
        ),
        (
            f"format = 1\n{WEIGHTS}".replace("size = 10", "size = -1"),
            "bad-registry",
            "size in tiny@1.0.0 takes an integer of at least 0; received -1",
        ),
        (
            f'format = 1\n{WEIGHTS}status = "old"\n',
            "bad-registry",
            'status in tiny@1.0.0 takes "stable", "deprecated" or "yanked"; received "old"',
        ),
    ],
)
def test_a_file_of_another_form_is_refused(text: str | bytes, code: str, message: str) -> None:
    (finding,) = refused(text)
    assert (finding.code, finding.message) == (code, message)


def test_everything_of_the_wrong_form_is_named_at_once() -> None:
    found = refused("format = 1\n[[weights]]\nname = 3\n")
    assert len(found) == 10
    assert found[0].message == "name in [[weights]] number 1 takes a string; received 3"


def test_a_version_stands_there_once() -> None:
    (finding,) = refused(f"format = 1\n{WEIGHTS}{WEIGHTS}", accept=True)
    assert finding.code == "duplicate-name"
    assert "tiny@1.0.0 stands there twice" in finding.message


def test_a_model_stands_there_once() -> None:
    model = '[[models]]\nname = "tiny"\nconfig = "tiny.toml"\n'
    (finding,) = refused(f"format = 1\n{model}{model}")
    assert finding.message.endswith("tiny stands there twice, in lines 2 and 5")


def test_weights_without_a_seal_are_noticed() -> None:
    (finding,) = refused(f"format = 1\n{WEIGHTS}")
    assert finding.code == "hash-mismatch"
    assert finding.message.endswith("it lists weights but has lost its `index` line")
    assert finding.suggestion == (
        "restore it from version control, or check the edit and accept it with "
        "`zoo verify --accept-edits`"
    )


def test_models_without_weights_need_no_seal() -> None:
    text = 'format = 1\n[[models]]\nname = "tiny"\nconfig = "tiny.toml"\n'
    assert parse_registry(text.encode(), Path("/zoo")).names == ["tiny"]


def test_a_registry_that_is_cut_off_anywhere_is_noticed(published: Path) -> None:
    data = (published / "registry.toml").read_bytes()
    whole = parse_registry(data, published)
    for length in range(len(data)):
        try:
            cut = parse_registry(data[:length], published)
        except RegistryError:
            continue
        # Only white space at the very end may go.
        assert data[length:].strip() == b"", f"cut after {length} of {len(data)} bytes"
        assert cut.weights == whole.weights
        assert cut.models == whole.models


def test_a_registry_that_lost_its_beginning_is_noticed(published: Path) -> None:
    data = (published / "registry.toml").read_bytes()
    for start in range(1, len(data)):
        with pytest.raises(RegistryError):
            parse_registry(data[start:], published)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            'version = "1.1.0"',
            'version = "1.2.0"',
            "an entry is not as it was written; "
            "tiny@1.2.0 (line 27) has another `version` than its files",
        ),
        (
            'status = "stable"',
            'status = "yanked"',
            'an entry is not as it was written; tiny@1.0.0 (line 23) had status = "stable"',
        ),
        (
            'status = "stable"',
            "",
            'an entry is not as it was written; tiny@1.0.0 (line 9) had status = "stable"',
        ),
        ("val_loss = 0.5", "val_loss = 0.4", "an entry is not as it was written"),
        (
            "size = ",
            "size = 1",
            "an entry is not as it was written; "
            "tiny@1.0.0 (line 14) has another `size` than its files",
        ),
        ("description = ", 'description = "!" #', "an entry is not as it was written"),
        ("created = 2", "created = 3", "an entry is not as it was written"),
        (
            "[[weights]]",
            '[[models]]\nname = "more"\nconfig = "x"\n[[weights]]',
            "it should have 3 entries and has 4; more (line 9) was added",
        ),
    ],
)
def test_an_edit_by_hand_is_noticed_and_can_be_accepted(
    published: Path, old: str, new: str, what: str
) -> None:
    path = published / "registry.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RegistryError) as info:
        read_registry(published)
    (finding,) = info.value.findings
    assert (finding.code, finding.file) == ("hash-mismatch", str(path))
    assert finding.message == f"registry.toml is damaged or was edited by hand: {what}"
    assert len(read_registry(published, accept_edits=True).weights) == 2


def test_a_half_merged_registry_is_noticed(published: Path, publish_tiny: Publish) -> None:
    path = published / "registry.toml"
    before = path.read_text()
    publish_tiny()
    index = re.compile(r"^index = .*$", re.MULTILINE)
    ours = index.search(before)
    assert ours is not None
    path.write_text(index.sub(ours[0], path.read_text()))
    with pytest.raises(RegistryError, match="it should have 3 entries and has 4"):
        read_registry(published)


def test_comments_spaces_and_the_order_of_entries_and_keys_may_change(published: Path) -> None:
    path = published / "registry.toml"
    head, *tables = re.split(r"(?m)^(?=\[\[)", path.read_text())
    shuffled = [
        "".join([lines[0], *sorted(lines[1:], reverse=True)])
        for lines in (f"{table.strip()}\n".splitlines(keepends=True) for table in tables)
    ]
    path.write_text("# Ours.\n" + head + "# More.\n\n\n".join(reversed(shuffled)))
    registry = read_registry(published)
    assert [entry.version for entry in registry.versions("tiny")] == ["1.0.0", "1.1.0"]


def test_the_seal_is_the_count_and_a_digest_of_the_entries() -> None:
    one, two = {"name": "a", "n": 1.0}, {"n": 1, "m": {"x": 2}}
    assert seal_of([one, two]) == seal_of([{"m": {"x": 2}, "n": 1}, {"n": 1, "name": "a"}])
    assert seal_of([one, two])["entries"] == 2
    assert seal_of([one, two]) != seal_of([one, {**two, "m": {"x": 3}}])
    assert seal_of([])["sha256"] == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize("file", ["../x", "/x", "~/x", "file:x", "link/x"])
def test_a_path_of_an_entry_never_leaves_the_root(zoo_root: Path, file: str) -> None:
    (zoo_root / "link").symlink_to(zoo_root.parent)
    with pytest.raises(RegistryError) as info:
        read_registry(zoo_root).path(file)
    (finding,) = info.value.findings
    assert finding.code == "unsafe-path"
    assert finding.file == str(zoo_root / "registry.toml")


def test_a_path_of_an_entry_is_relative_to_the_root(zoo_root: Path) -> None:
    assert read_registry(zoo_root).path("a/b.toml") == zoo_root / "a" / "b.toml"


def test_a_model_without_weights_says_how_to_make_some() -> None:
    text = b'format = 1\n[[models]]\nname = "tiny"\nconfig = "tiny.toml"\n'
    with pytest.raises(RegistryError) as info:
        parse_registry(text, Path("/zoo")).find("tiny")
    assert str(info.value) == (
        "error[unknown-version]: tiny has no published weights\n"
        "  = train and publish it: zoo train tiny --publish; or import its weights: "
        "zoo import FILE --model tiny"
    )


def test_where_every_version_was_yanked_that_is_said() -> None:
    text = f'format = 1\n{WEIGHTS}status = "yanked"\n'
    registry = parse_registry(text.encode(), Path("/zoo"), accept_edits=True)
    with pytest.raises(RegistryError) as info:
        registry.find("tiny")
    (finding,) = info.value.findings
    assert finding.message == "tiny has no version that is not yanked"
    assert finding.suggestion == (
        "every version was yanked; one that was is found by its full number alone"
    )
    assert registry.find("tiny@1.0.0").status == "yanked"


def test_the_names_are_those_of_models_and_of_weights() -> None:
    text = f'format = 1\n[[models]]\nname = "other"\nconfig = "o.toml"\n{WEIGHTS}'
    assert tomllib.loads(text)["models"]
    registry = parse_registry(text.encode(), Path("/zoo"), accept_edits=True)
    assert registry.names == ["other", "tiny"]
