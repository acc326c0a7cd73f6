"""Stations of several sizes that serve demand at least cost: capacitated facility location.

Sets: demand zones i with demand a_i, candidate sites j in cities c, station types t; N(i) = sites
that may serve zone i. y_jt = 1 if a station of type t stands at j, x_ij = share of zone i served
from j, w_i = share left unserved (none unless that has a price u).

    min  sum_jt f_jt y_jt + sum_i a_i (sum_{j in N(i)} c_ij x_ij + u w_i)
    (1)  sum_{j in N(i)} x_ij + w_i = 1                  every zone i with a_i > 0
    (2)  x_ij <= sum_t y_jt                              every pair
    (3)  sum_i a_i x_ij <= sum_t K_jt y_jt               every site j
    (4)  sum_t y_jt <= 1,  = 1 forced,  = 0 forbidden
    (5)  min_stations <= sum_jt y_jt <= max_stations
    (6)  sum_jt f_jt y_jt <= budget
    (7)  sum_{j in c, t} y_jt >= least_c                 every city c, where limited
    (8)  sum_{j in c, t} y_jt <= most_c                  every city c, where limited
         y_jt in {0, 1},  0 <= x_ij <= 1, and x_ij in {0, 1} where one station serves a zone alone

Balinski 1965 (Management Science 12:253-313) with the strong links (2); sizes as in Holmberg 1994
(Naval Research Logistics 41:47-78). Not modelled: stations in periods, congestion.

How it is solved: the Lagrangian dual of (1), and of (6), has a fractional knapsack per site; it
gives a bound, and stations to begin with. Those are improved by exchanges told from the prices of
the cheapest transport. Where few pairs are left, SCIP solves the model restricted to the stations
found and some more, and then the whole of it, less the sites that reduced costs rule out.
"""

import itertools
import math
import time
from dataclasses import dataclass, field, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.models.facility_location.dual import (
    CapacitatedDual,
    SitePairs,
    first_dual,
    improve_capacitated_dual,
    opening_losses,
    pairs_by_site,
)
from planner.models.facility_location.flows import Served, StationFlows
from planner.models.facility_location.mip import facility_mip, zone_of_pairs
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.search import improve_once
from planner.solving.best_sites import best_sites, check_numbers
from planner.solving.mip import MipResult, solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

SMALL_PAIRS = 3_000
"""Up to here SCIP solves the whole model in seconds: done at once and whatever the gap."""
MAX_EXACT_PAIRS = 40_000
"""Beyond this SCIP rarely leaves the root in minutes: only restricted models are tried."""
NEAR_GAP_FRAC, QUICK_PAIRS = 0.01, 4_000
"""Unless the gap is so small, or so few pairs are left, other rounds do more for it."""
MAX_LAST_PAIRS = 200_000
"""Beyond this not even when nothing else is left to do."""
DUAL_ITERATIONS, MAX_DUAL_BLOCKS, SETTLED_STEP = 100, 15, 0.003
"""Prices move in blocks of so many steps; Polyak's factor at which they hardly move any more."""
FAR = 1.5
"""Prices aim at no more than this multiple of the bound: a poor plan would lead them too far."""
DUAL_SHARE, SEARCH_SHARE = 0.25, 0.25
"""Of the time left that the prices and the stations of one round may take."""
QUIET_STEPS, LITTLE = 3, 0.002
"""Stations are left alone after so many steps that each save less than this share of the gap."""
MORE_PAIRS = 3_000
"""Pairs of the sites that a restricted model holds besides the stations found."""
LEAST_PROGRESS, RESUMED_STEP = 0.02, 0.3
"""A round that raises the bound by less than this share of the gap, and finds no better plan, is
the last; Polyak's factor at the beginning of the others."""
RESTRICTED_SHARE, LEAST_RESTRICTED_S = 0.4, 2.0
"""Of the time left that one restricted model may take."""
MAX_ROUNDS = 30
EXACT_NODES_TIMES_PAIRS = 5e7
"""Limits branch and bound in deterministic mode."""
MIP_ROUNDING = 1e-6
"""How far the solver's flows may be off before they are put right."""
PROOF_FRAC = 1e-7
"""SCIP closes its tree within its own tolerances: below this its bound is the plan's cost."""
LIKED = 0.5
"""Sites that relaxed plans open at least as often are opened to begin with."""


