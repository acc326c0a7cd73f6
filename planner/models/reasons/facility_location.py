"""What each station of a facility location plan is worth, and what each closed site would take.

Upper ends are plans with one station less, more, or in the place of another, all flows but those
of the zones around being kept (`planner.models.reasons.facility_moves`); lower ends come from
multipliers (`planner.models.reasons.facility_low`). The types of other stations are kept.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.errors import InfeasibleError
from planner.models.facility_location.dual import (
    CapacitatedDual,
    SitePairs,
    first_dual,
    improve_capacitated_dual,
    pairs_by_site,
)
from planner.models.facility_location.flows import StationFlows
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.search import ZonePrices, zone_prices
from planner.models.facility_location.solve import FacilityLocationSolution, solve_facility_location
from planner.models.reasons.allotted import Allotted
from planner.models.reasons.facility_low import lower_ends
from planner.models.reasons.facility_moves import Limits, Supply
from planner.models.reasons.facility_search import FacilityPlan, SiteCosts, find_costs
from planner.models.reasons.parts import (
    Parts,
    changed_locks,
    linked_parts,
    masked,
    rules_inside,
)
from planner.models.reasons.result import Interval, SiteReasons, Stations
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.rules import SiteRules

ROUNDING_FRAC = 1e-9
"""Of a plan's cost: what is less is rounding."""
DUAL_SHARE = 0.3
"""Of the time, for the multipliers."""
DUAL_STEPS, MOST_DUAL_BLOCKS, LEAST_DUAL_STEP = 25, 60, 0.003
"""Steps between two looks at the clock, blocks of them, and Polyak's factor at the end."""
Solve = Callable[[FacilityLocationProblem, SolveOptions], tuple[FacilityLocationSolution, float]]
"""Solves a problem: the plan, and what no plan goes below."""


@dataclass(frozen=True)
class Money:
    """What stations cost where the problem's own costs are others, such as those of a year.

    Attributes
    ----------
    cost : float array, shape (num_sites, num_types)
    most : float
        All stations together.
    """

    cost: FloatArray
    most: float


def _facility(
    problem: FacilityLocationProblem,
    pairs: SitePairs,
    flows: StationFlows,
    stations: IntArray,
    money: Money,
) -> FacilityPlan:
    site, kind = np.divmod(stations, problem.num_types)
    served = flows.serve(stations)
    rules, cities = problem.rules, problem.rules.cities_or_one()
    room = np.append(problem.capacity[site, kind], 1.0 + 2.0 * flows.everything)
    load = np.bincount(served.arc_station, served.flow, minlength=len(room))
    supply = Supply(
        problem.sites, problem.demand, problem.capacity, rules.cost, pairs,
        rules.usable & ~masked(problem.num_sites, site), site, kind, served,
        ZonePrices(*zone_prices(
            served.zone_ptr, served.arc_station, served.arc_cost, served.station_price
        )),
    )  # fmt: skip
    limits = Limits(
        rules.forced, rules.least, rules.most, len(stations),
        np.asarray(cities.city_idx, dtype=np.int32), cities.min_stations.astype(np.int64),
        cities.max_stations.astype(np.int64),
        np.bincount(cities.city_idx[site], minlength=len(cities.min_stations)).astype(np.int64),
        money.cost, money.most - math.fsum(money.cost[site, kind]),
    )  # fmt: skip
    room_left = np.maximum(room - load, 0.0)
    return FacilityPlan(problem, pairs, flows, stations, supply, limits, room_left)


