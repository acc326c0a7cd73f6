"""When a quantity keeps a limit: one tolerance for money, minutes, kilometres, power and energy.

Quantities are sums of rounded numbers: 3 x 0.1 is not 0.3 in binary. Plans keep a limit up to
`LIMIT_TOLERANCE` of it, and everything that compares one says so by these functions; the check of
finished plans takes the number alone. Limits in whole numbers (stations, bays) are exact.
"""

from typing import overload

import numpy as np

from planner.arrays import BoolArray, FloatArray

LIMIT_TOLERANCE = 1e-9
"""Share of a limit by which rounding may pass it: 1 CNY in a billion, 0.6 us in 10 min."""


@overload
def widened(limit: float) -> float: ...
@overload
def widened(limit: FloatArray) -> FloatArray: ...
def widened(limit: float | FloatArray) -> float | FloatArray:
    """A limit >= 0 with its tolerance, for what compares exactly (compiled loops).

    >>> 3 * 0.1 <= 0.3, 3 * 0.1 <= widened(0.3)
    (False, True)
    """
    return limit * (1.0 + LIMIT_TOLERANCE)


@overload
def within(value: float, limit: float) -> bool: ...
@overload
def within(value: FloatArray, limit: float | FloatArray) -> BoolArray: ...
@overload
def within(value: float, limit: FloatArray) -> BoolArray: ...
def within(value: float | FloatArray, limit: float | FloatArray) -> bool | BoolArray:
    """Whether a quantity keeps an upper limit >= 0.

    >>> within(3 * 0.1, 0.3), within(0.3001, 0.3)
    (True, False)
    """
    kept = value <= widened(limit)
    return kept if isinstance(kept, np.ndarray) else bool(kept)


@overload
def at_least(value: float, limit: float) -> bool: ...
@overload
def at_least(value: FloatArray, limit: float | FloatArray) -> BoolArray: ...
def at_least(value: float | FloatArray, limit: float | FloatArray) -> bool | BoolArray:
    """Whether a quantity keeps a lower limit >= 0.

    >>> at_least(1 - 0.9, 0.1), at_least(0.0999, 0.1)
    (True, False)
    """
    kept = value >= limit * (1.0 - LIMIT_TOLERANCE)
    return kept if isinstance(kept, np.ndarray) else bool(kept)
