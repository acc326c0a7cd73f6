"""Run CP-SAT on a model of set covering under limits that hold from outside.

Its worker ``max_lp`` keeps the linear relaxation at hand; the default portfolio on few threads does
not, and its bounds stay trivial.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.arrays import IntArray
from planner.solving.compiling import work_s
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import Status

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel

DETERMINISTIC_TIME = 600.0
"""Limit of CP-SAT's own clock in deterministic mode."""
POLL_S, GRACE_S = 0.05, 2.0


@dataclass(frozen=True)
class CpSatResult:
    """What CP-SAT handed in.

    Attributes
    ----------
    status : Status
        NO_SOLUTION also when the solver was left behind, ERROR if it failed.
    levels : int array or None
        All variables in the best solution.
    bound : float
        No solution costs less, in the model's whole numbers; 0 if nothing is proven.
    """

    status: Status
    levels: IntArray | None
    bound: float


def run_cp_sat(
    model: "CpModel",
    options: SolveOptions,
    *,
    time_limit_s: float,
    work_share: float,
    stop: StopRequest | None,
) -> CpSatResult:
    """Minimize a model whose objective is never negative.

    Parameters
    ----------
    model : CpModel
    options : SolveOptions
        Seed, workers, and whether to be deterministic.
    time_limit_s : float
        Wall-clock limit; not used in deterministic mode.
    work_share : float
        Share of `DETERMINISTIC_TIME` that deterministic mode may use.
    stop : StopRequest, optional
        Polled while the solver runs.

    Returns
    -------
    CpSatResult
    """
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = 1 if options.deterministic else options.workers
    parameters.subsolvers.append("max_lp")
    parameters.random_seed = options.seed
    # Without this CP-SAT 9.15 reports too dear a plan as optimal on some partial covers of several
    # stations a zone (dual reductions of its presolve).
    parameters.keep_all_feasible_solutions_in_presolve = True
    if options.deterministic:
        parameters.max_deterministic_time = work_share * DETERMINISTIC_TIME
    else:
        parameters.max_time_in_seconds = max(time_limit_s, 1e-3)
    answers: list[Any] = []

    def work() -> None:
        with suppress(Exception):  # whatever CP-SAT dies of: no answer
            answers.append(solver.solve(model))

    # A thread of its own, so that a stop request and the clock are heard.
    worker = threading.Thread(target=work, daemon=True, name="cp-sat")
    started = work_s()
    worker.start()
    while worker.is_alive():
        worker.join(POLL_S)
        elapsed_s = work_s() - started
        late = not options.deterministic and elapsed_s > time_limit_s + GRACE_S
        if worker.is_alive() and (late or (stop is not None and stop.is_set())):
            solver.stop_search()
            worker.join(GRACE_S)
            break
    if not answers:
        return CpSatResult(Status.NO_SOLUTION if worker.is_alive() else Status.ERROR, None, 0.0)
    status = {
        cp_model.OPTIMAL: Status.OPTIMAL,
        cp_model.FEASIBLE: Status.FEASIBLE,
        cp_model.INFEASIBLE: Status.INFEASIBLE,
        cp_model.UNKNOWN: Status.NO_SOLUTION,
    }.get(answers[0], Status.ERROR)
    if status is Status.ERROR:
        return CpSatResult(status, None, 0.0)
    levels = None
    if status in (Status.OPTIMAL, Status.FEASIBLE):
        levels = np.array(list(solver.response_proto.solution), dtype=np.int64)
    return CpSatResult(status, levels, max(solver.best_objective_bound, 0.0))
