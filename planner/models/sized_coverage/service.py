"""Station capacity in covering: how much given stations serve, and cuts that say so.

Sets: rows i (zones with the same reach and the same value per load, merged) with value w_i and
load a_i, sites j, options o = (site j, type t) with capacity K_o, N(i) = sites reaching row i,
N_j = rows within reach of site j.

What open stations of capacity K_j can serve is the transport polytope

(1) sum_{j in N(i)} u_ij <= a_i,   sum_i u_ij <= K_j,   u >= 0,

its projection on the served loads u_i = sum_j u_ij a polymatroid: sum_i (w_i / a_i) u_i is
greatest when rows are served in the order of w_i / a_i, each as far as augmenting paths allow
(Edmonds 1970). Paths never take from a row what it has.

Seen from the openings y, the served shares x are feasible if and only if for every set S of rows

(2) sum_{i in S} a_i x_i <= sum_o min(K_o, a(S and N_j(o))) y_o        (max-flow min-cut).

A minimum cut of the network source -(a_i x_i)-> i -(a_i y_o)-> o -(K_o y_o)-> sink gives the set S
that violates (2) most: each o costs the cut y_o min(K_o, a(S and N_j)). Rows without load are left
out of (2). The cuts are those of Benders' decomposition on the flows (Fischetti, Ljubic and Sinnl
2016, EJOR 253:557-569, there for capacitated facility location), here without a master value.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numba
import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.incidence import equal_list_leaders

RATIO_BITS = 40
"""Zones whose value per load agrees in so many bits may be merged: they differ by rounding."""
ROUNDING = 1e-12
"""Remainders of room, flow or load below this fraction are rounding and dropped."""
FLOW_UNITS = 2.0**50
"""Whole units into which separation cuts the total load."""


class Arcs(NamedTuple):
    """The bipartite graph of :class:`SizedRows` for compiled loops.

    ``site_arc`` gives, parallel to ``site_row``, the position of the pair in ``row_site``.
    """

    row_ptr: IntArray
    row_site: IndexArray
    site_ptr: IntArray
    site_row: IndexArray
    site_arc: IntArray


@dataclass(frozen=True)
class SizedRows:
    """Sized covering over merged rows and the options that may be of use.

    Attributes
    ----------
    value, load : float arrays, shape (num_rows,)
        Sums over the zones merged; value > 0, load >= 0 [value, swaps/h].
    row_ptr, row_site : int arrays
        Sites that reach row i: ``row_site[row_ptr[i]:row_ptr[i + 1]]``, ascending; at least one.
    row_of_zone : int array, shape (num_zones,)
        Row of each original zone; -1 where it is worth nothing or out of reach.
    site_idx : int array, shape (num_sites,)
        Position of each site in the original problem, ascending.
    city_idx : int array, shape (num_sites,)
    forced : bool array, shape (num_sites,)
    option_ptr : int array, shape (num_sites + 1,)
        Options of site j: ``option_ptr[j]:option_ptr[j + 1]``, at least one, ascending in
        capacity and in cost.
    option_type : int array, shape (num_options,)
        Type in the original problem.
    capacity : float array, shape (num_options,)
        At most the load within reach: more is never used [swaps/h].
    cost : float array, shape (num_options,)
        Money [CNY].
    """

    value: FloatArray
    load: FloatArray
    row_ptr: IntArray
    row_site: IndexArray
    row_of_zone: IntArray
    site_idx: IntArray
    city_idx: IndexArray
    forced: BoolArray
    option_ptr: IntArray
    option_type: IntArray
    capacity: FloatArray
    cost: FloatArray

    @property
    def num_rows(self) -> int:
        """Number of merged rows."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return len(self.site_idx)

    @property
    def num_options(self) -> int:
        """Number of (site, type) pairs."""
        return len(self.capacity)

    @cached_property
    def option_site(self) -> IntArray:
        """Site of each option, shape (num_options,)."""
        return np.repeat(np.arange(self.num_sites), np.diff(self.option_ptr))

    @cached_property
    def row_of_arc(self) -> IntArray:
        """Row of each pair in ``row_site``."""
        return np.repeat(np.arange(self.num_rows), np.diff(self.row_ptr))

    @cached_property
    def arcs(self) -> Arcs:
        """The graph for compiled loops."""
        order = np.argsort(self.row_site, kind="stable")
        counts = np.bincount(self.row_site, minlength=self.num_sites)
        return Arcs(
            self.row_ptr,
            self.row_site,
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            self.row_of_arc[order].astype(np.int32),
            order.astype(np.int64),
        )

    @cached_property
    def unloaded(self) -> IntArray:
        """Rows without load."""
        return np.flatnonzero(self.load <= 0)

    @cached_property
    def serving_order(self) -> IntArray:
        """Rows with load, best value per load first; then those with the least choice."""
        loaded = np.flatnonzero(self.load > 0)
        degree = np.diff(self.row_ptr)[loaded]
        ratio = _rounded(self.value[loaded] / self.load[loaded])
        return np.asarray(loaded[np.lexsort((loaded, degree, -ratio))])


