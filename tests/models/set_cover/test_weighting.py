import math

import numpy as np
import pytest

from planner.models.set_cover.greedy import greedy_cover, plan_cost
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.weighting import Weighing, search_by_weights, weighing
from tests.models.set_cover.cover_cases import random_cover
from tests.models.set_cover.test_search import twice

EQUAL = random_cover(2, 600, 300, 0.1)
PRICED = random_cover(2, 600, 300, 0.1, whole_costs=True)


def assert_tables_are_true(task: CoverTask, state: Weighing) -> None:
    is_open = state.is_open
    near = np.array([is_open[task.sites_of_row.row(row)].sum() for row in range(task.num_rows)])
    assert state.near.tolist() == near.tolist()
    uncovered = np.flatnonzero(near < task.need)
    assert sorted(state.uncovered[: state.tally[1]].tolist()) == uncovered.tolist()
    assert sorted(state.open_sites[: state.tally[0]].tolist()) == np.flatnonzero(is_open).tolist()
    for site in range(task.num_sites):
        rows = task.rows_of_site.row(site)
        gain = state.weight[rows][near[rows] < task.need[rows]].sum()
        assert state.gain[site] == pytest.approx(gain)
        if is_open[site]:
            loss = state.weight[rows][near[rows] == task.need[rows]].sum()
            assert state.loss[site] == pytest.approx(loss)


@pytest.mark.parametrize(
    "problem",
    [EQUAL, PRICED, twice(EQUAL), twice(PRICED)],
    ids=["equal", "priced", "equal twice", "priced twice"],
)
def test_finds_cheaper_plans_and_keeps_its_tables(problem):
    task = reduce_cover(problem)
    start = greedy_cover(task, np.empty(0, np.int64))
    state, rng = weighing(task, start), np.random.default_rng(0)
    assert_tables_are_true(task, state)
    first = plan_cost(task, start) - task.base_cost
    cost, plan = search_by_weights(task, state, num_steps=3_000, best_cost=first, rng=rng)
    assert cost < 0.97 * first
    assert plan_cost(task, plan) == pytest.approx(cost + task.base_cost)
    assert_tables_are_true(task, state)
    again, nothing = search_by_weights(task, state, num_steps=0, best_cost=cost, rng=rng)
    assert (again, len(nothing)) == (cost, 0)


def test_weights_grow_where_rows_stay_uncovered():
    task = reduce_cover(EQUAL)
    state = weighing(task, greedy_cover(task, np.empty(0, np.int64)))
    search_by_weights(
        task, state, num_steps=500, best_cost=math.floor(task.num_sites / 50),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert state.weight.max() > 10.0
