"""What a person or a machine sees of a batch: while it works, and of its results."""

import json
import math
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from planner.batch.resolve import Resolved
from planner.batch.run import BatchState, Listener
from planner.batch.store import Record, State
from planner.batch.task import RunTask

_MAX_RUNNING_SHOWN = 4
_FOR_MACHINES = ("folder", "peak_rss_mb")
_HEADING_WIDTH = 12
"""Longer headings of several words are broken between them."""


def show_scenarios(resolved: Resolved, tasks: Sequence[RunTask], as_json: bool) -> None:
    """Print every scenario as its difference to the base."""
    if as_json:
        for scenario, task in zip(resolved.scenarios, tasks, strict=True):
            _print_json({"scenario": scenario.name, "key": task.key,
                         "differences": list(scenario.differences),
                         "varied": dict(scenario.varied)})  # fmt: skip
        return
    click.echo(f"base: {resolved.instance}")
    for line in resolved.base:
        click.echo(f"  {line}")
    for scenario in resolved.scenarios:
        click.echo(scenario.name)
        for line in scenario.differences or ("as the base",):
            click.echo(f"  {line}")
    click.echo(f"{len(resolved.scenarios)} scenarios")


@contextmanager
def show_batch(as_json: bool) -> Iterator[Listener]:
    """Report a batch: a bar on a terminal, a line per ended run elsewhere, or JSON lines."""
    if as_json:
        yield _json_line
        return
    if not sys.stderr.isatty():
        yield _text_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    with Progress(
        BarColumn(), TextColumn("{task.description}"), console=console, transient=True
    ) as bar:
        line = bar.add_task("looking at finished runs")

        def listen(state: BatchState, record: Record | None) -> None:
            if record is not None:
                console.print(_ended(state, record), highlight=False, markup=False)
            running = [f"{name}: {said}" for name, said in state.running.items()]
            bar.update(
                line, total=state.num_all, completed=_num_ended(state),
                description=_summary(state) + "".join(
                    f"\n  {text[:100]}" for text in running[:_MAX_RUNNING_SHOWN]
                ),
            )  # fmt: skip

        yield listen


def _num_ended(state: BatchState) -> int:
    return state.num_done + state.num_failed + state.num_stopped


def _summary(state: BatchState) -> str:
    left = "" if state.left_s is None else f", {_duration(state.left_s)} left"
    return (
        f"{state.num_done} of {state.num_all} done, {len(state.running)} running, "
        f"{state.num_failed} failed{left}"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _ended(state: BatchState, record: Record) -> str:
    reason = f"  {record.reason.splitlines()[0]}" if record.reason else ""
    return (
        f"{state.elapsed_s:7.1f} s  {_num_ended(state)}/{state.num_all}  {record.scenario}  "
        f"{record.state} {record.status}{reason}"
    )


def _text_line(state: BatchState, record: Record | None) -> None:
    if record is not None:
        print(_ended(state, record), file=sys.stderr, flush=True)


def _json_line(state: BatchState, record: Record | None) -> None:
    content: dict[str, Any] = {"event": "progress", **asdict(state)}
    if record is not None:
        _print_json({"event": "ended", **asdict(record)})
    _print_json(content)


def show_end(
    records: Mapping[str, Record], tasks: Sequence[RunTask], folder: str, as_json: bool
) -> None:
    """Say how a batch ended: what failed, with its reason, and where the results lie."""
    of_state = [record.state for record in records.values()]
    counts = {str(state): of_state.count(state)
              for state in (State.DONE, State.FAILED, State.STOPPED)}  # fmt: skip
    counts["not_ended"] = len(tasks) - len(records)
    if as_json:
        _print_json({"event": "batch_ended", **counts, "folder": folder})
        return
    for record in records.values():
        if record.state is State.FAILED:
            click.echo(f"{record.scenario}: {record.status}, {record.reason}")
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    click.echo(f"{told}; page, catalogue and layers in {folder} (open study.html)")


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print rows as a table, or as JSON lines."""
    if as_json:
        for row in rows:
            _print_json(row)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from planner.outputs.screen.tables import print_table

    shown = [
        name
        for name in (rows[0] if rows else ())
        if name not in _FOR_MACHINES and any(_cell(row[name]) for row in rows)
    ]
    table = Table(box=None)
    for name in shown:
        is_number = any(isinstance(row[name], int | float) for row in rows)
        width = max(len(_cell(row[name])) for row in rows)
        heading = textwrap.fill(name, max(width, _HEADING_WIDTH), break_long_words=False)
        table.add_column(escape(heading), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(escape(_cell(row[name])) for name in shown))
    if rows:
        print_table(Console(highlight=False), table)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _print_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False), flush=True)
