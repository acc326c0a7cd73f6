"""Plans over time equal the best of all schedules, keep their limits, and prove what they say."""

from dataclasses import replace

import numpy as np
import pytest

from planner.arrays import Lists
from planner.errors import InfeasibleError
from planner.models.national.solve import solve_national
from planner.models.phasing.feasible import keeps_limits
from planner.models.phasing.service import served_by_column
from planner.models.phasing.solution import PhasedPlan, PhasedStart
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.tree import Tree
from planner.models.phasing.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.status import Status
from tests.models.phasing.nested_cases import (
    best_by_enumeration,
    limit,
    no_city_limits,
    random_problem,
    total,
)

EXACT = SolveOptions(gap_frac=0.0, deterministic=True)
SEARCH_ALONE = Tuning(exact_entries=0, max_rounds=2)
BRANCHES = Tree(np.array([-1, 0, 0]))
ONES = np.ones((5, 1))


def assert_best(problem):
    best = best_by_enumeration(problem)
    solution = solve_phased(problem, EXACT)
    assert keeps_limits(problem, solution.plan) == []
    assert solution.proof.objective == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert solution.proof.bound >= best * (1 - 1e-9)
    assert solution.proof.status is Status.OPTIMAL
    served_frac, served = served_by_column(problem, solution.plan)
    np.testing.assert_array_equal(solution.served_frac, served_frac)
    assert solution.proof.objective == pytest.approx(served.sum(), rel=1e-12)


