"""Changes made at once keep the limits and pay together, those that want the same site, too."""

import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.exchanges.exchange import NOBODY, Moves
from planner.models.exchanges.making import make_changes
from planner.models.exchanges.placed import ground_of, place
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.rules import SiteRules
from tests.models.reasons.small_plans import any_problem, plans_of


@pytest.mark.parametrize("seed", range(48))
def test_random_changes_keep_the_limits_and_only_what_pays_is_made(seed: int) -> None:
    problem, plans = any_problem(seed), plans_of(seed)
    if not plans:
        pytest.skip("no plan keeps these limits")
    rng, rules = np.random.default_rng(seed), problem.rules
    sites, types, _ = plans[len(plans) // 2]
    placed = place(ground_of(problem), sites, types)
    some = np.append(np.flatnonzero(placed.ground.usable), NOBODY)
    for _ in range(5):
        moves = Moves(*(rng.choice(some, (30, 3)) for _ in range(2)))
        found = make_changes(placed, moves, 1e-9)
        assert rules.allow_number(found.site_idx)
        assert rules.forced[found.site_idx].sum() == rules.num_forced
        assert math.fsum(rules.cost[found.site_idx, found.type_idx]) <= rules.most_cost
        served = served_flow(problem, found.site_idx, found.type_idx)[1]
        assert served == pytest.approx(found.objective)
        assert found is placed or served > placed.objective
        assert served <= plans[0].served + 1e-7
        placed = found


def test_two_changes_that_want_the_same_station_to_leave_are_both_made() -> None:
    value = np.array([9.0, 8.0, 2.0, 1.0, 7.0])
    coverage = CoverageProblem(value, Lists.of([[0], [1], [2], [3], [4]]), SiteRules.free(5, 3))
    rules = replace(coverage.rules, cost=np.zeros((5, 1)))
    problem = SizedCoverageProblem(replace(coverage, rules=rules), np.zeros(5), np.ones((5, 1)))
    placed = place(ground_of(problem), np.array([2, 3, 4]), None)
    moves = Moves(np.array([[3], [3], [3]]), np.array([[0], [1], [0]]))
    assert make_changes(placed, moves, 1e-9).site_idx.tolist() == [0, 1, 4]


def test_no_change_that_pays_leaves_the_plan_as_it_is() -> None:
    plan = plans_of(0)[0]
    placed = place(ground_of(any_problem(0)), plan.sites, plan.types)
    closed = np.flatnonzero(~placed.is_open & placed.ground.usable)
    moves = Moves(np.full((len(closed), 1), plan.sites[-1]), closed[:, None])
    assert make_changes(placed, moves, 1e-9) is placed
