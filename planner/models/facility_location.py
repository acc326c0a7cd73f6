"""Stations of several sizes that serve all demand at least cost: capacitated facility location.

Sets: demand zones i with demand a_i, candidate sites j, station types t; N(i) = sites that may
serve zone i. y_jt = 1 if a station of type t stands at j, x_ij = share of zone i served from j.

    min  sum_jt f_jt y_jt + sum_i a_i sum_{j in N(i)} c_ij x_ij
    (1)  sum_{j in N(i)} x_ij = 1                        every zone i with a_i > 0
    (2)  x_ij <= sum_t y_jt                              every pair
    (3)  sum_i a_i x_ij <= sum_t K_jt y_jt               every site j
    (4)  sum_t y_jt <= 1,  = 1 forced,  = 0 forbidden
    (5)  min_stations <= sum_jt y_jt <= max_stations
    (6)  sum_jt f_jt y_jt <= budget
         y_jt in {0, 1},  0 <= x_ij <= 1, and x_ij in {0, 1} where one station serves a zone alone

Balinski 1965 (Management Science 12:253-313) with the strong links (2); sizes as in Holmberg 1994
(Naval Research Logistics 41:47-78). Not modelled: stations in periods, congestion.

How it is solved: the Lagrangian dual of (1) has a fractional knapsack per site; it gives a bound
and tells which sites and pairs are worth a look. SCIP solves the model restricted to them, and the
whole of it, less the sites that reduced costs rule out, where that is small enough.
"""

import itertools
import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.problem import BoolArray, FacilityLocationProblem, FloatArray, IndexArray, IntArray
from planner.solving.capacitated_dual import (
    CapacitatedDual,
    SitePairs,
    capacitated_bound,
    improve_capacitated_dual,
    pairs_by_site,
)
from planner.solving.facility_search import FlowCosts, improve_stations
from planner.solving.median_dual import Openings, fixing_losses
from planner.solving.mip import MipResult, solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

SMALL_PAIRS = 3_000
"""Up to here SCIP solves the whole model in seconds: done at once and whatever the gap."""
MAX_EXACT_PAIRS = 40_000
"""Beyond this SCIP rarely leaves the root in minutes: only restricted models are tried."""
DUAL_ROUNDS, DUAL_ITERATIONS = 4, 100
MORE_PAIRS = 3_000
"""Pairs of the sites that a restricted model holds besides the stations found."""
LEAST_PROGRESS, RESUMED_STEP = 0.02, 0.3
"""A round that raises the bound by less than this share of the gap, and finds no better plan, is
the last; Polyak's factor at the beginning of the others."""
RESTRICTED_SHARE, LEAST_RESTRICTED_S = 0.4, 2.0
"""Of the time left that one restricted model may take."""
MAX_ROUNDS = 6
EXACT_NODES_TIMES_PAIRS = 5e7
"""Limits branch and bound in deterministic mode."""
MIP_ROUNDING = 1e-6
"""How far the solver's flows may be off before they are put right."""
PROOF_FRAC = 1e-7
"""SCIP closes its tree within its own tolerances: below this its bound is the plan's cost."""


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
    objective: float
    fixed_cost: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


@dataclass(frozen=True)
class _Plan:
    open_site_idx: IntArray
    type_idx: IntArray
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


def facility_cost(
    problem: FacilityLocationProblem, sites: IntArray, types: IntArray, amount: FloatArray
) -> float:
    """All costs of a plan, correctly rounded.

    Parameters
    ----------
    problem : FacilityLocationProblem
    sites, types : int arrays
        Open sites and the type of each.
    amount : float array, shape (num_pairs,)
        Demand served over each pair.
    """
    return math.fsum(itertools.chain(problem.fixed_cost[sites, types], problem.unit_cost * amount))


