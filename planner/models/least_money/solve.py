"""Least money among plans that are as good: a second level after another question's answer.

A plan that serves no less and keeps what else makes it good, but costs less, dominates it. Stations
that nothing needs are dropped and types made smaller; small problems then go to SCIP
(`planner.models.least_money.model`), all get a bound (`planner.models.least_money.bound`).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.arrays import IntArray
from planner.models.coverage.problem import CoverageProblem
from planner.models.least_money.bound import cost_bound
from planner.models.least_money.model import LeastMoneyModel
from planner.models.least_money.problem import EQUAL_FRAC, Kept, LeastMoneyProblem
from planner.models.sized_coverage.service import served_flow, smallest_types
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

EXACT_PAIRS = 20_000
"""Up to so many pairs within reach SCIP closes what is left, in seconds."""
SCIP_TOLERANCE = 1e-7
"""SCIP's bound is that of a floating-point LP: closer than this its digits mean nothing."""
MOST_FAILURES = 10
"""Stations in a row whose taking away left no plan as good: others are needed more."""
TIME_SHARE, LEAST_S, FIRST_NODES = 0.25, 1.0, 2_000
"""Share of the time limit, but at least a second; nodes in deterministic mode."""


@dataclass(frozen=True)
class LeastMoneySolution:
    """Stations with their types and the proof of their cost.

    Attributes
    ----------
    open_site_idx, type_idx : int arrays, shape (num_open,)
    proof : Proof
    """

    open_site_idx: IntArray
    type_idx: IntArray
    proof: Proof


def solve_least_money(
    problem: LeastMoneyProblem,
    open_site_idx: IntArray,
    type_idx: IntArray,
    options: SolveOptions,
    stop: StopRequest | None = None,
) -> LeastMoneySolution:
    """Spend as little as a plan as good can.

    Parameters
    ----------
    problem : LeastMoneyProblem
    open_site_idx, type_idx : int arrays, shape (num_open,)
        The known plan, ascending; it keeps the problem's rules.
    options : SolveOptions
    stop : StopRequest, optional
        Set it to end the search.

    Returns
    -------
    LeastMoneySolution
        Never dearer than the known plan.
    """
    started = work_s()
    limit_s = max(LEAST_S, TIME_SHARE * options.time_limit_s)
    until = math.inf if options.deterministic else started + limit_s
    plan = _smaller(problem, (open_site_idx, type_idx))
    plan = _dropped(problem, plan, until, stop)
    bound = min(cost_bound(problem), cost_of(problem, plan))
    cost = cost_of(problem, plan)
    num_pairs = problem.stations.coverage.reach.num_entries
    if num_pairs <= EXACT_PAIRS and cost > bound and cost > 0:
        plan, bound = _exact(problem, plan, bound, until - work_s(), options, stop)
        cost = cost_of(problem, plan)
    gap = gap_frac(cost, bound, sense="min")
    proof = Proof(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=cost, bound=bound, gap_frac=gap, sense="min", unit="CNY",
        wall_s=work_s() - started,
    )  # fmt: skip
    return LeastMoneySolution(*plan, proof)


def cost_of(problem: LeastMoneyProblem, plan: tuple[IntArray, IntArray]) -> float:
    """Cost of all stations."""
    return math.fsum(problem.stations.rules.cost[plan].tolist())


def is_as_good(problem: LeastMoneyProblem, plan: tuple[IntArray, IntArray]) -> bool:
    """Whether a plan keeps the rules, serves enough, and keeps what else it has to."""
    rules, sites = problem.stations.rules, plan[0]
    if not rules.allow_number(sites) or rules.forced.sum() != rules.forced[sites].sum():
        return False
    if cost_of(problem, plan) > rules.most_cost:
        return False
    if not _keeps(problem, sites):
        return False
    _, served = served_flow(problem.stations, *plan)
    return served >= problem.least_served * (1 - EQUAL_FRAC)


def _keeps(problem: LeastMoneyProblem, sites: IntArray) -> bool:
    """Whether open sites keep what is asked for beside the value served."""
    kept, coverage = problem.kept, problem.stations.coverage
    is_open = np.zeros(coverage.num_sites, dtype=np.bool_)
    is_open[sites] = True
    if kept.site_cost is not None and (
        counted_site_cost(kept, sites) > kept.most_site_cost * (1 + EQUAL_FRAC)
    ):
        return False
    if kept.need is not None:
        count = np.bincount(coverage.reach.entries_of(is_open), minlength=coverage.num_zones)
        met = count >= kept.need
        if math.isinf(kept.least_covered):
            if not met.all():
                return False
        elif coverage.value[met].sum() < kept.least_covered * (1 - EQUAL_FRAC):
            return False
    return kept.minutes is None or (
        counted_minutes(kept, coverage, sites) <= kept.most_minutes * (1 + EQUAL_FRAC)
    )


