"""Small covering problems and the plain-Python answers that tests compare with."""

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.solving.rules import SiteRules


def coverage_problem(
    value: list[float],
    reach: list[list[int]],
    num_stations: int,
    *,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
) -> CoverageProblem:
    """Problem from one list of zones per site."""
    num_sites = len(reach)
    return CoverageProblem(
        value=np.array(value, dtype=np.float64),
        reach=Lists.of(reach),
        rules=replace(
            SiteRules.free(num_sites, num_stations),
            forced=np.isin(np.arange(num_sites), list(forced)),
            forbidden=np.isin(np.arange(num_sites), list(forbidden)),
        ),
    )


def reach_lists(problem: CoverageProblem) -> list[set[int]]:
    return [set(problem.reach.row(j).tolist()) for j in range(problem.num_sites)]


def plain_value(problem: CoverageProblem, plan: set[int]) -> float:
    reach = reach_lists(problem)
    covered = set().union(*(reach[site] for site in plan))
    return sum(float(problem.value[zone]) for zone in sorted(covered))


def brute_force(problem: CoverageProblem) -> float:
    """Value of the best of all plans."""
    rules = problem.rules
    forced = set(np.flatnonzero(rules.forced).tolist())
    free = np.flatnonzero(~(rules.forced | rules.forbidden)).tolist()
    num_free = min(rules.most - len(forced), len(free))
    return max(
        plain_value(problem, forced | set(extra))
        for size in range(num_free + 1)
        for extra in itertools.combinations(free, size)
    )


def random_problem(
    seed: int, *, num_zones: int, num_sites: int, num_stations: int, radius: float
) -> CoverageProblem:
    """Points in the unit square, log-normal values, Euclidean reach."""
    rng = np.random.default_rng(seed)
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    near = np.linalg.norm(sites[:, None] - zones[None], axis=2) <= radius
    return coverage_problem(
        rng.lognormal(0.0, 1.0, num_zones).tolist(),
        [np.flatnonzero(row).tolist() for row in near],
        num_stations,
    )


@st.composite
def small_problems(draw: st.DrawFn, *, locks: bool = True) -> CoverageProblem:
    """Up to 8 sites and 12 zones; some zones worth nothing, unreached or reached alike."""
    num_zones = draw(st.integers(1, 12))
    num_sites = draw(st.integers(1, 8))
    values = st.sampled_from([0.0, 0.1, 1.0, 2.5, 3.0, 7.0, 1000.0])
    value = draw(st.lists(values, min_size=num_zones, max_size=num_zones))
    zones = st.sets(st.integers(0, num_zones - 1), max_size=num_zones).map(sorted)
    reach = draw(st.lists(zones, min_size=num_sites, max_size=num_sites))
    lock = draw(
        st.lists(
            st.sampled_from(["free", "free", "free", "forced", "forbidden"]),
            min_size=num_sites,
            max_size=num_sites,
        )
    )
    forced = {site for site in range(num_sites) if locks and lock[site] == "forced"}
    forbidden = {site for site in range(num_sites) if locks and lock[site] == "forbidden"}
    num_stations = draw(st.integers(len(forced), num_sites + 1))
    return coverage_problem(value, reach, num_stations, forced=forced, forbidden=forbidden)
