"""How far vehicles get in the cold."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from planner.outputs.chemistries import Chemistries, capitalised
from planner.outputs.report.charts.drawing import (
    HEIGHT_PX,
    Chart,
    Spec,
    axis,
    complete,
    hover_points,
    panel_width_px,
    says,
)
from planner.outputs.report.numbers import number, percent
from planner.outputs.report.read import RunFiles, records

_MOST_VEHICLE_CLASSES = 2


def range_over_temperature(run: RunFiles) -> Chart:
    """Range over the air's temperature, or over the cities' where a run has no curves."""
    curves = run.optional.get("range_curve")
    return _range_by_city(run) if curves is None else _range_by_temperature(run, curves)


def _range_by_temperature(run: RunFiles, curves: pd.DataFrame) -> Chart:
    chemistry = run.chemistry_by_pack
    curves = curves[curves["pack_id"].isin(chemistry) & curves["range_km"].notna()]
    vehicles = (
        run.packs.groupby("vehicle_id")["vehicles"].sum()
        .sort_values(ascending=False, kind="stable").index
    )  # fmt: skip
    shown = [name for name in vehicles if name in set(curves["vehicle_id"])]
    shown = shown[:_MOST_VEHICLE_CLASSES]
    subtitle = "Range between two swaps over the air's temperature, by vehicle class and pack"
    if not shown:
        note = "The table range_curve has no rows for the vehicle classes of this plan."
        return Chart("range", "Range over temperature", subtitle, note=note)
    panels = [
        _range_panel(name, curves[curves["vehicle_id"] == name],
                     {pack: run.chemistries.colour(name) for pack, name in chemistry.items()},
                     panel_width_px(len(shown)), title=not idx)
        for idx, name in enumerate(shown)
    ]  # fmt: skip
    return Chart(
        "range",
        _range_finding(shown, curves, chemistry, run.chemistries),
        subtitle,
        complete(
            {"hconcat": panels, "resolve": {"scale": {"y": "shared", "color": "independent"}}}
        ),
        "The vehicle classes with the most vehicles. Dashed: the pack is colder than its curve's "
        "validated domain, whose last value is held there; real packs may give less.",
    )


def _range_panel(
    vehicle: str, rows: pd.DataFrame, colours: Mapping[str, str], width_px: int, *, title: bool
) -> Spec:
    rows = rows.sort_values(["pack_id", "ambient_c"])
    packs = list(dict.fromkeys(rows["pack_id"]))
    values = [
        {
            "pack": row["pack_id"],
            # A run of points of one kind makes one line; its ends meet at the shared point.
            "line": f"{row['pack_id']} {outside}",
            "outside": bool(outside),
            "c": row["ambient_c"],
            "km": row["range_km"],
            "says": f"{vehicle} with {row['pack_id']} at {number(row['ambient_c'])} °C: "
            f"{number(row['range_km'])} km" + (", outside the curve's domain" if outside else ""),
        }
        for row, outside in _with_joints(rows)
    ]
    x = axis("c", "air temperature [°C]", grid=False)
    y = axis("km", "range [km]" if title else None)
    colour = {
        "field": "pack", "type": "nominal",
        "scale": {"domain": packs,
                  "range": [colours[pack] for pack in packs]},
        "legend": {"title": None, "columns": 2},
    }  # fmt: skip
    return {
        "title": {"text": vehicle, "anchor": "start", "fontSize": 12, "fontWeight": "normal"},
        "width": width_px,
        "height": HEIGHT_PX,
        "data": {"values": values},
        "layer": [
            {"mark": {"type": "line", "aria": False},
             "encoding": {"x": x, "y": y, "color": colour, "detail": {"field": "line"},
                          "strokeDash": {"field": "outside", "type": "nominal", "legend": None,
                                         "scale": {"domain": [False, True],
                                                   "range": [[1, 0], [4, 4]]}}}},
            hover_points(x, y),
        ],
    }  # fmt: skip


def _with_joints(rows: pd.DataFrame) -> Iterator[tuple[Any, bool]]:
    """Each point, and where a curve leaves its domain the last point once more as outside."""
    points = records(rows)
    for idx, row in enumerate(points):
        yield row, bool(row["is_outside_domain"])
        beside = [
            other
            for other in (points[idx - 1] if idx else None, *points[idx + 1 : idx + 2])
            if other is not None and other["pack_id"] == row["pack_id"]
        ]
        if not row["is_outside_domain"] and any(other["is_outside_domain"] for other in beside):
            yield row, True


def _range_finding(
    shown: Sequence[str],
    curves: pd.DataFrame,
    chemistry: Mapping[str, str],
    chemistries: Chemistries,
) -> str:
    """Which chemistry takes a vehicle farthest in the cold, and below which temperature."""
    for vehicle in shown:
        rows = curves[curves["vehicle_id"] == vehicle].assign(
            chemistry=lambda frame: frame["pack_id"].map(chemistry)
        )
        best = (
            rows.pivot_table(
                index="ambient_c", columns="chemistry", values="range_km", aggfunc="max"
            )
            .sort_index()
            .dropna()
        )
        if best.shape[1] < 2 or best.empty:
            continue
        first, *others = best.iloc[0].sort_values(ascending=False, kind="stable").index
        rival = best[others].iloc[-1].idxmax()
        farther = best[first] > best[rival]
        than = f"{vehicle} farther than {chemistries.nickname(str(rival))}"
        name = chemistries.nickname(str(first))
        if farther.all():
            return f"{capitalised(name)} takes {than} at all temperatures"
        warmest = float(best.index[farther.to_numpy()].max())
        if farther.loc[:warmest].all():
            return f"From {number(warmest)} °C down, {name} takes {than}"
    drawn = curves[curves["vehicle_id"].isin(shown)].sort_values("ambient_c")
    by_vehicle = drawn.groupby(["vehicle_id", "pack_id"])["range_km"]
    lost = 1 - by_vehicle.first() / by_vehicle.last()
    least, most = (percent(share, 0) for share in (lost.min(), lost.max()))
    share = most if least == most else f"{least} to {most}"
    return f"Vehicles lose {share} of their range from warmest to coldest"


def _range_by_city(run: RunFiles) -> Chart:
    chemistry = run.chemistry_by_pack
    values = [
        {
            "pack": pack,
            "c": city["winter_design_c"],
            "km": city[f"design_range_{pack}_km"],
            "says": f"{city['name_en']} at {number(city['winter_design_c'], 1)} °C with {pack}: "
            f"{number(city[f'design_range_{pack}_km'])} km",
        }
        for pack in run.pack_ids
        for city in records(run.cities)
        if np.isfinite(city[f"design_range_{pack}_km"])
    ]
    subtitle = "Range on the winter design day, a point per city and pack"
    note = (
        "This run has no table range_curve, which draws range over temperature by vehicle class; "
        "here each point is the mean over the city's vehicles that the pack fits."
    )
    if not values:
        return Chart("range", "No range is known", subtitle, note=note)
    packs = sorted({str(value["pack"]) for value in values})
    shapes = ["circle", "triangle-up", "square", "diamond", "cross"]
    rank: dict[str, int] = {}
    shape = []
    for pack in packs:
        name = chemistry.get(pack, "")
        shape.append(shapes[rank.get(name, 0) % len(shapes)])
        rank[name] = rank.get(name, 0) + 1
    scale = {"domain": packs}
    colours = [run.chemistries.colour(chemistry.get(pack, "")) for pack in packs]
    spec = {
        "data": {"values": values},
        "mark": {"type": "point", "filled": True, "opacity": 0.75, "size": 32},
        "encoding": {
            "x": axis("c", "winter design temperature of the city [°C]", grid=False),
            "y": axis("km", "range [km]"),
            "color": {"field": "pack", "type": "nominal", "scale": {**scale, "range": colours}},
            "shape": {"field": "pack", "type": "nominal", "scale": {**scale, "range": shape}},
            **says(),
        },
    }
    lengths = [float(value["km"]) for value in values]
    title = f"On the winter design day packs give {number(min(lengths))} to "
    return Chart("range", f"{title}{number(max(lengths))} km", subtitle, complete(spec), note)
