"""Lagrangian dual of the p-median problem on lists of near sites.

With multipliers l_i on "every zone is served once" (Cornuejols, Fisher and Nemhauser 1977,
Management Science 23:789-810)

(1) saving_j = sum_i w_i max(0, l_i - d_ij),
(2) L(l) = sum_i w_i l_i - max over y in Y of sum_j saving_j y_j,

where Y keeps locks, the number of stations and, with a price on money, the budget:
sum_j (saving_j - price cost_j) y_j + price budget. Any l_i in [0, beyond_i] and any price >= 0
give a valid bound: what is not listed has max(0, l_i - d_ij) = 0.

The multipliers walk along a running mean of subgradients 1 - n_i, n_i the stations of the relaxed
plan nearer than l_i, scaled by 1 / w_i, with steps after Polyak: the mean is the direction of the
volume algorithm (Barahona and Anbil 2000, Math. Programming 87:385-399). The walk is never set back
to the best point, which would cost it the mean, and with it most of the gain near the end.
"""

import math
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.p_median.near_sites import NearSites
from planner.solving.best_sites import best_sites
from planner.solving.rules import CityLimits

STEP_DECAY = 0.85
"""Polyak's factor is cut to this share of itself when it brings no better bound."""
LEAST_GAIN = 1e-4
"""What counts as a better bound, as a share of what is missing."""
OPENING_SHARE = 0.05
"""Of the latest relaxed plan in the frequency of openings."""


@dataclass(frozen=True)
class Openings:
    """Which sets of sites may be open: locks, numbers, budget, numbers by city.

    Attributes
    ----------
    forced : bool array, shape (num_sites,)
    min_open, max_open : int
    cost : float array, shape (num_sites,)
    budget : float
        inf for no limit.
    cities : CityLimits, optional
    """

    forced: BoolArray
    min_open: int
    max_open: int
    cost: FloatArray
    budget: float
    cities: CityLimits | None = None

    def allow(self, sites: IntArray) -> bool:
        """Whether a set of sites keeps numbers, by city too, and budget."""
        spent = math.fsum(self.cost[sites])
        return (
            self.min_open <= len(sites) <= self.max_open
            and spent <= self.budget
            and (self.cities is None or self.cities.allow(sites))
        )

    def of_sites(self, keep: IntArray, forced: BoolArray) -> "Openings":
        """The same limits over some of the sites, with locks of their own."""
        cities = None if self.cities is None else self.cities.of_sites(keep)
        return replace(self, forced=forced, cost=self.cost[keep], cities=cities)

    def by_city(self) -> CityLimits:
        """The limits by city; one city without limits where there are none."""
        if self.cities is not None:
            return self.cities
        num_sites = len(self.forced)
        return CityLimits(np.zeros(num_sites, np.int32), np.array([0]), np.array([num_sites]))

    def keep_numbers(self) -> bool:
        """Whether some set of these sites keeps locks and numbers, budget aside."""
        cities = self.by_city()
        num_sites = np.bincount(cities.city_idx, minlength=len(cities.min_stations))
        num_forced = np.bincount(cities.city_idx[self.forced], minlength=len(num_sites))
        least = np.maximum(cities.min_stations, num_forced)
        most = np.minimum(cities.max_stations, num_sites)
        return bool(
            (least <= most).all()
            and max(int(least.sum()), self.min_open) <= min(int(most.sum()), self.max_open)
        )

    def best(self, worth: FloatArray) -> IntArray:
        """Sites that keep locks and numbers with the greatest total worth, budget aside."""
        if self.cities is not None:
            nowhere = np.zeros(len(worth), dtype=np.bool_)
            least, most = self.min_open, self.max_open
            return best_sites(worth, self.forced, nowhere, least, most, self.cities)
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
class Pace:
    """How a walk goes.

    Attributes
    ----------
    first_step : float
        Polyak's factor at the beginning.
    patience : int
        Steps without a better bound before it is cut.
    fresh_share : float
        Of the latest subgradient in the running mean.
    """

    first_step: float
    patience: int
    fresh_share: float


THOROUGH, QUICK = Pace(0.1, 20, 0.07), Pace(0.1, 10, 0.2)
"""To within some 1e-5 of the dual's value in 2,000 steps, and what 100 steps from multipliers that
were the best before a site was fixed gain most by."""


