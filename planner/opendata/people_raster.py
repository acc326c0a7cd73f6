"""People of a raster: each pixel in equal parts, each part to the cell that it lies in."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from planner.arrays import FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.instance.notes import Note
from planner.opendata.people_grid import (
    GridInput,
    People,
    check_extent,
    crs_of,
    hexagons,
    negative_fault,
)

PARTS_PER_CELL = 400
"""Pixels are cut until a cell holds so many parts: cells then get their share by area to 1 %."""
BLOCK_PARTS = 2048
"""Side of the blocks that are worked on, in parts."""
WIDEST = 20.0
"""A cell so many times as wide as the median lies on the edge of the projection."""
REMEDY = "pip install 'planner[raster]'"


def read_raster(grid: GridInput, cells: IntArray) -> People:
    """Sum a raster's people onto cells.

    Parameters
    ----------
    grid : GridInput
        A raster of counts.
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
    try:
        import rasterio
    except ImportError as error:
        raise InputError([Fault("rasterio", None, "", "package not installed", REMEDY)]) from error
    try:
        with rasterio.open(grid.path) as raster:
            return _sum(raster, grid, cells)
    except rasterio.errors.RasterioError as error:
        remedy = "file cannot be read as a raster; give a GeoTIFF"
        raise InputError([Fault(grid.path.name, None, "", str(error), remedy)]) from error


def _sum(raster: Any, grid: GridInput, cells: IntArray) -> People:
    crs = crs_of(grid, raster.crs.to_wkt() if raster.crs else None)
    if raster.transform.is_identity:
        remedy = "raster says not where it lies; georeference it (gdal_edit.py -a_ullr)"
        raise InputError([Fault(grid.path.name, None, "transform", "", remedy)])
    band = _band(raster, grid)
    inside = check_extent(grid, crs, tuple(raster.bounds), cells)
    outlines, owner = _outlines(cells, crs)
    tree = shapely.STRtree(outlines)
    pixel_area = abs(raster.transform.determinant)
    cell_area = float(np.median(shapely.area(outlines))) if len(outlines) else pixel_area
    num_parts = max(1, int(np.ceil(np.sqrt(PARTS_PER_CELL * pixel_area / cell_area))))
    residents = np.zeros(len(cells))
    total = elsewhere = 0.0
    num_wrong, least = 0, 0.0
    for window in _windows(raster, max(1, BLOCK_PARTS // num_parts)):
        found = raster.read(band, window=window, masked=True)
        values = found.filled(0).astype(np.float64)
        values[np.isnan(values)] = 0.0
        wrong = (values < 0) | np.isinf(values)
        if wrong.any():
            num_wrong, least = num_wrong + int(wrong.sum()), min(least, float(values.min()))
            continue
        people = float(values.sum())
        total += people
        if not people:
            continue
        transform = raster.window_transform(window)
        near = tree.query(_block(transform, values.shape))
        counted = _count(values, transform, num_parts, outlines[near])
        np.add.at(residents, owner[near], counted[1:])
        elsewhere += float(counted[0])
    if num_wrong:
        raise InputError([negative_fault(grid, f"band {band}", num_wrong, least)])
    notes = []
    if not inside.all():
        why = "cells there have no people; give a grid of the whole region if they should"
        value = f"{(~inside).sum():,} of {len(cells):,} cells"
        notes.append(Note(f"{grid.path.name}: cells outside of the grid", value, "AN", why))
    return People(residents, elsewhere, total, tuple(notes))


def _band(raster: Any, grid: GridInput) -> int:
    if not grid.field and raster.count == 1:
        return 1
    if grid.field.isdecimal() and 1 <= int(grid.field) <= raster.count:
        return int(grid.field)
    remedy = f"say as field which band counts people: 1 to {raster.count}"
    raise InputError([Fault(grid.path.name, None, "field", grid.field, remedy)])


def _outlines(cells: IntArray, crs: CRS) -> tuple[NDArray[np.object_], IntArray]:
    """Cells in the raster's system, and which cell each outline is of.

    On either side of the meridian of 180 degrees there may be one of each.
    """
    outlines = hexagons(cells)
    owner = np.arange(len(cells))
    if crs.is_geographic:
        outlines = np.concatenate([_shifted(outlines, east) for east in (-360.0, 0.0, 360.0)])
        owner = np.tile(owner, 3)
    way = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    outlines = np.asarray(
        shapely.transform(outlines, lambda lonlat: np.column_stack(way.transform(*lonlat.T)))
    )
    west, south, east, north = shapely.bounds(outlines).T
    width = np.maximum(east - west, north - south)
    is_whole = np.isfinite(width)
    is_whole &= width <= WIDEST * np.median(width[is_whole]) if is_whole.any() else True
    return outlines[is_whole], owner[is_whole]


def _shifted(outlines: NDArray[np.object_], east: float) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(outlines, lambda lonlat: lonlat + np.array([east, 0.0])))


def _windows(raster: Any, side: int) -> list[Any]:
    from rasterio.windows import Window

    return [
        Window(column, row, min(side, raster.width - column), min(side, raster.height - row))
        for row in range(0, raster.height, side)
        for column in range(0, raster.width, side)
    ]


def _block(transform: Any, shape: tuple[int, ...]) -> shapely.Polygon:
    rows, columns = shape
    corners = [(0, 0), (columns, 0), (columns, rows), (0, rows)]
    return shapely.Polygon([transform * corner for corner in corners])


def _count(
    values: FloatArray, transform: Any, num_parts: int, outlines: NDArray[np.object_]
) -> FloatArray:
    """People outside of all outlines, then in each of them."""
    from rasterio.features import rasterize

    if not len(outlines):
        return np.array([values.sum()])
    rows, columns = values.shape
    label = rasterize(
        zip(outlines, range(1, len(outlines) + 1), strict=True),
        out_shape=(rows * num_parts, columns * num_parts),
        transform=transform * transform.scale(1 / num_parts),
        dtype=np.int32,
    )
    parts = np.repeat(np.repeat(values / num_parts**2, num_parts, axis=0), num_parts, axis=1)
    return np.bincount(label.ravel(), parts.ravel(), len(outlines) + 1).astype(np.float64)
