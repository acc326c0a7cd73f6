"""One linear program under ever other bounds, in GLOP, which goes on from its last basis.

Takes a model and changed bounds, gives optima; leaves out which bounds to try. Speaks to MathOpt in
its own messages: objects for each column and row would take twice as long as GLOP's few steps.
"""

import math
import time
from dataclasses import replace
from typing import Any

from planner.arrays import FloatArray, IntArray
from planner.solving.linear_basis import LinearBasis
from planner.solving.linear_messages import dual_simplex, optimum_of, starting_at
from planner.solving.linear_model import LinearModel, LinearResult, solve_linear
from planner.solving.status import Status


class BoundedLinear:
    """A linear model that is solved again as upper bounds and lower ends of rows change.

    Other bounds leave a basis dual feasible: the dual simplex goes on from it, after the first time
    without presolve, which would shrink each program to another one.

    Parameters
    ----------
    model : LinearModel
        Integrality is left aside.
    start : LinearBasis, optional
        Where the first solve starts; counts where it fits.
    """

    def __init__(self, model: LinearModel, start: LinearBasis | None = None) -> None:
        from ortools.math_opt import model_update_pb2

        self.model = model
        self._basis = start if start is not None and start.fits(model) else None
        self._upper, self._row_lower = model.upper.copy(), model.row_lower.copy()
        self._update = model_update_pb2.ModelUpdateProto()
        self._solver: Any = None
        self._goes_on = False  # GLOP has the last basis of the program as it is, without presolve

    def bound(self, columns: IntArray, upper: FloatArray) -> None:
        """Set the upper bounds of columns, each named once; both of shape (num_changed,)."""
        _enter(self._upper, columns, upper, self._update.variable_updates.upper_bounds)

    def bound_rows(self, rows: IntArray, lower: FloatArray) -> None:
        """Set the lower ends of rows, each named once; both of shape (num_changed,)."""
        _enter(
            self._row_lower, rows, lower, self._update.linear_constraint_updates.lower_bounds
        )  # fmt: skip

    def solve(self, *, time_limit_s: float = math.inf) -> tuple[LinearResult, LinearBasis | None]:
        """Solve with the bounds as they are now.

        Parameters
        ----------
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
        try:
            found = self._run(time_limit_s)
        except Exception:  # of any kind: GLOP without a start may answer
            self._solver = found = None
        answer = None if found is None else optimum_of(found, *self.model.matrix.shape)
        if answer is not None:
            self._basis = answer[1]
            return answer
        left_s = time_limit_s - (time.monotonic() - started)
        if left_s <= 0.0:
            return LinearResult(Status.NO_SOLUTION, None, None, math.nan, "time limit"), None
        return solve_linear(self._now().to_ortools(), time_limit_s=left_s, dual_simplex=True), None

    def _now(self) -> LinearModel:
        return replace(self.model, upper=self._upper, row_lower=self._row_lower)

    def _run(self, time_limit_s: float) -> Any:
        """MathOpt's answer; the solver is made at the first call, and with it the start counts."""
        from ortools.math_opt import callback_pb2, model_update_pb2, parameters_pb2
        from ortools.math_opt.core.python import solver

        is_first = self._solver is None
        update, self._update = self._update, model_update_pb2.ModelUpdateProto()
        if self._solver is None or not self._solver.update(update):
            self._solver = solver.new(
                parameters_pb2.SOLVER_TYPE_GLOP,
                self._now().to_proto(),
                parameters_pb2.SolverInitializerProto(),
            )
            self._goes_on = False
        given = starting_at(None if self._goes_on else self._basis)
        self._goes_on = not is_first
        return self._solver.solve(
            dual_simplex(time_limit_s, presolve=is_first), given, None,
            callback_pb2.CallbackRegistrationProto(), None, None,
        )  # fmt: skip


def _enter(now: FloatArray, positions: IntArray, values: FloatArray, message: Any) -> None:
    """Take values over, those that are new also into a message of what has changed since."""
    is_new = now[positions] != values
    if not is_new.any():
        return
    now[positions] = values
    known = dict(zip(message.ids, message.values, strict=True))
    known |= zip(positions[is_new].tolist(), values[is_new].tolist(), strict=True)
    del message.ids[:], message.values[:]
    message.ids.extend(sorted(known))
    message.values.extend(known[position] for position in sorted(known))
