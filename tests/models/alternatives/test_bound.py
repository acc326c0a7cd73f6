import itertools
import math

import numpy as np
import pytest

from planner.models.alternatives.annealing import Within, anneal_within
from planner.models.alternatives.bound import best_choice, bound_within
from planner.models.coverage.rows import merge_rows
from planner.models.coverage.search import Schedule, plan_value, swap_tables
from tests.models.coverage.coverage_cases import random_problem


def _limits(seed: int) -> Within:
    rng = np.random.default_rng(seed)
    return Within(
        city=rng.integers(0, 3, 8),
        least=np.array([0, seed % 2, 0]),
        most=np.array([2, 3, 1 + seed % 3]),
        cost=rng.uniform(0.5, 2.0, 8),
        budget=math.inf if seed % 3 else 5.0,
        number=4,
    )


def _choices(limits: Within) -> list[list[int]]:
    kept = []
    for size in range(limits.number + 1):
        for choice in itertools.combinations(range(8), size):
            number = np.bincount(limits.city[list(choice)], minlength=3)
            if (limits.least <= number).all() and (number <= limits.most).all():
                kept.append(list(choice))
    return kept


@pytest.mark.parametrize("seed", range(12))
def test_the_greedy_choice_is_the_best_within_limits(seed: int) -> None:
    profit = np.random.default_rng(seed).normal(0.5, 1.0, 8)
    limits = _limits(seed)
    choices = _choices(limits)
    if not choices:
        pytest.skip("no choice keeps the limits")
    best = max(profit[choice].sum() for choice in choices)
    assert best_choice(profit, limits) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(12))
def test_any_multipliers_bound_every_plan_within_limits(seed: int) -> None:
    rows = merge_rows(random_problem(seed, num_zones=40, num_sites=8, num_stations=4, radius=0.4))
    if rows.num_sites < 8:
        pytest.skip("a site reaches nothing")
    limits = _limits(seed)
    values = [
        plan_value(rows, swap_tables(rows, np.array(choice, dtype=np.int64)))
        for choice in _choices(limits)
        if limits.cost[choice].sum() <= limits.budget
    ]
    share = np.random.default_rng(seed).random(rows.num_rows)
    assert bound_within(rows, share * rows.value, limits) >= max(values, default=0.0) - 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_annealing_keeps_limits_and_finds_better_plans(seed: int) -> None:
    rows = merge_rows(random_problem(seed, num_zones=200, num_sites=40, num_stations=8, radius=0.2))
    rng = np.random.default_rng(seed)
    start = np.arange(8)
    city = np.arange(rows.num_sites) % 4
    limits = Within(
        city=city,
        least=np.array([1, 0, 2, 0]),
        most=np.array([2, 3, 4, 2]),
        cost=rng.uniform(0.5, 1.5, rows.num_sites),
        budget=9.0,
        number=9,
    )
    spent = limits.cost[start].sum()
    plan = anneal_within(
        rows, start, np.arange(rows.num_sites), limits, Schedule(20_000, 1.0, 0.001), rng
    )
    number = np.bincount(city[plan], minlength=4)
    assert (limits.least <= number).all()
    assert (number <= limits.most).all()
    assert len(plan) <= limits.number
    assert limits.cost[plan].sum() <= max(limits.budget, spent) + 1e-9
    values = [plan_value(rows, swap_tables(rows, each)) for each in (start, plan)]
    assert values[1] > values[0]
