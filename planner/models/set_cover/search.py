"""Annealing for set covering: a row left uncovered costs its penalty.

With near_i open sites at row i, N(i), r_i, c_j as in :mod:`planner.models.set_cover.presolve`,
weights u_i and a price q, a choice S of sites costs

(1) sum_{j in S} c_j + q sum of u_i over i with near_i < r_i,

and the moves change that by

(2) open j:            c_j - q gain_j,  gain_j = sum of u_i over i in N(j) with near_i = r_i - 1,
(3) close k:           q loss_k - c_k,  loss_k = sum of u_i over i in N(k) with near_i = r_i,
(4) exchange k for j:  c_j - c_k + q (loss_k - gain_j - extra_jk),
    extra_jk = sum of u_i over i in N(j) and N(k) with near_i = r_i.

Where all rows must be covered u_i is the cost of the cheapest site that reaches row i, times r_i,
and q = 1: where each row takes one station, repairing a choice costs no more than (1) says already.
Where a value D must be covered u_i = v_i, and q follows the covered value: up while it is below D,
down while above. The losses of open sites are kept up to date; gains and extras are summed when a
site is offered (Resende and Werneck 2007, EJOR 174:54-68, there for p-median).
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.set_cover.greedy import CoverArrays, Numbers, numbers_of, stations_near
from planner.models.set_cover.presolve import CoverTask, Incidence

NOBODY = -1
PRICE_STEP = 0.002
"""Fraction by which q changes, every so many moves as make a hundredth of the open sites."""


@numba.njit(cache=True, nogil=True)
def _add_to_coverers(
    row: int, amount: float, inc: Incidence, is_open: BoolArray, near: IndexArray,
    near_sum: IntArray, total: FloatArray,
) -> None:  # fmt: skip
    """Add to ``total`` of each open site at a row; one alone is named by the sum of positions."""
    if near[row] == 1:
        total[near_sum[row]] += amount
        return
    for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
        site = inc.sites_of_row.idx[arc]
        if is_open[site]:
            total[site] += amount


@numba.njit(cache=True, nogil=True)
def _open(
    site: int, inc: Incidence, weight: FloatArray, need: IndexArray, is_open: BoolArray,
    near: IndexArray, near_sum: IntArray, loss: FloatArray,
) -> float:  # fmt: skip
    """Open a site; returns the weight of the rows that this covers."""
    gained = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if near[row] == need[row]:
            _add_to_coverers(row, -weight[row], inc, is_open, near, near_sum, loss)
        near[row] += 1
        near_sum[row] += site
    is_open[site] = True
    loss[site] = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if near[row] == need[row]:
            gained += weight[row]
            _add_to_coverers(row, weight[row], inc, is_open, near, near_sum, loss)
    return gained


@numba.njit(cache=True, nogil=True)
def _close(
    site: int, inc: Incidence, weight: FloatArray, need: IndexArray, is_open: BoolArray,
    near: IndexArray, near_sum: IntArray, loss: FloatArray,
) -> float:  # fmt: skip
    """Close a site; returns the weight of the rows that this uncovers."""
    lost = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if near[row] == need[row]:
            lost += weight[row]
            _add_to_coverers(row, -weight[row], inc, is_open, near, near_sum, loss)
    is_open[site] = False
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        near[row] -= 1
        near_sum[row] -= site
        if near[row] == need[row]:
            _add_to_coverers(row, weight[row], inc, is_open, near, near_sum, loss)
    return lost


class _Penalty(NamedTuple):
    """The price q to begin with, the value D that is wanted, and whether q follows it."""

    price: float
    wanted: float
    steer: bool


class _Schedule(NamedTuple):
    """Moves, and the first and last temperature."""

    num_moves: int
    hot: float
    cold: float


@numba.njit(cache=True, nogil=True)
def _anneal(
    candidates: IntArray,
    task: CoverArrays,
    numbers: Numbers,
    penalty: _Penalty,
    schedule: _Schedule,
    rng: np.random.Generator,
    is_open: BoolArray,
    near: IndexArray,
    best_cost: float,
) -> tuple[float, float, BoolArray]:
    """Returns the price at the end, and cost and sites of the cheapest choice worth what is wanted.

    ``is_open`` and ``near`` are changed in place; the choice is the last one that costs less than
    ``best_cost``, or none of the sites if there was none.
    """
    inc, weight, need, cost = task
    least, most, city, city_least, city_most = numbers
    price, required, steer = penalty
    num_moves, hot, cold = schedule
    num_sites, num_rows = len(cost), len(need)
    number = np.zeros(len(city_most), np.int64)
    open_sites = np.empty(num_sites, np.int64)
    place = np.full(num_sites, -1)
    near_sum = np.zeros(num_rows, np.int64)
    loss = np.zeros(num_sites)
    num_open, spent, covered = 0, 0.0, 0.0
    for site in range(num_sites):
        if is_open[site]:
            open_sites[num_open] = site
            place[site] = num_open
            num_open += 1
            number[city[site]] += 1
            spent += cost[site]
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                near_sum[inc.rows_of_site.idx[arc]] += site
    for row in range(num_rows):
        if near[row] >= need[row]:
            covered += weight[row]
        if near[row] == need[row]:
            _add_to_coverers(row, weight[row], inc, is_open, near, near_sum, loss)
    extra = np.zeros(num_sites)
    touched = np.empty(num_sites, np.int64)
    best_open = np.zeros(num_sites, np.bool_)
    enough, small = required * (1.0 - 1e-12), 1e-9 * max(best_cost, 1e-300)
    until_steered = 1
    for move in range(num_moves):
        temperature = hot * (cold / hot) ** (move / num_moves)
        until_steered -= 1
        if steer and until_steered <= 0:
            price *= 1.0 + (PRICE_STEP if covered < required else -PRICE_STEP)
            until_steered = max(num_open // 100, 1)
        site = candidates[int(rng.random() * len(candidates))]
        own = city[site]
        partner = NOBODY
        if is_open[site]:
            if num_open <= least or number[own] <= city_least[own]:
                continue
            change, partner = price * loss[site] - cost[site], site
        else:
            gain, num_touched = 0.0, 0
            for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
                row = inc.rows_of_site.idx[arc]
                if near[row] + 1 == need[row]:
                    gain += weight[row]
                elif near[row] == need[row]:
                    if near[row] == 1:
                        k = near_sum[row]
                        if extra[k] == 0.0:
                            touched[num_touched] = k
                            num_touched += 1
                        extra[k] += weight[row]
                    else:
                        for other in range(
                            inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]
                        ):
                            k = inc.sites_of_row.idx[other]
                            if is_open[k]:
                                if extra[k] == 0.0:
                                    touched[num_touched] = k
                                    num_touched += 1
                                extra[k] += weight[row]
            change = np.inf
            if num_open < most and number[own] < city_most[own]:
                change = cost[site] - price * gain
            if num_open > 0:
                k = open_sites[int(rng.random() * num_open)]
                if extra[k] == 0.0:
                    touched[num_touched] = k
                    num_touched += 1
            for at in range(num_touched):
                k = touched[at]
                if city[k] == own or (
                    number[own] < city_most[own] and number[city[k]] > city_least[city[k]]
                ):
                    exchanged = cost[site] - cost[k] + price * (loss[k] - gain - extra[k])
                    if exchanged < change:
                        change, partner = exchanged, k
                extra[k] = 0.0
            if change == np.inf:
                continue
        if change > 0.0 and rng.random() >= np.exp(-change / temperature):
            continue
        if partner != NOBODY:
            covered -= _close(partner, inc, weight, need, is_open, near, near_sum, loss)
            spent -= cost[partner]
            number[city[partner]] -= 1
            num_open -= 1
            last = open_sites[num_open]
            open_sites[place[partner]] = last
            place[last] = place[partner]
            place[partner] = -1
        if partner != site:
            covered += _open(site, inc, weight, need, is_open, near, near_sum, loss)
            spent += cost[site]
            number[own] += 1
            open_sites[num_open] = site
            place[site] = num_open
            num_open += 1
        if spent < best_cost - small and covered >= enough:
            best_cost = spent
            best_open[:] = is_open
    return price, best_cost, best_open


def anneal_cover(
    task: CoverTask,
    is_open: BoolArray,
    candidates: IntArray,
    *,
    weight: FloatArray,
    price: float,
    best_cost: float,
    num_moves: int,
    hot: float,
    cold: float,
    rng: np.random.Generator,
) -> tuple[float, float, IntArray]:
    """Offer random moves (2) to (4), losses being accepted with falling probability.

    Parameters
    ----------
    task : CoverTask
    is_open : bool array, shape (num_sites,)
        A choice that keeps the numbers of stations; changed in place.
    candidates : int array
        Sites that are offered, at least one.
    weight : float array, shape (num_rows,)
        u_i > 0.
    price : float
        q to begin with.
    best_cost : float
        Cost of the best plan known, forced sites left out.
    num_moves : int
    hot, cold : float
        Temperatures in units of cost, hot >= cold > 0.
    rng : numpy.random.Generator

    Returns
    -------
    price : float
        q at the end.
    best_cost : float
        Of the best plan now.
    plan : int array
        Its open sites if it is new, else empty.
    """
    required = float(weight.sum()) if task.covers_all else task.required
    price, best_cost, best_open = _anneal(
        candidates,
        CoverArrays(task.incidence, weight, task.need, task.cost),
        numbers_of(task),
        _Penalty(price, required, not task.covers_all),
        _Schedule(num_moves, hot, cold),
        rng,
        is_open,
        stations_near(task, is_open),
        best_cost,
    )
    return float(price), float(best_cost), np.flatnonzero(best_open)
