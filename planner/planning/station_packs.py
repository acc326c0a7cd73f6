"""Whole packs of every station in every quarter, and what they tell the pack model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from planner.arrays import BoolArray, FloatArray, IntArray, StringArray
from planner.instance import Instance
from planner.models.allocation.solve import Allocation
from planner.models.packs.problem import PackAssignment
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.physics.fleet import FleetOperation
from planner.planning.packs import (
    FIRST_PACKS_PER_TURNING,
    StationAnswer,
    annuity,
    turning_per_vehicle,
)
from planner.planning.service import CityMix, city_mix, in_parts, station_day, worst_month
from planner.planning.siting.question import Siting
from planner.planning.siting.standing import station_types_by_size
from planner.service.day import StationDay, busiest_hours
from planner.service.stock import fewest_packs, further_packs
from planner.units import DAYS_PER_YEAR, HOURS_PER_DAY

LEAST_DRIVERS_PER_DAY = 0.05
"""A station keeps no pack for drivers who come less often: one in three weeks."""
MOST_FURTHER_PACKS = 3
"""More than the level asks for, by station: what they bring falls fast."""
ROUNDING_PACKS = 1e-6
"""The pack model's stock may fall short of a whole number by rounding."""


class CityService(NamedTuple):
    """What the stations of a round do for their cities, shape (num_cities,).

    Attributes
    ----------
    served_frac : float array
        Share of the city's swaps that its stations serve.
    capacity_cny : float array
        What one more swap in the design hour costs the city's service, per day [CNY].
    """

    served_frac: FloatArray
    capacity_cny: FloatArray


class RoadUse(NamedTuple):
    """What stations between the cities give.

    Attributes
    ----------
    kwh_per_day : float array, shape (num_cities, num_vehicles)
        Per vehicle, on a mean day of the season in which they give most [kWh].
    station_id : str array, shape (num_stations,)
    city_idx, type_idx : int arrays, same shape
        Nearest city; position in the table of stations.
    per_hour : float array, shape (num_stations, num_packs)
        Swaps by pack in the busiest hour [1/h].
    """

    kwh_per_day: FloatArray
    station_id: StringArray
    city_idx: IntArray
    type_idx: IntArray
    per_hour: FloatArray

    @classmethod
    def none(cls, instance: Instance) -> Self:
        """No such station."""
        nobody = np.zeros(0, dtype=np.int64)
        return cls(
            np.zeros((len(instance.cities), len(instance.vehicles))),
            np.zeros(0, dtype=np.str_), nobody, nobody, np.zeros((0, len(instance.packs))),
        )  # fmt: skip


class OpenStations(NamedTuple):
    """Stations of the cities, and those between them.

    Attributes
    ----------
    station_id : str array, shape (num_stations,)
    city_idx : int array, shape (num_stations,)
        City; of a station between cities the nearest.
    type_idx : int array, shape (num_stations,)
        Position in the table of stations.
    peak_per_hour : float array, shape (num_stations,)
        Swaps in the peak hour of the planning quarter's winter design day [1/h].
    road_per_hour : float array, shape (num_stations, num_packs)
        Of stations between cities, by pack in the busiest hour [1/h]; NaN of the others.
    """

    station_id: StringArray
    city_idx: IntArray
    type_idx: IntArray
    peak_per_hour: FloatArray
    road_per_hour: FloatArray

    @property
    def on_road(self) -> BoolArray:
        """Whether each stands between cities."""
        return np.asarray(~np.isnan(self.road_per_hour).any(axis=1))


def open_stations(
    instance: Instance,
    problem: SizedCoverageProblem,
    siting: Siting,
    allocation: Allocation,
    on_road: RoadUse,
) -> OpenStations:
    """The stations of a round, with what is asked of each.

    Parameters
    ----------
    instance : Instance
    problem, siting, allocation : SizedCoverageProblem, Siting, Allocation
        Loads, sites and who serves whom.
    on_road : RoadUse
        Stations between the cities.
    """
    sites = instance.sites.iloc[siting.open_site_idx]
    load = problem.load[allocation.zone_idx] * allocation.share_frac
    peak = np.bincount(allocation.station_idx, load, minlength=len(sites))
    by_size = station_types_by_size(instance)["station_type_id"].iloc[allocation.type_idx]
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(sites["city_id"])
    type_idx = pd.Index(instance.stations["station_type_id"]).get_indexer(pd.Index(by_size))
    not_on_road = np.full((len(sites), len(instance.packs)), np.nan)
    return OpenStations(
        station_id=np.concatenate((sites["site_id"].to_numpy(str), on_road.station_id)),
        city_idx=np.concatenate((city_idx, on_road.city_idx)).astype(np.int64),
        type_idx=np.concatenate((type_idx, on_road.type_idx)).astype(np.int64),
        peak_per_hour=np.concatenate((peak, np.zeros(len(on_road.city_idx)))),
        road_per_hour=np.vstack((not_on_road, on_road.per_hour)),
    )


