"""Instances of the location benchmarks of least cost, and what planner and spopt make of them."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from planner.arrays import FloatArray, Lists
from planner.bench.case import BenchCase
from planner.bench.coverage_cases import case_points, maximo_cases
from planner.bench.location_files import (
    read_graph_distances,
    read_known_values,
    read_tsp_distances,
    read_warehouses,
)
from planner.errors import Fault, InputError
from planner.location.points import within_distance
from planner.models.facility_location.problem import FacilityLocationProblem
from planner.models.facility_location.solve import solve_facility_location
from planner.models.p_median.problem import PairDistances, PMedianProblem, PointDistances
from planner.models.p_median.solve import solve_p_median
from planner.models.set_cover.problem import SetCoverProblem
from planner.models.set_cover.solve import solve_set_cover
from planner.solving.options import SolveOptions
from planner.solving.rules import SiteRules
from planner.solving.status import Status

LEAST_SOLVE_S = 1.0
"""Left to the solver even if reading took all the time there was."""
P_MEDIAN_FOLDERS = (Path("."), Path("p_median", "orlib"), Path("p_median", "tsplib"))
"""Where the files lie: in the folder given, or below that of all benchmarks."""
FACILITY_FOLDER = Path("facility_location", "orlib")


def p_median_cases(folder: Path | None) -> tuple[BenchCase, ...]:
    """OR-Library's graphs and TSPLIB's points, one case per number of stations.

    Raises
    ------
    InputError
        If the folder, its list or a file is missing.
    """
    found = [
        folder / inner for inner in P_MEDIAN_FOLDERS
        if folder is not None and (folder / inner / "best_known.csv").exists()
    ]  # fmt: skip
    if not found:
        remedy = "a folder with best_known.csv and the files it names (docs/benchmarks.md)"
        raise InputError([Fault(str(folder or "--instances"), None, "", "not found", remedy)])
    cases = []
    for place in found:
        for row in read_known_values(place / "best_known.csv", ("opt", "opt_or_bkn")):
            points = place / f"{row.instance}.tsp"
            file = points if points.exists() else place / f"{row.instance}.txt"
            if not file.exists():
                remedy = "no such file; docs/benchmarks.md tells where to get it"
                raise InputError([Fault(str(file), None, "", "", remedy)])
            name = f"{row.instance}-p{row.num_stations}"
            cases.append(BenchCase("p-median", name, row.num_stations, 0.0, row.best_known, file))
    return tuple(cases)


def facility_cases(folder: Path | None) -> tuple[BenchCase, ...]:
    """OR-Library's warehouses; the four capacities of capa, capb and capc are cases of their own.

    Raises
    ------
    InputError
        If the folder, its list or a file is missing or cut short.
    """
    places = [
        folder / inner for inner in (Path("."), FACILITY_FOLDER)
        if folder is not None and (folder / inner / "best_known.csv").exists()
    ]  # fmt: skip
    if not places:
        remedy = "a folder with best_known.csv and the files it names (docs/benchmarks.md)"
        raise InputError([Fault(str(folder or "--instances"), None, "", "not found", remedy)])
    cases = []
    for row in read_known_values(places[0] / "best_known.csv", ("opt_cflp", "opt")):
        file = places[0] / f"{row.instance.partition('_')[0]}.txt"
        read_warehouses(file, row.capacity)
        cases.append(
            BenchCase(
                bench="facility-location",
                instance=row.instance,
                num_stations=0,
                reach_km=0.0,
                published=row.best_known,
                file=file,
                capacity=row.capacity,
            )
        )
    return tuple(cases)


def _every_pair(num_zones: int, num_sites: int) -> Lists:
    sites = np.tile(np.arange(num_sites, dtype=np.int32), num_zones)
    return Lists(np.arange(num_zones + 1) * num_sites, sites)


def _warehouses(case: BenchCase) -> FacilityLocationProblem:
    """Costs in the file are those of a zone's whole demand."""
    assert case.file is not None
    read = read_warehouses(case.file, case.capacity)
    num_zones, num_sites = read.cost.shape
    demand = np.where(read.demand > 0.0, read.demand, 1.0)
    return FacilityLocationProblem(
        demand=read.demand,
        sites=_every_pair(num_zones, num_sites),
        unit_cost=(read.cost / demand[:, None]).ravel(),
        capacity=read.capacity[:, None],
        rules=replace(SiteRules.free(num_sites), cost=read.fixed_cost[:, None]),
    )


def warm_up_facility() -> None:
    """Solve a problem that takes every step, so that compiled code is in memory."""
    rng = np.random.default_rng(0)
    num_zones, num_sites = 80, 40
    problem = FacilityLocationProblem(
        demand=rng.uniform(1.0, 9.0, num_zones),
        sites=_every_pair(num_zones, num_sites),
        unit_cost=rng.uniform(0.0, 9.0, num_zones * num_sites),
        capacity=np.full((num_sites, 1), 60.0),
        rules=replace(SiteRules.free(num_sites), cost=np.full((num_sites, 1), 90.0)),
    )
    solve_facility_location(problem, SolveOptions(gap_frac=0.1))


