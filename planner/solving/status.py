"""What a solve ended with, and how far its plan may be from the best."""

import math
from enum import StrEnum
from typing import Literal

OPTIMAL_GAP_FRAC = 1e-9
"""A plan counts as proven optimal up to this gap: double precision over a million terms."""

Sense = Literal["max", "min"]


class Status(StrEnum):
    """Outcome of a solve. Never OPTIMAL for a run that a limit stopped short of its proof."""

    OPTIMAL = "OPTIMAL"
    """A plan, and a bound that proves it the best."""
    FEASIBLE = "FEASIBLE"
    """A plan, and a bound that leaves a gap."""
    INFEASIBLE = "INFEASIBLE"
    """Proven: no plan satisfies the constraints."""
    NO_SOLUTION = "NO_SOLUTION"
    """A limit was reached before any plan was found."""
    ERROR = "ERROR"
    """The solver failed."""


def gap_frac(objective: float | None, bound: float | None, *, sense: Sense = "max") -> float:
    """Proven gap between a plan and the bound, as a fraction of the bound.

    With ``sense="max"`` the gap is (bound - objective) / abs(bound): the share of the best
    conceivable value that the plan may be missing. With ``sense="min"`` it is
    (objective - bound) / abs(bound): how much dearer than the cheapest conceivable the plan may be.

    Conventions: 0.0 where objective and bound coincide, 0/0 included, or have crossed by rounding
    (never negative); ``inf`` when either is unknown or not finite, or when the bound is 0 and the
    objective is not. For a maximization with an objective >= 0 the gap is therefore in [0, 1],
    or ``inf``; an objective of 0 under a positive bound is a gap of 1.0.

    >>> gap_frac(99.0, 100.0), gap_frac(110.0, 100.0, sense="min"), gap_frac(0.0, 0.0)
    (0.01, 0.1, 0.0)
    >>> gap_frac(None, 100.0)
    inf
    """
    if objective is None or bound is None:
        return math.inf
    if not (math.isfinite(objective) and math.isfinite(bound)):
        return math.inf
    missing = bound - objective if sense == "max" else objective - bound
    if missing <= 0.0:
        return 0.0
    return missing / abs(bound) if bound != 0.0 else math.inf
