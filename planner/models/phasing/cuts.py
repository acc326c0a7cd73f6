"""Cuts for :mod:`planner.models.phasing.crowding`, from the best service of a plan.

Where the stations of a column turn load away, those within reach of it are full, and so are all
that could take over any row they serve: an augmenting path would be found otherwise. The rows that
full stations serve or turn away fall into components that share no station; each is a cut.

The best value per load is served first, so that of rows worth r_1 > r_2 > ... per load

(2) sum_k (r_k - r_(k+1)) times what is turned away of rows worth r_k or more

is lost. Each component gives cuts at each level k of what it turns away, at these differences as
prices. Where there are many levels the next are taken together, at their mean.

A site without a station could carry min(K_j, a(S and N_j)) of a cut. It is counted with the share
of S in all the load it reaches, of min(K_j, a(N_j)): what it would carry otherwise lies outside of
the cut, and cuts that tell of it come only when it stands there. Counted in full, stations gather
at the rims of cuts and are full once more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.phasing.crowding import Crowding, CutEntries, crowding_of, no_crowding
from planner.models.phasing.problem import CLOSED, PhasedProblem
from planner.models.phasing.rows import PhasedRows
from planner.models.phasing.service import ColumnService
from planner.models.phasing.sizes import plain_types
from planner.models.sized_coverage.rows import SizedRows
from planner.models.sized_coverage.service import Service

NUM_LEVELS = 6
"""Levels of a component at most."""
ALIKE = 1e-9
"""Values per load that differ by less than this fraction differ by rounding."""


@dataclass(frozen=True)
class Amounts:
    """A sparse matrix with a column for each cut."""

    member: IntArray
    cut: IntArray
    amount: FloatArray


@dataclass(frozen=True)
class CutFamily:
    """The cuts of one plan; those of one column are disjoint.

    Attributes
    ----------
    column : int array, shape (num_cuts,)
    price : float array, shape (num_cuts,)
        Value per load of what is turned away.
    base : float array, shape (num_cuts,)
        Load served for good, less what stations outside of the rows' sites can carry [swaps/h].
    of_site, of_row, of_zone : Amounts
        What sites can carry, and the loads of rows and of zones [swaps/h].
    """

    column: IntArray
    price: FloatArray
    base: FloatArray
    of_site: Amounts
    of_row: Amounts
    of_zone: Amounts


def cuts_of_plan(
    problem: PhasedProblem,
    rows: PhasedRows,
    table: IndexArray,
    served: Sequence[ColumnService],
) -> CutFamily:
    """The cuts that say what a plan turns away.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
        Of the problem.
    table : int array, shape (num_sites, num_nodes)
        Type at every site and node, -1 where there is none.
    served : sequence of ColumnService
        What the plan serves.
    """
    kinds = plain_types(problem)
    whole = np.where(table == CLOSED, kinds[:, None], table)
    return _joined(
        [
            family
            for column, each in enumerate(served)
            for family in _cuts_of_column(
                problem, rows, column, whole[:, problem.node_of[column]], each
            )
        ]
    )


def _levels(served: SizedRows, service: Service) -> Iterator[tuple[IntArray, FloatArray]]:
    """Cut of each row of a plan (-1 if none) and price of each cut, level by level."""
    arc_row, arc_site = served.row_of_arc, served.sites_of_row.idx
    carried = service.flow > 0.0
    has_load = served.load > 0.0
    short = np.where(has_load, served.load * (1.0 - service.served_frac), 0.0)
    ratio = np.divide(served.value, served.load, out=np.zeros(served.num_rows), where=has_load)

    def pieces(is_row: BoolArray, is_full: BoolArray) -> tuple[IntArray, IntArray]:
        """Component of each row and station of a cut, -1 outside."""
        held = is_row[arc_row] & is_full[arc_site]
        inside = np.bincount(arc_row[held & carried], minlength=served.num_rows) > 0
        inside |= is_row & (short > 0.0)
        arc = held & inside[arc_row]
        node = np.concatenate((inside, is_full))
        graph = scipy.sparse.coo_matrix(
            (np.ones(arc.sum()), (arc_row[arc], served.num_rows + arc_site[arc])),
            shape=(len(node), len(node)),
        )
        label = connected_components(graph, directed=False)[1]
        piece = np.full(len(node), -1)
        piece[node] = np.unique(label[node], return_inverse=True)[1]
        return piece[: served.num_rows], piece[served.num_rows :]

    of_row, of_site = pieces(has_load, service.site_price > 0.0)
    least, price = _steps(of_row, short, ratio)
    for level in range(len(least)):
        from_row = np.append(least[level], np.inf)[of_row]
        from_site = np.append(least[level], np.inf)[of_site]
        inside, _ = pieces(ratio >= from_row, service.site_price >= from_site)
        row = np.flatnonzero(inside >= 0)
        cut, first = np.unique(inside[row], return_index=True)
        if len(cut):
            numbers = np.full(int(cut[-1]) + 2, -1)
            numbers[cut] = np.arange(len(cut))
            yield numbers[inside], price[level, of_row[row[first]]]


def _steps(piece: IntArray, short: FloatArray, ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least value per load of each level of each piece, and what the level adds to the price.

    Returns
    -------
    least, price : float arrays, shape (num_levels, num_pieces)
        Levels a piece does not have are inf.
    """
    num_pieces = int(piece.max(initial=-1)) + 1
    least = np.full((NUM_LEVELS, num_pieces), np.inf)
    price = np.zeros((NUM_LEVELS, num_pieces))
    rows = np.flatnonzero((short > 0.0) & (piece >= 0))
    rows = rows[np.lexsort((-ratio[rows], piece[rows]))]
    for part in np.split(rows, np.flatnonzero(np.diff(piece[rows])) + 1):
        if len(part) == 0:
            continue
        fall = ratio[part[1:]] < ratio[part[:-1]] * (1.0 - ALIKE)
        step = np.concatenate(([0], np.cumsum(fall)))
        if step[-1] >= NUM_LEVELS:
            done = np.cumsum(short[part])
            # Rows worth the same per load stay together.
            mean = np.bincount(step, done)[step] / np.bincount(step)[step]
            step = np.minimum((mean / done[-1] * NUM_LEVELS).astype(np.int64), NUM_LEVELS - 1)
        _, level = np.unique(step, return_inverse=True)
        load = np.bincount(level, short[part])
        mean_ratio = np.bincount(level, short[part] * ratio[part]) / load
        number, at = len(load), piece[part[0]]
        last = np.searchsorted(level, np.arange(number), side="right") - 1
        least[:number, at] = ratio[part[last]] * (1.0 - ALIKE)
        price[:number, at] = mean_ratio - np.append(mean_ratio[1:], 0.0)
    return least, price


