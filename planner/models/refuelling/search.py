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
from planner.models.refuelling.presolve import ReducedFlows

Index = NDArray[np.int32]

HOT_CREDIT = 0.4
"""First c."""
HOT_FRAC, COLD_FRAC = 0.02, 0.0005
"""First and last temperature as fractions of the mean value per open site."""
SLICE_MOVES = 20_000
"""Exchanges between two looks at the clock: a fraction of a second."""
MAX_MISSING = 12
"""Paths that lack more sets than this get no credit."""
ROUNDING = 1e-9
"""Share of the budget by which sums of costs may exceed it."""


class SearchTables(NamedTuple):
    """Incidences for the kernel: sets by site, sites by set, paths by set, paths by flow."""

    site_ptr: Index
    site_set: Index
    set_ptr: Index
    set_site: Index
    need_ptr: Index
    need_path: Index
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
        by_site.indptr.astype(np.int32),
        by_site.indices.astype(np.int32),
        rows.members.indptr.astype(np.int32),
        rows.members.indices.astype(np.int32),
        by_set.indptr.astype(np.int32),
        by_set.indices.astype(np.int32),
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
    left, money = rows.num_stations, rows.budget * (1 + ROUNDING)
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
    plan, best, best_value = is_open, is_open.copy(), plan_value(rows, is_open)
    for first in range(0, num_moves, SLICE_MOVES):
        if not may_go_on():
            break
        plan, found = _anneal(
            *tables,
            plan,
            candidates.astype(np.int32),
            rows.num_stations,
            rows.budget * (1 + ROUNDING),
            first,
            min(first + SLICE_MOVES, num_moves),
            num_moves,
            heat * HOT_FRAC * scale,
            COLD_FRAC * scale,
            heat * HOT_CREDIT,
            rng,
        )
        value = plan_value(rows, found)
        if value > best_value:
            best, best_value = found, value
    return best


@njit(cache=True, inline="always")
def _flow_worth(
    flow: int,
    group_ptr: IntArray,
    value: FloatArray,
    missing: Index,
    credit: FloatArray,
) -> float:
    best = 0.0
    for path in range(group_ptr[flow], group_ptr[flow + 1]):
        if missing[path] <= MAX_MISSING:
            best = max(best, value[path] * credit[missing[path]])
    return best


@njit(cache=True)
def _turn(
    site: int,
    opens: bool,
    site_ptr: Index,
    site_set: Index,
    need_ptr: Index,
    need_path: Index,
    flow_idx: IntArray,
    group_ptr: IntArray,
    value: FloatArray,
    hits: Index,
    missing: Index,
    credit: FloatArray,
) -> tuple[float, float]:
    """Open or close a site; changes of the credited and the true value."""
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
                credited -= _flow_worth(flow, group_ptr, value, missing, credit)
                for other in range(group_ptr[flow], group_ptr[flow + 1]):
                    if missing[other] == 0:
                        true -= value[other]
                        break
                missing[path] = after
                credited += _flow_worth(flow, group_ptr, value, missing, credit)
                for other in range(group_ptr[flow], group_ptr[flow + 1]):
                    if missing[other] == 0:
                        true += value[other]
                        break
    return credited, true


@njit(cache=True)  # a million exchanges of some hundred steps each
def _anneal(
    site_ptr: Index,
    site_set: Index,
    set_ptr: Index,
    set_site: Index,
    need_ptr: Index,
    need_path: Index,
    num_needs: Index,
    flow_idx: IntArray,
    group_ptr: IntArray,
    value: FloatArray,
    cost: FloatArray,
    start: BoolArray,
    candidates: Index,
    num_stations: int,
    budget: float,
    first_move: int,
    last_move: int,
    num_moves: int,
    hot: float,
    cold: float,
    hot_credit: float,
    rng: np.random.Generator,
) -> tuple[BoolArray, BoolArray]:
    """Some of the exchanges, up to the last; the plan arrived at, and the best met."""
    num_sites = len(site_ptr) - 1
    is_open = np.zeros(num_sites, np.bool_)
    hits = np.zeros(len(set_ptr) - 1, np.int32)
    missing = num_needs.copy()
    credit = np.zeros(MAX_MISSING + 1)
    credit[0] = 1.0
    place = np.full(num_sites, -1, np.int32)
    opened = np.empty(max(num_sites, 1), np.int32)
    num_open, spent, true = 0, 0.0, 0.0
    for site in range(num_sites):
        if start[site]:
            is_open[site] = True
            place[site], opened[num_open] = num_open, site
            num_open += 1
            spent += cost[site]
            true += _turn(site, True, site_ptr, site_set, need_ptr, need_path, flow_idx, group_ptr,
                          value, hits, missing, credit)[1]  # fmt: skip
    best, best_true = is_open.copy(), true
    for move in range(first_move, last_move):
        if move % 1000 == 0:
            share = move / num_moves
            temperature = hot * (cold / hot) ** share
            factor = hot_credit * (1.0 - share) ** 2
            for k in range(1, MAX_MISSING + 1):
                credit[k] = credit[k - 1] * factor
        leaves = -1
        if num_open == num_stations or (num_open > 0 and rng.random() < 0.7):
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
        if spent - freed + cost[enters] > budget:
            continue
        credited, change = 0.0, 0.0
        if leaves >= 0:
            credited, change = _turn(
                leaves, False, site_ptr, site_set, need_ptr, need_path, flow_idx, group_ptr,
                value, hits, missing, credit,
            )  # fmt: skip
        more, more_true = _turn(
            enters, True, site_ptr, site_set, need_ptr, need_path, flow_idx, group_ptr, value,
            hits, missing, credit,
        )  # fmt: skip
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
            _turn(enters, False, site_ptr, site_set, need_ptr, need_path, flow_idx, group_ptr,
                  value, hits, missing, credit)  # fmt: skip
            if leaves >= 0:
                _turn(leaves, True, site_ptr, site_set, need_ptr, need_path, flow_idx, group_ptr,
                      value, hits, missing, credit)  # fmt: skip
    return is_open, best
