"""Bound flow refuelling closer than its linear relaxation: regions, each in whole stations.

The relaxation opens halves of stations. Its multipliers l_rS (`planner.models.refuelling.dual`)
also say what each set is worth to a path, and so how to share out the paths' worth and the
stations' price among regions, which are groups of sets: with

    v_rb  shares of path r:     sum_b v_rb + t_q(r) >= v_r, as the sums of l_rS over the sets of b
    w_jb  shares of site j:     sum_b w_jb = w_j,           as the sums of l_rS over j's sets of b
    t_q   max over the paths of flow q of (v_r - sum_S l_rS)^+ where q has several paths, else 0

no plan is worth more than

    (1)  sum_q t_q + max {sum_j w_j y_j: number and money}
           + sum_b max {sum_r v_rb u_r - sum_j w_jb y_j: u_r <= sum_{j in S} y_j, S in r and b}.

With y between 0 and 1 this is the bound of the multipliers; with y in {0, 1} it is less, the more
so the fewer paths and sites are shared by regions (Lagrangian decomposition: Guignard and Kim 1987,
Mathematical Programming 39:215-228). Sets are grouped so that what regions share is worth little.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from planner.arrays import FloatArray, IntArray
from planner.models.refuelling.dual import FlowDual
from planner.models.refuelling.presolve import Matrix, ReducedFlows, reduce_region

CELLS_PER_REGION = 15
"""Regions of the wanted size are put together from pieces of this part of it."""
NOTHING = 1e-9
"""Part of the mean value of a path below which a path's share is left out, and added to (1)."""


@dataclass(frozen=True)
class Region:
    """One maximum of (1).

    Attributes
    ----------
    rows : ReducedFlows
        Paths with their shares v_rb as value; ``cost`` is the price w_jb, ``site_idx`` the position
        in the whole problem. Any number of stations may be open.
    bound : float
        The maximum is no more, by the multipliers.
    """

    rows: ReducedFlows
    bound: float


def share_out(
    rows: ReducedFlows, dual: FlowDual, set_region: IntArray
) -> tuple[float, list[Region]]:
    """Equation (1): its constant, base value included, and its regions.

    Parameters
    ----------
    rows : ReducedFlows
    dual : FlowDual
        Of these rows.
    set_region : int array, shape (num_sets,)
        Region of each set.
    """
    entry_path, entry_set = _entries(rows)
    num_regions = int(set_region.max(initial=-1)) + 1
    left, entry_share = _shares_of_paths(rows, dual, entry_path)
    of_paths = (entry_path, set_region[entry_set])
    shape = (rows.num_paths, num_regions)
    value, dual_value = (
        _table(*of_paths, entry_share, shape),
        _table(*of_paths, dual.multiplier, shape),
    )
    paid, price, worth = _shares_of_sites(rows, dual, set_region)
    constant = rows.base_value + left + paid
    least = NOTHING * float(rows.value.mean()) if rows.num_paths else 0.0
    regions = []
    for region in range(num_regions):
        paths = np.flatnonzero(value[:, region] > least)
        constant += float(value[value[:, region] <= least, region].sum())
        gain = float(np.maximum(value - dual_value, 0.0)[paths, region].sum()) + float(
            np.maximum(worth - price, 0.0)[:, region].sum()
        )
        if len(paths) == 0 or gain <= 0.0:
            continue
        sets = np.flatnonzero(set_region == region)
        sites = np.unique(rows.members[sets].indices).astype(np.int64)
        part = ReducedFlows(
            value=value[paths, region],
            flow_idx=np.arange(len(paths)),
            needs=_cut_out(rows.needs, paths, sets),
            members=_cut_out(rows.members, sets, sites),
            site_idx=sites,
            cost=price[sites, region],
            num_stations=len(sites),
            budget=np.inf,
            base_value=0.0,
        )
        regions.append(Region(reduce_region(part, part.cost), gain))
    return constant, regions


def _entries(rows: ReducedFlows) -> tuple[IntArray, IntArray]:
    """Path and set of each entry of ``rows.needs``."""
    path = np.repeat(np.arange(rows.num_paths), np.diff(rows.needs.indptr))
    return path, rows.needs.indices.astype(np.int64)


