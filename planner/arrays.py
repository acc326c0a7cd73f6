"""Arrays that stages exchange: their types, lists of positions, read-only fields of records."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
IndexArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]
StringArray = NDArray[np.str_]


class Lists(NamedTuple):
    """Compressed lists of positions: who reaches whom. Compiled loops take it as it is.

    Attributes
    ----------
    ptr : int array, shape (num_lists + 1,)
        Rises from 0 to the number of entries.
    idx : int array, shape (num_entries,)
        List i is ``idx[ptr[i]:ptr[i + 1]]``.

    Examples
    --------
    >>> reach = Lists.of([[0, 2], [], [2]])
    >>> reach.row(0), reach.sizes, reach.owner
    (array([0, 2], dtype=int32), array([2, 0, 1]), array([0, 0, 2]))
    """

    ptr: IntArray
    idx: IndexArray

    @classmethod
    def of(cls, lists: Iterable[Iterable[int]]) -> Self:
        """Python's lists as arrays."""
        rows = [list(each) for each in lists]
        ptr = np.cumsum([0, *(len(row) for row in rows)])
        return cls(ptr, np.array([entry for row in rows for entry in row], dtype=np.int32))

    @classmethod
    def by_owner(cls, owner: IntArray, idx: IndexArray, num_lists: int) -> Self:
        """Pairs of owner and entry, whose owners ascend, as lists.

        >>> Lists.by_owner(np.array([0, 0, 2]), np.array([4, 5, 6]), 3).ptr
        array([0, 2, 2, 3])
        """
        sizes = np.bincount(owner, minlength=num_lists)
        return cls(np.concatenate(([0], np.cumsum(sizes))).astype(np.int64), idx)

    @property
    def num_lists(self) -> int:
        """Number of lists."""
        return len(self.ptr) - 1

    @property
    def num_entries(self) -> int:
        """Entries of all lists together."""
        return len(self.idx)

    @property
    def sizes(self) -> IntArray:
        """Entries of each list, shape (num_lists,)."""
        return np.diff(self.ptr)

    @property
    def owner(self) -> IntArray:
        """List that each entry belongs to, shape (num_entries,)."""
        return np.repeat(np.arange(self.num_lists), self.sizes)

    def row(self, position: int) -> IndexArray:
        """Entries of one list."""
        return self.idx[self.ptr[position] : self.ptr[position + 1]]

    def entries_of(self, chosen: BoolArray) -> IndexArray:
        """Entries of the chosen lists, in their order."""
        return self.idx[np.repeat(chosen, self.sizes)]

    def check(self, name: str, num_lists: int, num_members: int) -> None:
        """Hold the lists against what they should be.

        Parameters
        ----------
        name : str
            For the message.
        num_lists, num_members : int
            How many lists there are; entries lie in [0, num_members).

        Raises
        ------
        ValueError
            If ``ptr`` does not rise from 0 to the number of entries, or an entry lies outside.
        """
        ptr, idx = self
        if len(ptr) != num_lists + 1:
            raise ValueError(f"{name} has {len(ptr) - 1} lists, not {num_lists}")
        if ptr[0] != 0 or ptr[-1] != len(idx) or (np.diff(ptr) < 0).any():
            raise ValueError(f"{name}: ptr must rise from 0 to the number of entries")
        if len(idx) and not (idx.min() >= 0 and idx.max() < num_members):
            raise ValueError(f"{name}: entries must lie in [0, {num_members})")


def freeze(record: object) -> None:
    """Make every array of a frozen dataclass read-only, as a view: the caller's stays as it is.

    Parameters
    ----------
    record : dataclass instance
        Call it at the end of ``__post_init__``.
    """
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            object.__setattr__(record, field.name, _read_only(value))
        elif isinstance(value, Lists):
            frozen = Lists(_read_only(value.ptr), _read_only(value.idx))
            object.__setattr__(record, field.name, frozen)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
