"""Make a covering problem smaller without changing what any plan is worth.

Zones nobody can reach or that are worth nothing are dropped; zones a forced site reaches are
counted once and for all; zones reached by exactly the same free sites become one row whose value
is their sum (Church 1984; with coordinates on a grid this alone removes more than half).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.solving.incidence import UnsignedLists, equal_list_leaders, transpose, unsigned


class Incidence(NamedTuple):
    """The arrays of :class:`CoverRows` for compiled loops."""

    value: FloatArray
    sites_of_row: UnsignedLists
    rows_of_site: UnsignedLists


@dataclass(frozen=True)
class CoverRows:
    """Covering problem over merged rows and free sites: max sum_i w_i x_i with at most p sites.

    Attributes
    ----------
    value : float array, shape (num_rows,)
        Value w_i > 0 of a row: the sum over the zones merged into it.
    sites_of_row : Lists, num_rows of them
        Sites that cover each row, ascending.
    rows_of_site : Lists, num_sites of them
        Rows that each site covers, ascending; at least one.
    site_idx : int array, shape (num_sites,)
        Position of each free site in the original problem, ascending.
    num_stations : int
        Stations p left to place after the forced ones.
    base_value : float
        Value the forced sites cover already; not part of ``value``.
    """

    value: FloatArray
    sites_of_row: Lists
    rows_of_site: Lists
    site_idx: IntArray
    num_stations: int
    base_value: float

    @property
    def incidence(self) -> Incidence:
        """The arrays for compiled loops."""
        return Incidence(self.value, unsigned(self.sites_of_row), unsigned(self.rows_of_site))

    @property
    def num_rows(self) -> int:
        """Number of merged rows."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of free sites that cover something."""
        return len(self.site_idx)

    @property
    def num_arcs(self) -> int:
        """Number of (site, row) pairs within reach."""
        return self.sites_of_row.num_entries


class MergedZones(NamedTuple):
    """Zones that the same sites reach, as one row each.

    Attributes
    ----------
    row_of_zone : int array, shape (num_zones,)
        -1 where no site reaches the zone.
    sites_of_row : Lists, num_rows of them
        Positions in ``site_idx``, ascending.
    site_idx : int array, shape (num_kept,)
        Sites that reach something or are kept anyhow, ascending.
    """

    row_of_zone: IntArray
    sites_of_row: Lists
    site_idx: IntArray


def merge_alike(sites_of_zone: Lists, keep_site: BoolArray) -> MergedZones:
    """Merge zones that exactly the same sites reach, rows in the order of their first zones.

    Parameters
    ----------
    sites_of_zone : Lists, num_zones of them
        Sites that reach each zone, ascending.
    keep_site : bool array, shape (num_sites,)
        Sites to keep even if they reach nothing.

    Returns
    -------
    MergedZones
    """
    leader = equal_list_leaders(sites_of_zone)
    reached = sites_of_zone.sizes > 0
    is_row = (leader == np.arange(len(leader))) & reached
    row_of_leader = np.cumsum(is_row) - 1
    useful = keep_site.copy()
    useful[sites_of_zone.idx] = True
    new_site = (np.cumsum(useful) - 1).astype(np.int32)
    row_ptr = np.concatenate([[0], np.cumsum(sites_of_zone.sizes[is_row])]).astype(np.int64)
    return MergedZones(
        row_of_zone=np.where(reached, row_of_leader[leader], -1),
        sites_of_row=Lists(row_ptr, new_site[sites_of_zone.entries_of(is_row)]),
        site_idx=np.flatnonzero(useful).astype(np.int64),
    )


def merge_rows(problem: CoverageProblem) -> CoverRows:
    """Reduce a covering problem to rows with distinct cover sets and sites that may still open.

    The value of any set S of free sites, with the forced ones, is ``base_value`` plus the sum of
    ``value`` over rows covered by S, up to rounding.

    Parameters
    ----------
    problem : CoverageProblem
        Of its rules the locks and the most stations; not changed.

    Returns
    -------
    CoverRows
        With ``num_stations`` = most stations less forced ones (negative if they exceed it).
    """
    rules = problem.rules
    served = np.zeros(problem.num_zones, dtype=np.bool_)
    served[problem.reach.entries_of(rules.forced)] = True
    by_zone = transpose(
        problem.reach,
        problem.num_zones,
        keep_list=~(rules.forced | rules.forbidden),
        keep_member=~served & (problem.value > 0),
    )
    merged = merge_alike(by_zone, np.zeros(problem.num_sites, dtype=np.bool_))
    reached = merged.row_of_zone >= 0
    value = np.bincount(
        merged.row_of_zone[reached],
        weights=problem.value[reached],
        minlength=merged.sites_of_row.num_lists,
    )
    return CoverRows(
        value=value.astype(np.float64),
        sites_of_row=merged.sites_of_row,
        rows_of_site=transpose(merged.sites_of_row, len(merged.site_idx)),
        site_idx=merged.site_idx,
        num_stations=rules.most - rules.num_forced,
        base_value=float(problem.value[served].sum()),
    )
