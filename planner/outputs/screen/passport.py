"""Passports of a finished run: on a terminal, or as lines of JSON."""

import json
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.passport import FLOW_KEY, Passports, difference, sheet_rows
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import records
from planner.outputs.run_json import without_infinity
from planner.outputs.screen.tables import print_table, print_text

_STATUSES = {
    "filled": "filled",
    "ask_supplier": "ask supplier",
    "unknown": "unknown",
    "not_asked": "not asked",
}
_FLOW_HEADINGS = (
    "market", "pack", "quarter", "packs", "category", "passport", "filled", "ask supplier",
    "unknown", "not asked", "declared",
)  # fmt: skip


def print_passports_json(passports: Passports, against: Passports | None = None) -> None:
    """Print a line per flow: its counts and its points, or those that differ from a quarter."""
    for flow in records(passports.flows):
        sheet = sheet_rows(passports.points, [flow[name] for name in FLOW_KEY])
        said: dict[str, Any] = {"run": passports.run, **flow}
        if against is None:
            said["points"] = records(sheet)
        else:
            before = _before(flow, against)
            said["against"] = None if before is None else before[0]
            said["changes"] = [] if before is None else records(difference(sheet, before[1]))
        print(json.dumps(without_infinity(said), ensure_ascii=False))


def show_passports(passports: Passports) -> None:
    """Show the sheet of the only flow, or a list of several."""
    console = Console(highlight=False)
    if len(passports.flows) > 1:
        _show_flows(console, passports.flows)
        return
    flow = records(passports.flows)[0]
    print_text(console, headline(flow))
    console.print()
    sheet = sheet_rows(passports.points, [flow[name] for name in FLOW_KEY])
    table = Table(box=None)
    table.add_column("point", justify="right")
    for heading in ("what", "must", "status", "value", "from", "to do"):
        table.add_column(heading)
    for row in records(sheet):
        value = " ".join(filter(None, (row["value"], row["unit"])))
        words = (row["name"], row["requirement"], _STATUSES[row["status"]], value,
                 row["from_table"], row["action"])  # fmt: skip
        table.add_row(str(row["point"]), *map(escape, words))
    print_table(console, table)


def show_changes(passports: Passports, against: Passports) -> None:
    """Show, for each flow, in what its sheet differs from that of another quarter."""
    console = Console(highlight=False)
    for flow in records(passports.flows):
        sheet = sheet_rows(passports.points, [flow[name] for name in FLOW_KEY])
        print_text(console, headline(flow))
        before = _before(flow, against)
        if before is None:
            print_text(console, "Nothing was delivered in the quarter to compare with.")
            continue
        changes = difference(sheet, before[1])
        print_text(console, f"{len(changes)} points differ from {before[0]}.")
        if len(changes):
            table = Table(box=None)
            table.add_column("point", justify="right")
            for heading in ("what", "status before", "status", "value before", "value", "to do"):
                table.add_column(heading)
            for row in records(changes):
                words = (row["name"], _STATUSES[row["status_before"]], _STATUSES[row["status"]],
                         row["value_before"], row["value"], row["action"])  # fmt: skip
                table.add_row(str(row["point"]), *map(escape, words))
            print_table(console, table)
        console.print()


def headline(flow: dict[str, Any]) -> str:
    """What a flow is, and how its points stand, in one sentence."""
    packs = "" if pd.isna(flow["packs"]) else f"{number(flow['packs'])} packs, "
    asked = "asked for by law" if flow["asked"] else "not asked for by law"
    return (
        f"{flow['market']}, {flow['pack_id']}, {flow['quarter']}: {packs}category "
        f"{flow['category']}; a passport is {asked}; of {flow['num_points']} points "
        f"{flow['num_filled']} filled, {flow['num_supplier']} to ask the supplier for, "
        f"{flow['num_unknown']} known to nobody yet, {flow['num_not_asked']} not asked for."
    )


def _show_flows(console: Console, flows: pd.DataFrame) -> None:
    table = Table(box=None)
    for heading in _FLOW_HEADINGS:
        is_text = heading in ("market", "pack", "quarter", "category", "passport")
        table.add_column(heading, justify="left" if is_text else "right")
    for flow in records(flows):
        table.add_row(
            *(escape(flow[name]) for name in FLOW_KEY), number(flow["packs"]), flow["category"],
            "asked" if flow["asked"] else "-",
            *(str(flow[f"num_{name}"]) for name in ("filled", "supplier", "unknown", "not_asked")),
            percent(flow["declared_frac"]),
        )  # fmt: skip
    print_table(console, table)
    print_text(console, "\n--market, --pack and --quarter choose one, and show its sheet.")


def _before(flow: dict[str, Any], against: Passports) -> tuple[str, pd.DataFrame] | None:
    """The quarter compared with, and the sheet of the same pack and market in it."""
    same = against.flows[
        (against.flows["market"] == flow["market"]) & (against.flows["pack_id"] == flow["pack_id"])
    ]
    if same.empty:
        return None
    key = same[FLOW_KEY].to_numpy().tolist()[0]
    return key[2], sheet_rows(against.points, key)
