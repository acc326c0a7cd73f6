"""A run folder's tables -> one workbook for people who work in spreadsheets."""

from planner.outputs.workbook.write import write_workbook

__all__ = ["write_workbook"]
