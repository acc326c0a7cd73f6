"""Plans for maximal covering when each open site costs its price: greedy, then annealing.

Sets and tables are those of :mod:`planner.models.coverage.search`; q_j >= 0 is the price of site j
in units of value. A plan S is worth

(1) sum of w_i over covered i - sum of q_j over j in S,

and the moves are (gain, loss and extra as defined there)

(2) open j:            gain_j - q_j
(3) close k:           q_k - loss_k
(4) exchange k for j:  gain_j - loss_k + extra_jk - q_j + q_k.

The number of open sites stays within two limits.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.rows import CoverRows, Incidence
from planner.models.coverage.search import (
    Schedule,
    Scratch,
    SwapTables,
    close_site,
    open_site,
    scratch_for,
    swap_tables,
)

NOBODY = -1


class Number(NamedTuple):
    """Fewest and most open sites, 0 <= least <= most."""

    least: int
    most: int


@numba.njit(cache=True, nogil=True)
def _best_opening(
    site: int,
    leaving: int,
    may_grow: bool,
    price: FloatArray,
    inc: Incidence,
    tables: SwapTables,
    scratch: Scratch,
) -> tuple[float, int]:
    """Best of (2) and (4) for a closed site; ``leaving`` is one partner to try, or NOBODY."""
    extra, touched = scratch.extra, scratch.touched
    ptr, idx = inc.rows_of_site
    num_touched = 0
    for arc in range(ptr[site], ptr[site + 1]):
        row = idx[arc]
        if tables.num_covering[row] == 1:
            k = tables.sum_covering[row]
            if extra[k] == 0.0:
                touched[num_touched] = k
                num_touched += 1
            extra[k] += inc.value[row]
    gain = tables.change[site] - price[site]
    best, partner = -np.inf, NOBODY
    if may_grow:
        best = gain
    if leaving != NOBODY:
        profit = gain - tables.change[leaving] + extra[leaving] + price[leaving]
        if profit > best:
            best, partner = profit, leaving
    for at in range(num_touched):
        k = touched[at]
        profit = gain - tables.change[k] + extra[k] + price[k]
        if profit > best:
            best, partner = profit, k
        extra[k] = 0.0
    return best, partner


@numba.njit(cache=True, nogil=True)
def _anneal_priced(
    candidates: IntArray,
    price: FloatArray,
    number: Number,
    schedule: Schedule,
    rng: np.random.Generator,
    inc: Incidence,
    tables: SwapTables,
) -> tuple[float, BoolArray]:
    (least, most), (num_moves, hot, cold) = number, schedule
    num_sites = len(tables.is_open)
    found = np.flatnonzero(tables.is_open)
    num_open = len(found)
    open_sites = np.empty(num_sites, np.int64)
    place = np.full(num_sites, -1)
    for at in range(num_open):
        open_sites[at] = found[at]
        place[found[at]] = at
    scratch = scratch_for(num_sites)
    worth, best_worth = 0.0, 0.0
    best_open = tables.is_open.copy()
    for move in range(num_moves):
        site = candidates[int(rng.random() * len(candidates))]
        leaving, partner = NOBODY, NOBODY
        if tables.is_open[site]:
            if num_open <= least:
                continue
            profit = price[site] - tables.change[site]
        else:
            if num_open > 0:
                leaving = open_sites[int(rng.random() * num_open)]
            profit, partner = _best_opening(
                site, leaving, num_open < most, price, inc, tables, scratch
            )
        if profit < 0.0:
            temperature = hot * (cold / hot) ** (move / num_moves)
            if rng.random() >= np.exp(profit / temperature):
                continue
        if tables.is_open[site]:
            partner = site
        if partner != NOBODY:
            close_site(partner, inc, tables)
            num_open -= 1
            last = open_sites[num_open]
            open_sites[place[partner]] = last
            place[last] = place[partner]
            place[partner] = -1
        if partner != site:
            open_site(site, inc, tables)
            open_sites[num_open] = site
            place[site] = num_open
            num_open += 1
        worth += profit
        if worth > best_worth:
            best_worth = worth
            best_open[:] = tables.is_open
    return best_worth, best_open


@numba.njit(cache=True, nogil=True)
def _descend(
    order: IntArray,
    price: FloatArray,
    number: Number,
    tolerance: float,
    inc: Incidence,
    tables: SwapTables,
) -> int:
    """One pass over all sites, each offered its best move; returns the moves made."""
    least, most = number
    num_sites = len(tables.is_open)
    scratch = scratch_for(num_sites)
    num_open, num_moves = tables.is_open.sum(), 0
    for site in order:
        if tables.is_open[site]:
            if num_open > least and price[site] - tables.change[site] > tolerance:
                close_site(site, inc, tables)
                num_open -= 1
                num_moves += 1
            continue
        leaving, worst = NOBODY, np.inf
        for k in range(num_sites):
            if tables.is_open[k] and tables.change[k] - price[k] < worst:
                leaving, worst = k, tables.change[k] - price[k]
        profit, partner = _best_opening(site, leaving, num_open < most, price, inc, tables, scratch)
        if profit > tolerance:
            if partner != NOBODY:
                close_site(partner, inc, tables)
                num_open -= 1
            open_site(site, inc, tables)
            num_open += 1
            num_moves += 1
    return num_moves


@numba.njit(cache=True, nogil=True)
def _fit_number(price: FloatArray, number: Number, inc: Incidence, tables: SwapTables) -> None:
    """Open or close the site that pays most, until the number of open sites is allowed."""
    least, most = number
    num_sites = len(tables.is_open)
    num_open = tables.is_open.sum()
    while num_open < least or num_open > most:
        opening = num_open < least
        best, chosen = -np.inf, NOBODY
        for site in range(num_sites):
            if tables.is_open[site] != opening:
                profit = tables.change[site] - price[site]
                if not opening:
                    profit = -profit
                if profit > best:
                    best, chosen = profit, site
        if opening:
            open_site(chosen, inc, tables)
            num_open += 1
        else:
            close_site(chosen, inc, tables)
            num_open -= 1


def priced_search(
    rows: CoverRows,
    price: FloatArray,
    start: IntArray,
    number: Number,
    schedule: Schedule,
    rng: np.random.Generator,
) -> IntArray:
    """Improve a plan at given prices: moves that pay, annealing, moves that pay again.

    Parameters
    ----------
    rows : CoverRows
        ``num_stations`` is not looked at.
    price : float array, shape (num_sites,)
        q_j >= 0 [units of value].
    start : int array
        Distinct sites that are open at first.
    number : Number
        Limits on the number of open sites, with least <= num_sites.
    schedule : Schedule
        No annealing if it has no moves.
    rng : numpy.random.Generator

    Returns
    -------
    int array
        Open sites, ascending; worth (1) at least that of ``start`` where ``start`` is allowed.
    """
    inc, tables = rows.incidence, swap_tables(rows, start)
    tolerance = 1e-12 * float(rows.value.sum())
    _fit_number(price, number, inc, tables)

    def descend() -> None:
        while _descend(rng.permutation(rows.num_sites), price, number, tolerance, inc, tables):
            pass

    descend()
    if schedule.num_moves > 0 and rows.num_sites > 0:
        candidates = np.arange(rows.num_sites)
        _, best_open = _anneal_priced(candidates, price, number, schedule, rng, inc, tables)
        # The tables have drifted by rounding: start the last moves from exact sums.
        tables = swap_tables(rows, np.flatnonzero(best_open))
        descend()
    return np.flatnonzero(tables.is_open)
