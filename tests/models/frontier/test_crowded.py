"""Frontiers where stations are full: bounds and plans against brute force."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.frontier.bounds import Vector, bound_numbers, free_sites
from planner.models.frontier.city_plans import Effort, choose_by_city, cities_of
from planner.models.frontier.coverage import coverage_frontier
from planner.models.frontier.crowded import crowded_vector
from planner.models.frontier.exact_search import CityBoard, anneal_exactly
from planner.models.frontier.nodes import merged_zones, siting_over_nodes
from planner.models.frontier.tuning import Tuning
from planner.models.phasing.bound import site_worth
from planner.models.phasing.capacity_bound import crowded_city
from planner.models.phasing.dual import phased_duals
from planner.models.phasing.rows import merge_phased_rows
from planner.models.phasing.tuning import Tuning as SearchTuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import merge_sized_rows
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules
from tests.models.frontier.test_coverage import NUM_SITES, _best, _case, _keeps


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_stations_carry_lowers_the_bound_and_keeps_it_one(seed: int, limits: bool) -> None:
    problem = merged_zones(_case(seed, capacity=4.0, limits=limits), money_matters=False)
    numbers = np.arange(2, 6)
    single = siting_over_nodes(problem, numbers[:1].astype(np.float64), False, np.ones(1))
    rows = merge_phased_rows(single)
    point = next(each for each in phased_duals(rows, single) if each.iterations >= 40)
    plain = Vector(
        rest=rows.base_value + math.fsum((rows.value - point.multiplier).ravel()),
        worth=site_worth(rows, point.multiplier)[:, 0],
        money_price=0.0,
    )
    num_cities = len(problem.rules.cities_or_one().min_stations)
    cities = [crowded_city(single, rows, city, point)[0] for city in range(num_cities)]
    full = crowded_vector(single, rows, point, plain, cities)
    sites, free = free_sites(problem, rows.site_idx), numbers - problem.rules.num_forced
    before, after = (bound_numbers(sites, [v], math.inf, free) for v in (plain, full))
    true = np.array([_best(problem, int(each), math.inf) for each in numbers])
    assert (after >= true - 1e-9).all()
    assert after[0] < before[0]


def test_annealing_with_exact_service_finds_the_best_stations() -> None:
    for seed in range(4):
        problem, price = _case(seed, capacity=4.0), 6.0
        rows = merge_sized_rows(problem, money_matters=False)
        board = CityBoard(
            rows.arcs, rows.serving_order, rows.unloaded, rows.demand,
            rows.capacity[rows.option_ptr[1:] - 1], np.full(rows.num_sites, price),
            np.arange(rows.num_sites), rows.rules.forced.copy(),
        )  # fmt: skip
        found = anneal_exactly(
            board, np.zeros(rows.num_sites, np.bool_), 0, NUM_SITES, 3_000, 6.0, 0.1,
            np.random.default_rng(0),
        )  # fmt: skip
        sites = rows.site_idx[found]
        worth = served_flow(problem, sites, np.ones(len(sites), np.int64))[1] - price * len(sites)
        true = max(
            _best(problem, number, math.inf) - price * number for number in range(NUM_SITES + 1)
        )
        assert worth == pytest.approx(true)


@pytest.mark.parametrize("limits", [False, True])
def test_cities_are_chosen_again_within_all_limits(limits: bool) -> None:
    """As on problems too large for SCIP, which find out from their plans what is full."""
    tuning = Tuning(exact_entries=0, search=replace(SearchTuning(), exact_entries=0))
    problem = _case(7, capacity=4.0, limits=limits)
    numbers = np.arange(2.0, 6.0)
    found = coverage_frontier(
        problem, numbers, SolveOptions(gap_frac=0.0, deterministic=True), tuning=tuning
    )
    true = np.array([_best(problem, int(each), math.inf) for each in numbers])
    assert (found.bound >= true - 1e-9).all()
    assert (found.objective >= 0.97 * true).all()
    for plan, most in zip(found.plans, numbers, strict=True):
        assert _keeps(problem, plan.open_site_idx, most)
        served = served_flow(problem, plan.open_site_idx, plan.type_idx)[1]
        assert plan.objective == pytest.approx(served)


@pytest.mark.parametrize("capacity", [4.0, 1e3])
@pytest.mark.parametrize("seed", range(3))
def test_cities_choose_at_a_price_within_their_limits(seed: int, capacity: float) -> None:
    """Cities that share no zone, so that the best of each is the best of all."""
    problem, price = _case(seed, capacity=capacity, limits=True), 6.0
    cities = problem.rules.cities_or_one()
    lists = [
        zones[zones % 2 == cities.city_idx[site]].tolist()
        for site, zones in enumerate(map(problem.coverage.reach.row, range(NUM_SITES)))
    ]
    problem = replace(problem, coverage=replace(problem.coverage, reach=Lists.of(lists)))
    chosen = choose_by_city(
        cities_of(problem), problem.rules.forced, price, Effort(200, 2_000, 0, 1), Tuning(),
        lambda: True,
    )  # fmt: skip

    def worth(sites: IntArray) -> float:
        served = served_flow(problem, sites, np.ones(len(sites), np.int64))[1]
        return served - price * len(sites)

    every = (
        np.array(some, dtype=np.int64)
        for number in range(NUM_SITES + 1)
        for some in itertools.combinations(range(NUM_SITES), number)
    )
    true = max(worth(sites) for sites in every if _keeps(problem, sites, NUM_SITES))
    found = np.flatnonzero(chosen.stands)
    assert _keeps(problem, found, NUM_SITES)
    assert worth(found) == pytest.approx(true)
    if capacity == 1e3:
        assert len(chosen.full) == 0


def test_a_zone_on_the_border_is_left_to_the_city_that_serves_it() -> None:
    problem = SizedCoverageProblem(
        coverage=CoverageProblem(
            value=np.array([10.0, 1.0]),
            reach=Lists.of([[0], [0, 1]]),
            rules=replace(
                SiteRules.free(2, 2),
                cost=np.ones((2, 1)),
                cities=CityLimits(np.array([0, 1]), np.zeros(2, np.int64), np.ones(2, np.int64)),
            ),
        ),
        load=np.array([1.0, 0.1]),
        capacity=np.full((2, 1), 5.0),
    )
    stands, effort = np.array([True, False]), Effort(50, 50, 0, 1)
    chosen = choose_by_city(cities_of(problem), stands, 2.0, effort, Tuning(), lambda: True)
    assert chosen.stands.tolist() == [True, False]