def stock_stations(
    instance: Instance,
    fleet: FleetOperation,
    vehicles: FloatArray,
    stations: OpenStations,
    quarters: Sequence[str],
) -> IntArray:
    """The fewest whole packs with which each station keeps the service level in some quarters.

    Parameters
    ----------
    instance : Instance
        ``service`` of its scenario is the level.
    fleet : FleetOperation
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
        Vehicles per pack.
    stations : OpenStations
    quarters : sequence of str

    Returns
    -------
    int array, shape (len(quarters), num_stations, num_packs)
        As many as the bays hold where the level asks for more.
    """
    scenario, on_road = instance.scenario, stations.on_road
    planned = scenario.quarters.index(scenario.planning_quarter)
    now = city_mix(instance, fleet, vehicles[planned], fleet.coldest_month)
    in_city = np.flatnonzero(~on_road)
    city = stations.city_idx[in_city]
    share = np.divide(
        stations.peak_per_hour[in_city], now.peak_per_hour[city], out=np.zeros(len(city)),
        where=now.peak_per_hour[city] > 0,
    )  # fmt: skip
    of_pack = vehicles.sum(axis=(1, 2))
    packs = np.zeros((len(quarters), len(on_road), len(instance.packs)), dtype=np.int64)
    for row, quarter in enumerate(quarters):
        q = scenario.quarters.index(quarter)
        mix = city_mix(
            instance, fleet, vehicles[q], worst_month(instance, fleet, vehicles[q], quarter)
        )
        peak = share * mix.peak_per_hour[city]
        day = station_day(
            instance, mix, stations.station_id[in_city], city, stations.type_idx[in_city], peak
        )
        workday = station_day(
            instance, mix._replace(swaps_per_hour=mix.workday_per_hour),
            stations.station_id[in_city], city, stations.type_idx[in_city], peak,
        )  # fmt: skip
        packs[row, in_city] = _packs_of(instance, day, workday)
        if on_road.any():
            grown = np.divide(of_pack[q], of_pack[planned], out=np.zeros(len(of_pack[q])),
                              where=of_pack[planned] > 0)  # fmt: skip
            road = _road_day(instance, mix, stations, grown)
            packs[row, on_road] = _packs_of(instance, road, road)
    return packs


def _packs_of(instance: Instance, day: StationDay, workday: StationDay) -> IntArray:
    """Packs that keep the level on the busiest day, and further ones that usual days pay for.

    ``workday`` has the busiest day's swaps at the hours of a usual day; usual days are without the
    peak's factor.
    """
    level, costs, packs = instance.scenario.service, instance.scenario.costs, instance.packs
    comes = day.swaps_per_hour.sum(axis=2) >= LEAST_DRIVERS_PER_DAY
    day = replace(day, swaps_per_hour=day.swaps_per_hour * comes[..., None])
    pack_cny = (packs["cost_cny_per_kwh"] * packs["nominal_kwh"]).to_numpy(float)
    lease_cny = pack_cny * annuity(costs.max_pack_years, costs.interest_rate) / DAYS_PER_YEAR
    peak = instance.scenario.demand.peak_day_factor

    def of_part(part: StationDay, rows: IntArray) -> IntArray:
        hours = busiest_hours(part.swaps_per_hour, level.busy_hours)
        stock = fewest_packs(part, part.bays, hours, level.wait_min, level.planned_frac)
        if level.late_swap_cny == 0:
            return stock.packs
        swaps = workday.swaps_per_hour[rows] * comes[rows][..., None]
        usual = replace(part, swaps_per_hour=swaps / peak)
        most = np.minimum(part.bays, stock.packs.sum(axis=1) + MOST_FURTHER_PACKS)
        return further_packs(usual, stock, most, level.wait_min, level.late_swap_cny, lease_cny)

    return in_parts(instance, day, of_part)


def _road_day(
    instance: Instance, mix: CityMix, stations: OpenStations, grown: FloatArray
) -> StationDay:
    """Stations between cities, as if every hour were the busiest of the holiday."""
    on_road = np.flatnonzero(stations.on_road)
    rates = stations.road_per_hour[on_road] * grown
    day = station_day(
        instance, mix, stations.station_id[on_road], stations.city_idx[on_road],
        stations.type_idx[on_road], np.zeros(len(on_road)),
    )  # fmt: skip
    return replace(day, swaps_per_hour=np.repeat(rates[..., None], HOURS_PER_DAY, axis=2))


def sums_by_city(packs: IntArray, stations: OpenStations, num_cities: int) -> IntArray:
    """Packs in each city's stations, shape (num_quarters, num_cities, num_packs)."""
    in_city = ~stations.on_road
    sums = np.zeros((len(packs), num_cities, packs.shape[2]), dtype=np.int64)
    for q in range(len(packs)):
        np.add.at(sums[q], stations.city_idx[in_city], packs[q, in_city])
    return sums


