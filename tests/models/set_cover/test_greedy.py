import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from planner.models.set_cover.greedy import greedy_cover, plan_cost
from planner.models.set_cover.presolve import reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from tests.models.set_cover.cover_cases import (
    brute_force,
    by_city,
    cover_problem,
    is_allowed,
    small_problems,
    with_rules,
)

NONE = np.empty(0, np.int64)


def test_opens_what_covers_most_for_its_cost_and_closes_what_is_spare():
    # The middle site covers most, but the outer two must open anyhow.
    problem = cover_problem([[0, 1, 2], [1, 2, 3, 4], [3, 4, 5]], 6, min_stations=1)
    assert greedy_cover(reduce_cover(problem), NONE).tolist() == []  # forced by presolve
    problem = replace(problem, min_share=0.99)
    task = reduce_cover(problem)
    assert task.plan(greedy_cover(task, NONE)).tolist() == [0, 2]


def test_the_last_station_is_the_cheapest_that_does():
    # After site 0 one unit is missing: site 1 covers four for 3, site 2 one for 1.
    reach = [[0, 1, 2, 3, 4], [5, 6, 7, 8], [8]]
    problem = cover_problem(reach, 9, cost=[1, 3, 1], min_share=6 / 9)
    task = reduce_cover(problem)
    assert task.plan(greedy_cover(task, NONE)).tolist() == [0, 2]


def test_numbers_by_city_are_kept():
    reach = [[0, 1, 2], [3, 4, 5], [0], [3]]
    problem = cover_problem(reach, 6, min_share=0.5, cities=by_city([0, 0, 1, 1], [0, 1], [1, 2]))
    task = reduce_cover(problem)
    plan = task.plan(greedy_cover(task, NONE))
    assert is_allowed(problem, set(plan.tolist()))


@given(small_problems())
@settings(max_examples=300, deadline=None)
def test_cost_of_a_choice_is_told_only_if_it_is_allowed(problem: SetCoverProblem):
    problem = with_rules(problem, budget=math.inf)
    task = reduce_cover(problem)
    plan = greedy_cover(task, NONE)
    cost, everything = plan_cost(task, plan), task.plan(plan)
    if math.isfinite(cost) and task.may_be_kept:
        assert is_allowed(problem, set(everything.tolist()))
        assert abs(cost - problem.rules.cost[everything].sum()) <= 1e-9
        assert cost >= brute_force(problem) - 1e-9
    if problem.rules.cities is None and problem.rules.most >= problem.num_sites:
        found = task.may_be_kept and math.isfinite(cost)
        assert found == math.isfinite(brute_force(problem))
