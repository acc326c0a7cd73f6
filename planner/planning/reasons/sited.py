"""A siting question with its answer: what all reasons for stations are asked of.

Taken from a siting that was just made, or rebuilt from a run folder and the instance of the run.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from h3.api import basic_int

from planner.arrays import IntArray
from planner.errors import Fault, InputError
from planner.instance import Instance, is_in_database
from planner.models.allocation.solve import Allocation, allocate_zones
from planner.models.sized_coverage.problem import SizedCoverageProblem
from planner.network import Reach
from planner.physics.climate import city_climate
from planner.physics.fleet import FleetOperation, operate_fleet
from planner.planning.array_cache import ArrayCache
from planner.planning.joined_network import reach_on_network
from planner.planning.kept_instance import read_kept
from planner.planning.reasons.stored import (
    RUN_FILE,
    SCENARIO_FILE,
    capacity_of_table,
    packs_of_table,
)
from planner.planning.rounds import Fitted
from planner.planning.siting.answer import at_these_sites
from planner.planning.siting.problem import assemble_allocation, assemble_siting
from planner.planning.siting.question import Siting, SitingTask, ask_of
from planner.planning.siting.standing import station_types_by_size
from planner.planning.station_answer import served_swaps
from planner.plans.labels import positions_of
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest
from planner.solving.status import Status

PLACE_RESOLUTION = 7
"""Of the H3 cells that count as places: 5.2 km2 each, so that twins share one."""
SAME_FRAC = 1e-6
"""An objective recomputed from a run's files may differ by so much."""
_AGAIN = "plan the instance again with this version of planner"


@dataclass(frozen=True)
class Sited:
    """A siting question and its answer.

    Attributes
    ----------
    instance : Instance
    reach : Reach
        Of all sites.
    fleet : FleetOperation
    task : SitingTask
        The question that was asked last: packs and capacities of the last round are in its
        problem; what stations between cities take of national limits is taken off.
    siting : Siting
        Its answer. Types are given where they count in the objective or money is limited.
    allocation : Allocation
        Who serves whom in it; its ``type_idx`` holds the type of each station.
    place_of_site : int array, shape (num_sites,)
        H3 cell (resolution `PLACE_RESOLUTION`) that each site lies in.
    """

    instance: Instance
    reach: Reach
    fleet: FleetOperation
    task: SitingTask
    siting: Siting
    allocation: Allocation
    place_of_site: IntArray


def sited_of_plan(
    instance: Instance,
    reach: Reach,
    fleet: FleetOperation,
    fitted: Fitted,
    options: SolveOptions,
    stop: StopRequest | None = None,
) -> Sited:
    """What a finished siting was asked and answered.

    Parameters
    ----------
    instance, reach, fleet : Instance, Reach, FleetOperation
    fitted : Fitted
        The stations of the planning quarter.
    options : SolveOptions
        For what is asked further.
    stop : threading.Event or alike, optional
    """
    taken = [
        math.fsum(claim.use.get(name, 0.0) for claim in fitted.siting.claimed)
        for name in ("stations", "money")
    ]
    problem = _less(fitted.siting_problem, round(taken[0]), taken[1])
    task = SitingTask(instance, problem, reach, options, earlier=fitted.siting, stop=stop)
    types = fitted.allocation.type_idx.astype(np.int64) if _types_count(task) else None
    siting = replace(fitted.siting, type_idx=types, claimed=())
    return Sited(instance, reach, fleet, task, siting, fitted.allocation, place_of_sites(instance))


