"""A `registry.toml` of an older format becomes one of today's."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import ConfigError, RegistryError
from zoo.registry.document import WeightsEntry, read_registry
from zoo.registry.migration import Migration, migrate

Publish = Callable[..., WeightsEntry]


@pytest.fixture
def old(published: Path) -> Path:
    """The published zoo as format 0 had it, with a person's comments."""
    path = published / "registry.toml"
    text = re.sub(
        r"^(?:index|config_sha256|size|status) = .*\n", "", path.read_text(), flags=re.MULTILINE
    )
    text = text.replace("format = 1\n", "# Ours.\n\nformat = 0 # the first\n")
    path.write_text(text.replace("[[weights]]", "# A version.\n[[weights]] # yes"))
    return published


def test_every_entry_gets_what_it_lacked(old: Path, publish_tiny: Publish) -> None:
    before = (old / "registry.toml").read_text()
    backup = old / "registry.toml.format-0"
    with pytest.raises(RegistryError) as info:
        read_registry(old)
    (finding,) = info.value.findings
    assert (finding.code, finding.line) == ("bad-registry", 3)
    assert "`zoo verify --migrate` makes it a new one" in str(finding)
    assert migrate(old) == Migration(0, 1, backup)
    assert backup.read_text() == before
    registry = read_registry(old)
    for entry in registry.weights:
        assert entry.size == (old / entry.file).stat().st_size
        assert entry.status == "stable"
    text = (old / "registry.toml").read_text()
    assert text.count("# A version.\n[[weights]] # yes\n") == 2
    assert re.match(r"# Ours\.\n\nindex = \{.*\}\nformat = 1 # the first\n", text)
    added = r"^(?:index|config_sha256|size|status) = .*\n"
    left = re.sub(added, "", text, flags=re.MULTILINE)
    assert left.replace("format = 1", "format = 0") == before
    assert publish_tiny().version == "1.2.0"


def test_one_beyond_all_measure_is_not_read(zoo_root: Path) -> None:
    with (zoo_root / "registry.toml").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="registry.toml has 67,108,865 bytes"):
        migrate(zoo_root)


def test_one_that_is_no_toml_is_named_with_the_line(old: Path) -> None:
    path = old / "registry.toml"
    path.write_text(path.read_text().replace("format = 0", "format ="))
    before = path.read_bytes()
    with pytest.raises(RegistryError) as info:
        migrate(old)
    (finding,) = info.value.findings
    assert (finding.code, finding.file, finding.line) == ("syntax", str(path), 3)
    assert path.read_bytes() == before


def test_what_an_entry_says_already_stays(old: Path) -> None:
    path = old / "registry.toml"
    path.write_text(
        path.read_text().replace('version = "1.0.0"', 'version = "1.0.0"\nstatus = "yanked"')
    )
    migrate(old)
    assert [entry.status for entry in read_registry(old).versions("tiny")] == ["yanked", "stable"]


def test_a_file_without_a_format_line_is_the_oldest(old: Path) -> None:
    path = old / "registry.toml"
    path.write_text(path.read_text().replace("format = 0 # the first\n", ""))
    done = migrate(old)
    assert done is not None
    assert done.before == 0
    assert path.read_text().startswith("# Ours.\n\n")
    assert len(read_registry(old).weights) == 2


def test_todays_format_is_left_alone(published: Path) -> None:
    before = (published / "registry.toml").stat()
    assert migrate(published) is None
    assert (published / "registry.toml").stat().st_ino == before.st_ino
    assert list(published.glob("registry.toml.*")) == []


def test_a_newer_format_is_not_touched(published: Path) -> None:
    path = published / "registry.toml"
    path.write_text(path.read_text().replace("format = 1", "format = 2"))
    with pytest.raises(RegistryError) as info:
        migrate(published)
    assert str(info.value).splitlines()[0] == (
        "error[bad-registry]: a newer zoo wrote this: format 2; this zoo reads format 1"
    )
    assert info.value.findings[0].suggestion == "upgrade zoo"


def test_a_file_that_lost_its_format_and_kept_its_seal_is_not_an_old_one(published: Path) -> None:
    path = published / "registry.toml"
    path.write_text(path.read_text().replace("format = 1\n", ""))
    with pytest.raises(RegistryError, match="it has lost its `format` line"):
        migrate(published)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (
            lambda root: (root / "weights/tiny/1.1.0.safetensors").write_bytes(b"other"),
            "tiny@1.1.0: weights/tiny/1.1.0.safetensors is not the file that was published",
        ),
        (
            lambda root: (root / "weights/tiny/1.1.0.toml").unlink(),
            "tiny@1.1.0: there is no file ",
        ),
        (
            lambda root: edit(root, "fingerprint = ", "# fingerprint = "),
            "`fingerprint` is missing in tiny@1.0.0",
        ),
        (lambda root: edit(root, "file = ", "# file = "), "tiny@1.0.0: `file` is missing"),
        (
            lambda root: edit(root, '"weights/tiny/1.0.0.saf', '"../1.0.0.saf'),
            "tiny@1.0.0: the path '../1.0.0.safetensors' is not accepted",
        ),
        (lambda root: edit(root, "a" * 64, "b" * 64), "tiny@1.0.0: weights/tiny/1.0.0.safetensors"),
    ],
    ids=["weights", "config", "fingerprint", "no file", "unsafe", "other graph"],
)
def test_entries_that_do_not_fit_their_files_stop_it(
    old: Path, break_it: Callable[[Path], object], message: str
) -> None:
    break_it(old)
    before = (old / "registry.toml").read_bytes()
    with pytest.raises(RegistryError) as info:
        migrate(old)
    assert info.value.findings[0].message.startswith(message)
    assert (old / "registry.toml").read_bytes() == before
    assert list(old.glob("registry.toml.*")) == []


def edit(root: Path, before: str, after: str) -> None:
    path = root / "registry.toml"
    path.write_text(path.read_text().replace(before, after, 1))


def test_a_copy_of_another_file_is_not_overwritten(old: Path) -> None:
    backup = old / "registry.toml.format-0"
    backup.write_text("# precious\n")
    with pytest.raises(RegistryError) as info:
        migrate(old)
    assert info.value.findings[0].message == (
        f"{backup} is there already, and is not what registry.toml is now"
    )
    assert backup.read_text() == "# precious\n"
    backup.write_bytes((old / "registry.toml").read_bytes())  # of a migration that was killed
    assert migrate(old) is not None
