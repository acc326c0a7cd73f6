"""A run folder's files -> one HTML page that opens without a network."""

from planner.outputs.report.write import rebuild_report, write_report

__all__ = ["rebuild_report", "write_report"]
