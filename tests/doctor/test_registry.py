"""What a check-up of the registry finds of the models and versions that it lists."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.candidates import a_candidate
from zoo.doctor.registry import look_at_registry
from zoo.registry.document import WeightsEntry
from zoo.registry.publishing import publish
from zoo.rows import Row, exit_status
from zoo.workspace import Workspace

LISTED = """\
format = 1
[[models]]
name = "surf"
config = "zoo-tides/surf"
[[models]]
name = "own"
config = "own.toml"
"""


RESTORE = "restore it from version control or a copy, or train and publish anew"
DAMAGE = 3
"""The exit status of a command on account of a damaged registry."""


@pytest.fixture
def entry(zoo_root: Path) -> WeightsEntry:
    """The only version of a zoo."""
    return publish(zoo_root, a_candidate())


def looked(root: Path, check: str, *, full: bool = False) -> list[Row]:
    return [row for row in look_at_registry(Workspace(root), full=full) if row.check == check]


def of_models(root: Path) -> list[Row]:
    rows = look_at_registry(Workspace(root), full=False)
    return [row for row in rows if row.check.startswith("model")]


def test_a_model_that_a_plugin_ships_is_looked_for_there(
    zoo_root: Path, make_distribution: Callable[..., Path]
) -> None:
    (zoo_root / "registry.toml").write_text(LISTED)
    (zoo_root / "own.toml").write_text("zoo = 1\n")
    groups = {"zoo.models": {"surf": "tides.models"}}
    files = {"tides/__init__.py": "", "tides/models/surf.toml": 'name = "surf"\n'}
    make_distribution("zoo-tides", groups, files)
    assert of_models(zoo_root) == [Row("registry", "models", "ok", "2 of 2 have a config")]


def test_a_model_whose_plugin_or_config_is_gone_is_told_and_not_counted(zoo_root: Path) -> None:
    (zoo_root / "registry.toml").write_text(LISTED)
    plugin, own, last = of_models(zoo_root)
    assert (plugin.check, plugin.result, plugin.remedy) == (
        "model surf",
        "error",
        "pip install zoo-tides",
    )
    assert plugin.message == (
        "the registry takes this model from zoo-tides, which does not ship it here"
    )
    assert (own.check, own.result) == ("model own", "error")
    assert own.message == f"there is no file {zoo_root / 'own.toml'}"
    assert last == Row("registry", "models", "ok", "0 of 2 have a config")


@pytest.mark.usefixtures("entry")
def test_a_registry_that_is_well_is_counted_with_what_to_do_after_an_edit(zoo_root: Path) -> None:
    assert looked(zoo_root, "registry.toml") == [
        Row(
            "registry",
            "registry.toml",
            "ok",
            f"{zoo_root}: 2 entries, as they were written",
            "after an edit by hand: zoo verify --accept-edits",
        )
    ]
    message, remedy = "1 versions: sizes agree; hashes were not read", "zoo doctor --full, or zoo"
    (row,) = looked(zoo_root, "weights")
    assert (row.result, row.message) == ("ok", message)
    assert row.remedy == f"{remedy} verify, reads them"
    message = "1 versions: hashes agree"
    assert looked(zoo_root, "weights", full=True) == [Row("registry", "weights", "ok", message)]


def test_weights_of_another_size_and_a_config_that_is_gone_are_each_told(
    zoo_root: Path, entry: WeightsEntry
) -> None:
    (zoo_root / entry.file).write_bytes(b"1" * 1234)
    (zoo_root / entry.config).unlink()
    size = f"{entry.file} has 1,234 bytes; {entry.size:,} were published"
    for full in (False, True):
        assert looked(zoo_root, "tiny@1.0.0", full=full) == [
            Row("registry", "tiny@1.0.0", "error", size, RESTORE, DAMAGE),
            Row(
                "registry",
                "tiny@1.0.0",
                "error",
                f"{entry.config}: No such file or directory",
                RESTORE,
                DAMAGE,
            ),
        ]
        assert looked(zoo_root, "weights", full=full) == []


def test_weights_of_the_same_size_and_another_content_are_told_where_all_is_read(
    zoo_root: Path, entry: WeightsEntry
) -> None:
    (zoo_root / entry.file).write_bytes(b"1" * entry.size)
    assert looked(zoo_root, "weights")[0].result == "ok"
    (row,) = looked(zoo_root, "weights", full=True)
    assert row.message.startswith(f"tiny@1.0.0: {entry.file} is not the file that was published")
    assert (row.result, exit_status([row])) == ("error", DAMAGE)
    assert (
        row.remedy == "restore the file from version control or a copy, or train and publish anew"
    )


def test_of_a_zoo_with_a_store_what_is_not_here_is_counted_and_no_error(
    zoo_root: Path, entry: WeightsEntry
) -> None:
    publish(zoo_root, a_candidate())
    with (zoo_root / "registry.toml").open("a") as file:
        file.write('\n[store]\nurl = "memory://zoo"\n')
    (zoo_root / entry.file).unlink()
    assert looked(zoo_root, "store") == [
        Row(
            "registry",
            "store",
            "ok",
            "1 versions are not here; the store is memory://zoo",
            "zoo pull fetches them, and so does using them",
        )
    ]
    (row,) = looked(zoo_root, "weights")
    assert (row.result, row.message.partition(":")[0]) == ("ok", "1 versions")