def facility_reasons(
    problem: FacilityLocationProblem,
    open_site_idx: IntArray,
    type_idx: IntArray,
    options: SolveOptions,
    *,
    money: Money | None = None,
    stop: StopRequest | None = None,
) -> SiteReasons:
    """Replacement cost of every station and force-in cost of every closed site.

    Parameters
    ----------
    problem : FacilityLocationProblem
        Whose zones may be served by several stations.
    open_site_idx, type_idx : int arrays
        A plan that keeps the rules, sites ascending.
    options : SolveOptions
        Its time is kept to by looking less far; what is told is right all the same.
    money : Money, optional
        A budget in other costs than the problem's.
    stop : StopRequest, optional

    Returns
    -------
    SiteReasons
        In the problem's costs. ``moved`` is what of the cost of closing the station, with nothing
        in its place, the plan found without it spares.
    """
    if problem.single:
        raise ValueError("zones are served by several stations here")
    allotted = Allotted(options, stop)
    money = money or Money(problem.rules.cost, problem.rules.most_cost)
    pairs = pairs_by_site(problem)
    flows = StationFlows(problem, pairs)
    plan = _facility(problem, pairs, flows, open_site_idx * problem.num_types + type_idx, money)
    dual = _multipliers(plan, allotted)
    applied = 0
    while True:
        found = SiteCosts.none(problem.num_sites)
        better = find_costs(plan, found, allotted)
        if better is None:
            break
        plan, applied = _facility(problem, pairs, flows, better, money), applied + 1
    low = np.zeros(problem.num_sites)
    if dual is not None:
        low = lower_ends(problem, pairs, plan.stations, plan.zone_cost, dual)
    return _reasons(plan, found, low, applied)


def _multipliers(plan: FacilityPlan, allotted: Allotted) -> CapacitatedDual | None:
    """Prices that bound all plans from below; None where there is nothing to serve."""
    problem, pairs = plan.problem, plan.pairs
    if pairs.zones.num_entries == 0:
        return None
    dual = first_dual(problem, pairs)
    for _ in range(MOST_DUAL_BLOCKS):
        dual = improve_capacitated_dual(
            problem, pairs, dual, target=plan.served.search_cost, iterations=DUAL_STEPS,
            may_go_on=lambda: allotted.allows(DUAL_SHARE),
        )  # fmt: skip
        if dual.step <= LEAST_DUAL_STEP or not allotted.allows(DUAL_SHARE):
            break
    return dual


def _reasons(plan: FacilityPlan, found: SiteCosts, low: FloatArray, applied: int) -> SiteReasons:
    problem = plan.problem
    open_idx, types = np.divmod(plan.stations, problem.num_types)
    is_open: BoolArray = masked(problem.num_sites, open_idx)
    high = np.maximum(found.change, 0.0)
    lowest = np.minimum(low, high)
    locked = np.where(is_open, problem.rules.forced, problem.rules.forbidden)
    high[locked], lowest[locked] = np.nan, np.nan
    spared = np.where(np.isfinite(found.alone), found.alone, np.nan) - high
    closed_idx = np.flatnonzero(~is_open)
    return SiteReasons(
        open_site_idx=open_idx,
        replacement_cost=high[open_idx],
        replacement_low=lowest[open_idx],
        next_best_idx=found.partner[open_idx],
        moved=np.maximum(spared, 0.0)[open_idx],
        closed_site_idx=closed_idx,
        force_in_cost=high[closed_idx],
        force_in_low=lowest[closed_idx],
        leaving_idx=found.partner[closed_idx],
        applied=applied,
        improved=Stations(open_idx, types) if applied else None,
    )


