"""A plan of sized covering improved by annealing: exchanges, openings and closings, judged exactly.

Takes a plan on its ground, gives one that serves at least as much within the same limits. A move
offers a site: a station closes; a closed site opens, alone or for a station that shares rows with
it. A slot, and money, are worth their prices meanwhile, so that moves far apart need not wait for
each other; in the end free slots go where they cover most. What full stations turn away is known
at every step (:mod:`planner.models.exchanges.served`); moves that cannot be accepted even if they
served all of it are not looked at closer (Kirkpatrick et al. 1983, Science 220:671-680).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.coverage.rows import Incidence
from planner.models.coverage.search import SwapTables
from planner.models.exchanges.exchange import (
    NOBODY,
    Limits,
    Moves,
    add_extras,
    exchange,
    exchange_profit,
    may_exchange,
    touching_exchanges,
)
from planner.models.exchanges.placed import Placed
from planner.models.exchanges.walk import Walk, added_service, end_step, plan_of_walk, walk_from
from planner.models.sized_coverage.rows import Arcs

_ANYONE = 0.2
"""Share of the moves of a site with load for which not the best but any station near leaves."""
_LEAST_LOSSES = 0.01
"""Share of the stations that lose less than what a slot is taken to be worth."""
_ROUNDING = 1e-9
"""Of a station's median loss: less is no gain."""


@dataclass(frozen=True)
class Effort:
    """How long annealing works, and how it cools.

    Attributes
    ----------
    moves_per_site : int
        Moves per site that is looked at.
    hot_frac, cold_frac : float
        First and last temperature as fractions of a station's median loss.
    width_frac : float
        Closed sites are looked at whose best exchange loses less than this fraction of it, those
        that reach load that stations may be too full for, and all stations.
    spare_stations : int
        Slots that may stay empty meanwhile.
    chunk : int
        Moves between two looks at the clock.
    """

    moves_per_site: int = 15
    hot_frac: float = 4e-3
    cold_frac: float = 8e-4
    width_frac: float = 0.12
    spare_stations: int = 20
    chunk: int = 20_000


@numba.njit(cache=True, nogil=True, _nrt=False)
def _someone_near(site: int, draw: float, arcs: Arcs, tables: SwapTables) -> int:
    """Some station that shares a row with a site, or nobody."""
    of_site, of_row = arcs.rows_of_site, arcs.sites_of_row
    num_rows = of_site.ptr[site + 1] - of_site.ptr[site]
    if num_rows == 0:
        return NOBODY
    at = draw * num_rows
    row = of_site.idx[of_site.ptr[site] + int(at)]
    left = int((at - int(at)) * tables.num_covering[row])
    for arc in range(of_row.ptr[row], of_row.ptr[row + 1]):
        if tables.is_open[of_row.idx[arc]]:
            if left == 0:
                return int(of_row.idx[arc])
            left -= 1
    return NOBODY


@numba.njit(cache=True, nogil=True, _nrt=False)
def _offer(
    site: int, draw: float, paid: FloatArray, arcs: Arcs, inc: Incidence, walk: Walk
) -> tuple[float, int, int]:
    """A move of a site: what it adds to the value covered less what it pays; who leaves, enters."""
    tables, limits, scratch = walk.tables, walk.limits, walk.scratch
    if tables.is_open[site]:
        if not may_exchange(site, NOBODY, limits):
            return -np.inf, NOBODY, NOBODY
        return paid[site] - tables.change[site], site, NOBODY
    if walk.carried.is_loaded[site] and draw < _ANYONE:
        other = _someone_near(site, draw / _ANYONE, arcs, tables)
        if other == NOBODY or not may_exchange(other, site, limits):
            return -np.inf, NOBODY, NOBODY
        profit = exchange_profit(other, site, inc, tables) + paid[other] - paid[site]
        return profit, other, site
    best, leaving = -np.inf, NOBODY
    gain = tables.change[site] - paid[site]
    if may_exchange(NOBODY, site, limits):
        best = gain
    for at in range(add_extras(site, inc, tables, scratch)):
        k = scratch.touched[at]
        profit = gain - tables.change[k] + scratch.extra[k] + paid[k]
        scratch.extra[k] = 0.0
        if profit > best and may_exchange(k, site, limits):
            best, leaving = profit, k
    return best, leaving, site


