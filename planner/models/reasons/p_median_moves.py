"""Exchanges of p-median plans for every site: the best one, and what follows it nearby.

With the gains, losses and extras (1) to (4) of `planner.models.p_median.search` all exchanges cost
one pass over the pairs of the closed sites (Resende and Werneck 2007, EJOR 174:54-68). An exchange
with a site that shares no zone has no extra: the best of these is that of greatest gain, or of
least loss, which the limits allow.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.p_median.dual import Openings
from planner.models.p_median.search import (
    NOBODY,
    Rules,
    Work,
    Zones,
    best_leaving,
    close_site,
    count_open,
    exchange_rules,
    exchange_work,
    may_leave,
    open_site,
)

PASSES = 3
"""Looks at all sites near a change, at most."""
MOST_MOVES = 60
"""Moves that follow a change, at most."""


class Offers(NamedTuple):
    """The best change known for every site.

    Attributes
    ----------
    profit : float array, shape (num_sites,)
        What it saves, of weighted distance: nearly always below 0. -inf where nothing is known.
    partner : int array, shape (num_sites,)
        Site that enters in place of an open one, or leaves for a closed one; -1 for none.
    """

    profit: FloatArray
    partner: IntArray


@numba.njit(cache=True, nogil=True)
def _gain(site: int, zones: Zones) -> float:
    weight, near, state = zones
    gain = 0.0
    for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
        zone = near.zones.idx[arc]
        gain += weight[zone] * max(state.first_distance[zone] - near.zone_distance[arc], 0.0)
    return gain


@numba.njit(cache=True, nogil=True)
def _has_room(site: int, num_open: int, spent: float, rules: Rules, city_open: IntArray) -> bool:
    city = rules.city[site]
    return bool(
        num_open < rules.max_open
        and city_open[city] < rules.most[city]
        and spent + rules.cost[site] <= rules.budget
    )


@numba.njit(cache=True, nogil=True)
def _best_exchanges(min_open: int, rules: Rules, zones: Zones) -> tuple[FloatArray, IntArray]:
    weight, near, state = zones
    num_sites = len(state.is_open)
    profit, partner = np.full(num_sites, -np.inf), np.full(num_sites, NOBODY)
    num_open, spent, city_open = count_open(state, rules)
    extra, seen = np.zeros(num_sites), np.full(num_sites, NOBODY)
    touched = np.empty(num_sites, np.int64)
    gain = np.full(num_sites, -np.inf)
    for site in range(num_sites):
        if state.is_open[site]:
            city = rules.city[site]
            may_go = num_open > min_open and city_open[city] > rules.least[city]
            if may_go and not rules.forced[site] and -state.loss[site] > profit[site]:
                profit[site], partner[site] = -state.loss[site], NOBODY
            continue
        gain[site] = _gain(site, zones)
        num_touched = 0
        for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
            zone, distance = near.zones.idx[arc], near.zone_distance[arc]
            second, k = state.second_distance[zone], state.first[zone]
            if distance >= second or k == NOBODY:
                continue
            if seen[k] != site:
                seen[k], extra[k], touched[num_touched] = site, 0.0, k
                num_touched += 1
            extra[k] += weight[zone] * (second - max(distance, state.first_distance[zone]))
        if _has_room(site, num_open, spent, rules, city_open):
            profit[site] = gain[site]
        for at in range(num_touched):
            k = touched[at]
            if not may_leave(k, site, spent, rules, city_open):
                continue
            total = gain[site] - state.loss[k] + extra[k]
            if total > profit[site]:
                profit[site], partner[site] = total, k
            if total > profit[k]:
                profit[k], partner[k] = total, site
    loss = np.where(state.is_open & ~rules.forced, state.loss, np.inf)
    by_gain = np.argsort(-gain, kind="mergesort")[: num_sites - num_open]
    by_loss = np.argsort(loss, kind="mergesort")[: int(np.isfinite(loss).sum())]
    for k in by_loss:
        for site in by_gain:
            if gain[site] - loss[k] <= profit[k]:
                break
            if may_leave(k, site, spent, rules, city_open):
                profit[k], partner[k] = gain[site] - loss[k], site
    for site in by_gain:
        for k in by_loss:
            if gain[site] - loss[k] <= profit[site]:
                break
            if may_leave(k, site, spent, rules, city_open):
                profit[site], partner[site] = gain[site] - loss[k], k
    return profit, partner


@numba.njit(cache=True, nogil=True)
def _near(site: int, zones: Zones, seen: BoolArray, found: IntArray, count: int) -> int:
    """Add the sites that share a zone with a site; returns how many there are now."""
    near = zones.near
    for arc in range(near.zones.ptr[site], near.zones.ptr[site + 1]):
        zone = near.zones.idx[arc]
        for place in range(near.sites.ptr[zone], near.sites.ptr[zone + 1]):
            other = near.sites.idx[place]
            if not seen[other]:
                seen[other] = True
                found[count] = other
                count += 1
    return count


class _Limits(NamedTuple):
    """Limits, and how much of them a plan takes."""

    rules: Rules
    num_open: int
    spent: float
    city_open: IntArray


@numba.njit(cache=True, nogil=True)
def _follow(
    closed: int, opened: int, is_forced_in: bool, tolerance: float, limits: _Limits,
    zones: Zones, work: Work, seen: BoolArray, found: IntArray,
) -> tuple[float, int, bool]:  # fmt: skip
    """Close one site, open another, exchange nearby while that pays; undone unless it saves.

    Returns what all of it saves, the other site of the plan found (see `Offers`), and whether it
    stays made.
    """
    weight, near, state = zones
    rules, num_open, spent = limits.rules, limits.num_open, limits.spent
    city_open = limits.city_open.copy()
    moved, was_open = np.empty(MOST_MOVES + 4, np.int64), np.empty(MOST_MOVES + 4, np.bool_)
    moves, profit = 0, 0.0
    barred, kept = (NOBODY, opened) if is_forced_in else (closed, NOBODY)
    kept_before = kept != NOBODY and rules.forced[kept]
    if kept != NOBODY:
        rules.forced[kept] = True
    if opened != NOBODY:
        profit += _gain(opened, zones)
        open_site(opened, weight, near, state)
        moved[moves], was_open[moves] = opened, False
        moves += 1
        num_open += 1
        spent += rules.cost[opened]
        city_open[rules.city[opened]] += 1
    if closed != NOBODY:
        profit -= state.loss[closed]
        close_site(closed, weight, near, state)
        moved[moves], was_open[moves] = closed, True
        moves += 1
        num_open -= 1
        spent -= rules.cost[closed]
        city_open[rules.city[closed]] -= 1
    count = 0
    if closed != NOBODY:
        count = _near(closed, zones, seen, found, count)
    if opened != NOBODY:
        count = _near(opened, zones, seen, found, count)
    for _ in range(PASSES):
        before = moves
        for at in range(count):
            site = found[at]
            if state.is_open[site] or site == barred or moves > MOST_MOVES:
                continue
            gain, saved, leaving = best_leaving(site, NOBODY, spent, rules, city_open, zones, work)
            if gain > tolerance and _has_room(site, num_open, spent, rules, city_open):
                profit += gain
            elif leaving != NOBODY and saved > tolerance:
                profit += saved
                close_site(leaving, weight, near, state)
                moved[moves], was_open[moves] = leaving, True
                moves += 1
                num_open -= 1
                spent -= rules.cost[leaving]
                city_open[rules.city[leaving]] -= 1
            else:
                continue
            open_site(site, weight, near, state)
            moved[moves], was_open[moves] = site, False
            moves += 1
            num_open += 1
            spent += rules.cost[site]
            city_open[rules.city[site]] += 1
        if moves == before:
            break
    for at in range(count):
        seen[found[at]] = False
    if kept != NOBODY:
        rules.forced[kept] = kept_before
    other = NOBODY
    for at in range(moves):
        site = moved[at]
        changed = state.is_open[site] != was_open[at]
        if (
            changed
            and site != (opened if is_forced_in else closed)
            and (was_open[at] == is_forced_in)
        ):
            other = site
            break
    stays = profit > tolerance
    if not stays:
        for back in range(moves - 1, -1, -1):
            if was_open[back]:
                open_site(moved[back], weight, near, state)
            else:
                close_site(moved[back], weight, near, state)
    return profit, other, stays


@numba.njit(cache=True, nogil=True)
def _follow_all(
    sites: IntArray, tolerance: float, rules: Rules, zones: Zones,
    profit: FloatArray, partner: IntArray,
) -> bool:  # fmt: skip
    state = zones.state
    num_sites = len(state.is_open)
    work = exchange_work(num_sites)
    seen, found = np.zeros(num_sites, np.bool_), np.empty(num_sites, np.int64)
    limits = _Limits(rules, *count_open(state, rules))
    for site in sites:
        if profit[site] == -np.inf:
            continue
        is_forced_in = not state.is_open[site]
        closed, opened = (partner[site], site) if is_forced_in else (site, partner[site])
        saved, other, stays = _follow(
            closed, opened, is_forced_in, tolerance, limits, zones, work, seen, found
        )
        if stays:
            return True
        if saved > profit[site]:
            profit[site], partner[site] = saved, other
    return False


def best_exchanges(openings: Openings, zones: Zones) -> Offers:
    """The best single exchange of every site that may change.

    Parameters
    ----------
    openings : Openings
    zones : Zones
        With the tables of a plan; not changed.
    """
    return Offers(*_best_exchanges(openings.min_open, exchange_rules(openings), zones))


def follow_exchanges(
    sites: IntArray, tolerance: float, openings: Openings, zones: Zones, offers: Offers
) -> bool:
    """Follow the exchanges of some sites by others nearby for as long as that pays.

    Parameters
    ----------
    sites : int array
    tolerance : float
        Saving less than this is rounding.
    openings : Openings
    zones : Zones
        The plan; changed only where a better one is found.
    offers : Offers
        Improved in place.

    Returns
    -------
    bool
        Whether a better plan was found; it is that of ``zones`` then, and the sites that come
        after are not looked at.
    """
    rules = exchange_rules(openings)
    rules = rules._replace(forced=rules.forced.copy())
    return bool(_follow_all(sites, tolerance, rules, zones, *offers))
