"""What the points of a frontier say of each other, and frontiers by a question's own solver."""

import itertools
import math

import numpy as np
import pytest

from planner.arrays import FloatArray, Lists
from planner.models.frontier.by_solver import Answer, frontier_by_solver, with_bounds
from planner.models.frontier.p_median import median_bounds
from planner.models.frontier.result import Frontier, FrontierPlan, slopes, tidied
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.models.p_median.solve import solve_p_median
from planner.solving.options import SolveOptions
from planner.solving.rules import CityLimits, SiteRules

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)
NOWHERE = np.empty(0, dtype=np.int64)


def _frontier(objective: list[float], bound: list[float], *, grows: bool, best: str) -> Frontier:
    amount = np.arange(1.0, len(bound) + 1)
    return Frontier(
        sense="max" if best == "max" else "min",
        grows=grows,
        amount=amount,
        plans=tuple(FrontierPlan(np.array([k]), None, x) for k, x in enumerate(objective)),
        bound=np.array(bound),
        price=np.zeros(len(bound)),
        every_amount=amount,
        every_bound=np.array(bound),
        is_nested=False,
    )


def test_more_is_better_and_helps() -> None:
    found = tidied(_frontier([5.0, 4.0, 8.0], [9.0, 12.0, 10.0], grows=True, best="max"))
    assert found.objective.tolist() == [5.0, 5.0, 8.0]
    assert found.plans[1].open_site_idx.tolist() == [0]
    assert found.bound.tolist() == [9.0, 10.0, 10.0]
    assert found.every_bound.tolist() == [9.0, 10.0, 10.0]
    assert found.gap_frac == pytest.approx([4 / 5, 1.0, 2 / 8]) or (found.gap_frac <= 0.5).all()


def test_less_is_better_and_more_helps() -> None:
    found = tidied(_frontier([9.0, 10.0, 4.0], [2.0, 5.0, 3.0], grows=True, best="min"))
    assert found.objective.tolist() == [9.0, 9.0, 4.0]
    assert found.bound.tolist() == [5.0, 5.0, 3.0]


def test_more_asked_for_costs_more() -> None:
    found = tidied(_frontier([3.0, 2.0, 7.0], [1.0, 0.5, 4.0], grows=False, best="min"))
    assert found.objective.tolist() == [2.0, 2.0, 7.0]
    assert found.plans[0].open_site_idx.tolist() == [1]
    assert found.bound.tolist() == [1.0, 1.0, 4.0]


def test_slopes_by_hand() -> None:
    assert slopes(np.array([1.0, 2.0, 4.0]), np.array([9.0, 5.0, 5.0])).tolist() == pytest.approx(
        [4.0, 8 / 3, 0.0]
    )
    assert math.isnan(slopes(np.array([1.0]), np.array([2.0]))[0])


def test_between_amounts_the_next_that_allows_as_much_bounds() -> None:
    def solve(amount: float, _options: SolveOptions) -> Answer:
        return Answer(NOWHERE, None, 10.0 - amount, 9.0 - amount)

    found = frontier_by_solver(np.array([2.0, 5.0]), solve, OPTIONS, sense="min", is_whole=True)
    assert found.every_amount.tolist() == [2, 3, 4, 5]
    assert found.every_bound.tolist() == [7.0, 4.0, 4.0, 4.0]
    tighter = with_bounds(found, np.array([0.0, 6.5, 5.0, 4.5]))
    assert tighter.every_bound.tolist() == [7.0, 6.5, 5.0, 4.5]
    assert tighter.bound.tolist() == [7.0, 4.5]

    def cover(share: float, _options: SolveOptions) -> Answer:
        return Answer(NOWHERE, None, 10 * share, 8 * share)

    shares = np.array([0.25, 0.75])
    asked = frontier_by_solver(shares, cover, OPTIONS, sense="min", grows=False, num_steps=3)
    assert asked.every_amount.tolist() == [0.25, 0.5, 0.75]
    assert asked.every_bound.tolist() == [2.0, 2.0, 6.0]
    assert asked.price.tolist() == [10.0, 10.0]


def _median(seed: int, *, limits: bool) -> PMedianProblem:
    rng = np.random.default_rng(seed)
    sites = [np.flatnonzero(rng.random(8) < 0.5).tolist() for _ in range(15)]
    pairs = Lists.of(sites)
    forced = np.zeros(8, dtype=np.bool_)
    forced[0] = limits
    cities = CityLimits(np.repeat([0, 1], 4), np.array([0, 1]), np.array([2, 3]))
    return PMedianProblem(
        weight=rng.uniform(1, 5, 15),
        distances=PairDistances(pairs, rng.uniform(1, 10, pairs.num_entries), 15.0, 8),
        rules=SiteRules(
            forced, np.zeros(8, dtype=np.bool_), rng.uniform(1, 3, 8), math.inf, 0, 8,
            cities if limits else None,
        ),
    )  # fmt: skip


def _best(problem: PMedianProblem, most: int, budget: float) -> float:
    rules, pairs = problem.rules, problem.distances
    assert isinstance(pairs, PairDistances)
    full = np.full((15, 8), pairs.unserved)
    full[pairs.sites.owner, pairs.sites.idx] = pairs.distance
    best = math.inf
    for number in range(most + 1):
        for chosen in itertools.combinations(range(8), number):
            sites = np.array(chosen, dtype=np.int64)
            keeps = rules.allow_number(sites) and set(np.flatnonzero(rules.forced)) <= set(chosen)
            if keeps and rules.cost[sites].sum() <= budget:
                near = full[:, sites].min(axis=1, initial=pairs.unserved)
                best = min(best, float(problem.weight @ near))
    return best


@pytest.mark.parametrize("limits", [False, True])
@pytest.mark.parametrize("is_money", [False, True])
def test_multipliers_bound_the_median_at_every_amount(limits: bool, is_money: bool) -> None:
    problem = _median(3, limits=limits)
    amounts: FloatArray = np.array([6.0, 9.0]) if is_money else np.array([2.0, 5.0])
    every = np.arange(amounts[0], amounts[-1] + 1)
    plans = []
    for amount in amounts.tolist():
        found = _best(problem, 8, amount) if is_money else _best(problem, int(amount), math.inf)
        plans.append(FrontierPlan(np.array([0, 4]), None, found))
    bound = median_bounds(problem, amounts, plans, every, is_money=is_money, time_limit_s=math.inf)
    true = [
        _best(problem, 8, each) if is_money else _best(problem, int(each), math.inf)
        for each in every.tolist()
    ]
    assert (bound <= np.array(true) + 1e-9).all()
    # Of a few stations within a budget the relaxation takes fractions.
    assert (bound >= 0.6 * np.array(true)).all()


def test_the_medians_own_answers_make_a_frontier() -> None:
    from dataclasses import replace

    problem = _median(4, limits=True)

    def solve(amount: float, options: SolveOptions) -> Answer:
        rules = replace(problem.rules, most=int(amount))
        found = solve_p_median(replace(problem, rules=rules), options)
        return Answer(found.open_site_idx, None, found.proof.objective, found.proof.bound)

    numbers = np.array([2.0, 3.0, 5.0])
    found = frontier_by_solver(numbers, solve, OPTIONS, sense="min", is_whole=True)
    assert found.objective == pytest.approx([_best(problem, int(n), math.inf) for n in numbers])
    assert found.gap_frac == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
