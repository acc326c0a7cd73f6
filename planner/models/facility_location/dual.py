"""Lagrangian dual of capacitated facility location: a fractional knapsack per site.

With multipliers l_i on "zone i is served or counted as unserved" and prices m, b >= 0 on "the
stations' capacities exceed what is served" (Cornuejols, Sridharan and Thizy 1991, EJOR 50:280-297)
and "the stations cost no more than the budget B"

(1) v_jt = (1 + b) f_jt - m K_jt + min sum_i (c_ij - l_i) x_ij,  0 <= x_ij <= a_i,
                                                                 sum_i x_ij <= K_jt,
(2) v_j  = min_t v_jt,
(3) L(l, m, b) = sum_i a_i l_i + m sum_i a_i - b B + min over open sets of sum_j v_j,

where (1) fills the capacity with the zones of least c_ij - l_i < 0, and open sets keep locks and
the numbers of stations, nationwide and by city. Where demand may stay unserved at a cost of u,
l_i + m <= u. All such multipliers and prices give a valid bound.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.solving.best_sites import best_sites

STEP_DECAY, PATIENCE, DEFLECTION = 0.7, 25, 1.5
"""As in `planner.models.p_median.dual`."""
FIRST_FACTORS = (1.0, 2.0, 4.0, 8.0)
"""Multiples of the third least cost that are tried as first multipliers."""


class SitePairs(NamedTuple):
    """The pairs of a problem that may be used, by site.

    Attributes
    ----------
    zones : Lists, shape (num_sites,)
        Zones of each site's pairs, ascending.
    unit_cost : float array, shape (num_used,)
    pair_idx : int array, shape (num_used,)
        Position of each in the problem.
    """

    zones: Lists
    unit_cost: FloatArray
    pair_idx: IndexArray


class Prices(NamedTuple):
    """Multipliers of the dual.

    Attributes
    ----------
    zone : float array, shape (num_zones,)
        l_i: what serving one more unit of the zone is worth.
    capacity, money : float
        m and b.
    """

    zone: FloatArray
    capacity: float
    money: float


class Relaxed(NamedTuple):
    """The relaxed plan at some prices.

    Attributes
    ----------
    bound : float
        Equation (3): no plan costs less.
    opening : int array
        Open sites, ascending.
    value : float array, shape (num_sites, num_types)
        v_jt.
    """

    bound: float
    opening: IntArray
    value: FloatArray

    @property
    def best_type(self) -> IntArray:
        """Type of each site if it opens, shape (num_sites,)."""
        return np.asarray(self.value.argmin(axis=1))


@dataclass(frozen=True)
class CapacitatedDual:
    """Best prices so far.

    Attributes
    ----------
    prices : Prices
    relaxed : Relaxed
        The plan at these prices, with the best bound.
    frequency : float array, shape (num_sites,)
        Recent share of relaxed plans that open the site.
    step : float
        Polyak's factor.
    """

    prices: Prices
    relaxed: Relaxed
    frequency: FloatArray
    step: float


@numba.njit(cache=True, nogil=True)
def _sort_by_site(
    sites: Lists,
    unit_cost: FloatArray,
    demand: FloatArray,
    closed: BoolArray,
    unserved_cost: float,
) -> tuple[IntArray, IndexArray, FloatArray, IndexArray]:
    site_ptr = np.zeros(len(closed) + 1, np.int64)
    for zone in range(len(demand)):
        for pair in range(sites.ptr[zone], sites.ptr[zone + 1]):
            if (
                demand[zone] > 0.0
                and not closed[sites.idx[pair]]
                and unit_cost[pair] < unserved_cost
            ):
                site_ptr[sites.idx[pair] + 1] += 1
    site_ptr = np.cumsum(site_ptr)
    end = site_ptr[:-1].copy()
    by_zone = np.empty(site_ptr[-1], np.int32)
    by_cost = np.empty(site_ptr[-1])
    by_pair = np.empty(site_ptr[-1], np.int32)
    for zone in range(len(demand)):
        for pair in range(sites.ptr[zone], sites.ptr[zone + 1]):
            site = sites.idx[pair]
            if demand[zone] > 0.0 and not closed[site] and unit_cost[pair] < unserved_cost:
                by_zone[end[site]], by_cost[end[site]] = zone, unit_cost[pair]
                by_pair[end[site]] = pair
                end[site] += 1
    return site_ptr, by_zone, by_cost, by_pair


def pairs_by_site(problem: FacilityLocationProblem) -> SitePairs:
    """Pairs of zones with demand and sites that may open, cheaper than leaving them unserved."""
    site_ptr, zone, unit_cost, pair_idx = _sort_by_site(
        problem.sites, problem.unit_cost, problem.demand, problem.rules.forbidden,
        problem.unserved_cost,
    )  # fmt: skip
    return SitePairs(Lists(site_ptr, zone), unit_cost, pair_idx)


@numba.njit(cache=True, nogil=True)
def _third_least(zone_ptr: IntArray, unit_cost: FloatArray) -> FloatArray:
    """The dearest of each zone's three cheapest pairs; 0 without any."""
    third = np.zeros(len(zone_ptr) - 1)
    for zone in range(len(third)):
        near = unit_cost[zone_ptr[zone] : zone_ptr[zone + 1]]
        if len(near) > 0:
            third[zone] = np.partition(near, min(2, len(near) - 1))[min(2, len(near) - 1)]
    return third


