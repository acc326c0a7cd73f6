"""The second level of every siting question: among equal plans the one that takes least money.

What "equal" means is the question's to say (`Ask.equal`); all serve as many swaps as before.
"""

from dataclasses import replace

import numpy as np

from planner.arrays import IntArray
from planner.models.allocation.solve import Allocation
from planner.models.least_money.problem import EQUAL_FRAC, LeastMoneyProblem
from planner.models.least_money.solve import (
    counted_minutes,
    counted_site_cost,
    solve_least_money,
)
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac


def spend_least(
    task: SitingTask, siting: Siting, allocation: Allocation, *, fixed_sites: bool
) -> Siting:
    """The same answer for less money, if there is one, with the proof of its cost.

    Parameters
    ----------
    task : SitingTask
    siting : Siting
        The question's answer; as it is where its own objective is all that it costs.
    allocation : Allocation
        Its types, where the question leaves them open.
    fixed_sites : bool
        Whether stations may change their size only: trips between cities count on them.

    Returns
    -------
    Siting
        With ``money``; its objective is no worse.
    """
    ask = ask_of(task.instance)
    if ask.equal is None:
        return siting
    type_idx = allocation.type_idx if siting.type_idx is None else siting.type_idx
    plan = siting.open_site_idx, type_idx.astype(np.int64)
    _, served = served_flow(task.problem, *plan)
    equal = ask.equal(task, siting, served)
    stations = _at_these(task.problem, plan[0]) if fixed_sites else task.problem
    found = solve_least_money(
        LeastMoneyProblem(stations, served, equal.kept, equal.fewest_stations, equal.least_cost),
        *plan,
        task.options,
        task.stop,
    )
    answer = replace(
        siting,
        open_site_idx=found.open_site_idx,
        type_idx=found.type_idx,
        money=found.proof,
    )
    if equal.kept.site_cost is not None:
        return _with_objective(answer, counted_site_cost(equal.kept, found.open_site_idx))
    if equal.kept.minutes is not None:
        minutes = counted_minutes(equal.kept, task.problem.coverage, found.open_site_idx)
        return _with_objective(answer, minutes)
    return answer


def _with_objective(siting: Siting, objective: float) -> Siting:
    """Told anew where fewer stations are better, too."""
    if abs(objective - siting.objective) <= EQUAL_FRAC * abs(siting.objective):
        return siting
    gap = gap_frac(objective, siting.bound, sense=siting.sense)
    status = Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE
    return replace(siting, objective=objective, gap_frac=gap, status=status)


def _at_these(problem: SizedCoverageProblem, open_site_idx: IntArray) -> SizedCoverageProblem:
    """The problem whose open sites are given."""
    is_open = np.zeros(problem.coverage.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    rules = replace(problem.rules, forced=is_open, forbidden=~is_open)
    return replace(problem, coverage=replace(problem.coverage, rules=rules))
