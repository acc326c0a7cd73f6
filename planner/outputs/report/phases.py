"""The build-out: what stands when, what it serves, costs, and what building in steps costs."""

from dataclasses import dataclass

from planner.outputs.phases import PHASE, in_one_sentence, period_names
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.phases import (
    money_by_period,
    share_by_period,
    stations_by_period,
    worth_of_more,
)
from planner.outputs.report.numbers import large, number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.tables import Table


@dataclass(frozen=True)
class PhaseSection:
    """What the page tells of the build-out.

    Attributes
    ----------
    finding : str
        One sentence in plain words.
    charts : tuple of Chart
        Stations, share served, money and what more of each limit would bring, by period.
    periods : Table
        All of it by period.
    """

    finding: str
    charts: tuple[Chart, ...]
    periods: Table


def describe_phases(run: RunFiles) -> PhaseSection:
    """The section of a run whose openings were planned by period."""
    charts = (stations_by_period(run), share_by_period(run), money_by_period(run),
              worth_of_more(run))  # fmt: skip
    return PhaseSection(
        in_one_sentence(run.optional[PHASE], run.run["models"].get("phasing")),
        tuple(chart for chart in charts if chart is not None),
        _periods(run),
    )


def phase_limits() -> tuple[str, ...]:
    """What is not known of a plan over time."""
    return (
        "The build-out is planned for the packs, fleets and loads of each period's last quarter; "
        "what opens in a period stands from its first day. Nothing is known of a permit or a "
        "contractor that comes late beyond what the instance states.",
    )


def _periods(run: RunFiles) -> Table:
    phase = run.optional[PHASE]
    names = period_names(phase)
    headings = (
        ("Period", "Quarters that are planned as one", False),
        ("Stations", "Stations that stand in the period", True),
        ("Opened", "New stations that open at the period's beginning", True),
        ("At most", "New stations that the build rate allows in the period or up to it", True),
        ("Enlarged", "Stations that get a larger type", True),
        ("Spent [CNY]", "Money for stations opened or enlarged", True),
        ("Available [CNY]", "Money available in the period or up to it", True),
        ("Served [1/day]", "Swaps that the stations of the period serve", True),
        ("Served [%]", "Share of the swaps asked for", True),
        ("At most [%]", "No plan made for this period alone serves a larger share", True),
        ("Missed [%]", "Share of that limit which the build-out may miss", True),
        ("One more opening [swaps]", "Discounted swaps over all periods, at most", True),
        ("1 M CNY more [swaps]", "Discounted swaps over all periods, at most", True),
    )
    rows = [
        [
            names[row["quarter"]], number(row["stations"]), number(row["opened"]),
            number(row["openings_most"]), number(row["enlarged"]), large(row["spent_cny"]),
            large(row["budget_cny"]), number(row["swaps_per_day_served"]),
            *(percent(row[name], 2).removesuffix(" %")
              for name in ("served_frac", "own_bound_frac", "nested_loss_frac")),
            number(row["opening_value"]), number(row["money_value"]),
        ]
        for row in records(phase)
    ]  # fmt: skip
    return Table("period-table", "Period by period", "", headings, rows)
