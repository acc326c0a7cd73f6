"""The first plan of a nation: forced stations and city minima, or the plan of an earlier search.

Steps before the rounds of :mod:`planner.models.national.solve`.
"""

import math
from dataclasses import replace

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.errors import InfeasibleError
from planner.models.national.master import CityPlan, keeps_limits
from planner.models.national.start import feasible_stations
from planner.models.national.state import (
    NationalSearch,
    NationalStart,
    at_prices,
    covering_digest,
    offer_chosen,
)
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.models.sized_coverage.service import served_flow

SHARE_ROUNDING = 1e-9
"""Multipliers may exceed a zone's value by this share of it."""


def is_sound(search: NationalSearch, start: NationalStart) -> bool:
    """Whether a start is one of the same zones and sites, and its prices prove a bound.

    Parameters
    ----------
    search : NationalSearch
    start : NationalStart
        From anywhere: a file may hold anything.
    """
    num_sites, num_types = search.problem.capacity.shape
    sites, types = start.site_idx, start.type_idx
    shapes = (
        sites.shape == types.shape
        and start.price.shape == search.resources.limit.shape
        and start.multiplier.shape == search.border_value.shape
        and start.share.shape == search.problem.coverage.value.shape
        and len(start.claimed) == len(search.claimants)
    )
    return (
        shapes
        and bool(np.isfinite(start.price).all() and np.isfinite(start.multiplier).all())
        and start.price.min(initial=0.0) >= 0.0
        and bool(((start.share >= 0.0) & (start.share <= 1.0 + SHARE_ROUNDING)).all())
        and bool((np.diff(sites) > 0).all())
        and bool(((sites >= 0) & (sites < num_sites)).all())
        and bool(((types >= 0) & (types < num_types)).all())
    )


def start_from(search: NationalSearch, start: NationalStart) -> None:
    """Take up an earlier search: its plan, as far as it fits, and its prices."""
    search.share = start.share
    # The bound of (3) takes multipliers of at most w_i, whatever the zones were worth before.
    prices = at_prices(search, start.price, np.minimum(start.multiplier, search.border_value))
    same_limits = start.covering == covering_digest(search.problem, search.resources)
    if same_limits:
        cover_bound = np.minimum(prices.cover_bound, start.cover_bound)
        part_bound = prices.part_bound.copy()
        part_bound[: len(cover_bound)] = cover_bound
        prices = replace(prices, part_bound=part_bound, cover_bound=cover_bound)
    search.current = search.best = prices
    if _keeps_rules(search.problem, start):
        _offer_start(search, start)
    if same_limits:
        for plan in plans_by_city(search, start.best_site_idx, start.best_type_idx):
            search.add(plan)
    search.report("bound", f"prices and plan of {start.of}")


def _keeps_rules(problem: SizedCoverageProblem, start: NationalStart) -> bool:
    """Whether locks, types and numbers by city allow a start's stations."""
    rules, sites = problem.rules, start.site_idx
    is_open = np.zeros(rules.num_sites, dtype=np.bool_)
    is_open[sites] = True
    return bool(
        (problem.capacity[sites, start.type_idx] > 0).all()
        and is_open[rules.forced].all()
        and not is_open[rules.forbidden].any()
        and rules.cities_or_one().allow(sites)
    )


def _offer_start(search: NationalSearch, start: NationalStart) -> None:
    """Take up the stations of a start if they keep the national limits and serve more."""
    claimed = [
        search.claim_column(number, claimant.plan_of(sites))
        for number, (claimant, sites) in enumerate(
            zip(search.claimants, start.claimed, strict=True)
        )
    ]
    plans = plans_by_city(search, start.site_idx, start.type_idx)
    if keeps_limits([*plans, *claimed], search.resources.limit):
        chosen = [search.add(plan) for plan in (*plans, *claimed)]
        if offer_chosen(search, chosen):
            search.chosen, search.settled = chosen, True


