import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from tests.models.set_cover.cover_cases import (
    brute_force,
    by_city,
    cover_problem,
    random_cover,
    small_problems,
    with_rules,
)


def as_problem(task: CoverTask) -> SetCoverProblem:
    """The task as a problem for the plain-Python answer, without what it has taken out."""
    reach = [task.rows_of_site.row(j).tolist() for j in range(task.num_sites)]
    problem = cover_problem(
        reach, task.num_rows, value=task.value.tolist(), need=task.need.tolist(),
        cost=task.cost.tolist(), min_stations=task.least, max_stations=task.most,
        cities=task.cities,
    )  # fmt: skip
    total = max(float(task.value.sum()), 1e-300)
    return replace(problem, min_share=1.0 if task.covers_all else task.required / total)


@given(small_problems())
@settings(max_examples=300, deadline=None)
def test_the_best_plan_costs_the_same(problem: SetCoverProblem):
    problem = with_rules(problem, budget=math.inf)
    best = brute_force(problem)
    assume(math.isfinite(best))
    task = reduce_cover(problem)
    assert task.may_be_kept
    assert task.base_cost + brute_force(as_problem(task)) == pytest.approx(best, abs=1e-9)


def test_zones_with_the_same_sites_add_up_for_a_share():
    problem = cover_problem(
        [[0, 1, 2], [0, 1, 3]], 4, value=[1, 2, 4, 8], min_share=0.3
    )  # fmt: skip
    task = reduce_cover(problem)
    assert sorted(task.value.tolist()) == [3, 4, 8]
    assert task.required == pytest.approx(0.3 * 15)


def test_zones_with_another_need_are_not_merged():
    problem = cover_problem([[0, 1], [0, 1]], 2, need=[1, 2], min_share=0.3)
    assert reduce_cover(problem).num_rows == 2


def test_a_row_within_another_stands_for_it_where_all_are_covered():
    # Zone 0 has sites 0 and 1, zone 1 all three: whatever covers 0 covers 1.
    problem = cover_problem([[0, 1], [0, 1], [1]], 2, min_stations=1)
    task = reduce_cover(problem)
    assert (task.num_rows, task.sites_of_row.sizes.tolist()) == (1, [2])


def test_a_dearer_site_within_another_goes_unless_cities_count():
    reach = [[0], [0, 1], [1, 2], [0, 2]]
    problem = cover_problem(reach, 3, cost=[2, 1, 1, 1], min_share=0.5)
    assert reduce_cover(problem).site_idx.tolist() == [1, 2, 3]
    counted = with_rules(problem, cities=by_city([0, 1, 1, 1], [1, 0], [9, 9]))
    assert reduce_cover(counted).site_idx.tolist() == [0, 1, 2, 3]


def test_the_only_site_of_a_zone_is_taken_out():
    problem = cover_problem([[0], [1, 2], [1, 3], [2, 3]], 4, cost=[5, 1, 1, 1])
    task = reduce_cover(problem)
    assert (task.forced_idx.tolist(), task.base_cost) == ([0], 5.0)


def test_sites_that_are_gone_may_leave_no_plan():
    problem = cover_problem([[0], [0]], 1)
    gone = np.array([True, True])
    assert not reduce_cover(problem, np.zeros(2, np.bool_), gone).may_be_kept


def test_large_problems_shrink():
    task = reduce_cover(random_cover(0, 4000, 300, 0.1))
    assert task.num_rows < 400
    assert task.num_sites < 300
