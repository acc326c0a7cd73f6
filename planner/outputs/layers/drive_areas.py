"""From where each station is reached within some minutes: shapes, and what lies in them.

Takes shapes as planning gives them, and evaluated zones. Who serves whom is another question:
areas of neighbouring stations overlap, and a zone counts in each that holds it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from planner.arrays import FloatArray, IntArray
from planner.outputs import palette
from planner.outputs.layers import qml
from planner.outputs.layers.allocation import area_km2, as_multipolygons
from planner.outputs.layers.antimeridian import split_shapes
from planner.outputs.layers.layer import Layer, make_layer

DRIVE_AREAS = "drive_areas"

_ROW_DEG = 0.02  # of places that are looked through together: some two kilometres
_ROW_LENGTH = 1_000.0  # more than all degrees of longitude
_ROUNDING_DEG = 1e-6  # more than a place moves when its row and longitude are one number
_SUMS = ("car_owning_households", "swaps_per_day")


def drive_area_layers(
    tables: Mapping[str, pd.DataFrame], zones: pd.DataFrame, stations: pd.DataFrame
) -> list[Layer]:
    """The layer ``drive_areas``; none where planning made no areas.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Of planning; ``drive_areas`` has ``site_id, minutes, geometry``.
    zones, stations : DataFrame
        As in an evaluation.
    """
    if DRIVE_AREAS not in tables:
        return []
    return [
        make_layer(
            DRIVE_AREAS,
            "Where drivers start who reach a station within some minutes of the planning hour, "
            "whether it serves them or not.",
            drive_area_rows(tables[DRIVE_AREAS], zones, stations),
            "MultiPolygon",
        )
    ]


def drive_area_rows(
    areas: pd.DataFrame, zones: pd.DataFrame, stations: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Areas with the sums of the zones whose centres lie in them.

    Parameters
    ----------
    areas : DataFrame
        ``site_id, minutes, geometry``; longitudes may run on beyond 180.
    zones : DataFrame
        ``lon, lat, car_owning_households, swaps_per_day``.
    stations : DataFrame
        ``site_id, city_id``.

    Returns
    -------
    GeoDataFrame
        In the areas' order: ``station_id, city_id, minutes, num_zones``, the sums, and
        ``area_km2``.
    """
    shapes = as_multipolygons(split_shapes(areas["geometry"].to_numpy(object)).tolist())
    lon, lat = zones[["lon", "lat"]].to_numpy(np.float64).T
    area_idx, zone_idx = places_within(np.array(shapes, object), lon, lat)

    def inside(amount: Any = None) -> Any:
        return np.bincount(area_idx, amount, len(shapes))

    city_ids = stations.set_index("site_id")["city_id"]
    rows = (
        areas[["site_id"]]
        .rename(columns={"site_id": "station_id"})
        .assign(
            city_id=areas["site_id"].map(city_ids),
            minutes=areas["minutes"],
            num_zones=inside(),
            **{name: inside(zones[name].to_numpy(np.float64)[zone_idx]) for name in _SUMS},
        )
    )
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:4326")
    return frame.assign(area_km2=area_km2(frame))


def places_within(
    shapes: NDArray[np.object_], lon: FloatArray, lat: FloatArray
) -> tuple[IntArray, IntArray]:
    """Pairs of shapes and the places that lie within them, without a point object for each place.

    Parameters
    ----------
    shapes : ndarray of polygons, shape (n,)
    lon, lat : ndarray, shape (m,)
        Places; those on a shape's edge are not within it.

    Returns
    -------
    shape_idx, place_idx : ndarray of int64
        Sorted by shape.
    """
    # Places row by row, in a row from west to east: what lies in a shape's box are runs of them.
    row = np.floor(lat / _ROW_DEG).astype(np.int64)
    order = np.lexsort((lon, row))
    along = row[order] * _ROW_LENGTH + lon[order]
    west, south, east, north = shapely.bounds(shapes).T
    first, last = (np.floor(edge / _ROW_DEG).astype(np.int64) for edge in (south, north))
    shape_idx, nth = _spread(last - first + 1)
    start = (first[shape_idx] + nth) * _ROW_LENGTH
    begin = np.searchsorted(along, start + west[shape_idx] - _ROUNDING_DEG)
    num = np.searchsorted(along, start + east[shape_idx] + _ROUNDING_DEG) - begin
    run_idx, nth = _spread(num)
    shape_idx, place_idx = shape_idx[run_idx], order[begin[run_idx] + nth]
    shapely.prepare(shapes)
    is_within = shapely.contains_xy(shapes[shape_idx], lon[place_idx], lat[place_idx])
    return shape_idx[is_within], place_idx[is_within]


def _spread(num: IntArray) -> tuple[IntArray, IntArray]:
    """Of lists of so many entries, whose each entry is and the how manieth of it."""
    owner = np.repeat(np.arange(len(num)), num)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(num) - num, num)


def drive_area_styles(
    layers: Mapping[str, Layer], min_scale: int
) -> dict[str, tuple[ET.Element, str]]:
    """The layer's style and a further one, each with its description; none without the layer.

    Parameters
    ----------
    layers : mapping of str to Layer
        What is written.
    min_scale : int
        Denominator of the smallest scale at which areas show.

    Returns
    -------
    dict of style name to (document, description)
        Edges, by which each station's area can be told from its neighbours' and what lies under
        them be seen; and areas filled, which show what all stations together reach.
    """
    if DRIVE_AREAS not in layers:
        return {}
    times = np.unique(layers[DRIVE_AREAS].frame["minutes"]).tolist()
    # As of lines from zones to stations: of two times, the half and the whole of the longest.
    ranks = np.arange(1, len(times) + 1) * len(palette.DRIVE_COLOURS) / max(len(times), 1)
    colours = [palette.DRIVE_COLOURS[math.ceil(rank) - 1] for rank in ranks]
    looks = list(zip([0.0, *times], times, colours, strict=False))

    def document(symbol: Callable[[str], ET.Element]) -> ET.Element:
        made = qml.document(min_scale=min_scale)
        classes = [
            (earlier, minutes, f"within {minutes:g} min", symbol(colour))
            for earlier, minutes, colour in looks
        ]
        # The longest are drawn first, so that the others lie on them.
        qml.add_ranges(made, "minutes", classes, descending_by="minutes")
        return made

    return {
        DRIVE_AREAS: (document(lambda colour: qml.edge(colour, width_mm=0.3)), "edges by minutes"),
        f"{DRIVE_AREAS} filled": (
            document(qml.fill),
            "by minutes, of all stations together",
        ),
    }
