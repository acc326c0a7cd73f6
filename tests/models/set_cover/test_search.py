import math
from dataclasses import replace

import numpy as np
import pytest

from planner.models.set_cover.greedy import greedy_cover, plan_cost
from planner.models.set_cover.presolve import CoverTask, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.search import anneal_cover
from tests.models.set_cover.cover_cases import by_city, random_cover, with_rules


def search(task: CoverTask, seed: int, price: float) -> float:
    """Cost of the best plan that a short search adds to greedy's."""
    start = greedy_cover(task, np.empty(0, np.int64))
    is_open = np.zeros(task.num_sites, dtype=np.bool_)
    is_open[start] = True
    _, cost, plan = anneal_cover(
        task,
        is_open,
        np.arange(task.num_sites),
        weight=task.value,
        price=price,
        best_cost=plan_cost(task, start) - task.base_cost,
        num_moves=100_000,
        hot=0.5,
        cold=0.02,
        rng=np.random.default_rng(seed),
    )
    if len(plan):
        assert plan_cost(task, plan) == pytest.approx(cost + task.base_cost)
    assert task.cities is None or task.cities.allow(np.flatnonzero(is_open))
    assert task.least <= is_open.sum() <= task.most
    return cost


def twice(problem: SetCoverProblem) -> SetCoverProblem:
    near = np.bincount(problem.reach.idx, minlength=problem.num_zones)
    return replace(problem, need=np.minimum(2, near))


SHARE = random_cover(3, 800, 250, 0.07, min_share=0.8, whole_costs=True)
CITY = (np.arange(250) % 3).tolist()


@pytest.mark.parametrize(
    ("problem", "price"),
    [
        (random_cover(2, 400, 120, 0.1), 3.0),
        (SHARE, 0.2),
        (twice(SHARE), 0.2),
        (twice(random_cover(2, 400, 120, 0.1, whole_costs=True)), 20.0),
        (with_rules(SHARE, cities=by_city(CITY, [0, 30, 0], [30, 90, 20])), 0.2),
    ],
    ids=["all", "share", "share twice", "all twice", "cities"],
)
def test_finds_cheaper_plans_that_keep_every_limit(problem: SetCoverProblem, price: float):
    task = reduce_cover(problem)
    greedy = plan_cost(task, greedy_cover(task, np.empty(0, np.int64))) - task.base_cost
    assert math.isfinite(greedy)
    assert search(task, 0, price) < greedy


def test_the_seed_tells_all():
    task = reduce_cover(SHARE)
    assert search(task, 5, 0.2) == search(task, 5, 0.2)
