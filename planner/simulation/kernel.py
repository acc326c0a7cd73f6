"""The event loop: drivers come to stations, are served, give up, go on; compiled, without chance.

Takes stations, rules and given drivers as arrays; gives what befell each driver. Draws nothing.

A pack's power is first come, first served, so that the time at which it will be full is known when
it is handed in: the charging of packs needs no events, only a ring of times per type, which rise
because a pack handed in earlier, with the same needs and no less power, is never overtaken by one
of its type. A queue per type is first in, first out, for starting and, patience being one figure,
for giving up.

Stations touch each other by drivers who go on alone, and those are known long before: who has not
given up when a station's oldest waiting driver, or its next one, would, arrives elsewhere no sooner
than that plus the drive. Stations of a group therefore take turns, each of which lasts until the
first moment at which somebody not yet known may come (conservative synchronization: Chandy and
Misra 1979, IEEE Transactions on Software Engineering SE-5:440); the station with the group's
earliest event can always go on.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.simulation.power import TINY_H, charged

SERVED, SERVED_NEXT, LOST, LOST_NEXT, UNDER_WAY = 0, 1, 2, 3, 4
"""Outcomes: served at the first station or the next, lost at either; the last is none at the
end."""
LANE, PACK, GRID = 0, 1, 2
"""What most of a wait was for: the lane; a full pack; a pack that the grid's limit slowed."""
_NONE = -1


class Stations(NamedTuple):
    """What the stations have; positions are those of these arrays.

    Attributes
    ----------
    packs : int array, shape (num_stations, num_packs)
    ring_ptr : int array, shape (num_stations * num_packs + 1,)
        Room for the packs of station s and type k at ``s * num_packs + k``.
    step_ptr : int array, shape (num_stations + 1,)
        Room for the steps of each station's free power, twice as much as there can be at once; none
        where the grid can never bind.
    fits : Lists
        Types that a driver of each type may take, his own first.
    lane_h, grid_kw, handling_h : float arrays, shape (num_stations,)
    at_once : int array, shape (num_stations,)
        So many packs, whichever, can draw their most at once.
    heat_h, heat_kw, charge_h, charge_kw : float arrays, shape (num_stations, num_packs)
    next_idx : int array, shape (num_stations,)
        Where drivers go on to, -1: nowhere.
    next_h : float array, shape (num_stations,)
    sources : Lists
        Stations whose drivers go on to each.
    """

    packs: IntArray
    ring_ptr: IntArray
    step_ptr: IntArray
    fits: Lists
    lane_h: FloatArray
    grid_kw: FloatArray
    at_once: IntArray
    handling_h: FloatArray
    heat_h: FloatArray
    heat_kw: FloatArray
    charge_h: FloatArray
    charge_kw: FloatArray
    next_idx: IntArray
    next_h: FloatArray
    sources: Lists


class Drivers(NamedTuple):
    """Who comes: station s has drivers ``ptr[s]`` to ``ptr[s + 1]``, in order of arrival."""

    ptr: IntArray
    time_h: FloatArray
    pack_idx: IntArray


class Served(NamedTuple):
    """What befell each driver, arrays of shape (num_drivers,).

    Attributes
    ----------
    wait_h : float array
        At the first station; the patience for those who gave up.
    outcome : int array
        `SERVED`, `SERVED_NEXT`, `LOST` or `LOST_NEXT`.
    no_pack : bool array
        Whether no full pack that the driver may take was there on arrival at the first station.
    cause : int array
        `LANE`, `PACK` or `GRID`, of the wait at the first station.
    """

    wait_h: FloatArray
    outcome: NDArray[np.int8]
    no_pack: BoolArray
    cause: NDArray[np.int8]


class _Work(NamedTuple):
    """State of stations, (station, type) pairs, packs, steps of free power and drivers."""

    lane_free: FloatArray
    upcoming: IntArray
    num_waiting: IntArray
    num_visitors: IntArray
    way_head: IntArray
    way_tail: IntArray
    first_charging: IntArray
    end_charging: IntArray
    end_entered: IntArray
    first_step: IntArray
    end_step: IntArray
    front: FloatArray
    ring_first: IntArray
    ring_size: IntArray
    queue_head: IntArray
    queue_tail: IntArray
    full_h: FloatArray
    slowed_h: FloatArray
    begun_h: FloatArray
    charged_h: FloatArray
    charging_idx: IntArray
    step_h: FloatArray
    step_kw: FloatArray
    arrived_h: FloatArray
    link: IntArray


