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
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.sized_coverage.rows import Arcs, Demand, SizedRows
from planner.models.sized_coverage.service import Service, best_service
from planner.models.sized_coverage.tuning import Tuning

CLOSED = -1


@dataclass(frozen=True)
class OptionPrices:
    """What stations cost in the objective, and elsewhere.

    Attributes
    ----------
    option_price : float array, shape (num_options,)
        Taken off the value served.
    resource_price : float array, shape (num_options,)
        What the option's share of stations and money is worth elsewhere; guides the search only.
    """

    option_price: FloatArray
    resource_price: FloatArray


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


def plan_of(rows: SizedRows, prices: OptionPrices, option: IntArray) -> SizedPlan:
    """Serve from the given stations as well as can be.

    Parameters
    ----------
    rows : SizedRows
    prices : OptionPrices
    option : int array, shape (num_sites,)
        -1 for no station. Not changed.
    """
    is_open = option != CLOSED
    capacity = np.full(rows.num_sites, -1.0)
    capacity[is_open] = rows.capacity[option[is_open]]
    service = best_service(rows, capacity)
    price = math.fsum(prices.option_price[option[is_open]])
    return SizedPlan(option, service, service.value - price)


class Standing(NamedTuple):
    """Option at each site, -1 for none, and the value of one more unit of its capacity."""

    option: IntArray
    site_price: FloatArray


class Options(NamedTuple):
    """Options of each site, ``ptr[site]:ptr[site + 1]``, and the capacity of each."""

    ptr: IntArray
    capacity: FloatArray


@numba.njit(cache=True, nogil=True)
def _row_prices(
    arcs: Arcs, demand: Demand, candidates: IntArray, standing: Standing, out: FloatArray
) -> None:
    """rho_i of equation (1) for the rows of the candidates, others untouched.

    Rows without load get their value while uncovered, else 0. ``out`` must come in as -1.
    """
    (value, load), (option, site_price) = demand, standing
    for candidate in candidates:
        for place in range(arcs.rows_of_site.ptr[candidate], arcs.rows_of_site.ptr[candidate + 1]):
            row = arcs.rows_of_site.idx[place]
            if out[row] >= 0.0:
                continue
            price = value[row] / load[row] if load[row] > 0.0 else value[row]
            for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
                site = arcs.sites_of_row.idx[arc]
                if option[site] >= 0:
                    price = min(price, site_price[site]) if load[row] > 0.0 else 0.0
            out[row] = price


@numba.njit(cache=True, nogil=True)
def _gains(
    arcs: Arcs,
    load: FloatArray,
    row_price: FloatArray,
    candidates: IntArray,
    standing: Standing,
    options: Options,
    gain: FloatArray,
) -> None:
    """Equation (1) for all options of the candidate sites; 0 for what a site has already."""
    (option, site_price), (option_ptr, capacity) = standing, options
    for site in candidates:
        first, last = option_ptr[site], option_ptr[site + 1]
        if option[site] >= 0:
            for o in range(first, last):
                more = capacity[o] - capacity[option[site]]
                gain[o] = max(more, 0.0) * site_price[site]
            continue
        start, stop = arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]
        free, reach_load = 0.0, 0.0
        for place in range(start, stop):
            row = arcs.rows_of_site.idx[place]
            if load[row] <= 0.0:
                free += row_price[row]
            elif row_price[row] > 0.0:
                reach_load += load[row]
        total = free
        if reach_load <= capacity[first]:
            for place in range(start, stop):
                row = arcs.rows_of_site.idx[place]
                total += load[row] * row_price[row]
            gain[first:last] = total
            continue
        members = np.empty(stop - start, np.int64)
        num_members = 0
        for place in range(start, stop):
            row = arcs.rows_of_site.idx[place]
            if load[row] > 0.0 and row_price[row] > 0.0:
                members[num_members] = row
                num_members += 1
        members = members[:num_members]
        order = np.argsort(-row_price[members])
        used, o = 0.0, first
        for at in order:
            row = members[at]
            left = load[row]
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
        for place in range(arcs.rows_of_site.ptr[site], arcs.rows_of_site.ptr[site + 1]):
            row = arcs.rows_of_site.idx[place]
            for arc in range(arcs.sites_of_row.ptr[row], arcs.sites_of_row.ptr[row + 1]):
                mark[arcs.sites_of_row.idx[arc]] = True


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
    standing = Standing(plan.option, plan.service.site_price)
    _row_prices(rows.arcs, rows.demand, candidates, standing, row_price)
    gain = np.full(rows.num_options, -math.inf)
    options = Options(rows.option_ptr, rows.capacity)
    _gains(rows.arcs, rows.load, row_price, candidates, standing, options, gain)
    return gain


def cheapest_plan(rows: SizedRows) -> IntArray:
    """The cheapest stations that satisfy locks and city minima, as an option per site.

    These are always feasible if anything is (see the checks of the model): forced sites with
    their cheapest option, then per city the cheapest others up to its minimum.
    """
    option = np.full(rows.num_sites, CLOSED, dtype=np.int64)
    first = rows.option_ptr[:-1]
    forced, cities = rows.rules.forced, rows.cities
    option[forced] = first[forced]
    order = np.lexsort((np.arange(rows.num_sites), rows.cost[first], cities.city_idx))
    missing = cities.min_stations - np.bincount(
        cities.city_idx[forced], minlength=len(cities.min_stations)
    )
    for site in order:
        if option[site] == CLOSED and missing[cities.city_idx[site]] > 0:
            option[site] = first[site]
            missing[cities.city_idx[site]] -= 1
    return option


