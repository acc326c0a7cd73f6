"""The p-median problem as a mixed-integer model: what other solvers and tests get.

The rows are equations (1) to (6) of `planner.models.p_median.solve`.
"""

import numpy as np
import scipy.sparse

from planner.arrays import IntArray
from planner.models.p_median.problem import PairDistances, PMedianProblem
from planner.solving.linear_model import LinearModel
from planner.solving.rules import CityLimits


def p_median_mip(problem: PMedianProblem) -> LinearModel:
    """Equations (1) to (6) written out: what other solvers and tests get.

    Parameters
    ----------
    problem : PMedianProblem
        With pairs.

    Returns
    -------
    LinearModel
        Minimization; variables y_j, then x_i_j per pair and x_i_none; (3) stands in bounds.
    """
    pairs = problem.distances
    if not isinstance(pairs, PairDistances):
        raise TypeError("pairs are needed, not points")
    num_sites, num_zones, num_pairs = problem.num_sites, problem.num_zones, pairs.sites.num_entries
    zone = pairs.sites.owner
    x, none = num_sites + np.arange(num_pairs), num_sites + num_pairs + np.arange(num_zones)
    link = num_zones + np.arange(num_pairs)
    site, total = np.arange(num_sites), num_zones + num_pairs
    nothing = np.empty(0, np.int64)
    cities = problem.rules.cities or CityLimits(nothing.astype(np.int32), nothing, nothing)
    num_cities = len(cities.min_stations)
    least_row = total + 2 + cities.city_idx
    in_city = site[: len(least_row)]
    row: IntArray = np.concatenate(
        (zone, np.arange(num_zones), link, link, np.full(num_sites, total),
         np.full(num_sites, total + 1), least_row, least_row + num_cities)
    )  # fmt: skip
    column: IntArray = np.concatenate((x, none, x, pairs.sites.idx, site, site, in_city, in_city))
    entry = np.concatenate(
        (np.ones(num_pairs + num_zones), np.ones(num_pairs), -np.ones(num_pairs),
         np.ones(num_sites), problem.rules.cost, np.ones(2 * len(in_city)))
    )  # fmt: skip
    shape = (total + 2 + 2 * num_cities, num_sites + num_pairs + num_zones)
    matrix = scipy.sparse.csr_matrix(scipy.sparse.coo_array((entry, (row, column)), shape=shape))
    rules = problem.rules
    pair_names = [f"{i}_{j}" for i, j in zip(zone.tolist(), pairs.sites.idx.tolist(), strict=True)]
    return LinearModel(
        name="p_median",
        matrix=matrix,
        row_lower=np.concatenate(
            (np.ones(num_zones), np.full(num_pairs, -np.inf), [rules.least, -np.inf],
             cities.min_stations.astype(float), np.full(num_cities, -np.inf))
        ),
        row_upper=np.concatenate(
            (np.ones(num_zones), np.zeros(num_pairs), [rules.most, rules.budget],
             np.full(num_cities, np.inf), cities.max_stations.astype(float))
        ),
        lower=np.concatenate((rules.forced.astype(float), np.zeros(num_pairs + num_zones))),
        upper=np.concatenate((1.0 - rules.forbidden, np.ones(num_pairs + num_zones))),
        objective=np.concatenate(
            (np.zeros(num_sites), problem.weight[zone] * pairs.distance,
             problem.weight * pairs.unserved)
        ),
        maximize=False,
        integer=np.arange(num_sites + num_pairs + num_zones) < num_sites,
        column_names=[
            *(f"y_{j}" for j in range(num_sites)),
            *(f"x_{name}" for name in pair_names),
            *(f"x_{i}_none" for i in range(num_zones)),
        ],
        row_names=[
            *(f"serve_{i}" for i in range(num_zones)),
            *(f"link_{name}" for name in pair_names),
            "stations", "budget",
            *(f"city_least_{c}" for c in range(num_cities)),
            *(f"city_most_{c}" for c in range(num_cities)),
        ],
    )  # fmt: skip
