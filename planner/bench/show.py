"""What a person or a machine sees of a benchmark."""

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from planner.bench.run import BenchRow

if TYPE_CHECKING:
    from rich.table import Table


def show_start(line: str) -> None:
    """Tell on the error stream what comes next."""
    print(line, file=sys.stderr, flush=True)


def show_rows(rows: Iterable[BenchRow], as_json: bool) -> list[BenchRow]:
    """Print a JSON line per instance as soon as it is done, or tables once all are.

    Returns
    -------
    list of BenchRow
        What was printed.
    """
    done = []
    for row in rows:
        done.append(row)
        if as_json:
            print(json.dumps(row.record()), flush=True)
    if not as_json and done:
        from rich.console import Console

        from planner.outputs.screen.tables import print_table

        console = Console(highlight=False)
        print_table(console, _instances(done))
        if any(row.peers for row in done):
            print_table(console, _peers(done))
    return done


def _text(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)


def _ratio(number: float | None, other: float | None) -> float | None:
    return number / other if number is not None and other else None


def _instances(rows: list[BenchRow]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("instance", "status", "value", "bound", "gap", "published", "of published",
                    "build s", "wall s", "MB"):  # fmt: skip
        table.add_column(heading, justify="left" if heading in ("instance", "status") else "right")
    for row in rows:
        own = row.planner
        table.add_row(
            row.instance,
            own.status + (f" ({own.message})" if own.message else ""),
            _text(own.value, ",.1f"),
            _text(own.bound, ",.1f"),
            _text(own.gap_frac, ".3%"),
            _text(row.published, ",.0f"),
            _text(_ratio(own.value, row.published), ".3%"),
            _text(own.build_s, ".2f"),
            _text(own.wall_s, ".2f"),
            _text(own.peak_rss_mb, ",.0f"),
        )
    return table


def _peers(rows: list[BenchRow]) -> "Table":
    """Time of each solver to the gap asked for, and as a multiple of the planner's."""
    from rich.table import Table

    table = Table(title="\nSame instances, same gap asked for, model building included",
                  title_justify="left", box=None, pad_edge=False)  # fmt: skip
    for heading in ("instance", "solver", "status", "value", "gap", "build s", "wall s",
                    "times planner's", "MB"):  # fmt: skip
        left = heading in ("instance", "solver", "status")
        table.add_column(heading, justify="left" if left else "right")
    for row in rows:
        for peer in (row.planner, *row.peers):
            table.add_row(
                row.instance,
                peer.solver,
                peer.message or peer.status,
                _text(peer.value, ",.1f"),
                _text(peer.gap_frac, ".3%"),
                _text(peer.build_s, ".2f"),
                _text(peer.wall_s, ".2f"),
                _text(_ratio(peer.wall_s, row.planner.wall_s), ".1f"),
                _text(peer.peak_rss_mb, ",.0f"),
            )
    return table
