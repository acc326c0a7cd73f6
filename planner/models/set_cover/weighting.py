"""Cheaper plans that cover every row, by rows that weigh more the longer they stay uncovered.

With near_i open sites at row i, N(i), r_i, c_j as in :mod:`planner.models.set_cover.presolve` and
weights u_i, ones at first:

(1) gain_j = sum of u_i over i in N(j) with near_i < r_i, for a closed site,
(2) loss_k = sum of u_i over i in N(k) with near_i = r_i, for an open site.

A step takes uncovered rows at random and opens the site of theirs with most gain per cost, while
the choice stays cheaper than the best plan, and each time adds one to the weight of every row that
is still uncovered; then it closes the site of least loss per cost, again and again until a row is
uncovered, and once more. A site closed may open again only once a row of its own has changed; of
equal sites the one that has rested longest moves (Gao, Weise and Li 2015, EJOR 246:750-761, there
for equal costs and r_i = 1).
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.set_cover.greedy import stations_near
from planner.models.set_cover.presolve import CoverTask, Incidence

NOBODY = -1


class Weighing(NamedTuple):
    """State of the search; its arrays are changed in place.

    Attributes
    ----------
    is_open, may_open : bool arrays, shape (num_sites,)
    open_sites, place_of_site : int arrays, shape (num_sites,)
        The open sites come first; place of each open site among them.
    moved : int array, shape (num_sites,)
        Step in which the site moved last.
    gain, loss : float arrays, shape (num_sites,)
        (1), of open sites too, and (2).
    weight : float array, shape (num_rows,)
    near, near_sum : int arrays, shape (num_rows,)
        Open sites, and the sum of their positions.
    uncovered, place_of_row : int arrays, shape (num_rows,)
        Alike, of the uncovered rows.
    tally : int array, shape (3,)
        Open sites, uncovered rows, steps made.
    """

    is_open: BoolArray
    may_open: BoolArray
    open_sites: IntArray
    place_of_site: IntArray
    moved: IntArray
    gain: FloatArray
    loss: FloatArray
    weight: FloatArray
    near: IndexArray
    near_sum: IntArray
    uncovered: IntArray
    place_of_row: IntArray
    tally: IntArray


OPEN, UNCOVERED, STEPS = 0, 1, 2


@numba.njit(cache=True, nogil=True)
def _add_to_coverers(row: int, amount: float, inc: Incidence, state: Weighing) -> None:
    """Add to the loss of each open site at a row; one alone is named by the sum of positions."""
    if state.near[row] == 1:
        state.loss[state.near_sum[row]] += amount
        return
    for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
        site = inc.sites_of_row.idx[arc]
        if state.is_open[site]:
            state.loss[site] += amount


@numba.njit(cache=True, nogil=True)
def _add_gain(row: int, amount: float, inc: Incidence, state: Weighing) -> None:
    for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
        site = inc.sites_of_row.idx[arc]
        state.gain[site] += amount
        state.may_open[site] = True


@numba.njit(cache=True, nogil=True)
def _uncover(row: int, inc: Incidence, state: Weighing) -> None:
    at = state.tally[UNCOVERED]
    state.uncovered[at], state.place_of_row[row] = row, at
    state.tally[UNCOVERED] = at + 1
    _add_gain(row, state.weight[row], inc, state)


@numba.njit(cache=True, nogil=True)
def _close(site: int, inc: Incidence, need: IndexArray, state: Weighing) -> None:
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if state.near[row] == need[row]:
            _add_to_coverers(row, -state.weight[row], inc, state)
            _uncover(row, inc, state)
    state.is_open[site] = False
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        state.near[row] -= 1
        state.near_sum[row] -= site
        if state.near[row] == need[row]:
            _add_to_coverers(row, state.weight[row], inc, state)
    last = state.tally[OPEN] - 1
    moved_up = state.open_sites[last]
    state.open_sites[state.place_of_site[site]] = moved_up
    state.place_of_site[moved_up] = state.place_of_site[site]
    state.tally[OPEN] = last
    state.may_open[site] = False
    state.moved[site] = state.tally[STEPS]


@numba.njit(cache=True, nogil=True)
def _open(site: int, inc: Incidence, need: IndexArray, state: Weighing) -> None:
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if state.near[row] == need[row]:
            _add_to_coverers(row, -state.weight[row], inc, state)
        state.near[row] += 1
        state.near_sum[row] += site
    state.is_open[site] = True
    state.loss[site] = 0.0
    for arc in range(inc.rows_of_site.ptr[site], inc.rows_of_site.ptr[site + 1]):
        row = inc.rows_of_site.idx[arc]
        if state.near[row] == need[row]:
            _add_to_coverers(row, state.weight[row], inc, state)
            last = state.tally[UNCOVERED] - 1
            moved_up = state.uncovered[last]
            state.uncovered[state.place_of_row[row]] = moved_up
            state.place_of_row[moved_up] = state.place_of_row[row]
            state.tally[UNCOVERED] = last
            _add_gain(row, -state.weight[row], inc, state)
    at = state.tally[OPEN]
    state.open_sites[at], state.place_of_site[site] = site, at
    state.tally[OPEN] = at + 1
    state.moved[site] = state.tally[STEPS]


@numba.njit(cache=True, nogil=True)
def _least_loss(cost: FloatArray, tabu: int, state: Weighing) -> int:
    """Open site of least loss per cost, the longest at rest of equal ones."""
    best = NOBODY
    for at in range(state.tally[OPEN]):
        site = state.open_sites[at]
        if site == tabu:
            continue
        if best == NOBODY:
            best = site
            continue
        mine, other = state.loss[site] * cost[best], state.loss[best] * cost[site]
        if mine < other or (mine == other and state.moved[site] < state.moved[best]):
            best = site
    return best


@numba.njit(cache=True, nogil=True)
def _most_gain(row: int, cost: FloatArray, room: float, inc: Incidence, state: Weighing) -> int:
    """Closed site of a row with most gain per cost among those that cost less than ``room``."""
    best = NOBODY
    for arc in range(inc.sites_of_row.ptr[row], inc.sites_of_row.ptr[row + 1]):
        site = inc.sites_of_row.idx[arc]
        if state.is_open[site] or not state.may_open[site] or cost[site] >= room:
            continue
        if best == NOBODY:
            best = site
            continue
        mine, other = state.gain[site] * cost[best], state.gain[best] * cost[site]
        if mine > other or (mine == other and state.moved[site] < state.moved[best]):
            best = site
    return best


@numba.njit(cache=True, nogil=True)
def _search(
    inc: Incidence,
    need: IndexArray,
    cost: FloatArray,
    state: Weighing,
    num_steps: int,
    best_cost: float,
    small: float,
    rng: np.random.Generator,
) -> tuple[float, BoolArray]:
    best_open = np.zeros(len(cost), np.bool_)
    spent = cost[state.is_open].sum()
    for _ in range(num_steps):
        state.tally[STEPS] += 1
        tabu = NOBODY
        while state.tally[UNCOVERED] > 0:
            row = state.uncovered[int(rng.random() * state.tally[UNCOVERED])]
            site = _most_gain(row, cost, best_cost - small - spent, inc, state)
            if site == NOBODY:
                break
            _open(site, inc, need, state)
            spent += cost[site]
            tabu = site
            for at in range(state.tally[UNCOVERED]):
                heavier = state.uncovered[at]
                state.weight[heavier] += 1.0
                _add_gain(heavier, 1.0, inc, state)
        if state.tally[UNCOVERED] == 0:
            spent = cost[state.is_open].sum()
            if spent < best_cost - small:
                best_cost = spent
                best_open[:] = state.is_open
        once_more = True
        while once_more and state.tally[OPEN] > 0:
            once_more = state.tally[UNCOVERED] == 0
            site = _least_loss(cost, tabu, state)
            if site == NOBODY:
                break
            _close(site, inc, need, state)
            spent -= cost[site]
    return best_cost, best_open


def weighing(task: CoverTask, plan: IntArray) -> Weighing:
    """State of a search that starts from a choice of sites.

    Parameters
    ----------
    task : CoverTask
        All rows must be covered.
    plan : int array
        Open sites, distinct.
    """
    num_sites, num_rows = task.num_sites, task.num_rows
    nothing = np.zeros(num_sites, dtype=np.bool_)
    state = Weighing(
        is_open=nothing,
        may_open=np.ones(num_sites, dtype=np.bool_),
        open_sites=np.zeros(num_sites, dtype=np.int64),
        place_of_site=np.zeros(num_sites, dtype=np.int64),
        moved=np.zeros(num_sites, dtype=np.int64),
        gain=np.zeros(num_sites),
        loss=np.zeros(num_sites),
        weight=np.ones(num_rows),
        near=stations_near(task, nothing),
        near_sum=np.zeros(num_rows, dtype=np.int64),
        uncovered=np.zeros(num_rows, dtype=np.int64),
        place_of_row=np.zeros(num_rows, dtype=np.int64),
        tally=np.zeros(3, dtype=np.int64),
    )
    _start(task.incidence, task.need, plan, state)
    return state


@numba.njit(cache=True, nogil=True)
def _start(inc: Incidence, need: IndexArray, plan: IntArray, state: Weighing) -> None:
    for row in range(len(need)):
        _uncover(row, inc, state)
    for site in plan:
        _open(site, inc, need, state)


def search_by_weights(
    task: CoverTask,
    state: Weighing,
    *,
    num_steps: int,
    best_cost: float,
    rng: np.random.Generator,
) -> tuple[float, IntArray]:
    """Look for plans cheaper than the best known.

    Parameters
    ----------
    task : CoverTask
        All rows must be covered; limits on numbers are not looked at.
    state : Weighing
        Changed in place.
    num_steps : int
    best_cost : float
        Cost of the best plan known, forced sites left out.
    rng : numpy.random.Generator

    Returns
    -------
    best_cost : float
        Of the best plan now.
    plan : int array
        Its open sites if it is new, else empty.
    """
    small = 1e-9 * max(best_cost, 1e-300)
    best_cost, best_open = _search(
        task.incidence, task.need, task.cost, state, num_steps, best_cost, small, rng
    )
    return float(best_cost), np.flatnonzero(best_open)
