"""Instances of the flow-refuelling benchmark, and what the planner makes of them."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from planner.bench.case import BenchCase
from planner.bench.refuelling import RefuellingNetwork, flow_problem, read_network, read_optima
from planner.errors import Fault, InputError
from planner.models.refuelling.solve import solve_flow_refuelling
from planner.solving.options import SolveOptions

OPTIMA = "computed_optima.csv"
FOLDER = Path("flow_refuelling")
"""Where its files lie when the folder given holds those of several benchmarks."""
LEAST_SOLVE_S = 1.0
"""Left to the solver even if reading and building took all the time there was."""


def refuelling_cases(folder: Path | None) -> tuple[BenchCase, ...]:
    """Instances in the order of the file of optima.

    Raises
    ------
    InputError
        If the folder or a file is missing, or a file cannot be understood.
    """
    if folder is None or not folder.is_dir():
        remedy = f"a folder with {OPTIMA} and the networks it names (docs/benchmarks.md)"
        raise InputError([Fault(str(folder or "--instances"), None, "", "no such folder", remedy)])
    if not (folder / OPTIMA).exists() and (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    known = read_optima(folder / OPTIMA)
    faults: list[Fault] = []
    for network in dict.fromkeys(row.network for row in known):
        try:
            read_network(folder, network)
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(faults, source=str(folder))
    return tuple(
        BenchCase(
            "flow-refuelling",
            f"{row.network}-r{row.vehicle_range:g}-p{row.num_stations}",
            row.num_stations,
            row.vehicle_range,
            row.covered_flow,
            folder,
            network=row.network,
        )
        for row in known
    )


def warm_up_refuelling() -> None:
    """Refuel a road of four nodes, so that compiled code is in memory."""
    road = RefuellingNetwork(
        np.ones(4), np.array([0, 1, 2, 1, 2, 3]), np.array([1, 2, 3, 0, 1, 2]), np.ones(6)
    )
    solve_flow_refuelling(flow_problem(road, 2.0, 1), SolveOptions(gap_frac=0.0))


def solve_refuelling_case(
    case: BenchCase, gap: float, time_limit_s: float, seed: int
) -> dict[str, Any]:
    """Value, bound and seconds of the planner on one instance."""
    started = time.perf_counter()
    if case.file is None:
        raise ValueError("a refuelling case names the folder of its network")
    network = read_network(case.file, case.network)
    problem = flow_problem(network, case.reach_km, case.num_stations)
    build_s = time.perf_counter() - started
    options = SolveOptions(
        gap_frac=gap, time_limit_s=max(time_limit_s - build_s, LEAST_SOLVE_S), seed=seed
    )
    solution = solve_flow_refuelling(problem, options)
    return {
        "status": solution.proof.status,
        "value": solution.proof.objective,
        "bound": solution.proof.bound,
        "build_s": build_s,
        "wall_s": time.perf_counter() - started,
    }
