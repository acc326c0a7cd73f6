"""Small problems with sizes and capacities, and the plain answers that tests compare with."""

import itertools
import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.rules import CityLimits
from tests.models.coverage.coverage_cases import coverage_problem, reach_lists


def sized_problem(
    value: list[float],
    load: list[float],
    reach: list[list[int]],
    capacity: list[list[float]],
    cost: list[list[float]],
    *,
    num_stations: int = 99,
    budget: float = math.inf,
    city: list[int] | None = None,
    minima: list[int] | None = None,
    maxima: list[int] | None = None,
    forced: set[int] = frozenset(),
    forbidden: set[int] = frozenset(),
) -> SizedCoverageProblem:
    """Problem from one list of zones, of capacities and of costs per site."""
    coverage = coverage_problem(value, reach, num_stations, forced=forced, forbidden=forbidden)
    city_idx = np.array(city or [0] * len(reach), dtype=np.int32)
    num_cities = int(city_idx.max(initial=0)) + 1
    shape = (len(reach), len(capacity[0]) if capacity else 1)
    rules = replace(
        coverage.rules,
        cost=np.array(cost, dtype=np.float64).reshape(shape),
        budget=budget,
        cities=CityLimits(
            city_idx, np.array(minima or [0] * num_cities), np.array(maxima or [99] * num_cities)
        ),
    )
    return SizedCoverageProblem(
        coverage=replace(coverage, rules=rules),
        load=np.array(load, dtype=np.float64),
        capacity=np.array(capacity, dtype=np.float64).reshape(shape),
    )


def linear_service(problem: SizedCoverageProblem, sites: list[int], types: list[int]) -> float:
    """Best service of given stations, by a linear program over written-out flows."""
    reach = reach_lists(problem.coverage)
    pairs = [(zone, s) for s, site in enumerate(sites) for zone in sorted(reach[site])]
    if not pairs:
        return 0.0
    num_zones = problem.coverage.num_zones
    matrix = np.zeros((num_zones + len(sites), len(pairs)))
    for column, (zone, s) in enumerate(pairs):
        matrix[zone, column] = 1.0
        matrix[num_zones + s, column] = problem.load[zone]
    limits = np.concatenate([np.ones(num_zones), problem.capacity[sites, types]])
    worth = [-problem.coverage.value[zone] for zone, _ in pairs]
    return float(-linprog(worth, A_ub=matrix, b_ub=limits).fun)


def cut_service(problem: SizedCoverageProblem, sites: list[int], types: list[int]) -> float:
    """The same by enumerating cuts: what loads of the best k ratios can be carried, for all k."""
    reach, load, value = reach_lists(problem.coverage), problem.load, problem.coverage.value
    served = [i for i in range(len(load)) if any(i in reach[site] for site in sites)]
    total = sum(value[i] for i in served if load[i] == 0)
    loaded = sorted((i for i in served if load[i] > 0), key=lambda i: -value[i] / load[i])
    cuts = []
    for full in itertools.product([False, True], repeat=len(sites)):
        capacity = sum(problem.capacity[sites[s], types[s]] for s in range(len(sites)) if full[s])
        open_to = [
            any(i in reach[site] and not full[s] for s, site in enumerate(sites)) for i in loaded
        ]
        cuts.append(capacity + np.cumsum([0.0, *(load[loaded] * open_to)]))
    carried = np.diff(np.min(cuts, axis=0))
    return float(total + sum(value[i] / load[i] * u for i, u in zip(loaded, carried, strict=True)))


def feasible_plans(problem: SizedCoverageProblem) -> list[tuple[list[int], list[int]]]:
    """Sites and types of every plan within locks and limits."""
    rules, plans = problem.rules, []
    choices = []
    for site in range(rules.num_sites):
        fitting = np.flatnonzero(problem.capacity[site] > 0).tolist()
        choices.append(
            ([] if rules.forced[site] else [-1]) + ([] if rules.forbidden[site] else fitting)
        )
    for kinds in itertools.product(*choices):
        sites = [site for site, kind in enumerate(kinds) if kind >= 0]
        types = [kind for kind in kinds if kind >= 0]
        cities = rules.cities
        in_city = np.bincount(
            cities.city_idx[sites].astype(int), minlength=len(cities.min_stations)
        )
        if (
            len(sites) <= rules.most
            and rules.cost[sites, types].sum() <= rules.budget + 1e-9
            and (in_city >= cities.min_stations).all()
            and (in_city <= cities.max_stations).all()
        ):
            plans.append((sites, types))
    return plans