def answer_of_stock(
    instance: Instance,
    fleet: FleetOperation,
    vehicles: FloatArray,
    packs: IntArray,
    stations: OpenStations,
    quarters: Sequence[str],
    service: CityService,
    road_kwh_per_day: FloatArray,
) -> StationAnswer:
    """What stations tell the pack model: their service, and what they keep per pack in its turn.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
    packs : int array, shape (len(quarters), num_stations, num_packs)
        From `stock_stations`, for these vehicles.
    stations : OpenStations
    quarters : sequence of str
        All of the scenario, or one that stands for all.
    service : CityService
    road_kwh_per_day : ndarray, shape (num_cities, num_vehicles)
        As in `RoadUse`.

    Returns
    -------
    StationAnswer
        Where no vehicle has the pack, what its city's stations keep of all packs together.
    """
    all_quarters = instance.scenario.quarters
    in_cities, on_road = (
        np.stack(sums)
        for sums in zip(
            *(
                [
                    (vehicles[all_quarters.index(quarter)] * np.nan_to_num(each)).sum(axis=1)
                    for each in turning_per_vehicle(instance, fleet, road_kwh_per_day, quarter)
                ]
                for quarter in quarters
            ),
            strict=True,
        )
    )
    by_city = sums_by_city(packs, stations, in_cities.shape[1])
    road = packs[:, stations.on_road].sum(axis=1)
    return StationAnswer(
        served_frac=service.served_frac,
        capacity_cny=service.capacity_cny,
        road_kwh_per_day=road_kwh_per_day,
        per_turning=np.broadcast_to(
            _ratio(by_city, in_cities), (len(all_quarters), *in_cities.shape[1:])
        ),
        per_turning_on_road=np.broadcast_to(
            _ratio(road, on_road.sum(axis=1)), (len(all_quarters), in_cities.shape[2])
        ),
    )


def packs_by_city(
    instance: Instance,
    fleet: FleetOperation,
    vehicles: FloatArray,
    packs: IntArray,
    stations: OpenStations,
    answer: StationAnswer,
) -> FloatArray:
    """Packs of stations as part of the cities' stock.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
    packs : int array, shape (num_quarters, num_stations, num_packs)
    stations : OpenStations
    answer : StationAnswer
        For ``road_kwh_per_day``.

    Returns
    -------
    ndarray, shape (num_quarters, num_cities, num_packs)
        Whole packs of the city's stations, and its share, not whole, of those between the cities:
        by the packs that its vehicles' swaps on the road keep in their turn.
    """
    held = sums_by_city(packs, stations, vehicles.shape[1]).astype(float)
    if not stations.on_road.any():
        return held
    road = packs[:, stations.on_road].sum(axis=1)
    for q, quarter in enumerate(instance.scenario.quarters):
        _, each = turning_per_vehicle(instance, fleet, answer.road_kwh_per_day, quarter)
        turning = (vehicles[q] * np.nan_to_num(each)).sum(axis=1)
        total = turning.sum(axis=0)
        share = np.divide(turning, total, out=np.zeros(turning.shape), where=total > 0)
        held[q] += share * road[q]
    return held


def _ratio(packs: IntArray, turning: FloatArray) -> FloatArray:
    """Packs over turning ones along the last axis; that of all together where none turns."""
    total = turning.sum(axis=-1, keepdims=True)
    of_all = np.full(total.shape, FIRST_PACKS_PER_TURNING)
    np.divide(packs.sum(axis=-1, keepdims=True), total, out=of_all, where=total > 0)
    otherwise = np.broadcast_to(of_all, turning.shape).copy()
    return np.asarray(np.divide(packs, turning, out=otherwise, where=turning > 0))


def keep_within_stock(
    packs: IntArray, stations: OpenStations, vehicles: FloatArray, solution: PackAssignment
) -> IntArray:
    """Take packs from stations until no city, and the nation, uses more than it has.

    Parameters
    ----------
    packs : int array, shape (num_quarters, num_stations, num_packs)
    stations : OpenStations
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
    solution : PackAssignment
        Its stock holds vehicles' and stations' packs; those between cities are part of the stock
        of the cities whose vehicles use them.

    Returns
    -------
    int array, shape (num_quarters, num_stations, num_packs)
        Taken one by one from the station that has most of the pack.
    """
    packs = packs.copy()
    spare = solution.stock - vehicles.sum(axis=2)
    by_city = sums_by_city(packs, stations, spare.shape[1])
    over = by_city - np.floor(spare + ROUNDING_PACKS).astype(np.int64)
    for q, c, k in zip(*np.nonzero(over > 0), strict=True):
        there = np.flatnonzero((stations.city_idx == c) & ~stations.on_road)
        _take(packs[q, :, k], there, int(over[q, c, k]))
    left = spare.sum(axis=1) - sums_by_city(packs, stations, spare.shape[1]).sum(axis=1)
    over_road = packs[:, stations.on_road].sum(axis=1) - np.floor(left + ROUNDING_PACKS)
    for q, k in zip(*np.nonzero(over_road > 0), strict=True):
        _take(packs[q, :, k], np.flatnonzero(stations.on_road), int(over_road[q, k]))
    return packs


def _take(of_station: IntArray, there: IntArray, number: int) -> None:
    for _ in range(min(number, int(of_station[there].sum()))):
        of_station[there[of_station[there].argmax()]] -= 1
