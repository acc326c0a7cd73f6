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

from planner.problem import BoolArray, FloatArray, IndexArray, IntArray
from planner.solving.median_dual import Openings
from planner.solving.near_sites import NearSites

NOBODY = -1


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
    looked = int(near.zone_ptr[zone + 1] - near.zone_ptr[zone])
    state.first[zone], state.second[zone] = NOBODY, NOBODY
    state.first_distance[zone] = state.second_distance[zone] = near.beyond[zone]
    for arc in range(near.zone_ptr[zone], near.zone_ptr[zone + 1]):
        site = near.site[arc]
        if state.is_open[site]:
            if state.first[zone] == NOBODY:
                state.first[zone] = site
                state.first_distance[zone] = near.distance[arc]
            else:
                state.second[zone] = site
                state.second_distance[zone] = near.distance[arc]
                looked = int(arc - near.zone_ptr[zone])
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
def _open(site: int, weight: FloatArray, near: NearSites, state: Nearest) -> None:
    state.is_open[site] = True
    state.loss[site] = 0.0
    for arc in range(near.site_ptr[site], near.site_ptr[site + 1]):
        zone, distance = near.zone[arc], near.zone_distance[arc]
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
def _close(site: int, weight: FloatArray, near: NearSites, state: Nearest) -> int:
    """Close a site; returns the pairs looked at."""
    state.is_open[site] = False
    looked = int(near.site_ptr[site + 1] - near.site_ptr[site])
    for arc in range(near.site_ptr[site], near.site_ptr[site + 1]):
        zone = near.zone[arc]
        if state.first[zone] == site or state.second[zone] == site:
            _count(zone, -1.0, weight, state)
            looked += _look_up(zone, weight, near, state)
    return looked


@numba.njit(cache=True, nogil=True)
def _best_leaving(
    site: int,
    offered: int,
    least_cost: float,
    cost: FloatArray,
    forced: BoolArray,
    weight: FloatArray,
    near: NearSites,
    state: Nearest,
    extra: FloatArray,
    touched: IntArray,
) -> tuple[float, float, int]:
    """Gain (1) of opening ``site``, and profit (4) with the best site to close for it.

    ``offered`` is a site to close that need not share a zone; -1 for none. Only sites that cost
    at least ``least_cost`` and are not forced may close. ``extra`` comes in as zeros and is left
    so.
    """
    num_touched = 0
    gain = 0.0
    for arc in range(near.site_ptr[site], near.site_ptr[site + 1]):
        zone, distance = near.zone[arc], near.zone_distance[arc]
        second = state.second_distance[zone]
        if distance >= second:
            continue
        first = state.first_distance[zone]
        if distance < first:
            gain += weight[zone] * (first - distance)
        k = state.first[zone]
        if k != NOBODY:
            if extra[k] == 0.0:
                touched[num_touched] = k
                num_touched += 1
            extra[k] += weight[zone] * (second - max(distance, first))
    best, leaving = -np.inf, NOBODY
    if offered != NOBODY and not forced[offered] and cost[offered] >= least_cost:
        best = gain - state.loss[offered] + extra[offered]
        leaving = offered
    for at in range(num_touched):
        k = touched[at]
        profit = gain - state.loss[k] + extra[k]
        if profit > best and not forced[k] and cost[k] >= least_cost:
            best, leaving = profit, k
        extra[k] = 0.0
    return gain, best, leaving


@numba.njit(cache=True, nogil=True)
def _exchange_pass(
    order: IntArray,
    tolerance: float,
    max_open: int,
    budget: float,
    cost: FloatArray,
    forced: BoolArray,
    weight: FloatArray,
    near: NearSites,
    state: Nearest,
) -> int:
    num_sites = len(state.is_open)
    extra, touched = np.zeros(num_sites), np.empty(num_sites, np.int64)
    num_open, spent = 0, 0.0
    for site in range(num_sites):
        if state.is_open[site]:
            num_open += 1
            spent += cost[site]
    moves = 0
    cheapest, stale = NOBODY, True
    for site in order:
        if state.is_open[site]:
            continue
        if stale:
            cheapest, stale = NOBODY, False
            for k in range(num_sites):
                if (
                    state.is_open[k]
                    and not forced[k]
                    and (cheapest == NOBODY or state.loss[k] < state.loss[cheapest])
                ):
                    cheapest = k
        gain, profit, leaving = _best_leaving(
            site,
            cheapest,
            spent + cost[site] - budget,
            cost,
            forced,
            weight,
            near,
            state,
            extra,
            touched,
        )
        if num_open < max_open and spent + cost[site] <= budget and gain > tolerance:
            _open(site, weight, near, state)
            num_open += 1
            spent += cost[site]
        elif profit > tolerance:
            _close(leaving, weight, near, state)
            _open(site, weight, near, state)
            spent += cost[site] - cost[leaving]
        else:
            continue
        moves += 1
        stale = True
    return moves


@numba.njit(cache=True, nogil=True)
def _anneal(
    candidates: IntArray,
    num_pairs: int,
    hot: float,
    cold: float,
    budget: float,
    rng: np.random.Generator,
    cost: FloatArray,
    forced: BoolArray,
    weight: FloatArray,
    near: NearSites,
    state: Nearest,
) -> None:
    num_sites = len(state.is_open)
    extra, touched = np.zeros(num_sites), np.empty(num_sites, np.int64)
    open_sites = np.flatnonzero(state.is_open)
    place = np.full(num_sites, -1)
    spent = 0.0
    for at in range(len(open_sites)):
        place[open_sites[at]] = at
        spent += cost[open_sites[at]]
    looked = 0
    while looked < num_pairs:
        site = candidates[int(rng.random() * len(candidates))]
        looked += 1 + near.site_ptr[site + 1] - near.site_ptr[site]
        if state.is_open[site]:
            continue
        offered = open_sites[int(rng.random() * len(open_sites))]
        _, profit, leaving = _best_leaving(
            site,
            offered,
            spent + cost[site] - budget,
            cost,
            forced,
            weight,
            near,
            state,
            extra,
            touched,
        )
        if leaving == NOBODY:
            continue
        if profit < 0.0:
            temperature = hot * (cold / hot) ** (looked / num_pairs)
            if rng.random() >= np.exp(profit / temperature):
                continue
        looked += _close(leaving, weight, near, state)
        _open(site, weight, near, state)
        spent += cost[site] - cost[leaving]
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
    moves = _exchange_pass(
        order, tolerance, openings.max_open, openings.budget, openings.cost, openings.forced,
        weight, near, state,
    )  # fmt: skip
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
    _anneal(
        candidates, num_pairs, hot, cold, openings.budget, rng, openings.cost, openings.forced,
        weight, near, state,
    )  # fmt: skip
    _look_up_all(weight, near, state)
