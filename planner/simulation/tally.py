"""Days of many stations, counted: draws drivers, has them served, adds up what befell them.

Takes a chunk of stations as arrays, gives counts by station; compiled. A driver counts at the
station and in the hour of the first arrival, and only in the day that follows the warm-up.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.simulation.kernel import GRID, LANE, LOST, SERVED, Drivers, serve
from planner.simulation.streams import draw_drivers
from planner.units import HOURS_PER_DAY, MINUTES_PER_HOUR

WARM_UP_HOURS = 3
"""From full packs at the quietest hour to the first hour that is counted."""
FINE_MIN, COARSE_MIN, COARSE_FROM_MIN, LONGEST_MIN = 0.25, 5.0, 60.0, 1440.0
WAIT_EDGES_MIN = np.concatenate(
    (
        [0.0],
        np.arange(0.0, COARSE_FROM_MIN, FINE_MIN),
        np.arange(COARSE_FROM_MIN, LONGEST_MIN + 2 * COARSE_MIN, COARSE_MIN),
    )
)
"""Edges of the bins of waits: the first bin holds those who did not wait at all [min]."""
_NUM_FINE = int(COARSE_FROM_MIN / FINE_MIN)


class Count(IntEnum):
    """What is counted of drivers; ``WITHIN_...`` are served so soon at their first station."""

    DRIVERS = 0
    WITHIN_3_MIN = 1
    WITHIN_5_MIN = 2
    WITHIN_10_MIN = 3
    ON_TIME = 4
    BUSY = 5
    BUSY_ON_TIME = 6
    NO_PACK = 7
    GAVE_UP = 8
    WENT_ON = 9
    LOST = 10


class Tally(NamedTuple):
    """What is added up of a chunk's stations in some replications.

    Attributes
    ----------
    counts : int array, shape (num_replications, num_stations, len(Count))
    wait_h : float array, shape (num_replications, num_stations)
        Sum of waits at the first station.
    by_type : int array, shape (num_replications, num_packs, 2)
        Drivers, and those who found no pack, of all stations together.
    by_hour : int array, shape (num_stations, 24, 2)
        The same by hour of the day.
    late : int array, shape (num_stations, num_packs + 2)
        Drivers of the busy hours who were not on time: for want of each pack type, then for the
        lane, then for the grid.
    waits : int array, shape (num_stations, len(WAIT_EDGES_MIN) - 1)
        Drivers who were served at their first station, by their wait.
    """

    counts: IntArray
    wait_h: FloatArray
    by_type: IntArray
    by_hour: IntArray
    late: IntArray
    waits: IntArray


def empty_tally(num_replications: int, num_stations: int, num_packs: int) -> Tally:
    """Nothing counted yet."""
    return Tally(
        np.zeros((num_replications, num_stations, len(Count)), dtype=np.int64),
        np.zeros((num_replications, num_stations)),
        np.zeros((num_replications, num_packs, 2), dtype=np.int64),
        np.zeros((num_stations, HOURS_PER_DAY, 2), dtype=np.int64),
        np.zeros((num_stations, num_packs + 2), dtype=np.int64),
        np.zeros((num_stations, len(WAIT_EDGES_MIN) - 1), dtype=np.int64),
    )


class Demand(NamedTuple):
    """Who may come to the stations of a chunk.

    Attributes
    ----------
    keys : uint64 array, shape (num_stations,)
    swaps_per_hour : float array, shape (num_stations, num_packs, 24)
    varying : float array, shape (num_parts, num_stations, num_packs, 24)
        The parts of it that a day's factor makes more or fewer.
    busy : bool array, shape (num_stations, 24)
        Hours whose drivers the service level is held against.
    first_hour : int
        Hour of the day at which the warm-up begins.
    """

    keys: NDArray[np.uint64]
    swaps_per_hour: FloatArray
    varying: FloatArray
    busy: BoolArray
    first_hour: int


class Rules(NamedTuple):
    """How drivers behave, in the kernel's units."""

    patience_h: float
    goes_on: bool
    wait_h: float


