"""Plans for capacitated facility location: sets of stations changed a few at a time.

The cheapest transport from the stations at hand has a price p_s on room at each of them, so that
a zone costs h_i = min_s (c_is + p_s) there, and c_is + p_s at the next best one. What a move would
save is told from these prices, as if they stayed (exact where no station is full):

    open j as t     f_jt + min sum_i (c_ij - h_i) x_ij within the room K_jt     (a knapsack)
    close s         sum_i flow_is (next best of i - c_is) - f_s
    exchange        both at once, the first with h_i raised where s served; also for another type

Moves that seem to pay and do not touch the same zones are made together. The transport tells what
they really cost; if that is no less, those are left out that do not pay in their own zones.
"""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.facility_location.dual import Prices, SitePairs, fill, site_values, worthwhile
from planner.models.facility_location.flows import Served, StationFlows
from planner.models.facility_location.problem import FacilityLocationProblem

DRAWS = 256
"""Sites that one round looks at in exchange for a station, drawn among those that reach its
zones; many are drawn more than once."""
KEPT = 16
"""Of those, how many are kept."""
MAX_TRIALS = 100
"""Sets of moves that are tried one after the other before the plan counts as settled."""
OVERLAP_FRAC = 0.1
"""Of the zones of a move that others made with it may have touched."""


