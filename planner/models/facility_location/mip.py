"""Facility location as a mixed-integer model.

The rows are equations (1) to (8) of `planner.models.facility_location.solve`, for some of the sites
and pairs.
"""

import math
from typing import Any

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray, IntArray
from planner.limits import widened
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.solving.linear_model import LinearModel

NOTHING = 1e-9
"""Shares below this are rounding."""


def facility_mip(
    problem: FacilityLocationProblem,
    sites: IntArray,
    pair_idx: IntArray,
    ceiling: float = math.inf,
) -> LinearModel:
    """Equations (1) to (8), restricted to some sites and pairs.

    Parameters
    ----------
    problem : FacilityLocationProblem
    sites : int array
        Sites that may be open, ascending.
    pair_idx : int array
        Pairs that may be used, ascending; of those sites and of zones with demand.
    ceiling : float
        Plans that cost more are left out: what alone costs more is not done, or in part only.

    Returns
    -------
    LinearModel
        Minimization; variables y_j_t site by site, then x_i_j, then w_i if demand may stay
        unserved.
    """
    num_types, num_y, num_x = problem.num_types, len(sites) * problem.num_types, len(pair_idx)
    may_leave = math.isfinite(problem.unserved_cost)
    pair_zone = problem.pair_zone[pair_idx]
    zones = np.flatnonzero(problem.demand > 0) if may_leave else np.unique(pair_zone)
    zone_row = np.searchsorted(zones, pair_zone)
    at_site = np.searchsorted(sites, problem.sites.idx[pair_idx])
    load = problem.demand[pair_zone]
    y = np.arange(num_y).reshape(len(sites), num_types)
    x = num_y + np.arange(num_x)
    w = num_y + num_x + np.arange(len(zones) if may_leave else 0)
    links, room = len(zones) + np.arange(num_x), len(zones) + num_x + np.arange(len(sites))
    one = room + len(sites)
    stations = int(len(zones) + num_x + 2 * len(sites))
    cities = problem.rules.cities.of_sites(sites) if problem.rules.cities is not None else None
    num_cities = len(cities.min_stations) if cities is not None else 0
    blocks = [
        (zone_row, x, np.ones(num_x)),
        (np.arange(len(w)), w, np.ones(len(w))),
        (links, x, np.ones(num_x)),
        (np.repeat(links, num_types), y[at_site].ravel(), -np.ones(num_x * num_types)),
        (room[at_site], x, load),
        (np.repeat(room, num_types), y.ravel(), -problem.capacity[sites].ravel()),
        (np.repeat(one, num_types), y.ravel(), np.ones(num_y)),
        (np.full(num_y, stations), y.ravel(), np.ones(num_y)),
        (np.full(num_y, stations + 1), y.ravel(), problem.rules.cost[sites].ravel()),
    ]
    least = most = np.empty(0)
    if cities is not None:
        least, most = cities.min_stations.astype(float), cities.max_stations.astype(float)
        city_row = stations + 2 + np.repeat(cities.city_idx, num_types)
        blocks += [(city_row, y.ravel(), np.ones(num_y)),
                   (city_row + num_cities, y.ravel(), np.ones(num_y))]  # fmt: skip
    row, column, entry = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    triples: Any = (entry, (row, column))
    num_columns = num_y + num_x + len(w)
    matrix = scipy.sparse.csr_matrix(
        scipy.sparse.coo_array(triples, shape=(stations + 2 + 2 * num_cities, num_columns))
    )
    free = -np.inf
    objective: FloatArray = np.r_[
        problem.rules.cost[sites].ravel(), load * problem.unit_cost[pair_idx],
        problem.demand[zones[: len(w)]] * (problem.unserved_cost if may_leave else 0.0),
    ]  # fmt: skip
    upper = np.ones(num_columns)
    np.divide(widened(ceiling), objective, out=upper, where=objective > widened(ceiling))
    upper[(upper < NOTHING) | (np.arange(num_columns) < num_y) & (upper < 1.0)] = 0.0
    upper[:num_y][problem.rules.cost[sites].ravel() > problem.rules.most_cost] = 0.0
    pair_names = [
        f"{zone}_{site}"
        for zone, site in zip(pair_zone.tolist(), problem.sites.idx[pair_idx].tolist(), strict=True)
    ]
    return LinearModel(
        name="facility_location",
        matrix=matrix,
        row_lower=np.r_[
            np.ones(len(zones)), np.full(num_x + len(sites), free),
            problem.rules.forced[sites].astype(float), float(problem.rules.least), free,
            least, np.full(num_cities, free),
        ],
        row_upper=np.r_[
            np.ones(len(zones)), np.zeros(num_x + len(sites)), np.ones(len(sites)),
            float(problem.rules.most), problem.rules.budget,
            np.full(num_cities, np.inf), most,
        ],
        lower=np.zeros(num_columns),
        upper=upper,
        objective=np.where(upper > 0.0, objective, 0.0),
        maximize=False,
        integer=np.arange(num_columns) < num_y + (num_x if problem.single else 0),
        column_names=[
            *(f"y_{site}_{kind}" for site in sites.tolist() for kind in range(num_types)),
            *(f"x_{name}" for name in pair_names),
            *(f"w_{zone}" for zone in zones[: len(w)].tolist()),
        ],
        row_names=[
            *(f"serve_{zone}" for zone in zones.tolist()),
            *(f"link_{name}" for name in pair_names),
            *(f"capacity_{site}" for site in sites.tolist()),
            *(f"one_type_{site}" for site in sites.tolist()),
            "stations", "budget",
            *(f"city_least_{city}" for city in range(num_cities)),
            *(f"city_most_{city}" for city in range(num_cities)),
        ],
    )  # fmt: skip
