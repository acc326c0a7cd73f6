"""The list of runs on a terminal, or as JSON lines."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from planner.outputs.report.numbers import large, number, percent
from planner.outputs.run_list import ListedRun


def show_runs(runs: Sequence[ListedRun], folder: Path, *, as_json: bool) -> None:
    """Print a row per run, in a table as seen from the folder that was searched."""
    if as_json:
        for run in runs:
            print(json.dumps(asdict(run) | {"folder": str(run.folder)}, ensure_ascii=False))
        return
    if not runs:
        print("no finished run stands here")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from planner.outputs.screen.tables import print_table

    table = Table(box=None)
    table.add_column("run", overflow="fold")
    for heading in ("finished (UTC)", "name", "scenario", "question", "status"):
        table.add_column(heading)
    for heading in ("objective", "unit", "gap", "served", "CNY"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    for run in runs:
        table.add_row(
            escape(_seen_from(folder, run)), run.finished[:16].replace("T", " "),
            *map(escape, (run.name, run.scenario, run.question, run.status)),
            number(run.objective, 1), escape(run.unit), percent(run.gap_frac, 2),
            percent(run.swaps_served_frac), large(run.capex_cny),
        )  # fmt: skip
    print_table(Console(highlight=False), table)


def _seen_from(folder: Path, run: ListedRun) -> str:
    return run.folder.name if run.folder == folder else str(run.folder.relative_to(folder))
