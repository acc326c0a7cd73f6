"""The least money for wanted shares: brute force over all schedules, and bounds that hold."""

import math
from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import FloatArray, Lists
from planner.errors import InfeasibleError
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.least_money import least_money
from planner.models.phasing.money_bound import money_bound
from planner.models.phasing.money_descent import Wanted, descend
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import node_values
from planner.models.phasing.sizes import plan_of_table
from planner.models.phasing.tree import Tree
from planner.models.phasing.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.phasing.nested_cases import (
    all_tables,
    limit,
    random_problem,
    taken_of,
    values_of,
    within_windows_and_limits,
)
from tests.models.phasing.nested_cases import total as total_of
from tests.models.phasing.phasing_cases import random_problem as random_town

OPTIONS = SolveOptions(gap_frac=0.0, deterministic=True)
SEARCH_ALONE = Tuning(exact_entries=0)
COUNTS = np.array([1.0, 0.9, 0.8])


class Schedules:
    """Every schedule within the limits, what it serves and spends: by enumeration alone."""

    def __init__(self, problem: PhasedProblem):
        tables = all_tables(problem)
        tables = tables[within_windows_and_limits(problem, tables)]
        up_to = taken_of(replace(problem.limits[-1], carries_over=True), problem.tree, tables)
        self.spent = np.diff(up_to, axis=1, prepend=0.0)
        served = np.zeros(up_to.shape)
        for column, node in enumerate(problem.node_of.tolist()):
            served[:, node] += values_of(problem, tables, column)
        self.frac = served / node_values(problem).sum(axis=0)

    def least(self, wanted: FloatArray, counts: FloatArray) -> float:
        enough = (self.frac >= np.nan_to_num(wanted, nan=-1.0) * (1 - 1e-9)).all(axis=1)
        return float((self.spent @ counts)[enough].min(initial=math.inf))


def town(seed: int, kind: str) -> PhasedProblem:
    """Six sites (four with two types) over three periods, with money as the last limit."""
    rng = np.random.default_rng(seed)
    types = 2 if kind == "sizes" else 1
    sites = 4 if kind == "sizes" else 6
    first = rng.uniform(1.0, 3.0, sites)
    cost = np.column_stack([first, first + rng.uniform(0.3, 1.5, sites)])[:, :types]
    amount = {"budget": [4.0, 3.0, 3.0], "expires": [4.0, 4.0, 4.0]}.get(kind, [np.inf] * 3)
    money = limit("money", cost, amount, kind != "expires")
    most = sites if kind == "sizes" else 4
    limits = [total_of(most, sites, Tree.line(3), types)]
    if kind in ("rates", "capacity"):
        limits.append(limit("openings", np.ones((sites, types)), [2, 2, 2], False))
    return random_problem(
        seed,
        num_sites=sites,
        num_types=types,
        capacity={"capacity": 30.0, "sizes": 25.0}.get(kind, np.inf),
        limits=(*limits, money),
    )


def shares_between(found: Schedules, quantile: float, *, first: bool = False) -> FloatArray:
    """Shares that some schedule serves together: those of a good one, less a little."""
    worth = found.frac.sum(axis=1)
    good = found.frac[np.argsort(worth)[int(quantile * (len(worth) - 1))]] * 0.97
    return np.array([good[0] if first else np.nan, good[1], good[2]])


