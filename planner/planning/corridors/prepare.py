"""The corridor problem of the stations and packs in the cities."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from planner.arrays import FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.geodesy import to_sphere_km
from planner.instance import Instance
from planner.limits import widened
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.physics.fleet import FleetOperation, default_pack_swaps
from planner.planning.corridors.problem import (
    CorridorLabels,
    RoadStops,
    assemble_flow_refuelling,
    pair_of_path,
)
from planner.planning.corridors.roads import CorridorRoads
from planner.planning.corridors.trips import packs_per_trip, trips_per_day, vehicles_by_profile
from planner.solving.rules import SiteRules


@dataclass(frozen=True)
class CorridorInput:
    """A corridor problem and what it was made from.

    Attributes
    ----------
    roads : CorridorRoads
    stops : RoadStops
        With the cities' stations.
    vehicles : ndarray, shape (num_cities, num_profiles)
        Vehicles that may travel.
    vehicles_per_day : ndarray, shape (2, num_profiles, num_pairs, 2)
        Round trips on a mean day, by the end where they begin.
    problem, labels : FlowRefuellingProblem, CorridorLabels
        Under the scenario's limits on corridor stations.
    """

    roads: CorridorRoads
    stops: RoadStops
    vehicles: FloatArray
    vehicles_per_day: FloatArray
    problem: FlowRefuellingProblem
    labels: CorridorLabels

    @property
    def total_value(self) -> float:
        """Worth of all flows; every path of a flow is worth the same."""
        first = np.unique(self.problem.flow_idx, return_index=True)[1]
        return math.fsum(self.problem.value[first].tolist())

    @property
    def pair_of_label(self) -> IntArray:
        """Pair of cities of each path of the problem."""
        return pair_of_path(self.roads.paths)[self.labels.path_idx]


def prepare_corridors(
    instance: Instance,
    fleet: FleetOperation,
    roads: CorridorRoads,
    packs: pd.DataFrame,
    city_stations: pd.DataFrame,
) -> CorridorInput:
    """The corridor problem, everything before the optimization.

    Parameters
    ----------
    instance : Instance
        Cities, flows and the scenario.
    fleet : FleetOperation
        Of the instance: all swaps of a mean day.
    roads : CorridorRoads
        From `planner.planning.corridors.prepare_roads`.
    packs : DataFrame
        What the vehicles carry: columns ``city_id``, ``vehicle_id``, ``pack_id``, ``vehicles``;
        of classes that do not travel nothing is used.
    city_stations : DataFrame
        Stations in the cities, which are open: columns ``city_id``, ``lon``, ``lat``.

    Returns
    -------
    CorridorInput

    Raises
    ------
    InputError
        If a table names what the instance does not have.
    """
    _check_tables(instance, packs, city_stations)
    settings = instance.scenario.corridors
    stops = _road_stops(instance, roads, city_stations)
    vehicles = vehicles_by_profile(instance, roads.energy, packs)
    trips = trips_per_day(
        instance, roads.paths, roads.energy, vehicles, _swaps_per_day(instance, fleet)
    )
    num_sites = len(roads.capacity)
    rules = SiteRules(
        forced=roads.forced,
        forbidden=roads.forbidden,
        cost=roads.cost,
        budget=math.inf if settings.budget_cny is None else settings.budget_cny,
        least=0,
        most=num_sites if settings.num_stations is None else settings.num_stations,
    )
    problem, labels = assemble_flow_refuelling(
        instance, roads.paths, roads.energy, stops, trips.sum(axis=-1),
        packs_per_trip(roads.paths, roads.energy),
        capacity=roads.capacity if settings.limit_capacity else np.full(num_sites, np.inf),
        rules=rules,
    )  # fmt: skip
    return CorridorInput(roads, stops, vehicles, trips, problem, labels)


def _check_tables(instance: Instance, packs: pd.DataFrame, city_stations: pd.DataFrame) -> None:
    known = {
        "city_id": set(instance.cities["city_id"]),
        "vehicle_id": set(instance.vehicles["vehicle_id"]),
        "pack_id": set(instance.packs["pack_id"]),
    }
    faults = []
    for name, table, columns in (
        ("packs by city", packs, ("city_id", "vehicle_id", "pack_id", "vehicles")),
        ("city stations", city_stations, ("city_id", "lon", "lat")),
    ):
        for column in columns:
            if column not in table.columns:
                faults.append(Fault(name, None, column, "", "column missing"))
            elif column in known:
                strange = ~table[column].isin(known[column])
                faults += [
                    Fault(name, None, column, str(value), "is not in the instance")
                    for value in table.loc[strange, column].unique()
                ]
            elif not np.isfinite(table[column].to_numpy(float)).all():
                faults.append(Fault(name, None, column, "", "must be finite numbers"))
    if not faults and (packs["vehicles"] < 0).any():
        faults.append(Fault("packs by city", None, "vehicles", "", "must be >= 0"))
    if faults:
        raise InputError(faults, source="corridors")


def _swaps_per_day(instance: Instance, fleet: FleetOperation) -> float:
    planned = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    per_vehicle = default_pack_swaps(instance, fleet.yearly_swaps_per_day)
    return float((fleet.vehicles[planned] * per_vehicle).sum())


def _road_stops(instance: Instance, roads: CorridorRoads, city_stations: pd.DataFrame) -> RoadStops:
    """Candidate sites, and nodes that cities' stations serve."""
    within_km, network = instance.scenario.corridors.station_access_km, roads.network
    end_is_open = instance.cities["city_id"].isin(city_stations["city_id"]).to_numpy()
    xyz = to_sphere_km(network.lon, network.lat)
    is_open = np.zeros(len(network.lon), dtype=np.bool_)
    if len(city_stations) and len(xyz):
        places = to_sphere_km(city_stations["lon"], city_stations["lat"])
        near_km = KDTree(places).query(xyz, distance_upper_bound=widened(within_km))[0]
        is_open = np.asarray(np.isfinite(near_km))
    portal = network.portal_idx[end_is_open]
    is_open[portal[portal >= 0]] = True
    return RoadStops(roads.site_of_node, is_open, end_is_open)
