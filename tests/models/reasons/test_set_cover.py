import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.models.reasons.parts import linked_parts
from planner.models.reasons.result import SiteReasons
from planner.models.reasons.set_cover import set_cover_reasons, set_cover_without
from planner.models.set_cover.problem import SetCoverProblem
from planner.solving.options import SolveOptions
from tests.models.reasons.intervals import assert_costs_within
from tests.models.set_cover.cover_cases import by_city, cover_problem, is_allowed

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)
CLOSE = 1e-7


def random_cover(seed: int, num_sites: int = 8, num_zones: int = 12) -> SetCoverProblem:
    """Sites and zones on a line, in one part or in several; all kinds of limits in turn."""
    rng = np.random.default_rng(seed)
    city = np.sort(rng.integers(0, 3, num_sites))
    apart = 100.0 * (seed % 2)
    sites = rng.random(num_sites) + apart * city
    zones = rng.random(num_zones) + apart * rng.integers(0, 3, num_zones)
    near = np.abs(sites[:, None] - zones) < 0.35
    times = 1 + seed % 3 // 2
    kind = rng.random(num_sites)
    forbidden = set(np.flatnonzero(kind > 0.93).tolist())
    usable = np.array([site not in forbidden for site in range(num_sites)])
    share = [1.0, 1.0, 0.8, 0.6][seed % 4]
    need = np.full(num_zones, times)
    if share == 1.0:
        need = np.minimum(need, near[usable].sum(axis=0))
    limits = by_city(city.tolist(), [0, 0, 0], rng.integers(1, 5, 3).tolist())
    if seed % 10 == 4:
        limits = by_city(city.tolist(), [1, 0, 1], [9, 9, 9])
    return cover_problem(
        [np.flatnonzero(row).tolist() for row in near],
        num_zones,
        value=np.round(rng.lognormal(size=num_zones), 3).tolist(),
        need=need.tolist(),
        cost=(
            rng.integers(1, 6, num_sites) + (0.5 * rng.random(num_sites) if seed % 7 == 3 else 0.0)
        ).tolist()
        if seed % 3
        else None,
        forced=set(np.flatnonzero(kind < 0.1).tolist()),
        forbidden=forbidden,
        min_share=share,
        max_stations=int(rng.integers(3, 9)),
        budget=15.0 if seed % 5 == 1 else math.inf,
        cities=limits if seed % 5 == 4 else None,
    )


def plans_of(problem: SetCoverProblem) -> dict[frozenset[int], float]:
    """Every plan that covers enough within the rules, with its cost."""
    return {
        frozenset(plan): math.fsum(problem.rules.cost[list(plan)])
        for size in range(problem.num_sites + 1)
        for plan in itertools.combinations(range(problem.num_sites), size)
        if is_allowed(problem, set(plan))
    }


def one_part(problem: SetCoverProblem) -> bool:
    parts = linked_parts(problem.reach, problem.num_zones, problem.rules.cities)
    useful = problem.reach.sizes > 0
    return len(set(parts.of_site[useful].tolist())) <= 1


def assert_within(problem: SetCoverProblem, found: SiteReasons) -> None:
    plans = plans_of(problem)
    plan = frozenset(found.open_site_idx.tolist())
    parts = linked_parts(problem.reach, problem.num_zones, problem.rules.cities)

    def inside(site: int) -> dict[frozenset[int], float]:
        if one_part(problem):
            return plans
        part = set(np.flatnonzero(parts.of_site == parts.of_site[site]).tolist())
        return {each: cost for each, cost in plans.items() if each - part == plan - part}

    assert_costs_within(problem.rules, plans, plans[plan], found, inside, CLOSE)


