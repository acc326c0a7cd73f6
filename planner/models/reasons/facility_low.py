"""Lower ends of what it costs to change one lock of a facility location plan: from multipliers.

The bound of `planner.models.facility_location.dual` at some prices gives each site a worth -v_j,
so that what `planner.models.reasons.p_median_low` says of (1) and (2) holds here, too: with L the
bound, t_j its rise if j is made the other way round, V the cost of the plan,

(1) r_j >= L + t_j - V,    f_k >= L + t_k - V,
(2) r_j >= t_jc - (V_c - L_c)    in a part c, the others kept, at the price of a station.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.facility_location.dual import CapacitatedDual, SitePairs
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.p_median.dual import Openings, fixing_losses
from planner.models.reasons.p_median_low import station_price
from planner.models.reasons.parts import linked_parts, masked

ROUNDING_FRAC = 1e-9
"""Of a plan's cost: what is less is rounding."""


def lower_ends(
    problem: FacilityLocationProblem,
    pairs: SitePairs,
    stations: IntArray,
    zone_cost: FloatArray,
    dual: CapacitatedDual,
) -> FloatArray:
    """The larger of (1) and (2), shape (num_sites,); of forbidden sites nothing is told.

    Parameters
    ----------
    problem : FacilityLocationProblem
    pairs : SitePairs
    stations : int array
        Of the plan, coded as site * num_types + type.
    zone_cost : float array, shape (num_zones,)
        What serving each zone costs in the plan, or leaving it unserved.
    dual : CapacitatedDual
    """
    rules, prices = problem.rules, dual.prices
    usable = np.flatnonzero(rules.usable)
    openings = Openings(
        forced=rules.forced[usable],
        min_open=rules.least,
        max_open=min(rules.most, len(usable)),
        cost=np.zeros(len(usable)),
        budget=math.inf,
        cities=None if rules.cities is None else rules.cities.of_sites(usable),
    )
    site, kind = np.divmod(stations, problem.num_types)
    is_open = masked(problem.num_sites, site)[usable]
    fixed = np.zeros(problem.num_sites)
    fixed[site] = rules.cost[site, kind]
    cost = math.fsum((*zone_cost.tolist(), *fixed[site].tolist()))
    worth = -dual.relaxed.value.min(axis=1)[usable]
    zone_worth = problem.demand * (prices.zone + prices.capacity)
    spared = prices.money * rules.most_cost if prices.money > 0.0 else 0.0

    def rises(limits: Openings, opening: IntArray, of_sites: FloatArray) -> FloatArray:
        agrees = masked(len(usable), opening) == is_open
        return np.where(agrees, fixing_losses(limits, opening, of_sites), 0.0)

    opening = openings.best(worth)
    bound = math.fsum(zone_worth) - spared - math.fsum(worth[opening])
    low = bound + rises(openings, opening, worth) - cost
    parts = linked_parts(pairs.zones, problem.num_zones, rules.cities)
    inside = parts.of_site[usable]
    if len(inside) and (inside != inside[0]).any():
        price = station_price(openings, worth)
        free = replace(openings, min_open=0, max_open=len(usable))
        opening = free.best(worth - price)
        of_sites = np.zeros(problem.num_sites)
        of_sites[usable] = np.where(masked(len(usable), opening), worth - price, 0.0) + np.where(
            is_open, fixed[usable] * (1.0 + prices.money) + price, 0.0
        )
        gap = parts.sums(of_sites, zone_cost - zone_worth)
        low = np.maximum(low, rises(free, opening, worth - price) - gap[inside])
    ends = np.zeros(problem.num_sites)
    ends[usable] = np.maximum(low - ROUNDING_FRAC * cost, 0.0)
    return ends
