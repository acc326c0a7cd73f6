import itertools
import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.solve import SizedCoverageSolution, solve_sized_coverage
from planner.models.sized_coverage.tuning import Tuning
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
    rules, cities = problem.rules, problem.rules.cities
    is_open = np.zeros(coverage.num_sites, dtype=bool)
    is_open[sites] = True
    assert (np.diff(sites) > 0).all()
    assert len(sites) <= rules.most
    assert is_open[rules.forced].all()
    assert not is_open[rules.forbidden].any()
    assert (problem.capacity[sites, types] > 0).all()
    assert rules.cost[sites, types].sum() <= rules.budget * (1 + 1e-9)
    in_city = np.bincount(cities.city_idx[sites], minlength=len(cities.min_stations))
    assert (in_city >= cities.min_stations).all()
    assert (in_city <= cities.max_stations).all()
    assert ((solution.served_frac >= 0) & (solution.served_frac <= 1)).all()
    assert solution.value == pytest.approx(coverage.value @ solution.served_frac, rel=1e-9)
    prices = station_price * len(sites) + money_price * rules.cost[sites, types].sum()
    assert solution.proof.objective == pytest.approx(solution.value - prices, rel=1e-9, abs=1e-9)
    assert solution.proof.bound >= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)


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
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(best, rel=1e-7, abs=1e-7)
    assert solution.proof.bound >= best - 1e-7 * max(1.0, abs(best))
    served = cut_service(problem, solution.open_site_idx.tolist(), solution.type_idx.tolist())
    assert solution.value == pytest.approx(served, rel=1e-9, abs=1e-9)
    assert_honest(problem, solution, station, money)


@given(small_sized_problems(), station_prices, money_prices)
@settings(max_examples=60, deadline=None)
def test_flows_close_what_cuts_leave_open(
    problem: SizedCoverageProblem, station: float, money: float
):
    best = brute_force(problem, station, money)
    if best is None:
        return
    solution = solve_sized_coverage(
        problem, SolveOptions(), station_price=station, money_price=money,
        tuning=Tuning(max_cut_rounds=1, max_mip_rounds=0, max_rounds=1),
    )  # fmt: skip
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(best, rel=1e-7, abs=1e-7)
    assert_honest(problem, solution, station, money)


def with_rules(problem: SizedCoverageProblem, **changes: object) -> SizedCoverageProblem:
    rules = replace(problem.rules, **changes)
    return replace(problem, coverage=replace(problem.coverage, rules=rules))


@given(small_sized_problems(), st.sampled_from(["budget", "capacity", "num_stations"]))
@settings(max_examples=30, deadline=None)
def test_more_of_anything_never_worsens(problem: SizedCoverageProblem, what: str):
    if brute_force(problem) is None:
        return
    more = {
        "budget": with_rules(problem, budget=problem.rules.budget + 1.0),
        "capacity": replace(problem, capacity=problem.capacity * 1.5),
        "num_stations": with_rules(problem, most=problem.rules.most + 1),
    }[what]
    lesser, greater = (solve_sized_coverage(each, DETERMINISTIC) for each in (problem, more))
    assert greater.proof.objective >= lesser.proof.objective - 1e-7


@given(small_sized_problems(), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_of_zones_and_sites_does_not_matter(problem: SizedCoverageProblem, random):
    if brute_force(problem) is None:
        return
    coverage, rules, reach = problem.coverage, problem.rules, reach_lists(problem.coverage)
    zones, sites = list(range(coverage.num_zones)), list(range(coverage.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_zone = {old: new for new, old in enumerate(zones)}
    shuffled = sized_problem(
        coverage.value[zones].tolist(),
        problem.load[zones].tolist(),
        [sorted(new_zone[zone] for zone in reach[site]) for site in sites],
        problem.capacity[sites].tolist(),
        rules.cost[sites].tolist(),
        num_stations=rules.most,
        budget=rules.budget,
        city=rules.cities.city_idx[sites].tolist(),
        minima=rules.cities.min_stations.tolist(),
        maxima=rules.cities.max_stations.tolist(),
        forced={new for new, old in enumerate(sites) if rules.forced[old]},
        forbidden={new for new, old in enumerate(sites) if rules.forbidden[old]},
    )
    first, second = (solve_sized_coverage(each, DETERMINISTIC) for each in (problem, shuffled))
    assert first.proof.objective == pytest.approx(second.proof.objective, rel=1e-7, abs=1e-7)


def test_slack_capacity_needs_no_cut_and_history_is_monotone():
    seen: list[Progress] = []
    solution = solve_sized_coverage(SLACK, SolveOptions(gap_frac=0.0), on_progress=seen.append)
    assert solution.proof.status is Status.OPTIMAL
    assert solution.num_cuts == 0
    assert_honest(SLACK, solution)
    assert tuple(seen) == solution.proof.history
    for earlier, later in itertools.pairwise(solution.proof.history):
        assert later.elapsed_s >= earlier.elapsed_s
        assert later.incumbent >= earlier.incumbent
        assert later.bound <= earlier.bound * (1 + 1e-12)


def test_scarce_capacity_is_cut_and_close_to_its_bound():
    solution = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.05, time_limit_s=60.0))
    assert solution.num_cuts > 0
    assert solution.proof.gap_frac <= 0.05
    assert_honest(SCARCE, solution)


def test_stopped_run_is_feasible_with_a_valid_bound():
    solution = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.0, time_limit_s=1e-3))
    assert solution.proof.status is Status.FEASIBLE
    assert solution.proof.gap_frac > 0.01
    assert_honest(SCARCE, solution)
    better = solve_sized_coverage(SCARCE, SolveOptions(gap_frac=0.05))
    assert solution.proof.bound >= better.proof.objective


