"""What every solve ends with, whatever the model."""

from dataclasses import dataclass

from planner.solving.progress import Progress
from planner.solving.status import Sense, Status


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
    history: tuple[Progress, ...] = ()