def facility_mip(
    problem: FacilityLocationProblem, sites: IntArray, pair_idx: IntArray
) -> "ModelBuilderHelper":
    """Equations (1) to (6), restricted to some sites and pairs.

    Parameters
    ----------
    problem : FacilityLocationProblem
    sites : int array
        Sites that may be open, ascending.
    pair_idx : int array
        Pairs that may be used, ascending; of those sites and of zones with demand.

    Returns
    -------
    ModelBuilderHelper
        Minimization; variables y_j_t site by site, then x_i_j.
    """
    import scipy.sparse
    from ortools.linear_solver.python import model_builder_helper

    num_types, num_y, num_x = problem.num_types, len(sites) * problem.num_types, len(pair_idx)
    zones, zone_row = np.unique(_zone_of_pairs(problem)[pair_idx], return_inverse=True)
    at_site = np.searchsorted(sites, problem.site_idx[pair_idx])
    load = problem.demand[zones[zone_row]]
    y = np.arange(num_y).reshape(len(sites), num_types)
    x = num_y + np.arange(num_x)
    links, room = len(zones) + np.arange(num_x), len(zones) + num_x + np.arange(len(sites))
    one = room + len(sites)
    stations = int(len(zones) + num_x + 2 * len(sites))
    blocks = [
        (zone_row, x, np.ones(num_x)),
        (links, x, np.ones(num_x)),
        (np.repeat(links, num_types), y[at_site].ravel(), -np.ones(num_x * num_types)),
        (room[at_site], x, load),
        (np.repeat(room, num_types), y.ravel(), -problem.capacity[sites].ravel()),
        (np.repeat(one, num_types), y.ravel(), np.ones(num_y)),
        (np.full(num_y, stations), y.ravel(), np.ones(num_y)),
        (np.full(num_y, stations + 1), y.ravel(), problem.fixed_cost[sites].ravel()),
    ]
    row, column, entry = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    triples: Any = (entry, (row, column))
    matrix = scipy.sparse.csr_matrix(
        scipy.sparse.coo_array(triples, shape=(stations + 2, num_y + num_x))
    )
    free = -np.inf
    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("facility_location")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(num_y + num_x),
        np.ones(num_y + num_x),
        np.r_[problem.fixed_cost[sites].ravel(), load * problem.unit_cost[pair_idx]],
        np.r_[
            np.ones(len(zones)), np.full(num_x + len(sites), free),
            problem.forced[sites].astype(float), float(problem.min_stations), free,
        ],
        np.r_[
            np.ones(len(zones)), np.zeros(num_x + len(sites)), np.ones(len(sites)),
            float(problem.max_stations), problem.budget,
        ],
        matrix,
    )  # fmt: skip
    for at, site in enumerate(sites.tolist()):
        for kind in range(num_types):
            model.set_var_integrality(at * num_types + kind, True)
            model.set_var_name(at * num_types + kind, f"y_{site}_{kind}")
        model.set_constraint_name(int(room[at]), f"capacity_{site}")
        model.set_constraint_name(int(one[at]), f"one_type_{site}")
    for at, zone in enumerate(zones.tolist()):
        model.set_constraint_name(at, f"serve_{zone}")
    for at, pair in enumerate(pair_idx.tolist()):
        name = f"{zones[zone_row[at]]}_{problem.site_idx[pair]}"
        model.set_var_name(num_y + at, f"x_{name}")
        model.set_constraint_name(int(links[at]), f"link_{name}")
        if problem.single:
            model.set_var_integrality(num_y + at, True)
    model.set_constraint_name(stations, "stations")
    model.set_constraint_name(stations + 1, "budget")
    return model


def _zone_of_pairs(problem: FacilityLocationProblem) -> IndexArray:
    return np.repeat(np.arange(problem.num_zones, dtype=np.int32), np.diff(problem.zone_ptr))


