"""What a long column of texts shows by its bytes alone: a glance at each byte, no text is made.

A glance may leave a question open: then it is the texts that have to be looked at.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_FIRST, _LAST = 0x20, 0x7E
"""Of the characters of ASCII that are seen, with the space."""


def is_plain(values: pd.Series) -> bool:
    r"""Whether all that stands in a column of texts is of ASCII, without control characters.

    Examples
    --------
    >>> is_plain(pd.Series(["a b", None])), is_plain(pd.Series(["a\tb"]))
    (True, False)
    """
    return _is_plain(_bytes_of(values)[0])


def is_trimmed(values: pd.Series) -> bool:
    """Whether no text of a column is empty, or begins or ends with what no eye sees.

    False may mean that it takes a closer look.

    Examples
    --------
    >>> is_trimmed(pd.Series(["a b", None])), is_trimmed(pd.Series(["a", " b"]))
    (True, False)
    """
    content, start = _bytes_of(values)
    if not _is_plain(content):
        return False
    stands = np.diff(start) > 0
    if not (stands | values.isna().to_numpy()).all():
        return False
    ends = (start[:-1][stands], start[1:][stands] - 1)
    return content.min(initial=_LAST) > _FIRST or all((content[end] > _FIRST).all() for end in ends)


def is_ascending(values: pd.Series) -> bool:
    """Whether each text of a column comes after the one before, so that none stands twice.

    False may mean that it takes a closer look: texts that are not equally long do.

    Examples
    --------
    >>> is_ascending(pd.Series(["a1", "b1"])), is_ascending(pd.Series(["a1", "a1"]))
    (True, False)
    """
    cells = _equally_long(values)
    return cells is not None and bool((cells[:-1] < cells[1:]).all())


def whole_numbers(values: pd.Series, num_digits: int) -> NDArray[np.uint64] | None:
    """The numbers that hexadecimal texts are; None if some are not so many digits, small letters.

    Parameters
    ----------
    values : Series
        Texts.
    num_digits : int
        Of each, at most 16.

    Examples
    --------
    >>> whole_numbers(pd.Series(["0a", "ff"]), 2)
    array([ 10, 255], dtype=uint64)
    """
    cells = _equally_long(values)
    if cells is None or cells.dtype.itemsize != num_digits:
        return None
    numbers = np.zeros(len(cells), dtype=np.uint64)
    for place in cells.view(np.uint8).reshape(len(cells), num_digits).T:
        digit = _DIGIT[place]
        if digit.max() > 15:
            return None
        numbers = (numbers << np.uint64(4)) | digit
    return numbers


_DIGIT = np.full(256, 16, dtype=np.uint8)
_DIGIT[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def _bytes_of(values: pd.Series) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """UTF-8 of all texts, one after the other, and where each begins and the last ends."""
    import pyarrow as pa

    texts: Any = pa.array(values, pa.large_string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, starts, content = texts.buffers()
    start = np.frombuffer(starts, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(content, np.uint8) if content is not None else np.zeros(0, np.uint8)
    return held[start[0] : start[-1]], start - start[0]


def _is_plain(content: NDArray[np.uint8]) -> bool:
    lowest, highest = content.min(initial=_LAST), content.max(initial=_FIRST)
    return bool(lowest >= _FIRST and highest <= _LAST)


def _equally_long(values: pd.Series) -> NDArray[np.bytes_] | None:
    """Plain texts of one length as an array; None if they are of several, or some are missing."""
    content, start = _bytes_of(values)
    length = int(start[1]) if len(start) > 1 else 0
    if not length or not _is_plain(content) or not (np.diff(start) == length).all():
        return None
    return np.asarray(content.view(f"S{length}"))
