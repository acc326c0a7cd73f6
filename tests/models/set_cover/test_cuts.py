import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.arrays import Lists
from planner.models.set_cover.areas import area_model, area_problem
from planner.models.set_cover.cuts import (
    CutPoint,
    feasible_multipliers,
    improve_by_cuts,
    with_cuts,
)
from planner.models.set_cover.dual import fix_by_bound, improve_cover_bound, lagrangian_cost
from planner.models.set_cover.presolve import CoverTask, cover_task, reduce_cover
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.models.set_cover.tuning import Tuning
from planner.solving.mip import solve_mip
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.status import Status
from tests.models.set_cover.cover_cases import brute_force, cover_problem, random_cover, with_rules
from tests.models.set_cover.test_search import twice

TRIANGLES = cover_problem([[0, 1], [1, 2], [0, 2], [3, 4], [4, 5], [3, 5]], 6)
"""Four stations cover all; halves of all six sites cover all in part, which is three."""


def whole_task(problem: SetCoverProblem) -> CoverTask:
    """Nothing but merged rows: no site is dropped."""
    nowhere = np.zeros(problem.num_sites, dtype=np.bool_)
    return cover_task(problem, nowhere, nowhere)


def random_sets(task: CoverTask, rng: np.random.Generator) -> Lists:
    sizes = [size for size in (3, 5, 7) if size <= task.num_rows] * 4
    return Lists.of([np.sort(rng.permutation(task.num_rows)[:size]) for size in sizes])


def plans_of(task: CoverTask) -> list[np.ndarray]:
    """All choices of sites that cover all rows."""
    near = np.zeros((task.num_rows, task.num_sites))
    near[task.sites_of_row.owner, task.sites_of_row.idx] = 1
    plans = (np.array(plan) for plan in itertools.product((0, 1), repeat=task.num_sites))
    return [plan for plan in plans if (near @ plan >= task.need).all()]


def last_point(task: CoverTask, iterations: int, seed: int = 0) -> CutPoint | None:
    points = improve_cover_bound(task, np.arange(task.num_sites))
    start = next(point for point in points if point.iterations >= 400)
    found = None
    for found in improve_by_cuts(task, start, np.random.default_rng(seed), Tuning()):
        if found.point.iterations >= iterations:
            break
    return found


@st.composite
def small_tasks(draw: st.DrawFn) -> CoverTask:
    num_zones, num_sites = draw(st.integers(3, 9)), draw(st.integers(2, 7))
    zones = st.sets(st.integers(0, num_zones - 1)).map(sorted)
    reach = draw(st.lists(zones, min_size=num_sites, max_size=num_sites))
    assume(set().union(*reach) == set(range(num_zones)))
    cost = draw(st.lists(st.sampled_from([1.0, 1.7, 3.0]), min_size=num_sites, max_size=num_sites))
    return whole_task(cover_problem(reach, num_zones, cost=cost))


