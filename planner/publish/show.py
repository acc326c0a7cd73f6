"""What publishing did, and what is published, on a terminal or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.report.numbers import large, percent
from planner.outputs.screen.tables import print_table
from planner.publish.catalogue import PublishedRun
from planner.publish.run import Publication


def show_publication(
    done: Publication, *, is_planned: bool, file: Path | None, as_json: bool
) -> None:
    """Tell what was written, or would be."""
    if as_json:
        told = asdict(done) | {"dry_run": is_planned, "file": None if file is None else str(file)}
        print(json.dumps(told, ensure_ascii=False))
        return
    would = "would be " if is_planned else ""
    if done.is_unchanged:
        print(f"run {done.key} stands there as {done.name}; nothing to write")
    else:
        where = f"into {file}" if file is not None else f"as {done.schema}.{done.name}__LAYER"
        rows = f"{sum(done.rows.values()):,} rows in {len(done.rows)} tables"
        print(f"run {done.key}: {rows} {would}written {where}")
    for layer, rows_of_layer in done.rows.items():
        print(f"  {layer:<24} {rows_of_layer:>9,} rows")
    for key in done.removed:
        print(f"run {key} {would}removed")


def show_published(runs: Sequence[PublishedRun], schema: str, *, as_json: bool) -> None:
    """Print a row per run."""
    if as_json:
        for run in runs:
            told = asdict(run) | {"published_at": run.published_at.isoformat()}
            print(json.dumps(told, ensure_ascii=False))
        return
    if not runs:
        print(f"the schema {schema} holds no published run")
        return
    table = Table(box=None)
    table.add_column("run", overflow="fold")
    for heading in ("tables", "scenario", "quarter", "status"):
        table.add_column(heading)
    for heading in ("gap", "rows", "MB"):
        table.add_column(heading, justify="right")
    for heading in ("published", "by"):
        table.add_column(heading)
    for run in runs:
        names = f"{run.published_as}__*" if run.is_current else f"*__{run.key}"
        table.add_row(
            run.key, *map(escape, (names, run.name, run.planning_quarter, run.status)),
            percent(run.gap_frac, 2), f"{run.num_rows:,}", large(run.num_bytes / 1e6),
            f"{run.published_at:%Y-%m-%d %H:%M}", escape(run.published_by),
        )  # fmt: skip
    print_table(Console(highlight=False), table)


def show_removed(removed: PublishedRun, successor: PublishedRun | None, *, as_json: bool) -> None:
    """Tell which run went, and which stands in its place."""
    if as_json:
        next_key = None if successor is None else successor.key
        print(json.dumps({"removed": removed.key, "name": removed.published_as, "now": next_key}))
        return
    print(f"run {removed.key} removed: {removed.num_rows:,} rows")
    if successor is not None:
        print(f"run {successor.key} stands as {removed.published_as} again")
