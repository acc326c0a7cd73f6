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

import math
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.models.facility_location.dual import (
    CapacitatedDual,
    SitePairs,
    first_dual,
    improve_capacitated_dual,
    opening_losses,
    pairs_by_site,
)
from planner.models.facility_location.feasible import check_feasible, fewest_stations
from planner.models.facility_location.flows import Served, StationFlows
from planner.models.facility_location.mip import facility_mip
from planner.models.facility_location.plan import (
    MIP_ROUNDING,
    Plan,
    is_overloaded,
    make_plan,
    read_plan,
    unserved_demand,
)
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.search import improve_once
from planner.models.facility_location.start import first_stations
from planner.models.facility_location.tuning import Tuning
from planner.solving.best_sites import best_sites
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.scaling import scaled
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac

PROOF_FRAC = 1e-7
"""SCIP closes its tree within its own tolerances: below this its bound is the plan's cost."""
LEAST_SEEN = 1e-3
"""A plan that costs less in the solver's numbers is lost in its tolerances."""


@dataclass(frozen=True)
class FacilityLocationSolution:
    """Plan and proof.

    Attributes
    ----------
    proof : Proof
        All costs, and what no plan goes below; smaller is better.
    open_site_idx : int array
        Open sites, ascending.
    type_idx : int array
        Type of each of them.
    amount : float array, shape (num_pairs,)
        Demand served over each pair of the problem.
    unserved : float array, shape (num_zones,)
        Demand left unserved.
    fixed_cost : float
        Of the stations alone.
    """

    proof: Proof
    open_site_idx: IntArray
    type_idx: IntArray
    amount: FloatArray
    unserved: FloatArray
    fixed_cost: float


