"""Plans of capacitated facility location: stations, whom they serve, and what all of it costs."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.facility_location.problem import FacilityLocationProblem

MIP_ROUNDING = 1e-6
"""How far the solver's flows may be off before they are put right."""


@dataclass(frozen=True)
class Plan:
    """Stations, and the demand served over the pairs that are used."""

    open_site_idx: IntArray
    type_idx: IntArray
    pair_idx: IntArray
    amount: FloatArray
    cost: float


def make_plan(
    problem: FacilityLocationProblem,
    sites: IntArray,
    types: IntArray,
    used: tuple[IntArray, FloatArray],
) -> Plan:
    """Stations and what is served over which pairs, with all costs, correctly rounded."""
    pair_idx, amount = used
    costs = itertools.chain(
        problem.rules.cost[sites, types],
        problem.unit_cost[pair_idx] * amount,
        _unserved_costs(problem, unserved_demand(problem, pair_idx, amount)),
    )
    return Plan(sites, types, pair_idx, amount, math.fsum(costs))


def is_overloaded(problem: FacilityLocationProblem, plan: Plan) -> bool:
    """Whether a station serves more than its capacity, but for the solver's rounding."""
    site = problem.sites.idx[plan.pair_idx]
    load = np.bincount(site, weights=plan.amount, minlength=problem.num_sites)
    room = np.zeros(problem.num_sites)
    room[plan.open_site_idx] = problem.capacity[plan.open_site_idx, plan.type_idx]
    return bool((load > room * (1.0 + MIP_ROUNDING)).any())


def unserved_demand(
    problem: FacilityLocationProblem, pair_idx: IntArray, amount: FloatArray
) -> FloatArray:
    """Demand of each zone that no pair serves."""
    zone = np.searchsorted(problem.sites.ptr, pair_idx, side="right") - 1
    left = problem.demand - np.bincount(zone, amount, minlength=problem.num_zones)
    return np.where(left > MIP_ROUNDING * problem.demand, left, 0.0)


def _unserved_costs(problem: FacilityLocationProblem, unserved: FloatArray) -> FloatArray:
    left = unserved[unserved > 0.0]
    return left * problem.unserved_cost


def read_plan(
    problem: FacilityLocationProblem, sites: IntArray, pairs: IntArray, values: FloatArray
) -> Plan:
    """Stations and flows of a solution; shares add up to one in double precision."""
    levels = values[: len(sites) * problem.num_types].reshape(len(sites), problem.num_types)
    is_open: BoolArray = levels.max(axis=1) > 0.5
    share = np.clip(values[levels.size : levels.size + len(pairs)], 0.0, 1.0)
    share = np.round(share) if problem.single else np.where(share < MIP_ROUNDING, 0.0, share)
    zone = problem.pair_zone[pairs]
    total = np.bincount(zone, weights=share, minlength=problem.num_zones)[zone]
    if math.isfinite(problem.unserved_cost):
        total[total < 1.0 - MIP_ROUNDING] = 1.0  # the rest is unserved
    used = share > 0.0
    amount = (problem.demand[zone] * share)[used] / total[used]
    open_sites, types = sites[is_open], levels[is_open].argmax(axis=1)
    return make_plan(problem, open_sites, types, (pairs[used], amount))
