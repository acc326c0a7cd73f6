"""The state that every search shares: its clock, its stop, what it reports, what it proved.

A model's own search adds what it knows (plans, multipliers, cuts) by deriving from `SearchState`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import Progress, ProgressCallback, StopRequest
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense, Status, gap_frac


@dataclass(kw_only=True)
class SearchState(ABC):
    """What is known so far, and when to give up; the only state that changes during a solve.

    Attributes
    ----------
    options : SolveOptions
    on_progress : callable, optional
        Told of every report.
    stop : StopRequest, optional
        Polled between steps.
    started : float
        When the solve began, by `work_s`.
    history : list of Progress
        Everything reported.
    """

    sense: ClassVar[Sense] = "max"

    options: SolveOptions
    on_progress: ProgressCallback | None = None
    stop: StopRequest | None = None
    started: float = field(default_factory=work_s)
    history: list[Progress] = field(default_factory=list)

    @property
    @abstractmethod
    def best_objective(self) -> float | None:
        """Objective of the best plan so far; None while there is none."""

    @property
    @abstractmethod
    def best_bound(self) -> float:
        """Best proven bound so far; infinite while there is none."""

    @property
    def gap_frac(self) -> float:
        """Gap between plan and bound."""
        return gap_frac(self.best_objective, self.best_bound, sense=self.sense)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the solve began."""
        return work_s() - self.started

    @property
    def remaining_s(self) -> float:
        """Seconds left; unlimited in deterministic mode."""
        if self.options.deterministic:
            return math.inf
        return self.options.time_limit_s - self.elapsed_s

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller has called an end."""
        return self.remaining_s > 0.0 and not (self.stop is not None and self.stop.is_set())

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller.

        A message that ends where a solver's own words were to follow, which said nothing, ends
        without its colon.
        """
        told = message.rstrip(" :,")
        progress = Progress(
            stage, self.best_objective, self.best_bound, self.elapsed_s, told, self.sense
        )
        self.history.append(progress)
        if self.on_progress is not None:
            self.on_progress(progress)

    def proof(self, objective: float, bound: float, unit: str = "") -> Proof:
        """What the search ends with; its own objective and bound recomputed by the model.

        Parameters
        ----------
        objective, bound : float
            The bound is not passed by the objective.
        unit : str
            Of both.
        """
        gap = gap_frac(objective, bound, sense=self.sense)
        return Proof(
            status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
            objective=objective,
            bound=bound,
            gap_frac=gap,
            sense=self.sense,
            unit=unit,
            wall_s=self.elapsed_s,
            history=tuple(self.history),
        )
