"""Zones to open stations and station sizes, once sites and packs are known.

Sets: zones i with design-hour load a_i; open stations s with types t of capacity K_st;
arcs (s, i) with drive time. Each zone is served by one station within reach, or by none:

    (1)  sum_s x_si <= 1                               for every zone i
    (2)  sum_i a_i x_si <= max_t K_st                  for every station s
    (3)  type of s = the smallest t with sum_i a_i x_si <= K_st

Pairs are taken in the order of drive time and kept while the station has room: the nearest
zones come first, and a full station passes the others on to the next within reach. This is a
greedy rule, not an optimization: what it leaves unserved is reported, and the siting bound
holds for its result, since a capacity only takes away.
"""

from dataclasses import dataclass

import numpy as np

from planner.problem import AllocationProblem, FloatArray, IndexArray

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Allocation:
    """A plan for an `AllocationProblem`.

    Attributes
    ----------
    station_idx : ndarray, shape (num_zones,)
        Station that serves the zone; -1 for none.
    drive_min : ndarray, shape (num_zones,)
        Minutes to it; NaN for none.
    type_idx : ndarray, shape (num_stations,)
        Type of each station.
    """

    station_idx: IndexArray
    drive_min: FloatArray
    type_idx: IndexArray


def allocate_zones(problem: AllocationProblem) -> Allocation:
    """Serve each zone from the nearest station that has room, then size the stations.

    Parameters
    ----------
    problem : AllocationProblem
        Types ascend in capacity; each station has at least one type that fits.

    Returns
    -------
    Allocation
        Ties in drive time go to the zone, then to the station, that comes first.
    """
    num_stations = len(problem.capacity)
    station_of_arc = np.repeat(np.arange(num_stations), np.diff(problem.reach_ptr))
    order = np.lexsort((station_of_arc, problem.reach_zone_idx, problem.drive_min))
    room = problem.capacity.max(axis=1, initial=0.0).tolist()
    station_idx = np.full(len(problem.load), -1, dtype=np.int32)
    drive_min = np.full(len(problem.load), np.nan)
    load = problem.load.tolist()
    for arc, zone, station in zip(
        order.tolist(),
        problem.reach_zone_idx[order].tolist(),
        station_of_arc[order].tolist(),
        strict=True,
    ):
        if station_idx[zone] < 0 and load[zone] <= room[station] + _ROUNDING:
            station_idx[zone] = station
            drive_min[zone] = problem.drive_min[arc]
            room[station] -= load[zone]
    served = station_idx >= 0
    station_load = np.bincount(station_idx[served], problem.load[served], minlength=num_stations)
    fits = (problem.capacity > 0) & (problem.capacity >= station_load[:, None] - _ROUNDING)
    return Allocation(station_idx, drive_min, fits.argmax(axis=1).astype(np.int32))
