"""Annealing of covering plans by exchanges that keep limits by city, money and the number.

Tables and profits are those of :mod:`planner.models.coverage.search`. A move offers a closed site;
it enters alone while the number allows, or for the best of one random open site and the open
sites that alone serve one of its rows, among those whose leaving keeps the limits.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.coverage.rows import CoverRows, Incidence
from planner.models.coverage.search import (
    Schedule,
    SwapTables,
    close_site,
    open_site,
    scratch_for,
    swap_tables,
)

NOBODY = -1


class Within(NamedTuple):
    """Limits that every plan of the search keeps.

    Attributes
    ----------
    city : int array, shape (num_sites,)
        City of each free site.
    least, most : int arrays, shape (num_cities,)
        Free sites open in each city.
    cost : float array, shape (num_sites,)
        Money that a station at the site takes.
    budget : float
        Money that free sites may take; inf for no limit.
    number : int
        Free sites open at most.
    """

    city: IntArray
    least: IntArray
    most: IntArray
    cost: FloatArray
    budget: float
    number: int


@numba.njit(cache=True, nogil=True)
def _may_leave(
    leaving: int, site: int, spent: float, limits: Within, in_city: IntArray, open_now: bool
) -> bool:
    if not open_now:
        return False
    here, there = limits.city[site], limits.city[leaving]
    if here != there and (
        in_city[here] >= limits.most[here] or in_city[there] <= limits.least[there]
    ):
        return False
    after: float = spent + limits.cost[site] - limits.cost[leaving]
    return after <= max(limits.budget, spent)


@numba.njit(cache=True, nogil=True)
def _anneal(
    candidates: IntArray,
    limits: Within,
    schedule: Schedule,
    rng: np.random.Generator,
    inc: Incidence,
    tables: SwapTables,
) -> float:
    num_moves, hot, cold = schedule
    num_sites = len(tables.is_open)
    scratch = scratch_for(num_sites)
    extra, touched = scratch.extra, scratch.touched
    found = np.flatnonzero(tables.is_open)
    num_open = len(found)
    open_sites = np.empty(num_sites, np.int64)
    place = np.full(num_sites, -1)
    in_city = np.zeros(len(limits.least), np.int64)
    spent = 0.0
    for at in range(num_open):
        open_sites[at] = found[at]
        place[found[at]] = at
        in_city[limits.city[found[at]]] += 1
        spent += limits.cost[found[at]]
    ptr, idx = inc.rows_of_site
    gained = 0.0
    for move in range(num_moves):
        site = candidates[int(rng.random() * len(candidates))]
        if tables.is_open[site]:
            continue
        gain = tables.change[site]
        best, partner = -np.inf, NOBODY
        here = limits.city[site]
        if (
            num_open < limits.number
            and in_city[here] < limits.most[here]
            and spent + limits.cost[site] <= limits.budget
        ):
            best = gain
        num_touched = 0
        for arc in range(ptr[site], ptr[site + 1]):
            row = idx[arc]
            if tables.num_covering[row] == 1:
                k = tables.sum_covering[row]
                if extra[k] == 0.0:
                    touched[num_touched] = k
                    num_touched += 1
                extra[k] += inc.value[row]
        if num_open > 0:
            k = open_sites[int(rng.random() * num_open)]
            profit = gain - tables.change[k] + extra[k]
            if profit > best and _may_leave(k, site, spent, limits, in_city, True):
                best, partner = profit, k
        for at in range(num_touched):
            k = touched[at]
            profit = gain - tables.change[k] + extra[k]
            if profit > best and _may_leave(k, site, spent, limits, in_city, tables.is_open[k]):
                best, partner = profit, k
            extra[k] = 0.0
        if best == -np.inf:
            continue
        if best < 0.0:
            temperature = hot * (cold / hot) ** (move / num_moves)
            if rng.random() >= np.exp(best / temperature):
                continue
        if partner != NOBODY:
            close_site(partner, inc, tables)
            in_city[limits.city[partner]] -= 1
            spent -= limits.cost[partner]
            open_sites[place[partner]] = site
            place[site] = place[partner]
            place[partner] = -1
        else:
            open_sites[num_open] = site
            place[site] = num_open
            num_open += 1
        open_site(site, inc, tables)
        in_city[here] += 1
        spent += limits.cost[site]
        gained += best
    return gained


def anneal_within(
    rows: CoverRows,
    start: IntArray,
    candidates: IntArray,
    limits: Within,
    schedule: Schedule,
    rng: np.random.Generator,
) -> IntArray:
    """Improve a plan within limits, losses accepted with falling probability.

    Parameters
    ----------
    rows : CoverRows
    start : int array
        Distinct open sites (positions in ``rows``) that keep the limits; where they spend more
        than the budget no move spends more than they do.
    candidates : int array
        Sites that may be opened.
    limits : Within
    schedule : Schedule
    rng : numpy.random.Generator

    Returns
    -------
    int array
        Open sites, ascending. May cover less than ``start``.
    """
    if len(candidates) == 0 or schedule.num_moves == 0:
        return np.sort(start)
    tables = swap_tables(rows, start)
    _anneal(candidates, limits, schedule, rng, rows.incidence, tables)
    return np.flatnonzero(tables.is_open)
