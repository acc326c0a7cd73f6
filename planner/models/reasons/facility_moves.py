"""Stations exchanged in plans of facility location: what seems best by prices, and what it costs.

The transport from the stations at hand prices each zone at its cheapest station and at the next
best one (`planner.models.facility_location.search`). From these it is told which sites would best
take the place of a station. What an exchange really costs is that of the cheapest transport in the
zones that it touches, all other flows being kept: no less than the best plan's, but a plan's.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.facility_location.dual import SitePairs, fill, worthwhile
from planner.models.facility_location.flows import SHORT_FRAC, Served, StationFlows
from planner.models.facility_location.search import ZonePrices
from planner.solving.transport import Transport, rebalance

NOBODY = -1
KEPT = 3
"""Sites that are kept for each station."""


class Limits(NamedTuple):
    """Limits for compiled loops, and how much of them a plan takes.

    Attributes
    ----------
    forced : bool array, shape (num_sites,)
    least, most, number : int
    city : int array, shape (num_sites,)
    city_least, city_most, in_city : int arrays, shape (num_cities,)
    money : float array, shape (num_sites, num_types)
    left : float
        Of the money.
    """

    forced: BoolArray
    least: int
    most: int
    number: int
    city: IndexArray
    city_least: IntArray
    city_most: IntArray
    in_city: IntArray
    money: FloatArray
    left: float


@numba.njit(cache=True, nogil=True)
def allows(leaving: int, its_kind: int, entering: int, kind: int, limits: Limits) -> bool:
    """Whether limits let a station leave, another enter, or one take the other's place; -1: none.

    Parameters
    ----------
    leaving, its_kind, entering, kind : int
        Sites and types.
    limits : Limits
    """
    number, left, city, spent = limits.number, limits.left, limits.city, 0.0
    if leaving != NOBODY:
        if limits.forced[leaving]:
            return False
        number -= 1
        spent -= limits.money[leaving, its_kind]
        lacks = limits.in_city[city[leaving]] - 1 < limits.city_least[city[leaving]]
        if lacks and (entering == NOBODY or city[entering] != city[leaving]):
            return False
    if entering != NOBODY:
        number += 1
        spent += limits.money[entering, kind]
        full = limits.in_city[city[entering]] + 1 > limits.city_most[city[entering]]
        if full and (leaving == NOBODY or city[entering] != city[leaving]):
            return False
    return bool(limits.least <= number <= limits.most and spent <= max(left, 0.0))


class Estimates(NamedTuple):
    """What exchanges seem to cost, by prices.

    Attributes
    ----------
    change : float array, shape (num_stations, KEPT)
        Of the best sites in place of each station, ascending; inf for none.
    site, kind : int arrays, shape (num_stations, KEPT)
    loss : float array, shape (num_stations,)
        Without the station, nothing in its place.
    best : float array, shape (num_sites,)
        Of each closed site with the best station near it to leave for it; inf for none.
    leaving, best_kind : int arrays, shape (num_sites,)
        That station, and the type of the site.
    """

    change: FloatArray
    site: IntArray
    kind: IntArray
    loss: FloatArray
    best: FloatArray
    leaving: IntArray
    best_kind: IntArray


def no_estimates(num_stations: int, num_sites: int) -> Estimates:
    """Nothing is known yet."""
    return Estimates(
        np.full((num_stations, KEPT), np.inf), np.full((num_stations, KEPT), NOBODY),
        np.full((num_stations, KEPT), NOBODY), np.zeros(num_stations),
        np.full(num_sites, np.inf), np.full(num_sites, NOBODY), np.zeros(num_sites, np.int64),
    )  # fmt: skip


class Supply(NamedTuple):
    """A problem and its plan, for compiled loops.

    Attributes
    ----------
    sites : Lists, shape (num_zones,)
    demand : float array, shape (num_zones,)
    capacity, cost : float arrays, shape (num_sites, num_types)
    pairs : SitePairs
    may_enter : bool array, shape (num_sites,)
        Closed sites that are not forbidden.
    station_site, station_kind : int arrays, shape (num_stations,)
    served : Served
    prices : ZonePrices
    """

    sites: Lists
    demand: FloatArray
    capacity: FloatArray
    cost: FloatArray
    pairs: SitePairs
    may_enter: BoolArray
    station_site: IntArray
    station_kind: IntArray
    served: Served
    prices: ZonePrices


@numba.njit(cache=True, nogil=True)
def _insert(station: int, total: float, site: int, kind: int, estimates: Estimates) -> None:
    change = estimates.change[station]
    place = KEPT - 1
    if total >= change[place]:
        return
    while place > 0 and change[place - 1] > total:
        change[place] = change[place - 1]
        estimates.site[station, place] = estimates.site[station, place - 1]
        estimates.kind[station, place] = estimates.kind[station, place - 1]
        place -= 1
    change[place] = total
    estimates.site[station, place], estimates.kind[station, place] = site, kind


@numba.njit(cache=True, nogil=True)
def estimate(first: int, last: int, supply: Supply, limits: Limits, estimates: Estimates) -> None:
    """Fill in what exchanges of the stations [first, last) seem to cost.

    Parameters
    ----------
    first, last : int
    supply : Supply
    limits : Limits
    estimates : Estimates
        Filled in place.
    """
    zones_of, demand = supply.pairs.zones, supply.demand
    arc_ptr, flow = supply.served.zone_ptr, supply.served.flow
    best, second, main = supply.prices
    price = best.copy()
    seen = np.full(len(supply.may_enter), NOBODY)
    widest = np.max(np.diff(zones_of.ptr)) if len(seen) else 0
    gain, taken = np.empty(widest), np.empty(widest, np.int64)
    for station in range(first, last):
        site, own_kind = supply.station_site[station], supply.station_kind[station]
        start, end = zones_of.ptr[site], zones_of.ptr[site + 1]
        loss = -supply.cost[site, own_kind]
        for at in range(start, end):
            zone = zones_of.idx[at]
            for arc in range(arc_ptr[zone], arc_ptr[zone + 1]):
                if supply.served.arc_station[arc] == station and flow[arc] > 0.0:
                    price[zone] = second[zone] if main[zone] == station else best[zone]
                    loss += flow[arc] * (price[zone] - supply.served.arc_cost[arc])
        estimates.loss[station] = loss
        for at in range(start, end):
            zone = zones_of.idx[at]
            for place in range(supply.sites.ptr[zone], supply.sites.ptr[zone + 1]):
                other = supply.sites.idx[place]
                if seen[other] == station or not supply.may_enter[other]:
                    continue
                seen[other] = station
                count, wanted, saved = worthwhile(supply.pairs, other, demand, price, gain, taken)
                cheapest, its_kind = np.inf, 0
                for kind in range(supply.capacity.shape[1]):
                    if not allows(site, own_kind, other, kind, limits):
                        continue
                    filled = saved
                    if wanted > supply.capacity[other, kind]:
                        room = supply.capacity[other, kind]
                        filled, _, _ = fill(gain, taken, demand, count, room)
                    total = loss + supply.cost[other, kind] + filled
                    if total < cheapest:
                        cheapest, its_kind = total, kind
                if cheapest < np.inf:
                    _insert(station, cheapest, other, its_kind, estimates)
                    if cheapest < estimates.best[other]:
                        estimates.best[other] = cheapest
                        estimates.leaving[other], estimates.best_kind[other] = station, its_kind
        for at in range(start, end):
            price[zones_of.idx[at]] = best[zones_of.idx[at]]


def _places(ptr: IntArray, rows: IntArray) -> IntArray:
    """Positions of the entries of some lists, one list after the other."""
    sizes = ptr[rows + 1] - ptr[rows]
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    places: IntArray = np.arange(total) + np.repeat(ptr[rows] - ends + sizes, sizes)
    return places


def exchange_cost(
    flows: StationFlows, supply: Supply, room_left: FloatArray, station: int, site: int, kind: int
) -> float:
    """Change of cost if a station leaves and a site gets one, other zones' flows being kept.

    Parameters
    ----------
    flows : StationFlows
    supply : Supply
    room_left : float array, shape (num_stations + 1,)
        Of each station; that of staying unserved is endless.
    station : int
        That leaves; -1 for none.
    site, kind : int
        That enters, and its type; -1 for none.

    Returns
    -------
    float
        inf where demand that must be served is not.
    """
    served, pairs, demand = supply.served, supply.pairs, supply.demand
    num_stations = len(supply.station_site)
    touched = []
    if station != NOBODY:
        touched.append(pairs.zones.row(int(supply.station_site[station])))
    if site != NOBODY:
        touched.append(pairs.zones.row(site))
    zones = np.unique(np.concatenate(touched)).astype(np.int64)
    arcs = _places(served.zone_ptr, zones)
    sizes = served.zone_ptr[zones + 1] - served.zone_ptr[zones]
    zone_of = np.repeat(np.arange(len(zones)), sizes)
    flow, cost = served.flow[arcs], served.arc_cost[arcs]
    station_of = served.arc_station[arcs].astype(np.int64)
    before = float((flow * cost).sum())
    room = room_left + np.bincount(station_of, flow, minlength=num_stations + 1)
    stays = station_of != station
    zone_of, station_of, cost = zone_of[stays], station_of[stays], cost[stays]
    if site != NOBODY:
        entering = pairs.zones.row(site)
        zone_of = np.concatenate((zone_of, np.searchsorted(zones, entering)))
        station_of = np.concatenate((station_of, np.full(len(entering), num_stations + 1)))
        first, last = pairs.zones.ptr[site], pairs.zones.ptr[site + 1]
        cost = np.concatenate((cost, pairs.unit_cost[first:last]))
        room = np.append(room, supply.capacity[site, kind])
    fixed = float(supply.cost[site, kind]) if site != NOBODY else 0.0
    if station != NOBODY:
        fixed -= float(supply.cost[supply.station_site[station], supply.station_kind[station]])
    order = np.lexsort((cost, zone_of))
    zone_of, station_of, cost = zone_of[order], station_of[order], cost[order]
    used, number = np.unique(station_of, return_inverse=True)
    wanted = demand[zones]
    zone_ptr = np.concatenate(([0], np.cumsum(np.bincount(zone_of, minlength=len(zones)))))
    if not (np.diff(zone_ptr)[wanted > 0.0] > 0).all():
        return np.inf
    by_station = np.argsort(number, kind="stable")
    station_ptr = np.concatenate(([0], np.cumsum(np.bincount(number, minlength=len(used)))))
    network = Transport(
        Lists(zone_ptr.astype(np.int64), number.astype(np.int32)),
        cost,
        Lists(station_ptr.astype(np.int64), by_station.astype(np.int32)),
        zone_of.astype(np.int32),
    )
    start = np.zeros(len(cost))
    filled = wanted > 0.0
    start[zone_ptr[:-1][filled]] = wanted[filled]
    balanced = rebalance(network, room[used], start)
    short = balanced.flow[station_of == num_stations].sum()
    stuck = balanced.stuck > SHORT_FRAC * flows.everything
    if stuck or (flows.must_serve and short > flows.allowed_short):
        return np.inf
    return fixed + float((balanced.flow * cost).sum()) - before
