"""The verdict on two objectives: equal, within their proven gaps, or beyond them.

A model's best value lies between the objective of its plan and its bound. Where the two runs'
intervals overlap, the best values may be equal: the difference of the plans is within the gaps.
"""

import math
from typing import Any

EQUAL, WITHIN, BEYOND = "equal", "within the gaps", "beyond the gaps"
UNLIKE = "different questions"

_SAME_FRAC = 1e-9  # solvers end within this of each other


def verdict(base: dict[str, Any], other: dict[str, Any]) -> str:
    """Judge two results of one model, each with its ``objective`` and ``bound``.

    >>> verdict({"objective": 100.0, "bound": 104.0}, {"objective": 103.0, "bound": 105.0})
    'within the gaps'
    >>> verdict({"objective": 100.0, "bound": 102.0}, {"objective": 103.0, "bound": 105.0})
    'beyond the gaps'
    """
    if math.isclose(base["objective"], other["objective"], rel_tol=_SAME_FRAC):
        return EQUAL
    (base_low, base_high), (other_low, other_high) = (
        sorted((float(each["objective"]), float(each["bound"]))) for each in (base, other)
    )
    low, high = max(base_low, other_low), min(base_high, other_high)
    overlap = low <= high or math.isclose(low, high, rel_tol=_SAME_FRAC)
    return WITHIN if overlap else BEYOND