def brute_force(
    problem: SizedCoverageProblem, station_price: float = 0.0, money_price: float = 0.0
) -> float | None:
    """Objective of the best of all plans; None if there is none."""
    return max(
        (
            cut_service(problem, sites, types)
            - station_price * len(sites)
            - money_price * float(problem.rules.cost[sites, types].sum())
            for sites, types in feasible_plans(problem)
        ),
        default=None,
    )


@st.composite
def small_sized_problems(draw: st.DrawFn) -> SizedCoverageProblem:
    """Up to 5 sites, 7 zones, 2 types and 2 cities; every feature may be mixed in."""
    num_zones, num_sites = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    num_types, num_cities = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def table(levels: list[float], width: int) -> list[list[float]]:
        row = st.lists(st.sampled_from(levels), min_size=width, max_size=width)
        return draw(st.lists(row, min_size=num_sites, max_size=num_sites))

    def one_per(count: int, levels: list[float]) -> list[float]:
        return draw(st.lists(st.sampled_from(levels), min_size=count, max_size=count))

    zones = st.sets(st.integers(0, num_zones - 1), max_size=num_zones).map(sorted)
    lock = one_per(num_sites, ["free", "free", "free", "forced", "forbidden"])
    return sized_problem(
        one_per(num_zones, [0.0, 0.1, 1.0, 2.5, 3.0, 7.0, 100.0]),
        one_per(num_zones, [0.0, 0.5, 1.0, 2.0, 3.0]),
        draw(st.lists(zones, min_size=num_sites, max_size=num_sites)),
        table([0.0, 1.0, 2.0, 4.0, 8.0], num_types),
        table([0.0, 1.0, 2.0, 3.0], num_types),
        num_stations=draw(st.integers(0, num_sites + 1)),
        budget=draw(st.sampled_from([math.inf, 3.0, 5.0, 8.0])),
        city=[*one_per(num_sites - 1, list(range(num_cities))), num_cities - 1],
        minima=one_per(num_cities, [0, 0, 0, 1, 2]),
        maxima=one_per(num_cities, [1, 2, 9]),
        forced={site for site in range(num_sites) if lock[site] == "forced"},
        forbidden={site for site in range(num_sites) if lock[site] == "forbidden"},
    )


def random_sized_problem(
    seed: int,
    *,
    num_zones: int,
    num_sites: int,
    demand_frac: float,
    num_bought: int,
    arcs_per_zone: float = 6.4,
) -> SizedCoverageProblem:
    """Points in the unit square, two sizes of cost 3 and 5, the larger with twice the capacity.

    ``num_bought`` is how many of the smaller the budget buys, ``demand_frac`` the load as a
    fraction of the greatest capacity to be had for it.
    """
    rng = np.random.default_rng(seed)
    zones, sites = rng.random((num_zones, 2)), rng.random((num_sites, 2))
    radius = math.sqrt(arcs_per_zone / num_sites / math.pi)
    reach = [
        np.flatnonzero(np.linalg.norm(zones - site, axis=1) <= radius).tolist() for site in sites
    ]
    value = rng.lognormal(0.0, 1.0, num_zones)
    load = value * rng.lognormal(0.0, 0.2, num_zones)
    budget = 3.0 * num_bought
    unit = float(load.sum()) / demand_frac / (2.0 * budget / 5.0)
    return sized_problem(
        value.tolist(),
        load.tolist(),
        reach,
        [[unit, 2.0 * unit]] * num_sites,
        [[3.0, 5.0]] * num_sites,
        num_stations=num_sites,
        budget=budget,
        maxima=[num_sites],
    )
