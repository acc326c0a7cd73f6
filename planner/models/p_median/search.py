"""Plans for the p-median problem: exchange of open and closed sites, then annealing.

For every zone the two nearest open sites and their distances d1 <= d2 are kept.

(1) gain_j = sum_i w_i max(0, d1_i - d_ij): what opening a closed site saves;
(2) loss_k = sum of w_i (d2_i - d1_i) over zones nearest to k: what closing an open one costs;
(3) extra_jk = sum of w_i (d2_i - max(d_ij, d1_i)) over zones nearest to k with d_ij < d2_i:
    what of that loss j takes over;
(4) profit_jk = gain_j - loss_k + extra_jk.

All profits of one j cost one pass over the zones that list it (Resende and Werneck 2007, EJOR
174:54-68). A zone whose list holds no open site counts with its ``beyond``.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.p_median.dual import Openings
from planner.models.p_median.near_sites import NearSites

NOBODY = -1


class Rules(NamedTuple):
    """`Openings` as compiled code takes them: locks, numbers, budget, numbers by city."""

    forced: BoolArray
    max_open: int
    cost: FloatArray
    budget: float
    city: IndexArray
    least: IntArray
    most: IntArray


def exchange_rules(openings: Openings) -> Rules:
    """Limits for compiled loops."""
    cities = openings.by_city()
    return Rules(
        openings.forced, openings.max_open, openings.cost, openings.budget, cities.city_idx,
        cities.min_stations.astype(np.int64), cities.max_stations.astype(np.int64),
    )  # fmt: skip


class Nearest(NamedTuple):
    """The two nearest open sites of each zone; the functions below change the arrays in place.

    Attributes
    ----------
    is_open : bool array, shape (num_sites,)
    first, second : int arrays, shape (num_zones,)
        Sites; -1 for none listed.
    first_distance, second_distance : float arrays, shape (num_zones,)
    loss : float array, shape (num_sites,)
        Equation (2) of open sites.
    """

    is_open: BoolArray
    first: IndexArray
    second: IndexArray
    first_distance: FloatArray
    second_distance: FloatArray
    loss: FloatArray


@numba.njit(cache=True, nogil=True)
def _look_up(zone: int, weight: FloatArray, near: NearSites, state: Nearest) -> int:
    """Find a zone's two nearest open sites anew, count its losses; returns the pairs looked at."""
    looked = int(near.sites.ptr[zone + 1] - near.sites.ptr[zone])
    state.first[zone], state.second[zone] = NOBODY, NOBODY
    state.first_distance[zone] = state.second_distance[zone] = near.beyond[zone]
    for arc in range(near.sites.ptr[zone], near.sites.ptr[zone + 1]):
        site = near.sites.idx[arc]
        if state.is_open[site]:
            if state.first[zone] == NOBODY:
                state.first[zone] = site
                state.first_distance[zone] = near.distance[arc]
            else:
                state.second[zone] = site
                state.second_distance[zone] = near.distance[arc]
                looked = int(arc - near.sites.ptr[zone])
                break
    _count(zone, 1.0, weight, state)
    return looked


@numba.njit(cache=True, nogil=True)
def _count(zone: int, sign: float, weight: FloatArray, state: Nearest) -> None:
    site = state.first[zone]
    if site != NOBODY:
        between = state.second_distance[zone] - state.first_distance[zone]
        state.loss[site] += sign * weight[zone] * between


@numba.njit(cache=True, nogil=True)
def _look_up_all(weight: FloatArray, near: NearSites, state: Nearest) -> None:
    state.loss[:] = 0.0
    for zone in range(len(weight)):
        _look_up(zone, weight, near, state)


@numba.njit(cache=True, nogil=True)
def open_site(site: int, weight: FloatArray, near: NearSites, state: Nearest) -> None:
    """Open a site."""
    state.is_open[site] = True
    state.loss[site] = 0.0
    for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
        zone, distance = near.zones.idx[arc], near.zone_distance[arc]
        if distance >= state.second_distance[zone]:
            continue
        _count(zone, -1.0, weight, state)
        if distance < state.first_distance[zone]:
            state.second[zone] = state.first[zone]
            state.second_distance[zone] = state.first_distance[zone]
            state.first[zone] = site
            state.first_distance[zone] = distance
        else:
            state.second[zone] = site
            state.second_distance[zone] = distance
        _count(zone, 1.0, weight, state)


@numba.njit(cache=True, nogil=True)
def close_site(site: int, weight: FloatArray, near: NearSites, state: Nearest) -> int:
    """Close a site; returns the pairs looked at."""
    state.is_open[site] = False
    looked = int(near.zones.ptr[site + 1] - near.zones.ptr[site])
    for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
        zone = near.zones.idx[arc]
        if state.first[zone] == site or state.second[zone] == site:
            _count(zone, -1.0, weight, state)
            looked += _look_up(zone, weight, near, state)
    return looked


