"""Futures joined into one problem: columns, nodes, and limits that differ between them."""

from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.phasing.problem import PhasedCities, PhasedLimit, PhasedProblem
from planner.models.phasing.tree import Tree
from planner.planning.futures.join import join_futures


def _future(scale: float, *, num_periods: int = 3, cost: float = 2.0) -> PhasedProblem:
    """Two zones, two sites, each of which reaches one of them."""
    weight = scale * np.arange(1.0, num_periods + 1.0)
    return PhasedProblem(
        tree=Tree.line(num_periods),
        node_of=np.arange(num_periods),
        reach=Lists(np.array([0, 1, 2]), np.array([0, 1], dtype=np.int32)),
        value=np.array([3.0, 1.0])[:, None] * weight,
        load=np.ones((2, num_periods)),
        capacity=np.full((2, 1, num_periods), 5.0),
        may_stand=np.ones((2, num_periods), dtype=np.bool_),
        must_stand=np.zeros((2, num_periods), dtype=np.bool_),
        is_new=np.ones(2, dtype=np.bool_),
        limits=(
            PhasedLimit("stations", np.ones((2, 1)), np.array([2.0, 0.0, 0.0][:num_periods]), True),
            PhasedLimit("money", np.full((2, 1), cost), np.full(num_periods, 3.0), False),
        ),
        cities=PhasedCities(
            np.zeros(2, dtype=np.int32), np.array([0]), np.array([2]),
            np.full((1, num_periods), np.inf), False,
        ),
    )  # fmt: skip


def test_one_siting_has_a_column_per_future() -> None:
    futures = [_future(scale, num_periods=1) for scale in (1.0, 2.0)]
    joined = join_futures(futures, ["low", "high"], futures[0].limits, news=1)
    assert joined.problem.tree.num_nodes == 1
    assert joined.problem.value.tolist() == [[3.0, 6.0], [1.0, 2.0]]
    assert joined.future_of.tolist() == [0, 1]
    assert joined.is_common
    assert [limit.name for limit in joined.problem.limits] == ["stations", "money"]


def test_the_tree_parts_at_the_news() -> None:
    futures = [_future(1.0), _future(2.0)]
    joined = join_futures(futures, ["low", "high"], futures[0].limits, news=1)
    assert joined.problem.tree.parent.tolist() == [-1, 0, 1, 0, 3]
    assert joined.node_of.tolist() == [[0, 1, 2], [0, 3, 4]]
    assert joined.problem.node_of.tolist() == [0, 1, 2, 0, 3, 4]
    assert joined.problem.value[0].tolist() == [3.0, 6.0, 9.0, 6.0, 12.0, 18.0]
    assert not joined.is_common
    stations, money = joined.problem.limits
    # Two stations on either branch; the money of each period on each branch.
    assert stations.available(joined.problem.tree).tolist() == [2.0] * 5
    assert money.amount.tolist() == [3.0] * 5


def test_money_that_differs_limits_each_future_by_its_own_cost() -> None:
    futures = [_future(1.0), _future(1.0, cost=4.0), _future(2.0)]
    joined = join_futures(futures, ["base", "dear", "high"], futures[0].limits, news=2)
    names = [limit.name for limit in joined.problem.limits]
    assert names == ["stations", "money", "money in dear"]
    _, money, dear = joined.problem.limits
    nodes = joined.node_of
    assert money.use[0, 0] == 2.0
    assert dear.use[0, 0] == 4.0
    # Common periods count in both; the last one in that of its own future.
    assert money.amount[nodes[0]].tolist() == [3.0, 3.0, 3.0]
    assert money.amount[nodes[1, -1]] == np.inf
    assert dear.amount[nodes[1]].tolist() == [3.0, 3.0, 3.0]
    assert dear.amount[nodes[2, -1]] == np.inf


def test_sites_that_may_not_stand_in_one_future_do_not_before_the_news() -> None:
    closed = replace(_future(1.0), may_stand=np.array([[False, False, True], [True, True, True]]))
    futures = [_future(1.0), closed]
    joined = join_futures(futures, ["base", "late_permit"], futures[0].limits, news=1)
    assert joined.problem.may_stand[0].tolist() == [False, True, True, False, True]


def test_limits_of_the_tables_hold_where_no_future_has_them() -> None:
    futures, own = [_future(1.0, cost=4.0), _future(1.0, cost=1.0)], _future(1.0)
    joined = join_futures(futures, ["dear", "cheap"], own.limits, news=2, shown=1)
    names = [limit.name for limit in joined.problem.limits]
    assert names == ["stations", "money", "money in dear", "money in cheap"]
    money = joined.problem.limits[1]
    assert money.use[0, 0] == pytest.approx(2.0)
    assert money.amount[joined.node_of[1]].tolist() == [3.0, 3.0, 3.0]
    assert money.amount[joined.node_of[0, -1]] == np.inf
