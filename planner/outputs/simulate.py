"""Simulate a finished run's stations anew, and leave the result in a folder beside the run.

Takes a run folder; the run itself is never changed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from planner.errors import Fault, InputError
from planner.files import replaced_folder, write_json
from planner.instance.read_scenario import read_scenario
from planner.instance.settings.simulation import Simulation
from planner.outputs.layers.read_back import open_run, read_layer
from planner.outputs.layers.tables import write_table
from planner.outputs.run_json import without_infinity
from planner.outputs.versions import installed_versions
from planner.outputs.waits import VERDICTS, refuted_stations
from planner.simulation.behaviour import Behaviour
from planner.simulation.plan_day import SimulatedPlan, simulate_plan
from planner.simulation.tables import INPUTS, SPREAD_INPUT
from planner.solving.progress import ProgressCallback, StopRequest

RESULT_FILE = "simulation.json"
ANY_PRECISION_FRAC = 1e-12
"""Asked for where a number of days is: then no interval is narrow enough before."""
_SCENARIO_FILE = "scenario.resolved.toml"
_PLAN_AGAIN = "plan again with this version of planner, then simulate"


@dataclass(frozen=True)
class SimulatedRun:
    """A finished run, simulated.

    Attributes
    ----------
    run : Path
        The run folder.
    settings : Simulation
        Those of the run's scenario, with what was asked for in their place.
    behaviour : Behaviour
        What they and the scenario's service level make of drivers.
    quarter : str
        Whose packs the stations have: the planning quarter.
    seed : int
    result : SimulatedPlan
    """

    run: Path
    settings: Simulation
    behaviour: Behaviour
    quarter: str
    seed: int
    result: SimulatedPlan


def simulate_run(
    run: Path,
    *,
    asked: Mapping[str, Any],
    seed: int | None = None,
    workers: int | None = None,
    on_progress: ProgressCallback | None = None,
    stop: StopRequest | None = None,
) -> SimulatedRun:
    """Simulate a day at the stations of a finished run.

    Parameters
    ----------
    run : Path
        The run folder.
    asked : mapping of setting to value
        Settings of section ``simulation`` that replace those of the run. Where ``replications`` is
        among them, so many days are simulated, however narrow the interval is before.
    seed, workers : int, optional
        Those of the run's solver otherwise; results do not depend on the workers.
    on_progress, stop
        As of `planner.simulation.run.simulate`.

    Returns
    -------
    SimulatedRun

    Raises
    ------
    InputError
        If the folder is no finished run, lacks the tables or its tables contradict each other, or
        no day is to be simulated.
    """
    inputs = _read_inputs(run)
    overrides = {"simulation": asked}
    scenario, _, faults = read_scenario(run / _SCENARIO_FILE, None, overrides)
    if scenario is None:
        raise InputError(faults, source=str(run))
    settings = scenario.simulation
    if settings.replications == 0:
        remedy = "no day is simulated: give --replications"
        raise InputError([Fault(str(run), None, "simulation.replications", "0", remedy)])
    behaviour = Behaviour.of(settings, scenario.service)
    if "replications" in asked:
        behaviour = replace(behaviour, precision_frac=ANY_PRECISION_FRAC)
    quarter, solver = scenario.planning_quarter, scenario.solver
    seed = solver.seed if seed is None else seed
    result = simulate_plan(
        inputs, settings.day, quarter, behaviour, seed=seed, workers=workers or solver.workers,
        on_progress=on_progress, stop=stop,
    )  # fmt: skip
    return SimulatedRun(run, settings, behaviour, quarter, seed, result)


def _read_inputs(run: Path) -> dict[str, pd.DataFrame]:
    files = open_run(run)
    missing = [name for name in INPUTS if name not in files.resources]
    faults = [
        Fault(str(run), None, name, "", f"the run lacks this table; {_PLAN_AGAIN}")
        for name in missing
    ]
    there = [name for name in (*INPUTS, SPREAD_INPUT) if name in files.resources]
    paths = [files.resources[name]["path"] for name in there]
    faults += [
        Fault(str(run / path), None, "", "", f"is missing; {_PLAN_AGAIN}")
        for path in (*paths, _SCENARIO_FILE)
        if not (run / path).is_file()
    ]
    if faults:
        raise InputError(faults, source=str(run))
    return {name: pd.DataFrame(read_layer(files, name).frame) for name in there}


def default_target(run: Path, day: str) -> Path:
    """Beside the run: its name, and the day that was simulated."""
    run = run.resolve()
    return run.with_name(f"{run.name}-simulation-{day}")


def check_target(folder: Path, run: Path) -> None:
    """Refuse a folder inside the run, or one that holds something else than a simulation.

    Raises
    ------
    InputError
        If writing there would change the run or destroy what is there.
    """
    if folder.resolve().is_relative_to(run.resolve()):
        remedy = "lies in the run folder, which stays as it was written; choose another"
        raise InputError([Fault(str(folder), None, "", "", remedy)])
    if folder.exists() and not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "a file stands here; choose a folder")])
    if folder.is_dir() and not (folder / RESULT_FILE).is_file() and any(folder.iterdir()):
        remedy = "folder holds something that is not a simulation; choose another or empty it"
        raise InputError([Fault(str(folder), None, "", "", remedy)])


def write_simulation(simulated: SimulatedRun, folder: Path) -> Path:
    """Write a simulation into a folder; an earlier one there is replaced.

    Returns
    -------
    Path
        The folder, with ``simulation.json`` and each table as Parquet and CSV. The same run, seed
        and versions give the same bytes.

    Raises
    ------
    InputError
        As of `check_target`.
    """
    folder = folder.resolve()
    check_target(folder, simulated.run)
    with replaced_folder(folder) as partial:
        for name, table in simulated.result.tables.items():
            table.to_parquet(partial / f"{name}.parquet", index=False, compression="zstd")
            write_table(partial / f"{name}.csv", table)
        write_json(partial / RESULT_FILE, describe(simulated), indent=2)
    return folder


def describe(simulated: SimulatedRun) -> dict[str, Any]:
    """The content of ``simulation.json``: settings, figures, verdicts, what refuted stations lack.

    Returns
    -------
    dict
        What JSON knows; None for figures that are missing.
    """
    tables, wait = simulated.result.tables, simulated.result.tables["station_wait"]
    refuted = refuted_stations(wait)[
        ["station_id", "on_time_frac", "on_time_low", "on_time_high", "lacks"]
    ]
    content = {
        "run": simulated.run.resolve().name,
        "parent_run": open_run(simulated.run).run_info.get("run_id"),
        "day": simulated.settings.day,
        "quarter": simulated.quarter,
        "seed": simulated.seed,
        "behaviour": asdict(simulated.behaviour),
        "kpi": dict(simulated.result.kpi),
        "figures": tables["simulation_figure"].to_dict("records"),
        "verdicts": {each: int((wait["verdict"] == each).sum()) for each in VERDICTS},
        "refuted": refuted.to_dict("records"),
        "disagreeing": wait.loc[wait["disagrees"], "station_id"].tolist(),
        "without_packs": [
            {"station_id": station, "pack_id": pack}
            for station, pack in simulated.result.without_packs
        ],
        "waits": tables["wait_histogram"].to_dict("records"),
        "no_pack_by_type": tables["no_pack_type"].to_dict("records"),
        "versions": installed_versions(),
    }
    cleaned: dict[str, Any] = without_infinity(content)
    return cleaned
