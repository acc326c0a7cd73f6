"""Two finished runs -> what differs between them, and whether the proven gaps tell it apart."""

from planner.outputs.compare.difference import Comparison, compare_runs
from planner.outputs.compare.write import check_target, write_comparison

__all__ = ["Comparison", "check_target", "compare_runs", "write_comparison"]
