"""The frontier of covering against brute force, and what one sweep of multipliers proves."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import FloatArray, IntArray, Lists
from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.frontier.bounds import FreeSites, Vector, bound_numbers, earnings
from planner.models.frontier.coverage import coverage_frontier
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules

NUM_SITES, NUM_ZONES = 8, 20
OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)


def _case(seed: int, *, capacity: float = 1e3, limits: bool = False) -> SizedCoverageProblem:
    rng = np.random.default_rng(seed)
    near = rng.random((NUM_SITES, NUM_ZONES)) < 0.3
    nowhere = np.zeros(NUM_SITES, dtype=np.bool_)
    forced, forbidden = nowhere.copy(), nowhere.copy()
    cities = None
    if limits:
        forced[1], forbidden[2] = True, True
        cities = CityLimits(np.repeat([0, 1], NUM_SITES // 2), np.array([0, 1]), np.array([2, 3]))
    cost = np.column_stack([rng.uniform(1, 3, NUM_SITES), rng.uniform(4, 6, NUM_SITES)])
    return SizedCoverageProblem(
        coverage=CoverageProblem(
            value=rng.uniform(1, 10, NUM_ZONES),
            reach=Lists.of([np.flatnonzero(row).tolist() for row in near]),
            rules=SiteRules(forced, forbidden, cost, math.inf, 0, NUM_SITES, cities),
        ),
        load=rng.uniform(1, 3, NUM_ZONES),
        capacity=np.tile([capacity, 2 * capacity], (NUM_SITES, 1)),
    )


def _within(problem: SizedCoverageProblem, **rules: float) -> SizedCoverageProblem:
    """The same with other rules."""
    changed = replace(problem.rules, **rules)
    return replace(problem, coverage=replace(problem.coverage, rules=changed))


def _best(problem: SizedCoverageProblem, most: int, budget: float) -> float:
    """By trying every set of sites, and every type where money is limited."""
    rules = replace(problem.rules, most=min(most, problem.rules.most))
    kinds = (0, 1) if math.isfinite(budget) else (1,)
    best = -math.inf
    for number in range(rules.most + 1):
        for chosen in map(np.array, itertools.combinations(range(NUM_SITES), number)):
            if not _keeps(problem, chosen.astype(np.int64), rules.most):
                continue
            for types in itertools.product(kinds, repeat=number):
                kind = np.array(types, dtype=np.int64)
                sites = chosen.astype(np.int64)
                if rules.cost[sites, kind].sum() <= budget:
                    best = max(best, served_flow(problem, sites, kind)[1])
    return best


def _keeps(problem: SizedCoverageProblem, sites: IntArray, most: float) -> bool:
    rules = replace(problem.rules, most=int(most))
    locked = (
        rules.forced[~np.isin(np.arange(NUM_SITES), sites)].any() or rules.forbidden[sites].any()
    )
    return rules.allow_number(sites) and not locked


@pytest.mark.parametrize("capacity", [1e3, 6.0])
@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_every_number_is_found_and_bounded(seed: int, limits: bool, capacity: float) -> None:
    problem = _case(seed, capacity=capacity, limits=limits)
    numbers = np.arange(2.0 if limits else 1.0, 6.0)
    found = coverage_frontier(problem, numbers, OPTIONS)
    true = np.array([_best(problem, int(each), math.inf) for each in numbers])
    assert found.objective == pytest.approx(true)
    assert found.bound == pytest.approx(true)
    assert (found.every_bound >= true - 1e-9).all()
    for plan, most in zip(found.plans, numbers, strict=True):
        assert plan.type_idx is not None
        assert _keeps(problem, plan.open_site_idx, most)
        served = served_flow(problem, plan.open_site_idx, plan.type_idx)[1]
        assert plan.objective == pytest.approx(served)


@pytest.mark.parametrize("limits", [False, True])
def test_budgets_are_found_and_bounded(limits: bool) -> None:
    problem = _within(_case(5, capacity=6.0, limits=limits), most=3)
    budgets = np.array([6.0, 9.0, 14.0])
    found = coverage_frontier(problem, budgets, OPTIONS, is_money=True, num_steps=5)
    true = np.array([_best(problem, 3, each) for each in budgets])
    assert found.objective == pytest.approx(true)
    assert found.bound == pytest.approx(true)
    for plan, budget in zip(found.plans, budgets, strict=True):
        assert problem.rules.cost[plan.open_site_idx, plan.type_idx].sum() <= budget + 1e-6
    between = found.every_bound[np.searchsorted(found.every_amount, 10.0)]
    assert between >= _best(problem, 3, 10.0) - 1e-9


def test_numbers_within_a_budget_are_bounded() -> None:
    problem = _case(6, capacity=6.0)
    found = coverage_frontier(_within(problem, budget=9.0), np.array([1.0, 2.0, 3.0]), OPTIONS)
    true = [_best(problem, most, 9.0) for most in (1, 2, 3)]
    assert found.objective == pytest.approx(true)
    assert found.bound == pytest.approx(true)


@pytest.mark.parametrize("limits", [False, True])
def test_nested_plans_keep_what_stands(limits: bool) -> None:
    problem = _case(7, capacity=6.0, limits=limits)
    numbers = np.array([2.0, 3.0, 5.0])
    found = coverage_frontier(problem, numbers, OPTIONS, nested=True)
    assert found.is_nested
    for earlier, later in itertools.pairwise(found.plans):
        assert np.isin(earlier.open_site_idx, later.open_site_idx).all()
    for plan, most in zip(found.plans, numbers, strict=True):
        assert _keeps(problem, plan.open_site_idx, most)
        served = served_flow(problem, plan.open_site_idx, plan.type_idx)[1]
        assert plan.objective == pytest.approx(served)
    true = np.array([_best(problem, int(each), math.inf) for each in numbers])
    assert (found.objective <= true + 1e-9).all()
    assert (found.bound >= true - 1e-9).all()
    assert found.objective[-1] >= 0.9 * true[-1]


def test_any_multipliers_bound_every_number() -> None:
    """Equation (1), whatever made the multipliers, with limits by city."""
    rng = np.random.default_rng(3)
    for seed in range(6):
        problem = _case(seed, limits=True)
        coverage, rules, near = problem.coverage, problem.rules, problem.coverage.reach
        free = np.flatnonzero(~rules.forced & ~rules.forbidden)
        served = np.zeros(NUM_ZONES, dtype=np.bool_)
        served[coverage.reach.entries_of(rules.forced)] = True
        vectors = []
        for _ in range(2):
            share = rng.random(NUM_ZONES)
            left: FloatArray = np.where(served, 0.0, coverage.value * share)
            rest = coverage.value[served].sum() + (coverage.value * (1 - share))[~served].sum()
            reached = [left[near.idx[near.ptr[j] : near.ptr[j + 1]]].sum() for j in free]
            vectors.append(Vector(float(rest), np.array(reached), 0.0))
        assert rules.cities is not None
        standing = np.bincount(rules.cities.city_idx[rules.forced], minlength=2)
        sites = FreeSites(
            cost=np.zeros(len(free)),
            city_idx=rules.cities.city_idx[free],
            city_least=np.maximum(rules.cities.min_stations - standing, 0),
            city_most=rules.cities.max_stations - standing,
        )
        numbers = np.arange(1, 5)
        bound = bound_numbers(sites, vectors, math.inf, numbers)
        true = [_best(problem, int(each) + 1, math.inf) for each in numbers]
        assert (bound >= np.array(true) - 1e-9).all()


def test_earnings_by_hand() -> None:
    sites = FreeSites(np.zeros(4), np.array([0, 0, 1, 1]), np.array([0, 1]), np.array([1, 2]))
    profit = np.array([5.0, 4.0, -2.0, -1.0])
    assert earnings(sites, profit, np.array([1, 2, 3])).tolist() == [-1.0, 4.0, 4.0]
    free = replace(sites, city_least=np.array([0, 0]), city_most=np.array([2, 2]))
    assert not free.limits_cities
    assert earnings(free, profit, np.array([0, 1, 2, 3])).tolist() == [0.0, 5.0, 9.0, 9.0]


def test_too_few_stations_are_named() -> None:
    problem = _case(1)
    forced = np.zeros(NUM_SITES, dtype=np.bool_)
    forced[:3] = True
    locked = replace(
        problem, coverage=replace(problem.coverage, rules=replace(problem.rules, forced=forced))
    )
    with pytest.raises(InfeasibleError, match="2 stations"):
        coverage_frontier(locked, np.array([2.0, 4.0]), OPTIONS)


def test_two_workers_find_the_same_bounds() -> None:
    problem = _case(2)
    options = SolveOptions(gap_frac=0.0, time_limit_s=20.0, workers=2)
    found = coverage_frontier(problem, np.array([1.0, 3.0, 5.0]), options)
    true = [_best(problem, most, math.inf) for most in (1, 3, 5)]
    assert found.objective == pytest.approx(true)
    assert found.bound == pytest.approx(true)


def test_nothing_to_serve() -> None:
    problem = _case(2)
    idle = replace(problem, coverage=replace(problem.coverage, value=np.zeros(NUM_ZONES)))
    found = coverage_frontier(idle, np.array([1.0, 2.0]), OPTIONS)
    assert found.objective.tolist() == [0.0, 0.0]
    assert found.bound.tolist() == [0.0, 0.0]
