"""Plans for set covering by opening what covers most for its cost, then closing what is spare.

With near_i open sites at row i, v_i, r_i, c_j and D as in :mod:`planner.models.set_cover.presolve`:

(1) gain_j = min( sum of v_i / r_i over i in N(j) with near_i < r_i, value still missing ),
(2) loss_k = sum of v_i over i in N(k) with near_i = r_i: what closing k takes.

Opened is the site of greatest gain per cost; gains never grow as sites open, so that one whose
refreshed score still leads the queue is the best (lazy evaluation, Minoux 1978). Closed is, in
passes over all sites, what loses least per cost, while enough stays covered. Chvatal 1979
(Mathematics of Operations Research 4:233-235), for a share as in Slavik 1997 (Information
Processing Letters 64:251-254).
"""

import heapq
import math
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.set_cover.presolve import CoverTask, Incidence
from planner.solving.best_sites import best_sites
from planner.solving.incidence import sum_over_lists

NO_LIMIT = 2**62
ROUNDING_FRAC = 5e-9
"""By this fraction a plan may miss the value asked for: what solvers that count in whole numbers
take."""


def stations_near(task: CoverTask, is_open: BoolArray) -> IndexArray:
    """Open sites at each row, shape (num_rows,)."""
    near: IndexArray = _near(task.incidence, is_open)
    return near


@numba.njit(cache=True, nogil=True)
def _near(inc: Incidence, is_open: BoolArray) -> IndexArray:
    near = np.zeros(len(inc.value), np.int32)
    for site in range(len(is_open)):
        if is_open[site]:
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                near[inc.rows_of_site.idx[arc]] += 1
    return near


def covered_value(task: CoverTask, is_open: BoolArray) -> float:
    """Value of the rows with as many open sites as they need."""
    return float(task.value[stations_near(task, is_open) >= task.need].sum())


@numba.njit(cache=True, nogil=True)
def _gain(site: int, inc: Incidence, need: IndexArray, near: IndexArray) -> float:
    gain = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if near[row] < need[row]:
            gain += inc.value[row]
    return gain


class CoverArrays(NamedTuple):
    """A task for compiled loops: incidence, values v_i, needs r_i and costs c_j."""

    inc: Incidence
    value: FloatArray
    need: IndexArray
    cost: FloatArray


class Numbers(NamedTuple):
    """How many sites may open, in all and by city, for compiled loops."""

    least: int
    most: int
    city: IndexArray
    city_least: IntArray
    city_most: IntArray


def numbers_of(task: CoverTask) -> Numbers:
    """Limits on numbers of a task; one city without limits if it has none."""
    if task.cities is None:
        nowhere = np.zeros(task.num_sites, np.int32)
        return Numbers(task.least, task.most, nowhere, np.zeros(1, np.int64), np.full(1, NO_LIMIT))
    cities = task.cities
    return Numbers(task.least, task.most, cities.city_idx, cities.min_stations, cities.max_stations)


@numba.njit(cache=True, nogil=True)
def _complete(
    task: CoverArrays, required: float, numbers: Numbers, is_open: BoolArray, near: IndexArray
) -> None:
    """Open sites by (1) until enough is covered or nothing may be opened; in place."""
    inc, value, need, cost = task
    most, city, city_most = numbers.most, numbers.city, numbers.city_most
    num_sites = len(cost)
    least_cost = 1e-9 * max(cost.max(), 1e-300)
    missing = required
    for row in range(len(value)):
        if near[row] >= need[row]:
            missing -= value[row]
    number = np.zeros(len(city_most), np.int64)
    num_open = 0
    heap = [(0.0, 0) for _ in range(0)]
    for site in range(num_sites):
        if is_open[site]:
            number[city[site]] += 1
            num_open += 1
        else:
            gain = _gain(site, inc, need, near)
            if gain > 0.0:
                heap.append((-gain / (cost[site] + least_cost), site))
    heapq.heapify(heap)
    tolerance = 1e-13 * max(required, 1e-300)
    while missing > tolerance and num_open < most and len(heap) > 0:
        stale, site = heap[0]
        gain = min(_gain(site, inc, need, near), missing)
        score = -gain / (cost[site] + least_cost)
        if gain <= 0.0 or number[city[site]] >= city_most[city[site]]:
            heapq.heappop(heap)
        elif score > stale:
            heapq.heapreplace(heap, (score, site))
        else:
            heapq.heappop(heap)
            is_open[site] = True
            number[city[site]] += 1
            num_open += 1
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                row = inc.rows_of_site.idx[arc]
                near[row] += 1
                if near[row] == need[row]:
                    missing -= value[row]


