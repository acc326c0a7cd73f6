"""What a choice of stations covers, and what can be told of a problem without a solver."""

import math

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.errors import InfeasibleError
from planner.models.set_cover.problem import SetCoverProblem
from planner.solving.status import OPTIMAL_GAP_FRAC


def covered_zones(problem: SetCoverProblem, open_site_idx: IntArray) -> BoolArray:
    """Zones with as many open sites within reach as they take, shape (num_zones,)."""
    is_open = np.zeros(problem.num_sites, dtype=np.bool_)
    is_open[open_site_idx] = True
    reached = problem.reach.idx[np.repeat(is_open, np.diff(problem.reach.ptr))]
    near = np.bincount(reached, minlength=problem.num_zones)
    return np.asarray(near >= problem.need)


def check_feasible(problem: SetCoverProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    usable = np.flatnonzero(~problem.rules.forbidden)
    problem.rules.check_numbers()
    spent = math.fsum(problem.rules.cost[problem.rules.forced])
    if spent > problem.rules.most_cost:
        raise InfeasibleError(
            f"forced stations cost {spent:,.2f}, the budget is {problem.rules.budget:,.2f}"
        )
    within_reach = covered_zones(problem, usable)
    if problem.min_share == 1.0 and not within_reach.all():
        short = np.flatnonzero(~within_reach)
        raise InfeasibleError(
            f"{len(short)} zones have too few sites within reach that may be open",
            zone_idx=short.tolist(),
        )
    most, required = covered_share(problem, within_reach), problem.min_share
    if most < required * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"all sites together cover {most:.4%} of the value, {required:.4%} is asked for"
        )


def covered_share(problem: SetCoverProblem, covered: BoolArray) -> float:
    """Share of all value in some zones; 1 where nothing is worth anything."""
    total = math.fsum(problem.value)
    return math.fsum(problem.value[covered]) / total if total > 0.0 else 1.0
