import numpy as np
from hypothesis import given, settings

from planner.models.sized_coverage.cuts import capacity_cut, separate_capacity, violation
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import SizedRows, merge_sized_rows
from planner.models.sized_coverage.service import best_service
from tests.models.coverage.coverage_cases import reach_lists
from tests.models.sized_coverage.sized_cases import (
    feasible_plans,
    sized_problem,
    small_sized_problems,
)


def plans_with_rows(rows: SizedRows, problem: SizedCoverageProblem):
    """Service and openings of every feasible plan that keeps to the options left by presolve."""
    option_of = {
        (int(rows.site_idx[site]), int(kind)): option
        for option, (site, kind) in enumerate(zip(rows.option_site, rows.option_type, strict=True))
    }
    for sites, types in feasible_plans(problem):
        if all(pair in option_of for pair in zip(sites, types, strict=True)):
            options = [option_of[pair] for pair in zip(sites, types, strict=True)]
            opening = np.zeros(rows.num_options)
            opening[options] = 1.0
            capacity = np.full(rows.num_sites, -1.0)
            capacity[rows.option_site[options]] = rows.capacity[options]
            yield best_service(rows, capacity), opening, (sites, types)


@given(small_sized_problems())
@settings(max_examples=60, deadline=None)
def test_cuts_hold_for_every_plan_and_cut_off_the_point(problem: SizedCoverageProblem):
    rows = merge_sized_rows(problem)
    rng = np.random.default_rng(0)
    points = [(np.ones(rows.num_rows), rng.random(rows.num_options)) for _ in range(3)]
    points += [(rng.random(rows.num_rows), np.ones(rows.num_options))]
    cuts = []
    for x, opening in points:
        found = separate_capacity(rows, x, opening)
        assert all(violation(rows, cut, x, opening) > 0 for cut in found)
        cuts += found
    for service, opening, _ in plans_with_rows(rows, problem):
        assert all(violation(rows, cut, service.served_frac, opening) <= 1e-9 for cut in cuts)


@given(small_sized_problems())
@settings(max_examples=60, deadline=None)
def test_a_point_is_cut_off_unless_it_can_be_served(problem: SizedCoverageProblem):
    rows = merge_sized_rows(problem)
    for service, opening, _ in plans_with_rows(rows, problem):
        assert separate_capacity(rows, service.served_frac, opening) == []
        covered = (service.served_frac > 0).astype(float)
        if rows.value @ covered > service.value * (1 + 1e-6) + 1e-6:
            assert separate_capacity(rows, covered, opening)


def test_cut_coefficients_are_the_lesser_of_capacity_and_load_in_reach():
    problem = sized_problem(
        [1.0, 2.0, 4.0], [1.0, 2.0, 3.0], [[0, 1, 2], [1]], [[4.0], [4.0]], [[1.0], [1.0]]
    )
    rows = merge_sized_rows(problem)
    cut = capacity_cut(rows, np.array([0, 1]))
    assert dict(zip(cut.options.tolist(), cut.coefficient.tolist(), strict=True)) == {
        0: 3.0,
        1: 2.0,
    }
    assert reach_lists(problem.coverage)[1] == {1}


def test_separation_returns_independent_pieces():
    problem = sized_problem(
        [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0], [[0, 1], [2, 3]], [[1.0], [2.0]], [[1.0], [1.0]]
    )
    rows = merge_sized_rows(problem)
    cuts = separate_capacity(rows, np.ones(rows.num_rows), np.ones(rows.num_options))
    assert [cut.rows.tolist() for cut in cuts] == [[1], [0]]
    assert [violation(rows, c, np.ones(2), np.ones(2)) for c in cuts] == [2.0, 1.0]
