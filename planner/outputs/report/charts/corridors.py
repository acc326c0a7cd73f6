"""Which trips between cities can be refuelled, by season and by what the vehicle carries."""

from typing import Any

import numpy as np

from planner.outputs.palette import BOUND, MISSING, SERVED
from planner.outputs.report.charts.drawing import Chart, Spec, axis, complete, panel_width_px, says
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

_ALL = "all"
_STEPS = {
    "by_cities_frac": ("cities' stations alone", MISSING),
    "refuelled_frac": ("with corridor stations", SERVED),
    "at_most_frac": ("a station at every site", BOUND),
}
_BAR_PX = 16
_NO_TRIPS = "No vehicle class that drives between cities has a city to drive to."


def season_totals(run: RunFiles) -> dict[str, dict[str, Any]]:
    """By season the row of the summary that counts whatever vehicles carry."""
    summary = run.optional["corridor_summary"]
    return {row["season"]: row for row in records(summary[summary["chemistry"] == _ALL])}


def trips_refuelled(run: RunFiles) -> Chart:
    """Shares of trips refuelled: a panel per season, three bars per chemistry."""
    summary = run.optional["corridor_summary"]
    seasons = list(dict.fromkeys(summary["season"]))
    kinds = list(dict.fromkeys(summary["chemistry"]))
    values = [
        {
            "season": row["season"],
            "kind": _kind(run, row["chemistry"]),
            "step": step,
            "share": 100 * row[column],
            "text": percent(row[column], 0),
            "says": f"{row['season']}, {_kind(run, row['chemistry'])}, {step}: "
            f"{percent(row[column])} of {number(row['trips_per_day'])} trips a day",
        }
        for row in records(summary)
        for column, (step, _) in _STEPS.items()
        if np.isfinite(row[column])
    ]
    subtitle = "Share of the trips between cities that can be driven there and back [%]"
    if not values:
        return Chart("trips", "Nobody travels between cities", subtitle, note=_NO_TRIPS)
    steps, colours = zip(*_STEPS.values(), strict=True)
    panels = [
        _panel(
            [value for value in values if value["season"] == season], season,
            [_kind(run, kind) for kind in kinds], list(steps), list(colours),
            panel_width_px(len(seasons)), has_names=not idx,
        )
        for idx, season in enumerate(seasons)
    ]  # fmt: skip
    return Chart(
        "trips",
        _finding(run),
        subtitle,
        complete({"hconcat": panels, "resolve": {"scale": {"color": "shared"}}}),
        "Winter is the design day of the scenario's winter month, summer the mean of its summer "
        "month. Cities' stations alone, and a station at every candidate site: without regard to "
        "the stations' capacity.",
    )


def _panel(
    values: list[dict[str, object]],
    season: str,
    kinds: list[str],
    steps: list[str],
    colours: list[str],
    width_px: int,
    *,
    has_names: bool,
) -> Spec:
    y = {
        "field": "kind", "type": "nominal", "sort": kinds, "title": None,
        "axis": {"domain": False, "ticks": False, "labels": has_names, "labelPadding": 8},
        "scale": {"paddingInner": 0.25},
    }  # fmt: skip
    offset = {"field": "step", "sort": steps}
    x = {**axis("share", None), "scale": {"domain": [0, 112]}}
    x["axis"] = {**x["axis"], "values": [0, 25, 50, 75, 100], "grid": True}
    colour = {
        "field": "step", "type": "nominal", "scale": {"domain": steps, "range": colours},
        "legend": {"title": None, "columns": 3},
    }  # fmt: skip
    return {
        "title": {"text": season, "anchor": "start", "fontSize": 12, "fontWeight": "normal"},
        "width": width_px - (40 if has_names else 0),
        "height": {"step": _BAR_PX},
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "bar", "height": _BAR_PX - 3},
             "encoding": {"y": y, "yOffset": offset, "x": x, "color": colour, **says()}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "aria": False},
             "encoding": {"y": y, "yOffset": offset, "x": x, "text": {"field": "text"}}},
        ],
    }  # fmt: skip


def _kind(run: RunFiles, chemistry: str) -> str:
    return "all packs" if chemistry == _ALL else run.chemistries.nickname(chemistry)


def _finding(run: RunFiles) -> str:
    winter = season_totals(run)["winter"]
    alone, refuelled = (percent(winter[name], 0) for name in ("by_cities_frac", "refuelled_frac"))
    if alone == refuelled:
        return f"The cities' stations alone refuel {alone} of winter's trips"
    return f"Corridor stations raise the trips refuelled in winter from {alone} to {refuelled}"
