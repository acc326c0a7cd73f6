"""Least cost of stations that cover all zones, or a share of their value: set covering.

Sets: demand zones i of value w_i that take r_i >= 0 stations, candidate sites j, N(i) = sites
within reach of zone i. y_j = 1 if a station stands at j, x_i = 1 if zone i counts as covered.

    min  sum_j cost_j y_j
    (1)  sum_{j in N(i)} y_j >= r_i x_i       every zone i with r_i > 0
    (2)  x_i = 1                              every zone, if all are to be covered
    (3)  sum_i w_i x_i >= share sum_i w_i     otherwise
    (4)  y_j = 1 forced,  y_j = 0 forbidden
    (5)  min_stations <= sum_j y_j <= max_stations
    (6)  sum_j cost_j y_j <= budget
         x, y in {0, 1}

Toregas, Swain, ReVelle and Bergman 1971 (Operations Research 19:1363-1373); partial covering as in
Daskin and Owen 1999 (Geographical Analysis 31:217-235). Not modelled: capacities, sizes.

How it is solved: greedy opening and closing give a plan; zones with equal N(i) and r_i are merged
where all must be covered; then CP-SAT with its worker ``max_lp``, which keeps the linear relaxation
at hand (its default portfolio on few threads does not, and its bounds stay trivial). CP-SAT counts
in whole numbers: costs and values that are not whole are rounded so that its bound stays a bound,
and what that can cost is part of the gap.
"""

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.errors import InfeasibleError, NoPlanError, PlannerError
from planner.problem import BoolArray, FloatArray, IntArray, SetCoverProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

WHOLE_SUM = 2.0**44
"""Costs and values that are not whole are scaled until their sum is about this."""
DETERMINISTIC_TIME = 600.0
"""Limit of CP-SAT's own clock in deterministic mode."""
SHARE_ROUNDING = 1e-8
"""What rounding values to whole numbers may take from the share asked for."""
POLL_S, GRACE_S = 0.05, 2.0


@dataclass(frozen=True)
class SetCoverSolution:
    """Plan and proof.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    open_site_idx : int array
        Open sites, ascending.
    covered : bool array, shape (num_zones,)
        Zones with as many stations within reach as they take.
    share : float
        Share of all value that is covered.
    objective : float
        Cost of the stations.
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
    covered: BoolArray
    share: float
    objective: float
    bound: float
    gap_frac: float
    wall_s: float
    history: tuple[Progress, ...]


def covered_zones(problem: SetCoverProblem, open_site_idx: IntArray) -> BoolArray:
    """Zones with as many open sites within reach as they take, shape (num_zones,)."""
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    reached = problem.reach_zone_idx[np.repeat(is_open, np.diff(problem.reach_ptr))]
    near = np.bincount(reached, minlength=problem.num_zones)
    return np.asarray(near >= problem.need)


def _whole(numbers: FloatArray) -> float:
    """Factor that turns numbers into whole ones, closely enough."""
    if (numbers % 1.0 == 0.0).all() or not numbers.any():
        return 1.0
    return WHOLE_SUM / float(numbers.sum())


def set_cover_model(problem: SetCoverProblem) -> "CpModel":
    """Equations (1) to (6) in whole numbers.

    Costs are rounded down, so that the optimum is no dearer than the true one's; values and
    what is asked for of them are rounded up, so that no plan is lost.

    Parameters
    ----------
    problem : SetCoverProblem

    Returns
    -------
    CpModel
        Variables y_0.., then x_0.. where a share is asked for.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    y = [
        model.new_int_var(int(forced), int(not forbidden), f"y_{site}")
        for site, (forced, forbidden) in enumerate(
            zip(problem.forced.tolist(), problem.forbidden.tolist(), strict=True)
        )
    ]
    near = _sites_of_zones(problem)
    partial = problem.min_share < 1.0
    x = []
    rows: set[tuple[int, bytes]] = set()
    for zone, need in enumerate(problem.need.tolist()):
        sites = near.indices[near.indptr[zone] : near.indptr[zone + 1]]
        if partial:
            x.append(model.new_bool_var(f"x_{zone}"))
        key = (need, sites.tobytes())
        if need == 0 or (not partial and key in rows):
            continue
        rows.add(key)
        stations = sum(y[site] for site in sites.tolist())
        model.add(stations >= need * x[zone] if partial else stations >= need)
    if partial:
        factor = _whole(problem.value)
        worth = np.ceil(problem.value * factor).astype(np.int64)
        asked = math.ceil(problem.min_share * math.fsum(problem.value) * factor * (1 - 1e-12))
        model.add(cp_model.LinearExpr.weighted_sum(x, worth.tolist()) >= asked)
    model.add_linear_constraint(sum(y), problem.min_stations, problem.max_stations)
    cost = np.floor(problem.cost * _whole(problem.cost)).astype(np.int64).tolist()
    expense = cp_model.LinearExpr.weighted_sum(y, cost)
    if math.isfinite(problem.budget):
        model.add(expense <= math.floor(problem.budget * _whole(problem.cost) * (1 + 1e-12)))
    model.minimize(expense)
    return model


