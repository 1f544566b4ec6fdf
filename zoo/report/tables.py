"""Tables and figures that evaluators report, each kept as CSV and as JSON."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.files import write_atomically
from zoo.report.cells import Cell, Cells, cells_of, csv_of
from zoo.report.figures import Figure, bars_figure, image_rows, images_figure, lines_figure

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass
class Report:
    """The folder that takes the tables and figures of all evaluators.

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

    Each method keeps a table or figure in place of one of that name that there may have been.
    Columns are of equal length, by name: text, truth values, numbers, or None. NaN and infinities
    are kept as None, and not drawn.

    Attributes:
        report: The report that it is a part of.
        evaluator: What the config calls the evaluator.
        prefix: What stands before the names of its tables.
    """

    report: Report
    evaluator: str
    prefix: str

    def table(self, name: str, columns: Mapping[str, Sequence[Any]], caption: str = "") -> None:
        """Keeps a table.

        Args:
            name: What to call it, and its files.
            columns: Its columns.
            caption: A line on what it shows.

        Raises:
            ValueError: If it is no such table.
            StorageError: If it cannot be written.
        """
        _check_name(name)
        cells = cells_of(f"the table {name!r}", columns)
        self._keep(name, caption, cells)

    def lines(
        self,
        name: str,
        columns: Mapping[str, Sequence[Any]],
        *,
        x: str,
        y: Sequence[str],
        bands: Mapping[str, tuple[str, str]] | None = None,
        xlabel: str = "",
        ylabel: str = "",
        log: bool = False,
        caption: str = "",
    ) -> None:
        """Keeps a figure of lines.

        Args:
            name: What to call it, and its files.
            columns: The numbers.
            x: The column along the horizontal axis.
            y: The columns to draw, each a line called as the column is.
            bands: By label, the columns of a band's lower and upper end.
            xlabel: What the horizontal axis shows, with its unit; else the name of `x`.
            ylabel: What the vertical axis shows, with its unit.
            log: Whether the vertical axis is logarithmic, where what is drawn is positive.
            caption: A line on what it shows.

        Raises:
            ValueError: If it is no such figure.
            StorageError: If it cannot be written.
        """
        _check_name(name)
        cells = cells_of(f"the figure {name!r}", columns)
        labels = (xlabel or x, ylabel)
        figure = lines_figure(name, cells, x=x, y=y, bands=bands or {}, labels=labels, log=log)
        self._keep(name, caption, cells, figure)

    def bars(
        self,
        name: str,
        columns: Mapping[str, Sequence[Any]],
        *,
        x: str,
        y: Sequence[str],
        errors: Mapping[str, str] | None = None,
        xlabel: str = "",
        ylabel: str = "",
        caption: str = "",
    ) -> None:
        """Keeps a figure of bars, one group for each row.

        Args:
            name: What to call it, and its files.
            columns: The numbers, and what the groups are called.
            x: The column that names the groups.
            y: The columns to draw, each a bar in every group.
            errors: By a column of `y`, the column of its errors, drawn upwards and downwards.
            xlabel: What the groups are; else the name of `x`.
            ylabel: What the vertical axis shows, with its unit.
            caption: A line on what it shows.

        Raises:
            ValueError: If it is no such figure.
            StorageError: If it cannot be written.
        """
        _check_name(name)
        cells = cells_of(f"the figure {name!r}", columns)
        labels = (xlabel or x, ylabel)
        figure = bars_figure(name, cells, x=x, y=y, errors=errors or {}, labels=labels)
        self._keep(name, caption, cells, figure)

    def images(
        self,
        name: str,
        arrays: Mapping[str, Any],
        *,
        xlabel: str = "",
        ylabel: str = "",
        diverging: bool = True,
        caption: str = "",
    ) -> None:
        """Keeps a figure of arrays side by side, all on one colour scale.

        Args:
            name: What to call it, and its files.
            arrays: By title, arrays with two axes: rows go down, columns to the right.
            xlabel: What the columns are.
            ylabel: What the rows are.
            diverging: Whether the scale is symmetric about zero, which is white.
            caption: A line on what it shows.

        Raises:
            ValueError: If it is no such figure.
            StorageError: If it cannot be written.
        """
        _check_name(name)
        cells, figure = images_figure(name, arrays, labels=(xlabel, ylabel), diverging=diverging)
        self._keep(name, caption, cells, figure, image_rows(figure))

    def _keep(
        self,
        name: str,
        caption: str,
        cells: Cells,
        figure: Figure | None = None,
        rows: tuple[Iterable[str], Iterable[Iterable[Cell]]] | None = None,
    ) -> None:
        folder = self.report.folder
        if folder is None:
            return
        full = f"{self.prefix}{name}"
        document = {
            "name": full,
            "evaluator": self.evaluator,
            "caption": caption,
            "columns": cells,
            **({"figure": figure} if figure is not None else {}),
        }
        header, lines = rows or (cells, zip(*cells.values(), strict=True))
        indent = 1 if rows is None else None  # not a line for each pixel
        texts = {"json": json.dumps(document, indent=indent) + "\n", "csv": csv_of(header, lines)}
        for suffix, text in texts.items():
            path = folder / f"{full}.{suffix}"
            write_atomically(path, text.encode())
            if path not in self.report.files:
                self.report.files.append(path)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"the name of a table or figure is made of letters, digits, '.', '_' and '-', at most "
            f"64; received {name!r}"
        )
