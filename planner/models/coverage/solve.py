"""Maximal covering of zones by at most p stations, with a proven bound.

Sets: demand zones i of value w_i >= 0 (swaps per day), candidate sites j, N(i) = sites within the
drive-time standard of zone i. y_j = 1 if a station stands at j, x_i = share of zone i covered.

    max  sum_i w_i x_i
    (1)  x_i <= sum_{j in N(i)} y_j        every zone i
    (2)  y_j = 1 forced,  y_j = 0 forbidden
    (3)  sum_j y_j <= p
         y_j in {0, 1},  0 <= x_i <= 1

Church and ReVelle 1974 (Papers of the Regional Science Association 32:101-118), with sites locked
by (2) and a budget that need not be spent; x may stay continuous, as they note. Not modelled:
capacities, station sizes, money, limits per city: rules that ask for them are refused.

How it is solved: zones with equal N(i) are merged; greedy and interchange give a first plan; a
primal-dual method on the linear relaxation gives multipliers, hence the Lagrangian bound (Galvao
and ReVelle 1996), and tells which sites deserve a look; annealing among those improves the plan;
zero-half cuts tighten the bound beyond the linear relaxation where the problem is not too large;
what is small enough after fixing sites by reduced cost is solved exactly by SCIP. (Cordeau,
Furini and Ljubic 2019, EJOR 275:882-896, solve the same model by Benders cuts: better with few
stations, worse with thousands.)
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import IntArray
from planner.errors import InfeasibleError, PlannerError
from planner.models.coverage.bound import lagrangian_bound
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rounds import (
    CoverageSearch,
    search_until_done,
    swap_until_local_optimum,
)
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.search import greedy, plan_value, swap_tables
from planner.models.coverage.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.rules import SiteRules
from planner.solving.status import OPTIMAL_GAP_FRAC


@dataclass(frozen=True)
class CoverageSolution:
    """Plan and proof.

    Attributes
    ----------
    open_site_idx : int array
        Open sites, forced ones included, ascending.
    proof : Proof
        The objective is the value covered, recomputed on the original zones.
    """

    open_site_idx: IntArray
    proof: Proof


def solve_coverage(
    problem: CoverageProblem,
    options: SolveOptions,
    *,
    tuning: Tuning = Tuning(),
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> CoverageSolution:
    """Place at most p stations so that the value of covered zones is greatest.

    Parameters
    ----------
    problem : CoverageProblem
        Its rules hold locks and the most stations, and no other limits. Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit (which the last step may overrun by a
        few seconds on national problems) or, in deterministic mode, after a fixed amount of work.
    tuning : Tuning, optional
        How hard each step works.
    on_progress : callable, optional
        Told of every step.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    CoverageSolution
        Always with a plan.

    Raises
    ------
    InfeasibleError
        If more sites are forced than stations are allowed.
    ValueError
        If the rules have a budget, a least number of stations or limits by city.
    """
    started = work_s()
    _check_rules(problem.rules)
    rng = np.random.default_rng(options.seed)
    rows = merge_rows(problem)
    plan = greedy(rows)
    tables = swap_tables(rows, plan)
    search = CoverageSearch(
        rows=rows,
        tuning=tuning,
        options=options,
        on_progress=on_progress,
        stop=stop,
        started=started,
        plan=plan,
        incumbent=plan_value(rows, tables),
    )
    search.report("greedy", f"{rows.num_sites} sites x {rows.num_rows} rows after presolve")
    if rows.num_stations > 0 and search.gap_frac > OPTIMAL_GAP_FRAC:
        swap_until_local_optimum(search, tables, rng)
        search.report("swap", f"{len(search.plan)} stations placed")
        search_until_done(search, rng)
    elif rows.num_stations == 0:
        search.exact_bound = rows.base_value
    return _solution(problem, search)


def coverage_value(problem: CoverageProblem, open_site_idx: IntArray) -> float:
    """Value of the zones that a set of open sites covers.

    Parameters
    ----------
    problem : CoverageProblem
    open_site_idx : int array
        Positions of open sites.

    Returns
    -------
    float
        Correctly rounded sum, so equal sets of zones give equal values.
    """
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    covered = np.zeros(problem.num_zones, dtype=np.bool_)
    covered[problem.reach.entries_of(is_open)] = True
    return math.fsum(problem.value[covered])


def _check_rules(rules: SiteRules) -> None:
    """Refuse what the model leaves out, and name what no plan can keep."""
    others = {
        "a budget": math.isfinite(rules.budget),
        "a least number of stations": rules.least > 0,
        "limits by city": rules.cities is not None,
    }
    found = [name for name, is_set in others.items() if is_set]
    if found:
        raise ValueError(
            f"solve_coverage does not model {', '.join(found)}; SiteRules.locks_and_most leaves "
            "such limits out"
        )
    if rules.most < 0:
        raise InfeasibleError(f"the budget is {rules.most} stations, below zero")
    if rules.num_forced > rules.most:
        raise InfeasibleError(
            f"{rules.num_forced} sites are forced open (existing or committed), "
            f"but the budget allows {rules.most} stations"
        )


def _solution(problem: CoverageProblem, search: CoverageSearch) -> CoverageSolution:
    """Recompute objective and bound from the plan and the multipliers alone."""
    rows = search.rows
    open_site_idx = np.union1d(np.flatnonzero(problem.rules.forced), rows.site_idx[search.plan])
    objective = coverage_value(problem, open_site_idx)
    bounds = [search.exact_bound, rows.base_value + math.fsum(rows.value)]
    if search.point is not None:
        bounds.append(lagrangian_bound(rows, search.point.multiplier))
    if search.cut_point is not None:
        bounds.append(search.cut_point.prices.bound(rows))
    bound = min(bounds)
    if bound < objective * (1.0 - OPTIMAL_GAP_FRAC):
        raise PlannerError(f"the bound {bound!r} is below the plan's value {objective!r}: a defect")
    bound = max(bound, objective)
    status = search.proof(objective, bound).status
    search.report("done", f"{len(open_site_idx)} stations, {status}")
    return CoverageSolution(open_site_idx.astype(np.int64), search.proof(objective, bound))