@dataclass(frozen=True)
class Service:
    """What given stations serve at best.

    Attributes
    ----------
    value : float
        Sum of the values served.
    served_frac : float array, shape (num_rows,)
    flow : float array, shape (num_arcs,)
        Load carried on each pair of ``row_site``; no station above its capacity [swaps/h].
    site_price : float array, shape (num_sites,)
        Value of one more unit of capacity at each open station: the value per load of the first
        row that it turned away, 0 where it turned none away.
    """

    value: float
    served_frac: FloatArray
    flow: FloatArray
    site_price: FloatArray


@dataclass(frozen=True)
class CapacityCut:
    """One constraint (2): ``load[rows] @ x[rows] <= coefficient @ y[options]``.

    Attributes
    ----------
    rows : int array
        S, ascending.
    options : int array
        Options that reach S, ascending.
    coefficient : float array, shape (len(options),)
        min(K_o, a(S and N_j)).
    """

    rows: IntArray
    options: IntArray
    coefficient: FloatArray


def _rounded(ratio: FloatArray) -> FloatArray:
    mantissa, exponent = np.frexp(ratio)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, RATIO_BITS)), exponent - RATIO_BITS))


def merge_sized_rows(problem: SizedCoverageProblem, *, money_matters: bool = True) -> SizedRows:
    """Merge zones and drop what no best plan needs.

    Zones with the same reach and the same value per load are served alike, so that merging them
    loses nothing; load is forgotten where no station within reach can be full. A type is dropped
    at a site if another costs no more there and carries no less of what the site reaches; a site,
    if it is not forced, reaches nothing and its city does not need it for its minimum.

    Parameters
    ----------
    problem : SizedCoverageProblem
        Not changed.
    money_matters : bool
        False if neither budget nor price asks for money: then one type a site is left, the
        cheapest of those that carry most.

    Returns
    -------
    SizedRows
    """
    coverage = problem.coverage
    usable = (problem.capacity.max(axis=1, initial=0.0) > 0) & ~coverage.forbidden
    needed = problem.min_stations > np.bincount(
        coverage.city_idx[coverage.forced], minlength=len(problem.min_stations)
    )
    reach = scipy.sparse.csr_matrix(
        (
            np.ones(len(coverage.reach_zone_idx)),
            coverage.reach_zone_idx,
            coverage.reach_ptr,
        ),
        shape=(coverage.num_sites, coverage.num_zones),
    )
    worth = coverage.value > 0
    load = _load_that_counts(problem, reach, usable, money_matters)
    reach_load = np.asarray(reach @ load).ravel()
    reaches = np.asarray(reach @ worth.astype(np.float64)).ravel() > 0
    keep = usable & (coverage.forced | reaches | needed[coverage.city_idx])
    site_idx = np.flatnonzero(keep)
    by_zone = reach[site_idx].tocsc()
    by_zone.sort_indices()
    ptr = by_zone.indptr.astype(np.int64)
    merged = _merge_zones(coverage.value, load, ptr, by_zone.indices)
    all_load = np.asarray(reach @ np.where(worth, problem.load, 0.0)).ravel()
    site, kind = _useful_options(problem, site_idx, all_load[site_idx], money_matters)
    return SizedRows(
        **merged._asdict(),
        site_idx=site_idx.astype(np.int64),
        city_idx=coverage.city_idx[site_idx],
        forced=coverage.forced[site_idx],
        option_ptr=np.searchsorted(site, np.arange(len(site_idx) + 1)).astype(np.int64),
        option_type=kind,
        capacity=np.minimum(problem.capacity[site_idx[site], kind], reach_load[site_idx[site]]),
        cost=problem.cost[site_idx[site], kind],
    )


