"""What a solve ended with, and how far its plan may be from the best."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from planner.solving.progress import Progress

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


@dataclass(frozen=True)
class Proof:
    """What a solve ended with: how good its plan is, and how much better another could be.

    Attributes
    ----------
    status : Status
        OPTIMAL if the bound proves the plan the best, FEASIBLE otherwise.
    objective, bound : float
        Of the plan, and what no plan betters.
    gap_frac : float
        See `gap_frac`.
    sense : {"max", "min"}
        Whether more is better.
    unit : str
        Of objective and bound; empty where the model does not know it.
    wall_s : float
        Seconds taken [s].
    history : tuple of Progress
        Incumbent and bound over time.
    """

    status: Status
    objective: float
    bound: float
    gap_frac: float
    sense: Sense
    unit: str = ""
    wall_s: float = 0.0
    history: "tuple[Progress, ...]" = ()
