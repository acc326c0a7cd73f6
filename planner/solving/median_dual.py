"""Lagrangian dual of the p-median problem on lists of near sites.

With multipliers l_i on "every zone is served once" (Cornuejols, Fisher and Nemhauser 1977,
Management Science 23:789-810)

(1) saving_j = sum_i w_i max(0, l_i - d_ij),
(2) L(l) = sum_i w_i l_i - max over y in Y of sum_j saving_j y_j,

where Y keeps locks, the number of stations and, with a price on money, the budget:
sum_j (saving_j - price cost_j) y_j + price budget. Any l_i in [0, beyond_i] and any price >= 0
give a valid bound: what is not listed has max(0, l_i - d_ij) = 0.

The multipliers move along subgradients 1 - n_i, n_i the stations of the relaxed plan nearer than
l_i, scaled by 1 / w_i, deflected as by Camerini, Fratta and Maffioli (1975, Math. Programming
Study 3:26-34) with steps after Polyak.
"""

import math
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.problem import BoolArray, FloatArray, IntArray
from planner.solving.near_sites import NearSites

DEFLECTION = 1.5
"""Share of the component against the last direction that is taken out."""
FIRST_STEP, STEP_DECAY, PATIENCE = 1.0, 0.7, 30
"""Polyak's factor; cut after so many iterations without a better bound."""


@dataclass(frozen=True)
class Openings:
    """Which sets of sites may be open: locks, numbers, budget.

    Attributes
    ----------
    forced : bool array, shape (num_sites,)
    min_open, max_open : int
    cost : float array, shape (num_sites,)
    budget : float
        inf for no limit.
    """

    forced: BoolArray
    min_open: int
    max_open: int
    cost: FloatArray
    budget: float

    def allow(self, sites: IntArray) -> bool:
        """Whether a set of sites keeps numbers and budget."""
        spent = math.fsum(self.cost[sites])
        return self.min_open <= len(sites) <= self.max_open and spent <= self.budget

    def of_sites(self, keep: IntArray, forced: BoolArray) -> "Openings":
        """The same limits over some of the sites, with locks of their own."""
        return replace(self, forced=forced, cost=self.cost[keep])

    def best(self, worth: FloatArray) -> IntArray:
        """Sites that keep locks and numbers with the greatest total worth, budget aside."""
        free = np.flatnonzero(~self.forced)
        num_forced = len(worth) - len(free)
        most = min(max(self.max_open - num_forced, 0), len(free))
        if most < len(free) and most > 0:
            free = free[np.argpartition(-worth[free], most - 1)[:most]]
        elif most == 0:
            free = free[:0]
        least = max(self.min_open - num_forced, 0)
        if (worth[free] < 0).any():
            free = free[np.argsort(-worth[free], kind="stable")]
            free = free[: max(least, int((worth[free] >= 0).sum()))]
        return np.concatenate((np.flatnonzero(self.forced), free))


@dataclass(frozen=True)
class MedianDual:
    """Best multipliers so far, and where the search for better ones stands.

    Attributes
    ----------
    multiplier : float array, shape (num_zones,)
        l_i of the best bound.
    price : float
        Price of money of the best bound.
    bound : float
        No plan on these lists costs less.
    opening : int array
        Relaxed plan of the best bound.
    step : float
        Polyak's factor; the dual has converged when it is small.
    frequency : float array, shape (num_sites,)
        Recent share of relaxed plans that open the site.
    """

    multiplier: FloatArray
    price: float
    bound: float
    opening: IntArray
    step: float
    frequency: FloatArray


@numba.njit(cache=True, nogil=True)
def _savings(
    weight: FloatArray,
    multiplier: FloatArray,
    zone_ptr: IntArray,
    site: IntArray,
    distance: FloatArray,
    saving: FloatArray,
) -> None:
    """Equation (1)."""
    saving[:] = 0.0
    for zone in range(len(weight)):
        top, worth = multiplier[zone], weight[zone]
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            if distance[arc] >= top:
                break
            saving[site[arc]] += worth * (top - distance[arc])


@numba.njit(cache=True, nogil=True)
def _count_serving(
    opening: IntArray,
    multiplier: FloatArray,
    site_ptr: IntArray,
    zone: IntArray,
    zone_distance: FloatArray,
    serving: FloatArray,
) -> None:
    serving[:] = 0.0
    for number in opening:
        for arc in range(site_ptr[number], site_ptr[number + 1]):
            if zone_distance[arc] < multiplier[zone[arc]]:
                serving[zone[arc]] += 1.0


def site_savings(weight: FloatArray, near: NearSites, multiplier: FloatArray) -> FloatArray:
    """Equation (1), shape (num_sites,)."""
    saving = np.empty(near.num_sites)
    _savings(weight, multiplier, near.zone_ptr, near.site, near.distance, saving)
    return saving


