"""The event loop: drivers come to stations, are served, give up, go on; compiled, without chance.

Takes stations, rules and given drivers as arrays; gives what befell each driver. Draws nothing.

A pack's power is first come, first served, so that the time at which it will be full is known when
it is handed in: the charging of packs needs no events, only a ring of times per type, which rise
because a pack handed in earlier, with the same needs and no less power, is never overtaken by one
of its type. A queue per type is first in, first out, for starting and, patience being one figure,
for giving up. Each station has one next event; a heap holds the stations of a group by its time.
Drivers under way from one station arrive in the order in which they left.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray, Lists

SERVED, SERVED_NEXT, LOST, LOST_NEXT, UNDER_WAY = 0, 1, 2, 3, 4
"""Outcomes: served at the first station or the next, lost at either; the last is none at the
end."""
LANE, PACK, GRID = 0, 1, 2
"""What most of a wait was for: the lane; a full pack; a pack that the grid's limit slowed."""
_NONE = -1
_ARRIVAL, _NEXT_ARRIVAL, _GIVE_UP, _START = 0, 1, 2, 3
_TINY_H, _TINY_FRAC = 1e-12, 1e-9
"""Rounding: charging that would end so shortly after a step of the free power ends with it; so
small a share of a pack's power is none."""


class Stations(NamedTuple):
    """What the stations have; positions are those of these arrays.

    Attributes
    ----------
    packs : int array, shape (num_stations, num_packs)
    ring_ptr : int array, shape (num_stations * num_packs + 1,)
        Room for the packs of station s and type k at ``s * num_packs + k``.
    step_ptr : int array, shape (num_stations + 1,)
        Room for the steps of each station's free power; none where the grid can never bind.
    fits : Lists
        Types that a driver of each type may take, his own first.
    lane_h, grid_kw, handling_h : float arrays, shape (num_stations,)
    heat_h, heat_kw, charge_h, charge_kw : float arrays, shape (num_stations, num_packs)
    next_idx : int array, shape (num_stations,)
        Where drivers go on to, -1: nowhere.
    next_h : float array, shape (num_stations,)
    """

    packs: IntArray
    ring_ptr: IntArray
    step_ptr: IntArray
    fits: Lists
    lane_h: FloatArray
    grid_kw: FloatArray
    handling_h: FloatArray
    heat_h: FloatArray
    heat_kw: FloatArray
    charge_h: FloatArray
    charge_kw: FloatArray
    next_idx: IntArray
    next_h: FloatArray


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
    way_head: IntArray
    way_tail: IntArray
    key: FloatArray
    event: IntArray
    pick: IntArray
    heap: IntArray
    place: IntArray
    num_steps: IntArray
    front: FloatArray
    ring_first: IntArray
    ring_size: IntArray
    queue_head: IntArray
    queue_tail: IntArray
    full_h: FloatArray
    slowed_h: FloatArray
    step_h: FloatArray
    step_kw: FloatArray
    arrived_h: FloatArray
    link: IntArray


@njit(cache=True, nogil=True, inline="always")
def _insert_step(work, base, steps, at, time_h, kw):  # type: ignore[no-untyped-def]
    for i in range(base + steps, base + at, -1):
        work.step_h[i] = work.step_h[i - 1]
        work.step_kw[i] = work.step_kw[i - 1]
    work.step_h[base + at] = time_h
    work.step_kw[base + at] = kw
    return steps + 1


@njit(cache=True, nogil=True, inline="always")
def _draw_power(work, base, steps, begin_h, hours, kw):  # type: ignore[no-untyped-def]
    """Take kw for hours, or what is free for longer; returns the end and the number of steps."""
    if hours == 0.0 or kw == 0.0:
        return begin_h + hours, steps
    i = 0
    while i + 1 < steps and work.step_h[base + i + 1] <= begin_h:
        i += 1
    if work.step_h[base + i] < begin_h:
        i += 1
        steps = _insert_step(work, base, steps, i, begin_h, work.step_kw[base + i - 1])
    now, left = begin_h, hours
    while True:
        free = work.step_kw[base + i]
        given = min(kw, free)
        until = work.step_h[base + i + 1] if i + 1 < steps else np.inf
        rest = free - given
        if rest < _TINY_FRAC * kw:
            rest = 0.0
        if given > 0.0:
            end = now + left * (kw / given)
            if end <= until + _TINY_H:
                if end < until - _TINY_H:
                    steps = _insert_step(work, base, steps, i + 1, end, free)
                work.step_kw[base + i] = rest
                return min(end, until), steps
            left -= (until - now) * (given / kw)
            work.step_kw[base + i] = rest
        now = until
        i += 1


