"""Read, describe and validate instances."""

from planner.instance.coordinates import ORIGINALS, tell_references
from planner.instance.curve_sets import BASE, curve_rows, curve_sets
from planner.instance.futures import check_futures
from planner.instance.input_files import InputFile, input_file, is_in_database
from planner.instance.names import suggest
from planner.instance.read import (
    SCENARIO_FILE,
    Instance,
    instance_files,
    instance_rows,
    read_instance,
    read_one_table,
)
from planner.instance.read_scenario import merge_settings, read_scenario, validate_settings
from planner.instance.settings.scenario import Scenario, describe_settings
from planner.instance.tables import HOLIDAY, SEGMENTS, TABLES, WORKDAY

__all__ = [
    "BASE",
    "HOLIDAY",
    "ORIGINALS",
    "SCENARIO_FILE",
    "SEGMENTS",
    "TABLES",
    "WORKDAY",
    "InputFile",
    "Instance",
    "Scenario",
    "check_futures",
    "curve_rows",
    "curve_sets",
    "describe_settings",
    "input_file",
    "instance_files",
    "instance_rows",
    "is_in_database",
    "merge_settings",
    "read_instance",
    "read_one_table",
    "read_scenario",
    "suggest",
    "tell_references",
    "validate_settings",
]
