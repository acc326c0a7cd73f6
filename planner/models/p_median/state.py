"""What a p-median search knows: lists of near sites, limits, the best plan and bound so far."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from planner.arrays import FloatArray, IntArray
from planner.models.p_median.dual import Openings
from planner.models.p_median.near_sites import NearSites, nearest_open
from planner.models.p_median.problem import PMedianProblem
from planner.models.p_median.search import Nearest, exchange_pass, listed_cost
from planner.models.p_median.tree import ROUNDING
from planner.models.p_median.tuning import Tuning
from planner.solving.compiling import work_s
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense

REPORT_S = 1.0
"""Between two reports of a stage."""


def p_median_cost(problem: PMedianProblem, open_site_idx: IntArray) -> float:
    """Weighted sum of distances to the nearest open site, correctly rounded.

    Parameters
    ----------
    problem : PMedianProblem
    open_site_idx : int array
        Positions of open sites.

    Returns
    -------
    float
        Infinite where a zone with a weight has no way to be served.
    """
    distance = nearest_open(problem.distances, open_site_idx)[1]
    counts = problem.weight > 0.0
    return math.fsum(problem.weight[counts] * distance[counts])


@dataclass(kw_only=True)
class MedianSearch(SearchState):
    """The best plan and bound so far, and the lists and limits that the search works on.

    Plans are positions in ``sites``, which are the sites that are not forbidden.
    """

    sense: ClassVar[Sense] = "min"

    problem: PMedianProblem
    tuning: Tuning
    sites: IntArray
    openings: Openings
    near: NearSites
    length: IntArray
    plan_step: float
    plan: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    incumbent: float = math.inf
    bound: float = 0.0
    num_anneals: int = 0
    reported: float = -math.inf

    @property
    def weight(self) -> FloatArray:
        """Weights of the zones."""
        return self.problem.weight

    @property
    def best_objective(self) -> float:
        """Cost of the best plan; inf without one."""
        return self.incumbent

    @property
    def best_bound(self) -> float:
        """No plan costs less."""
        return self.bound

    @property
    def done(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.gap_frac <= max(self.options.gap_frac, OPTIMAL_GAP_FRAC)

    @property
    def cut(self) -> float:
        """Plans are better than the incumbent if they cost less than this."""
        return self.incumbent * (1.0 - ROUNDING) - self.plan_step * (1.0 - 1e-6)

    def report(self, stage: str, message: str) -> None:
        """Note the state in the history and tell the caller."""
        self.reported = work_s()
        super().report(stage, message)

    def report_now_and_then(self, stage: str, message: str) -> None:
        """Report if the last one is some time ago."""
        if work_s() - self.reported > REPORT_S:
            self.report(stage, message)

    def raise_bound(self, bound: float) -> None:
        """Keep a bound if it is better; between two plans' costs it is that of the dearer."""
        if self.plan_step > 0.0:
            bound = self.plan_step * math.ceil(bound / self.plan_step * (1.0 - ROUNDING))
        self.bound = min(max(self.bound, bound), self.incumbent)

    def offer(self, state: Nearest) -> None:
        """Keep a plan if it is better than the incumbent."""
        if listed_cost(self.weight, state) >= self.incumbent * (1.0 - ROUNDING):
            return
        plan = np.flatnonzero(state.is_open)
        # Lists that end early know too little of zones without an open site in theirs.
        cost = p_median_cost(self.problem, self.sites[plan])
        if cost < self.incumbent:
            self.plan, self.incumbent = plan, cost

    def exchange(self, state: Nearest, rng: np.random.Generator) -> None:
        """Exchange until nothing improves, and offer the plan."""
        while self.may_go_on() and exchange_pass(self.weight, self.near, self.openings, state, rng):
            pass
        self.offer(state)
