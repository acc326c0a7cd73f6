"""Move load off stations that are too full, along the cheapest paths.

Zones i send fixed loads to stations s along arcs of cost d_si. From the assignment of every zone
to its nearest station, which would be the cheapest without capacities, the excess of one station
after the other is sent along cheapest residual paths to a station with room: zone i, served by s,
goes over to t for d_ti - d_si. Successive shortest paths keep the flow the cheapest there is for
the excess sent so far (Ahuja, Magnanti and Orlin 1993, Network Flows, section 9.7), so that what
results is a minimum-cost transport. Only stations near an overflow are ever looked at.
"""

import heapq
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray, Lists

ROUNDING = 1e-12
"""Excess below this fraction of the capacity is rounding."""
HOP_COST = 1e-9
"""Added per station on a path: of paths that cost the same the shortest moves most at once. Without
it a path that takes a crumb of a zone over a third station, at no cost, may be found for ever."""


class Transport(NamedTuple):
    """Arcs by zone and by station.

    Attributes
    ----------
    zones : Lists, num_zones of stations
        Each entry is an arc: from the zone whose list it is in to the station that it names.
    cost : float array, shape (num_arcs,)
        d_si of each arc, >= 0.
    stations : Lists, num_stations of arcs
        Arcs that end at each station.
    arc_zone : int array, shape (num_arcs,)
    """

    zones: Lists
    cost: FloatArray
    stations: Lists
    arc_zone: IndexArray


class Balanced(NamedTuple):
    """A transport that keeps the capacities.

    Attributes
    ----------
    flow : float array, shape (num_arcs,)
        Cheapest flow with the same load from each zone.
    stuck : float
        Excess that could go nowhere; 0, but for rounding, if the loads can be served at all.
    price : float array, shape (num_stations,)
        What one more unit of a station's capacity would save, >= 0: every zone is served where
        cost and price together are least.
    """

    flow: FloatArray
    stuck: float
    price: FloatArray


class _Paths(NamedTuple):
    """A tree of cheapest paths; changed in place.

    ``distance`` of each station, infinite where it has not been reached; the stations reached are
    listed in ``touched``. The path to station t takes a zone off ``off_arc[t]`` and puts it on
    ``on_arc[t]``.
    """

    distance: FloatArray
    off_arc: IntArray
    on_arc: IntArray
    touched: IntArray


@numba.njit(cache=True, nogil=True)
def _cheapest_path(
    net: Transport,
    start: int,
    room: FloatArray,
    flow: FloatArray,
    potential: FloatArray,
    paths: _Paths,
) -> tuple[int, int]:
    """Dijkstra with potentials from a station to the nearest with room.

    Gives that station, -1 if there is none, and how many were reached; ``paths`` comes in with
    infinite distances everywhere.
    """
    arc_station = net.zones.idx
    distance, off_arc, on_arc, touched = paths
    distance[start] = 0.0
    touched[0] = start
    num_touched, end = 1, -1
    heap = [(0.0, start)]
    while len(heap) > 0:
        so_far, station = heapq.heappop(heap)
        if so_far > distance[station]:
            continue
        if room[station] > 0.0:
            end = station
            break
        for place in range(net.stations.ptr[station], net.stations.ptr[station + 1]):
            used = net.stations.idx[place]
            if flow[used] <= 0.0:
                continue
            zone = net.arc_zone[used]
            for arc in range(net.zones.ptr[zone], net.zones.ptr[zone + 1]):
                other = np.int64(arc_station[arc])
                if other == station:
                    continue
                step = net.cost[arc] - net.cost[used] + potential[station] - potential[other]
                reached = so_far + max(step, 0.0) + HOP_COST
                if reached < distance[other]:
                    if distance[other] == np.inf:
                        touched[num_touched] = other
                        num_touched += 1
                    distance[other] = reached
                    off_arc[other], on_arc[other] = used, arc
                    heapq.heappush(heap, (reached, int(other)))
    return end, num_touched


@numba.njit(cache=True, nogil=True)
def _rebalance(
    net: Transport, capacity: FloatArray, flow: FloatArray, potential: FloatArray
) -> float:
    num_stations = len(capacity)
    room = capacity.copy()
    for arc in range(len(flow)):
        room[net.zones.idx[arc]] -= flow[arc]
    distance = np.full(num_stations, np.inf)
    off_arc, on_arc = np.empty(num_stations, np.int64), np.empty(num_stations, np.int64)
    touched = np.empty(num_stations, np.int64)
    paths = _Paths(distance, off_arc, on_arc, touched)
    stuck = 0.0
    for start in range(num_stations):
        while room[start] < -ROUNDING * capacity[start]:
            end, num_touched = _cheapest_path(net, start, room, flow, potential, paths)
            shortest = distance[end] if end >= 0 else 0.0
            for at in range(num_touched):
                station = touched[at]
                if distance[station] < shortest:
                    potential[station] += distance[station] - shortest
                distance[station] = np.inf
            if end < 0:
                stuck += -room[start]
                break
            amount, station = min(-room[start], room[end]), end
            while station != start:
                amount = min(amount, flow[off_arc[station]])
                station = np.int64(net.zones.idx[off_arc[station]])
            station = end
            while station != start:
                flow[off_arc[station]] -= amount
                flow[on_arc[station]] += amount
                station = np.int64(net.zones.idx[off_arc[station]])
            room[start] += amount
            room[end] -= amount
            if room[end] <= ROUNDING * capacity[end]:
                room[end] = 0.0
    return stuck


def rebalance(net: Transport, capacity: FloatArray, flow: FloatArray) -> Balanced:
    """Make flows respect capacities at the least cost.

    Parameters
    ----------
    net : Transport
    capacity : float array, shape (num_stations,)
    flow : float array, shape (num_arcs,)
        Each zone's load on its cheapest arc. Not changed.
    """
    balanced, potential = flow.copy(), np.zeros(len(capacity))
    stuck = _rebalance(net, capacity, balanced, potential)
    return Balanced(balanced, float(stuck), -potential)
