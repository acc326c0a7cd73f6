"""The pack model's answer of a round, and in the end one that pays for every pack in a station."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.errors import NoPlanError
from planner.instance import Instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem, at_most
from planner.models.packs.solve import solve_pack_assignment
from planner.physics.fleet import FleetOperation
from planner.planning.packs import (
    PackLabels,
    StationAnswer,
    assemble_again,
    assemble_pack_assignment,
    assigned_vehicles,
    station_packs_per_vehicle,
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

HELD_BACK = 1.02
"""Packs of stations that are still to change, over what they keep now."""


@dataclass(frozen=True)
class PlannedPacks:
    """One answer of the pack model, and the stations that it was planned for.

    Attributes
    ----------
    assumed_stations : StationAnswer
    problem, labels, solution : PackAssignmentProblem, PackLabels, PackAssignment
        The model's answer, whose prices tell what more packs would be worth.
    given : PackAssignment
        What vehicles get: ``solution``, or what `balance` made of it.
    given_for : StationAnswer
        Stations that ``given`` was found for.
    vehicles : ndarray, shape (num_quarters, num_cities, num_vehicles, num_packs)
        Vehicles per pack.
    planned : ndarray, shape (num_cities, num_vehicles, num_packs)
        Those of the planning quarter.
    """

    assumed_stations: StationAnswer
    problem: PackAssignmentProblem
    labels: PackLabels
    solution: PackAssignment
    given: PackAssignment
    given_for: StationAnswer
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
    return plan_packs_by(
        instance, fleet, answer, lambda problem: solve_pack_assignment(problem, options)
    )


def plan_packs_by(
    instance: Instance,
    fleet: FleetOperation,
    answer: StationAnswer,
    solve: Callable[[PackAssignmentProblem], PackAssignment],
) -> PlannedPacks:
    """`plan_packs` with one's own way of answering the pack model's question."""
    problem, labels = assemble_pack_assignment(instance, fleet, answer)
    return _planned(instance, fleet, answer, problem, labels, solve(problem))


def plan_packs_from(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    answer: StationAnswer,
    options: SolveOptions,
) -> PlannedPacks:
    """`plan_packs`, from those that were planned for other stations of the same fleet."""
    problem = assemble_again(instance, fleet, answer, packs.problem, packs.labels)
    solution = solve_pack_assignment(problem, options, packs.solution)
    return _planned(instance, fleet, answer, problem, packs.labels, solution)


def _planned(
    instance: Instance,
    fleet: FleetOperation,
    answer: StationAnswer,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    solution: PackAssignment,
) -> PlannedPacks:
    vehicles = _vehicles_of_quarters(fleet, problem, labels, solution)
    planned = vehicles[_planned_idx(instance)]
    return PlannedPacks(answer, problem, labels, solution, solution, answer, vehicles, planned)


def _planned_idx(instance: Instance) -> int:
    return instance.scenario.quarters.index(instance.scenario.planning_quarter)


def balance(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    answer: StationAnswer,
    options: SolveOptions,
) -> PlannedPacks:
    """Give vehicles packs so that supply reaches for the stations' whole packs, too.

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    packs : PlannedPacks
    answer : StationAnswer
        Of stations that were planned for them.
    options : SolveOptions

    Returns
    -------
    PlannedPacks
        Where supply does not reach, vehicles take another pack, with what stations keep for it, or
        none. A little is left over, as the stations are still to change.
    """
    labels = packs.labels
    problem = assemble_again(instance, fleet, answer, packs.problem, labels)
    held = np.stack(
        [
            (
                vehicles * np.nan_to_num(station_packs_per_vehicle(instance, fleet, answer, name))
            ).sum(axis=1)
            for name, vehicles in zip(instance.scenario.quarters, packs.vehicles, strict=True)
        ]
    )
    given = _solve_with_stock(problem, packs.given, held * HELD_BACK, options, may_change=True)
    vehicles = _vehicles_of_quarters(fleet, problem, labels, given)
    return replace(
        packs,
        given=given,
        given_for=answer,
        vehicles=vehicles,
        planned=vehicles[_planned_idx(instance)],
    )


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
    kept = solve_pack_assignment(at_most(again.problem, packs.given), options)
    return kept.proof.objective / again.solution.proof.objective - 1.0


def pay_for_stock(
    instance: Instance,
    fleet: FleetOperation,
    packs: PlannedPacks,
    stations: OpenStations,
    options: SolveOptions,
    known: Mapping[str, IntArray] | None = None,
    service: CityService | None = None,
) -> PaidPacks:
    """Fill the stations with whole packs for a round's vehicles, and buy them.

    The pack model is solved once more with the whole packs of the stations, and with no more
    vehicles on any pack. Where supply does not reach for both, stations keep fewer (`balance` comes
    first, so that it does).

    Parameters
    ----------
    instance, fleet : Instance, FleetOperation
    packs : PlannedPacks
        Of the last round.
    stations : OpenStations
        Planned for them.
    options : SolveOptions
    known : mapping of quarter to int array, shape (num_stations, num_packs), optional
        Packs that `stock_stations` found for the same vehicles and stations.
    service : CityService, optional
        What the stations do for their cities; else as the packs were planned for.

    Returns
    -------
    PaidPacks
        If the time limit comes first, the round's packs, and what its stock leaves for stations.
    """
    quarters, assumed = instance.scenario.quarters, packs.assumed_stations
    known = known or {}
    asked = [quarter for quarter in quarters if quarter not in known]
    found = stock_stations(instance, fleet, packs.vehicles, stations, asked)
    of_quarter = {**known, **dict(zip(asked, found, strict=True))}
    stock = np.stack([of_quarter[quarter] for quarter in quarters])
    answer = answer_of_stock(
        instance, fleet, packs.vehicles, stock, stations, quarters,
        service or CityService(assumed.served_frac, assumed.capacity_cny),
        assumed.road_kwh_per_day, assumed,
    )  # fmt: skip
    labels = packs.labels
    problem = assemble_again(instance, fleet, answer, packs.problem, labels)
    held = packs_by_city(instance, fleet, packs.vehicles, stock, stations, assumed)
    try:
        solution = _solve_with_stock(problem, packs.given, held, options, may_change=False)
    except NoPlanError:
        kept = keep_within_stock(stock, stations, packs.vehicles, packs.given)
        return PaidPacks(packs.given_for, packs.given, stations, kept)
    vehicles = _vehicles_of_quarters(fleet, problem, labels, solution)
    return PaidPacks(
        answer, solution, stations, keep_within_stock(stock, stations, vehicles, solution)
    )


def _solve_with_stock(
    problem: PackAssignmentProblem,
    earlier: PackAssignment,
    held: FloatArray,
    options: SolveOptions,
    *,
    may_change: bool,
) -> PackAssignment:
    """Solve with packs that cities' stations hold, shape of the stock, after every vehicle's.

    Vehicles that a pack was given to keep it without further packs in stations; if they may change,
    they may also take another with what stations keep for it. Packs of stations are groups of their
    own, with a pack of the type or none, at costs that are none of the plan's and taken off again.
    """
    num_options, num_groups = problem.num_options, problem.num_groups
    home_group = np.concatenate((problem.option_group_idx, np.arange(num_groups)))
    pairs = pd.DataFrame({"home": np.arange(len(home_group)), "group": home_group}).merge(
        pd.DataFrame({"option": np.arange(num_options), "group": problem.option_group_idx}),
        on="group",
    )
    home, option = pairs["home"].to_numpy(np.int32), pairs["option"].to_numpy(np.int64)
    city, pack = np.nonzero(held.any(axis=0))
    lacking = problem.no_pack_cost[:, None]
    # Dearer than any vehicle to have, cheaper to lack: vehicles come first.
    holding = np.clip(
        problem.option_cost.max(axis=1, initial=0.0, keepdims=True), lacking / 2, 0.95 * lacking
    )
    each = np.ones((problem.num_quarters, len(city)))
    with_stock = replace(
        problem,
        vehicles=np.hstack((earlier.option_vehicles, earlier.without_pack, held[:, city, pack])),
        group_city_idx=np.concatenate((problem.group_city_idx[home_group], city.astype(np.int32))),
        option_group_idx=np.concatenate(
            (home, len(home_group) + np.arange(len(city), dtype=np.int32))
        ),
        option_pack_idx=np.concatenate((problem.option_pack_idx[option], pack.astype(np.int32))),
        option_allowed=np.hstack(
            (
                problem.option_allowed[:, option] & (may_change | (home == option)),
                held[:, city, pack] > 0,
            )
        ),
        option_packs=np.hstack(
            (np.where(home == option, 1.0, problem.option_packs[:, option]), each)
        ),
        option_cost=np.hstack((problem.option_cost[:, option], holding * each)),
        accepting_frac=accepting_of_split(problem, earlier, len(city)),
    )
    found = solve_pack_assignment(with_stock, options)
    given, stands = np.hsplit(found.option_vehicles, [len(option)])
    without, missing = np.hsplit(found.without_pack, [len(home_group)])
    counted = math.fsum((holding * stands + lacking * missing).ravel())
    objective = found.proof.objective - counted
    bound = min(objective, found.proof.bound - counted)
    gap = gap_frac(objective, bound, sense="min")
    return replace(
        found,
        proof=replace(
            found.proof, objective=objective, bound=bound, gap_frac=gap,
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        ),
        option_vehicles=_sums(given, option, num_options),
        without_pack=_sums(without, home_group, num_groups),
    )  # fmt: skip


def accepting_of_split(
    problem: PackAssignmentProblem, earlier: PackAssignment, num_held: int
) -> FloatArray:
    """Shares that accept a chemistry, where groups are split by the option that they had.

    Parameters
    ----------
    problem : PackAssignmentProblem
    earlier : PackAssignment
        What its vehicles have.
    num_held : int
        Groups of packs in stations, which ask nobody.

    Returns
    -------
    ndarray, shape (num_quarters, num_options + num_groups + num_held, num_chemistries)
        Those who have a chemistry accept it; of the others of their group, so many as are left.
        No plan of the split groups has more on a chemistry than the whole group accepts.
    """
    of_group = np.eye(problem.num_groups)[problem.option_group_idx]
    chemistry = np.eye(problem.num_chemistries)[problem.option_chemistry_idx]
    have = np.einsum("qo,og,oh->qgh", earlier.option_vehicles, of_group, chemistry)
    fleet = np.einsum("qo,og->qg", earlier.option_vehicles, of_group) + earlier.without_pack
    others = fleet[:, :, None] - have
    left = np.clip(problem.accepting_frac * fleet[:, :, None] - have, 0.0, others)
    rest = np.divide(left, others, out=np.zeros_like(left), where=others > 0)
    rest = np.where(problem.accepting_frac < 1, rest, 1.0)
    by_option = np.where(chemistry > 0, 1.0, rest[:, problem.option_group_idx])
    held = np.ones((problem.num_quarters, num_held, problem.num_chemistries))
    return np.concatenate((by_option, rest, held), axis=1)


def _sums(values: FloatArray, of: NDArray[Any], number: int) -> FloatArray:
    """Sums of columns by what they are of, row by row."""
    return np.stack([np.bincount(of, row, minlength=number) for row in values])


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
        "capacity": label_capacity(instance, capacity),
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


def label_capacity(instance: Instance, capacity: FloatArray) -> pd.DataFrame:
    """What each station type can do in each city, as the plan's table ``capacity``.

    ``capacity`` has shape (num_cities, num_types), types by size [1/h].
    """
    city_ids = instance.cities["city_id"].to_numpy()
    types = station_types_by_size(instance)["station_type_id"].to_numpy()
    return pd.DataFrame(
        {
            "city_id": np.repeat(city_ids, len(types)),
            "station_type_id": np.tile(types, len(city_ids)),
            "swaps_per_hour": capacity.ravel(),
        }
    )


def _vehicles_of_quarters(
    fleet: FleetOperation,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    solution: PackAssignment,
) -> FloatArray:
    """`assigned_vehicles` of all quarters, one after the other along a first axis."""
    quarters = range(len(solution.option_vehicles))
    return np.stack([assigned_vehicles(fleet, problem, labels, solution, q) for q in quarters])