def _table(row: Any, column: Any, value: Any, shape: tuple[int, int]) -> FloatArray:
    return np.asarray(scipy.sparse.csr_matrix((value, (row, column)), shape=shape).toarray())


def _cut_out(matrix: Matrix, row_idx: IntArray, column_idx: IntArray) -> Matrix:
    return scipy.sparse.csr_matrix(matrix[row_idx][:, column_idx])


def _shares_of_paths(
    rows: ReducedFlows, dual: FlowDual, entry_path: IntArray
) -> tuple[float, FloatArray]:
    """The sum of t_q, and what each path is worth to each of its sets: v_r - t_q in all."""
    several = np.bincount(rows.flow_idx, minlength=1) > 1
    surplus = np.zeros(len(several))
    np.maximum.at(surplus, rows.flow_idx, dual.path_slack)
    surplus[~several] = 0.0
    wanted = np.maximum(rows.value - surplus[rows.flow_idx], 0.0)
    priced = rows.value - dual.path_slack
    num_needs = np.bincount(entry_path, minlength=rows.num_paths)
    share = np.where(
        priced[entry_path] > 0.0,
        dual.multiplier / np.where(priced > 0.0, priced, 1.0)[entry_path],
        1.0 / num_needs[entry_path],
    )
    # Rounding of the slack must not make the shares of a path less than the path.
    total = np.bincount(entry_path, share, minlength=rows.num_paths)
    share /= np.maximum(total, 1e-300)[entry_path]
    return float(surplus.sum()), share * wanted[entry_path]


def _shares_of_sites(
    rows: ReducedFlows, dual: FlowDual, set_region: IntArray
) -> tuple[float, FloatArray, FloatArray]:
    """The most that a plan within the limits pays; prices w_jb; worths of sites to regions.

    Worths are the sums of multipliers. A price beyond what a site is worth goes where its worth is.
    """
    price, paid = _price_of_sites(rows, dual.site_worth)
    set_worth = np.bincount(rows.needs.indices, dual.multiplier, minlength=rows.num_sets)
    member_set = np.repeat(np.arange(rows.num_sets), np.diff(rows.members.indptr))
    of_sites = (rows.members.indices, set_region[member_set])
    shape = (rows.num_sites, int(set_region.max(initial=-1)) + 1)
    worth = _table(*of_sites, set_worth[member_set], shape)
    sets = _table(*of_sites, np.ones(len(member_set)), shape)
    part = np.where(worth.sum(axis=1)[:, None] > 0.0, worth, sets)
    part /= np.maximum(part.sum(axis=1), 1e-300)[:, None]
    return paid, part * price[:, None], worth


def _price_of_sites(rows: ReducedFlows, worth: FloatArray) -> tuple[FloatArray, float]:
    """Prices w_j that bound best by themselves, and the most that a plan within (3) pays."""
    in_order = np.sort(np.maximum(worth, 0.0))[::-1]
    each = float(in_order[rows.num_stations - 1]) if rows.num_stations <= len(worth) else 0.0
    options = [(np.full(len(worth), each), each * rows.num_stations)]
    if np.isfinite(rows.budget):
        rate = np.maximum(worth, 0.0) / np.maximum(rows.cost, 1e-300)
        order = np.argsort(-rate, kind="stable")
        over = np.flatnonzero(np.cumsum(rows.cost[order]) > rows.budget)
        of_money = float(rate[order[over[0]]]) if len(over) else 0.0
        options.append((of_money * rows.cost, of_money * rows.budget))
    return min(options, key=lambda each: each[1] + float(np.maximum(worth - each[0], 0.0).sum()))


