"""From the geometry of a GIS layer to lon and lat, or the features that have none."""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.cells import as_numbers, plain_cells
from planner.instance.layer import Layer, row_faults
from planner.instance.tables import Table

AGREEMENT_DEG = 1e-4
"""Columns lon and lat beside a geometry may differ from it by this: some 10 m."""

WITH_AREAS = ("zones",)
"""Tables whose rows are areas; the rest are points."""

_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON = 0, 3, 4, 6
_Geometries = NDArray[Any]


def place_features(
    layer: Layer, table: Table
) -> tuple[pd.DataFrame, "pd.Series[Any] | None", list[Fault]]:
    """Give every row its place.

    Parameters
    ----------
    layer : Layer
        With geometries in degrees; None where a feature has none.
    table : Table
        Whose rows they are.

    Returns
    -------
    frame : DataFrame
        With ``lon`` and ``lat``: the point; of an area its centroid, or if that lies outside
        a point inside it. Columns ``lon`` and ``lat`` that stand there already are kept if
        the geometry agrees: the point within `AGREEMENT_DEG`, the area around it.
    shapes : Series of shapely polygons or None
        The areas, aligned with ``frame``; None where rows are points.
    faults : list of Fault
        Features without a place: empty, not finite, of another kind, invalid, or that
        contradict their columns.
    """
    assert layer.geometry is not None
    frame, geometry, is_told = layer.frame, layer.geometry, layer.is_told
    wrong = _wrong_features(geometry, table)
    shown = _describe(geometry, layer.feature_ids).set_axis(frame.index)
    faults = []
    is_usable = np.ones(len(geometry), dtype=np.bool_)
    for is_wrong, remedy in wrong:
        is_usable &= ~is_wrong
        rows = np.flatnonzero(is_wrong if is_told is None else is_wrong & ~is_told)
        faults += row_faults(layer.label, table, frame, rows, "geometry", remedy, shown)
    usable = np.full(len(geometry), None, dtype=object)
    usable[is_usable] = geometry[is_usable]
    are_areas = bool(np.isin(shapely.get_type_id(usable), (_POLYGON, _MULTIPOLYGON)).any())
    shapes = pd.Series(usable, frame.index, object) if are_areas else None
    if not {"lon", "lat"} <= set(frame.columns):
        places = _centres(usable)
        placed = frame.assign(lon=shapely.get_x(places), lat=shapely.get_y(places))
        return placed, shapes, faults
    lon, lat = (as_numbers(plain_cells(frame[name])).astype(np.float64) for name in ("lon", "lat"))
    rows = np.flatnonzero(shapely.distance(usable, shapely.points(lon, lat)) > AGREEMENT_DEG)
    text = lon.astype("str") + ", " + lat.astype("str") + " (" + shown + ")"
    remedy = "the columns do not agree with the geometry; remove or update them"
    faults += row_faults(layer.label, table, frame, rows, "lon, lat", remedy, text)
    return frame, shapes, faults


def _wrong_features(geometry: _Geometries, table: Table) -> list[tuple[NDArray[np.bool_], str]]:
    """Which features cannot give a place, with the remedy; a feature is told of once."""
    kind = shapely.get_type_id(geometry)
    is_empty = (kind < 0) | shapely.is_empty(geometry)
    is_infinite = np.zeros(len(geometry), dtype=np.bool_)
    coordinates, of_geometry = shapely.get_coordinates(geometry, return_index=True)
    is_infinite[of_geometry[~np.isfinite(coordinates).all(axis=1)]] = True
    is_sound = ~is_empty & ~is_infinite
    is_single = shapely.get_num_geometries(geometry) == 1
    is_point = is_sound & ((kind == _POINT) | ((kind == _MULTIPOINT) & is_single))
    is_area = is_sound & ((kind == _POLYGON) | (kind == _MULTIPOLYGON))
    nothing = np.zeros(len(geometry), dtype=np.bool_)
    is_rarer, is_invalid = nothing, nothing
    needed = "a point; take the centroids of areas, drop lines"
    if table.name in WITH_AREAS:
        needed = "a point or an area"
        is_rarer = is_point if is_point.sum() <= is_area.sum() else is_area
        is_invalid = is_area & ~is_rarer & ~shapely.is_valid(geometry)
    else:
        is_area = nothing
    return [
        (is_empty, "geometry is empty; draw it, or remove the feature"),
        (is_infinite, "coordinate is not a finite number; correct the geometry"),
        (is_sound & ~is_point & ~is_area, f"each of the {table.name} needs {needed}"),
        (is_rarer, "points and areas are mixed in one table; make them all the same"),
        (is_invalid, "geometry is invalid; repair it (QGIS: Fix geometries)"),
    ]


def _describe(geometry: _Geometries, feature_ids: NDArray[Any] | None) -> pd.Series:
    """Number, kind and, if it is invalid, the reason, of each feature."""
    shown = pd.Series(
        [shape.geom_type if shape is not None else "no geometry" for shape in geometry], dtype=str
    )
    if feature_ids is not None:
        shown = "feature " + pd.Series(feature_ids).astype("str") + ", " + shown
    invalid = np.flatnonzero(~shapely.is_valid(geometry) & ~shapely.is_missing(geometry))
    reasons = pd.Series(shapely.is_valid_reason(geometry[invalid]), index=invalid, dtype=str)
    shown.iloc[invalid] = shown.iloc[invalid] + ", " + reasons
    return shown


def _centres(geometry: _Geometries) -> _Geometries:
    centres = shapely.centroid(geometry)
    outside = ~shapely.intersects(geometry, centres) & (shapely.get_type_id(geometry) >= 0)
    return np.where(outside, shapely.point_on_surface(geometry), centres)
