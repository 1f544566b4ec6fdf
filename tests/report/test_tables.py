"""Tables that evaluators report: what is kept, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from zoo.errors import StorageError
from zoo.report import Report


def test_a_table_is_kept_as_csv_and_as_json(tmp_path: Path) -> None:
    report = Report(tmp_path / "report")
    columns = {"name": ["a, b", None], "value": np.array([0.1, 2.5]), "count": (3, np.int64(4))}
    report.of("skill", "skill").table("skills", columns, caption="Two of them")
    folder = tmp_path / "report"
    assert report.files == [folder / "skills.json", folder / "skills.csv"]
    assert (folder / "skills.csv").read_text() == 'name,value,count\n"a, b",0.1,3\n,2.5,4\n'
    assert json.loads((folder / "skills.json").read_text()) == {
        "name": "skills",
        "evaluator": "skill",
        "caption": "Two of them",
        "columns": {"name": ["a, b", None], "value": [0.1, 2.5], "count": [3, 4]},
    }


def test_what_is_not_finite_is_kept_as_nothing(tmp_path: Path) -> None:
    report = Report(tmp_path)
    columns = {"row": [1, 2, 3], "value": [1.0, float("nan"), np.inf]}
    report.of("skill", "skill").table("skills", columns)
    assert (tmp_path / "skills.csv").read_text() == "row,value\n1,1.0\n2,\n3,\n"
    assert json.loads((tmp_path / "skills.json").read_text())["columns"]["value"] == [
        1.0,
        None,
        None,
    ]


def test_a_table_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    report = Report(tmp_path)
    tables = report.of("skill", "skill")
    for rows in ([1], [1, 2]):
        tables.table("rows", {"row": rows})
    assert (tmp_path / "rows.csv").read_text() == "row\n1\n2\n"
    assert len(report.files) == 2


def test_evaluators_of_one_type_keep_tables_of_their_own(tmp_path: Path) -> None:
    report = Report(tmp_path)
    for name in ("skill", "skill_1"):
        report.of(name, "skill").table("rows", {"row": [name]})
    assert (tmp_path / "rows.csv").read_text() == "row\nskill\n"
    assert (tmp_path / "skill_1-rows.csv").read_text() == "row\nskill_1\n"


@pytest.mark.parametrize("folder", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("../out", {"a": [1]}, "made of letters, digits, '.', '_' and '-', at most 64; received"),
        ("", {"a": [1]}, "received ''"),
        ("t", {"a": [1], "b": [1, 2]}, "columns of the table 't' differ in length: a 1, b 2"),
        ("t", {}, "columns of the table 't' differ in length: none"),
        ("t", {"a": [[1]]}, "the table 't' holds a list; cells are text, truth values, numbers"),
    ],
    ids=str,
)
def test_what_is_no_table_is_refused_whether_it_is_kept_or_not(
    tmp_path: Path, folder: bool, name: str, columns: dict[str, list[object]], message: str
) -> None:
    tables = Report(tmp_path if folder else None).of("skill", "skill")
    with pytest.raises(ValueError, match=message):
        tables.table(name, columns)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write .*file/skills.json"):
        Report(tmp_path / "file").of("skill", "skill").table("skills", {"a": [1]})
