import itertools
import math
import os
import pickle
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.search import Limits
from planner.models.sized_coverage.service import merge_sized_rows, separate_capacity
from planner.models.sized_coverage.solve import (
    SizedCoverageSolution,
    SizedModel,
    sized_coverage_mip,
    solve_sized_coverage,
)
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.status import Status
from tests.models.coverage.coverage_cases import reach_lists
from tests.models.sized_coverage.sized_cases import (
    brute_force,
    cut_service,
    random_sized_problem,
    sized_problem,
    small_sized_problems,
)

GOLDEN = Path(__file__).parent / "golden"
DETERMINISTIC = SolveOptions(deterministic=True)
SLACK = random_sized_problem(1, num_zones=400, num_sites=60, demand_frac=0.3, num_bought=12)
SCARCE = random_sized_problem(2, num_zones=1500, num_sites=80, demand_frac=1.3, num_bought=16)
station_prices = st.sampled_from([0.0, 0.5, 2.0])
money_prices = st.sampled_from([0.0, 0.0, 0.3])


def assert_honest(
    problem: SizedCoverageProblem,
    solution: SizedCoverageSolution,
    station_price: float = 0.0,
    money_price: float = 0.0,
) -> None:
    """Everything a reader may rely on, whatever ended the search."""
    sites, types, coverage = solution.open_site_idx, solution.type_idx, problem.coverage
    is_open = np.zeros(coverage.num_sites, dtype=bool)
    is_open[sites] = True
    assert (np.diff(sites) > 0).all()
    assert len(sites) <= coverage.num_stations
    assert is_open[coverage.forced].all()
    assert not is_open[coverage.forbidden].any()
    assert (problem.capacity[sites, types] > 0).all()
    assert problem.cost[sites, types].sum() <= problem.budget * (1 + 1e-9)
    in_city = np.bincount(coverage.city_idx[sites], minlength=len(problem.min_stations))
    assert (in_city >= problem.min_stations).all()
    assert (in_city <= problem.max_stations).all()
    assert ((solution.served_frac >= 0) & (solution.served_frac <= 1)).all()
    assert solution.value == pytest.approx(coverage.value @ solution.served_frac, rel=1e-9)
    prices = station_price * len(sites) + money_price * problem.cost[sites, types].sum()
    assert solution.objective == pytest.approx(solution.value - prices, rel=1e-9, abs=1e-9)
    assert solution.bound >= solution.objective
    assert (solution.status is Status.OPTIMAL) == (solution.gap_frac <= 1e-9)


@given(small_sized_problems(), station_prices, money_prices)
@settings(max_examples=150, deadline=None)
def test_agrees_with_brute_force(problem: SizedCoverageProblem, station: float, money: float):
    best = brute_force(problem, station, money)
    if best is None:
        with pytest.raises(InfeasibleError):
            solve_sized_coverage(problem, SolveOptions(), station_price=station, money_price=money)
        return
    solution = solve_sized_coverage(
        problem, SolveOptions(), station_price=station, money_price=money
    )
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(best, rel=1e-7, abs=1e-7)
    assert solution.bound >= best - 1e-7 * max(1.0, abs(best))
    served = cut_service(problem, solution.open_site_idx.tolist(), solution.type_idx.tolist())
    assert solution.value == pytest.approx(served, rel=1e-9, abs=1e-9)
    assert_honest(problem, solution, station, money)


@given(small_sized_problems(), st.sampled_from(["budget", "capacity", "num_stations"]))
@settings(max_examples=30, deadline=None)
def test_more_of_anything_never_worsens(problem: SizedCoverageProblem, what: str):
    if brute_force(problem) is None:
        return
    more = {
        "budget": replace(problem, budget=problem.budget + 1.0),
        "capacity": replace(problem, capacity=problem.capacity * 1.5),
        "num_stations": replace(
            problem,
            coverage=replace(problem.coverage, num_stations=problem.coverage.num_stations + 1),
        ),
    }[what]
    lesser, greater = (solve_sized_coverage(each, DETERMINISTIC) for each in (problem, more))
    assert greater.objective >= lesser.objective - 1e-7


