"""Who is served from where once stations are open: a transport of least cost.

Each zone's demand goes over a pair to an open station with room, or stays unserved. Demand starts
at the nearest station and is moved off those that overflow along cheapest paths, which gives the
cheapest transport there is and what room at each station is worth (`planner.solving.transport`).
"""

import math
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IndexArray, IntArray, Lists
from planner.models.facility_location.dual import SitePairs
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.solving.transport import Transport, rebalance

SHORT_FRAC = 1e-9
"""Less than this share of a demand, or of all of it, is rounding."""


class Served(NamedTuple):
    """The cheapest transport from given stations.

    Attributes
    ----------
    cost : float
        Of stations, transport and unserved demand; inf if some must be served and is not.
    flow : float array, shape (num_arcs,)
    arc_pair : int array, shape (num_arcs,)
        Pair of the problem; -1 for staying unserved.
    arc_station : int array, shape (num_arcs,)
        Station of each arc; the number of stations for staying unserved.
    arc_cost : float array, shape (num_arcs,)
    zone_ptr : int array, shape (num_zones + 1,)
        Arcs by zone.
    station_price : float array, shape (num_stations + 1,)
        What one more unit of capacity would save, >= 0; 0 for staying unserved.
    search_cost : float
        ``cost``, with unserved demand that must be served at a high price.
    """

    cost: float
    flow: FloatArray
    arc_pair: IntArray
    arc_station: IndexArray
    arc_cost: FloatArray
    zone_ptr: IntArray
    station_price: FloatArray
    search_cost: float


@numba.njit(cache=True, nogil=True)
def _network(
    pairs: SitePairs, sites: IntArray, demand: FloatArray, unserved_cost: float
) -> tuple[Transport, FloatArray, IntArray]:
    """Arcs of the open sites and of staying unserved; all demand on its cheapest arc."""
    num_zones, num_stations = len(demand), len(sites)
    zone_ptr = np.zeros(num_zones + 1, np.int64)
    station_ptr = np.zeros(num_stations + 2, np.int64)
    for station in range(num_stations):
        first, last = pairs.zones.ptr[sites[station]], pairs.zones.ptr[sites[station] + 1]
        station_ptr[station + 1] = station_ptr[station] + last - first
        for arc in range(first, last):
            zone_ptr[pairs.zones.idx[arc] + 1] += 1
    for zone in range(num_zones):
        zone_ptr[zone + 1] += zone_ptr[zone] + (1 if demand[zone] > 0.0 else 0)
    num_arcs = zone_ptr[-1]
    station_ptr[-1] = num_arcs
    arc_station, arc_zone = np.empty(num_arcs, np.int32), np.empty(num_arcs, np.int32)
    arc_pair, cost = np.empty(num_arcs, np.int64), np.empty(num_arcs)
    station_arc = np.empty(num_arcs, np.int32)
    end, flow = zone_ptr[:-1].copy(), np.zeros(num_arcs)
    at = 0
    for station in range(num_stations):
        for arc in range(pairs.zones.ptr[sites[station]], pairs.zones.ptr[sites[station] + 1]):
            place = end[pairs.zones.idx[arc]]
            end[pairs.zones.idx[arc]] += 1
            arc_station[place], arc_zone[place] = station, pairs.zones.idx[arc]
            cost[place], arc_pair[place] = pairs.unit_cost[arc], pairs.pair_idx[arc]
            station_arc[at] = place
            at += 1
    for zone in range(num_zones):
        if demand[zone] > 0.0:
            place = end[zone]
            arc_station[place], arc_zone[place] = num_stations, zone
            cost[place], arc_pair[place] = unserved_cost, -1
            station_arc[at] = place
            at += 1
            first = zone_ptr[zone]
            flow[first + np.argmin(cost[first : zone_ptr[zone + 1]])] = demand[zone]
    net = Transport(Lists(zone_ptr, arc_station), cost, Lists(station_ptr, station_arc), arc_zone)
    return net, flow, arc_pair