def build_up(
    rows: SizedRows,
    prices: OptionPrices,
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
    prices : OptionPrices
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
        affordable = candidates[_affordable(rows, plan)[candidates]]
        if len(affordable) == 0:
            break
        gain = option_gains(rows, plan, affordable)
        earns, score, allowed, short = _weigh(rows, prices, plan, gain)
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
        candidate = plan_of(rows, prices, option)
        if short or candidate.objective > plan.objective:
            plan = candidate
        tried[best] = True
    return plan


def _affordable(rows: SizedRows, plan: SizedPlan) -> BoolArray:
    """Sites at which there is money for another option."""
    now = plan.option[rows.option_site]
    added = rows.cost - np.where(now == CLOSED, 0.0, rows.cost[now])
    spent = math.fsum(rows.cost[plan.option[plan.option != CLOSED]])
    fits = spent + added <= rows.rules.most_cost
    fits &= now != np.arange(rows.num_options)
    return np.asarray(np.logical_or.reduceat(fits, rows.option_ptr[:-1]))


def _weigh(
    rows: SizedRows, prices: OptionPrices, plan: SizedPlan, gain: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray, bool]:
    """Gain less price, that less the worth of resources, what limits allow, a city is short."""
    is_open = plan.option != CLOSED
    now = plan.option[rows.option_site]
    added_cost, added_price, added_worth = (
        each - np.where(now == CLOSED, 0.0, each[now])
        for each in (rows.cost, prices.option_price, prices.resource_price)
    )
    earns = gain - added_price
    rules, cities = rows.rules, rows.cities
    in_city = np.bincount(cities.city_idx[is_open], minlength=len(cities.min_stations))
    short = in_city < cities.min_stations
    opens = now == CLOSED
    city = cities.city_idx[rows.option_site]
    spent = math.fsum(rows.cost[plan.option[is_open]])
    allowed = np.isfinite(gain) & (spent + added_cost <= rules.most_cost)
    full = (in_city >= cities.max_stations)[city] | (is_open.sum() >= rules.most)
    allowed &= ~(opens & full)
    if short.any():
        allowed &= opens & short[city]
    return earns, earns - added_worth, allowed, bool(short.any())


def is_feasible(rows: SizedRows, option: IntArray) -> bool:
    """Whether stations keep every limit; locks are not looked at."""
    open_sites = np.flatnonzero(option != CLOSED)
    spent = math.fsum(rows.cost[option[open_sites]])
    return (
        len(open_sites) <= rows.rules.most
        and spent <= rows.rules.most_cost
        and rows.cities.allow(open_sites)
    )


def _some_near_each_other(
    rows: SizedRows, pool: IntArray, max_removed: int, rng: np.random.Generator
) -> IntArray:
    """A few sites of the pool that share rows with one site; that site if the pool is empty."""
    if len(pool) == 0:
        return rng.integers(0, rows.num_sites, 1)
    close_by = np.intersect1d(near_sites(rows, rng.choice(pool, 1)), pool)
    count = int(rng.integers(1, max_removed + 1))
    return np.asarray(rng.permutation(close_by)[:count])


def rebuild_step(
    rows: SizedRows,
    prices: OptionPrices,
    plan: SizedPlan,
    rng: np.random.Generator,
    tuning: Tuning = Tuning(),
) -> SizedPlan:
    """Take away or shrink a few stations that are near each other, and build up again there.

    Parameters
    ----------
    rows : SizedRows
    prices : OptionPrices
    plan : SizedPlan
    rng : numpy.random.Generator
    tuning : Tuning, optional

    Returns
    -------
    SizedPlan
        Feasible or the plan given; better or worse.
    """
    may_leave = np.flatnonzero((plan.option != CLOSED) & ~rows.rules.forced)
    may_shrink = np.flatnonzero(plan.option > rows.option_ptr[:-1])
    pool = np.union1d(may_leave, may_shrink)
    places = 2 if rng.random() < tuning.two_places_share else 1
    removed = np.concatenate(
        [_some_near_each_other(rows, pool, tuning.max_removed, rng) for _ in range(places)]
    )
    option = plan.option.copy()
    for site in removed:
        if rows.rules.forced[site] or (option[site] > rows.option_ptr[site] and rng.random() < 0.2):
            option[site] = rows.option_ptr[site]
        else:
            option[site] = CLOSED
    candidates = np.arange(rows.num_sites)
    if rng.random() > tuning.wide_share:
        candidates = near_sites(rows, removed)
    lowered = plan_of(rows, prices, option)
    rebuilt = build_up(
        rows,
        prices,
        lowered,
        candidates,
        noise=lambda size: rng.normal(0.0, tuning.noise, size),
    )
    return rebuilt if is_feasible(rows, rebuilt.option) else plan
