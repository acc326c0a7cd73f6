import math
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.models.p_median.problem import PMedianProblem
from planner.models.p_median.state import p_median_cost
from planner.models.reasons.p_median import p_median_reasons, p_median_without
from planner.models.reasons.parts import Parts, linked_parts
from planner.models.reasons.result import SiteReasons
from planner.solving.incidence import transpose
from planner.solving.options import SolveOptions
from tests.models.reasons.intervals import assert_costs_within
from tests.models.reasons.median_cases import plans_of, random_median

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)
CLOSE = 1e-7


def parts_of(problem: PMedianProblem) -> Parts:
    by_site = transpose(
        problem.distances.sites, problem.num_sites, keep_member=problem.rules.usable
    )
    return linked_parts(by_site, problem.num_zones, problem.rules.cities)


def others_kept(
    plans: dict[frozenset[int], float], plan: frozenset[int], part: frozenset[int]
) -> dict[frozenset[int], float]:
    """Plans that keep the other parts, and the number of stations."""
    return {
        each: cost
        for each, cost in plans.items()
        if each - part == plan - part and len(each) == len(plan)
    }


def assert_within(problem: PMedianProblem, found: SiteReasons) -> None:
    plans = plans_of(problem)
    plan, parts = frozenset(found.open_site_idx.tolist()), parts_of(problem)
    num_parts = len(set(parts.of_site[problem.rules.usable].tolist()))

    def inside(site: int) -> dict[frozenset[int], float]:
        part = frozenset(np.flatnonzero(parts.of_site == parts.of_site[site]).tolist())
        return plans if num_parts == 1 else others_kept(plans, plan, part)

    assert_costs_within(problem.rules, plans, plans[plan], found, inside, CLOSE)