class StationFlows:
    """Cost of serving the demand from given stations, in part and by several where that is cheap.

    Parameters
    ----------
    problem : FacilityLocationProblem
    pairs : SitePairs
        Of the problem.
    """

    def __init__(self, problem: FacilityLocationProblem, pairs: SitePairs) -> None:
        self.problem, self.pairs = problem, pairs
        self.must_serve = math.isinf(problem.unserved_cost)
        self.everything = everything = max(float(problem.demand.sum()), 1e-300)
        # No path that serves one more zone over others costs more than this.
        longest = (1.0 + problem.num_sites) * float(problem.unit_cost.max(initial=0.0))
        dear = 1.0 + longest + float(problem.rules.cost.sum()) / everything
        self.unserved_cost = dear if self.must_serve else problem.unserved_cost
        self.allowed_short = SHORT_FRAC * everything

    def serve(self, stations: IntArray) -> Served:
        """Transport of least cost from some stations.

        Parameters
        ----------
        stations : int array
            Ascending, coded as site * num_types + type.

        Returns
        -------
        Served
            Its ``cost`` is infinite where demand that must be served finds no room.
        """
        problem = self.problem
        site, kind = np.divmod(stations, max(problem.num_types, 1))
        net, flow, arc_pair = _network(self.pairs, site, problem.demand, self.unserved_cost)
        room = np.append(problem.capacity[site, kind], 1.0 + 2.0 * self.everything)
        balanced = rebalance(net, room, flow)
        fixed = math.fsum(problem.rules.cost[site, kind])
        search_cost = fixed + float((balanced.flow * net.cost).sum())
        short = float(balanced.flow[arc_pair < 0].sum())
        impossible = self.must_serve and short > self.allowed_short
        return Served(
            math.inf if impossible else search_cost,
            balanced.flow, arc_pair, net.zones.idx, net.cost, net.zones.ptr, balanced.price,
            search_cost,
        )  # fmt: skip

    def used_pairs(self, served: Served) -> tuple[IntArray, FloatArray]:
        """Pairs of the problem that are used, ascending, and the demand served over each."""
        problem = self.problem
        zone = np.repeat(np.arange(problem.num_zones), np.diff(served.zone_ptr))
        crumb = SHORT_FRAC * problem.demand[zone]
        used = (served.arc_pair >= 0) & (served.flow > crumb)
        kept = np.bincount(zone[used], served.flow[used], minlength=problem.num_zones)
        # Crumbs go with the rest of their zone, unless it is left unserved.
        whole = kept * (1.0 + 100.0 * SHORT_FRAC) >= problem.demand
        grown = np.divide(
            problem.demand, kept, out=np.ones(problem.num_zones), where=whole & (kept > 0)
        )
        order = np.argsort(served.arc_pair[used])
        pair_idx = served.arc_pair[used][order]
        return pair_idx, (served.flow[used] * grown[zone[used]])[order]

    def used_pairs_alone(
        self, served: Served, stations: IntArray
    ) -> tuple[IntArray, FloatArray] | None:
        """The same with every zone at one station; None if that leaves none for some zone.

        Zones choose in turn, the largest first, where cost and price of the room are least.
        """
        problem = self.problem
        site, kind = np.divmod(stations, max(problem.num_types, 1))
        room = np.append(problem.capacity[site, kind], math.inf)
        order = np.argsort(-problem.demand, kind="stable")
        price = served.arc_cost + served.station_price[served.arc_station]
        arcs = _assign_alone(
            order, problem.demand, served.zone_ptr, served.arc_station, price, room
        )
        pair_idx = np.sort(served.arc_pair[arcs])
        if self.must_serve and len(pair_idx) and pair_idx[0] < 0:
            return None
        pair_idx = pair_idx[pair_idx >= 0]
        zone = np.searchsorted(problem.sites.ptr, pair_idx, side="right") - 1
        return pair_idx, problem.demand[zone]


@numba.njit(cache=True, nogil=True)
def _assign_alone(
    order: IntArray,
    demand: FloatArray,
    zone_ptr: IntArray,
    arc_station: IntArray,
    price: FloatArray,
    room: FloatArray,
) -> IntArray:
    """Arc of each zone with demand."""
    chosen = np.empty(len(order), np.int64)
    count = 0
    for zone in order:
        if demand[zone] <= 0.0:
            continue
        best = -1
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            fits = demand[zone] <= room[arc_station[arc]]
            if fits and (best < 0 or price[arc] < price[best]):
                best = arc
        room[arc_station[best]] -= demand[zone]
        chosen[count] = best
        count += 1
    return chosen[:count]
