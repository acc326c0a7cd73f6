"""The siting and allocation problems from an instance, and their answers back to labels."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import Lists
from planner.errors import Fault, InfeasibleError, InputError
from planner.instance import Instance
from planner.instance.tables import SHUT
from planner.models.allocation.problem import AllocationProblem
from planner.models.allocation.solve import Allocation
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation, default_pack_swaps, spread_to_zones
from planner.planning.siting.build_rates import (
    build_rates,
    first_periods,
    most_stations,
    most_stations_of_cities,
)
from planner.planning.siting.standing import (
    closing_cost_cny,
    find_standing,
    fitting_types,
    station_cost_cny,
    station_types_by_size,
)
from planner.solving.rules import CityLimits, SiteRules

FloatArray = NDArray[np.float64]


def assemble_siting(
    instance: Instance,
    reach: Reach,
    fleet: FleetOperation,
    assigned: FloatArray,
    capacity: FloatArray,
) -> SizedCoverageProblem:
    """The siting problem: a zone is worth its swaps per day, averaged over the year.

    Parameters
    ----------
    instance : Instance
        Zones, sites with their status, station types, budgets, limits per city.
    reach : Reach
        Sites in the order of ``instance.sites``.
    fleet : FleetOperation
        A zone's value counts swaps with each class's default pack, its load the swaps of the
        design hour with the packs that were assigned.
    assigned : ndarray, shape (num_cities, num_vehicles, num_packs)
        Vehicles per pack in the planning quarter.
    capacity : ndarray, shape (num_cities, num_types)
        From `planner.planning.service.station_capacity`, for these vehicles [1/h].

    Returns
    -------
    SizedCoverageProblem
        Types in the order of `station_types_by_size`.

    Raises
    ------
    InputError
        If no station type fits a site where a station stands or is committed.
    InfeasibleError
        If closing stations takes more than the budget.
    """
    sites, cities, siting = instance.sites, instance.cities, instance.scenario.siting
    standing = find_standing(instance)
    fits = fitting_types(instance, standing)
    has_room = fits.any(axis=1)
    forced = sites["status"].isin(["existing", "committed"]).to_numpy()
    crowded = sites.loc[forced & ~has_room, "site_id"]
    if len(crowded):
        remedy = "no station type fits its max_bays and grid_kw; correct them or the status"
        raise InputError([Fault("sites", None, "site_id", site, remedy) for site in crowded])
    num_stations = len(sites) if siting.num_stations is None else siting.num_stations
    most_of_city = city_limit(cities, "max_stations", len(sites))
    forbidden, budget_cny = sites["status"].isin(SHUT).to_numpy() | ~has_room, _budget_cny(instance)
    periods = instance.scenario.periods
    if periods:
        # Of a plan over time these are the stations after its last period.
        num_stations = most_stations(instance, num_stations)
        most_of_city = most_stations_of_cities(instance, most_of_city)
        forbidden |= first_periods(instance) >= len(periods)
        budget_cny = min(budget_cny, float(build_rates(instance).budget_cny.sum()))
    city_idx = pd.Index(cities["city_id"]).get_indexer(sites["city_id"]).astype(np.int32)
    coverage = CoverageProblem(
        value=zone_values(instance, fleet, instance.scenario.planning_quarter),
        reach=Lists(reach.ptr, reach.zone_idx),
        rules=SiteRules(
            forced=forced,
            forbidden=forbidden,
            cost=station_cost_cny(instance, standing),
            budget=budget_cny,
            least=0,
            most=num_stations,
            cities=CityLimits(
                city_idx,
                city_limit(cities, "min_stations", 0),
                most_of_city,
                cities["city_id"].to_numpy(str),
            ),
        ),
    )
    return SizedCoverageProblem(
        coverage=coverage,
        load=zone_loads(instance, fleet, assigned),
        capacity=np.where(fits, capacity[city_idx], 0.0),
    )


def _budget_cny(instance: Instance) -> float:
    """New money for stations: what closing others takes is spent in every plan [CNY]."""
    budget_cny = instance.scenario.siting.budget_cny
    if budget_cny is None:
        return math.inf
    closing_cny = closing_cost_cny(instance)
    if closing_cny > budget_cny:
        raise InfeasibleError(
            f"the stations that close cost {closing_cny:,.0f} CNY, the budget is {budget_cny:,.0f}"
        )
    return budget_cny - closing_cny


def city_limit(cities: pd.DataFrame, column: str, otherwise: int) -> NDArray[np.int64]:
    """A limit on the stations of each city, shape (num_cities,)."""
    if column not in cities.columns:
        return np.full(len(cities), otherwise, dtype=np.int64)
    return cities[column].to_numpy(np.int64)


def assemble_allocation(
    problem: SizedCoverageProblem,
    reach: Reach,
    open_site_idx: NDArray[np.int64],
    type_idx: NDArray[np.int64] | None,
) -> AllocationProblem:
    """The allocation problem: the siting problem's loads and capacities at the open stations.

    Parameters
    ----------
    problem : SizedCoverageProblem
        From `assemble_siting`.
    reach : Reach
        All sites.
    open_site_idx : int array
        Open sites.
    type_idx : int array or None
        Their types. Where they are left open the allocation takes the smallest that carries each
        station's load.

    Returns
    -------
    AllocationProblem
        Types in the order of `station_types_by_size`.
    """
    arcs = _rows(reach.ptr, open_site_idx)
    return AllocationProblem(
        load=problem.load,
        reach=Lists(
            np.concatenate(([0], np.cumsum(np.diff(reach.ptr)[open_site_idx]))),
            reach.zone_idx[arcs],
        ),
        drive_min=reach.drive_min[arcs],
        capacity=problem.capacity[open_site_idx],
        value=problem.coverage.value,
        type_idx=None if type_idx is None else type_idx.astype(np.int32),
    )


def zone_values(instance: Instance, fleet: FleetOperation, quarter: str) -> FloatArray:
    """Swaps per day of each zone with default packs, averaged over the year, for a quarter's fleet.

    Shape (num_zones,).
    """
    vehicles = fleet.vehicles[instance.scenario.quarters.index(quarter)]
    by_class = vehicles * default_pack_swaps(instance, fleet.yearly_swaps_per_day)
    return spread_to_zones(instance, by_class)


def zone_loads(instance: Instance, fleet: FleetOperation, assigned: FloatArray) -> FloatArray:
    """Design-hour swaps of each zone for vehicles per pack, shape (num_zones,) [1/h]."""
    swaps = assigned * np.nan_to_num(fleet.on_design_day(fleet.design_swaps_per_day))
    peak_hour = fleet.peak_hour_frac * instance.scenario.demand.peak_day_factor
    return spread_to_zones(instance, swaps.sum(axis=2) * peak_hour)


def _rows(ptr: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the entries of some rows of a compressed matrix, row after row."""
    lengths = np.diff(ptr)[rows]
    starts = np.repeat(ptr[rows] - (np.cumsum(lengths) - lengths), lengths)
    return np.asarray(starts + np.arange(lengths.sum()))


def label_stations(
    instance: Instance, open_site_idx: NDArray[np.int64], type_idx: NDArray[np.int32]
) -> pd.DataFrame:
    """The plan's table of stations."""
    types = station_types_by_size(instance)["station_type_id"].to_numpy()
    return pd.DataFrame(
        {
            "site_id": instance.sites["site_id"].to_numpy()[open_site_idx],
            "station_type_id": types[type_idx],
        }
    )


def label_allocation(
    instance: Instance, open_site_idx: NDArray[np.int64], allocation: Allocation
) -> pd.DataFrame:
    """The plan's table of served zones."""
    site_idx = open_site_idx[allocation.station_idx]
    return pd.DataFrame(
        {
            "zone_id": instance.zones["zone_id"].to_numpy()[allocation.zone_idx],
            "site_id": instance.sites["site_id"].to_numpy()[site_idx],
            "share_frac": allocation.share_frac,
            "drive_min": allocation.drive_min,
        }
    )
