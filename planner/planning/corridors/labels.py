"""A corridor plan by label, and back; what it assumes."""

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.instance import Instance
from planner.models.refuelling.capacity import driven_flows
from planner.network import is_one_way
from planner.physics.fleet import FleetOperation
from planner.planning.corridors.plan import CorridorPlan
from planner.planning.corridors.prepare import CorridorInput, prepare_corridors
from planner.planning.corridors.roads import CorridorRoads, corridor_type
from planner.plans import Plan


def label_corridors(
    instance: Instance, corridors: CorridorPlan | None, road_kwh_per_day: FloatArray
) -> dict[str, pd.DataFrame]:
    """The plan's tables of corridors, as fields of `planner.plans.Plan`.

    Parameters
    ----------
    instance : Instance
    corridors : CorridorPlan, optional
        Without it there are none.
    road_kwh_per_day : ndarray, shape (num_cities, num_vehicles)
        What the packs counted on.
    """
    if corridors is None:
        return {}
    city, vehicle = np.nonzero(road_kwh_per_day > 0)
    names = [corridors.inputs.roads.site_id[site] for site in corridors.open_site_idx.tolist()]
    return {
        "road_use": pd.DataFrame(
            {
                "city_id": instance.cities["city_id"].to_numpy()[city],
                "vehicle_id": instance.vehicles["vehicle_id"].to_numpy()[vehicle],
                "road_kwh_per_day": road_kwh_per_day[city, vehicle],
            }
        ),
        "corridor_stations": pd.DataFrame(
            {
                "corridor_station_id": names,
                "station_type_id": corridor_type(instance)["station_type_id"].iloc[0],
            },
            dtype=object,
        ),
    }


def corridors_of_plan(
    instance: Instance, fleet: FleetOperation, roads: CorridorRoads, plan: Plan
) -> tuple[CorridorInput, FloatArray | None]:
    """The corridor problem of a plan's own packs and stations.

    Parameters
    ----------
    instance, fleet, roads : Instance, FleetOperation, CorridorRoads
    plan : Plan

    Returns
    -------
    CorridorInput
    ndarray, shape (num_problem_paths,), or None
        Shares of flows that the capacities of its corridor stations allow, if they are limited.
    """
    packs = plan.packs[plan.packs["quarter"] == instance.scenario.planning_quarter]
    stations = plan.stations.merge(instance.sites, on="site_id")[["city_id", "lon", "lat"]]
    inputs = prepare_corridors(instance, fleet, roads, packs, stations)
    if not instance.scenario.corridors.limit_capacity:
        return inputs, None
    names = plan.corridor_stations["corridor_station_id"]
    return inputs, driven_flows(inputs.problem, np.isin(roads.site_id, names))


def corridor_assumptions(instance: Instance, roads: CorridorRoads) -> list[dict[str, str]]:
    """What was assumed, extrapolated, left out or not connected, as rows of the assumptions."""
    rows = []
    if instance.scenario.corridors.station_type is None:
        rows.append(
            {
                "item": "type of corridor stations",
                "value": str(corridor_type(instance)["station_type_id"].iloc[0]),
                "mark": "?",
                "source": "assumed: the type with most bays; corridors.station_type states another",
            }
        )
    if is_one_way(instance.roads).any():
        rows.append(
            {
                "item": "one-way roads between cities",
                "value": "passable both ways",
                "mark": "?",
                "source": "assumed: a trip's way back is its way there, on the other carriageway",
            }
        )
    rows += [
        {
            "item": f"usable energy of {row.chemistry} on the road outside its curve",
            "value": f"coldest pack {row.pack_temperature_c:g} C",
            "mark": "INF",
            "source": f"the curve spans {row.domain_c} C; its last value is held",
        }
        for row in roads.energy.extrapolated.itertuples()
    ]
    rows += [
        {
            "item": f"corridor site {row.corridor_site_id}",
            "value": "left out",
            "mark": "INF",
            "source": str(row.why),
        }
        for row in roads.left_out.itertuples()
    ]
    rows += [
        {
            "item": f"trips from and to {row.name_en} ({row.city_id})",
            "value": "none",
            "mark": "INF",
            "source": str(row.why),
        }
        for row in roads.network.unconnected.itertuples()
    ]
    return rows
