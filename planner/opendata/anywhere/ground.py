"""The ground that a recipe means: which places and junctions lie on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
from shapely import contains_xy, unary_union
from shapely.geometry.base import BaseGeometry

from planner.arrays import BoolArray, FloatArray
from planner.errors import Fault, InputError
from planner.opendata.places import Places
from planner.opendata.recipe import GivenFile
from planner.opendata.recipe import Ground as Said
from planner.opendata.region import Region, find_region, name_countries


@dataclass(frozen=True)
class Ground:
    """A region, narrowed by a box or a polygon where a recipe says so.

    Attributes
    ----------
    region : Region or None
        Countries, or a part of one; None for all.
    box : tuple of float
        West, south, east, north; empty for none.
    polygon : geometry or None
        The planner's own, in degrees.
    """

    region: Region | None
    box: tuple[float, ...] = ()
    polygon: BaseGeometry | None = None

    def holds(self, places: Places) -> BoolArray:
        """Whether each place lies on the ground."""
        inside = np.ones(len(places.lon), dtype=np.bool_)
        if self.region is not None:
            inside &= self.region.holds(places.lon, places.lat, places.country_code)
        if self.box:
            inside &= in_box(self.box, places.lon, places.lat)
        if self.polygon is not None:
            inside &= contains_xy(self.polygon, places.lon, places.lat)
        return inside


def find_ground(said: Said, data_dir: Path | None) -> Ground:
    """Find the ground that a recipe says.

    Parameters
    ----------
    said : recipe.Ground
        Name, countries, box and polygon.
    data_dir : path or None
        Folder of the recipe's files.

    Returns
    -------
    Ground

    Raises
    ------
    InputError
        If the name, a country or the polygon's file is not known.
    """
    region = find_region(said.name) if said.name else None
    if said.countries:
        names = name_countries(said.countries)
        faults = [
            Fault("recipe", None, "region.countries", code, "no country has this ISO 3166 code")
            for code, name in names.items()
            if code == name
        ]
        if faults:
            raise InputError(faults)
        region = Region(", ".join(names.values()), tuple(sorted(said.countries)))
    polygon = None if said.polygon is None else _read_polygon(said.polygon, data_dir)
    return Ground(region, tuple(said.box), polygon)


def in_box(box: tuple[float, ...], lon: FloatArray, lat: FloatArray) -> BoolArray:
    """Whether points lie in a box; one whose west is greater than its east passes 180 degrees.

    Parameters
    ----------
    box : tuple of float
        West, south, east, north.
    lon, lat : float array, shape (n,)
        Degrees.

    Returns
    -------
    bool array, shape (n,)

    >>> in_box((170.0, -20.0, -170.0, 0.0), np.array([179.0, -179.0, 0.0]), np.full(3, -9.0))
    array([ True,  True, False])
    """
    west, south, east, north = box
    between = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
    return np.asarray(between & (lat >= south) & (lat <= north), np.bool_)


def box_around(places: Places, margin_degrees: float) -> tuple[float, ...]:
    """Smallest box around places, across 180 degrees where that is shorter.

    Parameters
    ----------
    places : Places
        At least one.
    margin_degrees : float
        Added on each side.

    Returns
    -------
    tuple of float
        West, south, east, north.
    """
    lon = np.unique(places.lon)
    gaps = np.diff(np.append(lon, lon[0] + 360))
    widest = int(np.argmax(gaps))
    west, east = lon[(widest + 1) % len(lon)] - margin_degrees, lon[widest] + margin_degrees
    if gaps[widest] <= 2 * margin_degrees:
        west, east = -180.0, 180.0
    south = max(float(places.lat.min()) - margin_degrees, -90.0)
    north = min(float(places.lat.max()) + margin_degrees, 90.0)
    return _wrapped(float(west)), south, _wrapped(float(east)), north


def _wrapped(lon: float) -> float:
    return lon - 360 * round(lon / 360)


def _read_polygon(said: GivenFile, data_dir: Path | None) -> BaseGeometry:
    path = (data_dir or Path()) / said.file
    try:
        frame = pyogrio.read_dataframe(path, layer=said.layer or None, columns=[])
    except (OSError, ValueError, pyogrio.errors.DataSourceError) as error:
        remedy = f"cannot be read: {error}; give a file of polygons in the folder of --data"
        raise InputError([Fault(said.file, None, "", "", remedy)]) from error
    if said.crs:
        frame = frame.set_crs(said.crs, allow_override=True)
    if frame.crs is None:
        remedy = "states no reference system; give region.polygon.crs, e.g. EPSG:4326"
        raise InputError([Fault(said.file, None, "crs", "", remedy)])
    shapes = frame.geometry[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    if not len(shapes):
        raise InputError([Fault(said.file, None, "", "", "holds no polygon")])
    union: BaseGeometry = unary_union(shapes.to_crs("EPSG:4326").make_valid().to_numpy())
    return union