@dataclass(frozen=True)
class FacilityLocationSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, ascending.
    type_idx : int array
        Type of each of them.
    amount : float array, shape (num_pairs,)
        Demand served over each pair of the problem.
    unserved : float array, shape (num_zones,)
        Demand left unserved.
    objective, fixed_cost : float
        All costs, and those of the stations alone.
    bound : float
        No plan costs less.
    gap_frac : float
        (objective - bound) / bound.
    wall_s : float
        Seconds taken.
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    open_site_idx: IntArray
    type_idx: IntArray
    amount: FloatArray
    unserved: FloatArray
    objective: float
    fixed_cost: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


@dataclass(frozen=True)
class _Plan:
    """Stations, and the demand served over the pairs that are used."""

    open_site_idx: IntArray
    type_idx: IntArray
    pair_idx: IntArray
    amount: FloatArray
    cost: float


@dataclass
class _Search:
    """What is known so far, and when to give up; the only state that changes during a solve."""

    problem: FacilityLocationProblem
    options: SolveOptions
    on_progress: ProgressCallback | None
    stop: StopRequest | None
    started: float
    plan: _Plan | None = None
    bound: float = 0.0
    steps: int = 0
    history: list[Progress] = field(default_factory=list)

    @property
    def incumbent(self) -> float:
        """Cost of the best plan; inf without one."""
        return self.plan.cost if self.plan else math.inf

    @property
    def done(self) -> bool:
        """Whether the gap asked for is reached."""
        gap = gap_frac(self.incumbent, self.bound, sense="min")
        return gap <= max(self.options.gap_frac, OPTIMAL_GAP_FRAC)

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - (time.monotonic() - self.started)

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def allows(self, stations: IntArray) -> bool:
        """Whether stations, coded as site * num_types + type, keep locks, numbers and budget."""
        problem = self.problem
        sites, types = np.divmod(stations, problem.num_types)
        is_open = np.zeros(problem.num_sites, dtype=np.bool_)
        is_open[sites] = True
        return (
            problem.min_stations <= len(sites) <= problem.max_stations
            and bool(is_open[problem.forced].all())
            and math.fsum(problem.fixed_cost[sites, types]) <= problem.budget
            and (problem.cities is None or problem.cities.allow(sites))
        )

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is better."""
        if math.isfinite(bound):
            self.bound = min(max(self.bound, bound), self.incumbent)

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        incumbent = self.plan.cost if self.plan else None
        elapsed_s = time.monotonic() - self.started
        progress = Progress(stage, incumbent, self.bound, elapsed_s, message, "min")
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)


def _make_plan(
    problem: FacilityLocationProblem,
    sites: IntArray,
    types: IntArray,
    used: tuple[IntArray, FloatArray],
) -> _Plan:
    """Stations and what is served over which pairs, with all costs, correctly rounded."""
    pair_idx, amount = used
    costs = itertools.chain(
        problem.fixed_cost[sites, types],
        problem.unit_cost[pair_idx] * amount,
        _unserved_costs(problem, _unserved(problem, pair_idx, amount)),
    )
    return _Plan(sites, types, pair_idx, amount, math.fsum(costs))


def _unserved(
    problem: FacilityLocationProblem, pair_idx: IntArray, amount: FloatArray
) -> FloatArray:
    """Demand of each zone that no pair serves."""
    zone = np.searchsorted(problem.zone_ptr, pair_idx, side="right") - 1
    left = problem.demand - np.bincount(zone, amount, minlength=problem.num_zones)
    return np.where(left > MIP_ROUNDING * problem.demand, left, 0.0)


def _unserved_costs(problem: FacilityLocationProblem, unserved: FloatArray) -> FloatArray:
    left = unserved[unserved > 0.0]
    return left * problem.unserved_cost


def _check_feasible(problem: FacilityLocationProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    check_numbers(
        problem.forced, problem.forbidden, problem.min_stations, problem.max_stations,
        problem.cities,
    )  # fmt: skip
    cheapest = math.fsum(problem.fixed_cost[problem.forced].min(axis=1, initial=math.inf))
    if cheapest > problem.budget:
        raise InfeasibleError(
            f"the sites that are forced open cost {cheapest:,.2f}, the budget is "
            f"{problem.budget:,.2f}"
        )
    if math.isfinite(problem.unserved_cost):
        return
    usable = ~problem.forbidden[problem.site_idx]
    reached = np.zeros(problem.num_zones, dtype=np.bool_)
    reached[zone_of_pairs(problem)[usable]] = True
    lonely = np.flatnonzero(~reached & (problem.demand > 0))
    if len(lonely):
        raise InfeasibleError(
            f"{len(lonely)} zones with demand can be served from no site that may be open, the "
            f"first at position {lonely[0]}"
        )
    largest = _largest_rooms(problem)
    room, needed = math.fsum(largest[: problem.max_stations]), math.fsum(problem.demand)
    if room < needed * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"the {min(problem.max_stations, len(largest))} largest stations serve {room:,.2f}, "
            f"the demand is {needed:,.2f}"
        )


def _largest_rooms(problem: FacilityLocationProblem) -> FloatArray:
    """Capacities of the largest type at each site that may open, as many as cities allow."""
    room = problem.capacity.max(axis=1, initial=0.0)
    num_sites = problem.num_sites
    sites = best_sites(
        room + 1.0, problem.forced, problem.forbidden, 0, num_sites, problem.cities
    )  # fmt: skip
    return np.sort(room[sites])[::-1]


def _fewest(problem: FacilityLocationProblem) -> int:
    """How many of the largest stations it takes to hold all demand that must be served."""
    needed = math.fsum(problem.demand) * (1.0 - OPTIMAL_GAP_FRAC)
    if needed <= 0.0 or math.isfinite(problem.unserved_cost):
        return 0
    return int(np.searchsorted(np.cumsum(_largest_rooms(problem)), needed)) + 1


def solve_facility_location(
    problem: FacilityLocationProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> FacilityLocationSolution:
    """Choose stations, their types and whom they serve, at least cost.

    Parameters
    ----------
    problem : FacilityLocationProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit (overrun by two seconds at most) or, in
        deterministic mode, after a fixed amount of work.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    FacilityLocationSolution

    Raises
    ------
    InfeasibleError
        If no plan serves all demand within the limits.
    NoPlanError
        If a limit was reached before any plan was found.
    """
    _check_feasible(problem)
    # The fewest stations that hold all demand: implied, but not by the relaxation.
    problem = replace(problem, min_stations=max(problem.min_stations, _fewest(problem)))
    search = _Search(problem, options, on_progress, stop, time.monotonic())
    by_site = pairs_by_site(problem)
    sites = np.flatnonzero(~problem.forbidden)
    if _model_size(problem, by_site, sites) <= SMALL_PAIRS:
        _solve_whole(search, sites, by_site)
    else:
        _search_until_done(search, sites, by_site)
    if search.plan is None:
        raise NoPlanError("a limit was reached before a plan was found")
    return _solution(search, search.plan)


def _search_until_done(search: _Search, sites: IntArray, by_site: SitePairs) -> None:
    """Rounds of prices, stations and restricted models, then the whole of what is left."""
    problem = search.problem
    flows = StationFlows(problem, by_site)
    dual, target = _first_target(search, by_site, flows)
    left = sites
    for number in range(MAX_ROUNDS):
        before, missing = search.incumbent, search.incumbent - search.bound
        dual = _improve_bound(search, by_site, flows, dual, target)
        if search.done or not search.may_go_on():
            break
        stations = _search_stations(search, dual, flows, number)
        if search.done or not search.may_go_on():
            return
        _solve_restricted(search, by_site, dual, stations)
        if search.done or not search.may_go_on():
            return
        left = _worth_a_look(search, dual, sites)
        near = gap_frac(search.incumbent, search.bound, sense="min") <= NEAR_GAP_FRAC
        if _model_size(problem, by_site, left) <= (MAX_EXACT_PAIRS if near else QUICK_PAIRS):
            break
        raised = missing - (before - search.bound)
        if search.incumbent == before and raised <= LEAST_PROGRESS * missing:
            break
        dual = replace(dual, step=max(dual.step, RESUMED_STEP))
    if search.plan is None and math.isfinite(flows.problem.unserved_cost):
        _keep_stations(search, flows, _first_stations(problem, dual))
    size = _model_size(problem, by_site, left)
    if search.may_go_on() and not search.done and size <= MAX_LAST_PAIRS:
        _solve_whole(search, left, by_site)


def _num_pairs(by_site: SitePairs, sites: IntArray) -> int:
    return int(np.diff(by_site.site_ptr)[sites].sum())


def _model_size(problem: FacilityLocationProblem, by_site: SitePairs, sites: IntArray) -> int:
    """Pairs of some sites, and what may stay unserved."""
    leaves = math.isfinite(problem.unserved_cost)
    return _num_pairs(by_site, sites) + (int((problem.demand > 0).sum()) if leaves else 0)


def _search_stations(
    search: _Search, dual: CapacitatedDual, flows: StationFlows, number: int
) -> IntArray:
    """Improve the stations that the dual likes, and the incumbent's; the best ones found."""
    problem = search.problem
    starts = [_first_stations(problem, dual)]
    if search.plan is not None and number > 0:
        plan = search.plan
        starts.append(plan.open_site_idx * problem.num_types + plan.type_idx)
    best, best_cost = starts[0], math.inf
    for at, stations in enumerate(starts):
        end = _end(search, SEARCH_SHARE / (len(starts) - at))
        served, quiet = flows.serve(stations), 0
        while quiet < QUIET_STEPS and search.may_go_on() and time.monotonic() < end:
            before = served.search_cost
            stations, served = improve_once(
                flows, stations, served, search.may_go_on, search.options.seed + search.steps
            )
            search.steps += 1
            little = LITTLE * (before - search.bound)
            quiet = quiet + 1 if before - served.search_cost <= little else 0
            _keep_plan(search, flows, stations, served)
        if served.search_cost < best_cost:
            best, best_cost = stations, served.search_cost
        search.report("stations", f"{len(stations)} stations, {search.steps} steps")
    return best


