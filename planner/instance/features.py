"""From the geometry of a GIS layer to lon and lat, or the features that have none."""

from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from planner.errors import Fault
from planner.instance.check_table import limited_faults
from planner.instance.tables import Table

AGREEMENT_DEG = 1e-4
"""Columns lon and lat beside a geometry may differ from it by this: some 10 m."""

WITH_AREAS = ("zones",)
"""Tables whose rows are areas; the rest are points."""

_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON = 0, 3, 4, 6
_Geometries = NDArray[Any]


def place_features(
    frame: pd.DataFrame,
    geometry: _Geometries,
    table: Table,
    label: str,
    first_row: int,
    feature_ids: NDArray[Any] | None = None,
    is_told: NDArray[np.bool_] | None = None,
) -> tuple[pd.DataFrame, list[Fault]]:
    """Give every row its place.

    Parameters
    ----------
    frame : DataFrame
        The features' attributes.
    geometry : ndarray of shapely geometries
        In degrees, aligned with ``frame``; None where a feature has none.
    table : Table
        Whose rows they are.
    label : str
        File and layer, for faults.
    first_row : int
        Number that the user knows the first feature by.
    feature_ids : ndarray, optional
        The features' own numbers, told beside the row.
    is_told : ndarray, optional
        Where it has been told already that there is no geometry.

    Returns
    -------
    frame : DataFrame
        With ``lon`` and ``lat``: the point; of an area its centroid, or if that lies outside
        a point inside it. Columns ``lon`` and ``lat`` that stand there already are kept if
        the geometry agrees: the point within `AGREEMENT_DEG`, the area around it.
    faults : list of Fault
        Features without a place: empty, not finite, of another kind, invalid, or that
        contradict their columns.
    """
    wrong = _wrong_features(geometry, table)
    shown = _describe(geometry, feature_ids)
    faults = []
    is_usable = np.ones(len(geometry), dtype=np.bool_)
    for is_wrong, remedy in wrong:
        is_usable &= ~is_wrong
        rows = np.flatnonzero(is_wrong if is_told is None else is_wrong & ~is_told)
        faults += limited_faults(label, "geometry", shown, rows, first_row, remedy)
    usable = np.full(len(geometry), None, dtype=object)
    usable[is_usable] = geometry[is_usable]
    if not {"lon", "lat"} <= set(frame.columns):
        places = _centres(usable)
        return frame.assign(lon=shapely.get_x(places), lat=shapely.get_y(places)), faults
    lon, lat = (pd.to_numeric(frame[name], errors="coerce") for name in ("lon", "lat"))
    rows = np.flatnonzero(shapely.distance(usable, shapely.points(lon, lat)) > AGREEMENT_DEG)
    text = lon.astype("str") + ", " + lat.astype("str") + " (" + shown + ")"
    remedy = "the columns do not agree with the geometry; remove or update them"
    return frame, faults + limited_faults(label, "lon, lat", text, rows, first_row, remedy)


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
