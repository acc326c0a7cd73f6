"""Lower ends of what it costs to change one lock of a p-median plan: from multipliers.

With the bound L of `planner.models.p_median.dual`, V the cost of the plan and t_j the rise of L if
j is made the other way round,

(1) r_j >= L + t_j - V,    f_k >= L + t_k - V.

At the price of a station that the multipliers give, and without j, those of the zones that j
reaches may rise until what another site saves is worth its price (dual ascent, Erlenkotter 1978,
Operations Research 26:992-1009): by g_j in all. Where zones and sites fall into parts that share
numbers and money alone, in each part c, the others kept,

(2) r_j >= t_jc + g_j - (V_c - L_c),

V_c being the cost of the part and of its stations at that price. The larger of (1) and (2) counts.
"""

import math
from dataclasses import replace

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.p_median.dual import MedianDual, Openings, fixing_losses, median_bound
from planner.models.p_median.near_sites import NearSites
from planner.models.p_median.search import listed_cost, nearest_tables
from planner.models.reasons.parts import linked_parts, masked

ROUNDING_FRAC = 1e-10
"""Of a plan's cost: what is less is rounding."""


def lower_ends(
    weight: FloatArray,
    near: NearSites,
    openings: Openings,
    plan: IntArray,
    dual: MedianDual,
    step: float,
) -> FloatArray:
    """The larger of (1) and (2), shape (num_sites,).

    Parameters
    ----------
    weight : float array, shape (num_zones,)
    near : NearSites
    openings : Openings
    plan : int array
        Open sites.
    dual : MedianDual
        Multipliers.
    step : float
        All plans cost multiples of this; 0 if not.
    """
    state = nearest_tables(weight, near, plan)
    is_open, cost = state.is_open, listed_cost(weight, state)
    bound, opening, worth = median_bound(weight, near, openings, dual.multiplier, dual.price)
    low = bound + _rises(openings, opening, worth, is_open) - cost
    price = station_price(openings, worth)
    free = replace(openings, min_open=0, max_open=len(worth))
    opening = free.best(worth - price)
    profit = np.where(masked(len(worth), opening), worth - price, 0.0)
    # The cost of each part and of its stations, over what its multipliers allow.
    of_sites = np.where(is_open, dual.price * openings.cost + price, 0.0) + profit
    of_zones = weight * (state.first_distance - dual.multiplier)
    rise = _rises(free, opening, worth - price, is_open)
    slack = price - worth
    cities = openings.by_city()
    slack[(cities.min_stations > 0)[cities.city_idx]] = 0.0
    slack[opening] = 0.0
    rise[plan] += _ascents(plan, weight, near, dual.multiplier, slack)
    spared = dual.price * openings.budget if dual.price > 0.0 else 0.0
    at_price = math.fsum(weight * dual.multiplier) - math.fsum(profit) - spared
    low = np.maximum(low, at_price - price * min(openings.max_open, len(worth)) + rise - cost)
    if step > 0.0:
        low = step * np.ceil(low / step * (1.0 - ROUNDING_FRAC) - 1e-6)
    parts = linked_parts(near.zones, near.num_zones, openings.cities)
    if parts.are_several:
        low = np.maximum(low, rise - parts.sums(of_sites, of_zones)[parts.of_site])
    return np.maximum(low - ROUNDING_FRAC * cost, 0.0)


def _rises(
    openings: Openings, opening: IntArray, worth: FloatArray, is_open: BoolArray
) -> FloatArray:
    """By how much the bound rises if a plan's site is made the other way round."""
    agrees = masked(len(worth), opening) == is_open
    return np.where(agrees, fixing_losses(openings, opening, worth), 0.0)


def station_price(openings: Openings, worth: FloatArray) -> float:
    """What the last station is worth at the multipliers.

    Parameters
    ----------
    openings : Openings
    worth : float array, shape (num_sites,)
        What each site saves at the multipliers.
    """
    if openings.max_open == 0:
        return 0.0
    fewer = replace(openings, min_open=0, max_open=openings.max_open - 1)
    with_all, without = (math.fsum(worth[each.best(worth)]) for each in (openings, fewer))
    return max(with_all - without, 0.0)


@numba.njit(cache=True, nogil=True)
def _ascents(
    sites: IntArray, weight: FloatArray, near: NearSites, multiplier: FloatArray, slack: FloatArray
) -> FloatArray:
    """By how much the bound rises with the multipliers of a site's zones if it is closed."""
    left = slack.copy()
    gains = np.zeros(len(sites))
    for at in range(len(sites)):
        closed = sites[at]
        first, last = near.zones.ptr[closed], near.zones.ptr[closed + 1]
        for arc in range(first, last):
            zone = near.zones.idx[arc]
            now, demand = multiplier[zone], weight[zone]
            rise = near.beyond[zone] - now
            start, stop = near.sites.ptr[zone], near.sites.ptr[zone + 1]
            if demand <= 0.0:
                continue
            for place in range(start, stop):
                site, beyond = near.sites.idx[place], max(near.distance[place] - now, 0.0)
                if beyond >= rise:
                    break
                if site != closed:
                    rise = min(rise, beyond + max(left[site], 0.0) / demand)
            if rise <= 0.0:
                continue
            gains[at] += demand * rise
            for place in range(start, stop):
                beyond = max(near.distance[place] - now, 0.0)
                if beyond >= rise:
                    break
                left[near.sites.idx[place]] -= demand * (rise - beyond)
        for arc in range(first, last):
            zone = near.zones.idx[arc]
            for place in range(near.sites.ptr[zone], near.sites.ptr[zone + 1]):
                left[near.sites.idx[place]] = slack[near.sites.idx[place]]
    return gains