@numba.njit(cache=True, nogil=True)
def may_leave(leaving: int, site: int, spent: float, rules: Rules, city_open: IntArray) -> bool:
    """Whether limits let ``site`` open in place of an open one."""
    if rules.forced[leaving] or spent + rules.cost[site] - rules.cost[leaving] > rules.budget:
        return False
    from_city, to_city = rules.city[leaving], rules.city[site]
    if from_city == to_city:
        return True
    may_lose = city_open[from_city] > rules.least[from_city]
    return bool(may_lose and city_open[to_city] < rules.most[to_city])


class Work(NamedTuple):
    """Arrays of `best_leaving`, made once.

    Attributes
    ----------
    extra : float array, shape (num_sites,)
        Zero before and after every call.
    touched : int array, shape (2 num_sites,)
    """

    extra: FloatArray
    touched: IntArray


@numba.njit(cache=True, nogil=True)
def exchange_work(num_sites: int) -> Work:
    """Arrays for so many sites."""
    return Work(np.zeros(num_sites), np.empty(2 * num_sites, np.int64))


class Zones(NamedTuple):
    """What exchange knows of zones: weights, near sites, the two nearest open ones."""

    weight: FloatArray
    near: NearSites
    state: Nearest


@numba.njit(cache=True, nogil=True)
def best_leaving(
    site: int,
    offered: int,
    spent: float,
    rules: Rules,
    city_open: IntArray,
    zones: Zones,
    work: Work,
) -> tuple[float, float, int]:
    """Gain (1) of opening ``site``, and profit (4) with the best site to close for it.

    ``offered`` is a site to close that need not share a zone; -1 for none.
    """
    weight, near, state = zones
    extra, touched = work
    num_touched = 0
    gain = 0.0
    for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
        zone, distance = near.zones.idx[arc], near.zone_distance[arc]
        second = state.second_distance[zone]
        if distance >= second:
            continue
        first = state.first_distance[zone]
        if distance < first:
            gain += weight[zone] * (first - distance)
        k = state.first[zone]
        if k != NOBODY:
            taken_over = weight[zone] * (second - max(distance, first))
            # Nothing leaves no mark: the site comes again, at most as often as there are sites.
            if extra[k] == 0.0 and (taken_over > 0.0 or num_touched < len(extra)):
                touched[num_touched] = k
                num_touched += 1
            extra[k] += taken_over
    best, leaving = -np.inf, NOBODY
    if offered != NOBODY and may_leave(offered, site, spent, rules, city_open):
        best = gain - state.loss[offered] + extra[offered]
        leaving = offered
    for at in range(num_touched):
        k = touched[at]
        profit = gain - state.loss[k] + extra[k]
        if profit > best and may_leave(k, site, spent, rules, city_open):
            best, leaving = profit, k
        extra[k] = 0.0
    return gain, best, leaving


@numba.njit(cache=True, nogil=True)
def count_open(state: Nearest, rules: Rules) -> tuple[int, float, IntArray]:
    """Open sites, the money they take, and open sites by city."""
    num_open, spent = 0, 0.0
    city_open = np.zeros(len(rules.least), np.int64)
    for site in range(len(state.is_open)):
        if state.is_open[site]:
            num_open += 1
            spent += rules.cost[site]
            city_open[rules.city[site]] += 1
    return num_open, spent, city_open


@numba.njit(cache=True, nogil=True)
def _cheapest(state: Nearest, rules: Rules, city_open: IntArray, in_city: IntArray) -> int:
    """Open site that any other may replace at least loss; ``in_city`` gets that of each city."""
    in_city[:] = NOBODY
    anywhere = NOBODY
    for site in range(len(state.is_open)):
        if not state.is_open[site] or rules.forced[site]:
            continue
        city = rules.city[site]
        if in_city[city] == NOBODY or state.loss[site] < state.loss[in_city[city]]:
            in_city[city] = site
        if city_open[city] > rules.least[city] and (
            anywhere == NOBODY or state.loss[site] < state.loss[anywhere]
        ):
            anywhere = site
    return anywhere


@numba.njit(cache=True, nogil=True)
def _exchange_pass(
    order: IntArray,
    tolerance: float,
    rules: Rules,
    zones: Zones,
) -> int:
    weight, near, state = zones
    work = exchange_work(len(state.is_open))
    num_open, spent, city_open = count_open(state, rules)
    cheapest_in, cheapest = np.empty(len(rules.least), np.int64), NOBODY
    moves = 0
    stale = True
    for site in order:
        if state.is_open[site]:
            continue
        if stale:
            cheapest = _cheapest(state, rules, city_open, cheapest_in)
            stale = False
        city = rules.city[site]
        has_room = city_open[city] < rules.most[city]
        offered = cheapest_in[city]
        if (
            has_room
            and cheapest != NOBODY
            and (offered == NOBODY or state.loss[cheapest] < state.loss[offered])
        ):
            offered = cheapest
        gain, profit, leaving = best_leaving(site, offered, spent, rules, city_open, zones, work)
        if (
            has_room
            and num_open < rules.max_open
            and spent + rules.cost[site] <= rules.budget
            and gain > tolerance
        ):
            open_site(site, weight, near, state)
            num_open += 1
            spent += rules.cost[site]
            city_open[city] += 1
        elif profit > tolerance:
            close_site(leaving, weight, near, state)
            open_site(site, weight, near, state)
            spent += rules.cost[site] - rules.cost[leaving]
            city_open[rules.city[leaving]] -= 1
            city_open[city] += 1
        else:
            continue
        moves += 1
        stale = True
    return moves


