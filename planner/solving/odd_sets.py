"""Which zero-half cuts a relaxed plan breaks most: odd sets of rows, found by exchange of rows.

Takes sites opened in part and how far rows are covered more than once; the cuts are those of
`planner.models.coverage.cuts` and, where all x_i = 1, of `planner.models.set_cover.cuts`. With the
excess e_i = sum_{j in N(i)} y_j - x_i that of a set T is

(1) sum_j floor(n_Tj / 2) y_j - sum_{i in T} e_i <= (|T| - 1) / 2,

so a row i joins the rest of a set with sum of y_j over its sites j that cover an odd number of that
rest, less e_i. From each row in turn, random neighbours (rows that share an open site with it) are
exchanged for the best one while that helps.
"""

from typing import NamedTuple

import numba
import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists
from planner.solving.incidence import UnsignedLists, transpose, unsigned

SIZES = (3, 5)
"""Rows of a set. With seven too the search takes twice the time for 2 % of the gap."""
TRIES = 2
"""Sets begun from each row and for each size."""
PASSES = 3
"""Exchanges offered to each member of a set."""
LEAST_OPEN = 1e-4
"""Sites opened less are left out of the search."""
LEAST_COVERED = 0.2
"""Rows covered less start no set."""
LEAST_BROKEN = 0.02
"""Sets whose cut is broken by less are left out."""
MOST_PER_ROW = 4
"""Sets that one row may be in, of those found at once: a broken cut is found many times over."""


class _Relaxed(NamedTuple):
    """Sites opened in part, as the kernel takes them."""

    opening: FloatArray
    excess: FloatArray
    sites_of_row: UnsignedLists
    rows_of_site: UnsignedLists


def broken_sets(
    rows_of_site: Lists, opening: FloatArray, excess: FloatArray, rng: np.random.Generator
) -> Lists:
    """Sets of rows whose cuts a relaxed plan breaks, worst first.

    Parameters
    ----------
    rows_of_site : Lists, shape (num_sites,)
        Rows that each site covers, ascending.
    opening : float array, shape (num_sites,)
        y_j in [0, 1].
    excess : float array, shape (num_rows,)
        e_i >= 0; raised to what ``opening`` covers beyond 1.
    rng : numpy.random.Generator

    Returns
    -------
    Lists
        Distinct rows, ascending in each set; the same set may come twice.
    """
    num_rows = len(excess)
    is_open = opening > LEAST_OPEN
    open_sites = transpose(rows_of_site, num_rows, keep_list=is_open)
    served = np.zeros(num_rows)
    np.add.at(served, open_sites.owner, opening[open_sites.idx])
    relaxed = _Relaxed(
        opening,
        np.maximum(excess, served - 1.0),
        unsigned(open_sites),
        unsigned(rows_of_site),
    )
    seeds = np.flatnonzero(served > LEAST_COVERED)
    found, scores = [], []
    for size in SIZES:
        for _ in range(TRIES):
            sets = np.empty((len(seeds), size), np.int64)
            broken = np.empty(len(seeds))
            _exchange(relaxed, seeds, rng.random((len(seeds), size)), sets, broken)
            kept = (broken > LEAST_BROKEN) & (np.diff(sets, axis=1) > 0).all(axis=1)
            padded = np.full((int(kept.sum()), max(SIZES)), -1)
            padded[:, :size] = sets[kept]
            found.append(padded)
            scores.append(broken[kept] / np.sqrt(size))
    padded = np.concatenate(found)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    chosen = padded[order[_spread_out(padded[order], num_rows)]]
    sizes = (chosen >= 0).sum(axis=1)
    ptr = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Lists(ptr, chosen[chosen >= 0].astype(np.int32))


@numba.njit(cache=True)
def _spread_out(sets: IntArray, num_rows: int) -> BoolArray:
    """Which sets to take, in their order, so that no row is in too many."""
    uses = np.zeros(num_rows, np.int64)
    taken = np.zeros(len(sets), np.bool_)
    for at in range(len(sets)):
        most = 0
        for row in sets[at]:
            if row >= 0:
                most = max(most, uses[row])
        if most < MOST_PER_ROW:
            taken[at] = True
            for row in sets[at]:
                if row >= 0:
                    uses[row] += 1
    return taken


@numba.njit(cache=True)
def _count(relaxed: _Relaxed, row: int, by: int, count: IntArray) -> None:
    ptr, idx = relaxed.sites_of_row
    for arc in range(ptr[row], ptr[row + 1]):
        count[idx[arc]] += by


@numba.njit(cache=True)
def _score_joining(
    relaxed: _Relaxed, members: IntArray, leaving: int, count: IntArray, score: FloatArray
) -> None:
    """Add to ``score`` what each row brings to the set without one member."""
    ptr, idx = relaxed.sites_of_row
    of_site, rows_of_site = relaxed.rows_of_site
    for at in range(len(members)):
        if at == leaving:
            continue
        for arc in range(ptr[members[at]], ptr[members[at] + 1]):
            site = idx[arc]
            if count[site] > 0 and count[site] % 2 == 1:
                count[site] = -count[site]  # done
                for near in range(of_site[site], of_site[site + 1]):
                    score[rows_of_site[near]] += relaxed.opening[site]
    for at in range(len(members)):
        if at != leaving:
            score[members[at]] = -np.inf
            for arc in range(ptr[members[at]], ptr[members[at] + 1]):
                count[idx[arc]] = abs(count[idx[arc]])


