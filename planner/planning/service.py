"""From vehicles and their packs to days of stations: whole packs, and capacity as a service level.

A station gets its share of its city's swaps, with the city's mix of packs in every hour. Formulas
are those of `planner.service`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray, StringArray
from planner.instance import WORKDAY, Instance
from planner.physics.fleet import FleetOperation, hours_of_classes
from planner.physics.station_rate import swaps_per_hour as loaded_rate
from planner.planning.siting.standing import station_types_by_size
from planner.service.capacity import most_swaps_per_hour
from planner.service.day import StationDay, take_stations
from planner.units import MONTHS_PER_QUARTER, SECONDS_PER_HOUR

SAME_MIX = 1e-9
"""Shares of the peak hour that differ by less are the same."""


class CityMix(NamedTuple):
    """A day of each city's swaps by pack.

    Axes: city c, pack k, station type t, in the order of the instance's tables.

    Attributes
    ----------
    swaps_per_hour : float array, shape (num_cities, num_packs, 24)
        At the hours of the busiest day, a holiday.
    workday_per_hour : float array, same shape
        As many swaps at the hours of a workday.
    peak_per_hour : float array, shape (num_cities,)
        Their sum in the city's peak hour [1/h].
    turn_h, grid_kwh : float arrays, shape (num_cities, num_packs, num_types)
        Mean of the swaps; the worst of all where a pack has none.
    """

    swaps_per_hour: FloatArray
    workday_per_hour: FloatArray
    peak_per_hour: FloatArray
    turn_h: FloatArray
    grid_kwh: FloatArray


def city_mix(
    instance: Instance, fleet: FleetOperation, vehicles: FloatArray, month_idx: IntArray
) -> CityMix:
    """Swaps of the busiest day with the design weather of a month.

    Parameters
    ----------
    instance : Instance
        For the scenario's ``demand.peak_day_factor``, and a workday's hours.
    fleet : FleetOperation
    vehicles : ndarray, shape (num_cities, num_vehicles, num_packs)
        Vehicles per pack.
    month_idx : int array, shape (num_cities,)
        Month of each city, 0 = January.
    """
    cities = np.arange(len(month_idx))

    def of_month(values: FloatArray) -> FloatArray:
        return np.asarray(np.moveaxis(values, -1, 1)[cities, month_idx])

    swaps = vehicles * np.nan_to_num(of_month(fleet.design_swaps_per_day))
    swaps = swaps * instance.scenario.demand.peak_day_factor
    by_hour = np.einsum("cvk,vh->ckh", swaps, fleet.hour_frac)
    total = swaps.sum(axis=1)

    def mean(values: FloatArray) -> FloatArray:
        sums = np.einsum("cvk,cvkt->ckt", swaps, np.nan_to_num(values))
        worst = np.full(sums.shape, np.nanmax(values))
        there = np.broadcast_to(total[..., None] > 0, sums.shape)
        return np.asarray(np.divide(sums, total[..., None], out=worst, where=there))

    return CityMix(
        swaps_per_hour=by_hour,
        workday_per_hour=np.einsum("cvk,vh->ckh", swaps, hours_of_classes(instance, WORKDAY)),
        peak_per_hour=by_hour.sum(axis=1)[cities, fleet.peak_hour],
        turn_h=mean(of_month(fleet.design_turn_h)),
        grid_kwh=mean(of_month(fleet.design_grid_kwh)),
    )


def worst_month(
    instance: Instance, fleet: FleetOperation, vehicles: FloatArray, quarter: str
) -> IntArray:
    """Month of each city that its stations' packs of a quarter are planned for, 0 = January.

    In the planning quarter the year's coldest; in others the month of the quarter with most swaps
    on its design day.
    """
    if quarter == instance.scenario.planning_quarter:
        return fleet.coldest_month
    first = (int(quarter[-1]) - 1) * MONTHS_PER_QUARTER
    months = slice(first, first + MONTHS_PER_QUARTER)
    swaps = np.einsum(
        "cvk,cvkm->cm", vehicles, np.nan_to_num(fleet.design_swaps_per_day[..., months])
    )
    return np.asarray(first + swaps.argmax(axis=1), dtype=np.int64)


def station_day(
    instance: Instance,
    mix: CityMix,
    station_id: StringArray,
    city_idx: IntArray,
    type_idx: IntArray,
    peak_per_hour: FloatArray,
) -> StationDay:
    """A day of stations with their cities' mix, without packs yet.

    Parameters
    ----------
    instance : Instance
    mix : CityMix
    station_id, city_idx, type_idx : arrays, shape (num_stations,)
        Types as positions in the table of stations.
    peak_per_hour : float array, shape (num_stations,)
        Swaps of each in its city's peak hour [1/h].
    """
    types, packs = instance.stations, instance.packs
    share = np.divide(peak_per_hour, mix.peak_per_hour[city_idx], out=np.zeros(len(city_idx)),
                      where=mix.peak_per_hour[city_idx] > 0)  # fmt: skip
    handling_h = types["handling_s"].to_numpy(float)[type_idx] / SECONDS_PER_HOUR
    lane_s = types.get("lane_s", types["seconds_per_swap"]).fillna(types["seconds_per_swap"])
    charge_h = mix.turn_h[city_idx, :, type_idx] - handling_h[:, None]
    num_stations = len(station_id)
    nothing = np.zeros(charge_h.shape)
    return StationDay(
        station_id=station_id,
        pack_id=packs["pack_id"].to_numpy(str),
        envelope_idx=pd.factorize(packs["envelope"])[0].astype(np.int64),
        group_idx=city_idx,
        swaps_per_hour=mix.swaps_per_hour[city_idx] * share[:, None, None],
        packs=nothing.astype(np.int64),
        bays=types["bays"].to_numpy(np.int64)[type_idx],
        lane_s=lane_s.to_numpy(float)[type_idx],
        grid_kw=types["grid_kw"].to_numpy(float)[type_idx],
        handling_h=handling_h,
        heat_h=nothing,
        heat_kw=nothing,
        charge_h=charge_h,
        charge_kw=mix.grid_kwh[city_idx, :, type_idx] / charge_h,
        next_idx=np.full(num_stations, -1, dtype=np.int64),
        next_min=np.zeros(num_stations),
    )


def in_parts(
    instance: Instance, day: StationDay, solve: Callable[[StationDay, IntArray], NDArray[Any]]
) -> NDArray[Any]:
    """An array over a day's stations, made in parts side by side, as many as there are workers.

    ``solve`` gets the stations of a part and their positions.
    """
    workers = instance.scenario.solver.workers
    parts = np.array_split(np.arange(len(day.station_id)), 4 * workers)
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(
            list(pool.map(lambda rows: solve(take_stations(day, rows), rows), parts))
        )


@dataclass(frozen=True)
class Capacity:
    """What station types can do in cities.

    Attributes
    ----------
    swaps_per_hour : float array, shape (num_cities, num_types)
        In the peak hour, types in the order of `station_types_by_size`; the least of all cities in
        one without swaps [1/h].
    mix : float array, shape (num_cities, num_packs, 24)
        Share of the peak hour's swaps that come in each hour for each pack.
    """

    swaps_per_hour: FloatArray
    mix: FloatArray


def station_capacity(
    instance: Instance,
    fleet: FleetOperation,
    vehicles: FloatArray,
    earlier: Capacity | None = None,
) -> Capacity:
    """Swaps in the peak hour that each type can do in each city with its mix of packs.

    Parameters
    ----------
    instance : Instance
        ``service`` of its scenario is the level, ``throughput.utilisation_frac`` the override.
    fleet : FleetOperation
    vehicles : ndarray, shape (num_cities, num_vehicles, num_packs)
        Vehicles per pack in the planning quarter.
    earlier : Capacity, optional
        For other vehicles; cities whose mix is the same are not asked again.

    Returns
    -------
    Capacity
    """
    mix = city_mix(instance, fleet, vehicles, fleet.coldest_month)
    by_size = pd.Index(instance.stations["station_type_id"]).get_indexer(
        station_types_by_size(instance)["station_type_id"]
    )
    peak = mix.peak_per_hour
    of_peak = np.zeros(mix.swaps_per_hour.shape)
    np.divide(mix.swaps_per_hour, peak[:, None, None], out=of_peak, where=peak[:, None, None] > 0)
    capacity = np.full((len(peak), len(by_size)), np.nan)
    asked = peak > 0
    if earlier is not None:
        same = asked & np.isclose(of_peak, earlier.mix, rtol=0, atol=SAME_MIX).all(axis=(1, 2))
        capacity[same] = earlier.swaps_per_hour[same]
        asked &= ~same
    city_idx = np.flatnonzero(asked)
    case = np.repeat(city_idx, len(by_size)), np.tile(by_size, len(city_idx))
    names = np.array([f"{city} {kind}" for city, kind in zip(*case, strict=True)], dtype=np.str_)
    day = station_day(instance, mix, names, *case, np.ones(len(names)))
    near = None if earlier is None else earlier.swaps_per_hour[city_idx].ravel()
    rate = in_parts(
        instance, day,
        lambda part, rows: _most_per_hour(instance, part, None if near is None else near[rows]),
    )  # fmt: skip
    capacity[city_idx] = rate.reshape(len(city_idx), len(by_size))
    least = np.nanmin(capacity, axis=0, initial=np.inf)
    return Capacity(
        np.where(np.isnan(capacity), np.where(np.isfinite(least), least, 0.0), capacity), of_peak
    )


def road_capacity(
    instance: Instance, fleet: FleetOperation, travels: BoolArray, station_type_id: str
) -> FloatArray:
    """Swaps in the busiest hour that a station between cities can do in each city's climate.

    Before packs are planned: the packs of the vehicles that travel come alike, in all hours alike,
    which asks for more packs than any mix of theirs.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    travels : bool array, shape (num_vehicles, num_packs)
        Vehicle classes that travel, and the packs that fit them.
    station_type_id : str

    Returns
    -------
    float array, shape (num_cities,)
        [1/h]
    """
    num_cities = len(instance.cities)
    one_each = np.broadcast_to(travels.astype(float), (num_cities, *travels.shape))
    mix = city_mix(instance, fleet, one_each, fleet.coldest_month)
    place = pd.Index(instance.stations["station_type_id"]).get_loc(station_type_id)
    cities = np.arange(num_cities)
    day = station_day(
        instance, mix, cities.astype(str), cities, np.full(num_cities, place), np.zeros(num_cities)
    )
    alike = travels.any(axis=0) / travels.any(axis=0).sum()
    flat = np.broadcast_to(alike[:, None], day.swaps_per_hour.shape).copy()
    day = replace(day, swaps_per_hour=flat)
    return in_parts(instance, day, lambda part, _: _most_per_hour(instance, part))


def _most_per_hour(
    instance: Instance, day: StationDay, near: FloatArray | None = None
) -> FloatArray:
    """Largest multiple of a day's drivers, by the level or the override."""
    if not len(day.station_id):
        return np.zeros(0)
    override = instance.scenario.throughput.utilisation_frac
    if override is None:
        level = instance.scenario.service
        busiest = day.swaps_per_hour.sum(axis=1).max(axis=1)
        mix = replace(day, swaps_per_hour=day.swaps_per_hour / busiest[:, None, None])
        found = most_swaps_per_hour(
            mix, level.busy_hours, level.wait_min, level.planned_frac,
            None if near is None else near * busiest,
        )  # fmt: skip
        return np.asarray(found.swaps_per_hour / busiest)
    mixed = day.swaps_per_hour.sum(axis=2)
    mixed = mixed / mixed.sum(axis=1, keepdims=True)
    rate = loaded_rate(
        bays=day.bays, seconds_per_swap=day.lane_s, grid_kw=day.grid_kw,
        turn_h=(mixed * day.turn_h).sum(axis=1),
        grid_kwh_per_swap=(mixed * day.grid_kwh).sum(axis=1), utilisation_frac=override,
    )  # fmt: skip
    return np.asarray(rate)
