"""What is wrong with what a plugin declares, seen without importing it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.plugins.declared import rows_of_metadata
from zoo.plugins.installed import find_plugin, installed_plugins
from zoo.rows import Row
from zoo.workspace import Workspace

Make = Callable[..., Path]
AGAIN = "in its pyproject.toml, and install it again"


def found(name: str) -> list[Row]:
    return list(rows_of_metadata(find_plugin(name, installed_plugins(Workspace().catalog))))


def test_a_name_of_two_plugins_is_written_with_its_plugin(make_distribution: Make) -> None:
    for name in ("zoo-north", "zoo-south"):
        make_distribution(name, {"zoo.losses": {"swell": "json:loads"}})
    message = "registered by zoo-north and zoo-south"
    remedy = 'write "zoo-south/swell" in configs, or rename one of the two'
    assert found("zoo-south") == [Row("swell", "conflict", "error", message, remedy)]


def test_an_entry_point_without_its_module_and_a_group_that_is_none_are_corrected(
    make_distribution: Make,
) -> None:
    groups = {"zoo.losses": {"gone": "no_such_module:gone"}, "zoo.layer": {"A": "json:A"}}
    make_distribution("zoo-tides", groups)
    assert found("Zoo_Tides") == [
        Row(
            "gone",
            "entry point",
            "error",
            "there is no module no_such_module",
            f"correct the entry point {AGAIN}",
        ),
        Row(
            "zoo.layer",
            "group",
            "warning",
            "the zoo knows no such group of entry points",
            f'did you mean "zoo.layers"?: correct it {AGAIN}',
        ),
    ]


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        ("Widn", 'did you mean "Widen"?'),
        ("Tides", "a shape rule has the name of its layer"),
    ],
)
def test_a_rule_of_shapes_without_its_layer_is_told(
    make_distribution: Make, rule: str, remedy: str
) -> None:
    groups = {
        "zoo.layers": {"Widen": "json:loads"},
        "zoo.shapes": {rule: "json:loads", "Widen": "json:loads", "Gone": "no_such_module:rule"},
    }
    make_distribution("zoo-tides", groups)
    broken, orphan = found("zoo-tides")
    assert (broken.subject, broken.check) == ("Gone", "entry point")
    message = f"there is no layer {rule!r} in this plugin"
    assert orphan == Row(rule, "shape rule", "warning", message, remedy)


def test_a_requirement_that_is_not_met_is_told_and_one_of_another_system_is_not(
    make_distribution: Make,
) -> None:
    site = make_distribution("zoo-tides", {"zoo.losses": {"swell": "json:loads"}})
    make_distribution("Some_Thing", version="2.0rc1")
    with (site / "zoo_tides-1.0.dist-info" / "METADATA").open("a") as file:
        for text in (
            "some-thing>=1",
            "some-thing<2.0a1",
            "not-there-at-all==1",
            "not-there-at-all; sys_platform == 'beos'",
            "not a requirement",
        ):
            file.write(f"Requires-Dist: {text}\n")
    remedy = "pip install --upgrade zoo-tides"
    assert found("zoo-tides") == [
        Row("zoo-tides", "requirement", "warning", message, remedy)
        for message in (
            "some-thing<2.0a1 is required; 2.0rc1 is installed",
            "not-there-at-all==1 is required and not installed",
            "'not a requirement' is not a requirement",
        )
    ]
