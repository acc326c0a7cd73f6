"""Futures joined into one problem: one siting, or a tree of openings that parts where news comes.

Every future is a problem over the same periods. Periods before the news are nodes of all futures
together, those after it nodes of each; a column is one period of one future.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.arrays import IntArray
from planner.models.phasing.problem import PhasedLimit, PhasedProblem
from planner.models.phasing.tree import ROOT, Tree


@dataclass(frozen=True)
class Joined:
    """Futures as one problem.

    Attributes
    ----------
    problem : PhasedProblem
        Columns future by future, periods in order.
    future_of : int array, shape (num_columns,)
    node_of : int array, shape (num_futures, num_periods)
        Node of each future's periods.
    """

    problem: PhasedProblem
    future_of: IntArray
    node_of: IntArray

    @property
    def is_common(self) -> bool:
        """Whether all is planned for all futures together."""
        return bool((self.node_of == self.node_of[0]).all())


def join_futures(
    problems: Sequence[PhasedProblem],
    names: Sequence[str],
    own_limits: Sequence[PhasedLimit],
    news: int,
    shown: int = 0,
) -> Joined:
    """One problem of many futures.

    Parameters
    ----------
    problems : sequence of PhasedProblem
        One per future, over the same periods, sites and reach.
    names : sequence of str
        Of the futures, for the names of limits that differ.
    own_limits : sequence of PhasedLimit
        Those of the tables as they are, by period; they hold in the shown future, too.
    news : int
        First period that is planned for each future, >= 1; the number of periods or more: none is.
    shown : int
        Future whose stations stand for the tables as they are.

    Returns
    -------
    Joined
        A limit that differs between futures is kept for each of them.
    """
    first, num_futures = problems[0], len(problems)
    num_periods = first.tree.num_nodes
    common = min(news, num_periods)
    apart = num_periods - common
    node_of = np.tile(np.arange(num_periods), (num_futures, 1))
    node_of[:, common:] += apart * np.arange(num_futures)[:, None]
    parent = np.full(common + apart * num_futures, ROOT)
    for nodes in node_of:
        parent[nodes[1:]] = nodes[:-1]

    def by_node(values: Sequence[NDArray[Any]], keep: np.ufunc) -> NDArray[Any]:
        """Values by period of each future as values by node; common nodes keep the strictest."""
        joined = np.empty((*values[0].shape[:-1], len(parent)), dtype=values[0].dtype)
        for future, nodes in enumerate(node_of):
            joined[..., nodes[common:]] = values[future][..., common:]
        joined[..., :common] = keep.reduce([each[..., :common] for each in values])
        return joined

    cities = first.cities
    problem = PhasedProblem(
        tree=Tree(parent),
        node_of=node_of.ravel(),
        reach=first.reach,
        value=np.hstack([each.value for each in problems]),
        load=np.hstack([each.load for each in problems]),
        capacity=np.concatenate([each.capacity for each in problems], axis=2),
        may_stand=by_node([each.may_stand for each in problems], np.logical_and),
        must_stand=by_node([each.must_stand for each in problems], np.logical_or),
        is_new=first.is_new,
        limits=_joined_limits(
            [own_limits, *(each.limits for each in problems)],
            ["", *names],
            np.vstack((node_of[shown], node_of)),
        ),
        cities=replace(
            cities,
            least=np.maximum.reduce([each.cities.least for each in problems]),
            most=np.minimum.reduce([each.cities.most for each in problems]),
            rate=by_node([each.cities.rate for each in problems], np.minimum),
        ),
    )
    return Joined(problem, np.repeat(np.arange(num_futures), num_periods), node_of)


def _joined_limits(
    limits: Sequence[Sequence[PhasedLimit]], names: Sequence[str], node_of: IntArray
) -> tuple[PhasedLimit, ...]:
    """Limits by node; once per group of futures that agree, the first one's without its name."""
    num_nodes = int(node_of.max()) + 1
    joined = []
    for of_futures in zip(*limits, strict=True):
        groups: list[list[int]] = []
        for future, limit in enumerate(of_futures):
            for group in groups:
                if _agree(of_futures[group[0]], limit, node_of[[group[0], future]]):
                    group.append(future)
                    break
            else:
                groups.append([future])
        for group in groups:
            limit = of_futures[group[0]]
            amount = np.full(num_nodes, np.inf)
            for future in group:
                amount[node_of[future]] = of_futures[future].amount
            own = f" in {names[group[0]]}" if group[0] else ""
            joined.append(replace(limit, name=f"{limit.name}{own}", amount=amount))
    return tuple(joined)


def _agree(one: PhasedLimit, other: PhasedLimit, node_of: IntArray) -> bool:
    """Whether two futures' limits can be one: same use, same amounts in the common periods."""
    common = node_of[0] == node_of[1]
    same_use = one.use is other.use or np.array_equal(one.use, other.use)
    return same_use and np.array_equal(one.amount[common], other.amount[common])
