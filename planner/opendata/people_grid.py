"""Grids of people: which file, what comes of it, and where it lies."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from h3.api import basic_int
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.geodesy import degrees_east
from planner.instance.notes import Note


@dataclass(frozen=True)
class GridInput:
    """A file of people.

    Attributes
    ----------
    path : Path
        Raster (``.tif``), or any layer that GDAL reads as features.
    field : str
        Column of the count, or number of the band; empty if there is only one.
    layer : str
        Of a file that holds several.
    crs : str
        Reference system where the file states none.
    """

    path: Path
    field: str = ""
    layer: str = ""
    crs: str = ""


@dataclass(frozen=True)
class People:
    """Where the people of a grid live.

    Attributes
    ----------
    residents : float array, shape (num_cells,)
        People of each cell.
    elsewhere : float
        People of the file outside these cells, so that both make ``total``.
    total : float
        People of the whole file.
    notes : tuple of Note
        What was done and what was left out, for the assumptions table.
    """

    residents: FloatArray
    elsewhere: float
    total: float
    notes: tuple[Note, ...] = ()


_REMEDY_CRS = "state the file's reference system as crs in the recipe, e.g. EPSG:4326"


def crs_of(grid: GridInput, stated: str | None) -> CRS:
    """Reference system of a grid: what the file states, else what the recipe does.

    Parameters
    ----------
    grid : GridInput
        The file.
    stated : str or None
        What it states.

    Returns
    -------
    CRS

    Raises
    ------
    InputError
        If neither states one that PROJ knows.
    """
    text = stated or grid.crs
    if not text:
        fault = Fault(grid.path.name, None, "reference system", "", f"states none; {_REMEDY_CRS}")
        raise InputError([fault])
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        remedy = f"PROJ does not know it; {_REMEDY_CRS}"
        raise InputError([Fault(grid.path.name, None, "reference system", text, remedy)]) from error


def hexagons(cells: IntArray) -> NDArray[np.object_]:
    """Outlines of H3 cells, in degrees.

    Parameters
    ----------
    cells : int array, shape (n,)
        H3 indexes.

    Returns
    -------
    object array, shape (n,)
        Shapely polygons. One over the meridian of 180 degrees runs on beyond it.
    """
    outlines = [basic_int.cell_to_boundary(cell) for cell in cells.tolist()]
    if not outlines:
        return np.empty(0, dtype=object)
    owner = np.repeat(np.arange(len(outlines)), [len(outline) for outline in outlines])
    lat, lon = np.array([corner for outline in outlines for corner in outline]).T
    first = np.searchsorted(owner, np.arange(len(outlines)))[owner]
    lon = lon[first] + degrees_east(lon[first], lon)
    rings = np.asarray(shapely.linearrings(np.column_stack([lon, lat]), indices=owner))
    return np.asarray(shapely.polygons(rings))


def centres(cells: IntArray) -> tuple[FloatArray, FloatArray]:
    """Longitude and latitude of the cells' centres.

    Parameters
    ----------
    cells : int array, shape (n,)
        H3 indexes.

    Returns
    -------
    lon, lat : float array, shape (n,)
        Degrees.
    """
    found = [basic_int.cell_to_latlng(cell) for cell in cells.tolist()]
    lat, lon = np.array(found, dtype=np.float64).reshape(-1, 2).T
    return lon, lat


def check_extent(
    grid: GridInput, crs: CRS, bounds: tuple[float, float, float, float], cells: IntArray
) -> BoolArray:
    """Find which cells lie within a file's extent, and refuse a file that reaches none.

    Parameters
    ----------
    grid : GridInput
        The file.
    crs : CRS
        Its reference system.
    bounds : tuple of float
        Least x and y, largest x and y, in that system.
    cells : int array, shape (n,)
        H3 cells.

    Returns
    -------
    bool array, shape (n,)
        By the cells' centres.

    Raises
    ------
    InputError
        If no centre lies there.
    """
    lon, lat = centres(cells)
    to_file = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = (np.asarray(place) for place in to_file.transform(lon, lat))
    inside = _within(x, y, bounds)
    if crs.is_geographic:  # the file may count from 0 to 360
        inside |= _within(x + 360.0, y, bounds) | _within(x - 360.0, y, bounds)
    if inside.any() or not len(cells):
        return inside
    shown = ", ".join(f"{number:.6g}" for number in bounds)
    region = f"the region lies within {lon.min():.3f}, {lat.min():.3f}, {lon.max():.3f}, " + (
        f"{lat.max():.3f} degrees"
    )
    if _within(y, x, bounds).any():
        remedy = f"longitude and latitude look swapped: {region}; swap the file's axes"
    else:
        remedy = f"reaches no cell of the region: {region}; is it a file of another country?"
    raise InputError([Fault(grid.path.name, None, "extent", shown, remedy)])


def _within(x: FloatArray, y: FloatArray, bounds: tuple[float, float, float, float]) -> BoolArray:
    west, south, east, north = bounds
    return np.asarray((west <= x) & (x <= east) & (south <= y) & (y <= north))


def negative_fault(grid: GridInput, column: str, count: int, least: float) -> Fault:
    """Tell of counts below zero, which are marks for places without data.

    Parameters
    ----------
    grid : GridInput
        The file.
    column : str
        Column or band.
    count : int
        How many there are.
    least : float
        The least of them.

    Returns
    -------
    Fault
    """
    remedy = (
        "people cannot be fewer than none: if this marks places without data, declare it as the "
        f"file's nodata value (gdal_edit.py -a_nodata {least:g} FILE), or remove those features"
    )
    return Fault(grid.path.name, None, column, f"{least:g} and the like, {count:,} times", remedy)
