"""Packs to cities and vehicles by quarter at least cost: solve the program, prove the plan.

The model is in `planner.models.packs.lp`, its duals and the bound in `planner.models.packs.prices`.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.errors import NoPlanError, PlannerError
from planner.models.packs.lp import (
    PackAssignmentLp,
    pack_assignment_lp,
    pack_assignment_model,
    spread,
)
from planner.models.packs.prices import dual_bound, prices_of
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.solving.linear_again import LinearBasis, solve_linear_again
from planner.solving.options import SolveOptions
from planner.solving.proof import Proof
from planner.solving.status import OPTIMAL_GAP_FRAC, Status, gap_frac

ROUNDING_PACKS = 1e-9
"""Amounts below are the solver's rounding and count as none."""
ROUNDING_CNY = 1e-6
"""So little may the bound's sum exceed the plan's by rounding [CNY]."""
ROW_TOLERANCE = 1e-9
"""A plan keeps every row within this share of its largest number of packs, vehicles or MWh."""


def solve_pack_assignment(
    problem: PackAssignmentProblem, options: SolveOptions, start: PackAssignment | None = None
) -> PackAssignment:
    """Give packs to cities and vehicles at least cost over all quarters.

    Parameters
    ----------
    problem : PackAssignmentProblem
    options : SolveOptions
        For the time limit.
    start : PackAssignment, optional
        Answer to a problem with the same sets, near which the answer is looked for.

    Returns
    -------
    PackAssignment
        Always a plan: a vehicle may stay without a pack at its stated cost.

    Raises
    ------
    NoPlanError
        If the time limit came before the LP solver's answer.
    PlannerError
        If the LP solver fails, with what it answered, or its plan does not keep the rows.
    """
    started = time.perf_counter()
    lp = pack_assignment_lp(problem)
    limit_s = math.inf if options.deterministic else options.time_limit_s
    values, duals, basis = _solve(
        lp, None if start is None else start.basis, limit_s - (time.perf_counter() - started)
    )
    plan = {name: spread(values, column) for name, column in lp.column.items()}
    # Where moving is free the solver may move a pack in and out of the same place.
    back_and_forth = np.minimum(plan["move_in"], plan["move_out"])
    plan["move_in"], plan["move_out"] = (
        plan[name] - back_and_forth for name in ("move_in", "move_out")
    )
    terms = (
        problem.option_cost * plan["use"],
        problem.no_pack_cost[:, None] * plan["none"],
        problem.lease_cost * plan["stock"],
        problem.relocation_cost * plan["move_in"],
    )
    objective = math.fsum(math.fsum(term.ravel().tolist()) for term in terms)
    prices = prices_of(problem, lp, duals)
    bound = dual_bound(problem, lp, prices)
    if 0.0 < bound - objective <= ROUNDING_CNY:
        bound = objective
    gap = gap_frac(objective, bound, sense="min")
    proof = Proof(
        status=Status.OPTIMAL if gap <= OPTIMAL_GAP_FRAC else Status.FEASIBLE,
        objective=objective,
        bound=bound,
        gap_frac=gap,
        sense="min",
        unit="CNY",
        wall_s=time.perf_counter() - started,
    )
    return PackAssignment(
        proof=proof,
        option_vehicles=plan["use"],
        without_pack=plan["none"],
        stock=plan["stock"],
        delivered=plan["deliver"],
        retired=plan["retire"],
        moved_in=plan["move_in"],
        moved_out=plan["move_out"],
        supply_value=prices.supply_value,
        pack_value=prices.pack,
        basis=basis,
    )


def gate_values(
    problem: PackAssignmentProblem,
    plan: PackAssignment,
    openings: Mapping[str, tuple[BoolArray, BoolArray]],
    options: SolveOptions,
) -> dict[str, float]:
    """What opening gates earlier would save, by solving again with each opening.

    Parameters
    ----------
    problem : PackAssignmentProblem
    plan : PackAssignment
        The answer to ``problem``.
    openings : mapping of label to (delivery_allowed, option_allowed)
        Permissions in place of the problem's own, which they include.
    options : SolveOptions
        The time limit holds for all openings together.

    Returns
    -------
    dict of label to float
        Savings over all quarters, >= 0 [CNY]; NaN where the time limit came first.

    Raises
    ------
    ValueError
        If an opening takes back a permission of the problem.
    PlannerError
        As `solve_pack_assignment`.
    """
    started = time.perf_counter()
    savings = {}
    for label, (delivery_allowed, option_allowed) in openings.items():
        opened = replace(problem, delivery_allowed=delivery_allowed, option_allowed=option_allowed)
        taken = problem.delivery_allowed & ~delivery_allowed
        if taken.any() or (problem.option_allowed & ~option_allowed).any():
            raise ValueError(f"opening {label!r} takes back a permission")
        left_s = options.time_limit_s - (time.perf_counter() - started)
        try:
            within = replace(options, time_limit_s=max(left_s, 1e-3))
            result = solve_pack_assignment(opened, within, plan)
        except NoPlanError:
            savings[label] = math.nan
        else:
            savings[label] = max(0.0, plan.proof.objective - result.proof.objective)
    return savings


def _solve(
    lp: PackAssignmentLp, start: LinearBasis | None, time_limit_s: float
) -> tuple[FloatArray, FloatArray, LinearBasis | None]:
    """Values of the columns and duals of the rows, by GLOP's dual simplex; and the basis."""
    started = time.perf_counter()
    found, basis = solve_linear_again(
        pack_assignment_model(lp), start, time_limit_s=max(time_limit_s, 1e-3)
    )
    # Cut short, GLOP may call its state abnormal.
    is_late = found.values is None and time.perf_counter() - started >= time_limit_s
    if found.status is Status.NO_SOLUTION or is_late:
        raise NoPlanError(
            f"packs by quarter: no plan within {time_limit_s:.3g} s ({found.message}); "
            "raise solver.time_limit_s"
        )
    if found.values is None or found.duals is None:
        raise PlannerError(f"packs by quarter: the LP solver answered {found.message}")
    values = np.where(found.values > ROUNDING_PACKS, found.values, 0.0)
    activity = lp.matrix @ values
    missed = np.maximum(lp.row_lower - activity, activity - lp.row_upper).max(initial=0.0)
    if missed > ROW_TOLERANCE * values.max(initial=1.0):
        raise PlannerError(f"packs by quarter: the LP solver's plan misses a row by {missed:.3g}")
    return values, found.duals, basis
