"""What any plan as good costs at least, without a solver.

Every such plan has at least n stations, which carry at least the load A of the zones that give the
value V with least load. With multipliers alpha, beta >= 0 of these two, and K_jt cut to the load
within reach of site j, no such plan costs less than

    alpha n + beta A + sum_{j forced} min_t r_jt + sum_{j free} min(0, min_t r_jt),
    r_jt = c_jt - alpha - beta K_jt,

the Lagrangian bound of min c y over these two rows (Geoffrion 1974, Mathematical Programming Study
2:82-114). The best multipliers are looked for by Nelder and Mead's simplex: any are valid.
"""

import math

import numpy as np
from scipy.optimize import minimize

from planner.arrays import FloatArray
from planner.models.least_money.problem import LeastMoneyProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem

_ROUNDING = 1e-9
"""The bound is lowered by this share of its terms: they are sums of many numbers."""


def cost_bound(problem: LeastMoneyProblem) -> float:
    """No plan of the problem costs less; at least 0."""
    stations, rules = problem.stations, problem.stations.rules
    carried = _carried(stations)
    fits = (stations.capacity > 0) & rules.usable[:, None]
    load = _least_load(stations, problem.least_served)
    number = float(max(problem.fewest_stations, rules.num_forced))

    usable = fits.any(axis=1)
    is_free = ~rules.forced[usable]
    # Type by type: a minimum over the few types of many sites is slow in one array.
    by_type = [
        (np.where(fits[usable, kind], rules.cost[usable, kind], np.inf), carried[usable, kind])
        for kind in range(fits.shape[1])
    ]

    def reduced_at(alpha: float, beta: float) -> FloatArray:
        best = np.full(len(is_free), np.inf)
        for cost, carries in by_type:
            np.minimum(best, cost - beta * carries, out=best)
        best -= alpha
        np.minimum(best, 0.0, out=best, where=is_free)
        return best

    def bound_at(multipliers: FloatArray) -> float:
        alpha, beta = np.maximum(multipliers, 0.0).tolist()
        terms = (alpha * number, beta * load, *reduced_at(alpha, beta).tolist())
        return math.fsum(terms) - _ROUNDING * math.fsum(map(abs, terms))

    if not fits.any():
        return max(problem.least_cost, 0.0)
    cheapest = np.where(fits, rules.cost, np.inf).min(axis=1)
    alpha = float(np.median(cheapest[np.isfinite(cheapest)]))
    per_load = np.where(fits & (carried > 0), rules.cost / np.maximum(carried, 1e-300), np.inf)
    beta = float(per_load.min())
    beta = beta if math.isfinite(beta) else 0.0
    starts = [np.array(pair) for pair in ((alpha, 0.0), (0.0, beta), (alpha / 2, beta / 2))]
    best = max(bound_at(np.zeros(2)), *map(bound_at, starts))
    scale = np.array([max(alpha, 1e-300), max(beta, 1e-300)])

    def above(point: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
        alpha, beta = np.maximum(point * scale, 0.0).tolist()
        return -float(alpha * number + beta * load + reduced_at(alpha, beta).sum())

    for start in starts:
        found = minimize(
            above, start / scale, method="Nelder-Mead", options={"maxiter": 100, "xatol": 1e-6}
        )
        best = max(best, bound_at(found.x * scale))
    return max(best, problem.least_cost, 0.0)


def _carried(stations: SizedCoverageProblem) -> FloatArray:
    """Load that a type can carry at a site: no more than lies within reach."""
    coverage = stations.coverage
    loads = np.where(coverage.value > 0, stations.load, 0.0)[coverage.reach.idx]
    within = np.bincount(coverage.reach.owner, loads, minlength=coverage.num_sites)
    return np.minimum(stations.capacity, within[:, None])


def _least_load(stations: SizedCoverageProblem, least_served: float) -> float:
    """Load of the zones that give the value with least load, one of them in part."""
    coverage = stations.coverage
    reached = np.zeros(coverage.num_zones, dtype=np.bool_)
    reached[coverage.reach.entries_of(stations.rules.usable)] = True
    zones = np.flatnonzero(reached & (coverage.value > 0))
    order = zones[np.argsort(stations.load[zones] / coverage.value[zones], kind="stable")]
    value = np.cumsum(coverage.value[order])
    whole = int(np.searchsorted(value, least_served * (1 - _ROUNDING)))
    before = float(value[whole - 1]) if whole else 0.0
    load = float(stations.load[order[:whole]].sum())
    if whole < len(order):
        zone = order[whole]
        part = max(least_served * (1 - _ROUNDING) - before, 0.0) / coverage.value[zone]
        load += part * float(stations.load[zone])
    return load
