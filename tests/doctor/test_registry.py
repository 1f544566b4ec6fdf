"""What a check-up of the registry finds of the models that it lists."""

from collections.abc import Callable
from pathlib import Path

from zoo.doctor.registry import look_at_registry
from zoo.rows import Row
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
