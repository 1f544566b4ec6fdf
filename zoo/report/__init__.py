"""What people look at: tables and figures of evaluators, pages, and the report of a run."""

from zoo.report.tables import Report, Tables

__all__ = ["Report", "Tables"]
