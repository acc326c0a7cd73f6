"""A simulated run on a terminal, or as a line of JSON."""

import json
import math
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from planner.outputs.chemistries import Chemistries
from planner.outputs.kpi import describe_kpi, is_share
from planner.outputs.report.numbers import MISSING, number, percent
from planner.outputs.screen.tables import print_table, print_text
from planner.outputs.simulate import SimulatedRun, describe
from planner.outputs.waits import VERDICTS, day_of, refuted_stations

MOST_REFUTED = 20
NUM_BUSIEST = 10
_NOT_ROWS = ("within_5min_low", "within_5min_high", "expected_no_pack_frac")
"""Figures that stand in another one's row."""


def print_simulation_json(simulated: SimulatedRun, folder: Path) -> None:
    """Print everything but the tables by station and by hour as one line of JSON."""
    content = {**describe(simulated), "written_to": str(folder)}
    print(json.dumps(content, ensure_ascii=False, allow_nan=False), flush=True)


def show_simulation(simulated: SimulatedRun, folder: Path) -> None:
    """Say in a screen what drivers wait, which stations hold and which do not."""
    console = Console(highlight=False)
    tables, behaviour = simulated.result.tables, simulated.behaviour
    wait = tables["station_wait"]
    days = simulated.result.kpi["replications"]
    print_text(
        console,
        f"{simulated.run.resolve().name}: {day_of(wait) or simulated.settings.day}, {days} days "
        f"simulated with the packs of {simulated.quarter}, seed {simulated.seed}",
    )
    _print_figures(console, tables["simulation_figure"])
    counts = ", ".join(f"{(wait['verdict'] == each).sum():,} {each}" for each in VERDICTS)
    print_text(
        console,
        f"{len(wait):,} stations: {counts} (target: {percent(behaviour.within_frac)} of the "
        f"drivers of the {behaviour.busy_hours} busiest hours within {behaviour.wait_min:g} min)",
    )
    _print_stations(console, "Refuted stations, the worst first", refuted_stations(wait),
                    MOST_REFUTED)  # fmt: skip
    busiest = wait.sort_values(["drivers_per_day", "station_id"], ascending=[False, True])
    _print_stations(console, "Busiest stations", busiest, NUM_BUSIEST)
    disagreeing = wait.loc[wait["disagrees"], "station_id"].tolist()
    if disagreeing:
        print_text(console, f"closed form and simulation disagree at {_some(disagreeing)}")
    without = [f"{station} ({pack})" for station, pack in simulated.result.without_packs]
    if without:
        print_text(
            console, f"drivers come for packs that the station has none of: {_some(without)}"
        )
    console.print(f"written to {folder}", soft_wrap=True)


def _print_figures(console: Console, figures: pd.DataFrame) -> None:
    table = Table(title="All stations, all hours", title_justify="left")
    table.add_column("figure")
    for heading in ("simulated", "from", "to", "closed form"):
        table.add_column(heading, justify="right")
    for row in figures[~figures["figure"].isin(_NOT_ROWS)].to_dict("records"):
        name = str(row["figure"])
        title = describe_kpi(name, Chemistries({})).title
        table.add_row(
            escape(title),
            *(_shown(name, row[each]) for each in ("value", "low", "high", "expected")),
        )
    print_table(console, table)


def _shown(name: str, value: float) -> str:
    if is_share(name):
        return percent(value, 2)
    if name.endswith("_min") and math.isfinite(value):
        return f"{number(value, 2)} min"
    return number(value)


def _print_stations(console: Console, title: str, wait: pd.DataFrame, most: int) -> None:
    if wait.empty:
        return
    more = f" ({most} of {len(wait):,})" if len(wait) > most else ""
    table = Table(title=title + more, title_justify="left")
    for heading in ("station", "drivers/day", "packs", "on time", "from", "to", "closed form",
                    "p95 wait", "no pack", "verdict", "lacks"):  # fmt: skip
        is_text = heading in ("station", "verdict", "lacks")
        table.add_column(heading, justify="left" if is_text else "right")
    for row in wait.head(most).to_dict("records"):
        shares = (row[name] for name in ("on_time_frac", "on_time_low", "on_time_high",
                                         "expected_on_time_frac"))  # fmt: skip
        table.add_row(
            escape(str(row["station_id"])), number(row["drivers_per_day"], 1),
            number(row["packs"]), *map(percent, shares), f"{number(row['p95_wait_min'], 1)} min",
            percent(row["no_pack_frac"]), row["verdict"], escape(row["lacks"]) or MISSING,
        )  # fmt: skip
    print_table(console, table)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_REFUTED:,} more" if len(names) > MOST_REFUTED else ""
    return ", ".join(names[:MOST_REFUTED]) + more
