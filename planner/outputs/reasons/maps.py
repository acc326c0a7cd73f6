"""Plain maps without a host: places of a whole plan, hexagons of the cities that differ most."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from planner.arrays import FloatArray
from planner.outputs.layers.antimeridian import cut_lon, from_cut
from planner.outputs.layers.hexagons import (
    cell_centres,
    cell_names,
    cell_polygons,
    cell_resolutions,
    cells_at,
)
from planner.outputs.palette import OUTLINE
from planner.outputs.reasons.layers import HEXAGON_CLASSES, SAME, hexagon_classes
from planner.outputs.report.charts.drawing import Chart, Spec, complete, says
from planner.outputs.report.numbers import number
from planner.outputs.report.read import records

_WIDTH_PX, _MOST_HEIGHT_PX, _MARGIN_PX = 860, 460, 16
_NARROWEST_DEG = 0.02
_PANELS, _PANEL_PX, _COLUMNS = 6, 250, 3
_SPOT_PX2 = (14, 46)
"""Least and largest area of a point; many points are drawn small."""


def map_of_hexagons(hexagons: pd.DataFrame) -> Chart:
    """All places as points at their centres, coloured by what the plans have there."""
    cells = _cells(hexagons)
    centres = cell_centres(cells)
    codes = hexagon_classes(hexagons)
    labels = {code: label for code, label, _ in HEXAGON_CLASSES}
    rows = pd.DataFrame(
        {
            "lon": centres[:, 0],
            "lat": centres[:, 1],
            "class": codes.map(labels),
            "says": [_say(row, code) for row, code in zip(records(hexagons), codes, strict=True)],
        }
    )  # fmt: skip
    kept = int((codes == SAME).sum())
    title = (
        f"{number(kept)} of {number(len(rows))} places have as many stations in every plan found"
        if len(rows) else "No plan has a station"
    )  # fmt: skip
    return Chart(
        "map-hexagons", title, "Places (hexagons) by what all plans found have there",
        plain_map(rows, [(label, colour) for _, label, colour in HEXAGON_CLASSES])
        if len(rows) else None,
        "Hexagons themselves, and sites within them, stand in alternatives.gpkg.",
    )  # fmt: skip


def cities_that_differ(
    hexagons: pd.DataFrame, sites: pd.DataFrame, names: Mapping[str, str]
) -> Chart | None:
    """Hexagons of the cities in which most places differ; None where none does.

    Parameters
    ----------
    hexagons, sites : DataFrame
        The tables ``alternative_hexagons`` and ``alternative_sites``.
    names : mapping of str to str
        Names of cities by id; the id stands for one without.
    """
    codes = hexagon_classes(hexagons)
    if not (codes != SAME).any():
        return None
    city_of = _cities_of(hexagons, sites)
    rows = hexagons.assign(code=codes, city=hexagons["h3"].map(city_of))
    differing = rows[rows["code"] != SAME].groupby("city").size()
    chosen = differing.sort_index().sort_values(ascending=False, kind="stable").head(_PANELS).index
    panels = [_panel(rows[rows["city"] == city], names.get(city, city)) for city in chosen]
    spec = {"concat": panels, "columns": _COLUMNS, "spacing": 24}
    most = names.get(chosen[0], chosen[0])
    return Chart(
        "map-cities",
        f"Most places differ in {most}: {number(int(differing[chosen[0]]))}",
        "Hexagons of the cities in which most places differ, each to its own scale",
        complete(spec),
    )  # fmt: skip


def plain_map(rows: pd.DataFrame, classes: Sequence[tuple[str, str]]) -> Spec:
    """Points coloured by class, a kilometre as long in both directions.

    Parameters
    ----------
    rows : DataFrame
        Columns ``lon, lat, class, says``.
    classes : sequence of (str, str)
        Label and colour; the first is drawn on top.
    """
    lon = from_cut(rows["lon"].to_numpy(float), cut_lon(rows["lon"].to_numpy(float)))
    rank = {label: idx for idx, (label, _) in enumerate(classes)}
    drawn = rows.assign(lon=lon.round(4), lat=rows["lat"].round(4))
    order = drawn["class"].map(rank).sort_values(ascending=False, kind="stable").index
    places = _places(drawn)
    columns = ["lon", "lat", "class", "says"]
    spot = max(_SPOT_PX2[0], min(_SPOT_PX2[1], 40_000 / max(len(rows), 1)))
    return complete(
        {
            "width": _WIDTH_PX,
            "height": places.height_px,
            "data": {"values": drawn.loc[order, columns].to_dict("records")},
            "mark": {"type": "circle", "opacity": 1, "stroke": OUTLINE, "strokeWidth": 0.4,
                     "size": spot},
            "encoding": {"x": places.lon, "y": places.lat, **says(), "color": _colours(classes)},
        }
    )  # fmt: skip


def _panel(rows: pd.DataFrame, name: str) -> Spec:
    shapes = cell_polygons(_cells(rows))
    middle = float(np.mean([shape.centroid.y for shape in shapes]))
    stretch = math.cos(math.radians(middle))
    labels = {code: label for code, label, _ in HEXAGON_CLASSES}
    rings = _in_panel([np.asarray(s.exterior.coords) * [stretch, 1.0] for s in shapes])
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"class": labels[row["code"]], "says": _say(row, row["code"])},
        }
        for row, ring in zip(records(rows), rings, strict=True)
    ]
    return {
        "width": _PANEL_PX,
        "height": _PANEL_PX,
        "title": {"text": name, "fontSize": 13, "fontWeight": "normal", "color": OUTLINE},
        "data": {"values": features},
        # The outlines are in pixels already: panels share one projection.
        "projection": {"type": "identity", "scale": 1, "translate": [0, 0]},
        "mark": {"type": "geoshape", "stroke": "white", "strokeWidth": 0.6},
        "encoding": {
            "color": {**_colours([(label, colour) for _, label, colour in HEXAGON_CLASSES]),
                      "field": "properties.class"},
            "description": {"field": "properties.says", "type": "nominal"},
        },
    }  # fmt: skip


def _in_panel(rings: Sequence[FloatArray]) -> list[list[list[float]]]:
    """Rings in pixels of a panel that they fill, north up."""
    points = np.concatenate(rings)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (_PANEL_PX - _MARGIN_PX) / float((high - low).max())
    middle = (low + high) / 2.0
    return [
        (_PANEL_PX / 2.0 + (ring - middle) * [scale, -scale]).round(2).tolist() for ring in rings
    ]


def _colours(classes: Sequence[tuple[str, str]]) -> Spec:
    return {
        "field": "class", "type": "nominal",
        "scale": {"domain": [label for label, _ in classes],
                  "range": [colour for _, colour in classes]},
        "legend": {"columns": 2, "columnPadding": 40, "symbolOpacity": 1, "labelLimit": 0,
                   "symbolType": "circle"},
    }  # fmt: skip


def _say(row: Mapping[Any, Any], code: str) -> str:
    label = next(label for each, label, _ in HEXAGON_CLASSES if each == code)
    least, most = (number(float(row[name])) for name in ("least", "most"))
    span = least if least == most else f"{least} to {most}"
    return f"{row['h3']}: {label}; {span} stations, {number(float(row['in_plan']))} in the plan"


def _cells(hexagons: pd.DataFrame) -> np.ndarray:
    return np.array([int(str(text), 16) for text in hexagons["h3"]], np.uint64)


def _cities_of(hexagons: pd.DataFrame, sites: pd.DataFrame) -> dict[str, str]:
    """The city that most sites of each hexagon belong to."""
    found: dict[str, str] = {}
    lon, lat = (sites[name].to_numpy(float) for name in ("lon", "lat"))
    for resolution in np.unique(cell_resolutions(_cells(hexagons))).tolist():
        named = pd.DataFrame(
            {"h3": cell_names(cells_at(lon, lat, int(resolution))), "city": sites["city_id"]}
        )
        counts = named.groupby(["h3", "city"]).size().rename("number").reset_index()
        most = counts.sort_values(["number", "city"], ascending=[False, True])
        first = most.drop_duplicates("h3")
        found |= dict(zip(first["h3"].astype(str), first["city"].astype(str), strict=True))
    return found


class _Places(NamedTuple):
    """Encodings of longitude and latitude, and the height they ask for."""

    lon: Spec
    lat: Spec
    height_px: int


def _places(rows: pd.DataFrame) -> _Places:
    """Scales on which a kilometre is as long in both directions."""
    stretch = math.cos(math.radians(float(rows["lat"].mean())))
    spans = [max(float(np.ptp(rows[name])), _NARROWEST_DEG) for name in ("lon", "lat")]
    free = 2 * _MARGIN_PX
    px_per_deg = min((_WIDTH_PX - free) / (spans[0] * stretch), (_MOST_HEIGHT_PX - free) / spans[1])
    height_px = round(spans[1] * px_per_deg) + free
    halves = (_WIDTH_PX / (2 * px_per_deg * stretch), height_px / (2 * px_per_deg))
    lon, lat = (
        _axis(name, rows[name], half) for name, half in zip(("lon", "lat"), halves, strict=True)
    )
    return _Places(lon, lat, height_px)


def _axis(name: str, values: "pd.Series[float]", half: float) -> Spec:
    middle = (float(values.min()) + float(values.max())) / 2
    domain = [round(middle - half, 5), round(middle + half, 5)]
    return {
        "field": name, "type": "quantitative", "axis": None,
        "scale": {"domain": domain, "nice": False, "zero": False},
    }  # fmt: skip
