"""Make a flow-refuelling problem smaller without changing what any plan is worth.

What forced stations reach is settled; paths with a set that nobody reaches are dropped; of a
path's sets only the minimal ones stay, for to hit these is to hit all; flows that need the same
sets become one; and a site that another one replaces in every set, at no more money, is not looked
at, where capacities play no part.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.refuelling.problem import FlowRefuellingProblem

Matrix = scipy.sparse.csr_matrix


class IndexLists(NamedTuple):
    """The places of a matrix of ones for compiled loops, row by row, in 32 bits throughout."""

    ptr: IndexArray
    idx: IndexArray


def index_lists(matrix: Matrix) -> IndexLists:
    """The columns of each row."""
    return IndexLists(matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32))


@dataclass(frozen=True)
class ReducedFlows:
    """Free sites, the sets they have to hit, and the paths that need these.

    Attributes
    ----------
    value : float array, shape (num_paths,)
        Of flows that have one path and need the same sets, the sum; > 0.
    flow_idx : int array, shape (num_paths,)
        Flow of each path; several paths of a flow stand side by side.
    needs : csr_matrix, shape (num_paths, num_sets)
        Sets that a path needs.
    members : csr_matrix, shape (num_sets, num_sites)
        Sites of a set.
    site_idx : int array, shape (num_sites,)
        Position of each free site in the problem, ascending.
    cost : float array, shape (num_sites,)
        Of each free site.
    num_stations : int
        Left to open.
    budget : float
        Left to spend.
    base_value : float
        Value of what is driven on the forced stations and those of the cities.
    """

    value: FloatArray
    flow_idx: IntArray
    needs: Matrix
    members: Matrix
    site_idx: IntArray
    cost: FloatArray
    num_stations: int
    budget: float
    base_value: float

    @property
    def num_paths(self) -> int:
        """Number of paths."""
        return len(self.value)

    @property
    def num_sets(self) -> int:
        """Number of sets."""
        return int(self.members.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of free sites."""
        return len(self.site_idx)

    @property
    def total_value(self) -> float:
        """Value if every path that can be driven at all is."""
        best = np.zeros(int(self.flow_idx.max(initial=-1)) + 1)
        np.maximum.at(best, self.flow_idx, self.value)
        return self.base_value + float(best.sum())


def incidence(lists: Lists, num_columns: int) -> Matrix:
    """Lists as a matrix of ones; what a list names twice counts once."""
    # Copied, because adding up duplicates writes into them.
    ptr, idx = lists.ptr.copy(), lists.idx.copy()
    matrix = scipy.sparse.csr_matrix(
        (np.ones(len(idx)), idx, ptr), shape=(lists.num_lists, num_columns)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def ones_at(row: Any, column: Any, shape: tuple[int, int]) -> Matrix:
    """Ones where rows and columns meet."""
    return scipy.sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)


def reduce_flows(problem: FlowRefuellingProblem) -> ReducedFlows:
    """Presolve a problem.

    Parameters
    ----------
    problem : FlowRefuellingProblem

    Returns
    -------
    ReducedFlows
        With the same value for every plan, up to sites that another one replaces at no more money.
    """
    members = incidence(problem.members, problem.num_sites)
    needs = incidence(problem.needs, problem.num_sets)
    rules = problem.rules
    is_free = ~rules.forced & ~rules.forbidden
    is_hit = members @ rules.forced > 0
    site_idx = np.flatnonzero(is_free)
    is_dead = ~is_hit & (members @ is_free == 0)
    alive = (needs @ is_dead == 0) & (problem.value > 0)
    part = _Part(
        problem.value[alive],
        problem.flow_idx[alive],
        _columns(needs[alive], ~is_hit & ~is_dead),
        members[~is_hit & ~is_dead][:, site_idx],
        site_idx,
    )
    base_value = 0.0
    while True:
        size = (*part.needs.shape, part.needs.nnz, len(part.site_idx))
        part, gained = _drop_settled(_keep_minimal_sets(_merge_equal_sets(part)))
        base_value += gained
        part = _merge_equal_flows(part)
        if not np.isfinite(problem.capacity).any():  # else two stations side by side do more
            part = _drop_replaceable_sites(part, rules.cost)
        if size == (*part.needs.shape, part.needs.nnz, len(part.site_idx)):
            break
    return ReducedFlows(
        value=part.value,
        flow_idx=np.unique(part.flow_idx, return_inverse=True)[1].astype(np.int64),
        needs=part.needs,
        members=part.members,
        site_idx=part.site_idx,
        cost=rules.cost[part.site_idx],
        num_stations=rules.most - rules.num_forced,
        budget=rules.most_cost - float(rules.cost[rules.forced].sum()),
        base_value=base_value,
    )


def reduce_region(rows: ReducedFlows, price: FloatArray) -> ReducedFlows:
    """Presolve flows of one path each where any number of stations may be open, at a price each.

    Parameters
    ----------
    rows : ReducedFlows
    price : float array, shape (num_sites,)
        Of each of its sites.

    Returns
    -------
    ReducedFlows
        With the same best plan's worth, less the price of its stations; ``cost`` is that price.
    """
    part = _Part(rows.value, rows.flow_idx, rows.needs, rows.members, np.arange(rows.num_sites))
    part = _drop_replaceable_sites(part, price)
    part = _merge_equal_flows(_keep_minimal_sets(_merge_equal_sets(part)))
    return replace(
        rows,
        value=part.value,
        flow_idx=np.arange(len(part.value)),
        needs=part.needs,
        members=part.members,
        site_idx=rows.site_idx[part.site_idx],
        cost=price[part.site_idx],
    )