def _load_that_counts(
    problem: SizedCoverageProblem,
    reach: scipy.sparse.csr_matrix,
    usable: BoolArray,
    money_matters: bool,
) -> FloatArray:
    """Load of each zone, 0 where no station within its reach can ever be full.

    A station that carries all there is within its reach asks for no constraint (2); zones that
    only such stations reach may be merged whatever their value per load.
    """
    load = np.where(problem.coverage.value > 0, problem.load, 0.0)
    fits = problem.capacity > 0
    if money_matters:
        least = np.where(fits, problem.capacity, np.inf).min(axis=1, initial=np.inf)
    else:
        least = problem.capacity.max(axis=1, initial=0.0)
    may_be_full = usable & (least < np.asarray(reach @ load).ravel())
    touched = np.asarray(reach.T @ may_be_full.astype(np.float64)).ravel() > 0
    return np.where(touched, load, 0.0)


class _MergedZones(NamedTuple):
    value: FloatArray
    load: FloatArray
    row_ptr: IntArray
    row_site: IndexArray
    row_of_zone: IntArray


def _merge_zones(
    value: FloatArray, load: FloatArray, zone_ptr: IntArray, zone_site: IndexArray
) -> _MergedZones:
    """One row for all zones of equal reach and equal value per load that are worth something."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(value > 0, load / value, -1.0)
    _, ratio_class = np.unique(_rounded(ratio), return_inverse=True)
    # The class stands in front of each list as one more entry.
    with_class = np.insert(zone_site.astype(np.int32), zone_ptr[:-1], ratio_class.astype(np.int32))
    leader = equal_list_leaders(
        Lists((zone_ptr + np.arange(len(zone_ptr))).astype(np.int64), with_class)
    )
    lengths = np.diff(zone_ptr)
    reached = (value > 0) & (lengths > 0)
    is_row = reached & (leader == np.arange(len(value)))
    row_of_zone = np.where(reached, (np.cumsum(is_row) - 1)[leader], -1).astype(np.int64)
    num_rows = int(is_row.sum())
    return _MergedZones(
        value=_sums(row_of_zone[reached], value[reached], num_rows),
        load=_sums(row_of_zone[reached], load[reached], num_rows),
        row_ptr=np.concatenate([[0], np.cumsum(lengths[is_row])]).astype(np.int64),
        row_site=zone_site[np.repeat(is_row, lengths)].astype(np.int32),
        row_of_zone=row_of_zone,
    )


def _sums(group: IntArray, quantity: FloatArray, num_groups: int) -> FloatArray:
    return np.bincount(group, quantity, minlength=num_groups).astype(np.float64)


def _useful_options(
    problem: SizedCoverageProblem, site_idx: IntArray, reach_load: FloatArray, money_matters: bool
) -> tuple[IntArray, IntArray]:
    """Site (position in ``site_idx``) and type of each option that nothing dominates."""
    fits = problem.capacity[site_idx] > 0
    capacity = np.where(fits, np.minimum(problem.capacity[site_idx], reach_load[:, None]), -1.0)
    cost = problem.cost[site_idx]
    kept = fits.copy()
    for kind in range(problem.num_types):
        for other in range(problem.num_types):
            if other == kind:
                continue
            no_dearer = cost[:, other] <= cost[:, kind]
            carries = capacity[:, other] >= capacity[:, kind]
            equal = (cost[:, other] == cost[:, kind]) & (capacity[:, other] == capacity[:, kind])
            if not money_matters:
                more = capacity[:, other] > capacity[:, kind]
                beats = more | (carries & no_dearer)
            else:
                beats = carries & no_dearer
            kept[:, kind] &= ~(fits[:, other] & beats & (~equal | (other < kind)))
    site, kind_of = np.nonzero(kept)
    order = np.lexsort((capacity[site, kind_of], site))
    return site[order].astype(np.int64), kind_of[order].astype(np.int64)


@numba.njit(cache=True, nogil=True)
def _find_path(
    arcs: Arcs,
    row: int,
    room: FloatArray,
    alive: BoolArray,
    flow: FloatArray,
    seen: IntArray,
    stamp: int,
    queue: IntArray,
    in_arc: IntArray,
    out_arc: IntArray,
) -> tuple[int, int]:
    """Breadth-first search from a row over full stations to one with room; (-1, reached) if none.

    The path to station s takes ``in_arc[s]`` on top of what it had, after taking ``out_arc[s]``
    off the station before; ``out_arc`` is -1 at the first.
    """
    num_reached, at = 0, 0
    for arc in range(arcs.row_ptr[row], arcs.row_ptr[row + 1]):
        site = arcs.row_site[arc]
        if alive[site] and seen[site] != stamp:
            seen[site] = stamp
            in_arc[site] = arc
            out_arc[site] = -1
            queue[num_reached] = site
            num_reached += 1
    while at < num_reached:
        site = queue[at]
        at += 1
        for place in range(arcs.site_ptr[site], arcs.site_ptr[site + 1]):
            used = arcs.site_arc[place]
            if flow[used] <= 0.0:
                continue
            other_row = arcs.site_row[place]
            for arc in range(arcs.row_ptr[other_row], arcs.row_ptr[other_row + 1]):
                other = arcs.row_site[arc]
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
    arcs: Arcs,
    end: int,
    need: float,
    room: FloatArray,
    flow: FloatArray,
    in_arc: IntArray,
    out_arc: IntArray,
) -> float:
    """Send as much of ``need`` as fits along the path that ends at station ``end``."""
    amount = min(need, room[end])
    site = end
    while out_arc[site] >= 0:
        amount = min(amount, flow[out_arc[site]])
        site = arcs.row_site[out_arc[site]]
    site = end
    room[end] -= amount
    while True:
        flow[in_arc[site]] += amount
        if out_arc[site] < 0:
            break
        flow[out_arc[site]] -= amount
        site = arcs.row_site[out_arc[site]]
    return float(amount)


@numba.njit(cache=True, nogil=True)
def _serve(
    arcs: Arcs,
    order: IntArray,
    value: FloatArray,
    load: FloatArray,
    capacity: FloatArray,
    flow: FloatArray,
    served: FloatArray,
    site_price: FloatArray,
) -> None:
    """Serve rows in the given order as far as augmenting paths allow; closed: capacity < 0.

    Stations that a failed search reached are full for good: no later path leaves them.
    """
    num_sites = len(capacity)
    room = np.maximum(capacity, 0.0)
    alive = capacity >= 0.0
    seen = np.zeros(num_sites, np.int64)
    queue = np.empty(num_sites, np.int64)
    in_arc = np.empty(num_sites, np.int64)
    out_arc = np.empty(num_sites, np.int64)
    stamp = 0
    for row in order:
        need = load[row]
        while need > ROUNDING * load[row]:
            best, end = -1, 0
            for arc in range(arcs.row_ptr[row], arcs.row_ptr[row + 1]):
                site = arcs.row_site[arc]
                if alive[site] and room[site] > 0.0 and (best < 0 or room[site] > room[end]):
                    best, end = arc, site
            if best >= 0:
                in_arc[end], out_arc[end] = best, -1
            else:
                stamp += 1
                end, num_reached = _find_path(
                    arcs, row, room, alive, flow, seen, stamp, queue, in_arc, out_arc
                )
                if end < 0:
                    for at in range(num_reached):
                        alive[queue[at]] = False
                        site_price[queue[at]] = value[row] / load[row]
                    break
            need -= _push(arcs, end, need, room, flow, in_arc, out_arc)
            if room[end] <= ROUNDING * capacity[end]:
                room[end] = 0.0
        served[row] = load[row] - need if need > ROUNDING * load[row] else load[row]


@numba.njit(cache=True, nogil=True)
def _serve_without_load(
    arcs: Arcs, unloaded: IntArray, capacity: FloatArray, served_frac: FloatArray
) -> None:
    for row in unloaded:
        for arc in range(arcs.row_ptr[row], arcs.row_ptr[row + 1]):
            if capacity[arcs.row_site[arc]] >= 0.0:
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
    flow = np.zeros(len(rows.row_site))
    served = np.zeros(rows.num_rows)
    site_price = np.zeros(rows.num_sites)
    _serve(rows.arcs, rows.serving_order, rows.value, rows.load, capacity, flow, served, site_price)
    served_frac = np.divide(served, rows.load, out=served, where=rows.load > 0)
    _serve_without_load(rows.arcs, rows.unloaded, capacity, served_frac)
    return Service(float(rows.value @ served_frac), served_frac, flow, site_price)


def served_flow(
    problem: SizedCoverageProblem, open_site_idx: IntArray, type_idx: IntArray
) -> tuple[FloatArray, float]:
    """The best service of given stations: max sum_i w_i x_i over the transport polytope (1).

    Parameters
    ----------
    problem : SizedCoverageProblem
        Locks and budgets are not looked at.
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
    carried = np.bincount(rows.row_site, service.flow, minlength=rows.num_sites)
    capacity = problem.capacity[open_site_idx]
    carries = (capacity > 0) & (capacity >= carried[:, None])
    given = np.arange(problem.num_types) == type_idx[:, None]
    cost = np.where(carries | given, problem.cost[open_site_idx], np.inf)
    return np.asarray(np.lexsort((capacity, cost), axis=1)[:, 0])


