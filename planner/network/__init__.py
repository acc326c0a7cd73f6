"""Road graph, drive-time reach, and its audit by another implementation."""

from planner.network.audit import audit_drive_times, audit_nearest, to_networkx
from planner.network.graph import Access, RoadGraph, attach, build_road_graph
from planner.network.reach import Reach, drive_time_reach

__all__ = [
    "Access",
    "Reach",
    "RoadGraph",
    "attach",
    "audit_drive_times",
    "audit_nearest",
    "build_road_graph",
    "drive_time_reach",
    "to_networkx",
]
