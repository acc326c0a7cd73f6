"""A plan of sized covering on merged rows, as exchanges and service look at it.

Zones of equal reach are merged by `planner.models.sized_coverage.rows`; sites keep the numbers
that the problem gives them.
"""

import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray, Lists
from planner.models.coverage.rows import CoverRows, Incidence
from planner.models.coverage.search import SwapTables, swap_tables
from planner.models.exchanges.exchange import Limits
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.rows import Arcs, SizedRows, merge_sized_rows
from planner.models.sized_coverage.service import Service, best_service

CLOSED = -1.0


@dataclass(frozen=True)
class Ground:
    """What stays the same whatever the plan.

    Attributes
    ----------
    problem : SizedCoverageProblem
    rows : SizedRows
        Of the sites that may be of use, which it numbers anew.
    cover : CoverRows
        The same of all sites, without loads and sizes; forced sites are sites like others.
    usable : bool array, shape (num_sites,)
        Sites where a station may stand.
    cheapest : float array, shape (num_sites,)
        Cost of the cheapest type that fits [CNY]; inf where none does.
    """

    problem: SizedCoverageProblem
    rows: SizedRows
    cover: CoverRows
    usable: BoolArray
    cheapest: FloatArray

    @property
    def has_money(self) -> bool:
        """Whether money is limited; without a limit every station is of the largest type."""
        return math.isfinite(self.problem.rules.budget)

    @property
    def arcs(self) -> Arcs:
        """The graph with loads, for compiled loops."""
        return Arcs(self.cover.sites_of_row, self.cover.rows_of_site, self.rows.arcs.pair_of_entry)

    @property
    def incidence(self) -> Incidence:
        """For compiled loops."""
        return self.cover.incidence


def ground_of(problem: SizedCoverageProblem) -> Ground:
    """Merge the rows of a problem."""
    rows = merge_sized_rows(problem, money_matters=math.isfinite(problem.rules.budget))
    num_sites = problem.coverage.num_sites
    site_of_arc = rows.site_idx[rows.sites_of_row.idx].astype(np.int32)
    of_sites, ptr = rows.arcs.rows_of_site, np.zeros(num_sites + 1, dtype=np.int64)
    ptr[rows.site_idx + 1] = of_sites.sizes
    cover = CoverRows(
        value=rows.value,
        sites_of_row=Lists(rows.sites_of_row.ptr, site_of_arc),
        rows_of_site=Lists(np.cumsum(ptr), of_sites.idx),
        site_idx=np.arange(num_sites),
        num_stations=problem.rules.most,
        base_value=0.0,
    )
    fits = problem.capacity > 0
    cheapest = np.where(fits, problem.rules.cost, np.inf).min(axis=1, initial=np.inf)
    return Ground(problem, rows, cover, problem.rules.usable & fits.any(axis=1), cheapest)


@dataclass(frozen=True)
class Placed:
    """A plan on its ground.

    Attributes
    ----------
    ground : Ground
    site_idx, type_idx : int arrays, shape (num_open,)
        Stations, ascending; where money is not limited, of the types that carry most.
    cost : float array, shape (num_sites,)
        Cost of the station that stands, or of the cheapest that may [CNY].
    capacity : float array, shape (num_sites,)
        Of each station [swaps/h]; < 0 where there is none.
    service : Service
        The best of these stations.
    tables : SwapTables
    """

    ground: Ground
    site_idx: IntArray
    type_idx: IntArray
    cost: FloatArray
    capacity: FloatArray
    service: Service
    tables: SwapTables

    @property
    def objective(self) -> float:
        """Value served."""
        return self.service.value

    @property
    def lost(self) -> FloatArray:
        """Value covered, but not served for want of capacity, by row."""
        covered = self.tables.num_covering > 0
        missing = self.ground.rows.value * (covered - self.service.served_frac)
        return np.where(missing > 1e-9 * self.ground.rows.value, missing, 0.0)

    @property
    def is_open(self) -> BoolArray:
        """Shape (num_sites,)."""
        return self.tables.is_open

    def fresh_tables(self) -> SwapTables:
        """Tables of the plan that moves may change."""
        is_open, number, total, change = self.tables
        return SwapTables(is_open.copy(), number.copy(), total.copy(), change.copy())

    def limits(self) -> Limits:
        """What the plan has of each limit."""
        rules = self.ground.problem.rules
        cities = rules.cities_or_one()
        num_cities = len(cities.min_stations)
        in_city = np.bincount(cities.city_idx[self.site_idx], minlength=num_cities)
        return Limits(
            city_idx=cities.city_idx.astype(np.int32),
            in_city=in_city.astype(np.int64),
            least=cities.min_stations.astype(np.int64),
            most=cities.max_stations.astype(np.int64),
            number=np.array([len(self.site_idx), rules.least, rules.most], dtype=np.int64),
            money=np.array([math.fsum(self.cost[self.site_idx]), rules.most_cost]),
            cost=self.cost.copy(),
            locked=rules.forced | ~self.ground.usable,
        )


