"""Land and water of the world, from Natural Earth at 1:10,000,000: for base maps and checks.

Lakes are water, rivers are not in it, borders neither. The shore is drawn for maps: it lies up to
some 2 km off, and ground won from the sea since is missing; who judges places allows for that
by ``shore_km``.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from planner.geodesy import FloatArray
from planner.units import EARTH_RADIUS_KM

FILE = Path(__file__).parent / "vendor" / "natural-earth-land-10m.npz"
"""Made by docs/architecture/make_land.py."""
STEPS_PER_DEGREE = 10_000
ATTRIBUTION = "Natural Earth, 1:10m physical vectors, public domain"
SQUARES_DEG = (1 / 4, 1 / 32)
"""Powers of two: no place is put into the square beside its own by rounding."""
_MANY = 10_000
NUM_BEARINGS = 16
"""Directions in which land is looked for from a place on water."""


@cache
def _world() -> NDArray[Any]:
    """Polygons of the whole world, read once."""
    with np.load(FILE) as steps:
        lon, lat = (
            np.cumsum(steps[name], dtype=np.int64) / STEPS_PER_DEGREE
            for name in ("lon_steps", "lat_steps")
        )
        ring_idx, polygon_idx = (
            np.repeat(np.arange(len(count)), count)
            for count in (steps["points_of_ring"], steps["rings_of_polygon"])
        )
    rings = np.asarray(shapely.linearrings(np.column_stack([lon, lat]), indices=ring_idx))
    polygons = np.asarray(shapely.polygons(rings, indices=polygon_idx))
    shapely.prepare(polygons)
    return polygons


def land_within(west: float, south: float, east: float, north: float) -> NDArray[Any]:
    """Land inside a box.

    Parameters
    ----------
    west, south, east, north : float
        Degrees. A box over the meridian of 180 degrees has ``west > east``, or runs beyond 180.

    Returns
    -------
    object array, shape (num_polygons,)
        Shapely polygons clipped to the box, their shores counter-clockwise, with longitudes
        from -180 to 180: a box over that meridian gives parts on either side of it.

    Examples
    --------
    >>> len(land_within(-30, 30, -29, 31))  # the Atlantic
    0
    """
    if west > east:
        east += 360.0
    clipped = []
    for shift in (-360.0, 0.0, 360.0):
        box = shapely.box(max(west + shift, -180.0), south, min(east + shift, 180.0), north)
        if west + shift < 180.0 and east + shift > -180.0:
            near = _world()[shapely.intersects(_world(), box)]
            clipped.append(shapely.get_parts(shapely.intersection(near, box)))
    parts = np.concatenate(clipped) if clipped else np.empty(0, object)
    flat = parts[shapely.area(parts) > 0]
    return np.asarray(shapely.orient_polygons(flat))


def is_land(lon: ArrayLike, lat: ArrayLike, *, shore_km: float = 0.0) -> NDArray[np.bool_]:
    """Whether places lie on land, or near enough to it.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Degrees.
    shore_km : float
        Places on water count as land if there is land so near; looked for in 16 directions,
        at this distance and at half of it.

    Returns
    -------
    bool array, shape (n,)
        False where a coordinate is not a number.

    Examples
    --------
    >>> is_land([120.2, 121.13], [30.3, 30.45])  # Hangzhou; the bridge over its bay
    array([ True, False])
    """
    lon_deg = np.atleast_1d(np.asarray(lon, dtype=np.float64))
    lat_deg = np.atleast_1d(np.asarray(lat, dtype=np.float64))
    found = _on_land(lon_deg, lat_deg)
    for away_km in (shore_km / 2, shore_km) if shore_km > 0 else ():
        for bearing in np.arange(NUM_BEARINGS) * (2 * np.pi / NUM_BEARINGS):
            sea = np.flatnonzero(~found)
            away_deg = np.degrees(away_km / EARTH_RADIUS_KM)
            north = lat_deg[sea] + away_deg * np.cos(bearing)
            narrow = np.cos(np.radians(np.clip(lat_deg[sea], -89.0, 89.0)))
            found[sea] = _on_land(lon_deg[sea] + away_deg * np.sin(bearing) / narrow, north)
    return found


def _on_land(lon: FloatArray, lat: FloatArray) -> NDArray[np.bool_]:
    found = np.zeros(len(lon), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    east, north = (lon[known] + 180.0) % 360.0 - 180.0, lat[known]
    coast = np.arange(len(known))
    for square_deg in SQUARES_DEG:
        inland = _is_inland(east[coast], north[coast], square_deg)
        found[known[coast[inland]]] = True
        coast = coast[~inland]
    points = np.asarray(shapely.points(east[coast], north[coast]))
    # A tree of the points, not of the polygons: then it is the polygons that stand prepared.
    _, point_idx = shapely.STRtree(points).query(_world(), predicate="intersects")
    found[known[coast[point_idx]]] = True
    return found


def _is_inland(lon: FloatArray, lat: FloatArray, square_deg: float) -> NDArray[np.bool_]:
    """Whether all of the square that a place lies in is land: of many places most are told so."""
    column, row = (np.floor(each / square_deg).astype(np.int64) for each in (lon, lat + 90.0))
    number, of_place = np.unique(column * _MANY + row, return_inverse=True)
    west, south = (each * square_deg for each in np.divmod(number, _MANY))
    south = south - 90.0
    squares = np.asarray(shapely.box(west, south, west + square_deg, south + square_deg))
    is_inland = np.zeros(len(squares), dtype=np.bool_)
    is_inland[shapely.STRtree(squares).query(_world(), predicate="contains")[1]] = True
    return np.asarray(is_inland[of_place])
