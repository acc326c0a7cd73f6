"""What a run keeps of its siting's last question beside the plan: packs and rates by label."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.planning.paid_packs import label_capacity
from planner.planning.rounds import Fitted
from planner.planning.siting.standing import station_types_by_size
from planner.plans.labels import positions_of

RUN_FILE = "run.json"
SCENARIO_FILE = "scenario.resolved.toml"


def siting_tables(instance: Instance, fitted: Fitted) -> dict[str, pd.DataFrame]:
    """Vehicles per pack and rates of station types that the stations were planned for.

    Returns
    -------
    dict
        ``siting_packs`` (``city_id, vehicle_id, pack_id, vehicles``, of the planning quarter; with
        the whole packs of stations paid for, the plan's own may differ) and ``siting_capacity``
        (``city_id, station_type_id, swaps_per_hour``).
    """
    assigned = fitted.planned_packs.planned
    city, vehicle, pack = np.nonzero(assigned)
    return {
        "siting_packs": pd.DataFrame(
            {
                "city_id": instance.cities["city_id"].to_numpy()[city],
                "vehicle_id": instance.vehicles["vehicle_id"].to_numpy()[vehicle],
                "pack_id": instance.packs["pack_id"].to_numpy()[pack],
                "vehicles": assigned[city, vehicle, pack],
            }
        ),
        "siting_capacity": label_capacity(instance, fitted.capacity),
    }


def packs_of_table(instance: Instance, table: pd.DataFrame) -> FloatArray:
    """Vehicles per pack, shape (num_cities, num_vehicles, num_packs), from ``siting_packs``."""
    known = [
        instance.cities["city_id"], instance.vehicles["vehicle_id"], instance.packs["pack_id"]
    ]  # fmt: skip
    assigned = np.zeros([len(labels) for labels in known])
    place = tuple(positions_of(table[str(labels.name)], labels) for labels in known)
    assigned[place] = table["vehicles"].to_numpy(float)
    return assigned


def capacity_of_table(instance: Instance, table: pd.DataFrame) -> FloatArray:
    """Rates, shape (num_cities, num_types), types by size, from ``siting_capacity`` [1/h]."""
    types = station_types_by_size(instance)["station_type_id"]
    capacity = np.zeros((len(instance.cities), len(types)))
    city = positions_of(table["city_id"], instance.cities["city_id"])
    capacity[city, positions_of(table["station_type_id"], types)] = table["swaps_per_hour"]
    return capacity
