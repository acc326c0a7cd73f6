import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.coverage.bound import fix_by_reduced_cost, lagrangian_bound, quick_bound
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import merge_rows
from tests.models.coverage.coverage_cases import (
    brute_force,
    coverage_problem,
    plain_value,
    random_problem,
    small_problems,
)


@given(small_problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_any_multipliers_bound_every_plan(problem: CoverageProblem, seed: int):
    rows = merge_rows(problem)
    rng = np.random.default_rng(seed)
    best = brute_force(problem)
    inside = rng.random(rows.num_rows) * rows.value
    outside = rng.normal(0.0, 2.0, rows.num_rows) * rows.value
    assert lagrangian_bound(rows, inside) >= best * (1 - 1e-12)
    assert lagrangian_bound(rows, outside) >= best * (1 - 1e-12)
    assert quick_bound(rows, inside) == pytest.approx(lagrangian_bound(rows, inside), rel=1e-12)


def test_bound_by_hand():
    # Sites reach zones {0, 1}, {1, 2}, {2}; one station. lambda = (1, 2, 1):
    # sum (w - lambda) = 4 and c = (3, 3, 1), so L = 4 + 3.
    rows = merge_rows(coverage_problem([1.0, 3.0, 4.0], [[0, 1], [1, 2], [2]], 1))
    by_zone = {1.0: 1.0, 3.0: 2.0, 4.0: 1.0}
    multiplier = np.array([by_zone[value] for value in rows.value])
    assert lagrangian_bound(rows, multiplier) == 7.0


@given(small_problems(locks=False), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_fixing_keeps_every_plan_better_than_the_incumbent(problem: CoverageProblem, seed: int):
    import itertools

    rows = merge_rows(problem)
    rng = np.random.default_rng(seed)
    multiplier = rng.random(rows.num_rows) * rows.value
    incumbent = brute_force(problem) * rng.uniform(0.5, 1.0)
    always_open, never_open = fix_by_reduced_cost(rows, multiplier, incumbent)
    assert not (always_open & never_open).any()
    for size in range(min(rows.num_stations, rows.num_sites) + 1):
        for plan in itertools.combinations(range(rows.num_sites), size):
            if plain_value(problem, set(rows.site_idx[list(plan)].tolist())) > incumbent:
                assert set(np.flatnonzero(always_open)) <= set(plan)
                assert not set(np.flatnonzero(never_open)) & set(plan)


def test_fixing_bites_when_the_bound_is_tight():
    from planner.models.coverage.primal_dual import primal_dual

    rows = merge_rows(random_problem(3, num_zones=300, num_sites=40, num_stations=4, radius=0.2))
    points = primal_dual(rows)
    point = next(point for point in points if point.iterations >= 400)
    _, never_open = fix_by_reduced_cost(rows, point.multiplier, point.relaxed_value * 0.999)
    assert never_open.sum() > 10