def group_sets(rows: ReducedFlows, dual: FlowDual, max_sets: int) -> IntArray:
    """Regions of at most so many sets that share little.

    Pieces of the road net are put together, two at a time: those that share most for their size.
    What two pieces share is the sum, over driven paths and open stations of the relaxation, of the
    lesser of the two parts of its worth.

    Returns
    -------
    int array, shape (num_sets,)
        Region of each set.
    """
    piece = _pieces(rows, max(max_sets // CELLS_PER_REGION, 1))
    num_pieces = int(piece.max(initial=-1)) + 1
    entry_path, entry_set = _entries(rows)
    driven = np.ones(rows.num_paths)
    np.minimum.at(driven, entry_path, (rows.members @ dual.opening)[entry_set])
    set_worth = np.bincount(entry_set, dual.multiplier, minlength=rows.num_sets)
    member_set = np.repeat(np.arange(rows.num_sets), np.diff(rows.members.indptr))
    part = np.concatenate(
        (
            _table(piece[entry_set], entry_path, dual.multiplier * driven[entry_path],
                   (num_pieces, rows.num_paths)),
            _table(piece[member_set], rows.members.indices,
                   set_worth[member_set] * dual.opening[rows.members.indices],
                   (num_pieces, rows.num_sites)),
        ),
        axis=1,
    )  # fmt: skip
    part = np.ascontiguousarray(part[:, (part > 0).sum(axis=0) > 1])
    size = np.bincount(piece, minlength=num_pieces).astype(float)
    shared = np.array([np.minimum(part[each], part).sum(axis=1) for each in range(num_pieces)])
    shared = shared.reshape(num_pieces, num_pieces)
    np.fill_diagonal(shared, 0.0)
    region = np.arange(num_pieces)
    while True:
        may_join = (shared > 0.0) & (size[:, None] + size <= max_sets)
        if not may_join.any():
            break
        rate = np.where(may_join, shared / np.maximum(np.outer(size, size), 1.0), 0.0)
        first, second = divmod(int(np.argmax(rate)), num_pieces)
        part[first] += part[second]
        part[second] = 0.0
        size[first] += size[second]
        region[region == second] = first
        shared[first] = np.minimum(part[first], part).sum(axis=1)
        shared[first, first] = 0.0
        shared[:, first] = shared[first]
        shared[second] = shared[:, second] = 0.0
    return np.unique(region[piece], return_inverse=True)[1].astype(np.int64)


def _pieces(rows: ReducedFlows, max_sets: int) -> IntArray:
    """Cut the net in halves until no piece has more sets; the piece of each set.

    Sites are neighbours if they share sets, the nearer the more they share. A cut runs halfway
    between two sites that are far apart.
    """
    common = (rows.members.T @ rows.members).tocoo()
    hits = np.diff(rows.members.tocsc().indptr)
    apart = common.row != common.col
    row, column = common.row[apart], common.col[apart]
    length = np.minimum(hits[row], hits[column]) / common.data[apart]
    net = scipy.sparse.csr_matrix((length, (row, column)), shape=common.shape)
    weight = rows.members.T @ (1.0 / np.maximum(np.diff(rows.members.indptr), 1))
    waiting, whole = [np.arange(rows.num_sites)], []
    while waiting:
        sites = waiting.pop()
        if len(sites) <= 1 or weight[sites].sum() <= max_sets:
            whole.append(sites)
            continue
        part = net[sites][:, sites]
        count, component = connected_components(part, directed=False)
        if count > 1:
            waiting += [sites[component == each] for each in range(count)]
            continue
        from_one = _distances(part, int(np.argmax(_distances(part, 0))))
        from_other = _distances(part, int(np.argmax(from_one)))
        order = np.argsort(from_one - from_other, kind="stable")
        covered = np.cumsum(weight[sites][order])
        half = int(np.clip(np.searchsorted(covered, covered[-1] / 2), 1, len(sites) - 1))
        waiting += [sites[order[:half]], sites[order[half:]]]
    piece_of_site = np.zeros(rows.num_sites, dtype=np.int64)
    for each, sites in enumerate(whole):
        piece_of_site[sites] = each
    return _majority(rows, piece_of_site)


def _distances(net: Any, site: int) -> FloatArray:
    by_road: Any = dijkstra  # SciPy's stubs have no overload for a sparse net and one site
    return np.asarray(by_road(net, indices=site), dtype=np.float64)


def _majority(rows: ReducedFlows, piece_of_site: IntArray) -> IntArray:
    """The piece that holds most sites of each set."""
    num_pieces = int(piece_of_site.max(initial=-1)) + 1
    within = scipy.sparse.csr_matrix(
        (np.ones(rows.num_sites), (np.arange(rows.num_sites), piece_of_site)),
        shape=(rows.num_sites, num_pieces),
    )
    return np.asarray((rows.members @ within).argmax(axis=1)).ravel().astype(np.int64)