@njit(cache=True, nogil=True, inline="always")
def _hand_in(stations, work, s, k, now):  # type: ignore[no-untyped-def]
    """Put an empty pack into its bay."""
    pair = s * stations.packs.shape[1] + k
    base = stations.step_ptr[s]
    begin = now + stations.handling_h[s]
    least = begin + stations.heat_h[s, k] + stations.charge_h[s, k]
    if stations.step_ptr[s + 1] == base:
        full = least
    else:
        steps = work.num_steps[s]
        past = 0
        while past + 1 < steps and work.step_h[base + past + 1] <= now:
            past += 1
        if past > 0:
            steps -= past
            for i in range(base, base + steps):
                work.step_h[i] = work.step_h[i + past]
                work.step_kw[i] = work.step_kw[i + past]
        warm, steps = _draw_power(
            work, base, steps, begin, stations.heat_h[s, k], stations.heat_kw[s, k]
        )
        full, steps = _draw_power(
            work, base, steps, warm, stations.charge_h[s, k], stations.charge_kw[s, k]
        )
        work.num_steps[s] = steps
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
    return GRID if slowed > _TINY_H and full - slowed <= arrived + wait_h else PACK


@njit(cache=True, nogil=True, inline="always")
def _set_next_event(stations, drivers, work, patience_h, s):  # type: ignore[no-untyped-def]
    """What happens next at a station if nobody comes from elsewhere; at ties starts come first."""
    time, event, pick = np.inf, _ARRIVAL, _NONE
    if work.upcoming[s] < drivers.ptr[s + 1]:
        time = drivers.time_h[work.upcoming[s]]
    if work.way_head[s] != _NONE and work.arrived_h[work.way_head[s]] <= time:
        time, event = work.arrived_h[work.way_head[s]], _NEXT_ARRIVAL
    num_packs = stations.packs.shape[1]
    since = np.inf
    for k in range(num_packs):
        d = work.queue_head[s * num_packs + k]
        if d == _NONE:
            continue
        arrived = work.arrived_h[d]
        start = max(work.front[_first_full(stations, work, s, k)], work.lane_free[s], arrived)
        gives_up = arrived + patience_h
        if start <= gives_up:
            if start < time or (start == time and (event != _START or arrived < since)):
                time, event, pick, since = start, _START, k, arrived
        elif gives_up < time or (gives_up == time and event < _GIVE_UP):
            time, event, pick = gives_up, _GIVE_UP, k
    work.key[s], work.event[s], work.pick[s] = time, event, pick


@njit(cache=True, nogil=True, inline="always")
def _sift(work, first, size, place):  # type: ignore[no-untyped-def]
    """Restore the heap of a group, whose part begins at ``first``, after one key has changed."""
    s = work.heap[first + place]
    key = work.key[s]
    while place > 0:
        parent = (place - 1) // 2
        other = work.heap[first + parent]
        if work.key[other] <= key:
            break
        work.heap[first + place] = other
        work.place[other] = place
        place = parent
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size:
            left, right = work.heap[first + child], work.heap[first + child + 1]
            if work.key[right] < work.key[left]:
                child += 1
        other = work.heap[first + child]
        if work.key[other] >= key:
            break
        work.heap[first + place] = other
        work.place[other] = place
        place = child
    work.heap[first + place] = s
    work.place[s] = place


@njit(cache=True, nogil=True, inline="always")
def _append(work, head, tail, at, d):  # type: ignore[no-untyped-def]
    work.link[d] = _NONE
    if head[at] == _NONE:
        head[at] = d
    else:
        work.link[tail[at]] = d
    tail[at] = d


