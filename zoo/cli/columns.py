"""Columns of text, for a person at any width."""

from collections.abc import Collection, Sequence


def columns(lines: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """Lays out rows of cells so that each column is as wide as its widest.

    Args:
        lines: The rows, the head first.
        right: The columns that end, rather than begin, at one place.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
