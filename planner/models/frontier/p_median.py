"""One vector of multipliers bounds the p-median problem at every number of stations.

By (1) and (2) of :mod:`planner.models.p_median.dual`, with a price rho >= 0 of money,

(1) L(n, B) = sum_i w_i l_i - rho B - G(n),
(2) G(n) = most that n sites earn, each saving_j - rho cost_j, within least and most of each city:

the negative of what :mod:`planner.models.frontier.bounds` takes the least of.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray
from planner.models.frontier.bounds import FreeSites, Vector, bound_budgets, bound_numbers
from planner.models.frontier.result import FrontierPlan
from planner.models.p_median.dual import Openings, first_dual, improve_dual, site_savings
from planner.models.p_median.near_sites import near_sites
from planner.models.p_median.problem import PMedianProblem
from planner.models.p_median.search import nearest_tables
from planner.solving.compiling import work_s

FIRST_STEPS, STEPS = 400, 150
"""Of the multipliers at the first amount, and at the others, from those of the last."""


def median_bounds(
    problem: PMedianProblem,
    amounts: FloatArray,
    plans: Sequence[FrontierPlan],
    every: FloatArray,
    *,
    is_money: bool,
    time_limit_s: float,
) -> FloatArray:
    """Bounds at all amounts by multipliers made for some.

    Parameters
    ----------
    problem : PMedianProblem
        Of its rules all but the limit that varies.
    amounts : float array, shape (num_points,)
        Most stations, or budgets; ascending.
    plans : sequence of FrontierPlan
        Of each amount: the bound is not sought beyond what they cost.
    every : float array, shape (num_steps,)
        Where the bound is asked for, between the first and the last amount.
    is_money : bool
    time_limit_s : float
        For the multipliers of all amounts; inf for no limit.

    Returns
    -------
    float array, shape (num_steps,)
        No plan costs less.
    """
    rules = problem.rules
    sites = np.flatnonzero(rules.usable)
    lengths = np.full(problem.num_zones, len(sites), dtype=np.int64)
    near = near_sites(problem.distances, sites, lengths)
    cities = rules.cities_or_one().of_sites(sites)
    openings = Openings(
        forced=rules.forced[sites],
        min_open=0,
        max_open=rules.most,
        cost=rules.cost[sites],
        budget=rules.most_cost,
        cities=None if rules.cities is None else cities,
    )
    first = np.searchsorted(sites, plans[0].open_site_idx)
    state = nearest_tables(problem.weight, near, first)
    multiplier, price = 0.5 * (state.first_distance + state.second_distance), 0.0
    vectors, began = [], work_s()
    is_free = ~openings.forced
    for at, (amount, plan) in enumerate(zip(amounts.tolist(), plans, strict=True)):
        varied = {"budget": amount} if is_money else {"max_open": int(amount)}
        within = replace(openings, **varied)
        dual = first_dual(multiplier, price, np.zeros(len(sites)))
        if work_s() - began < time_limit_s:
            dual = improve_dual(
                problem.weight, near, within, dual,
                target=plan.objective, iterations=STEPS if at else FIRST_STEPS,
            )  # fmt: skip
        multiplier, price = np.clip(dual.multiplier, 0.0, near.beyond), max(dual.price, 0.0)
        saving = site_savings(problem.weight, near, multiplier)
        constant = math.fsum(saving[openings.forced]) - math.fsum(problem.weight * multiplier)
        vectors.append(Vector(constant, saving[is_free], price))
    forced_in = np.bincount(cities.city_idx[openings.forced], minlength=len(cities.min_stations))
    free_city = cities.city_idx[is_free].astype(np.int64)
    has = np.bincount(free_city, minlength=len(cities.min_stations))
    free = FreeSites(
        cost=openings.cost[is_free],
        city_idx=free_city,
        city_least=np.clip(cities.min_stations - forced_in, 0, has),
        city_most=np.maximum(cities.max_stations - forced_in, 0),
    )
    num_forced = int(openings.forced.sum())
    forced_cost = math.fsum(openings.cost[openings.forced])
    if is_money:
        most = min(rules.most, len(sites)) - num_forced
        return -bound_budgets(free, vectors, most, every - forced_cost)
    numbers = (every - num_forced).astype(np.int64)
    return -bound_numbers(free, vectors, openings.budget - forced_cost, numbers)