@pytest.mark.parametrize("seed", [*range(0, 80, 5), *range(1, 80, 5)])
def test_costs_lie_within_their_intervals(seed: int):
    problem = random_cover(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    found = set_cover_reasons(problem, np.array(sorted(best), dtype=np.int64), OPTIONS)
    assert found.applied == 0
    assert found.open_site_idx.tolist() == sorted(best)
    assert_within(problem, found)


@pytest.mark.parametrize("seed", range(80, 88))
def test_a_poor_plan_is_improved_first(seed: int):
    problem = random_cover(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    worst = max(plans, key=plans.__getitem__)
    found = set_cover_reasons(problem, np.array(sorted(worst), dtype=np.int64), OPTIONS)
    assert_within(problem, found)
    now = plans[frozenset(found.open_site_idx.tolist())]
    assert (now < plans[worst]) == (found.applied > 0)
    assert (found.improved is None) == (found.applied == 0)


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_solving_anew_gives_the_cost(seed: int):
    problem = random_cover(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    plan = np.array(sorted(best), dtype=np.int64)
    rules = problem.rules
    free = [site for site in best if not rules.forced[site]]
    closed = [site for site in range(8) if site not in best and not rules.forbidden[site]]
    for removed, forced in [(free[:1], []), ([], closed[:1]), (free[:2], []), (free, closed[:1])]:
        if not removed and not forced:
            continue
        locks = np.array(removed, dtype=np.int64), np.array(forced, dtype=np.int64)
        true = min(
            (c for each, c in plans.items() if not each & set(removed) and each >= set(forced)),
            default=math.inf,
        )
        if math.isinf(true):
            with pytest.raises(InfeasibleError):
                set_cover_without(problem, plan, *locks, OPTIONS)
            continue
        found = set_cover_without(problem, plan, *locks, OPTIONS)
        told = frozenset(found.found.site_idx.tolist())
        assert plans[told] - plans[best] == pytest.approx(found.high, abs=CLOSE)
        assert told - set(removed) == told | set(forced)
        assert true - plans[best] <= found.high + CLOSE
        if one_part(problem) or (math.isinf(rules.budget) and rules.most >= 8):
            assert found.low <= true - plans[best] + CLOSE
            assert found.high == pytest.approx(true - plans[best], abs=1e-6)


def test_what_nothing_replaces_costs_without_end():
    # Zone 0 is reached by site 0 alone; sites 1 and 2 are twins.
    problem = cover_problem([[0, 1], [2], [2], [1]], 3, cost=[5.0, 2.0, 2.0, 1.0])
    found = set_cover_reasons(problem, np.array([0, 1]), OPTIONS)
    assert found.replacement_cost.tolist() == [math.inf, 0.0]
    assert found.replacement_low.tolist() == [math.inf, 0.0]
    assert found.next_best_idx.tolist() == [-1, 2]
    assert found.moved.tolist() == [0.0, 1.0]
    assert found.force_in_cost == pytest.approx([0.0, 1.0])
    assert found.force_in_low == pytest.approx([0.0, 1.0])
    assert found.leaving_idx.tolist() == [1, -1]


def test_stations_are_counted_in_whole_numbers():
    # One station covers all; without it the relaxation takes one and a half, a plan two.
    problem = cover_problem([[0, 1, 2], [0, 1], [1, 2], [0, 2]], 3)
    found = set_cover_reasons(problem, np.array([0]), OPTIONS)
    assert found.replacement_cost.tolist() == [1.0]
    assert found.replacement_low == pytest.approx([1.0])
    assert found.force_in_cost == pytest.approx([1.0, 1.0, 1.0])


def test_a_site_that_covers_nothing_costs_what_it_costs():
    problem = cover_problem([[0], []], 1, cost=[3.0, 2.0])
    found = set_cover_reasons(problem, np.array([0]), OPTIONS)
    assert found.force_in_cost.tolist() == [2.0]
    full = replace(problem, rules=replace(problem.rules, most=1))
    assert set_cover_reasons(full, np.array([0]), OPTIONS).force_in_cost.tolist() == [math.inf]


def test_costs_of_a_large_plan_are_told_within_the_time():
    problem = replace(random_cover(8, num_sites=80, num_zones=400), min_share=0.8)
    problem = replace(problem, rules=replace(problem.rules, most=80))
    plan = np.flatnonzero(problem.rules.usable)
    found = set_cover_reasons(problem, plan, SolveOptions(time_limit_s=2.0))
    assert found.applied > 0
    assert len(found.open_site_idx) < len(plan)
    assert is_allowed(problem, set(found.open_site_idx.tolist()))
