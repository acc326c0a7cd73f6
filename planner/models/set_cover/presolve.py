"""Make a set covering problem smaller without losing its best plans.

Forced sites are taken out with what they cover; zones with the same free sites and the same need
left become one row. With N(i) the free sites of row i, r_i its need left and c_j the costs:

(1) where all must be covered, row k goes if some N(i) is within N(k) and r_i >= r_k;
(2) site j goes if all its rows take one station and a site k with c_k <= c_j reaches them all,
    unless numbers by city or a least number may ask for j beside k;
(3) where all must be covered, the sites of a row with |N(i)| = r_i are forced.

(2) holds for a share as well. The three are repeated until nothing goes (Beasley 1987, EJOR
31:85-93).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.models.set_cover.problem import SetCoverProblem
from planner.solving.incidence import UnsignedLists, equal_list_leaders, transpose, unsigned
from planner.solving.rules import CityLimits

SHARE_TOLERANCE = 1e-9
"""A plan covers a share if it misses no more than this fraction of what is asked for."""
MAX_PASSES = 20


class Incidence(NamedTuple):
    """Values and both lists of :class:`CoverTask` for compiled loops, positions unsigned."""

    value: FloatArray
    sites_of_row: UnsignedLists
    rows_of_site: UnsignedLists


@dataclass(frozen=True)
class CoverTask:
    """What is left to decide: rows to be covered, all of them or a value of theirs, by free sites.

    Attributes
    ----------
    value : float array, shape (num_rows,)
        Value v_i > 0 of the zones merged into a row; ones where all rows must be covered.
    need : int array, shape (num_rows,)
        Stations r_i >= 1 that it takes beside the forced ones, at most as many as reach the row.
    sites_of_row, rows_of_site : Lists, shapes (num_rows,) and (num_sites,)
        Sites within reach of each row, and rows within reach of each site, both ascending.
    cost : float array, shape (num_sites,)
        Cost c_j.
    required : float
        Value that must be covered, at most that of all rows; equal to it if all must be.
    covers_all : bool
        Whether all rows must be covered.
    least, most : int
        Stations to open.
    cities : CityLimits or None
        How many of them by city.
    site_idx : int array, shape (num_sites,)
        Position of each site in the original problem, ascending.
    forced_idx : int array
        Positions there of the sites that are open whatever is decided here.
    base_cost : float
        What those cost.
    may_be_kept : bool
        False if so many sites are closed or forced that no plan is left.
    """

    value: FloatArray
    need: IndexArray
    sites_of_row: Lists
    rows_of_site: Lists
    cost: FloatArray
    required: float
    covers_all: bool
    least: int
    most: int
    cities: CityLimits | None
    site_idx: IntArray
    forced_idx: IntArray
    base_cost: float
    may_be_kept: bool

    @property
    def num_rows(self) -> int:
        """Number of merged rows."""
        return len(self.value)

    @property
    def num_sites(self) -> int:
        """Number of free sites."""
        return len(self.cost)

    @property
    def num_arcs(self) -> int:
        """Number of (site, row) pairs within reach."""
        return self.sites_of_row.num_entries

    @property
    def row_scale(self) -> FloatArray:
        """What one station counts for in each row: a_i = v_i / r_i."""
        return self.value / self.need

    @property
    def incidence(self) -> Incidence:
        """The arrays for compiled loops; its values are a_i."""
        return Incidence(self.row_scale, unsigned(self.sites_of_row), unsigned(self.rows_of_site))

    def plan(self, open_sites: IntArray) -> IntArray:
        """Open sites of the original problem, ascending."""
        return np.union1d(self.forced_idx, self.site_idx[open_sites]).astype(np.int64)


def required_value(problem: SetCoverProblem) -> float:
    """Value that a plan has to cover."""
    return problem.min_share * math.fsum(problem.value) * (1.0 - SHARE_TOLERANCE)


@numba.njit(cache=True)
def _count_forced(ptr: IntArray, idx: IndexArray, forced: BoolArray, num_zones: int) -> IndexArray:
    near = np.zeros(num_zones, np.int32)
    for site in range(len(ptr) - 1):
        if forced[site]:
            for arc in range(ptr[site], ptr[site + 1]):
                near[idx[arc]] += 1
    return near


@numba.njit(cache=True)
def _signatures(ptr: IntArray, idx: IndexArray) -> IntArray:
    """64 bits per list such that a list within another has no bit that the other lacks."""
    bits = np.zeros(len(ptr) - 1, np.int64)
    for i in range(len(ptr) - 1):
        for arc in range(ptr[i], ptr[i + 1]):
            mixed = np.uint64(idx[arc] + 1) * np.uint64(0x9E3779B97F4A7C15)
            bits[i] |= np.int64(1) << np.int64(mixed >> np.uint64(58))
    return bits


@numba.njit(cache=True)
def _dominated(
    lists: Lists,
    other: Lists,
    rank: FloatArray,
    may_go: BoolArray,
    larger_goes: bool,
) -> BoolArray:
    """Lists made superfluous by another: k by an i, or i by a k, with list i within list k.

    Both ways need rank_i >= rank_k: rank is need where lists are rows (the larger list goes), and
    cost where they are sites (the smaller goes). Of equal lists one stays. ``other`` is the
    transpose: the supersets of a list are looked for where its rarest entry stands.
    """
    ptr, idx = lists
    other_ptr, other_idx = other
    gone = np.zeros(len(ptr) - 1, np.bool_)
    bits = _signatures(ptr, idx)
    for i in np.argsort(ptr[1:] - ptr[:-1], kind="mergesort"):
        start, stop = ptr[i], ptr[i + 1]
        if gone[i] or start == stop or not (larger_goes or may_go[i]):
            continue
        rarest = idx[start]
        for arc in range(start + 1, stop):
            entry = idx[arc]
            if other_ptr[entry + 1] - other_ptr[entry] < (
                other_ptr[rarest + 1] - other_ptr[rarest]
            ):
                rarest = entry
        for at in range(other_ptr[rarest], other_ptr[rarest + 1]):
            k = other_idx[at]
            if (
                k == i
                or gone[k]
                or rank[i] < rank[k]
                or ptr[k + 1] - ptr[k] < stop - start
                or bits[i] & ~bits[k] != 0
                or (larger_goes and not may_go[k])
            ):
                continue
            arc, within = start, ptr[k]
            while arc < stop and within < ptr[k + 1] and ptr[k + 1] - within >= stop - arc:
                if idx[within] == idx[arc]:
                    arc += 1
                elif idx[within] > idx[arc]:
                    break
                within += 1
            if arc == stop:
                if larger_goes:
                    gone[k] = True
                else:
                    gone[i] = True
                    break
    return gone


def _sublist(lists: Lists, keep: BoolArray) -> Lists:
    kept = np.concatenate(([0], np.cumsum(lists.sizes[keep]))).astype(np.int64)
    return Lists(kept, lists.entries_of(keep))


class _Rows(NamedTuple):
    """Merged rows of the zones that forced sites leave; sites keep their original positions."""

    value: FloatArray
    need: IndexArray
    sites: Lists
    required: float
    covers_all: bool
    may_be_kept: bool


def _merged_rows(problem: SetCoverProblem, forced: BoolArray, free: BoolArray) -> _Rows:
    near = _count_forced(*problem.reach, forced, problem.num_zones)
    need = problem.need - near
    partial = problem.min_share < 1.0
    wanted = need > 0
    if partial:
        wanted &= problem.value > 0.0
    sites_of_zone = transpose(problem.reach, problem.num_zones, keep_list=free, keep_member=wanted)
    within_reach = sites_of_zone.sizes >= need
    all_within_reach = not (wanted & ~within_reach).any()
    wanted &= within_reach
    leader = equal_list_leaders(sites_of_zone)
    zones = np.flatnonzero(wanted)
    _, first, row = np.unique(
        leader[zones] * (int(need.max(initial=0)) + 1) + need[zones],
        return_index=True, return_inverse=True,
    )  # fmt: skip
    is_row = np.zeros(problem.num_zones, dtype=np.bool_)
    is_row[zones[first]] = True
    value: FloatArray = np.bincount(row, problem.value[zones], len(first)).astype(np.float64)
    value = value[np.argsort(first, kind="stable")]
    sites = _sublist(sites_of_zone, is_row)
    row_need = need[is_row].astype(np.int32)
    if not partial:
        return _Rows(value, row_need, sites, math.inf, True, all_within_reach)
    required = required_value(problem) - float(problem.value[need <= 0].sum())
    if required <= 0.0:
        nothing = Lists(np.zeros(1, np.int64), sites.idx[:0])
        return _Rows(value[:0], row_need[:0], nothing, 0.0, False, True)
    spare = float(value.sum()) - required
    covers_all, enough = bool((value > spare).all()), spare >= -1e-12 * required
    return _Rows(value, row_need, sites, required, covers_all, enough)


def _without_dominated(rows: _Rows, num_sites: int) -> _Rows:
    """Rows that are left by (1), every one to be covered."""
    gone = _dominated(
        rows.sites, transpose(rows.sites, num_sites),
        rows.need.astype(np.float64), np.ones(len(rows.need), np.bool_), True,
    )  # fmt: skip
    need = rows.need[~gone]
    return rows._replace(
        value=np.ones(len(need)), need=need, sites=_sublist(rows.sites, ~gone),
        required=float(len(need)),
    )  # fmt: skip


def cover_task(problem: SetCoverProblem, forced: BoolArray, gone: BoolArray) -> CoverTask:
    """Rows and free sites of a problem whose sites ``gone`` may be forgotten; (1) is applied.

    Parameters
    ----------
    problem : SetCoverProblem
    forced, gone : bool arrays, shape (num_sites,)
        Sites that are open, the locks included, and closed beside them.
    """
    free = ~(forced | gone | problem.rules.forbidden)
    rows = _merged_rows(problem, forced, free)
    if rows.covers_all:
        rows = _without_dominated(rows, problem.num_sites)
    num_forced = int(forced.sum())
    least, most = problem.rules.least - num_forced, problem.rules.most - num_forced
    # Sites that cover nothing stay only where numbers may ask for them.
    counted = least > 0 or (
        problem.rules.cities is not None and bool(problem.rules.cities.min_stations.any())
    )
    useful = np.zeros(problem.num_sites, dtype=np.bool_)
    useful[rows.sites.idx] = True
    kept = free if counted else free & useful
    sites_of_row = Lists(rows.sites.ptr, (np.cumsum(kept) - 1).astype(np.int32)[rows.sites.idx])
    site_idx = np.flatnonzero(kept).astype(np.int64)
    cities, cities_may = _cities_left(problem.rules.cities, forced, site_idx)
    numbers_may = max(least, 0) <= most and least <= len(site_idx)
    return CoverTask(
        value=rows.value,
        need=rows.need,
        sites_of_row=sites_of_row,
        rows_of_site=transpose(sites_of_row, len(site_idx)),
        cost=problem.rules.cost[site_idx],
        required=rows.required,
        covers_all=rows.covers_all,
        least=max(least, 0),
        most=min(most, len(site_idx)),
        cities=cities,
        site_idx=site_idx,
        forced_idx=np.flatnonzero(forced).astype(np.int64),
        base_cost=math.fsum(problem.rules.cost[forced]),
        may_be_kept=rows.may_be_kept and numbers_may and cities_may,
    )


def _cities_left(
    cities: CityLimits | None, forced: BoolArray, site_idx: IntArray
) -> tuple[CityLimits | None, bool]:
    """Limits on the free sites, and whether they can be kept."""
    if cities is None:
        return None, True
    taken = np.bincount(cities.city_idx[forced], minlength=len(cities.min_stations))
    least = np.maximum(cities.min_stations - taken, 0)
    most = cities.max_stations - taken
    city = cities.city_idx[site_idx]
    usable = np.minimum(np.bincount(city, minlength=len(taken)), most)
    may_be_kept = bool((most >= 0).all() and (least <= usable).all())
    return CityLimits(city, least, np.maximum(most, 0)), may_be_kept


def _dominated_sites(task: CoverTask) -> BoolArray:
    """Sites that go by (2)."""
    if task.least > 0 or task.cities is not None:
        return np.zeros(task.num_sites, dtype=np.bool_)
    may_go = np.ones(task.num_sites, dtype=np.bool_)
    may_go[task.sites_of_row.idx[np.repeat(task.need > 1, task.sites_of_row.sizes)]] = False
    gone: BoolArray = _dominated(task.rows_of_site, task.sites_of_row, task.cost, may_go, False)
    return gone


def _essential_sites(task: CoverTask) -> IntArray:
    """Sites that are forced by (3)."""
    if not task.covers_all:
        return np.empty(0, np.int64)
    tight = task.sites_of_row.sizes == task.need
    return np.unique(task.sites_of_row.idx[np.repeat(tight, task.sites_of_row.sizes)]).astype(
        np.int64
    )


def reduce_cover(
    problem: SetCoverProblem,
    forced: BoolArray | None = None,
    gone: BoolArray | None = None,
) -> CoverTask:
    """Rows and sites that are left to decide.

    Parameters
    ----------
    problem : SetCoverProblem
        Not changed; one that its sites could cover, but for its limits.
    forced, gone : bool arrays, shape (num_sites,), optional
        Sites found to be open and closed in the plans looked for, beside the locks.

    Returns
    -------
    CoverTask
    """
    open_sites = problem.rules.forced.copy() if forced is None else problem.rules.forced | forced
    closed_sites = np.zeros(problem.num_sites, np.bool_) if gone is None else gone.copy()
    task = cover_task(problem, open_sites, closed_sites)
    for _ in range(MAX_PASSES):
        essential, dominated = _essential_sites(task), _dominated_sites(task)
        if len(essential) == 0 and not dominated.any():
            break
        # Only one of the two at a time: a site may be both, when its better is as cheap.
        if len(essential):
            open_sites[task.site_idx[essential]] = True
        else:
            closed_sites[task.site_idx[dominated]] = True
        task = cover_task(problem, open_sites, closed_sites)
    return task