def _cuts_of_column(
    problem: PhasedProblem,
    rows: PhasedRows,
    column: int,
    kind: IndexArray,
    served: ColumnService,
) -> list[CutFamily]:
    """The cuts of one column, a family for each level."""
    node = int(problem.node_of[column])
    load = problem.load[:, column]
    row_of_zone = served.rows.row_of_zone
    capacity = np.where(kind >= 0, problem.capacity[np.arange(len(kind)), kind, column], 0.0)
    place = np.full(problem.num_sites, -1)
    place[rows.site_idx[rows.may_stand[:, node]]] = np.flatnonzero(rows.may_stand[:, node])
    stands = np.zeros(problem.num_sites, dtype=np.bool_)
    stands[served.rows.site_idx] = True
    reach_load = _sums(problem.reach.owner, load[problem.reach.idx], problem.num_sites)
    families = []
    for cut_of_row, price in _levels(served.rows, served.service):
        num_cuts = len(price)
        cut_of_zone = np.append(cut_of_row, -1)[row_of_zone]
        zone = np.flatnonzero(cut_of_zone >= 0)
        row = rows.row_of_zone[zone]
        of_row = _summed(row, cut_of_zone[zone], load[zone], rows.num_rows, num_cuts)
        for_good = row < 0
        base = _sums(cut_of_zone[zone[for_good]], load[zone[for_good]], num_cuts)
        arc = np.flatnonzero(cut_of_zone[problem.reach.idx] >= 0)
        reached = problem.reach.idx[arc]
        site = np.searchsorted(problem.reach.ptr, arc, side="right") - 1
        within = _summed(site, cut_of_zone[reached], load[reached], problem.num_sites, num_cuts)
        carries = np.minimum(within.amount, capacity[within.member])
        whole = np.maximum(reach_load[within.member], within.amount)
        shared = np.minimum(capacity[within.member], whole) * (within.amount / whole)
        carries = np.where(stands[within.member], carries, shared)
        outside = stands[within.member] & (place[within.member] < 0)
        base -= _sums(within.cut[outside], carries[outside], num_cuts)
        free = (place[within.member] >= 0) & (carries > 0.0)
        families.append(
            CutFamily(
                column=np.full(num_cuts, column),
                price=price,
                base=base,
                of_site=Amounts(place[within.member][free], within.cut[free], carries[free]),
                of_row=of_row,
                of_zone=Amounts(zone, cut_of_zone[zone], load[zone]),
            )
        )
    return families


