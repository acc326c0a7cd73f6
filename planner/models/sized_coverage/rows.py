"""Presolve of sized covering: zones merged into rows, types and sites without use dropped.

Takes a `SizedCoverageProblem`, gives `SizedRows`. What stations serve is in
`planner.models.sized_coverage.service`.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.incidence import equal_list_leaders
from planner.solving.rules import CityLimits, SiteRules

RATIO_BITS = 40
"""Zones whose value per load agrees in so many bits may be merged: they differ by rounding."""


class Arcs(NamedTuple):
    """The bipartite graph of :class:`SizedRows` for compiled loops.

    Attributes
    ----------
    sites_of_row, rows_of_site : Lists
        Both ways.
    pair_of_entry : int array
        Position in ``sites_of_row.idx`` of each entry of ``rows_of_site.idx``.
    """

    sites_of_row: Lists
    rows_of_site: Lists
    pair_of_entry: IntArray


class Demand(NamedTuple):
    """Value and load of each row, shape (num_rows,), for compiled loops."""

    value: FloatArray
    load: FloatArray


@dataclass(frozen=True)
class SizedRows:
    """Sized covering over merged rows and the options that may be of use.

    Attributes
    ----------
    value, load : float arrays, shape (num_rows,)
        Sums over the zones merged; value > 0, load >= 0 [value, swaps/h].
    sites_of_row : Lists, num_rows of them
        Sites that reach each row, ascending; at least one.
    row_of_zone : int array, shape (num_zones,)
        Row of each original zone; -1 where it is worth nothing or out of reach.
    site_idx : int array, shape (num_sites,)
        Position of each site in the original problem, ascending.
    rules : SiteRules
        Locks and limits of these sites, with limits by city.
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
    sites_of_row: Lists
    row_of_zone: IntArray
    site_idx: IntArray
    rules: SiteRules
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
    def cities(self) -> CityLimits:
        """City of each site, and limits by city."""
        return self.rules.cities_or_one()

    @cached_property
    def option_site(self) -> IntArray:
        """Site of each option, shape (num_options,)."""
        return np.repeat(np.arange(self.num_sites), np.diff(self.option_ptr))

    @cached_property
    def row_of_arc(self) -> IntArray:
        """Row of each pair in ``sites_of_row.idx``."""
        return self.sites_of_row.owner

    @cached_property
    def arcs(self) -> Arcs:
        """The graph for compiled loops."""
        site_of_pair = self.sites_of_row.idx
        order = np.argsort(site_of_pair, kind="stable")
        row = self.row_of_arc[order].astype(np.int32)
        return Arcs(
            self.sites_of_row,
            Lists.by_owner(site_of_pair[order].astype(np.int64), row, self.num_sites),
            order.astype(np.int64),
        )

    @property
    def demand(self) -> Demand:
        """Value and load for compiled loops."""
        return Demand(self.value, self.load)

    @cached_property
    def unloaded(self) -> IntArray:
        """Rows without load."""
        return np.flatnonzero(self.load <= 0)

    @cached_property
    def serving_order(self) -> IntArray:
        """Rows with load, best value per load first; then those with the least choice."""
        loaded = np.flatnonzero(self.load > 0)
        degree = self.sites_of_row.sizes[loaded]
        ratio = _rounded(self.value[loaded] / self.load[loaded])
        return np.asarray(loaded[np.lexsort((loaded, degree, -ratio))])


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
    coverage, rules = problem.coverage, problem.rules
    cities = rules.cities_or_one()
    usable = (problem.capacity.max(axis=1, initial=0.0) > 0) & rules.usable
    needed = cities.min_stations > np.bincount(
        cities.city_idx[rules.forced], minlength=len(cities.min_stations)
    )
    reach = scipy.sparse.csr_matrix(
        (np.ones(coverage.reach.num_entries), coverage.reach.idx, coverage.reach.ptr),
        shape=(coverage.num_sites, coverage.num_zones),
    )
    worth = coverage.value > 0
    load = _load_that_counts(problem, reach, usable, money_matters)
    reach_load = np.asarray(reach @ load).ravel()
    reaches = np.asarray(reach @ worth.astype(np.float64)).ravel() > 0
    keep = usable & (rules.forced | reaches | needed[cities.city_idx])
    site_idx = np.flatnonzero(keep)
    by_zone = reach[site_idx].tocsc()
    by_zone.sort_indices()
    sites_of_zone = Lists(by_zone.indptr.astype(np.int64), by_zone.indices)
    merged = _merge_zones(coverage.value, load, sites_of_zone)
    all_load = np.asarray(reach @ np.where(worth, problem.load, 0.0)).ravel()
    site, kind = _useful_options(problem, site_idx, all_load[site_idx], money_matters)
    return SizedRows(
        **merged._asdict(),
        site_idx=site_idx.astype(np.int64),
        rules=replace(rules, cities=cities).of_sites(site_idx),
        option_ptr=np.searchsorted(site, np.arange(len(site_idx) + 1)).astype(np.int64),
        option_type=kind,
        capacity=np.minimum(problem.capacity[site_idx[site], kind], reach_load[site_idx[site]]),
        cost=rules.cost[site_idx[site], kind],
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
    sites_of_row: Lists
    row_of_zone: IntArray


def _merge_zones(value: FloatArray, load: FloatArray, sites_of_zone: Lists) -> _MergedZones:
    """One row for all zones of equal reach and equal value per load that are worth something."""
    reached = np.flatnonzero((value > 0) & (sites_of_zone.sizes > 0))
    is_reached = np.zeros(len(value), dtype=np.bool_)
    is_reached[reached] = True
    lengths = sites_of_zone.sizes[reached]
    ptr = np.concatenate([[0], np.cumsum(lengths)])
    site = sites_of_zone.entries_of(is_reached).astype(np.int32)
    _, ratio_class = np.unique(_rounded(load[reached] / value[reached]), return_inverse=True)
    # The class stands in front of each list as one more entry.
    with_class = np.insert(site, ptr[:-1], ratio_class.astype(np.int32))
    leader = equal_list_leaders(Lists((ptr + np.arange(len(ptr))).astype(np.int64), with_class))
    is_row = leader == np.arange(len(reached))
    row = (np.cumsum(is_row) - 1)[leader]
    row_of_zone = np.full(len(value), -1, dtype=np.int64)
    row_of_zone[reached] = row
    num_rows = int(is_row.sum())
    return _MergedZones(
        value=_sums(row, value[reached], num_rows),
        load=_sums(row, load[reached], num_rows),
        sites_of_row=Lists(
            np.concatenate([[0], np.cumsum(lengths[is_row])]).astype(np.int64),
            Lists(ptr, site).entries_of(is_row),
        ),
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
    cost = problem.rules.cost[site_idx]
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


def rows_of_plan(
    problem: SizedCoverageProblem, open_site_idx: IntArray, type_idx: IntArray
) -> SizedRows:
    """Rows as the open stations see them: one option each, its capacity not cut down."""
    order = np.argsort(open_site_idx, kind="stable")
    sites = open_site_idx[order]
    reach = problem.coverage.reach
    zone = reach.entries_of(np.isin(np.arange(reach.num_lists), sites))
    site_of_arc = np.repeat(np.arange(len(sites)), reach.sizes[sites])
    by_zone = scipy.sparse.csr_matrix(
        (np.ones(len(site_of_arc)), (zone, site_of_arc)),
        shape=(problem.coverage.num_zones, len(sites)),
    )
    by_zone.sort_indices()
    sites_of_zone = Lists(by_zone.indptr.astype(np.int64), by_zone.indices)
    merged = _merge_zones(problem.coverage.value, problem.load, sites_of_zone)
    rules = replace(problem.rules, cities=problem.rules.cities_or_one()).of_sites(sites)
    return SizedRows(
        **merged._asdict(),
        site_idx=sites,
        rules=rules,
        option_ptr=np.arange(len(sites) + 1),
        option_type=type_idx[order],
        capacity=problem.capacity[sites, type_idx[order]],
        cost=rules.cost[np.arange(len(sites)), type_idx[order]],
    )
