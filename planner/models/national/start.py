"""Before the first prices of a nation: a plan, how many stations it may have, multipliers.

Steps before the first prices of :mod:`planner.models.national.solve`.
"""

import math
from collections.abc import Sequence

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError, NoPlanError
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows
from planner.models.national.master import LIMIT_ROUNDING
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.linear_model import LinearModel
from planner.solving.mip import solve_mip
from planner.solving.status import Status


def least_stations_model(
    problem: SizedCoverageProblem, use: FloatArray, limit: FloatArray
) -> tuple[LinearModel, IntArray, IntArray]:
    """Forced stations and city minima within several limits, as a model without objective.

    y_jt = 1 if a station of type t stands at j; sites and types as in ``sized_coverage``, u_rjt
    what the station takes of resource r, B_r its limit. Cities without forced sites and without a
    minimum are left out.

        sum_t y_jt <= 1,  = 1 forced                                    every site j
        max(min_c, number forced) <= sum_{j in c, t} y_jt <= max_c      every city c
        sum_jt u_rjt y_jt <= B_r                                        every resource r

    Parameters
    ----------
    problem : SizedCoverageProblem
    use : float array, shape (num_resources, num_sites, num_types)
    limit : float array, shape (num_resources,)

    Returns
    -------
    model : LinearModel
        Columns ``y_site_type``; rows ``site``, ``city``, ``limit``.
    site, kind : int arrays, shape (num_columns,)
        Site and type of each column.
    """
    import scipy.sparse

    rules, cities = problem.rules, problem.rules.cities_or_one()
    num_sites = problem.coverage.num_sites
    forced = np.bincount(cities.city_idx[rules.forced], minlength=len(cities.min_stations))
    least = np.maximum(cities.min_stations, forced)
    site, kind = np.nonzero((problem.capacity > 0) & rules.usable[:, None])
    needed = least[cities.city_idx[site]] > 0
    site, kind = site[needed], kind[needed]
    column = np.arange(len(site))
    ones = np.ones(len(site))
    of_site = scipy.sparse.csr_matrix((ones, (site, column)), (num_sites, len(site)))
    of_city = scipy.sparse.csr_matrix(
        (ones, (cities.city_idx[site], column)), (len(least), len(site))
    )
    unit = np.where(limit > 0, limit, 1.0)
    takes = scipy.sparse.csr_matrix(use[:, site, kind] / unit[:, None])
    model = LinearModel(
        name="least_stations",
        matrix=scipy.sparse.vstack([of_site, of_city, takes], format="csr"),
        row_lower=np.r_[rules.forced.astype(np.float64), least, np.full(len(limit), -np.inf)],
        row_upper=np.r_[np.ones(num_sites), cities.max_stations, limit / unit],
        lower=np.zeros(len(site)),
        upper=ones,
        objective=np.zeros(len(site)),
        maximize=False,
        integer=np.ones(len(site), dtype=np.bool_),
        column_names=[f"y_{j}_{t}" for j, t in zip(site.tolist(), kind.tolist(), strict=True)],
        row_names=[
            *(f"site_{j}" for j in range(num_sites)),
            *(f"city_{city}" for city in range(len(least))),
            *(f"limit_{resource}" for resource in range(len(limit))),
        ],
    )
    return model, site, kind


def feasible_stations(
    problem: SizedCoverageProblem, names: Sequence[str], use: FloatArray, limit: FloatArray
) -> tuple[IntArray, IntArray]:
    """Forced stations and city minima within several limits, by SCIP.

    Parameters
    ----------
    problem : SizedCoverageProblem
    names, use, limit
        Of each resource; use has shape (num_resources, num_sites, num_types).

    Returns
    -------
    open_site_idx, type_idx : int arrays

    Raises
    ------
    InfeasibleError
        If there is no such plan.
    NoPlanError
        If the solver found none and proved nothing.
    """
    model, site, kind = least_stations_model(problem, use, limit)
    result = solve_mip(model.to_ortools())
    if result.status is Status.INFEASIBLE:
        raise InfeasibleError(
            f"forced stations and city minima do not fit into the limits together: "
            f"{', '.join(names)}"
        )
    if result.values is None:
        raise NoPlanError(f"no stations within the limits were found ({result.message})")
    chosen = result.values > 0.5
    return site[chosen], kind[chosen]


def affordable_stations(use: FloatArray, forced: BoolArray, usable: BoolArray, limit: float) -> int:
    """Stations, the forced ones included, that a limit allows at most.

    Parameters
    ----------
    use : float array, shape (num_sites,)
        Least that a station at the site takes of the resource.
    forced, usable : bool arrays, shape (num_sites,)
    limit : float
        How much there is.
    """
    left = limit * (1.0 + LIMIT_ROUNDING) - math.fsum(use[forced])
    free = np.cumsum(np.sort(use[usable & ~forced]))
    return int(forced.sum()) + int(np.searchsorted(free, left, side="right"))


def share_by_zone(coverage: CoverageProblem, rows: CoverRows, row_share: FloatArray) -> FloatArray:
    """Multiplier of each zone as a share of its value; 0 where a forced site serves it.

    Zones find their row by the sum of random numbers of the sites that reach them. A chance
    match of others would give a poor multiplier, never a wrong bound.

    Parameters
    ----------
    coverage : CoverageProblem
    rows : CoverRows
        Its merged rows.
    row_share : float array, shape (num_rows,)
        Multiplier of each row as a share of its value, in [0, 1].

    Returns
    -------
    float array, shape (num_zones,)
    """
    rng = np.random.default_rng(0)
    number = np.zeros(coverage.num_sites, dtype=np.uint64)
    number[rows.site_idx] = rng.integers(1, 2**63, rows.num_sites, dtype=np.uint64)
    zone_key = np.zeros(coverage.num_zones, dtype=np.uint64)
    np.add.at(zone_key, coverage.reach.idx, np.repeat(number, coverage.reach.sizes))
    zone_key[coverage.reach.entries_of(coverage.rules.forced)] = 0
    share = np.zeros(coverage.num_zones)
    if rows.num_rows == 0:
        return share
    site_of_pair, row_ptr = rows.sites_of_row.idx, rows.sites_of_row.ptr
    row_key = np.add.reduceat(number[rows.site_idx][site_of_pair], row_ptr[:-1])
    order = np.argsort(row_key)
    place = order[np.minimum(np.searchsorted(row_key[order], zone_key), rows.num_rows - 1)]
    match = row_key[place] == zone_key
    share[match] = row_share[place[match]]
    return share
