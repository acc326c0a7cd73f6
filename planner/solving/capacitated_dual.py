"""Lagrangian dual of capacitated facility location: a fractional knapsack per site.

With multipliers l_i on "zone i is served in full" and m >= 0 on "the stations' capacities exceed
all demand D" (Cornuejols, Sridharan and Thizy 1991, EJOR 50:280-297)

(1) v_jt = f_jt - m K_jt + min sum_i (c_ij - l_i) x_ij, 0 <= x_ij <= a_i, sum_i x_ij <= K_jt,
(2) v_j  = min_t v_jt,
(3) L(l, m) = sum_i a_i l_i + m D + min over open sets of sum_j v_j,

where (1) fills the capacity with the zones of least c_ij - l_i < 0, and open sets keep locks and
the number of stations. Every l and m give a valid bound. A budget is left out of the bound.
"""

import math
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.problem import FacilityLocationProblem, FloatArray, IndexArray, IntArray

STEP_DECAY, PATIENCE, DEFLECTION = 0.7, 25, 1.5
"""As in `planner.solving.median_dual`."""


@dataclass(frozen=True)
class SitePairs:
    """The pairs of a problem by site.

    Attributes
    ----------
    site_ptr : int array, shape (num_sites + 1,)
    zone, unit_cost : arrays, shape (num_pairs,)
    """

    site_ptr: IntArray
    zone: IndexArray
    unit_cost: FloatArray


@dataclass(frozen=True)
class CapacitatedDual:
    """Best multipliers so far.

    Attributes
    ----------
    multiplier : float array, shape (num_zones,)
        l_i: what serving one more unit of the zone is worth.
    capacity_price : float
        m.
    bound : float
        No plan costs less.
    site_value : float array, shape (num_sites, num_types)
        v_jt at the best multipliers.
    frequency : float array, shape (num_sites,)
        Recent share of relaxed plans that open the site.
    step : float
        Polyak's factor.
    """

    multiplier: FloatArray
    capacity_price: float
    bound: float
    site_value: FloatArray
    frequency: FloatArray
    step: float


def pairs_by_site(problem: FacilityLocationProblem) -> SitePairs:
    """Sort the pairs of a problem by site."""
    zone = np.repeat(np.arange(problem.num_zones, dtype=np.int32), np.diff(problem.zone_ptr))
    order = np.argsort(problem.site_idx, kind="stable")
    site_ptr = np.zeros(problem.num_sites + 1, dtype=np.int64)
    np.cumsum(np.bincount(problem.site_idx, minlength=problem.num_sites), out=site_ptr[1:])
    return SitePairs(site_ptr, zone[order], problem.unit_cost[order])


@numba.njit(cache=True, nogil=True)
def _fill(
    site: int,
    room: float,
    site_ptr: IntArray,
    zone: IndexArray,
    unit_cost: FloatArray,
    demand: FloatArray,
    multiplier: FloatArray,
    order: IntArray,
    served: FloatArray,
) -> float:
    """Knapsack of (1) for pairs in ``order``; adds what it serves to ``served``."""
    value = 0.0
    for arc in order:
        number = zone[site_ptr[site] + arc]
        gain = unit_cost[site_ptr[site] + arc] - multiplier[number]
        if gain >= 0.0 or room <= 0.0:
            break
        amount = min(demand[number], room)
        value += gain * amount
        served[number] += amount
        room -= amount
    return value


@numba.njit(cache=True, nogil=True)
def _price_sites(
    site_ptr: IntArray,
    zone: IndexArray,
    unit_cost: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    fixed_cost: FloatArray,
    multiplier: FloatArray,
    capacity_price: float,
    value: FloatArray,
) -> None:
    """Equation (1)."""
    scratch = np.zeros(len(demand))
    for site in range(len(capacity)):
        first, last = site_ptr[site], site_ptr[site + 1]
        gain = unit_cost[first:last] - multiplier[zone[first:last]]
        order = np.argsort(gain)
        for kind in range(capacity.shape[1]):
            room = capacity[site, kind]
            filled = _fill(
                site, room, site_ptr, zone, unit_cost, demand, multiplier, order, scratch
            )
            value[site, kind] = fixed_cost[site, kind] - capacity_price * room + filled


