"""What a p-median problem tells before a search: a first plan, fewest stations, cost steps."""

import math

import numpy as np

from planner.arrays import IntArray
from planner.errors import InfeasibleError
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.solving.best_sites import best_sites


def first_plan(problem: PMedianProblem, rng: np.random.Generator) -> IntArray:
    """The cheapest plan that keeps locks and numbers, and random sites as far as limits go.

    Raises
    ------
    InfeasibleError
        If no plan keeps the limits: which one it is is named.
    """
    rules, least = problem.rules, least_stations(problem)
    rules.check_numbers()
    plan = best_sites(-rules.cost, rules.forced, rules.forbidden, least, rules.most, rules.cities)
    if len(plan) < least:
        raise InfeasibleError("no station may be opened, but zones with a weight need one")
    spent = math.fsum(problem.rules.cost[plan])
    if spent > rules.most_cost:
        raise InfeasibleError(
            f"the cheapest {len(plan)} stations that keep locks and numbers cost {spent:,.2f}, the "
            f"budget is {problem.rules.budget:,.2f}"
        )
    planned = np.isin(np.arange(problem.num_sites), plan)
    wished = best_sites(
        rng.random(problem.num_sites), planned, rules.forbidden, least, rules.most, rules.cities
    )
    more = rng.permutation(wished[~planned[wished]])
    return np.concatenate(
        (plan, more[spent + np.cumsum(problem.rules.cost[more]) <= rules.most_cost])
    )


def least_stations(problem: PMedianProblem) -> int:
    """Between points every zone with a weight needs a station: one at least."""
    if isinstance(problem.distances, PairDistances) or not problem.weight.any():
        return problem.rules.least
    return max(problem.rules.least, 1)


def plan_step(problem: PMedianProblem) -> float:
    """1 where every plan costs a whole number, else 0."""
    distances = problem.distances
    whole = (
        bool((distances.distance % 1.0 == 0.0).all()) and distances.unserved % 1.0 == 0.0
        if isinstance(distances, PairDistances)
        else distances.whole
    )
    return 1.0 if whole and bool((problem.weight % 1.0 == 0.0).all()) else 0.0
