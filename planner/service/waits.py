"""Share of drivers served in time, by station, type of pack and hour, with no chance drawn.

Takes a day of stations, gives shares; `planner.service.turns` has the algebra of one type's packs
and of the lane. What is neglected stands with `on_time`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from planner.arrays import FloatArray, IntArray, freeze
from planner.service.day import StationDay
from planner.service.grid import grid_delay
from planner.service.poisson import NEGLIGIBLE, arrivals_until
from planner.service.turns import (
    lane_share,
    most_in_time,
    shares_by_wait,
    shares_in_time,
    wait_room,
)
from planner.units import HOURS_PER_DAY, MINUTES_PER_HOUR, SECONDS_PER_HOUR

IN_BUSY_HOUR = np.array([0.25, 0.75])
"""Moments of an hour at which drivers are looked at; each stands for as many of them."""
IN_ANY_HOUR = np.array([0.5])
"""The same where the whole day counts."""
GOOD_TO = 10 * NEGLIGIBLE
"""Shares are good to so much."""


@dataclass(frozen=True)
class OnTime:
    """Drivers served in time.

    Attributes
    ----------
    share : float array, shape (num_stations,)
        Of all drivers of the hours; 1 where none comes.
    by_pack : float array, shape (num_stations, num_packs)
        Of those for a pack of the type; 1 where none comes.
    """

    share: FloatArray
    by_pack: FloatArray

    def __post_init__(self) -> None:
        freeze(self)


def on_time(day: StationDay, hours: IntArray, wait_min: float) -> OnTime:
    """Share of the drivers of some hours who wait no longer than allowed.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.
    hours : int array, shape (num_stations, num_hours)
        Hours of the day that count at each station, as `busiest_hours` gives them.
    wait_min : float
        Longest wait from arrival to the start of the swap, >= 0 [min].

    Returns
    -------
    OnTime
    """
    table = served_by_packs(day, hours, wait_min, day.packs, day.packs)
    weight = drivers_by_pack(day, hours)
    served = table.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(weight.any(axis=1), served.sum(axis=1) / weight.sum(axis=1), 1.0)
        by_pack = np.where(weight > 0, served / weight, 1.0)
    return OnTime(share, by_pack)


def no_pack(day: StationDay) -> FloatArray:
    """Share of drivers for whom there is no full pack of the type on arrival.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.

    Returns
    -------
    float array, shape (num_stations, num_packs, 24)
        By hour; 1 for a type without packs, whether anybody comes or not.
    """
    return 1.0 - waits_of_day(day, np.zeros(1)).at_once


@dataclass(frozen=True)
class WaitsOfDay:
    """How long drivers of the whole day wait.

    Attributes
    ----------
    served : float array, shape (num_waits, num_stations, num_packs)
        Drivers who wait no longer than each of some waits.
    at_once : float array, shape (num_stations, num_packs, 24)
        Share of the drivers for whom there is a full pack after the first of the waits; by hour,
        whether anybody comes or not.
    """

    served: FloatArray
    at_once: FloatArray

    def __post_init__(self) -> None:
        freeze(self)


def waits_of_day(day: StationDay, minutes: FloatArray) -> WaitsOfDay:
    """Drivers of the whole day who wait no longer than each of some waits.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.
    minutes : float array, shape (num_waits,)
        Waits, >= 0 and rising [min].

    Returns
    -------
    WaitsOfDay
    """
    return WaitsOfDay(
        *_waits_kernel(
            *_plain(
                day.swaps_per_hour, _cumulative(day), *_turns(day), day.grid_kw, day.bays,
                day.lane_s / SECONDS_PER_HOUR, minutes / MINUTES_PER_HOUR, day.packs,
            )
        )
    )  # fmt: skip


def wait_shares(day: StationDay, served: FloatArray) -> FloatArray:
    """Distribution of the waits of all drivers of all stations over the whole day.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.
    served : float array, shape (num_waits, num_stations, num_packs)
        From `waits_of_day`.

    Returns
    -------
    float array, shape (num_waits,)
        Share of drivers who wait no longer; 1 where none comes.
    """
    drivers = day.swaps_per_hour.sum()
    if drivers == 0:
        return np.ones(len(served))
    shares: FloatArray = np.array([each.sum() for each in served]) / drivers
    return shares


def served_by_packs(
    day: StationDay,
    hours: IntArray | None,
    wait_min: float,
    least: IntArray,
    most: IntArray,
    within_frac: float = 0.0,
) -> FloatArray:
    """Drivers of some hours who are served in time, for every number of packs; see `on_time`.

    Parameters
    ----------
    day : StationDay
        Drivers and stations; its packs do not matter.
    hours : int array, shape (num_stations, num_hours), or None
        As for `on_time`; None for the whole day.
    wait_min : float
        As for `on_time`.
    least, most : int arrays, shape (num_stations, num_packs)
        Numbers of packs that are asked for, 0 <= least <= most.
    within_frac : float
        Share of all drivers to be served in time: where a number of packs of one type, with the
        lane, makes that impossible, 0 may be given, which is quicker.

    Returns
    -------
    float array, shape (num_stations, num_packs, max(most - least) + 1)
        Drivers served in time with ``least + i`` packs of the type; rises with i, and stays at its
        last value beyond ``most``.
    """
    of_hour = IN_ANY_HOUR if hours is None else IN_BUSY_HOUR
    if hours is None:
        hours = np.tile(np.arange(HOURS_PER_DAY), (len(day.station_id), 1))
    return _served(
        day.swaps_per_hour, _cumulative(day), *_turns(day), day.grid_kw, day.bays,
        day.lane_s / SECONDS_PER_HOUR, hours, of_hour, wait_min / MINUTES_PER_HOUR, least, most,
        int((most - least).max(initial=0)) + 1, within_frac,
    )  # fmt: skip


def drivers_by_pack(day: StationDay, hours: IntArray) -> FloatArray:
    """Drivers of some hours.

    Parameters
    ----------
    day : StationDay
        Drivers and stations.
    hours : int array, shape (num_stations, num_hours)
        As for `on_time`.

    Returns
    -------
    float array, shape (num_stations, num_packs)
    """
    return np.asarray(np.take_along_axis(day.swaps_per_hour, hours[:, None, :], axis=2).sum(axis=2))


def _cumulative(day: StationDay) -> FloatArray:
    """Drivers from the day's start to each full hour, shape (num_stations, num_packs, 25)."""
    until = np.zeros((*day.packs.shape, HOURS_PER_DAY + 1))
    np.cumsum(day.swaps_per_hour, axis=2, out=until[:, :, 1:])
    return until


