"""Plans over time for covering: greedy by node, then annealing that stays nested.

Notation and tables are those of :mod:`planner.models.phasing.tables`. A move lets a site k enter
at the nodes D and a site j leave there, so that both stay nested:

- relocation: k stands nowhere and D = U_j. The best j of those that alone serve a row of k's is
  found in one pass over the rows of k (Resende and Werneck 2007, EJOR 174:54-68, here with a
  profit by node);
- exchange: j opens at a, k does not stand there, and D = subtree(a) less U_k. On a line two sites
  exchange their times; on a tree branches are exchanged too. What opens at a changes its name, and
  so does what opens where k stood already: every number of openings stays as it is;
- opening: k alone enters at subtree(a) less U_k: a new station, or one that opens earlier.

Limits are kept move by move. A move that loses d is accepted with probability exp(-d / T), T in
units of what the least useful stations serve at the nodes of D (Kirkpatrick et al. 1983).
"""

import heapq
from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.models.phasing.crowding import is_crowded
from planner.models.phasing.tables import (
    Board,
    Nested,
    Room,
    change_room,
    make_move,
    profit_of,
    subtree_without,
)

RELOCATION_SHARE, OPENING_SHARE = 0.7, 0.05
"""Of the moves; the rest are exchanges."""
NEAR_SHARE = 0.5
"""Of the exchanges: between sites that reach a zone in common."""
STAMPS = 1_000_000
"""More than the sites looked at in one move: each asks for a stamp of its own."""


class Heat(NamedTuple):
    """How annealing cools: geometrically, in units of ``rent`` by node.

    Attributes
    ----------
    num_moves : int
    hot, cold : float
    rent : float array, shape (num_nodes,)
    """

    num_moves: int
    hot: float
    cold: float
    rent: FloatArray


@numba.njit(cache=True, nogil=True)
def _gain_at(site: int, node: int, board: Board, plan: Nested) -> float:
    """What a site adds that opens at a node."""
    ptr, idx = board.rows_of_site
    gain = 0.0
    for other in range(len(board.parent)):
        if board.from_node[node, other] and not plan.stands[site, other]:
            for arc in range(ptr[site], ptr[site + 1]):
                if plan.number[idx[arc], other] == 0:
                    gain += board.value[idx[arc], other]
    return gain


@numba.njit(cache=True, nogil=True)
def _is_spent(node: int, least: FloatArray, board: Board, room: Room) -> bool:
    """Whether some limit has no room for the most modest station."""
    for limit in range(len(least)):
        for other in range(len(board.parent)):
            concerned = board.from_node[node, other] if room.carries_over[limit] else other == node
            if concerned and room.left[limit, other] < least[limit]:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def fill_greedily(
    node: int,
    wanted: BoolArray,
    effort: FloatArray,
    most: int,
    board: Board,
    room: Room,
    plan: Nested,
) -> int:
    """Open sites at a node, the best gain per effort first, while limits allow.

    Parameters
    ----------
    node : int
    wanted : bool array, shape (num_sites,)
        Sites that may be opened.
    effort : float array, shape (num_sites,)
        What a site takes, > 0.
    most : int
        Sites opened at most.
    board, room, plan
        Room and plan change.

    Returns
    -------
    int
        Sites opened.
    """
    inside = np.zeros(len(board.parent), np.bool_)
    least = np.full(room.use.shape[1], np.inf)
    heap = [(0.0, 0) for _ in range(0)]
    for site in range(len(wanted)):
        if wanted[site] and room.may[site, node] and not plan.stands[site, node]:
            gain = _gain_at(site, node, board, plan)
            if gain > 0.0:
                heap.append((-gain / effort[site], site))
                for limit in range(len(least)):
                    least[limit] = min(least[limit], room.use[site, limit])
    heapq.heapify(heap)
    opened = 0
    while len(heap) > 0 and opened < most:
        stale, site = heap[0]
        gain = _gain_at(site, node, board, plan) / effort[site]
        if gain <= 0.0:
            heapq.heappop(heap)
        elif gain < -stale:
            heapq.heapreplace(heap, (-gain, site))
        else:
            heapq.heappop(heap)
            subtree_without(node, site, board, plan, inside)
            if change_room(site, -1, inside, board, room, plan, False):
                make_move(site, -1, inside, board, room, plan)
                opened += 1
            elif _is_spent(node, least, board, room):
                break
    return opened


@numba.njit(cache=True, nogil=True)
def _opening_of(site: int, rng: np.random.Generator, board: Board, plan: Nested) -> int:
    """A node at which a site opens, at random; -1 if it stands nowhere."""
    found, number = -1, 0
    for node in range(len(board.parent)):
        before = board.parent[node]
        if plan.stands[site, node] and (before < 0 or not plan.stands[site, before]):
            number += 1
            if rng.random() * number < 1.0:
                found = node
    return found


@numba.njit(cache=True, nogil=True)
def _neighbour(
    site: int, stays: BoolArray, rng: np.random.Generator, board: Board, plan: Nested
) -> int:
    """Another site that stands somewhere and reaches a random row of ``site``; -1 if none."""
    start, stop = board.rows_of_site.ptr[site], board.rows_of_site.ptr[site + 1]
    if start == stop:
        return -1
    row = board.rows_of_site.idx[start + np.uint64(rng.random() * (stop - start))]
    first, last = board.sites_of_row.ptr[row], board.sites_of_row.ptr[row + 1]
    length = last - first
    shift = np.uint64(rng.random() * length)
    for step in range(length):
        other = board.sites_of_row.idx[first + (shift + np.uint64(step)) % length]
        if other != site and not stays[other] and plan.stands[other].any():
            return int(other)
    return -1