@numba.njit(cache=True, nogil=True)
def _loss(
    site: int, inc: Incidence, value: FloatArray, need: IndexArray, near: IndexArray
) -> float:
    """Equation (2)."""
    loss = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if near[row] == need[row]:
            loss += value[row]
    return loss


@numba.njit(cache=True, nogil=True)
def _trim(
    task: CoverArrays, spare: float, numbers: Numbers, is_open: BoolArray, near: IndexArray
) -> None:
    """Close sites by (2) while they lose no more than ``spare``; in place."""
    inc, value, need, cost = task
    least, city, city_least = numbers.least, numbers.city, numbers.city_least
    open_sites = np.flatnonzero(is_open)
    dearest_first = open_sites[np.argsort(-cost[open_sites], kind="mergesort")]
    score = np.empty(len(open_sites))
    number = np.zeros(len(city_least), np.int64)
    for at in range(len(open_sites)):
        site = dearest_first[at]
        number[city[site]] += 1
        loss = _loss(site, inc, value, need, near)
        score[at] = loss / cost[site] if cost[site] > 0.0 else np.inf
    num_open = len(open_sites)
    for site in dearest_first[np.argsort(score, kind="mergesort")]:
        if num_open <= least or number[city[site]] <= city_least[city[site]]:
            continue
        loss = _loss(site, inc, value, need, near)
        if loss <= spare:
            spare -= loss
            is_open[site] = False
            number[city[site]] -= 1
            num_open -= 1
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                near[inc.rows_of_site.idx[arc]] -= 1


def greedy_cover(task: CoverTask, first: IntArray) -> IntArray:
    """Complete a choice of sites to a plan that covers enough, and close what is spare.

    Parameters
    ----------
    task : CoverTask
    first : int array
        Sites open at first; may be closed again.

    Returns
    -------
    int array
        Open sites, ascending. They may cover too little where numbers of stations leave no room.
    """
    is_open = np.zeros(task.num_sites, dtype=np.bool_)
    is_open[first] = True
    if task.num_rows > 0:
        _cover(task, is_open)
    nowhere = np.zeros(task.num_sites, dtype=np.bool_)
    return best_sites(-1.0 - task.cost, is_open, nowhere, task.least, task.most, task.cities)


def _cover(task: CoverTask, is_open: BoolArray) -> None:
    """Complete by (1), then trim by (2), in place."""
    inc, numbers = task.incidence, numbers_of(task)
    if numbers.city_least.any():
        # What cities must have anyhow: the sites that reach most for their cost.
        reached = np.empty(task.num_sites)
        sum_over_lists(inc.rows_of_site, inc.value, reached)
        least_cost = 1e-9 * max(float(task.cost.max()), 1e-300)
        worth = -(task.cost + least_cost) / (reached + 1e-9 * reached.max())
        nowhere = np.zeros(task.num_sites, dtype=np.bool_)
        is_open[best_sites(worth, is_open, nowhere, 0, task.most, task.cities)] = True
    near = stations_near(task, is_open)
    arrays = CoverArrays(inc, task.value, task.need, task.cost)
    _complete(arrays, task.required, numbers, is_open, near)
    spare = covered_value(task, is_open) - task.required
    if spare >= -1e-12 * task.required:
        _trim(arrays, max(spare, 0.0), numbers, is_open, near)


def plan_cost(task: CoverTask, plan: IntArray) -> float:
    """Cost of a plan, forced sites included; inf if it covers too little or breaks a number.

    Parameters
    ----------
    task : CoverTask
    plan : int array
        Open sites, distinct.
    """
    is_open = np.zeros(task.num_sites, dtype=np.bool_)
    is_open[plan] = True
    enough = covered_value(task, is_open) >= task.required * (1.0 - ROUNDING_FRAC)
    numbers = task.least <= len(plan) <= task.most
    if not (enough and numbers and (task.cities is None or task.cities.allow(plan))):
        return math.inf
    return math.fsum((task.base_cost, *task.cost[plan].tolist()))
