"""Polygons and parents of H3 cells, a million at a time."""

import math
from collections.abc import Sequence
from itertools import chain

import numpy as np
from h3.api import basic_int
from numpy.typing import NDArray

from planner.outputs.layers.rings import Rings

CellArray = NDArray[np.uint64]
FloatArray = NDArray[np.float64]

PARENT_RESOLUTIONS = (5, 7)
"""Cells of some 250 and 5 km²: a county, a quarter of a city."""

_INDEX_LENGTH = 15
_NOT_HEX = 255
_HEX_VALUES = np.full(128, _NOT_HEX, np.uint8)
_HEX_VALUES[np.frombuffer(b"0123456789abcdef", np.uint8)] = range(16)
_HEX_VALUES[np.frombuffer(b"ABCDEF", np.uint8)] = range(10, 16)
_CHUNK = 65_536
_DECIMALS = 7  # about a centimetre; neighbours then share their corners to the last bit
_RESOLUTION_SHIFT = 52
_RESOLUTION_MASK = 0xF << _RESOLUTION_SHIFT
_FINEST_RESOLUTION = 15
_BITS_PER_DIGIT = 3


def parse_cells(ids: Sequence[str]) -> CellArray | None:
    """H3 cells that ids stand for, or None unless every id is one.

    Parameters
    ----------
    ids : sequence of str
        H3 indexes in hexadecimal, or ids of any other kind.

    Returns
    -------
    ndarray of uint64, shape (len(ids),), or None
    """
    cells = hex_numbers(ids)
    if cells is None or not all(map(basic_int.is_valid_cell, cells.tolist())):
        return None
    return cells


def hex_numbers(ids: Sequence[str]) -> CellArray | None:
    """Numbers of fifteen hexadecimal digits, or None unless every id is one."""
    joined = "".join(ids)
    if set(map(len, ids)) - {_INDEX_LENGTH} or not joined.isascii():
        return None
    digits = _HEX_VALUES[np.frombuffer(joined.encode(), np.uint8)].reshape(-1, _INDEX_LENGTH)
    if (digits == _NOT_HEX).any():
        return None
    numbers = np.zeros(len(digits), np.uint64)
    for place in range(_INDEX_LENGTH):
        numbers = numbers << np.uint64(4) | digits[:, place]
    return numbers


def cell_centres(cells: CellArray) -> NDArray[np.float64]:
    """Longitude and latitude of the cells' centres, shape (n, 2) [degrees]."""
    flat = chain.from_iterable(map(basic_int.cell_to_latlng, cells.tolist()))
    return np.fromiter(flat, np.float64, 2 * len(cells)).reshape(-1, 2)[:, ::-1]


def cells_at(lon: FloatArray, lat: FloatArray, resolution: int) -> CellArray:
    """H3 cells of a resolution that hold the points, shape (n,)."""
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    cells = (basic_int.latlng_to_cell(*point, resolution) for point in points)
    return np.fromiter(cells, np.uint64, len(lon))


def cell_names(cells: CellArray) -> list[str]:
    """H3 indexes in hexadecimal."""
    return [f"{cell:x}" for cell in cells.tolist()]


def cell_width_m(resolution: int) -> float:
    """Mean distance between the centres of neighbouring cells [m]."""
    # Of a hexagon: sqrt(3) edges.
    return math.sqrt(3) * float(basic_int.average_hexagon_edge_length(resolution, unit="m"))


def cell_resolutions(cells: CellArray) -> NDArray[np.int64]:
    """Resolution of each cell, 0 (coarsest) to 15."""
    return ((cells & np.uint64(_RESOLUTION_MASK)) >> np.uint64(_RESOLUTION_SHIFT)).astype(np.int64)


