"""Shapes, boxes and longitudes at the antimeridian, as RFC 7946 has them (3.1.9, 5.2, 5.3).

Takes shapes whose longitudes run on beyond 180 degrees; gives parts that end there.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ShapeArray = NDArray[np.object_]

_DECIMALS = 7  # of `hexagons`: parts share their corners with the cells beside them
_WORLDS = [(-360.0 * copy, shapely.box(360 * copy - 180, -90, 360 * copy + 180, 90))
           for copy in (0, -1, 1)]  # fmt: skip


def near_lon(lon: FloatArray, to_lon: FloatArray) -> FloatArray:
    """Longitudes the short way round from others: beyond 180 or -180 where that way leads."""
    gap = lon - to_lon
    return np.where(np.abs(gap) > 180, lon - np.copysign(360.0, gap), lon)


def split_shapes(shapes: ShapeArray) -> ShapeArray:
    """Cut shapes at the antimeridian.

    Parameters
    ----------
    shapes : ndarray of LineString or Polygon, shape (n,)
        Longitudes may run on beyond 180 or -180, by less than 360.

    Returns
    -------
    ndarray, shape (n,)
        Shapes within [-180, 180]; what was cut is a MultiLineString or MultiPolygon.
    """
    west, _, east, _ = shapely.bounds(shapes).T
    (beyond,) = np.nonzero((west < -180) | (east > 180))
    if not len(beyond):
        return shapes
    split = shapes.copy()
    for idx in beyond.tolist():
        kept = []
        for shift, world in _WORLDS:
            part = shapely.intersection(shapes[idx], world)
            corners = shapely.get_coordinates(part) + np.array([shift, 0.0])
            kept.append(shapely.set_coordinates(part, corners.round(_DECIMALS)))
        parts = shapely.get_parts(kept)
        # Where a shape touches the antimeridian only, a corner or an edge comes out too.
        is_part = shapely.get_dimensions(parts) == shapely.get_dimensions(shapes[idx])
        parts = parts[is_part & ~shapely.is_empty(parts)]
        split[idx] = _as_multi(parts)
    return split


def same_type(shapes: ShapeArray) -> ShapeArray:
    """Make multi-part shapes of all if some are: a layer has one type of geometry."""
    has_parts = shapely.get_type_id(shapes) >= shapely.GeometryType.MULTIPOINT
    if not has_parts.any():
        return shapes
    same = shapes.copy()
    for idx in np.flatnonzero(~has_parts).tolist():
        same[idx] = _as_multi(shapes[idx : idx + 1])
    return same


def _as_multi(parts: ShapeArray) -> Any:
    if shapely.get_dimensions(parts[0]) == 1:
        return shapely.multilinestrings(parts)
    return shapely.multipolygons(parts)


def box_of(shapes: ShapeArray) -> list[float]:
    """West, south, east, north of shapes [degrees]; west > east where they span 180 degrees."""
    low_lon, south, high_lon, north = shapely.bounds(shapely.get_parts(shapes)).T
    gap = _widest_gap(low_lon, high_lon)
    east, west = (high_lon.max(), low_lon.min()) if gap is None else gap
    return [float(west), float(south.min()), float(east), float(north.max())]


def cut_lon(lon: FloatArray) -> float:
    """Meridian far from all places, where a map of them is best cut; -180 unless they span 180."""
    if not len(lon):
        return -180.0
    gap = _widest_gap(lon, lon)
    return -180.0 if gap is None else sum(gap) / 2


def from_cut(lon: FloatArray, cut: float) -> FloatArray:
    """Longitudes counted on from a cut: those before it lie 360 degrees farther east."""
    return np.where(lon < cut, lon + 360, lon)


def _widest_gap(low: FloatArray, high: FloatArray) -> tuple[float, float] | None:
    """Ends of the widest stretch that no interval touches; None if it holds the antimeridian."""
    order = np.argsort(low)
    low, reached = low[order], np.maximum.accumulate(high[order])
    gaps = low[1:] - reached[:-1]
    if not len(gaps) or gaps.max() <= low[0] + 360 - reached[-1]:
        return None
    widest = int(gaps.argmax())
    return float(reached[widest]), float(low[widest + 1])
