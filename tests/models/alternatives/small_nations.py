"""Two small cities, all their plans, and the answers that tests compare with."""

import itertools
import math
from dataclasses import replace

import numpy as np

from planner.arrays import Lists
from planner.models.alternatives.result import Places, Plan
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.rules import CityLimits, SiteRules

PLACES = Places.of(np.array([70, 70, 71, 71, 82, 82, 93, 94]))


def two_cities(seed: int) -> SizedCoverageProblem:
    """Eight sites in two cities, at most three stations; capacity, money, locks, limits by seed."""
    rng = np.random.default_rng(seed)
    reach = [sorted(rng.choice(14, rng.integers(1, 6), replace=False).tolist()) for _ in range(8)]
    value = rng.uniform(1.0, 10.0, 14).round(1)
    sized = seed % 2 == 0
    capacity = np.array([12.0, 25.0] if sized else [1e6])
    cost = np.array([1.0, 1.5] if sized else [1.0])
    return SizedCoverageProblem(
        coverage=CoverageProblem(
            value=value,
            reach=Lists.of(reach),
            rules=SiteRules(
                forced=np.arange(8) == (1 if seed % 5 == 0 else -1),
                forbidden=np.arange(8) == (6 if seed % 7 == 0 else -1),
                cost=np.tile(cost, (8, 1)),
                budget=4.0 if seed % 3 == 0 else math.inf,
                least=0,
                most=3,
                cities=CityLimits(
                    np.repeat(np.array([0, 1], dtype=np.int32), 4),
                    np.array([0, 0]),
                    np.array([2, 2] if seed % 4 == 0 else [4, 4]),
                ),
            ),
        ),
        load=value.copy(),
        capacity=np.tile(capacity, (8, 1)),
    )


def full_twins() -> SizedCoverageProblem:
    """Two full stations at the same zone, two with twins elsewhere, and a site of little use."""
    return SizedCoverageProblem(
        coverage=CoverageProblem(
            value=np.array([100.0, 10.0, 0.2, 10.0, 0.2, 1.0]),
            reach=Lists.of([[0], [0], [1, 2], [1], [3, 4], [3], [5]]),
            rules=replace(SiteRules.free(7, 4), cost=np.zeros((7, 1))),
        ),
        load=np.array([100.0, 10.0, 0.2, 10.0, 0.2, 1.0]),
        capacity=np.full((7, 1), 50.0),
    )


def all_plans(problem: SizedCoverageProblem) -> list[Plan]:
    """Every plan within the limits, the best first."""
    rules = problem.rules
    plans = []
    for choice in itertools.product(range(-1, problem.num_types), repeat=rules.num_sites):
        kind = np.array(choice)
        sites = np.flatnonzero(kind >= 0)
        types = kind[sites]
        if (
            rules.allow_number(sites)
            and (kind[rules.forced] >= 0).all()
            and not rules.forbidden[sites].any()
            and rules.cost[sites, types].sum() <= rules.most_cost
        ):
            plans.append(Plan(sites, types, served_flow(problem, sites, types)[1]))
    return sorted(plans, key=lambda plan: -plan.gain)