@njit(cache=True, nogil=True, inline="always")
def _hand_in(stations, work, s, k, now):  # type: ignore[no-untyped-def]
    """Put an empty pack into its bay."""
    pair = s * stations.packs.shape[1] + k
    begin = now + stations.handling_h[s]
    full = least = begin + stations.heat_h[s, k] + stations.charge_h[s, k]
    if stations.step_ptr[s + 1] > stations.step_ptr[s]:
        full = charged(stations, work, s, k, now, begin, least)
    ring, room = stations.ring_ptr[pair], stations.ring_ptr[pair + 1] - stations.ring_ptr[pair]
    size = work.ring_size[pair]
    last = work.ring_first[pair] + size
    if last >= room:
        last -= room
    work.full_h[ring + last] = full
    work.slowed_h[ring + last] = full - least
    work.ring_size[pair] = size + 1
    if size == 0:
        work.front[pair] = full


@njit(cache=True, nogil=True, inline="always")
def _take(stations, work, pair):  # type: ignore[no-untyped-def]
    """Take the pack of a pair that is full first; returns when it was, and how much slowed."""
    ring, room = stations.ring_ptr[pair], stations.ring_ptr[pair + 1] - stations.ring_ptr[pair]
    first = work.ring_first[pair]
    full, slowed = work.full_h[ring + first], work.slowed_h[ring + first]
    first = first + 1 if first + 1 < room else 0
    work.ring_first[pair] = first
    work.ring_size[pair] -= 1
    work.front[pair] = work.full_h[ring + first] if work.ring_size[pair] > 0 else np.inf
    return full, slowed


@njit(cache=True, nogil=True, inline="always")
def _num_full(stations, work, pair, now):  # type: ignore[no-untyped-def]
    ring, room = stations.ring_ptr[pair], stations.ring_ptr[pair + 1] - stations.ring_ptr[pair]
    count = 0
    while count < work.ring_size[pair]:
        if work.full_h[ring + (work.ring_first[pair] + count) % room] > now:
            break
        count += 1
    return count


@njit(cache=True, nogil=True, inline="always")
def _first_full(stations, work, s, k):  # type: ignore[no-untyped-def]
    """The pair whose pack is the first to be full of those that a driver of type k may take."""
    num_packs = stations.packs.shape[1]
    best = s * num_packs + k
    ptr, idx = stations.fits
    for entry in range(ptr[k] + 1, ptr[k + 1]):
        pair = s * num_packs + idx[entry]
        if work.front[pair] < work.front[best]:
            best = pair
    return best


@njit(cache=True, nogil=True, inline="always")
def _chosen(stations, work, s, k, now):  # type: ignore[no-untyped-def]
    """The pair to take a pack from: the driver's own type, else that with most full packs."""
    num_packs = stations.packs.shape[1]
    own = s * num_packs + k
    if work.front[own] <= now:
        return own
    best, most = own, 0
    ptr, idx = stations.fits
    for entry in range(ptr[k] + 1, ptr[k + 1]):
        pair = s * num_packs + idx[entry]
        count = _num_full(stations, work, pair, now)
        if count > most:
            best, most = pair, count
    return best


@njit(cache=True, nogil=True, inline="always")
def _cause(begun, arrived, full, slowed, wait_h):  # type: ignore[no-untyped-def]
    if full - arrived <= 0.5 * (begun - arrived):
        return LANE
    return GRID if slowed > TINY_H and full - slowed <= arrived + wait_h else PACK


@njit(cache=True, nogil=True, inline="always")
def _next_of_queues(stations, work, patience_h, s):  # type: ignore[no-untyped-def]
    """What befalls those who wait if nobody comes: when, whether one starts or gives up, his type.

    At ties starts come first, of these the oldest.
    """
    num_packs = stations.packs.shape[1]
    time, starts, pick, since = np.inf, False, _NONE, np.inf
    for k in range(num_packs):
        d = work.queue_head[s * num_packs + k]
        if d == _NONE:
            continue
        arrived = work.arrived_h[d]
        start = max(work.front[_first_full(stations, work, s, k)], work.lane_free[s], arrived)
        gives_up = arrived + patience_h
        if start <= gives_up:
            if start < time or (start == time and (not starts or arrived < since)):
                time, starts, pick, since = start, True, k, arrived
        elif gives_up < time:
            time, starts, pick = gives_up, False, k
    return time, starts, pick