def least_plans(search: NationalSearch) -> list[CityPlan]:
    """One plan per city with nothing but forced stations and city minima, within all limits."""
    problem, resources, cost = search.problem, search.resources, search.problem.rules.cost
    fits = problem.capacity > 0
    cheapest = np.where(fits, cost, np.inf).argmin(axis=1)
    sites = []
    for part in search.parts.cities:
        part_cost = cost[part.site_idx, cheapest[part.site_idx]]
        order = np.lexsort((part_cost, ~part.problem.rules.forced))
        sites.append(np.sort(part.site_idx[order[: part.least]]))
    claimed = [
        search.claim_column(number, claimant.least_plan())
        for number, claimant in enumerate(search.claimants)
    ]
    plans = [stations_plan(search, k, each, cheapest[each]) for k, each in enumerate(sites)]
    if keeps_limits([*plans, *claimed], resources.limit):
        return [*plans, *claimed]
    left = resources.limit - sum(plan.use for plan in claimed)
    if (left < 0).any():
        short = resources.names[int(np.argmin(left))]
        raise InfeasibleError(
            f"{search.claimants[0].name}: existing stations take more {short} than there are"
        )
    found = feasible_stations(search.problem, resources.names, resources.use, left)
    types = dict(zip(found[0].tolist(), found[1].tolist(), strict=True))
    plans = []
    for k, part in enumerate(search.parts.cities):
        of_city = np.array([s for s in part.site_idx.tolist() if s in types], dtype=np.int64)
        kind = np.array([types[s] for s in of_city.tolist()], dtype=np.int64)
        plans.append(stations_plan(search, k, of_city, kind))
    return [*plans, *claimed]


def rounded_plans(
    search: NationalSearch, opening: FloatArray, type_idx: IntArray
) -> list[CityPlan]:
    """A plan per city with the sites that a relaxation opens for more than half.

    Parameters
    ----------
    search : NationalSearch
    opening : float array, shape (num_sites,)
        1 at forced sites.
    type_idx : int array, shape (num_sites,)
        Type of a station at each site.
    """
    plans = []
    for position, part in enumerate(search.parts.cities):
        here = opening[part.site_idx]
        number = min(max(int((here > 0.5).sum()), part.least), part.most)
        forced = part.problem.rules.forced
        sites = np.sort(part.site_idx[np.lexsort((-here, ~forced))[:number]])
        plans.append(stations_plan(search, position, sites, type_idx[sites]))
    return plans


def cheapest_types(search: NationalSearch, sites: IntArray) -> IntArray:
    """Type that takes least of what is limited; the largest where only the number is.

    Parameters
    ----------
    search : NationalSearch
    sites : int array

    Returns
    -------
    int array, shape (len(sites),)
    """
    capacity, use = search.problem.capacity[sites], search.resources.use
    if len(use) == 1:
        kind: IntArray = capacity.argmax(axis=1)
        return kind
    total = use.sum(axis=0)
    in_all = total[sites] / total.max(initial=1.0)
    cheapest: IntArray = np.where(capacity > 0, in_all, np.inf).argmin(axis=1)
    return cheapest


def plans_by_city(search: NationalSearch, sites: IntArray, types: IntArray) -> list[CityPlan]:
    """Stations of the whole nation as a column of each city.

    Parameters
    ----------
    search : NationalSearch
    sites, types : int arrays, shape (num_stations,)
        Sites ascending.
    """
    of_city = search.problem.rules.cities_or_one().city_idx[sites]
    plans = []
    for position, part in enumerate(search.parts.cities):
        here = of_city == part.city
        plans.append(stations_plan(search, position, sites[here], types[here]))
    return plans


def stations_plan(
    search: NationalSearch, position: int, sites: IntArray, types: IntArray
) -> CityPlan:
    """Stations of one city as a column of the master.

    Parameters
    ----------
    search : NationalSearch
    position : int
        Of the city among the parts.
    sites, types : int arrays, shape (num_stations,)
        In national numbering, sites ascending.
    """
    part = search.parts.cities[position]
    local = np.searchsorted(part.site_idx, sites)
    served, _ = served_flow(part.problem, local, types)
    inner = np.ones(len(served), dtype=np.bool_)
    inner[part.border] = False
    on_border = served[part.border] > 0.0
    return CityPlan(
        part=position,
        site_idx=sites,
        type_idx=types.astype(np.int64),
        use=np.array([math.fsum(use[local, types]) for use in part.use]),
        inner_value=math.fsum(part.problem.coverage.value[inner] * served[inner]),
        border_idx=part.border_idx[on_border],
        border_frac=served[part.border][on_border],
    )