def _keep_stations(search: _Search, flows: StationFlows, stations: IntArray) -> None:
    _keep_plan(search, flows, stations, flows.serve(stations))


def _keep_plan(search: _Search, flows: StationFlows, stations: IntArray, served: Served) -> None:
    """Keep stations and their transport if they are a plan, and better."""
    problem = search.problem
    if not served.cost < search.incumbent or not search.allows(stations):
        return
    used = flows.used_pairs_alone(served, stations) if problem.single else flows.used_pairs(served)
    if used is None:
        return
    plan = _make_plan(problem, *np.divmod(stations, problem.num_types), used)
    if plan.cost < search.incumbent:
        search.plan = plan
        search.report("stations", f"{len(stations)} stations")


def _first_stations(problem: FacilityLocationProblem, dual: CapacitatedDual) -> IntArray:
    """Sites that relaxed plans open most often, until demand has room or limits forbid."""
    value, types = dual.relaxed.value.min(axis=1), dual.relaxed.best_type
    cheapest = problem.fixed_cost.argmin(axis=1)
    rank = np.empty(problem.num_sites)
    rank[np.lexsort((value, -np.round(dual.frequency, 2)))] = np.arange(problem.num_sites)
    must = np.zeros(problem.num_sites, dtype=np.bool_)
    # With a worth below zero only what must be open is open.
    least = (problem.min_stations, problem.max_stations)
    must[best_sites(-1.0 - rank, problem.forced, problem.forbidden, *least, problem.cities)] = True
    spent = float(problem.fixed_cost[must, cheapest[must]].sum())
    number, room = int(must.sum()), 0.0
    in_city = problem.cities.max_stations.copy() if problem.cities is not None else None
    if problem.cities is not None and in_city is not None:
        in_city -= np.bincount(problem.cities.city_idx[must], minlength=len(in_city))
    everything, leaves = float(problem.demand.sum()), math.isfinite(problem.unserved_cost)
    liked = dual.frequency >= LIKED
    if not liked.any():
        liked[dual.relaxed.opening] = True
    chosen: list[int] = []
    for site in np.lexsort((rank, ~must)).tolist():
        kind = int(types[site])
        fixed = float(problem.fixed_cost[site, kind])
        if must[site]:
            spent -= float(problem.fixed_cost[site, cheapest[site]])
            if spent + fixed > problem.budget:
                kind = int(cheapest[site])
                fixed = float(problem.fixed_cost[site, kind])
        else:
            enough = not liked[site] if leaves else room >= everything
            if enough or number >= problem.max_stations:
                break
            if problem.forbidden[site] or spent + fixed > problem.budget:
                continue
            if problem.cities is not None and in_city is not None:
                city = problem.cities.city_idx[site]
                if in_city[city] <= 0:
                    continue
                in_city[city] -= 1
            number += 1
        chosen.append(site * problem.num_types + kind)
        room += float(problem.capacity[site, kind])
        spent += fixed
    return np.sort(np.array(chosen, dtype=np.int64))


