"""The command line: ``planner COMMAND``; heavy imports wait until a command runs."""

import atexit
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planner.cli.bench import bench
from planner.cli.build_instance import build_instance
from planner.cli.finished_runs import compare, export, list_runs, report, simulate
from planner.cli.init import init
from planner.cli.interrupt import stop_on_interrupt
from planner.cli.kept import cache, users_cache
from planner.cli.markets import markets
from planner.cli.passport import passport
from planner.cli.publish import publish, published, unpublish
from planner.cli.reasons import alternatives, explain, frontier
from planner.outputs.screen.failures import EXIT_INTERRUPTED, run_command
from planner.usage import loading_modules

if TYPE_CHECKING:
    from planner.outputs.language import Language

EXIT_LIMIT_WITH_PLAN = 4
EXIT_PARTLY_FAILED = 6
EXIT_MACHINE_LACKS = 7

_OUTPUTS = click.option(
    "--outputs", type=click.Choice(["tables", "layers", "all"]), default="all", show_default=True,
    help="What a run leaves: tables alone, plan.gpkg too, or report and workbook too.",
)  # fmt: skip
_LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True,
    help="Of headings, legends and labels of maps: English or simplified Chinese.",
)  # fmt: skip
_INSTANCE = click.argument("instance", type=click.Path(path_type=Path), metavar="INSTANCE")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="planner")
def cli() -> None:
    """Plan battery-swap stations and sodium-ion packs, with a proven gap.

    \b
    Start with:
      planner run instances/tutorial     a small town, seconds
      planner run instances/china-140    3,000 stations in 140 cities, minutes

    \b
    Exit codes: 0 done, 2 bad input, 3 infeasible, 4 a limit was reached and the
    plan's gap is above the one asked for, 5 a limit was reached without a plan,
    6 some scenarios of a batch failed, 7 doctor found a fault, 70 internal error,
    130 interrupted.
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character


@cli.command()
@_INSTANCE
@click.option("--scenario", metavar="NAME", help="Named variant in scenario.toml.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Run folder itself.  [default: outputs/NAME-HASH]",
)  # fmt: skip
@click.option("--gap", type=click.FloatRange(0, 1), metavar="FRAC", help="Stop at this gap.")
@click.option(
    "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Limit of the siting model.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Random seed.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help="Processes.")
@click.option(
    "--deterministic", is_flag=True, default=None,
    help="Same input, seed and version give the same plan; limits count work, not seconds.",
)  # fmt: skip
@_OUTPUTS
@_LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="Progress and result as JSON lines.")
def run(
    instance: Path,
    scenario: str | None,
    out: Path | None,
    outputs: str,
    language: "Language",
    as_json: bool,
    **limits: Any,
) -> None:
    """Plan INSTANCE and write a run folder.

    INSTANCE is a folder with scenario.toml and tables (docs/instance-format.md).
    Ctrl-C once ends the search and keeps the best plan so far; twice gives up.
    """
    solver = {
        {"gap": "gap_frac", "time_limit": "time_limit_s"}.get(name, name): value
        for name, value in limits.items()
        if value is not None
    }
    with loading_modules():
        from planner.outputs.layers.ahead import LayersAhead
        from planner.outputs.lineage import run_name
        from planner.outputs.run_folder import Outputs, check_target, write_run
        from planner.outputs.screen.run import show_progress, show_result
        from planner.planning.clock import StageClock
        from planner.planning.kept_instance import read_kept
        from planner.planning.pipeline import plan

    with show_progress(as_json) as report:
        kept = users_cache()
        clock = StageClock(report)
        with clock.stage("read", f"reading {instance}"):
            read = read_kept(
                instance, kept, scenario_name=scenario,
                overrides={"solver": solver} if solver else None,
            )  # fmt: skip
        folder = out or Path("outputs") / run_name(read)
        check_target(folder)
        stop = stop_on_interrupt()
        with_geopackage = outputs != Outputs.TABLES
        with LayersAhead(folder, clock, with_geopackage=with_geopackage) as ahead:
            planned = plan(read, clock=clock, stop=stop, cache=kept, on_ready=ahead.hear)
            folder = write_run(planned, folder, Outputs(outputs), ahead, language)
    show_result(planned, folder, as_json)
    siting = planned.plan.models[0]
    if siting.status != "OPTIMAL" and siting.gap_frac > read.scenario.solver.gap_frac:
        sys.exit(EXIT_LIMIT_WITH_PLAN)


@cli.command()
@click.option(
    "--compile", "instance", type=click.Path(path_type=Path), metavar="INSTANCE",
    help="Also plan all scenarios of INSTANCE, so that no later run has to compile.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="All findings as one JSON line.")
def doctor(instance: Path | None, as_json: bool) -> None:
    """Check whether this machine will do the job, with a remedy for what is wrong.

    Machine, packages, solvers, GDAL, PROJ, compiled kernels, folders, locks, programs.

    \b
    Example, once after an installation:
      planner doctor --compile instances/tutorial
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    from itertools import chain

    from planner.doctor.checks import examine
    from planner.doctor.compile import compile_kernels
    from planner.doctor.show import show_findings

    findings = examine()
    if instance is not None:
        compiled = compile_kernels(instance, lambda line: click.echo(line, err=True))
        findings = chain(findings, compiled)
    if not show_findings(findings, as_json=as_json):
        sys.exit(EXIT_MACHINE_LACKS)