def sited_of_run(
    run: Path,
    instance_folder: Path | None = None,
    options: SolveOptions | None = None,
    stop: StopRequest | None = None,
    cache: ArrayCache | None = None,
) -> Sited:
    """Rebuild what a finished run's siting was asked and answered.

    Parameters
    ----------
    run : Path
        Folder that `planner run` left.
    instance_folder : Path, optional
        The run's instance, where it is no longer where it was.
    options : SolveOptions, optional
        For what is asked further; those of the run otherwise.
    stop : threading.Event or alike, optional
    cache : ArrayCache, optional
        Has tables, road graph and reach if the run, or another one of its tables, kept them.

    Returns
    -------
    Sited
        Without the search state of the run's solver; the objective recomputed is the run's.

    Raises
    ------
    InputError
        If the folder is no finished run of this version, its instance is gone, or any input file
        has changed since.
    """
    stated = _read_run(run)
    instance = _instance_of_run(run, stated, instance_folder, cache)
    fleet = operate_fleet(instance, city_climate(instance))
    _, reach = reach_on_network(instance, cache)
    assigned = packs_of_table(instance, _read_table(run, "siting_packs"))
    capacity = capacity_of_table(instance, _read_table(run, "siting_capacity"))
    problem = assemble_siting(instance, reach, fleet, assigned, capacity)
    if instance.scenario.corridors.funding == "national":
        between = pd.read_parquet(run / "layers" / "corridor_stations.parquet")
        problem = _less(problem, len(between), float(between["capex_cny"].sum()))
    open_site_idx, type_idx = _stations_of_run(run, instance)
    solver = instance.scenario.solver
    task = SitingTask(
        instance, problem, reach,
        options or SolveOptions(
            gap_frac=solver.gap_frac, time_limit_s=solver.time_limit_s, seed=solver.seed,
            workers=solver.workers, deterministic=solver.deterministic,
        ),
        stop=stop,
    )  # fmt: skip
    model = stated["models"]["siting"]
    bound = model["bound"]
    if bound is None:
        bound = math.inf if model["sense"] == "max" else -math.inf
    suffix = "_swaps_per_day"
    siting = Siting(
        sense=model["sense"],
        unit=model["unit"],
        status=Status(model["status"]),
        open_site_idx=open_site_idx,
        type_idx=type_idx if _types_count(task) else None,
        objective=float(model["objective"]),
        bound=float(bound),
        gap_frac=math.inf if model["gap_frac"] is None else float(model["gap_frac"]),
        prices=model["prices"],
        resource_price={
            name.removesuffix(suffix): price
            for name, price in model["prices"].items()
            if name.endswith(suffix)
        },
    )
    objective, allocation = allocate_at(task, open_site_idx, type_idx)
    # Where sizes cost nothing those of the run stand, as they were reported.
    allocation = replace(allocation, type_idx=type_idx.astype(np.int32))
    if instance.scenario.corridors.funding != "national":  # else trips count, too
        _check_objective(run, siting.objective, objective)
    return Sited(instance, reach, fleet, task, siting, allocation, place_of_sites(instance))


def place_of_sites(instance: Instance) -> IntArray:
    """H3 cell of each site, shape (num_sites,)."""
    sites = instance.sites
    cells = [
        basic_int.latlng_to_cell(lat, lon, PLACE_RESOLUTION)
        for lat, lon in zip(sites["lat"].tolist(), sites["lon"].tolist(), strict=True)
    ]
    return np.array(cells, dtype=np.int64)


def _types_count(task: SitingTask) -> bool:
    """Whether another size of a station would cost the question anything."""
    ask = ask_of(task.instance)
    decides_flows = ask.depends_on_packs and not ask.counts_served
    return decides_flows or math.isfinite(task.problem.rules.budget)


def _less(problem: SizedCoverageProblem, stations: int, money: float) -> SizedCoverageProblem:
    """The problem with less of the national limits."""
    rules = problem.rules
    left = replace(rules, most=rules.most - stations, budget=rules.budget - money)
    return replace(problem, coverage=replace(problem.coverage, rules=left))


