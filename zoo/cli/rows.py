"""The rows of a check-up, as a table for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zoo.rows import Row

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


def print_rows(console: Console, rows: Sequence[Row]) -> None:
    """Prints what was looked at, with the remedy below what needs one, and how many need one."""
    table = Table("", "", "", "", box=None, show_header=False)
    before = ""
    for row in rows:
        remedy = f"\n-> {escape(row.remedy)}" if row.remedy else ""
        table.add_row(
            escape(row.subject) if row.subject != before else "",
            escape(row.check),
            f"[{_COLOURS[row.result]}]{row.result}[/]",
            escape(row.message) + remedy,
        )
        before = row.subject
    console.print(table)
    counts = [sum(row.result == result for row in rows) for result in ("error", "warning")]
    console.print(f"{_count(counts[0], 'error')}, {_count(counts[1], 'warning')}")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
