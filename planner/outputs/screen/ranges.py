"""Print a range table for people, or as JSON lines, and write it as CSV."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.screen.tables import print_table, print_text
from planner.physics.range_table import CONSUMPTION_DOMAIN_C, RangeTable

_OF_A_START = {"pack_c": ("pack C", 1), "kwh_per_100km": ("kWh/100 km", 1)}
_FIGURES = {"range_km": ("km", 0), "usable_kwh": ("kWh", 1), "swaps_per_day": ("swaps/day", 2)}
"""Heading and decimals of what is shown of each pack; of the former, once if packs are alike."""


def show_range_table(table: RangeTable) -> None:
    """Print range, energy and swaps over air temperature, then where sodium-ion goes farther."""
    console = Console(highlight=False)
    print_table(console, _figures(table))
    for note in notes(table):
        print_text(console, note)


def print_json_lines(table: RangeTable) -> None:
    """Print a JSON line per row, then one per crossover; an unknown number is null."""
    head = {"vehicle_id": table.vehicle_id, "city": table.city or None}
    labels = dict(zip(table.places["ambient_c"], table.places["label"], strict=True))
    for row in _records(table.rows):
        record = {"record": "range", **head, **row, "place": labels.get(row["ambient_c"])}
        print(json.dumps(record), flush=True)
    for row in _records(table.crossovers):
        print(json.dumps({"record": "crossover", **head, **row}), flush=True)


def write_csv(table: RangeTable, path: Path) -> None:
    """Write the rows as CSV, numbers with four digits after the point."""
    rows = table.rows.copy()
    rows.insert(0, "vehicle_id", table.vehicle_id)
    rows.to_csv(path, index=False, float_format="%.4f", encoding="utf-8")


def notes(table: RangeTable) -> list[str]:
    """Sentences below the table or figure: marks, and where sodium-ion goes farther."""
    lines = []
    if table.rows["outside_curve"].any():
        lines.append(
            "* pack colder or warmer than its curve's domain: the curve's end value is held"
        )
    if table.rows["outside_consumption"].any():
        low, high = CONSUMPTION_DOMAIN_C
        lines.append(f"† air outside {low:g} to {high:g} C, for which consumption is meant")
    return lines + [crossover_sentence(row) for row in table.crossovers.to_dict("records")]


def crossover_sentence(crossover: Mapping[Any, Any]) -> str:
    """Where one pack goes at least as far as another, in words."""
    first, other = crossover["pack_id"], crossover["other_pack_id"]
    low, high = CONSUMPTION_DOMAIN_C
    compared = (
        f"(compared in air of {low:g} to {high:g} C and for packs at "
        f"{crossover['domain_low_c']:g} to {crossover['domain_high_c']:g} C)"
    )
    if crossover["goes_farther"] == "everywhere":
        return f"{first} goes at least as far as {other} at every temperature {compared}"
    if crossover["goes_farther"] == "nowhere":
        return f"{first} goes less far than {other} at every temperature {compared}"
    air_c, pack_c = crossover["ambient_c"], crossover["pack_c"]
    return (
        f"{first} goes at least as far as {other} below {air_c:.1f} C in the air, when the pack "
        f"has {pack_c:.1f} C {compared}"
    )


def _figures(table: RangeTable) -> Table:
    city = f" in {table.city}" if table.city else ""
    shown = Table(
        title=f"{escape(table.vehicle_id)} ({table.segment}){escape(city)}",
        title_justify="left",
        box=None,
    )
    shown.add_column("air C", justify="right")
    # Starts heat some packs and not others: then each pack has columns of its own for it.
    of_air = table.rows.groupby("ambient_c")[list(_OF_A_START)]
    is_alike = of_air.max().equals(of_air.min())
    once, by_each = (_OF_A_START, _FIGURES) if is_alike else ({}, _FIGURES | _OF_A_START)
    for heading, _ in once.values():
        shown.add_column(heading, justify="right")
    for pack_id in table.pack_ids:
        for idx, (heading, _) in enumerate(by_each.values()):
            head = "" if idx else escape(pack_id)
            shown.add_column(f"{head}\n{heading}", justify="right")
    shown.add_column("")
    labels = table.places.groupby("ambient_c")["label"].agg(", ".join)
    for ambient_c, rows in table.rows.groupby("ambient_c"):
        by_pack = rows.set_index("pack_id")
        first = by_pack.iloc[0]
        cells = [
            f"{ambient_c:.1f}" + ("†" if first["outside_consumption"] else ""),
            *(f"{first[name]:.{decimals}f}" for name, (_, decimals) in once.items()),
        ]
        for pack_id in table.pack_ids:
            row = by_pack.loc[pack_id]
            mark = "*" if row["outside_curve"] else ""
            cells += [f"{row[name]:.{decimals}f}{mark}" for name, (_, decimals) in by_each.items()]
        place = str(labels.get(ambient_c, ""))
        shown.add_row(*cells, place, style="bold" if place else "")
    return shown


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values; NaN, which JSON does not know, as null."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=6))
    return rows