def _read_run(run: Path) -> dict[str, Any]:
    if not (run / "DONE").is_file():
        remedy = "not a finished run: the folder has no file DONE; give one that `planner run` left"
        raise InputError([Fault(str(run), None, "", "", remedy)])
    stated: dict[str, Any] = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    lacking = [
        Fault(str(run / RUN_FILE), None, key, "", f"is missing; {_AGAIN}")
        for key in ("instance", "inputs", "models")
        if key not in stated
    ]
    if lacking:
        raise InputError(lacking)
    return stated


def _instance_of_run(
    run: Path, stated: Mapping[str, Any], folder: Path | None, cache: ArrayCache | None
) -> Instance:
    """The instance as it was planned, or a fault for every file that has changed."""
    folder = Path(stated["instance"]) if folder is None else folder
    if not folder.is_dir():
        remedy = "the instance of the run is no longer there; give its folder with --instance"
        raise InputError([Fault(str(run / RUN_FILE), None, "instance", str(folder), remedy)])
    settings = tomllib.loads((run / SCENARIO_FILE).read_text(encoding="utf-8"))
    instance = read_kept(
        folder, cache, scenario_name=stated.get("scenario") or None, overrides=settings
    )
    now = {file.path: file.sha256 for file in instance.input_files}
    then = {file["path"]: file["sha256"] for file in stated["inputs"]}
    faults = [
        _changed_input(folder, name)
        for name in sorted(now.keys() | then.keys())
        if now.get(name) != then.get(name)
    ]
    if faults:
        raise InputError(faults, source=str(folder))
    return instance


def _changed_input(folder: Path, name: str) -> Fault:
    if is_in_database(name):
        return Fault(name, None, "", "", "rows are not those that the run was made of; plan again")
    remedy = "is not what the run was made of; put the file of then back, or plan again"
    return Fault(str(folder / name), None, "", "", remedy)


def _read_table(run: Path, name: str) -> pd.DataFrame:
    path = run / "tables" / f"{name}.parquet"
    if not path.is_file():
        raise InputError([Fault(str(path), None, "", "", f"is missing; {_AGAIN}")])
    return pd.read_parquet(path)


def _stations_of_run(run: Path, instance: Instance) -> tuple[IntArray, IntArray]:
    """Open sites of a run, ascending, and their types."""
    path = run / "layers" / "stations.parquet"
    stations = pd.read_parquet(path, columns=["site_id", "station_type_id"])
    site_idx = positions_of(stations["site_id"], instance.sites["site_id"])
    types = station_types_by_size(instance)["station_type_id"]
    type_idx = positions_of(stations["station_type_id"], types)
    order = np.argsort(site_idx, kind="stable")
    return site_idx[order], type_idx[order]


def allocate_at(
    task: SitingTask, open_site_idx: IntArray, type_idx: IntArray | None
) -> tuple[float, Allocation]:
    """Objective and allocation of given stations.

    Parameters
    ----------
    task : SitingTask
    open_site_idx : int array, ascending
    type_idx : int array, optional
        Their types, where money is limited or they are known.
    """
    ask = ask_of(task.instance)
    if ask.counts_served:
        types = type_idx if _types_count(task) else None
        allocation = allocate_zones(
            assemble_allocation(task.problem, task.reach, open_site_idx, types)
        )
        return served_swaps(task.problem, allocation), allocation
    found = ask.solve(replace(task, problem=at_these_sites(task.problem, open_site_idx)))
    allocation = found.allocation or allocate_zones(
        assemble_allocation(task.problem, task.reach, open_site_idx, type_idx)
    )
    return found.objective, allocation


def _check_objective(run: Path, stated: float, recomputed: float) -> None:
    """Refuse a run whose stations come to something else by its instance."""
    if abs(recomputed - stated) > SAME_FRAC * max(abs(stated), 1.0):
        remedy = f"its stations come to {recomputed:,.6f} by the instance; {_AGAIN}"
        raise InputError([Fault(str(run), None, "objective", f"{stated:,.6f}", remedy)])
