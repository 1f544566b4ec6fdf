"""What evaluators leave behind: tables as files."""

from zoo.report.tables import Report, Tables

__all__ = ["Report", "Tables"]