@numba.njit(cache=True, nogil=True)
def _anneal(
    candidates: IntArray,
    num_pairs: int,
    temperatures: tuple[float, float],
    rng: np.random.Generator,
    rules: Rules,
    zones: Zones,
) -> None:
    weight, near, state = zones
    hot, cold = temperatures
    num_sites = len(state.is_open)
    work = exchange_work(num_sites)
    open_sites = np.flatnonzero(state.is_open)
    place = np.full(num_sites, -1)
    for at in range(len(open_sites)):
        place[open_sites[at]] = at
    _, spent, city_open = count_open(state, rules)
    looked = 0
    while looked < num_pairs:
        site = candidates[int(rng.random() * len(candidates))]
        looked += 1 + near.zones.ptr[site + 1] - near.zones.ptr[site]
        if state.is_open[site]:
            continue
        offered = open_sites[int(rng.random() * len(open_sites))]
        _, profit, leaving = best_leaving(site, offered, spent, rules, city_open, zones, work)
        if leaving == NOBODY:
            continue
        if profit < 0.0:
            temperature = hot * (cold / hot) ** (looked / num_pairs)
            if rng.random() >= np.exp(profit / temperature):
                continue
        looked += close_site(leaving, weight, near, state)
        open_site(site, weight, near, state)
        spent += rules.cost[site] - rules.cost[leaving]
        city_open[rules.city[leaving]] -= 1
        city_open[rules.city[site]] += 1
        place[site] = place[leaving]
        open_sites[place[site]] = site
        place[leaving] = -1


def nearest_tables(weight: FloatArray, near: NearSites, open_sites: IntArray) -> Nearest:
    """Build the tables of a plan.

    Parameters
    ----------
    weight : float array, shape (num_zones,)
    near : NearSites
    open_sites : int array
        Distinct positions in [0, near.num_sites).
    """
    state = Nearest(
        is_open=np.zeros(near.num_sites, dtype=np.bool_),
        first=np.full(near.num_zones, NOBODY, dtype=np.int32),
        second=np.full(near.num_zones, NOBODY, dtype=np.int32),
        first_distance=near.beyond.copy(),
        second_distance=near.beyond.copy(),
        loss=np.zeros(near.num_sites),
    )
    state.is_open[open_sites] = True
    _look_up_all(weight, near, state)
    return state


def listed_cost(weight: FloatArray, state: Nearest) -> float:
    """Weighted distance of a plan, zones without an open site in their list at ``beyond``."""
    return float(weight @ state.first_distance)


def exchange_pass(
    weight: FloatArray,
    near: NearSites,
    openings: Openings,
    state: Nearest,
    rng: np.random.Generator,
) -> int:
    """Offer every closed site, in random order, its opening or best exchange; make those that pay.

    Returns
    -------
    int
        Moves made; 0 once none improves the plan.
    """
    # Below this a move may be rounding only, and the search could go round in circles.
    tolerance = 1e-11 * max(listed_cost(weight, state), 1e-300)
    order = rng.permutation(near.num_sites)
    moves = _exchange_pass(order, tolerance, exchange_rules(openings), Zones(weight, near, state))
    _look_up_all(weight, near, state)  # takes out what rounding has left in the losses
    return int(moves)


def anneal(
    weight: FloatArray,
    near: NearSites,
    openings: Openings,
    state: Nearest,
    candidates: IntArray,
    *,
    num_pairs: int,
    hot: float,
    cold: float,
    rng: np.random.Generator,
) -> None:
    """Offer random exchanges and accept losses with falling probability (Kirkpatrick et al. 1983).

    Parameters
    ----------
    weight, near, openings
        As before; at least one site is open.
    state : Nearest
        Changed in place.
    candidates : int array
        Sites that may be opened, at least one.
    num_pairs : int
        Pairs of zone and site to look at: what the work is proportional to.
    hot, cold : float
        First and last temperature in units of weighted distance, hot >= cold > 0.
    rng : numpy.random.Generator
    """
    zones = Zones(weight, near, state)
    _anneal(candidates, num_pairs, (hot, cold), rng, exchange_rules(openings), zones)
    _look_up_all(weight, near, state)
