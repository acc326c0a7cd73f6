"""Plans for flow refuelling by annealing: stations move along their roads, and jump elsewhere.

A path needs all its sets hit at once, so that a single station is often worth nothing by itself.
While it is hot, the search therefore counts a path that lacks k sets as worth c^k of its value;
c falls to 0, and what is kept is the best plan by true value.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.refuelling.presolve import IndexLists, ReducedFlows, index_lists

Index = NDArray[np.int32]

HOT_CREDIT = 0.4
"""First c."""
HOT_FRAC, COLD_FRAC = 0.02, 0.0005
"""First and last temperature as fractions of the mean value per open site."""
SLICE_MOVES = 20_000
"""Exchanges between two looks at the clock: a fraction of a second."""
MAX_MISSING = 12
"""Paths that lack more sets than this get no credit."""


class SearchTables(NamedTuple):
    """A reduced problem for the kernel.

    Attributes
    ----------
    sets_of_site, sites_of_set, paths_of_set : IndexLists
    num_needs : int array, shape (num_paths,)
        Sets that each path needs.
    flow_idx : int array, shape (num_paths,)
    group_ptr : int array, shape (num_flows + 1,)
        Paths of flow q are ``group_ptr[q]:group_ptr[q + 1]``.
    value, cost : float arrays, shape (num_paths,) and (num_sites,)
    """

    sets_of_site: IndexLists
    sites_of_set: IndexLists
    paths_of_set: IndexLists
    num_needs: Index
    flow_idx: IntArray
    group_ptr: IntArray
    value: FloatArray
    cost: FloatArray


def search_tables(rows: ReducedFlows) -> SearchTables:
    """Tables of a reduced problem."""
    by_site, by_set = rows.members.T.tocsr(), rows.needs.T.tocsr()
    num_flows = int(rows.flow_idx.max(initial=-1)) + 1
    return SearchTables(
        index_lists(by_site),
        index_lists(rows.members),
        index_lists(by_set),
        np.diff(rows.needs.indptr).astype(np.int32),
        rows.flow_idx,
        np.searchsorted(rows.flow_idx, np.arange(num_flows + 1)).astype(np.int64),
        rows.value,
        rows.cost,
    )


def paths_met(rows: ReducedFlows, is_open: BoolArray) -> BoolArray:
    """Paths of which every set holds an open site."""
    is_short = (rows.members @ is_open.astype(float)) == 0
    return np.asarray((rows.needs @ is_short.astype(float)) == 0)


def plan_value(rows: ReducedFlows, is_open: BoolArray) -> float:
    """Value of a plan, that of the base included."""
    met = paths_met(rows, is_open)
    best = np.zeros(int(rows.flow_idx.max(initial=-1)) + 1)
    np.maximum.at(best, rows.flow_idx[met], rows.value[met])
    return rows.base_value + float(best.sum())


def round_opening(rows: ReducedFlows, opening: FloatArray) -> BoolArray:
    """A plan from a relaxation: sites by falling opening as long as they are affordable."""
    order = np.argsort(-opening, kind="stable")
    is_open = np.zeros(rows.num_sites, dtype=np.bool_)
    left, money = rows.num_stations, rows.budget
    for site in order:
        if left <= 0:
            break
        if rows.cost[site] <= money:
            is_open[site] = True
            left, money = left - 1, money - rows.cost[site]
    return is_open


def anneal_plan(
    rows: ReducedFlows,
    tables: SearchTables,
    is_open: BoolArray,
    candidates: IntArray,
    *,
    num_moves: int,
    heat: float,
    seed: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> BoolArray:
    """Improve a plan.

    Parameters
    ----------
    rows, tables : ReducedFlows, SearchTables
        Of the same problem.
    is_open : bool array, shape (num_sites,)
        A plan within the limits.
    candidates : int array
        Sites worth opening.
    num_moves : int
        Exchanges offered.
    heat : float
        Factor on temperature and credit at the start, in (0, 1].
    seed : int
    may_go_on : callable
        Asked now and then; the first no ends the search.

    Returns
    -------
    bool array, shape (num_sites,)
        The best plan met, no worse than the one given.
    """
    if len(candidates) == 0 or rows.num_stations <= 0:
        return is_open.copy()
    scale = float(rows.value.sum()) / max(rows.num_stations, 1)
    rng = np.random.default_rng(seed)
    limits = _Limits(int(rows.num_stations), float(rows.budget))
    cooling = _Cooling(heat * HOT_FRAC * scale, COLD_FRAC * scale, heat * HOT_CREDIT)
    entering = candidates.astype(np.int32)
    plan, best, best_value = is_open, is_open.copy(), plan_value(rows, is_open)
    for first in range(0, num_moves, SLICE_MOVES):
        if not may_go_on():
            break
        moves = _Moves(first, min(first + SLICE_MOVES, num_moves), num_moves)
        plan, found = _anneal(tables, limits, plan, entering, moves, cooling, rng)
        value = plan_value(rows, found)
        if value > best_value:
            best, best_value = found, value
    return best


class _Limits(NamedTuple):
    num_stations: int
    budget: float


class _Moves(NamedTuple):
    """Exchanges of this call, of all that are offered."""

    first: int
    last: int
    number: int


class _Cooling(NamedTuple):
    """First and last temperature, and first c."""

    hot: float
    cold: float
    hot_credit: float


class _Score(NamedTuple):
    """Open sites in each set, sets that each path lacks, and c^k; changed in place."""

    hits: Index
    missing: Index
    credit: FloatArray


@njit(cache=True, inline="always")
def _flow_worth(flow: int, tables: SearchTables, score: _Score) -> float:
    best = 0.0
    for path in range(tables.group_ptr[flow], tables.group_ptr[flow + 1]):
        if score.missing[path] <= MAX_MISSING:
            best = max(best, tables.value[path] * score.credit[score.missing[path]])
    return best


@njit(cache=True)
def _turn(site: int, opens: bool, tables: SearchTables, score: _Score) -> tuple[float, float]:
    """Open or close a site; changes of the credited and the true value."""
    site_ptr, site_set = tables.sets_of_site
    need_ptr, need_path = tables.paths_of_set
    flow_idx, group_ptr, value = tables.flow_idx, tables.group_ptr, tables.value
    hits, missing, credit = score
    credited, true = 0.0, 0.0
    for at in range(site_ptr[site], site_ptr[site + 1]):
        each = site_set[at]
        hits[each] += 1 if opens else -1
        if hits[each] != (1 if opens else 0):
            continue
        for entry in range(need_ptr[each], need_ptr[each + 1]):
            path = need_path[entry]
            before = missing[path]
            after = before - 1 if opens else before + 1
            flow = flow_idx[path]
            if group_ptr[flow + 1] - group_ptr[flow] == 1:
                missing[path] = after
                old = credit[before] if before <= MAX_MISSING else 0.0
                new = credit[after] if after <= MAX_MISSING else 0.0
                credited += value[path] * (new - old)
                if after == 0:
                    true += value[path]
                elif before == 0:
                    true -= value[path]
            else:
                credited -= _flow_worth(flow, tables, score)
                for other in range(group_ptr[flow], group_ptr[flow + 1]):
                    if missing[other] == 0:
                        true -= value[other]
                        break
                missing[path] = after
                credited += _flow_worth(flow, tables, score)
                for other in range(group_ptr[flow], group_ptr[flow + 1]):
                    if missing[other] == 0:
                        true += value[other]
                        break
    return credited, true


@njit(cache=True)  # a million exchanges of some hundred steps each
def _anneal(
    tables: SearchTables,
    limits: _Limits,
    start: BoolArray,
    candidates: Index,
    moves: _Moves,
    cooling: _Cooling,
    rng: np.random.Generator,
) -> tuple[BoolArray, BoolArray]:
    """Some of the exchanges, up to the last; the plan arrived at, and the best met."""
    site_ptr, site_set = tables.sets_of_site
    set_ptr, set_site = tables.sites_of_set
    cost = tables.cost
    num_sites = len(site_ptr) - 1
    is_open = np.zeros(num_sites, np.bool_)
    hits = np.zeros(len(set_ptr) - 1, np.int32)
    credit = np.zeros(MAX_MISSING + 1)
    credit[0] = 1.0
    score = _Score(hits, tables.num_needs.copy(), credit)
    place = np.full(num_sites, -1, np.int32)
    opened = np.empty(max(num_sites, 1), np.int32)
    num_open, spent, true = 0, 0.0, 0.0
    for site in range(num_sites):
        if start[site]:
            is_open[site] = True
            place[site], opened[num_open] = num_open, site
            num_open += 1
            spent += cost[site]
            true += _turn(site, True, tables, score)[1]
    best, best_true = is_open.copy(), true
    for move in range(moves.first, moves.last):
        if move % 1000 == 0:
            share = move / moves.number
            temperature = cooling.hot * (cooling.cold / cooling.hot) ** share
            factor = cooling.hot_credit * (1.0 - share) ** 2
            for k in range(1, MAX_MISSING + 1):
                credit[k] = credit[k - 1] * factor
        leaves = -1
        if num_open == limits.num_stations or (num_open > 0 and rng.random() < 0.7):
            leaves = opened[rng.integers(0, num_open)]
        # Half of the stations move along a road that they serve, the others go anywhere.
        enters = candidates[rng.integers(0, len(candidates))]
        if leaves >= 0 and rng.random() < 0.5 and site_ptr[leaves + 1] > site_ptr[leaves]:
            each = site_set[
                site_ptr[leaves] + rng.integers(0, site_ptr[leaves + 1] - site_ptr[leaves])
            ]
            enters = set_site[set_ptr[each] + rng.integers(0, set_ptr[each + 1] - set_ptr[each])]
        if is_open[enters]:
            continue
        freed = cost[leaves] if leaves >= 0 else 0.0
        if spent - freed + cost[enters] > limits.budget:
            continue
        credited, change = 0.0, 0.0
        if leaves >= 0:
            credited, change = _turn(leaves, False, tables, score)
        more, more_true = _turn(enters, True, tables, score)
        credited, change = credited + more, change + more_true
        if credited >= 0.0 or rng.random() < np.exp(credited / temperature):
            true += change
            spent += cost[enters] - freed
            is_open[enters] = True
            if leaves >= 0:
                is_open[leaves] = False
                place[enters], opened[place[leaves]] = place[leaves], enters
                place[leaves] = -1
            else:
                place[enters], opened[num_open] = num_open, enters
                num_open += 1
            if true > best_true:
                best, best_true = is_open.copy(), true
        else:
            _turn(enters, False, tables, score)
            if leaves >= 0:
                _turn(leaves, True, tables, score)
    return is_open, best
