"""Presolve of covering over time: zones merged into rows with a value at each node.

Takes a `PhasedProblem`, gives `PhasedRows`. Loads and capacities are left out: the rows are those
of the relaxation in which every station carries all it reaches, so that the columns of a node
count as one, and only the least that a station takes of each limit counts.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.limits import widened
from planner.models.coverage.rows import merge_alike
from planner.models.phasing.problem import PhasedProblem
from planner.models.phasing.tree import ROOT, Tree
from planner.solving.incidence import UnsignedLists, transpose, unsigned


class PhasedIncidence(NamedTuple):
    """The arrays of :class:`PhasedRows` for compiled loops."""

    value: FloatArray
    sites_of_row: UnsignedLists
    rows_of_site: UnsignedLists


@dataclass(frozen=True)
class PhasedRows:
    """Covering over time on merged rows and the sites that are free at some node.

    Attributes
    ----------
    tree : Tree
    value : float array, shape (num_rows, num_nodes)
        Sum over the zones merged and the columns of the node; 0 where a station that must stand
        serves them at the node, or where none may stand yet.
    sites_of_row : Lists, num_rows of them
        Sites that cover each row, ascending; at least one.
    rows_of_site : Lists, num_sites of them
        Rows that each site covers, ascending; empty for some that must stand later.
    row_of_zone : int array, shape (num_zones,)
        Row of each original zone; -1 where it is worth nothing, out of reach, or served for good.
    site_idx : int array, shape (num_sites,)
        Position of each free site in the original problem, ascending: all that may stand and cover
        something, or must stand later, without those that stand from the first node.
    may_stand, must_stand : bool arrays, shape (num_sites, num_nodes)
        Of these sites.
    use : float array, shape (num_limits, num_sites)
        The least that a station at the site takes of each limit, whichever type fits.
    available : float array, shape (num_limits, num_nodes)
        What may be taken at each node, or up to it if the limit carries over, with the tolerance
        of limits and without the least that stations standing from the first node take.
    base_value : float
        Value that stations serve where they must stand; not part of ``value``.
    rent : float array, shape (num_sites, num_nodes), optional
        What standing at the node costs beside the limits.
    """

    tree: Tree
    value: FloatArray
    sites_of_row: Lists
    rows_of_site: Lists
    row_of_zone: IntArray
    site_idx: IntArray
    may_stand: BoolArray
    must_stand: BoolArray
    use: FloatArray
    available: FloatArray
    base_value: float
    rent: FloatArray | None = None

    @property
    def incidence(self) -> PhasedIncidence:
        """The arrays for compiled loops."""
        return PhasedIncidence(self.value, unsigned(self.sites_of_row), unsigned(self.rows_of_site))

    @property
    def num_rows(self) -> int:
        """Number of merged rows."""
        return len(self.value)

    @property
    def num_zones(self) -> int:
        """Number of original zones."""
        return len(self.row_of_zone)

    @property
    def num_sites(self) -> int:
        """Number of free sites."""
        return len(self.site_idx)

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return self.tree.num_nodes

    @property
    def num_arcs(self) -> int:
        """Number of (site, row) pairs within reach."""
        return self.sites_of_row.num_entries

    def share_by_zone(self, multiplier: FloatArray) -> FloatArray:
        """Multipliers of the zones as shares of their values, shape (num_zones, num_nodes).

        0 where a zone has no row or its row no value.
        """
        share = np.zeros((self.num_rows + 1, self.num_nodes))
        np.divide(multiplier, self.value, out=share[:-1], where=self.value > 0)
        return share[self.row_of_zone]

    def multiplier_of(self, share: FloatArray, zone_value: FloatArray) -> FloatArray:
        """Multipliers of the rows from shares by zone, as :meth:`share_by_zone` gives them.

        Parameters
        ----------
        share, zone_value : float arrays, shape (num_zones, num_nodes)
            Multipliers as shares of the values, and the values, of each zone.

        Returns
        -------
        float array, shape (num_rows, num_nodes)
            Within [0, value].
        """
        kept = self.row_of_zone >= 0
        summed = sums_by_row(self.row_of_zone[kept], (share * zone_value)[kept], self.num_rows)
        return np.clip(summed, 0.0, self.value)


def node_values(problem: PhasedProblem) -> FloatArray:
    """Value of each zone at each node: the sum over its columns, shape (num_zones, num_nodes)."""
    total = np.zeros((problem.num_zones, problem.tree.num_nodes))
    for column, node in enumerate(problem.node_of.tolist()):
        total[:, node] += problem.value[:, column]
    return total


def sums_by_row(row: IntArray, by_zone: FloatArray, num_rows: int) -> FloatArray:
    """Sums over the zones of each row, shape (num_rows, num_nodes)."""
    columns = [np.bincount(row, weights=column, minlength=num_rows) for column in by_zone.T]
    return np.ascontiguousarray(np.column_stack(columns), dtype=np.float64)


def merge_phased_rows(problem: PhasedProblem) -> PhasedRows:
    """Reduce a problem over time to rows with distinct cover sets and sites that are free.

    Without capacities, any plan is worth ``base_value`` plus the sum of ``value`` over the rows
    and nodes that its stations cover, up to rounding; with them, no more.

    Parameters
    ----------
    problem : PhasedProblem
        Not changed.

    Returns
    -------
    PhasedRows
    """
    tree = problem.tree
    fits = problem.fits
    may_stand = problem.may_stand & np.asarray(fits.any(axis=1))[:, None]
    from_root = np.asarray(problem.must_stand.all(axis=1))
    free = np.asarray(may_stand.any(axis=1) & ~from_root)
    zone_value = node_values(problem)
    base_value = 0.0
    for node in range(tree.num_nodes):
        served = problem.reach.entries_of(problem.must_stand[:, node])
        is_served = np.zeros(problem.num_zones, dtype=np.bool_)
        is_served[served] = True
        base_value += float(zone_value[is_served, node].sum())
        zone_value[is_served, node] = 0.0
    worth = np.asarray((zone_value > 0).any(axis=1))
    by_zone = transpose(problem.reach, problem.num_zones, keep_list=free, keep_member=worth)
    merged = merge_alike(by_zone, np.asarray(free & problem.must_stand.any(axis=1)))
    site_idx, sites_of_row = merged.site_idx, merged.sites_of_row
    reached = merged.row_of_zone >= 0
    value = sums_by_row(merged.row_of_zone[reached], zone_value[reached], sites_of_row.num_lists)
    if not may_stand[site_idx].all() and len(value):
        reachable = np.logical_or.reduceat(
            may_stand[site_idx][sites_of_row.idx], sites_of_row.ptr[:-1], axis=0
        )
        value[~reachable] = 0.0
    least_use = np.zeros((len(problem.limits), problem.num_sites))
    available = np.zeros((len(problem.limits), tree.num_nodes))
    for position, limit in enumerate(problem.limits):
        cheapest = np.where(fits, limit.use, np.inf).min(axis=1, initial=np.inf)
        least_use[position] = np.where(np.isfinite(cheapest), cheapest, 0.0)
        available[position] = widened(limit.available(tree))
        # A limit that expires asks them at the first node, one that carries over at every node.
        nodes = limit.carries_over | (tree.parent == ROOT)
        available[position, nodes] -= least_use[position, from_root].sum()
    return PhasedRows(
        tree=tree,
        value=value,
        sites_of_row=sites_of_row,
        rows_of_site=transpose(sites_of_row, len(site_idx)),
        row_of_zone=merged.row_of_zone,
        site_idx=site_idx,
        may_stand=np.ascontiguousarray(may_stand[site_idx]),
        must_stand=np.ascontiguousarray(problem.must_stand[site_idx]),
        use=least_use[:, site_idx],
        available=available,
        base_value=base_value,
    )
