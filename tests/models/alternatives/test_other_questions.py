"""Rewards in the questions of least cost: bounds hold for every plan, costs are the true ones."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.models.alternatives.facility_location import (
    least_cost_plan,
    reward_facility_location,
)
from planner.models.alternatives.p_median import reward_p_median
from planner.models.alternatives.result import Asked, Places, Plan, Rewarded
from planner.models.alternatives.set_cover import reward_set_cover
from planner.models.alternatives.sweep import curve_of, num_new, sweep_rewards
from planner.models.facility_location.dual import pairs_by_site
from planner.models.facility_location.flows import StationFlows
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.state import p_median_cost
from planner.models.set_cover.problem import SetCoverProblem
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules

PLACES = Places.of(np.array([0, 0, 1, 2, 2, 3, 4]))
OPTIONS = SolveOptions()
WITHIN = (0.0, 0.05, 0.3)
NUM_SITES, NUM_ZONES, MOST = 7, 12, 4


def _rules(seed: int, cost: np.ndarray) -> SiteRules:
    return SiteRules(
        forced=np.arange(NUM_SITES) == (2 if seed % 3 == 0 else -1),
        forbidden=np.arange(NUM_SITES) == (5 if seed % 2 == 0 else -1),
        cost=cost,
        budget=math.inf,
        least=0,
        most=MOST,
        cities=CityLimits(
            np.array([0, 0, 0, 0, 1, 1, 1], dtype=np.int32), np.array([0, 1]), np.array([3, 3])
        ),
    )


def _sets(rules: SiteRules) -> list[np.ndarray]:
    chosen = [
        np.array(sites, dtype=np.int64)
        for size in range(1, MOST + 1)
        for sites in itertools.combinations(range(NUM_SITES), size)
    ]
    return [
        sites
        for sites in chosen
        if rules.allow_number(sites)
        and not rules.forbidden[sites].any()
        and np.isin(np.flatnonzero(rules.forced), sites).all()
    ]


def _pairs(rng: np.random.Generator) -> Lists:
    return Lists.of(
        [sorted(rng.choice(NUM_SITES, 3, replace=False).tolist()) for _ in range(NUM_ZONES)]
    )


def p_median(seed: int) -> tuple[Rewarded, list[Plan]]:
    rng = np.random.default_rng(seed)
    sites = _pairs(rng)
    problem = PMedianProblem(
        weight=rng.uniform(0.5, 3.0, NUM_ZONES),
        distances=PairDistances(sites, rng.uniform(1.0, 9.0, sites.num_entries), 12.0, NUM_SITES),
        rules=_rules(seed, np.ones(NUM_SITES)),
    )
    plans = [Plan(each, None, -p_median_cost(problem, each)) for each in _sets(problem.rules)]
    return reward_p_median(problem, PLACES, OPTIONS), plans


def set_cover(seed: int) -> tuple[Rewarded, list[Plan]]:
    rng = np.random.default_rng(seed)
    zones = [sorted(rng.choice(NUM_ZONES, 5, replace=False).tolist()) for _ in range(NUM_SITES)]
    problem = SetCoverProblem(
        value=rng.uniform(0.5, 3.0, NUM_ZONES),
        need=np.ones(NUM_ZONES, dtype=np.int64),
        reach=Lists.of(zones),
        rules=_rules(seed, rng.uniform(2.0, 3.0, NUM_SITES)),
        min_share=0.6,
    )
    plans = []
    for sites in _sets(problem.rules):
        covered = np.unique(np.concatenate([zones[site] for site in sites]))
        if problem.value[covered].sum() >= 0.6 * problem.value.sum():
            plans.append(Plan(sites, None, -problem.rules.cost[sites].sum()))
    return reward_set_cover(problem, PLACES, OPTIONS), plans


def facility_location(seed: int) -> tuple[Rewarded, list[Plan]]:
    rng = np.random.default_rng(seed)
    sites = _pairs(rng)
    cost = np.tile([4.0, 6.0], (NUM_SITES, 1)) * rng.uniform(0.9, 1.1, (NUM_SITES, 1))
    problem = FacilityLocationProblem(
        demand=rng.uniform(0.5, 3.0, NUM_ZONES),
        sites=sites,
        unit_cost=rng.uniform(0.5, 2.0, sites.num_entries),
        capacity=np.tile([4.0, 8.0], (NUM_SITES, 1)),
        rules=_rules(seed, cost),
        unserved_cost=7.0,
    )
    flows = StationFlows(problem, pairs_by_site(problem))
    plans = []
    for each in _sets(problem.rules):
        for types in itertools.product((0, 1), repeat=len(each)):
            plans.append(least_cost_plan(problem, flows, each, np.array(types, dtype=np.int64)))
    less = 3.0
    plans = [replace(plan, gain=plan.gain + less) for plan in plans]
    return reward_facility_location(problem, PLACES, OPTIONS, less=less), plans


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("question", [p_median, set_cover, facility_location])
def test_rewards_bound_every_plan_and_find_true_ones(
    question: Callable[[int], tuple[Rewarded, list[Plan]]], seed: int
) -> None:
    ask, plans = question(seed)
    best = max(plans, key=lambda plan: plan.gain)
    points = sweep_rewards(ask, PLACES, best, WITHIN, num_points=4, seconds=0.5)
    gains: dict[bytes, list[float]] = {}
    for plan in plans:
        gains.setdefault(plan.open_site_idx.tobytes(), []).append(plan.gain)
    for point in points:
        value = max(plan.gain + point.beta * num_new(PLACES, plan, best) for plan in plans)
        assert point.bound >= value - 1e-6 * abs(value)
        assert point.plan is not None
        known = gains[point.plan.open_site_idx.tobytes()]
        assert np.isclose(known, point.plan.gain).any()
    curve = curve_of(points, [], PLACES, best, WITHIN, top=best.gain, most_new=MOST)
    truth = [
        max(num_new(PLACES, plan, best) for plan in plans if plan.gain >= least - 1e-9)
        for least in curve.least_gain
    ]
    assert (curve.places_found <= truth).all()
    assert (truth <= curve.places_proven_most).all()


@pytest.mark.parametrize("question", [p_median, set_cover, facility_location])
def test_without_rewards_the_best_plan_is_found_and_proven(
    question: Callable[[int], tuple[Rewarded, list[Plan]]],
) -> None:
    ask, plans = question(1)
    best = max(plans, key=lambda plan: plan.gain)
    answer = ask(Asked(np.zeros(PLACES.num_places), plans[0], 5.0, 0, prove=True))
    assert answer.plan is not None
    assert answer.plan.gain == pytest.approx(best.gain)
    assert -1e-6 <= answer.bound - best.gain <= 0.02 * abs(best.gain)


def test_plans_that_take_too_much_money_are_left_out() -> None:
    rng = np.random.default_rng(1)
    sites = _pairs(rng)
    problem = FacilityLocationProblem(
        demand=np.ones(NUM_ZONES),
        sites=sites,
        unit_cost=np.ones(sites.num_entries),
        capacity=np.full((NUM_SITES, 1), 5.0),
        rules=_rules(1, np.ones((NUM_SITES, 1))),
        unserved_cost=9.0,
    )
    money = np.full((NUM_SITES, 1), 10.0)
    asked = Asked(np.zeros(PLACES.num_places), Plan(np.array([4]), None, 0.0), 5.0, 0, prove=True)
    for most_money, is_known in ((5.0, False), (1e3, True)):
        ask = reward_facility_location(problem, PLACES, OPTIONS, money=money, most_money=most_money)
        answer = ask(asked)
        assert (answer.plan is not None) == is_known
        assert math.isfinite(answer.bound)


def test_no_bound_is_told_where_a_reward_exceeds_a_cost() -> None:
    ask, plans = set_cover(1)
    reward = np.full(PLACES.num_places, 2.5)
    answer = ask(Asked(reward, plans[0], 5.0, 0, prove=True))
    assert answer.plan is not None
    assert math.isinf(answer.bound)
