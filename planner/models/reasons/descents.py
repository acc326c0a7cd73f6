"""Descents from exchanges: what further exchanges near the first add.

The plan has no exchange that pays. After one was made, only those can pay that it made better:
those of closed sites that cover rows which it left open, and of stations whose rows it covers, too.
Each step makes the best of these, and a descent ends where none pays.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray
from planner.models.coverage.rows import Incidence
from planner.models.coverage.search import Scratch, SwapTables, scratch_for
from planner.models.exchanges.exchange import (
    NOBODY,
    Limits,
    Moves,
    add_extras,
    exchange,
    exchange_profit,
    may_exchange,
)

MOST_MOVES = 4
"""Exchanges of a descent, the first included."""


class Known(NamedTuple):
    """What is known of single exchanges of the plan that descents begin at.

    Attributes
    ----------
    best : float array, shape (num_sites,)
        Profit of each site's best exchange.
    partner : int array, shape (num_sites,)
        Of a station: the best closed site that need not share a row with it.
    leavers : int array
        Stations of least loss, least first.
    change : float array, shape (num_sites,)
    num_covering : int array, shape (num_rows,)
        Tables of the plan.
    """

    best: FloatArray
    partner: IntArray
    leavers: IntArray
    change: FloatArray
    num_covering: IndexArray


class _Step(NamedTuple):
    """Where a descent looks for its next exchange.

    ``fall`` is what rows that are covered twice now take off a station's loss, of the first
    ``size`` stations of ``fallen``; ``seen`` has the number of the last step that saw a site.
    """

    fall: FloatArray
    fallen: IntArray
    size: IntArray
    seen: IntArray


@numba.njit(cache=True, nogil=True, _nrt=False)
def _best_with(
    site: int,
    least: float,
    known: Known,
    inc: Incidence,
    tables: SwapTables,
    limits: Limits,
    scratch: Scratch,
) -> tuple[float, int]:
    """Profit above ``least`` of opening a site, and who leaves for it; ``least`` if there is none.

    The leaving one shares a row with it, or is one of those of least loss, or nobody.
    """
    gain, best, leaving = tables.change[site], least, NOBODY
    if gain > best and may_exchange(NOBODY, site, limits):
        best = gain
    for k in known.leavers:
        profit = gain - tables.change[k]
        if profit > best and tables.is_open[k] and may_exchange(k, site, limits):
            best, leaving = profit, k
    for at in range(add_extras(site, inc, tables, scratch)):
        k = scratch.touched[at]
        profit = gain - tables.change[k] + scratch.extra[k]
        scratch.extra[k] = 0.0
        if profit > best and may_exchange(k, site, limits):
            best, leaving = profit, k
    return best, leaving


@numba.njit(cache=True, nogil=True, _nrt=False)
def _next_exchange(
    left: IntArray,
    least: float,
    stamp: int,
    step: _Step,
    known: Known,
    inc: Incidence,
    tables: SwapTables,
    limits: Limits,
    scratch: Scratch,
) -> tuple[float, int, int]:
    """Best exchange that the moves so far made better; its profit is ``least`` if there is none.

    The profit of a pair rises by what its closed site gains and its station loses less, so that
    only sites that cover rows left open, and stations whose rows others cover too, need a look,
    and those alone whose best exchange so far may rise above the best.
    """
    fall, fallen, size, seen = step
    best, best_out, best_in, most_fall = least, NOBODY, NOBODY, 0.0
    of_site, of_row = inc.rows_of_site, inc.sites_of_row
    for at in range(size[0]):
        most_fall = max(most_fall, fall[fallen[at]])
    for at in range(len(left) + size[0]):
        place = left[at] if at < len(left) else fallen[at - len(left)]
        covered = 0
        if at >= len(left):
            covered = 1
            if not tables.is_open[place] or known.best[place] + fall[place] <= best:
                continue
            k = known.partner[place]
            if k != NOBODY and not tables.is_open[k] and may_exchange(place, k, limits):
                profit = exchange_profit(place, k, inc, tables)
                if profit > best:
                    best, best_out, best_in = profit, place, k
        elif place == NOBODY or tables.is_open[place]:
            continue
        for arc in range(of_site.ptr[place], of_site.ptr[place + 1]):
            row = of_site.idx[arc]
            if tables.num_covering[row] != covered:
                continue
            for other in range(of_row.ptr[row], of_row.ptr[row + 1]):
                site = of_row.idx[other]
                if seen[site] == stamp:
                    continue
                seen[site] = stamp
                if tables.is_open[site] or limits.locked[site]:
                    continue
                rise = tables.change[site] - known.change[site]
                if known.best[site] + rise + most_fall <= best:
                    continue
                profit, leaving = _best_with(site, best, known, inc, tables, limits, scratch)
                if profit > best:
                    best, best_out, best_in = profit, leaving, site
    return best, best_out, best_in


@numba.njit(cache=True, nogil=True, _nrt=False)
def _note_falls(site: int, known: Known, step: _Step, inc: Incidence, tables: SwapTables) -> None:
    """Note the stations that lose less once a site covers their rows, too."""
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if tables.num_covering[row] == 1 and known.num_covering[row] == 1:
            k = tables.sum_covering[row]
            if step.fall[k] == 0.0:
                step.fallen[step.size[0]] = k
                step.size[0] += 1
            step.fall[k] += inc.value[row]


@numba.njit(cache=True, nogil=True)
def descend(
    held: IntArray,
    starts: Moves,
    tolerance: float,
    known: Known,
    inc: Incidence,
    tables: SwapTables,
    limits: Limits,
) -> tuple[FloatArray, Moves]:
    """Profit of each exchange with what a descent near it adds; the plan stays as it is.

    Parameters
    ----------
    held : int array, shape (num_starts,)
        Site that stays as the first exchange leaves it.
    starts : Moves
        Arrays of shape (num_starts,); an exchange that limits allow.
    tolerance : float
        Exchanges that add no more end a descent.
    known : Known
    inc, tables, limits
        Tables and limits are as before in the end.

    Returns
    -------
    profit : float array, shape (num_starts,)
    moves : Moves
        Shape (num_starts, MOST_MOVES), ``NOBODY`` after the last.
    """
    num_sites = len(tables.is_open)
    scratch = scratch_for(num_sites)
    step = _Step(
        np.zeros(num_sites),
        np.empty(num_sites, np.int64),
        np.zeros(1, np.int64),
        np.zeros(num_sites, np.int64),
    )
    profit = np.zeros(len(held))
    leaving = np.full((len(held), MOST_MOVES), NOBODY)
    entering = np.full((len(held), MOST_MOVES), NOBODY)
    stamp = 0
    for number in range(len(held)):
        site_out, site_in = starts.leaving[number], starts.entering[number]
        total, done = exchange_profit(site_out, site_in, inc, tables), 0
        lock = held[number]
        was_locked = limits.locked[lock]
        while True:
            exchange(site_out, NOBODY, inc, tables, limits)
            if site_in != NOBODY:
                _note_falls(site_in, known, step, inc, tables)
            exchange(NOBODY, site_in, inc, tables, limits)
            leaving[number, done], entering[number, done] = site_out, site_in
            limits.locked[lock] = True
            done += 1
            if done == MOST_MOVES:
                break
            stamp += 1
            added, site_out, site_in = _next_exchange(
                leaving[number, :done], tolerance, stamp, step, known, inc, tables, limits, scratch
            )
            if added <= tolerance:
                break
            total += added
        for move in range(done - 1, -1, -1):
            exchange(entering[number, move], leaving[number, move], inc, tables, limits)
        limits.locked[lock] = was_locked
        for at in range(step.size[0]):
            step.fall[step.fallen[at]] = 0.0
        step.size[0] = 0
        profit[number] = total
    return profit, Moves(leaving, entering)