def _first_target(
    search: _Search, by_site: SitePairs, flows: StationFlows
) -> tuple[CapacitatedDual, float]:
    """A rough dual, and the cost of the stations it likes: what the dual aims at at first."""
    problem = search.problem
    dual = first_dual(problem, by_site)
    guess = 2.0 * float((problem.demand * dual.prices.zone).sum()) + 1e-9
    dual = _move_prices(search, by_site, dual, guess, _end(search, DUAL_SHARE / 2))
    search.raise_bound(dual.relaxed.bound)
    stations = _first_stations(problem, dual)
    served = flows.serve(stations)
    _keep_plan(search, flows, stations, served)
    return replace(dual, step=1.0), served.cost if math.isfinite(served.cost) else guess


def _move_prices(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, target: float, until: float
) -> CapacitatedDual:
    """One block of steps."""
    return improve_capacitated_dual(
        search.problem, by_site, dual, target=target, iterations=DUAL_ITERATIONS,
        may_go_on=lambda: time.monotonic() < until and search.may_go_on(),
    )  # fmt: skip


def _improve_bound(
    search: _Search,
    by_site: SitePairs,
    flows: StationFlows,
    dual: CapacitatedDual,
    target: float,
) -> CapacitatedDual:
    """Move the prices until they settle, and see what the stations they like cost."""
    until = _end(search, DUAL_SHARE)
    for _ in range(MAX_DUAL_BLOCKS):
        if search.done or not search.may_go_on() or time.monotonic() > until:
            break
        aim = min(target, search.incumbent)
        if dual.relaxed.bound > 0.0:
            aim = min(aim, FAR * dual.relaxed.bound)
        dual = _move_prices(search, by_site, dual, aim, until)
        search.raise_bound(dual.relaxed.bound)
        search.report("bound", f"step {dual.step:.3f}")
        if dual.step <= SETTLED_STEP:
            break
        _keep_stations(search, flows, _first_stations(search.problem, dual))
    return dual


