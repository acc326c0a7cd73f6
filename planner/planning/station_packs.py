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


class Stage(NamedTuple):
    """Stations of some quarters, and whom they serve.

    Attributes
    ----------
    quarters : tuple of str
        In which they stand.
    load_quarter : str
        Whose vehicles and packs the loads are of.
    problem : SizedCoverageProblem
        For the loads.
    site_idx : int array, shape (num_open,)
        Open sites, ascending.
    allocation : Allocation
        Stations in the order of ``site_idx``.
    """

    quarters: tuple[str, ...]
    load_quarter: str
    problem: SizedCoverageProblem
    site_idx: IntArray
    allocation: Allocation


class OpenStations(NamedTuple):
    """Stations of the cities, and those between them.

    Attributes
    ----------
    station_id : str array, shape (num_stations,)
    city_idx : int array, shape (num_stations,)
        City; of a station between cities the nearest.
    type_idx : int array, shape (num_quarters, num_stations)
        Position in the table of stations, by quarter of the scenario.
    share_frac : float array, shape (num_quarters, num_stations)
        Share of its city's swaps that each station has; 0 in quarters in which it does not stand,
        and of those between cities.
    road_per_hour : float array, shape (num_stations, num_packs)
        Of stations between cities, by pack in the busiest hour [1/h]; NaN of the others.
    """

    station_id: StringArray
    city_idx: IntArray
    type_idx: IntArray
    share_frac: FloatArray
    road_per_hour: FloatArray

    @property
    def on_road(self) -> BoolArray:
        """Whether each stands between cities."""
        return np.asarray(~np.isnan(self.road_per_hour).any(axis=1))


def open_stations(
    instance: Instance,
    fleet: FleetOperation,
    vehicles: FloatArray,
    stages: Sequence[Stage],
    on_road: RoadUse,
) -> OpenStations:
    """The stations of a round, with what is asked of each in every quarter.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
        That the stages' loads are of.
    stages : sequence of Stage
        Each quarter in at most one; what stands in one stands in all later ones.
    on_road : RoadUse
        Stations between the cities; they stand in every quarter.
    """
    quarters = instance.scenario.quarters
    site_idx = stages[-1].site_idx
    sites = instance.sites.iloc[site_idx]
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(sites["city_id"])
    by_size = pd.Index(instance.stations["station_type_id"]).get_indexer(
        station_types_by_size(instance)["station_type_id"]
    )
    shape = (len(quarters), len(sites))
    type_idx, share = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    for stage in stages:
        allocation, place = stage.allocation, np.searchsorted(site_idx, stage.site_idx)
        load = stage.problem.load[allocation.zone_idx] * allocation.share_frac
        peak = np.bincount(allocation.station_idx, load, minlength=len(place))
        of_loads = vehicles[quarters.index(stage.load_quarter)]
        of_city = city_mix(instance, fleet, of_loads, fleet.coldest_month).peak_per_hour
        of_city = of_city[city_idx[place]]
        of_stage = np.divide(peak, of_city, out=np.zeros(len(place)), where=of_city > 0)
        for quarter in stage.quarters:
            share[quarters.index(quarter), place] = of_stage
            type_idx[quarters.index(quarter), place] = by_size[allocation.type_idx]
    road = np.broadcast_to(on_road.type_idx, (len(quarters), len(on_road.type_idx)))
    not_on_road = np.full((len(sites), len(instance.packs)), np.nan)
    return OpenStations(
        station_id=np.concatenate((sites["site_id"].to_numpy(str), on_road.station_id)),
        city_idx=np.concatenate((city_idx, on_road.city_idx)).astype(np.int64),
        type_idx=np.hstack((type_idx, road)).astype(np.int64),
        share_frac=np.hstack((share, np.zeros(road.shape))),
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
        As many as the bays hold where the level asks for more; none where no station stands.
    """
    scenario, on_road = instance.scenario, stations.on_road
    planned = scenario.quarters.index(scenario.planning_quarter)
    of_pack = vehicles.sum(axis=(1, 2))
    packs = np.zeros((len(quarters), len(on_road), len(instance.packs)), dtype=np.int64)
    for row, quarter in enumerate(quarters):
        q = scenario.quarters.index(quarter)
        mix = city_mix(
            instance, fleet, vehicles[q], worst_month(instance, fleet, vehicles[q], quarter)
        )
        in_city = np.flatnonzero(stations.share_frac[q] > 0)
        city, kind = stations.city_idx[in_city], stations.type_idx[q, in_city]
        peak = stations.share_frac[q, in_city] * mix.peak_per_hour[city]
        day = station_day(instance, mix, stations.station_id[in_city], city, kind, peak)
        workday = station_day(
            instance, mix._replace(swaps_per_hour=mix.workday_per_hour),
            stations.station_id[in_city], city, kind, peak,
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
        stations.type_idx[0, on_road], np.zeros(len(on_road)),
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
    assumed: StationAnswer,
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
    assumed : StationAnswer
        What the vehicles' packs were planned for.

    Returns
    -------
    StationAnswer
        Where no vehicle has the pack, what its city's stations keep of all packs together, and no
        less than was assumed: vehicles that left a pack, of which stations keep many for few, do
        not come back because nobody has it.
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
            _ratio(by_city, in_cities, _rows(assumed.per_turning, all_quarters, quarters)),
            (len(all_quarters), *in_cities.shape[1:]),
        ),
        per_turning_on_road=np.broadcast_to(
            _ratio(
                road,
                on_road.sum(axis=1),
                _rows(assumed.per_turning_on_road, all_quarters, quarters),
            ),
            (len(all_quarters), in_cities.shape[2]),
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


def _rows(values: FloatArray, all_quarters: Sequence[str], quarters: Sequence[str]) -> FloatArray:
    """Values of some quarters, of those along the first axis."""
    return values[[all_quarters.index(quarter) for quarter in quarters]]


def _ratio(packs: IntArray, turning: FloatArray, least: FloatArray) -> FloatArray:
    """Packs over turning ones along the last axis; where none turns that of all, or the least."""
    total = turning.sum(axis=-1, keepdims=True)
    of_all = np.full(total.shape, FIRST_PACKS_PER_TURNING)
    np.divide(packs.sum(axis=-1, keepdims=True), total, out=of_all, where=total > 0)
    otherwise = np.maximum(of_all, least)
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
