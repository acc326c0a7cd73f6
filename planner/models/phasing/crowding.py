"""Load that stations turn away, as the annealing over time counts it: cuts in families.

A cut is a set S of rows at one node. With a_i the load of its rows and u_j what station j can carry
of it,

(1) p_S max(0, sum over covered i in S of a_i - sum over standing j of u_j)

of the covered value is turned away, p_S being a step of the value per load (max-flow min-cut, as
(2) of :mod:`planner.models.sized_coverage.cuts`). Cuts found at one plan make up a family: their
losses add, and there they say exactly what is lost (:mod:`planner.models.phasing.cuts`). Families
of several plans overlap, each with its word on the same loss: of each group of families that share
zones the greatest counts.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IntArray


class CutEntries(NamedTuple):
    """Cuts that a site or a row is part of, with its amount.

    Attributes
    ----------
    ptr : int array, shape (num_members + 1,)
    cut : int array
    amount : float array
        u_j of a site, a_i of a row [swaps/h].
    """

    ptr: IntArray
    cut: IntArray
    amount: FloatArray


class Crowding(NamedTuple):
    """Cuts and what they say of one plan; ``over`` and ``lost`` change in place.

    Attributes
    ----------
    num_nodes : int
    of_site : CutEntries
    of_row : CutEntries
        Members are pairs (row, node), in this order.
    node : int array, shape (num_cuts,)
    price : float array, shape (num_cuts,)
        p_S.
    family : int array, shape (num_cuts,)
    group : int array, shape (num_families,)
        Ascending.
    first_family : int array, shape (num_groups + 1,)
    over : float array, shape (num_cuts,)
        Covered load of S less what the stations can carry of it; may be negative.
    lost : float array, shape (num_families,)
        Sum of (1) over the cuts of a family.
    change : float array, shape (num_cuts,)
        Of ``over`` in the move looked at; 0 between moves.
    family_change : float array, shape (num_families,)
    touched, touched_groups : int arrays, shapes (num_cuts,) and (num_groups,)
    is_touched, is_group_touched : bool arrays, alike
    number : int array, shape (1,)
        Cuts touched.
    """

    num_nodes: int
    of_site: CutEntries
    of_row: CutEntries
    node: IntArray
    price: FloatArray
    family: IntArray
    group: IntArray
    first_family: IntArray
    over: FloatArray
    lost: FloatArray
    change: FloatArray
    family_change: FloatArray
    touched: IntArray
    touched_groups: IntArray
    is_touched: BoolArray
    is_group_touched: BoolArray
    number: IntArray


def no_crowding(num_sites: int, num_rows: int, num_nodes: int) -> Crowding:
    """No cuts."""
    none, nothing = np.empty(0, np.int64), np.empty(0)
    return crowding_of(
        num_nodes,
        CutEntries(np.zeros(num_sites + 1, np.int64), none, nothing),
        CutEntries(np.zeros(num_rows * num_nodes + 1, np.int64), none, nothing),
        none,
        nothing,
        none,
        none,
        nothing,
    )


def crowding_of(
    num_nodes: int,
    of_site: CutEntries,
    of_row: CutEntries,
    node: IntArray,
    price: FloatArray,
    family: IntArray,
    group: IntArray,
    over: FloatArray,
) -> Crowding:
    """Cuts at the plan without the stations and rows of ``of_site`` and ``of_row``.

    Parameters
    ----------
    num_nodes, of_site, of_row, node, price, family, group
        As in `Crowding`.
    over : float array, shape (num_cuts,)
        Load that stations outside of the search cover, less what they can carry. Not changed.
    """
    num_cuts, num_families = len(node), len(group)
    num_groups = int(group.max(initial=-1)) + 1
    lost = np.bincount(family, price * np.maximum(over, 0.0), minlength=num_families)
    return Crowding(
        num_nodes=num_nodes,
        of_site=of_site,
        of_row=of_row,
        node=node,
        price=price,
        family=family,
        group=group,
        first_family=np.searchsorted(group, np.arange(num_groups + 1)).astype(np.int64),
        over=over.copy(),
        lost=lost.astype(np.float64),
        change=np.zeros(num_cuts),
        family_change=np.zeros(num_families),
        touched=np.empty(num_cuts, np.int64),
        touched_groups=np.empty(num_groups, np.int64),
        is_touched=np.zeros(num_cuts, np.bool_),
        is_group_touched=np.zeros(num_groups, np.bool_),
        number=np.zeros(1, np.int64),
    )


def crowding_loss(crowding: Crowding) -> float:
    """What the cuts say that is turned away."""
    starts = crowding.first_family[:-1]
    return float(np.maximum.reduceat(crowding.lost, starts).sum()) if len(starts) else 0.0


@numba.njit(cache=True, nogil=True)
def is_crowded(site: int, crowding: Crowding) -> bool:
    """Whether a site can carry load of any cut; only then its rows are part of one."""
    ptr = crowding.of_site.ptr
    return bool(ptr[site] < ptr[site + 1])


@numba.njit(cache=True, nogil=True)
def _note(cut: int, amount: float, crowding: Crowding) -> None:
    if not crowding.is_touched[cut]:
        crowding.is_touched[cut] = True
        crowding.touched[crowding.number[0]] = cut
        crowding.number[0] += 1
    crowding.change[cut] += amount


@numba.njit(cache=True, nogil=True)
def note_row(row: int, node: int, sign: float, crowding: Crowding) -> None:
    """A row becomes covered (1) or uncovered (-1) at a node."""
    ptr, cut, amount = crowding.of_row
    member = row * crowding.num_nodes + node
    for at in range(ptr[member], ptr[member + 1]):
        _note(cut[at], sign * amount[at], crowding)


@numba.njit(cache=True, nogil=True)
def note_site(site: int, inside: BoolArray, sign: float, crowding: Crowding) -> None:
    """A site enters (1) or leaves (-1) at the nodes ``inside``."""
    ptr, cut, amount = crowding.of_site
    for at in range(ptr[site], ptr[site + 1]):
        if inside[crowding.node[cut[at]]]:
            _note(cut[at], -sign * amount[at], crowding)


@numba.njit(cache=True, nogil=True)
def settle(crowding: Crowding, do: bool) -> float:
    """What more is lost by all that was noted, which is forgotten; with ``do`` it is made so."""
    num_groups = 0
    lost, by_family = crowding.lost, crowding.family_change
    for at in range(crowding.number[0]):
        cut = crowding.touched[at]
        before = crowding.over[cut]
        after = before + crowding.change[cut]
        if do:
            crowding.over[cut] = after
        crowding.change[cut] = 0.0
        crowding.is_touched[cut] = False
        step = max(after, 0.0) - max(before, 0.0)
        if step != 0.0:
            family = crowding.family[cut]
            by_family[family] += crowding.price[cut] * step
            group = crowding.group[family]
            if not crowding.is_group_touched[group]:
                crowding.is_group_touched[group] = True
                crowding.touched_groups[num_groups] = group
                num_groups += 1
    crowding.number[0] = 0
    total = 0.0
    for at in range(num_groups):
        group = crowding.touched_groups[at]
        crowding.is_group_touched[group] = False
        was, is_now = 0.0, 0.0
        for family in range(crowding.first_family[group], crowding.first_family[group + 1]):
            was = max(was, lost[family])
            is_now = max(is_now, lost[family] + by_family[family])
            if do:
                lost[family] += by_family[family]
            by_family[family] = 0.0
        total += is_now - was
    return total
