"""Tables of a plan over time for covering without capacity, and one move in them.

Sets: rows i, sites j, nodes n of value w_in, n_in = number of sites that cover row i and stand at
n, U_j = nodes at which j stands (with every node all that come after it). A plan is worth

(1) sum of w_in over the pairs (i, n) with n_in > 0

less what full stations turn away, as far as it is known (:mod:`planner.models.phasing.crowding`).

A move lets a site enter at the nodes of a set D and another leave there; either may be left out.
The moves offered are in :mod:`planner.models.phasing.search`.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray
from planner.models.phasing.crowding import (
    Crowding,
    crowding_loss,
    note_row,
    note_site,
    settle,
)
from planner.solving.incidence import UnsignedLists


class Board(NamedTuple):
    """What is covered, over which tree.

    Attributes
    ----------
    value : float array, shape (num_rows, num_nodes)
    sites_of_row, rows_of_site : UnsignedLists
    parent : int array, shape (num_nodes,)
    from_node : bool array, shape (num_nodes, num_nodes)
    """

    value: FloatArray
    sites_of_row: UnsignedLists
    rows_of_site: UnsignedLists
    parent: IntArray
    from_node: BoolArray


class Room(NamedTuple):
    """What limits leave; the room changes in place.

    Attributes
    ----------
    use : float array, shape (num_sites, num_limits)
    left : float array, shape (num_limits, num_nodes)
        What is left of each limit at each node, or up to it if it carries over.
    carries_over : bool array, shape (num_limits,)
    alike : int array, shape (num_sites,)
        Sites of one number are of one city and take the same of everything.
    city : int array, shape (num_sites,)
    city_left, city_spare : int arrays, shape (num_cities, num_nodes)
        Stations that may still come, and that may go.
    is_new : bool array, shape (num_sites,)
    rate_left : float array, shape (num_cities, num_nodes)
        New stations of each city that may still open, alike.
    rates_carry_over : bool
    may, must : bool arrays, shape (num_sites, num_nodes)
    """

    use: FloatArray
    left: FloatArray
    carries_over: BoolArray
    alike: IntArray
    city: IntArray
    city_left: IntArray
    city_spare: IntArray
    is_new: BoolArray
    rate_left: FloatArray
    rates_carry_over: bool
    may: BoolArray
    must: BoolArray


class Nested(NamedTuple):
    """Tables of one plan, changed in place.

    Attributes
    ----------
    stands : bool array, shape (num_sites, num_nodes)
    number : int array, shape (num_rows, num_nodes)
        n_in.
    names : int array, shape (num_rows, num_nodes)
        Exclusive or of the positions of these sites: of one site its position.
    loss : float array, shape (num_sites,)
        What the site alone covers, over all nodes.
    crowding : Crowding
    """

    stands: BoolArray
    number: IndexArray
    names: IndexArray
    loss: FloatArray
    crowding: Crowding


def empty_plan(board: Board, crowding: Crowding) -> Nested:
    """Tables of a plan without stations; ``crowding`` is the plan's from now on."""
    num_rows, num_nodes = board.value.shape
    num_sites = len(board.rows_of_site.ptr) - 1
    return Nested(
        np.zeros((num_sites, num_nodes), dtype=np.bool_),
        np.zeros((num_rows, num_nodes), dtype=np.int32),
        np.zeros((num_rows, num_nodes), dtype=np.int32),
        np.zeros(num_sites),
        crowding,
    )


def nested_value(board: Board, plan: Nested) -> float:
    """Equation (1) less what is turned away."""
    return float(board.value[plan.number > 0].sum()) - crowding_loss(plan.crowding)


@numba.njit(cache=True, nogil=True)
def _openings(
    site: int, inside: BoolArray, enters: bool, board: Board, plan: Nested, out: IntArray
) -> None:
    """Change of the number of openings of a site at each node if it enters or leaves ``inside``."""
    for node in range(len(board.parent)):
        before = board.parent[node]
        was = plan.stands[site, node] and (before < 0 or not plan.stands[site, before])
        there = (
            (plan.stands[site, node] or inside[node])
            if enters
            else (plan.stands[site, node] and not inside[node])
        )
        earlier = False
        if before >= 0:
            earlier = (
                (plan.stands[site, before] or inside[before])
                if enters
                else (plan.stands[site, before] and not inside[before])
            )
        out[node] = int(there and not earlier) - int(was)


