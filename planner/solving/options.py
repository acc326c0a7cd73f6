"""How hard to work: the one place where limits, seed and workers are set."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class SolveOptions:
    """Limits under which a model is solved.

    Attributes
    ----------
    gap_frac : float
        Stop as soon as the proven gap is at most this, in [0, 1]. Models small enough for an
        exact solver are solved to proven optimality whatever this says.
    time_limit_s : float
        Wall-clock limit in seconds, > 0; ``math.inf`` for none. Not used when ``deterministic``.
    seed : int
        Seed of every random choice, in [0, 2**31).
    workers : int
        Threads or processes that may work at once, >= 1.
    deterministic : bool
        Bound the work by iteration counts, never by the clock: the same input, seed and version
        then give the same plan.
    """

    gap_frac: float = 0.01
    time_limit_s: float = 300.0
    seed: int = 0
    workers: int = 1
    deterministic: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap_frac <= 1.0:
            raise ValueError(f"gap_frac must lie in [0, 1], not {self.gap_frac}")
        if math.isnan(self.time_limit_s) or self.time_limit_s <= 0.0:
            raise ValueError(f"time_limit_s must be > 0, not {self.time_limit_s}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must lie in [0, 2**31), not {self.seed}")
        if self.workers < 1:
            raise ValueError(f"workers must be >= 1, not {self.workers}")