def restrict_sites(rows: ReducedFlows, forced: BoolArray, free: BoolArray) -> ReducedFlows:
    """Presolve anew with some sites open and others left out.

    Parameters
    ----------
    rows : ReducedFlows
    forced, free : bool array, shape (num_sites,)
        Sites that are open, and those that may be; none is both.

    Returns
    -------
    ReducedFlows
        ``site_idx`` are the free sites that still matter, as positions in ``rows``.
    """
    is_hit = rows.members @ forced > 0
    is_open_question = ~is_hit & (rows.members @ free > 0)
    alive = rows.needs @ (~is_hit & ~is_open_question) == 0
    site_idx = np.flatnonzero(free)
    part, gained = _drop_settled(
        _keep_minimal_sets(
            _merge_equal_sets(
                _Part(
                    rows.value[alive],
                    rows.flow_idx[alive],
                    _columns(rows.needs[alive], is_open_question),
                    rows.members[is_open_question][:, site_idx],
                    site_idx,
                )
            )
        )
    )
    part = _merge_equal_flows(part)
    return ReducedFlows(
        value=part.value,
        flow_idx=np.unique(part.flow_idx, return_inverse=True)[1].astype(np.int64),
        needs=part.needs,
        members=part.members,
        site_idx=part.site_idx,
        cost=rows.cost[part.site_idx],
        num_stations=rows.num_stations - int(forced.sum()),
        budget=rows.budget - float(rows.cost[forced].sum()),
        base_value=rows.base_value + gained,
    )


class _Part(NamedTuple):
    value: FloatArray
    flow_idx: IntArray
    needs: Matrix
    members: Matrix
    site_idx: IntArray


def _columns(matrix: Matrix, keep: BoolArray) -> Matrix:
    return scipy.sparse.csr_matrix(matrix[:, np.flatnonzero(keep)])


def _equal_rows(matrix: Matrix) -> tuple[IntArray, IntArray]:
    """First row of each group of equal rows, and the group of every row."""
    matrix.sort_indices()
    keys = [
        matrix.indices[start:stop].tobytes()
        for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True)
    ]
    place: dict[bytes, int] = {}
    group = np.array([place.setdefault(key, len(place)) for key in keys], dtype=np.int64)
    return np.unique(group, return_index=True)[1].astype(np.int64), group


def _merge_equal_sets(part: _Part) -> _Part:
    first, group = _equal_rows(part.members)
    to_group = scipy.sparse.csr_matrix(
        (np.ones(len(group)), (np.arange(len(group)), group)), shape=(len(group), len(first))
    )
    needs = scipy.sparse.csr_matrix(part.needs @ to_group)
    needs.data[:] = 1.0
    return part._replace(needs=needs, members=part.members[first])


def _keep_minimal_sets(part: _Part) -> _Part:
    """Drop a path's sets that contain another one of the path."""
    sizes = np.diff(part.members.indptr)
    common = (part.members @ part.members.T).tocoo()
    inside = (common.data == sizes[common.row]) & (common.row != common.col)
    within = scipy.sparse.csr_matrix(
        (np.ones(int(inside.sum())), (common.row[inside], common.col[inside])), shape=common.shape
    )
    implied = part.needs.multiply(part.needs @ within)
    implied.data[:] = 1.0
    needs = scipy.sparse.csr_matrix(part.needs - implied)
    needs.eliminate_zeros()
    used = needs.sum(axis=0).A1 > 0
    return part._replace(needs=_columns(needs, used), members=part.members[used])


def _drop_settled(part: _Part) -> tuple[_Part, float]:
    """Take out flows that are driven anyway, on a path as good as any of theirs."""
    is_free = np.diff(part.needs.indptr) == 0
    num_flows = int(part.flow_idx.max(initial=-1)) + 1
    best, best_free = np.zeros(num_flows), np.full(num_flows, -1.0)
    np.maximum.at(best, part.flow_idx, part.value)
    np.maximum.at(best_free, part.flow_idx[is_free], part.value[is_free])
    settled = best_free >= best
    keep = ~settled[part.flow_idx]
    return (
        part._replace(value=part.value[keep], flow_idx=part.flow_idx[keep], needs=part.needs[keep]),
        float(best[settled].sum()),
    )


def _merge_equal_flows(part: _Part) -> _Part:
    """Add up flows of one path that need the same sets; order by flow."""
    num_paths = np.bincount(part.flow_idx, minlength=1)
    lone = num_paths[part.flow_idx] == 1
    first, group = _equal_rows(part.needs[lone])
    value = np.bincount(group, part.value[lone], minlength=len(first))
    kept = np.concatenate((np.flatnonzero(lone)[first], np.flatnonzero(~lone)))
    order = np.argsort(part.flow_idx[kept], kind="stable")
    return part._replace(
        value=np.concatenate((value, part.value[~lone]))[order],
        flow_idx=part.flow_idx[kept][order],
        needs=part.needs[kept[order]],
    )


def _drop_replaceable_sites(part: _Part, cost: FloatArray) -> _Part:
    """Drop sites whose sets another site hits as well, at no more money."""
    in_sets = np.diff(part.members.tocsc().indptr)
    common = (part.members.T @ part.members).tocoo()
    price = cost[part.site_idx]
    other, site = common.row, common.col
    replaces = (other != site) & (common.data == in_sets[site]) & (price[other] <= price[site])
    # Of two that replace each other, the first stays.
    twins = replaces & (in_sets[other] == in_sets[site]) & (price[other] == price[site])
    keep = in_sets > 0
    keep[site[replaces & ~(twins & (other > site))]] = False
    return part._replace(members=_columns(part.members, keep), site_idx=part.site_idx[keep])
