"""An optimum of the pack model's linear program as amounts, cost, prices and bound.

Equations: `planner.models.packs.lp`, `planner.models.packs.prices`.
"""

import math
from typing import NamedTuple

import numpy as np

from planner.arrays import FloatArray
from planner.errors import PlannerError
from planner.models.packs.lp import PER_ROW_UNIT, PackAssignmentLp, spread
from planner.models.packs.prices import Orders, Prices, dual_bound, prices_of
from planner.models.packs.problem import PackAssignmentProblem
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_model import LinearResult

ROUNDING_PACKS = 1e-9
"""Amounts below are the solver's rounding and count as none."""
ROW_TOLERANCE = 1e-9
"""A plan keeps every row within this share of its largest number of packs, vehicles or MWh."""


class Answer(NamedTuple):
    """An optimum of one linear program.

    Attributes
    ----------
    amounts : dict of float arrays
        Values of the columns by the name of their family; energy in kWh.
    objective : float
        Cost of the plan; of orders that lack packs, without what that costs [CNY].
    prices : Prices
    bound : float
        No plan with orders so decided costs less [CNY].
    basis : LinearBasis, optional
    """

    amounts: dict[str, FloatArray]
    objective: float
    prices: Prices
    bound: float
    basis: LinearBasis | None


def answer_of(
    problem: PackAssignmentProblem,
    lp: PackAssignmentLp,
    found: LinearResult,
    basis: LinearBasis | None,
    orders: Orders,
) -> Answer:
    """What the solver found, held against the rows.

    Parameters
    ----------
    problem, lp : PackAssignmentProblem, PackAssignmentLp
    found, basis
        As of `planner.solving.linear_again.solve_linear_again`.
    orders : Orders
        As they were decided.

    Raises
    ------
    PlannerError
        If the solver failed, with what it answered, or its plan does not keep the rows.
    """
    if found.values is None or found.duals is None:
        raise PlannerError(f"packs by quarter: the LP solver answered {found.message}")
    values = np.where(found.values > ROUNDING_PACKS, found.values, 0.0)
    activity = lp.matrix @ values
    missed = np.maximum(lp.row_lower - activity, activity - lp.row_upper).max(initial=0.0)
    if missed > ROW_TOLERANCE * values.max(initial=1.0):
        raise PlannerError(f"packs by quarter: the LP solver's plan misses a row by {missed:.3g}")
    amounts = {name: spread(values, column) for name, column in lp.column.items()}
    # Where moving is free the solver may move a pack in and out of the same place.
    back_and_forth = np.minimum(amounts["move_in"], amounts["move_out"])
    for name in ("move_in", "move_out"):
        amounts[name] -= back_and_forth
    for name in ("made", "take", "sold"):
        amounts[name] *= PER_ROW_UNIT
    supply = problem.supply
    amounts["sold"] = np.minimum(amounts["sold"], supply.buyer_kwh)
    terms = (
        problem.option_cost * amounts["use"],
        problem.no_pack_cost[:, None] * amounts["none"],
        problem.lease_cost * amounts["stock"],
        problem.relocation_cost * amounts["move_in"],
        supply.buyer_worth * (supply.buyer_kwh - amounts["sold"]),
    )
    objective = math.fsum(math.fsum(term.ravel().tolist()) for term in terms)
    prices = prices_of(problem, lp, found.duals)
    return Answer(amounts, objective, prices, dual_bound(problem, lp, prices, orders), basis)