@given(small_tasks(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_every_plan_keeps_every_cut_and_no_prices_bound_too_much(task: CoverTask, seed: int):
    rng = np.random.default_rng(seed)
    longer = with_cuts(task, random_sets(task, rng))
    plans = plans_of(task)
    best = task.base_cost + min(float(task.cost @ plan) for plan in plans)
    for plan in plans:
        for row in range(longer.num_rows):
            assert plan[longer.sites_of_row.row(row)].sum() >= longer.need[row]
    for scale in (0.1, 1.0, 30.0):
        multiplier = scale * rng.random(longer.num_rows)
        assert lagrangian_cost(longer, multiplier / longer.row_scale) <= best + 1e-9
        feasible = feasible_multipliers(longer, multiplier)
        bound = lagrangian_cost(longer, feasible / longer.row_scale)
        assert bound == pytest.approx(longer.base_cost + longer.need @ feasible)
        assert bound <= best + 1e-9


def test_cuts_by_hand():
    task = whole_task(TRIANGLES)
    longer = with_cuts(task, Lists.of([[0, 1, 2], [3, 4, 5]]))
    assert longer.need.tolist() == [1] * 6 + [2, 2]
    assert [longer.sites_of_row.row(row).tolist() for row in (6, 7)] == [[0, 1, 2], [3, 4, 5]]
    # A site counts twice where it reaches all three rows.
    everything = whole_task(cover_problem([[0, 1, 2], [0], [1], [2]], 3))
    assert with_cuts(everything, Lists.of([[0, 1, 2]])).sites_of_row.row(3).tolist() == [
        0, 0, 1, 2, 3,
    ]  # fmt: skip
    prices = np.array([0.0] * 6 + [1.0, 1.0])
    assert lagrangian_cost(longer, prices / longer.row_scale) == 4.0 == brute_force(TRIANGLES)


def test_sets_that_do_not_round_are_refused():
    task = whole_task(TRIANGLES)
    with pytest.raises(ValueError, match="odd"):
        with_cuts(task, Lists.of([[0, 1]]))
    with pytest.raises(ValueError, match="odd"):
        with_cuts(whole_task(twice(random_cover(2, 40, 12, 0.3))), Lists.of([[0, 1, 2]]))


def test_cuts_close_the_gap_of_the_relaxation():
    task = whole_task(TRIANGLES)
    relaxation = next(
        point for point in improve_cover_bound(task, np.arange(6)) if point.iterations >= 400
    )
    assert relaxation.bound == pytest.approx(3.0, abs=1e-3)
    found = last_point(task, 1_000)
    assert found is not None
    assert found.num_cuts == 2
    assert found.point.bound == pytest.approx(4.0, abs=1e-3)
    assert found.point.bound <= 4.0 + 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_bound_with_cuts_holds_and_fixing_keeps_better_plans(seed: int):
    problem = random_cover(seed, 60, 13, 0.25, whole_costs=seed % 2 == 1)
    task = whole_task(problem)
    found = last_point(task, 600, seed)
    if found is None:
        return
    best = brute_force(problem)
    assert found.point.bound <= best + 1e-9
    assert found.point.bound == pytest.approx(lagrangian_cost(found.task, found.point.share))
    ceiling = 1.3 * best
    always, never = fix_by_bound(found.task, found.point, ceiling)
    for plan in plans_of(task):
        if task.base_cost + task.cost @ plan <= ceiling:
            assert plan[always].all()
            assert not plan[never].any()


@pytest.mark.parametrize("seed", range(4))
def test_areas_with_cuts_stay_below_the_optimum(seed: int):
    problem = random_cover(seed, 60, 13, 0.25)
    task = whole_task(problem)
    rng = np.random.default_rng(seed)
    longer = with_cuts(task, random_sets(task, rng))
    multiplier = rng.exponential(0.05, longer.num_rows)
    area_of_row = rng.integers(0, 2, longer.num_rows)
    total, relaxed_total = 0.0, 0.0
    for area in range(2):
        part, relaxed = area_problem(longer, multiplier, area_of_row == area)
        left = reduce_cover(part)
        cost = left.base_cost
        if left.num_rows:
            # A site listed twice in a row is no error to SCIP.
            result = solve_mip(area_model(left).to_ortools())
            assert result.status is Status.OPTIMAL
            cost -= result.bound
        assert cost == pytest.approx(brute_force(part))
        total += cost
        relaxed_total += relaxed
    assert relaxed_total == pytest.approx(lagrangian_cost(longer, multiplier / longer.row_scale))
    assert relaxed_total <= total + 1e-9
    assert total <= brute_force(problem) - task.base_cost + 1e-6


def test_cuts_raise_the_bound_of_a_solve():
    cost = np.random.default_rng(0).uniform(1.0, 1.5, 500)
    problem = with_rules(random_cover(4, 900, 500, 0.07), cost=cost)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    fast = {"max_rounds": 1, "always_exact_arcs": 0, "max_exact_arcs": 0, "area_nodes": 1}
    told: list[Progress] = []
    solve_set_cover(problem, options, tuning=Tuning(**fast), on_progress=told.append)
    bounds = [progress for progress in told if progress.stage == "bound"]
    without = [progress.bound for progress in bounds if "primal-dual" in progress.message]
    cut = [progress.bound for progress in bounds if progress.message.endswith(" cuts")]
    assert cut[-1] > 1.01 * without[-1]
    assert told[-1].bound >= cut[-1]