def counted_site_cost(kept: Kept, sites: IntArray) -> float:
    """Cost of open sites, whatever their size."""
    return 0.0 if kept.site_cost is None else math.fsum(kept.site_cost[sites].tolist())


def counted_minutes(kept: Kept, coverage: CoverageProblem, sites: IntArray) -> float:
    """Value times minutes to the nearest of the open sites, over all zones."""
    if kept.minutes is None:
        return 0.0
    is_open = np.zeros(coverage.num_sites, dtype=np.bool_)
    is_open[sites] = True
    nearest = np.full(coverage.num_zones, kept.unserved_minutes)
    chosen = np.repeat(is_open, coverage.reach.sizes)
    np.minimum.at(nearest, coverage.reach.idx[chosen], kept.minutes[chosen])
    return float(coverage.value @ nearest)


def _smaller(
    problem: LeastMoneyProblem, plan: tuple[IntArray, IntArray]
) -> tuple[IntArray, IntArray]:
    """The same sites, each with the cheapest type that carries what it carries."""
    smaller = plan[0], smallest_types(problem.stations, *plan)
    cheaper = cost_of(problem, smaller) < cost_of(problem, plan)
    return smaller if cheaper and is_as_good(problem, smaller) else plan


def _dropped(
    problem: LeastMoneyProblem,
    plan: tuple[IntArray, IntArray],
    until: float,
    stop: StopRequest | None,
) -> tuple[IntArray, IntArray]:
    """Without the stations that nothing needs, the least needed dropped first."""
    failures = 0
    for site in _doubtful(problem, plan[0]):
        if work_s() > until or failures == MOST_FAILURES or (stop is not None and stop.is_set()):
            break
        left = plan[0] != site
        fewer = plan[0][left], plan[1][left]
        failures += 1
        if is_as_good(problem, fewer):
            plan, failures = _smaller(problem, fewer), 0
    return plan


def _doubtful(problem: LeastMoneyProblem, sites: IntArray) -> Iterator[int]:
    """Open sites that cost and may close, if what they alone reach may be lost.

    First those that alone reach least, of these the dearest.
    """
    rules, coverage = problem.stations.rules, problem.stations.coverage
    is_open = np.zeros(coverage.num_sites, dtype=np.bool_)
    is_open[sites] = True
    count = np.bincount(coverage.reach.entries_of(is_open), minlength=coverage.num_zones)
    # Zones that lose their only station are lost: no more may be than serving all would spare.
    only = np.where(count == 1, coverage.value, 0.0)
    lost = np.bincount(coverage.reach.owner, only[coverage.reach.idx], minlength=coverage.num_sites)
    within_reach = math.fsum(coverage.value[count > 0].tolist())
    spare = within_reach - problem.least_served * (1 - EQUAL_FRAC)
    cost = np.where(problem.stations.capacity > 0, rules.cost, np.inf).min(axis=1, initial=np.inf)
    for site in sites[np.lexsort((-cost[sites], lost[sites]))].tolist():
        if not rules.forced[site] and cost[site] > 0 and lost[site] <= spare:
            yield site


def _exact(
    problem: LeastMoneyProblem, plan: tuple[IntArray, IntArray], bound: float, seconds: float,
    options: SolveOptions, stop: StopRequest | None,
) -> tuple[tuple[IntArray, IntArray], float]:  # fmt: skip
    """SCIP's plan, if it is as good and cheaper, and its bound, if it is higher."""
    cost = cost_of(problem, plan)
    model = LeastMoneyModel(problem)
    result = solve_mip(
        model.to_linear(cost).to_ortools(),
        time_limit_s=max(seconds, 0.05),
        node_limit=FIRST_NODES if options.deterministic else None,
        seed=options.seed,
        stop=stop,
    )
    if result.status is Status.INFEASIBLE:  # nothing is cheaper than the plan itself
        return plan, cost
    if math.isfinite(result.bound):
        bound = max(bound, min(result.bound, cost))
    if result.values is not None:
        site, kind = model.options
        first = problem.stations.coverage.num_sites
        chosen = np.flatnonzero(result.values[first : first + len(site)] > 0.5)
        found = site[chosen], kind[chosen]
        if is_as_good(problem, found) and cost_of(problem, found) <= cost:
            plan, cost = found, cost_of(problem, found)
    if result.status is Status.OPTIMAL and gap_frac(cost, bound, sense="min") <= SCIP_TOLERANCE:
        bound = cost
    return plan, min(bound, cost)
