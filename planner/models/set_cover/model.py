"""Set covering in whole numbers for CP-SAT.

Equations (1) to (6) of `planner.models.set_cover.solve`.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from planner.arrays import FloatArray
from planner.models.set_cover.problem import SetCoverProblem

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

WHOLE_SUM = 2.0**44
"""Costs and values that are not whole are scaled until their sum is about this."""
MOST_SUM = 2.0**53
"""Whole costs and values whose sum is larger are scaled too."""


def whole_factor(numbers: FloatArray) -> float:
    """Factor that turns numbers into whole ones, closely enough, whose sum CP-SAT can hold."""
    total = float(numbers.sum())
    if total == 0.0 or ((numbers % 1.0 == 0.0).all() and total <= MOST_SUM):
        return 1.0
    return WHOLE_SUM / total


def set_cover_model(problem: SetCoverProblem) -> "CpModel":
    """Equations (1) to (6) in whole numbers.

    Costs are rounded down, so that the optimum is no dearer than the true one's; values and
    what is asked for of them are rounded up, so that no plan is lost.

    Parameters
    ----------
    problem : SetCoverProblem

    Returns
    -------
    CpModel
        Variables y_0.., then x_0.. where a share is asked for.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    y = [
        model.new_int_var(int(forced), int(not forbidden), f"y_{site}")
        for site, (forced, forbidden) in enumerate(
            zip(problem.rules.forced.tolist(), problem.rules.forbidden.tolist(), strict=True)
        )
    ]
    near = _sites_of_zones(problem)
    partial = problem.min_share < 1.0
    x = []
    rows: set[tuple[int, bytes]] = set()
    for zone, need in enumerate(problem.need.tolist()):
        sites = near.indices[near.indptr[zone] : near.indptr[zone + 1]]
        if partial:
            x.append(model.new_bool_var(f"x_{zone}"))
        key = (need, sites.tobytes())
        if need == 0 or (not partial and key in rows):
            continue
        rows.add(key)
        stations = sum(y[site] for site in sites.tolist())
        model.add(stations >= need * x[zone] if partial else stations >= need)
    if partial:
        factor = whole_factor(problem.value)
        worth = np.ceil(problem.value * factor).astype(np.int64)
        required = math.ceil(problem.min_share * math.fsum(problem.value) * factor * (1 - 1e-12))
        model.add(cp_model.LinearExpr.weighted_sum(x, worth.tolist()) >= required)
    model.add_linear_constraint(sum(y), problem.rules.least, problem.rules.most)
    if problem.rules.cities is not None:
        for city, (least, most) in enumerate(
            zip(
                problem.rules.cities.min_stations.tolist(),
                problem.rules.cities.max_stations.tolist(),
                strict=True,
            )
        ):
            there = np.flatnonzero(problem.rules.cities.city_idx == city).tolist()
            stations = cp_model.LinearExpr.sum([y[site] for site in there])
            if least > 0:
                model.add(stations >= least).with_name(f"city_least_{city}")
            if most < len(there):
                model.add(stations <= most).with_name(f"city_most_{city}")
    factor = whole_factor(problem.rules.cost)
    cost = np.floor(problem.rules.cost * factor).astype(np.int64).tolist()
    expense = cp_model.LinearExpr.weighted_sum(y, cost)
    if problem.rules.most_cost * factor < sum(cost):
        model.add(expense <= math.floor(problem.rules.most_cost * factor))
    model.minimize(expense)
    return model


def _sites_of_zones(problem: SetCoverProblem) -> Any:
    site = np.repeat(np.arange(problem.num_sites), np.diff(problem.reach.ptr))
    shape = (problem.num_zones, problem.num_sites)
    ones = np.ones(len(site), dtype=np.int8)
    matrix: Any = scipy.sparse.csr_matrix((ones, (problem.reach.idx, site)), shape=shape)
    matrix.sort_indices()
    return matrix
