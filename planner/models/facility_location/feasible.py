"""What can be told of a facility location problem without solving it."""

import math

import numpy as np

from planner.arrays import FloatArray
from planner.errors import InfeasibleError
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.solving.best_sites import best_sites
from planner.solving.status import OPTIMAL_GAP_FRAC


def check_feasible(problem: FacilityLocationProblem) -> None:
    """What can be told without a solver.

    Raises
    ------
    InfeasibleError
        Naming what cannot be kept.
    """
    problem.rules.check_numbers()
    cheapest = math.fsum(problem.rules.cost[problem.rules.forced].min(axis=1, initial=math.inf))
    if cheapest > problem.rules.most_cost:
        raise InfeasibleError(
            f"the sites that are forced open cost {cheapest:,.2f}, the budget is "
            f"{problem.rules.budget:,.2f}"
        )
    if math.isfinite(problem.unserved_cost):
        return
    usable = ~problem.rules.forbidden[problem.sites.idx]
    reached = np.zeros(problem.num_zones, dtype=np.bool_)
    reached[problem.pair_zone[usable]] = True
    lonely = np.flatnonzero(~reached & (problem.demand > 0))
    if len(lonely):
        raise InfeasibleError(
            f"{len(lonely)} zones with demand can be served from no site that may be open",
            zone_idx=lonely.tolist(),
        )
    largest = _largest_rooms(problem)
    room, needed = math.fsum(largest[: problem.rules.most]), math.fsum(problem.demand)
    if room < needed * (1.0 - OPTIMAL_GAP_FRAC):
        raise InfeasibleError(
            f"the {min(problem.rules.most, len(largest))} largest stations serve {room:,.2f}, "
            f"the demand is {needed:,.2f}"
        )


def _largest_rooms(problem: FacilityLocationProblem) -> FloatArray:
    """Capacities of the largest type at each site that may open, as many as cities allow."""
    room = problem.capacity.max(axis=1, initial=0.0)
    rules = problem.rules
    sites = best_sites(room + 1.0, rules.forced, rules.forbidden, 0, rules.num_sites, rules.cities)
    return np.sort(room[sites])[::-1]


def fewest_stations(problem: FacilityLocationProblem) -> int:
    """How many of the largest stations it takes to hold all demand that must be served."""
    needed = math.fsum(problem.demand) * (1.0 - OPTIMAL_GAP_FRAC)
    if needed <= 0.0 or math.isfinite(problem.unserved_cost):
        return 0
    return int(np.searchsorted(np.cumsum(_largest_rooms(problem)), needed)) + 1
