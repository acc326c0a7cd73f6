"""Does each solver of OR-Tools work here? A model of three rows, whose optimum is known."""

import time
from typing import NamedTuple

import numpy as np
import scipy.sparse

from planner.errors import PlannerError
from planner.solving.linear_model import LinearModel

SOLVERS = {"GLOP": False, "PDLP": False, "HIGHS": True, "GSCIP": True, "CP_SAT": True}
"""Names of MathOpt's solver types, and whether they are asked for whole numbers."""
BEST, BEST_WHOLE = 38 / 3, 12.0
TOLERANCE = 1e-3
"""PDLP, a first-order method, ends near the optimum."""


class SolverAnswer(NamedTuple):
    """Objective of the three rows, and seconds taken."""

    objective: float
    wall_s: float


def three_rows(*, whole: bool) -> LinearModel:
    """Most 3x + 2y + z with x + y <= 4, x + 3z <= 6, y - z <= 1, all at least 0."""
    matrix = scipy.sparse.csr_matrix([[1.0, 1.0, 0.0], [1.0, 0.0, 3.0], [0.0, 1.0, -1.0]])
    return LinearModel(
        name="three_rows",
        matrix=matrix,
        row_lower=np.full(3, -np.inf),
        row_upper=np.array([4.0, 6.0, 1.0]),
        lower=np.zeros(3),
        upper=np.full(3, 10.0),
        objective=np.array([3.0, 2.0, 1.0]),
        maximize=True,
        integer=np.full(3, whole),
    )


def solve_three_rows(solver: str) -> SolverAnswer:
    """Solve the three rows.

    Parameters
    ----------
    solver : str
        One of `SOLVERS`.

    Raises
    ------
    PlannerError
        If the solver does not find the optimum.
    """
    from ortools.math_opt.python import mathopt

    whole = SOLVERS[solver]
    started = time.perf_counter()
    result = mathopt.solve(three_rows(whole=whole).to_mathopt(), mathopt.SolverType[solver])
    wall_s = time.perf_counter() - started
    right = BEST_WHOLE if whole else BEST
    if result.termination.reason != mathopt.TerminationReason.OPTIMAL:
        raise PlannerError(f"ended with {result.termination.reason.name}, not with an optimum")
    objective = float(result.objective_value())
    if abs(objective - right) > TOLERANCE:
        raise PlannerError(f"found {objective:g} where {right:g} is best")
    return SolverAnswer(objective, wall_s)
