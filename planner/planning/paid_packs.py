"""The pack model's answer of a round, and in the end one that pays for every pack in a station."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from planner.arrays import FloatArray, IntArray
from planner.errors import NoPlanError
from planner.instance import Instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.models.packs.solve import solve_pack_assignment
from planner.physics.fleet import FleetOperation
from planner.planning.packs import (
    PackLabels,
    StationAnswer,
    assemble_pack_assignment,
    assigned_vehicles,
)
from planner.planning.siting.standing import station_types_by_size
from planner.planning.station_packs import (
    CityService,
    OpenStations,
    answer_of_stock,
    keep_within_stock,
    packs_by_city,
    stock_stations,
)
from planner.solving.options import SolveOptions
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

HELD_BEFORE_VEHICLES = 10.0
"""A pack that a station lacks counts as many vehicles without one: it serves more."""


@dataclass(frozen=True)
class PlannedPacks:
    """One answer of the pack model, and the stations that it was planned for.

    Attributes
    ----------
    assumed_stations : StationAnswer
    problem, labels, solution : PackAssignmentProblem, PackLabels, PackAssignment
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
        Vehicles per pack.
    planned : ndarray, shape (num_cities, num_vehicles, num_packs)
        Those of the planning quarter.
    """

    assumed_stations: StationAnswer
    problem: PackAssignmentProblem
    labels: PackLabels
    solution: PackAssignment
    vehicles: FloatArray
    planned: FloatArray


@dataclass(frozen=True)
class PaidPacks:
    """Packs of vehicles and stations, all of them in the stock.

    Attributes
    ----------
    assumed_stations : StationAnswer
        What the stock was planned with.
    solution : PackAssignment
        Options are those of the problem that it was planned for.
    stations : OpenStations
    station_packs : int array, shape (num_quarters, num_stations, num_packs)
    """

    assumed_stations: StationAnswer
    solution: PackAssignment
    stations: OpenStations
    station_packs: IntArray


def plan_packs(
    instance: Instance, fleet: FleetOperation, answer: StationAnswer, options: SolveOptions
) -> PlannedPacks:
    """Packs to cities and vehicles by quarter, for stations as they answered."""
    problem, labels = assemble_pack_assignment(instance, fleet, answer)
    solution = solve_pack_assignment(problem, options)
    vehicles = _vehicles_of_quarters(fleet, problem, labels, solution)
    planned = instance.scenario.quarters.index(instance.scenario.planning_quarter)
    return PlannedPacks(answer, problem, labels, solution, vehicles, vehicles[planned])


def saving_frac(packs: PlannedPacks, again: PlannedPacks, options: SolveOptions) -> float:
    """What it saves to give vehicles other packs, of what the packs then cost.

    Parameters
    ----------
    packs : PlannedPacks
        Of a round.
    again : PlannedPacks
        For the stations of that round.
    options : SolveOptions

    Returns
    -------
    float
        Against no more vehicles on any pack than the round gave it; where packs cost alike they may
        change for nothing.

    Raises
    ------
    NoPlanError
        If the time limit comes first.
    """
    kept = solve_pack_assignment(_at_most(again.problem, packs.solution), options)
    return kept.proof.objective / again.solution.proof.objective - 1.0


def pay_for_stock(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    stations: OpenStations,
    options: SolveOptions,
) -> PaidPacks:
    """Fill the stations with whole packs for a round's vehicles, and buy them.

    The pack model is solved once more with the whole packs of the stations, and with no more
    vehicles on any pack than the round gave it: where supply does not reach for both, some vehicles
    get none.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    packs : PlannedPacks
        Of the last round.
    stations : OpenStations
        Planned for them.
    options : SolveOptions

    Returns
    -------
    PaidPacks
        If the time limit comes first, the round's packs, and what its stock leaves for stations.
    """
    quarters, assumed = instance.scenario.quarters, packs.assumed_stations
    stock = stock_stations(instance, fleet, packs.vehicles, stations, quarters)
    answer = answer_of_stock(
        instance, fleet, packs.vehicles, stock, stations, quarters,
        CityService(assumed.served_frac, assumed.capacity_cny), assumed.road_kwh_per_day,
    )  # fmt: skip
    problem, labels = assemble_pack_assignment(instance, fleet, answer)
    held = packs_by_city(instance, fleet, packs.vehicles, stock, stations, assumed)
    try:
        solution = _solve_with_stock(_at_most(problem, packs.solution), problem, held, options)
    except NoPlanError:
        kept = keep_within_stock(stock, stations, packs.vehicles, packs.solution)
        return PaidPacks(assumed, packs.solution, stations, kept)
    vehicles = _vehicles_of_quarters(fleet, problem, labels, solution)
    return PaidPacks(
        answer, solution, stations, keep_within_stock(stock, stations, vehicles, solution)
    )


def _solve_with_stock(
    at_most: PackAssignmentProblem,
    problem: PackAssignmentProblem,
    held: FloatArray,
    options: SolveOptions,
) -> PackAssignment:
    """Solve with packs that cities' stations hold, shape of the stock, before any vehicle's.

    They are groups of their own, with a pack of the type or none, whose reward is no cost of the
    plan: it is taken off again.
    """
    city, pack = np.nonzero(held.any(axis=0))
    num_held, (num_quarters, num_options) = len(city), at_most.option_cost.shape
    reward = HELD_BEFORE_VEHICLES * at_most.no_pack_cost[:, None]
    first = len(at_most.group_city_idx)
    each = np.ones((num_quarters, num_held))
    with_stock = replace(
        at_most,
        vehicles=np.hstack((at_most.vehicles, held[:, city, pack])),
        group_city_idx=np.concatenate((at_most.group_city_idx, city.astype(np.int32))),
        option_group_idx=np.concatenate(
            (at_most.option_group_idx, np.arange(first, first + num_held, dtype=np.int32))
        ),
        option_pack_idx=np.concatenate((at_most.option_pack_idx, pack.astype(np.int32))),
        option_allowed=np.hstack((at_most.option_allowed, held[:, city, pack] > 0)),
        option_packs=np.hstack((np.ones((num_quarters, num_options)), each)),
        option_cost=np.hstack((at_most.option_cost, -reward * each)),
    )
    found = solve_pack_assignment(with_stock, options)
    stands = found.option_vehicles[:, num_options:]
    missing = found.without_pack[:, first:]
    rewards = math.fsum((reward * stands - at_most.no_pack_cost[:, None] * missing).ravel())
    objective = found.proof.objective + rewards
    bound = min(objective, found.proof.bound + rewards)
    # Groups of one option each, then those without any: back to the groups of the problem.
    without = found.without_pack[:, num_options:first].copy()
    for q in range(num_quarters):
        np.add.at(without[q], problem.option_group_idx, found.without_pack[q, :num_options])
    gap = gap_frac(objective, bound, sense="min")
    return replace(
        found,
        proof=replace(
            found.proof, objective=objective, bound=bound, gap_frac=gap,
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        ),
        option_vehicles=found.option_vehicles[:, :num_options],
        without_pack=without,
    )  # fmt: skip


def label_stock(
    instance: Instance, paid: PaidPacks, capacity: FloatArray
) -> dict[str, pd.DataFrame]:
    """Whole packs in stations and what they were planned with, as fields of `Plan`.

    Parameters
    ----------
    instance : Instance
    paid : PaidPacks
    capacity : ndarray, shape (num_cities, num_types)
        Types by size [1/h].
    """
    quarters = np.array(instance.scenario.quarters)
    city_ids = instance.cities["city_id"].to_numpy()
    pack_ids = instance.packs["pack_id"].to_numpy()
    quarter, station, pack = np.nonzero(paid.station_packs)
    types = station_types_by_size(instance)["station_type_id"].to_numpy()
    assumed = paid.assumed_stations
    shape = assumed.per_turning.shape
    at = [axis.ravel() for axis in np.indices(shape)]
    on_road = np.broadcast_to(assumed.per_turning_on_road[:, None, :], shape)
    return {
        "station_packs": pd.DataFrame(
            {
                "quarter": quarters[quarter],
                "station_id": paid.stations.station_id.astype(object)[station],
                "pack_id": pack_ids[pack],
                "packs": paid.station_packs[quarter, station, pack],
            }
        ),
        "capacity": pd.DataFrame(
            {
                "city_id": np.repeat(city_ids, len(types)),
                "station_type_id": np.tile(types, len(city_ids)),
                "swaps_per_hour": capacity.ravel(),
            }
        ),
        "station_prices": pd.DataFrame({"city_id": city_ids, "capacity_cny": assumed.capacity_cny}),
        "packs_per_turning": pd.DataFrame(
            {
                "quarter": quarters[at[0]],
                "city_id": city_ids[at[1]],
                "pack_id": pack_ids[at[2]],
                "in_city": assumed.per_turning.ravel(),
                "on_road": on_road.ravel(),
            }
        ),
    }


def _vehicles_of_quarters(
    fleet: FleetOperation,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    solution: PackAssignment,
) -> FloatArray:
    """`assigned_vehicles` of all quarters, one after the other along a first axis."""
    quarters = range(len(solution.option_vehicles))
    return np.stack([assigned_vehicles(fleet, problem, labels, solution, q) for q in quarters])


def _at_most(problem: PackAssignmentProblem, solution: PackAssignment) -> PackAssignmentProblem:
    """The same problem, with no more vehicles on any option than a solution has.

    Parameters
    ----------
    problem : PackAssignmentProblem
    solution : PackAssignment
        Of a problem with the same options.

    Returns
    -------
    PackAssignmentProblem
        Its options are those of ``problem``, each a group of its own; vehicles without a pack are
        groups without options.
    """
    of_option = problem.group_city_idx[problem.option_group_idx]
    return replace(
        problem,
        vehicles=np.hstack((solution.option_vehicles, solution.without_pack)),
        group_city_idx=np.concatenate((of_option, problem.group_city_idx)),
        option_group_idx=np.arange(problem.num_options, dtype=np.int32),
    )
