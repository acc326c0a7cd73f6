"""Station capacity in covering: how much given stations serve.

Sets: rows i (zones with the same reach and the same value per load, merged) with value w_i and
load a_i, sites j, options o = (site j, type t) with capacity K_o, N(i) = sites reaching row i,
N_j = rows within reach of site j.

What open stations of capacity K_j can serve is the transport polytope

(1) sum_{j in N(i)} u_ij <= a_i,   sum_i u_ij <= K_j,   u >= 0,

its projection on the served loads u_i = sum_j u_ij a polymatroid: sum_i (w_i / a_i) u_i is
greatest when rows are served in the order of w_i / a_i, each as far as augmenting paths allow
(Edmonds 1970). Paths never take from a row what it has.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import Arcs, Demand, SizedRows, rows_of_plan

MANY_CLOSED = 3
"""With fewer than one in so many sites open, looking at their pairs alone is faster."""
ROUNDING = 1e-12
"""Remainders of room, flow or load below this fraction are rounding and dropped."""


@dataclass(frozen=True)
class Service:
    """What given stations serve at best.

    Attributes
    ----------
    value : float
        Sum of the values served.
    served_frac : float array, shape (num_rows,)
    flow : float array, shape (num_arcs,)
        Load carried on each pair of ``sites_of_row.idx``; no station above its capacity [swaps/h].
    site_price : float array, shape (num_sites,)
        Value of one more unit of capacity at each open station: the value per load of the first
        row that it turned away, 0 where it turned none away.
    """

    value: float
    served_frac: FloatArray
    flow: FloatArray
    site_price: FloatArray


class Stations(NamedTuple):
    """Capacity left at each site, and whether a path may still end or pass there."""

    room: FloatArray
    alive: BoolArray


class Paths(NamedTuple):
    """Memory of the searches for augmenting paths.

    The path to station s takes ``in_arc[s]`` on top of what it had, after taking ``out_arc[s]``
    off the station before; ``out_arc`` is -1 at the first. ``seen`` has the number of the last
    search that reached the station, ``queue`` the stations in the order of reaching them.
    """

    seen: IntArray
    queue: IntArray
    in_arc: IntArray
    out_arc: IntArray


class Served(NamedTuple):
    """What is served: flow by pair, load by row, price of capacity by site; filled in place."""

    flow: FloatArray
    load: FloatArray
    site_price: FloatArray


@numba.njit(cache=True, nogil=True)
def _find_path(
    arcs: Arcs, row: int, stations: Stations, flow: FloatArray, paths: Paths, stamp: int
) -> tuple[int, int]:
    """Breadth-first search from a row over full stations to one with room; (-1, reached) if none.

    Stations reached get the number of the search, ``stamp``.
    """
    room, alive = stations
    seen, queue, in_arc, out_arc = paths
    num_reached, at = 0, 0
    for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
        site = arcs.sites_of_row.idx[arc]
        if alive[site] and seen[site] != stamp:
            seen[site] = stamp
            in_arc[site] = arc
            out_arc[site] = -1
            queue[num_reached] = site
            num_reached += 1
    while at < num_reached:
        site = queue[at]
        at += 1
        for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
            used = arcs.pair_of_entry[place]
            if flow[used] <= 0.0:
                continue
            other_row = arcs.rows_of_site.idx[place]
            for arc in range(
                arcs.sites_of_row.ptr[other_row], arcs.sites_of_row.ptr[other_row + 1]
            ):
                other = arcs.sites_of_row.idx[arc]
                if alive[other] and seen[other] != stamp:
                    seen[other] = stamp
                    in_arc[other] = arc
                    out_arc[other] = used
                    if room[other] > 0.0:
                        return other, num_reached
                    queue[num_reached] = other
                    num_reached += 1
    return -1, num_reached


@numba.njit(cache=True, nogil=True)
def _push(
    arcs: Arcs, end: int, need: float, room: FloatArray, flow: FloatArray, paths: Paths
) -> float:
    """Send as much of ``need`` as fits along the path that ends at station ``end``."""
    in_arc, out_arc = paths.in_arc, paths.out_arc
    amount = min(need, room[end])
    site = end
    while out_arc[site] >= 0:
        amount = min(amount, flow[out_arc[site]])
        site = arcs.sites_of_row.idx[out_arc[site]]
    site = end
    room[end] -= amount
    while True:
        flow[in_arc[site]] += amount
        if out_arc[site] < 0:
            break
        flow[out_arc[site]] -= amount
        site = arcs.sites_of_row.idx[out_arc[site]]
    return float(amount)


@numba.njit(cache=True, nogil=True)
def _open_arcs(arcs: Arcs, is_open: BoolArray) -> tuple[Arcs, IntArray]:
    """Pairs of open stations alone, and where each stands in ``arcs``.

    Rows of a station are those with another one: paths need no others.
    """
    ptr, idx = arcs.sites_of_row
    num_rows, num_sites = len(ptr) - 1, len(is_open)
    row_ptr = np.zeros_like(ptr)
    origin = np.empty(len(idx), np.int64)
    at_open = np.full(len(idx), -1)
    num_open = 0
    for row in range(num_rows):
        for arc in range(ptr[row], ptr[row + 1]):
            if is_open[idx[arc]]:
                origin[num_open] = arc
                at_open[arc] = num_open
                num_open += 1
        row_ptr[row + 1] = num_open
    origin = origin[:num_open]
    site_ptr = np.zeros_like(arcs.rows_of_site.ptr)
    entry_row = np.empty(num_open, arcs.rows_of_site.idx.dtype)
    entry_pair = np.empty(num_open, np.int64)
    num_entries = 0
    for site in range(num_sites):
        if is_open[site]:
            for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
                row = arcs.rows_of_site.idx[place]
                if row_ptr[row + 1] - row_ptr[row] > 1:
                    entry_row[num_entries] = row
                    entry_pair[num_entries] = at_open[arcs.pair_of_entry[place]]
                    num_entries += 1
        site_ptr[site + 1] = num_entries
    sites_of_row = Lists(row_ptr, idx[origin])
    rows_of_site = Lists(site_ptr, entry_row[:num_entries])
    return Arcs(sites_of_row, rows_of_site, entry_pair[:num_entries]), origin


@numba.njit(cache=True, nogil=True)
def _serve(arcs: Arcs, order: IntArray, demand: Demand, capacity: FloatArray, out: Served) -> None:
    """Serve rows in the given order as far as augmenting paths allow; closed: capacity < 0.

    Stations that a failed search reached are full for good: no later path leaves them.
    """
    value, load = demand
    flow, served, site_price = out
    num_sites = len(capacity)
    stations = Stations(np.maximum(capacity, 0.0), capacity >= 0.0)
    room, alive = stations
    paths = Paths(
        np.zeros(num_sites, np.int64),
        np.empty(num_sites, np.int64),
        np.empty(num_sites, np.int64),
        np.empty(num_sites, np.int64),
    )
    queue, in_arc, out_arc = paths.queue, paths.in_arc, paths.out_arc
    stamp = 0
    for row in order:
        need = load[row]
        while need > ROUNDING * load[row]:
            best, end = -1, 0
            for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
                site = arcs.sites_of_row.idx[arc]
                if alive[site] and room[site] > 0.0 and (best < 0 or room[site] > room[end]):
                    best, end = arc, site
            if best >= 0:
                in_arc[end], out_arc[end] = best, -1
            else:
                stamp += 1
                end, num_reached = _find_path(arcs, row, stations, flow, paths, stamp)
                if end < 0:
                    for at in range(num_reached):
                        alive[queue[at]] = False
                        site_price[queue[at]] = value[row] / load[row]
                    break
            need -= _push(arcs, end, need, room, flow, paths)
            if room[end] <= ROUNDING * capacity[end]:
                room[end] = 0.0
        served[row] = load[row] - need if need > ROUNDING * load[row] else load[row]


@numba.njit(cache=True, nogil=True)
def _serve_without_load(
    arcs: Arcs, unloaded: IntArray, capacity: FloatArray, served_frac: FloatArray
) -> None:
    for row in unloaded:
        for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
            if capacity[arcs.sites_of_row.idx[arc]] >= 0.0:
                served_frac[row] = 1.0
                break


def best_service(rows: SizedRows, capacity: FloatArray) -> Service:
    """Greatest value that stations of given capacity serve, exact by polymatroid greedy.

    Parameters
    ----------
    rows : SizedRows
    capacity : float array, shape (num_sites,)
        Capacity of the station at each site; < 0 where there is none [swaps/h].

    Returns
    -------
    Service
    """
    out = Served(
        np.zeros(rows.sites_of_row.num_entries), np.zeros(rows.num_rows), np.zeros(rows.num_sites)
    )
    is_open = capacity >= 0.0
    if MANY_CLOSED * int(is_open.sum()) < rows.num_sites:
        arcs, origin = _open_arcs(rows.arcs, is_open)
        few = out._replace(flow=np.zeros(len(origin)))
        _serve(arcs, rows.serving_order, rows.demand, capacity, few)
        out.flow[origin] = few.flow
    else:
        _serve(rows.arcs, rows.serving_order, rows.demand, capacity, out)
    served_frac = np.divide(out.load, rows.load, out=out.load, where=rows.load > 0)
    _serve_without_load(rows.arcs, rows.unloaded, capacity, served_frac)
    return Service(float(rows.value @ served_frac), served_frac, out.flow, out.site_price)


def served_flow(
    problem: SizedCoverageProblem, open_site_idx: IntArray, type_idx: IntArray
) -> tuple[FloatArray, float]:
    """The best service of given stations: max sum_i w_i x_i over the transport polytope (1).

    Parameters
    ----------
    problem : SizedCoverageProblem
        Locks and limits are not looked at.
    open_site_idx, type_idx : int arrays, shape (num_open,)
        Stations and their types.

    Returns
    -------
    served_frac : float array, shape (num_zones,)
        Share of each zone that is served; 0 where it is worth nothing.
    value : float
        Correctly rounded sum of value * served_frac.
    """
    rows = rows_of_plan(problem, open_site_idx, type_idx)
    service = best_service(rows, rows.capacity)
    has_row = rows.row_of_zone >= 0
    served_frac = np.zeros(problem.coverage.num_zones)
    served_frac[has_row] = service.served_frac[rows.row_of_zone[has_row]]
    return served_frac, math.fsum(problem.coverage.value * served_frac)


def smallest_types(
    problem: SizedCoverageProblem, open_site_idx: IntArray, type_idx: IntArray
) -> IntArray:
    """Per station the cheapest type that carries what it carries with the given type.

    What the stations serve together stays the same. Meant for plans in which money plays no part.

    Parameters
    ----------
    problem : SizedCoverageProblem
    open_site_idx, type_idx : int arrays, shape (num_open,)
        Stations, ascending, and their types.

    Returns
    -------
    int array, shape (num_open,)
    """
    rows = rows_of_plan(problem, open_site_idx, type_idx)
    service = best_service(rows, rows.capacity)
    carried = np.bincount(rows.sites_of_row.idx, service.flow, minlength=rows.num_sites)
    capacity = problem.capacity[open_site_idx]
    carries = (capacity > 0) & (capacity >= carried[:, None])
    given = np.arange(problem.num_types) == type_idx[:, None]
    cost = np.where(carries | given, problem.rules.cost[open_site_idx], np.inf)
    return np.asarray(np.lexsort((capacity, cost), axis=1)[:, 0])


@numba.njit(cache=True, nogil=True)
def value_served(
    arcs: Arcs, order: IntArray, unloaded: IntArray, demand: Demand, capacity: FloatArray
) -> float:
    """Value of :func:`best_service`, for compiled loops.

    Parameters
    ----------
    arcs, order, unloaded, demand
        Arrays of the rows: ``arcs``, ``serving_order``, ``unloaded`` and ``demand``.
    capacity : float array, shape (num_sites,)
        Of the station at each site; < 0 where there is none [swaps/h].
    """
    value, load = demand
    num_rows, num_sites = len(value), len(capacity)
    is_open = capacity >= 0.0
    if MANY_CLOSED * is_open.sum() < num_sites:
        arcs, _ = _open_arcs(arcs, is_open)
    out = Served(np.zeros(len(arcs.sites_of_row.idx)), np.zeros(num_rows), np.zeros(num_sites))
    _serve(arcs, order, demand, capacity, out)
    for row in range(num_rows):
        if load[row] > 0.0:
            out.load[row] /= load[row]
    _serve_without_load(arcs, unloaded, capacity, out.load)
    total = 0.0
    for row in range(num_rows):
        total += value[row] * out.load[row]
    return total