# Without numba's counting of references, as `planner.simulation.kernel` explains.
@njit(cache=True, nogil=True, _nrt=False)
def _count(drivers, served, demand, wait_limit_h, row, tally):  # type: ignore[no-untyped-def]
    counts, num_packs = tally.counts[row], tally.by_type.shape[1]
    for s in range(len(drivers.ptr) - 1):
        wait_sum_h = 0.0
        for d in range(drivers.ptr[s], drivers.ptr[s + 1]):
            if drivers.time_h[d] < WARM_UP_HOURS:
                continue
            k, hour = drivers.pack_idx[d], int(drivers.time_h[d]) + demand.first_hour
            hour %= HOURS_PER_DAY
            wait_h, outcome = served.wait_h[d], served.outcome[d]
            wait_min = wait_h * MINUTES_PER_HOUR
            at_first = outcome == SERVED
            on_time = at_first and wait_h <= wait_limit_h
            wait_sum_h += wait_h
            counts[s, Count.DRIVERS] += 1
            tally.by_type[row, k, 0] += 1
            tally.by_hour[s, hour, 0] += 1
            if served.no_pack[d]:
                counts[s, Count.NO_PACK] += 1
                tally.by_type[row, k, 1] += 1
                tally.by_hour[s, hour, 1] += 1
            counts[s, Count.ON_TIME] += on_time
            if demand.busy[s, hour]:
                counts[s, Count.BUSY] += 1
                counts[s, Count.BUSY_ON_TIME] += on_time
                if not on_time:
                    cause = served.cause[d]
                    want = num_packs if cause == LANE else num_packs + 1 if cause == GRID else k
                    tally.late[s, want] += 1
            if at_first:
                counts[s, Count.WITHIN_3_MIN] += wait_min <= 3.0
                counts[s, Count.WITHIN_5_MIN] += wait_min <= 5.0
                counts[s, Count.WITHIN_10_MIN] += wait_min <= 10.0
                if wait_min == 0.0:
                    place = 0
                elif wait_min < COARSE_FROM_MIN:
                    place = 1 + int(wait_min / FINE_MIN)
                else:
                    place = 1 + _NUM_FINE + int((wait_min - COARSE_FROM_MIN) / COARSE_MIN)
                tally.waits[s, place] += 1
            else:
                counts[s, Count.GAVE_UP] += 1
                counts[s, Count.WENT_ON] += outcome != LOST
                counts[s, Count.LOST] += outcome >= LOST
        tally.wait_h[row, s] = wait_sum_h


@njit(cache=True, nogil=True, _nrt=False)
def _set_rates(demand, s, factor, rates):  # type: ignore[no-untyped-def]
    """A station's rates on a day: each part of them times its factor."""
    for k in range(rates.shape[0]):
        for hour in range(rates.shape[1]):
            rate = demand.swaps_per_hour[s, k, hour]
            for part in range(len(factor)):
                rate += (factor[part] - 1.0) * demand.varying[part, s, k, hour]
            rates[k, hour] = max(rate, 0.0)  # where all are of a part, rounding may go below


@njit(cache=True, nogil=True)
def simulate_chunk(  # type: ignore[no-untyped-def]
    stations, group_ptr, demand, rules, first_replication, day_factor, tally
):
    """Simulate one day in as many replications as the tally has rows.

    Parameters
    ----------
    stations : Stations
    group_ptr : int array, shape (num_groups + 1,)
        As of `planner.simulation.kernel.serve`.
    demand : Demand
    rules : Rules
    first_replication : int
        Number of the first, which tells its drivers.
    day_factor : float array, shape (num_replications, num_parts)
        Of the parts of the demand that vary from day to day.
    tally : Tally
        Added to.
    """
    num_stations = stations.packs.shape[0]
    time_h, pack_idx = np.empty(1024), np.empty(1024, dtype=np.int64)
    ptr = np.zeros(num_stations + 1, dtype=np.int64)
    rates = np.empty(demand.swaps_per_hour.shape[1:])
    for row in range(tally.counts.shape[0]):
        count = 0
        for s in range(num_stations):
            _set_rates(demand, s, day_factor[row], rates)
            begin, count = count, -1
            while count < 0:
                count = draw_drivers(
                    demand.keys[s], first_replication + row, rates, demand.first_hour,
                    WARM_UP_HOURS + HOURS_PER_DAY, time_h, pack_idx, begin,
                )  # fmt: skip
                if count < 0:
                    longer_h = np.empty(2 * len(time_h))
                    longer_idx = np.empty(2 * len(time_h), dtype=np.int64)
                    longer_h[:begin], longer_idx[:begin] = time_h[:begin], pack_idx[:begin]
                    time_h, pack_idx = longer_h, longer_idx
            ptr[s + 1] = count
        drivers = Drivers(ptr, time_h[:count], pack_idx[:count])
        served = serve(
            stations, group_ptr, drivers, rules.patience_h, rules.goes_on, rules.wait_h
        )  # fmt: skip
        _count(drivers, served, demand, rules.wait_h, row, tally)
