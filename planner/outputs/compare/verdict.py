"""The verdict on two values: equal, within what is not known of them, or beyond it.

A model's best value lies between the objective of its plan and its bound. Where the two runs'
intervals overlap, the best values may be equal: the difference of the plans is within the gaps.
A simulated figure lies, as far as chance goes, in the interval over its days; a difference is told
from chance if its own interval does not hold zero.
"""

import math
from typing import Any

EQUAL, WITHIN, BEYOND = "equal", "within the gaps", "beyond the gaps"
UNLIKE = "different questions"
WITHIN_INTERVALS, BEYOND_INTERVALS = "within the intervals", "beyond the intervals"

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


def simulated_verdict(
    base: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[str, float, float]:
    """Judge a simulated figure of two runs, each with its value and the interval's ends.

    The runs are taken as independent: half widths add as squares do. Runs with one seed send the
    same drivers to stations that they share, which makes their difference surer than that.

    Returns
    -------
    verdict, low, high
        The verdict, and the interval of the difference, other minus base.

    Examples
    --------
    >>> simulated_verdict((0.950, 0.947, 0.953), (0.955, 0.951, 0.959))[0]
    'within the intervals'
    >>> simulated_verdict((0.950, 0.947, 0.953), (0.956, 0.952, 0.960))[0]
    'beyond the intervals'
    """
    change = other[0] - base[0]
    # Ends need not lie alike far from the value: those that face each other count.
    down, up = (
        math.hypot(other[0] - other[1], base[2] - base[0]),
        math.hypot(other[2] - other[0], base[0] - base[1]),
    )
    low, high = change - down, change + up
    if math.isclose(base[0], other[0], rel_tol=_SAME_FRAC, abs_tol=_SAME_FRAC):
        return EQUAL, low, high
    return (WITHIN_INTERVALS if low <= 0 <= high else BEYOND_INTERVALS), low, high