def cell_parents(cells: CellArray, resolution: int) -> CellArray:
    """Cells of a coarser resolution that hold the cells.

    Works on the bits of the index: the resolution is lowered and the digits below it set
    to 7 (unused). None of the cells may be coarser than ``resolution``.
    """
    if len(cells) and resolution > int(cell_resolutions(cells).min()):
        raise ValueError(f"a cell is coarser than resolution {resolution}")
    unused = (1 << _BITS_PER_DIGIT * (_FINEST_RESOLUTION - resolution)) - 1
    kept = cells & np.uint64(~_RESOLUTION_MASK & 0xFFFF_FFFF_FFFF_FFFF)
    return np.asarray(kept | np.uint64(resolution << _RESOLUTION_SHIFT | unused), np.uint64)


def parent_names(cells: CellArray) -> dict[str, NDArray[np.object_]]:
    """Names of the cells of coarser resolutions that hold the cells, to sum and join rows by.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)

    Returns
    -------
    dict of str to ndarray of str, shape (n,)
        By column name, ``h3_5`` and ``h3_7``; without the one that is finer than a cell.
    """
    finest = int(cell_resolutions(cells).min()) if len(cells) else _FINEST_RESOLUTION
    found = {}
    for resolution in PARENT_RESOLUTIONS:
        if resolution <= finest:
            parents, idx = np.unique(cell_parents(cells, resolution), return_inverse=True)
            found[f"h3_{resolution}"] = np.asarray(cell_names(parents), object)[idx]
    return found


def cell_polygons(cells: CellArray) -> NDArray[np.object_]:
    """Outlines of H3 cells as shapely polygons.

    A cell that straddles the antimeridian keeps its shape and reaches beyond 180 degrees
    east, as a polygon that jumps to the other edge of the map would be invalid. Pentagons
    and cells that cross an edge of the icosahedron have other than six corners.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Valid H3 cells, of any resolution.

    Returns
    -------
    ndarray of Polygon, shape (n,)
        WGS84 longitude and latitude.
    """
    return cell_rings(cells).polygons()


def cell_rings(cells: CellArray) -> Rings:
    """Outlines of H3 cells; see `cell_polygons`."""
    flat, num_corners = cell_corners(cells)
    corners = np.round(flat, _DECIMALS)
    first = np.concatenate(([0], np.cumsum(num_corners)))
    closed = np.insert(np.arange(len(corners)), first[1:], first[:-1])
    rings = first + np.arange(len(first))
    lon, lat = corners[closed].T
    return Rings(np.column_stack((_unwrap(lon, rings), lat)), rings)


def cell_corners(cells: CellArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Corners of H3 cells, counter-clockwise.

    Parameters
    ----------
    cells : ndarray of uint64, shape (n,)
        Valid H3 cells.

    Returns
    -------
    corners : ndarray, shape (m, 2)
        Longitude and latitude [degrees], cell after cell.
    num_corners : ndarray of int64, shape (n,)
        Six of most; others where an edge of the icosahedron passes.
    """
    num_corners = np.zeros(len(cells), np.int64)
    parts = [np.empty((0, 2))]
    for start in range(0, len(cells), _CHUNK):
        # In chunks, as tuples of floats take ten times the room of the numbers in them.
        outlines = [
            basic_int.cell_to_boundary(cell) for cell in cells[start : start + _CHUNK].tolist()
        ]
        num_corners[start : start + _CHUNK] = [len(outline) for outline in outlines]
        flat = chain.from_iterable(chain.from_iterable(outlines))
        parts.append(np.fromiter(flat, np.float64).reshape(-1, 2))
    return np.concatenate(parts)[:, ::-1], num_corners


def _unwrap(lon: NDArray[np.float64], rings: NDArray[np.int64]) -> NDArray[np.float64]:
    if not len(lon) or np.ptp(lon) <= 180:
        return lon
    width = np.maximum.reduceat(lon, rings[:-1]) - np.minimum.reduceat(lon, rings[:-1])
    straddles = np.repeat(width > 180, np.diff(rings))
    return np.where(straddles & (lon < 0), lon + 360, lon)
