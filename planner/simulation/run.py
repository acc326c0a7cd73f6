"""A day of stations simulated, with other drivers each time, until its figures are sure enough.

Takes a `StationDay` and a `Behaviour`, gives sums and moments over replications; draws by
`streams`, serves by `kernel`, counts by `tally`. Shares, intervals and verdicts: `statistics`.

Results are the same bytes for any number of workers: a station's drivers depend on seed, station
and replication alone, a worker has its chunk of stations for itself, and sums over stations are of
whole numbers or exactly rounded.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planner.arrays import FloatArray, IntArray, Lists, freeze
from planner.service.day import StationDay, busiest_hours
from planner.simulation.behaviour import Behaviour
from planner.simulation.day_spread import DaySpread, day_factors
from planner.simulation.intervals import ratio, shares
from planner.simulation.kernel import Stations
from planner.simulation.power import STEPS_OF_PACK
from planner.simulation.streams import keys_of
from planner.simulation.tally import (
    Count,
    Demand,
    Rules,
    Tally,
    empty_tally,
    simulate_chunk,
)
from planner.solving.compiling import work_s
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.units import HOURS_PER_DAY, MINUTES_PER_HOUR, SECONDS_PER_HOUR

FIRST_REPLICATIONS, LEAST_REPLICATIONS, MOST_AT_ONCE = 5, 10, 50
"""Days of the first batch, days before they can be enough, days of a batch at most."""
SURE_STATIONS = 0.95
"""Share of the stations whose own interval has to be narrow enough."""
CHUNK_STATIONS = 32
"""Stations that one task simulates, or a group more."""
SHARES = ((Count.WITHIN_5_MIN, Count.DRIVERS), (Count.BUSY_ON_TIME, Count.BUSY))
"""Shares of which every station has an interval: numerator and denominator."""


@dataclass(frozen=True)
class Simulated:
    """What many simulated days add up to.

    Attributes
    ----------
    day : StationDay
    behaviour : Behaviour
    replications : int
        Days simulated.
    counts : int array, shape (num_stations, len(Count))
        Drivers by `Count`, of all days together.
    squares : int array, shape (num_stations, len(SHARES), 3)
        Sums over days of x^2, x n and n^2, with x and n numerator and denominator of `SHARES`.
    wait_h : float array, shape (num_stations,)
        Sum of the waits at the first station; who gave up waited his patience [h].
    by_hour : int array, shape (num_stations, 24, 2)
        Drivers, and those who found no full pack, by hour of the day.
    late : int array, shape (num_stations, num_packs + 2)
        Drivers of the busy hours not on time: for want of each pack type, lane, grid.
    waits : int array, shape (num_stations, num_bins)
        Drivers served at the first station by wait, in the bins of `WAIT_EDGES_MIN`.
    network : int array, shape (replications, len(Count))
        Drivers by `Count`, of all stations together.
    network_wait_h : float array, shape (replications,)
    by_type : int array, shape (replications, num_packs, 2)
        Drivers, and those who found no full pack, of all stations together.
    day_factor : float array, shape (replications, num_parts)
        By how much more or fewer came of each part of the drivers that spreads from day to day.
    """

    day: StationDay
    behaviour: Behaviour
    replications: int
    counts: IntArray
    squares: IntArray
    wait_h: FloatArray
    by_hour: IntArray
    late: IntArray
    waits: IntArray
    network: IntArray
    network_wait_h: FloatArray
    by_type: IntArray
    day_factor: FloatArray

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def days_differ(self) -> bool:
        """Whether days are good or bad as a whole, not by each station's chance alone."""
        return bool(self.day_factor.shape[1])

    def extremes(self, most: float = 1.0) -> tuple[float, float] | None:
        """What `ratio` is to reckon with on a day not seen, of a figure from 0 to ``most``."""
        return (0.0, most) if self.days_differ else None


class _Chunk(NamedTuple):
    rows: IntArray
    stations: Stations
    group_ptr: IntArray
    demand: Demand


def stations_without_packs(day: StationDay) -> tuple[tuple[str, str], ...]:
    """Stations and pack types for which drivers come though the station owns none of the type.

    Parameters
    ----------
    day : StationDay

    Returns
    -------
    tuple of (station_id, pack_id)
        Their drivers all give up, unless they may take another type.
    """
    lacking = (day.swaps_per_hour.sum(axis=2) > 0.0) & (day.packs == 0)
    return tuple((str(day.station_id[s]), str(day.pack_id[k])) for s, k in np.argwhere(lacking))


