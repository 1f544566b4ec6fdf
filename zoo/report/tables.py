"""Tables that evaluators report, each kept as CSV and as JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.files import write_atomically

Cell = str | bool | int | float | None

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass
class Report:
    """The folder that takes the tables of all evaluators.

    Attributes:
        folder: Where they go; None keeps none, and only checks them.
        files: What was written, in order.
    """

    folder: Path | None
    files: list[Path] = field(default_factory=list)

    def of(self, evaluator: str, component: str) -> "Tables":
        """Gives what one evaluator reports to.

        Args:
            evaluator: What the config calls it.
            component: The component's name. An evaluator that is called otherwise, such as a
                second one of its type, has its own name before those of its tables.
        """
        return Tables(self, evaluator, "" if evaluator == component else f"{evaluator}-")


@dataclass(frozen=True)
class Tables:
    """What an evaluator with a parameter `report` is given.

    Attributes:
        report: The report that it is a part of.
        evaluator: What the config calls the evaluator.
        prefix: What stands before the names of its tables.
    """

    report: Report
    evaluator: str
    prefix: str

    def table(self, name: str, columns: Mapping[str, Sequence[Any]], caption: str = "") -> None:
        """Keeps a table, in place of one of that name that there may have been.

        Args:
            name: What to call it, and its files.
            columns: Columns of equal length, by name: text, truth values, numbers, or None. NaN
                and infinities are kept as None.
            caption: A line on what it shows.

        Raises:
            ValueError: If it is no such table.
            StorageError: If it cannot be written.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"the name of a table is made of letters, digits, '.', '_' and '-', at most 64; "
                f"received {name!r}"
            )
        cells = {str(key): [_cell(name, value) for value in each] for key, each in columns.items()}
        lengths = {key: len(each) for key, each in cells.items()}
        if len({*lengths.values()}) != 1:
            listed = ", ".join(f"{key} {count}" for key, count in lengths.items()) or "none"
            raise ValueError(f"the columns of the table {name!r} differ in length: {listed}")
        if self.report.folder is not None:
            self._write(f"{self.prefix}{name}", cells, caption)

    def _write(self, name: str, cells: dict[str, list[Cell]], caption: str) -> None:
        document = {
            "name": name,
            "evaluator": self.evaluator,
            "caption": caption,
            "columns": cells,
        }
        texts = {"json": json.dumps(document, indent=1) + "\n", "csv": _csv(cells)}
        for suffix, text in texts.items():
            assert self.report.folder is not None
            path = self.report.folder / f"{name}.{suffix}"
            write_atomically(path, text.encode())
            if path not in self.report.files:
                self.report.files.append(path)


def _cell(table: str, value: Any) -> Cell:
    # Scalars of NumPy and of tensors give their plain value.
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return None
    if plain is None or isinstance(plain, str | bool | int | float):
        return plain
    raise ValueError(
        f"the table {table!r} holds a {type(plain).__name__}; cells are text, truth values, "
        f"numbers or None"
    )


def _csv(cells: dict[str, list[Cell]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(cells)
    rows.writerows(zip(*cells.values(), strict=True))
    return text.getvalue()
