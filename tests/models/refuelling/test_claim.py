"""Corridors as claimants of the national limits, against all choices."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.national.solve import solve_national
from planner.models.refuelling.capacity import driven_flows
from planner.models.refuelling.claim import RefuellingClaim
from planner.models.refuelling.problem import FlowRefuellingProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from tests.models.national.test_solve import sized_problem
from tests.models.refuelling.test_solve import flow_problem

OPTIONS = SolveOptions(gap_frac=0.0, time_limit_s=60.0, deterministic=True)


def random_roads(rng: np.random.Generator, num_sites: int) -> FlowRefuellingProblem:
    """Flows that each need one to three sets of sites."""
    paths = [
        (
            float(rng.integers(1, 20)),
            flow,
            [
                sorted(set(rng.integers(0, num_sites, int(rng.integers(1, 3))).tolist()))
                for _ in range(int(rng.integers(0, 4)))
            ],
        )
        for flow in range(int(rng.integers(1, 6)))
    ]
    most = int(rng.integers(0, num_sites + 1))
    forced = {0} if most and rng.random() < 0.3 else set()
    return flow_problem(paths, num_sites, most, forced=forced,
                        cost=rng.integers(1, 4, num_sites).astype(float).tolist())  # fmt: skip


def value_of(roads: FlowRefuellingProblem, sites: tuple[int, ...]) -> float:
    is_open = np.isin(np.arange(roads.num_sites), sites)
    return math.fsum(driven_flows(roads, is_open) * roads.value)


def road_choices(roads: FlowRefuellingProblem) -> list[tuple[int, ...]]:
    forced = set(np.flatnonzero(roads.rules.forced).tolist())
    return [
        sites
        for size in range(roads.rules.most + 1)
        for sites in itertools.combinations(range(roads.num_sites), size)
        if forced <= set(sites)
    ]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_bound_and_plans_at_any_price(seed: int) -> None:
    rng = np.random.default_rng(seed)
    roads = random_roads(rng, int(rng.integers(1, 6)))
    claim = RefuellingClaim(roads)
    for _ in range(3):
        price = {"stations": float(rng.uniform(0, 8)), "money": float(rng.uniform(0, 3))}

        def worth(sites: tuple[int, ...], price: dict[str, float] = price) -> float:
            money = float(roads.rules.cost[list(sites)].sum())
            return value_of(roads, sites) - price["stations"] * len(sites) - price["money"] * money

        best = max(worth(sites) for sites in road_choices(roads))
        for plan in claim.answer(price):
            sites = tuple(plan.site_idx.tolist())
            assert sites in road_choices(roads)
            assert plan.value == pytest.approx(value_of(roads, sites))
            assert plan.use["stations"] == len(sites)
            assert plan.use["money"] == pytest.approx(roads.rules.cost[list(sites)].sum())
        assert claim.bound(price) >= best - 1e-9
        for number in range(roads.rules.most + 1):
            some = [value_of(roads, each) for each in road_choices(roads) if len(each) <= number]
            assert not some or claim.bound_for(number) >= max(some) - 1e-9


def together(cities: SizedCoverageProblem, roads: FlowRefuellingProblem) -> float | None:
    """Best value of cities and roads within the stations and money of the cities' problem."""
    best = None
    forced = set(np.flatnonzero(cities.rules.forced).tolist())
    for size in range(cities.coverage.num_sites + 1):
        for chosen in itertools.combinations(range(cities.coverage.num_sites), size):
            if not forced <= set(chosen):
                continue
            sites = np.array(chosen, dtype=np.int64)
            served = served_flow(cities, sites, np.zeros(size, dtype=np.int64))[1]
            spent = float(cities.rules.cost[sites, 0].sum())
            for on_road in road_choices(roads):
                money = spent + float(roads.rules.cost[list(on_road)].sum())
                if size + len(on_road) <= cities.rules.most and money <= cities.rules.budget:
                    value = served + value_of(roads, on_road)
                    best = value if best is None else max(best, value)
    return best


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_cities_and_roads_share_the_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_sites, num_zones = 5, 7
    cities = sized_problem(
        rng.integers(1, 15, num_zones).astype(float).tolist(),
        [sorted(rng.choice(num_zones, 2, replace=False).tolist()) for _ in range(num_sites)],
        rng.integers(0, 2, num_sites).tolist(),
        num_stations=int(rng.integers(1, 6)),
        budget=float(rng.integers(2, 9)) if rng.random() < 0.5 else math.inf,
    )
    roads = random_roads(rng, 3)
    best = together(cities, roads)
    claim = RefuellingClaim(roads)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve_national(cities, OPTIONS, claimants=[claim])
        return
    found = solve_national(cities, OPTIONS, claimants=[claim])
    sites = tuple(found.claimed[0].site_idx.tolist())
    served = served_flow(cities, found.open_site_idx, found.type_idx)[1]
    assert found.proof.objective == pytest.approx(served + value_of(roads, sites))
    assert found.proof.objective <= best + 1e-9
    assert found.proof.bound >= best - 1e-9
    money = cities.rules.cost[found.open_site_idx, 0].sum() + roads.rules.cost[list(sites)].sum()
    assert len(found.open_site_idx) + len(sites) <= cities.rules.most
    assert money <= cities.rules.budget + 1e-9
    # Integer plans near the prices: these tiny cases lose little, and mostly nothing.
    assert found.proof.objective >= 0.6 * best


def test_a_dear_road_gets_nothing_and_a_worthy_one_all() -> None:
    cities = sized_problem([10.0, 9.0, 8.0], [[0], [1], [2]], [0, 0, 0], num_stations=3)
    worthy = flow_problem([(50.0, 0, [[0], [1]])], 2, 2)
    found = solve_national(cities, OPTIONS, claimants=[RefuellingClaim(worthy)])
    assert found.claimed[0].site_idx.tolist() == [0, 1]
    assert found.open_site_idx.tolist() == [0]
    dear = replace(worthy, value=np.array([9.0]))
    found = solve_national(cities, OPTIONS, claimants=[RefuellingClaim(dear)])
    assert found.claimed[0].site_idx.tolist() == []
    assert found.open_site_idx.tolist() == [0, 1, 2]


def test_existing_stations_of_both_may_be_too_many() -> None:
    cities = sized_problem([10.0, 9.0], [[0], [1]], [0, 0], num_stations=2, forced={0, 1})
    roads = flow_problem([(5.0, 0, [[0]])], 1, 1, forced={0})
    with pytest.raises(InfeasibleError):
        solve_national(cities, OPTIONS, claimants=[RefuellingClaim(roads)])
