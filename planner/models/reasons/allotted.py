"""The seconds that reasons may take."""

from dataclasses import dataclass, field

from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest


@dataclass(frozen=True)
class Allotted:
    """Seconds for reasons, counted from now on.

    Attributes
    ----------
    options : SolveOptions
    stop : StopRequest, optional
    started : float
    """

    options: SolveOptions
    stop: StopRequest | None = None
    started: float = field(default_factory=work_s)

    def allows(self, share: float = 1.0) -> bool:
        """Whether this share of the time is not over; without a clock in deterministic mode."""
        if self.stop is not None and self.stop.is_set():
            return False
        return self.options.deterministic or self.elapsed_s < share * self.options.time_limit_s

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return work_s() - self.started

    @property
    def left_s(self) -> float:
        """Seconds left, at least one tenth."""
        return max(self.options.time_limit_s - self.elapsed_s, 0.1)
