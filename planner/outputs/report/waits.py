"""How long drivers wait: figures with intervals, charts, and the stations that are refuted."""

from dataclasses import dataclass

from planner.outputs.kpi import Kpi, describe_kpi
from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.waits import no_pack_by_hour, on_time_over_use, wait_bars
from planner.outputs.report.numbers import MISSING, number, percent
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.tables import Table, build_table
from planner.outputs.waits import REFUTED, day_of, in_one_sentence

_STATION_COLUMNS = (
    "station_id", "city", "verdict", "lacks", "packs", "drivers_per_day", "on_time_frac",
    "on_time_low", "on_time_high", "expected_on_time_frac", "p95_wait_min", "no_pack_frac",
    "disagrees",
)  # fmt: skip
_BESIDE = ("within_5min_low", "within_5min_high", "expected_no_pack_frac")
"""Figures that stand in other columns of the row that they belong to."""


@dataclass(frozen=True)
class WaitSection:
    """What the page tells of waits.

    Attributes
    ----------
    finding : str
        One sentence in plain words.
    figures : Table
        Figures of the whole plan with intervals and the closed form's.
    types : Table or None
        Drivers without a pack by type of pack; None if the run does not tell.
    charts : tuple of Chart
        Distribution of waits, share on time over use, drivers without a pack by hour and city.
    stations : Table or None
        Stations that are refuted, or where the closed form disagrees; None if there is none.
    """

    finding: str
    figures: Table
    types: Table | None
    charts: tuple[Chart, ...]
    stations: Table | None


def describe_waits(run: RunFiles) -> WaitSection:
    """The section of a run whose stations were simulated."""
    return WaitSection(
        in_one_sentence(run.optional["simulation_figure"], run.optional["station_wait"]),
        _figures(run),
        _by_type(run) if "no_pack_type" in run.optional else None,
        (wait_bars(run), on_time_over_use(run), no_pack_by_hour(run)),
        _stations(run),
    )


def wait_limits(run: RunFiles) -> list[str]:
    """What is not known of waits."""
    capacity = (
        "A station's capacity is the largest rate of the peak hour at which it keeps the service "
        "level, or that of the utilisation chosen instead"
    )
    if not run.has_waits:
        return [f"{capacity}; this run simulated no waits."]
    return [
        f"{capacity}. Waits are those of a simulated {day_of(run.optional['station_wait'])}: "
        "drivers come independently of each other at the hour's rate and wait for lane and pack "
        "as the scenario says; no robot breaks down, and no driver looks up the queue and goes "
        "elsewhere. Intervals tell of chance within such days, not of demand that turns out "
        "otherwise."
    ]


def _figures(run: RunFiles) -> Table:
    rows = []
    for row in records(run.optional["simulation_figure"]):
        if row["figure"] in _BESIDE:
            continue
        about = describe_kpi(row["figure"], run.chemistries)
        title = about.title if about.unit == "1" else f"{about.title} [{about.unit}]"
        rows.append(
            [title, _shown(about, row["value"]), _span(about, row["low"], row["high"]),
             _shown(about, row["expected"])]
        )  # fmt: skip
    headings = (
        ("Figure", "Of the whole plan, all hours of the day unless it says otherwise", False),
        ("Simulated", "Mean over the days simulated", True),
        ("Interval", "Ends of the interval over the days simulated", True),
        ("Closed form", "By formula, without simulation", True),
    )
    day = day_of(run.optional["station_wait"])
    return Table("wait-figures", f"Waits on the {day}", "", headings, rows)


def _by_type(run: RunFiles) -> Table:
    about = describe_kpi("no_pack_frac", run.chemistries)
    rows = [
        [row["pack_id"], number(row["drivers_per_day"]), percent(row["no_pack_frac"]),
         _span(about, row["low"], row["high"])]
        for row in records(run.optional["no_pack_type"])
    ]  # fmt: skip
    headings = (
        ("Pack", "Type that the drivers come for", False),
        ("Drivers [1/day]", "All stations together", True),
        ("Find no full pack [%]", "Share of them for whom none is ready when they come", True),
        ("Interval", "Ends of the interval over the days simulated", True),
    )
    return Table("no-pack-types", "No full pack, by type", "", headings, rows)


def _stations(run: RunFiles) -> Table | None:
    wait = run.optional["station_wait"]
    shown = wait[(wait["verdict"] == REFUTED) | wait["disagrees"].astype(bool)]
    if shown.empty:
        return None
    shown = shown.assign(
        order=shown["verdict"] != REFUTED, city=shown["station_id"].map(_cities(run))
    ).sort_values(["order", "on_time_frac", "station_id"])
    refuted = int((shown["verdict"] == REFUTED).sum())
    note = (
        f"{number(refuted)} of {number(len(wait))} stations are refuted, each with what it lacks; "
        f"with {number(int(shown['disagrees'].sum()))} the closed form lies more than 2 points "
        "outside the simulation's interval."
    )
    return build_table(
        run, "refuted", "Stations refuted, or where the closed form disagrees", shown,
        "station_wait", _STATION_COLUMNS, note=note, printed=40,
    )  # fmt: skip


def _cities(run: RunFiles) -> dict[str, str]:
    """Name of the city that each station stands in, or near."""
    names = run.cities.set_index("city_id")["name_en"]
    found = dict(zip(run.stations["site_id"], run.stations["city_id"].map(names), strict=True))
    if run.has_corridors:
        between = run.optional["corridor_stations"]
        near = between["near_city_id"].map(names)
        found |= dict(zip(between["corridor_station_id"], near, strict=True))
    return found


def _shown(about: Kpi, value: float | None) -> str:
    decimals = len(about.format.removesuffix("%").partition(".")[2])
    return percent(value, decimals) if about.format.endswith("%") else number(value, decimals)


def _span(about: Kpi, low: float, high: float) -> str:
    ends = [_shown(about, low).removesuffix(" %"), _shown(about, high)]
    return MISSING if MISSING in ends else " to ".join(ends)