@given(small_sized_problems(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_zones_and_sites_does_not_matter(problem: SizedCoverageProblem, random):
    if brute_force(problem) is None:
        return
    coverage, reach = problem.coverage, reach_lists(problem.coverage)
    zones, sites = list(range(coverage.num_zones)), list(range(coverage.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_zone = {old: new for new, old in enumerate(zones)}
    shuffled = sized_problem(
        coverage.value[zones].tolist(),
        problem.load[zones].tolist(),
        [sorted(new_zone[zone] for zone in reach[site]) for site in sites],
        problem.capacity[sites].tolist(),
        problem.cost[sites].tolist(),
        num_stations=coverage.num_stations,
        budget=problem.budget,
        city=coverage.city_idx[sites].tolist(),
        minima=problem.min_stations.tolist(),
        maxima=problem.max_stations.tolist(),
        forced={new for new, old in enumerate(sites) if coverage.forced[old]},
        forbidden={new for new, old in enumerate(sites) if coverage.forbidden[old]},
    )
    first, second = (solve_sized_coverage(each, DETERMINISTIC) for each in (problem, shuffled))
    assert first.objective == pytest.approx(second.objective, rel=1e-7, abs=1e-7)


def test_slack_capacity_needs_no_cut_and_history_is_monotone():
    seen: list[Progress] = []
    solution = solve_sized_coverage(SLACK, SolveOptions(gap_frac=0.0), on_progress=seen.append)
    assert solution.status is Status.OPTIMAL
    assert solution.num_cuts == 0
    assert_honest(SLACK, solution)
    assert tuple(seen) == solution.history
    for earlier, later in itertools.pairwise(solution.history):
        assert later.elapsed_s >= earlier.elapsed_s
        assert later.incumbent >= earlier.incumbent
        assert later.bound <= earlier.bound * (1 + 1e-12)


def test_scarce_capacity_is_cut_and_close_to_its_bound():
    solution = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.05, time_limit_s=60.0))
    assert solution.num_cuts > 0
    assert solution.gap_frac <= 0.05
    assert_honest(SCARCE, solution)


def test_stopped_run_is_feasible_with_a_valid_bound():
    solution = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.0, time_limit_s=1e-3))
    assert solution.status is Status.FEASIBLE
    assert solution.gap_frac > 0.01
    assert_honest(SCARCE, solution)
    better = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.05))
    assert solution.bound >= better.objective


def test_stop_request_ends_the_search():
    stop = threading.Event()

    def stop_at(progress: Progress) -> None:
        if progress.stage == "relaxation":
            stop.set()

    options = SolveOptions(gap_frac=0.0, time_limit_s=60.0)
    solution = solve_sized_coverage(SCARCE, options, on_progress=stop_at, stop=stop)
    assert solution.wall_s < 20.0
    assert_honest(SCARCE, solution)


def test_same_seed_same_plan():
    problem = random_sized_problem(4, num_zones=300, num_sites=40, demand_frac=1.0, num_bought=10)
    first, second = (solve_sized_coverage(problem, DETERMINISTIC) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert first.type_idx.tolist() == second.type_idx.tolist()
    assert (first.objective, first.bound) == (second.objective, second.bound)


def test_hint_is_kept_if_good_and_passed_over_if_not():
    options = SolveOptions(gap_frac=0.02)
    solution = solve_sized_coverage(SCARCE, options)
    hint = (solution.open_site_idx, solution.type_idx)
    short = SolveOptions(gap_frac=0.0, time_limit_s=1e-3)
    again = solve_sized_coverage(SCARCE, short, hint=hint)
    assert again.objective == pytest.approx(solution.objective, rel=1e-9)
    everything = np.arange(SCARCE.coverage.num_sites)
    poor = solve_sized_coverage(SCARCE, short, hint=(everything, np.zeros_like(everything)))
    assert_honest(SCARCE, poor)


def test_problem_and_solution_travel_between_processes():
    problem = pickle.loads(pickle.dumps(SLACK))
    solution = solve_sized_coverage(problem, SolveOptions(gap_frac=0.1))
    copied = pickle.loads(pickle.dumps(solution))
    assert copied.open_site_idx.tolist() == solution.open_site_idx.tolist()


def test_prices_are_not_negative():
    with pytest.raises(ValueError, match="must be >= 0"):
        solve_sized_coverage(SLACK, SolveOptions(), station_price=-1.0)


def three_sites(**limits: object) -> SizedCoverageProblem:
    return sized_problem(
        [1.0, 2.0], [1.0, 1.0], [[0], [0, 1], [1]], [[1.0, 2.0]] * 3,
        [[30e6, 40e6], [32e6, 40e6], [50e6, 60e6]], **limits,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"num_stations": -1}, r"-1 stations, below zero"),
        ({"budget": -5e6}, r"budget is -5 M, below zero"),
        ({"forced": {0, 1}, "num_stations": 1}, r"2 sites are forced open.*allows 1 stations"),
        ({"forced": {0, 1}, "budget": 50e6}, r"committed stations cost 62 M, budget 50 M"),
        (
            {"city": [0, 0, 1], "minima": [1, 1], "budget": 70e6},
            r"forced sites and city minima cost 80 M, budget 70 M",
        ),
        ({"minima": [4]}, r"city 0: minimum 4 exceeds its 3 usable sites"),
        ({"minima": [2], "forbidden": {0, 1}}, r"city 0: minimum 2 exceeds its 1 usable sites"),
        ({"minima": [2], "maxima": [1]}, r"city 0: minimum 2 exceeds maximum 1"),
        ({"forced": {0, 1}, "maxima": [1]}, r"city 0: 2 sites are forced open, its maximum is 1"),
        (
            {"city": [0, 0, 1], "minima": [1, 1], "num_stations": 1},
            r"take 2 stations, but the budget allows 1",
        ),
    ],
)
def test_reason_of_infeasibility_is_named(limits: dict[str, object], reason: str):
    with pytest.raises(InfeasibleError, match=reason):
        solve_sized_coverage(three_sites(**limits), SolveOptions())


