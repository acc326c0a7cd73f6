"""Better stations of a city whose stations are full, by annealing with exact service.

Cuts tell annealing of a nation roughly what stations turn away
(:mod:`planner.models.phasing.crowding`). A city of some dozen stations is served exactly in a
fraction of a millisecond (:mod:`planner.models.sized_coverage.service`), so that every move may be
worth what it is:

(1) value served - price * number of stations.

Moves: a station is relocated, mostly to a site that shares a zone with it; one opens; one closes.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.sized_coverage.rows import Arcs, Demand
from planner.models.sized_coverage.service import value_served

RELOCATION_SHARE, NEAR_SHARE = 0.8, 0.7
"""Of the moves, and of the relocations."""


class CityBoard(NamedTuple):
    """What a city's search reads.

    Attributes
    ----------
    arcs, order, unloaded, demand
        Of its rows, as `value_served` takes them.
    capacity, price : float arrays, shape (num_sites,)
        Of a station at each site.
    candidates : int array
        Sites that may open, ascending.
    stays : bool array, shape (num_sites,)
        Stations that may not close.
    """

    arcs: Arcs
    order: IntArray
    unloaded: IntArray
    demand: Demand
    capacity: FloatArray
    price: FloatArray
    candidates: IntArray
    stays: BoolArray


@numba.njit(cache=True, nogil=True)
def _near(site: int, is_candidate: BoolArray, arcs: Arcs, rng: np.random.Generator) -> int:
    """A random candidate that reaches a random row of a site; -1 if there is none."""
    start, stop = arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]
    if start == stop:
        return -1
    row = arcs.rows_of_site.idx[start + np.uint64(rng.random() * (stop - start))]
    found, number = -1, 0
    for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
        other = arcs.sites_of_row.idx[arc]
        if is_candidate[other]:
            number += 1
            if rng.random() * number < 1.0:
                found = other
    return int(found)


@numba.njit(cache=True, nogil=True)
def anneal_exactly(
    board: CityBoard,
    is_open: BoolArray,
    least: int,
    most: int,
    num_moves: int,
    hot: float,
    cold: float,
    rng: np.random.Generator,
) -> BoolArray:
    """Offer random moves; each is worth what the stations then serve.

    Parameters
    ----------
    board : CityBoard
    is_open : bool array, shape (num_sites,)
        Not changed.
    least, most : int
        Stations.
    num_moves : int
    hot, cold : float
        First and last temperature [value].
    rng : numpy.random.Generator

    Returns
    -------
    bool array, shape (num_sites,)
        The best stations met.
    """
    num_sites = len(is_open)
    now = np.where(is_open, board.capacity, -1.0)
    spent = 0.0
    stations = np.empty(num_sites, np.int64)
    count = 0
    is_candidate = np.zeros(num_sites, np.bool_)
    is_candidate[board.candidates] = True
    for site in range(num_sites):
        if is_open[site]:
            spent += board.price[site]
            stations[count] = site
            count += 1
    worth = value_served(board.arcs, board.order, board.unloaded, board.demand, now) - spent
    best, best_open = worth, is_open.copy()
    for move in range(num_moves):
        temperature = hot * (cold / hot) ** (move / num_moves)
        kind = rng.random()
        entering, at = -1, -1
        if count > 0 and (kind < RELOCATION_SHARE or kind > 0.5 + 0.5 * RELOCATION_SHARE):
            at = int(rng.random() * count)
            if board.stays[stations[at]]:
                continue
        if kind < RELOCATION_SHARE and at >= 0 and rng.random() < NEAR_SHARE:
            entering = _near(stations[at], is_candidate, board.arcs, rng)
        elif kind <= 0.5 + 0.5 * RELOCATION_SHARE and len(board.candidates) > 0:
            entering = board.candidates[int(rng.random() * len(board.candidates))]
        if entering >= 0 and now[entering] >= 0.0:
            continue
        step = int(entering >= 0) - int(at >= 0)
        if (entering < 0 and at < 0) or count + step < least or count + step > most:
            continue
        change = 0.0
        if at >= 0:
            now[stations[at]] = -1.0
            change -= board.price[stations[at]]
        if entering >= 0:
            now[entering] = board.capacity[entering]
            change += board.price[entering]
        after = value_served(board.arcs, board.order, board.unloaded, board.demand, now)
        after -= spent + change
        if after >= worth or rng.random() < np.exp((after - worth) / temperature):
            worth, spent = after, spent + change
            if at >= 0:
                count -= 1
                stations[at] = stations[count]
            if entering >= 0:
                stations[count] = entering
                count += 1
            if worth > best:
                best = worth
                best_open[:] = now >= 0.0
        else:
            if at >= 0:
                now[stations[at]] = board.capacity[stations[at]]
            if entering >= 0:
                now[entering] = -1.0
    return best_open
