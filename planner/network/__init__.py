"""Road graph, drive-time reach, and its audit by another implementation."""

from planner.network.audit import audit_drive_times, audit_nearest, to_networkx
from planner.network.drive_areas import LocalStreets, drive_areas
from planner.network.graph import RoadGraph, build_road_graph, is_one_way
from planner.network.join import Access, join_places, points_that_lead_on, road_parts
from planner.network.next_station import (
    NextStation,
    nearest_other_station,
    stated_min_per_km,
    stated_next_station,
)
from planner.network.reach import Reach, drive_time_reach
from planner.network.travel_times import (
    audit_stated_nearest,
    audit_stated_times,
    has_travel_times,
    stated_reach,
)

__all__ = [
    "Access",
    "LocalStreets",
    "NextStation",
    "Reach",
    "RoadGraph",
    "audit_drive_times",
    "audit_nearest",
    "audit_stated_nearest",
    "audit_stated_times",
    "build_road_graph",
    "drive_areas",
    "drive_time_reach",
    "has_travel_times",
    "is_one_way",
    "join_places",
    "nearest_other_station",
    "points_that_lead_on",
    "road_parts",
    "stated_min_per_km",
    "stated_next_station",
    "stated_reach",
    "to_networkx",
]