@numba.njit(cache=True)
def _exchange(
    relaxed: _Relaxed, seeds: IntArray, luck: FloatArray, sets: IntArray, broken: FloatArray
) -> None:
    """Write a set of rows for each seed, ascending, and by how much its cut is broken."""
    ptr, idx = relaxed.sites_of_row
    of_site, rows_of_site = relaxed.rows_of_site
    num_rows, size = len(relaxed.excess), luck.shape[1]
    count = np.zeros(len(relaxed.opening), np.int64)
    score = np.empty(num_rows)
    seen_by = np.full(num_rows, -1)
    near = np.empty(num_rows, np.int64)
    members = np.empty(size, np.int64)
    for at, seed in enumerate(seeds):
        num_near = 0
        for arc in range(ptr[seed], ptr[seed + 1]):
            site = idx[arc]
            for other in range(of_site[site], of_site[site + 1]):
                row = rows_of_site[other]
                if seen_by[row] != at and row != seed:
                    seen_by[row] = at
                    near[num_near] = row
                    num_near += 1
        sets[at, :], broken[at] = seed, 0.0
        if num_near < size - 1:
            continue
        members[0] = seed
        for member in range(1, size):
            members[member] = near[int(luck[at, member] * num_near)]
        for row in members:
            _count(relaxed, row, 1, count)
        changed, passes = True, 0
        while changed and passes < PASSES:
            changed = False
            passes += 1
            for member in range(1, size):
                old = members[member]
                _count(relaxed, old, -1, count)
                for row in near[:num_near]:
                    score[row] = -relaxed.excess[row]
                _score_joining(relaxed, members, member, count, score)
                best = old
                for row in near[:num_near]:
                    if score[row] > score[best] + 1e-9:
                        best = row
                changed = changed or best != old
                members[member] = best
                _count(relaxed, best, 1, count)
        total = -0.5 * (size - 1)
        for row in members:
            total -= relaxed.excess[row]
            for arc in range(ptr[row], ptr[row + 1]):
                site = idx[arc]
                total += (count[site] // 2) * relaxed.opening[site]
                count[site] = 0
        broken[at] = total
        sets[at, :] = np.sort(members)


@numba.njit(cache=True)
def halved_sites(
    rows_of_set: UnsignedLists, sites_of_row: UnsignedLists, num_sites: int, rounded_up: bool
) -> tuple[IntArray, IndexArray]:
    """Sites of each set: one that reaches n of its rows n / 2 times, rounded down or up; ascending.

    Parameters
    ----------
    rows_of_set, sites_of_row : UnsignedLists
    num_sites : int
    rounded_up : bool

    Returns
    -------
    ptr : int array, shape (num_sets + 1,)
        Where each set begins.
    idx : int32 array
    """
    num_sets = len(rows_of_set.ptr) - 1
    ptr = np.zeros(num_sets + 1, np.int64)
    idx = np.empty(1024, np.int32)
    count = np.zeros(num_sites, np.int64)
    touched = np.empty(num_sites, np.int64)
    end = 0
    for each in range(num_sets):
        num_touched = 0
        for member in range(rows_of_set.ptr[each], rows_of_set.ptr[each + 1]):
            row = rows_of_set.idx[member]
            for arc in range(sites_of_row.ptr[row], sites_of_row.ptr[row + 1]):
                site = sites_of_row.idx[arc]
                if count[site] == 0:
                    touched[num_touched] = site
                    num_touched += 1
                count[site] += 1
        for site in np.sort(touched[:num_touched]):
            for _ in range((count[site] + rounded_up) // 2):
                if end == len(idx):
                    longer = np.empty(2 * end, np.int32)
                    longer[:end] = idx
                    idx = longer
                idx[end] = site
                end += 1
            count[site] = 0
        ptr[each + 1] = end
    return ptr, idx[:end].copy()


def kept_and_new(sets: Lists, keep: BoolArray, found: Lists) -> tuple[Lists, Lists]:
    """Sets that are kept, and those found that are none of them and no two alike.

    Parameters
    ----------
    sets, found : Lists
        Rows of each, ascending.
    keep : bool array, shape (num_sets,)
    """
    kept = _chosen(sets, keep)
    known = {kept.row(at).tobytes() for at in range(kept.num_lists)}
    fresh = np.zeros(found.num_lists, np.bool_)
    for at in range(found.num_lists):
        key = found.row(at).tobytes()
        fresh[at] = key not in known
        known.add(key)
    return kept, _chosen(found, fresh)


def _chosen(lists: Lists, chosen: BoolArray) -> Lists:
    ptr = np.concatenate(([0], np.cumsum(lists.sizes[chosen]))).astype(np.int64)
    return Lists(ptr, lists.entries_of(chosen).astype(np.int32))
