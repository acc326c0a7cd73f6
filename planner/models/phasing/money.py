"""Money over time: budgets up to periods, what a plan spends, plans that build as late as can be.

A step of :mod:`planner.models.phasing.targets`, for periods in a line.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.problem import CLOSED, PhasedLimit, PhasedProblem
from planner.models.phasing.sizes import before, plan_of_table, table_of_plan, use_of
from planner.models.phasing.solution import PhasedPlan


def within_budgets(
    problem: PhasedProblem, at: int, wanted: IntArray, up_to: FloatArray
) -> PhasedProblem:
    """The same with one more limit: at most so much money up to each wanted node.

    Parameters
    ----------
    problem : PhasedProblem
        Over periods in a line.
    at : int
        Position of the limit that is money.
    wanted : int array, shape (num_wanted,)
        Nodes, ascending.
    up_to : float array, shape (num_wanted,)
        Money that may be spent up to each.

    Returns
    -------
    PhasedProblem
        The further limit is the last one.
    """
    most = np.full(problem.tree.num_nodes, np.inf)
    most[wanted] = up_to
    # Up to a node no more than up to any later one.
    most = np.minimum.accumulate(most[::-1])[::-1]
    finite = np.where(np.isfinite(most), most, 0.0)
    amount = np.where(np.isfinite(most), np.maximum(np.diff(finite, prepend=0.0), 0.0), np.inf)
    budget = PhasedLimit("budget", problem.limits[at].use, amount, carries_over=True)
    return replace(problem, limits=(*problem.limits, budget))


def money_spent(problem: PhasedProblem, at: int, plan: PhasedPlan) -> FloatArray:
    """Money that a plan takes at each node, shape (num_nodes,)."""
    table, use = table_of_plan(problem, plan), problem.limits[at].use
    added = use_of(use, table) - use_of(use, before(problem.tree, table))
    return np.array([math.fsum(column) for column in added.T])


def built_late(
    problem: PhasedProblem, at: int, plan: PhasedPlan, is_wanted: BoolArray
) -> PhasedPlan:
    """A plan without what no wanted node needs, and with the rest built as late as can be.

    Parameters
    ----------
    problem : PhasedProblem
        Over periods in a line.
    at : int
        Position of the limit that is money.
    plan : PhasedPlan
        Within the limits.
    is_wanted : bool array, shape (num_nodes,)
        Nodes at which the plan is to stay as it is.

    Returns
    -------
    PhasedPlan
        Within the limits, and no dearer where money counts no more later.
    """
    table: IndexArray = table_of_plan(problem, plan)
    last = int(np.flatnonzero(is_wanted)[-1])
    trimmed = table.copy()
    for node in range(last + 1, table.shape[1]):
        due = (trimmed[:, node - 1] == CLOSED) & problem.must_stand[:, node]
        trimmed[:, node] = np.where(due, table[:, node], trimmed[:, node - 1])
    if not keeps_limits(problem, plan_of_table(trimmed)):
        table = trimmed
    for _ in range(last):
        before_pass = table
        for node in range(last - 1, -1, -1):
            if not is_wanted[node]:
                table = _delayed(problem, at, table, node)
        if (table == before_pass).all():
            break
    return plan_of_table(table)


def _delayed(problem: PhasedProblem, at: int, table: IndexArray, node: int) -> IndexArray:
    """The table with as much as the limits allow built at the next node instead, dearest first."""
    earlier = before(problem.tree, table)[:, node]
    due = problem.must_stand[:, node] & (earlier == CLOSED)
    sites = np.flatnonzero((table[:, node] != earlier) & ~due)
    use = use_of(problem.limits[at].use, table[:, [node]])[:, 0]
    sites = sites[np.argsort(-use[sites], kind="stable")]

    def later(number: int) -> IndexArray:
        changed = table.copy()
        changed[sites[:number], node] = earlier[sites[:number]]
        return changed

    fits, too_many = 0, len(sites) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if keeps_limits(problem, plan_of_table(later(middle))):
            too_many = middle
        else:
            fits = middle
    return later(fits)
