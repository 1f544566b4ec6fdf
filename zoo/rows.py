"""What a check-up reports: what was looked at, what came of it, and what to do about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zoo.errors import Finding, PluginError, ZooError

Result = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at.

    Attributes:
        subject: What it is a part of: a plugin's module, the registry.
        check: What was looked at.
        result: What came of it; a warning needs no action.
        message: What was seen.
        remedy: What to do about it.
        exit_status: What a command ends with on account of it, if it is an error.
    """

    subject: str
    check: str
    result: Result
    message: str
    remedy: str = ""
    exit_status: int = PluginError.exit_status

    def to_json(self) -> dict[str, Any]:
        """Gives the row as the command line's JSON has it."""
        row = asdict(self)
        del row["exit_status"]
        return row


def rows_of(error: ZooError, subject: str, check: str) -> list[Row]:
    """Makes a row of each finding of an error."""
    return [
        Row(subject, check, "error", _placed(f), f.suggestion or "", error.exit_status)
        for f in error.findings
    ]


def _placed(finding: Finding) -> str:
    """Says where it is, if that is known to the line."""
    place = f"{finding.file}:{finding.line}: " if finding.file and finding.line else ""
    return f"{place}{finding.message}"


def exit_status(rows: Iterable[Row]) -> int:
    """Gives what a command ends with: 0 with warnings alone, otherwise by the worst error.

    The smaller number is the worse: damage to the registry, then files, then plugins.
    """
    return min((row.exit_status for row in rows if row.result == "error"), default=0)