def place(ground: Ground, site_idx: IntArray, type_idx: IntArray | None) -> Placed:
    """A plan on its ground.

    Parameters
    ----------
    ground : Ground
    site_idx : int array, shape (num_open,)
    type_idx : int array, shape (num_open,), optional
        Needed where money is limited, not looked at otherwise.
    """
    problem, rows = ground.problem, ground.rows
    order = np.argsort(site_idx, kind="stable")
    sites = np.asarray(site_idx)[order].astype(np.int64)
    if ground.has_money:
        if type_idx is None:
            raise ValueError("where money is limited the types of the stations are needed")
        types = np.asarray(type_idx)[order].astype(np.int64)
    else:
        types = largest_types(problem, sites, np.full(len(sites), math.inf))
    cost = ground.cheapest.copy()
    cost[sites] = problem.rules.cost[sites, types]
    capacity = np.full(len(cost), CLOSED)
    capacity[sites] = problem.capacity[sites, types]
    return Placed(
        ground=ground,
        site_idx=sites,
        type_idx=types,
        cost=cost,
        capacity=capacity,
        service=best_service(rows, capacity[rows.site_idx]),
        tables=swap_tables(ground.cover, sites),
    )


def largest_types(
    problem: SizedCoverageProblem, site_idx: IntArray, most_cost: FloatArray
) -> IntArray:
    """Per site the type that carries most for so much money; the cheapest such, or of all.

    Parameters
    ----------
    problem : SizedCoverageProblem
    site_idx : int array, shape (n,)
    most_cost : float array, shape (n,)
        [CNY]
    """
    capacity, cost = problem.capacity[site_idx], problem.rules.cost[site_idx]
    fits = capacity > 0
    affordable = fits & (cost <= most_cost[:, None])
    rank = np.where(affordable, capacity, -1.0)
    best = np.lexsort((np.where(affordable, cost, np.inf), -rank), axis=1)[:, 0]
    cheapest = np.where(fits, cost, np.inf).argmin(axis=1)
    return np.where(affordable.any(axis=1), best, cheapest).astype(np.int64)


def replaced(placed: Placed, leaving: IntArray, entering: IntArray) -> Placed:
    """The plan after some exchanges; new stations take the largest type that money allows.

    Parameters
    ----------
    placed : Placed
    leaving, entering : int arrays
        Sites.
    """
    ground = placed.ground
    stays = ~np.isin(placed.site_idx, leaving)
    left = ground.problem.rules.most_cost - math.fsum(
        placed.cost[np.concatenate((placed.site_idx[stays], entering))]
    )
    types = []
    for site in entering.tolist():
        kind = largest_types(ground.problem, np.array([site]), np.array([placed.cost[site] + left]))
        left -= ground.problem.rules.cost[site, kind[0]] - placed.cost[site]
        types.append(kind[0])
    return place(
        ground,
        np.concatenate((placed.site_idx[stays], entering)),
        np.concatenate((placed.type_idx[stays], np.array(types, dtype=np.int64))),
    )


def entering_capacity(placed: Placed, leaving: IntArray, entering: IntArray) -> FloatArray:
    """Capacity that the stations of each change get: the largest that money allows, in turn.

    Parameters
    ----------
    placed : Placed
    leaving, entering : int arrays, shape (num_changes, num_moves)
        -1 where nothing leaves or enters.

    Returns
    -------
    float array, shape (num_changes, num_moves)
    """
    problem = placed.ground.problem
    came = entering >= 0
    capacity = np.zeros(entering.shape)
    if not placed.ground.has_money:
        capacity[came] = problem.capacity.max(axis=1, initial=0.0)[entering[came]]
        return capacity
    spent = math.fsum(placed.cost[placed.site_idx])
    paid = np.where(leaving >= 0, placed.cost[leaving], 0.0).sum(axis=1)
    least = np.where(came, placed.cost[entering], 0.0)
    left = problem.rules.most_cost - spent + paid - least.sum(axis=1)
    for move in range(entering.shape[1]):
        at = np.flatnonzero(came[:, move])
        sites = entering[at, move]
        kind = largest_types(problem, sites, left[at] + placed.cost[sites])
        capacity[at, move] = problem.capacity[sites, kind]
        left[at] -= problem.rules.cost[sites, kind] - placed.cost[sites]
    return capacity


def near(ground: Ground, site_idx: IntArray) -> IntArray:
    """Sites that share a row with one of the given, and these; ascending."""
    cover = ground.cover
    chosen = np.zeros(cover.num_sites, dtype=np.bool_)
    chosen[site_idx] = True
    rows = np.zeros(cover.num_rows, dtype=np.bool_)
    rows[cover.rows_of_site.entries_of(chosen)] = True
    chosen[cover.sites_of_row.entries_of(rows)] = True
    return np.flatnonzero(chosen)
