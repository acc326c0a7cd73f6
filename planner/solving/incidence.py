"""What several models do with lists of positions: turn them round, sum over them, find equal ones.

Takes and gives `planner.arrays.Lists`; knows nothing of sites and zones.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from planner.arrays import BoolArray, FloatArray, IndexArray, IntArray, Lists


class UnsignedLists(NamedTuple):
    """`Lists` for compiled loops over many arcs.

    Unsigned positions spare every access the test for negative ones, which makes the products over
    arcs twice as fast.
    """

    ptr: NDArray[np.uint64]
    idx: NDArray[np.uint32]


def unsigned(lists: Lists) -> UnsignedLists:
    """The same arrays, seen as unsigned; ``idx`` must be of 32 bits."""
    return UnsignedLists(lists.ptr.view(np.uint64), lists.idx.view(np.uint32))


@numba.njit(cache=True, nogil=True)
def sum_over_lists(lists: UnsignedLists, quantity: FloatArray, out: FloatArray) -> None:
    """Write into ``out`` (num_lists,) the sum of a quantity over the entries of each list."""
    for position in range(len(out)):
        total = 0.0
        for arc in range(lists.ptr[position], lists.ptr[position + 1]):
            total += quantity[lists.idx[arc]]
        out[position] = total


def transpose(
    lists: Lists,
    num_members: int,
    *,
    keep_list: BoolArray | None = None,
    keep_member: BoolArray | None = None,
) -> Lists:
    """For each member the lists that name it, ascending.

    Parameters
    ----------
    lists : Lists
    num_members : int
    keep_list, keep_member : bool arrays, shape (num_lists,) and (num_members,), optional
        Pairs of which either side is not kept are left out; all are kept if not given.

    Returns
    -------
    Lists
        Of shape (num_members,); lists and members keep their numbers.

    Examples
    --------
    >>> transpose(Lists.of([[0, 2], [2]]), 3)
    Lists(ptr=array([0, 1, 1, 3]), idx=array([0, 0, 1], dtype=int32))
    """
    if keep_list is None:
        keep_list = np.ones(lists.num_lists, np.bool_)
    if keep_member is None:
        keep_member = np.ones(num_members, np.bool_)
    return Lists(*_transpose(lists.ptr, lists.idx, keep_list, keep_member))


@numba.njit(cache=True)
def _transpose(
    ptr: IntArray, idx: IndexArray, keep_major: BoolArray, keep_minor: BoolArray
) -> tuple[IntArray, IndexArray]:
    num_minor = len(keep_minor)
    out_ptr = np.zeros(num_minor + 1, np.int64)
    for major in range(len(ptr) - 1):
        if keep_major[major]:
            for arc in range(ptr[major], ptr[major + 1]):
                if keep_minor[idx[arc]]:
                    out_ptr[idx[arc] + 1] += 1
    for minor in range(num_minor):
        out_ptr[minor + 1] += out_ptr[minor]
    fill = out_ptr[:-1].copy()
    out_idx = np.empty(out_ptr[-1], np.int32)
    for major in range(len(ptr) - 1):
        if keep_major[major]:
            for arc in range(ptr[major], ptr[major + 1]):
                minor = idx[arc]
                if keep_minor[minor]:
                    out_idx[fill[minor]] = major
                    fill[minor] += 1
    return out_ptr, out_idx


@numba.njit(cache=True)
def _hash_lists(ptr: IntArray, idx: IndexArray) -> IntArray:
    """64-bit hash of each list (the finalizer of MurmurHash3 over a running state)."""
    hashes = np.empty(len(ptr) - 1, np.int64)
    for i in range(len(ptr) - 1):
        state = np.uint64(ptr[i + 1] - ptr[i])
        for arc in range(ptr[i], ptr[i + 1]):
            state = state * np.uint64(0x9E3779B97F4A7C15) + np.uint64(idx[arc] + 1)
            state ^= state >> np.uint64(33)
            state *= np.uint64(0xFF51AFD7ED558CCD)
            state ^= state >> np.uint64(33)
        hashes[i] = np.int64(state)
    return hashes


@numba.njit(cache=True)
def _group_equal(ptr: IntArray, idx: IndexArray, by_hash: IntArray, hashes: IntArray) -> IntArray:
    """First list (lowest position) equal to each list; equality is checked entry by entry.

    ``by_hash`` is a stable sort of the hashes, so within a run of equal hashes positions ascend.
    Lists that merely collide start a representative of their own.
    """
    leader = np.empty(len(by_hash), np.int64)
    start = 0
    while start < len(by_hash):
        stop = start + 1
        while stop < len(by_hash) and hashes[by_hash[stop]] == hashes[by_hash[start]]:
            stop += 1
        for at in range(start, stop):
            i = by_hash[at]
            leader[i] = i
            for earlier in range(start, at):
                k = by_hash[earlier]
                if leader[k] != k or ptr[k + 1] - ptr[k] != ptr[i + 1] - ptr[i]:
                    continue
                same = True
                for step in range(ptr[i + 1] - ptr[i]):
                    if idx[ptr[k] + step] != idx[ptr[i] + step]:
                        same = False
                        break
                if same:
                    leader[i] = k
                    break
        start = stop
    return leader


def equal_list_leaders(lists: Lists, hashes: IntArray | None = None) -> IntArray:
    """For each list, the lowest position of a list with the same entries in the same order.

    Parameters
    ----------
    lists : Lists
    hashes : int array, shape (num_lists,), optional
        Hash of each list; only lists of equal hash are compared, so equal lists must have equal
        hashes. Collisions cost time, never correctness.

    Returns
    -------
    int array, shape (num_lists,)
    """
    if hashes is None:
        hashes = _hash_lists(*lists)
    by_hash = np.argsort(hashes, kind="stable").astype(np.int64)
    leader: IntArray = _group_equal(*lists, by_hash, hashes)
    return leader
