import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.solve import CoverageSolution, coverage_value, solve_coverage
from planner.models.coverage.tuning import Tuning
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from planner.solving.rules import CityLimits
from planner.solving.status import Status
from tests.models.coverage.coverage_cases import (
    brute_force,
    coverage_problem,
    plain_value,
    random_problem,
    reach_lists,
    small_problems,
)

DETERMINISTIC = SolveOptions(deterministic=True)
MEDIUM = random_problem(7, num_zones=3000, num_sites=400, num_stations=30, radius=0.12)


def assert_honest(problem: CoverageProblem, solution: CoverageSolution) -> None:
    """Everything a reader may rely on, whatever ended the search."""
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[solution.open_site_idx] = True
    assert solution.open_site_idx.dtype == np.int64
    assert (np.diff(solution.open_site_idx) > 0).all()
    assert is_open.sum() <= problem.rules.most
    assert is_open[problem.rules.forced].all()
    assert not is_open[problem.rules.forbidden].any()
    value = plain_value(problem, set(solution.open_site_idx.tolist()))
    assert solution.proof.objective == pytest.approx(value, rel=1e-12)
    assert solution.proof.bound >= solution.proof.objective
    assert (solution.proof.status is Status.OPTIMAL) == (solution.proof.gap_frac <= 1e-9)


@given(small_problems())
@settings(max_examples=100, deadline=None)
def test_agrees_with_brute_force(problem: CoverageProblem):
    solution = solve_coverage(problem, SolveOptions())
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == pytest.approx(brute_force(problem), rel=1e-12)
    assert_honest(problem, solution)


@given(small_problems())
@settings(max_examples=40, deadline=None)
def test_more_budget_never_worsens(problem: CoverageProblem):
    more = coverage_problem(
        problem.value.tolist(),
        [sorted(zones) for zones in reach_lists(problem)],
        problem.rules.most + 1,
        forced=set(np.flatnonzero(problem.rules.forced).tolist()),
        forbidden=set(np.flatnonzero(problem.rules.forbidden).tolist()),
    )
    lesser, greater = (
        solve_coverage(each, DETERMINISTIC).proof.objective for each in (problem, more)
    )
    assert greater >= lesser