def solve_facility_case(
    case: BenchCase, gap: float, time_limit_s: float, seed: int
) -> dict[str, Any]:
    """Read one instance and solve it."""
    started = time.perf_counter()
    problem = _warehouses(case)
    build_s = time.perf_counter() - started
    limit_s = max(time_limit_s - build_s, LEAST_SOLVE_S)
    solution = solve_facility_location(
        problem, SolveOptions(gap_frac=gap, time_limit_s=limit_s, seed=seed)
    )
    return {
        "status": solution.proof.status,
        "value": solution.proof.objective,
        "bound": solution.proof.bound,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }


def set_cover_cases(folder: Path | None) -> tuple[BenchCase, ...]:
    """The census blocks of ``coverage-maximo``: as few stations as cover every block."""
    found = {
        (case.file, case.reach_km): replace(
            case, bench="set-cover", instance=case.instance.rpartition("-p")[0], num_stations=0,
            published=None,
        )
        for case in maximo_cases(folder)
    }  # fmt: skip
    return tuple(found.values())


def warm_up_set_cover() -> None:
    """Solve small problems that take every step, so that compiled code is in memory."""
    rng = np.random.default_rng(0)
    places = rng.uniform(0.0, 99.0, (300, 2))
    pair_site, pair_zone = np.nonzero(cdist(places[:90], places) < 20.0)
    problem = SetCoverProblem(
        value=np.ones(300),
        need=np.isin(np.arange(300), pair_zone).astype(np.int64),
        reach=Lists.by_owner(pair_site, pair_zone.astype(np.int32), 90),
        rules=replace(SiteRules.free(90), cost=rng.uniform(1.0, 2.0, 90)),
        min_share=1.0,
    )
    for share in (1.0, 0.8):
        solve_set_cover(replace(problem, min_share=share), SolveOptions())


def solve_set_cover_case(
    case: BenchCase, gap: float, time_limit_s: float, seed: int
) -> dict[str, Any]:
    """Read one instance and solve it."""
    started = time.perf_counter()
    points = case_points(case)
    reach_ptr, reach_zone_idx = within_distance(points.zones, points.sites, case.reach_km)
    num_zones, num_sites = len(points.zones), len(points.sites)
    problem = SetCoverProblem(
        value=points.value,
        need=np.ones(num_zones, dtype=np.int64),
        reach=Lists(reach_ptr, reach_zone_idx),
        rules=replace(SiteRules.free(num_sites), cost=np.ones(num_sites)),
        min_share=1.0,
    )
    build_s = time.perf_counter() - started
    limit_s = max(time_limit_s - build_s, LEAST_SOLVE_S)
    solution = solve_set_cover(problem, SolveOptions(gap, limit_s, seed))
    return {
        "status": solution.proof.status,
        "value": solution.proof.objective,
        "bound": solution.proof.bound,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }


def _distances(case: BenchCase) -> PairDistances | PointDistances:
    assert case.file is not None
    if case.file.suffix == ".tsp":
        return read_tsp_distances(case.file)
    return read_graph_distances(case.file)


def _problem(distances: PairDistances | PointDistances, num_stations: int) -> PMedianProblem:
    return PMedianProblem(
        weight=np.ones(distances.num_zones),
        distances=distances,
        rules=SiteRules.free(distances.num_sites, num_stations),
    )


def warm_up_p_median() -> None:
    """Solve small problems that take every step, so that compiled code is in memory."""
    places = np.random.default_rng(0).uniform(0.0, 99.0, (60, 2))
    points = PointDistances(places, places, whole=True)
    table = cdist(places, places)
    pairs = PairDistances(_every_pair(60, 60), table.ravel(), 200.0, 60)
    for distances in (points, pairs):
        solve_p_median(_problem(distances, 7), SolveOptions(gap_frac=0.0))


def solve_p_median_case(
    case: BenchCase, gap: float, time_limit_s: float, seed: int
) -> dict[str, Any]:
    """Read one instance and solve it."""
    started = time.perf_counter()
    problem = _problem(_distances(case), case.num_stations)
    build_s = time.perf_counter() - started
    limit_s = max(time_limit_s - build_s, LEAST_SOLVE_S)
    solution = solve_p_median(problem, SolveOptions(gap_frac=gap, time_limit_s=limit_s, seed=seed))
    return {
        "status": solution.proof.status,
        "value": solution.proof.objective,
        "bound": solution.proof.bound,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }


def _matrix(distances: PairDistances | PointDistances) -> FloatArray:
    """All distances, as spopt wants them, shape (zones, sites)."""
    if isinstance(distances, PairDistances):
        return distances.distance.reshape(distances.num_zones, distances.num_sites)
    return np.floor(cdist(distances.zone_xyz, distances.site_xyz))


def solve_p_median_by_spopt(
    case: BenchCase, solver: str, gap: float, time_limit_s: float
) -> dict[str, Any]:
    """The same instance by spopt's `PMedian`, with CBC or HiGHS."""
    import pulp
    from spopt.locate import PMedian

    started = time.perf_counter()
    matrix = _matrix(_distances(case))
    model = PMedian.from_cost_matrix(matrix, np.ones(len(matrix)), p_facilities=case.num_stations)
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
        "bound": value / (1.0 + gap) if proven and value is not None else None,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }
