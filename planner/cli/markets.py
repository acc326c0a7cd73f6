"""``planner markets``: several markets that share one supply."""

import sys
from pathlib import Path

import click

from planner.cli.interrupt import stop_on_interrupt
from planner.outputs.screen.failures import EXIT_INTERRUPTED

EXIT_LIMIT_WITH_PLAN, EXIT_PARTLY_FAILED = 4, 6


@click.command()
@click.argument("study", type=click.Path(path_type=Path), metavar="STUDY")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR",
    help="Folder of all results.  [default: outputs/NAME of the study]",
)  # fmt: skip
@click.option("--only-packs", is_flag=True, help="The joint plan alone, no run of a member.")
@click.option(
    "--processes", type=click.IntRange(1, 1024), default=1, show_default=True, metavar="N",
    help="Members planned side by side; each may use solver.workers more.",
)  # fmt: skip
@click.option(
    "--outputs", type=click.Choice(["tables", "layers", "all"]), default="all", show_default=True,
    help="What a member's run leaves: tables alone, plan.gpkg too, or report and workbook too.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Progress and results as JSON lines.")
def markets(
    study: Path, out: Path | None, only_packs: bool, processes: int, outputs: str, as_json: bool
) -> None:
    """Plan the markets of STUDY with one shared supply, and tell who is first and why.

    STUDY is a TOML file (docs/markets.md). One pack model of all members is solved and proven; then
    each member is planned within its share. Members that stand are not planned again: after Ctrl-C
    or a crash the same command goes on.
    """
    from planner.outputs.screen.run import show_progress

    stop = stop_on_interrupt("finished members are kept")
    with show_progress(as_json) as report:
        from planner.batch.markets import MarketsCommand, is_complete, show_joint
        from planner.outputs.run_folder import Outputs
        from planner.planning.clock import StageClock

        command = MarketsCommand(study, out, Outputs(outputs))
        plan = command.plan(StageClock(report))
    show_joint(plan, command.tables, as_json)
    if not only_packs:
        try:
            records = command.run(plan, processes, stop, as_json)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt("given up; finished members are kept") from error
        if not is_complete(records, plan):
            sys.exit(EXIT_INTERRUPTED if stop.is_set() else EXIT_PARTLY_FAILED)
    if not as_json:
        click.echo(f"tables, markets.json and page in {command.store.folder} (open markets.html)")
    if plan.whole.proof.status != "OPTIMAL":
        sys.exit(EXIT_LIMIT_WITH_PLAN)
