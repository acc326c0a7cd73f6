"""Contested curves side by side: who takes which pack under each set, and where."""

import math

import numpy as np
import pandas as pd

from planner.outputs.curves import chemistries_of, most_contested
from planner.outputs.palette import AXIS, NO_PACK_COLOUR, SKY, SOFT_INK, VERMILION
from planner.outputs.report.charts.drawing import (
    HEIGHT_PX,
    Chart,
    axis,
    complete,
    panel_width_px,
    says,
)
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

_GROUPS = {"_coldest": "coldest cities", "": "all cities", "_warmest": "warmest cities"}
_GROUP_COLOURS = (SKY, AXIS, VERMILION)
_PANELS_PER_ROW = 3
_LEAST_MAP_PX = 80
NO_PACK = "no pack"
"""Main chemistry of cities whose vehicles get none, in words."""


def shares_by_set(run: RunFiles) -> Chart:
    """Share of the most contested chemistry in cold, all and warm cities, set by set."""
    cases = run.optional["curve_case"]
    chemistry = most_contested(cases)
    name = run.chemistries.nickname(chemistry)
    values = [
        {
            "set": row["curve_set"],
            "group": group,
            "percent": 100 * row[f"{chemistry}{tail}_frac"],
            "says": f"{row['curve_set']}, {group}: {percent(row[f'{chemistry}{tail}_frac'])} of "
            f"the vehicles take {name}",
        }
        for row in records(cases)
        for tail, group in _GROUPS.items()
    ]
    spec = {
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "set", "type": "nominal", "title": None, "sort": None,
                  "axis": {"labelLimit": 160}},
            "xOffset": {"field": "group", "sort": list(_GROUPS.values())},
            "y": axis("percent", f"{name} [% of vehicles]"),
            "color": {"field": "group", "type": "nominal",
                      "scale": {"domain": list(_GROUPS.values()), "range": list(_GROUP_COLOURS)}},
            **says(),
        },
    }  # fmt: skip
    coldest = cases[f"{chemistry}_coldest_frac"].astype(float)
    extreme = int(cases["cities_extreme"].iloc[0])
    where = f"the {number(extreme)} coldest cities" if extreme > 1 else "the coldest city"
    title = (
        f"In {where} {name} moves between "
        f"{percent(coldest.min(), 0)} and {percent(coldest.max(), 0)} of the vehicles"
    )
    subtitle = f"Share of {name} by set of curves, packs planned for each"
    return Chart("curve-shares", title, subtitle, complete(spec))


def cities_by_set(run: RunFiles) -> Chart:
    """Every city at its place in the colour of its main chemistry, a panel per set."""
    rows = run.optional["curve_city"].merge(
        run.cities[["city_id", "name_en", "lon", "lat", "vehicles"]], on="city_id"
    )
    ids = chemistries_of(run.optional["curve_case"])
    colours = {run.chemistries.nickname(each): run.chemistries.colour(each) for each in ids}
    colours[NO_PACK] = NO_PACK_COLOUR
    values = [
        {
            "set": row["curve_set"],
            "lon": float(row["lon"]),
            "lat": float(row["lat"]),
            "vehicles": float(row["vehicles"]),
            "kind": run.chemistries.nickname(row["main_chemistry"])
            if row["main_chemistry"] in ids else NO_PACK,
            "contested": bool(row["is_contested"]),
            "says": f"{row['name_en']}, {row['curve_set']}: "
            + ", ".join(f"{percent(row[f'{each}_frac'], 0)} {run.chemistries.nickname(each)}"
                        for each in ids),
        }
        for row in records(rows.sort_values("vehicles", ascending=False, kind="stable"))
    ]  # fmt: skip
    names = list(dict.fromkeys(run.optional["curve_city"]["curve_set"]))
    kinds = [kind for kind in colours if any(value["kind"] == kind for value in values)]
    bare = {"type": "quantitative", "axis": None, "scale": {"zero": False}}
    width = panel_width_px(min(len(names), _PANELS_PER_ROW))
    spec = {
        "data": {"values": values},
        "facet": {"field": "set", "type": "nominal", "title": None, "sort": names},
        "columns": _PANELS_PER_ROW,
        "spec": {
            "width": width,
            "height": _map_height_px(rows, width),
            "mark": {"type": "circle", "opacity": 0.9, "strokeWidth": 1.2},
            "encoding": {
                "x": {"field": "lon", **bare},
                "y": {"field": "lat", **bare},
                "size": {"field": "vehicles", "type": "quantitative", "legend": None,
                         "scale": {"range": [12, 160]}},
                "color": {"field": "kind", "type": "nominal",
                          "scale": {"domain": kinds, "range": [colours[kind] for kind in kinds]}},
                "stroke": {"condition": {"test": "datum.contested", "value": SOFT_INK},
                           "value": None},
                **says(),
            },
        },
    }  # fmt: skip
    contested = int(run.run["kpi"]["cities_contested"])
    title = f"{number(contested)} cities change their main chemistry with the set of curves"
    subtitle = "Cities by the chemistry of most of their vehicles; ringed where it is contested"
    return Chart("curve-cities", title, subtitle, complete(spec))


def _map_height_px(cities: pd.DataFrame, width_px: int) -> int:
    """Height at which a kilometre is about as long to the north as to the east."""
    lon, lat = (cities[name].to_numpy(float) for name in ("lon", "lat"))
    east = np.ptp(lon) * math.cos(math.radians(float(lat.mean()))) if len(lon) else 0.0
    if east <= 0:
        return HEIGHT_PX
    return int(min(max(width_px * np.ptp(lat) / east, _LEAST_MAP_PX), HEIGHT_PX))