def rows_of_plan(
    problem: SizedCoverageProblem, open_site_idx: IntArray, type_idx: IntArray
) -> SizedRows:
    """Rows as the open stations see them: one option each, its capacity not cut down."""
    order = np.argsort(open_site_idx, kind="stable")
    sites = open_site_idx[order]
    reach = np.repeat(np.isin(np.arange(problem.coverage.num_sites), sites),
                      np.diff(problem.coverage.reach_ptr))  # fmt: skip
    site_of_arc = np.repeat(np.arange(len(sites)), np.diff(problem.coverage.reach_ptr)[sites])
    by_zone = scipy.sparse.csr_matrix(
        (
            np.ones(len(site_of_arc)),
            (problem.coverage.reach_zone_idx[reach], site_of_arc),
        ),
        shape=(problem.coverage.num_zones, len(sites)),
    )
    by_zone.sort_indices()
    ptr = by_zone.indptr.astype(np.int64)
    merged = _merge_zones(problem.coverage.value, problem.load, ptr, by_zone.indices)
    return SizedRows(
        **merged._asdict(),
        site_idx=sites,
        city_idx=problem.coverage.city_idx[sites],
        forced=np.ones(len(sites), dtype=np.bool_),
        option_ptr=np.arange(len(sites) + 1),
        option_type=type_idx[order],
        capacity=problem.capacity[sites, type_idx[order]],
        cost=problem.cost[sites, type_idx[order]],
    )


