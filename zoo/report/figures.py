"""Figures as data: which columns are drawn, and how; checked here, drawn elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.report.cells import Cell, Cells

Figure = dict[str, Any]
"""What a document says under `figure`."""

_MOST_PIXELS = 2_000_000


def lines_figure(
    name: str,
    cells: Cells,
    *,
    x: str,
    y: Sequence[str],
    bands: Mapping[str, tuple[str, str]],
    labels: tuple[str, str],
    log: bool,
) -> Figure:
    """Describes lines over numbers, and bands between two columns.

    Raises:
        ValueError: If a column is not there or holds no numbers.
    """
    ends = {str(label): [*pair] for label, pair in bands.items()}
    for label, pair in ends.items():
        if len(pair) != 2:
            raise ValueError(
                f"the band {label!r} of the figure {name!r} needs (low column, high column); "
                f"received {tuple(pair)}"
            )
    columns = _names(name, y)
    _check_numbers(name, cells, [x, *columns, *(end for pair in ends.values() for end in pair)])
    return {
        "kind": "lines",
        "x": x,
        "y": columns,
        "bands": ends,
        "xlabel": labels[0],
        "ylabel": labels[1],
        "log": bool(log),
    }


def bars_figure(
    name: str,
    cells: Cells,
    *,
    x: str,
    y: Sequence[str],
    errors: Mapping[str, str],
    labels: tuple[str, str],
) -> Figure:
    """Describes bars beside each other, one group for each row, with error bars.

    Raises:
        ValueError: If a column is not there, or one of `y` and `errors` holds no numbers.
    """
    columns = _names(name, y)
    if unknown := [key for key in errors if key not in columns]:
        raise ValueError(
            f"the figure {name!r} has errors of {', '.join(unknown)}; its bars are "
            f"{', '.join(columns)}"
        )
    _check_there(name, cells, [x])
    _check_numbers(name, cells, [*columns, *errors.values()])
    return {
        "kind": "bars",
        "x": x,
        "y": columns,
        "errors": dict(errors),
        "xlabel": labels[0],
        "ylabel": labels[1],
    }


def images_figure(
    name: str, arrays: Mapping[str, Any], *, labels: tuple[str, str], diverging: bool
) -> tuple[Cells, Figure]:
    """Describes arrays as images on one colour scale.

    Returns:
        A table of what the images are, one row each, and the figure; its values have six digits.

    Raises:
        ValueError: If there are none, or one is not an array of numbers with two axes.
    """
    if not arrays:
        raise ValueError(f"the figure {name!r} has no images")
    images = {str(title): _image(name, str(title), array) for title, array in arrays.items()}
    if (pixels := sum(image.size for image in images.values())) > _MOST_PIXELS:
        raise ValueError(
            f"the figure {name!r} has {pixels:,} pixels; at most {_MOST_PIXELS:,} are kept: take "
            f"every second row and column"
        )
    finite = {title: image[np.isfinite(image)] for title, image in images.items()}
    table: Cells = {
        "image": [*images],
        "rows": [image.shape[0] for image in images.values()],
        "columns": [image.shape[1] for image in images.values()],
        "smallest": [float(v.min()) if v.size else None for v in finite.values()],
        "largest": [float(v.max()) if v.size else None for v in finite.values()],
    }
    return table, {
        "kind": "images",
        "images": {title: _rounded(image) for title, image in images.items()},
        "xlabel": labels[0],
        "ylabel": labels[1],
        "diverging": bool(diverging),
    }


def image_rows(figure: Figure) -> tuple[list[str], list[list[Cell]]]:
    """Gives the header and the rows of the CSV of an images figure: its numbers, row by row."""
    images: dict[str, list[list[Cell]]] = figure["images"]
    widest = max(len(rows[0]) for rows in images.values())
    header = ["image", "row", *map(str, range(widest))]
    lines = [
        [title, number, *row, *([None] * (widest - len(row)))]
        for title, rows in images.items()
        for number, row in enumerate(rows)
    ]
    return header, lines


def _image(name: str, title: str, values: Any) -> Any:
    try:
        image = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"the image {title!r} of the figure {name!r} holds no numbers") from None
    if image.ndim != 2 or 0 in image.shape:
        raise ValueError(
            f"the image {title!r} of the figure {name!r} has the shape {image.shape}; it should "
            f"have two axes"
        )
    return image


def _rounded(image: Any) -> list[list[Cell]]:
    return [
        [float(f"{value:.6g}") if np.isfinite(value) else None for value in row]
        for row in image.tolist()
    ]


def _names(name: str, y: Sequence[str]) -> list[str]:
    columns = [y] if isinstance(y, str) else list(y)
    if not columns:
        raise ValueError(f"the figure {name!r} draws nothing: `y` names no column")
    return columns


def _check_there(name: str, cells: Cells, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in cells:
            raise ValueError(
                f"the figure {name!r} draws the column {column!r}; there is: {', '.join(cells)}"
            )


def _check_numbers(name: str, cells: Cells, columns: Sequence[str]) -> None:
    _check_there(name, cells, columns)
    for column in columns:
        for value in cells[column]:
            if isinstance(value, str | bool):
                raise ValueError(
                    f"the column {column!r} of the figure {name!r} holds {value!r}; numbers are "
                    f"drawn"
                )
