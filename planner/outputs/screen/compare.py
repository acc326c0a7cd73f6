"""A comparison on a terminal, or as a line of JSON."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.chemistries import Chemistries
from planner.outputs.compare.difference import Comparison, rank_cities, records
from planner.outputs.compare.page import (
    corridor_station_counts,
    figure,
    finding,
    openings_finding,
    reasons_finding,
    signed,
    station_counts,
    waits_finding,
)
from planner.outputs.compare.stations import CHANGES
from planner.outputs.kpi import describe_kpi
from planner.outputs.report.numbers import percent
from planner.outputs.screen.tables import print_table, print_text

_MOST_CITIES = 10
_HASH_LENGTH = 12


def show_comparison(comparison: Comparison, folder: Path | None) -> None:
    """Say in a screen what differs, and where the rest stands."""
    console = Console(highlight=False)
    tables = comparison.tables
    for side, run in (("base", comparison.base), ("other", comparison.other)):
        gap = percent(run.run["gap_frac"], 3)
        print_text(console, f"{side:<6}{run.label}: {run.run['status']}, proven gap {gap}")
    print_text(console, finding(comparison))
    print_text(console, f"stations: {station_counts(comparison)}")
    if "corridor_stations_change" in tables:
        print_text(console, f"corridor stations: {corridor_station_counts(comparison)}")
    if waits := waits_finding(comparison):
        print_text(console, waits)
    if openings := openings_finding(comparison):
        print_text(console, openings)
    if reasons := reasons_finding(comparison):
        print_text(console, reasons)
    for note in comparison.notes:
        print_text(console, f"note: {note}")
    _print_kpi(console, tables["kpi"], comparison.base.chemistries)
    _print_cities(console, tables["cities_change"])
    _print_unlike(console, "Settings that differ", tables["settings"], shorten=False)
    _print_unlike(console, "Inputs that differ (sha256)", tables["inputs"], shorten=True)
    if folder is None:
        console.print("all tables, a page and a GeoPackage: --out DIR")
    else:
        console.print(f"written to {folder} (open compare.html)", soft_wrap=True)


def print_json(comparison: Comparison, folder: Path | None) -> None:
    """Print everything but the stations kept as one line of JSON; a missing value is null."""
    tables = dict(comparison.tables)
    for name in {"stations_change", "corridor_stations_change"} & set(tables):
        tables[name] = tables[name][tables[name]["change"] != "kept"]
    print(
        json.dumps(
            {
                **{
                    side: {
                        "folder": str(run.folder),
                        **{key: run.run[key] for key in ("name", "status", "objective", "bound",
                                                         "gap_frac")},
                    }
                    for side, run in (("base", comparison.base), ("other", comparison.other))
                },
                "verdict": comparison.verdict,
                "num_stations": {change: comparison.count(change) for change in CHANGES},
                "notes": list(comparison.notes),
                "tables": {name: _records(frame) for name, frame in tables.items()},
                "written_to": None if folder is None else str(folder),
            },
            ensure_ascii=False,
            allow_nan=False,
        )
    )  # fmt: skip


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{key: _plain(value) for key, value in row.items()} for row in records(frame)]


def _plain(value: Any) -> Any:
    if pd.isna(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _print_kpi(console: Console, kpi: pd.DataFrame, chemistries: Chemistries) -> None:
    differing = kpi[(kpi["change_value"] != 0) | kpi["change_value"].isna()]
    if differing.empty:
        console.print("every figure of the whole plan is the same")
        return
    table = Table(title="Figures that differ", title_justify="left")
    table.add_column("figure")
    for heading in ("base", "other", "change", "relative"):
        table.add_column(heading, justify="right")
    is_simulated = "change_low_value" in kpi
    if is_simulated:
        table.add_column("verdict")
    for row in records(differing):
        table.add_row(
            escape(describe_kpi(row["name"], chemistries).title),
            figure(row["name"], row["base_value"]),
            figure(row["name"], row["other_value"]),
            figure(row["name"], row["change_value"], is_change=True),
            signed(row["change_frac"], is_share=True),
            *([row["verdict"]] if is_simulated else []),
        )
    print_table(console, table)


def _print_cities(console: Console, cities: pd.DataFrame) -> None:
    names = ["num_gained", "num_lost", "num_moved", "num_resized"]
    ranked = rank_cities(cities)
    if ranked.empty:
        return
    table = Table(title=f"Cities where most changes ({len(ranked)} change)", title_justify="left")
    for heading in ("city", "base", "other", "gained", "lost", "moved", "resized", "served"):
        table.add_column(heading, justify="left" if heading == "city" else "right")
    for row in records(ranked.head(_MOST_CITIES)):
        table.add_row(
            escape(row["name_en"]),
            *(figure("", row[f"{side}_num_stations"]) for side in ("base", "other")),
            *(figure("", row[name]) for name in names),
            figure("_frac", row["change_swaps_served_frac"], is_change=True),
        )
    print_table(console, table)


def _print_unlike(console: Console, title: str, frame: pd.DataFrame, *, shorten: bool) -> None:
    if frame.empty:
        return
    table = Table(title=title, title_justify="left")
    for heading in (str(frame.columns[0]), "base", "other"):
        table.add_column(heading)
    for row in frame.itertuples(index=False):
        name, *values = (str(value) for value in row)
        shown = (value[:_HASH_LENGTH] if shorten else value for value in values)
        table.add_row(escape(name), *(escape(value) or "–" for value in shown))
    print_table(console, table)
