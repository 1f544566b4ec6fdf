"""The page of the benchmarks is written from what they measured, and from nothing else."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.speed.page import MISSING, PAGE, PLOT, ROOT, write
from benchmarks.speed.timing import Figure, Growth

QUICK = Figure("quick thing", "a peer", 0.9, 1.0, detail="9 ms, 10 ms")
SLOW = Figure("slow thing", "a peer", 2.0, 300, more_is_better=True)
ODD = Figure("odd thing", "a peer", 7.0, 1.5)
GONE = Figure("lost group", "", None, 0, detail="the group failed")
CURVE = Growth("build", "layers", {1: 9.0, 10: 10.0, 100: 1000.0, 1000: 100000.0})
CAUSES = '[[causes]]\nfigures = ["slow thing", "quick thing"]\ntext = "It copies twice."\n'


def document(growth: list[Growth]) -> dict[str, Any]:
    machine = {"processor": "A Chip", "cores": 2, "memory_gib": 15.5, "system": "Linux x86_64"}
    return {
        "date": "2026-01-02",
        "full": True,
        "minutes": 20.5,
        "machine": machine,
        "versions": {"python": "3.11.9", "numpy": "2.4.0"},
        "figures": [figure.to_json() for figure in (QUICK, SLOW, ODD, GONE)],
        "growth": [curve.to_json() for curve in growth],
    }


def written(root: Path, growth: list[Growth]) -> str:
    causes = root / "causes.toml"
    causes.write_text(CAUSES)
    write(document(growth), root, causes)
    return (root / PAGE).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_a_figure_stands_with_its_goal_anchor_and_verdict(tmp_path: Path) -> None:
    found = rows(written(tmp_path, []))
    assert found["quick thing"] == ["0.9", "≤ 1", "a peer", "reached", "9 ms, 10 ms"]
    assert found["slow thing"] == ["2", "≥ 300", "a peer", "**short**", ""]
    assert found["lost group"] == ["", "", "", "not measured", "the group failed"]


def test_the_machine_the_date_and_the_versions_are_said(tmp_path: Path) -> None:
    text = written(tmp_path, [])
    assert "Measured on 2026-01-02, in 20.5 minutes, on A Chip, 2 cores, 15.5 GiB" in text
    assert "python 3.11.9, numpy 2.4.0" in text


def test_what_falls_short_has_its_written_cause_or_none(tmp_path: Path) -> None:
    listed = [line for line in written(tmp_path, []).splitlines() if line.startswith("- ")]
    assert listed == ["- **slow thing**: It copies twice.", f"- **odd thing**: {MISSING}"]


def test_an_exponent_comes_from_the_three_largest_sizes(tmp_path: Path) -> None:
    # Over all four sizes it would be 1.4.
    assert rows(written(tmp_path, [CURVE]))["build"][:2] == ["layers", "2.00"]


def test_growth_that_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    assert "Not measured." in written(tmp_path, [])
    assert not (tmp_path / PLOT).exists()


def test_the_same_figures_give_the_same_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    other = Growth("check", "versions", {10: 0.1, 100: 0.2})
    pictures = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        text = written(tmp_path / name, [CURVE, other])
        assert "(assets/growth.svg)" in text
        pictures.append((tmp_path / name / PLOT).read_text())
    assert pictures[0] == pictures[1]
    words = "".join(ElementTree.fromstring(pictures[0]).itertext())
    assert "build: 2.00" in words
    assert "versions" in words


def test_the_page_that_is_there_agrees_with_itself() -> None:
    page = ROOT / PAGE
    if not page.exists():
        pytest.skip("docs/performance.md is not there: make bench-full writes it")
    text = page.read_text(encoding="utf-8")
    figures, growth = text.split("## What falls short, and why")
    judged = 0
    for ratio, goal, _, verdict, _ in list(rows(figures).values())[2:]:
        if verdict == "not measured":
            continue
        sign, _, bound = goal.partition(" ")
        # The ratio is rounded to three digits: on the very bound it may be either.
        value, limit = float(ratio), float(bound)
        reached = value >= limit if sign == "≥" else value <= limit
        assert value == limit or verdict == ("reached" if reached else "**short**"), goal
        judged += 1
    assert judged
    for picture in re.findall(r"\]\((assets/[^)]+)\)", growth):
        assert (page.parent / picture).is_file()
