"""People of features: polygons split by area, points where they stand, rows named by H3 cells."""

import numpy as np
import pandas as pd
import pyogrio
import shapely
from h3.api import basic_int
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.instance.notes import Note
from planner.opendata.cells import RESOLUTION, cells_of_points
from planner.opendata.people_grid import (
    GridInput,
    People,
    centres,
    check_extent,
    crs_of,
    hexagons,
    negative_fault,
)

H3_COLUMN = "h3"
USUAL_FIELDS = ("population", "residents", "people")
"""Columns that are taken for the count if the recipe names none."""
_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON = 0, 3, 4, 6


def read_features(grid: GridInput, cells: IntArray) -> People:
    """Sum the people of features onto cells.

    Parameters
    ----------
    grid : GridInput
        A layer with a column of counts.
    cells : int array, shape (num_cells,)
        H3 cells of resolution 8.

    Returns
    -------
    People
        In the order of the cells.

    Raises
    ------
    InputError
        If it cannot be read or used.
    """
    layer = grid.layer or None
    try:
        info = pyogrio.read_info(grid.path, layer=layer)
        fields = [str(name) for name in info["fields"]]
        field = _field(grid, fields)
        by_h3 = H3_COLUMN in fields
        columns = [field, H3_COLUMN] if by_h3 else [field]
        _, _, shapes, data = pyogrio.raw.read(
            grid.path, layer=layer, columns=columns, read_geometry=not by_h3
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        remedy = "file or layer cannot be read; give a GeoPackage, or a raster as .tif"
        raise InputError([Fault(grid.path.name, None, grid.layer, str(error), remedy)]) from error
    # Columns come in the order of the file.
    read_fields = [name for name in fields if name in columns]
    table = dict(zip(read_fields, data, strict=True))
    people, notes = _people(grid, field, table[field])
    if by_h3:
        return _by_cell(grid, table[H3_COLUMN], people, cells, notes)
    crs = crs_of(grid, info["crs"])
    geometry = shapely.from_wkb(shapes)
    kind = shapely.get_type_id(geometry)
    is_area = np.isin(kind, (_POLYGON, _MULTIPOLYGON))
    is_point = kind == _POINT
    unplaced = (people > 0) & ((~is_area & ~is_point) | shapely.is_empty(geometry))
    if unplaced.any():
        remedy = "features with people have no area and no point; give polygons or points"
        value = f"{unplaced.sum():,} features with {people[unplaced].sum():,.0f} people"
        raise InputError([Fault(grid.path.name, None, "geometry", value, remedy)])
    check_extent(grid, crs, tuple(shapely.total_bounds(geometry)), cells)
    residents = _by_area(geometry[is_area], people[is_area], crs, cells)
    residents += _by_point(geometry[is_point], people[is_point], crs, cells)
    total = float(people.sum())
    return People(residents, max(0.0, total - float(residents.sum())), total, notes)


def _field(grid: GridInput, fields: list[str]) -> str:
    by_name = {name.lower(): name for name in reversed(fields)}
    if grid.field in fields:
        return grid.field
    usual = [by_name[name] for name in USUAL_FIELDS if name in by_name]
    if not grid.field and usual:
        return usual[0]
    remedy = f"say as field which column counts people: {', '.join(fields) or 'it has none'}"
    raise InputError([Fault(grid.path.name, None, "field", grid.field, remedy)])


def _people(
    grid: GridInput, field: str, values: NDArray[np.generic]
) -> tuple[FloatArray, tuple[Note, ...]]:
    """Counts >= 0; what is missing counts as nobody and is told."""
    given = pd.Series(values)
    people = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    unread = given.notna().to_numpy() & ~np.isfinite(people)
    if unread.any():
        remedy = "is no number of people; correct it"
        value = f"{given[unread].iloc[0]}, {unread.sum():,} times"
        raise InputError([Fault(grid.path.name, None, field, value, remedy)])
    if (people < 0).any():
        wrong = people < 0
        raise InputError(
            [negative_fault(grid, field, int(wrong.sum()), float(people[wrong].min()))]
        )
    missing = int(np.isnan(people).sum())
    why = "features without a count hold nobody"
    note = Note(f"{grid.path.name}: features without a count", f"{missing:,}", "AN", why)
    return np.nan_to_num(people), (note,) if missing else ()


def _by_cell(
    grid: GridInput,
    names: NDArray[np.generic],
    people: FloatArray,
    cells: IntArray,
    notes: tuple[Note, ...],
) -> People:
    """Rows named by H3 cells; finer ones belong to their parent of the zones' resolution."""
    texts = [str(name) for name in names.tolist()]
    wrong = [text for text in texts if not basic_int.is_valid_cell(_index(text))]
    if wrong:
        remedy = "is no H3 cell; correct it"
        raise InputError(
            [Fault(grid.path.name, None, H3_COLUMN, f"{wrong[0]}, {len(wrong):,} times", remedy)]
        )
    named = np.fromiter((_index(text) for text in texts), np.int64, len(texts))
    resolution = (named >> 52) & 15
    if (resolution < RESOLUTION).any():
        remedy = (
            f"cells are larger than the zones' (resolution {RESOLUTION}); take the finer file "
            "(Kontur: 400 m), or give the polygons without the column h3 to spread them evenly"
        )
        value = f"resolution {int(resolution.min())}"
        raise InputError([Fault(grid.path.name, None, H3_COLUMN, value, remedy)])
    finer = resolution > RESOLUTION
    named[finer] = [basic_int.cell_to_parent(cell, RESOLUTION) for cell in named[finer].tolist()]
    residents = _add_up(named, people, cells)
    total = float(people.sum())
    return People(residents, max(0.0, total - float(residents.sum())), total, notes)


def _index(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def _add_up(named: IntArray, people: FloatArray, cells: IntArray) -> FloatArray:
    at = pd.Index(cells).get_indexer(pd.Index(named))
    known = at >= 0
    return np.bincount(at[known], people[known], len(cells)).astype(np.float64)


def _by_point(
    points: NDArray[np.object_], people: FloatArray, crs: CRS, cells: IntArray
) -> FloatArray:
    way = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = (np.asarray(each) for each in way.transform(*shapely.get_coordinates(points).T))
    placed: BoolArray = np.isfinite(lon) & np.isfinite(lat)
    return _add_up(cells_of_points(lon[placed], lat[placed]), people[placed], cells)


def _by_area(
    areas: NDArray[np.object_], people: FloatArray, crs: CRS, cells: IntArray
) -> FloatArray:
    """Split the people of each polygon evenly over its area, on a plane that keeps areas."""
    residents = np.zeros(len(cells))
    peopled = people > 0
    if not peopled.any() or not len(cells):
        return residents
    lon, lat = centres(cells)
    # Around the first cell: a region over the meridian of 180 degrees stays in one piece.
    plane = CRS.from_dict(
        {"proj": "laea", "lon_0": float(lon[0]), "lat_0": float(lat[0]), "datum": "WGS84"}
    )
    people, areas = people[peopled], _moved(areas[peopled], crs, plane)
    outlines = _moved(hexagons(cells), CRS("EPSG:4326"), plane)
    area_idx, cell_idx = shapely.STRtree(outlines).query(areas, predicate="intersects")
    shared = shapely.area(shapely.intersection(areas[area_idx], outlines[cell_idx]))
    share = shared / shapely.area(areas)[area_idx]
    return np.bincount(cell_idx, people[area_idx] * share, len(cells)).astype(np.float64)


def _moved(shapes: NDArray[np.object_], crs: CRS, to: CRS) -> NDArray[np.object_]:
    way = Transformer.from_crs(crs, to, always_xy=True)
    moved = shapely.transform(shapes, lambda places: np.column_stack(way.transform(*places.T)))
    return np.asarray(shapely.make_valid(moved))