def capacity_cut(rows: SizedRows, zone_set: IntArray) -> CapacityCut:
    """Constraint (2) of a set of rows, its coefficients as small as they may be.

    Parameters
    ----------
    rows : SizedRows
    zone_set : int array
        Positions of rows with load, ascending.
    """
    in_set = np.zeros(rows.num_rows, dtype=np.bool_)
    in_set[zone_set] = True
    arc = in_set[rows.row_of_arc]
    set_load = np.bincount(
        rows.row_site[arc], rows.load[rows.row_of_arc[arc]], minlength=rows.num_sites
    )
    coefficient = np.minimum(rows.capacity, set_load[rows.option_site])
    options = np.flatnonzero(coefficient > 0)
    return CapacityCut(zone_set, options, coefficient[options])


def violation(rows: SizedRows, cut: CapacityCut, x: FloatArray, opening: FloatArray) -> float:
    """By how much (x, y) violates a cut [swaps/h]; <= 0 if it does not."""
    served = rows.load[cut.rows] @ x[cut.rows]
    return float(served - cut.coefficient @ opening[cut.options])


def separate_capacity(
    rows: SizedRows, x: FloatArray, opening: FloatArray, *, tolerance: float = 1e-6
) -> list[CapacityCut]:
    """Constraints (2) that a point violates, most violated first; none if it satisfies all.

    The smallest and the largest minimum cut each fall into pieces that share no open station;
    every piece is a cut of its own.

    Parameters
    ----------
    rows : SizedRows
    x : float array, shape (num_rows,)
        Served shares in [0, 1].
    opening : float array, shape (num_options,)
        y in [0, 1], fractional or not.
    tolerance : float
        A cut is returned if violated by more than this fraction of the load of its set.

    Returns
    -------
    list of CapacityCut
    """
    asked = np.where(rows.load > 0, rows.load * np.clip(x, 0.0, 1.0), 0.0)
    total = float(asked.sum())
    if total <= 0.0:
        return []
    cuts: dict[bytes, tuple[float, CapacityCut]] = {}
    for zone_set in _minimum_cuts(rows, asked, opening, FLOW_UNITS / total):
        for piece in _pieces(rows, zone_set, opening):
            cut = capacity_cut(rows, piece)
            excess = violation(rows, cut, x, opening)
            if excess > tolerance * float(rows.load[piece].sum()):
                cuts[piece.tobytes()] = (excess, cut)
    return [cut for _, cut in sorted(cuts.values(), key=lambda item: -item[0])]


