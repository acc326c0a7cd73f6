"""The search by city over time against all plans, and against stations that are placed once."""

import math
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from planner.models.national.solve import solve_national
from planner.models.phasing.problem import PhasedCities, PhasedProblem
from planner.models.phasing.rounds import CityRounds, improve_by_city
from planner.models.phasing.sizes import plan_of_table, table_of_plan
from planner.models.phasing.solve import solve_phased
from planner.models.phasing.tree import Tree
from planner.models.phasing.tuning import Tuning
from planner.solving.options import SolveOptions
from tests.models.phasing.city_cases import FORK, all_tables, keeps, nation, value_of, values_of

EXACT = SolveOptions(gap_frac=0.0, time_limit_s=60.0, deterministic=True)


def improve(
    problem: PhasedProblem, start: np.ndarray, seed: int, executor: Executor | None = None
) -> CityRounds:
    """From a plan, at random prices and multipliers."""
    rng = np.random.default_rng(seed)
    num_nodes = problem.tree.num_nodes
    return improve_by_city(
        problem,
        plan_of_table(start),
        EXACT,
        executor=executor,
        price=rng.uniform(0.0, 2.0, (len(problem.limits), num_nodes)),
        share=rng.random((problem.num_zones, num_nodes)),
    )


def hold(problem: PhasedProblem, result: CityRounds, best: float) -> None:
    """Plan within limits, value recomputed, bound above every plan."""
    table = table_of_plan(problem, result.plan)
    assert keeps(problem, table)
    assert result.objective == pytest.approx(value_of(problem, table), rel=1e-12)
    assert result.bound >= best * (1.0 - 1e-12)
    assert (result.price >= 0.0).all()
    assert ((result.share >= 0.0) & (result.share <= 1.0)).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tree", [Tree.line(3), FORK])
def test_without_capacity_the_best_of_all_plans_is_found_and_proven(seed: int, tree: Tree) -> None:
    problem = nation(
        seed,
        tree,
        carries_over=seed % 2 == 1,
        rate=1.0 if seed % 3 == 0 else math.inf,
        futures=1 + seed % 2,
    )
    tables = all_tables(problem)
    if not tables:
        pytest.skip("no plan keeps the limits")
    best = max(values_of(problem, tables))
    result = improve(problem, tables[seed % len(tables)], seed)
    hold(problem, result, best)
    assert result.objective == pytest.approx(best, rel=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_with_capacity_and_money_bound_and_plan_hold(seed: int) -> None:
    problem = nation(seed, Tree.line(2), num_types=2, num_sites=5, room=2.0, money=True)
    tables = all_tables(problem)
    if not tables:
        pytest.skip("no plan keeps the limits")
    values = values_of(problem, tables)
    start = tables[int(np.argmin(values))]
    result = improve(problem, start, seed)
    hold(problem, result, max(values))
    assert result.objective >= min(values)


@pytest.mark.parametrize("seed", range(3))
def test_one_node_gives_the_stations_that_are_placed_once(seed: int) -> None:
    problem = nation(seed, Tree.line(1), locks=False)
    total = replace(problem.limits[0], amount=np.array([3.0]))
    problem = replace(problem, limits=(total,))
    static = problem.as_static()
    assert static is not None
    once = solve_national(static, EXACT)
    nothing = np.full((problem.num_sites, 1), -1, dtype=np.int32)
    result = improve(problem, nothing, seed)
    assert result.objective == pytest.approx(once.proof.objective, rel=1e-6)
    assert result.bound == pytest.approx(once.proof.bound, rel=1e-6)


def test_city_minima_at_the_leaves_are_kept() -> None:
    problem = nation(4, Tree.line(2), locks=False)
    cities = problem.cities
    asked = PhasedCities(
        cities.city_idx, np.array([1, 2]), np.array([2, 2]), cities.rate, cities.carries_over
    )
    problem = replace(problem, cities=asked)
    wide = tuple(replace(limit, amount=limit.amount + 2.0) for limit in problem.limits)
    problem = replace(problem, limits=wide)
    tables = all_tables(problem)
    best = max(values_of(problem, tables))
    result = improve(problem, tables[0], 0)
    hold(problem, result, best)
    assert result.objective == pytest.approx(best, rel=2e-3)


def test_workers_give_the_same_answer_as_one_process() -> None:
    problem = nation(1, Tree.line(3))
    start = all_tables(problem)[0]
    alone = improve(problem, start, 1)
    with ThreadPoolExecutor(2) as executor:
        shared = improve(problem, start, 1, executor)
    assert shared.objective == alone.objective
    assert shared.bound == alone.bound
    assert (shared.plan.size == alone.plan.size).all()


def test_the_search_over_time_goes_on_city_by_city_where_it_has_several() -> None:
    # Stations turn load away, which the multipliers of the whole nation know nothing of.
    problem = nation(3, Tree.line(2), room=2.0)
    best = max(values_of(problem, all_tables(problem)))
    solution = solve_phased(
        problem,
        SolveOptions(gap_frac=0.0, time_limit_s=5.0),
        tuning=Tuning(exact_entries=0, max_moves=2_000),
    )
    table = table_of_plan(problem, solution.plan)
    assert keeps(problem, table)
    assert solution.proof.objective <= best * (1.0 + 1e-12)
    assert solution.proof.bound >= best * (1.0 - 1e-12)
    times = [told.elapsed_s for told in solution.proof.history]
    assert times == sorted(times)
    assert any(told.stage == "national" for told in solution.proof.history)


def test_a_plan_beyond_the_limits_is_refused() -> None:
    problem = nation(1, Tree.line(2), locks=False)
    everywhere = np.zeros((problem.num_sites, 2), dtype=np.int32)
    with pytest.raises(ValueError, match="does not keep the limits"):
        improve(problem, everywhere, 0)
