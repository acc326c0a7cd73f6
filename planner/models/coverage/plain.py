"""Plain covering models on general solvers: what `planner bench` measures the planner against.

Nothing here is used for planning. The model is the textbook one, a variable per site and per zone,
without presolve of ours; it is handed to OR-Tools as arrays, so that building it costs next to
nothing.
"""

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.models.coverage.problem import CoverageProblem
from planner.solving.linear_model import LinearModel
from planner.solving.status import Status

PlainSolver = Literal["highs", "gscip", "cp_sat"]
PLAIN_SOLVERS: tuple[PlainSolver, ...] = ("highs", "gscip", "cp_sat")


@dataclass(frozen=True)
class PlainResult:
    """What a solver made of a plain model.

    Attributes
    ----------
    status : Status
        OPTIMAL means within the gap asked for, as the solver sees it.
    objective, bound : float or None
        Best plan and proven bound; None where there is none.
    build_s, solve_s : float
        Seconds for writing the model and for solving it.
    """

    status: Status
    objective: float | None
    bound: float | None
    build_s: float
    solve_s: float


def load_plain_solvers() -> None:
    """Load the solvers' library ahead of time, so that a clock may start after it."""
    from ortools.math_opt.python import mathopt  # noqa: F401


def plain_coverage_model(problem: CoverageProblem) -> LinearModel:
    """Equations (1) to (3) of `planner.models.coverage.solve`, one row per zone.

    Parameters
    ----------
    problem : CoverageProblem

    Returns
    -------
    LinearModel
        Columns y_0.. (binary), then x_0.. (in [0, 1]); the budget is row ``num_zones``.
    """
    import scipy.sparse

    num_sites, num_zones, rules = problem.num_sites, problem.num_zones, problem.rules
    num_columns, reach = num_sites + num_zones, problem.reach
    zone, site = np.arange(num_zones), np.arange(num_sites)
    row = np.r_[reach.idx, zone, np.full(num_sites, num_zones)]
    column = np.r_[reach.owner, num_sites + zone, site]
    coefficient = np.r_[np.full(reach.num_entries, -1.0), np.ones(num_zones + num_sites)]
    return LinearModel(
        name="coverage",
        matrix=scipy.sparse.csr_matrix(
            (coefficient, (row, column)), shape=(num_zones + 1, num_columns)
        ),
        row_lower=np.full(num_zones + 1, -np.inf),
        row_upper=np.r_[np.zeros(num_zones), float(rules.most)],
        lower=np.r_[rules.forced.astype(np.float64), np.zeros(num_zones)],
        upper=np.r_[1.0 - rules.forbidden, np.ones(num_zones)],
        objective=np.r_[np.zeros(num_sites), problem.value],
        maximize=True,
        integer=np.arange(num_columns) < num_sites,
    )


def solve_plain(
    problem: CoverageProblem,
    solver: PlainSolver,
    *,
    gap_frac: float,
    time_limit_s: float,
) -> PlainResult:
    """Solve the plain model on one thread until a relative gap or a limit.

    Parameters
    ----------
    problem : CoverageProblem
    solver : {"highs", "gscip", "cp_sat"}
        CP-SAT works on the linear relaxation as hard as it can: its worker ``max_lp``.
    gap_frac : float
        Relative gap at which the solver may stop.
    time_limit_s : float
        Soft: solvers overrun it.

    Returns
    -------
    PlainResult
    """
    from datetime import timedelta

    from ortools.math_opt.python import mathopt

    started = time.perf_counter()
    model = plain_coverage_model(problem).to_mathopt()
    build_s = time.perf_counter() - started
    parameters = mathopt.SolveParameters(
        relative_gap_tolerance=gap_frac,
        time_limit=timedelta(seconds=max(time_limit_s - build_s, 1.0)),
    )
    if solver != "highs":  # which works on one thread, but rejects the parameter
        parameters.threads = 1
    if solver == "cp_sat":
        # As the worker max_lp of CP-SAT's portfolio (ortools/sat/cp_model_search.cc).
        parameters.cp_sat.linearization_level = 2
        parameters.cp_sat.max_num_cuts = 10_000_000
    solver_type = {
        "highs": mathopt.SolverType.HIGHS,
        "gscip": mathopt.SolverType.GSCIP,
        "cp_sat": mathopt.SolverType.CP_SAT,
    }[solver]
    started = time.perf_counter()
    result = mathopt.solve(model, solver_type, params=parameters)
    solve_s = time.perf_counter() - started
    found = result.has_primal_feasible_solution()
    reason = mathopt.TerminationReason
    status = {
        reason.OPTIMAL: Status.OPTIMAL,
        reason.FEASIBLE: Status.FEASIBLE,
        reason.INFEASIBLE: Status.INFEASIBLE,
        reason.NO_SOLUTION_FOUND: Status.NO_SOLUTION,
    }.get(result.termination.reason, Status.ERROR)
    bound = result.best_objective_bound()
    return PlainResult(
        status=status,
        objective=result.objective_value() if found else None,
        bound=bound if np.isfinite(bound) else None,
        build_s=build_s,
        solve_s=solve_s,
    )
