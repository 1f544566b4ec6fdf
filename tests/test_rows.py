"""Rows of what was looked at, and what a command ends with that shows them."""

import pytest

from zoo.errors import ConfigError, Finding, RegistryError
from zoo.rows import Row, exit_status, rows_of


def test_each_finding_of_an_error_is_a_row_with_its_place_and_remedy() -> None:
    error = RegistryError.of(
        [
            Finding("x", "it is wrong", "r.toml", 3, suggestion="put it right"),
            Finding("x", "it is wrong too", "r.toml"),
            Finding("x", "no file", line=3),
        ]
    )
    assert rows_of(error, "registry", "form") == [
        Row("registry", "form", "error", "r.toml:3: it is wrong", "put it right", 3),
        Row("registry", "form", "error", "it is wrong too", "", 3),
        Row("registry", "form", "error", "no file", "", 3),
    ]
    assert rows_of(ConfigError("no"), "config", "form")[0].exit_status == 2


def test_a_row_in_json_does_not_say_what_a_command_ends_with() -> None:
    assert Row("registry", "form", "warning", "odd").to_json() == {
        "subject": "registry",
        "check": "form",
        "result": "warning",
        "message": "odd",
        "remedy": "",
    }


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([], 0),
        ([("ok", 3)], 0),
        ([("warning", 3)], 0),
        ([("warning", 3), ("error", 5)], 5),
        ([("error", 5), ("error", 3), ("error", 4)], 3),
    ],
    ids=["nothing", "well", "a warning", "an error", "the worst of several"],
)
def test_the_worst_error_decides_what_a_command_ends_with(
    rows: list[tuple[str, int]], status: int
) -> None:
    made = [Row("it", "it", result, "", "", number) for result, number in rows]  # type: ignore[arg-type]
    assert exit_status(made) == status
