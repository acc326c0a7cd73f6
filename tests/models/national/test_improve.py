"""The incumbent of a nation annealed as a whole: within all limits, and no worse."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from planner.models.national.solve import NationalLimit, solve_national
from planner.models.national.tuning import Tuning
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress
from tests.models.national.test_solve import (
    assert_honest,
    brute_force,
    random_nation,
    small_nations,
)

PRICED = Tuning(whole_arcs=0)
MOVED = "stations moved all over the nation"


@given(small_nations())
@settings(max_examples=60, deadline=None)
def test_agrees_with_brute_force(case: tuple[SizedCoverageProblem, list[NationalLimit]]) -> None:
    problem, limits = case
    best = brute_force(problem, limits)
    if best is None:
        return
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    found = solve_national(problem, options, limits=limits, tuning=PRICED)
    assert_honest(problem, limits, found)
    assert found.proof.objective <= best * (1 + 1e-9)
    assert found.proof.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_gap_that_it_reaches_needs_no_city(seed: int) -> None:
    problem = random_nation(seed)
    seen: list[Progress] = []
    options = SolveOptions(gap_frac=0.0, deterministic=True)
    solve_national(problem, options, tuning=PRICED, on_progress=seen.append)
    moved = [each.message for each in seen].index(MOVED)
    assert seen[moved].incumbent >= seen[moved - 1].incumbent
    reached = seen[moved]
    # First prices are rougher for a rougher gap.
    gap_frac = 1.5 * (reached.bound - reached.incumbent) / reached.bound + 1e-6
    rough = replace(options, gap_frac=gap_frac)
    seen.clear()
    found = solve_national(problem, rough, tuning=PRICED, on_progress=seen.append)
    assert_honest(problem, [], found)
    assert found.proof.gap_frac <= gap_frac
    assert not any(" plans" in each.message for each in seen)


def test_limits_that_annealing_does_not_know_keep_it_away() -> None:
    problem = random_nation(1)
    slots = NationalLimit("slots", np.ones(problem.capacity.shape), problem.rules.most - 1)
    seen: list[Progress] = []
    options = SolveOptions(gap_frac=0.1, deterministic=True)
    found = solve_national(problem, options, limits=[slots], tuning=PRICED, on_progress=seen.append)
    assert_honest(problem, [slots], found)
    assert MOVED not in [each.message for each in seen]


def test_a_later_round_begins_with_its_plan_annealed() -> None:
    problem = random_nation(2)
    options = SolveOptions(gap_frac=0.2, deterministic=True)
    first = solve_national(problem, options, tuning=PRICED)
    fuller = replace(problem, load=1.2 * problem.load)
    later = solve_national(fuller, replace(options, gap_frac=0.0), start=first.end, tuning=PRICED)
    assert_honest(fuller, [], later)