def service_cuts(rows: SizedRows, option: IntArray) -> list[CapacityCut]:
    """Constraints (2) that together give given stations their best service, and no more.

    By (1) the value of the best service is the sum over the distinct ratios r_1 > r_2 > ... of
    w_i / a_i of (r_k - r_(k+1)) times what can be carried of the rows of ratio r_k or better, and
    only where a station turned rows away is that less than their load. A minimum cut for each
    of these ratios, with all rows of that ratio or better asked for in full, states it.

    Parameters
    ----------
    rows : SizedRows
    option : int array, shape (num_sites,)
        Option at each site; -1 where there is no station.

    Returns
    -------
    list of CapacityCut
    """
    is_open = option >= 0
    capacity = np.full(rows.num_sites, -1.0)
    capacity[is_open] = rows.capacity[option[is_open]]
    opening = np.zeros(rows.num_options)
    opening[option[is_open]] = 1.0
    service = best_service(rows, capacity)
    reached = np.bincount(rows.row_of_arc, is_open[rows.row_site], minlength=rows.num_rows) > 0
    reached &= rows.load > 0
    ratio = np.divide(rows.value, rows.load, out=np.zeros(rows.num_rows), where=reached)
    cuts: dict[bytes, CapacityCut] = {}
    for price in np.unique(service.site_price[service.site_price > 0]):
        asked = (reached & (ratio >= price)).astype(np.float64)
        for cut in separate_capacity(rows, asked, opening, tolerance=1e-9):
            cuts[cut.rows.tobytes()] = cut
    return list(cuts.values())


def _minimum_cuts(
    rows: SizedRows, asked: FloatArray, opening: FloatArray, units: float
) -> list[IntArray]:
    """Row sets of the minimum cut nearest the source and of that nearest the sink."""
    from ortools.graph.python import max_flow

    options = np.flatnonzero(opening > 1e-9)
    arcs = rows.arcs
    sites = rows.option_site[options]
    counts = (arcs.site_ptr[sites + 1] - arcs.site_ptr[sites]).astype(np.int64)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pair_row = arcs.site_row[np.repeat(arcs.site_ptr[sites], counts) + within].astype(np.int64)
    pair_option = np.repeat(np.arange(len(options)), counts)
    useful = asked[pair_row] > 0
    pair_row, pair_option = pair_row[useful], pair_option[useful]
    sources = np.flatnonzero(asked > 0)
    source, sink = 0, 1 + rows.num_rows + len(options)
    tail = np.concatenate(
        [np.full(len(sources), source), 1 + pair_row, 1 + rows.num_rows + np.arange(len(options))]
    )
    head = np.concatenate(
        [1 + sources, 1 + rows.num_rows + pair_option, np.full(len(options), sink)]
    )
    level = np.concatenate(
        [
            asked[sources],
            rows.load[pair_row] * opening[options][pair_option],
            rows.capacity[options] * opening[options],
        ]
    )
    network = max_flow.SimpleMaxFlow()
    network.add_arcs_with_capacity(
        tail.astype(np.int32),
        head.astype(np.int32),
        np.minimum(np.floor(level * units), 4.0 * FLOW_UNITS).astype(np.int64),
    )
    status = network.solve(source, sink)
    if status != network.OPTIMAL:
        raise RuntimeError(f"maximum flow ended with {status}")
    near_source = np.asarray(network.get_source_side_min_cut(), dtype=np.int64)
    near_sink = np.asarray(network.get_sink_side_min_cut(), dtype=np.int64)
    largest = np.setdiff1d(np.arange(1, 1 + rows.num_rows), near_sink)
    smallest = near_source[(near_source >= 1) & (near_source <= rows.num_rows)]
    sets = (np.sort(smallest) - 1, largest - 1)
    return [each[asked[each] > 0] for each in sets]


def _pieces(rows: SizedRows, zone_set: IntArray, opening: FloatArray) -> list[IntArray]:
    """Split a set of rows where no station that is open in part joins them."""
    if len(zone_set) == 0:
        return []
    is_open = np.bincount(rows.option_site, opening > 1e-9, minlength=rows.num_sites) > 0
    in_set = np.zeros(rows.num_rows, dtype=np.bool_)
    in_set[zone_set] = True
    arc = in_set[rows.row_of_arc] & is_open[rows.row_site]
    graph = scipy.sparse.coo_matrix(
        (np.ones(arc.sum()), (rows.row_of_arc[arc], rows.num_rows + rows.row_site[arc])),
        shape=(rows.num_rows + rows.num_sites,) * 2,
    )
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label[zone_set], kind="stable")
    ends = np.flatnonzero(np.diff(label[zone_set][order])) + 1
    return [np.sort(piece) for piece in np.split(zone_set[order], ends)]
