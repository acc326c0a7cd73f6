"""Make a covering problem smaller without changing what any plan is worth.

Zones nobody can reach or that are worth nothing are dropped; zones a forced site reaches are
counted once and for all; zones reached by exactly the same free sites become one row whose value
is their sum (Church 1984; with coordinates on a grid this alone removes more than half).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from planner.arrays import FloatArray, IndexArray, IntArray, Lists
from planner.models.coverage.problem import CoverageProblem
from planner.solving.incidence import equal_list_leaders, transpose


class Incidence(NamedTuple):
    """The arrays of :class:`CoverRows` for compiled loops.

    Positions are unsigned views: that spares every access the test for negative ones, which
    makes the products over arcs twice as fast.
    """

    value: FloatArray
    row_ptr: NDArray[np.uint64]
    row_site: NDArray[np.uint32]
    site_ptr: NDArray[np.uint64]
    site_row: NDArray[np.uint32]


@dataclass(frozen=True)
class CoverRows:
    """Covering problem over merged rows and free sites: max sum_i w_i x_i with at most p sites.

    Attributes
    ----------
    value : float array, shape (num_rows,)
        Value w_i > 0 of a row: the sum over the zones merged into it.
    row_ptr, row_site : int arrays
        Sites that cover row i: ``row_site[row_ptr[i]:row_ptr[i + 1]]``, ascending.
    site_ptr, site_row : int arrays
        Rows that site j covers: ``site_row[site_ptr[j]:site_ptr[j + 1]]``, ascending; at least one.
    site_idx : int array, shape (num_sites,)
        Position of each free site in the original problem, ascending.
    num_stations : int
        Stations p left to place after the forced ones.
    base_value : float
        Value the forced sites cover already; not part of ``value``.
    """

    value: FloatArray
    row_ptr: IntArray
    row_site: IndexArray
    site_ptr: IntArray
    site_row: IndexArray
    site_idx: IntArray
    num_stations: int
    base_value: float

    @property
    def incidence(self) -> Incidence:
        """The arrays for compiled loops."""
        return Incidence(
            self.value,
            self.row_ptr.view(np.uint64),
            self.row_site.view(np.uint32),
            self.site_ptr.view(np.uint64),
            self.site_row.view(np.uint32),
        )

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
        return len(self.row_site)


def merge_rows(problem: CoverageProblem) -> CoverRows:
    """Reduce a covering problem to rows with distinct cover sets and sites that may still open.

    The value of any set S of free sites, with the forced ones, is ``base_value`` plus the sum of
    ``value`` over rows covered by S, up to rounding.

    Parameters
    ----------
    problem : CoverageProblem
        Not changed.

    Returns
    -------
    CoverRows
        With ``num_stations`` = budget less forced sites (negative if they exceed it).
    """
    sites = np.arange(problem.num_sites)
    zones_of_forced = problem.reach_zone_idx[np.repeat(problem.forced, np.diff(problem.reach_ptr))]
    served = np.zeros(problem.num_zones, dtype=np.bool_)
    served[zones_of_forced] = True
    free = ~(problem.forced | problem.forbidden)
    zone_ptr, zone_site = transpose(
        Lists(problem.reach_ptr, problem.reach_zone_idx),
        problem.num_zones,
        keep_list=free,
        keep_member=~served & (problem.value > 0),
    )
    leader = equal_list_leaders(Lists(zone_ptr, zone_site))
    reached = np.diff(zone_ptr) > 0
    is_row = (leader == np.arange(problem.num_zones)) & reached
    row_of_leader = np.cumsum(is_row) - 1
    num_rows = int(is_row.sum())
    value = np.bincount(
        row_of_leader[leader[reached]], weights=problem.value[reached], minlength=num_rows
    )
    useful = np.zeros(problem.num_sites, dtype=np.bool_)
    useful[zone_site] = True
    new_site = (np.cumsum(useful) - 1).astype(np.int32)
    row_site = new_site[zone_site[np.repeat(is_row, np.diff(zone_ptr))]]
    row_ptr = np.concatenate([[0], np.cumsum(np.diff(zone_ptr)[is_row])]).astype(np.int64)
    site_ptr, site_row = transpose(Lists(row_ptr, row_site), int(useful.sum()))
    return CoverRows(
        value=value.astype(np.float64),
        row_ptr=row_ptr,
        row_site=row_site,
        site_ptr=site_ptr,
        site_row=site_row,
        site_idx=sites[useful].astype(np.int64),
        num_stations=problem.num_stations - int(problem.forced.sum()),
        base_value=float(problem.value[served].sum()),
    )
