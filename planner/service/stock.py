"""Whole packs: the fewest that keep the service level, and further ones where they pay.

Takes a day of stations (its packs do not matter), gives packs by station and type. How many drivers
are in time with so many packs is `planner.service.waits`'s.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from planner.arrays import BoolArray, FloatArray, IntArray, freeze
from planner.service.day import StationDay, take_stations
from planner.service.waits import drivers_by_pack, served_by_packs

ALIKE = 1e-4
"""Share of drivers that is not worth a pack where the level is out of reach anyway."""
LOWER_FRACS = (1.0, 0.9, 0.6, 0.0)
"""Of the share asked for: what stations out of whose reach it is are asked for in turn."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Stock:
    """Whole packs of stations, and what they reach.

    Attributes
    ----------
    packs : int array, shape (num_stations, num_packs)
        Packs by type.
    share : float array, shape (num_stations,)
        Share of the drivers of the busy hours on time; 1 where none comes.
    enough : bool array, shape (num_stations,)
        Whether that is the share asked for.
    """

    packs: IntArray
    share: FloatArray
    enough: BoolArray

    def __post_init__(self) -> None:
        freeze(self)


def fewest_packs(
    day: StationDay,
    most: IntArray,
    hours: IntArray,
    wait_min: float,
    within_frac: float,
) -> Stock:
    """Fewest packs with which a share of the drivers of the busy hours is on time.

    Every type for which drivers come at any hour gets one at least, if ``most`` allows one each.
    The sum over types of drivers on time is a sum of functions of one number each, S-shaped, not
    concave (Dreyfuss and Giat 2017: a first pack that is far too few helps nobody within the wait).
    So to add packs where they gain most (Fox 1966) may stop short of the optimum; a dynamic
    programme over types finds the best share for every sum of packs, and the least sum with the
    share asked for. Of equal sums the higher share is taken, of equal shares more of the earlier
    type.

    Parameters
    ----------
    day : StationDay
        Drivers and stations. The delay by the grid is that of ``day.bays``, whatever packs there
        are: more packs then never make it longer.
    most : int array, shape (num_stations,)
        Packs of all types at most, >= 0.
    hours, wait_min
        As for `on_time`.
    within_frac : float
        Share asked for, of (0, 1).

    Returns
    -------
    Stock
        Where ``most`` packs do not reach the share: the fewest with the best share, up to `ALIKE`.

    References
    ----------
    B. Fox (1966). Discrete optimization via marginal analysis. Management Science 13:210-216,
    https://doi.org/10.1287/mnsc.13.3.210.
    M. Dreyfuss and Y. Giat (2017). Optimal spares allocation to an exchangeable-item repair system
    with tolerable wait. European Journal of Operational Research 261:584-594,
    https://doi.org/10.1016/j.ejor.2017.02.029.
    """
    none, upto, drivers, needed = _asked(day, most, hours)
    packs, share = np.zeros_like(none), np.ones(len(most))
    left = np.arange(len(most))
    # Where a share is out of reach, what it takes to reach lower ones; each is quicker than all.
    for lower in LOWER_FRACS:
        least = within_frac * lower
        served = served_by_packs(
            take_stations(day, left), hours[left], wait_min, none[left], upto[left], least
        )
        packs[left], share[left] = _fewest(
            served, drivers[left], needed[left], most[left], within_frac
        )
        # Packs with a share of the best, up to `ALIKE`, are then all told right.
        enough = within_frac if lower == 1 else least + ALIKE
        left = left[share[left] < enough]
        if not len(left):
            break
    return Stock(packs, share, share >= within_frac)


def best_share(
    day: StationDay, most: IntArray, hours: IntArray, wait_min: float, least_frac: float = 0.0
) -> FloatArray:
    """Best share of the drivers of the busy hours on time that any packs give.

    Parameters
    ----------
    day, most, hours, wait_min
        As for `fewest_packs`.
    least_frac : float
        Lower shares may be told as lower than they are, which is quicker.

    Returns
    -------
    float array, shape (num_stations,)
        1 where none comes.
    """
    none, upto, drivers, needed = _asked(day, most, hours)
    served = served_by_packs(day, hours, wait_min, none, upto, least_frac)
    return np.asarray(_best(served, drivers, needed, most))


