"""Linear relaxation of flow refuelling by a primal-dual method: multipliers that bound every plan.

    max  sum_r v_r u_r
    (1)  u_r <= sum_{j in S} y_j             every path r and set S it needs   [multiplier l_rS]
    (2)  sum_{r of flow q} u_r <= 1          every flow q
    (3)  sum_j y_j <= p,  sum_j c_j y_j <= B,  0 <= u, y <= 1

For any l >= 0, with L_r = sum_S l_rS and m_j = sum_{r, S: j in S} l_rS, no plan is worth more than

    (4)  sum_q max(0, max_{r of q} v_r - L_r) + max {sum_j m_j y_j: (3)}.

Sites may have a price pi_j, which the objective then loses: m_j - pi_j takes the place of m_j.

The method (Chambolle and Pock 2011, J. Math. Imaging Vis. 40:120-145; preconditioned by diagonals,
2011 ICCV) steps in y and u along the multipliers and in the multipliers along the rows; it starts
anew from its mean when that bounds better. Steps are scaled by the values of the flows, which
differ by orders of magnitude.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.models.refuelling.presolve import IndexLists, ReducedFlows, index_lists

Index = NDArray[np.int32]

CHECK_ITERATIONS = 100
"""Iterations between two looks at the bound."""
PRIMAL_WEIGHT = 1.0
"""Balance of the steps; the method adapts it at every new start."""


@dataclass(frozen=True)
class FlowDual:
    """Multipliers and what they prove.

    Attributes
    ----------
    bound : float
        (4) at ``path_slack`` and ``site_worth``, the base value included.
    path_slack : float array, shape (num_paths,)
        v_r - L_r.
    site_worth : float array, shape (num_sites,)
        m_j.
    opening : float array, shape (num_sites,)
        y of the relaxation, nearly.
    iterations : int
    multiplier : float array, shape (needs.nnz,)
        l_rS, in the order of the entries of ``rows.needs``.
    """

    bound: float
    path_slack: FloatArray
    site_worth: FloatArray
    opening: FloatArray
    iterations: int
    multiplier: FloatArray


def best_choice(worth: FloatArray, cost: FloatArray, num_stations: int, budget: float) -> float:
    """An upper bound of max {sum_j m_j y_j: (3)}: exact where only one of the limits binds.

    >>> best_choice(np.array([3.0, 2.0, 1.0]), np.array([2.0, 1.0, 1.0]), 2, np.inf)
    5.0
    >>> best_choice(np.array([3.0, 2.0, 1.0]), np.array([2.0, 1.0, 1.0]), 3, 2.0)
    3.5
    """
    by_worth = np.sort(worth)[::-1][: max(num_stations, 0)]
    most = float(by_worth[by_worth > 0].sum())
    if not np.isfinite(budget):
        return most
    order = np.argsort(-worth / np.maximum(cost, 1e-300), kind="stable")
    order = order[worth[order] > 0]
    spent = np.cumsum(cost[order])
    share = np.clip((budget - (spent - cost[order])) / np.maximum(cost[order], 1e-300), 0.0, 1.0)
    share[cost[order] == 0.0] = 1.0
    return min(most, float((worth[order] * share).sum()))


def bound_at(
    rows: ReducedFlows,
    path_slack: FloatArray,
    site_worth: FloatArray,
    site_price: FloatArray | float = 0.0,
) -> float:
    """Evaluate (4)."""
    best = np.zeros(int(rows.flow_idx.max(initial=-1)) + 1)
    np.maximum.at(best, rows.flow_idx, path_slack)
    choice = best_choice(site_worth - site_price, rows.cost, rows.num_stations, rows.budget)
    return rows.base_value + float(best.sum()) + choice


def improve_bound(
    rows: ReducedFlows, site_price: FloatArray | None = None, begin_at: FlowDual | None = None
) -> Iterator[FlowDual]:
    """Better and better multipliers, one every `CHECK_ITERATIONS`; without end.

    Parameters
    ----------
    rows : ReducedFlows
    site_price : float array, shape (num_sites,), optional
        What opening a site costs, in units of the value.
    begin_at : FlowDual, optional
        Of the same rows at other prices: where the method begins.

    Yields
    ------
    FlowDual
        The best so far.
    """
    entry_path = np.repeat(np.arange(rows.num_paths), np.diff(rows.needs.indptr)).astype(np.int32)
    entry_set = rows.needs.indices.astype(np.int32)
    group_ptr = np.searchsorted(rows.flow_idx, np.arange(int(rows.flow_idx.max(initial=-1)) + 2))
    value = rows.value
    num_needs = np.diff(rows.needs.indptr).astype(float)
    set_size = np.diff(rows.members.indptr).astype(float)
    set_weight = np.bincount(entry_set, value[entry_path], minlength=rows.num_sets)
    site_weight = rows.members.T @ set_weight
    mean_value = float(site_weight.sum() / max(rows.num_sites, 1))
    limited = np.isfinite(rows.budget)
    scale_cost = rows.cost / max(float(rows.cost.max(initial=0.0)), 1e-300)
    scale_budget = rows.budget / max(float(rows.cost.max(initial=0.0)), 1e-300)
    steps = _Steps(
        flow=1.0 / np.maximum(num_needs * value, 1e-300),
        opening=1.0 / (site_weight + mean_value * (1.0 + limited)),
        multiplier=value[entry_path] / (1.0 + set_size[entry_set]),
        price=float(mean_value / max(rows.num_sites, 1)),
    )

    paid = np.zeros(rows.num_sites) if site_price is None else site_price
    relaxation = _Relaxation(
        entry_path, entry_set, index_lists(rows.members), group_ptr.astype(np.int64), value,
        float(rows.num_stations), float(scale_budget) if limited else np.inf, scale_cost, paid,
    )  # fmt: skip
    state = _Point(
        np.zeros(rows.num_paths), np.zeros(rows.num_sites), np.zeros(len(entry_set)), np.zeros(2)
    )
    if begin_at is not None:
        reached = np.minimum(rows.members @ begin_at.opening, 1.0)
        flow = np.ones(rows.num_paths)
        np.minimum.at(flow, entry_path, reached[entry_set])
        state = _Point(flow, begin_at.opening.copy(), begin_at.multiplier.copy(), np.zeros(2))
    start = _copy(state)
    weight, best, iterations, since_start = PRIMAL_WEIGHT, None, 0, 0
    last_bound = np.inf
    while True:
        mean = _Point(*(np.zeros_like(part) for part in state))
        _iterate(CHECK_ITERATIONS, weight, relaxation, steps, state, mean)
        iterations += CHECK_ITERATIONS
        since_start += CHECK_ITERATIONS
        found = []
        for point in (state, mean):
            set_price = np.bincount(entry_set, point.multiplier, minlength=rows.num_sets)
            worth = rows.members.T @ set_price
            slack = value - np.bincount(entry_path, point.multiplier, minlength=rows.num_paths)
            found.append(
                FlowDual(bound_at(rows, slack, worth, paid), slack, worth, point.opening.copy(),
                         iterations, point.multiplier.copy())
            )  # fmt: skip
        better = min(found, key=lambda dual: dual.bound)
        if best is None or better.bound < best.bound:
            best = better
        if found[1].bound < found[0].bound:
            state = _copy(mean)
        if since_start >= 1000 or better.bound > last_bound:
            moved_primal = np.sqrt(
                ((state.flow - start.flow) ** 2 / steps.flow).sum()
                + ((state.opening - start.opening) ** 2 / steps.opening).sum()
            )
            moved_dual = np.sqrt(
                ((state.multiplier - start.multiplier) ** 2 / steps.multiplier).sum()
            )
            if moved_primal > 0 and moved_dual > 0:
                weight = float(np.sqrt(weight * moved_dual / moved_primal))
            start, since_start = _copy(state), 0
        last_bound = better.bound
        yield replace(best, opening=mean.opening, iterations=iterations)


class _Relaxation(NamedTuple):
    """Rows (1) to (3), the money scaled by the dearest station."""

    entry_path: Index
    entry_set: Index
    members: IndexLists
    group_ptr: IntArray
    value: FloatArray
    num_stations: float
    budget: float
    cost: FloatArray
    paid: FloatArray


class _Steps(NamedTuple):
    """Lengths of the steps of each variable and multiplier."""

    flow: FloatArray
    opening: FloatArray
    multiplier: FloatArray
    price: float


class _Point(NamedTuple):
    """u, y, l and the prices of number and money; iterated in place."""

    flow: FloatArray
    opening: FloatArray
    multiplier: FloatArray
    price: FloatArray


def _copy(point: _Point) -> _Point:
    return _Point(*(part.copy() for part in point))


@njit(cache=True)  # a hundred thousand short sums per iteration, thousands of iterations
def _iterate(
    num_iterations: int,
    weight: float,
    relaxation: _Relaxation,
    steps: _Steps,
    state: _Point,
    mean: _Point,
) -> None:
    """Primal-dual iterations in place; the means are over all of them."""
    entry_path, entry_set, members, group_ptr, value, num_stations, budget, cost, paid = relaxation
    set_ptr, set_site = members
    step_u, step_y, step_l, step_p = steps
    flow, opening, multiplier, price = state
    mean_flow, mean_opening, mean_multiplier, mean_price = mean
    num_sets = len(set_ptr) - 1
    slack = np.empty(len(flow))
    set_price = np.empty(num_sets)
    worth = np.empty(len(opening))
    level = np.empty(num_sets)
    for _ in range(num_iterations):
        slack[:] = value
        set_price[:] = 0.0
        for entry in range(len(entry_path)):
            slack[entry_path[entry]] -= multiplier[entry]
            set_price[entry_set[entry]] += multiplier[entry]
        worth[:] = -paid - price[0] - cost * price[1]
        for each in range(num_sets):
            if set_price[each] != 0.0:
                for at in range(set_ptr[each], set_ptr[each + 1]):
                    worth[set_site[at]] += set_price[each]
        # Afterwards slack and worth hold the extrapolated primal point 2 new - old.
        for path in range(len(flow)):
            old = flow[path]
            flow[path] = min(1.0, max(0.0, old + step_u[path] * slack[path] / weight))
            slack[path] = old
        for group in range(len(group_ptr) - 1):
            low, high = group_ptr[group], group_ptr[group + 1]
            if high - low > 1:
                total = flow[low:high].sum()
                if total > 1.0:
                    flow[low:high] /= total  # not the nearest point, but a feasible one
        for path in range(len(flow)):
            slack[path] = 2.0 * flow[path] - slack[path]
        sum_y, sum_cost = 0.0, 0.0
        for site in range(len(opening)):
            old = opening[site]
            opening[site] = min(1.0, max(0.0, old + step_y[site] * worth[site] / weight))
            worth[site] = 2.0 * opening[site] - old
            sum_y += worth[site]
            sum_cost += cost[site] * worth[site]
        for each in range(num_sets):
            total = 0.0
            for at in range(set_ptr[each], set_ptr[each + 1]):
                total += worth[set_site[at]]
            level[each] = total
        for entry in range(len(entry_path)):
            short = slack[entry_path[entry]] - level[entry_set[entry]]
            multiplier[entry] = max(0.0, multiplier[entry] + weight * step_l[entry] * short)
        price[0] = max(0.0, price[0] + weight * step_p * (sum_y - num_stations))
        if budget < np.inf:
            price[1] = max(0.0, price[1] + weight * step_p * (sum_cost - budget))
        mean_flow += flow / num_iterations
        mean_opening += opening / num_iterations
        mean_multiplier += multiplier / num_iterations
        mean_price += price / num_iterations