@dataclass(kw_only=True)
class _Search(SearchState):
    """The best plan and bound so far."""

    sense: ClassVar[Sense] = "min"

    problem: FacilityLocationProblem
    tuning: Tuning
    plan: Plan | None = None
    bound: float = 0.0
    steps: int = 0

    @property
    def best_objective(self) -> float | None:
        """Cost of the best plan; None without one."""
        return self.plan.cost if self.plan else None

    @property
    def best_bound(self) -> float:
        """No plan costs less."""
        return self.bound

    @property
    def incumbent(self) -> float:
        """Cost of the best plan; inf without one."""
        return self.plan.cost if self.plan else math.inf

    @property
    def done(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.gap_frac <= max(self.options.gap_frac, OPTIMAL_GAP_FRAC)

    def allows(self, stations: IntArray) -> bool:
        """Whether stations, coded as site * num_types + type, keep locks, numbers and budget."""
        rules = self.problem.rules
        sites, types = np.divmod(stations, self.problem.num_types)
        is_open = np.zeros(self.problem.num_sites, dtype=np.bool_)
        is_open[sites] = True
        return (
            rules.allow_number(sites)
            and bool(is_open[rules.forced].all())
            and math.fsum(rules.cost[sites, types]) <= rules.most_cost
        )

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is better."""
        if math.isfinite(bound):
            self.bound = min(max(self.bound, bound), self.incumbent)


def solve_facility_location(
    problem: FacilityLocationProblem,
    options: SolveOptions,
    *,
    tuning: Tuning | None = None,
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
    tuning : Tuning, optional
        How hard it works at what; measured values if not given.
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
    started = work_s()
    check_feasible(problem)
    # The fewest stations that hold all demand: implied, but not by the relaxation.
    least = max(problem.rules.least, fewest_stations(problem))
    problem = replace(problem, rules=replace(problem.rules, least=least))
    search = _Search(
        problem=problem,
        tuning=tuning or Tuning(),
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
    )
    by_site = pairs_by_site(problem)
    sites = np.flatnonzero(~problem.rules.forbidden)
    if _model_size(problem, by_site, sites) <= search.tuning.small_pairs:
        _solve_whole(search, sites, by_site)
    else:
        _search_until_done(search, sites, by_site)
    if search.plan is None:
        _serve_nobody(search)
    if search.plan is None:
        told = f" ({search.history[-1].message})" if search.history else ""
        raise NoPlanError(f"a limit was reached before a plan was found{told}")
    return _solution(search, search.plan)


def _search_until_done(search: _Search, sites: IntArray, by_site: SitePairs) -> None:
    """Rounds of prices, stations and restricted models, then the whole of what is left."""
    problem = search.problem
    flows = StationFlows(problem, by_site)
    dual, target = _first_target(search, by_site, flows)
    left = sites
    for number in range(search.tuning.max_rounds):
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
        near = gap_frac(search.incumbent, search.bound, sense="min") <= search.tuning.near_gap_frac
        most_pairs = search.tuning.max_exact_pairs if near else search.tuning.quick_pairs
        if _model_size(problem, by_site, left) <= most_pairs:
            break
        raised = missing - (before - search.bound)
        if search.incumbent == before and raised <= search.tuning.least_progress * missing:
            break
        dual = replace(dual, step=max(dual.step, search.tuning.resumed_step))
    if search.plan is None and math.isfinite(flows.problem.unserved_cost):
        _keep_stations(search, flows, _first_stations(search, dual))
    size = _model_size(problem, by_site, left)
    if search.may_go_on() and not search.done and size <= search.tuning.max_last_pairs:
        _solve_whole(search, left, by_site)


def _serve_nobody(search: _Search) -> None:
    """The cheapest stations that keep the rules, where all demand may stay unserved."""
    problem, rules = search.problem, search.problem.rules
    if math.isinf(problem.unserved_cost) or problem.num_types == 0:
        return
    kind = rules.cost.argmin(axis=1)
    cost = rules.cost.min(axis=1)
    sites = best_sites(-cost, rules.forced, rules.forbidden, rules.least, rules.most, rules.cities)
    if search.allows(sites * problem.num_types + kind[sites]):
        nothing = np.empty(0, np.int64), np.empty(0)
        search.plan = make_plan(problem, sites, kind[sites], nothing)


def _num_pairs(by_site: SitePairs, sites: IntArray) -> int:
    return int(by_site.zones.sizes[sites].sum())


def _model_size(problem: FacilityLocationProblem, by_site: SitePairs, sites: IntArray) -> int:
    """Pairs of some sites, and what may stay unserved."""
    leaves = math.isfinite(problem.unserved_cost)
    return _num_pairs(by_site, sites) + (int((problem.demand > 0).sum()) if leaves else 0)


def _search_stations(
    search: _Search, dual: CapacitatedDual, flows: StationFlows, number: int
) -> IntArray:
    """Improve the stations that the dual likes, and the incumbent's; the best ones found."""
    problem = search.problem
    starts = [_first_stations(search, dual)]
    if search.plan is not None and number > 0:
        plan = search.plan
        starts.append(plan.open_site_idx * problem.num_types + plan.type_idx)
    best, best_cost = starts[0], math.inf
    for at, stations in enumerate(starts):
        end = _end(search, search.tuning.search_share / (len(starts) - at))
        served, quiet = flows.serve(stations), 0
        while quiet < search.tuning.quiet_steps and search.may_go_on() and work_s() < end:
            before = served.search_cost
            stations, served = improve_once(
                flows, stations, served, search.may_go_on, search.options.seed + search.steps
            )
            search.steps += 1
            # Stations that break a limit may cost less than the bound: no saving is not progress.
            little = max(search.tuning.least_saving_frac * (before - search.bound), 0.0)
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
    plan = make_plan(problem, *np.divmod(stations, problem.num_types), used)
    if plan.cost < search.incumbent and not is_overloaded(problem, plan):
        search.plan = plan
        search.report("stations", f"{len(stations)} stations")


def _first_stations(search: _Search, dual: CapacitatedDual) -> IntArray:
    return first_stations(search.problem, dual, search.tuning.first_open_frac)


def _first_target(
    search: _Search, by_site: SitePairs, flows: StationFlows
) -> tuple[CapacitatedDual, float]:
    """A rough dual, and the cost of the stations it likes: what the dual aims at at first."""
    problem = search.problem
    dual = first_dual(problem, by_site)
    guess = 2.0 * float((problem.demand * dual.prices.zone).sum()) + 1e-9
    dual = _move_prices(search, by_site, dual, guess, _end(search, search.tuning.dual_share / 2))
    search.raise_bound(dual.relaxed.bound)
    stations = _first_stations(search, dual)
    served = flows.serve(stations)
    _keep_plan(search, flows, stations, served)
    return replace(dual, step=1.0), served.cost if math.isfinite(served.cost) else guess


def _move_prices(
    search: _Search, by_site: SitePairs, dual: CapacitatedDual, target: float, until: float
) -> CapacitatedDual:
    """One block of steps."""
    return improve_capacitated_dual(
        search.problem, by_site, dual, target=target, iterations=search.tuning.dual_iterations,
        may_go_on=lambda: work_s() < until and search.may_go_on(),
    )  # fmt: skip


def _improve_bound(
    search: _Search,
    by_site: SitePairs,
    flows: StationFlows,
    dual: CapacitatedDual,
    target: float,
) -> CapacitatedDual:
    """Move the prices until they settle, and see what the stations they like cost."""
    until = _end(search, search.tuning.dual_share)
    for _ in range(search.tuning.max_dual_blocks):
        if search.done or not search.may_go_on() or work_s() > until:
            break
        aim = min(target, search.incumbent)
        if dual.relaxed.bound > 0.0:
            aim = min(aim, search.tuning.most_target_to_bound * dual.relaxed.bound)
        dual = _move_prices(search, by_site, dual, aim, until)
        search.raise_bound(dual.relaxed.bound)
        search.report("bound", f"step {dual.step:.3f}")
        if dual.step <= search.tuning.settled_step:
            break
        _keep_stations(search, flows, _first_stations(search, dual))
    return dual


def _end(search: _Search, share: float) -> float:
    """When a share of the time that is left will be over."""
    return work_s() + share * search.remaining_s


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
    order = order[~problem.rules.forbidden[order]]
    chosen[order[: search.tuning.more_pairs // max(problem.num_zones, 1)]] = True
    sites = np.flatnonzero(chosen)
    if _model_size(problem, by_site, sites) > search.tuning.max_exact_pairs:
        return
    tuning = search.tuning
    limit_s = max(tuning.restricted_share * search.remaining_s, tuning.least_restricted_s)
    result = _run(search, sites, by_site, min(limit_s, search.remaining_s))
    search.report("restricted", f"{len(sites)} sites: {result.message}")


def _solve_whole(search: _Search, sites: IntArray, by_site: SitePairs) -> None:
    """All sites and pairs that are left: a proof."""
    had_plan = search.plan is not None
    result = _run(search, sites, by_site, search.remaining_s)
    if result.status is Status.INFEASIBLE:
        if had_plan:
            search.raise_bound(search.incumbent)  # all plans that are better were in this model
        else:
            _serve_nobody(search)
        if search.plan is None:
            raise InfeasibleError(
                "no choice of stations serves the demand within capacities, numbers and budget"
            )
    if result.status is Status.OPTIMAL and not _proves(search, result):
        # Costs are too far apart for one model: less the ones that no better plan pays.
        result = _run(search, sites, by_site, search.remaining_s)
    if result.values is not None:
        # Sites that were left out lead to nothing better than the incumbent.
        search.raise_bound(search.incumbent if _proves(search, result) else result.bound)
    search.report(
        "exact", f"{len(sites)} sites, {_num_pairs(by_site, sites)} pairs: {result.message}"
    )


def _proves(search: _Search, result: "_Outcome") -> bool:
    """Whether the incumbent is the best plan: not where the solver could not see what it costs."""
    gap = gap_frac(search.incumbent, result.bound, sense="min")
    seen = search.incumbent * result.factor >= LEAST_SEEN
    return result.status is Status.OPTIMAL and gap <= PROOF_FRAC and seen


class _Outcome(NamedTuple):
    """A `MipResult` whose bound is in the problem's costs, and the factor of those solved with."""

    status: Status
    values: FloatArray | None
    bound: float
    message: str
    factor: float = 1.0


def _run(search: _Search, sites: IntArray, by_site: SitePairs, limit_s: float) -> _Outcome:
    """Solve a model and keep its plan if it is better."""
    problem, options = search.problem, search.options
    is_part = np.zeros(problem.num_sites, dtype=np.bool_)
    is_part[sites] = True
    pairs = np.sort(by_site.pair_idx[np.repeat(is_part, by_site.zones.sizes)]).astype(np.int64)
    zones = np.zeros(problem.num_zones, dtype=np.bool_)
    zones[problem.pair_zone[pairs]] = True
    if math.isinf(problem.unserved_cost) and (problem.demand[~zones] > 0).any():
        return _Outcome(Status.INFEASIBLE, None, math.inf, "a zone has no pair")
    if len(sites) == 0:
        nothing = pairs, np.empty(0)
        search.plan = make_plan(problem, sites, sites, nothing)
        search.raise_bound(search.plan.cost)
        return _Outcome(Status.OPTIMAL, np.empty(0), search.plan.cost, "no site may be open")
    if search.stop is not None and search.stop.is_set():
        return _Outcome(Status.NO_SOLUTION, None, math.inf, "stopped")
    node_limit = max(int(search.tuning.exact_nodes_times_pairs / max(len(pairs), 1)), 1)
    model, factor = scaled(facility_mip(problem, sites, pairs, search.incumbent))
    result = solve_mip(
        model.to_ortools(),
        time_limit_s=max(limit_s, 0.1),
        node_limit=node_limit if options.deterministic else None,
        seed=options.seed,
        stop=search.stop,
    )
    if result.values is not None:
        plan = read_plan(problem, sites, pairs, result.values)
        stations = plan.open_site_idx * problem.num_types + plan.type_idx
        if is_overloaded(problem, plan):  # demand and room are too far apart for the solver
            _keep_stations(search, StationFlows(problem, by_site), stations)
        elif plan.cost < search.incumbent and search.allows(stations):
            search.plan = plan
    return _Outcome(result.status, result.values, result.bound / factor, result.message, factor)


def _solution(search: _Search, plan: Plan) -> FacilityLocationSolution:
    problem = search.problem
    if is_overloaded(problem, plan):
        raise PlannerError("a station serves more than its capacity: a defect")
    if search.bound > plan.cost + MIP_ROUNDING * max(1.0, abs(plan.cost)):
        raise PlannerError("the bound lies above a plan's cost: a defect")
    bound = min(search.bound, plan.cost)  # they may have crossed by rounding
    proof = search.proof(plan.cost, bound)
    search.report("done", f"{len(plan.open_site_idx)} stations, {proof.status}")
    amount = np.zeros(problem.sites.num_entries)
    amount[plan.pair_idx] = plan.amount
    return FacilityLocationSolution(
        proof=replace(proof, history=tuple(search.history)),
        open_site_idx=plan.open_site_idx.astype(np.int64),
        type_idx=plan.type_idx.astype(np.int64),
        amount=amount,
        unserved=unserved_demand(problem, plan.pair_idx, plan.amount),
        fixed_cost=math.fsum(problem.rules.cost[plan.open_site_idx, plan.type_idx]),
    )
