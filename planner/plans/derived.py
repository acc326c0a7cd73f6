"""What the check derives from an instance once, whatever the plan: climate, fleet and rates."""

from dataclasses import dataclass

import pandas as pd

from planner.instance import Instance
from planner.physics.climate import CityClimate
from planner.plans.fleet_rows import fleet_rates, whole_fleet, winter_rates


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
    rates, winter : DataFrame
        From `planner.plans.fleet_rows.fleet_rates` and `winter_rates`.
    """

    climate: CityClimate
    fleet: pd.DataFrame
    planned_fleet: pd.DataFrame
    rates: pd.DataFrame
    winter: pd.DataFrame


def derive(instance: Instance, climate: CityClimate) -> Derived:
    """Derive fleet and rates, by other code than the models' (`planner.physics.fleet`)."""
    fleet = whole_fleet(instance)
    of_quarter = fleet["quarter"] == instance.scenario.planning_quarter
    planned = fleet[of_quarter].drop(columns="quarter").reset_index(drop=True)
    rates = fleet_rates(instance, climate)
    return Derived(climate, fleet, planned, rates, winter_rates(instance, rates, climate))
