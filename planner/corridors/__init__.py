"""Corridor stations: which trips between cities can be refuelled, in January and in July."""

from planner.corridors.check import CorridorEvaluation, check_corridors
from planner.corridors.describe import CorridorTables, describe_corridors
from planner.corridors.driven import Driven, drive, road_kwh_per_vehicle
from planner.corridors.given import CorridorInput, prepare_corridors
from planner.corridors.labels import corridor_assumptions, corridors_of_plan, label_corridors
from planner.corridors.plan import CorridorPlan, plan_on_own_limits
from planner.corridors.roads import CorridorRoads, prepare_roads
from planner.corridors.rounds import CorridorRounds

__all__ = [
    "CorridorEvaluation",
    "CorridorInput",
    "CorridorPlan",
    "CorridorRoads",
    "CorridorRounds",
    "CorridorTables",
    "Driven",
    "check_corridors",
    "corridor_assumptions",
    "corridors_of_plan",
    "describe_corridors",
    "drive",
    "label_corridors",
    "plan_on_own_limits",
    "prepare_corridors",
    "prepare_roads",
    "road_kwh_per_vehicle",
]
