"""Figures that evaluators report: what is kept for whoever draws them, and what is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.report import Report, Tables
from zoo.report.charts import drawn

COLUMNS = {
    "distance": [0, 1, 2],
    "mean": np.array([1.0, 0.5, np.nan]),
    "low": [0.9, 0.4, 0.0],
    "high": [1.1, 0.6, 0.2],
    "name": ["a", "b", "c"],
}


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Report(tmp_path).of("skill", "skill")


def document(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / f"{name}.json").read_text()))


def test_lines_are_kept_with_what_is_drawn_of_their_columns(tables: Tables, tmp_path: Path) -> None:
    tables.lines(
        "curve", COLUMNS, x="distance", y=["mean"], bands={"5-95 %": ("low", "high")},
        ylabel="taper", log=True, caption="What was learned",
    )  # fmt: skip
    kept = document(tmp_path, "curve")
    assert kept["columns"]["mean"] == [1.0, 0.5, None]
    assert kept["caption"] == "What was learned"
    assert kept["figure"] == {
        "kind": "lines",
        "x": "distance",
        "y": ["mean"],
        "bands": {"5-95 %": ["low", "high"]},
        "xlabel": "distance",
        "ylabel": "taper",
        "log": True,
    }
    assert (tmp_path / "curve.csv").read_text().splitlines()[:2] == [
        "distance,mean,low,high,name",
        "0,1.0,0.9,1.1,a",
    ]


def test_bars_are_kept_with_their_errors(tables: Tables, tmp_path: Path) -> None:
    tables.bars("arms", COLUMNS, x="name", y=["mean"], errors={"mean": "low"}, xlabel="arm")
    assert document(tmp_path, "arms")["figure"] == {
        "kind": "bars",
        "x": "name",
        "y": ["mean"],
        "errors": {"mean": "low"},
        "xlabel": "arm",
        "ylabel": "",
    }


def test_images_are_kept_with_six_digits_and_their_numbers_as_csv(
    tables: Tables, tmp_path: Path
) -> None:
    first = np.array([[1.23456789, np.nan, -3.0], [0.0, 1e-9, 2.0]])
    tables.images("gains", {"raw": first, "short": np.ones((1, 2))}, xlabel="q", ylabel="p")
    kept = document(tmp_path, "gains")
    assert kept["figure"] == {
        "kind": "images",
        "images": {"raw": [[1.23457, None, -3.0], [0.0, 1e-9, 2.0]], "short": [[1.0, 1.0]]},
        "xlabel": "q",
        "ylabel": "p",
        "diverging": True,
    }
    assert kept["columns"] == {
        "image": ["raw", "short"],
        "rows": [2, 1],
        "columns": [3, 2],
        "smallest": [-3.0, 1.0],
        "largest": [2.0, 1.0],
    }
    rows = [*csv.reader((tmp_path / "gains.csv").read_text().splitlines())]
    assert rows[0] == ["image", "row", "0", "1", "2"]
    assert rows[1:] == [
        ["raw", "0", "1.23457", "", "-3.0"],
        ["raw", "1", "0.0", "1e-09", "2.0"],
        ["short", "0", "1.0", "1.0", ""],
    ]


def lines(**changes: Any) -> Callable[[Tables], None]:
    options = {"x": "distance", "y": ["mean"], **changes}
    return lambda tables: tables.lines("f", COLUMNS, **options)


def bars(**changes: Any) -> Callable[[Tables], None]:
    options = {"x": "name", "y": ["mean"], **changes}
    return lambda tables: tables.bars("f", COLUMNS, **options)


def images(**arrays: Any) -> Callable[[Tables], None]:
    return lambda tables: tables.images("f", arrays)


@pytest.mark.parametrize("folder", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize(
    ("report", "message"),
    [
        (lines(x="dist"), "the figure 'f' draws the column 'dist'; there is: distance, mean, low"),
        (lines(y=["name"]), "the column 'name' of the figure 'f' holds 'a'; numbers are drawn"),
        (lines(y=[]), "the figure 'f' draws nothing: `y` names no column"),
        (lines(bands={"b": ("low", "up")}), "the figure 'f' draws the column 'up'; there is"),
        (lines(bands={"b": ("low",)}), r"the band 'b' of the figure 'f' needs \(low column, high"),
        (bars(errors={"low": "high"}), "the figure 'f' has errors of low; its bars are mean"),
        (bars(x="nothing"), "the figure 'f' draws the column 'nothing'"),
        (images(), "the figure 'f' has no images"),
        (images(a=[1.0, 2.0]), r"the image 'a' of the figure 'f' has the shape \(2,\); it should"),
        (images(a=[["x"]]), "the image 'a' of the figure 'f' holds no numbers"),
        (images(a=np.zeros((1500, 1500))), "has 2,250,000 pixels; at most 2,000,000 are kept"),
    ],
)
def test_what_cannot_be_drawn_is_refused_whether_it_is_kept_or_not(
    tmp_path: Path, folder: bool, report: Callable[[Tables], None], message: str
) -> None:
    tables = Report(tmp_path if folder else None).of("skill", "skill")
    with pytest.raises(ValueError, match=message):
        report(tables)
    assert list(tmp_path.iterdir()) == []


def test_a_single_column_may_be_named_by_itself(tables: Tables, tmp_path: Path) -> None:
    lines(y="mean")(tables)
    assert document(tmp_path, "f")["figure"]["y"] == ["mean"]


PAGE = Path(__file__).resolve().parents[2] / "docs/reports.md"


def test_the_evaluator_of_the_page_reports_what_the_page_says(tmp_path: Path) -> None:
    class Model:
        def predict(self, x: Any, verbose: int) -> Any:
            return x + 1.0

    found: dict[str, Any] = {}
    exec(PAGE.read_text().partition("```python\n")[2].partition("```")[0], found)
    x = np.zeros((60, 4))
    report = Report(tmp_path)
    results = found["errors"](Model(), {"test": (x, x)}, report.of("errors", "errors"))
    assert results == {"rmse": 1.0}
    names = ["errors", "error_curve", "worst", "error_map"]
    assert [path.stem for path in report.files[::2]] == names
    assert document(tmp_path, "error_curve")["columns"]["rmse"] == [1.0] * 4
    for name in names[1:]:
        assert drawn(document(tmp_path, name)).png
    assert found["errors"](Model(), {"test": (x, x)}) == results
