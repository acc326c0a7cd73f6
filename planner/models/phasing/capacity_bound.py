"""The bound of covering over time where stations are full, city by city.

The relaxation of :mod:`planner.models.phasing.bound` lets a station serve all it reaches. With
x_ijk the share of zone i that station j serves in column k, w_ik its value, a_ik its load and K_jk
what the largest type that fits can carry, relaxing sum_j x_ijk <= 1 with 0 <= lambda_ik <= w_ik
gives equation (1) there with

(1) c_jn = sum over the columns k at n of
           max sum_i lambda_ik x_i  s.t.  sum_i a_ik x_i <= K_jk, 0 <= x <= 1, i in N(j),

a knapsack that takes the zones in the order of lambda_ik / a_ik (Sridharan 1995, EJOR 87:203-213).
Every lambda gives a bound. Those of a city's zones that no other city's sites reach are improved
at fixed prices by subgradient steps

(2) lambda <- clip(lambda + (L - (best - d)) / sum(w g^2) * w g),  g_ik = 1 - sum_j x_ijk,

the level d being lowered where the bound does not follow (Goffin and Kiwiel 1999, Mathematical
Programming 85:207-211). What a city's part of the bound falls by, the nation's does.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.phasing.bound import opening_price, phased_bound
from planner.models.phasing.dual import PhasedDualPoint
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.tree import ROOT

FIRST_LEVEL = 5e-2
"""d of equation (2) as a fraction of the city's part of the bound, at first. Measured on the
fullest city of 140 (600 sites): 300 steps come as far as 1,500 from 0.005."""
PATIENCE, ENOUGH = 40, 0.01
"""Steps in which the bound falls by less than this share of the level, until that is lowered."""
LOWERING, LEVELS = 0.6, 17
"""What the level is multiplied with then, and how many there are."""
STEPS = 50
"""Of one city, before the next has its turn."""


@dataclass(frozen=True)
class CrowdedCity:
    """A city's free sites and the zones they reach, as its part of the bound needs them.

    Attributes
    ----------
    site : int array, shape (num_sites,)
        Its sites among those of the rows.
    ptr, zone : int arrays
        Zones within reach of each site.
    row : int array, shape (num_zones,)
        Row of each zone.
    value, load : float arrays, shape (num_zones, num_columns)
    inner : bool array, shape (num_zones,)
        Zones that no site outside of the city reaches.
    capacity : float array, shape (num_sites, num_columns)
        Of the largest type that fits [swaps/h].
    cost : float array, shape (num_sites, num_nodes)
        Of an opening at each node, at the prices.
    may_stand, must_stand : bool arrays, shape (num_sites, num_nodes)
    node_of : int array, shape (num_columns,)
    parent : int array, shape (num_nodes,)
    """

    site: IntArray
    ptr: IntArray
    zone: IntArray
    row: IntArray
    value: FloatArray
    load: FloatArray
    inner: BoolArray
    capacity: FloatArray
    cost: FloatArray
    may_stand: BoolArray
    must_stand: BoolArray
    node_of: IntArray
    parent: IntArray


@numba.njit(cache=True, nogil=True)
def _fill(
    zones: IntArray,
    multiplier: FloatArray,
    load: FloatArray,
    capacity: float,
    served: FloatArray,
    weight: float,
) -> float:
    """The knapsack of (1) for one site and column; ``weight`` times its x are added to served."""
    total, used = 0.0, 0.0
    for zone in zones:
        if multiplier[zone] > 0.0:
            total += multiplier[zone]
            used += load[zone]
    if used <= capacity:
        if weight > 0.0:
            for zone in zones:
                if multiplier[zone] > 0.0:
                    served[zone] += weight
        return total
    ratio = np.zeros(len(zones))
    for at in range(len(zones)):
        zone = zones[at]
        if multiplier[zone] > 0.0:
            ratio[at] = -np.inf if load[zone] <= 0.0 else -multiplier[zone] / load[zone]
    left, total = capacity, 0.0
    for at in np.argsort(ratio):
        zone = zones[at]
        if multiplier[zone] <= 0.0:
            break
        share = 1.0 if load[zone] <= left else left / load[zone]
        total += share * multiplier[zone]
        left -= share * load[zone]
        if weight > 0.0:
            served[zone] += weight * share
        if share < 1.0:
            break
    return total


@numba.njit(cache=True, nogil=True)
def _site_part(
    ptr: IntArray,
    zone: IntArray,
    multiplier: FloatArray,
    load: FloatArray,
    capacity: FloatArray,
    cost: FloatArray,
    may_stand: BoolArray,
    must_stand: BoolArray,
    node_of: IntArray,
    parent: IntArray,
    profit: FloatArray,
    served: FloatArray,
) -> None:
    """f_j of each site into ``profit``, sum_j x_ijk of the best openings into ``served``.

    Multipliers, loads and ``served`` have shape (num_columns, num_zones).
    """
    num_nodes, num_columns = len(parent), len(node_of)
    from_here, best = np.empty(num_nodes), np.empty(num_nodes)
    opens, stands = np.empty(num_nodes, np.bool_), np.empty(num_nodes, np.bool_)
    served[:] = 0.0
    for site in range(len(profit)):
        zones = zone[ptr[site] : ptr[site + 1]]
        from_here[:] = 0.0
        best[:] = 0.0
        for column in range(num_columns):
            from_here[node_of[column]] += _fill(
                zones, multiplier[column], load[column], capacity[site, column], served[column], 0.0
            )
        profit[site] = 0.0
        for node in range(num_nodes - 1, -1, -1):
            opens[node] = False
            if may_stand[site, node]:
                now = from_here[node] - cost[site, node]
                if must_stand[site, node] or now > best[node]:
                    best[node], opens[node] = now, True
            if parent[node] == ROOT:
                profit[site] += best[node]
            else:
                from_here[parent[node]] += from_here[node]
                best[parent[node]] += best[node]
        for node in range(num_nodes):
            before = parent[node] != ROOT and stands[parent[node]]
            stands[node] = before or opens[node]
        for column in range(num_columns):
            if stands[node_of[column]]:
                _fill(
                    zones, multiplier[column], load[column], capacity[site, column],
                    served[column], 1.0,
                )  # fmt: skip


def city_part(
    city: CrowdedCity, multiplier: FloatArray, *, full: bool = True
) -> tuple[float, FloatArray]:
    """A city's part of the bound: its inner zones' (w - lambda), and its sites' f_j.

    Parameters
    ----------
    city : CrowdedCity
    multiplier : float array, shape (num_zones, num_columns)
        In [0, w].
    full : bool
        Whether stations carry no more than they can; otherwise all they reach.

    Returns
    -------
    part : float
        Correctly rounded sum.
    served : float array, shape (num_zones, num_columns)
        sum_j x_ijk at the best openings.
    """
    capacity = city.capacity if full else np.full(city.capacity.shape, np.inf)
    profit, served = _profits(city, multiplier, capacity)
    slack = (city.value - multiplier)[city.inner]
    return math.fsum((math.fsum(profit), math.fsum(slack.ravel()))), served.T


def site_worths(city: CrowdedCity, multiplier: FloatArray) -> FloatArray:
    """c_j of equation (1), all nodes together: what each site earns while it stands at all of them.

    Parameters
    ----------
    city : CrowdedCity
    multiplier : float array, shape (num_zones, num_columns)
        In [0, w].

    Returns
    -------
    float array, shape (num_sites,)
    """
    everywhere = np.ones_like(city.may_stand)
    free = replace(city, cost=np.zeros_like(city.cost), may_stand=everywhere, must_stand=everywhere)
    return _profits(free, multiplier, city.capacity)[0]


def _profits(
    city: CrowdedCity, multiplier: FloatArray, capacity: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """f_j of each site, and sum_j x_ijk of the best openings, shape (num_columns, num_zones)."""
    profit, served = np.empty(len(city.capacity)), np.empty(multiplier.shape[::-1])
    _site_part(
        city.ptr, city.zone, np.ascontiguousarray(multiplier.T),
        np.ascontiguousarray(city.load.T), capacity, city.cost, city.may_stand, city.must_stand,
        city.node_of, city.parent, profit, served,
    )  # fmt: skip
    return profit, served


def lower_part(
    city: CrowdedCity, multiplier: FloatArray, *, patience: int = PATIENCE
) -> Iterator[tuple[float, FloatArray]]:
    """Lower a city's part of the bound by steps (2), until the level says that little is left.

    Parameters
    ----------
    city : CrowdedCity
    multiplier : float array, shape (num_zones, num_columns)
        Where the steps begin.
    patience : int
        Steps without progress before the level is lowered: few are quick, many reach further.

    Yields
    ------
    part : float
        The least part after every step; never rises.
    multiplier : float array, shape (num_zones, num_columns)
        What gives it.
    """
    weight = np.where(city.inner[:, None], city.value, 0.0)
    best, best_multiplier = math.inf, multiplier
    level = FIRST_LEVEL * city_part(city, multiplier)[0]
    for _ in range(LEVELS):
        since = 0
        while since < patience:
            part, served = city_part(city, multiplier)
            since = 0 if part < best - ENOUGH * level else since + 1
            if part < best:
                best, best_multiplier = part, multiplier
            yield best, best_multiplier
            slope = 1.0 - served
            norm = float((weight * slope**2).sum())
            if norm <= 0.0:
                return
            step = (part - best + level) / norm
            multiplier = np.clip(multiplier + step * weight * slope, 0.0, city.value)
        level, multiplier = level * LOWERING, best_multiplier


def crowded_city(
    problem: PhasedProblem, rows: PhasedRows, city: int, point: PhasedDualPoint
) -> tuple[CrowdedCity, FloatArray]:
    """A city's part of the bound at a point of the relaxation, and its multipliers there."""
    of_city = np.zeros(problem.num_sites, dtype=np.bool_)
    elsewhere = of_city.copy()
    within = problem.cities.city_idx[rows.site_idx] == city
    of_city[rows.site_idx[within]] = True
    elsewhere[rows.site_idx[~within]] = True
    site = np.repeat(np.cumsum(of_city) - 1, problem.reach.sizes)
    reached = problem.reach.idx.astype(np.int64)
    arc = np.repeat(of_city, problem.reach.sizes) & (rows.row_of_zone[reached] >= 0)
    zone_idx, zone = np.unique(reached[arc], return_inverse=True)
    row, column_node = rows.row_of_zone[zone_idx], problem.node_of
    is_border = np.isin(zone_idx, problem.reach.entries_of(elsewhere))
    # Pairs that the rows leave out are no part of the bound.
    counts = rows.value[row][:, column_node] > 0.0
    value = np.where(counts, problem.value[zone_idx], 0.0)
    part = CrowdedCity(
        site=np.flatnonzero(within),
        ptr=np.searchsorted(site[arc], np.arange(within.sum() + 1)).astype(np.int64),
        zone=zone.astype(np.int64),
        row=row.astype(np.int64),
        value=value,
        load=problem.load[zone_idx],
        inner=~is_border,
        capacity=np.ascontiguousarray(problem.capacity[of_city].max(axis=1)),
        cost=np.ascontiguousarray(opening_price(problem, rows, point.price)[within]),
        may_stand=rows.may_stand[within],
        must_stand=rows.must_stand[within],
        node_of=column_node.astype(np.int64),
        parent=rows.tree.parent.astype(np.int64),
    )
    return part, multipliers_at(part, rows, point)