@njit(cache=True, nogil=True)
def _fill(stations, drivers, work, first, last):  # type: ignore[no-untyped-def]
    """All packs full, nobody there."""
    num_packs = stations.packs.shape[1]
    for s in range(first, last):
        work.lane_free[s] = -np.inf
        work.upcoming[s] = drivers.ptr[s]
        work.way_head[s] = _NONE
        base = stations.step_ptr[s]
        if stations.step_ptr[s + 1] > base:
            work.step_h[base] = -np.inf
            work.step_kw[base] = stations.grid_kw[s]
            work.num_steps[s] = 1
        for k in range(num_packs):
            pair = s * num_packs + k
            work.queue_head[pair] = _NONE
            work.ring_first[pair] = 0
            work.ring_size[pair] = stations.packs[s, k]
            for i in range(stations.packs[s, k]):
                work.full_h[stations.ring_ptr[pair] + i] = -np.inf
                work.slowed_h[stations.ring_ptr[pair] + i] = 0.0
            work.front[pair] = -np.inf if stations.packs[s, k] > 0 else np.inf


# It makes no array: without numba's counting of references, atomic at each access to an array in a
# tuple, it takes a tenth of the time and gives the same.
@njit(cache=True, nogil=True, _nrt=False)
def _serve_group(  # type: ignore[no-untyped-def]
    stations, drivers, served, work, patience_h, goes_on, wait_h, first, last
):
    num_packs, size = stations.packs.shape[1], last - first
    _fill(stations, drivers, work, first, last)
    for s in range(first, last):
        _set_next_event(stations, drivers, work, patience_h, s)
        work.heap[s], work.place[s] = s, s - first
        _sift(work, first, s - first + 1, s - first)
    while True:
        s = work.heap[first]
        now, event, k = work.key[s], work.event[s], work.pick[s]
        if now == np.inf:
            return
        pair = s * num_packs + k
        if event == _ARRIVAL:
            d = work.upcoming[s]
            work.upcoming[s] += 1
            k = drivers.pack_idx[d]
            pair = s * num_packs + k
            work.arrived_h[d] = now
            served.no_pack[d] = work.front[_first_full(stations, work, s, k)] > now
            free = work.front[pair] <= now and work.lane_free[s] <= now
            if free and work.queue_head[pair] == _NONE:
                event = _START  # at once: who else waits has no pack yet
            else:
                _append(work, work.queue_head, work.queue_tail, pair, d)
        elif event == _NEXT_ARRIVAL:
            d = work.way_head[s]
            work.way_head[s] = work.link[d]
            to = stations.next_idx[s]
            pair = to * num_packs + drivers.pack_idx[d]
            _append(work, work.queue_head, work.queue_tail, pair, d)
            _set_next_event(stations, drivers, work, patience_h, to)
            _sift(work, first, size, work.place[to])
        else:
            d = work.queue_head[pair]
            work.queue_head[pair] = work.link[d]
        if event == _START:
            full, slowed = _take(stations, work, _chosen(stations, work, s, k, now))
            _hand_in(stations, work, s, k, now)
            work.lane_free[s] = now + stations.lane_h[s]
            if served.outcome[d] == UNDER_WAY:
                served.outcome[d] = SERVED_NEXT
            else:
                served.wait_h[d] = now - work.arrived_h[d]
                served.cause[d] = _cause(now, work.arrived_h[d], full, slowed, wait_h)
        elif event == _GIVE_UP and served.outcome[d] == UNDER_WAY:
            served.outcome[d] = LOST_NEXT
        elif event == _GIVE_UP:
            served.wait_h[d] = patience_h
            soonest = _first_full(stations, work, s, k)
            ring, slowed = stations.ring_ptr[soonest] + work.ring_first[soonest], 0.0
            if work.ring_size[soonest] > 0:
                slowed = work.slowed_h[ring]
            full = work.front[soonest]
            served.cause[d] = _cause(now, work.arrived_h[d], full, slowed, wait_h)
            served.outcome[d] = LOST
            if goes_on and stations.next_idx[s] >= 0:
                served.outcome[d] = UNDER_WAY
                work.arrived_h[d] = now + stations.next_h[s]
                _append(work, work.way_head, work.way_tail, s, d)
        _set_next_event(stations, drivers, work, patience_h, s)
        _sift(work, first, size, work.place[s])


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
        np.empty(num_stations),
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
        np.empty(num_drivers),
        np.empty(num_drivers, dtype=np.int64),
    )
    for g in range(len(group_ptr) - 1):
        _serve_group(
            stations, drivers, served, work, patience_h, goes_on, wait_h, group_ptr[g],
            group_ptr[g + 1],
        )  # fmt: skip
    return served
