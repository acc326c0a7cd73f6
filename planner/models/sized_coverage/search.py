"""Plans for sized covering: build greedily, then take stations away and build again.

Sets as in :mod:`planner.models.sized_coverage.service`. With r_i = w_i / a_i, open stations serving
at best and pi_s the value of one more unit of capacity at s, the duals of the transport polytope
bound from above what one more station o = (j, t) adds:

(1) gain_o <= max { sum_i rho_i u_i : u_i <= a_i for i in N_j, sum_i u_i <= K_o } + new rows
    without load, rho_i = min(r_i, least pi_s over the open s in N(i)),

a fractional knapsack; exact where no station is full. What a larger type at an open site adds is
at most pi_j per unit of capacity. These gains choose what to try; what counts is the exact service
of the plan that results (Shaw 1998, CP-98:417-431, on the search by removal and insertion).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.sized_coverage.service import Arcs, Service, SizedRows, best_service

CLOSED = -1
MONEY_ROUNDING = 1e-12
"""By this fraction a sum of costs may exceed the budget."""
MAX_REMOVED = 2
"""Stations taken away at once."""
NOISE = 0.1
"""Standard deviation of the factors that disturb the scores."""
TWO_PLACES_SHARE = 0.5
"""Share of the steps that take stations away in two places, so that money moves between them."""
WIDE_SHARE = 0.1
"""Share of the steps that look for new stations everywhere, not only near those removed."""


@dataclass(frozen=True)
class Limits:
    """What a plan may spend, and what its stations cost in the objective.

    Attributes
    ----------
    option_price : float array, shape (num_options,)
        Taken off the value served.
    resource_price : float array, shape (num_options,)
        What the option's share of stations and money is worth elsewhere; guides the search only.
    num_stations : int
    budget : float
        Money; inf for no limit [CNY].
    min_stations, max_stations : int arrays, shape (num_cities,)
    """

    option_price: FloatArray
    resource_price: FloatArray
    num_stations: int
    budget: float
    min_stations: IntArray
    max_stations: IntArray


@dataclass(frozen=True)
class SizedPlan:
    """Stations with their best service.

    Attributes
    ----------
    option : int array, shape (num_sites,)
        Option at each site; -1 where there is no station.
    service : Service
    objective : float
        Value served less prices.
    """

    option: IntArray
    service: Service
    objective: float


def plan_of(rows: SizedRows, limits: Limits, option: IntArray) -> SizedPlan:
    """Serve from the given stations as well as can be.

    Parameters
    ----------
    rows : SizedRows
    limits : Limits
    option : int array, shape (num_sites,)
        -1 for no station. Not changed.
    """
    is_open = option != CLOSED
    capacity = np.full(rows.num_sites, -1.0)
    capacity[is_open] = rows.capacity[option[is_open]]
    service = best_service(rows, capacity)
    price = math.fsum(limits.option_price[option[is_open]])
    return SizedPlan(option, service, service.value - price)


@numba.njit(cache=True, nogil=True)
def _row_prices(
    arcs: Arcs,
    value: FloatArray,
    load: FloatArray,
    candidates: IntArray,
    option: IntArray,
    site_price: FloatArray,
    out: FloatArray,
) -> None:
    """rho_i of equation (1) for the rows of the candidates, others untouched.

    Rows without load get their value while uncovered, else 0. ``out`` must come in as -1.
    """
    for candidate in candidates:
        for place in range(arcs.site_ptr[candidate], arcs.site_ptr[candidate + 1]):
            row = arcs.site_row[place]
            if out[row] >= 0.0:
                continue
            price = value[row] / load[row] if load[row] > 0.0 else value[row]
            for arc in range(arcs.row_ptr[row], arcs.row_ptr[row + 1]):
                site = arcs.row_site[arc]
                if option[site] >= 0:
                    price = min(price, site_price[site]) if load[row] > 0.0 else 0.0
            out[row] = price


@numba.njit(cache=True, nogil=True)
def _gains(
    arcs: Arcs,
    load: FloatArray,
    row_price: FloatArray,
    candidates: IntArray,
    option: IntArray,
    site_price: FloatArray,
    option_ptr: IntArray,
    capacity: FloatArray,
    gain: FloatArray,
) -> None:
    """Equation (1) for all options of the candidate sites; 0 for what a site has already."""
    for site in candidates:
        first, last = option_ptr[site], option_ptr[site + 1]
        if option[site] >= 0:
            for o in range(first, last):
                more = capacity[o] - capacity[option[site]]
                gain[o] = max(more, 0.0) * site_price[site]
            continue
        start, stop = arcs.site_ptr[site], arcs.site_ptr[site + 1]
        free, reach_load = 0.0, 0.0
        for place in range(start, stop):
            row = arcs.site_row[place]
            if load[row] <= 0.0:
                free += row_price[row]
            elif row_price[row] > 0.0:
                reach_load += load[row]
        total = free
        if reach_load <= capacity[first]:
            for place in range(start, stop):
                row = arcs.site_row[place]
                total += load[row] * row_price[row]
            gain[first:last] = total
            continue
        members = arcs.site_row[start:stop]
        order = np.argsort(-row_price[members])
        used, o = 0.0, first
        for at in order:
            row = members[at]
            left = load[row]
            if left <= 0.0 or row_price[row] <= 0.0:
                continue
            while o < last and used + left > capacity[o]:
                gain[o] = total + (capacity[o] - used) * row_price[row]
                o += 1
            if o == last:
                break
            used += left
            total += left * row_price[row]
        gain[o:last] = total


@numba.njit(cache=True, nogil=True)
def _near(arcs: Arcs, sites: IntArray, mark: BoolArray) -> None:
    """Mark the given sites and all that share a row with one of them."""
    for site in sites:
        mark[site] = True
        for place in range(arcs.site_ptr[site], arcs.site_ptr[site + 1]):
            row = arcs.site_row[place]
            for arc in range(arcs.row_ptr[row], arcs.row_ptr[row + 1]):
                mark[arcs.row_site[arc]] = True


def near_sites(rows: SizedRows, sites: IntArray) -> IntArray:
    """The given sites and all that share a row with one of them, ascending."""
    mark = np.zeros(rows.num_sites, dtype=np.bool_)
    _near(rows.arcs, sites, mark)
    return np.flatnonzero(mark)


def option_gains(rows: SizedRows, plan: SizedPlan, candidates: IntArray) -> FloatArray:
    """At most what each option of the candidate sites adds to the value served.

    Parameters
    ----------
    rows : SizedRows
    plan : SizedPlan
    candidates : int array
        Positions of sites.

    Returns
    -------
    float array, shape (num_options,)
        -inf at other sites.
    """
    row_price = np.full(rows.num_rows, -1.0)
    _row_prices(
        rows.arcs,
        rows.value,
        rows.load,
        candidates,
        plan.option,
        plan.service.site_price,
        row_price,
    )
    gain = np.full(rows.num_options, -math.inf)
    _gains(
        rows.arcs,
        rows.load,
        row_price,
        candidates,
        plan.option,
        plan.service.site_price,
        rows.option_ptr,
        rows.capacity,
        gain,
    )
    return gain


def cheapest_plan(rows: SizedRows, limits: Limits) -> IntArray:
    """The cheapest stations that satisfy locks and city minima, as an option per site.

    These are always feasible if anything is (see the checks of the model): forced sites with
    their cheapest option, then per city the cheapest others up to its minimum.
    """
    option = np.full(rows.num_sites, CLOSED, dtype=np.int64)
    first = rows.option_ptr[:-1]
    option[rows.forced] = first[rows.forced]
    order = np.lexsort((np.arange(rows.num_sites), rows.cost[first], rows.city_idx))
    missing = limits.min_stations - np.bincount(
        rows.city_idx[rows.forced], minlength=len(limits.min_stations)
    )
    for site in order:
        if option[site] == CLOSED and missing[rows.city_idx[site]] > 0:
            option[site] = first[site]
            missing[rows.city_idx[site]] -= 1
    return option


def build_up(
    rows: SizedRows,
    limits: Limits,
    plan: SizedPlan,
    candidates: IntArray,
    *,
    noise: Callable[[int], FloatArray] | None = None,
    may_go_on: Callable[[], bool] = lambda: True,
) -> SizedPlan:
    """Add, one by one, the station or enlargement that seems to earn most, while one pays.

    Parameters
    ----------
    rows : SizedRows
    limits : Limits
    plan : SizedPlan
        May fall short of city minima: those are made up first, whether or not it pays.
    candidates : int array
        Sites that may be opened or enlarged.
    noise : callable, optional
        Gives factors by which the scores are disturbed.
    may_go_on : callable, optional
        Polled between additions.
    """
    tried = np.zeros(rows.num_options, dtype=np.bool_)
    while may_go_on():
        gain = option_gains(rows, plan, candidates)
        earns, score, allowed, short = _weigh(rows, limits, plan, gain)
        if noise is not None:
            score = score + noise(len(score)) * np.abs(np.where(np.isfinite(gain), gain, 0.0))
        allowed &= ~tried
        if not short:
            allowed &= earns > 1e-12 * abs(plan.objective)
        if not allowed.any():
            break
        best = int(np.argmax(np.where(allowed, score, -math.inf)))
        option = plan.option.copy()
        option[rows.option_site[best]] = best
        candidate = plan_of(rows, limits, option)
        if short or candidate.objective > plan.objective:
            plan = candidate
        tried[best] = True
    return plan


def _weigh(
    rows: SizedRows, limits: Limits, plan: SizedPlan, gain: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray, bool]:
    """Gain less price, that less the worth of resources, what limits allow, a city is short."""
    is_open = plan.option != CLOSED
    now = plan.option[rows.option_site]
    added_cost, added_price, added_worth = (
        each - np.where(now == CLOSED, 0.0, each[now])
        for each in (rows.cost, limits.option_price, limits.resource_price)
    )
    earns = gain - added_price
    in_city = np.bincount(rows.city_idx[is_open], minlength=len(limits.min_stations))
    short = in_city < limits.min_stations
    opens = now == CLOSED
    city = rows.city_idx[rows.option_site]
    spent = math.fsum(rows.cost[plan.option[is_open]])
    allowed = np.isfinite(gain) & (spent + added_cost <= limits.budget * (1 + MONEY_ROUNDING))
    full = (in_city >= limits.max_stations)[city] | (is_open.sum() >= limits.num_stations)
    allowed &= ~(opens & full)
    if short.any():
        allowed &= opens & short[city]
    return earns, earns - added_worth, allowed, bool(short.any())


def is_feasible(rows: SizedRows, limits: Limits, option: IntArray) -> bool:
    """Whether stations keep every limit; locks are not looked at."""
    is_open = option != CLOSED
    in_city = np.bincount(rows.city_idx[is_open], minlength=len(limits.min_stations))
    return bool(
        is_open.sum() <= limits.num_stations
        and math.fsum(rows.cost[option[is_open]]) <= limits.budget * (1 + MONEY_ROUNDING)
        and (in_city >= limits.min_stations).all()
        and (in_city <= limits.max_stations).all()
    )


def _some_near_each_other(rows: SizedRows, pool: IntArray, rng: np.random.Generator) -> IntArray:
    """A few sites of the pool that share rows with one site; that site if the pool is empty."""
    if len(pool) == 0:
        return rng.integers(0, rows.num_sites, 1)
    close_by = np.intersect1d(near_sites(rows, rng.choice(pool, 1)), pool)
    count = int(rng.integers(1, MAX_REMOVED + 1))
    return np.asarray(rng.permutation(close_by)[:count])


def rebuild_step(
    rows: SizedRows, limits: Limits, plan: SizedPlan, rng: np.random.Generator
) -> SizedPlan:
    """Take away or shrink a few stations that are near each other, and build up again there.

    Parameters
    ----------
    rows : SizedRows
    limits : Limits
    plan : SizedPlan
    rng : numpy.random.Generator

    Returns
    -------
    SizedPlan
        Feasible or the plan given; better or worse.
    """
    may_leave = np.flatnonzero((plan.option != CLOSED) & ~rows.forced)
    may_shrink = np.flatnonzero(plan.option > rows.option_ptr[:-1])
    pool = np.union1d(may_leave, may_shrink)
    places = 2 if rng.random() < TWO_PLACES_SHARE else 1
    removed = np.concatenate([_some_near_each_other(rows, pool, rng) for _ in range(places)])
    option = plan.option.copy()
    for site in removed:
        if rows.forced[site] or (option[site] > rows.option_ptr[site] and rng.random() < 0.2):
            option[site] = rows.option_ptr[site]
        else:
            option[site] = CLOSED
    candidates = np.arange(rows.num_sites)
    if rng.random() > WIDE_SHARE:
        candidates = near_sites(rows, removed)
    lowered = plan_of(rows, limits, option)
    rebuilt = build_up(
        rows,
        limits,
        lowered,
        candidates,
        noise=lambda size: rng.normal(0.0, NOISE, size),
    )
    return rebuilt if is_feasible(rows, limits, rebuilt.option) else plan
