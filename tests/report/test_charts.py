"""Charts: what is in the picture, whose colours it has, and that no name breaks it."""

import json
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.processes import python
from zoo.report import Report, Tables
from zoo.report.charts import described, drawn

EVIL = "<script>$x_{$</script>"


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Report(tmp_path).of("skill", "skill")


def document(tmp_path: Path, name: str = "f") -> dict[str, Any]:
    return dict(json.loads((tmp_path / f"{name}.json").read_text()))


def texts(svg: str) -> list[str]:
    # Inside a page `xlink:` needs no declaration; alone it does.
    root = ElementTree.fromstring(svg.replace("<svg", '<svg xmlns:xlink="x"', 1))
    return ["".join(each.itertext()).strip() for each in root.iter("text")]


def test_lines_have_their_labels_and_the_colours_of_the_page(
    tables: Tables, tmp_path: Path
) -> None:
    columns = {"epoch": [1, 2, 3], "training": [3.0, 2.0, None], "validation": [4.0, 3.0, 2.5]}
    tables.lines("f", columns, x="epoch", y=["training", "validation"], ylabel="loss")
    chart = drawn(document(tmp_path))
    assert {"epoch", "loss", "training", "validation"} <= set(texts(chart.svg))
    assert "stroke: var(--c0)" in chart.svg
    assert "stroke: var(--c1)" in chart.svg
    assert "var(--ink)" in chart.svg
    assert "#0072b2" not in chart.svg
    assert "http" not in chart.svg
    assert "<style" not in chart.svg


def test_a_picture_is_a_png_with_enough_pixels_for_print(tables: Tables, tmp_path: Path) -> None:
    tables.lines("f", {"x": [0, 1], "y": [0, 1]}, x="x", y=["y"])
    png = drawn(document(tmp_path)).png
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (705, 450)


def test_two_drawings_of_one_document_are_the_same(tables: Tables, tmp_path: Path) -> None:
    tables.bars("f", {"x": ["a"], "y": [1]}, x="x", y=["y"])
    assert drawn(document(tmp_path)) == drawn(document(tmp_path))


def test_a_logarithmic_axis_needs_something_positive(tables: Tables, tmp_path: Path) -> None:
    def ticks(values: list[float]) -> list[str]:
        columns = {"x": [1, 2, 3], "y": values}
        tables.lines("f", columns, x="x", y=["y"], ylabel="norm", log=True)
        return texts(drawn(document(tmp_path)).svg)

    assert {"0.01", "1", "100"} <= set(ticks([100.0, 1.0, 0.01]))
    assert {"0.1", "10"} <= set(ticks([20.0, 0.0, 0.05]))
    assert "\u22121.0" in ticks([-1.0, 0.0, -0.5])


def test_bars_name_their_groups(tables: Tables, tmp_path: Path) -> None:
    columns = {"arm": ["none", "tuned"], "rmse": [0.3, None], "error": [0.1, None]}
    tables.bars("f", columns, x="arm", y=["rmse"], errors={"rmse": "error"}, ylabel="RMSE")
    chart = drawn(document(tmp_path))
    assert {"none", "tuned", "arm", "RMSE"} <= set(texts(chart.svg))


def test_images_share_one_scale_about_zero(tables: Tables, tmp_path: Path) -> None:
    tables.images("f", {"raw": np.array([[0.0, -8.0]]), "error": np.array([[4.0, np.nan]])})
    chart = drawn(document(tmp_path))
    labels = texts(chart.svg)
    assert {"raw", "error"} <= set(labels)
    numbers = [float(text.replace("\u2212", "-")) for text in labels if text[-1].isdigit()]
    assert min(numbers) == -max(numbers) < -4.0
    assert chart.is_wide
    assert chart.svg.count("data:image/png;base64,") >= 2


@pytest.mark.parametrize("image", [np.zeros((2, 2)), np.full((2, 2), np.nan)], ids=["zeros", "NaN"])
def test_images_of_nothing_are_drawn_too(tables: Tables, tmp_path: Path, image: Any) -> None:
    tables.images("f", {"raw": image})
    assert drawn(document(tmp_path)).png


def test_lines_of_nothing_are_drawn_too(tables: Tables, tmp_path: Path) -> None:
    tables.lines("f", {"x": [None, None], "y": [None, None]}, x="x", y=["y"], log=True)
    assert drawn(document(tmp_path)).png
    tables.lines("f", {"x": [], "y": []}, x="x", y=["y"])
    assert drawn(document(tmp_path)).png


def test_names_are_text_and_no_formulas(tables: Tables, tmp_path: Path) -> None:
    tables.lines("f", {EVIL: [0, 1], "y": [0, 1]}, x=EVIL, y=["y"], ylabel=EVIL)
    chart = drawn(document(tmp_path))
    assert "<script" not in chart.svg
    assert EVIL in texts(chart.svg)
    tables.bars("f", {"x": [EVIL], EVIL: [1]}, x="x", y=[EVIL])
    assert EVIL in texts(drawn(document(tmp_path)).svg)


def test_a_chart_is_described_in_words(tables: Tables, tmp_path: Path) -> None:
    tables.lines("f", {"epoch": [1, 2, 3], "loss": [4.0, 0.5, 1.0]}, x="epoch", y=["loss"])
    words = "Lines over epoch. loss goes from 4 to 1, between 0.5 and 4."
    assert described(document(tmp_path)) == words
    assert f'role="img" aria-label="{words}"' in drawn(document(tmp_path)).svg
    tables.bars("f", {"arm": ["a", "b"], "rmse": [0.5, None]}, x="arm", y=["rmse"])
    assert described(document(tmp_path)) == "Bars over arm. rmse: a 0.5, b -."
    tables.images("f", {"raw": np.array([[1.0, -2.0]])})
    assert described(document(tmp_path)) == "Images on one colour scale: raw, from -2 to 1."


@pytest.mark.parametrize(
    "figure", [{"kind": "pie"}, {}, [], {"kind": "lines"}, {"kind": "images", "images": 3}], ids=str
)
def test_a_document_that_somebody_spoiled_cannot_be_drawn(figure: Any) -> None:
    with pytest.raises(ValueError, match="it cannot be drawn"):
        drawn({"name": "f", "columns": {"x": [1]}, "figure": figure})


def test_drawing_changes_no_setting_of_matplotlib(tables: Tables, tmp_path: Path) -> None:
    import matplotlib as mpl

    tables.lines("f", {"x": [0, 1], "y": [0, 1]}, x="x", y=["y"])
    with mpl.rc_context({"font.size": 31, "axes.grid": True}):
        before = dict(mpl.rcParams)
        mine = drawn(document(tmp_path))
        assert dict(mpl.rcParams) == before
    assert drawn(document(tmp_path)) == mine


def test_importing_the_reports_imports_no_matplotlib_and_no_keras() -> None:
    program = (
        "import sys, zoo.report.run_report, zoo.cli.report\n"
        "assert not {'matplotlib', 'keras', 'tensorflow', 'jinja2'} & set(sys.modules)"
    )
    python("-c", program)
