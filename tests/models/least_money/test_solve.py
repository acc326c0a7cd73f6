"""Least money among equal plans against all plans of tiny problems, whatever else is kept."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest

from planner.arrays import IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.least_money.bound import cost_bound
from planner.models.least_money.problem import Kept, LeastMoneyProblem
from planner.models.least_money.solve import cost_of, is_as_good, solve_least_money
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules
from planner.solving.status import Status

Plan = tuple[IntArray, IntArray]


def random_stations(rng: np.random.Generator) -> SizedCoverageProblem:
    num_sites, num_zones, num_types = 4, 6, 2
    reach = [np.flatnonzero(rng.random(num_zones) < 0.5).tolist() for _ in range(num_sites)]
    cost = rng.integers(1, 5, (num_sites, 1)) + np.array([0, 2])
    capacity = np.tile([rng.uniform(0.5, 2.0), rng.uniform(2.0, 4.0)], (num_sites, 1))
    capacity[rng.random((num_sites, num_types)) < 0.1] = 0.0
    has_type = (capacity > 0).any(axis=1)
    rules = SiteRules(
        forced=(rng.random(num_sites) < 0.15) & has_type,
        forbidden=~has_type,
        cost=np.where(rng.random((num_sites, num_types)) < 0.1, 0.0, cost).astype(float),
        budget=float(rng.choice([math.inf, 9.0, 14.0])),
        least=0,
        most=int(rng.integers(2, 5)),
        cities=CityLimits(
            rng.integers(0, 2, num_sites).astype(np.int32), np.array([0, 0]), np.array([3, 2])
        ),
    )
    return SizedCoverageProblem(
        CoverageProblem(rng.choice([0.0, 1.0, 2.0], num_zones), Lists.of(reach), rules),
        load=rng.choice([0.0, 0.5, 1.0], num_zones),
        capacity=capacity,
    )


def all_plans(stations: SizedCoverageProblem) -> Iterator[Plan]:
    rules = stations.rules
    choices = [
        [kind for kind in range(stations.num_types) if stations.capacity[site, kind] > 0]
        + ([] if rules.forced[site] else [-1])
        for site in range(rules.num_sites)
    ]
    for chosen in itertools.product(*choices):
        kinds = np.array(chosen)
        sites = np.flatnonzero(kinds >= 0)
        plan = sites, kinds[sites]
        money = rules.cost[plan].sum()
        if rules.allow_number(sites) and money <= rules.budget and rules.usable[sites].all():
            yield plan


def nearest_minutes(stations: SizedCoverageProblem, minutes: np.ndarray, sites: IntArray) -> float:
    coverage = stations.coverage
    total = 0.0
    for zone in range(coverage.num_zones):
        near = [30.0]
        for pair, (site, reached) in enumerate(
            zip(coverage.reach.owner, coverage.reach.idx, strict=True)
        ):
            if reached == zone and site in sites:
                near.append(float(minutes[pair]))
        total += coverage.value[zone] * min(near)
    return total


def kept_of(
    name: str, stations: SizedCoverageProblem, plan: Plan, rng: np.random.Generator
) -> Kept:
    coverage = stations.coverage
    if name == "ways":
        minutes = rng.uniform(1, 9, coverage.reach.num_entries)
        most = nearest_minutes(stations, minutes, plan[0])
        return Kept(minutes=minutes, unserved_minutes=30.0, most_minutes=most)
    is_open = np.zeros(coverage.num_sites, dtype=bool)
    is_open[plan[0]] = True
    count = np.bincount(coverage.reach.entries_of(is_open), minlength=coverage.num_zones)
    if name == "number":
        return Kept(site_cost=np.ones(coverage.num_sites), most_site_cost=float(len(plan[0])))
    if name == "cover all":
        return Kept(need=np.minimum(count, 1), least_covered=math.inf)
    if name == "cover share":
        need = np.ones(coverage.num_zones, dtype=np.int64)
        return Kept(need=need, least_covered=float(coverage.value[count >= 1].sum()))
    return Kept()


@pytest.mark.parametrize("name", ["served", "ways", "number", "cover all", "cover share"])
@pytest.mark.parametrize("seed", range(12))
def test_no_equal_plan_costs_less(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stations = random_stations(rng)
    plans = list(all_plans(stations))
    if not plans:
        pytest.skip("no plan keeps the rules")
    start = plans[int(rng.integers(len(plans)))]
    kept = kept_of(name, stations, start, rng)
    problem = LeastMoneyProblem(stations, served_flow(stations, *start)[1], kept)
    assert is_as_good(problem, start)
    best = min(cost_of(problem, plan) for plan in plans if is_as_good(problem, plan))
    found = solve_least_money(problem, *start, SolveOptions(time_limit_s=20.0))
    assert found.proof.objective == pytest.approx(best, abs=1e-9)
    assert found.proof.status is Status.OPTIMAL
    assert is_as_good(problem, (found.open_site_idx, found.type_idx))
    assert cost_bound(problem) <= best + 1e-9


@pytest.mark.parametrize("seed", range(30))
def test_the_bound_holds_with_what_is_known(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    stations = random_stations(rng)
    plans = list(all_plans(stations))
    if not plans:
        pytest.skip("no plan keeps the rules")
    served = max(served_flow(stations, *plan)[1] for plan in plans)
    equal = LeastMoneyProblem(stations, served)
    good = [plan for plan in plans if is_as_good(equal, plan)]
    known = LeastMoneyProblem(stations, served, fewest_stations=min(len(plan[0]) for plan in good))
    best = min(cost_of(equal, plan) for plan in good)
    assert cost_bound(equal) <= cost_bound(known) + 1e-9
    assert cost_bound(known) <= best + 1e-9


def test_a_station_that_nothing_needs_is_dropped_without_a_solver() -> None:
    reach = Lists.of([[0, 1], [1], [0, 1]])
    stations = SizedCoverageProblem(
        CoverageProblem(
            np.ones(2), reach,
            SiteRules(
                np.array([True, False, False]), np.zeros(3, bool), np.full((3, 1), 2.0),
                math.inf, 0, 3,
            ),
        ),
        load=np.ones(2),
        capacity=np.full((3, 1), 2.0),
    )  # fmt: skip
    problem = LeastMoneyProblem(stations, 2.0, least_cost=2.0)
    everything = np.arange(3), np.zeros(3, dtype=np.int64)
    found = solve_least_money(problem, *everything, SolveOptions())
    assert found.open_site_idx.tolist() == [0]
    assert (found.proof.objective, found.proof.bound) == (2.0, 2.0)