def test_forced_site_that_no_type_fits_is_named():
    problem = sized_problem([1.0], [1.0], [[0], [0]], [[0.0], [1.0]], [[1.0], [1.0]], forced={0})
    with pytest.raises(InfeasibleError, match=r"no station type fits site 0, which is forced"):
        solve_sized_coverage(problem, SolveOptions())


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (sized_problem([], [], [], [], []), 0.0),
        (sized_problem([1.0], [1.0], [[]], [[1.0]], [[1.0]]), 0.0),
        (sized_problem([4.0], [2.0], [[0]], [[1.0]], [[1.0]]), 2.0),
        (sized_problem([4.0], [2.0], [[0], [0]], [[1.0], [0.5]], [[1.0], [1.0]]), 3.0),
        (sized_problem([4.0], [0.0], [[0]], [[1.0]], [[1.0]], budget=0.5), 0.0),
        (sized_problem([4.0], [9.0], [[0]], [[1.0, 3.0]], [[1.0, 2.0]], budget=2.0), 12.0 / 9.0),
    ],
)
def test_edges(problem: SizedCoverageProblem, expected: float):
    solution = solve_sized_coverage(problem, SolveOptions())
    assert solution.status is Status.OPTIMAL
    assert solution.objective == pytest.approx(expected, rel=1e-12)
    assert_honest(problem, solution)


def test_smallest_type_that_carries_the_load_when_money_plays_no_part():
    problem = sized_problem([4.0, 1.0], [2.0, 9.0], [[0], [1]], [[3.0, 9.0]] * 2, [[1.0, 2.0]] * 2)
    solution = solve_sized_coverage(problem, SolveOptions())
    assert solution.type_idx.tolist() == [0, 1]


def test_golden_lp():
    """Set ``PLANNER_WRITE_GOLDEN=1`` to write the file anew after a change that is meant."""
    problem = sized_problem(
        [3.0, 1.0, 4.0, 1.0, 5.0], [1.0, 0.5, 1.0, 0.0, 2.0],
        [[0, 1], [1, 2, 3], [2, 4], [0, 4], [3]],
        [[1.0, 2.0], [1.0, 2.0], [2.0, 0.0], [1.0, 2.5], [1.0, 2.0]],
        [[3.0, 5.0], [3.0, 5.0], [3.0, 5.0], [4.0, 6.0], [3.0, 5.0]],
        num_stations=3, budget=12.0, city=[0, 0, 0, 1, 1], minima=[1, 0], maxima=[2, 9],
        forced={4}, forbidden={0},
    )  # fmt: skip
    rows = merge_sized_rows(problem)
    limits = Limits(
        option_price=0.1 + 0.01 * rows.cost,
        resource_price=np.zeros(rows.num_options),
        num_stations=3,
        budget=12.0,
        min_stations=problem.min_stations,
        max_stations=problem.max_stations,
    )
    model = SizedModel(rows, limits, np.ones(rows.num_options, dtype=bool), rows.forced)
    opening = np.full(rows.num_options, 0.4)
    cuts = separate_capacity(rows, np.ones(rows.num_rows), opening)
    assert cuts
    text = sized_coverage_mip(model, cuts[:1]).export_to_lp_string()
    path = GOLDEN / "sized_coverage.lp"
    if os.environ.get("PLANNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert math.isfinite(model.bounds[1].sum())