def kernel_stations(day: StationDay, any_of_envelope: bool, rows: IntArray) -> Stations:
    """Stations of a day as the kernel takes them.

    Parameters
    ----------
    day : StationDay
    any_of_envelope : bool
        As of `Behaviour`; packs then move between types of an envelope.
    rows : int array
        Stations to be taken, in this order; next stations that are not among them are dropped.

    Returns
    -------
    Stations
    """
    num_packs = len(day.pack_id)
    kind = np.asarray(day.envelope_idx) if any_of_envelope else np.arange(num_packs)
    same = kind[:, None] == kind[None, :]
    types = range(num_packs)
    fits = Lists.of([k, *[j for j in types if same[k, j] and j != k]] for k in types)
    packs = day.packs[rows].astype(np.int64)
    room = packs @ same
    pack_kw = np.maximum(np.where(day.heat_h[rows] > 0.0, day.heat_kw[rows], 0.0),
                         day.charge_kw[rows])  # fmt: skip
    most_kw = np.zeros(len(rows))
    for label in np.unique(kind):
        of_kind = kind == label
        most_kw += packs[:, of_kind].sum(axis=1) * pack_kw[:, of_kind].max(axis=1, initial=0.0)
    steps = np.where(most_kw > day.grid_kw[rows], 2 * (STEPS_OF_PACK * packs.sum(axis=1) + 4), 0)
    place = np.full(len(day.station_id) + 1, -1)
    place[rows] = np.arange(len(rows))
    next_idx = place[day.next_idx[rows]]
    linked = np.flatnonzero(next_idx >= 0)
    linked = linked[np.argsort(next_idx[linked], kind="stable")]
    sources = Lists.by_owner(next_idx[linked], linked.astype(np.int32), len(rows))
    return Stations(
        packs=packs,
        ring_ptr=np.concatenate(([0], np.cumsum(room.ravel()))).astype(np.int64),
        step_ptr=np.concatenate(([0], np.cumsum(steps))).astype(np.int64),
        fits=fits,
        lane_h=day.lane_s[rows] / SECONDS_PER_HOUR,
        grid_kw=day.grid_kw[rows],
        at_once=_at_once(day.grid_kw[rows], pack_kw),
        handling_h=day.handling_h[rows],
        heat_h=day.heat_h[rows],
        heat_kw=day.heat_kw[rows],
        charge_h=day.charge_h[rows],
        charge_kw=day.charge_kw[rows],
        next_idx=next_idx,
        next_h=day.next_min[rows] / MINUTES_PER_HOUR,
        sources=sources,
    )


def _at_once(grid_kw: FloatArray, pack_kw: FloatArray) -> IntArray:
    """How many packs of the type that draws most the grid bears, less a doubt of rounding."""
    most_kw = pack_kw.max(axis=1, initial=0.0)
    num = np.divide(grid_kw, most_kw, out=np.full(len(grid_kw), np.inf), where=most_kw > 0.0)
    return np.asarray(np.minimum(num * (1.0 - 1e-9), 2**31), dtype=np.int64)


def _first_hour(day: StationDay) -> int:
    """The quietest hour of all stations together, whatever their order."""
    totals = [math.fsum(day.swaps_per_hour[:, :, h].ravel()) for h in range(HOURS_PER_DAY)]
    return int(np.argmin(totals))


def _groups(day: StationDay, goes_on: bool) -> IntArray:
    """Number of the group of each station: those linked by drivers who go on."""
    num = len(day.station_id)
    linked = np.flatnonzero(day.next_idx >= 0) if goes_on else np.zeros(0, dtype=np.int64)
    ends = (linked, day.next_idx[linked])
    links = coo_array((np.ones(len(linked)), ends), shape=(num, num))
    return np.asarray(connected_components(links, directed=False)[1])


def _chunks(
    day: StationDay, spread: DaySpread, behaviour: Behaviour, seed: int
) -> Iterator[_Chunk]:
    group = _groups(day, behaviour.goes_on)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    keys = keys_of(day.station_id, seed)
    busy = np.zeros((len(group), HOURS_PER_DAY), dtype=np.bool_)
    np.put_along_axis(busy, busiest_hours(day.swaps_per_hour, behaviour.busy_hours), True, axis=1)
    first_hour = _first_hour(day)
    bounds = np.append(starts, len(order))
    begin = 0
    for end in range(1, len(bounds)):
        if bounds[end] - bounds[begin] < CHUNK_STATIONS and end + 1 < len(bounds):
            continue
        rows = order[bounds[begin] : bounds[end]]
        demand = Demand(
            keys[rows], day.swaps_per_hour[rows], spread.swaps_per_hour[:, rows], busy[rows],
            first_hour,
        )  # fmt: skip
        stations = kernel_stations(day, behaviour.any_of_envelope, rows)
        yield _Chunk(rows, stations, bounds[begin : end + 1] - bounds[begin], demand)
        begin = end


