"""Where tables go: printed on stdout, and kept as CSV and JSON; progress goes to stderr."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import StorageError, ZooError, in_one_line
from zoo.report import Report, Tables


class LeftOut(Exception):
    """What a piece of the tables needs, and there is not."""


class Kept:
    """A report that keeps the columns of its tables, beside the files."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.columns: dict[str, Mapping[str, Sequence[Any]]] = {}

    def table(self, name: str, columns: Mapping[str, Sequence[Any]], caption: str = "") -> None:
        self.columns[name] = columns
        self.tables.table(name, columns, caption)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)  # figures are kept as files alone

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        columns = self.columns[name]
        return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


class Book:
    """Prints tables on stdout and progress on stderr, and keeps tables as CSV and JSON."""

    def __init__(self, folder: Path) -> None:
        # What an earlier call left there is not of this one.
        for old in folder.glob("*.*") if (folder / "setting.json").exists() else ():
            if old.suffix in (".csv", ".json"):
                old.unlink()
        self.report, self.began = Report(folder), time.monotonic()
        self.tables = self.report.of("science", "science")

    def kept(self, name: str) -> Kept:
        return Kept(self.report.of(name.replace(" ", "-"), ""))

    def show(self, name: str, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print a table in Markdown."""
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        texts = [[key, *map(_text, values)] for key, values in columns.items()]
        widths = [max(map(len, column)) for column in texts]
        lines = [
            f"| {' | '.join(map(str.ljust, row, widths))} |" for row in zip(*texts, strict=True)
        ]
        lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
        print(f"\n{title}\n", *lines, sep="\n", flush=True)
        self.tables.table(name, columns, title)

    @contextmanager
    def piece(self, name: str) -> Iterator[None]:
        """Do a piece of the tables, or say why it is left out."""
        print(f"science: {name}, after {self.elapsed}", file=sys.stderr)
        try:
            yield
        except StorageError:
            raise
        except (LeftOut, ZooError, ImportError, OSError, ValueError) as error:
            print(f"\n{name}: left out. {in_one_line(error)}", flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def elapsed(self) -> str:
        return str(timedelta(seconds=round(self.seconds)))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