@dataclass(frozen=True)
class Walk:
    """Where the search for better multipliers stands.

    Attributes
    ----------
    multiplier : float array, shape (num_zones,)
    price : float
    direction : float array, shape (num_zones,)
        Running mean of subgradients; zeros before the first step.
    price_direction : float
    step : float
        Polyak's factor; the walk has arrived when it is small, and where it cannot go on it is 0.
    stalled : int
        Steps since the last better bound.
    pace : Pace
    """

    multiplier: FloatArray
    price: float
    direction: FloatArray
    price_direction: float
    step: float
    stalled: int
    pace: Pace


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
    frequency : float array, shape (num_sites,)
        Recent share of relaxed plans that open the site.
    walk : Walk
    """

    multiplier: FloatArray
    price: float
    bound: float
    opening: IntArray
    frequency: FloatArray
    walk: Walk


def first_dual(
    multiplier: FloatArray, price: float, frequency: FloatArray, pace: Pace = THOROUGH
) -> MedianDual:
    """A walk that sets out from given multipliers; their bound is not known yet."""
    walk = Walk(multiplier, price, np.zeros(len(multiplier)), 0.0, pace.first_step, 0, pace)
    return MedianDual(multiplier, price, -math.inf, np.empty(0, np.int64), frequency, walk)


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
    _savings(weight, multiplier, *near.sites, near.distance, saving)
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
    """By how much the bound (2) rises if a site is made the other way round, budget aside.

    Numbers form a laminar family, so that the best set with (without) a site differs from the best
    of all in that site and at most one other (exchange property of M-natural-concave functions,
    Murota 2003, Discrete Convex Analysis, section 6.1): in the same city, in any other that its
    limits leave room for, or in none.

    Parameters
    ----------
    openings : Openings
    opening : int array
        Relaxed plan at these worths.
    worth : float array, shape (num_sites,)

    Returns
    -------
    float array, shape (num_sites,)
        inf for forced sites, and for ones that nothing can replace, or make room for.
    """
    cities = openings.by_city()
    city, num_cities = cities.city_idx, len(cities.min_stations)
    is_open = np.zeros(len(worth), dtype=np.bool_)
    is_open[opening] = True
    may_close = is_open & ~openings.forced
    number = np.bincount(city[opening], minlength=num_cities)
    may_lose, may_gain = number > cities.min_stations, number < cities.max_stations
    last, next_best = np.full(num_cities, np.inf), np.full(num_cities, -np.inf)
    np.minimum.at(last, city[may_close], worth[may_close])
    np.maximum.at(next_best, city[~is_open], worth[~is_open])
    # Free of charge is to change the total, where it may.
    last_anywhere = min(last[may_lose], default=np.inf)
    if len(opening) < openings.max_open:
        last_anywhere = min(last_anywhere, 0.0)
    best_anywhere = max(next_best[may_gain], default=-np.inf)
    if len(opening) > openings.min_open:
        best_anywhere = max(best_anywhere, 0.0)
    last[may_gain] = np.minimum(last[may_gain], last_anywhere)
    next_best[may_lose] = np.maximum(next_best[may_lose], best_anywhere)
    loss = np.where(is_open, worth - next_best[city], last[city] - worth)
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
    """Walk on towards a better bound.

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
    best, walk = start, start.walk
    multiplier, price, step, stalled = walk.multiplier, walk.price, walk.step, walk.stalled
    direction, price_direction = walk.direction.copy(), walk.price_direction
    frequency = start.frequency.copy()
    saving, serving = np.empty(near.num_sites), np.empty(near.num_zones)
    limited = math.isfinite(openings.budget)
    # A budget moves the price as steeply as the multipliers of all zones together.
    price_scale = (
        weight.sum() * max(float(np.mean(multiplier)), 1e-12) / max(openings.budget, 1e-12) ** 2
        if limited else 0.0
    )  # fmt: skip
    # Lists may have become shorter since.
    multiplier = np.minimum(multiplier, near.beyond)
    for _ in range(iterations):
        _savings(weight, multiplier, *near.sites, near.distance, saving)
        worth = saving - price * openings.cost if price > 0.0 else saving
        opening = openings.best(worth)
        bound = float(weight @ multiplier - worth[opening].sum())
        if price > 0.0:
            bound -= price * openings.budget
        frequency *= 1.0 - OPENING_SHARE
        frequency[opening] += OPENING_SHARE
        if bound > best.bound:
            # Progress that does not show does not count against the patience.
            if bound > best.bound + LEAST_GAIN * (target - best.bound):
                stalled = 0
            best = replace(best, multiplier=multiplier, price=price, bound=bound, opening=opening)
        stalled += 1
        if stalled >= walk.pace.patience:
            step *= STEP_DECAY
            stalled = 0
        _count_serving(
            opening, multiplier, near.zones.ptr, near.zones.idx, near.zone_distance, serving
        )
        slope = 1.0 - serving
        # At the ends of their range multipliers cannot follow.
        slope[(multiplier >= near.beyond) & (slope > 0)] = 0.0
        excess = float(openings.cost[opening].sum()) - openings.budget if limited else 0.0
        share = walk.pace.fresh_share if direction.any() else 1.0
        direction += share * (slope - direction)
        price_direction += share * (excess - price_direction)
        along = float(weight @ direction**2) + price_scale * price_direction**2
        if along <= 0.0 or bound >= target:
            step = 0.0
            break
        length = step * (target - bound) / along
        multiplier = np.clip(multiplier + length * direction, 0.0, near.beyond)
        if limited:
            price = max(price + length * price_scale * price_direction, 0.0)
    walk = Walk(multiplier, price, direction, price_direction, step, stalled, walk.pace)
    return replace(best, frequency=frequency, walk=walk)
