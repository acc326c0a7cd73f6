import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.coverage.problem import CoverageProblem
from planner.models.reasons.coverage import coverage_reasons
from planner.models.reasons.result import SiteReasons
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules
from tests.models.reasons.small_plans import Plan, any_problem, is_one_city, plans_of

OPTIONS = SolveOptions(deterministic=True)


def plain(reach: list[list[int]], value: list[float], most: int) -> SizedCoverageProblem:
    coverage = CoverageProblem(
        np.array(value, dtype=float), Lists.of(reach), SiteRules.free(len(reach), most)
    )
    rules = replace(coverage.rules, cost=np.zeros((len(reach), 1)))
    return SizedCoverageProblem(
        replace(coverage, rules=rules), np.zeros(len(value)), np.ones((len(reach), 1))
    )


def plan_of(problem: SizedCoverageProblem, given: Plan, found: SiteReasons) -> Plan:
    """The plan that costs are against, which keeps the limits and is no worse."""
    if found.improved is None:
        return given
    sites, types = found.improved
    rules = problem.rules
    assert types is not None
    assert rules.allow_number(sites)
    assert rules.cost[sites, types].sum() <= rules.most_cost
    served = served_flow(problem, sites, types)[1]
    assert served > given.served
    return Plan(sites, types, served)


@pytest.mark.parametrize("seed", [*range(0, 48, 5), *range(2, 48, 5)])
def test_costs_lie_within_their_intervals(seed: int) -> None:
    problem = any_problem(seed)
    plans = plans_of(seed)
    if not plans:
        pytest.skip("no plan keeps these limits")
    given = plans[seed % max(len(plans) // 3, 1)]
    found = coverage_reasons(
        problem, given.sites, given.types, price=float(seed % 2), money_price=0.5, options=OPTIONS
    )
    plan = plan_of(problem, given, found)
    costs = [
        *zip(found.open_site_idx, found.replacement_low, found.replacement_cost, strict=True),
        *zip(found.closed_site_idx, found.force_in_low, found.force_in_cost, strict=True),
    ]
    for site, low, high in costs:
        is_open = site in found.open_site_idx
        if problem.rules.forced[site] or problem.rules.forbidden[site]:
            assert math.isnan(low)
            assert math.isnan(high)
            continue
        others = [each.served for each in plans if (site in each.sites) != is_open]
        least = max(plan.served - max(others), 0.0) if others else math.inf
        assert 0.0 <= low <= high
        assert high >= least - 1e-7
        if is_one_city(problem):
            assert low <= least + 1e-7


@pytest.mark.parametrize("seed", [0, 1, 6])
def test_costs_against_the_best_plan_are_mostly_exact(seed: int) -> None:
    problem = any_problem(seed)
    plans = plans_of(seed)
    found = coverage_reasons(problem, plans[0].sites, plans[0].types, options=OPTIONS)
    assert found.applied == 0
    assert found.improved is None
    free = ~problem.rules.forced[found.open_site_idx]
    least = [
        plans[0].served - max(plan.served for plan in plans if site not in plan.sites)
        for site in found.open_site_idx[free]
    ]
    exact = np.isclose(found.replacement_cost[free], least)
    assert exact.mean() >= 0.5


def test_twins_cost_nothing() -> None:
    problem = plain([[0, 1], [0, 1], [2], [2]], [5.0, 5.0, 3.0], 2)
    found = coverage_reasons(problem, np.array([0, 2]), None, options=OPTIONS)
    assert found.replacement_cost.tolist() == [0.0, 0.0]
    assert found.next_best_idx.tolist() == [1, 3]
    assert found.moved.tolist() == [10.0, 3.0]
    assert found.force_in_cost.tolist() == [0.0, 0.0]
    assert found.leaving_idx.tolist() == [0, 2]


def test_exchange_and_proof_of_a_known_plan() -> None:
    # Without site 0, the best is site 1 instead, which keeps 4 of its 10; site 2 enters for 1.
    problem = plain([[0, 1], [1, 2], [3], [4]], [6.0, 4.0, 1.0, 5.0, 2.0], 2)
    found = coverage_reasons(problem, np.array([0, 2]), None, options=OPTIONS)
    assert found.replacement_cost.tolist() == [5.0, 3.0]
    assert found.next_best_idx.tolist() == [1, 3]
    assert found.moved.tolist() == [4.0, 0.0]
    assert found.closed_site_idx.tolist() == [1, 3]
    assert found.force_in_cost.tolist() == [4.0, 3.0]
    assert found.leaving_idx.tolist() == [2, 2]
    assert (found.replacement_low <= found.replacement_cost).all()


def test_improving_exchanges_are_applied() -> None:
    problem = plain([[0], [1], [2]], [1.0, 2.0, 3.0], 2)
    found = coverage_reasons(problem, np.array([0, 1]), None, options=OPTIONS)
    assert found.applied == 1
    assert found.improved is not None
    assert found.improved.site_idx.tolist() == [1, 2]
    assert found.improved.type_idx is None
    assert found.open_site_idx.tolist() == [1, 2]
    assert found.replacement_cost.tolist() == [1.0, 2.0]


def test_a_full_station_is_judged_by_what_it_serves() -> None:
    # Both sites cover all, but a station serves 10: the second adds 10, not 0.
    coverage = CoverageProblem(np.array([20.0]), Lists.of([[0], [0], [0]]), SiteRules.free(3, 2))
    rules = replace(coverage.rules, cost=np.zeros((3, 1)))
    problem = SizedCoverageProblem(
        replace(coverage, rules=rules), np.array([20.0]), np.array([[10.0], [10.0], [8.0]])
    )
    found = coverage_reasons(problem, np.array([0, 1]), None, options=OPTIONS)
    assert found.replacement_cost == pytest.approx([2.0, 2.0])
    assert found.next_best_idx.tolist() == [2, 2]
    assert found.force_in_cost == pytest.approx([2.0])


def test_prices_of_a_station_prove_costs_within_its_city() -> None:
    # Two cities: at 3 a slot, city 0 loses 10 - 3 without its only site worth more.
    problem = plain([[0], [1], [2], [3]], [10.0, 1.0, 9.0, 3.0], 2)
    cities = CityLimits(np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 0]), np.array([4, 4]))
    problem = replace(
        problem,
        coverage=replace(problem.coverage, rules=replace(problem.rules, cities=cities)),
    )
    found = coverage_reasons(problem, np.array([0, 2]), None, price=3.0, options=OPTIONS)
    assert found.replacement_cost == pytest.approx([7.0, 6.0])
    assert found.replacement_low == pytest.approx([7.0, 6.0])
    assert found.force_in_low == pytest.approx([2.0, 0.0])