KINDS = ["rates", "capacity", "sizes", "budget", "expires"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_what_is_small_takes_the_least_money_of_all_schedules(seed: int, kind: str):
    problem = town(seed, kind)
    found = Schedules(problem)
    for quantile in (0.5, 0.95):
        wanted = shares_between(found, quantile, first=seed == 1)
        answer = least_money(problem, wanted, COUNTS, OPTIONS)
        least = found.least(wanted, COUNTS)
        assert answer.proof.objective == pytest.approx(least, rel=1e-7)
        assert answer.proof.bound == pytest.approx(least, rel=1e-7)
        assert answer.proof.status is Status.OPTIMAL
        assert answer.spent @ COUNTS == pytest.approx(least, rel=1e-7)
        assert keeps_limits(problem, answer.solution.plan) == []
        reached = np.bincount(problem.node_of, answer.solution.served) / problem.value.sum(axis=0)
        assert (reached >= np.nan_to_num(wanted, nan=0.0) * (1 - 1e-9)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_search_alone_is_near_and_its_bound_holds(seed: int, kind: str):
    problem = town(seed, kind)
    found = Schedules(problem)
    wanted = shares_between(found, 0.9, first=seed == 3)
    answer = least_money(problem, wanted, COUNTS, OPTIONS, tuning=SEARCH_ALONE)
    least = found.least(wanted, COUNTS)
    assert keeps_limits(problem, answer.solution.plan) == []
    assert (
        (0.15 if kind in ("capacity", "sizes") else 0.7) * least
        <= answer.proof.bound
        <= least * (1 + 1e-9)
    )
    assert least * (1 - 1e-9) <= answer.proof.objective <= least * 1.06


def test_descent_finds_what_is_not_needed_or_cheaper_elsewhere():
    ways = random_town(4, Tree.line(2), num_zones=30, num_sites=12, locks=False)
    free = tuple(replace(each, amount=np.full(2, 99.0)) for each in ways.limits)
    problem = replace(ways, limits=free)
    table = np.zeros((12, 2), dtype=np.int32)
    asked = problem.value.sum(axis=0)
    wanted = Wanted(problem, 2, np.array([np.nan, 0.8 * asked[1]]), np.array([1.0, 0.9]))
    cheaper = descend(wanted, table, lambda: True)
    assert wanted.is_met(cheaper)
    assert wanted.money(cheaper) < 0.7 * wanted.money(table)
    assert (cheaper[:, 0] == -1).all()
    assert descend(wanted, table, lambda: False) is table


def test_the_bound_is_that_of_the_relaxation():
    """Two sites that each serve a half at 4 and 2: of three quarters half of the dearer one."""
    problem = replace(
        random_problem(0, num_sites=2, num_zones=2, tree=Tree.line(2), capacity=1.0),
        limits=(limit("money", [[4.0], [2.0]], [np.inf, np.inf], True),),
        value=np.ones((2, 2)),
        load=np.zeros((2, 2)),
        reach=Lists.of([[0], [1]]),
    )
    plan = plan_of_table(np.array([[-1, 0], [-1, 0]], dtype=np.int32))
    found = money_bound(
        problem, 0, np.array([np.nan, 1.5]), np.array([1.0, 0.5]), plan, lambda: True
    )
    assert found.bound == pytest.approx(0.5 * (2.0 + 0.5 * 4.0), rel=2e-3)
    assert found.price[0] == 0.0
    assert found.price[1] == pytest.approx(0.5 * 4.0, rel=1e-2)
    np.testing.assert_allclose(found.up_to, [0.0, 4.0], atol=0.02)


def test_money_is_spent_at_the_last_moment_where_rates_allow():
    problem = random_town(0, Tree.line(3), locks=False)
    free = tuple(replace(limit, amount=np.full(3, 50.0)) for limit in problem.limits)
    problem = replace(problem, limits=free)
    answer = least_money(problem, np.array([np.nan, np.nan, 0.3]), np.array([1, 0.9, 0.8]), OPTIONS)
    assert answer.spent[:2].tolist() == [0.0, 0.0]
    assert answer.spent[2] > 0


def test_shares_that_no_plan_serves_are_named():
    problem = random_town(1, Tree.line(2))
    with pytest.raises(InfeasibleError, match=r"2031Q2: 100.00% .* more than"):
        least_money(
            problem, np.array([np.nan, 1.0]), np.ones(2), OPTIONS, node_names=("2031Q1", "2031Q2")
        )