def first_dual(problem: FacilityLocationProblem, pairs: SitePairs) -> CapacitatedDual:
    """Each zone is worth what its third nearest site would charge, or a multiple of it."""
    third = _third_least(problem.sites.ptr, problem.unit_cost)
    worths = (np.minimum(factor * third, problem.unserved_cost) for factor in FIRST_FACTORS)
    tried = [Prices(worth, 0.0, 0.0) for worth in worths]
    relaxed = [capacitated_bound(problem, pairs, prices) for prices in tried]
    best = int(np.argmax([each.bound for each in relaxed]))
    return CapacitatedDual(tried[best], relaxed[best], np.zeros(problem.num_sites), 1.0)


@numba.njit(cache=True, nogil=True)
def worthwhile(
    pairs: SitePairs,
    site: int,
    demand: FloatArray,
    multiplier: FloatArray,
    gain: FloatArray,
    taken: IntArray,
) -> tuple[int, float, float]:
    """Pairs of a site with c_ij < l_i: how many, their demand and what serving it all saves."""
    count, wanted, saved = 0, 0.0, 0.0
    for arc in range(pairs.zones.ptr[site], pairs.zones.ptr[site + 1]):
        number = pairs.zones.idx[arc]
        each = pairs.unit_cost[arc] - multiplier[number]
        if each < 0.0:
            gain[count], taken[count] = each, number
            wanted += demand[number]
            saved += each * demand[number]
            count += 1
    return count, wanted, saved