@pytest.mark.parametrize("seed", [*range(0, 40, 5), *range(1, 40, 5)])
def test_costs_lie_within_their_intervals(seed: int):
    problem = random_median(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    found = p_median_reasons(problem, np.array(sorted(best), dtype=np.int64), OPTIONS)
    assert (found.applied, found.improved) == (0, None)
    assert found.open_site_idx.tolist() == sorted(best)
    assert_within(problem, found)


@pytest.mark.parametrize("seed", range(60, 66))
def test_a_poor_plan_is_improved_first(seed: int):
    problem = random_median(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    worst = max(plans, key=plans.__getitem__)
    found = p_median_reasons(problem, np.array(sorted(worst), dtype=np.int64), OPTIONS)
    assert_within(problem, found)
    now = plans[frozenset(found.open_site_idx.tolist())]
    assert now <= plans[worst]
    assert (found.improved is None) == (found.open_site_idx.tolist() == sorted(worst))


@pytest.mark.parametrize("seed", range(12))
def test_exchanges_told_are_plans_of_that_cost_at_most(seed: int):
    problem = random_median(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    found = p_median_reasons(problem, np.array(sorted(best), dtype=np.int64), OPTIONS)
    for site, cost, enters in zip(
        found.open_site_idx, found.replacement_cost, found.next_best_idx, strict=True
    ):
        if np.isfinite(cost) and enters >= 0:
            exchanged = best - {int(site)} | {int(enters)}
            assert plans.get(exchanged, math.inf) - plans[best] >= cost - CLOSE


def test_twins_cost_nothing():
    problem = random_median(4)
    pairs = problem.distances
    twice = replace(
        problem,
        distances=replace(
            pairs,
            sites=type(pairs.sites).of(
                [[*row, *(site + 8 for site in row)] for row in map(pairs.sites.row, range(14))]
            ),
            distance=np.concatenate(
                [
                    np.tile(pairs.distance[first:last], 2)
                    for first, last in zip(pairs.sites.ptr, pairs.sites.ptr[1:], strict=False)
                ]
            ),
            num_sites=16,
        ),
        rules=replace(
            problem.rules,
            forced=np.zeros(16, np.bool_),
            forbidden=np.zeros(16, np.bool_),
            cost=np.zeros(16),
        ),
    )
    plans = plans_of(random_median(4))
    best = np.array(sorted(min(plans, key=plans.__getitem__)), dtype=np.int64)
    found = p_median_reasons(twice, best, OPTIONS)
    assert found.replacement_cost == pytest.approx(0.0, abs=CLOSE)
    closed = found.closed_site_idx.tolist()
    twins = found.force_in_cost[[closed.index(site + 8) for site in found.open_site_idx]]
    assert twins == pytest.approx(0.0, abs=CLOSE)


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("seed", range(16))
def test_solving_anew_gives_the_cost(
    seed: int, in_parts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if in_parts:
        monkeypatch.setattr("planner.models.reasons.p_median.WHOLE_PAIRS", 0)
    problem = random_median(seed)
    plans = plans_of(problem)
    if not plans:
        pytest.skip("limits allow no plan")
    best = min(plans, key=plans.__getitem__)
    plan = np.array(sorted(best), dtype=np.int64)
    free = [site for site in best if not problem.rules.forced[site]]
    closed = [
        site
        for site in range(problem.num_sites)
        if site not in best and not problem.rules.forbidden[site]
    ]
    single_part = len(set(parts_of(problem).of_site[problem.rules.usable].tolist())) == 1
    is_whole = single_part or not in_parts
    for removed, forced in [(free[:1], []), ([], closed[:1]), (free[:2], []), (free, closed[:1])]:
        if not removed and not forced:
            continue
        true = min(
            (c for each, c in plans.items() if not each & set(removed) and each >= set(forced)),
            default=math.inf,
        )
        locks = np.array(removed, dtype=np.int64), np.array(forced, dtype=np.int64)
        if math.isinf(true):
            with pytest.raises(InfeasibleError):
                p_median_without(problem, plan, *locks, OPTIONS)
            continue
        found = p_median_without(problem, plan, *locks, OPTIONS)
        told = frozenset(found.found.site_idx.tolist())
        assert plans[told] - plans[best] == pytest.approx(found.high, abs=CLOSE)
        assert told - set(removed) == told | set(forced)
        assert true - plans[best] <= found.high + CLOSE
        if is_whole or len(removed) + len(forced) > 1:
            assert found.low <= true - plans[best] + CLOSE
        if is_whole:
            assert found.high == pytest.approx(true - plans[best], abs=CLOSE)
            assert found.is_exact


def test_lower_ends_of_a_part_are_near_the_upper_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.models.reasons.p_median.WHOLE_PAIRS", 0)
    low, high = 0.0, 0.0
    nothing = np.empty(0, np.int64)
    for seed in range(1, 19, 2):
        problem = random_median(seed)
        plans = plans_of(problem)
        if not plans:
            continue
        best = min(plans, key=plans.__getitem__)
        of_site = parts_of(problem).of_site
        for site in sorted(best):
            if all(site in each for each in plans):
                continue
            found = p_median_without(
                problem, np.array(sorted(best)), np.array([site]), nothing, OPTIONS
            )
            part = frozenset(np.flatnonzero(of_site == of_site[site]).tolist())
            beside = [
                cost for each, cost in others_kept(plans, best, part).items() if site not in each
            ]
            assert found.low <= min(beside, default=math.inf) - plans[best] + CLOSE
            low, high = low + found.low, high + found.high
    assert low > 0.8 * high


def test_locks_of_the_rules_stay():
    problem = random_median(3)
    rules = replace(problem.rules, forced=np.arange(8) == 0, forbidden=np.arange(8) == 1, most=8)
    problem = replace(problem, rules=rules)
    nothing = np.empty(0, np.int64)
    for locks in ((np.array([0]), nothing), (nothing, np.array([1]))):
        with pytest.raises(ValueError, match="cannot be removed"):
            p_median_without(problem, np.array([0]), *locks, OPTIONS)


def test_costs_of_a_plan_of_many_parts_are_told_within_the_time():
    problem = random_median(7, num_sites=60, num_zones=200)
    problem = replace(problem, rules=replace(problem.rules, most=12))
    forced = np.flatnonzero(problem.rules.forced)
    plan = forced if len(forced) else np.array([0])
    found = p_median_reasons(problem, plan, SolveOptions(time_limit_s=2.0))
    assert found.applied > 0
    assert p_median_cost(problem, found.open_site_idx) < p_median_cost(problem, plan)
    assert (found.replacement_low[np.isfinite(found.replacement_cost)] >= 0.0).all()
