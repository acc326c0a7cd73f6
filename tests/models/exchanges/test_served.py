"""Changes of stations are judged by the best service after them."""

import numpy as np

from planner.arrays import IntArray
from planner.models.exchanges.exchange import Moves
from planner.models.exchanges.placed import ground_of, place
from planner.models.exchanges.served import carried_by, judge_moves
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow
from tests.models.reasons.small_plans import random_problem


def value_covered(problem: SizedCoverageProblem, sites: IntArray) -> float:
    reach = problem.coverage.reach
    covered = np.unique(reach.idx[np.isin(reach.owner, sites)])
    return float(problem.coverage.value[covered].sum())


def test_changes_are_judged_as_by_solving_the_service_again() -> None:
    differ, number = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, num_sites=10, with_capacity=True)
        usable = np.flatnonzero(~problem.rules.forbidden)
        sites = np.sort(rng.choice(usable, 4, replace=False))
        placed, closed = place(ground_of(problem), sites, None), np.setdiff1d(usable, sites)
        moves = Moves(np.full((20, 4), -1), np.full((20, 4), -1))
        added, covers = [], []
        for at in range(20):
            gone = rng.choice(sites, rng.integers(0, 3), replace=False)
            come = rng.choice(closed, min(rng.integers(0, 3), len(closed)), replace=False)
            moves.leaving[at, : len(gone)], moves.entering[at, : len(come)] = gone, come
            after = np.union1d(np.setdiff1d(sites, gone), come)
            types = np.argmax(problem.capacity[after], axis=1)
            added.append(served_flow(problem, after, types)[1] - placed.objective)
            covers.append(value_covered(problem, after) - value_covered(problem, sites))
        judged = judge_moves(placed, carried_by(placed), moves, np.array(covers))
        assert (judged <= np.array(added) + 1e-7).all()
        differ += int((judged < np.array(added) - 1e-7).sum())
        number += len(added)
    assert differ <= 0.005 * number


def test_a_station_that_left_twice_is_gone() -> None:
    problem = random_problem(np.random.default_rng(1), num_sites=8, with_capacity=True)
    usable = np.flatnonzero(~problem.rules.forbidden)
    sites, other = usable[:2], usable[2]
    placed = place(ground_of(problem), sites, None)
    to_and_fro = Moves(
        np.array([[sites[0], other, sites[0]]]), np.array([[other, sites[0], other]])
    )
    once = Moves(np.array([[sites[0], -1, -1]]), np.array([[other, -1, -1]]))
    added = [
        judge_moves(placed, carried_by(placed), each, np.zeros(1)) for each in (to_and_fro, once)
    ]
    assert added[0] == added[1]