def _asked(
    day: StationDay, most: IntArray, hours: IntArray
) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """Fewest and most packs by type to look at, drivers of the hours, packs that types must get."""
    none = np.zeros(day.packs.shape, dtype=np.int64)
    upto = np.broadcast_to(most[:, None], none.shape)
    needed = (day.swaps_per_hour.sum(axis=2) > 0).astype(np.int64)
    needed[needed.sum(axis=1) > most] = 0
    return none, upto, drivers_by_pack(day, hours).sum(axis=1), needed


def further_packs(
    day: StationDay, stock: Stock, most: IntArray, wait_min: float, worth: float, cost: FloatArray
) -> IntArray:
    """Packs with further ones where they bring more than they cost.

    One by one, where the drivers of the whole day who come on time by it are worth most above the
    pack's cost, while that is above 0.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.
    stock : Stock
        What there is.
    most : int array, shape (num_stations,)
        Packs of all types at most.
    wait_min : float
        As for `on_time`.
    worth : float
        Of one driver more on time, >= 0 [CNY].
    cost : float array, shape (num_packs,)
        Of a pack for the day, > 0 [CNY].

    Returns
    -------
    int array, shape (num_stations, num_packs)
    """
    room = np.maximum(most - stock.packs.sum(axis=1), 0)
    served = served_by_packs(day, None, wait_min, stock.packs, stock.packs + room[:, None])
    return np.asarray(stock.packs + _worth_more(served * worth, cost, room))


@njit(cache=True, nogil=True)
def _allot(
    share: FloatArray, needed: IntArray, most: int, best: FloatArray, taken: IntArray
) -> None:
    """Best share of types k and later with n packs in all, or -1 if too few; and k's own packs."""
    num_packs = len(share)
    best[num_packs] = 0.0
    for pack in range(num_packs - 1, -1, -1):
        for total in range(most + 1):
            best[pack, total] = -1.0
            for own in range(total, needed[pack] - 1, -1):
                rest = best[pack + 1, total - own]
                value = share[pack, own] + rest
                if rest >= 0 and value > best[pack, total] + _ROUNDING:
                    best[pack, total] = value
                    taken[pack, total] = own


@njit(cache=True, nogil=True)
def _best(served: FloatArray, drivers: FloatArray, needed: IntArray, most: IntArray) -> FloatArray:
    """`best_share` from drivers served by type and number of packs."""
    num_stations, num_packs, width = served.shape
    reached = np.ones(num_stations)
    best = np.empty((num_packs + 1, width))
    taken = np.zeros((num_packs, width), dtype=np.int64)
    for station in range(num_stations):
        if drivers[station] > 0:
            share = served[station] / drivers[station]
            _allot(share, needed[station], most[station], best, taken)
            reached[station] = best[0, most[station]]
    return reached


@njit(cache=True, nogil=True)
def _fewest(
    served: FloatArray, drivers: FloatArray, needed: IntArray, most: IntArray, within_frac: float
) -> tuple[IntArray, FloatArray]:
    """Dynamic programme of `fewest_packs`: packs and share of each station."""
    num_stations, num_packs, width = served.shape
    packs = np.zeros((num_stations, num_packs), dtype=np.int64)
    reached = np.ones(num_stations)
    best = np.empty((num_packs + 1, width))
    taken = np.zeros((num_packs, width), dtype=np.int64)
    for station in range(num_stations):
        if drivers[station] == 0:
            packs[station] = needed[station]
            continue
        share = served[station] / drivers[station]
        _allot(share, needed[station], most[station], best, taken)
        enough = min(within_frac, best[0, most[station]] - ALIKE)
        if best[0, most[station]] >= within_frac:
            enough = within_frac
        left = 0
        while best[0, left] < enough:
            left += 1
        reached[station] = best[0, left]
        for pack in range(num_packs):
            packs[station, pack] = taken[pack, left]
            left -= taken[pack, left]
    return packs, reached


@njit(cache=True, nogil=True)
def _worth_more(worth: FloatArray, cost: FloatArray, room: IntArray) -> IntArray:
    """Further packs, from what they are worth in sum and cost each."""
    num_stations, num_packs, _ = worth.shape
    further = np.zeros((num_stations, num_packs), dtype=np.int64)
    for station in range(num_stations):
        for _ in range(room[station]):
            best, chosen = 0.0, -1
            for pack in range(num_packs):
                own = further[station, pack]
                gain = worth[station, pack, own + 1] - worth[station, pack, own] - cost[pack]
                if gain > best:
                    best, chosen = gain, pack
            if chosen < 0:
                break
            further[station, chosen] += 1
    return further