def test_six_sites_and_three_periods_equal_all_schedules():
    rate = limit("openings", np.ones((6, 1)), [1, 1, 1], False)
    assert_best(random_problem(0, limits=(total(3, 6, Tree.line(3)), rate)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tree", [Tree.line(3), BRANCHES], ids=["line", "tree"])
@pytest.mark.parametrize("capacity", [np.inf, 25.0])
@pytest.mark.parametrize("carries_over", [False, True])
def test_rates_equal_all_schedules(seed, tree, capacity, carries_over):
    rate = limit("openings", ONES, [1, 2, 1], carries_over)
    limits = (total(3, 5, tree), rate)
    assert_best(random_problem(seed, num_sites=5, tree=tree, capacity=capacity, limits=limits))


@pytest.mark.parametrize("seed", range(4))
def test_locks_and_windows_equal_all_schedules(seed):
    rng = np.random.default_rng(seed)
    may = np.ones((5, 3), dtype=bool)
    may[0] = [False, True, True]
    must = np.zeros((5, 3), dtype=bool)
    must[1] = [False, True, True]
    must[2] = True
    is_new = np.arange(5) != 2
    use = np.where(is_new, 1.0, 0.0)[:, None]
    limits = (total(4, 5, Tree.line(3)), limit("openings", use, rng.integers(1, 3, 3), False))
    assert_best(
        random_problem(
            seed, num_sites=5, limits=limits, may_stand=may, must_stand=must, is_new=is_new
        )
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("carries_over", [False, True])
def test_city_limits_equal_all_schedules(seed, carries_over):
    cities = no_city_limits(
        5,
        3,
        city_idx=np.array([0, 0, 0, 1, 1], dtype=np.int32),
        least=np.array([0, 1]),
        most=np.array([2, 2]),
        rate=np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
        carries_over=carries_over,
    )
    assert_best(random_problem(seed, num_sites=5, cities=cities))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("carries_over", [False, True])
def test_money_and_sizes_equal_all_schedules(seed, carries_over):
    rng = np.random.default_rng(seed)
    cost = np.column_stack([rng.uniform(1, 2, 4), rng.uniform(2, 4, 4)])
    money = limit("money", cost, [3.0, 2.0, 2.0], carries_over)
    assert_best(random_problem(seed, num_sites=4, num_types=2, capacity=30.0, limits=(money,)))


@pytest.mark.parametrize("seed", range(3))
def test_several_columns_of_a_node(seed):
    assert_best(random_problem(seed, num_sites=5, tree=Tree.line(2), columns_per_node=2))
    assert_best(random_problem(seed, tree=Tree.line(1), columns_per_node=3, capacity=25.0))


def test_one_period_is_the_siting_of_the_nation():
    problem = random_problem(1, tree=Tree.line(1), capacity=40.0)
    solution = solve_phased(problem, EXACT)
    static = solve_national(problem.as_static(), EXACT)
    np.testing.assert_array_equal(solution.plan.site_idx, static.open_site_idx)
    np.testing.assert_array_equal(solution.plan.size[:, 0], static.type_idx)
    assert solution.proof.objective == static.proof.objective
    assert solution.proof.bound == static.proof.bound


def test_with_room_for_all_stations_open_at_once():
    problem = random_problem(2, limits=(total(6, 6, Tree.line(3)),))
    solution = solve_phased(problem, EXACT)
    useful = [site for site in range(6) if problem.value[problem.reach.row(site)].sum() > 0]
    table = np.full((6, 3), -1)
    table[solution.plan.site_idx] = solution.plan.size
    covered = np.unique(np.concatenate([problem.reach.row(site) for site in useful]))
    assert solution.proof.objective == pytest.approx(problem.value[covered].sum())
    assert (solution.plan.size[:, 0] >= 0).sum() > 0
    first = problem.reach.entries_of(table[:, 0] >= 0)
    assert set(first.tolist()) == set(covered.tolist())


def medium(seed, **others):
    """Some hundred zones and forty sites: nothing to enumerate, SCIP can prove it."""
    return random_problem(seed, num_sites=40, num_zones=200, **others)


@pytest.mark.parametrize("tree", [Tree.line(4), BRANCHES], ids=["line", "tree"])
def test_search_by_moves_comes_near_the_best(tree):
    rng = np.random.default_rng(5)
    places, sites = rng.random((200, 2)), rng.random((40, 2))
    near = np.linalg.norm(sites[:, None] - places[None], axis=2) < 0.15
    rate = limit("openings", np.ones((40, 1)), np.full(tree.num_nodes, 3), False)
    problem = medium(
        5,
        tree=tree,
        reach=Lists.of([np.flatnonzero(row) for row in near]),
        limits=(total(8, 40, tree), rate),
    )
    best = solve_phased(problem, EXACT)
    assert best.proof.status is Status.OPTIMAL
    found = solve_phased(problem, EXACT, tuning=SEARCH_ALONE)
    assert keeps_limits(problem, found.plan) == []
    assert found.proof.objective >= 0.998 * best.proof.objective
    assert (
        found.proof.objective <= best.proof.objective * (1 + 1e-9) <= found.proof.bound * (1 + 2e-9)
    )


def test_more_and_earlier_slots_are_never_worse():
    amounts = ([0, 1, 2], [1, 1, 1], [2, 1, 0], [2, 2, 1])
    values = [
        solve_phased(
            random_problem(3, limits=(limit("openings", np.ones((6, 1)), amount, False),)), EXACT
        ).proof.objective
        for amount in amounts
    ]
    assert values == sorted(values)


def test_the_order_of_sites_changes_no_value():
    problem = random_problem(4)
    order = np.random.default_rng(0).permutation(6)
    shuffled = replace(problem, reach=Lists.of([problem.reach.row(site) for site in order]))
    values = [solve_phased(each, EXACT).proof.objective for each in (problem, shuffled)]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_an_earlier_plan_is_not_lost():
    problem = medium(7)
    first = solve_phased(problem, EXACT, tuning=SEARCH_ALONE)
    again = solve_phased(problem, EXACT, start=first.end, tuning=SEARCH_ALONE)
    assert again.proof.objective >= first.proof.objective
    assert again.proof.bound <= first.proof.bound * (1 + 1e-9)


def test_a_plan_that_breaks_its_limits_tells_which_sites_to_choose_from():
    rate = limit("openings", np.ones((6, 1)), [1, 1, 1], False)
    problem = random_problem(8, limits=(rate,))
    all_at_once = PhasedPlan(np.arange(3), np.zeros((3, 3), dtype=np.int32))
    solution = solve_phased(problem, EXACT, start=PhasedStart(all_at_once))
    assert keeps_limits(problem, solution.plan) == []
    assert solution.proof.objective == pytest.approx(best_by_enumeration(problem))


def test_commitments_beyond_the_build_rate_are_named():
    must = np.zeros((6, 3), dtype=bool)
    must[:5] = True
    rate = limit("openings", np.ones((6, 1)), [3, 3, 3], False)
    problem = random_problem(0, must_stand=must, limits=(total(6, 6, Tree.line(3)), rate))
    message = "5 stations are committed in 2027Q1, the build rate allows 3 there"
    with pytest.raises(InfeasibleError, match=message):
        solve_phased(problem, EXACT, node_names=("2027Q1", "2027Q2", "2027Q3"))


def test_commitments_that_may_open_before_are_not_infeasible():
    must = np.zeros((6, 3), dtype=bool)
    must[:5, 2] = True
    rate = limit("openings", np.ones((6, 1)), [2, 2, 2], False)
    problem = random_problem(0, must_stand=must, limits=(total(6, 6, Tree.line(3)), rate))
    solution = solve_phased(problem, EXACT)
    assert keeps_limits(problem, solution.plan) == []


def test_what_several_limits_rule_out_together_is_named():
    must = np.zeros((6, 3), dtype=bool)
    must[:2] = True
    cities = no_city_limits(6, 3, least=np.array([4]), rate=np.array([[2.0, 1.0, 1.0]]))
    rate = limit("openings", np.ones((6, 1)), [4, 0, 1], False)
    problem = random_problem(0, must_stand=must, cities=cities, limits=(rate,))
    with pytest.raises(InfeasibleError, match="do not fit into the limits together"):
        solve_phased(problem, EXACT)


def test_multipliers_beside_the_plans_prove_alike():
    problem = random_problem(9, num_sites=20, num_zones=60)
    options = SolveOptions(gap_frac=1e-6, time_limit_s=1.0, workers=2)
    beside = solve_phased(problem, options, tuning=SEARCH_ALONE)
    exact = solve_phased(problem, EXACT)
    assert beside.proof.bound >= exact.proof.objective * (1 - 1e-9)
    assert beside.proof.objective <= exact.proof.bound * (1 + 1e-9)


def test_one_city_with_full_stations_is_searched_until_the_time_is_over():
    """There is nothing to do beside it: rounds that leave it alone would be none."""
    problem = random_problem(5, num_sites=12, num_zones=60, capacity=20.0, limits=(
        total(4, 12, Tree.line(3)),
    ))  # fmt: skip
    stages = []
    solve_phased(
        problem,
        SolveOptions(gap_frac=0.0, time_limit_s=2.0),
        tuning=Tuning(exact_entries=0),
        on_progress=lambda progress: stages.append(progress.stage),
    )
    assert stages.count("anneal") > 8
    assert stages.count("bound") <= 2 * stages.count("anneal") + 4
