"""Many changes made at once: one after the other, each as long as it still pays.

Changes found on one plan get into each other's way: most of all they want the same station to leave
far away, or the same site to enter, which is worth least or most of all. Another one takes its part
then, and what the change adds to the value served is judged anew before it is made.
"""

import numba
import numpy as np

from planner.arrays import IntArray
from planner.models.coverage.rows import Incidence
from planner.models.exchanges.exchange import (
    NOBODY,
    Moves,
    exchange,
    exchange_profit,
    may_exchange,
)
from planner.models.exchanges.placed import Placed
from planner.models.exchanges.walk import Walk, added_service, end_step, plan_of_walk, walk_from
from planner.models.sized_coverage.rows import Arcs


@numba.njit(cache=True, nogil=True, _nrt=False)
def _least_loss(entering: int, walk: Walk) -> int:
    """Station of least loss that may leave for a site; none that may be full."""
    tables, found = walk.tables, NOBODY
    for site in range(len(tables.is_open)):
        if not tables.is_open[site] or walk.carried.is_loaded[site]:
            continue
        is_first = found == NOBODY or tables.change[site] < tables.change[found]
        if is_first and may_exchange(site, entering, walk.limits):
            found = site
    return found


@numba.njit(cache=True, nogil=True, _nrt=False)
def _greatest_gain(leaving: int, walk: Walk) -> int:
    """Closed site that covers most more and may enter for a station."""
    tables, found = walk.tables, NOBODY
    for site in range(len(tables.is_open)):
        if tables.is_open[site]:
            continue
        is_first = found == NOBODY or tables.change[site] > tables.change[found]
        if is_first and may_exchange(leaving, site, walk.limits):
            found = site
    return found


@numba.njit(cache=True, nogil=True, _nrt=False)
def _is_over(leaving: IntArray, entering: IntArray, walk: Walk) -> bool:
    """Whether no site of a change can do its part any more."""
    for move in range(len(leaving)):
        if leaving[move] != NOBODY and walk.tables.is_open[leaving[move]]:
            return False
        if entering[move] != NOBODY and not walk.tables.is_open[entering[move]]:
            return False
    return True


@numba.njit(cache=True, nogil=True, _nrt=False)
def _move_all(
    leaving: IntArray, entering: IntArray, done: Moves, inc: Incidence, walk: Walk
) -> tuple[float, int]:
    """Make the moves of a change, by other sites where one cannot; what is covered more, how many.

    -inf where limits do not allow them; ``done`` has those that were made.
    """
    tables, covered = walk.tables, 0.0
    for move in range(len(leaving)):
        gone, come = leaving[move], entering[move]
        if gone == NOBODY and come == NOBODY:
            return covered, move
        stays = come != NOBODY and tables.is_open[come]
        if gone != NOBODY and not tables.is_open[gone]:
            gone = _least_loss(NOBODY if stays else come, walk)
            if gone == NOBODY:
                return -np.inf, move
        if stays:
            come = _greatest_gain(gone, walk)
            if come == NOBODY:
                return -np.inf, move
        if not may_exchange(gone, come, walk.limits):
            return -np.inf, move
        covered += exchange_profit(gone, come, inc, tables)
        exchange(gone, come, inc, tables, walk.limits)
        done.leaving[move], done.entering[move] = gone, come
    return covered, len(leaving)


@numba.njit(cache=True, nogil=True, _nrt=False)
def _note_net(num_moves: int, done: Moves, net: Moves, walk: Walk) -> bool:
    """Note the sites that left and entered in the end; whether any of them reaches load."""
    net.leaving[:], net.entering[:] = NOBODY, NOBODY
    is_loaded = False
    for move in range(num_moves):
        gone, come = done.leaving[move], done.entering[move]
        gone_counts = gone != NOBODY and not walk.tables.is_open[gone]
        come_counts = come != NOBODY and walk.tables.is_open[come]
        for before in range(move):
            if gone in (done.leaving[before], done.entering[before]):
                gone_counts = False
            if come in (done.leaving[before], done.entering[before]):
                come_counts = False
        if gone_counts:
            net.leaving[move] = gone
            is_loaded |= walk.carried.is_loaded[gone]
        if come_counts:
            net.entering[move] = come
            is_loaded |= walk.carried.is_loaded[come]
    return is_loaded


@numba.njit(cache=True, nogil=True, _nrt=False)
def _make(
    moves: Moves, tolerance: float, done: Moves, net: Moves, arcs: Arcs, inc: Incidence, walk: Walk
) -> None:
    """Make the changes that still pay, in their order; ``done`` and ``net`` are memory."""
    for number in range(len(moves.leaving)):
        leaving, entering = moves.leaving[number], moves.entering[number]
        if _is_over(leaving, entering, walk):
            continue
        profit, num_moves = _move_all(leaving, entering, done, inc, walk)
        if profit + walk.lost[0] > tolerance and _note_net(num_moves, done, net, walk):
            added = added_service(net.leaving, net.entering, arcs, walk)
            profit += added
            end_step(profit > tolerance, added, tolerance, arcs, walk)
        if profit > tolerance:
            continue
        for move in range(num_moves - 1, -1, -1):
            exchange(done.entering[move], done.leaving[move], inc, walk.tables, walk.limits)


def make_changes(placed: Placed, moves: Moves, tolerance: float) -> Placed:
    """The plan after those of some changes that still pay when their turn comes.

    Parameters
    ----------
    placed : Placed
    moves : Moves
        Shape (num_changes, any): exchanges of each change, ``NOBODY`` after the last. Those that
        add most come first.
    tolerance : float
        A change pays if it adds more value served.

    Returns
    -------
    Placed
        The same if none pays.
    """
    at_once = moves.leaving.shape[1]
    walk = walk_from(placed, at_once)
    memory = [Moves(*(np.empty(at_once, np.int64) for _ in range(2))) for _ in range(2)]
    _make(moves, tolerance, *memory, placed.ground.arcs, placed.ground.incidence, walk)
    found = plan_of_walk(placed, walk)
    if found.objective > placed.objective + tolerance:
        return found
    return placed
