"""The pack problem from an instance, and its answer by city, class and pack."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.instance.car_models import accepting_frac
from planner.instance.dated_gates import filled, first_deliveries, gate_dates, open_in
from planner.instance.tables import SWAP_CAR
from planner.limits import at_least
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.physics.fleet import FleetOperation
from planner.physics.pack_use import driver_windows
from planner.planning.shared_supply import (
    SupplyLabels,
    assemble_supply,
    price_contracts,
    price_contracts_again,
)
from planner.units import (
    DAYS_PER_MONTH,
    DAYS_PER_YEAR,
    KG_PER_TONNE,
    MONTHS_PER_QUARTER,
    QUARTERS_PER_YEAR,
    TONNES_PER_KT,
)

FloatArray = NDArray[np.float64]


FIRST_PACKS_PER_TURNING = 1.6
"""Before any station is planned: as with 14 packs of one type, 95 % served within five minutes."""


@dataclass(frozen=True)
class StationAnswer:
    """What the stations of the last round tell the packs.

    Attributes
    ----------
    served_frac : ndarray, shape (num_cities,)
        Share of the city's swaps that its stations serve.
    capacity_cny : ndarray, shape (num_cities,)
        What one more swap in the design hour costs the city's service, per day [CNY]: it
        crowds out others where stations are full.
    road_kwh_per_day : ndarray, shape (num_cities, num_vehicles)
        Energy that stations between the cities give per vehicle, on a mean day of the season in
        which they give most [kWh].
    per_turning : ndarray, shape (num_quarters, num_cities, num_packs)
        Whole packs in the city's stations, per pack that all its swaps of the design hour keep in
        its turn: the more chance, types and rounding ask for, the more.
    per_turning_on_road : ndarray, shape (num_quarters, num_packs)
        The same of the stations between the cities.
    """

    served_frac: FloatArray
    capacity_cny: FloatArray
    road_kwh_per_day: FloatArray
    per_turning: FloatArray
    per_turning_on_road: FloatArray

    def mixed_with(self, earlier: "StationAnswer", weight: float) -> "StationAnswer":
        """Mix with an earlier answer, which counts by ``weight`` in [0, 1]."""
        mixed = {
            field.name: (1 - weight) * getattr(self, field.name)
            + weight * getattr(earlier, field.name)
            for field in fields(self)
        }
        return StationAnswer(**mixed)

    @classmethod
    def everywhere(cls, instance: Instance) -> "StationAnswer":
        """Everything served, nothing crowded, nobody on the road."""
        num_cities, num_vehicles = len(instance.cities), len(instance.vehicles)
        num_quarters, num_packs = len(instance.scenario.quarters), len(instance.packs)
        return cls(
            np.ones(num_cities),
            np.zeros(num_cities),
            np.zeros((num_cities, num_vehicles)),
            np.full((num_quarters, num_cities, num_packs), FIRST_PACKS_PER_TURNING),
            np.full((num_quarters, num_packs), FIRST_PACKS_PER_TURNING),
        )


@dataclass(frozen=True)
class PackLabels:
    """What the indices of a `PackAssignmentProblem` stand for: positions in the tables.

    Attributes
    ----------
    group_city_idx, group_vehicle_idx : ndarray, shape (num_groups,)
        City and vehicle class of each group.
    chemistries : tuple of str
        In the order of the problem's.
    keeps_promise : bool ndarray, shape (num_quarters, num_options)
        Whether the option may be used as far as the promised range goes.
    supply : SupplyLabels
        Sources, buyers and materials.
    """

    group_city_idx: NDArray[np.int64]
    group_vehicle_idx: NDArray[np.int64]
    chemistries: tuple[str, ...]
    keeps_promise: NDArray[np.bool_]
    supply: SupplyLabels


def assemble_pack_assignment(
    instance: Instance, fleet: FleetOperation, stations: StationAnswer
) -> tuple[PackAssignmentProblem, PackLabels]:
    """The pack problem over the scenario's quarters.

    Parameters
    ----------
    instance : Instance
        Packs, stock, supply, gates, costs.
    fleet : FleetOperation
        Vehicles, swaps, range and turns.
    stations : StationAnswer
        Of the last round; before the first, everything served and nothing crowded.

    Returns
    -------
    PackAssignmentProblem
        A group is a class that has vehicles in a city in some quarter.
    PackLabels
        What its indices stand for.
    """
    packs, scenario = instance.packs, instance.scenario
    quarters, costs = scenario.quarters, scenario.costs
    city_idx, vehicle_idx = np.nonzero((fleet.vehicles > 0).any(axis=0))
    fits = ~np.isnan(fleet.design_range_km[city_idx, vehicle_idx, :, 0])
    group_idx, pack_idx = np.nonzero(fits)
    option = (city_idx[group_idx], vehicle_idx[group_idx], pack_idx)
    open_ = open_packs(instance)
    keeps_promise = at_least(_range_km(instance, fleet, option), scenario.packs.promised_range_km)
    keeps_promise |= scenario.packs.promise == "penalty"
    option_packs, option_cost = _of_options(instance, fleet, stations, option)
    pack_cny = (packs["cost_cny_per_kwh"] * packs["nominal_kwh"]).to_numpy(float)
    chemistries = tuple(sorted(packs["chemistry"].unique()))
    stock, retirement = _initial_stock(instance)
    supply, of_supply = assemble_supply(instance, chemistries)
    city_market_idx, min_order = _orders(instance)
    carbon_kg, carbon_cap_kg = _carbon(instance)
    problem = PackAssignmentProblem(
        vehicles=fleet.vehicles[:, city_idx, vehicle_idx],
        group_city_idx=city_idx.astype(np.int32),
        option_group_idx=group_idx.astype(np.int32),
        option_pack_idx=pack_idx.astype(np.int32),
        option_allowed=may_be_used(open_)[:, option[0], option[2]] & keeps_promise,
        option_packs=option_packs,
        option_cost=option_cost,
        delivery_allowed=open_,
        pack_chemistry_idx=pd.Index(chemistries).get_indexer(packs["chemistry"]).astype(np.int32),
        pack_kwh=packs["nominal_kwh"].to_numpy(float),
        lease_cost=(
            pack_cny * annuity(costs.max_pack_years, costs.interest_rate) / QUARTERS_PER_YEAR
        ),
        life_quarters=np.full(
            len(packs), max(1, round(costs.max_pack_years * QUARTERS_PER_YEAR)), dtype=np.int64
        ),
        initial_stock=stock,
        initial_retirement=retirement,
        relocation_cost=np.full(len(packs), costs.relocation_cny_per_pack),
        supply=supply,
        no_pack_cost=np.full(len(quarters), costs.no_pack_cny / QUARTERS_PER_YEAR),
        accepting_frac=accepting_frac(instance)[:, city_idx, vehicle_idx],
        city_market_idx=city_market_idx,
        min_order=min_order,
        carbon_kg=carbon_kg,
        carbon_cap_kg=carbon_cap_kg,
    )  # fmt: skip
    problem = price_contracts(problem, of_supply)
    return problem, PackLabels(city_idx, vehicle_idx, chemistries, keeps_promise, of_supply)


def assemble_again(
    instance: Instance,
    fleet: FleetOperation,
    stations: StationAnswer,
    problem: PackAssignmentProblem,
    labels: PackLabels,
) -> PackAssignmentProblem:
    """`assemble_pack_assignment` for other stations, which change the packs and costs of options.

    Parameters
    ----------
    instance, fleet, stations : Instance, FleetOperation, StationAnswer
    problem, labels : PackAssignmentProblem, PackLabels
        From `assemble_pack_assignment`, of the same instance and fleet.
    """
    group = problem.option_group_idx
    option = labels.group_city_idx[group], labels.group_vehicle_idx[group], problem.option_pack_idx
    option_packs, option_cost = _of_options(instance, fleet, stations, option)
    again = replace(problem, option_packs=option_packs, option_cost=option_cost)
    return price_contracts_again(again, labels.supply)


Option = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.integer]]
"""City, vehicle class and pack of each option."""


def _of_options(
    instance: Instance, fleet: FleetOperation, stations: StationAnswer, option: Option
) -> tuple[FloatArray, FloatArray]:
    """Packs per vehicle and cost without lease, as `PackAssignmentProblem` has them."""
    scenario = instance.scenario
    float_packs = np.stack(
        [
            station_packs_per_vehicle(instance, fleet, stations, name)[option]
            for name in scenario.quarters
        ]
    )
    shortfall_km = np.maximum(
        0, scenario.packs.promised_range_km - _range_km(instance, fleet, option)
    )
    cost = (
        np.stack(
            [_running_cny(instance, fleet, stations, name)[option] for name in scenario.quarters]
        )
        + scenario.costs.range_shortfall_cny_per_km * shortfall_km
        + _wear_cny(instance, fleet, option, float_packs) * (1 + float_packs)
    )
    return 1 + float_packs, cost


def _range_km(instance: Instance, fleet: FleetOperation, option: Option) -> FloatArray:
    """Least range of each quarter's design days, shape (num_quarters, num_options)."""
    months = fleet.design_range_km[option]
    return np.stack([_of_quarter(months, name).min(axis=-1) for name in instance.scenario.quarters])


