"""What a search for corridor stations knows so far: plans, bound, clock; how it ends.

Plans of the reduced problem are compared without regard to capacity; those that are kept are of
the problem itself, capacity considered.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.models.refuelling.capacity import driven_flows
from planner.models.refuelling.presolve import ReducedFlows
from planner.models.refuelling.problem import FlowRefuelling, FlowRefuellingProblem
from planner.models.refuelling.search import plan_value
from planner.models.refuelling.tuning import Tuning
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC, gap_frac


@dataclass(kw_only=True)
class RefuellingSearch(SearchState):
    """Plans and bound of one solve.

    Attributes
    ----------
    problem, rows : FlowRefuellingProblem, ReducedFlows
        And what presolve makes of it.
    tuning : Tuning
    plan, plan_value : bool array, shape (rows.num_sites,), and float
        Best plan of the reduced problem, its value without regard to capacity.
    plans : list of bool arrays
        All that annealing found.
    open_site_idx, objective : int array and float
        Best stations of the problem, and their value, capacity considered.
    bound : float
        No plan is worth more.
    moves_per_s : float
        Speed of the last annealing.
    """

    problem: FlowRefuellingProblem
    rows: ReducedFlows
    tuning: Tuning
    plan: BoolArray = field(init=False)
    plan_value: float = -math.inf
    plans: list[BoolArray] = field(default_factory=list)
    open_site_idx: IntArray = field(init=False)
    objective: float = -math.inf
    bound: float = field(init=False)
    moves_per_s: float = math.inf

    def __post_init__(self) -> None:
        self.plan = np.zeros(self.rows.num_sites, dtype=np.bool_)
        self.open_site_idx = np.flatnonzero(self.problem.rules.forced)
        self.bound = self.rows.total_value

    @property
    def best_objective(self) -> float | None:
        """Value of the best stations; None while there are none."""
        return self.objective if math.isfinite(self.objective) else None

    @property
    def best_bound(self) -> float:
        """No plan is worth more."""
        return self.bound

    @property
    def is_limited(self) -> bool:
        """Whether some station has a finite capacity."""
        return bool(np.isfinite(self.problem.capacity).any())

    @property
    def plan_gap_frac(self) -> float:
        """Gap of the plan without regard to capacity."""
        return gap_frac(self.plan_value, self.bound)

    def offer(self, plan: BoolArray, message: str) -> None:
        """Keep a plan of the reduced problem if it is the best."""
        value = plan_value(self.rows, plan)
        if value > self.plan_value:
            self.plan, self.plan_value = plan.copy(), value
            if not self.is_limited:
                chosen = self.rows.site_idx[plan]
                self.keep(np.union1d(np.flatnonzero(self.problem.rules.forced), chosen), value)
        self.report("corridors", message)

    def keep(self, open_site_idx: IntArray, objective: float) -> None:
        """Keep stations of the problem if they are the best, capacity considered."""
        if objective > self.objective:
            self.open_site_idx, self.objective = open_site_idx, objective

    def tighten(self, bound: float) -> None:
        """Take a bound if it is better; rounding never lets it cross a plan."""
        self.bound = max(min(self.bound, bound), self.objective)

    def result(self) -> FlowRefuelling:
        """The best plan, its flows served anew on the problem itself."""
        is_open = np.zeros(self.problem.num_sites, dtype=np.bool_)
        is_open[self.open_site_idx] = True
        driven = driven_flows(self.problem, is_open)
        objective = math.fsum((driven * self.problem.value).tolist())
        bound = max(self.bound, objective)
        if gap_frac(objective, bound) <= OPTIMAL_GAP_FRAC:
            bound = objective
        self.objective, self.bound = objective, bound
        self.report("corridors", "done")
        return FlowRefuelling(self.open_site_idx, driven, self.proof(objective, bound))
