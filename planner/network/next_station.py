"""From each station to the nearest other one of its city: where a driver goes on to."""

import heapq
from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.arrays import IntArray
from planner.geodesy import great_circle_km
from planner.instance import Instance
from planner.network.graph import FloatArray, IndexArray, RoadGraph
from planner.network.join import Access


class NextStation(NamedTuple):
    """The nearest other station of each.

    Attributes
    ----------
    idx : int array, shape (num_stations,)
        Its position among the stations, -1 if there is none.
    minutes : float array, shape (num_stations,)
        Drive to it, inf if there is none [min].
    """

    idx: IntArray
    minutes: FloatArray


def nearest_other_station(graph: RoadGraph, stations: Access, group_idx: IntArray) -> NextStation:
    """Nearest other station of the same group by road, in the direction of the drive.

    Parameters
    ----------
    graph : RoadGraph
        Drive times by direction.
    stations : Access
        Where the open stations join it.
    group_idx : int array, shape (num_stations,)
        Stations of other groups do not count, for example those of other cities.

    Returns
    -------
    NextStation
        Access times at both ends included; of stations equally near the first. A station that
        joins no road, and one from which no road leads to another of its group, has none.

    Notes
    -----
    Dijkstra's algorithm from each station along the roads, ended when what is settled next is
    farther than the best station found: the searches end after a few thousand points each.
    """
    num_points = len(graph.lon)
    onward = csr_array(
        (graph.neighbour_min, graph.neighbour_idx, graph.neighbour_ptr), (num_points, num_points)
    ).T.tocsr()  # neighbours of a point are those that it is driven to from
    joined = np.flatnonzero(stations.point_idx >= 0)
    joined = joined[np.argsort(stations.point_idx[joined], kind="stable")]
    ptr = np.searchsorted(stations.point_idx[joined], np.arange(num_points + 1))
    _, group = np.unique(group_idx, return_inverse=True)
    has_other = np.bincount(group[joined], minlength=len(group) + 1)[group] > 1
    idx, minutes = _next_kernel(
        onward.indptr.astype(np.int64), onward.indices.astype(np.int32), onward.data,
        ptr.astype(np.int64), joined.astype(np.int64), stations.point_idx,
        stations.access_min, group.astype(np.int64), has_other,
    )  # fmt: skip
    return NextStation(idx, minutes)


@njit(cache=True)  # thousands of searches, each of thousands of points
def _next_kernel(
    onward_ptr: NDArray[np.int64],
    onward_idx: IndexArray,
    onward_min: FloatArray,
    station_ptr: NDArray[np.int64],
    station_at: NDArray[np.int64],
    point_idx: IndexArray,
    access_min: FloatArray,
    group: NDArray[np.int64],
    has_other: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], FloatArray]:
    num_stations = len(point_idx)
    next_idx = np.full(num_stations, -1, np.int64)
    next_min = np.full(num_stations, np.inf)
    reached_min = np.full(len(onward_ptr) - 1, np.inf)
    touched = np.empty(len(onward_ptr) - 1, np.int64)
    for station in range(num_stations):
        if point_idx[station] < 0 or not has_other[station]:
            continue
        start = np.int64(point_idx[station])
        best, best_min = np.int64(-1), np.inf
        reached_min[start] = access_min[station]
        touched[0] = start
        num_touched = 1
        heap = [(access_min[station], start)]
        while len(heap) > 0:
            now, point = heapq.heappop(heap)
            if now > best_min:
                break
            if now > reached_min[point]:
                continue
            for entry in range(station_ptr[point], station_ptr[point + 1]):
                other = station_at[entry]
                total = now + access_min[other]
                if other == station or group[other] != group[station]:
                    continue
                if total < best_min or (total == best_min and other < best):
                    best, best_min = other, total
            for arc in range(onward_ptr[point], onward_ptr[point + 1]):
                ahead = np.int64(onward_idx[arc])
                later = now + onward_min[arc]
                if later < reached_min[ahead] and later <= best_min:
                    if reached_min[ahead] == np.inf:
                        touched[num_touched] = ahead
                        num_touched += 1
                    reached_min[ahead] = later
                    heapq.heappush(heap, (later, ahead))
        next_idx[station], next_min[station] = best, best_min
        for entry in range(num_touched):
            reached_min[touched[entry]] = np.inf
    return next_idx, next_min


def stated_next_station(
    instance: Instance, site_ids: "pd.Series[str]", group_idx: IntArray
) -> NextStation:
    """`nearest_other_station` where drive times are stated, by straight lines.

    The table ``travel_times`` knows drives between zones and sites only. A drive from station to
    station is taken as the great circle at the mean minutes per kilometre of the stated drives.

    Parameters
    ----------
    instance : Instance
        With that table.
    site_ids : Series of str
        The open stations.
    group_idx : int array, shape (num_stations,)
        As of `nearest_other_station`.

    Returns
    -------
    NextStation
    """
    site_idx = pd.Index(instance.sites["site_id"]).get_indexer(pd.Index(site_ids))
    places = instance.sites[["lon", "lat"]].to_numpy(float)[site_idx]
    number = len(places)
    next_idx, next_km = np.full(number, -1, np.int64), np.full(number, np.inf)
    for group in np.unique(group_idx):
        among = np.flatnonzero(group_idx == group)
        if len(among) < 2:
            continue
        lon, lat = places[among].T
        away_km = great_circle_km(lon[:, None], lat[:, None], lon[None], lat[None])
        np.fill_diagonal(away_km, np.inf)
        next_idx[among], next_km[among] = among[away_km.argmin(axis=1)], away_km.min(axis=1)
    return NextStation(next_idx, next_km * stated_min_per_km(instance))


def stated_min_per_km(instance: Instance) -> float:
    """Mean minutes of the stated drives per kilometre of great circle; 0 if they have no length."""
    zones = instance.zones.set_index("zone_id")[["lon", "lat"]]
    sites = instance.sites.set_index("site_id")[["lon", "lat"]]
    table = instance.travel_times
    start, end = (
        places.loc[table[key]].to_numpy(float)
        for places, key in ((zones, "zone_id"), (sites, "site_id"))
    )
    km = great_circle_km(start[:, 0], start[:, 1], end[:, 0], end[:, 1]).sum()
    return float(table["minutes"].sum() / km) if km > 0 else 0.0