def median_bound(
    weight: FloatArray,
    near: NearSites,
    openings: Openings,
    multiplier: FloatArray,
    price: float,
) -> tuple[float, IntArray, FloatArray]:
    """Equation (2) in exact order: bound, relaxed plan and worth of each site at the price."""
    worth = site_savings(weight, near, multiplier)
    if price > 0.0:
        worth -= price * openings.cost
    opening = openings.best(worth)
    spared = price * openings.budget if price > 0.0 else 0.0
    bound = math.fsum(weight * multiplier) - math.fsum(worth[opening]) - spared
    return bound, opening, worth


def fixing_losses(openings: Openings, opening: IntArray, worth: FloatArray) -> FloatArray:
    """By how much the bound (2) rises at least if a site is made the other way round.

    Parameters
    ----------
    openings : Openings
    opening : int array
        Relaxed plan at these worths.
    worth : float array, shape (num_sites,)

    Returns
    -------
    float array, shape (num_sites,)
        inf for forced sites, and for open ones that nothing can replace.
    """
    is_open = np.zeros(len(worth), dtype=np.bool_)
    is_open[opening] = True
    free = is_open & ~openings.forced
    last = float(worth[free].min()) if free.any() else np.inf
    if len(opening) < openings.max_open:
        last = min(last, 0.0)
    next_best = float(worth[~is_open].max()) if not is_open.all() else -np.inf
    if len(opening) > openings.min_open:
        next_best = max(next_best, 0.0)
    loss = np.where(is_open, worth - next_best, last - worth)
    loss[openings.forced] = np.inf
    return np.maximum(loss, 0.0)


def improve_dual(
    weight: FloatArray,
    near: NearSites,
    openings: Openings,
    start: MedianDual,
    *,
    target: float,
    iterations: int,
) -> MedianDual:
    """Move the multipliers towards a better bound.

    Parameters
    ----------
    weight : float array, shape (num_zones,)
    near : NearSites
    openings : Openings
    start : MedianDual
    target : float
        Value of a known plan: what the bound may reach.
    iterations : int
        Steps to make.
    """
    best, step = start, start.step
    multiplier, price = start.multiplier.copy(), start.price
    frequency = start.frequency.copy()
    saving, serving = np.empty(near.num_sites), np.empty(near.num_zones)
    direction, price_direction = np.zeros(near.num_zones), 0.0
    limited = math.isfinite(openings.budget)
    # A budget moves the price as steeply as the multipliers of all zones together.
    price_scale = (
        weight.sum() * max(float(np.mean(multiplier)), 1e-12) / max(openings.budget, 1e-12) ** 2
        if limited else 0.0
    )  # fmt: skip
    stalled = 0
    for _ in range(iterations):
        _savings(weight, multiplier, near.zone_ptr, near.site, near.distance, saving)
        worth = saving - price * openings.cost if price > 0.0 else saving
        opening = openings.best(worth)
        bound = float(weight @ multiplier - worth[opening].sum())
        if price > 0.0:
            bound -= price * openings.budget
        frequency *= 0.95
        frequency[opening] += 0.05
        if bound > best.bound:
            # Progress that does not show does not count against the patience.
            stalled = stalled if bound < best.bound + 1e-4 * (target - best.bound) else 0
            best = replace(
                best, multiplier=multiplier.copy(), price=price, bound=bound, opening=opening
            )
        stalled += 1
        if stalled >= PATIENCE:
            step *= STEP_DECAY
            stalled = 0
            multiplier, price = best.multiplier.copy(), best.price
            direction[:], price_direction = 0.0, 0.0
            continue
        _count_serving(opening, multiplier, near.site_ptr, near.zone, near.zone_distance, serving)
        slope = 1.0 - serving
        # At the ends of their range multipliers cannot follow.
        slope[(multiplier >= near.beyond) & (slope > 0)] = 0.0
        excess = float(openings.cost[opening].sum()) - openings.budget if limited else 0.0
        against = float(weight @ (slope * direction)) + price_scale * excess * price_direction
        norm = float(weight @ direction**2) + price_scale * price_direction**2
        kept = max(-DEFLECTION * against / norm, 0.0) if norm > 0.0 else 0.0
        direction = slope + kept * direction
        price_direction = excess + kept * price_direction
        along = float(weight @ direction**2) + price_scale * price_direction**2
        if along <= 0.0 or bound >= target:
            break
        length = step * (target - bound) / along
        multiplier = np.clip(multiplier + length * direction, 0.0, near.beyond)
        if limited:
            price = max(price + length * price_scale * price_direction, 0.0)
    return replace(best, step=step, frequency=frequency)
