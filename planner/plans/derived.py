"""What the check derives from an instance once, whatever the plan: its climate and its fleet."""

from dataclasses import dataclass

import pandas as pd

from planner.instance import Instance
from planner.physics.climate import CityClimate
from planner.plans.fleet_rows import whole_fleet


@dataclass(frozen=True)
class Derived:
    """An instance's climate and whole vehicles.

    Attributes
    ----------
    climate : CityClimate
        In the order of the instance's cities.
    fleet : DataFrame
        ``quarter, city_id, vehicle_id, vehicles``, from `planner.plans.fleet_rows.whole_fleet`.
    planned_fleet : DataFrame
        The planning quarter's rows: ``city_id, vehicle_id, vehicles``.
    """

    climate: CityClimate
    fleet: pd.DataFrame
    planned_fleet: pd.DataFrame


def derive(instance: Instance, climate: CityClimate) -> Derived:
    """Derive the fleet, by other code than the models' (`planner.physics.fleet`)."""
    fleet = whole_fleet(instance)
    of_quarter = fleet["quarter"] == instance.scenario.planning_quarter
    planned = fleet[of_quarter].drop(columns="quarter").reset_index(drop=True)
    return Derived(climate, fleet, planned)
