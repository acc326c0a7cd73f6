"""Alternatives to a plan, and a frontier: on a terminal, or as a line of JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.reasons.about import About
from planner.outputs.reasons.alternatives import in_one_sentence
from planner.outputs.reasons.folder import as_json
from planner.outputs.screen.tables import print_table, print_text


def print_tables_json(
    tables: Mapping[str, pd.DataFrame], about: About, folder: Path | None
) -> None:
    """Print all tables as one line; what is not known is null."""
    said = as_json(tables, about) | {"written_to": None if folder is None else str(folder)}
    print(json.dumps(said, ensure_ascii=False))


def show_alternatives(
    tables: Mapping[str, pd.DataFrame], about: About, folder: Path | None
) -> None:
    """Say how many places can differ, and list the plans."""
    console = Console(highlight=False)
    print_text(console, in_one_sentence(tables))
    curve, plans = tables["alternative_curve"], tables["alternative_plans"]
    for name, frame in (("Places that differ", curve), (f"Plans [{about.unit}]", plans)):
        print_table(console, _screen_table(name, frame))
    _close(console, about, folder, "alternatives.html")


def show_frontier(tables: Mapping[str, pd.DataFrame], about: About, folder: Path | None) -> None:
    """List the points."""
    console = Console(highlight=False)
    print_table(console, _screen_table(f"Frontier [{about.unit}]", tables["frontier"]))
    _close(console, about, folder, "frontier.html")


def _screen_table(title: str, frame: pd.DataFrame) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for column in frame.columns:
        table.add_column(str(column), justify="right")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _close(console: Console, about: About, folder: Path | None, page: str) -> None:
    for note in about.notes:
        print_text(console, f"note: {note}")
    if folder is None:
        console.print("page, layers and tables: --out DIR")
    else:
        console.print(f"written to {folder} (open {page})", soft_wrap=True)
