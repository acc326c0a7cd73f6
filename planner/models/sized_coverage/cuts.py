"""Station capacity in covering, as constraints on openings and served shares.

Sets, polytope (1) and service as in :mod:`planner.models.sized_coverage.service`.

Seen from the openings y, the served shares x are feasible if and only if for every set S of rows

(2) sum_{i in S} a_i x_i <= sum_o min(K_o, a(S and N_j(o))) y_o        (max-flow min-cut).

A minimum cut of the network source -(a_i x_i)-> i -(a_i y_o)-> o -(K_o y_o)-> sink gives the set S
that violates (2) most: each o costs the cut y_o min(K_o, a(S and N_j)). Rows without load are left
out of (2). The cuts are those of Benders' decomposition on the flows (Fischetti, Ljubic and Sinnl
2016, EJOR 253:557-569, there for capacitated facility location), here without a master value.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import FloatArray, IntArray
from planner.models.sized_coverage.rows import SizedRows
from planner.models.sized_coverage.service import best_service

FLOW_UNITS = 2.0**50
"""Whole units into which separation cuts the total load."""


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
        rows.sites_of_row.idx[arc], rows.load[rows.row_of_arc[arc]], minlength=rows.num_sites
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
    requested = np.where(rows.load > 0, rows.load * np.clip(x, 0.0, 1.0), 0.0)
    total = float(requested.sum())
    if total <= 0.0:
        return []
    cuts: dict[bytes, tuple[float, CapacityCut]] = {}
    for zone_set in _minimum_cuts(rows, requested, opening, FLOW_UNITS / total):
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
    of these ratios, with all rows of that ratio or better to be served in full, states it.

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
    reached = (
        np.bincount(rows.row_of_arc, is_open[rows.sites_of_row.idx], minlength=rows.num_rows) > 0
    )
    reached &= rows.load > 0
    ratio = np.divide(rows.value, rows.load, out=np.zeros(rows.num_rows), where=reached)
    cuts: dict[bytes, CapacityCut] = {}
    for price in np.unique(service.site_price[service.site_price > 0]):
        requested = (reached & (ratio >= price)).astype(np.float64)
        for cut in separate_capacity(rows, requested, opening, tolerance=1e-9):
            cuts[cut.rows.tobytes()] = cut
    return list(cuts.values())


def _minimum_cuts(
    rows: SizedRows, requested: FloatArray, opening: FloatArray, units: float
) -> list[IntArray]:
    """Row sets of the minimum cut nearest the source and of that nearest the sink."""
    from ortools.graph.python import max_flow

    options = np.flatnonzero(opening > 1e-9)
    arcs = rows.arcs
    sites = rows.option_site[options]
    counts = arcs.rows_of_site.sizes[sites].astype(np.int64)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pair_row = arcs.rows_of_site.idx[
        np.repeat(arcs.rows_of_site.ptr[sites], counts) + within
    ].astype(np.int64)
    pair_option = np.repeat(np.arange(len(options)), counts)
    useful = requested[pair_row] > 0
    pair_row, pair_option = pair_row[useful], pair_option[useful]
    sources = np.flatnonzero(requested > 0)
    source, sink = 0, 1 + rows.num_rows + len(options)
    tail = np.concatenate(
        [np.full(len(sources), source), 1 + pair_row, 1 + rows.num_rows + np.arange(len(options))]
    )
    head = np.concatenate(
        [1 + sources, 1 + rows.num_rows + pair_option, np.full(len(options), sink)]
    )
    level = np.concatenate(
        [
            requested[sources],
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
        return []  # no cut is found: the bound stays what it is
    near_source = np.asarray(network.get_source_side_min_cut(), dtype=np.int64)
    near_sink = np.asarray(network.get_sink_side_min_cut(), dtype=np.int64)
    largest = np.setdiff1d(np.arange(1, 1 + rows.num_rows), near_sink)
    smallest = near_source[(near_source >= 1) & (near_source <= rows.num_rows)]
    sets = (np.sort(smallest) - 1, largest - 1)
    return [each[requested[each] > 0] for each in sets]


def _pieces(rows: SizedRows, zone_set: IntArray, opening: FloatArray) -> list[IntArray]:
    """Split a set of rows where no station that is open in part joins them."""
    if len(zone_set) == 0:
        return []
    is_open = np.bincount(rows.option_site, opening > 1e-9, minlength=rows.num_sites) > 0
    in_set = np.zeros(rows.num_rows, dtype=np.bool_)
    in_set[zone_set] = True
    arc = in_set[rows.row_of_arc] & is_open[rows.sites_of_row.idx]
    graph = scipy.sparse.coo_matrix(
        (np.ones(arc.sum()), (rows.row_of_arc[arc], rows.num_rows + rows.sites_of_row.idx[arc])),
        shape=(rows.num_rows + rows.num_sites,) * 2,
    )
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label[zone_set], kind="stable")
    ends = np.flatnonzero(np.diff(label[zone_set][order])) + 1
    return [np.sort(piece) for piece in np.split(zone_set[order], ends)]
