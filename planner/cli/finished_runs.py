"""Commands on runs that are finished: none of them plans."""

from pathlib import Path
from typing import Any

import click

from planner.cli.interrupt import stop_on_interrupt


@click.command()
@click.argument("base", type=click.Path(path_type=Path), metavar="BASE")
@click.argument("other", type=click.Path(path_type=Path), metavar="OTHER")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder for compare.html, compare.gpkg and tables; replaces a comparison there.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The whole comparison as a JSON line.")
def compare(base: Path, other: Path, out: Path | None, as_json: bool) -> None:
    """Tell what differs between the finished runs BASE and OTHER.

    Figures, stations gained, lost, moved and resized, packs, prices, settings and inputs; a
    difference that the proven gaps leave open is called so (docs/compare.md).
    """
    from planner.outputs.compare import check_target, compare_runs, write_comparison
    from planner.outputs.screen.compare import print_json, show_comparison

    if out is not None:
        check_target(out)
    comparison = compare_runs(base, other)
    folder = write_comparison(comparison, out) if out is not None else None
    (print_json if as_json else show_comparison)(comparison, folder)


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--day", type=click.Choice(["winter_peak", "winter_design", "mean", "holiday"]),
    help="Kind of day.  [default: the run's]",
)  # fmt: skip
@click.option(
    "--replications", type=click.IntRange(1, 10_000), metavar="N",
    help="So many days.  [default: until the interval is as narrow as the run asks]",
)  # fmt: skip
@click.option(
    "--exchange", type=click.Choice(["pack", "envelope"]),
    help="Whether drivers take the planned pack alone, or any that fits.  [default: the run's]",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Random seed.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help="Threads.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder; replaces a simulation there.  [default: RUN-simulation-DAY]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="All figures as one JSON line.")
def simulate(
    run_folder: Path,
    seed: int | None,
    workers: int | None,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Simulate a day at the stations of the finished run RUN, driver by driver.

    Tells what drivers wait, with intervals and the closed form beside, which stations keep
    the service level and what the others lack (docs/simulation.md). The run stays as it is.
    Ctrl-C once counts the days simulated so far; twice gives up.
    """
    from planner.outputs.screen.run import show_progress
    from planner.outputs.screen.simulation import print_simulation_json, show_simulation
    from planner.outputs.simulate import (
        check_target,
        default_target,
        simulate_run,
        write_simulation,
    )

    if out is not None:
        check_target(out, run_folder)
    given = {name: value for name, value in asked.items() if value is not None}
    with show_progress(as_json=False) as report:  # on the error stream
        simulated = simulate_run(
            run_folder, asked=given, seed=seed, workers=workers, on_progress=report,
            stop=stop_on_interrupt("the days simulated so far count"),
        )  # fmt: skip
    target = out or default_target(run_folder, simulated.settings.day)
    folder = write_simulation(simulated, target)
    (print_simulation_json if as_json else show_simulation)(simulated, folder)


@click.command("list")
@click.argument(
    "folder", type=click.Path(path_type=Path), default=Path("outputs"), metavar="[FOLDER]"
)
@click.option("--json", "as_json", is_flag=True, help="A JSON line per run.")
def list_runs(folder: Path, as_json: bool) -> None:
    """Show the finished runs in FOLDER, by default `outputs`, newest first.

    What was asked, how it ended, what it serves and costs; runs of batches too.
    """
    from planner.outputs.run_list import find_runs
    from planner.outputs.screen.run_list import show_runs

    show_runs(find_runs(folder), folder, as_json=as_json)


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="File to write.  [default: RUN/report.html]",
)  # fmt: skip
def report(run_folder: Path, out: Path | None) -> None:
    """Write the report of the finished run RUN anew: one page that opens without a network."""
    from planner.outputs.report import rebuild_report

    path = rebuild_report(run_folder, out, lambda line: click.echo(line, err=True))
    click.echo(f"written to {path}")


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--format", "file_format", required=True, help="Format to write.",
    type=click.Choice(
        ["gpkg", "parquet", "csv", "flatgeobuf", "shapefile", "geojson", "pmtiles", "xlsx"]
    ),
)  # fmt: skip
@click.option("--layers", default="", metavar="A,B", help="Layers and tables.  [default: all]")
@click.option(
    "--crs", default="EPSG:4326", show_default=True, metavar="CODE",
    help="Reference system, e.g. EPSG:4490 (CGCS2000).",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR",
    help="Folder to write into.",
)  # fmt: skip
@click.option("--bom", is_flag=True, help="Mark CSV files as UTF-8 for older spreadsheets.")
@click.option(
    "--gcj02", is_flag=True,
    help="Add lon_gcj02 and lat_gcj02 to rows in China, for plotting on Amap.",
)  # fmt: skip
def export(
    run_folder: Path, file_format: str, layers: str, crs: str, out: Path, bom: bool, gcj02: bool
) -> None:
    """Write layers of the finished run RUN in another format or reference system.

    CSV keeps shapes as WKT; xlsx is the run's workbook, tables only; a Shapefile gets short
    names and a list of them; PMTiles hold all layers in one file, with a style for web maps; they
    and GeoJSON know one reference system only.
    """
    if file_format == "xlsx":
        from planner.outputs.layers.read_back import open_run
        from planner.outputs.workbook import write_workbook

        if layers or crs != "EPSG:4326" or gcj02:
            raise click.UsageError("xlsx holds the whole workbook; leave the other options away")
        open_run(run_folder)
        out.mkdir(parents=True, exist_ok=True)
        click.echo(str(write_workbook(run_folder, out / "workbook.xlsx")))
        return
    from planner.outputs.layers.export import export_run

    names = [name.strip() for name in layers.split(",") if name.strip()]
    written = export_run(
        run_folder, file_format, out, names=names, crs=crs, with_bom=bom, gcj02=gcj02,
        on_progress=lambda line: click.echo(line, err=True),
    )  # fmt: skip
    for path in written:
        click.echo(str(path))