@cli.command()
@_INSTANCE
@click.option("--scenario", metavar="NAME", help="Named variant in scenario.toml.")
def validate(instance: Path, scenario: str | None) -> None:
    """Check INSTANCE and list every fault with file, row, column and remedy.

    Of a sound one what reading had to guess, as rows of its table of assumptions tell it.
    """
    from planner.compliance.declared import check_declarations
    from planner.instance import TABLES, check_futures, read_instance
    from planner.physics.climate import city_climate
    from planner.physics.fleet import check_turns, operate_fleet
    from planner.planning.limits import check_limits

    read = read_instance(instance, scenario_name=scenario)
    check_limits(read)
    check_futures(read)
    check_declarations(read)
    check_turns(read, operate_fleet(read, city_climate(read)))
    click.echo(f"{instance}: valid, scenario {read.scenario.name}")
    for name in TABLES:
        click.echo(f"  {name:<12} {len(getattr(read, name)):>9,} rows")
    for note in read.notes:
        if note.mark == "?":
            click.echo(f"  look at {note.item}: {note.value} ({note.source})")


@cli.command("validate-model")
@click.argument(
    "instance", type=click.Path(path_type=Path), default=Path("instances/china-140"),
    metavar="[INSTANCE]",
)  # fmt: skip
@click.option(
    "--run", "run_folder", type=click.Path(path_type=Path), metavar="RUN",
    help="Finished run of INSTANCE, for what takes a plan.",
)  # fmt: skip
@click.option(
    "--write", "document", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write docs/truth.md, its pictures beside it in figures/.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The whole table as one JSON line.")
def validate_model(
    instance: Path, run_folder: Path | None, document: Path | None, as_json: bool
) -> None:
    """Hold what INSTANCE and a plan of it say against what was measured.

    INSTANCE is instances/china-140 if left out. Ranges and consumption, drivers, hours,
    stations, places, trips and money, each with its error, calibrated and held out apart
    (docs/truth.md). What is missing is told.
    """
    from planner.validation.compare import validate_model as validate
    from planner.validation.document import write_document
    from planner.validation.show import print_json, show_validation

    validation = validate(instance, run_folder)
    written = write_document(validation, document) if document is not None else []
    (print_json if as_json else show_validation)(validation, written)


@cli.command("range")
@_INSTANCE
@click.option("--scenario", metavar="NAME", help="Named variant in scenario.toml.")
@click.option("--vehicle", metavar="ID", help="Vehicle class.  [default: the first]")
@click.option(
    "--pack", "packs", multiple=True, metavar="ID",
    help="Pack to show; may be repeated.  [default: all that fit]",
)  # fmt: skip
@click.option("--city", metavar="ID_OR_NAME", help="Mark a city's coldest month and design day.")
@click.option(
    "--from", "from_c", type=click.FloatRange(-60, 60), default=-30.0, show_default=True,
    metavar="C", help="Coldest air temperature.",
)  # fmt: skip
@click.option(
    "--to", "to_c", type=click.FloatRange(-60, 60), default=30.0, show_default=True, metavar="C",
    help="Warmest air temperature.",
)  # fmt: skip
@click.option(
    "--step", "step_c", type=click.FloatRange(min=0, min_open=True), default=5.0,
    show_default=True, metavar="C", help="Between two temperatures; smaller for smooth figures.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write a figure (.png, .svg) or the table (.csv) as well.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A JSON line per pack and temperature.")
def show_range(
    instance: Path,
    scenario: str | None,
    vehicle: str | None,
    packs: tuple[str, ...],
    city: str | None,
    from_c: float,
    to_c: float,
    step_c: float,
    out: Path | None,
    as_json: bool,
) -> None:
    """Range, energy and swaps over air temperature, for a vehicle of INSTANCE.

    Tells below which temperature sodium-ion packs go farther, and marks values outside a
    curve's domain. docs/physics.md has the equations and what they were compared with.

    \b
    Example:
      planner range instances/china-140 --vehicle private_ab --city Harbin
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    if out is not None and out.suffix not in (".png", ".svg", ".csv"):
        raise click.BadParameter(f"{out}: must end in .png, .svg or .csv", param_hint="--out")
    if out is not None and not out.parent.is_dir():
        raise click.BadParameter(f"{out.parent}: no such folder", param_hint="--out")
    from planner.instance import read_instance
    from planner.outputs.screen.ranges import print_json_lines, show_range_table, write_csv
    from planner.physics.range_table import range_table, temperatures

    table = range_table(
        read_instance(instance, scenario_name=scenario), temperatures(from_c, to_c, step_c),
        vehicle_id=vehicle, pack_ids=packs, city=city,
    )  # fmt: skip
    if out is not None and out.suffix == ".csv":
        write_csv(table, out)
    elif out is not None:
        from planner.outputs.range_figure import draw_range_table

        draw_range_table(table, out)
    (print_json_lines if as_json else show_range_table)(table)


@cli.command()
@click.argument("study", type=click.Path(path_type=Path), metavar="STUDY")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of all results.  [default: outputs/NAME of the study]",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print each scenario's difference to the base.")
@click.option("--only", default="*", metavar="PATTERN", help="Scenarios whose names match.")
@click.option(
    "--processes", type=click.IntRange(1, 1024), default=2, show_default=True, metavar="N",
    help="Runs side by side on this machine; each may use solver.workers more.",
)  # fmt: skip
@click.option(
    "--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True,
    help="Where runs are made; dask needs the extra `dask`.",
)  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, e.g. tcp://10.0.0.1:8786.")
@_OUTPUTS
@click.option("--json", "as_json", is_flag=True, help="Progress and results as JSON lines.")
def batch(
    study: Path,
    out: Path | None,
    outputs: str,
    dry_run: bool,
    only: str,
    processes: int,
    executor: str,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Plan every scenario of STUDY; finished ones are never planned again.

    STUDY is a TOML file (docs/batch.md). Ctrl-C ends the searches and keeps the best plans
    so far; the same command goes on, also after a crash, and may run several times at once.
    """
    if (executor == "dask") != (scheduler is not None):
        raise click.UsageError("--executor dask and --scheduler ADDRESS belong together")
    from planner.batch.command import BatchCommand
    from planner.outputs.run_folder import Outputs

    command = BatchCommand(study, out, only, Outputs(outputs))
    if dry_run:
        command.show(as_json)
        return
    stop = stop_on_interrupt()
    try:
        is_complete = command.run(processes, scheduler, stop, as_json)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("given up; finished runs are kept") from error
    if not is_complete:
        sys.exit(EXIT_INTERRUPTED if stop.is_set() else EXIT_PARTLY_FAILED)


@cli.command()
@click.argument("study_folder", type=click.Path(path_type=Path), metavar="STUDY_DIR")
@click.option("--json", "as_json", is_flag=True, help="A JSON line per scenario.")
def status(study_folder: Path, as_json: bool) -> None:
    """Show how far each scenario of a batch is, and why some failed."""
    from planner.batch.catalogue import status_rows
    from planner.batch.show import show_rows
    from planner.batch.store import RunStore

    show_rows(status_rows(RunStore(study_folder)), as_json)


@cli.command()
@click.argument("study_folder", type=click.Path(path_type=Path), metavar="STUDY_DIR")
@click.option("--by", required=True, metavar="KPI", help="Figure that decides, e.g. capex_cny.")
@click.option("--lowest", is_flag=True, help="Less is better.")
@click.option(
    "--top", type=click.IntRange(min=1), default=10, show_default=True, metavar="N",
    help="Scenarios shown.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A JSON line per scenario.")
def best(study_folder: Path, by: str, lowest: bool, top: int, as_json: bool) -> None:
    """Show the scenarios of a batch that are best by one figure.

    \b
    Example:
      planner best outputs/supply-study --by swaps_served_frac --top 5
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    from planner.batch.catalogue import best_rows
    from planner.batch.show import show_rows
    from planner.batch.store import RunStore

    show_rows(best_rows(RunStore(study_folder), by, lowest=lowest, top=top), as_json)


@cli.command()
@click.argument("what", type=click.Choice(["scenario", "tables", "study", "markets", "recipe"]))
def schema(what: str) -> None:
    """Print a format: JSON Schema of scenario.toml, a study or a recipe, or tables' columns.

    ``study`` is of `planner batch`, ``markets`` of `planner markets`.
    """
    from pydantic import BaseModel

    from planner.batch.study import Study
    from planner.instance import Scenario
    from planner.instance.tables import format_reference
    from planner.opendata.recipe import Recipe
    from planner.planning.markets.study import MarketStudy

    if what == "tables":
        click.echo(format_reference(), nl=False)
    else:
        models: dict[str, type[BaseModel]] = {
            "scenario": Scenario, "study": Study, "markets": MarketStudy, "recipe": Recipe
        }  # fmt: skip
        click.echo(json.dumps(models[what].model_json_schema(), indent=2, ensure_ascii=False))


for command in (
    alternatives, bench, build_instance, cache, compare, explain, export, frontier, init, list_runs,
    markets, passport, publish, published, report, simulate, unpublish,
):  # fmt: skip
    cli.add_command(command)


def main() -> None:
    """Run the command line, and tell of a failure without a traceback."""
    atexit.register(gc.freeze)  # the system takes all memory at once: no search for garbage then
    run_command(cli)
