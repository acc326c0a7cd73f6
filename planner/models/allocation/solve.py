"""Zones to open stations, and the size of each station, once sites and packs are known.

Sets: zones i with value w_i and design-hour load a_i; open stations s with capacity K_s: that of
the given type, or of the largest that fits the site where none is given; arcs (s, i) with drive
time d_si. u_si = load of zone i that station s takes; a zone may be split.

    first   max  sum_si (w_i / a_i) u_si
    then    min  sum_si d_si u_si                      among those
    (1)  sum_s u_si <= a_i                             every zone i
    (2)  sum_i u_si <= K_s                             every station s
    (3)  type of s = the smallest t with sum_i u_si <= K_st, where none is given

The first is exact (polymatroid greedy, see :mod:`planner.models.sized_coverage.service`) and is
what siting counts as served, so that its value and this one agree. The second starts with every
zone at its nearest station and is exact for the loads that the first found (successive shortest
paths, see :mod:`planner.solving.transport`): where no station overflows, everyone stays at the
nearest. Where several choices of served zones are worth the same, the nearer zones of equal reach
come first, but the choice is not optimized for drive time. Zones without load go to their nearest
station; zones worth nothing are served last. Not modelled: how drivers choose.
"""

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.allocation.problem import AllocationProblem
from planner.models.coverage.problem import CoverageProblem
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import rows_of_plan
from planner.models.sized_coverage.service import best_service
from planner.solving.rules import SiteRules
from planner.solving.transport import Transport, rebalance

_ROUNDING = 1e-9
"""Shares below this, and loads above a capacity by this fraction of it, are rounding."""


@dataclass(frozen=True)
class Allocation:
    """A plan for an `AllocationProblem`: one entry per served part of a zone.

    Attributes
    ----------
    zone_idx, station_idx : int arrays, shape (num_parts,)
        Ascending by zone, then by station.
    share_frac : float array, shape (num_parts,)
        Share of the zone that the station serves, in (0, 1]; at most 1 over each zone.
    drive_min : float array, shape (num_parts,)
        Minutes to the station [min].
    type_idx : int array, shape (num_stations,)
        Type of each station.
    """

    zone_idx: IntArray
    station_idx: IndexArray
    share_frac: FloatArray
    drive_min: FloatArray
    type_idx: IndexArray


def allocate_zones(problem: AllocationProblem) -> Allocation:
    """Serve as much value as the stations can, from stations as near as can be, and size them.

    Parameters
    ----------
    problem : AllocationProblem
        Each station has at least one type that fits.

    Returns
    -------
    Allocation
        The same for the same problem; ties in drive time go to the station that comes first, those
        in capacity to the type that comes first.
    """
    net = _transport(problem)
    capacity = _capacity(problem)
    served_load = _served_load(problem, net, capacity)
    flow, share = _nearest(problem, net, served_load)
    flow = rebalance(net, capacity, flow).flow
    loaded = problem.load[net.arc_zone] > 0
    share[loaded] = flow[loaded] / problem.load[net.arc_zone[loaded]]
    kept = share > _ROUNDING
    load = np.bincount(net.zones.idx[kept], flow[kept], minlength=len(capacity))
    type_idx = problem.type_idx
    if type_idx is None:
        type_idx = _smallest_types(problem.capacity, np.asarray(load, dtype=np.float64))
    return Allocation(
        zone_idx=net.arc_zone[kept].astype(np.int64),
        station_idx=net.zones.idx[kept].astype(np.int32),
        share_frac=np.minimum(share[kept], 1.0),
        drive_min=net.cost[kept],
        type_idx=np.asarray(type_idx, dtype=np.int32),
    )


def _smallest_types(capacity: FloatArray, load: FloatArray) -> IndexArray:
    """Type of least capacity that carries each station's load; the largest, if rounding tips it."""
    fits = capacity > 0
    carries = fits & (capacity * (1 + _ROUNDING) >= load[:, None])
    smallest = np.where(carries, capacity, np.inf).argmin(axis=1)
    largest = np.where(fits, capacity, -1.0).argmax(axis=1)
    chosen = np.where(carries.any(axis=1), smallest, largest)
    return np.asarray(chosen, dtype=np.int32)