def _sites_of_zones(problem: SetCoverProblem) -> Any:
    site = np.repeat(np.arange(problem.num_sites), np.diff(problem.reach_ptr))
    shape = (problem.num_zones, problem.num_sites)
    ones = np.ones(len(site), dtype=np.int8)
    matrix: Any = scipy.sparse.csr_matrix((ones, (problem.reach_zone_idx, site)), shape=shape)
    matrix.sort_indices()
    return matrix


def _check_feasible(problem: SetCoverProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    num_forced, usable = int(problem.forced.sum()), np.flatnonzero(~problem.forbidden)
    if problem.max_stations < num_forced:
        raise InfeasibleError(
            f"{num_forced} sites are forced open, but at most {problem.max_stations} stations are "
            "allowed"
        )
    if problem.min_stations > min(problem.max_stations, len(usable)):
        raise InfeasibleError(
            f"at least {problem.min_stations} stations, but at most "
            f"{min(problem.max_stations, len(usable))} can be open"
        )
    spent = math.fsum(problem.cost[problem.forced])
    if spent > problem.budget:
        raise InfeasibleError(
            f"forced stations cost {spent:,.2f}, the budget is {problem.budget:,.2f}"
        )
    within_reach = covered_zones(problem, usable)
    if problem.min_share == 1.0 and not within_reach.all():
        first = int(np.flatnonzero(~within_reach)[0])
        raise InfeasibleError(
            f"{int((~within_reach).sum())} zones have too few sites within reach that may be "
            f"open, the first at position {first}"
        )
    most, asked = _share(problem, within_reach), problem.min_share
    if most < asked * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"all sites together cover {most:.4%} of the value, {asked:.4%} is asked for"
        )


def _share(problem: SetCoverProblem, covered: BoolArray) -> float:
    total = math.fsum(problem.value)
    return math.fsum(problem.value[covered]) / total if total > 0.0 else 1.0


