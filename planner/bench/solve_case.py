"""One instance, one solver, one process.

``python -m planner.bench.solve_case REQUEST REPLY READY`` is started by `planner.bench.run`.

The clock starts once libraries are loaded and compiled, which is announced by the file READY.
Solvers print what they like; the result goes to the file REPLY.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from planner.arrays import FloatArray, Lists
from planner.bench.case import BenchCase
from planner.bench.cases import bench_cases
from planner.bench.coverage_cases import CasePoints, case_points
from planner.bench.location_cases import (
    solve_facility_case,
    solve_p_median_by_spopt,
    solve_p_median_case,
    solve_set_cover_case,
    warm_up_facility,
    warm_up_p_median,
    warm_up_set_cover,
)
from planner.bench.refuelling_cases import solve_refuelling_case, warm_up_refuelling
from planner.geodesy import chord_to_arc_km
from planner.location.points import within_distance
from planner.models.coverage.plain import PLAIN_SOLVERS, load_plain_solvers, solve_plain
from planner.models.coverage.problem import CoverageProblem
from planner.models.coverage.solve import solve_coverage
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules
from planner.solving.status import Sense, Status, gap_frac

OWN: dict[str, tuple[Callable[[], None], Callable[..., dict[str, Any]], Sense]] = {
    "p-median": (warm_up_p_median, solve_p_median_case, "min"),
    "facility-location": (warm_up_facility, solve_facility_case, "min"),
    "set-cover": (warm_up_set_cover, solve_set_cover_case, "min"),
    "flow-refuelling": (warm_up_refuelling, solve_refuelling_case, "max"),
}
"""How the planner solves benchmarks other than covering."""
LEAST_SOLVE_S = 1.0
"""Left to the solver even if reading and building took all the time there was."""


def peak_memory_mb(pid: int | None = None) -> float | None:
    """Peak resident memory of a running process, of this one by default [MB of 2^20 bytes].

    A child's high-water mark in `resource.getrusage` may be its parent's, taken at the fork; the
    kernel's own figure is not. None where there is no /proc and the process is another one.
    """
    status = Path("/proc", str(pid or "self"), "status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    if pid is not None:
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _problem(case: BenchCase, points: CasePoints) -> CoverageProblem:
    reach_ptr, reach_zone_idx = within_distance(points.zones, points.sites, case.reach_km)
    rules = SiteRules.free(len(points.sites), case.num_stations)
    return CoverageProblem(points.value, Lists(reach_ptr, reach_zone_idx), rules)


def _warm_up() -> None:
    """Solve the least problem that takes every step, so that compiled code is in memory."""
    corners = [[0, 1, 2], [0, 3, 4], [1, 3, 5], [2, 4, 5]]  # of a tetrahedron; zones are its edges
    tiny = CoverageProblem(np.ones(6), Lists.of(corners), SiteRules.free(4, most=2))
    solve_coverage(tiny, SolveOptions(gap_frac=0.0))


def _by_planner(case: BenchCase, gap: float, time_limit_s: float, seed: int) -> dict[str, Any]:
    started = time.perf_counter()
    problem = _problem(case, case_points(case))
    build_s = time.perf_counter() - started
    options = SolveOptions(
        gap_frac=gap, time_limit_s=max(time_limit_s - build_s, LEAST_SOLVE_S), seed=seed
    )
    solution = solve_coverage(problem, options)
    return {
        "status": solution.proof.status,
        "value": solution.proof.objective,
        "bound": solution.proof.bound,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }


def _by_plain_mip(case: BenchCase, solver: Any, gap: float, time_limit_s: float) -> dict[str, Any]:
    started = time.perf_counter()
    problem = _problem(case, case_points(case))
    reach_s = time.perf_counter() - started
    result = solve_plain(
        problem, solver, gap_frac=gap, time_limit_s=max(time_limit_s - reach_s, LEAST_SOLVE_S)
    )
    return {
        "status": result.status,
        "value": result.objective,
        "bound": result.bound,
        "build_s": reach_s + result.build_s,
        "wall_s": time.perf_counter() - started,
    }


def _distance_matrix(points: CasePoints) -> FloatArray:
    """Distance of every site from every zone, as spopt wants it, shape (zones, sites) [km]."""
    straight_km = cdist(points.zones.xyz_km(), points.sites.xyz_km())
    return straight_km if points.zones.plane else chord_to_arc_km(straight_km)


def _by_spopt(case: BenchCase, solver: str, gap: float, time_limit_s: float) -> dict[str, Any]:
    import pulp
    from spopt.locate import MCLP

    started = time.perf_counter()
    points = case_points(case)
    model = MCLP.from_cost_matrix(
        _distance_matrix(points), points.value, case.reach_km, p_facilities=case.num_stations
    )
    build_s = time.perf_counter() - started
    make = pulp.HiGHS if solver == "spopt_highs" else pulp.PULP_CBC_CMD
    limit_s = max(time_limit_s - build_s, LEAST_SOLVE_S)
    model.problem.solve(make(msg=False, gapRel=gap, timeLimit=limit_s, threads=1))
    proven = model.problem.sol_status == pulp.LpSolutionOptimal
    found = model.problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)
    value = pulp.value(model.problem.objective) if found else None
    return {
        "status": Status.OPTIMAL if proven else Status.FEASIBLE if found else Status.NO_SOLUTION,
        "value": value,
        # PuLP hands no bound on: what the solver must have proven when it says it is done.
        "bound": value * (1.0 + gap) if proven and value is not None else None,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }


def main(request_file: str, reply_file: str, ready_file: str) -> None:
    """Solve what the request names, and write the reply."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    folder = Path(request["folder"]) if request["folder"] else None
    case = next(
        case for case in bench_cases(request["bench"], folder)
        if case.instance == request["instance"]
    )  # fmt: skip
    solver, gap, limit_s = request["solver"], request["gap_frac"], request["time_limit_s"]
    warm_up, solve, sense = OWN.get(case.bench, (_warm_up, _by_planner, "max"))
    if solver == "planner":
        warm_up()
    elif solver in PLAIN_SOLVERS:
        load_plain_solvers()
    else:
        import spopt.locate  # noqa: F401
    Path(ready_file).touch()
    if solver == "planner":
        reply = solve(case, gap, limit_s, request["seed"])
    elif solver in PLAIN_SOLVERS:
        reply = _by_plain_mip(case, solver, gap, limit_s)
    else:
        solve_by_spopt = solve_p_median_by_spopt if case.bench == "p-median" else _by_spopt
        reply = solve_by_spopt(case, solver, gap, limit_s)
    reply["gap_frac"] = gap_frac(reply["value"], reply["bound"], sense=sense)
    reply["peak_rss_mb"] = peak_memory_mb()
    Path(reply_file).write_text(json.dumps(reply), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
