"""What a running solve tells its caller, and how the caller stops it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from planner.solving.status import Sense, gap_frac


@dataclass(frozen=True)
class Progress:
    """Where a solve stands at one moment.

    Attributes
    ----------
    stage : str
        What is running, e.g. ``"greedy"``.
    incumbent, bound : float or None
        Best plan and best proven bound so far; None while unknown.
    elapsed_s : float
        Seconds since the solve began.
    message : str
        One line for a reader.
    sense : {"max", "min"}
        Whether the bound lies above the incumbent or below.
    """

    stage: str
    incumbent: float | None
    bound: float | None
    elapsed_s: float
    message: str
    sense: Sense = "max"

    @property
    def gap_frac(self) -> float:
        """Proven gap as a fraction of the bound; ``inf`` while either side is unknown."""
        return gap_frac(self.incumbent, self.bound, sense=self.sense)


ProgressCallback = Callable[[Progress], None]
"""Called from the solving thread after every stage and now and then within one."""


class StopRequest(Protocol):
    """What algorithms poll between steps; a ``threading.Event`` is one.

    Set it, for example from a Ctrl-C handler, and the solve returns its best plan and bound.
    """

    def is_set(self) -> bool:
        """Whether the caller wants the solve to end."""
        ...
