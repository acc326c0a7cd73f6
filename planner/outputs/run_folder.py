"""What a run leaves: a folder that is complete, or not there at all."""

import functools
import hashlib
import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from planner.errors import Fault, InputError, PlannerError
from planner.files import replaced_folder, write_json, write_text
from planner.instance import Instance, tell_references
from planner.outputs.language import Language
from planner.outputs.lineage import INPUT, lineage, run_date
from planner.outputs.run_json import without_infinity
from planner.outputs.versions import installed_versions, peak_rss_mb
from planner.planning.clock import progress_record, stage_record
from planner.planning.result import Planned
from planner.usage import give_back, uncollected

if TYPE_CHECKING:  # imported where it is used, for commands that write nothing
    from planner.outputs.layers.ahead import LayersAhead

DONE_FILE = "DONE"


class Outputs(StrEnum):
    """How much a run leaves; each has all of the one before.

    ``TABLES``: layers and tables as Parquet and CSV, `run.json` and what describes them;
    ``LAYERS``: the GeoPackage and its QGIS project too; ``ALL``: report and workbook too.
    `planner export` and `planner report` make from the tables what was left away.
    """

    TABLES = "tables"
    LAYERS = "layers"
    ALL = "all"


def check_target(folder: Path) -> None:
    """Refuse, before any work, a folder that is not a run's and not empty.

    Raises
    ------
    InputError
        If writing there would destroy something that `planner` did not write.
    """
    if folder.is_dir() and not (folder / DONE_FILE).is_file() and any(folder.iterdir()):
        remedy = "folder holds something that is not a finished run; choose another or empty it"
        raise InputError([Fault(str(folder), None, "", "", remedy)])
    if folder.exists() and not folder.is_dir():
        raise InputError([Fault(str(folder), None, "", "", "a file stands here; choose a folder")])


def write_run(
    planned: Planned,
    folder: str | Path,
    outputs: Outputs = Outputs.ALL,
    ahead: "LayersAhead | None" = None,
    language: Language = "en",
) -> Path:
    """Write a run folder; `docs/run-folder.md` tells what it holds.

    Parameters
    ----------
    planned : Planned
        A checked plan.
    folder : path
        The run folder itself; a finished run that stands there is replaced.
    outputs : Outputs
        How much to write.
    ahead : LayersAhead, optional
        What heard of the plan while it was made, and made its largest layers beside it; report
        and workbook are then written while it writes the GeoPackage.
    language : {"en", "zh"}, optional
        Of headings, legends and labels.

    Returns
    -------
    Path
        The folder, with `DONE` written last.

    Notes
    -----
    Everything is written into a temporary folder beside it, which is then renamed: a folder
    without `DONE` is never a result.
    """
    from planner.outputs.layers import RunContent, write_layers
    from planner.outputs.layers.zone_layers import given_polygons
    from planner.outputs.project import write_project
    from planner.outputs.report import write_report
    from planner.outputs.workbook import write_workbook

    folder = Path(folder).resolve()
    check_target(folder)
    give_back()  # what planning took, beside another process that needs room for zones
    with uncollected(), replaced_folder(folder) as partial:
        with planned.clock.stage("layers", "GeoPackage, GeoParquet and tables") as say:
            content = RunContent(
                planned.evaluation,
                planned.plan.allocation,
                planned.candidates,
                _run_info(planned, language),
                planned.assumptions,
                planned.instance.stations[["station_type_id", "bays"]],
                planned.instance.chemistries,
                planned.tables,
                planned.plan.models[0].unit,
                planned.instance.road_nodes,
                planned.instance.roads,
                given_polygons(planned.instance),
            )
            write_layers(
                partial, content, say, with_geopackage=outputs is not Outputs.TABLES, ahead=ahead
            )
        write_text(partial / "scenario.resolved.toml", _resolved_scenario(planned.instance))
        write_text(
            partial / "progress.jsonl",
            "".join(
                json.dumps(progress_record(progress), ensure_ascii=False) + "\n"
                for progress in planned.clock.history
            ),
        )
        write_text(
            partial / "solver.log",
            "".join(
                f"{progress.elapsed_s:9.2f} s  {progress.stage}: {progress.message}\n"
                for progress in planned.clock.history
            ),
        )
        _write_run_json(partial, planned, language)
        clock = planned.clock
        if outputs is Outputs.ALL:
            later = functools.partial if ahead is None else ahead.beside
            workbook = later(write_workbook, partial)
            with clock.optional_stage("report", "report.html"):
                write_report(
                    partial, on_loss=lambda line: clock.leave_out("chart", PlannerError(line))
                )
            with clock.optional_stage("workbook", "workbook.xlsx"):
                workbook()
        if ahead is not None and ahead.is_writing:
            with clock.stage("layers", "the rest of plan.gpkg") as say:
                if not ahead.finish(say):
                    say("the process that wrote them has died: once more")
                    for path in partial.glob("plan.gpkg*"):
                        path.unlink()
                    write_layers(partial, content, say)
        if outputs is not Outputs.TABLES:
            with clock.optional_stage("project", "plan.qgz, the project for QGIS"):
                write_project(partial / "plan.gpkg")
        # Again, now with the seconds of all that was written.
        _write_run_json(partial, planned, language)
        write_text(partial / "checksums.txt", _checksums(partial))
        write_text(partial / DONE_FILE, "")
    return folder


