"""What exchanges change of the value served, where stations may be full.

Sets as in :mod:`planner.models.sized_coverage.service`. Some stations leave, others enter. A valid
service of the stations after that comes from the best one before: what the leaving ones carried,
and what went unserved within reach of the entering ones, is taken by stations with room, first
those rows that one of the entering ones alone can take. It may fall short of the best. Where it
falls short of what is covered, the best service is found anew for the stations nearby, the flows
of those farther away being kept: again a valid service of the whole.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IntArray, Lists
from planner.models.reasons.exchange import NOBODY, Moves
from planner.models.reasons.placed import CLOSED, Placed, entering_capacity
from planner.models.reasons.tuning import Tuning
from planner.models.sized_coverage.rows import Arcs, SizedRows
from planner.models.sized_coverage.service import best_service
from planner.solving.rules import SiteRules

_SHORT = 1e-9
"""A service falls short of what is covered if it lacks more than this fraction of it."""


class Carried(NamedTuple):
    """The best service of a plan.

    Attributes
    ----------
    value, load : float arrays, shape (num_rows,)
    flow : float array, shape (num_arcs,)
        Load that each station carries of each row.
    unserved : float array, shape (num_rows,)
        Load that nobody carries.
    room : float array, shape (num_sites,)
        Capacity left; < 0 where there is no station.
    covering : int array, shape (num_rows,)
        Open sites that reach the row.
    """

    value: FloatArray
    load: FloatArray
    flow: FloatArray
    unserved: FloatArray
    room: FloatArray
    covering: IntArray


@numba.njit(cache=True, nogil=True)
def _take(
    arcs: Arcs,
    row: int,
    need: float,
    only: bool,
    state: IntArray,
    room: FloatArray,
    took: FloatArray,
) -> float:
    """Give a row's load to stations with room, most room first; returns what is left.

    ``state`` is 1 at sites that leave, 2 at those that enter; ``only`` these.
    """
    while need > 0.0:
        best = -1
        for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
            site = arcs.sites_of_row.idx[arc]
            left = room[site] - took[site]
            if state[site] == 1 or (only and state[site] != 2) or left <= 0.0:
                continue
            if best < 0 or left > room[best] - took[best]:
                best = site
        if best < 0:
            break
        amount = min(need, room[best] - took[best])
        took[best] += amount
        need -= amount
        if took[best] >= room[best] * (1.0 - 1e-12):
            took[best] = room[best]
    return need


@numba.njit(cache=True, nogil=True)
def _changes(
    arcs: Arcs, carried: Carried, sets: Moves, capacity: FloatArray, out: FloatArray
) -> None:
    """Change of the value served by a simple service of each change.

    ``sets`` has the net sites per change, ``NOBODY`` elsewhere; ``capacity`` that of those that
    enter.
    """
    value, load, flow, unserved, room, covering = carried
    num_rows, num_sites = len(value), len(room)
    room = room.copy()
    state, took = np.zeros(num_sites, np.int64), np.zeros(num_sites)
    seen, need = np.zeros(num_rows, np.int64), np.zeros(num_rows)
    gone, come = np.zeros(num_rows, np.int64), np.zeros(num_rows, np.int64)
    found = np.empty(num_rows, np.int64)
    for number in range(len(out)):
        num_found = 0
        for side in range(2):
            sites = sets.leaving[number] if side == 0 else sets.entering[number]
            for move in range(len(sites)):
                site = sites[move]
                if site == -1:
                    continue
                state[site] = side + 1
                if side == 1:
                    room[site] = capacity[number, move]
                for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
                    row = arcs.rows_of_site.idx[place]
                    if seen[row] == 0:
                        seen[row] = 1
                        need[row], gone[row], come[row] = unserved[row], 0, 0
                        found[num_found] = row
                        num_found += 1
                    if side == 0:
                        gone[row] += 1
                        need[row] += flow[arcs.pair_of_entry[place]]
                    else:
                        come[row] += 1
        total = 0.0
        for step in range(2):
            for at in range(num_found):
                row = found[at]
                others = covering[row] - gone[row]
                if load[row] <= 0.0:
                    if step == 0:
                        before, after = covering[row] > 0, others + come[row] > 0
                        if before and not after:
                            total -= value[row]
                        if after and not before:
                            total += value[row]
                elif (others == 0) == (step == 0):
                    left = _take(arcs, row, need[row], step == 0, state, room, took)
                    if left <= 1e-12 * load[row]:
                        left = 0.0
                    total += value[row] / load[row] * (unserved[row] - left)
        out[number] = total
        for at in range(num_found):
            row = found[at]
            seen[row] = 0
            for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
                took[arcs.sites_of_row.idx[arc]] = 0.0
        for side in range(2):
            for site in sets.leaving[number] if side == 0 else sets.entering[number]:
                if site != -1:
                    state[site] = 0
                    if side == 1:
                        room[site] = -1.0


def judge_moves(placed: Placed, moves: Moves, profit: FloatArray, tuning: Tuning) -> FloatArray:
    """What changes add to the value served, at least.

    Parameters
    ----------
    placed : Placed
    moves : Moves
        Shape (num_changes, any).
    profit : float array, shape (num_changes,)
        What they add to the value covered.
    tuning : Tuning

    Returns
    -------
    float array, shape (num_changes,)
        ``profit`` where no station can be full.
    """
    rows = placed.ground.rows
    if not (rows.load > 0.0).any() or len(profit) == 0:
        return profit
    sets = _net(moves)
    capacity = entering_capacity(placed, sets.leaving, sets.entering)
    judged = np.empty(len(profit))
    carried = _carried(placed)
    _changes(placed.ground.arcs, carried, sets, capacity, judged)
    short = profit + _lost_near(placed, sets) - judged
    open_to_more = np.flatnonzero(short > _SHORT * max(placed.objective, 1.0))
    # Those first that lack most of what they cover.
    order = open_to_more[np.argsort(-(profit - judged)[open_to_more], kind="stable")]
    nearby = _Nearby(placed, carried)
    for number in order[: tuning.exact_service].tolist():
        better = nearby.change(sets.leaving[number], sets.entering[number], capacity[number])
        judged[number] = max(judged[number], better)
    return judged


def _lost_near(placed: Placed, sets: Moves) -> FloatArray:
    """Value covered, but not served, within reach of the sites of each change."""
    of_site = placed.ground.cover.rows_of_site
    lost = np.bincount(of_site.owner, placed.lost[of_site.idx], minlength=len(placed.cost))
    near = np.zeros(len(sets.leaving))
    for sites in sets:
        near += np.where(sites == NOBODY, 0.0, lost[sites]).sum(axis=1)
    return near


def _carried(placed: Placed) -> Carried:
    rows, service = placed.ground.rows, placed.service
    taken = np.bincount(
        placed.ground.cover.sites_of_row.idx, service.flow, minlength=len(placed.capacity)
    )
    left = np.maximum(placed.capacity - taken, 0.0)
    left[left <= 1e-12 * np.maximum(placed.capacity, 1.0)] = 0.0
    unserved = rows.load * (1.0 - service.served_frac)
    return Carried(
        rows.value,
        rows.load,
        service.flow,
        np.where(unserved > 1e-12 * rows.load, unserved, 0.0),
        np.where(placed.capacity >= 0.0, left, CLOSED),
        placed.tables.num_covering.astype(np.int64),
    )


def _net(moves: Moves) -> Moves:
    """Sites that left or came in the end: one that came and left again did neither."""
    both = (moves.leaving[:, :, None] == moves.entering[:, None, :]) & (
        moves.leaving[:, :, None] != NOBODY
    )
    return Moves(
        np.where(both.any(axis=2), NOBODY, moves.leaving),
        np.where(both.any(axis=1), NOBODY, moves.entering),
    )


class _Nearby:
    """Service of the stations near a change, solved again; the flows of the others are kept."""

    def __init__(self, placed: Placed, carried: Carried) -> None:
        self.placed, self.carried = placed, carried
        self.of_site = placed.ground.cover.rows_of_site
        self.of_row = placed.ground.cover.sites_of_row
        self.is_open = placed.is_open
        self.flow = carried.flow

    def change(self, leaving: IntArray, entering: IntArray, capacity: FloatArray) -> float:
        """What the change adds to the value served, at least."""
        came = entering != NOBODY
        gone, entering, capacity = leaving[leaving != NOBODY], entering[came], capacity[came]
        changed = np.concatenate((gone, entering))
        near = self._stations(self._rows(changed))
        near = self._stations(self._rows(np.concatenate((changed, near))))
        stays = np.setdiff1d(near, gone)
        rows = self._rows(np.concatenate((stays, changed)))
        arcs, ptr = _entries(self.of_row, rows)
        site, flow = self.of_row.idx[arcs].astype(np.int64), self.flow[arcs]
        is_near = np.zeros(len(self.is_open), dtype=np.bool_)
        is_near[near] = True
        row_of_arc = np.repeat(np.arange(len(rows)), np.diff(ptr))
        by_far = np.bincount(row_of_arc, np.where(is_near[site], 0.0, flow), minlength=len(rows))
        covered_far = np.bincount(
            row_of_arc, self.is_open[site] & ~is_near[site], minlength=len(rows)
        )
        load, value = self.carried.load[rows], self.carried.value[rows]
        left = np.maximum(load - by_far, 0.0)
        is_loaded = load > 0.0
        worth = np.where(
            is_loaded,
            value * np.divide(left, load, out=np.zeros(len(rows)), where=is_loaded),
            value * (covered_far == 0),
        )
        by_near = np.bincount(row_of_arc, np.where(is_near[site], flow, 0.0), minlength=len(rows))
        covered_near = np.bincount(row_of_arc, is_near[site], minlength=len(rows))
        before = np.where(
            is_loaded,
            value * np.divide(by_near, load, out=np.zeros(len(rows)), where=is_loaded),
            worth * (covered_near > 0),
        )
        stations = np.sort(np.concatenate((stays, entering)))
        amount = self.placed.capacity[stations]
        amount[np.searchsorted(stations, entering)] = capacity
        after = _service_value(
            worth, np.where(is_loaded, left, 0.0), site, row_of_arc, stations, amount
        )
        return after - math.fsum(before)

    def _rows(self, sites: IntArray) -> IntArray:
        return np.unique(self.of_site.idx[_entries(self.of_site, sites)[0]]).astype(np.int64)

    def _stations(self, rows: IntArray) -> IntArray:
        sites = np.unique(self.of_row.idx[_entries(self.of_row, rows)[0]]).astype(np.int64)
        return np.asarray(sites[self.is_open[sites]])


def _entries(lists: Lists, chosen: IntArray) -> tuple[IntArray, IntArray]:
    """Positions of the entries of some lists, list after list, and where each begins."""
    sizes = lists.ptr[chosen + 1] - lists.ptr[chosen]
    ptr = np.concatenate(([0], np.cumsum(sizes)))
    return np.arange(ptr[-1]) + np.repeat(lists.ptr[chosen] - ptr[:-1], sizes), ptr


def _service_value(
    value: FloatArray,
    load: FloatArray,
    site: IntArray,
    row_of_arc: IntArray,
    stations: IntArray,
    capacity: FloatArray,
) -> float:
    """Best service of some stations on some rows."""
    if len(stations) == 0:
        return 0.0
    at = np.minimum(np.searchsorted(stations, site), len(stations) - 1)
    useful = (stations[at] == site) & (value[row_of_arc] > 0.0)
    reached, row = np.unique(row_of_arc[useful], return_inverse=True)
    num_stations = len(stations)
    rows = SizedRows(
        value=value[reached],
        load=load[reached],
        sites_of_row=Lists.by_owner(row, at[useful].astype(np.int32), len(reached)),
        row_of_zone=reached,
        site_idx=stations,
        rules=SiteRules.free(num_stations),
        option_ptr=np.arange(num_stations + 1),
        option_type=np.zeros(num_stations, dtype=np.int64),
        capacity=capacity,
        cost=np.zeros(num_stations),
    )
    return best_service(rows, capacity).value
