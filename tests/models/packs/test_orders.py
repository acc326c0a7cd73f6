"""Orders that are none or of a size: against scipy's answer, and honest when cut short."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import NoPlanError
from planner.models.packs.problem import PackAssignmentProblem
from planner.models.packs.solve import proven_saving, solve_pack_assignment
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.packs.made_up import random_problem
from tests.models.packs.oracle import oracle_cost
from tests.models.packs.test_solve import many_cities, one_city
from tests.models.packs.test_supply import assert_supply_kept

DETERMINISTIC = SolveOptions(deterministic=True)
SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_scipy_agrees_with_orders(seed: int) -> None:
    problem = random_problem(seed, orders=True)
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    assert_supply_kept(problem, plan)
    assert plan.proof.status is Status.OPTIMAL
    assert plan.proof.objective == pytest.approx(oracle_cost(problem), rel=1e-6, abs=1e-3)


def growing(least: float, num_quarters: int = 3) -> PackAssignmentProblem:
    """Two vehicles more each quarter, 100 CNY a pack and quarter, 1000 CNY without a pack."""
    vehicles = 2.0 * np.arange(1, num_quarters + 1)[:, None]
    return one_city(
        num_quarters, 9, vehicles=vehicles, option_packs=np.ones((num_quarters, 1)),
        no_pack_cost=np.full(num_quarters, 1000.0), min_order=np.array([[least]]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("least", "delivered", "cost"),
    [
        (0.0, [2, 2, 2], 100 * (2 + 4 + 6)),
        (2.0, [2, 2, 2], 100 * (2 + 4 + 6)),
        (3.0, [3, 3, 0], 100 * (3 + 6 + 6)),
        (4.0, [4, 0, 4], 100 * (4 + 4 + 8)),
        (500.0, [0, 0, 0], 1000 * (2 + 4 + 6)),
    ],
)
def test_packs_come_together_or_not_at_all(
    least: float, delivered: list[float], cost: float
) -> None:
    problem = growing(least)
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    assert plan.proof.objective == pytest.approx(oracle_cost(problem))
    assert plan.proof.objective == pytest.approx(cost)
    assert plan.delivered.ravel() == pytest.approx(np.array(delivered))


def test_least_orders_that_are_reached_anyway_change_nothing() -> None:
    problem = many_cities(10)
    free = solve_pack_assignment(problem, DETERMINISTIC)
    sizes = problem.by_market(free.delivered)
    least = np.where(sizes > 0, sizes, np.inf).min(axis=0)
    held = replace(problem, min_order=np.where(np.isfinite(least), 0.999 * least, 0.0))
    plan = solve_pack_assignment(held, DETERMINISTIC)
    assert plan.proof.status is Status.OPTIMAL
    assert plan.proof.objective == pytest.approx(free.proof.objective, rel=1e-9)


def hard() -> PackAssignmentProblem:
    """Orders of which each is too small in the program that leaves them open."""
    problem = many_cities(12)
    markets = np.arange(problem.num_cities, dtype=np.int32) % 4
    return replace(problem, city_market_idx=markets, min_order=np.full((2, 4), 900.0))


def test_cut_short_the_gap_is_left_open() -> None:
    problem = hard()
    full = solve_pack_assignment(problem, SolveOptions(time_limit_s=120.0))
    plan = solve_pack_assignment(problem, DETERMINISTIC, most_programs=12)
    assert_supply_kept(problem, plan)
    assert plan.proof.status is Status.FEASIBLE
    assert plan.proof.bound <= full.proof.objective * (1 + 1e-9)
    assert full.proof.bound <= plan.proof.objective * (1 + 1e-9)
    assert plan.proof.gap_frac == pytest.approx(
        (plan.proof.objective - plan.proof.bound) / plan.proof.bound
    )
    assert plan.proof.gap_frac > 0


def test_the_same_orders_again_are_a_first_plan() -> None:
    problem = hard()
    plan = solve_pack_assignment(problem, DETERMINISTIC, most_programs=60)
    again = solve_pack_assignment(problem, DETERMINISTIC, plan, most_programs=2)
    assert again.proof.objective == pytest.approx(plan.proof.objective, rel=1e-9)
    with pytest.raises(NoPlanError, match="no plan with orders of their least size"):
        solve_pack_assignment(problem, DETERMINISTIC, most_programs=2)


def test_gates_are_worth_what_is_proven() -> None:
    """In full: the difference of optima. Cut short: no more than that."""
    problem = growing(3.0)
    closed = problem.delivery_allowed.copy()
    closed[0] = False
    shut = replace(problem, delivery_allowed=closed)
    true = oracle_cost(shut) - oracle_cost(problem)
    assert true > 0
    plan, opened = (solve_pack_assignment(each, DETERMINISTIC) for each in (shut, problem))
    assert proven_saving(plan, opened) == pytest.approx(true)
    unproven = replace(
        plan, proof=replace(plan.proof, status=Status.FEASIBLE, bound=plan.proof.bound - true / 2)
    )
    assert proven_saving(unproven, opened) == pytest.approx(true / 2)


def test_an_order_too_large_for_supply_stays_closed() -> None:
    problem = replace(growing(5.0), carbon_kg=np.array([1.0]), carbon_cap_kg=4.0)
    plan = solve_pack_assignment(problem, DETERMINISTIC)
    assert not plan.delivered.any()
    assert plan.proof.status is Status.OPTIMAL