def test_money_needs_types() -> None:
    problem = any_problem(12)
    with pytest.raises(ValueError, match="types"):
        coverage_reasons(problem, np.array([0]), None, options=OPTIONS)


def test_a_full_station_that_covers_nothing_alone_is_not_the_one_to_leave() -> None:
    """P and Q cover the same zone and are both full of it: R, far away, is the least useful."""
    reach = [[0], [0], [1], [2]]
    problem = plain(reach, [20.0, 5.0, 1.0], 3)
    problem = replace(problem, load=np.array([20.0, 5.0, 1.0]), capacity=np.full((4, 1), 10.0))
    found = coverage_reasons(problem, np.array([0, 1, 2]), np.zeros(3, np.int64), options=OPTIONS)
    assert found.improved is None
    assert found.force_in_cost.tolist() == pytest.approx([4.0])
    assert found.leaving_idx.tolist() == [2]


def towns(seed: int, *, with_capacity: bool) -> SizedCoverageProblem:
    """Sites and zones in a plane, so that most sites are far from each other."""
    rng = np.random.default_rng(seed)
    sites, zones = rng.random((70, 2)), rng.random((250, 2))
    distance = np.hypot(*(sites[:, None] - zones[None]).transpose(2, 0, 1))
    value = rng.integers(1, 30, len(zones)).astype(float)
    reach = [np.flatnonzero(row < 0.09).tolist() for row in distance]
    problem = plain(reach, value.tolist(), 18)
    if with_capacity:
        capacity = rng.choice([30.0, 90.0], (len(sites), 1))
        problem = replace(problem, load=value, capacity=capacity)
    return problem


@pytest.mark.parametrize("with_capacity", [False, True])
def test_costs_kept_from_change_to_change_are_those_judged_anew(with_capacity: bool) -> None:
    """From a poor plan changes are made while that helps; what is left is judged anew."""
    for seed in range(12):
        problem = towns(seed, with_capacity=with_capacity)
        start = np.sort(np.random.default_rng(seed).choice(70, 18, replace=False))
        found, anew = None, coverage_reasons(problem, start, None, options=OPTIONS)
        while anew.improved is not None:
            found = anew
            anew = coverage_reasons(problem, anew.improved.site_idx, None, options=OPTIONS)
        assert found is not None
        assert found.open_site_idx.tolist() == anew.open_site_idx.tolist()
        for name in ("replacement_cost", "replacement_low", "force_in_cost", "force_in_low"):
            assert getattr(found, name) == pytest.approx(getattr(anew, name), abs=1e-7), name
