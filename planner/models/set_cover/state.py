"""What a set covering search knows: the best plan so far, its bounds, what costs can be."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from planner.arrays import BoolArray, IntArray
from planner.models.set_cover.cuts import CutPoint
from planner.models.set_cover.dual import CoverPoint, fix_by_bound
from planner.models.set_cover.greedy import plan_cost
from planner.models.set_cover.presolve import CoverTask
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.tuning import Tuning
from planner.solving.search import SearchState
from planner.solving.status import OPTIMAL_GAP_FRAC, Sense

WHOLE_LIMIT = 2.0**52
"""Costs that sum to less are counted exactly."""


@dataclass(kw_only=True)
class CoverSearch(SearchState):
    """The best plan so far, the bounds, and the steps in which costs come."""

    sense: ClassVar[Sense] = "min"

    problem: SetCoverProblem
    task: CoverTask
    tuning: Tuning
    cost_step: float
    plan: IntArray | None = None
    incumbent: float = math.inf
    point: CoverPoint | None = None
    cut_point: CutPoint | None = None
    exact_bound: float = 0.0
    moves_per_s: float = math.inf

    @property
    def bound(self) -> float:
        """Best bound so far, raised to the next cost that a plan can have."""
        relaxed = max((point.bound for _, point in self.relaxations), default=0.0)
        return max(self.raised(relaxed), self.exact_bound, self.task.base_cost)

    @property
    def relaxations(self) -> list[tuple[CoverTask, CoverPoint]]:
        """Rows and multipliers that prove bounds: without cuts, then with them."""
        found = [] if self.point is None else [(self.task, self.point)]
        if self.cut_point is not None:
            found.append((self.cut_point.task, self.cut_point.point))
        return found

    def fixed_sites(self) -> tuple[BoolArray, BoolArray]:
        """Sites that every plan of interest opens, and sites that none opens."""
        always = np.zeros(self.task.num_sites, dtype=np.bool_)
        never = always.copy()
        for task, point in self.relaxations:
            more = fix_by_bound(task, point, self.ceiling)
            always, never = always | more[0], never | more[1]
        return always, never

    @property
    def best_objective(self) -> float | None:
        """Cost of the best plan; None without one."""
        return None if self.plan is None else self.incumbent

    @property
    def best_bound(self) -> float:
        """No plan costs less."""
        return self.bound

    @property
    def ceiling(self) -> float:
        """No plan that costs more is of interest."""
        return min(self.incumbent - self.cost_step, self.problem.rules.most_cost)

    def raised(self, bound: float) -> float:
        """The least cost of a plan that a bound allows."""
        if self.cost_step <= 0.0 or not math.isfinite(bound):
            return bound
        steps = (bound - self.task.base_cost) / self.cost_step
        steps = math.ceil(steps - max(1e-6, OPTIMAL_GAP_FRAC * abs(steps)))
        return self.task.base_cost + self.cost_step * steps

    @property
    def is_over_budget(self) -> bool:
        """Whether the bound proves that the budget cannot be kept."""
        return self.bound > self.problem.rules.most_cost

    def may_go_on(self) -> bool:
        """Whether neither the clock nor the caller nor the budget has called an end."""
        return not self.is_over_budget and super().may_go_on()

    def offer(self, plan: IntArray) -> None:
        """Keep a choice of sites if it is allowed and cheaper than the incumbent."""
        cost = plan_cost(self.task, plan)
        if cost < self.incumbent and cost <= self.problem.rules.most_cost:
            self.plan, self.incumbent = plan, cost


def cost_step(task: CoverTask) -> float:
    """Largest number that all costs are multiples of; 0 where they are not whole."""
    whole = (task.cost % 1.0 == 0.0).all() and task.cost.sum() < WHOLE_LIMIT
    return float(np.gcd.reduce(task.cost.astype(np.int64), initial=0)) if whole else 0.0
