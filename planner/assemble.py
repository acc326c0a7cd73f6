"""From labels to the models' arrays, and from their answers back to labels."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.demand import FleetOperation, default_pack_swaps, spread_to_zones
from planner.errors import Fault, InputError
from planner.instance import Instance
from planner.models.allocation import Allocation
from planner.models.national import NationalSolution
from planner.network import Reach
from planner.problem import (
    AllocationProblem,
    CoverageProblem,
    PackAssignmentProblem,
    SizedCoverageProblem,
)
from planner.throughput import swaps_per_hour, turn_hours
from planner.units import DAYS_PER_YEAR, KWH_PER_GWH

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
        Vehicles per pack.

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
    by_city = fleet.vehicles * default_pack_swaps(instance, fleet.swaps_per_day)
    fits = _fitting_types(instance, sites)
    has_room = fits.any(axis=1)
    forced = sites["status"].isin(["existing", "committed"]).to_numpy()
    crowded = sites.loc[forced & ~has_room, "site_id"]
    if len(crowded):
        remedy = "no station type fits its max_bays and grid_kw; correct them or the status"
        raise InputError([Fault("sites", None, "site_id", site, remedy) for site in crowded])
    num_stations = len(sites) if siting.num_stations is None else siting.num_stations
    coverage = CoverageProblem(
        value=spread_to_zones(instance, by_city.sum(axis=1)),
        reach_ptr=reach.ptr,
        reach_zone_idx=reach.zone_idx,
        city_idx=pd.Index(cities["city_id"]).get_indexer(sites["city_id"]).astype(np.int32),
        forced=forced,
        forbidden=(sites["status"] == "forbidden").to_numpy() | ~has_room,
        num_stations=num_stations,
    )
    load, capacity = _loads_and_capacity(instance, fleet, assigned)
    return SizedCoverageProblem(
        coverage=coverage,
        load=load,
        capacity=np.where(fits, capacity[coverage.city_idx], 0.0),
        cost=station_cost_cny(instance, sites),
        budget=math.inf if siting.budget_cny is None else siting.budget_cny,
        min_stations=_city_limit(cities, "min_stations", 0),
        max_stations=_city_limit(cities, "max_stations", len(sites)),
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


@dataclass(frozen=True)
class PackOptions:
    """Labels of a `PackAssignmentProblem`: positions in the instance's tables.

    Attributes
    ----------
    group_city_idx, group_vehicle_idx : ndarray, shape (num_groups,)
        City and vehicle class of each group.
    option_pack_idx : ndarray, shape (num_options,)
        Pack of each option.
    chemistries : tuple of str
        In the order of the problem's ``supply_kwh``.
    """

    group_city_idx: NDArray[np.int64]
    group_vehicle_idx: NDArray[np.int64]
    option_pack_idx: NDArray[np.int64]
    chemistries: tuple[str, ...]


def assemble_pack_assignment(
    instance: Instance, fleet: FleetOperation
) -> tuple[PackAssignmentProblem, PackOptions]:
    """The pack problem: options that fit, are delivered and are certified, with their cost.

    Parameters
    ----------
    instance : Instance
        Packs, supply, gates, costs.
    fleet : FleetOperation
        Vehicles, swaps and range.

    Returns
    -------
    PackAssignmentProblem
        Supply is what was produced up to the planning quarter, less what others buy.
    PackOptions
        What its indices stand for.
    """
    packs = instance.packs
    city_idx, vehicle_idx = np.nonzero(fleet.vehicles > 0)
    allowed = (
        _allowed_packs(instance)[city_idx] & (~np.isnan(fleet.swaps_per_day))[city_idx, vehicle_idx]
    )
    group_idx, pack_idx = np.nonzero(allowed)
    option = (city_idx[group_idx], vehicle_idx[group_idx], pack_idx)
    float_packs = float_packs_per_vehicle(instance, fleet)[option]
    kwh = packs["nominal_kwh"].to_numpy(float)[pack_idx] * (1 + float_packs)
    chemistries = tuple(sorted(packs["chemistry"].unique()))
    problem = PackAssignmentProblem(
        vehicles=fleet.vehicles[city_idx, vehicle_idx],
        option_group_idx=group_idx.astype(np.int32),
        option_chemistry_idx=pd.Index(chemistries)
        .get_indexer(packs["chemistry"].iloc[pack_idx])
        .astype(np.int32),
        option_kwh=kwh,
        option_cost=_yearly_cost(instance, fleet, option, kwh, float_packs),
        supply_kwh=np.array([_supply_kwh(instance, chemistry) for chemistry in chemistries]),
        no_pack_cost=instance.scenario.costs.no_pack_cny,
    )
    return problem, PackOptions(city_idx, vehicle_idx, pack_idx, chemistries)


def _allowed_packs(instance: Instance) -> NDArray[np.bool_]:
    """Whether a pack is delivered and certified in each city, shape (num_cities, num_packs)."""
    quarter = instance.scenario.planning_quarter
    binding = instance.gates[instance.gates["binding"].astype(bool)]
    closed = binding[binding["opens"].isna() | (binding["opens"] > quarter)]
    closed_pairs = set(zip(closed["market"], closed["chemistry"], strict=True))
    delivered = (instance.packs["available_from"] <= quarter).to_numpy()
    is_open = [
        [(market, chemistry) not in closed_pairs for chemistry in instance.packs["chemistry"]]
        for market in instance.cities["market"]
    ]
    return np.array(is_open, dtype=bool) & delivered


def _supply_kwh(instance: Instance, chemistry: str) -> float:
    rows = instance.supply[instance.supply["chemistry"] == chemistry]
    if rows.empty:
        return np.inf
    produced = rows.loc[rows["quarter"] <= instance.scenario.planning_quarter, "gwh"].sum()
    sold_elsewhere = instance.scenario.packs.sold_elsewhere_frac.get(chemistry, 0.0)  # type: ignore[call-overload]
    return float(produced * KWH_PER_GWH * (1 - sold_elsewhere))


def float_packs_per_vehicle(instance: Instance, fleet: FleetOperation) -> FloatArray:
    """Packs in the stations per vehicle: those in their turn during the design hour.

    Returns
    -------
    ndarray, shape (num_cities, num_vehicles, num_packs)
        Little's law: swaps per hour times the turn time in the slowest type's bay, over the
        utilisation.
    """
    demand = instance.scenario.demand
    stations = instance.stations
    turn_h = np.max(
        [
            turn_hours(fleet.design_energy_kwh, kw * fleet.charge_power_frac, handling_s)
            for kw, handling_s in zip(
                stations["charger_kw_per_bay"], stations["handling_s"], strict=True
            )
        ],
        axis=0,
    )
    per_hour = fleet.design_swaps_per_day * demand.peak_hour_frac * demand.peak_day_factor
    return np.asarray(per_hour * turn_h / instance.scenario.throughput.utilisation_frac)


def _yearly_cost(
    instance: Instance,
    fleet: FleetOperation,
    option: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    kwh: FloatArray,
    float_packs: FloatArray,
) -> FloatArray:
    """Lease of the packs + swaps + range below the promise [CNY/year per vehicle].

    The lease is the annuity over the pack's life, which ends with its calendar or with its
    cycles, whichever is first; cycles by charging outside the stations are not counted.
    """
    costs = instance.scenario.costs
    pack_idx = option[2]
    packs = instance.packs.iloc[pack_idx]
    swaps_per_year = fleet.swaps_per_day[option] * DAYS_PER_YEAR
    cycles_per_year = swaps_per_year * packs["soc_window_frac"].to_numpy() / (1 + float_packs)
    with np.errstate(divide="ignore"):
        cycle_years = packs["cycle_life"].to_numpy() / cycles_per_year
    life_years = np.minimum(costs.max_pack_years, cycle_years)
    rate = costs.interest_rate
    annuity = 1 / life_years if rate == 0 else rate / -np.expm1(-life_years * np.log1p(rate))
    shortfall_km = np.maximum(
        0, instance.scenario.packs.promised_range_km - fleet.design_range_km[option]
    )
    return np.asarray(
        annuity * packs["cost_cny_per_kwh"].to_numpy() * kwh
        + costs.swap_cny * swaps_per_year
        + costs.range_shortfall_cny_per_km * shortfall_km
    )


def assemble_allocation(
    problem: SizedCoverageProblem, reach: Reach, siting: NationalSolution
) -> AllocationProblem:
    """The allocation problem: the siting problem's loads and capacities at the open stations.

    Parameters
    ----------
    problem : SizedCoverageProblem
        From `assemble_siting`.
    reach : Reach
        All sites.
    siting : NationalSolution
        Open sites and types. Without a budget in money the types are left to the allocation,
        which takes the smallest that carries each station's load.

    Returns
    -------
    AllocationProblem
        Types in the order of `station_types_by_size`.
    """
    open_site_idx = siting.open_site_idx
    arcs = _rows(reach.ptr, open_site_idx)
    has_budget = math.isfinite(problem.budget)
    return AllocationProblem(
        load=problem.load,
        reach_ptr=np.concatenate(([0], np.cumsum(np.diff(reach.ptr)[open_site_idx]))),
        reach_zone_idx=reach.zone_idx[arcs],
        drive_min=reach.drive_min[arcs],
        capacity=problem.capacity[open_site_idx],
        value=problem.coverage.value,
        type_idx=siting.type_idx.astype(np.int32) if has_budget else None,
    )


def _loads_and_capacity(
    instance: Instance, fleet: FleetOperation, assigned: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Design-hour swaps per zone, and swaps per hour of each type in each city [1/h]."""
    demand = instance.scenario.demand
    design_swaps = assigned * np.nan_to_num(fleet.design_swaps_per_day)
    load_by_city = design_swaps.sum(axis=(1, 2)) * demand.peak_hour_frac * demand.peak_day_factor
    types = station_types_by_size(instance)
    capacity = swaps_per_hour(
        bays=types["bays"].to_numpy(float),
        seconds_per_swap=types["seconds_per_swap"].to_numpy(float),
        handling_s=types["handling_s"].to_numpy(float),
        charger_kw_per_bay=types["charger_kw_per_bay"].to_numpy(float),
        grid_kw=types["grid_kw"].to_numpy(float),
        energy_per_swap_kwh=_city_mean(fleet.design_energy_kwh, design_swaps)[:, None],
        charge_power_frac=_city_mean(
            np.broadcast_to(fleet.charge_power_frac, assigned.shape), design_swaps
        )[:, None],
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
            fits &= sites[limit].to_numpy()[:, None] >= types[need].to_numpy()
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


def assigned_vehicles(
    fleet: FleetOperation, options: PackOptions, problem: PackAssignmentProblem,
    option_vehicles: FloatArray,
) -> FloatArray:  # fmt: skip
    """Vehicles per city, class and pack, shape (num_cities, num_vehicles, num_packs)."""
    assigned = np.zeros_like(fleet.swaps_per_day)
    group = problem.option_group_idx
    where = (
        options.group_city_idx[group], options.group_vehicle_idx[group], options.option_pack_idx
    )  # fmt: skip
    assigned[where] = option_vehicles
    return assigned


def label_packs(instance: Instance, assigned: FloatArray) -> pd.DataFrame:
    """The plan's table of packs: one row per city, class and pack that is in use."""
    city_idx, vehicle_idx, pack_idx = np.nonzero(assigned)
    return pd.DataFrame(
        {
            "city_id": instance.cities["city_id"].to_numpy()[city_idx],
            "vehicle_id": instance.vehicles["vehicle_id"].to_numpy()[vehicle_idx],
            "pack_id": instance.packs["pack_id"].to_numpy()[pack_idx],
            "vehicles": assigned[city_idx, vehicle_idx, pack_idx].astype(np.int64),
        }
    )


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
