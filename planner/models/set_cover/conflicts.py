"""Which limits keep stations from covering what is asked for, and what mends it.

Takes a `SetCoverProblem` that has no plan; the solver itself is asked with some of the limits in
force. Where it does not know in the time it has, a limit counts as one that can be kept, so that a
conflict is one in any case and minimal as far as could be told.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.arrays import IntArray
from planner.errors import InfeasibleError, NoPlanError
from planner.models.set_cover.feasible import covered_share, covered_zones
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.solving.conflicts import conflict_error
from planner.solving.options import SolveOptions
from planner.solving.rule_conflicts import conflicting_limits
from planner.solving.rules import SiteRules
from planner.solving.station_limits import shown_money

_ANSWER_FRAC, _LEAST_ANSWER_S = 0.02, 1.0
_ALL_FRAC = 0.5
_SHARE_STEPS = 8
_SHARE_DIGITS = 4


def cover_conflict(
    problem: SetCoverProblem,
    options: SolveOptions,
    *,
    site_names: Sequence[str],
    asked: str,
    unit: str,
) -> InfeasibleError:
    """A minimal conflict of what is to be covered with limits and locks, and its repairs.

    Parameters
    ----------
    problem : SetCoverProblem
        That no plan covers, though plans keep its limits.
    options : SolveOptions
        A share of the time is given to each question.
    site_names : sequence of str
    asked : str
        What is to be covered, as a limit.
    unit : str
        Of costs; empty where every station costs one.

    Returns
    -------
    InfeasibleError
        To be raised.
    """
    asker = _Asker(problem, options)

    def is_feasible(rules: SiteRules) -> bool:
        return asker.plan(replace(problem, rules=rules)) is not None or not asker.is_proven

    limits = conflicting_limits(problem.rules, is_feasible, site_names=site_names, unit=unit)
    repair = _repairs(asker, asked, unit)
    if not repair:
        repair = [
            f"give up: {limit.name}"
            for limit in limits
            if asker.plan(replace(problem, rules=limit.without(problem.rules))) is not None
        ]
    return conflict_error([[asked, *(limit.name for limit in limits)]], repair)


class _Asker:
    """The solver with a little time for each question."""

    def __init__(self, problem: SetCoverProblem, options: SolveOptions) -> None:
        self.problem = problem
        self.is_proven = False
        self.left_s = options.time_limit_s * _ALL_FRAC
        each_s = max(options.time_limit_s * _ANSWER_FRAC, _LEAST_ANSWER_S)
        self.options = replace(options, time_limit_s=each_s)

    def plan(self, problem: SetCoverProblem) -> IntArray | None:
        """A plan, if one was found; `is_proven` tells whether there is none."""
        self.is_proven = False
        if self.left_s <= 0.0:
            return None
        try:
            found = solve_set_cover(problem, self.options)
        except InfeasibleError:
            self.is_proven = True
            return None
        except NoPlanError:
            self.left_s -= self.options.time_limit_s
            return None
        self.left_s -= found.proof.wall_s
        return found.open_site_idx


def _repairs(asker: _Asker, asked: str, unit: str) -> list[str]:
    """More stations, more money, or less covered: each with a plan that shows it suffices."""
    problem, rules = asker.problem, asker.problem.rules
    found = []
    if rules.most < rules.num_sites:
        free = replace(rules, most=rules.num_sites)
        fewest = replace(free, cost=np.ones(rules.num_sites), budget=math.inf)
        plan = asker.plan(replace(problem, rules=fewest))
        if plan is None or math.fsum(rules.cost[plan]) > rules.most_cost:
            plan = asker.plan(replace(problem, rules=free))
        if plan is not None:
            found.append(f"allow {len(plan):,} stations instead of {rules.most:,}")
    if math.isfinite(rules.budget):
        plan = asker.plan(replace(problem, rules=replace(rules, budget=math.inf)))
        if plan is not None:
            total = math.fsum(rules.cost[plan])
            found.append(
                f"raise the budget from {shown_money(rules.budget, unit)} to "
                f"{shown_money(total, unit, is_ceiled=True)}"
            )
    share = _share_within(asker)
    if share > 0.0:
        found.append(f"ask for {100 * share:.6g} % instead of: {asked}")
    return found


def _share_within(asker: _Asker) -> float:
    """A share of the value that some plan within all limits covers, near the largest."""
    problem = asker.problem
    low, high = 0.0, problem.min_share
    for _ in range(_SHARE_STEPS):
        middle = 0.5 * (low + high)
        plan = asker.plan(replace(problem, min_share=middle))
        if plan is None:
            high = middle
            continue
        # A plan may cover more than it was asked for.
        reached = covered_share(problem, covered_zones(problem, plan))
        low = max(middle, min(reached, high))
    scale = 10.0**_SHARE_DIGITS
    return math.floor(low * scale) / scale
