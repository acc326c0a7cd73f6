"""What exchanges change of the value served, where stations may be full.

Sets as in :mod:`planner.models.sized_coverage.service`. Some stations leave, others enter. The
flows of the best service before stay; what the leaving ones carried, and what went unserved near
the entering ones, is served by augmenting paths over full stations to one with room, or else in
the place of what is worth least of the load on these paths. Served sets are independent sets of a
polymatroid, so that each such step keeps the service best for the rows looked at (Edmonds 1970):
the result is a valid service, and the best one unless a search was cut short.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.exchanges.exchange import NOBODY, Moves, net_moves
from planner.models.exchanges.placed import CLOSED, Placed, entering_capacity
from planner.models.sized_coverage.rows import Arcs

_ROUNDING = 1e-12
"""Rest of a load, or of a room, that is rounding."""
_SAME = 1e-9
"""Values per load that differ by less than this fraction are the same."""
_PATH_STATIONS = 200
"""Full stations that a search for room passes at most."""
_HOPS = 2
"""Stations between a site that enters and load that goes unserved."""
_LEAST_PART = 256
"""Changes that are worth a thread of their own."""


class Carried(NamedTuple):
    """The best service of a plan; not changed.

    Attributes
    ----------
    value, load : float arrays, shape (num_rows,)
    worth : float array, shape (num_rows,)
        Value per load.
    row_of_arc : int array, shape (num_arcs,)
    flow : float array, shape (num_arcs,)
        Load that each station carries of each row.
    unserved : float array, shape (num_rows,)
        Load that nobody carries.
    room : float array, shape (num_sites,)
        Capacity left; < 0 where there is no station.
    is_loaded : bool array, shape (num_sites + 1,)
        Sites that reach load; the last entry is for nobody.
    covering : int array, shape (num_rows,)
        Open sites that reach the row.
    near_unserved : bool array, shape (num_sites,)
        Sites that could relieve a station which turns load away.
    """

    value: FloatArray
    load: FloatArray
    worth: FloatArray
    row_of_arc: IntArray
    flow: FloatArray
    unserved: FloatArray
    room: FloatArray
    is_loaded: BoolArray
    covering: IntArray
    near_unserved: BoolArray


class Now(NamedTuple):
    """The service while a change is looked at, and what of it differs from the one before.

    ``rows`` and ``sites`` list what was touched, ``size`` says how many; ``row_stamp`` and
    ``site_stamp`` hold the number of the change that touched last. ``covers`` is the change of the
    number of open sites that reach a row.
    """

    flow: FloatArray
    unserved: FloatArray
    room: FloatArray
    covers: IntArray
    rows: IntArray
    sites: IntArray
    size: IntArray
    row_stamp: IntArray
    site_stamp: IntArray


class Search(NamedTuple):
    """Memory of the searches for paths; see `planner.models.sized_coverage.service.Paths`.

    From sites whose ``dead_stamp`` is the number of the change no path leads to room, or to load
    that is worth less than ``dead_worth``. ``number`` counts the searches.
    """

    seen: IntArray
    queue: IntArray
    in_arc: IntArray
    out_arc: IntArray
    dead_stamp: IntArray
    dead_worth: FloatArray
    number: IntArray


@numba.njit(cache=True, nogil=True, _nrt=False)
def _touch_row(row: int, stamp: int, now: Now) -> None:
    if now.row_stamp[row] != stamp:
        now.row_stamp[row] = stamp
        now.rows[now.size[0]] = row
        now.size[0] += 1


@numba.njit(cache=True, nogil=True, _nrt=False)
def _touch_site(site: int, stamp: int, now: Now) -> None:
    if now.site_stamp[site] != stamp:
        now.site_stamp[site] = stamp
        now.sites[now.size[1]] = site
        now.size[1] += 1


@numba.njit(cache=True, nogil=True, _nrt=False)
def _find(
    row: int, stamp: int, arcs: Arcs, carried: Carried, now: Now, search: Search
) -> tuple[int, int]:
    """The station where a path from a row ends, and the pair that gives way there, or -1.

    (-1, -1) where there is neither room nor load of less worth, or not among the first stations.
    """
    seen, queue, in_arc, out_arc, dead_stamp, dead_worth, number = search
    number[0] += 1
    mark, worth = number[0], carried.worth[row]
    num_reached, at = 0, 0
    for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
        site = arcs.sites_of_row.idx[arc]
        if now.room[site] < 0.0 or (dead_stamp[site] == stamp and dead_worth[site] >= worth):
            continue
        seen[site], in_arc[site], out_arc[site] = mark, arc, -1
        queue[num_reached] = site
        num_reached += 1
    least, end, way = worth * (1.0 - _SAME), -1, -1
    while at < num_reached and at < _PATH_STATIONS:
        site = queue[at]
        at += 1
        for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
            used = arcs.pair_of_entry[place]
            if now.flow[used] <= 0.0:
                continue
            other_row = arcs.rows_of_site.idx[place]
            if carried.worth[other_row] < least:
                least, end, way = carried.worth[other_row], site, used
            for arc in range(
                arcs.sites_of_row.ptr[other_row], arcs.sites_of_row.ptr[other_row + 1]
            ):
                other = arcs.sites_of_row.idx[arc]
                if seen[other] == mark or now.room[other] < 0.0:
                    continue
                if dead_stamp[other] == stamp and dead_worth[other] >= worth:
                    continue
                seen[other], in_arc[other], out_arc[other] = mark, arc, used
                if now.room[other] > 0.0:
                    return other, -1
                queue[num_reached] = other
                num_reached += 1
    if end < 0 and at == num_reached:
        for at in range(num_reached):
            dead_stamp[queue[at]], dead_worth[queue[at]] = stamp, worth
    return end, way


@numba.njit(cache=True, nogil=True, _nrt=False)
def _push(
    end: int,
    way: int,
    need: float,
    stamp: int,
    arcs: Arcs,
    row_of_arc: IntArray,
    now: Now,
    search: Search,
) -> float:
    """Send as much of ``need`` as fits along the path that ends at a station."""
    flow, in_arc, out_arc = now.flow, search.in_arc, search.out_arc
    amount = min(need, flow[way] if way >= 0 else now.room[end])
    site = end
    while out_arc[site] >= 0:
        amount = min(amount, flow[out_arc[site]])
        site = arcs.sites_of_row.idx[out_arc[site]]
    if way >= 0:
        _touch_row(row_of_arc[way], stamp, now)
        flow[way] -= amount
        now.unserved[row_of_arc[way]] += amount
    else:
        _touch_site(end, stamp, now)
        now.room[end] -= amount
        if now.room[end] <= _ROUNDING * (amount + now.room[end]):
            now.room[end] = 0.0
    site = end
    while True:
        flow[in_arc[site]] += amount
        if out_arc[site] < 0:
            return float(amount)
        _touch_row(row_of_arc[out_arc[site]], stamp, now)
        flow[out_arc[site]] -= amount
        site = arcs.sites_of_row.idx[out_arc[site]]


@numba.njit(cache=True, nogil=True, _nrt=False)
def _serve(row: int, stamp: int, arcs: Arcs, carried: Carried, now: Now, search: Search) -> None:
    """Serve what a row lacks as far as paths allow."""
    need, room = now.unserved[row], now.room
    while need > _ROUNDING * carried.load[row]:
        best, end, way = -1, -1, -1
        for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
            site = arcs.sites_of_row.idx[arc]
            if room[site] > 0.0 and (best < 0 or room[site] > room[end]):
                best, end = arc, site
        if best >= 0:
            search.in_arc[end], search.out_arc[end] = best, -1
        else:
            end, way = _find(row, stamp, arcs, carried, now, search)
            if end < 0:
                break
        need -= _push(end, way, need, stamp, arcs, carried.row_of_arc, now, search)
    now.unserved[row] = need if need > _ROUNDING * carried.load[row] else 0.0


@numba.njit(cache=True, nogil=True, _nrt=False)
def _ask_around(
    site: int, stamp: int, arcs: Arcs, carried: Carried, now: Now, search: Search
) -> None:
    """Touch the rows that lack service at stations that a site might relieve."""
    seen, queue = search.seen, search.queue
    of_site, of_row = arcs.rows_of_site, arcs.sites_of_row
    search.number[0] += 1
    mark = search.number[0]
    seen[site], queue[0] = mark, site
    begin, num_reached = 0, 1
    for _ in range(_HOPS):
        end = num_reached
        for at in range(begin, end):
            station = queue[at]
            for place in range(of_site.ptr[station], of_site.ptr[station + 1]):
                row = of_site.idx[place]
                for arc in range(of_row.ptr[row], of_row.ptr[row + 1]):
                    other = of_row.idx[arc]
                    if now.flow[arc] <= 0.0 or seen[other] == mark:
                        continue
                    seen[other], queue[num_reached] = mark, other
                    num_reached += 1
                    for near in range(of_site.ptr[other], of_site.ptr[other + 1]):
                        if now.unserved[of_site.idx[near]] > 0.0:
                            _touch_row(of_site.idx[near], stamp, now)
        begin = end


# None of these makes an array: without numba's counting of references, atomic at each access to an
# array in a tuple and shared by both threads, they take a part of the time and give the same.
@numba.njit(cache=True, nogil=True, _nrt=False)
def try_change(
    leaving: IntArray, entering: IntArray, capacity: FloatArray, asks: bool, stamp: int,
    arcs: Arcs, carried: Carried, now: Now, search: Search,
) -> float:  # fmt: skip
    """What a change adds to the value served beside what it adds to the value covered.

    Rows without load are served as they are covered. `end_change` has to follow.

    Parameters
    ----------
    leaving, entering : int arrays, shape (any,)
        Net sites of the change, ``NOBODY`` elsewhere.
    capacity : float array, shape (len(entering),)
        Of those that enter.
    asks : bool
        Whether they may relieve stations that turn load away.
    stamp : int
        Number of the change, another one each time.
    arcs, carried
        Of the plan; not changed.
    now, search
        From `service_of`; ``now`` holds the service after the change in the end.
    """
    now.size[0] = now.size[1] = 0
    for site in leaving:
        if site == NOBODY:
            continue
        _touch_site(site, stamp, now)
        now.room[site] = CLOSED
        for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
            row, arc = arcs.rows_of_site.idx[place], arcs.pair_of_entry[place]
            if carried.load[row] > 0.0:
                now.covers[row] -= 1
                now.unserved[row] += now.flow[arc]
                now.flow[arc] = 0.0
                _touch_row(row, stamp, now)
    for move, site in enumerate(entering):
        if site == NOBODY:
            continue
        _touch_site(site, stamp, now)
        now.room[site] = capacity[move]
        for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
            row = arcs.rows_of_site.idx[place]
            if carried.load[row] > 0.0:
                now.covers[row] += 1
                _touch_row(row, stamp, now)
    if asks:
        for site in entering:
            if site != NOBODY and carried.near_unserved[site]:
                _ask_around(site, stamp, arcs, carried, now, search)
    for at in range(now.size[0]):
        if now.unserved[now.rows[at]] > 0.0:
            _serve(now.rows[at], stamp, arcs, carried, now, search)
    total = 0.0
    for at in range(now.size[0]):
        row = now.rows[at]
        if carried.covering[row] > 0:
            total += carried.value[row]
        if carried.covering[row] + now.covers[row] > 0:
            total -= carried.value[row]
        total += carried.worth[row] * (carried.unserved[row] - now.unserved[row])
    return total


@numba.njit(cache=True, nogil=True, _nrt=False)
def end_change(is_made: bool, arcs: Arcs, carried: Carried, now: Now) -> None:
    """Make the change that was tried last, or take it back.

    Parameters
    ----------
    is_made : bool
        If so the arrays of ``carried`` are brought up to date.
    arcs, carried, now
        As in `try_change`.
    """
    of_row = arcs.sites_of_row
    for at in range(now.size[0]):
        row = now.rows[at]
        if is_made:
            carried.covering[row] += now.covers[row]
            carried.unserved[row] = now.unserved[row]
            for arc in range(of_row.ptr[row], of_row.ptr[row + 1]):
                carried.flow[arc] = now.flow[arc]
        else:
            now.unserved[row] = carried.unserved[row]
            for arc in range(of_row.ptr[row], of_row.ptr[row + 1]):
                now.flow[arc] = carried.flow[arc]
        now.covers[row] = 0
    for at in range(now.size[1]):
        site = now.sites[at]
        if is_made:
            carried.room[site] = now.room[site]
        else:
            now.room[site] = carried.room[site]


@numba.njit(cache=True, nogil=True, _nrt=False)
def _judge(
    arcs: Arcs, carried: Carried, sets: Moves, capacity: FloatArray, out: FloatArray,
    now: Now, search: Search,
) -> None:  # fmt: skip
    """What each change adds beside what it covers; ``out`` is filled."""
    for number in range(len(out)):
        out[number] = try_change(
            sets.leaving[number], sets.entering[number], capacity[number], True, number,
            arcs, carried, now, search,
        )  # fmt: skip
        end_change(False, arcs, carried, now)


def service_of(carried: Carried) -> tuple[Now, Search]:
    """Memory for changes of a plan, which starts at its service.

    Parameters
    ----------
    carried : Carried
        Not changed.
    """
    num_rows, num_sites = len(carried.value), len(carried.room)
    now = Now(
        carried.flow.copy(),
        carried.unserved.copy(),
        carried.room.copy(),
        np.zeros(num_rows, np.int64),
        np.empty(num_rows, np.int64),
        np.empty(num_sites, np.int64),
        np.zeros(2, np.int64),
        np.full(num_rows, -1),
        np.full(num_sites, -1),
    )
    search = Search(
        np.zeros(num_sites, np.int64),
        np.empty(num_sites, np.int64),
        np.empty(num_sites, np.int64),
        np.empty(num_sites, np.int64),
        np.full(num_sites, -1),
        np.zeros(num_sites),
        np.zeros(1, np.int64),
    )
    return now, search


def judge_moves(placed: Placed, carried: Carried, moves: Moves, profit: FloatArray) -> FloatArray:
    """What changes add to the value served, at least.

    Parameters
    ----------
    placed : Placed
    carried : Carried
        Of the plan, from `carried_by`.
    moves : Moves
        Shape (num_changes, any).
    profit : float array, shape (num_changes,)
        What they add to the value covered, or less than that.

    Returns
    -------
    float array, shape (num_changes,)
        ``profit`` where no station can be full.
    """
    is_loaded = carried.is_loaded
    if not is_loaded.any() or len(profit) == 0:
        return profit
    sets, arcs = net_moves(moves), placed.ground.arcs
    at = np.flatnonzero((is_loaded[sets.leaving] | is_loaded[sets.entering]).any(axis=1))
    sets = Moves(sets.leaving[at], sets.entering[at])
    capacity = entering_capacity(placed, sets.leaving, sets.entering)
    if placed.ground.has_money:
        of_change = np.arange(len(at))
    else:
        # Sites that reach no load make no difference; where money is limited they have a price.
        sets = Moves(*(np.where(is_loaded[sites], sites, NOBODY) for sites in sets))
        key = np.hstack([np.sort(sites, axis=1) for sites in sets])
        _, first, of_change = np.unique(key, axis=0, return_index=True, return_inverse=True)
        sets, capacity = Moves(*(sites[first] for sites in sets)), capacity[first]
    added = np.empty(len(capacity))
    half = (len(added) + 1) // 2 if len(added) > 2 * _LEAST_PART else len(added)

    def judge(part: slice) -> None:
        some = Moves(sets.leaving[part], sets.entering[part])
        _judge(arcs, carried, some, capacity[part], added[part], *service_of(carried))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(judge, (slice(0, half), slice(half, len(added)))))
    judged = profit.copy()
    judged[at] += added[of_change]
    return judged


def carried_by(placed: Placed) -> Carried:
    """The best service of a plan."""
    rows, service = placed.ground.rows, placed.service
    site_of_arc = placed.ground.cover.sites_of_row.idx
    num_sites = len(placed.capacity)
    taken = np.bincount(site_of_arc, service.flow, minlength=num_sites)
    left = np.maximum(placed.capacity - taken, 0.0)
    left[left <= _ROUNDING * np.maximum(placed.capacity, 1.0)] = 0.0
    unserved = rows.load * (1.0 - service.served_frac)
    unserved[unserved <= _ROUNDING * rows.load] = 0.0
    is_loaded = np.zeros(num_sites + 1, dtype=np.bool_)
    is_loaded[site_of_arc[rows.load[rows.row_of_arc] > 0.0]] = True
    return Carried(
        rows.value,
        rows.load,
        np.divide(rows.value, rows.load, out=np.zeros(rows.num_rows), where=rows.load > 0.0),
        rows.row_of_arc,
        service.flow,
        unserved,
        np.where(placed.capacity >= 0.0, left, CLOSED),
        is_loaded,
        placed.tables.num_covering.astype(np.int64),
        _near_unserved(placed, unserved > 0.0),
    )


def _near_unserved(placed: Placed, is_short: BoolArray) -> BoolArray:
    """Sites from which stations that turn load away can be relieved."""
    site, row = placed.ground.cover.sites_of_row.idx, placed.ground.rows.row_of_arc
    found = np.zeros(len(placed.capacity), dtype=np.bool_)
    if not is_short.any():
        return found
    carries = placed.service.flow > 0.0
    reaches = np.zeros_like(found)
    reaches[site[is_short[row]]] = True
    for _ in range(_HOPS):
        if not reaches.any():
            break
        carried = np.zeros(len(is_short), dtype=np.bool_)
        carried[row[carries & reaches[site]]] = True
        reaches = np.zeros_like(found)
        reaches[site[carried[row]]] = True
        found |= reaches
    return found
