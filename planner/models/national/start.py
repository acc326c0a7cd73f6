"""Before the first prices of a nation: a plan, how many stations it may have, multipliers.

Steps before the first prices of :mod:`planner.models.national.solve`.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.rows import CoverRows
from planner.models.national.master import LIMIT_ROUNDING
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.solving.mip import solve_mip


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
    """
    import scipy.sparse
    from ortools.linear_solver.python import model_builder_helper

    coverage = problem.coverage
    forced = np.bincount(coverage.city_idx[coverage.forced], minlength=len(problem.min_stations))
    least = np.maximum(problem.min_stations, forced)
    site, kind = np.nonzero((problem.capacity > 0) & (~coverage.forbidden)[:, None])
    asked = least[coverage.city_idx[site]] > 0
    site, kind = site[asked], kind[asked]
    column = np.arange(len(site))
    ones = np.ones(len(site))
    of_site = scipy.sparse.csr_matrix((ones, (site, column)), (coverage.num_sites, len(site)))
    of_city = scipy.sparse.csr_matrix(
        (ones, (coverage.city_idx[site], column)), (len(least), len(site))
    )
    unit = np.where(limit > 0, limit, 1.0)
    takes = scipy.sparse.csr_matrix(use[:, site, kind] / unit[:, None])
    model = model_builder_helper.ModelBuilderHelper()
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(len(site)),
        ones,
        np.zeros(len(site)),
        np.r_[coverage.forced.astype(np.float64), least, np.full(len(limit), -np.inf)],
        np.r_[np.ones(coverage.num_sites), problem.max_stations, limit / unit],
        scipy.sparse.vstack([of_site, of_city, takes], format="csr"),
    )
    for variable in range(len(site)):
        model.set_var_integrality(variable, True)
    result = solve_mip(model)
    if result.values is None:
        raise InfeasibleError(
            f"forced stations and city minima do not fit into the limits together: "
            f"{', '.join(names)}"
        )
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
    reach = np.diff(coverage.reach_ptr)
    np.add.at(zone_key, coverage.reach_zone_idx, np.repeat(number, reach))
    zone_key[coverage.reach_zone_idx[np.repeat(coverage.forced, reach)]] = 0
    share = np.zeros(coverage.num_zones)
    if rows.num_rows == 0:
        return share
    row_key = np.add.reduceat(number[rows.site_idx][rows.row_site], rows.row_ptr[:-1])
    order = np.argsort(row_key)
    place = order[np.minimum(np.searchsorted(row_key[order], zone_key), rows.num_rows - 1)]
    match = row_key[place] == zone_key
    share[match] = row_share[place[match]]
    return share
