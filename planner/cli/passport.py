"""The command that tells what each flow of a finished run must declare."""

from dataclasses import replace
from pathlib import Path

import click


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--market", metavar="ID", help="Market, as in cities.csv.  [default: all]")
@click.option("--pack", metavar="ID", help="Type of pack.  [default: all]")
@click.option("--quarter", metavar="QUARTER", help="E.g. 2027Q1.  [default: all]")
@click.option(
    "--against", metavar="QUARTER",
    help="Show only what differs from the same pack's sheet in this quarter.",
)  # fmt: skip
@click.option(
    "--csv", "csv_folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Also write a CSV file per flow chosen.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A JSON line per flow, points and all.")
def passport(
    run_folder: Path,
    market: str | None,
    pack: str | None,
    quarter: str | None,
    against: str | None,
    csv_folder: Path | None,
    as_json: bool,
) -> None:
    """Show what packs of the finished run RUN must declare, by market and quarter.

    A list of flows, or the sheet of one: each point of the battery passport, what fills it, whom
    to ask for the rest, and by when (docs/passport.md).

    \b
    Example:
      planner passport outputs/RUN --market EU --pack na_25 --quarter 2027Q1
    """  # noqa: D301 click marks unwrapped paragraphs by a backspace character
    from planner.outputs.passport import choose_passports, read_passports, write_sheets
    from planner.outputs.screen.passport import (
        print_passports_json,
        show_changes,
        show_passports,
    )

    read = read_passports(run_folder)
    same = {"market": market, "pack_id": pack}
    chosen = choose_passports(read, same | {"quarter": quarter})
    earlier = None
    if against is not None:
        earlier = choose_passports(read, same | {"quarter": against})
        others = chosen.flows[chosen.flows["quarter"] != against]
        if others.empty:
            raise click.UsageError(f"--against {against} needs another quarter to compare with")
        chosen = replace(chosen, flows=others.reset_index(drop=True))
    if as_json:
        print_passports_json(chosen, earlier)
    elif earlier is not None:
        show_changes(chosen, earlier)
    else:
        show_passports(chosen)
    if csv_folder is not None:
        for path in write_sheets(chosen, csv_folder):
            click.echo(str(path), err=as_json)
