"""The Lagrangian bound of covering within limits by city, number and money.

With the multipliers of :mod:`planner.models.coverage.bound` and a price rho >= 0 of money,

(1) L = sum_i (w_i - lambda_i) + rho B + max over y of sum_j (c_j - rho cost_j) y_j,

where y keeps the number and the limits by city alone: a laminar matroid, so that the greedy choice
is best (the best ``least`` of each city, then the best others up to ``most``).
"""

import math

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.alternatives.annealing import Within
from planner.models.coverage.bound import site_worth
from planner.models.coverage.rows import CoverRows

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
PRICE_STEPS = 24
"""Steps of the search for the price of money: the bound is convex in it."""


def bound_within(rows: CoverRows, multiplier: FloatArray, limits: Within) -> float:
    """L of equation (1) at the best price of money.

    Parameters
    ----------
    rows : CoverRows
    multiplier : float array, shape (num_rows,)
        In [0, w]; clipped into it.
    limits : Within

    Returns
    -------
    float
        At least what every plan within the limits covers, forced sites included.
    """
    clipped = np.clip(multiplier, 0.0, rows.value)
    worth = site_worth(rows, clipped)
    left = math.fsum((rows.base_value, math.fsum(rows.value - clipped)))

    def at(rho: float) -> float:
        if rho == 0.0:
            return left + best_choice(worth, limits)
        return left + rho * limits.budget + best_choice(worth - rho * limits.cost, limits)

    best = at(0.0)
    if not math.isfinite(limits.budget):
        return best
    takes = limits.cost > 0
    low, high = 0.0, float((worth[takes] / limits.cost[takes]).max(initial=0.0))
    inner = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    value = [at(rho) for rho in inner]
    for _ in range(PRICE_STEPS):
        if value[0] <= value[1]:
            high = inner[1]
            inner = [high - GOLDEN * (high - low), inner[0]]
            value = [at(inner[0]), value[0]]
        else:
            low = inner[0]
            inner = [inner[1], low + GOLDEN * (high - low)]
            value = [value[1], at(inner[1])]
        best = min(best, *value)
    return best


def best_choice(profit: FloatArray, limits: Within) -> float:
    """Most profit of a choice of sites within the number and the limits by city.

    Parameters
    ----------
    profit : float array, shape (num_sites,)
        Of each site; may be negative.
    limits : Within

    Returns
    -------
    float
        Correctly rounded.
    """
    order = np.lexsort((-profit, limits.city))
    rank = _rank(limits.city[order])
    city, profit = limits.city[order], profit[order]
    must = rank < limits.least[city]
    may = ~must & (rank < limits.most[city]) & (profit > 0.0)
    left = max(limits.number - int(must.sum()), 0)
    free = profit[may]
    if left < len(free):
        free = np.partition(free, len(free) - left)[len(free) - left :] if left else free[:0]
    return math.fsum((math.fsum(profit[must]), math.fsum(free)))


def _rank(group: IntArray) -> IntArray:
    """Position of each entry within its run of equal ones."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else group
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
