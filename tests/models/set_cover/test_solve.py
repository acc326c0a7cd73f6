import math
import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.set_cover.feasible import covered_zones
from planner.models.set_cover.model import set_cover_model
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import SetCoverSolution, solve_set_cover
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.status import Status
from tests.models.set_cover.cover_cases import (
    brute_force,
    by_city,
    cover_problem,
    is_allowed,
    random_cover,
    small_problems,
    with_rules,
)

GOLDEN = Path(__file__).parent / "golden" / "set_cover.lp"
EXACT = SolveOptions(gap_frac=0.0)


def assert_honest(problem: SetCoverProblem, solution: SetCoverSolution) -> None:
    plan = solution.open_site_idx
    assert is_allowed(problem, set(plan.tolist()))
    assert solution.proof.objective == pytest.approx(problem.rules.cost[plan].sum())
    assert solution.proof.bound <= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)
    assert (solution.covered == covered_zones(problem, plan)).all()


def objective_of(problem: SetCoverProblem) -> float:
    try:
        return solve_set_cover(problem, EXACT).proof.objective
    except InfeasibleError:
        return math.inf


@given(small_problems())
@settings(max_examples=150, deadline=None)
def test_agrees_with_brute_force(problem: SetCoverProblem):
    best = brute_force(problem)
    if math.isinf(best):
        with pytest.raises(InfeasibleError):
            solve_set_cover(problem, EXACT)
        return
    solution = solve_set_cover(problem, EXACT)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(best, abs=1e-9)
    assert_honest(problem, solution)


@given(small_problems())
@settings(max_examples=30, deadline=None)
def test_asking_less_never_worsens(problem: SetCoverProblem):
    before = objective_of(problem) + 1e-9
    assert objective_of(with_rules(problem, most=problem.rules.most + 1)) <= before
    assert objective_of(with_rules(problem, budget=problem.rules.budget + 1.0)) <= before
    assert objective_of(replace(problem, min_share=problem.min_share / 2)) <= before
    assert objective_of(replace(problem, need=np.maximum(problem.need - 1, 0))) <= before
    assert objective_of(with_rules(problem, cities=None)) <= before