def _check_feasible(problem: FacilityLocationProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    num_forced = int(problem.forced.sum())
    num_usable = int((~problem.forbidden).sum())
    if problem.max_stations < num_forced:
        raise InfeasibleError(
            f"{num_forced} sites are forced open, but at most {problem.max_stations} stations are "
            "allowed"
        )
    if problem.min_stations > min(problem.max_stations, num_usable):
        raise InfeasibleError(
            f"at least {problem.min_stations} stations, but at most "
            f"{min(problem.max_stations, num_usable)} can be open"
        )
    usable = ~problem.forbidden[problem.site_idx]
    reached = np.zeros(problem.num_zones, dtype=np.bool_)
    reached[_zone_of_pairs(problem)[usable]] = True
    lonely = np.flatnonzero(~reached & (problem.demand > 0))
    if len(lonely):
        raise InfeasibleError(
            f"{len(lonely)} zones with demand can be served from no site that may be open, the "
            f"first at position {lonely[0]}"
        )
    largest = np.sort(problem.capacity.max(axis=1, initial=0.0)[~problem.forbidden])[::-1]
    room, needed = math.fsum(largest[: problem.max_stations]), math.fsum(problem.demand)
    if room < needed * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"the {min(problem.max_stations, num_usable)} largest stations serve {room:,.2f}, "
            f"the demand is {needed:,.2f}"
        )


def _fewest(problem: FacilityLocationProblem) -> int:
    """How many of the largest stations it takes to hold all demand."""
    largest = np.sort(problem.capacity.max(axis=1, initial=0.0)[~problem.forbidden])[::-1]
    needed = math.fsum(problem.demand) * (1.0 - OPTIMAL_GAP_FRAC)
    return int(np.searchsorted(np.cumsum(largest), needed)) + 1 if needed > 0.0 else 0


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
    pairs = np.flatnonzero(
        (problem.demand > 0)[_zone_of_pairs(problem)] & ~problem.forbidden[problem.site_idx]
    )
    sites = np.flatnonzero(~problem.forbidden)
    if len(pairs) <= SMALL_PAIRS:
        _solve_whole(search, sites, pairs)
    else:
        _search_until_done(search, sites, pairs)
    if search.plan is None:
        raise NoPlanError("a limit was reached before a plan was found that serves all demand")
    return _solution(search, search.plan)


def _search_until_done(search: _Search, sites: IntArray, pairs: IntArray) -> None:
    """Rounds of dual and restricted models, then the whole of what is left."""
    problem, by_site = search.problem, pairs_by_site(search.problem)
    flows = FlowCosts(problem, pairs)
    dual, target = _first_target(problem, by_site, flows)
    for _ in range(MAX_ROUNDS):
        before, missing = search.incumbent, search.incumbent - search.bound
        dual = _improve_bound(search, by_site, dual, target)
        if search.done or not search.may_go_on():
            return
        stations = _search_stations(search, by_site, dual, flows)
        if stations is not None:
            _solve_restricted(search, pairs, dual, stations)
        if search.done or not search.may_go_on():
            return
        left, left_pairs = _worth_a_look(search, by_site, dual, sites, pairs)
        if search.plan is None or len(left_pairs) <= MAX_EXACT_PAIRS:
            _solve_whole(search, left, left_pairs)
            return
        raised = missing - (before - search.bound)
        if search.incumbent == before and raised <= LEAST_PROGRESS * missing:
            break
        dual = replace(dual, step=max(dual.step, RESUMED_STEP))
    left, left_pairs = _worth_a_look(search, by_site, dual, sites, pairs)
    _solve_whole(search, left, left_pairs)


def _search_stations(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, flows: FlowCosts
) -> IntArray | None:
    """Improve the incumbent's stations, or those the dual likes; None if they serve too little."""
    problem = search.problem
    *_, value, best_type = capacitated_bound(problem, by_site, dual.multiplier, dual.capacity_price)
    base = float(problem.demand @ dual.multiplier)
    base += dual.capacity_price * float(problem.demand.sum())
    starts = [_affordable(problem, dual, value, best_type)]
    if search.plan is not None:
        plan = search.plan
        starts.append(plan.open_site_idx * problem.num_types + plan.type_idx)
    found = [
        improve_stations(problem, flows, start, value, base, search.may_go_on) for start in starts
    ]
    costs = [flows.of(stations) for stations in found]
    best = found[int(np.argmin(costs))]
    search.report("stations", f"{len(best)} stations, {len(flows.known)} flows")
    return best if math.isfinite(min(costs)) else None


