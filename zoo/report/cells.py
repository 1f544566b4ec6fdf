"""The cells of tables and figures: plain values, checked, and as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Cell = str | bool | int | float | None
Cells = dict[str, list[Cell]]
"""Columns by name, all of one length."""


def cells_of(what: str, columns: Mapping[str, Sequence[Any]]) -> Cells:
    """Gives columns as plain values; NaN and infinities become None.

    Args:
        what: What they are the columns of, for messages.
        columns: Columns by name.

    Raises:
        ValueError: If they differ in length, or hold anything but text, truth values, numbers
            and None.
    """
    cells = {str(key): [_cell(what, value) for value in each] for key, each in columns.items()}
    lengths = {key: len(each) for key, each in cells.items()}
    if len({*lengths.values()}) != 1:
        listed = ", ".join(f"{key} {count}" for key, count in lengths.items()) or "none"
        raise ValueError(f"the columns of {what} differ in length: {listed}")
    return cells


def csv_of(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> str:
    """Writes a header and rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _cell(what: str, value: Any) -> Cell:
    # Scalars of NumPy and of tensors give their plain value.
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return None
    if plain is None or isinstance(plain, str | bool | int | float):
        return plain
    raise ValueError(
        f"{what} holds a {type(plain).__name__}; cells are text, truth values, numbers or None"
    )