@numba.njit(cache=True, nogil=True)
def _serve(
    opening: IntArray,
    best_type: IntArray,
    site_ptr: IntArray,
    zone: IndexArray,
    unit_cost: FloatArray,
    demand: FloatArray,
    capacity: FloatArray,
    multiplier: FloatArray,
    served: FloatArray,
) -> None:
    served[:] = 0.0
    for site in opening:
        first, last = site_ptr[site], site_ptr[site + 1]
        order = np.argsort(unit_cost[first:last] - multiplier[zone[first:last]])
        _fill(
            site,
            capacity[site, best_type[site]],
            site_ptr,
            zone,
            unit_cost,
            demand,
            multiplier,
            order,
            served,
        )


def _best_opening(problem: FacilityLocationProblem, value: FloatArray) -> IntArray:
    """Sites that keep locks and numbers with the least total value."""
    free = np.flatnonzero(~(problem.forced | problem.forbidden))
    free = free[np.argsort(value[free], kind="stable")]
    num_forced = int(problem.forced.sum())
    most = max(problem.max_stations - num_forced, 0)
    least = max(problem.min_stations - num_forced, 0)
    wanted = min(max(int((value[free] < 0).sum()), least), most)
    return np.concatenate((np.flatnonzero(problem.forced), free[:wanted]))


def capacitated_bound(
    problem: FacilityLocationProblem,
    pairs: SitePairs,
    multiplier: FloatArray,
    capacity_price: float,
) -> tuple[float, IntArray, FloatArray, IntArray]:
    """Equation (3) in exact order: bound, open sites, v_jt and best type of each site."""
    value = np.empty((problem.num_sites, problem.num_types))
    _price_sites(
        pairs.site_ptr, pairs.zone, pairs.unit_cost, problem.demand, problem.capacity,
        problem.fixed_cost, multiplier, capacity_price, value,
    )  # fmt: skip
    best_type = value.argmin(axis=1)
    least = value.min(axis=1)
    opening = _best_opening(problem, least)
    total = capacity_price * math.fsum(problem.demand)
    bound = math.fsum(problem.demand * multiplier) + total + math.fsum(least[opening])
    return bound, opening, value, best_type


def improve_capacitated_dual(
    problem: FacilityLocationProblem,
    pairs: SitePairs,
    start: CapacitatedDual,
    *,
    target: float,
    iterations: int,
) -> CapacitatedDual:
    """Move the multipliers towards a better bound by deflected subgradients.

    Parameters
    ----------
    problem : FacilityLocationProblem
    pairs : SitePairs
    start : CapacitatedDual
    target : float
        Cost of a known plan, or a guess of it.
    iterations : int
    """
    best, step, stalled = start, start.step, 0
    multiplier, price = start.multiplier.copy(), start.capacity_price
    demand, everything = problem.demand, float(problem.demand.sum())
    frequency = start.frequency.copy()
    scale = np.divide(1.0, demand, out=np.zeros_like(demand), where=demand > 0)
    price_scale = 1.0 / max(everything, 1e-300)
    direction, price_direction = np.zeros(len(demand)), 0.0
    served = np.empty(len(demand))
    for _ in range(iterations):
        bound, opening, value, best_type = capacitated_bound(problem, pairs, multiplier, price)
        frequency *= 0.95
        frequency[opening] += 0.05
        if bound > best.bound:
            little = bound < best.bound + 1e-4 * (target - best.bound)
            stalled = stalled if little else 0
            best = replace(
                best, multiplier=multiplier.copy(), capacity_price=price, bound=bound,
                site_value=value,
            )  # fmt: skip
        stalled += 1
        if stalled >= PATIENCE:
            step, stalled = step * STEP_DECAY, 0
            multiplier, price = best.multiplier.copy(), best.capacity_price
            direction[:], price_direction = 0.0, 0.0
            continue
        _serve(
            opening, best_type, pairs.site_ptr, pairs.zone, pairs.unit_cost, demand,
            problem.capacity, multiplier, served,
        )  # fmt: skip
        slope = (demand - served) * scale
        missing = everything - float(problem.capacity[opening, best_type[opening]].sum())
        against = float(demand @ (slope * direction)) + price_scale * missing * price_direction
        norm = float(demand @ direction**2) + price_scale * price_direction**2
        kept = max(-DEFLECTION * against / norm, 0.0) if norm > 0.0 else 0.0
        direction = slope + kept * direction
        price_direction = missing + kept * price_direction
        along = float(demand @ direction**2) + price_scale * price_direction**2
        if along <= 0.0 or bound >= target:
            break
        length = step * (target - bound) / along
        multiplier = multiplier + length * direction
        price = max(price + length * price_scale * price_direction, 0.0)
    return replace(best, step=step, frequency=frequency)
