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

from planner.arrays import FloatArray, IntArray

ROUNDING = 1e-12
"""Excess below this fraction of the capacity is rounding."""
HOP_COST = 1e-9
"""Added per station on a path: of paths that cost the same the shortest moves most at once. Without
it a path that takes a crumb of a zone over a third station, at no cost, may be found for ever."""


class Transport(NamedTuple):
    """Arcs by zone and by station.

    Attributes
    ----------
    zone_ptr, arc_station : int arrays
        Arcs of zone i: ``zone_ptr[i]:zone_ptr[i + 1]``, each with its station.
    cost : float array, shape (num_arcs,)
        d_si of each arc, >= 0.
    station_ptr, station_arc : int arrays
        Arcs of station s: ``station_arc[station_ptr[s]:station_ptr[s + 1]]``.
    arc_zone : int array, shape (num_arcs,)
    """

    zone_ptr: IntArray
    arc_station: IntArray
    cost: FloatArray
    station_ptr: IntArray
    station_arc: IntArray
    arc_zone: IntArray


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


@numba.njit(cache=True, nogil=True)
def _cheapest_path(
    net: Transport,
    start: int,
    room: FloatArray,
    flow: FloatArray,
    potential: FloatArray,
    distance: FloatArray,
    off_arc: IntArray,
    on_arc: IntArray,
    touched: IntArray,
) -> tuple[int, int]:
    """Dijkstra with potentials from a station to the nearest with room; (-1, touched) if none.

    ``distance`` comes in as infinite everywhere; the stations reached are listed in ``touched``.
    The path to station t takes a zone off ``off_arc[t]`` and puts it on ``on_arc[t]``.
    """
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
        for place in range(net.station_ptr[station], net.station_ptr[station + 1]):
            used = net.station_arc[place]
            if flow[used] <= 0.0:
                continue
            zone = net.arc_zone[used]
            for arc in range(net.zone_ptr[zone], net.zone_ptr[zone + 1]):
                other = net.arc_station[arc]
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
                    heapq.heappush(heap, (reached, other))
    return end, num_touched


@numba.njit(cache=True, nogil=True)
def _rebalance(
    net: Transport, capacity: FloatArray, flow: FloatArray, potential: FloatArray
) -> float:
    num_stations = len(capacity)
    room = capacity.copy()
    for arc in range(len(flow)):
        room[net.arc_station[arc]] -= flow[arc]
    distance = np.full(num_stations, np.inf)
    off_arc, on_arc = np.empty(num_stations, np.int64), np.empty(num_stations, np.int64)
    touched = np.empty(num_stations, np.int64)
    stuck = 0.0
    for start in range(num_stations):
        while room[start] < -ROUNDING * capacity[start]:
            end, num_touched = _cheapest_path(
                net, start, room, flow, potential, distance, off_arc, on_arc, touched
            )
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
                station = net.arc_station[off_arc[station]]
            station = end
            while station != start:
                flow[off_arc[station]] -= amount
                flow[on_arc[station]] += amount
                station = net.arc_station[off_arc[station]]
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
