"""What a check of a plugin finds of the models that it ships, for which nothing is imported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.plugins.installed import find_plugin, installed_plugins
from zoo.plugins.probing import probe
from zoo.rows import Row
from zoo.workspace import Workspace

Shipping = Callable[[dict[str, str]], tuple[Path, list[Row]]]


@pytest.fixture
def shipping(make_distribution: Callable[..., Path]) -> Shipping:
    """Checks a plugin that registers the model `surf` and ships some files."""

    def check(files: dict[str, str]) -> tuple[Path, list[Row]]:
        groups = {"zoo.models": {"surf": "tides.models"}}
        site = make_distribution("zoo-tides", groups, {"tides/__init__.py": "", **files})
        plugin = find_plugin("zoo-tides", installed_plugins(Workspace().catalog))
        return site, probe(plugin, [], timeout=1)

    return check


def test_a_model_that_is_there_under_its_name_is_well(shipping: Shipping) -> None:
    site, rows = shipping({"tides/models/surf.toml": 'name = "surf"\n'})
    assert rows == [Row("surf", "model", "ok", str(site / "tides/models/surf.toml"))]


@pytest.mark.parametrize("files", [{}, {"tides/models/swell.toml": 'name = "surf"\n'}])
def test_a_model_whose_file_is_not_in_its_package_is_an_error(
    shipping: Shipping, files: dict[str, str]
) -> None:
    message = "tides.models has no surf.toml"
    remedy = "put the file into that package, and see that it is part of the wheel"
    assert shipping(files)[1] == [Row("surf", "model", "error", message, remedy)]


def test_a_model_that_calls_itself_something_else_is_an_error(shipping: Shipping) -> None:
    _, rows = shipping({"tides/models/surf.toml": 'name = "swell"\n'})
    message = "surf.toml is registered as 'surf' and called 'swell'"
    assert rows == [Row("surf", "model", "error", message, 'write name = "surf" in it')]


def test_a_model_that_is_no_toml_is_an_error_that_another_command_shows_the_place_of(
    shipping: Shipping,
) -> None:
    site, (row,) = shipping({"tides/models/surf.toml": "name =\n"})
    assert (row.subject, row.check, row.result) == ("surf", "model", "error")
    assert row.message == "this is not TOML: Invalid value"
    assert row.remedy == f"zoo check {site / 'tides/models/surf.toml'}"
