import math
from dataclasses import replace

import numpy as np
import pytest

from planner.models.alternatives import coverage
from planner.models.alternatives.coverage import reward_coverage, types_beside, with_rewards
from planner.models.alternatives.result import Answer, Asked, Places, Plan
from planner.models.alternatives.sweep import curve_of, num_new, sweep_rewards
from planner.models.sized_coverage.service import served_flow
from planner.solving.options import SolveOptions
from tests.models.alternatives.small_nations import PLACES, all_plans, full_twins, two_cities

WITHIN = (0.0, 0.02, 0.05, 0.2)
SEEDS = range(6)


@pytest.fixture(params=["national", "annealing"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "annealing":
        monkeypatch.setattr(coverage, "SMALL_ARCS", -1)
        monkeypatch.setattr(coverage, "BINDING_FRAC", math.inf)
        monkeypatch.setattr(coverage, "FIRST_MOVES", 4_000)
        monkeypatch.setattr(coverage, "MOVES_PER_POLL", 4_000)
    return str(request.param)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("way")
def test_places_found_and_proven_enclose_the_most_that_can_differ(seed: int) -> None:
    problem = two_cities(seed)
    plans = all_plans(problem)
    best = plans[0]
    ask = reward_coverage(problem, PLACES, best, SolveOptions())
    points = sweep_rewards(ask, PLACES, best, WITHIN, num_points=5, seconds=0.3)
    for point in points:
        value = max(plan.gain + point.beta * num_new(PLACES, plan, best) for plan in plans)
        assert point.bound >= value - 1e-6
    curve = curve_of(points, [], PLACES, best, WITHIN, top=best.gain, most_new=3)
    truth = [
        max(num_new(PLACES, plan, best) for plan in plans if plan.gain >= least - 1e-9)
        for least in curve.least_gain
    ]
    assert (curve.places_found <= truth).all()
    assert (truth <= curve.places_proven_most).all()
    assert (np.diff(curve.places_found) >= 0).all()
    assert (np.diff(curve.places_proven_most) >= 0).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_found_plans_keep_all_limits_and_are_worth_what_they_say(seed: int, way: str) -> None:
    problem = two_cities(seed)
    plans = all_plans(problem)
    ask = reward_coverage(problem, PLACES, plans[0], SolveOptions())
    allowed = {plan.open_site_idx.tobytes() for plan in plans}
    reward = np.random.default_rng(seed).uniform(0.0, 5.0, PLACES.num_places)
    answer = ask(Asked(reward, plans[0], 1.0, seed, prove=True))
    assert answer.plan is not None
    assert answer.plan.open_site_idx.tobytes() in allowed
    assert answer.plan.type_idx is not None
    exact = served_flow(problem, answer.plan.open_site_idx, answer.plan.type_idx)[1]
    assert answer.plan.gain == pytest.approx(exact, abs=1e-9)
    best = max(plan.gain + reward[PLACES.used_by(plan.open_site_idx)].sum() for plan in plans)
    earned = answer.plan.gain + reward[PLACES.used_by(answer.plan.open_site_idx)].sum()
    assert earned <= best + 1e-9
    start = plans[0].gain + reward[PLACES.used_by(plans[0].open_site_idx)].sum()
    assert earned >= start - 1e-9
    if way == "national" and seed % 2 == 1:
        assert earned == pytest.approx(best, rel=1e-6)
        assert answer.bound == pytest.approx(best, rel=1e-6)
    assert answer.bound >= best - 1e-6


def test_without_rewards_the_bound_is_that_of_the_question() -> None:
    problem = two_cities(1)
    best = all_plans(problem)[0]
    ask = reward_coverage(problem, PLACES, best, SolveOptions())
    answer = ask(Asked(np.zeros(PLACES.num_places), best, 1.0, 0, prove=True))
    assert answer.bound == pytest.approx(best.gain, rel=1e-6)


def test_a_reward_is_a_zone_that_the_places_sites_reach() -> None:
    problem = two_cities(1)
    reward = np.array([0.0, 2.0, 0.0, 0.5, 0.0])
    bonus = with_rewards(problem, PLACES, reward)
    assert bonus.coverage.value[14:].tolist() == [2.0, 0.5]
    assert [int(bonus.coverage.reach.row(site)[-1]) for site in (2, 3)] == [14, 14]
    assert int(bonus.coverage.reach.row(6)[-1]) == 15
    assert bonus.coverage.reach.row(0).tolist() == problem.coverage.reach.row(0).tolist()


def test_stations_beside_others_are_sized_within_the_money() -> None:
    problem = two_cities(6)
    best = all_plans(problem)[0]
    sites = np.array([0, 4, 7])
    types = types_beside(problem, best, sites)
    assert problem.rules.cost[sites, types].sum() <= problem.rules.most_cost
    rules = replace(problem.rules, budget=math.inf)
    free = replace(problem, coverage=replace(problem.coverage, rules=rules))
    assert types_beside(free, best, sites).tolist() == [1, 1, 1]


def test_full_stations_stay_though_each_covers_nothing_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coverage, "SMALL_ARCS", -1)
    problem, places = full_twins(), Places.of(np.arange(7))
    plans = all_plans(problem)
    best = plans[0]
    assert best.open_site_idx.tolist() == [0, 1, 2, 4]
    ask = reward_coverage(problem, places, best, SolveOptions())
    points = sweep_rewards(ask, places, best, (0.01,), num_points=6, seconds=0.2)
    curve = curve_of(points, [], places, best, (0.01,), top=best.gain, most_new=3)
    truth = [num_new(places, plan, best) for plan in plans if plan.gain >= 0.99 * best.gain]
    assert max(truth) == 2
    assert curve.places_found.tolist() == [2]


def test_small_rewards_begin_at_the_plan_that_large_ones_left() -> None:
    """With a reward of 1.4 the other plan, which loses 1.4 in one place, is as good."""
    places, beta, starts = Places.of(np.arange(7)), [], []
    reference, far = Plan(np.array([2, 4]), None, 100.0), Plan(np.array([2, 6]), None, 98.6)

    def rewarded(asked: Asked) -> Answer:
        beta.append(float(asked.reward.max()))
        starts.append(asked.start)
        return Answer(far if beta[-1] > 0.3 else asked.start, math.inf)

    sweep_rewards(rewarded, places, reference, (0.001, 0.01), num_points=8, seconds=0.1)
    assert beta[0] == pytest.approx(0.5)
    assert min(beta) < 0.3
    assert all(start is reference for start in starts)
