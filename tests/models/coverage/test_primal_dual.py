import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from planner.models.coverage.bound import lagrangian_bound
from planner.models.coverage.primal_dual import primal_dual
from planner.models.coverage.rows import CoverRows, merge_rows
from tests.models.coverage.coverage_cases import coverage_problem, random_problem


def relaxation_value(rows: CoverRows) -> float:
    """Linear relaxation by an independent solver."""
    shape = (rows.num_rows, rows.num_sites)
    cover = scipy.sparse.csr_matrix((np.ones(rows.num_arcs), *rows.sites_of_row[::-1]), shape)
    matrix = scipy.sparse.bmat(
        [
            [-cover, scipy.sparse.identity(rows.num_rows)],
            [np.ones((1, rows.num_sites)), None],
        ]
    )
    result = scipy.optimize.linprog(
        -np.r_[np.zeros(rows.num_sites), rows.value],
        A_ub=matrix.tocsr(),
        b_ub=np.r_[np.zeros(rows.num_rows), rows.num_stations],
        bounds=(0, 1),
        method="highs",
    )
    return rows.base_value - result.fun


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_converges_to_the_linear_relaxation(seed: int):
    problem = random_problem(seed, num_zones=400, num_sites=60, num_stations=5, radius=0.18)
    rows = merge_rows(problem)
    expected = relaxation_value(rows)
    point = next(
        point
        for point in primal_dual(rows)
        if point.relaxation_gap_frac <= 1e-6 or point.iterations >= 20_000
    )
    assert point.relaxation_gap_frac <= 1e-6
    assert point.bound >= expected * (1 - 1e-9)
    assert point.relaxed_value <= expected * (1 + 1e-9)
    assert point.bound == pytest.approx(expected, rel=2e-6)


def test_every_point_is_valid_and_none_is_worse():
    problem = random_problem(5, num_zones=500, num_sites=80, num_stations=9, radius=0.15)
    rows = merge_rows(problem)
    points = list(itertools.islice(primal_dual(rows), 40))
    for point in points:
        assert (point.multiplier >= 0).all()
        assert (point.multiplier <= rows.value).all()
        assert lagrangian_bound(rows, point.multiplier) == pytest.approx(point.bound, rel=1e-12)
        assert (point.opening >= 0).all()
        assert (point.opening <= 1).all()
        assert point.opening.sum() <= rows.num_stations * (1 + 1e-9)
    for earlier, later in itertools.pairwise(points):
        assert later.bound <= earlier.bound
        assert later.relaxed_value >= earlier.relaxed_value


def test_budget_that_does_not_bind_costs_nothing():
    rows = merge_rows(coverage_problem([1.0, 2.0, 3.0], [[0], [1], [1, 2], [0, 2]], 4))
    point = next(iter(primal_dual(rows)))
    assert point.bound == 6.0
    assert list(itertools.islice(primal_dual(rows), 5))[-1].bound == 6.0


def test_a_run_goes_on_from_where_one_for_other_values_ended() -> None:
    rows = merge_rows(random_problem(3, num_zones=300, num_sites=60, num_stations=8, radius=0.15))
    ended = next(point for point in primal_dual(rows) if point.iterations >= 400)
    other = replace(rows, value=rows.value * np.linspace(0.95, 1.05, rows.num_rows))
    first = next(primal_dual(other, start=ended.end))
    cold = next(point for point in primal_dual(other) if point.iterations >= 20)
    assert first.bound < cold.bound
    for point in (first, cold):
        exact = lagrangian_bound(other, point.multiplier)
        assert point.bound == pytest.approx(exact, rel=1e-9)
        assert point.bound >= relaxation_value(other) - 1e-6