def multipliers_at(city: CrowdedCity, rows: PhasedRows, point: PhasedDualPoint) -> FloatArray:
    """Multipliers of a city's zones at a point, shape (num_zones, num_columns)."""
    of_row = rows.value[city.row]
    share = np.divide(
        point.multiplier[city.row], of_row, out=np.zeros(of_row.shape), where=of_row > 0.0
    )
    return np.clip(share[:, city.node_of], 0.0, 1.0) * city.value


def capacity_bounds(
    problem: PhasedProblem, rows: PhasedRows, point: PhasedDualPoint, cities: IntArray
) -> Iterator[float]:
    """Lower the bound of a point of the relaxation in cities whose stations are full.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
        Of the problem, without rents.
    point : PhasedDualPoint
        Its prices stay.
    cities : int array
        Cities worked on, in turn.

    Yields
    ------
    float
        A bound on every plan; never rises. The first one tells of no city yet.
    """
    whole = phased_bound(problem, rows, point.multiplier, point.price)
    yield whole
    first, least, steps = {}, {}, {}
    for city in cities.tolist():
        part, multiplier = crowded_city(problem, rows, city, point)
        first[city] = city_part(part, multiplier, full=False)[0]
        least[city], steps[city] = first[city], lower_part(part, multiplier)
    while steps:
        for city in list(steps):
            block = list(itertools.islice(steps[city], STEPS))
            if len(block) < STEPS:
                del steps[city]
            least[city] = min([least[city], *(part for part, _ in block)])
            yield whole - math.fsum(first[each] - least[each] for each in first)
