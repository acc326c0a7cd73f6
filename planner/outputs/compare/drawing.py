"""The page's map: stations as points in a plain cylindrical projection, no host, no script."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.outputs.compare.difference import rank_cities, records
from planner.outputs.compare.stations import KEPT
from planner.outputs.compare.symbols import STATION_SYMBOLS
from planner.outputs.layers.antimeridian import cut_lon, from_cut
from planner.outputs.report.numbers import number
from planner.outputs.report.water import water_around, water_rings
from planner.units import EARTH_RADIUS_KM

_WIDTH, _MOST_HEIGHT, _MARGIN = 1000, 640, 34
_NARROWEST_DEG = 0.02  # a single place still gets a frame around it
_MOST_NAMES = 14
_NAME_HEIGHT, _LETTER_WIDTH = 15, 6.6
_SHAPES = {
    "triangle": "M0-6L5.5 4.5H-5.5Z",
    "square": "M-4.2-4.2H4.2V4.2H-4.2Z",
    "diamond": "M0-5.6L5.6 0L0 5.6L-5.6 0Z",
    "circle": "M-4.2 0A4.2 4.2 0 1 0 4.2 0A4.2 4.2 0 1 0-4.2 0Z",
}


@dataclass(frozen=True)
class Mark:
    """A station that changes: place on the drawing and what is said of it."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class MarkClass:
    """Stations that change alike."""

    key: str
    label: str
    colour: str
    outline: str
    marks: tuple[Mark, ...]
    num_stations: int


@dataclass(frozen=True)
class Drawing:
    """All that the template draws."""

    width: int
    height: int
    water: str
    kept: str
    classes: tuple[MarkClass, ...]
    names: tuple[Mark, ...]
    scale_km: str
    scale_width: float


def draw_stations(stations: pd.DataFrame, cities: pd.DataFrame) -> Drawing | None:
    """Place the stations of a comparison on a drawing; None if there are none."""
    if stations.empty:
        return None
    cut = cut_lon(stations["lon"].to_numpy(float))
    stations, cities = (
        frame.assign(lon=from_cut(frame["lon"].to_numpy(float), cut))
        for frame in (stations, cities)
    )
    lon, lat = stations["lon"].to_numpy(float), stations["lat"].to_numpy(float)
    middle = (lat.min() + lat.max()) / 2
    stretch = math.cos(math.radians(middle))
    span_x = max(np.ptp(lon), _NARROWEST_DEG) * stretch
    span_y = max(np.ptp(lat), _NARROWEST_DEG / 2)
    scale = min((_WIDTH - 2 * _MARGIN) / span_x, (_MOST_HEIGHT - 2 * _MARGIN) / span_y)
    height = round(span_y * scale) + 2 * _MARGIN
    centre = (lon.min() + lon.max()) / 2

    def place(lon: float, lat: float) -> tuple[float, float]:
        x = _WIDTH / 2 + (lon - centre) * stretch * scale
        return round(x, 1), round(height / 2 - (lat - middle) * scale, 1)

    def marks(change: str) -> tuple[Mark, ...]:
        rows = records(stations[stations["change"] == change])
        return tuple(Mark(*place(row["lon"], row["lat"]), _say(row)) for row in rows)

    classes = tuple(
        MarkClass(each.value, each.label, each.colour, _SHAPES[each.shape], found, len(found))
        for each in STATION_SYMBOLS
        for found in [marks(each.value)]
    )
    kept = records(stations[stations["change"] == KEPT])
    spots = (place(row["lon"], row["lat"]) for row in kept)
    km_per_unit = math.radians(1 / scale) * EARTH_RADIUS_KM
    scale_km = _round_length(160 * km_per_unit)
    return Drawing(
        _WIDTH,
        height,
        _water(lon, lat, place),
        "".join(f"M{x:g} {y:g}h0" for x, y in spots),
        classes,
        _names(cities, place),
        number(scale_km, 0 if scale_km >= 1 else 1),
        round(scale_km / km_per_unit, 1),
    )


def _water(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    place: Callable[[float, float], tuple[float, float]],
) -> str:
    """Seas and lakes as one path, as on the report's map."""
    path = []
    for rings in water_rings(water_around(lon, lat)):
        for ring in rings:
            spots = dict.fromkeys(tuple(map(round, place(*corner))) for corner in ring.tolist())
            if len(spots) > 2:  # smaller ones do not show
                path.append("M" + "L".join(f"{x} {y}" for x, y in spots) + "Z")
    return "".join(path)


def _say(row: Mapping[str, Any]) -> str:
    bays = (number(row[f"{side}_bays"]) for side in ("base", "other"))
    text = f"{row['name_en']}: {row['change']} {row['site_id']}, bays {' → '.join(bays)}"
    return f"{text}, {row['moved_km'] * 1000:.0f} m" if row["moved_km"] > 0 else text


def _names(
    cities: pd.DataFrame, place: Callable[[float, float], tuple[float, float]]
) -> tuple[Mark, ...]:
    """Names of the cities where most changes, left out where they would cover another."""
    found: list[Mark] = []
    for row in records(rank_cities(cities)):
        x, y = place(row["lon"], row["lat"])
        mark = Mark(x, round(y - 9, 1), row["name_en"])
        if len(found) < _MOST_NAMES and not any(_cover(mark, each) for each in found):
            found.append(mark)
    return tuple(found)


def _cover(mark: Mark, other: Mark) -> bool:
    room = _LETTER_WIDTH * (len(mark.text) + len(other.text)) / 2
    return abs(mark.x - other.x) < room and abs(mark.y - other.y) < _NAME_HEIGHT


def _round_length(most_km: float) -> float:
    """Longest of 1, 2 or 5 times a power of ten that is not above.

    >>> _round_length(734.0), _round_length(0.37)
    (500.0, 0.2)
    """
    power = 10.0 ** math.floor(math.log10(most_km))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most_km))
