"""The siting and allocation problems from an instance, and their answers back to labels."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import Lists
from planner.errors import Fault, InputError
from planner.instance import Instance
from planner.limits import within
from planner.models.allocation.problem import AllocationProblem
from planner.models.allocation.solve import Allocation
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.fleet import FleetOperation, default_pack_swaps, spread_to_zones
from planner.physics.station_rate import swaps_per_hour
from planner.solving.rules import CityLimits, SiteRules

FloatArray = NDArray[np.float64]


def assemble_siting(
    instance: Instance, reach: Reach, fleet: FleetOperation, assigned: FloatArray
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

    Returns
    -------
    SizedCoverageProblem
        Types in the order of `station_types_by_size`.

    Raises
    ------
    InputError
        If no station type fits a site where a station stands or is committed.
    """
    sites, cities, siting = instance.sites, instance.cities, instance.scenario.siting
    quarter_idx = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    by_city = fleet.vehicles[quarter_idx] * default_pack_swaps(instance, fleet.yearly_swaps_per_day)
    fits = _fitting_types(instance, sites)
    has_room = fits.any(axis=1)
    forced = sites["status"].isin(["existing", "committed"]).to_numpy()
    crowded = sites.loc[forced & ~has_room, "site_id"]
    if len(crowded):
        remedy = "no station type fits its max_bays and grid_kw; correct them or the status"
        raise InputError([Fault("sites", None, "site_id", site, remedy) for site in crowded])
    num_stations = len(sites) if siting.num_stations is None else siting.num_stations
    city_idx = pd.Index(cities["city_id"]).get_indexer(sites["city_id"]).astype(np.int32)
    coverage = CoverageProblem(
        value=spread_to_zones(instance, by_city.sum(axis=1)),
        reach=Lists(reach.ptr, reach.zone_idx),
        rules=SiteRules(
            forced=forced,
            forbidden=(sites["status"] == "forbidden").to_numpy() | ~has_room,
            cost=station_cost_cny(instance, sites),
            budget=math.inf if siting.budget_cny is None else siting.budget_cny,
            least=0,
            most=num_stations,
            cities=CityLimits(
                city_idx,
                _city_limit(cities, "min_stations", 0),
                _city_limit(cities, "max_stations", len(sites)),
                cities["city_id"].to_numpy(str),
            ),
        ),
    )
    load, capacity = _loads_and_capacity(instance, fleet, assigned)
    return SizedCoverageProblem(
        coverage=coverage, load=load, capacity=np.where(fits, capacity[city_idx], 0.0)
    )


def _city_limit(cities: pd.DataFrame, column: str, otherwise: int) -> NDArray[np.int64]:
    if column not in cities.columns:
        return np.full(len(cities), otherwise, dtype=np.int64)
    return cities[column].to_numpy(np.int64)


def station_cost_cny(instance: Instance, sites: pd.DataFrame) -> FloatArray:
    """Capex of each type plus the plot's cost, shape (num_sites, num_types) [CNY]."""
    capex = station_types_by_size(instance)["capex_cny"].to_numpy(float)
    plot = np.zeros(len(sites))
    if "site_cost_cny" in sites.columns:
        plot = sites["site_cost_cny"].to_numpy(float)
    return np.asarray(plot[:, None] + capex)


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


def _loads_and_capacity(
    instance: Instance, fleet: FleetOperation, assigned: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Design-hour swaps per zone, and swaps per hour of each type in each city [1/h]."""
    swaps = assigned * np.nan_to_num(fleet.on_design_day(fleet.design_swaps_per_day))
    peak_hour = fleet.peak_hour_frac * instance.scenario.demand.peak_day_factor
    load_by_city = (swaps.sum(axis=2) * peak_hour).sum(axis=1)
    types = station_types_by_size(instance)
    by_size = pd.Index(instance.stations["station_type_id"]).get_indexer(types["station_type_id"])
    turn_h, grid_kwh = (
        np.column_stack(
            [_city_mean(fleet.on_design_day(values)[..., idx], swaps) for idx in by_size]
        )
        for values in (fleet.design_turn_h, fleet.design_grid_kwh)
    )
    capacity = swaps_per_hour(
        bays=types["bays"].to_numpy(float),
        seconds_per_swap=types["seconds_per_swap"].to_numpy(float),
        grid_kw=types["grid_kw"].to_numpy(float),
        turn_h=turn_h,
        grid_kwh_per_swap=grid_kwh,
        utilisation_frac=instance.scenario.throughput.utilisation_frac,
    )
    return spread_to_zones(instance, load_by_city), capacity


def station_types_by_size(instance: Instance) -> pd.DataFrame:
    """Station types from the smallest to the largest number of bays."""
    return instance.stations.sort_values(["bays", "station_type_id"], ignore_index=True)


def _fitting_types(instance: Instance, sites: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a type fits a site, shape (num_sites, num_types), types by size."""
    types = station_types_by_size(instance)
    fits = np.ones((len(sites), len(types)), dtype=bool)
    for limit, need in (("max_bays", "bays"), ("grid_kw", "grid_kw")):
        if limit in sites.columns:
            fits &= within(types[need].to_numpy(float), sites[limit].to_numpy(float)[:, None])
    return fits


def _city_mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean over vehicles and packs; the highest value where a city has no weight."""
    total = weights.sum(axis=(1, 2))
    weighted = (np.nan_to_num(values) * weights).sum(axis=(1, 2))
    highest = np.full(len(total), np.nanmax(values))
    return np.asarray(np.divide(weighted, total, out=highest, where=total > 0))


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
