"""Facility location as a mixed-integer model.

The rows are equations (1) to (8) of `planner.models.facility_location.solve`, for some of the sites
and pairs.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import IndexArray, IntArray
from planner.models.facility_location.problem import FacilityLocationProblem

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper


def zone_of_pairs(problem: FacilityLocationProblem) -> IndexArray:
    """Zone of each pair, shape (num_pairs,)."""
    return np.repeat(np.arange(problem.num_zones, dtype=np.int32), np.diff(problem.zone_ptr))


def facility_mip(
    problem: FacilityLocationProblem, sites: IntArray, pair_idx: IntArray
) -> "ModelBuilderHelper":
    """Equations (1) to (8), restricted to some sites and pairs.

    Parameters
    ----------
    problem : FacilityLocationProblem
    sites : int array
        Sites that may be open, ascending.
    pair_idx : int array
        Pairs that may be used, ascending; of those sites and of zones with demand.

    Returns
    -------
    ModelBuilderHelper
        Minimization; variables y_j_t site by site, then x_i_j, then w_i if demand may stay
        unserved.
    """
    import scipy.sparse
    from ortools.linear_solver.python import model_builder_helper

    num_types, num_y, num_x = problem.num_types, len(sites) * problem.num_types, len(pair_idx)
    may_leave = math.isfinite(problem.unserved_cost)
    pair_zone = zone_of_pairs(problem)[pair_idx]
    zones = np.flatnonzero(problem.demand > 0) if may_leave else np.unique(pair_zone)
    zone_row = np.searchsorted(zones, pair_zone)
    at_site = np.searchsorted(sites, problem.site_idx[pair_idx])
    load = problem.demand[pair_zone]
    y = np.arange(num_y).reshape(len(sites), num_types)
    x = num_y + np.arange(num_x)
    w = num_y + num_x + np.arange(len(zones) if may_leave else 0)
    links, room = len(zones) + np.arange(num_x), len(zones) + num_x + np.arange(len(sites))
    one = room + len(sites)
    stations = int(len(zones) + num_x + 2 * len(sites))
    cities = problem.cities.of_sites(sites) if problem.cities is not None else None
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
        (np.full(num_y, stations + 1), y.ravel(), problem.fixed_cost[sites].ravel()),
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
    model = model_builder_helper.ModelBuilderHelper()
    model.set_name("facility_location")
    sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
    sparse_model.fill_model_from_sparse_data(
        np.zeros(num_columns),
        np.ones(num_columns),
        np.r_[
            problem.fixed_cost[sites].ravel(), load * problem.unit_cost[pair_idx],
            problem.demand[zones[: len(w)]] * (problem.unserved_cost if may_leave else 0.0),
        ],
        np.r_[
            np.ones(len(zones)), np.full(num_x + len(sites), free),
            problem.forced[sites].astype(float), float(problem.min_stations), free,
            least, np.full(num_cities, free),
        ],
        np.r_[
            np.ones(len(zones)), np.zeros(num_x + len(sites)), np.ones(len(sites)),
            float(problem.max_stations), problem.budget,
            np.full(num_cities, np.inf), most,
        ],
        matrix,
    )  # fmt: skip
    for at, site in enumerate(sites.tolist()):
        for kind in range(num_types):
            model.set_var_integrality(at * num_types + kind, True)
            model.set_var_name(at * num_types + kind, f"y_{site}_{kind}")
        model.set_constraint_name(int(room[at]), f"capacity_{site}")
        model.set_constraint_name(int(one[at]), f"one_type_{site}")
    for at, zone in enumerate(zones.tolist()):
        model.set_constraint_name(at, f"serve_{zone}")
        if may_leave:
            model.set_var_name(int(w[at]), f"w_{zone}")
    for at, pair in enumerate(pair_idx.tolist()):
        name = f"{pair_zone[at]}_{problem.site_idx[pair]}"
        model.set_var_name(num_y + at, f"x_{name}")
        model.set_constraint_name(int(links[at]), f"link_{name}")
        if problem.single:
            model.set_var_integrality(num_y + at, True)
    model.set_constraint_name(stations, "stations")
    model.set_constraint_name(stations + 1, "budget")
    for city in range(num_cities):
        model.set_constraint_name(stations + 2 + city, f"city_least_{city}")
        model.set_constraint_name(stations + 2 + num_cities + city, f"city_most_{city}")
    return model
