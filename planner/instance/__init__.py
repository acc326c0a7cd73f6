"""Read, describe and validate instances."""

from planner.instance.read import InputFile, Instance, read_instance
from planner.instance.scenario import Scenario, describe_settings
from planner.instance.tables import SEGMENTS

__all__ = ["SEGMENTS", "InputFile", "Instance", "Scenario", "describe_settings", "read_instance"]
