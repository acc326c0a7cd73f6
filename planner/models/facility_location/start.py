"""Stations to begin with: those that the dual's relaxed plans open."""

import math

import numpy as np

from planner.arrays import IntArray
from planner.models.facility_location.dual import CapacitatedDual
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.solving.best_sites import best_sites


def first_stations(
    problem: FacilityLocationProblem, dual: CapacitatedDual, first_open_frac: float
) -> IntArray:
    """Sites that relaxed plans open most often, until demand has room or limits forbid.

    Parameters
    ----------
    problem : FacilityLocationProblem
    dual : CapacitatedDual
    first_open_frac : float
        Where demand may stay unserved: sites that relaxed plans open less often stay closed.

    Returns
    -------
    int array
        Stations, ascending, coded as site * num_types + type.
    """
    rules = problem.rules
    value, types = dual.relaxed.value.min(axis=1), dual.relaxed.best_type
    cheapest = rules.cost.argmin(axis=1)
    rank = np.empty(problem.num_sites)
    rank[np.lexsort((value, -np.round(dual.frequency, 2)))] = np.arange(problem.num_sites)
    must = np.zeros(problem.num_sites, dtype=np.bool_)
    # With a worth below zero only what must be open is open.
    needed = best_sites(
        -1.0 - rank, rules.forced, rules.forbidden, rules.least, rules.most, rules.cities
    )
    must[needed] = True
    spent = float(rules.cost[must, cheapest[must]].sum())
    number, room = int(must.sum()), 0.0
    in_city = rules.cities.max_stations.copy() if rules.cities is not None else None
    if rules.cities is not None and in_city is not None:
        in_city -= np.bincount(rules.cities.city_idx[must], minlength=len(in_city))
    everything, leaves = float(problem.demand.sum()), math.isfinite(problem.unserved_cost)
    preferred = dual.frequency >= first_open_frac
    if not preferred.any():
        preferred[dual.relaxed.opening] = True
    chosen: list[int] = []
    for site in np.lexsort((rank, ~must)).tolist():
        kind = int(types[site])
        fixed = float(rules.cost[site, kind])
        if must[site]:
            spent -= float(rules.cost[site, cheapest[site]])
            if spent + fixed > rules.most_cost:
                kind = int(cheapest[site])
                fixed = float(rules.cost[site, kind])
        else:
            enough = not preferred[site] if leaves else room >= everything
            if enough or number >= rules.most:
                break
            if rules.forbidden[site] or spent + fixed > rules.most_cost:
                continue
            if rules.cities is not None and in_city is not None:
                city = rules.cities.city_idx[site]
                if in_city[city] <= 0:
                    continue
                in_city[city] -= 1
            number += 1
        chosen.append(site * problem.num_types + kind)
        room += float(problem.capacity[site, kind])
        spent += fixed
    return np.sort(np.array(chosen, dtype=np.int64))
