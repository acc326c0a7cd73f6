"""Exchanges of open and closed sites in maximal covering, all of them at once, within all limits.

Tables (gain, loss, extra) are those of :mod:`planner.models.coverage.search`. Closing j and
opening k changes the value covered by

(1) profit_jk = gain_k - loss_j + extra_jk,

and extra_jk > 0 only where k covers a row that j alone covers: those pairs are found by one pass
over the rows of all closed sites (Resende and Werneck 2007, EJOR 174:54-68); of the other partners
the one of greatest gain or least loss is best. Descents from them are in
:mod:`planner.models.reasons.descents`.

Limits: stations at most and at least, alike by city, money. A closed site costs its cheapest type,
an open one what it costs in the plan.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.coverage.rows import Incidence
from planner.models.coverage.search import (
    Scratch,
    SwapTables,
    close_site,
    open_site,
    scratch_for,
)

NOBODY = -1
PROPOSALS = 3
"""Sites kept per station as those that may take its place."""


class Limits(NamedTuple):
    """What a plan has of each limit; moves change the arrays in place.

    Attributes
    ----------
    city_idx : int array, shape (num_sites,)
    in_city, least, most : int arrays, shape (num_cities,)
        Stations now, fewest, most.
    number : int array, shape (3,)
        Alike for all cities together.
    money : float array, shape (2,)
        Spent now, and at most [CNY].
    cost : float array, shape (num_sites,)
        Of the station that stands, or of the cheapest that may [CNY].
    locked : bool array, shape (num_sites,)
        Sites that neither open nor close.
    """

    city_idx: IndexArray
    in_city: IntArray
    least: IntArray
    most: IntArray
    number: IntArray
    money: FloatArray
    cost: FloatArray
    locked: BoolArray


class Moves(NamedTuple):
    """Sites that leave and enter, in turn, per start; ``NOBODY`` where nothing does."""

    leaving: IntArray
    entering: IntArray


@numba.njit(cache=True, nogil=True, _nrt=False)
def may_exchange(leaving: int, entering: int, limits: Limits) -> bool:
    """Whether limits allow an exchange; either side may be ``NOBODY``."""
    city_idx, in_city, least, most, number, money, cost, locked = limits
    spent, opened, closed = money[0], 0, 0
    if leaving != NOBODY:
        if locked[leaving]:
            return False
        closed, spent = 1, spent - cost[leaving]
    if entering != NOBODY:
        if locked[entering]:
            return False
        opened, spent = 1, spent + cost[entering]
    if opened > closed and number[0] >= number[2]:
        return False
    if closed > opened and number[0] <= number[1]:
        return False
    if opened == 1 and spent > money[1]:
        return False
    same_city = opened == 1 and closed == 1 and city_idx[leaving] == city_idx[entering]
    if same_city:
        return True
    if closed == 1 and in_city[city_idx[leaving]] <= least[city_idx[leaving]]:
        return False
    return opened == 0 or in_city[city_idx[entering]] < most[city_idx[entering]]


@numba.njit(cache=True, nogil=True, _nrt=False)
def exchange(
    leaving: int, entering: int, inc: Incidence, tables: SwapTables, limits: Limits
) -> None:
    """Close one site and open another; either may be ``NOBODY``."""
    if leaving != NOBODY:
        close_site(leaving, inc, tables)
        limits.in_city[limits.city_idx[leaving]] -= 1
        limits.number[0] -= 1
        limits.money[0] -= limits.cost[leaving]
    if entering != NOBODY:
        open_site(entering, inc, tables)
        limits.in_city[limits.city_idx[entering]] += 1
        limits.number[0] += 1
        limits.money[0] += limits.cost[entering]


@numba.njit(cache=True, nogil=True, _nrt=False)
def add_extras(site: int, inc: Incidence, tables: SwapTables, scratch: Scratch) -> int:
    """Extra (3) of a closed site with each open one; returns how many were touched."""
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
    return num_touched


@numba.njit(cache=True, nogil=True)
def touching_exchanges(
    inc: Incidence, tables: SwapTables, limits: Limits
) -> tuple[FloatArray, IntArray, FloatArray, IntArray, FloatArray]:
    """Best exchanges (1) among pairs with an extra.

    Parameters
    ----------
    inc, tables, limits
        Of the plan; not changed.

    Returns
    -------
    profit, entering : arrays, shape (num_sites, PROPOSALS)
        Of an open site: the best that may take its place, best first; -inf, ``NOBODY``.
    kept : float array, shape (num_sites, PROPOSALS)
        Extra of each.
    leaving : int array, shape (num_sites,)
        Of a closed site: who leaves best for it,
    best : float array, shape (num_sites,)
        and the profit.
    """
    num_sites = len(tables.is_open)
    scratch = scratch_for(num_sites)
    profits = np.full((num_sites, PROPOSALS), -np.inf)
    kept = np.zeros((num_sites, PROPOSALS))
    entering = np.full((num_sites, PROPOSALS), NOBODY)
    best, leaving = np.full(num_sites, -np.inf), np.full(num_sites, NOBODY)
    for site in range(num_sites):
        if tables.is_open[site]:
            continue
        num_touched = add_extras(site, inc, tables, scratch)
        for at in range(num_touched):
            k = scratch.touched[at]
            extra = scratch.extra[k]
            scratch.extra[k] = 0.0
            if not may_exchange(k, site, limits):
                continue
            profit = tables.change[site] - tables.change[k] + extra
            if profit > best[site]:
                best[site], leaving[site] = profit, k
            place = PROPOSALS
            while place > 0 and profit > profits[k, place - 1]:
                place -= 1
            for later in range(PROPOSALS - 1, place, -1):
                profits[k, later] = profits[k, later - 1]
                kept[k, later] = kept[k, later - 1]
                entering[k, later] = entering[k, later - 1]
            if place < PROPOSALS:
                profits[k, place], kept[k, place], entering[k, place] = profit, extra, site
    return profits, entering, kept, leaving, best


@numba.njit(cache=True, nogil=True, _nrt=False)
def exchange_profit(leaving: int, entering: int, inc: Incidence, tables: SwapTables) -> float:
    """Profit (1) of one exchange; either side may be ``NOBODY``."""
    profit = 0.0
    if leaving != NOBODY:
        profit -= tables.change[leaving]
    if entering != NOBODY:
        profit += tables.change[entering]
        if leaving != NOBODY:
            ptr, idx = inc.rows_of_site
            for arc in range(ptr[entering], ptr[entering + 1]):
                row = idx[arc]
                if tables.num_covering[row] == 1 and tables.sum_covering[row] == leaving:
                    profit += inc.value[row]
    return profit


def best_partner(loss: FloatArray, cost: FloatArray, least_cost: FloatArray) -> IntArray:
    """Of some sites, for each query the one of least loss among those that cost enough.

    Parameters
    ----------
    loss, cost : float arrays, shape (num_partners,)
    least_cost : float array, shape (num_queries,)

    Returns
    -------
    int array, shape (num_queries,)
        Positions; ``NOBODY`` where none costs enough.

    Examples
    --------
    >>> best_partner(np.array([1.0, 2.0]), np.array([5.0, 9.0]), np.array([0.0, 6.0, 10.0]))
    array([ 0,  1, -1])
    """
    if len(loss) == 0:
        return np.full(len(least_cost), NOBODY)
    order = np.lexsort((loss, -cost))
    sorted_loss = loss[order]
    is_best = sorted_loss == np.minimum.accumulate(sorted_loss)
    first = np.maximum.accumulate(np.where(is_best, np.arange(len(order)), 0))
    count = np.searchsorted(-cost[order], -least_cost, side="right")
    return np.where(count > 0, order[first[np.maximum(count - 1, 0)]], NOBODY)


def net_moves(moves: Moves) -> Moves:
    """Sites that left or came in the end, per change: those that went to and fro did neither.

    >>> net_moves(Moves(np.array([[1, 2]]), np.array([[2, 3]])))
    Moves(leaving=array([[ 1, -1]]), entering=array([[-1,  3]]))
    """
    return Moves(_without(moves.leaving, moves.entering), _without(moves.entering, moves.leaving))


def _without(sites: IntArray, others: IntArray) -> IntArray:
    """Sites less as many of the others of their row."""
    is_same = sites[:, :, None] == sites[:, None, :]
    before = np.tril(np.ones(is_same.shape[1:], dtype=np.bool_))
    number = (is_same & before).sum(axis=2)
    return np.where(number <= (sites[:, :, None] == others[:, None, :]).sum(axis=2), NOBODY, sites)