def test_stop_request_ends_the_search():
    stop = threading.Event()

    def stop_at(progress: Progress) -> None:
        if progress.stage == "relaxation":
            stop.set()

    options = SolveOptions(gap_frac=0.0, time_limit_s=60.0)
    solution = solve_sized_coverage(SCARCE, options, on_progress=stop_at, stop=stop)
    assert solution.proof.wall_s < 20.0
    assert_honest(SCARCE, solution)


def test_same_seed_same_plan():
    problem = random_sized_problem(4, num_zones=300, num_sites=40, demand_frac=1.0, num_bought=10)
    first, second = (solve_sized_coverage(problem, DETERMINISTIC) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert first.type_idx.tolist() == second.type_idx.tolist()
    assert (first.proof.objective, first.proof.bound) == (
        second.proof.objective,
        second.proof.bound,
    )


def test_hint_is_kept_if_good_and_passed_over_if_not():
    options = SolveOptions(gap_frac=0.02)
    solution = solve_sized_coverage(SCARCE, options)
    hint = (solution.open_site_idx, solution.type_idx)
    short = SolveOptions(gap_frac=0.0, time_limit_s=1e-3)
    again = solve_sized_coverage(SCARCE, short, hint=hint)
    assert again.proof.objective == pytest.approx(solution.proof.objective, rel=1e-9)
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
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(expected, rel=1e-12)
    assert_honest(problem, solution)


def test_smallest_type_that_carries_the_load_when_money_plays_no_part():
    problem = sized_problem([4.0, 1.0], [2.0, 9.0], [[0], [1]], [[3.0, 9.0]] * 2, [[1.0, 2.0]] * 2)
    solution = solve_sized_coverage(problem, SolveOptions())
    assert solution.type_idx.tolist() == [0, 1]


def test_without_cities_there_is_one_without_limits():
    solution = solve_sized_coverage(with_rules(SLACK, cities=None), DETERMINISTIC)
    everywhere = solve_sized_coverage(SLACK, DETERMINISTIC)
    assert solution.open_site_idx.tolist() == everywhere.open_site_idx.tolist()


def test_least_number_of_stations_is_refused():
    with pytest.raises(ValueError, match="least number of stations"):
        solve_sized_coverage(with_rules(SLACK, least=1), SolveOptions())


def test_tuning_limits_the_work():
    tuning = Tuning(max_cut_rounds=1, max_rounds=1, first_steps=3, max_mip_rounds=1, first_nodes=1)
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    solution = solve_sized_coverage(SCARCE, options, tuning=tuning)
    stages = [progress.stage for progress in solution.proof.history]
    assert stages.count("relaxation") == stages.count("exact") == 1
    assert "3 removals and insertions" in {each.message for each in solution.proof.history}
    assert_honest(SCARCE, solution)


def test_a_slow_relaxation_leaves_the_time_to_cuts_and_search():
    problem = random_sized_problem(1, num_zones=1500, num_sites=100, demand_frac=1.3, num_bought=25)
    stages: list[str] = []
    stop = threading.Event()

    def listen(progress: Progress) -> None:
        stages.append(progress.stage)
        if stages.count("improve") == 2 or progress.stage == "exact":
            stop.set()

    # The share of the relaxation is over before its cuts are.
    tuning = Tuning(relaxation_share=0.0, min_round_gain=-1.0)
    options = SolveOptions(gap_frac=0.0, time_limit_s=60.0)
    solution = solve_sized_coverage(problem, options, tuning=tuning, on_progress=listen, stop=stop)
    assert "exact" not in stages
    assert stages.count("improve") == 2
    assert solution.proof.objective < solution.proof.bound
