"""Small sized covering problems with all their plans, which costs are compared with."""

import functools
import itertools
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from planner.arrays import IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.rules import CityLimits, SiteRules


class Plan(NamedTuple):
    sites: IntArray
    types: IntArray
    served: float


def random_problem(
    rng: np.random.Generator,
    *,
    num_sites: int = 8,
    num_cities: int = 1,
    num_types: int = 1,
    with_capacity: bool = False,
    with_money: bool = False,
    with_limits: bool = False,
) -> SizedCoverageProblem:
    num_zones, shape = 14, (num_sites, num_types)
    value = rng.integers(1, 20, num_zones).astype(float)
    reach = [np.flatnonzero(rng.random(num_zones) < 0.3).tolist() for _ in range(num_sites)]
    load, capacity = np.zeros(num_zones), np.full(shape, 1e6)
    if with_capacity:
        load = value * rng.choice([0.5, 1.0], num_zones)
        capacity = np.sort(rng.integers(5, 40, shape), axis=1).astype(float)
    forced = rng.random(num_sites) < 0.12
    least, most = np.zeros(num_cities, dtype=int), np.full(num_cities, num_sites)
    if with_limits:
        least, most = rng.integers(0, 2, num_cities), rng.integers(1, 4, num_cities)
    rules = SiteRules(
        forced=forced,
        forbidden=(rng.random(num_sites) < 0.12) & ~forced,
        cost=np.sort(rng.integers(1, 6, shape), axis=1).astype(float),
        budget=float(rng.integers(6, 14)) if with_money else math.inf,
        least=0,
        most=int(rng.integers(2, 5)),
        cities=CityLimits(
            np.sort(rng.integers(0, num_cities, num_sites)).astype(np.int32), least, most
        ),
    )
    coverage = CoverageProblem(value, Lists.of(reach), rules)
    return SizedCoverageProblem(coverage, load, capacity)


def any_problem(seed: int) -> SizedCoverageProblem:
    """Every mixture of capacity, money, limits by city, one to three cities, one or two types."""
    rng = np.random.default_rng(seed)
    return random_problem(
        rng,
        num_cities=1 + seed % 3,
        num_types=1 + seed // 3 % 2,
        with_capacity=seed // 6 % 2 == 1,
        with_money=seed // 12 % 2 == 1,
        with_limits=seed // 24 % 2 == 1,
    )


@functools.cache
def plans_of(seed: int) -> tuple[Plan, ...]:
    """All plans of `any_problem`, best first."""
    return tuple(all_plans(any_problem(seed)))


def all_plans(problem: SizedCoverageProblem) -> list[Plan]:
    """Every set of sites within the limits in the types that serve most, best plan first."""
    rules = problem.rules
    found = []
    for number in range(rules.most + 1):
        for chosen in itertools.combinations(np.flatnonzero(~rules.forbidden).tolist(), number):
            sites = np.array(chosen, dtype=np.int64)
            if rules.forced[sites].sum() != rules.num_forced or not rules.allow_number(sites):
                continue
            plans = [
                Plan(sites, types, served_flow(problem, sites, types)[1])
                for types in _types(problem, sites)
            ]
            if plans:
                found.append(max(plans, key=lambda plan: plan.served))
    return sorted(found, key=lambda plan: -plan.served)


def _types(problem: SizedCoverageProblem, sites: IntArray) -> Iterator[IntArray]:
    if math.isinf(problem.rules.budget):
        yield np.argmax(problem.capacity[sites], axis=1)
        return
    for some in itertools.product(range(problem.num_types), repeat=len(sites)):
        types = np.array(some, dtype=np.int64)
        if problem.rules.cost[sites, types].sum() <= problem.rules.most_cost:
            yield types


def is_one_city(problem: SizedCoverageProblem) -> bool:
    """Whether lower ends hold for the whole problem."""
    return len(np.unique(problem.rules.cities_or_one().city_idx)) == 1
