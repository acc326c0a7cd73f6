"""Futures of a problem over time: whose columns are whose, weighted, averaged.

The columns of a future, one or more at each node where it is counted, are what it adds to a problem
that all futures share: sites, limits, tree. A plan serves V_s = sum over columns k of future s of
its best service of column k.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, freeze
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.solution import PhasedPlan
from planner.models.phasing.tree import Tree

PROBABILITY_TOLERANCE = 1e-9
"""Probabilities add up to 1 within this."""


@dataclass(frozen=True)
class Futures:
    """Which future each column belongs to, and how likely each is.

    Attributes
    ----------
    future_of : int array, shape (num_columns,)
    probability : float array, shape (num_futures,)
        > 0; they add up to 1.
    best : float array, shape (num_futures, 2), optional
        Lower and upper end of what each future's own best plan serves, where known before.

    Raises
    ------
    ValueError
        If probabilities do not add up to 1, or a future has no column.
    """

    future_of: IntArray
    probability: FloatArray
    best: FloatArray | None = None

    def __post_init__(self) -> None:
        total = math.fsum(self.probability)
        if not (self.probability > 0.0).all() or abs(total - 1.0) > PROBABILITY_TOLERANCE:
            raise ValueError(f"probabilities must be > 0 and add up to 1, not {total:g}")
        if set(self.future_of.tolist()) != set(range(self.num_futures)):
            raise ValueError("every future must have a column, and every column a future")
        if self.best is not None and self.best.shape != (self.num_futures, 2):
            raise ValueError(f"best has shape {self.best.shape}, not ({self.num_futures}, 2)")
        freeze(self)

    @property
    def num_futures(self) -> int:
        """Number of futures."""
        return len(self.probability)

    def values(self, served: FloatArray) -> FloatArray:
        """V_s from what is served of each column, shape (num_futures,)."""
        return np.array(
            [math.fsum(served[self.future_of == each]) for each in range(self.num_futures)]
        )


def weighted(problem: PhasedProblem, futures: Futures, weight: FloatArray) -> PhasedProblem:
    """The problem whose value is sum_s weight_s V_s.

    Columns without weight are left out, but for one at a node that would have none.

    Parameters
    ----------
    problem : PhasedProblem
    futures : Futures
    weight : float array, shape (num_futures,)
        >= 0.

    Returns
    -------
    PhasedProblem
    """
    by_column = weight[futures.future_of]
    counts = by_column > 0.0
    for node in range(problem.tree.num_nodes):
        here = np.flatnonzero(problem.node_of == node)
        if not counts[here].any():
            counts[here[0]] = True
    return _of_columns(problem, np.flatnonzero(counts)).weighted(by_column[counts])


def averaged(problem: PhasedProblem, futures: Futures) -> PhasedProblem:
    """The problem with one future in which every value, load and capacity is the mean one.

    At each node the futures' first columns are averaged, their second ones, and so on.

    Parameters
    ----------
    problem : PhasedProblem
    futures : Futures

    Returns
    -------
    PhasedProblem
    """
    num_columns = problem.num_columns
    rank = np.zeros(num_columns, dtype=np.int64)
    seen: dict[tuple[int, int], int] = {}
    for column in range(num_columns):
        key = int(problem.node_of[column]), int(futures.future_of[column])
        rank[column] = seen.get(key, 0)
        seen[key] = int(rank[column]) + 1
    groups = sorted(set(zip(problem.node_of.tolist(), rank.tolist(), strict=True)))
    probability = futures.probability[futures.future_of]
    share = np.zeros((num_columns, len(groups)))
    for position, (node, place) in enumerate(groups):
        member = (problem.node_of == node) & (rank == place)
        share[member, position] = probability[member]
    mean = share / share.sum(axis=0)
    return replace(
        problem,
        node_of=np.array([node for node, _ in groups]),
        value=problem.value @ share,
        load=problem.load @ mean,
        capacity=problem.capacity @ mean,
    )


def capacity_is_slack(problem: PhasedProblem) -> bool:
    """Whether no plan can fill a station: every type carries all that its site reaches.

    Then V_s is linear in the values of future s for given stations, so that the plan for the mean
    values is the plan for the expected one, whatever the futures.
    """
    owner = problem.reach.owner
    for column in range(problem.num_columns):
        reached = np.bincount(
            owner, problem.load[problem.reach.idx, column], minlength=problem.num_sites
        )
        smallest = np.where(problem.fits, problem.capacity[:, :, column], math.inf).min(axis=1)
        if (reached > smallest).any():
            return False
    return True


def is_line(problem: PhasedProblem) -> bool:
    """Whether nothing is decided after the news: every node has one child at most."""
    parent = problem.tree.parent
    return len(np.unique(parent)) == len(parent)


def before_news(tree: Tree) -> BoolArray:
    """Nodes that all futures pass, shape (num_nodes,).

    >>> before_news(Tree(np.array([-1, 0, 1, 1])))
    array([ True,  True, False, False])
    """
    return np.asarray(tree.from_node[:, tree.is_leaf].all(axis=1))


def without_news(problem: PhasedProblem) -> PhasedProblem:
    """The same where nothing is ever told: one node for all of a tree that are equally deep.

    A limit is the least of theirs; a station may stand where it may at all of them, and must where
    it must at any. On a line nothing changes.

    Parameters
    ----------
    problem : PhasedProblem

    Returns
    -------
    PhasedProblem
        Over periods in a line.
    """
    tree, cities = problem.tree, problem.cities
    depth = tree.from_node.sum(axis=0) - 1
    nodes = [np.flatnonzero(depth == each) for each in range(int(depth.max()) + 1)]

    def least(amount: FloatArray) -> FloatArray:
        return np.stack([amount[..., here].min(axis=-1) for here in nodes], axis=-1)

    must = np.stack([problem.must_stand[:, here].any(axis=1) for here in nodes], axis=1)
    may = np.stack([problem.may_stand[:, here].all(axis=1) for here in nodes], axis=1)
    return replace(
        problem,
        tree=Tree.line(len(nodes)),
        node_of=depth[problem.node_of],
        may_stand=may | must,
        must_stand=must,
        limits=tuple(replace(limit, amount=least(limit.amount)) for limit in problem.limits),
        cities=replace(cities, rate=least(cities.rate)),
    )


def with_first_openings(problem: PhasedProblem, plan: PhasedPlan) -> PhasedProblem:
    """The problem with the openings before the news taken from a plan that knows of none.

    Parameters
    ----------
    problem : PhasedProblem
        Over a tree.
    plan : PhasedPlan
        Of `without_news`. Sizes are left open.

    Returns
    -------
    PhasedProblem
    """
    tree = problem.tree
    depth = tree.from_node.sum(axis=0) - 1
    stands = np.zeros(problem.may_stand.shape, dtype=np.bool_)
    stands[plan.site_idx] = (plan.size != CLOSED)[:, depth]
    common = before_news(tree)
    first = stands & common
    # What stands before the news stands after it.
    must = problem.must_stand | (first @ tree.from_node)
    return replace(problem, may_stand=problem.may_stand & (stands | ~common), must_stand=must)


def _of_columns(problem: PhasedProblem, columns: IntArray) -> PhasedProblem:
    if len(columns) == problem.num_columns:
        return problem
    return replace(
        problem,
        node_of=problem.node_of[columns],
        value=np.ascontiguousarray(problem.value[:, columns]),
        load=np.ascontiguousarray(problem.load[:, columns]),
        capacity=np.ascontiguousarray(problem.capacity[:, :, columns]),
    )
