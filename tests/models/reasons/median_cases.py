"""Small p-median problems with pairs, and all their plans."""

import itertools
import math

import numpy as np

from planner.arrays import Lists
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.state import p_median_cost
from planner.solving.rules import CityLimits, SiteRules


def random_median(seed: int, num_sites: int = 8, num_zones: int = 14) -> PMedianProblem:
    """Sites and zones on a line, in one part or in several; all kinds of limits in turn."""
    rng = np.random.default_rng(seed)
    city = np.sort(rng.integers(0, 3, num_sites))
    apart = 100.0 * (seed % 2)
    sites = rng.random(num_sites) + apart * city
    zone_city = rng.integers(0, 3, num_zones)
    zones = rng.random(num_zones) + apart * zone_city
    distance = np.abs(zones[:, None] - sites)
    near = distance < 0.6
    kind = rng.random(num_sites)
    forced = kind < 0.12
    forbidden = (kind > 0.9) if seed % 3 == 0 else np.zeros(num_sites, np.bool_)
    cost = rng.integers(1, 5, num_sites).astype(float)
    most = max(int(rng.integers(2, 5)), int(forced.sum()))
    cities = None
    if seed % 5 == 2:
        least = np.minimum(np.bincount(city[~forbidden], minlength=3), rng.integers(0, 2, 3))
        least = np.where(least.sum() > most, 0, least)
        in_city = np.maximum(np.bincount(city[forced], minlength=3), least)
        cities = CityLimits(city.astype(np.int32), least, in_city + rng.integers(0, 3, 3))
        most = max(most, int(in_city.sum()))
    budget = float(cost[forced].sum() + rng.integers(4, 12)) if seed % 4 == 1 else math.inf
    if cities is not None:
        budget = math.inf
    return PMedianProblem(
        weight=np.round(rng.lognormal(size=num_zones), 3) * (rng.random(num_zones) > 0.1),
        distances=PairDistances(
            sites=Lists.of([np.flatnonzero(row).tolist() for row in near]),
            distance=distance[near],
            unserved=1.0,
            num_sites=num_sites,
        ),
        rules=SiteRules(forced, forbidden, cost, budget, 0, most, cities),
    )


def plans_of(problem: PMedianProblem) -> dict[frozenset[int], float]:
    """Every plan that keeps the rules, with its cost."""
    rules, found = problem.rules, {}
    for size in range(rules.least, min(rules.most, problem.num_sites) + 1):
        for plan in itertools.combinations(range(problem.num_sites), size):
            chosen = np.array(plan, dtype=np.int64)
            is_open = np.isin(np.arange(problem.num_sites), chosen)
            if (
                (is_open | ~rules.forced).all()
                and not (is_open & rules.forbidden).any()
                and rules.cost[chosen].sum() <= rules.budget
                and (rules.cities is None or rules.cities.allow(chosen))
            ):
                found[frozenset(plan)] = p_median_cost(problem, chosen)
    return found
