import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import (
    SizedRows,
    best_service,
    capacity_cut,
    merge_sized_rows,
    rows_of_plan,
    separate_capacity,
    served_flow,
    violation,
)
from tests.models.coverage.coverage_cases import reach_lists
from tests.models.sized_coverage.sized_cases import (
    cut_service,
    feasible_plans,
    linear_service,
    random_sized_problem,
    sized_problem,
    small_sized_problems,
)

MEDIUM = random_sized_problem(3, num_zones=400, num_sites=40, demand_frac=1.2, num_bought=12)


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


@given(small_sized_problems(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_service_agrees_with_linear_program(problem: SizedCoverageProblem, pick: int):
    plans = feasible_plans(problem)
    assume(plans)
    sites, types = plans[pick % len(plans)]
    served_frac, value = served_flow(problem, np.array(sites, int), np.array(types, int))
    assert value == pytest.approx(linear_service(problem, sites, types), abs=1e-7)
    assert value == pytest.approx(cut_service(problem, sites, types), abs=1e-9)
    assert value == pytest.approx(problem.coverage.value @ served_frac, rel=1e-12)
    assert (served_frac >= 0).all()
    assert (served_frac <= 1).all()


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


def test_no_station_carries_more_than_its_capacity():
    rng = np.random.default_rng(0)
    sites = np.sort(rng.choice(MEDIUM.coverage.num_sites, 15, replace=False))
    types = rng.integers(0, 2, 15)
    rows = rows_of_plan(MEDIUM, sites, types)
    service = best_service(rows, rows.capacity)
    load = np.bincount(rows.row_site, service.flow, minlength=rows.num_sites)
    assert (load <= rows.capacity * (1 + 1e-11)).all()
    assert (load > rows.capacity * (1 - 1e-11)).any()
    carried = np.bincount(rows.row_of_arc, service.flow, minlength=rows.num_rows)
    assert carried == pytest.approx(rows.load * service.served_frac, rel=1e-9)
    assert ((service.site_price > 0) <= (load > rows.capacity * (1 - 1e-11))).all()


def test_best_ratios_are_served_first_and_zones_in_part():
    problem = sized_problem([3.0, 2.0, 5.0], [1.0, 1.0, 0.0], [[0, 1, 2]], [[1.5]], [[1.0]])
    served_frac, value = served_flow(problem, np.array([0]), np.array([0]))
    assert served_frac.tolist() == [1.0, 0.5, 1.0]
    assert value == 9.0


def test_rows_merge_zones_alike_in_reach_and_ratio_only():
    problem = sized_problem(
        [1.0, 2.0, 1.0, 0.0, 1.0], [0.5, 1.0, 1.0, 1.0, 0.5],
        [[0, 1, 2, 3], [4]], [[2.0, 9.0], [0.2, 0.3]], [[1.0, 2.0]] * 2,
    )  # fmt: skip
    rows = merge_sized_rows(problem)
    assert rows.row_of_zone.tolist() == [0, 0, 1, -1, 2]
    assert rows.value.tolist() == [3.0, 1.0, 1.0]
    assert rows.load.tolist() == [1.5, 1.0, 0.5]
    # More than what is within reach is never used.
    assert rows.capacity.tolist() == [2.0, 2.5, 0.2, 0.3]


def test_load_is_forgotten_where_no_station_can_be_full():
    problem = sized_problem(
        [1.0, 2.0, 1.0], [0.5, 0.1, 1.0], [[0, 1], [2]], [[0.6], [0.9]], [[1.0], [1.0]]
    )
    rows = merge_sized_rows(problem)
    assert rows.row_of_zone.tolist() == [0, 0, 1]
    assert rows.load.tolist() == [0.0, 1.0]


def test_dominated_types_are_dropped():
    problem = sized_problem(
        [1.0], [1.0], [[0], [0]], [[1.0, 5.0, 0.5], [0.0, 5.0, 0.5]], [[2.0, 3.0, 3.0]] * 2
    )
    rows = merge_sized_rows(problem)
    assert list(zip(rows.option_site.tolist(), rows.option_type.tolist(), strict=True)) == [
        (0, 0),
        (1, 1),
    ]
    free = merge_sized_rows(problem, money_matters=False)
    assert free.option_type.tolist() == [0, 1]


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