@numba.njit(cache=True, nogil=True)
def fill(
    gain: FloatArray, taken: IntArray, demand: FloatArray, count: int, room: float
) -> tuple[float, int, float]:
    """Knapsack of the first pairs of a list: what it saves, <= 0.

    The list is put in such an order that the pairs served in full come first; their number and
    what the next one gets are returned as well. Partition as in quickselect: nothing is sorted.
    """
    first, last, saved = 0, count, 0.0
    while first < last:
        low, mid, high = gain[first], gain[(first + last) // 2], gain[last - 1]
        pivot = max(min(low, mid), min(max(low, mid), high))
        less, at, more = first, first, last
        wanted, worth = 0.0, 0.0
        while at < more:
            if gain[at] < pivot:
                wanted += demand[taken[at]]
                worth += gain[at] * demand[taken[at]]
                gain[less], gain[at] = gain[at], gain[less]
                taken[less], taken[at] = taken[at], taken[less]
                less += 1
                at += 1
            elif gain[at] > pivot:
                more -= 1
                gain[more], gain[at] = gain[at], gain[more]
                taken[more], taken[at] = taken[at], taken[more]
            else:
                at += 1
        if wanted > room:
            last = less
            continue
        room -= wanted
        saved += worth
        for place in range(less, more):
            each = demand[taken[place]]
            if each > room:
                return saved + pivot * room, place, room
            saved += pivot * each
            room -= each
        first = more
    return saved, first, 0.0


@numba.njit(cache=True, nogil=True)
def _price_sites(
    pairs: SitePairs,
    demand: FloatArray,
    capacity: FloatArray,
    price: FloatArray,
    multiplier: FloatArray,
    value: FloatArray,
) -> None:
    """Equation (1); ``price`` is what stands before the minimum."""
    widest = np.max(np.diff(pairs.zones.ptr)) if len(capacity) else 0
    gain, taken = np.empty(widest), np.empty(widest, np.int64)
    for site in range(len(capacity)):
        count, wanted, saved = worthwhile(pairs, site, demand, multiplier, gain, taken)
        for kind in range(capacity.shape[1]):
            filled = saved
            if wanted > capacity[site, kind]:
                filled, _, _ = fill(gain, taken, demand, count, capacity[site, kind])
            value[site, kind] = price[site, kind] + filled


@numba.njit(cache=True, nogil=True)
def _serve(
    opening: IntArray,
    room_of: FloatArray,
    pairs: SitePairs,
    demand: FloatArray,
    multiplier: FloatArray,
    served: FloatArray,
) -> None:
    widest = np.max(np.diff(pairs.zones.ptr)) if len(pairs.zones.ptr) > 1 else 0
    gain, taken = np.empty(widest), np.empty(widest, np.int64)
    served[:] = 0.0
    for at in range(len(opening)):
        count, wanted, _ = worthwhile(pairs, opening[at], demand, multiplier, gain, taken)
        rest = 0.0
        if wanted > room_of[at]:
            _, count, rest = fill(gain, taken, demand, count, room_of[at])
        for place in range(count):
            served[taken[place]] += demand[taken[place]]
        if rest > 0.0:
            served[taken[count]] += rest


def site_values(problem: FacilityLocationProblem, pairs: SitePairs, prices: Prices) -> FloatArray:
    """Equation (1), shape (num_sites, num_types)."""
    value = np.empty((problem.num_sites, problem.num_types))
    before = (1.0 + prices.money) * problem.rules.cost - prices.capacity * problem.capacity
    _price_sites(pairs, problem.demand, problem.capacity, before, prices.zone, value)
    return value


def capacitated_bound(
    problem: FacilityLocationProblem, pairs: SitePairs, prices: Prices
) -> Relaxed:
    """Equations (1) to (3)."""
    value = site_values(problem, pairs, prices)
    least = value.min(axis=1)
    rules = problem.rules
    opening = best_sites(
        -least, rules.forced, rules.forbidden, rules.least, rules.most, rules.cities
    )
    spared = prices.money * problem.rules.most_cost if prices.money > 0.0 else 0.0
    base = _dot(problem.demand, prices.zone + prices.capacity)
    return Relaxed(base - spared + float(least[opening].sum()), opening, value)


def _dot(left: FloatArray, right: FloatArray) -> float:
    """Inner product by pairwise summation: the same on every machine, and in one thread."""
    return float((left * right).sum())


def opening_losses(problem: FacilityLocationProblem, relaxed: Relaxed) -> FloatArray:
    """By how much the bound rises at least if a closed site is opened, shape (num_sites,).

    At most one other site closes for it: that of least worth, or, where the numbers leave room,
    none. Open sites have 0.
    """
    value = relaxed.value.min(axis=1)
    free = relaxed.opening[~problem.rules.forced[relaxed.opening]]
    spare = float(value[free].max()) if len(free) else -math.inf
    if len(relaxed.opening) < problem.rules.most:
        spare = max(spare, 0.0)
    loss = np.maximum(value - spare, 0.0)
    loss[relaxed.opening] = 0.0
    return np.asarray(loss)


def improve_capacitated_dual(
    problem: FacilityLocationProblem,
    pairs: SitePairs,
    start: CapacitatedDual,
    *,
    target: float,
    iterations: int,
    may_go_on: Callable[[], bool],
) -> CapacitatedDual:
    """Move the prices towards a better bound by deflected subgradients.

    Parameters
    ----------
    problem : FacilityLocationProblem
    pairs : SitePairs
    start : CapacitatedDual
    target : float
        Cost of a known plan, or a guess of it.
    iterations : int
    may_go_on : callable
        Asked before every step.
    """
    best, step, stalled = start, start.step, 0
    multiplier, capacity_price, money_price = start.prices
    demand, everything = problem.demand, float(problem.demand.sum())
    limited = math.isfinite(problem.rules.budget)
    frequency = start.frequency.copy()
    scale = np.divide(1.0, demand, out=np.zeros_like(demand), where=demand > 0)
    # Capacity and budget move their prices as steeply as all zones together theirs.
    capacity_scale = 1.0 / max(everything, 1e-300)
    money_scale = everything / max(problem.rules.budget, 1e-300) ** 2 if limited else 0.0
    direction, missing_direction, excess_direction = np.zeros(len(demand)), 0.0, 0.0
    served = np.empty(len(demand))

    def length_of(zone: FloatArray, missing: float, excess: float) -> float:
        of_prices = capacity_scale * missing**2 + money_scale * excess**2
        return _dot(demand, zone**2) + of_prices

    for _ in range(iterations):
        if not may_go_on():
            break
        prices = Prices(multiplier, capacity_price, money_price)
        relaxed = capacitated_bound(problem, pairs, prices)
        bound, opening = relaxed.bound, relaxed.opening
        frequency *= 0.95
        frequency[opening] += 0.05
        if bound > best.relaxed.bound:
            # Progress that does not show does not count against the patience.
            little = bound < best.relaxed.bound + 1e-4 * (target - best.relaxed.bound)
            stalled = stalled if little else 0
            best = replace(best, prices=prices, relaxed=relaxed)
        stalled += 1
        if stalled >= PATIENCE:
            step, stalled = step * STEP_DECAY, 0
            multiplier, capacity_price, money_price = best.prices
            direction[:], missing_direction, excess_direction = 0.0, 0.0, 0.0
            continue
        kind = relaxed.value[opening].argmin(axis=1)
        room = problem.capacity[opening, kind]
        _serve(opening, room, pairs, demand, multiplier, served)
        slope = (demand - served) * scale
        # At the end of their range multipliers cannot follow.
        unserved = (multiplier >= problem.unserved_cost - capacity_price) & (slope > 0.0)
        missing = everything - float((demand - served)[unserved].sum() + room.sum())
        slope[unserved] = 0.0
        excess = (
            float(problem.rules.cost[opening, kind].sum()) - problem.rules.most_cost
            if limited
            else 0.0
        )
        against = (
            _dot(demand, slope * direction)
            + capacity_scale * missing * missing_direction
            + money_scale * excess * excess_direction
        )
        norm = length_of(direction, missing_direction, excess_direction)
        kept = max(-DEFLECTION * against / norm, 0.0) if norm > 0.0 else 0.0
        direction = slope + kept * direction
        missing_direction = missing + kept * missing_direction
        excess_direction = excess + kept * excess_direction
        along = length_of(direction, missing_direction, excess_direction)
        if along <= 0.0 or bound >= target:
            break
        length = step * (target - bound) / along
        capacity_price = max(capacity_price + length * capacity_scale * missing_direction, 0.0)
        money_price = max(money_price + length * money_scale * excess_direction, 0.0)
        multiplier = np.minimum(
            multiplier + length * direction, problem.unserved_cost - capacity_price
        )
    return replace(best, step=step, frequency=frequency)
