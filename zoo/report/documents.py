"""The tables and figures of a folder, read back, drawn, and made ready for a page."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, in_one_line
from zoo.files import read_bytes, write_atomically
from zoo.report.charts import described, drawn, number

_MOST_ROWS = 60
_MOST_COLUMNS = 40


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table on a page."""

    text: str
    is_number: bool = False


@dataclass(slots=True)
class Shown:
    """A table or figure on a page.

    Attributes:
        name: Its name.
        evaluator: The evaluator that reported it.
        caption: What it shows.
        csv: The file with its numbers, relative to the page.
        png: The file with its picture; empty where there is none.
        svg: Its picture, as HTML; empty where there is none.
        alt: What the picture shows, in words; empty for a table.
        is_wide: Whether the picture needs a row of its own.
        problem: Why there is no picture.
        header: The names of the columns; those of numbers are to be put to the right.
        rows: The first rows.
        more: How many rows are left out.
    """

    name: str
    evaluator: str
    caption: str
    csv: str
    png: str = ""
    svg: str = ""
    alt: str = ""
    is_wide: bool = False
    problem: str = ""
    header: list[Cell] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    more: int = 0


def read_documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Reads the documents of tables and figures in a folder, by name; others are left alone."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(read_bytes(path))
        except (ZooError, ValueError):
            continue
        if isinstance(document, dict) and isinstance(document.get("columns"), dict):
            found[path.stem] = document
    return found


def shown(folder: Path, below: str = "", *, draw: bool) -> Iterator[Shown]:
    """Makes what a folder holds ready for a page, and writes the pictures beside it.

    Args:
        folder: The folder.
        below: What the page has to put before the names of its files.
        draw: Whether figures are drawn.

    Raises:
        StorageError: If a picture cannot be written.
    """
    for name, document in read_documents(folder).items():
        caption = str(document.get("caption", ""))
        one = Shown(name, str(document.get("evaluator", "")), caption, f"{below}{name}.csv")
        try:
            _fill(one, document["columns"])
            if document.get("figure") is not None:
                one.alt = described(document)
                if draw:
                    chart = drawn(document)
                    write_atomically(folder / f"{name}.png", chart.png)
                    one.svg, one.png = chart.svg, f"{below}{name}.png"
                    one.is_wide = chart.is_wide
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            one.problem = in_one_line(error)
        yield one


def _fill(one: Shown, columns: dict[str, list[Any]]) -> None:
    names = [*columns][:_MOST_COLUMNS]
    numeric = {name: all(_is_number(value) for value in columns[name]) for name in names}
    one.header = [Cell(str(name), numeric[name]) for name in names]
    rows = [*zip(*(columns[name] for name in names), strict=True)]
    one.more = max(len(rows) - _MOST_ROWS, 0)
    one.rows = [
        [Cell(number(value), numeric[name]) for name, value in zip(names, row, strict=True)]
        for row in rows[:_MOST_ROWS]
    ]


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
