"""Refuel flow of a wanted worth for the least money.

    min  sum_j c_j y_j     subject to (1) to (3) of `planner.models.refuelling.solve` and
                           sum_r v_r u_r >= W.

SCIP solves small problems. For larger ones the interval of money is halved: the plan of a budget
refuels W, or the bound proves that no plan of that budget does.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray
from planner.errors import InfeasibleError, NoPlanError
from planner.models.refuelling.capacity import driven_flows
from planner.models.refuelling.model import refuelling_mip
from planner.models.refuelling.presolve import ReducedFlows, reduce_flows
from planner.models.refuelling.problem import FlowRefuelling, FlowRefuellingProblem
from planner.models.refuelling.solve import check_limits, solve_flow_refuelling
from planner.models.refuelling.tuning import DEFAULT, Tuning
from planner.solving.compiling import work_s
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac


def cheapest_flow_refuelling(
    problem: FlowRefuellingProblem,
    wanted: float,
    options: SolveOptions,
    *,
    stop: StopRequest | None = None,
    tuning: Tuning = DEFAULT,
) -> FlowRefuelling:
    """Refuel flow of a wanted worth for the least money.

    Parameters
    ----------
    problem : FlowRefuellingProblem
        Its limits on number and money hold as well; without capacities.
    wanted : float
        Least value refuelled.
    options, stop : SolveOptions, StopRequest
        As in `solve_flow_refuelling`.
    tuning : Tuning, optional

    Returns
    -------
    FlowRefuelling
        Objective and bound are money [CNY], a minimum.

    Raises
    ------
    InfeasibleError
        If not even all sites refuel so much, or the limits are too tight.
    NoPlanError
        If the limit came before a plan.
    ValueError
        If a capacity is finite.
    """
    if np.isfinite(problem.capacity).any():
        raise ValueError("the cheapest variant knows no capacities; give np.inf")
    check_limits(problem)
    started = work_s()
    rows = reduce_flows(problem)
    spent = float(problem.rules.cost[problem.rules.forced].sum())
    slack = 1e-9 * max(rows.total_value, 1.0)
    if wanted > rows.total_value + slack:
        raise InfeasibleError(
            f"flows worth {wanted:,.6g} are to be refuelled; all sites together refuel "
            f"{rows.total_value:,.6g}"
        )
    wanted -= slack
    if wanted <= rows.base_value:
        plan, bound, optimal = np.zeros(rows.num_sites, dtype=np.bool_), 0.0, True
    elif rows.needs.nnz <= tuning.exact_needs:
        plan, bound, optimal = _cheapest_exactly(rows, wanted, options, stop)
    else:
        plan, bound, optimal = _cheapest_by_halving(problem, rows, wanted, options, stop, tuning)
    is_open = problem.rules.forced.copy()
    is_open[rows.site_idx[plan]] = True
    objective = float(problem.rules.cost[is_open].sum())
    bound = objective if optimal else min(spent + max(bound, 0.0), objective)
    gap = gap_frac(objective, bound, sense="min")
    wall_s = work_s() - started
    proof = Proof(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        sense="min",
        unit="CNY",
        wall_s=wall_s,
        history=(Progress("corridors", objective, bound, wall_s, "done", "min"),),
    )
    return FlowRefuelling(np.flatnonzero(is_open), driven_flows(problem, is_open), proof)


def _cheapest_exactly(
    rows: ReducedFlows, wanted: float, options: SolveOptions, stop: StopRequest | None
) -> tuple[BoolArray, float, bool]:
    limit_s = math.inf if options.deterministic else options.time_limit_s
    result = solve_mip(
        refuelling_mip(rows, wanted=wanted).to_ortools(),
        time_limit_s=limit_s,
        seed=options.seed,
        stop=stop,
    )
    if result.status is Status.INFEASIBLE:
        raise InfeasibleError(
            f"flows worth {wanted:,.6g} need more than {rows.num_stations} further corridor "
            f"stations or {rows.budget:,.0f} CNY"
        )
    if result.values is None:
        raise NoPlanError(f"corridors: no plan within {limit_s:.3g} s; raise the time limit")
    plan = result.values[: rows.num_sites] > 0.5
    return plan, -result.bound, result.status is Status.OPTIMAL


def _cheapest_by_halving(
    problem: FlowRefuellingProblem,
    rows: ReducedFlows,
    wanted: float,
    options: SolveOptions,
    stop: StopRequest | None,
    tuning: Tuning,
) -> tuple[BoolArray, float, bool]:
    """Halve the interval of money; each step's multipliers say how much is needed at least."""
    spent = float(problem.rules.cost[problem.rules.forced].sum())
    low, high = 0.0, min(rows.budget, float(rows.cost.sum()))
    best: BoolArray | None = None
    started = work_s()
    for _ in range(20):
        left_s = options.time_limit_s - (work_s() - started)
        if (left_s <= 0 and not options.deterministic) or high <= low * (1 + options.gap_frac):
            break
        money = (low + high) / 2
        step = replace(options, time_limit_s=max(left_s / 4, 1.0), gap_frac=options.gap_frac / 2)
        rules = replace(problem.rules, budget=spent + money)
        found = solve_flow_refuelling(replace(problem, rules=rules), step, stop=stop, tuning=tuning)
        if found.proof.objective >= wanted:
            is_open = np.zeros(problem.num_sites, dtype=np.bool_)
            is_open[found.open_site_idx] = True
            best = is_open[rows.site_idx]
            high = float(rows.cost[best].sum())
        elif found.proof.bound < wanted:
            low = money
        else:
            break  # between plan and bound: neither is proven
    if best is None:
        raise NoPlanError("corridors: no plan that refuels the wanted flow; raise the time limit")
    return best, low, False