@given(small_problems(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_of_rows_and_sites_does_not_matter(problem: CoverageProblem, random):
    reach = reach_lists(problem)
    zones, sites = list(range(problem.num_zones)), list(range(problem.num_sites))
    random.shuffle(zones)
    random.shuffle(sites)
    new_zone = {old: new for new, old in enumerate(zones)}
    shuffled = coverage_problem(
        problem.value[zones].tolist(),
        [sorted(new_zone[zone] for zone in reach[site]) for site in sites],
        problem.rules.most,
        forced={new for new, old in enumerate(sites) if problem.rules.forced[old]},
        forbidden={new for new, old in enumerate(sites) if problem.rules.forbidden[old]},
    )
    first, second = (solve_coverage(each, DETERMINISTIC) for each in (problem, shuffled))
    assert first.proof.objective == pytest.approx(second.proof.objective, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_medium_problem_is_proven_and_history_is_monotone(seed: int):
    problem = random_problem(seed, num_zones=500, num_sites=60, num_stations=8, radius=0.15)
    seen: list[Progress] = []
    solution = solve_coverage(problem, SolveOptions(), on_progress=seen.append)
    assert solution.proof.status is Status.OPTIMAL
    assert_honest(problem, solution)
    assert tuple(seen) == solution.proof.history
    for earlier, later in itertools.pairwise(solution.proof.history):
        assert later.elapsed_s >= earlier.elapsed_s
        assert later.incumbent >= earlier.incumbent
        assert later.bound <= earlier.bound
    assert {"greedy", "swap", "bound", "done"} <= {progress.stage for progress in seen}


def test_scip_closes_what_the_relaxation_leaves_open():
    # Sites are the corners of a tetrahedron, zones its edges: halves of two stations cover all.
    problem = coverage_problem([1.0] * 6, [[0, 1, 2], [0, 3, 4], [1, 3, 5], [2, 4, 5]], 2)
    solution = solve_coverage(problem, SolveOptions())
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == solution.proof.bound == 5.0
    assert "exact" in {progress.stage for progress in solution.proof.history}


def test_same_seed_same_plan():
    first, second = (solve_coverage(MEDIUM, DETERMINISTIC) for _ in range(2))
    assert first.open_site_idx.tolist() == second.open_site_idx.tolist()
    assert (first.proof.objective, first.proof.bound) == (
        second.proof.objective,
        second.proof.bound,
    )


def test_deterministic_work_does_not_look_at_the_clock():
    hurried = SolveOptions(deterministic=True, time_limit_s=1e-9)
    calm = solve_coverage(MEDIUM, DETERMINISTIC)
    assert solve_coverage(MEDIUM, hurried).open_site_idx.tolist() == calm.open_site_idx.tolist()


@pytest.mark.parametrize("gap_frac", [0.0, 0.01])
def test_time_limit_gives_a_plan_that_is_not_called_optimal(gap_frac: float):
    solution = solve_coverage(MEDIUM, SolveOptions(gap_frac=gap_frac, time_limit_s=1e-6))
    assert solution.proof.status is Status.FEASIBLE
    assert solution.proof.gap_frac > 0.01
    assert_honest(MEDIUM, solution)


@pytest.mark.parametrize("stage", ["greedy", "bound", "swap", "anneal"])
def test_stop_gives_the_best_plan_so_far(stage: str):
    stop = threading.Event()
    options = SolveOptions(gap_frac=0.0, time_limit_s=30.0)
    seen: list[Progress] = []

    def stop_at(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == stage:
            stop.set()

    solution = solve_coverage(MEDIUM, options, on_progress=stop_at, stop=stop)
    assert_honest(MEDIUM, solution)
    assert solution.proof.wall_s < 10.0
    assert solution.proof.objective >= seen[0].incumbent
    assert seen[-1].stage == "done"


def test_gap_target_ends_the_search():
    tuning = Tuning(always_exact_arcs=0)
    solution = solve_coverage(MEDIUM, SolveOptions(gap_frac=0.05), tuning=tuning)
    assert solution.proof.gap_frac <= 0.05
    assert "exact" not in {progress.stage for progress in solution.proof.history}
    assert_honest(MEDIUM, solution)


def test_too_many_forced_sites_are_named():
    problem = coverage_problem([1.0], [[0], [0], [0]], 1, forced={0, 2})
    with pytest.raises(InfeasibleError, match=r"2 sites are forced open.*1 stations"):
        solve_coverage(problem, SolveOptions())


def test_negative_budget_is_named():
    with pytest.raises(InfeasibleError, match="below zero"):
        solve_coverage(coverage_problem([1.0], [[0]], -1), SolveOptions())


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ({"budget": 3.0}, "a budget"),
        ({"least": 1}, "a least number of stations"),
        ({"cities": CityLimits(np.zeros(1, np.int32), np.array([0]), np.array([1]))}, "by city"),
    ],
)
def test_rules_that_are_not_modelled_are_refused(limit: dict[str, object], name: str):
    problem = coverage_problem([1.0], [[0]], 1)
    problem = replace(problem, rules=replace(problem.rules, **limit))
    with pytest.raises(ValueError, match=rf"does not model .*{name}"):
        solve_coverage(problem, SolveOptions())
    plain = replace(problem, rules=problem.rules.locks_and_most())
    assert solve_coverage(plain, SolveOptions()).proof.objective == 1.0


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (coverage_problem([], [], 3), 0.0),
        (coverage_problem([1.0, 2.0], [[], []], 1), 0.0),
        (coverage_problem([0.0, 0.0], [[0], [1]], 1), 0.0),
        (coverage_problem([1.0, 2.0], [[0], [1]], 0), 0.0),
        (coverage_problem([1.0, 2.0], [[0], [1]], 9), 3.0),
        (coverage_problem([1.0, 2.0], [[0], [1]], 1, forbidden={1}), 1.0),
        (coverage_problem([1.0, 2.0], [[0], [1]], 1, forced={0}), 1.0),
    ],
)
def test_edges(problem: CoverageProblem, expected: float):
    solution = solve_coverage(problem, SolveOptions())
    assert solution.proof.status is Status.OPTIMAL
    assert solution.proof.objective == solution.proof.bound == expected
    assert_honest(problem, solution)


def test_value_of_open_sites():
    problem = coverage_problem([1.0, 2.0, 4.0], [[0, 1], [1, 2]], 1)
    assert coverage_value(problem, np.array([0])) == 3.0
    assert coverage_value(problem, np.array([0, 1])) == 7.0
    assert coverage_value(problem, np.array([], dtype=np.int64)) == 0.0
