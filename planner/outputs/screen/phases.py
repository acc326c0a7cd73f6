"""The build-out and the futures of a run on the terminal; nothing where it planned neither."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from planner.outputs.futures import FUTURE, MEASURE, measure_title, span
from planner.outputs.futures import in_one_sentence as futures_in_one_sentence
from planner.outputs.phases import PHASE, in_one_sentence, period_names
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.screen.tables import print_table

if TYPE_CHECKING:
    from rich.console import Console

    from planner.planning.result import Planned


def over_time(planned: "Planned") -> list[tuple[str, str]]:
    """What is built when, and what is proven of it."""
    if PHASE not in planned.tables:
        return []
    found = [asdict(model) for model in planned.plan.models if model.name == "phasing"]
    return [("build-out", in_one_sentence(planned.tables[PHASE], found[0] if found else None))]


def in_futures(planned: "Planned") -> list[tuple[str, str]]:
    """How the plan fares in its futures."""
    if FUTURE not in planned.tables:
        return []
    return [("futures", futures_in_one_sentence(planned.tables))]


def print_phases(planned: "Planned", console: "Console") -> None:
    """Stations, service, money and what more would bring, period by period."""
    if PHASE not in planned.tables:
        return
    phase = planned.tables[PHASE]
    table = Table(title="Openings by period", title_justify="left")
    for heading in ("period", "opened", "at most", "stations", "served", "at most alone",
                    "CNY spent", "1 opening more"):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "period" else "right")
    names = period_names(phase)
    for row in phase.to_dict("records"):
        worth = number(row["opening_value"])
        table.add_row(
            names[row["quarter"]], number(row["opened"]), number(row["openings_most"]),
            number(row["stations"]), percent(row["served_frac"]), percent(row["own_bound_frac"]),
            large(row["spent_cny"]), worth if worth == number(None) else f"{worth} swaps",
        )  # fmt: skip
    print_table(console, table)


def print_futures(planned: "Planned", console: "Console") -> None:
    """What the plan serves in each future and misses of its best, and what it is worth."""
    if FUTURE not in planned.tables:
        return
    table = Table(title="The plan in each future", title_justify="left")
    for heading in ("future", "weight", "served", "of swaps a day", "regret"):
        table.add_column(heading, justify="left" if heading == "future" else "right")
    for row in planned.tables[FUTURE].to_dict("records"):
        table.add_row(
            escape(row["future"]), percent(row["weight"], 0), percent(row["served_frac"]),
            number(row["swaps_per_day_asked"]),
            span(row["regret_low_frac"], row["regret_high_frac"], "1"),
        )  # fmt: skip
    print_table(console, table)
    for row in planned.tables[MEASURE].to_dict("records"):
        worth = span(row["low"], row["high"], row["unit"])
        console.print(f"{measure_title(row['measure'])}: {escape(worth)}", soft_wrap=True)
