"""What the plan owes to each station, and how near each other site is to having one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planner.outputs.report.charts.drawing import Chart
from planner.outputs.report.charts.reasons import nearness_of_sites, replacement_costs
from planner.outputs.report.numbers import MISSING, number
from planner.outputs.report.read import RunFiles, records
from planner.outputs.report.tables import MOST_ROWS, Table, places_of
from planner.outputs.station_reasons import (
    FORCE_IN,
    FORCE_IN_LOW,
    LEAVES,
    NEXT_BEST,
    REPLACEMENT,
    REPLACEMENT_LOW,
    closest_first,
    figure,
    hardest_first,
    stations_in_words,
)
from planner.plans.question import measure_of_run

_MOST_SITES = 1_000
"""Of the sites that are nearest to a station; the search knows them all."""
_DECIMALS = 3


@dataclass(frozen=True)
class ReasonSection:
    """What the page tells of reasons.

    Attributes
    ----------
    finding : str
        One sentence in plain words.
    notes : tuple of str
        What the figures mean, and what they do not.
    charts : tuple of Chart
        Costs of stations and of other sites.
    hardest, closest : Table
        Stations, the hardest to replace first; other sites, the nearest to a station first.
    """

    finding: str
    notes: tuple[str, ...]
    charts: tuple[Chart, ...]
    hardest: Table
    closest: Table


def describe_reasons(run: RunFiles) -> ReasonSection:
    """The section of a run that told what its stations and other sites cost."""
    unit = measure_of_run(run.run).unit
    candidates = _candidates(run)
    charts = (replacement_costs(run, unit), nearness_of_sites(candidates, unit))
    return ReasonSection(
        stations_in_words(run.stations, unit),
        reading(unit),
        tuple(chart for chart in charts if chart is not None),
        _hardest(run, unit),
        _closest(run, candidates, unit),
    )


def reading(unit: str) -> tuple[str, ...]:
    """What the costs mean and do not mean, in plain words."""
    return (
        f"Replacement cost: what the plan loses, in {unit}, if this one station may not be there "
        "and the rest is made good as well as is known: another site in its place, or its slot "
        "used elsewhere. At most: such a plan is known. At least: proven, for the station's city "
        "at the plan's price of a station; 0 where nothing is proven.",
        "Force-in cost: what the plan loses if a station must stand at this site. The same number "
        "tells what would have to change: with a gain of as much there, the site is as good as "
        "the plan.",
        "The costs hold for one station at a time, and for this plan. Sums over stations mean "
        "nothing: twins each cost little because the other remains. For a group, ask "
        "`planner explain`, which removes it as one.",
        "A station that alone serves much is not thereby important: what it serves may be served "
        "as well from next door.",
    )


def search_data(run: RunFiles) -> dict[str, Any]:
    """What the page's search knows of every site, as plain lists that JSON can carry."""
    candidates = _candidates(run)
    ids = [*run.stations["site_id"], *candidates["site_id"]]
    position = {site: idx for idx, site in enumerate(ids)}
    return {
        "unit": measure_of_run(run.run).unit,
        "num_stations": len(run.stations),
        "id": ids,
        "high": [*_plain(run.stations[REPLACEMENT]), *_plain(candidates[FORCE_IN])],
        "low": [*_plain(run.stations[REPLACEMENT_LOW]), *_plain(candidates[FORCE_IN_LOW])],
        "partner": [
            position.get(site, -1) if isinstance(site, str) else -1
            for site in (*run.stations[NEXT_BEST], *candidates[LEAVES])
        ],
    }


def _candidates(run: RunFiles) -> pd.DataFrame:
    columns = ["site_id", "city_id", FORCE_IN, FORCE_IN_LOW, LEAVES]
    return run.optional.get("candidates", pd.DataFrame(columns=columns)).astype(
        {FORCE_IN: float, FORCE_IN_LOW: float}
    )


def _plain(values: "pd.Series[Any]") -> list[float | None]:
    numbers = values.astype(float).round(_DECIMALS).tolist()
    return [value if math.isfinite(value) else None for value in numbers]


def _hardest(run: RunFiles, unit: str) -> Table:
    stations = hardest_first(run.stations)
    headings = (
        ("Station", "Site that carries the station", False),
        ("City", "Name of the city", False),
        (f"Replacement cost [{unit}]", "What is lost at most without it", True),
        (f"At least [{unit}]", "What is proven to be lost", True),
        ("Next best site", "Site that gets a station in its place; none: nowhere near", False),
        ("Swaps [1/day]", "Swaps that the plan has it serve", True),
    )
    names = _names(run)
    rows = [
        [row["site_id"], names.get(row["city_id"], MISSING), figure(row[REPLACEMENT]),
         figure(row[REPLACEMENT_LOW]), _site(row[NEXT_BEST]), number(row["swaps_per_day"])]
        for row in records(stations.head(MOST_ROWS))
    ]  # fmt: skip
    standing = len(run.stations) - len(stations)
    notes = [f"Stations that stand already or are committed: {number(standing)}."] * (standing > 0)
    if len(stations) > MOST_ROWS:
        notes.append(f"The first {number(MOST_ROWS)} of {number(len(stations))} rows.")
    return Table(
        "hardest", "Stations, the hardest to replace first", " ".join(notes), headings, rows, 40,
        places_of(stations.head(MOST_ROWS)),
    )  # fmt: skip


def _closest(run: RunFiles, candidates: pd.DataFrame, unit: str) -> Table:
    known = closest_first(candidates)
    headings = (
        ("Site", "Stable id of the site", False),
        ("City", "Name of the city", False),
        (f"Force-in cost [{unit}]", "What is lost at most with a station here", True),
        (f"At least [{unit}]", "What is proven to be lost", True),
        ("Station that leaves", "In the best exchange known", False),
    )
    names = _names(run)
    rows = [
        [row["site_id"], names.get(row["city_id"], MISSING), figure(row[FORCE_IN]),
         figure(row[FORCE_IN_LOW]), _site(row[LEAVES])]
        for row in records(known.head(_MOST_SITES))
    ]  # fmt: skip
    note = ""
    if len(known) > _MOST_SITES:
        note = f"The nearest {number(_MOST_SITES)} of {number(len(known))} sites."
    return Table(
        "closest", "Other sites, the nearest to a station first", note, headings, rows, 40,
        places_of(known.head(_MOST_SITES)[["city_id"]]),
    )  # fmt: skip


def _site(site: Any) -> str:
    return site if isinstance(site, str) and site else "none"


def _names(run: RunFiles) -> Mapping[str, str]:
    return dict(zip(run.cities["city_id"], run.cities["name_en"], strict=True))