@given(small_problems(), st.integers(0, 7), st.integers(0, 6))
@settings(max_examples=50, deadline=None)
def test_farther_reach_never_worsens(problem: SetCoverProblem, zone: int, site: int):
    zone, site = zone % problem.num_zones, site % problem.num_sites
    reach = [set(problem.reach.row(j).tolist()) for j in range(problem.num_sites)]
    reach[site].add(zone)
    wider = cover_problem([sorted(zones) for zones in reach], problem.num_zones)
    wider = replace(problem, reach=wider.reach)
    assert objective_of(wider) <= objective_of(problem) + 1e-9


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_does_not_matter(problem: SetCoverProblem, random):
    zones, sites = list(range(problem.num_zones)), list(range(problem.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_zone = {old: new for new, old in enumerate(zones)}
    reach = [sorted(new_zone[zone] for zone in problem.reach.row(site).tolist()) for site in sites]
    shuffled = replace(
        cover_problem(reach, len(zones)),
        value=problem.value[zones],
        need=problem.need[zones],
        rules=problem.rules.of_sites(np.array(sites)),
        min_share=problem.min_share,
    )
    assert objective_of(shuffled) == pytest.approx(objective_of(problem), abs=1e-9)


def test_time_limit_and_stop_are_honest():
    problem = random_cover(1, 3000, 1500, 0.05)
    stop = threading.Event()
    stop.set()
    for options, event in ((SolveOptions(gap_frac=0.0, time_limit_s=1.0), None), (EXACT, stop)):
        solution = solve_set_cover(problem, options, stop=event)
        assert_honest(problem, solution)
        assert solution.proof.wall_s < 8.0


def test_same_seed_same_plan():
    problem = random_cover(1, 200, 80, 0.12, min_share=0.8)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    first, second = (solve_set_cover(problem, options) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert_honest(problem, first)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (cover_problem([[0], [0]], 2), "1 zones have too few sites"),
        (cover_problem([[0], [1]], 3, min_share=0.9), "cover 66.6667% .* 90.0000%"),
        (cover_problem([[0], [0]], 1, forced={0, 1}, max_stations=1), "2 sites are forced"),
        (cover_problem([[0], [0]], 1, min_stations=3), "at least 3"),
        (cover_problem([[0], [0]], 1, forced={0}, cost=[5, 1], budget=4), "cost 5.00"),
        (cover_problem([[0], [1]], 2, max_stations=1), "no choice of stations"),
        (cover_problem([[0]], 1, need=[2]), "too few sites"),
        (cover_problem([[0], [1]], 2, cities=by_city([0, 0], [0], [1])), "no choice of stations"),
        (cover_problem([[0], [1]], 2, cities=by_city([0, 0], [3], [4])), "city 0: at least 3"),
        (
            cover_problem([[0], [1]], 2, forced={0, 1}, cities=by_city([0, 0], [0], [1])),
            "city 0: 2 sites are forced",
        ),
    ],
)
def test_what_cannot_be_kept_is_named(problem: SetCoverProblem, message: str):
    with pytest.raises(InfeasibleError, match=message):
        solve_set_cover(problem, EXACT)


def test_cheap_plans_survive_the_presolve_of_cp_sat():
    """CP-SAT 9.15 loses the best plans of some such problems unless told to keep them."""
    rng = np.random.default_rng(961)
    for _ in range(12):
        near = rng.random((12, 30)) < 0.2
        problem = cover_problem(
            [np.flatnonzero(row).tolist() for row in near], 30,
            value=rng.choice([0.0, 1.0, 2.5, 7.3], 30).tolist(),
            need=np.minimum(rng.choice([0, 1, 2, 3], 30), near.sum(axis=0)).tolist(),
            cost=rng.integers(0, 3, 12).tolist(), min_share=0.6, min_stations=3, max_stations=7,
        )  # fmt: skip
        assert objective_of(problem) == pytest.approx(brute_force(problem), abs=1e-9)


def test_limits_by_city_are_rows_of_their_own():
    problem = cover_problem([[0], [0], [0]], 1, cities=by_city([0, 0, 1], [0, 1], [1, 1]))
    names = {row.name for row in set_cover_model(problem).proto.constraints if row.name}
    assert names == {"city_most_0", "city_least_1"}
    assert solve_set_cover(problem, EXACT).open_site_idx.tolist() == [2]


def test_whole_costs_round_the_bound_up():
    problem = random_cover(0, 2000, 900, 0.06, min_share=0.9)
    tens = with_rules(problem, cost=10.0 * problem.rules.cost)
    solution = solve_set_cover(tens, SolveOptions(gap_frac=0.1, time_limit_s=5.0))
    assert solution.proof.bound % 10.0 == 0.0
    assert_honest(tens, solution)


def test_progress_only_improves():
    told: list[Progress] = []
    problem = random_cover(4, 4000, 2500, 0.07, min_share=0.97)
    options = SolveOptions(gap_frac=0.0, time_limit_s=6.0)
    solution = solve_set_cover(problem, options, on_progress=told.append)
    assert tuple(told) == solution.proof.history
    assert {"greedy", "bound", "opening", "anneal", "done"} <= {one.stage for one in told}
    plans = [one.incumbent for one in told if one.incumbent is not None]
    bounds = [one.bound for one in told if one.bound is not None]
    assert plans == sorted(plans, reverse=True)
    assert bounds == sorted(bounds)
    assert bounds[-1] <= plans[-1] == solution.proof.objective
    assert solution.proof.gap_frac < 0.2


def test_limits_by_city_hold_on_larger_problems():
    cities = by_city((np.arange(600) % 5).tolist(), [0, 25, 0, 0, 0], [12, 40, 40, 40, 9])
    problem = with_rules(random_cover(5, 2500, 600, 0.07, min_share=0.7), cities=cities)
    solution = solve_set_cover(problem, SolveOptions(gap_frac=0.0, time_limit_s=8.0))
    assert cities.allow(solution.open_site_idx)
    assert_honest(problem, solution)
    free = solve_set_cover(with_rules(problem, cities=None), EXACT)
    assert free.proof.bound <= solution.proof.objective


def test_a_budget_below_the_bound_is_proven_too_small():
    problem = with_rules(random_cover(6, 3000, 1500, 0.05, min_share=0.9), budget=60.0)
    with pytest.raises(InfeasibleError, match=r"costs [\d,.]+ at least, the budget is 60\.00"):
        solve_set_cover(problem, SolveOptions(time_limit_s=20.0))


def test_several_stations_near_each_zone():
    problem = cover_problem([[0], [0, 1], [1], [0, 1]], 2, need=[2, 2])
    solution = solve_set_cover(problem, EXACT)
    assert solution.open_site_idx.tolist() == [1, 3]
    assert solution.share == 1.0


def test_nothing_to_cover_costs_nothing():
    solution = solve_set_cover(cover_problem([[]], 0), EXACT)
    assert (solution.proof.status, solution.proof.objective, solution.share) == (
        Status.OPTIMAL,
        0.0,
        1.0,
    )


def test_golden_model():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = cover_problem(
        [[0, 1], [1, 2], [2, 3]], 4, value=[1, 2, 3, 4], need=[1, 2, 1, 0], cost=[2, 3, 4],
        forced={2}, min_share=0.5, min_stations=1, max_stations=2, budget=8.0,
    )  # fmt: skip
    text = str(set_cover_model(problem).proto)
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