def _transport(problem: AllocationProblem) -> Transport:
    """Arcs by zone, stations ascending within."""
    reach = problem.reach
    order = np.argsort(reach.idx, kind="stable")
    arc_zone, arc_station = reach.idx[order], reach.owner[order].astype(np.int32)
    arcs = np.argsort(arc_station, kind="stable").astype(np.int32)
    return Transport(
        zones=Lists.by_owner(arc_zone.astype(np.int64), arc_station, len(problem.load)),
        cost=problem.drive_min[order].astype(np.float64),
        stations=Lists(reach.ptr.astype(np.int64), arcs),
        arc_zone=arc_zone,
    )


def _capacity(problem: AllocationProblem) -> FloatArray:
    if problem.type_idx is None:
        return np.asarray(problem.capacity.max(axis=1, initial=0.0))
    return np.asarray(problem.capacity[np.arange(len(problem.capacity)), problem.type_idx])


def _served_load(problem: AllocationProblem, net: Transport, capacity: FloatArray) -> FloatArray:
    """Load of each zone that is served when the value served is greatest, shape (num_zones,).

    Zones alike in reach and value per load stand for each other: of those the nearer are served
    first, so that at most one of them is served in part.
    """
    value = problem.value if problem.value is not None else problem.load
    loaded = problem.load > 0
    worth = loaded & (value > 0)
    if worth.any():
        # Worth less than anything else, so that they are served last.
        least = 1e-6 * float((value[worth] / problem.load[worth]).min())
        value = np.where(loaded & ~worth, least * problem.load, value)
    rows = rows_of_plan(_as_sized(problem, value, capacity), *_all_open(capacity))
    service = best_service(rows, rows.capacity)
    served = np.where(loaded, problem.load, 0.0)
    served[rows.row_of_zone < 0] = 0.0
    partly = np.flatnonzero((service.served_frac < 1.0) & (rows.load > 0))
    if len(partly) == 0:
        return served
    nearest = np.full(len(problem.load), np.inf)
    np.minimum.at(nearest, net.arc_zone, net.cost)
    zones = np.flatnonzero(np.isin(rows.row_of_zone, partly))
    zones = zones[np.lexsort((nearest[zones], rows.row_of_zone[zones]))]
    row = rows.row_of_zone[zones]
    load_to = np.cumsum(problem.load[zones])
    first = np.flatnonzero(np.diff(row, prepend=-1))
    before = np.repeat(
        load_to[first] - problem.load[zones[first]], np.diff(np.append(first, len(row)))
    )
    left = service.served_frac[row] * rows.load[row] - (load_to - before - problem.load[zones])
    served[zones] = np.clip(left, 0.0, problem.load[zones])
    return served


def _all_open(capacity: FloatArray) -> tuple[IntArray, IntArray]:
    return np.arange(len(capacity)), np.zeros(len(capacity), dtype=np.int64)


def _as_sized(
    problem: AllocationProblem, value: FloatArray, capacity: FloatArray
) -> SizedCoverageProblem:
    """The open stations as a covering problem of one type each."""
    num_stations = len(capacity)
    everywhere: BoolArray = np.ones(num_stations, dtype=np.bool_)
    rules = replace(
        SiteRules.free(num_stations), forced=everywhere, cost=np.zeros((num_stations, 1))
    )
    reach = problem.reach
    return SizedCoverageProblem(
        CoverageProblem(value, reach, rules), load=problem.load, capacity=capacity[:, None]
    )


def _nearest(
    problem: AllocationProblem, net: Transport, served_load: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Flow with every zone at its nearest station, and shares of the zones without load."""
    order = np.lexsort((net.zones.idx, net.cost, net.arc_zone))
    first = order[np.diff(net.arc_zone[order], prepend=-1) != 0]
    flow, share = np.zeros(len(net.cost)), np.zeros(len(net.cost))
    flow[first] = served_load[net.arc_zone[first]]
    share[first[problem.load[net.arc_zone[first]] <= 0]] = 1.0
    return flow, share
