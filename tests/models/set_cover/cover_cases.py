"""Small set covering problems and the plain-Python answers that tests compare with."""

import itertools
import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.models.set_cover.problem import SetCoverProblem
from planner.solving.rules import CityLimits, SiteRules


def cover_problem(
    reach: list[list[int]],
    num_zones: int,
    *,
    value: list[float] | None = None,
    need: list[int] | None = None,
    cost: list[float] | None = None,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
    min_share: float = 1.0,
    min_stations: int = 0,
    max_stations: int = 99,
    budget: float = math.inf,
    cities: CityLimits | None = None,
) -> SetCoverProblem:
    """Problem from one list of zones per site."""
    sites = np.arange(len(reach))
    return SetCoverProblem(
        value=np.ones(num_zones) if value is None else np.array(value, dtype=np.float64),
        need=np.ones(num_zones, dtype=np.int64) if need is None else np.array(need, dtype=np.int64),
        reach=Lists.of(reach),
        rules=SiteRules(
            forced=np.isin(sites, list(forced)),
            forbidden=np.isin(sites, list(forbidden)),
            cost=np.ones(len(sites)) if cost is None else np.array(cost, dtype=np.float64),
            budget=budget,
            least=min_stations,
            most=max_stations,
            cities=cities,
        ),
        min_share=min_share,
    )


def with_rules(problem: SetCoverProblem, **change: object) -> SetCoverProblem:
    """The same problem under other rules."""
    return replace(problem, rules=replace(problem.rules, **change))


def is_allowed(problem: SetCoverProblem, plan: set[int]) -> bool:
    rules = problem.rules
    forced, forbidden = (set(np.flatnonzero(lock)) for lock in (rules.forced, rules.forbidden))
    near = np.zeros(problem.num_zones)
    for site in plan:
        near[problem.reach.row(site)] += 1
    covered = near >= problem.need
    asked = problem.min_share * problem.value.sum()
    enough = (
        covered.all() if problem.min_share == 1 else problem.value[covered].sum() >= asked - 1e-7
    )
    return bool(
        enough
        and forced <= plan
        and not forbidden & plan
        and problem.rules.least <= len(plan) <= problem.rules.most
        and sum(problem.rules.cost[list(plan)]) <= problem.rules.budget + 1e-9
        and (
            problem.rules.cities is None
            or problem.rules.cities.allow(np.array(sorted(plan), dtype=int))
        )
    )


def brute_force(problem: SetCoverProblem) -> float:
    plans = itertools.chain.from_iterable(
        itertools.combinations(range(problem.num_sites), size)
        for size in range(problem.num_sites + 1)
    )
    costs = (sum(problem.rules.cost[list(one)]) for one in plans if is_allowed(problem, set(one)))
    return min(costs, default=math.inf)


def by_city(city: list[int], least: list[int], most: list[int]) -> CityLimits:
    return CityLimits(np.array(city, dtype=np.int32), np.array(least), np.array(most))


@st.composite
def small_problems(draw: st.DrawFn) -> SetCoverProblem:
    num_zones, num_sites = draw(st.integers(1, 8)), draw(st.integers(1, 7))
    zones = st.sets(st.integers(0, num_zones - 1)).map(sorted)
    lock = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "forced", "forbidden"]),
            min_size=num_sites, max_size=num_sites,
        )
    )  # fmt: skip

    def numbers(values: list[float], size: int) -> list[float]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    city = draw(st.lists(st.integers(0, 2), min_size=num_sites, max_size=num_sites))
    least = numbers([0, 0, 0, 1], 3)
    most = [low + more for low, more in zip(least, numbers([0, 1, 7], 3), strict=True)]
    cities = by_city(city, least, most)
    return cover_problem(
        draw(st.lists(zones, min_size=num_sites, max_size=num_sites)),
        num_zones,
        value=numbers([0.0, 0.3, 1.0, 2.5], num_zones),
        need=numbers([0, 1, 1, 2], num_zones),
        cost=numbers([0.0, 1.0, 1.7, 3.0], num_sites),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
        min_share=draw(st.sampled_from([0.0, 0.4, 0.75, 1.0])),
        min_stations=draw(st.integers(0, 2)),
        max_stations=draw(st.integers(1, 8)),
        budget=draw(st.sampled_from([math.inf, 6.0, 3.0])),
        cities=draw(st.sampled_from([None, cities])),
    )


def random_cover(
    seed: int,
    num_zones: int,
    num_sites: int,
    radius: float,
    *,
    min_share: float = 1.0,
    whole_costs: bool = False,
) -> SetCoverProblem:
    """Points in the unit square; every zone is reached at least by its nearest site."""
    rng = np.random.default_rng(seed)
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    distance = np.linalg.norm(sites[:, None] - zones[None], axis=2)
    near = distance <= radius
    near[distance.argmin(axis=0), range(num_zones)] = True
    return cover_problem(
        [np.flatnonzero(row).tolist() for row in near],
        num_zones,
        value=rng.lognormal(size=num_zones).tolist(),
        cost=rng.integers(1, 9, num_sites).tolist() if whole_costs else None,
        min_share=min_share,
        max_stations=num_sites,
    )
