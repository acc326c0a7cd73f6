"""Linear programs that are solved again and again with other numbers: each starts from a basis.

The simplex method ends at a basis; where costs and entries change a little it is a few hundred
steps from the next optimum instead of all of them. MathOpt's GLOP takes one and gives one.
"""

import math
import time
from typing import Any

from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_messages import dual_simplex, optimum_of, starting_at
from planner.solving.linear_model import LinearModel, LinearResult, solve_linear
from planner.solving.status import Status


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
    started = time.monotonic()
    if start is not None and not start.fits(model):
        start = None
    try:
        found = _run(model, start, time_limit_s)
    except Exception:  # of any kind: GLOP without a start may answer
        found = None
    answer = None if found is None else optimum_of(found, *model.matrix.shape)
    if answer is not None:
        return answer
    left_s = time_limit_s - (time.monotonic() - started)
    if left_s <= 0.0:
        return LinearResult(Status.NO_SOLUTION, None, None, math.nan, "time limit"), None
    return solve_linear(model.to_ortools(), time_limit_s=left_s, dual_simplex=True), None


def _run(model: LinearModel, start: LinearBasis | None, time_limit_s: float) -> Any:
    """MathOpt's answer; other threads go on while GLOP works."""
    from ortools.math_opt import callback_pb2, parameters_pb2
    from ortools.math_opt.core.python import solver

    return solver.solve(
        model.to_proto(),
        parameters_pb2.SOLVER_TYPE_GLOP,
        parameters_pb2.SolverInitializerProto(),
        dual_simplex(time_limit_s),
        starting_at(start),
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