def _affordable(
    problem: FacilityLocationProblem, dual: CapacitatedDual, value: FloatArray, best_type: IntArray
) -> IntArray:
    """Sites that relaxed plans open most often, until they serve all demand or limits forbid."""
    types = best_type.copy()
    order = np.lexsort((value.min(axis=1), -np.round(dual.frequency, 2), ~problem.forced))
    chosen: list[int] = []
    room = spent = 0.0
    for site in order.tolist():
        kind = int(types[site])
        dear = spent + problem.fixed_cost[site, kind] > problem.budget
        full = len(chosen) >= problem.max_stations
        enough = room >= problem.demand.sum() and len(chosen) >= problem.min_stations
        if problem.forbidden[site] or ((dear or full or enough) and not problem.forced[site]):
            continue
        chosen.append(site * problem.num_types + kind)
        room += problem.capacity[site, kind]
        spent += problem.fixed_cost[site, kind]
    return np.array(chosen, dtype=np.int64)


def _first_dual(problem: FacilityLocationProblem) -> CapacitatedDual:
    """Each zone is worth what its third nearest site would charge."""
    multiplier = np.zeros(problem.num_zones)
    for zone, (first, last) in enumerate(itertools.pairwise(problem.zone_ptr.tolist())):
        costs = np.sort(problem.unit_cost[first:last])
        if len(costs):
            multiplier[zone] = costs[min(2, len(costs) - 1)]
    nothing = np.zeros(problem.num_sites)
    return CapacitatedDual(
        multiplier, 0.0, -math.inf, np.zeros_like(problem.capacity), nothing, 1.0
    )


def _first_target(
    problem: FacilityLocationProblem, by_site: SitePairs, flows: FlowCosts
) -> tuple[CapacitatedDual, float]:
    """A rough dual, and the cost of the stations it likes: what the dual aims at at first."""
    dual = _first_dual(problem)
    guess = 2.0 * float(problem.demand @ dual.multiplier) + 1e-9
    dual = improve_capacitated_dual(
        problem, by_site, dual, target=guess, iterations=DUAL_ITERATIONS
    )
    *_, value, best_type = capacitated_bound(problem, by_site, dual.multiplier, dual.capacity_price)
    rough = flows.of(_affordable(problem, dual, value, best_type))
    return replace(dual, step=1.0), rough if math.isfinite(rough) else guess


def _improve_bound(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, target: float
) -> CapacitatedDual:
    for _ in range(DUAL_ROUNDS):
        if not search.may_go_on() or search.done:
            break
        dual = improve_capacitated_dual(
            search.problem, by_site, dual,
            target=min(target, search.incumbent), iterations=DUAL_ITERATIONS,
        )  # fmt: skip
        exact, *_ = capacitated_bound(search.problem, by_site, dual.multiplier, dual.capacity_price)
        search.raise_bound(exact)
    search.report("bound", f"step {dual.step:.3f}")
    return dual


def _worth_a_look(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, sites: IntArray, pairs: IntArray
) -> tuple[IntArray, IntArray]:
    """Sites whose opening does not lift the bound to the incumbent, and their pairs."""
    problem = search.problem
    bound, opening, value, _ = capacitated_bound(
        problem, by_site, dual.multiplier, dual.capacity_price
    )
    limits = Openings(
        problem.forced, problem.min_stations, problem.max_stations, np.zeros(problem.num_sites),
        math.inf,
    )  # fmt: skip
    loss = fixing_losses(limits, opening, -value.min(axis=1))
    loss[opening] = 0.0
    stays = np.zeros(problem.num_sites, dtype=np.bool_)
    stays[sites] = (bound + loss < search.incumbent)[sites]
    return np.flatnonzero(stays), pairs[stays[problem.site_idx[pairs]]]