@numba.njit(cache=True, nogil=True)
def change_room(
    entering: int,
    leaving: int,
    inside: BoolArray,
    board: Board,
    room: Room,
    plan: Nested,
    do: bool,
) -> bool:
    """Whether a move keeps limits and locks; with ``do`` the room is changed as if it did."""
    num_nodes = len(board.parent)
    if not do:
        for node in range(num_nodes):
            if inside[node] and (
                (entering >= 0 and not room.may[entering, node])
                or (leaving >= 0 and room.must[leaving, node])
            ):
                return False
    if entering >= 0 and leaving >= 0 and room.alike[entering] == room.alike[leaving]:
        return True
    opens = np.zeros((2, num_nodes), np.int64)
    if entering >= 0:
        _openings(entering, inside, True, board, plan, opens[0])
    if leaving >= 0:
        _openings(leaving, inside, False, board, plan, opens[1])
    for limit in range(len(room.carries_over)):
        use_in = room.use[entering, limit] if entering >= 0 else 0.0
        use_out = room.use[leaving, limit] if leaving >= 0 else 0.0
        for node in range(num_nodes):
            if room.carries_over[limit]:
                step = use_in - use_out if inside[node] else 0.0
            else:
                step = use_in * opens[0, node] + use_out * opens[1, node]
            if do:
                room.left[limit, node] -= step
            elif step > 0.0 and room.left[limit, node] < step:
                return False
    city_in = room.city[entering] if entering >= 0 else -1
    city_out = room.city[leaving] if leaving >= 0 else -1
    for node in range(num_nodes):
        if inside[node] and city_in != city_out:
            if do:
                if city_in >= 0:
                    room.city_left[city_in, node] -= 1
                    room.city_spare[city_in, node] += 1
                if city_out >= 0:
                    room.city_left[city_out, node] += 1
                    room.city_spare[city_out, node] -= 1
            elif (city_in >= 0 and room.city_left[city_in, node] < 1) or (
                city_out >= 0 and room.city_spare[city_out, node] < 1
            ):
                return False
        new_in = 0
        if entering >= 0 and room.is_new[entering]:
            new_in = int(inside[node]) if room.rates_carry_over else opens[0, node]
        new_out = 0
        if leaving >= 0 and room.is_new[leaving]:
            new_out = -int(inside[node]) if room.rates_carry_over else opens[1, node]
        if city_in == city_out:
            new_in, new_out = new_in + new_out, 0
        if do:
            if city_in >= 0:
                room.rate_left[city_in, node] -= new_in
            if city_out >= 0:
                room.rate_left[city_out, node] -= new_out
        elif (new_in > 0 and room.rate_left[city_in, node] < new_in) or (
            new_out > 0 and room.rate_left[city_out, node] < new_out
        ):
            return False
    return True


@numba.njit(cache=True, nogil=True)
def profit_of(
    entering: int,
    leaving: int,
    inside: BoolArray,
    board: Board,
    plan: Nested,
    seen: IntArray,
    stamp: int,
) -> float:
    """What a move adds to the value of a plan."""
    num_nodes = len(board.parent)
    ptr, idx = board.rows_of_site
    profit = 0.0
    if leaving >= 0:
        for arc in range(ptr[leaving], ptr[leaving + 1]):
            row = idx[arc]
            seen[row] = stamp
            for node in range(num_nodes):
                if inside[node] and plan.number[row, node] == 1:
                    profit -= board.value[row, node]
                    note_row(row, node, -1.0, plan.crowding)
    if entering >= 0:
        for arc in range(ptr[entering], ptr[entering + 1]):
            row = idx[arc]
            others = 1 if leaving >= 0 and seen[row] == stamp else 0
            for node in range(num_nodes):
                if inside[node] and plan.number[row, node] == others:
                    profit += board.value[row, node]
                    note_row(row, node, 1.0, plan.crowding)
    return float(profit - _lost_by_stations(entering, leaving, inside, plan.crowding, False))


@numba.njit(cache=True, nogil=True)
def _lost_by_stations(
    entering: int, leaving: int, inside: BoolArray, crowding: Crowding, do: bool
) -> float:
    """What more is turned away after a move whose rows were noted."""
    if leaving >= 0:
        note_site(leaving, inside, -1.0, crowding)
    if entering >= 0:
        note_site(entering, inside, 1.0, crowding)
    return float(settle(crowding, do))


@numba.njit(cache=True, nogil=True)
def make_move(
    entering: int, leaving: int, inside: BoolArray, board: Board, room: Room, plan: Nested
) -> None:
    """Make a move: room and tables."""
    change_room(entering, leaving, inside, board, room, plan, True)
    num_nodes = len(board.parent)
    ptr, idx = board.rows_of_site
    number, names, loss, value = plan.number, plan.names, plan.loss, board.value
    if leaving >= 0:
        for arc in range(ptr[leaving], ptr[leaving + 1]):
            row = idx[arc]
            for node in range(num_nodes):
                if inside[node]:
                    names[row, node] ^= np.int32(leaving)
                    number[row, node] -= 1
                    if number[row, node] == 0:
                        loss[leaving] -= value[row, node]
                        note_row(row, node, -1.0, plan.crowding)
                    elif number[row, node] == 1:
                        loss[names[row, node]] += value[row, node]
        for node in range(num_nodes):
            if inside[node]:
                plan.stands[leaving, node] = False
    if entering >= 0:
        for arc in range(ptr[entering], ptr[entering + 1]):
            row = idx[arc]
            for node in range(num_nodes):
                if inside[node]:
                    if number[row, node] == 0:
                        loss[entering] += value[row, node]
                        note_row(row, node, 1.0, plan.crowding)
                    elif number[row, node] == 1:
                        loss[names[row, node]] -= value[row, node]
                    names[row, node] ^= np.int32(entering)
                    number[row, node] += 1
        for node in range(num_nodes):
            if inside[node]:
                plan.stands[entering, node] = True
    _lost_by_stations(entering, leaving, inside, plan.crowding, True)


@numba.njit(cache=True, nogil=True)
def build_stations(table: BoolArray, board: Board, room: Room, plan: Nested) -> None:
    """Let all sites enter where ``table`` says so, whatever the limits."""
    inside = np.zeros(len(board.parent), np.bool_)
    for site in range(len(table)):
        some = False
        for node in range(len(board.parent)):
            inside[node] = table[site, node] and not plan.stands[site, node]
            some = some or inside[node]
        if some:
            make_move(site, -1, inside, board, room, plan)


@numba.njit(cache=True, nogil=True)
def subtree_without(node: int, site: int, board: Board, plan: Nested, out: BoolArray) -> bool:
    """Write subtree(node) less U_site into ``out``; whether there is anything in it."""
    some = False
    for other in range(len(board.parent)):
        out[other] = board.from_node[node, other] and not plan.stands[site, other]
        some = some or out[other]
    return some
