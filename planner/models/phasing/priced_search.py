"""Plans over time for one city when each opening costs its price: annealing.

Sets: rows i of value W_in at node n, sites j covering the rows N(j), q_jn >= 0 the price of opening
j at n. A site stands on a set of nodes that holds with each node all that come after it; it opens
where it stands and did not stand before, on a tree on several branches perhaps. A plan is worth

(1) sum of W_in over pairs (i, n) that some site standing at n covers, less the sum of q_jn over
    all openings.

Moves: a site opens at a node, for good; a site leaves a node and all before it; a site k takes
the place of j from a node on at which j opens, and j stays where k stood before. Numbers by city
(`Numbers`) hold after every move. Moves that lose are taken with falling probability, at last
none is (Kirkpatrick, Gelatt and Vecchi 1983, Science 220:671-680).
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.search import Schedule
from planner.models.phasing.tree import ROOT, Tree

NOWHERE = -1
EXCHANGE_SHARE = 0.6
"""Share of moves that offer an exchange."""
NEAR_SHARE = 0.7
"""Share of exchanges whose partner shares a row."""
LAST_SHARE = 0.2
"""Share of all moves that take gains alone, from the best plan met."""


class Order(NamedTuple):
    """A `Tree` for compiled loops."""

    parent: IntArray
    from_node: BoolArray
    is_leaf: BoolArray


class Rows(NamedTuple):
    """Rows by node, and who reaches them.

    Attributes
    ----------
    value : float array, shape (num_rows, num_nodes)
    sites_of_row, rows_of_site : Lists
    """

    value: FloatArray
    sites_of_row: Lists
    rows_of_site: Lists


class Sites(NamedTuple):
    """What holds for each site at each node, all of shape (num_sites, num_nodes).

    Attributes
    ----------
    price : float array
        q_jn.
    may_stand, must_stand : bool arrays
    """

    price: FloatArray
    may_stand: BoolArray
    must_stand: BoolArray


class Numbers(NamedTuple):
    """How many stations the city may have.

    Attributes
    ----------
    is_new : bool array, shape (num_sites,)
    least, most : int
        At each leaf at least, at each node at most.
    rate : float array, shape (num_nodes,)
        New stations at each node at most, or up to each node if ``carries_over``.
    carries_over : bool
    """

    is_new: BoolArray
    least: int
    most: int
    rate: FloatArray
    carries_over: bool


class State(NamedTuple):
    """A plan and its counts; changed in place.

    Attributes
    ----------
    stands : bool array, shape (num_sites, num_nodes)
    num_covering : int array, shape (num_rows, num_nodes)
    num_standing, num_new : int arrays, shape (num_nodes,)
        All stations, and those that are new.
    """

    stands: BoolArray
    num_covering: IntArray
    num_standing: IntArray
    num_new: IntArray


@numba.njit(cache=True, nogil=True)
def _cost(stands: BoolArray, price: FloatArray, order: Order) -> float:
    """Price of the openings of one site."""
    total = 0.0
    for node in range(len(stands)):
        before = order.parent[node]
        if stands[node] and (before < 0 or not stands[before]):
            total += price[node]
    return total


@numba.njit(cache=True, nogil=True)
def _set(site: int, stands: BoolArray, rows: Rows, is_new: BoolArray, state: State) -> float:
    """Let a site stand on a set of nodes; returns the value gained."""
    num_nodes = len(stands)
    changed = np.empty(num_nodes, np.int64)
    num_changed = 0
    for node in range(num_nodes):
        if stands[node] != state.stands[site, node]:
            changed[num_changed] = node
            num_changed += 1
            step = 1 if stands[node] else -1
            state.num_standing[node] += step
            if is_new[site]:
                state.num_new[node] += step
    gain = 0.0
    for at in range(rows.rows_of_site.ptr[site], rows.rows_of_site.ptr[site + 1]):
        row = rows.rows_of_site.idx[at]
        for place in range(num_changed):
            node = changed[place]
            if stands[node]:
                if state.num_covering[row, node] == 0:
                    gain += rows.value[row, node]
                state.num_covering[row, node] += 1
            else:
                state.num_covering[row, node] -= 1
                if state.num_covering[row, node] == 0:
                    gain -= rows.value[row, node]
    for place in range(num_changed):
        state.stands[site, changed[place]] = stands[changed[place]]
    return gain


@numba.njit(cache=True, nogil=True)
def _within(numbers: Numbers, order: Order, state: State) -> bool:
    for node in range(len(order.parent)):
        standing, new = state.num_standing[node], state.num_new[node]
        if standing > numbers.most or (order.is_leaf[node] and standing < numbers.least):
            return False
        if not numbers.carries_over and order.parent[node] >= 0:
            new -= state.num_new[order.parent[node]]
        if new > numbers.rate[node]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _partner(site: int, rows: Rows, state: State, rng: np.random.Generator) -> int:
    """A standing site that shares a row, or any; NOWHERE if none is found."""
    num_sites = len(state.stands)
    first, end = rows.rows_of_site.ptr[site], rows.rows_of_site.ptr[site + 1]
    if end > first and rng.random() < NEAR_SHARE:
        row = rows.rows_of_site.idx[first + int(rng.random() * (end - first))]
        begin, stop = rows.sites_of_row.ptr[row], rows.sites_of_row.ptr[row + 1]
        shift = int(rng.random() * (stop - begin))
        for step in range(stop - begin):
            other = rows.sites_of_row.idx[begin + (shift + step) % (stop - begin)]
            if other != site and state.stands[other].any():
                return int(other)
        return NOWHERE
    shift = int(rng.random() * num_sites)
    for step in range(num_sites):
        other = (shift + step) % num_sites
        if other != site and state.stands[other].any():
            return int(other)
    return NOWHERE


@numba.njit(cache=True, nogil=True)
def _exchange(
    site: int, rows: Rows, sites: Sites, order: Order, state: State, rng: np.random.Generator
) -> tuple[int, BoolArray, BoolArray]:
    """Partner, and where site and partner stand after an exchange; NOWHERE if there is none."""
    entering, leaving = state.stands[site].copy(), state.stands[site].copy()
    other = _partner(site, rows, state, rng)
    if other == NOWHERE:
        return NOWHERE, entering, leaving
    leaving = state.stands[other].copy()
    num_nodes = len(entering)
    shift = int(rng.random() * num_nodes)
    for step in range(num_nodes):
        node = (shift + step) % num_nodes
        before = order.parent[node]
        opens = leaving[node] and (before < 0 or not leaving[before])
        if not opens or entering[node] or not sites.may_stand[site, node]:
            continue
        for later in range(node, num_nodes):
            if order.from_node[node, later] and not entering[later]:
                if sites.must_stand[other, later]:
                    return NOWHERE, entering, leaving
                entering[later] = True
                leaving[later] = False
        return other, entering, leaving
    return NOWHERE, entering, leaving


@numba.njit(cache=True, nogil=True)
def _anneal(
    schedule: Schedule,
    rows: Rows,
    sites: Sites,
    numbers: Numbers,
    order: Order,
    state: State,
    rng: np.random.Generator,
) -> tuple[float, BoolArray]:
    num_moves, hot, cold = schedule
    num_sites, num_nodes = state.stands.shape
    part = rows.value.sum(axis=0)
    part /= max(part.sum(), 1e-300)
    gained, best = 0.0, 0.0
    best_stands = state.stands.copy()
    for move in range(num_moves):
        site = int(rng.random() * num_sites)
        old = state.stands[site].copy()
        new = old.copy()
        other = NOWHERE
        other_old, other_new = old, old
        if rng.random() < EXCHANGE_SHARE:
            other, new, other_new = _exchange(site, rows, sites, order, state, rng)
            if other == NOWHERE:
                continue
            other_old = state.stands[other].copy()
        else:
            node = int(rng.random() * num_nodes)
            if old[node]:
                before = node
                while before >= 0 and old[before]:
                    new[before] = False
                    before = order.parent[before]
                if (sites.must_stand[site] & ~new).any():
                    continue
            else:
                if not sites.may_stand[site, node]:
                    continue
                new |= order.from_node[node]
        profit = _cost(old, sites.price[site], order) - _cost(new, sites.price[site], order)
        if other != NOWHERE:
            profit += _cost(other_old, sites.price[other], order)
            profit -= _cost(other_new, sites.price[other], order)
            profit += _set(other, other_new, rows, numbers.is_new, state)
        profit += _set(site, new, rows, numbers.is_new, state)
        accepted = _within(numbers, order, state)
        if accepted and profit < 0.0:
            temperature = hot * (cold / hot) ** (move / num_moves) * part[old != new].sum()
            if temperature <= 0.0:
                temperature = 1e-300
            accepted = rng.random() < np.exp(profit / temperature)
        if not accepted:
            _set(site, old, rows, numbers.is_new, state)
            if other != NOWHERE:
                _set(other, other_old, rows, numbers.is_new, state)
            continue
        gained += profit
        if gained > best:
            best = gained
            best_stands[:] = state.stands
    return best, best_stands


def state_of(rows: Rows, stands: BoolArray, is_new: BoolArray) -> State:
    """Counts of a plan.

    Parameters
    ----------
    rows : Rows
    stands : bool array, shape (num_sites, num_nodes)
    is_new : bool array, shape (num_sites,)
    """
    covering = np.zeros(rows.value.shape, dtype=np.int64)
    np.add.at(covering, rows.rows_of_site.idx, stands[rows.rows_of_site.owner].astype(np.int64))
    return State(stands.copy(), covering, stands.sum(axis=0), stands[is_new].sum(axis=0))


def covered_value(rows: Rows, stands: BoolArray) -> FloatArray:
    """Value covered at each node, shape (num_nodes,)."""
    covering = state_of(rows, stands, np.zeros(len(stands), dtype=np.bool_)).num_covering
    return np.asarray(np.where(covering > 0, rows.value, 0.0).sum(axis=0))


def opening_cost(price: FloatArray, stands: BoolArray, tree: Tree) -> float:
    """Price of all openings of a plan."""
    before = np.where(tree.parent == ROOT, False, stands[:, tree.parent])
    return float(price[stands & ~before].sum())


def phased_search(
    rows: Rows,
    sites: Sites,
    numbers: Numbers,
    tree: Tree,
    start: BoolArray,
    schedule: Schedule,
    rng: np.random.Generator,
) -> BoolArray:
    """Improve a plan at given prices.

    Parameters
    ----------
    rows : Rows
    sites : Sites
    numbers : Numbers
    tree : Tree
    start : bool array, shape (num_sites, num_nodes)
        Where each site stands; keeps the numbers.
    schedule : Schedule
    rng : numpy.random.Generator

    Returns
    -------
    bool array, shape (num_sites, num_nodes)
        Worth (1) at least that of ``start``.
    """
    order = Order(np.asarray(tree.parent, dtype=np.int64), tree.from_node, tree.is_leaf)
    best = start
    if len(start) == 0:
        return best
    num_last = int(LAST_SHARE * schedule.num_moves)
    last = Schedule(num_last, schedule.cold * 1e-9, schedule.cold * 1e-9)
    for part in (schedule._replace(num_moves=schedule.num_moves - num_last), last):
        state = state_of(rows, best, numbers.is_new)
        _, best = _anneal(part, rows, sites, numbers, order, state, rng)
    return best