def _end(search: _Search, share: float) -> float:
    """When a share of the time that is left will be over."""
    return time.monotonic() + share * search.remaining_s


def _worth_a_look(search: _Search, dual: CapacitatedDual, sites: IntArray) -> IntArray:
    """Sites whose opening does not lift the bound to the incumbent."""
    relaxed = dual.relaxed
    loss = opening_losses(search.problem, relaxed)
    return sites[(relaxed.bound + loss < search.incumbent)[sites]]


def _solve_restricted(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, stations: IntArray
) -> None:
    """The model on the best stations found and a few sites that would cost least to add."""
    problem = search.problem
    chosen = np.zeros(problem.num_sites, dtype=np.bool_)
    chosen[stations // problem.num_types] = True
    order = np.argsort(dual.relaxed.value.min(axis=1), kind="stable")
    order = order[~problem.forbidden[order]]
    chosen[order[: MORE_PAIRS // max(problem.num_zones, 1)]] = True
    sites = np.flatnonzero(chosen)
    if _model_size(problem, by_site, sites) > MAX_EXACT_PAIRS:
        return
    limit_s = max(RESTRICTED_SHARE * search.remaining_s, LEAST_RESTRICTED_S)
    result = _run(search, sites, by_site, min(limit_s, search.remaining_s))
    search.report("restricted", f"{len(sites)} sites: {result.message}")


def _solve_whole(search: _Search, sites: IntArray, by_site: SitePairs) -> None:
    """All sites and pairs that are left: a proof."""
    result = _run(search, sites, by_site, search.remaining_s)
    if result.status is Status.INFEASIBLE and search.plan is None:
        raise InfeasibleError(
            "no choice of stations serves the demand within capacities, numbers and budget"
        )
    if result.status is Status.INFEASIBLE and search.plan is not None:
        search.raise_bound(search.incumbent)  # all plans that are better were in this model
    elif result.values is not None:
        gap = gap_frac(search.incumbent, result.bound, sense="min")
        proven = result.status is Status.OPTIMAL and gap <= PROOF_FRAC
        # Sites that were left out lead to nothing better than the incumbent.
        search.raise_bound(search.incumbent if proven else result.bound)
    search.report(
        "exact", f"{len(sites)} sites, {_num_pairs(by_site, sites)} pairs: {result.message}"
    )


def _run(search: _Search, sites: IntArray, by_site: SitePairs, limit_s: float) -> MipResult:
    """Solve a model and keep its plan if it is better."""
    problem, options = search.problem, search.options
    is_part = np.zeros(problem.num_sites, dtype=np.bool_)
    is_part[sites] = True
    pairs = np.sort(by_site.pair_idx[np.repeat(is_part, np.diff(by_site.site_ptr))]).astype(
        np.int64
    )
    zones = np.zeros(problem.num_zones, dtype=np.bool_)
    zones[zone_of_pairs(problem)[pairs]] = True
    if math.isinf(problem.unserved_cost) and (problem.demand[~zones] > 0).any():
        return MipResult(Status.INFEASIBLE, None, math.inf, "a zone has no pair")
    if len(sites) == 0:
        nothing = pairs, np.empty(0)
        search.plan = _make_plan(problem, sites, sites, nothing)
        return MipResult(Status.OPTIMAL, np.empty(0), search.plan.cost, "no site may be open")
    if search.stop is not None and search.stop.is_set():
        return MipResult(Status.NO_SOLUTION, None, math.inf, "stopped")
    node_limit = max(int(EXACT_NODES_TIMES_PAIRS / max(len(pairs), 1)), 1)
    result = solve_mip(
        facility_mip(problem, sites, pairs),
        time_limit_s=max(limit_s, 0.1),
        node_limit=node_limit if options.deterministic else None,
        seed=options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        plan = _read_plan(problem, sites, pairs, result.values)
        if plan.cost < search.incumbent:
            search.plan = plan
    return result


def _read_plan(
    problem: FacilityLocationProblem, sites: IntArray, pairs: IntArray, values: FloatArray
) -> _Plan:
    """Stations and flows of a solution; shares add up to one in double precision."""
    levels = values[: len(sites) * problem.num_types].reshape(len(sites), problem.num_types)
    is_open: BoolArray = levels.max(axis=1) > 0.5
    share = np.clip(values[levels.size : levels.size + len(pairs)], 0.0, 1.0)
    share = np.round(share) if problem.single else np.where(share < MIP_ROUNDING, 0.0, share)
    zone = zone_of_pairs(problem)[pairs]
    total = np.bincount(zone, weights=share, minlength=problem.num_zones)[zone]
    if math.isfinite(problem.unserved_cost):
        total[total < 1.0 - MIP_ROUNDING] = 1.0  # the rest is unserved
    used = share > 0.0
    amount = (problem.demand[zone] * share)[used] / total[used]
    open_sites, types = sites[is_open], levels[is_open].argmax(axis=1)
    return _make_plan(problem, open_sites, types, (pairs[used], amount))


def _solution(search: _Search, plan: _Plan) -> FacilityLocationSolution:
    problem = search.problem
    site = problem.site_idx[plan.pair_idx]
    load = np.bincount(site, weights=plan.amount, minlength=problem.num_sites)
    room = np.zeros(problem.num_sites)
    room[plan.open_site_idx] = problem.capacity[plan.open_site_idx, plan.type_idx]
    if (load > room * (1.0 + MIP_ROUNDING) + MIP_ROUNDING).any():
        raise PlannerError("a station serves more than its capacity: a defect")
    if search.bound > plan.cost + MIP_ROUNDING * max(1.0, abs(plan.cost)):
        raise PlannerError("the bound lies above a plan's cost: a defect")
    bound = min(search.bound, plan.cost)  # they may have crossed by rounding
    gap = gap_frac(plan.cost, bound, sense="min")
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    search.report("done", f"{len(plan.open_site_idx)} stations, {status}")
    amount = np.zeros(len(problem.site_idx))
    amount[plan.pair_idx] = plan.amount
    return FacilityLocationSolution(
        status=status,
        open_site_idx=plan.open_site_idx.astype(np.int64),
        type_idx=plan.type_idx.astype(np.int64),
        amount=amount,
        unserved=_unserved(problem, plan.pair_idx, plan.amount),
        objective=plan.cost,
        fixed_cost=math.fsum(problem.fixed_cost[plan.open_site_idx, plan.type_idx]),
        bound=bound,
        gap_frac=gap,
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