@njit(cache=True, nogil=True, inline="always")
def _append(work, head, tail, at, d):  # type: ignore[no-untyped-def]
    work.link[d] = _NONE
    if head[at] == _NONE:
        head[at] = d
    else:
        work.link[tail[at]] = d
    tail[at] = d


@njit(cache=True, nogil=True, inline="always")
def _fill(stations, drivers, work, s):  # type: ignore[no-untyped-def]
    """All packs full, nobody there."""
    num_packs = stations.packs.shape[1]
    work.lane_free[s] = -np.inf
    work.upcoming[s] = drivers.ptr[s]
    work.num_waiting[s] = work.num_visitors[s] = 0
    work.way_head[s] = _NONE
    base = stations.step_ptr[s]
    if stations.step_ptr[s + 1] > base:
        work.step_h[base] = -np.inf
        work.step_kw[base] = stations.grid_kw[s]
        work.first_step[s], work.end_step[s] = base, base + 1
        work.first_charging[s] = work.end_charging[s] = work.end_entered[s] = base
    for k in range(num_packs):
        pair = s * num_packs + k
        work.queue_head[pair] = _NONE
        work.ring_first[pair] = 0
        work.ring_size[pair] = stations.packs[s, k]
        for i in range(stations.packs[s, k]):
            work.full_h[stations.ring_ptr[pair] + i] = -np.inf
            work.slowed_h[stations.ring_ptr[pair] + i] = 0.0
        work.front[pair] = -np.inf if stations.packs[s, k] > 0 else np.inf


@njit(cache=True, nogil=True, inline="always")
def _known_until(stations, drivers, work, patience_h, s):  # type: ignore[no-untyped-def]
    """Before this nobody comes from elsewhere but those who are under way already."""
    num_packs = stations.packs.shape[1]
    until = np.inf
    ptr, idx = stations.sources
    for entry in range(ptr[s], ptr[s + 1]):
        other = idx[entry]
        oldest = np.inf
        if work.upcoming[other] < drivers.ptr[other + 1]:
            oldest = drivers.time_h[work.upcoming[other]]
        if work.num_waiting[other] > 0:
            for pair in range(other * num_packs, (other + 1) * num_packs):
                if work.queue_head[pair] != _NONE:
                    oldest = min(oldest, work.arrived_h[work.queue_head[pair]])
        until = min(until, oldest + patience_h + stations.next_h[other])
    return until


@njit(cache=True, nogil=True, inline="always")
def _take_turn(  # type: ignore[no-untyped-def]
    stations, drivers, served, work, patience_h, goes_on, wait_h, s, until_h
):
    """Let happen at a station what happens until a time, that included."""
    num_packs = stations.packs.shape[1]
    ptr, idx = stations.sources
    while True:
        d, source, now = work.upcoming[s], _NONE, np.inf
        if d < drivers.ptr[s + 1]:
            now = drivers.time_h[d]
        if work.num_visitors[s] > 0:
            for entry in range(ptr[s], ptr[s + 1]):
                visitor = work.way_head[idx[entry]]
                if visitor != _NONE and work.arrived_h[visitor] < now:
                    d, source, now = visitor, idx[entry], work.arrived_h[visitor]
        comes, starts, k = True, False, _NONE
        if work.num_waiting[s] > 0:
            time, starts, k = _next_of_queues(stations, work, patience_h, s)
            if time <= now:
                comes, now = False, time
        if now > until_h or now == np.inf:
            return
        if comes and source != _NONE:
            work.way_head[source] = work.link[d]
            work.num_visitors[s] -= 1
            work.num_waiting[s] += 1
            pair = s * num_packs + drivers.pack_idx[d]
            _append(work, work.queue_head, work.queue_tail, pair, d)
            continue
        if comes:
            work.upcoming[s] += 1
            k = drivers.pack_idx[d]
            pair = s * num_packs + k
            work.arrived_h[d] = now
            served.no_pack[d] = work.front[_first_full(stations, work, s, k)] > now
            if (
                work.front[pair] > now
                or work.lane_free[s] > now
                or (work.num_waiting[s] > 0 and work.queue_head[pair] != _NONE)
            ):
                work.num_waiting[s] += 1
                _append(work, work.queue_head, work.queue_tail, pair, d)
                continue
            starts = True  # at once: who else waits has no pack yet
        else:
            pair = s * num_packs + k
            d = work.queue_head[pair]
            work.queue_head[pair] = work.link[d]
            work.num_waiting[s] -= 1
        if starts:
            full, slowed = _take(stations, work, _chosen(stations, work, s, k, now))
            _hand_in(stations, work, s, k, now)
            work.lane_free[s] = now + stations.lane_h[s]
            if served.outcome[d] == UNDER_WAY:
                served.outcome[d] = SERVED_NEXT
            else:
                served.wait_h[d] = now - work.arrived_h[d]
                served.cause[d] = _cause(now, work.arrived_h[d], full, slowed, wait_h)
        elif served.outcome[d] == UNDER_WAY:
            served.outcome[d] = LOST_NEXT
        else:
            served.wait_h[d] = patience_h
            soonest = _first_full(stations, work, s, k)
            slowed = 0.0
            if work.ring_size[soonest] > 0:
                slowed = work.slowed_h[stations.ring_ptr[soonest] + work.ring_first[soonest]]
            served.cause[d] = _cause(now, work.arrived_h[d], work.front[soonest], slowed, wait_h)
            served.outcome[d] = LOST
            if goes_on and stations.next_idx[s] >= 0:
                served.outcome[d] = UNDER_WAY
                work.arrived_h[d] = now + stations.next_h[s]
                work.num_visitors[stations.next_idx[s]] += 1
                _append(work, work.way_head, work.way_tail, s, d)


