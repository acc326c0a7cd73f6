"""The futures that a plan was made for: what it serves in each, and what is known of its worth."""

from dataclasses import dataclass

from planner.outputs.futures import (
    BEST_HEAD,
    FUTURE,
    MEASURE,
    OPENINGS,
    in_common,
    in_one_sentence,
    measure_title,
    span,
)
from planner.outputs.layers.columns import describe_columns
from planner.outputs.layers.phases import FUTURE_SITES
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.futures import (
    regret_by_future,
    service_by_future,
    sites_by_weight,
)
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.tables import Table


@dataclass(frozen=True)
class FutureSection:
    """What the page tells of futures.

    Attributes
    ----------
    finding : str
        One sentence in plain words.
    charts : tuple of Chart
        Service and regret by future, and how many futures want the plan's sites.
    few : tuple of Table
        Measures, futures, and openings by future where news parts them.
    """

    finding: str
    charts: tuple[Chart, ...]
    few: tuple[Table, ...]


def describe_futures(run: RunFiles) -> FutureSection:
    """The section of a run that was planned for several futures."""
    charts = (service_by_future(run), regret_by_future(run), sites_by_weight(run))
    news = [_openings(run)] if len(run.optional.get(OPENINGS, ())) else []
    return FutureSection(
        in_one_sentence(run.optional),
        tuple(chart for chart in charts if chart is not None),
        (_measures(run), _futures(run), *news),
    )


def future_limits() -> tuple[str, ...]:
    """What is not known of a plan for several futures."""
    return (
        "Futures and their weights are assumptions: the bounds hold for these futures, and prove "
        "nothing about others. All other figures of this report are those of the base future.",
    )


def _measures(run: RunFiles) -> Table:
    headings = (
        ("Measure", "Figure of all futures together", False),
        ("Lies in", "Interval that is proven; no more is known", True),
        ("Meaning", "What is measured", False),
    )
    rows = [
        [measure_title(row["measure"]), span(row["low"], row["high"], row["unit"]), row["meaning"]]
        for row in records(run.optional[MEASURE])
    ]
    return Table("measures", "What the plan is worth over all futures", "", headings, rows)


def _futures(run: RunFiles) -> Table:
    future = run.optional[FUTURE]
    written = describe_columns(FUTURE_SITES, [f"{BEST_HEAD}{name}" for name in future["future"]])
    names = {
        column.name: name
        for column, name in zip(written, future["future"], strict=True)
        if column.name in run.optional[FUTURE_SITES]
    }
    sites = {name: counts for name, *counts in in_common(run.optional[FUTURE_SITES], names)}
    headings = (
        ("Future", "Name of the future", False),
        ("Weight [%]", "How much it counts", True),
        ("Changes", "What differs from the instance as given", False),
        ("Asked for [1/day]", "Swaps asked for", True),
        ("Served [1/day]", "Swaps that the plan serves", True),
        ("Best alone [1/day]", "The best plan known for this future alone, and the limit", True),
        ("Regret [%]", "Share of the best that the plan misses", True),
        ("Sites in common", "Sites of the plan that this future's own best has too", True),
        ("Only in the plan", "Sites of the plan that this future's own best lacks", True),
        ("Only in its best", "Sites of this future's own best that the plan lacks", True),
    )
    rows = [
        [
            row["future"], percent(row["weight"], 0).removesuffix(" %"), row["changes"] or "none",
            number(row["swaps_per_day_asked"]), number(row["swaps_per_day_served"]),
            span(row["best_lower"], row["best_upper"], ""),
            span(row["regret_low_frac"], row["regret_high_frac"], "1").removesuffix(" %"),
            *map(number, sites.get(row["future"], [None] * 3)),
        ]
        for row in records(future)
    ]  # fmt: skip
    return Table("futures-table", "Future by future", "", headings, rows)


def _openings(run: RunFiles) -> Table:
    count = run.optional[OPENINGS].groupby(["future", "quarter"]).size()
    quarters = sorted(run.optional[OPENINGS]["quarter"].unique())
    headings = (
        ("Future", "Name of the future", False),
        *((quarter, f"Stations that open or grow in the period from {quarter} on", True)
          for quarter in quarters),
    )  # fmt: skip
    rows = [
        [future, *(number(count.get((future, quarter), 0)) for quarter in quarters)]
        for future in run.optional[FUTURE]["future"]
    ]
    note = "Stations that open or grow. Until the news they are the same in all futures."
    return Table("news", "Openings by future", note, headings, rows)
