"""Linear programs, bases and optima as MathOpt's messages, from and to arrays.

MathOpt's objects for each column and row would take longer than GLOP's few steps from a good basis.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import FloatArray
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_model import LinearResult
from planner.solving.status import Status

if TYPE_CHECKING:
    from ortools.math_opt.model_parameters_pb2 import ModelSolveParametersProto
    from ortools.math_opt.parameters_pb2 import SolveParametersProto


def dual_simplex(time_limit_s: float, *, presolve: bool = True) -> "SolveParametersProto":
    """What GLOP is asked for: its dual simplex within so many seconds, or ``math.inf``."""
    from ortools.math_opt import parameters_pb2

    asked = parameters_pb2.SolveParametersProto()
    asked.glop.use_dual_simplex = True
    asked.glop.use_preprocessing = presolve
    if math.isfinite(time_limit_s):
        asked.time_limit.FromNanoseconds(int(1e9 * time_limit_s))
    return asked


def starting_at(basis: LinearBasis | None) -> "ModelSolveParametersProto":
    """A basis to start from, if there is one; asks for no reduced costs."""
    from ortools.math_opt import model_parameters_pb2

    given = model_parameters_pb2.ModelSolveParametersProto()
    given.reduced_costs_filter.filter_by_ids = True
    if basis is not None:
        for statuses, kept in (
            (given.initial_basis.variable_status, basis.columns),
            (given.initial_basis.constraint_status, basis.rows),
        ):
            statuses.ids.extend(range(len(kept)))
            statuses.values.extend(kept)
    return given


def optimum_of(
    found: Any, num_rows: int, num_columns: int
) -> tuple[LinearResult, LinearBasis] | None:
    """What an answer says, if it has an optimum with its basis; shapes are the model's."""
    from ortools.math_opt import result_pb2

    if found.termination.reason != result_pb2.TERMINATION_REASON_OPTIMAL:
        return None
    solution = found.solutions[0]
    if not solution.HasField("basis"):
        return None
    primal, dual, basis = solution.primal_solution, solution.dual_solution, solution.basis
    result = LinearResult(
        Status.OPTIMAL,
        _dense(primal.variable_values, num_columns),
        _dense(dual.dual_values, num_rows),
        float(primal.objective_value),
        "OPTIMAL",
    )
    columns, rows = (
        _dense(statuses, size).astype(np.uint8).tobytes()
        for statuses, size in (
            (basis.variable_status, num_columns),
            (basis.constraint_status, num_rows),
        )
    )
    return result, LinearBasis(columns, rows)


def _dense(sparse: Any, size: int) -> FloatArray:
    """A message of ids and values as an array."""
    dense = np.zeros(size)
    dense[np.array(sparse.ids, dtype=np.int64)] = np.array(sparse.values, dtype=np.float64)
    return dense
