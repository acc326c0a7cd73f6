"""Linear and mixed-integer models as arrays, written into OR-Tools at one place.

Models say what their columns and rows are; here they become OR-Tools' and go to GLOP.
SCIP is in `planner.solving.mip`.
"""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import BoolArray, FloatArray
from planner.solving.status import Status

if TYPE_CHECKING:
    import scipy.sparse
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper
    from ortools.math_opt.model_pb2 import ModelProto
    from ortools.math_opt.python.mathopt import Model


@dataclass(frozen=True)
class LinearModel:
    """Best c'x with row_lower <= A x <= row_upper, lower <= x <= upper.

    Attributes
    ----------
    name : str
    matrix : scipy.sparse.csr_matrix, shape (num_rows, num_columns)
        A.
    row_lower, row_upper : float arrays, shape (num_rows,)
        Infinite where a row has no limit on that side.
    lower, upper : float arrays, shape (num_columns,)
    objective : float array, shape (num_columns,)
        c.
    maximize : bool
    offset : float
        Added to the objective.
    integer : bool array, shape (num_columns,), optional
        Columns of whole numbers; none if not given.
    column_names, row_names : iterables of str, optional
        Written into the model, in order, for those who read it.
    hint : float array, shape (num_columns,), optional
        A plan to start from: SCIP takes whole ones alone.
    """

    name: str
    matrix: "scipy.sparse.csr_matrix"
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    objective: FloatArray
    maximize: bool
    offset: float = 0.0
    integer: BoolArray | None = None
    column_names: Iterable[str] = ()
    row_names: Iterable[str] = ()
    hint: FloatArray | None = None

    def to_ortools(self) -> "ModelBuilderHelper":
        """The same model for OR-Tools' solvers."""
        from ortools.linear_solver.python import model_builder_helper

        model = model_builder_helper.ModelBuilderHelper()
        model.set_name(self.name)
        sparse_model: Any = model  # OR-Tools' stubs of this call name shapes that no array has
        sparse_model.fill_model_from_sparse_data(
            self.lower, self.upper, self.objective, self.row_lower, self.row_upper, self.matrix
        )
        model.set_maximize(self.maximize)
        if self.offset:
            model.set_objective_offset(self.offset)
        if self.integer is not None:
            for column in np.flatnonzero(self.integer).tolist():
                model.set_var_integrality(column, True)
        for column, name in enumerate(self.column_names):
            model.set_var_name(column, name)
        for row, name in enumerate(self.row_names):
            model.set_constraint_name(row, name)
        if self.hint is not None:
            for column, level in enumerate(self.hint.tolist()):
                model.add_hint(column, level)
        return model

    def to_mathopt(self) -> "Model":
        """The same model for MathOpt, without names and hint: for its incremental solvers."""
        from ortools.math_opt.python import mathopt

        return mathopt.Model.from_model_proto(self.to_proto())

    def to_proto(self) -> "ModelProto":
        """The same model in MathOpt's own form, ids in the order of columns and rows."""
        from ortools.math_opt import model_pb2

        num_rows, num_columns = self.matrix.shape
        matrix = self.matrix.sorted_indices()
        integer = np.zeros(num_columns, np.bool_) if self.integer is None else self.integer
        proto = model_pb2.ModelProto(name=self.name)
        proto.variables.ids.extend(range(num_columns))
        proto.variables.lower_bounds.extend(self.lower.tolist())
        proto.variables.upper_bounds.extend(self.upper.tolist())
        proto.variables.integers.extend(integer.tolist())
        proto.objective.maximize = self.maximize
        proto.objective.offset = self.offset
        weighted = np.flatnonzero(self.objective)
        proto.objective.linear_coefficients.ids.extend(weighted.tolist())
        proto.objective.linear_coefficients.values.extend(self.objective[weighted].tolist())
        proto.linear_constraints.ids.extend(range(num_rows))
        proto.linear_constraints.lower_bounds.extend(self.row_lower.tolist())
        proto.linear_constraints.upper_bounds.extend(self.row_upper.tolist())
        row_of_entry = np.repeat(np.arange(num_rows), np.diff(matrix.indptr))
        proto.linear_constraint_matrix.row_ids.extend(row_of_entry.tolist())
        proto.linear_constraint_matrix.column_ids.extend(matrix.indices.tolist())
        proto.linear_constraint_matrix.coefficients.extend(matrix.data.tolist())
        return proto


@dataclass(frozen=True)
class LinearResult:
    """What GLOP handed in.

    Attributes
    ----------
    status : Status
        OPTIMAL, INFEASIBLE, NO_SOLUTION if the time ran out, otherwise ERROR.
    values, duals : float arrays, shape (num_columns,) and (num_rows,), or None
        Of an optimum.
    objective : float
        NaN without one.
    message : str
        The solver's own words.
    """

    status: Status
    values: FloatArray | None
    duals: FloatArray | None
    objective: float
    message: str


def solve_linear(
    model: "ModelBuilderHelper", *, time_limit_s: float = math.inf, dual_simplex: bool = False
) -> LinearResult:
    """Solve a linear model, integrality left aside, with GLOP on one thread.

    Should GLOP fail, its other simplex is asked, without presolve.

    Parameters
    ----------
    model : ModelBuilderHelper
        From `LinearModel.to_ortools`.
    time_limit_s : float
        Wall-clock limit, > 0; ``math.inf`` for none.
    dual_simplex : bool
        Instead of the primal one.

    Returns
    -------
    LinearResult
    """
    started = time.monotonic()
    result = _run_glop(model, "use_dual_simplex: true" if dual_simplex else "", time_limit_s)
    left_s = time_limit_s - (time.monotonic() - started)
    if result.status is Status.ERROR and left_s > 0.0:
        other = f"use_dual_simplex: {str(not dual_simplex).lower()} use_preprocessing: false"
        return _run_glop(model, other, left_s)
    return result


def _run_glop(model: "ModelBuilderHelper", settings: str, time_limit_s: float) -> LinearResult:
    """One solve with GLOP; whatever it dies of is an ERROR."""
    from ortools.linear_solver.python import model_builder_helper

    solver = model_builder_helper.ModelSolverHelper("glop")
    if settings:
        solver.set_solver_specific_parameters(settings)
    if math.isfinite(time_limit_s):
        solver.set_time_limit_in_seconds(time_limit_s)
    try:
        solver.solve(model)
    except Exception as failure:  # of any kind: the other simplex may answer
        return LinearResult(Status.ERROR, None, None, math.nan, f"failed: {failure}")
    outcome = model_builder_helper.SolveStatus
    answer = solver.status() if solver.has_response() else None
    said = "nothing" if answer is None else f"{answer.name} {solver.status_string()}".rstrip()
    if answer == outcome.OPTIMAL:
        return LinearResult(
            Status.OPTIMAL,
            np.asarray(solver.variable_values(), dtype=np.float64),
            np.asarray(solver.dual_values(), dtype=np.float64),
            float(solver.objective_value()),
            said,
        )
    unfinished = (outcome.FEASIBLE, outcome.NOT_SOLVED, outcome.UNKNOWN_STATUS)
    status = Status.ERROR
    if answer == outcome.INFEASIBLE:
        status = Status.INFEASIBLE
    elif answer in unfinished:
        status = Status.NO_SOLUTION
    return LinearResult(status, None, None, math.nan, said)
