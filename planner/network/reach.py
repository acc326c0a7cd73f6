"""Which demand zones each site reaches within the drive-time standard, and how fast."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from planner.limits import widened
from planner.network.graph import FloatArray, IndexArray, RoadGraph
from planner.network.join import Access


@dataclass(frozen=True)
class Reach:
    """Sparse drive times from sites to zones.

    Attributes
    ----------
    ptr : ndarray, shape (num_sites + 1,)
        Site j's zones stand in ``ptr[j]:ptr[j + 1]``.
    zone_idx : ndarray, shape (num_arcs,)
        Ascending within a site.
    drive_min : ndarray, shape (num_arcs,)
        Minutes from zone to site, access at both ends included.
    """

    ptr: NDArray[np.int64]
    zone_idx: IndexArray
    drive_min: FloatArray


def drive_time_reach(
    graph: RoadGraph, sites: Access, zones: Access, drive_time_min: float
) -> Reach:
    """Zones within a drive time of each site, by shortest paths cut off at that time.

    Parameters
    ----------
    graph : RoadGraph
        Drive times by direction.
    sites, zones : Access
        Where sites and zones join the graph.
    drive_time_min : float
        Standard [min].

    Returns
    -------
    Reach
        Only pairs within the standard: a dense matrix is never made.

    Notes
    -----
    The customer drives to the station: what counts is the time from zone to site. Dijkstra's
    algorithm from each site's road point against the direction of travel, stopped at the standard
    less the site's access time. Only junctions wait for their turn: the points that cut a road are
    walked along, from either end as far as that is the faster way. Sums along a way are the same,
    so that the least of them is. All points that were met hand their times to the zones that join
    there.
    """
    joined = np.flatnonzero(zones.point_idx >= 0)
    joined = joined[np.argsort(zones.point_idx[joined], kind="stable")]
    zone_ptr = np.searchsorted(zones.point_idx[joined], np.arange(len(graph.lon) + 1))
    ptr, zone_idx, drive_min = _reach_kernel(
        graph.neighbour_ptr,
        graph.neighbour_idx,
        graph.neighbour_min,
        graph.edge_idx >= 0,
        zone_ptr,
        joined.astype(np.int32),
        zones.access_min[joined],
        sites.point_idx,
        sites.access_min,
        widened(drive_time_min),
    )
    drive_min = np.minimum(drive_min, drive_time_min)  # what passes it by rounding
    arcs = csr_array((drive_min, zone_idx, ptr), shape=(len(ptr) - 1, len(zones.point_idx)))
    arcs.sort_indices()
    return Reach(ptr, arcs.indices.astype(np.int32), arcs.data)


@njit(cache=True)  # a Python loop over 80,000 searches takes minutes, this takes seconds
def _reach_kernel(
    neighbour_ptr: NDArray[np.int64],
    neighbour_idx: IndexArray,
    neighbour_min: FloatArray,
    is_cut: NDArray[np.bool_],
    zone_ptr: NDArray[np.int64],
    zone_of: IndexArray,
    zone_access_min: FloatArray,
    site_point: IndexArray,
    site_access_min: FloatArray,
    limit_min: float,
) -> tuple[NDArray[np.int64], IndexArray, FloatArray]:
    num_sites = len(site_point)
    reached_min = np.full(len(neighbour_ptr) - 1, np.inf)
    heap_key = np.empty(1024)
    heap_point = np.empty(1024, np.int32)
    touched = np.empty(1024, np.int32)
    ptr = np.zeros(num_sites + 1, np.int64)
    zone_idx = np.empty(1024, np.int32)
    drive_min = np.empty(1024)
    num_arcs = 0
    for site in range(num_sites):
        if site_point[site] < 0 or site_access_min[site] > limit_min:
            ptr[site + 1] = num_arcs
            continue
        num_touched = 1
        touched[0] = site_point[site]
        reached_min[site_point[site]] = site_access_min[site]
        heap_size = 1
        heap_key[0] = site_access_min[site]
        heap_point[0] = site_point[site]
        while heap_size > 0:
            now = heap_key[0]
            point = heap_point[0]
            heap_size -= 1
            # Sift the last entry down from the root.
            key, moved = heap_key[heap_size], heap_point[heap_size]
            hole = 0
            while True:
                child = 2 * hole + 1
                if child >= heap_size:
                    break
                if child + 1 < heap_size and heap_key[child + 1] < heap_key[child]:
                    child += 1
                if heap_key[child] >= key:
                    break
                heap_key[hole], heap_point[hole] = heap_key[child], heap_point[child]
                hole = child
            heap_key[hole], heap_point[hole] = key, moved
            if now > reached_min[point]:
                continue
            for first_arc in range(neighbour_ptr[point], neighbour_ptr[point + 1]):
                before, later, arc = point, now, first_arc
                while arc >= 0:  # along the road to its other end
                    later += neighbour_min[arc]
                    other = neighbour_idx[arc]
                    arc = -1
                    if later > limit_min or later >= reached_min[other]:
                        break
                    if reached_min[other] == np.inf:
                        if num_touched == len(touched):
                            touched = np.concatenate((touched, np.empty_like(touched)))
                        touched[num_touched] = other
                        num_touched += 1
                    reached_min[other] = later
                    if is_cut[other]:
                        for onward in range(neighbour_ptr[other], neighbour_ptr[other + 1]):
                            if neighbour_idx[onward] != before:
                                arc = onward
                        before = other
                        continue
                    if heap_size == len(heap_key):
                        heap_key = np.concatenate((heap_key, np.empty_like(heap_key)))
                        heap_point = np.concatenate((heap_point, np.empty_like(heap_point)))
                    hole = heap_size
                    heap_size += 1
                    while hole > 0 and heap_key[(hole - 1) // 2] > later:
                        parent = (hole - 1) // 2
                        heap_key[hole], heap_point[hole] = heap_key[parent], heap_point[parent]
                        hole = parent
                    heap_key[hole], heap_point[hole] = later, other
        for index in range(num_touched):
            point = touched[index]
            for entry in range(zone_ptr[point], zone_ptr[point + 1]):
                total = reached_min[point] + zone_access_min[entry]
                if total <= limit_min:
                    if num_arcs == len(zone_idx):
                        zone_idx = np.concatenate((zone_idx, np.empty_like(zone_idx)))
                        drive_min = np.concatenate((drive_min, np.empty_like(drive_min)))
                    zone_idx[num_arcs] = zone_of[entry]
                    drive_min[num_arcs] = total
                    num_arcs += 1
            reached_min[point] = np.inf
        ptr[site + 1] = num_arcs
    return ptr, zone_idx[:num_arcs], drive_min[:num_arcs]