def _sums(group: IntArray, amount: FloatArray, num_groups: int) -> FloatArray:
    return np.bincount(group, amount, minlength=num_groups).astype(np.float64)


def _summed(
    member: IntArray, cut: IntArray, amount: FloatArray, num_members: int, num_cuts: int
) -> Amounts:
    """Sums by pair of member >= 0 and cut."""
    kept = member >= 0
    matrix = scipy.sparse.csr_matrix(
        (amount[kept], (member[kept], cut[kept])), shape=(num_members, num_cuts)
    )
    matrix.sum_duplicates()
    pairs = matrix.tocoo()
    return Amounts(pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data)


def _joined(parts: Sequence[CutFamily]) -> CutFamily:
    first = np.cumsum([0, *(len(part.price) for part in parts)])

    def amounts(some: Sequence[Amounts]) -> Amounts:
        empty = np.empty(0, np.int64)
        cuts = [each.cut + start for each, start in zip(some, first, strict=False)]
        return Amounts(
            np.concatenate([empty, *(each.member for each in some)]),
            np.concatenate([empty, *cuts]),
            np.concatenate([np.empty(0), *(each.amount for each in some)]),
        )

    return CutFamily(
        np.concatenate([np.empty(0, np.int64), *(part.column for part in parts)]),
        np.concatenate([np.empty(0), *(part.price for part in parts)]),
        np.concatenate([np.empty(0), *(part.base for part in parts)]),
        amounts([part.of_site for part in parts]),
        amounts([part.of_row for part in parts]),
        amounts([part.of_zone for part in parts]),
    )


def crowding_from(
    problem: PhasedProblem, rows: PhasedRows, families: Sequence[CutFamily]
) -> Crowding:
    """Tables of the cuts of several plans, for a plan without the stations of the search.

    Parameters
    ----------
    problem : PhasedProblem
    rows : PhasedRows
        Of the problem.
    families : sequence of CutFamily
    """
    cuts = _joined(families)
    if len(cuts.price) == 0:
        return no_crowding(rows.num_sites, rows.num_rows, rows.num_nodes)
    num_cuts = len(cuts.price)
    source = np.repeat(np.arange(len(families)), [len(each.price) for each in families])
    pair = cuts.of_zone.member * problem.num_columns + cuts.column[cuts.of_zone.cut]
    shared = scipy.sparse.coo_matrix(
        (
            np.ones(len(pair)),
            (cuts.of_zone.cut, num_cuts + np.unique(pair, return_inverse=True)[1]),
        ),
        shape=(num_cuts + len(pair),) * 2,
    )
    label = connected_components(shared, directed=False)[1][:num_cuts]
    _, group_of_cut = np.unique(label, return_inverse=True)
    keys, family = np.unique(group_of_cut * len(families) + source, return_inverse=True)
    node = problem.node_of[cuts.column].astype(np.int64)
    pairs = cuts.of_row.member * rows.num_nodes + node[cuts.of_row.cut]
    return crowding_of(
        rows.num_nodes,
        _entries(cuts.of_site, rows.num_sites),
        _entries(replace(cuts.of_row, member=pairs), rows.num_rows * rows.num_nodes),
        node,
        cuts.price,
        family.astype(np.int64),
        (keys // len(families)).astype(np.int64),
        cuts.base,
    )


def _entries(amounts: Amounts, num_members: int) -> CutEntries:
    order = np.argsort(amounts.member, kind="stable")
    ptr = np.searchsorted(amounts.member[order], np.arange(num_members + 1))
    return CutEntries(
        ptr.astype(np.int64), amounts.cut[order].astype(np.int64), amounts.amount[order]
    )