def _solve_restricted(
    search: _Search, pairs: IntArray, dual: CapacitatedDual, stations: IntArray
) -> None:
    """The model on the best stations found and a few sites that would cost least to add."""
    problem = search.problem
    chosen = np.zeros(problem.num_sites, dtype=np.bool_)
    chosen[stations // problem.num_types] = True
    order = np.argsort(dual.site_value.min(axis=1), kind="stable")
    order = order[~problem.forbidden[order]]
    chosen[order[: MORE_PAIRS // max(problem.num_zones, 1)]] = True
    part = pairs[chosen[problem.site_idx[pairs]]]
    limit_s = max(RESTRICTED_SHARE * search.remaining_s, LEAST_RESTRICTED_S)
    result = _run(search, np.flatnonzero(chosen), part, min(limit_s, search.remaining_s))
    search.report("restricted", f"{int(chosen.sum())} sites: {result.message}")


def _solve_whole(search: _Search, sites: IntArray, pairs: IntArray) -> None:
    """All sites and pairs that are left: a proof."""
    result = _run(search, sites, pairs, search.remaining_s)
    if result.status is Status.INFEASIBLE and search.plan is None:
        raise InfeasibleError(
            "no choice of stations serves all demand within capacities, numbers and budget"
        )
    if result.status is Status.INFEASIBLE and search.plan is not None:
        search.raise_bound(search.incumbent)  # all plans that are better were in this model
    elif result.values is not None:
        gap = gap_frac(search.incumbent, result.bound, sense="min")
        proven = result.status is Status.OPTIMAL and gap <= PROOF_FRAC
        # Sites that were left out lead to nothing better than the incumbent.
        search.raise_bound(search.incumbent if proven else result.bound)
    search.report("exact", f"{len(sites)} sites, {len(pairs)} pairs: {result.message}")


def _run(search: _Search, sites: IntArray, pairs: IntArray, limit_s: float) -> MipResult:
    """Solve a model and keep its plan if it is better."""
    problem, options = search.problem, search.options
    zones = np.zeros(problem.num_zones, dtype=np.bool_)
    zones[_zone_of_pairs(problem)[pairs]] = True
    if (problem.demand[~zones] > 0).any():
        return MipResult(Status.INFEASIBLE, None, math.inf, "a zone has no pair")
    if len(sites) == 0:
        search.plan = _Plan(sites, sites, np.zeros(len(problem.site_idx)), 0.0)
        return MipResult(Status.OPTIMAL, np.empty(0), 0.0, "nothing to serve")
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
    share = np.clip(values[levels.size :], 0.0, 1.0)
    share = np.round(share) if problem.single else np.where(share < MIP_ROUNDING, 0.0, share)
    zone = _zone_of_pairs(problem)[pairs]
    total = np.bincount(zone, weights=share, minlength=problem.num_zones)
    amount = np.zeros(len(problem.site_idx))
    amount[pairs] = problem.demand[zone] * share / total[zone]
    open_sites, types = sites[is_open], levels[is_open].argmax(axis=1)
    cost = facility_cost(problem, open_sites, types, amount)
    return _Plan(open_sites, types, amount, cost)


def _solution(search: _Search, plan: _Plan) -> FacilityLocationSolution:
    problem = search.problem
    load = np.bincount(problem.site_idx, weights=plan.amount, minlength=problem.num_sites)
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
    return FacilityLocationSolution(
        status=status,
        open_site_idx=plan.open_site_idx.astype(np.int64),
        type_idx=plan.type_idx.astype(np.int64),
        amount=plan.amount,
        objective=plan.cost,
        fixed_cost=math.fsum(problem.fixed_cost[plan.open_site_idx, plan.type_idx]),
        bound=bound,
        gap_frac=gap,
        wall_s=time.monotonic() - search.started,
        history=tuple(search.history),
    )