def simulate(
    day: StationDay,
    behaviour: Behaviour,
    *,
    seed: int,
    spread: DaySpread | None = None,
    workers: int = 1,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> Simulated:
    """Simulate a day of stations, each replication with other drivers.

    All packs are full at the quietest hour; after a warm-up of 3 h a day of drivers is counted.
    After 5, 10, 20, 40 ... days, and at last at ``behaviour.replications``, it is asked whether the
    95 % interval of the network's share of drivers on time is narrow enough, and that of most
    stations' busy hours; 10 days are the
    least unless fewer are allowed.

    Parameters
    ----------
    day : StationDay
    behaviour : Behaviour
    seed : int
    spread : DaySpread, optional
        Of the day's drivers, those of whom more come on some days than on others.
    workers : int
        Threads, >= 1; results do not depend on it.
    on_progress : callable, optional
        Told after each batch of days.
    stop : StopRequest, optional
        Asked after each batch; what was simulated so far is then the result.

    Returns
    -------
    Simulated
    """
    started = work_s()
    num, num_packs = len(day.station_id), len(day.pack_id)
    spread = DaySpread.none(day) if spread is None else spread
    chunks = list(_chunks(day, spread, behaviour, seed)) if num else []
    rules = Rules(behaviour.patience_min / MINUTES_PER_HOUR, behaviour.goes_on,
                  behaviour.wait_min / MINUTES_PER_HOUR)  # fmt: skip
    total = empty_tally(1, num, num_packs)
    squares = np.zeros((num, len(SHARES), 3), dtype=np.int64)
    network, waits_h, by_type, factors = [], [], [], []
    done, target = 0, min(FIRST_REPLICATIONS, behaviour.replications)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while True:
            batch = min(target - done, MOST_AT_ONCE)
            factors.append(day_factors(spread, seed, done, batch))
            days = _simulate_batch(chunks, rules, done, factors[-1], total, squares, pool)
            network.append(days.counts)
            waits_h.append([math.fsum(row) for row in days.wait_h])
            by_type.append(days.by_type)
            done += batch
            counts = np.concatenate(network)
            share = ratio(
                counts[:, Count.ON_TIME], counts[:, Count.DRIVERS],
                (0.0, 1.0) if len(spread.segment) else None,
            )  # fmt: skip
            half = (share.high - share.low) / 2
            if on_progress is not None:
                message = (f"{done} of at most {behaviour.replications} days: {share.value:.2%} "
                           f"(+-{half:.2%}) of the drivers on time")  # fmt: skip
                on_progress(Progress("simulation", None, None, work_s() - started, message))
            if done >= behaviour.replications or (stop is not None and stop.is_set()):
                break
            if (
                done >= LEAST_REPLICATIONS
                and not half > behaviour.precision_frac
                and _stations_are_sure(
                    total,
                    squares,
                    done,
                    bool(len(spread.segment)),
                    behaviour.station_precision_frac,
                )
            ):
                break
            if done == target:
                target = min(2 * target, behaviour.replications)
    return Simulated(
        day, behaviour, done, total.counts[0], squares, total.wait_h[0], total.by_hour,
        total.late, total.waits, counts, np.concatenate(waits_h), np.concatenate(by_type),
        np.concatenate(factors),
    )  # fmt: skip


def _stations_are_sure(
    total: Tally, squares: IntArray, done: int, days_differ: bool, precision_frac: float
) -> bool:
    """Whether the busy hours' interval of most stations is narrow enough."""
    busy = 1
    above, below = SHARES[busy]
    counts = total.counts[0]
    found = shares(counts[:, above], counts[:, below], squares[:, busy], done,
                   days_differ=days_differ)  # fmt: skip
    half = ((found.high - found.low) / 2)[counts[:, below] > 0]
    return not len(half) or float(np.quantile(half, SURE_STATIONS)) <= precision_frac


class _Days(NamedTuple):
    """Days of a batch: drivers of all stations by `Count`, waits of each, drivers by type."""

    counts: IntArray
    wait_h: FloatArray
    by_type: IntArray


def _simulate_batch(
    chunks: list[_Chunk], rules: Rules, first: int, day_factor: FloatArray, total: Tally,
    squares: IntArray, pool: ThreadPoolExecutor,
) -> _Days:  # fmt: skip
    """Simulate some days, added to the sums by station: each chunk to rows of its own."""
    batch, num, num_packs = len(day_factor), total.counts.shape[1], total.by_type.shape[1]
    wait_h = np.empty((batch, num))

    def one(chunk: _Chunk) -> tuple[IntArray, IntArray]:
        tally = empty_tally(batch, len(chunk.rows), num_packs)
        simulate_chunk(
            chunk.stations, chunk.group_ptr, chunk.demand, rules, first, day_factor, tally
        )
        wait_h[:, chunk.rows] = tally.wait_h
        _add(total, squares, chunk.rows, tally)
        return tally.counts.sum(axis=1), tally.by_type

    days = _Days(
        np.zeros((batch, len(Count)), dtype=np.int64),
        wait_h,
        np.zeros((batch, num_packs, 2), dtype=np.int64),
    )
    for counts, by_type in pool.map(one, chunks):
        days.counts[...] += counts
        days.by_type[...] += by_type
    return days


def _add(total: Tally, squares: IntArray, rows: IntArray, tally: Tally) -> None:
    """Add days of some stations to the sums over replications, the waits one by one in order."""
    total.counts[0, rows] += tally.counts.sum(axis=0)
    wait_h = total.wait_h[0, rows]
    for row in tally.wait_h:
        wait_h += row
    total.wait_h[0, rows] = wait_h
    total.by_hour[rows] += tally.by_hour
    total.late[rows] += tally.late
    total.waits[rows] += tally.waits
    for i, (above, below) in enumerate(SHARES):
        x, n = tally.counts[:, :, above], tally.counts[:, :, below]
        for j, product in enumerate((x * x, x * n, n * n)):
            squares[rows, i, j] += product.sum(axis=0)
