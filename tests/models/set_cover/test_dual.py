import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from hypothesis import assume, given, settings

from planner.models.set_cover.dual import fix_by_bound, improve_cover_bound, lagrangian_cost
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from tests.models.set_cover.cover_cases import (
    brute_force,
    by_city,
    is_allowed,
    random_cover,
    small_problems,
    with_rules,
)


def relaxation_cost(task: CoverTask) -> float:
    """Linear relaxation by an independent solver."""
    rows, sites = task.num_rows, task.num_sites
    near = scipy.sparse.csr_matrix(
        (np.ones(task.num_arcs), task.sites_of_row.idx, task.sites_of_row.ptr), (rows, sites)
    )
    blocks = [[-near, scipy.sparse.diags(task.need.astype(float))],
              [None, -task.value[None, :]]]  # fmt: skip
    upper = [np.zeros(rows), [-task.required]]
    one = np.ones((1, sites))
    blocks += [[one, None], [-one, None]]
    upper += [[task.most], [-task.least]]
    if task.cities is not None:
        city = task.cities.city_idx == np.arange(len(task.cities.min_stations))[:, None]
        blocks += [[city.astype(float), None], [-city.astype(float), None]]
        upper += [task.cities.max_stations, -task.cities.min_stations]
    result = scipy.optimize.linprog(
        np.r_[task.cost, np.zeros(rows)],
        A_ub=scipy.sparse.bmat(blocks).tocsr(),
        b_ub=np.concatenate(upper).astype(float),
        bounds=(0, 1),
        method="highs",
    )
    return task.base_cost + result.fun


def converged(task: CoverTask, iterations: int = 4000):
    points = improve_cover_bound(task, np.empty(0, np.int64))
    return next(point for point in points if point.iterations >= iterations)


def cases() -> list[SetCoverProblem]:
    plain = random_cover(0, 300, 60, 0.3)
    share = random_cover(1, 300, 60, 0.15, min_share=0.7, whole_costs=True)
    twice = replace(share, need=np.minimum(2, np.bincount(share.reach.idx, minlength=300)))
    city = (np.arange(60) % 4).tolist()
    limited = with_rules(share, cities=by_city(city, [3, 0, 0, 0], [60, 7, 60, 7]), least=12)
    return [plain, share, twice, limited, with_rules(share, most=12)]


@pytest.mark.parametrize("at", range(5))
def test_converges_to_the_linear_relaxation(at: int):
    task = reduce_cover(cases()[at])
    point, expected = converged(task), relaxation_cost(task)
    assert point.bound <= expected + 1e-7 * expected
    assert point.bound >= expected * (1 - 2e-3)
    assert point.relaxed_cost == pytest.approx(expected, rel=1e-2)


@given(small_problems())
@settings(max_examples=200, deadline=None)
def test_no_multipliers_bound_too_much(problem: SetCoverProblem):
    problem = with_rules(problem, budget=math.inf)
    best = brute_force(problem)
    assume(math.isfinite(best))
    task = reduce_cover(problem)
    rng = np.random.default_rng(task.num_arcs)
    for scale in (0.1, 1.0, 10.0):
        share = scale * rng.normal(0.5, 1.0, task.num_rows)
        assert lagrangian_cost(task, share) <= best + 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_no_plan_worth_a_look_is_lost(seed: int):
    share = (0.9, 0.7, 0.5)[seed % 3]
    problem = random_cover(seed, 40, 9, 0.4, min_share=share, whole_costs=seed % 2 == 0)
    if seed % 4 == 0:
        problem = with_rules(
            problem, cities=by_city([0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1], [2, 2, 2])
        )
    ceiling = brute_force(problem) * 1.2
    task = reduce_cover(problem)
    assert task.num_rows > 0
    always_open, never_open = fix_by_bound(task, converged(task, 200), ceiling)
    kept = [
        set(plan)
        for size in range(task.num_sites + 1)
        for plan in itertools.combinations(range(task.num_sites), size)
        if is_allowed(problem, set(task.plan(np.array(plan, dtype=int)).tolist()))
        and task.base_cost + sum(task.cost[list(plan)]) <= ceiling
    ]
    assert kept
    for plan in kept:
        assert set(np.flatnonzero(always_open)) <= plan
        assert not set(np.flatnonzero(never_open)) & plan


def test_sites_are_fixed_once_the_bound_is_close():
    task = reduce_cover(random_cover(1, 300, 60, 0.15, min_share=0.7, whole_costs=True))
    point = converged(task)
    always_open, never_open = fix_by_bound(task, point, point.bound * 1.01)
    assert always_open.any()
    assert never_open.any()
