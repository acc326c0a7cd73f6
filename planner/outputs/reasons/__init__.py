"""Tables of alternatives and of a frontier -> a folder: page, layers with styles, tables, JSON."""

from planner.outputs.reasons.about import About
from planner.outputs.reasons.alternatives import write_alternatives
from planner.outputs.reasons.folder import check_target
from planner.outputs.reasons.frontier import write_frontier

__all__ = ["About", "check_target", "write_alternatives", "write_frontier"]
