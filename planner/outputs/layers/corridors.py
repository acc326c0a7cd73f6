"""Trips between cities as shapes: stations, roads, legs from swap to swap, empty packs."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from planner.geodesy import great_circle_km
from planner.outputs.layers.allocation import SHORTEST_LINE_KM
from planner.outputs.layers.antimeridian import near_lon

CORRIDOR_LAYERS = (
    "corridor_stations",
    "corridor_roads",
    "corridor_legs",
    "corridor_unserved",
)
"""Tables of a corridor plan whose rows have a place; a run that planned none has none of them."""

_DESCRIPTIONS = {
    "corridor_stations": "Stations between cities that the plan opens, the busiest in winter "
    "first.",
    "corridor_roads": "Roads between cities, straight from junction to junction, and the share of "
    "the trips on them that can be refuelled.",
    "corridor_legs": "Ways from one swap to the next, straight from stop to stop, the tightest "
    "first; what ends where it began has no line and stands in tables/corridor_legs.csv alone.",
    "corridor_unserved": "Trips that cannot be refuelled, where the pack is empty, the busiest "
    "first; trips whose stations are full have no such place and stand in "
    "tables/corridor_unserved.csv alone.",
}


@dataclass(frozen=True)
class PlacedRows:
    """A table with the places of its rows.

    Attributes
    ----------
    description : str
        What a row is.
    frame : GeoDataFrame
        Rows that have a place, in the order given.
    geometry_type : str
        ``Point`` or ``LineString``.
    unplaced : DataFrame
        Rows that have none.
    """

    description: str
    frame: gpd.GeoDataFrame
    geometry_type: str
    unplaced: pd.DataFrame


def place_corridors(tables: Mapping[str, pd.DataFrame]) -> dict[str, PlacedRows]:
    """Give the rows of a corridor plan's tables their places.

    Parameters
    ----------
    tables : mapping of name to DataFrame
        Tables of a run; of `CORRIDOR_LAYERS` those that are there are placed: lines from
        ``from_lon, from_lat`` to ``to_lon, to_lat``, points at ``lon, lat``.

    Returns
    -------
    dict of name to PlacedRows
    """
    return {
        name: _place(_DESCRIPTIONS[name], tables[name].reset_index(drop=True))
        for name in CORRIDOR_LAYERS
        if name in tables
    }


def _place(description: str, frame: pd.DataFrame) -> PlacedRows:
    if "from_lon" in frame:
        geometry_type = "LineString"
        ends = [frame[[f"{end}_lon", f"{end}_lat"]].to_numpy(np.float64) for end in ("from", "to")]
        has_place = great_circle_km(*ends[0].T, *ends[1].T) > SHORTEST_LINE_KM
        from_lon, (to_lon, to_lat) = ends[0][:, 0], ends[1].T
        ends[1] = np.column_stack((near_lon(to_lon, from_lon), to_lat))
        shapes = np.asarray(shapely.linestrings(np.stack(ends, axis=1)[has_place]))
    else:
        geometry_type = "Point"
        points = frame[["lon", "lat"]].to_numpy(np.float64)
        has_place = np.isfinite(points).all(axis=1)
        shapes = np.asarray(shapely.points(points[has_place]))
    placed = frame[has_place].reset_index(drop=True)
    return PlacedRows(
        description,
        gpd.GeoDataFrame(placed, geometry=gpd.GeoSeries(shapes, crs="EPSG:4326")),
        geometry_type,
        frame[~has_place].reset_index(drop=True),
    )