@numba.njit(cache=True, nogil=True)
def _best_leaving(
    site: int,
    fallback: int,
    stays: BoolArray,
    board: Board,
    room: Room,
    plan: Nested,
    extra: FloatArray,
    touched: IntArray,
    inside: BoolArray,
    seen: IntArray,
    move: int,
) -> tuple[float, int]:
    """Best profit of a relocation to ``site`` and the site that leaves; -1 if limits allow none."""
    num_nodes = len(board.parent)
    ptr, idx = board.rows_of_site
    gain = np.zeros(num_nodes)
    touched[0] = fallback
    num_touched = 1
    extra[fallback] = 0.0
    for arc in range(ptr[site], ptr[site + 1]):
        row = idx[arc]
        for node in range(num_nodes):
            if plan.number[row, node] == 0:
                gain[node] += board.value[row, node]
            elif plan.number[row, node] == 1:
                other = plan.names[row, node]
                if extra[other] < 0.0:
                    extra[other] = 0.0
                    touched[num_touched] = other
                    num_touched += 1
                extra[other] += board.value[row, node]
    best, leaving = -np.inf, -1
    for at in range(num_touched):
        other = touched[at]
        profit = extra[other] - plan.loss[other]
        extra[other] = -1.0
        if stays[other]:
            continue
        for node in range(num_nodes):
            inside[node] = plan.stands[other, node]
            if inside[node]:
                profit += gain[node]
        if is_crowded(site, plan.crowding) or is_crowded(other, plan.crowding):
            profit = profit_of(site, other, inside, board, plan, seen, STAMPS * move + at)
        if profit > best and change_room(site, other, inside, board, room, plan, False):
            best, leaving = profit, other
    return best, leaving


@numba.njit(cache=True, nogil=True)
def anneal_nested(
    candidates: IntArray,
    stays: BoolArray,
    heat: Heat,
    rng: np.random.Generator,
    board: Board,
    room: Room,
    plan: Nested,
) -> float:
    """Offer random moves; room and plan change in place.

    Parameters
    ----------
    candidates : int array
        Sites that may enter, at least one.
    stays : bool array, shape (num_sites,)
        Sites that stay as they are, none of the candidates among them.
    heat : Heat
    rng : numpy.random.Generator
    board, room, plan

    Returns
    -------
    float
        Value added; may be negative.
    """
    num_sites, num_nodes = plan.stands.shape
    standing = np.empty(num_sites, np.int64)
    place = np.full(num_sites, -1)
    count = 0
    for site in range(num_sites):
        if not stays[site] and plan.stands[site].any():
            standing[count], place[site] = site, count
            count += 1
    extra = np.full(num_sites, -1.0)
    touched = np.empty(num_sites + 1, np.int64)
    seen = np.full(len(board.value), -1)
    inside = np.zeros(num_nodes, np.bool_)
    gained = 0.0
    for move in range(heat.num_moves):
        temperature = heat.hot * (heat.cold / heat.hot) ** (move / heat.num_moves)
        kind = rng.random()
        entering, leaving = candidates[int(rng.random() * len(candidates))], -1
        if kind < OPENING_SHARE or count == 0:
            node = int(rng.random() * num_nodes)
            if not subtree_without(node, entering, board, plan, inside):
                continue
            if not change_room(entering, -1, inside, board, room, plan, False):
                continue
            profit = profit_of(entering, -1, inside, board, plan, seen, STAMPS * move)
        elif kind < OPENING_SHARE + RELOCATION_SHARE and place[entering] < 0:
            fallback = standing[int(rng.random() * count)]
            profit, leaving = _best_leaving(
                entering, fallback, stays, board, room, plan, extra, touched, inside, seen, move
            )
            if leaving < 0:
                continue
            for node in range(num_nodes):
                inside[node] = plan.stands[leaving, node]
        else:
            if kind > 0.9 or place[entering] < 0:
                entering = standing[int(rng.random() * count)]
            if rng.random() < NEAR_SHARE:
                leaving = _neighbour(entering, stays, rng, board, plan)
            else:
                leaving = standing[int(rng.random() * count)]
            if leaving < 0 or leaving == entering:
                continue
            node = _opening_of(leaving, rng, board, plan)
            if plan.stands[entering, node]:
                entering, leaving = leaving, entering
                while board.parent[node] >= 0 and plan.stands[leaving, board.parent[node]]:
                    node = board.parent[node]
                if plan.stands[entering, node]:
                    continue
            if not subtree_without(node, entering, board, plan, inside):
                continue
            if not change_room(entering, leaving, inside, board, room, plan, False):
                continue
            profit = profit_of(entering, leaving, inside, board, plan, seen, STAMPS * move)
        if profit < 0.0:
            unit = 0.0
            for node in range(num_nodes):
                if inside[node]:
                    unit += heat.rent[node]
            if rng.random() >= np.exp(profit / (temperature * unit)):
                continue
        make_move(entering, leaving, inside, board, room, plan)
        gained += profit
        if place[entering] < 0:
            standing[count], place[entering] = entering, count
            count += 1
        if leaving >= 0 and not plan.stands[leaving].any():
            count -= 1
            last = standing[count]
            standing[place[leaving]], place[last] = last, place[leaving]
            place[leaving] = -1
    return gained
