"""Run a mixed-integer model on SCIP under limits that hold from outside, and outlive its failures.

OR-Tools' limits are soft (a 60 s limit has run 90 s) and its interrupt does not reach SCIP, so the
solver runs in a daemon thread (it releases the interpreter lock) that is left behind when the
caller wants to go on. What it finds after that is not looked at. A solver that fails, by numerical
trouble or an exception, is asked again with cautious settings; then the status is ERROR: no plan,
no bound, and its own words for the caller to tell.
"""

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from planner.arrays import FloatArray
from planner.solving.progress import StopRequest
from planner.solving.status import Status

if TYPE_CHECKING:
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper

FEASIBILITY_TOLERANCE = 1e-9
"""So that covered value does not seep through (1) in amounts that show in the objective."""
CAUTIOUS: dict[str, float] = {"presolving/maxrounds": 0, "separating/maxrounds": 0}
"""Further settings for a model that SCIP failed on: presolve and cuts make most of its trouble."""
PROVING: dict[str, float] = {
    "presolving/maxrestarts": 0,
    "separating/maxroundsroot": 5,
    "separating/maxrounds": 0,
    "heuristics/alns/freq": -1,
    "heuristics/crossover/freq": -1,
    "heuristics/rins/freq": -1,
    "heuristics/rens/freq": -1,
    "heuristics/feaspump/freq": -1,
    "heuristics/adaptivediving/freq": -1,
    "heuristics/guideddiving/freq": -1,
}
"""Further settings for a model whose hint is as good as optimal, so that the bound alone is sought:
a fifth of the seconds on what reduced costs leave of a city's covering, mostly without restarts."""
POLL_S = 0.05
GRACE_S = 2.0
"""How long after its soft limit a solver may still hand in what it has."""


@dataclass(frozen=True)
class MipResult:
    """What the solver handed in.

    Attributes
    ----------
    status : Status
        OPTIMAL only if the solver proved it within its tolerances; NO_SOLUTION also when the
        solver was left behind; ERROR if it failed.
    values : float array, shape (num_variables,), or None
        Best solution.
    bound : float
        Proven bound of the objective; infinite if none.
    message : str
        The solver's own words.
    """

    status: Status
    values: FloatArray | None
    bound: float
    message: str


def solve_mip(
    model: "ModelBuilderHelper",
    *,
    time_limit_s: float = math.inf,
    node_limit: int | None = None,
    seed: int = 0,
    stop: StopRequest | None = None,
    proving: bool = False,
) -> MipResult:
    """Maximize a model with SCIP on one thread.

    Parameters
    ----------
    model : ModelBuilderHelper
        Model of ``ortools.linear_solver.python``; a hint, if any, covers every variable (SCIP
        drops partial ones).
    time_limit_s : float
        Wall-clock limit, > 0; ``math.inf`` for none.
    node_limit : int, optional
        Limit on branch-and-bound nodes: the one that keeps runs reproducible.
    seed : int
        Seed of SCIP's permutations.
    stop : StopRequest, optional
        Polled while the solver runs.
    proving : bool
        Whether the hint is as good as optimal, so that the work goes into the bound.

    Returns
    -------
    MipResult
    """
    settings: dict[str, float] = {
        "limits/gap": 0.0,
        "numerics/feastol": FEASIBILITY_TOLERANCE,
        "randomization/randomseedshift": seed,
    } | (PROVING if proving else {})
    if node_limit is not None:
        settings["limits/nodes"] = node_limit
    started = time.monotonic()
    result = _run(model, settings, time_limit_s, stop)
    left_s = time_limit_s - (time.monotonic() - started)
    if result.status is Status.ERROR and left_s > 0.0:
        again = _run(model, settings | CAUTIOUS, left_s, stop)
        result = replace(again, message=f"{again.message} (before: {result.message})")
    return result


def _run(
    model: "ModelBuilderHelper",
    settings: dict[str, float],
    time_limit_s: float,
    stop: StopRequest | None,
) -> MipResult:
    """One solve with SCIP; whatever it dies of is an ERROR."""
    from ortools.linear_solver.python import model_builder_helper

    solver = model_builder_helper.ModelSolverHelper("scip")
    solver.set_solver_specific_parameters(
        "\n".join(f"{name} = {value}" for name, value in settings.items())
    )
    if math.isfinite(time_limit_s):
        solver.set_time_limit_in_seconds(time_limit_s)
    failures: list[Exception] = []

    def work() -> None:
        try:
            solver.solve(model)
        except Exception as failure:  # of any kind: another setting may answer
            failures.append(failure)

    worker = threading.Thread(target=work, daemon=True, name="scip")
    started = time.monotonic()
    worker.start()
    while worker.is_alive():
        worker.join(POLL_S)
        late = time.monotonic() - started > time_limit_s + GRACE_S
        if worker.is_alive() and (late or (stop is not None and stop.is_set())):
            reason = "time limit overrun" if late else "stopped"
            return MipResult(Status.NO_SOLUTION, None, math.inf, f"{reason}, solver left behind")
    outcome = model_builder_helper.SolveStatus
    if failures or not solver.has_response():
        failure = f"failed: {failures[0]}" if failures else "gave no answer"
        return _failure(f"SCIP {failure} (asked with {settings})")
    message = solver.status_string()
    status = {
        outcome.OPTIMAL: Status.OPTIMAL,
        outcome.FEASIBLE: Status.FEASIBLE,
        outcome.INFEASIBLE: Status.INFEASIBLE,
        outcome.NOT_SOLVED: Status.NO_SOLUTION,
        outcome.UNKNOWN_STATUS: Status.NO_SOLUTION,
    }.get(solver.status(), Status.ERROR)
    if status is Status.ERROR:
        return _failure(f"SCIP: {solver.status()} {message} (asked with {settings})")
    if not solver.has_solution():
        return MipResult(status, None, math.inf, message)
    values: FloatArray = np.asarray(solver.variable_values(), dtype=np.float64)
    if not np.isfinite(values).all():
        return _failure(f"SCIP: a solution with numbers that are not finite ({message})")
    return MipResult(status, values, solver.best_objective_bound(), message)


def _failure(message: str) -> MipResult:
    return MipResult(Status.ERROR, None, math.inf, message)