@numba.njit(cache=True, nogil=True, _nrt=False)
def _anneal(
    candidates: IntArray,
    draws: FloatArray,
    temperature: FloatArray,
    tolerance: float,
    paid: FloatArray,
    pair: Moves,
    arcs: Arcs,
    inc: Incidence,
    walk: Walk,
) -> None:
    """One move per temperature; ``pair`` is memory for one."""
    for move in range(len(temperature)):
        site = candidates[int(draws[move, 0] * len(candidates))]
        profit, gone, come = _offer(site, draws[move, 1], paid, arcs, inc, walk)
        least = temperature[move] * np.log(1.0 - draws[move, 2])
        is_loaded = walk.carried.is_loaded[gone] or walk.carried.is_loaded[come]
        if profit + (walk.lost[0] if is_loaded else 0.0) < least:
            continue
        if is_loaded:
            pair.leaving[0], pair.entering[0] = gone, come
            added = added_service(pair.leaving, pair.entering, arcs, walk)
            profit += added
            end_step(profit >= least, added, tolerance, arcs, walk)
        if profit >= least:
            exchange(gone, come, inc, walk.tables, walk.limits)


def annealed(
    placed: Placed,
    may_go_on: Callable[[], bool],
    *,
    seed: int = 0,
    effort: Effort = Effort(),
    wanted: BoolArray | None = None,
) -> Placed:
    """The plan after annealing, or the same if that finds none that serves more.

    Parameters
    ----------
    placed : Placed
        A plan within the limits.
    may_go_on : callable
        Asked now and then; as long as it says yes the result depends on nothing but the rest.
    seed : int
    effort : Effort, optional
    wanted : bool array, shape (num_sites,), optional
        Sites to look at besides the stations; found by ``effort.width_frac`` if left out.

    Returns
    -------
    Placed
    """
    walk, inc = walk_from(placed, 1), placed.ground.incidence
    limits = walk.limits
    stations = placed.site_idx[~limits.locked[placed.site_idx]]
    losses = placed.tables.change[stations]
    scale = float(np.median(losses)) if len(stations) else 0.0
    if scale <= 0.0:
        return placed
    limits.number[1] = max(limits.number[1], limits.number[0] - effort.spare_stations)
    paid, tolerance = _paid(limits, stations, losses), _ROUNDING * scale
    if wanted is None:
        wanted = _promising(placed, walk, paid, scale * effort.width_frac)
    candidates = np.flatnonzero((wanted | placed.is_open) & ~limits.locked)
    num_moves = effort.moves_per_site * len(candidates)
    rng = np.random.default_rng(seed)
    pair = Moves(np.empty(1, np.int64), np.empty(1, np.int64))
    for first in range(0, num_moves, effort.chunk):
        if not may_go_on():
            break
        number = np.arange(first, min(first + effort.chunk, num_moves))
        cooling = (effort.cold_frac / effort.hot_frac) ** (number / num_moves)
        _anneal(
            candidates, rng.random((len(number), 3)), scale * effort.hot_frac * cooling,
            tolerance, paid, pair, placed.ground.arcs, inc, walk,
        )  # fmt: skip
    _fill(inc, walk, tolerance)
    found = plan_of_walk(placed, walk)
    return found if found.objective > placed.objective else placed


def _paid(limits: Limits, stations: IntArray, losses: FloatArray) -> FloatArray:
    """What a station pays for its slot, or else for its money: as little as any is worth."""
    if limits.number[0] >= limits.number[2]:
        return np.full(len(limits.cost), float(np.quantile(losses, _LEAST_LOSSES)))
    cost = limits.cost[stations]
    if math.isinf(limits.money[1]) or not (cost > 0.0).all():
        return np.zeros(len(limits.cost))
    return np.asarray(np.quantile(losses / cost, _LEAST_LOSSES) * limits.cost)


def _promising(placed: Placed, walk: Walk, paid: FloatArray, width: float) -> BoolArray:
    """Closed sites to look at."""
    *_, best = touching_exchanges(placed.ground.incidence, placed.tables, walk.limits)
    alone = placed.tables.change - paid
    promising: BoolArray = (np.maximum(best, alone) >= -width) | walk.carried.is_loaded[:-1]
    return promising


def _fill(inc: Incidence, walk: Walk, tolerance: float) -> None:
    """Open sites in free slots, those that cover most first."""
    tables, limits = walk.tables, walk.limits
    while limits.number[0] < limits.number[2]:
        may = ~tables.is_open & ~limits.locked
        may &= (limits.in_city < limits.most)[limits.city_idx]
        may &= limits.cost <= limits.money[1] - limits.money[0]
        site = int(np.argmax(np.where(may, tables.change, -math.inf)))
        if not may[site] or tables.change[site] <= tolerance:
            return
        exchange(NOBODY, site, inc, tables, limits)
