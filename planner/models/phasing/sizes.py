"""Sizes of stations over time: the plan as a table, what it takes, which stations grow.

Takes a `PhasedProblem` and which stations stand where; gives types that keep the limits.
"""

from collections.abc import Callable

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.limits import widened
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.solution import PhasedPlan
from planner.models.phasing.tree import ROOT, Tree


def table_of_plan(problem: PhasedProblem, plan: PhasedPlan) -> IndexArray:
    """Type at every site and node, -1 where there is none, shape (num_sites, num_nodes)."""
    table = np.full((problem.num_sites, problem.tree.num_nodes), CLOSED, dtype=np.int32)
    table[plan.site_idx] = plan.size
    return table


def plan_of_table(table: IndexArray) -> PhasedPlan:
    """The plan that a table of types by site and node stands for."""
    sites = np.flatnonzero((table != CLOSED).any(axis=1)).astype(np.int64)
    return PhasedPlan(sites, table[sites].astype(np.int32))


def before(tree: Tree, table: "np.ndarray[tuple[int, int], np.dtype[np.int32]]") -> IndexArray:
    """Types at the node before each; nothing stands before the first."""
    first = np.full((len(table), 1), CLOSED, dtype=np.int32)
    return np.concatenate([table, first], axis=1)[:, tree.parent]


def use_of(use: FloatArray, table: IndexArray) -> FloatArray:
    """u(j, s_jn) of all sites and nodes, 0 where nothing stands."""
    with_nothing = np.concatenate([use, np.zeros((len(use), 1))], axis=1)
    return np.take_along_axis(with_nothing, table, axis=1)


def taken(problem: PhasedProblem, table: IndexArray) -> FloatArray:
    """What a plan takes of each limit at each node, by (3); of one that carries over, up to there.

    Returns
    -------
    float array, shape (num_limits, num_nodes)
    """
    earlier = before(problem.tree, table)
    sums = np.zeros((len(problem.limits), problem.tree.num_nodes))
    for at, limit in enumerate(problem.limits):
        sums[at] = use_of(limit.use, table).sum(axis=0)
        if not limit.carries_over:
            sums[at] -= use_of(limit.use, earlier).sum(axis=0)
    return sums


def available(problem: PhasedProblem) -> FloatArray:
    """What there is of each limit at each node, or up to it, shape (num_limits, num_nodes)."""
    return np.array([limit.available(problem.tree) for limit in problem.limits])


def sizes_matter(problem: PhasedProblem) -> bool:
    """Whether a larger type takes more of any limit."""
    fits = problem.fits
    return any(
        (
            np.where(fits, limit.use, -np.inf).max(axis=1, initial=-np.inf)
            > np.where(fits, limit.use, np.inf).min(axis=1, initial=np.inf)
        ).any()
        for limit in problem.limits
        if np.isfinite(limit.amount).any()
    )


def plain_types(problem: PhasedProblem) -> IndexArray:
    """Type of each site before any is enlarged; -1 where none fits.

    The largest that fits where types take the same of every limit, else the smallest.
    """
    fits = problem.fits
    smallest = fits.argmax(axis=1)
    largest = problem.num_types - 1 - fits[:, ::-1].argmax(axis=1)
    chosen = smallest if sizes_matter(problem) else largest
    return np.where(fits.any(axis=1), chosen, CLOSED).astype(np.int32)


def enlarge(
    problem: PhasedProblem,
    table: IndexArray,
    worth: Callable[[IndexArray], tuple[float, FloatArray]],
    num_rounds: int,
) -> tuple[IndexArray, float]:
    """Make stations larger where they turn load away, for what the limits leave.

    Node by node, those that gain most for what they take come first; what a round adds is
    measured by the best service of all stations, and a round that adds nothing is taken back.

    Parameters
    ----------
    problem : PhasedProblem
    table : int array, shape (num_sites, num_nodes)
        Types; keeps the limits.
    worth : callable
        Value of a table, and value of one more unit of capacity by site and column.
    num_rounds : int

    Returns
    -------
    table : int array, shape (num_sites, num_nodes)
    value : float
    """
    value, price = worth(table)
    if not sizes_matter(problem):
        return table, value
    part = 1.0
    for _ in range(num_rounds):
        larger = _enlarged(problem, table, price, part)
        if (larger == table).all():
            break
        new_value, new_price = worth(larger)
        if new_value > value:
            table, value, price = larger, new_value, new_price
        else:
            part *= 0.25
    return table, value


def _enlarged(
    problem: PhasedProblem, table: IndexArray, price: FloatArray, part: float
) -> IndexArray:
    """One type more, from a node onward, for the share ``part`` of the stations that gain most."""
    tree, fits = problem.tree, problem.fits
    table = table.copy()
    room = widened(available(problem)) - taken(problem, table)
    for node in range(tree.num_nodes):
        sites = np.flatnonzero(table[:, node] != CLOSED)
        bigger = _next_type(fits, sites, table[sites, node])
        sites, bigger = sites[bigger >= 0], bigger[bigger >= 0]
        after = tree.from_node[node]
        more = problem.capacity[sites, bigger] - problem.capacity[sites, table[sites, node]]
        counted = after[problem.node_of]
        gain = (price[sites] * np.maximum(more, 0.0))[:, counted].sum(axis=1)
        effort = _effort(problem, sites, bigger, table[sites, node])
        order = np.argsort(-gain / np.maximum(effort, 1e-300), kind="stable")
        order = order[gain[order] > 0.0]
        for at in order[: max(1, int(part * len(order)))].tolist():
            site, kind = int(sites[at]), int(bigger[at])
            new = np.where(after, np.maximum(table[site], kind), table[site]).astype(np.int32)
            step = _step(problem, site, table[site], new)
            if (room - step >= 0.0)[step > 0.0].all():
                room -= step
                table[site] = new
    return table


def _next_type(fits: BoolArray, sites: IntArray, kind: IndexArray) -> IntArray:
    """The next larger type that fits each site, -1 where there is none."""
    larger = fits[sites] & (np.arange(fits.shape[1]) > kind[:, None])
    return np.where(larger.any(axis=1), larger.argmax(axis=1), CLOSED)


def _effort(
    problem: PhasedProblem, sites: IntArray, bigger: IntArray, kind: IndexArray
) -> FloatArray:
    """What enlarging takes, each limit in shares of all there is."""
    effort = np.zeros(len(sites))
    for limit in problem.limits:
        whole = limit.amount[np.isfinite(limit.amount)].sum()
        if whole > 0.0:
            effort += (limit.use[sites, bigger] - limit.use[sites, kind]) / whole
    return effort


def _step(problem: PhasedProblem, site: int, old: IndexArray, new: IndexArray) -> FloatArray:
    """What one site takes more of each limit at each node."""
    tree = problem.tree
    step = np.zeros((len(problem.limits), tree.num_nodes))
    for at, limit in enumerate(problem.limits):
        use = np.append(limit.use[site], 0.0)
        step[at] = use[new] - use[old]
        if not limit.carries_over:
            parent = np.where(tree.parent == ROOT, 0, tree.parent)
            earlier = np.where(tree.parent == ROOT, 0.0, (use[new] - use[old])[parent])
            step[at] -= earlier
    return step
