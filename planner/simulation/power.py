"""Packs that charge at a station whose grid cannot feed all at once; compiled, for the kernel.

Takes the kernel's stations and the state it keeps of them; gives when a pack will be full. A pack
draws what is free, first come, first served: free power is kept as steps of time from which packs
take their part when they are handed in. Most often it need not be known: where all that charge at
a time could draw their most, each is full after its own time. So what a pack draws is entered into
the steps not before another asks for them.
"""

import numpy as np
from numba import njit

STEPS_OF_PACK = 3
"""A pack adds so many steps at most: it begins to draw, is warm, is full."""
TINY_H, _TINY_FRAC = 1e-12, 1e-9
"""Rounding: charging that would end so shortly after a step of the free power ends with it; so
small a share of a pack's power is none."""


@njit(cache=True, nogil=True, inline="always")
def _split_step(work, base, first, end, at, time_h):  # type: ignore[no-untyped-def]
    """Let a second part of a step begin at a time; returns the first step, the end, and that part.

    The steps before it give way, or those behind, whichever are fewer.
    """
    kw = work.step_kw[at]
    if first > base and at + 1 - first < end - at:
        first -= 1
        for i in range(first, at):
            work.step_h[i] = work.step_h[i + 1]
            work.step_kw[i] = work.step_kw[i + 1]
    else:
        at += 1
        for i in range(end, at, -1):
            work.step_h[i] = work.step_h[i - 1]
            work.step_kw[i] = work.step_kw[i - 1]
        end += 1
    work.step_h[at] = time_h
    work.step_kw[at] = kw
    return first, end, at


@njit(cache=True, nogil=True, inline="always")
def _draw_power(work, base, first, end, at, begin_h, hours, kw):  # type: ignore[no-untyped-def]
    """Take kw for hours, or what is free for longer, from a step on that begins no later.

    Returns when it ends, the first step, the end of the steps, and a step that begins no later.
    """
    if hours == 0.0 or kw == 0.0:
        return begin_h + hours, first, end, at
    i = at
    while i + 1 < end and work.step_h[i + 1] <= begin_h:
        i += 1
    if work.step_h[i] < begin_h:
        first, end, i = _split_step(work, base, first, end, i, begin_h)
    now, left = begin_h, hours
    while True:
        free = work.step_kw[i]
        until = work.step_h[i + 1] if i + 1 < end else np.inf
        rest = free - min(kw, free)
        if rest < _TINY_FRAC * kw:
            rest = 0.0
        if free > 0.0:
            # Without a division where all is free: most often, and the same.
            done = now + left if free >= kw else now + left * (kw / free)
            if done <= until + TINY_H:
                if done < until - TINY_H:
                    first, end, i = _split_step(work, base, first, end, i, done)
                    work.step_kw[i - 1] = rest
                else:
                    work.step_kw[i] = rest
                return min(done, until), first, end, i
            left -= until - now if free >= kw else (until - now) * (free / kw)
            work.step_kw[i] = rest
        now = until
        i += 1


@njit(cache=True, nogil=True, inline="always")
def _pack_kw(stations, s, k):  # type: ignore[no-untyped-def]
    """The most that a pack draws."""
    charge_kw = stations.charge_kw[s, k]
    return max(charge_kw, stations.heat_kw[s, k]) if stations.heat_h[s, k] > 0.0 else charge_kw


@njit(cache=True, nogil=True, inline="always")
def _draw_packs(stations, work, s, now):  # type: ignore[no-untyped-def]
    """Enter into the free power what packs draw that are not entered yet; full when the last is.

    Of those but the last is known that they draw their most, also before the first step left.
    """
    base, room = stations.step_ptr[s], stations.step_ptr[s + 1]
    first, end, full = work.first_step[s], work.end_step[s], now
    while first + 1 < end and work.step_h[first + 1] <= now:
        first += 1
    for i in range(max(work.first_charging[s], work.end_entered[s]), work.end_charging[s]):
        if end + STEPS_OF_PACK > room:
            for j in range(end - first):
                work.step_h[base + j] = work.step_h[first + j]
                work.step_kw[base + j] = work.step_kw[first + j]
            first, end = base, base + end - first
        k = work.charging_idx[i]
        warm, first, end, at = _draw_power(
            work, base, first, end, first, work.begun_h[i], stations.heat_h[s, k],
            stations.heat_kw[s, k],
        )  # fmt: skip
        full, first, end, at = _draw_power(
            work, base, first, end, at, warm, stations.charge_h[s, k], stations.charge_kw[s, k]
        )
    work.end_entered[s] = work.end_charging[s]
    work.first_step[s], work.end_step[s] = first, end
    return full


@njit(cache=True, nogil=True, inline="always")
def _forget_full(stations, work, s, begin):  # type: ignore[no-untyped-def]
    """Drop packs that are full by then; returns the most that all others draw together."""
    base, kept, entered, kw = stations.step_ptr[s], 0, 0, 0.0
    for i in range(work.first_charging[s], work.end_charging[s]):
        if work.charged_h[i] > begin:
            k = work.charging_idx[i]
            work.begun_h[base + kept] = work.begun_h[i]
            work.charged_h[base + kept] = work.charged_h[i]
            work.charging_idx[base + kept] = k
            kept += 1
            entered += i < work.end_entered[s]
            kw += _pack_kw(stations, s, k)
    work.first_charging[s], work.end_charging[s] = base, base + kept
    work.end_entered[s] = base + entered
    return kw


@njit(cache=True, nogil=True, inline="always")
def charged(stations, work, s, k, now, begin, least):  # type: ignore[no-untyped-def]
    """When a pack is full that begins to draw then, at a grid that may bind.

    Where all that charge could draw their most beside it, nothing has to be known of the free
    power; what they draw is entered when it is asked for.
    """
    first, end = work.first_charging[s], work.end_charging[s]
    while first < end and work.charged_h[first] <= begin:
        first += 1
    work.first_charging[s] = first
    binds = False
    if end - first >= stations.at_once[s] or end == stations.step_ptr[s + 1]:
        kw = _forget_full(stations, work, s, begin) + _pack_kw(stations, s, k)
        binds = kw > stations.grid_kw[s] * (1.0 - _TINY_FRAC)
        end = work.end_charging[s]
    work.begun_h[end] = begin
    work.charging_idx[end] = k
    work.end_charging[s] = end + 1
    full = _draw_packs(stations, work, s, now) if binds else least
    work.charged_h[end] = full
    return full