@numba.njit(cache=True, nogil=True)
def zone_prices(
    zone_ptr: IntArray, arc_station: IntArray, arc_cost: FloatArray, station_price: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """The fields of `ZonePrices`."""
    num_zones = len(zone_ptr) - 1
    best, second = np.zeros(num_zones), np.zeros(num_zones)
    main = np.full(num_zones, -1, np.int64)
    for zone in range(num_zones):
        if zone_ptr[zone] == zone_ptr[zone + 1]:
            continue
        best[zone] = second[zone] = np.inf
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            price = arc_cost[arc] + station_price[arc_station[arc]]
            if price < best[zone]:
                second[zone], best[zone] = best[zone], price
                main[zone] = arc_station[arc]
            elif price < second[zone]:
                second[zone] = price
    return best, second, main


@numba.njit(cache=True, nogil=True)
def _keep(saving: float, site: int, kind: int, savings: FloatArray, entering: IntArray) -> None:
    """Insert into the best of a station, least cost first."""
    place = len(savings) - 1
    if saving >= savings[place]:
        return
    while place > 0 and savings[place - 1] > saving:
        savings[place], entering[place] = savings[place - 1], entering[place - 1]
        place -= 1
    savings[place], entering[place, 0], entering[place, 1] = saving, site, kind


class _Supply(NamedTuple):
    """The problem, for compiled loops."""

    sites: Lists
    demand: FloatArray
    capacity: FloatArray
    fixed_cost: FloatArray


class ZonePrices(NamedTuple):
    """What a zone costs at its cheapest station and at the next, and which is the cheapest."""

    best: FloatArray
    second: FloatArray
    main: IntArray


@numba.njit(cache=True, nogil=True)
def _exchanges(
    supply: _Supply,
    pairs: SitePairs,
    allowed: BoolArray,
    served: Served,
    prices: ZonePrices,
    stations: tuple[IntArray, IntArray],
    draws: FloatArray,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Change of cost if a station closes, and the best exchanges for it."""
    site_ptr, zone_list = pairs.zones
    zone_ptr, site_of = supply.sites
    demand, capacity, fixed_cost = supply.demand, supply.capacity, supply.fixed_cost
    arc_ptr, arc_station = served.zone_ptr, served.arc_station
    arc_cost, flow = served.arc_cost, served.flow
    best, second, main = prices
    sites, kinds = stations
    price = best.copy()
    loss = np.zeros(len(sites))
    change = np.full((len(sites), KEPT), np.inf)
    entering = np.full((len(sites), KEPT, 2), -1, np.int64)
    widest = np.max(np.diff(site_ptr)) if len(allowed) else 0
    gain, taken = np.empty(widest), np.empty(widest, np.int64)
    seen = np.full(len(allowed), -1, np.int64)
    for site in sites:
        allowed[site] = False
    for station in range(len(sites)):
        site = sites[station]
        first, last = site_ptr[site], site_ptr[site + 1]
        loss[station] = -fixed_cost[site, kinds[station]]
        for at in range(first, last):
            zone = zone_list[at]
            for arc in range(arc_ptr[zone], arc_ptr[zone + 1]):
                if arc_station[arc] == station and flow[arc] > 0.0:
                    price[zone] = second[zone] if main[zone] == station else best[zone]
                    loss[station] += flow[arc] * (price[zone] - arc_cost[arc])
        for draw in range(-1, draws.shape[1] if last > first else 0):
            other = site
            if draw >= 0:
                zone = zone_list[first + int(draws[station, draw, 0] * (last - first))]
                start, end = zone_ptr[zone], zone_ptr[zone + 1]
                other = site_of[start + int(draws[station, draw, 1] * (end - start))]
            if seen[other] == station or not (allowed[other] or other == site):
                continue
            seen[other] = station
            count, wanted, saved = worthwhile(pairs, other, demand, price, gain, taken)
            for kind in range(capacity.shape[1]):
                if other == site and kind == kinds[station]:
                    continue
                filled = saved
                if wanted > capacity[other, kind]:
                    filled, _, _ = fill(gain, taken, demand, count, capacity[other, kind])
                total = loss[station] + fixed_cost[other, kind] + filled
                _keep(total, other, kind, change[station], entering[station])
        for at in range(first, last):
            price[zone_list[at]] = best[zone_list[at]]
    return loss, change, entering


class _Move(NamedTuple):
    """Stations that open and close, coded as site * num_types + type; -1 for none."""

    change: float
    entering: int
    leaving: int


class _Counts:
    """Whether moves made one after the other keep locks, numbers and budget."""

    def __init__(self, problem: FacilityLocationProblem, stations: IntArray) -> None:
        self.problem = problem
        self.fixed = problem.rules.cost.ravel()
        self.number = len(stations)
        self.spent = float(self.fixed[stations].sum())
        cities = problem.rules.cities
        sites = stations // problem.num_types
        self.in_city = (
            np.bincount(cities.city_idx[sites], minlength=len(cities.min_stations))
            if cities is not None else np.zeros(0, dtype=np.int64)
        )  # fmt: skip

    def is_full(self, site: int) -> bool:
        """Whether another station at the site would be one too many in its city."""
        cities = self.problem.rules.cities
        if cities is None:
            return False
        city = cities.city_idx[site]
        return bool(self.in_city[city] >= cities.max_stations[city])

    def make(self, move: _Move) -> bool:
        """Count a move in; False, and nothing counted, if it does not keep the limits."""
        problem, cities = self.problem, self.problem.rules.cities
        opens, closes = move.entering >= 0, move.leaving >= 0
        site, left = move.entering // problem.num_types, move.leaving // problem.num_types
        if closes and problem.rules.forced[left] and not (opens and site == left):
            return False
        number = self.number + opens - closes
        if not problem.rules.least <= number <= problem.rules.most:
            return False
        spent = self.spent + (self.fixed[move.entering] if opens else 0.0)
        spent -= self.fixed[move.leaving] if closes else 0.0
        if spent > problem.rules.most_cost and spent > self.spent:
            return False
        if cities is not None:
            changed = self.in_city.copy() if len(self.in_city) else self.in_city
            if opens:
                changed[cities.city_idx[site]] += 1
            if closes:
                changed[cities.city_idx[left]] -= 1
            touched = [cities.city_idx[each] for each, is_part in ((site, opens), (left, closes))
                       if is_part]  # fmt: skip
            for city in touched:
                if not cities.min_stations[city] <= changed[city] <= cities.max_stations[city]:
                    return False
            self.in_city = changed
        self.number, self.spent = number, spent
        return True


def improve_once(
    flows: StationFlows,
    stations: IntArray,
    served: Served,
    may_go_on: Callable[[], bool],
    seed: int,
) -> tuple[IntArray, Served]:
    """Make moves that pay, many together or one; the same stations if none was found.

    Parameters
    ----------
    flows : StationFlows
    stations : int array
        Stations to begin with, ascending, coded as site * num_types + type; they keep locks,
        numbers and budget, but need not serve all demand.
    served : Served
        The transport from them.
    may_go_on : callable
        Asked before every transport.
    seed : int
        Draws the exchanges that are looked at.
    """
    moves = _moves(flows, stations, served, seed)
    return _make_moves(flows, stations, served, moves, may_go_on)


def _moves(flows: StationFlows, stations: IntArray, served: Served, seed: int) -> list[_Move]:
    """Moves that seem to pay, best first."""
    problem, pairs = flows.problem, flows.pairs
    num_types = problem.num_types
    sites, kinds = np.divmod(stations, num_types)
    prices = ZonePrices(
        *zone_prices(served.zone_ptr, served.arc_station, served.arc_cost, served.station_price)
    )
    value = site_values(problem, pairs, Prices(prices.best, 0.0, 0.0))
    loss, change, entering = _exchanges(
        _Supply(problem.sites, problem.demand, problem.capacity, problem.rules.cost),
        pairs,
        ~problem.rules.forbidden,
        served,
        prices,
        (sites, kinds),
        np.random.default_rng(seed).random((len(sites), DRAWS, 2)),
    )
    station, place = np.nonzero(change < 0.0)
    moves = [
        _Move(float(change[at, rank]), int(entering[at, rank] @ (num_types, 1)), int(stations[at]))
        for at, rank in zip(station.tolist(), place.tolist(), strict=True)
    ]
    value[sites] = np.inf
    value[problem.rules.forbidden] = np.inf
    adds = np.flatnonzero(value.min(axis=1) < 0.0)
    adds = adds[np.argsort(value[adds].min(axis=1), kind="stable")]
    drops = np.argsort(loss, kind="stable")
    drops = drops[~problem.rules.forced[sites[drops]]]
    moves += [
        _Move(float(loss[at]), -1, int(stations[at])) for at in drops.tolist() if loss[at] < 0.0
    ]
    moves += _additions(problem, stations, value, adds, loss, drops)
    return sorted(moves)


def _additions(
    problem: FacilityLocationProblem,
    stations: IntArray,
    value: FloatArray,
    adds: IntArray,
    loss: FloatArray,
    drops: IntArray,
) -> list[_Move]:
    """Sites that seem worth opening, for the cheapest other station where a limit asks for it."""
    counts, moves = _Counts(problem, stations), []
    num_types, cities = problem.num_types, problem.rules.cities
    left = drops.tolist()
    for site in adds[: len(stations) + KEPT].tolist():
        kind = int(value[site].argmin())
        code = site * num_types + kind
        gain = float(value[site, kind])
        in_place = counts.is_full(site)
        dear = counts.spent + counts.fixed[code] > problem.rules.most_cost
        if not (in_place or dear or counts.number >= problem.rules.most):
            moves.append(_Move(gain, code, -1))
            continue
        for at in left:
            other = int(stations[at])
            same = cities is None or (cities.city_idx[other // num_types] == cities.city_idx[site])
            if in_place and not same:
                continue
            if gain + loss[at] < 0.0:
                moves.append(_Move(gain + float(loss[at]), code, other))
                left.remove(at)
            break
    return moves


def _make_moves(
    flows: StationFlows,
    stations: IntArray,
    served: Served,
    moves: list[_Move],
    may_go_on: Callable[[], bool],
) -> tuple[IntArray, Served]:
    """Make those moves together that really pay; where none does, the next best ones."""
    left, before = moves, _zone_costs(served)
    for _ in range(MAX_TRIALS):
        chosen, zones = _apart(flows, stations, left)
        if not chosen:
            break
        failed: set[_Move] = set()
        while chosen and may_go_on():
            changed = _changed(stations, chosen)
            result = flows.serve(changed)
            if result.search_cost < served.search_cost * (1.0 - 1e-9):
                return changed, result
            paying = _paying(flows, chosen, zones, _zone_costs(result) - before)
            if all(paying):  # what they cost shows elsewhere
                paying = [place < len(chosen) // 2 for place in range(len(chosen))]
            failed |= set(itertools.compress(chosen, (not each for each in paying)))
            chosen = list(itertools.compress(chosen, paying))
            zones = list(itertools.compress(zones, paying))
        if not may_go_on():
            break
        left = [move for move in left if move not in failed]
    return stations, served


@numba.njit(cache=True, nogil=True)
def _sum_by_zone(zone_ptr: IntArray, flow: FloatArray, cost: FloatArray) -> FloatArray:
    total = np.zeros(len(zone_ptr) - 1)
    for zone in range(len(total)):
        for arc in range(zone_ptr[zone], zone_ptr[zone + 1]):
            total[zone] += flow[arc] * cost[arc]
    return total


def _zone_costs(served: Served) -> FloatArray:
    return np.asarray(_sum_by_zone(served.zone_ptr, served.flow, served.arc_cost))


def _paying(
    flows: StationFlows, moves: list[_Move], zones: list[IndexArray], change: FloatArray
) -> list[bool]:
    """Moves that pay in the zones they touch, by what all of them together have changed."""
    fixed = flows.problem.rules.cost.ravel()
    return [
        (fixed[move.entering] if move.entering >= 0 else 0.0)
        - (fixed[move.leaving] if move.leaving >= 0 else 0.0)
        + float(change[near].sum())
        < 0.0
        for move, near in zip(moves, zones, strict=True)
    ]


def _changed(stations: IntArray, moves: list[_Move]) -> IntArray:
    kept = stations[~np.isin(stations, [move.leaving for move in moves])]
    entering = np.array([move.entering for move in moves], dtype=np.int64)
    return np.sort(np.concatenate((kept, entering[entering >= 0])))


def _apart(
    flows: StationFlows, stations: IntArray, moves: list[_Move]
) -> tuple[list[_Move], list[IndexArray]]:
    """Moves that keep the limits together and hardly touch the same zones, and those zones."""
    problem, zones_of = flows.problem, flows.pairs.zones
    counts = _Counts(problem, stations)
    touched = np.zeros(problem.num_zones, dtype=np.bool_)
    used: set[int] = set()
    chosen, zones = [], []
    for move in moves:
        sites = {code // problem.num_types for code in (move.entering, move.leaving) if code >= 0}
        if not used.isdisjoint(sites):
            continue
        near = np.concatenate([zones_of.row(site) for site in sites])
        if len(near) and touched[near].mean() > OVERLAP_FRAC:
            continue
        if not counts.make(move):
            continue
        used |= sites
        near = np.unique(near)
        touched[near] = True
        chosen.append(move)
        zones.append(near)
    return chosen, zones