def markets_of_cities(instance: Instance) -> list[str]:
    """Markets in the order of the problem's: by name."""
    return sorted(set(instance.cities["market"]))


def open_packs(instance: Instance, dates: pd.DataFrame | None = None) -> NDArray[np.bool_]:
    """Whether a pack may come to a city: on offer there, and certified for cars that swap.

    Parameters
    ----------
    instance : Instance
    dates : DataFrame, optional
        From `planner.instance.dated_gates.gate_dates`, with other dates where one asks about them.

    Returns
    -------
    bool ndarray, shape (num_quarters, num_cities, num_packs)
    """
    cities, packs = instance.cities["market"], instance.packs
    dates = gate_dates(instance) if dates is None else dates
    first = first_deliveries(instance).pivot(
        index="market", columns="pack_id", values="first_delivery"
    )
    by_city = first.loc[cities, packs["pack_id"]].to_numpy(str)
    return np.stack(
        [
            open_in(instance, SWAP_CAR, quarter, dates).loc[cities, packs["chemistry"]].to_numpy()
            & (by_city <= quarter)
            for quarter in instance.scenario.quarters
        ]
    )


def may_be_used(delivery_allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a pack may be in use: as soon as it may have come, whatever is asked for later.

    A certificate is asked for where a pack is placed on the market, not of those in use; with gates
    that open once and for all both are the same. First axis: quarters.
    """
    return np.asarray(np.logical_or.accumulate(delivery_allowed, axis=0))


def annuity(years: FloatArray | float, rate: float) -> FloatArray:
    """Yearly payment for 1 over some years at a yearly rate.

    >>> round(float(annuity(10.0, 0.05)), 4), float(annuity(10.0, 0.0))
    (0.1295, 0.1)
    """
    years = np.asarray(years, dtype=float)
    return np.asarray(1 / years if rate == 0 else rate / -np.expm1(-years * np.log1p(rate)))


def _months(quarter: str) -> slice:
    first = (int(quarter[-1]) - 1) * MONTHS_PER_QUARTER
    return slice(first, first + MONTHS_PER_QUARTER)


def _of_quarter(monthly: FloatArray, quarter: str) -> FloatArray:
    return monthly[..., _months(quarter)]


def station_packs_per_vehicle(
    instance: Instance, fleet: FleetOperation, stations: StationAnswer, quarter: str
) -> FloatArray:
    """Packs in the stations per vehicle: those in their turn, and what comes on top.

    Returns
    -------
    ndarray, shape (num_cities, num_vehicles, num_packs)
    """
    quarter_idx = instance.scenario.quarters.index(quarter)
    in_cities, on_road = turning_per_vehicle(instance, fleet, stations.road_kwh_per_day, quarter)
    return np.asarray(
        in_cities * stations.per_turning[quarter_idx][:, None, :]
        + on_road * stations.per_turning_on_road[quarter_idx]
    )


def turning_per_vehicle(
    instance: Instance, fleet: FleetOperation, road_kwh_per_day: FloatArray, quarter: str
) -> tuple[FloatArray, FloatArray]:
    """Packs in their turn per vehicle in a quarter's design hour, in cities and on the road.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    road_kwh_per_day : ndarray, shape (num_cities, num_vehicles)
        As in `StationAnswer`.
    quarter : str

    Returns
    -------
    two ndarrays, shape (num_cities, num_vehicles, num_packs)
        Little's law: swaps per hour times the turn time in the slowest type's bay, in the
        quarter's worst month; on the road on the busiest holiday.
    """
    scenario = instance.scenario
    per_hour = (
        fleet.design_swaps_per_day
        * fleet.peak_hour_frac[:, :, None, None]
        * scenario.demand.peak_day_factor
    )
    on_road = _road_swaps_per_day(fleet, road_kwh_per_day) * (
        scenario.corridors.holiday_factor * scenario.demand.peak_hour_frac
    )
    turn_h = fleet.design_turn_h.max(axis=3)
    in_cities, between = (
        np.asarray(_of_quarter(rate * turn_h, quarter).max(axis=-1)) for rate in (per_hour, on_road)
    )
    return in_cities, between


def _road_swaps_per_day(fleet: FleetOperation, road_kwh_per_day: FloatArray) -> FloatArray:
    """Swaps between the cities per vehicle, with the energy per swap of each month's design day.

    Shape (num_cities, num_vehicles, num_packs, 12); NaN where a pack does not fit.
    """
    return np.asarray(road_kwh_per_day[:, :, None, None] / fleet.design_energy_kwh)


def _running_cny(
    instance: Instance, fleet: FleetOperation, stations: StationAnswer, quarter: str
) -> FloatArray:
    """Swaps, their energy and the service they crowd out, per vehicle in the quarter [CNY]."""
    costs, demand = instance.scenario.costs, instance.scenario.demand
    efficiency = instance.scenario.physics.charger_efficiency_frac
    days = np.asarray(DAYS_PER_MONTH)[_months(quarter)]
    on_road = _road_swaps_per_day(fleet, stations.road_kwh_per_day)
    swaps = _of_quarter(fleet.swaps_per_day + on_road, quarter) @ days
    grid_kwh = _of_quarter(fleet.grid_kwh_per_day, quarter) @ days
    grid_kwh += stations.road_kwh_per_day[:, :, None] * days.sum() / efficiency
    peak_per_hour = (
        _of_quarter(fleet.design_swaps_per_day, quarter).max(axis=-1)
        * fleet.peak_hour_frac[:, :, None]
        * demand.peak_day_factor
    )
    crowded = stations.capacity_cny[:, None, None] * days.sum() * peak_per_hour
    return np.asarray(costs.swap_cny * swaps + costs.charging_cny_per_kwh * grid_kwh + crowded)


def _wear_cny(
    instance: Instance,
    fleet: FleetOperation,
    option: Option,
    float_packs: FloatArray,
) -> FloatArray:
    """What a life that ends with its cycles, before its calendar, adds to the lease [CNY].

    Per pack and quarter. Cycles by charging outside the stations are not counted.
    """
    costs = instance.scenario.costs
    packs = instance.packs.iloc[option[2]]
    swaps_per_year = fleet.yearly_swaps_per_day[option] * DAYS_PER_YEAR
    window_frac = driver_windows(instance.vehicles, instance.packs)[option[1], option[2]]
    cycles_per_year = swaps_per_year * window_frac / (1 + float_packs)
    with np.errstate(divide="ignore"):
        cycle_years = packs["cycle_life"].to_numpy() / cycles_per_year
    life_years = np.minimum(costs.max_pack_years, cycle_years)
    more = annuity(life_years, costs.interest_rate) - annuity(
        costs.max_pack_years, costs.interest_rate
    )
    pack_cny = (packs["cost_cny_per_kwh"] * packs["nominal_kwh"]).to_numpy(float)
    return np.asarray(more * pack_cny / QUARTERS_PER_YEAR)


def _orders(instance: Instance) -> tuple[NDArray[np.int32], FloatArray]:
    """Market of each city, and smallest orders by pack and market, markets sorted by name."""
    markets = markets_of_cities(instance)
    least = first_deliveries(instance).pivot(
        index="pack_id", columns="market", values="min_order_packs"
    )
    of_city = pd.Index(markets).get_indexer(pd.Index(instance.cities["market"]))
    return of_city.astype(np.int32), least.loc[instance.packs["pack_id"], markets].to_numpy(float)


def _carbon(instance: Instance) -> tuple[FloatArray, float]:
    """Carbon footprint of each pack, 0 where not known, and the most of all of them [kg]."""
    each = filled(instance.packs, "kgco2e_per_kwh", 0.0).to_numpy(float)
    cap_kt = instance.scenario.packs.carbon_cap_kt
    cap_kg = np.inf if cap_kt is None else cap_kt * TONNES_PER_KT * KG_PER_TONNE
    return each * instance.packs["nominal_kwh"].to_numpy(float), cap_kg


def _initial_stock(instance: Instance) -> tuple[FloatArray, FloatArray]:
    """Packs per city before the first quarter, and how many leave nationwide in each quarter."""
    quarters, stock = instance.scenario.quarters, instance.pack_stock
    pack_ids = pd.Index(instance.packs["pack_id"])
    standing = np.zeros((len(instance.cities), len(pack_ids)))
    city_idx = pd.Index(instance.cities["city_id"]).get_indexer(stock["city_id"])
    pack_idx = pack_ids.get_indexer(stock["pack_id"])
    packs = stock["packs"].to_numpy(float)
    standing[city_idx, pack_idx] = packs
    retiring = np.zeros((len(quarters), len(pack_ids)))
    # Not `to_numpy(str)`, which cuts all to the length of the first where one is missing.
    quarter_idx = pd.Index(quarters).get_indexer(pd.Index(stock["retires"]))
    leaves = quarter_idx >= 0
    np.add.at(retiring, (quarter_idx[leaves], pack_idx[leaves]), packs[leaves])
    return standing, retiring


def assigned_vehicles(
    fleet: FleetOperation,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    solution: PackAssignment,
    quarter_idx: int,
) -> FloatArray:
    """Vehicles per city, class and pack in a quarter, shape (num_cities, num_vehicles, num_packs).

    Parameters
    ----------
    fleet : FleetOperation
        For the shape.
    problem, labels : PackAssignmentProblem, PackLabels
        From `assemble_pack_assignment`.
    solution : PackAssignment
        Its answer.
    quarter_idx : int
        Position in the scenario's quarters.
    """
    assigned = np.zeros(fleet.design_range_km.shape[:3])
    group = problem.option_group_idx
    where = labels.group_city_idx[group], labels.group_vehicle_idx[group], problem.option_pack_idx
    assigned[where] = solution.option_vehicles[quarter_idx]
    return assigned