# It makes no array: without numba's counting of references, atomic at each access to an array in a
# tuple, it takes a tenth of the time and gives the same. All it calls is inlined: a call would hand
# over every array of the tuples one by one.
@njit(cache=True, nogil=True, _nrt=False)
def _serve_group(  # type: ignore[no-untyped-def]
    stations, drivers, served, work, patience_h, goes_on, wait_h, first, last
):
    for s in range(first, last):
        _fill(stations, drivers, work, s)
    busy = True
    while busy:
        busy = False
        for s in range(first, last):
            until_h = np.inf
            if goes_on:
                until_h = _known_until(stations, drivers, work, patience_h, s)
            _take_turn(stations, drivers, served, work, patience_h, goes_on, wait_h, s, until_h)
        for s in range(first, last):
            busy |= work.upcoming[s] < drivers.ptr[s + 1]
            busy |= work.num_waiting[s] > 0 or work.num_visitors[s] > 0


@njit(cache=True, nogil=True)
def serve(  # type: ignore[no-untyped-def]
    stations, group_ptr, drivers, patience_h, goes_on, wait_h
):
    """Serve given drivers, from full stations until all are served or gone.

    Parameters
    ----------
    stations : Stations
    group_ptr : int array, shape (num_groups + 1,)
        Stations ``group_ptr[g]`` to ``group_ptr[g + 1]`` send drivers to none but each other.
    drivers : Drivers
    patience_h : float
        Who waited so long at a station gives up [h].
    goes_on : bool
        Whether who gives up at the first station goes on to the next.
    wait_h : float
        Waits up to this are in time; only `Served.cause` asks for it [h].

    Returns
    -------
    Served
    """
    num_stations, num_packs = stations.packs.shape
    num_pairs, num_drivers = num_stations * num_packs, len(drivers.time_h)
    num_rings, num_steps = stations.ring_ptr[-1], stations.step_ptr[-1]
    served = Served(
        np.zeros(num_drivers),
        np.zeros(num_drivers, dtype=np.int8),
        np.zeros(num_drivers, dtype=np.bool_),
        np.zeros(num_drivers, dtype=np.int8),
    )
    work = _Work(
        np.empty(num_stations),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_stations, dtype=np.int64),
        np.empty(num_pairs),
        np.empty(num_pairs, dtype=np.int64),
        np.empty(num_pairs, dtype=np.int64),
        np.empty(num_pairs, dtype=np.int64),
        np.empty(num_pairs, dtype=np.int64),
        np.empty(num_rings),
        np.empty(num_rings),
        np.empty(num_steps),
        np.empty(num_steps),
        np.empty(num_steps, dtype=np.int64),
        np.empty(num_steps),
        np.empty(num_steps),
        np.empty(num_drivers),
        np.empty(num_drivers, dtype=np.int64),
    )
    for g in range(len(group_ptr) - 1):
        _serve_group(
            stations, drivers, served, work, patience_h, goes_on, wait_h, group_ptr[g],
            group_ptr[g + 1],
        )  # fmt: skip
    return served
