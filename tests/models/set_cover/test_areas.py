import math

import numpy as np
import pytest

from planner.models.set_cover.areas import area_problem
from planner.models.set_cover.dual import improve_cover_bound, lagrangian_cost
from planner.models.set_cover.presolve import cover_task
from planner.models.set_cover.solve import solve_set_cover
from planner.models.set_cover.tuning import Tuning
from planner.solving.options import SolveOptions
from tests.models.set_cover.cover_cases import brute_force, random_cover, with_rules
from tests.models.set_cover.test_search import twice

SMALL = [
    random_cover(0, 60, 14, 0.25),
    random_cover(1, 60, 14, 0.25, whole_costs=True),
    twice(random_cover(2, 40, 12, 0.3)),
]


@pytest.mark.parametrize("problem", SMALL)
@pytest.mark.parametrize("seed", range(3))
def test_areas_lie_between_relaxation_and_optimum(problem, seed: int):
    nowhere = np.zeros(problem.num_sites, dtype=np.bool_)
    task = cover_task(problem, nowhere, nowhere)
    rng = np.random.default_rng(seed)
    points = improve_cover_bound(task, np.arange(task.num_sites))
    point = next(point for point in points if point.iterations >= 400)
    # Multipliers of any quality make a bound; some rows are worth nothing.
    for multiplier in (task.row_scale * point.share, rng.exponential(0.1, task.num_rows)):
        multiplier = np.where(rng.random(task.num_rows) < 0.2, 0.0, multiplier)
        area_of_row = rng.integers(0, 3, task.num_rows)
        areas = [area_problem(task, multiplier, area_of_row == area) for area in range(3)]
        costs = [brute_force(area) for area, _ in areas]
        total = math.fsum(relaxed for _, relaxed in areas)
        assert total == pytest.approx(lagrangian_cost(task, multiplier / task.row_scale))
        for cost, (_, relaxed) in zip(costs, areas, strict=True):
            assert cost >= relaxed - 1e-9
        assert math.fsum(costs) <= brute_force(problem) - task.base_cost + 1e-9
        shares = sum(area.rules.cost for area, _ in areas)
        assert shares == pytest.approx(task.cost)


def test_areas_raise_the_bound_beyond_the_relaxation():
    problem = random_cover(4, 900, 500, 0.07)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    fast = {"max_rounds": 1, "always_exact_arcs": 0, "max_exact_arcs": 0, "area_stations": 8.0}
    bounds = {
        most: solve_set_cover(
            problem, options, tuning=Tuning(max_area_arcs=most, **fast)
        ).proof.bound
        for most in (0, 10**6)
    }
    assert bounds[0] < bounds[10**6]


def test_numbers_leave_areas_out():
    problem = with_rules(random_cover(5, 300, 100, 0.15), least=40, cost=np.arange(1.0, 101.0))
    told: list[str] = []
    solve_set_cover(
        problem,
        SolveOptions(gap_frac=0.0, deterministic=True),
        tuning=Tuning(max_rounds=1, always_exact_arcs=0, max_exact_arcs=0),
        on_progress=lambda progress: told.append(progress.stage),
    )
    assert "areas" not in told