def _write_run_json(folder: Path, planned: Planned, language: Language) -> None:
    write_json(folder / "run.json", without_infinity(describe_run(planned, language)), indent=2)


def describe_run(planned: Planned, language: Language = "en") -> dict[str, Any]:
    """The content of `run.json`; its headline is the siting model's."""
    siting = planned.plan.models[0]
    scenario = planned.instance.scenario
    return {
        "name": scenario.name,
        "run_id": lineage(planned.instance, planned.clock)["run_id"],
        "run_date": run_date(planned.clock),
        "scenario": planned.instance.variant,
        "title": scenario.title,
        "language": language,
        "instance": planned.instance.folder.resolve().as_posix(),
        "status": siting.status,
        "objective": siting.objective,
        "bound": siting.bound,
        "gap_frac": siting.gap_frac,
        "question": scenario.siting.objective,
        "objective_unit": siting.unit,
        "sense": siting.sense,
        "wall_s": round(sum(stage.wall_s for stage in planned.clock.stages), 3),
        "cpu_s": round(sum(stage.cpu_s for stage in planned.clock.stages), 2),
        "peak_rss_mb": round(
            max([peak_rss_mb(), *(stage.peak_rss_mb for stage in planned.clock.stages)]), 1
        ),
        "stages": [stage_record(stage) for stage in planned.clock.stages],
        "left_out": [asdict(each) for each in planned.clock.left_out],
        "from_cache": list(planned.from_cache),
        "models": {
            model.name: {key: value for key, value in asdict(model).items() if key != "name"}
            for model in planned.plan.models
        },
        "kpi": dict(planned.evaluation.kpi),
        "seed": scenario.solver.seed,
        "options": scenario.solver.model_dump(),
        "versions": installed_versions(),
        "inputs": [asdict(file) for file in planned.instance.input_files],
    }


def _run_info(planned: Planned, language: Language) -> dict[str, str | float]:
    siting = planned.plan.models[0]
    scenario = planned.instance.scenario
    unit = siting.unit.lower().replace("-", "_").replace("/", "_per_")
    origin = lineage(planned.instance, planned.clock)
    inputs = {key: origin.pop(key) for key in list(origin) if key.startswith(INPUT)}
    attribution = origin.pop("attribution")
    return {
        **origin,
        "language": language,
        "planning_quarter": scenario.planning_quarter,
        "status": siting.status,
        "siting_objective": scenario.siting.objective,
        f"objective_{unit}": siting.objective,
        f"bound_{unit}": siting.bound,
        "gap_frac": siting.gap_frac,
        "seed": scenario.solver.seed,
        "drive_time_min": scenario.siting.drive_time_min,
        "near_km": scenario.siting.near_km,
        "coordinate_reference": "WGS84",
        "input_coordinate_reference": tell_references(planned.instance.given_references),
        "attribution": attribution,
        **inputs,
    }


def _resolved_scenario(instance: Instance) -> str:
    return tomli_w.dumps(
        instance.scenario.model_dump(mode="json", exclude={"scenarios"}, exclude_none=True)
    )


def _checksums(folder: Path) -> str:
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    return "".join(lines)