def _turns(day: StationDay) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turn [h], its time at power [h] and its energy [kWh], alone at the grid; by station, pack."""
    grid_kw = day.grid_kw[:, None]
    power_h = day.heat_h * np.maximum(day.heat_kw / grid_kw, 1.0) + day.charge_h * np.maximum(
        day.charge_kw / grid_kw, 1.0
    )
    return day.handling_h[:, None] + power_h, power_h, day.grid_kwh


def _served(*args: Any) -> FloatArray:
    served: FloatArray = _served_kernel(*_plain(*args))
    return served


def _plain(*args: Any) -> list[Any]:
    """Plain copies of arrays, so that a kernel is compiled for one kind of them only."""
    return [np.array(each) if isinstance(each, np.ndarray) else each for each in args]


@njit(cache=True, nogil=True)
def _served_kernel(
    rates: FloatArray, cumulative: FloatArray, turn_h: FloatArray, power_h: FloatArray,
    energy_kwh: FloatArray, grid_kw: FloatArray, bays: IntArray, lane_h: FloatArray,
    hours: IntArray, of_hour: FloatArray, wait_h: float, least: IntArray, most: IntArray,
    width: int, within_frac: float,
) -> FloatArray:  # fmt: skip
    """`served_by_packs` on arrays; a lane of no time is no lane."""
    num_stations, num_packs, _ = rates.shape
    num_hours, num_parts = hours.shape[1], len(of_hour)
    served = np.zeros((num_stations, num_packs, width))
    moments, delays = np.empty((2, num_hours * num_parts))
    weights = np.empty((num_packs, num_hours * num_parts))
    for station in range(num_stations):
        drivers = 0.0
        num_moments = 0
        for hour in hours[station]:
            rate = rates[station, :, hour].sum()
            drivers += rate
            if rate == 0:
                continue
            free = 1.0
            if lane_h[station] > 0:
                free = lane_share(rate, lane_h[station], wait_h)
            if free == 0:
                continue
            for part in of_hour:
                moments[num_moments] = hour + part
                delays[num_moments] = _delay(
                    cumulative[station], hour + part, turn_h[station], power_h[station],
                    energy_kwh[station], grid_kw[station], bays[station],
                )  # fmt: skip
                weights[:, num_moments] = rates[station, :, hour] * free / num_parts
                num_moments += 1
        # So many drivers may be late for packs: not those that the lane makes late.
        spare = weights[:, :num_moments].sum() - within_frac * drivers + GOOD_TO * drivers
        for pack in range(num_packs):
            low, high = least[station, pack], most[station, pack]
            first = low
            if within_frac > 0:
                first = _least_hopeful(
                    cumulative[station, pack], moments[:num_moments], weights[pack],
                    turn_h[station, pack] + delays, wait_h, low, high, spare,
                )  # fmt: skip
            if first > high:
                continue
            for moment in range(num_moments):
                weight = weights[pack, moment]
                if weight == 0:
                    continue
                hopeless = 1.0 - spare / weight if within_frac > 0 else 0.0
                shares = shares_in_time(
                    cumulative[station, pack], moments[moment],
                    turn_h[station, pack] + delays[moment], wait_h, first, high, hopeless,
                )  # fmt: skip
                for i in range(first - low, width):
                    served[station, pack, i] += weight * shares[min(i, high - low) - (first - low)]
    return served


@njit(cache=True, nogil=True)
def _least_hopeful(
    cumulative: FloatArray, moments: FloatArray, weights: FloatArray, turn_h: FloatArray,
    wait_h: float, low: int, high: int, spare: float,
) -> int:  # fmt: skip
    """First number of packs that might make no more drivers late than may be; high + 1 if none."""
    below, above = low - 1, high + 1
    while above - below > 1:
        packs = (below + above) // 2
        late = 0.0
        for moment in range(len(moments)):
            if weights[moment] > 0 and late <= spare:
                share = most_in_time(cumulative, moments[moment], turn_h[moment], wait_h, packs)
                late += weights[moment] * (1.0 - share)
        if late > spare:
            below = packs
        else:
            above = packs
    return above


@njit(cache=True, nogil=True)
def _waits_kernel(
    rates: FloatArray, cumulative: FloatArray, turn_h: FloatArray, power_h: FloatArray,
    energy_kwh: FloatArray, grid_kw: FloatArray, bays: IntArray, lane_h: FloatArray,
    waits_h: FloatArray, packs: IntArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """`waits_of_day` on arrays, at the moments of `IN_ANY_HOUR`; a lane of no time is no lane."""
    num_stations, num_packs, num_hours = rates.shape
    num_waits = len(waits_h)
    served = np.zeros((num_waits, num_stations, num_packs))
    at_once = np.empty(rates.shape)
    shares = np.empty(num_waits)
    free = np.ones(num_waits)
    drawn, num_drawn = np.empty((0, 0)), np.empty(0, dtype=np.int64)
    waiting, present = np.empty((2, 0))
    for station in range(num_stations):
        for hour in range(num_hours):
            rate = rates[station, :, hour].sum()
            moment_h = hour + 0.5
            delay_h = _delay(
                cumulative[station], moment_h, turn_h[station], power_h[station],
                energy_kwh[station], grid_kw[station], bays[station],
            )  # fmt: skip
            if lane_h[station] > 0:
                free[0] = lane_share(rate, lane_h[station], waits_h[0])
                for i in range(1, num_waits):
                    free[i] = 1.0
                    if free[i - 1] < 1.0:
                        free[i] = lane_share(rate, lane_h[station], waits_h[i])
            else:
                free[:] = 1.0
            for pack in range(num_packs):
                come = rates[station, pack, hour]
                turn = turn_h[station, pack] + delay_h
                turns, numbers, states = wait_room(
                    rates[station, pack].max(), turn, waits_h[-1], packs[station, pack]
                )
                if turns > drawn.shape[0] or numbers > drawn.shape[1]:
                    drawn = np.empty((max(turns, drawn.shape[0]), max(numbers, drawn.shape[1])))
                    num_drawn = np.empty(len(drawn), dtype=np.int64)
                if states > len(waiting):
                    waiting, present = np.empty((2, states))
                shares_by_wait(
                    cumulative[station, pack], moment_h, turn,
                    waits_h if come > 0 else waits_h[:1], packs[station, pack], shares, drawn,
                    num_drawn, waiting, present,
                )  # fmt: skip
                at_once[station, pack, hour] = shares[0]
                if come > 0:
                    for i in range(num_waits):
                        served[i, station, pack] += come * free[i] * shares[i]
    return served, at_once


@njit(cache=True, nogil=True)
def _delay(
    cumulative: FloatArray, moment_h: float, turn_h: FloatArray, power_h: FloatArray,
    energy_kwh: FloatArray, grid_kw: float, bays: int,
) -> float:  # fmt: skip
    """Mean wait for power of the packs that turn at a moment, handed in half a turn before."""
    turning = at_power = energy = turns = 0.0
    for pack in range(len(turn_h)):
        drivers = arrivals_until(cumulative[pack], moment_h) - arrivals_until(
            cumulative[pack], moment_h - turn_h[pack]
        )
        per_hour = max(drivers, 0.0) / turn_h[pack]
        turning += per_hour
        turns += per_hour * turn_h[pack]
        at_power += per_hour * power_h[pack]
        energy += per_hour * energy_kwh[pack]
    if energy <= 0:
        return 0.0
    places = grid_kw * at_power / energy
    if places >= bays:
        return 0.0
    middle_h = moment_h - turns / turning / 2
    together = np.zeros(cumulative.shape[1])
    for pack in range(len(turn_h)):
        for hour in range(len(together)):
            together[hour] += cumulative[pack, hour]
    return float(grid_delay(together, middle_h, at_power / turning, places, bays))
