"""Corridor stations: which trips between cities can be refuelled, in winter and in summer."""

from planner.planning.corridors.check import CorridorEvaluation, check_corridors
from planner.planning.corridors.drive import DrivenTrips, drive, road_kwh_per_vehicle
from planner.planning.corridors.labels import (
    corridor_assumptions,
    corridors_of_plan,
    label_corridors,
)
from planner.planning.corridors.plan import CorridorPlan, plan_on_own_limits
from planner.planning.corridors.prepare import CorridorInput, prepare_corridors
from planner.planning.corridors.roads import CorridorRoads, prepare_roads
from planner.planning.corridors.rounds import CorridorRounds
from planner.planning.corridors.tables import CorridorTables, describe_corridors
from planner.planning.corridors.trips import flow_figures

__all__ = [
    "CorridorEvaluation",
    "CorridorInput",
    "CorridorPlan",
    "CorridorRoads",
    "CorridorRounds",
    "CorridorTables",
    "DrivenTrips",
    "check_corridors",
    "corridor_assumptions",
    "corridors_of_plan",
    "describe_corridors",
    "drive",
    "flow_figures",
    "label_corridors",
    "plan_on_own_limits",
    "prepare_corridors",
    "prepare_roads",
    "road_kwh_per_vehicle",
]