def solve_set_cover(
    problem: SetCoverProblem,
    options: SolveOptions,
    *,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SetCoverSolution:
    """Choose stations of least cost that cover all zones, or a share of their value.

    Parameters
    ----------
    problem : SetCoverProblem
        Not changed.
    options : SolveOptions
        The search ends at ``gap_frac``, at the time limit or, in deterministic mode, after a
        fixed amount of work.
    on_progress : callable, optional
        Told at the beginning and at the end.
    stop : StopRequest, optional
        Set it to end the search; the best plan so far is returned with a valid bound.

    Returns
    -------
    SetCoverSolution

    Raises
    ------
    InfeasibleError
        If no plan covers what is asked for within the limits.
    NoPlanError
        If a limit was reached before any plan was found.
    """
    from ortools.sat.python import cp_model

    started = time.monotonic()
    _check_feasible(problem)
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = max(options.workers, 1)
    parameters.subsolvers.append("max_lp")
    parameters.random_seed = options.seed
    parameters.relative_gap_limit = options.gap_frac
    if options.deterministic:
        parameters.num_workers = 1
        parameters.max_deterministic_time = DETERMINISTIC_TIME
    else:
        parameters.max_time_in_seconds = max(options.time_limit_s, 1e-3)
    model = set_cover_model(problem)
    start = _greedy(problem)
    if start is not None:
        is_open = np.zeros(problem.num_sites, dtype=np.int64)
        is_open[start] = 1
        covered = covered_zones(problem, start).tolist() if problem.min_share < 1.0 else []
        for number, level in enumerate(is_open.tolist() + covered):
            model.add_hint(model.get_int_var_from_proto_index(number), int(level))
    outcome = _run(solver, model, options, stop, started)
    if outcome == cp_model.INFEASIBLE:
        raise InfeasibleError(
            "no choice of stations covers what is asked for within numbers and budget"
        )
    if outcome in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        levels = np.array(list(solver.response_proto.solution)[: problem.num_sites], dtype=np.int64)
        plan, whole_bound = np.flatnonzero(levels), solver.best_objective_bound
        if start is not None and problem.cost[start].sum() < problem.cost[plan].sum():
            plan = start
    elif start is not None:
        plan = start
        whole_bound = solver.best_objective_bound if outcome is not None else 0.0
    else:
        raise NoPlanError("a limit was reached before a plan was found that covers enough")
    return _solution(problem, plan, max(whole_bound, 0.0), started, on_progress)


def _greedy(problem: SetCoverProblem) -> IntArray | None:
    """Open what covers most of what is missing per cost, then close what is not needed.

    Returns
    -------
    int array or None
        None where that keeps not all limits: they may be kept all the same.
    """
    reach = _sites_of_zones(problem).T.tocsr().astype(np.float64)
    weight = np.ones(problem.num_zones) if problem.min_share == 1.0 else problem.value
    least_cost = 1e-9 * max(float(problem.cost.max(initial=0.0)), 1.0)
    is_open = problem.forced.copy()
    near = reach.T @ is_open.astype(np.float64)
    while not _covers_enough(problem, near) or is_open.sum() < problem.min_stations:
        gain = reach @ np.where(near < problem.need, weight, 0.0)
        score = (gain + least_cost) / (problem.cost + least_cost)
        score[is_open | problem.forbidden] = -1.0
        site = int(np.argmax(score)) if len(score) else -1
        if site < 0 or score[site] < 0.0:
            return None
        is_open[site] = True
        near += reach[[site]].toarray().ravel()
    for site in np.argsort(-problem.cost, kind="stable"):
        if is_open[site] and not problem.forced[site] and is_open.sum() > problem.min_stations:
            without = near - reach[[site]].toarray().ravel()
            if _covers_enough(problem, without):
                is_open[site], near = False, without
    plan = np.flatnonzero(is_open)
    kept = len(plan) <= problem.max_stations and math.fsum(problem.cost[plan]) <= problem.budget
    return plan if kept else None


def _covers_enough(problem: SetCoverProblem, near: FloatArray) -> bool:
    covered = near >= problem.need
    if problem.min_share == 1.0:
        return bool(covered.all())
    return _share(problem, covered) >= problem.min_share


def _run(
    solver: Any, model: "CpModel", options: SolveOptions, stop: StopRequest | None, started: float
) -> Any:
    """Solve in a thread of its own, so that a stop request and the clock are heard."""
    answers: list[Any] = []
    worker = threading.Thread(
        target=lambda: answers.append(solver.solve(model)), daemon=True, name="cp-sat"
    )
    worker.start()
    while worker.is_alive():
        worker.join(POLL_S)
        elapsed_s = time.monotonic() - started
        late = not options.deterministic and elapsed_s > options.time_limit_s + GRACE_S
        if late or (stop is not None and stop.is_set()):
            solver.stop_search()
            worker.join(GRACE_S)
            break
    return answers[0] if answers else None


def _solution(
    problem: SetCoverProblem,
    plan: IntArray,
    whole_bound: float,
    started: float,
    on_progress: ProgressCallback | None,
) -> SetCoverSolution:
    """Recompute cost, share and bound from the plan and the original numbers."""
    covered = covered_zones(problem, plan)
    share = _share(problem, covered)
    enough = (
        covered.all() if problem.min_share == 1.0 else share >= problem.min_share - SHARE_ROUNDING
    )
    if not enough:
        raise PlannerError("a plan covers less than what is asked for: a defect")
    objective = math.fsum(problem.cost[plan])
    bound = min(whole_bound / _whole(problem.cost), objective)
    gap = gap_frac(objective, bound, sense="min")
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    wall_s = time.monotonic() - started
    done = Progress("done", objective, bound, wall_s, f"{len(plan)} stations, {status}", "min")
    if on_progress is not None:
        on_progress(done)
    return SetCoverSolution(
        status=status,
        open_site_idx=plan.astype(np.int64),
        covered=covered,
        share=share,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        wall_s=wall_s,
        history=(done,),
    )
