"""Linear programs that are solved again and again with other numbers: each starts from a basis.

The simplex method ends at a basis; where costs and entries change a little it is a few hundred
steps from the next optimum instead of all of them. MathOpt's GLOP takes one and gives one.
"""

import datetime
import math
import time
from dataclasses import dataclass

import numpy as np

from planner.solving.linear_model import LinearModel, LinearResult, solve_linear
from planner.solving.status import Status


@dataclass(frozen=True)
class LinearBasis:
    """Where the simplex method ended.

    Attributes
    ----------
    columns, rows : bytes
        MathOpt's status of each, one after the other.
    """

    columns: bytes
    rows: bytes

    def fits(self, model: LinearModel) -> bool:
        """Whether a model has as many rows and columns."""
        return model.matrix.shape == (len(self.rows), len(self.columns))


def solve_linear_again(
    model: LinearModel, start: LinearBasis | None = None, *, time_limit_s: float = math.inf
) -> tuple[LinearResult, LinearBasis | None]:
    """Solve a linear model with GLOP's dual simplex, from a basis of one much like it.

    Parameters
    ----------
    model : LinearModel
        Integrality is left aside.
    start : LinearBasis, optional
        Counts where it fits; any is right, a near one is quick.
    time_limit_s : float
        Wall-clock limit, > 0; ``math.inf`` for none.

    Returns
    -------
    LinearResult
        As of `solve_linear`, which is asked where this fails.
    LinearBasis or None
        Of an optimum.
    """
    from ortools.glop import parameters_pb2
    from ortools.math_opt.python import mathopt

    started = time.monotonic()
    asked = model.to_mathopt()
    variables, constraints = list(asked.variables()), list(asked.linear_constraints())
    given = mathopt.ModelSolveParameters()
    if start is not None and start.fits(model):
        status = {each.value: each for each in mathopt.BasisStatus}
        given.initial_basis = mathopt.Basis(
            variable_status={
                variable: status[value]
                for variable, value in zip(variables, start.columns, strict=True)
            },
            constraint_status={
                constraint: status[value]
                for constraint, value in zip(constraints, start.rows, strict=True)
            },
        )
    parameters = mathopt.SolveParameters(glop=parameters_pb2.GlopParameters(use_dual_simplex=True))
    if math.isfinite(time_limit_s):
        parameters.time_limit = datetime.timedelta(seconds=time_limit_s)
    try:
        found = mathopt.solve(asked, mathopt.SolverType.GLOP, params=parameters, model_params=given)
    except Exception:  # of any kind: GLOP without a start may answer
        found = None
    if found is not None and found.termination.reason == mathopt.TerminationReason.OPTIMAL:
        basis = found.solutions[0].basis
        result = LinearResult(
            Status.OPTIMAL,
            np.array(found.variable_values(variables), dtype=np.float64),
            np.array(found.dual_values(constraints), dtype=np.float64),
            float(found.objective_value()),
            found.termination.reason.name,
        )
        if basis is None:
            return result, None
        return result, LinearBasis(
            bytes(basis.variable_status[each].value for each in variables),
            bytes(basis.constraint_status[each].value for each in constraints),
        )
    left_s = time_limit_s - (time.monotonic() - started)
    if left_s <= 0.0:
        return LinearResult(Status.NO_SOLUTION, None, None, math.nan, "time limit"), None
    return solve_linear(model.to_ortools(), time_limit_s=left_s, dual_simplex=True), None