def facility_without(
    problem: FacilityLocationProblem,
    plan: Stations,
    cost: float,
    removed: IntArray,
    forced: IntArray,
    options: SolveOptions,
    *,
    solve: Solve | None = None,
    stop: StopRequest | None = None,
) -> Interval:
    """What it costs to do without some stations, and with some closed sites, solved anew.

    Where the sites lie in one part of several, that part is solved, the others kept.

    Parameters
    ----------
    problem : FacilityLocationProblem
    plan : Stations
        That keeps the rules, sites ascending.
    cost : float
        Of the plan.
    removed, forced : int arrays
        Sites to close, none of them forced by the rules, and sites to open.
    options : SolveOptions
    solve : callable, optional
        How the whole problem is solved where it has limits of which the problem does not tell;
        parts are not told apart then.
    stop : StopRequest, optional

    Raises
    ------
    InfeasibleError
        If no plan keeps these locks.
    NoPlanError
        If none was found.
    """
    allotted = Allotted(options, stop)
    changed = replace(problem, rules=changed_locks(problem.rules, removed, forced))
    solved = None
    if solve is None:
        parts = linked_parts(pairs_by_site(problem).zones, problem.num_zones, problem.rules.cities)
        concerned = np.unique(parts.of_site[np.union1d(removed, forced)])
        if len(concerned) == 1 and parts.are_several:
            solved = _in_part(problem, changed.rules, plan, parts, int(concerned[0]), allotted)
    if solved is None:
        solution, bound = (solve or _solve_whole(stop))(changed, options)
        found = Stations(solution.open_site_idx, solution.type_idx)
        solved = bound - cost, solution.proof.objective - cost, found
    low, high, found = solved
    low -= ROUNDING_FRAC * abs(cost)
    return Interval(
        low=min(max(low, 0.0), max(high, 0.0)),
        high=max(high, 0.0),
        found=found,
        better_by=max(-high, 0.0),
        wall_s=allotted.elapsed_s,
    )


def _solve_whole(stop: StopRequest | None) -> Solve:
    def solve(
        problem: FacilityLocationProblem, options: SolveOptions
    ) -> tuple[FacilityLocationSolution, float]:
        found = solve_facility_location(problem, options, stop=stop)
        return found, found.proof.bound

    return solve


def _in_part(
    problem: FacilityLocationProblem,
    changed: SiteRules,
    plan: Stations,
    parts: Parts,
    part: int,
    allotted: Allotted,
) -> tuple[float, float, Stations] | None:
    """Ends in one part with the others kept, and the plan found with these.

    None if the part cannot keep the locks beside the others.
    """
    inside = np.flatnonzero(parts.of_site == part)
    is_in = np.isin(plan.site_idx, inside)
    types = plan.type_idx if plan.type_idx is not None else np.zeros_like(plan.site_idx)
    kept, kept_types = plan.site_idx[~is_in], types[~is_in]
    spent = math.fsum(problem.rules.cost[kept, kept_types])
    before = _region(problem, inside, parts.of_zone == part)
    region = replace(before, rules=rules_inside(changed, inside, kept, spent))
    site = np.searchsorted(inside, plan.site_idx[is_in])
    now = StationFlows(before, pairs_by_site(before)).serve(site * problem.num_types + types[is_in])
    left = replace(allotted.options, time_limit_s=allotted.left_s)
    try:
        solved = solve_facility_location(region, left, stop=allotted.stop)
    except InfeasibleError:
        return None
    sites = np.concatenate((kept, inside[solved.open_site_idx])).astype(np.int64)
    order = np.argsort(sites)
    found = Stations(sites[order], np.concatenate((kept_types, solved.type_idx))[order])
    return solved.proof.bound - now.cost, solved.proof.objective - now.cost, found


def _region(
    problem: FacilityLocationProblem, inside: IntArray, in_part: BoolArray
) -> FacilityLocationProblem:
    """The problem on some sites and all zones that they can serve, numbers and money aside."""
    pairs = np.repeat(in_part, problem.sites.sizes) & np.isin(problem.sites.idx, inside)
    zone = (np.cumsum(in_part) - 1)[problem.sites.owner[pairs]]
    site = np.searchsorted(inside, problem.sites.idx[pairs]).astype(np.int32)
    return replace(
        problem,
        demand=problem.demand[in_part],
        sites=Lists.by_owner(zone, site, int(in_part.sum())),
        unit_cost=problem.unit_cost[pairs],
        capacity=problem.capacity[inside],
        rules=rules_inside(problem.rules, inside, np.empty(0, np.int64), 0.0),
    )
