"""Demand zones summed to hexagons that a page can carry."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.outputs.layers.antimeridian import from_cut
from planner.outputs.layers.hexagons import (
    CellArray,
    cell_centres,
    cell_corners,
    cell_parents,
    hex_numbers,
)
from planner.outputs.layers.overview import ZoneCells, zone_cells

MOST_CELLS = 300_000
"""Of the finest level: some five megabytes of page."""

FEW_CELLS = 4_000
"""Of the coarsest level, or fewer: what shows of a whole country at once."""

_TILE_STEPS = 3  # cells are kept by ancestors this much coarser: at most 343 cells each
_PLACES_PER_DEGREE = 10_000
_VISIBLE_FRAC = 0.02  # of a cell's size: less than a pixel at all zooms that show it


@dataclass(frozen=True)
class CellSums:
    """Zones summed to the cells of one resolution.

    Attributes
    ----------
    resolution : int
        H3 resolution.
    cells : ndarray of uint64, shape (n,)
        Ascending.
    households, swaps_per_day, swaps_served_per_day : ndarray, shape (n,)
        Sums over the zones within each cell.
    swap_min_per_day : ndarray, shape (n,), optional
        Likewise, where zones have minutes.
    """

    resolution: int
    cells: CellArray
    households: NDArray[np.float64]
    swaps_per_day: NDArray[np.float64]
    swaps_served_per_day: NDArray[np.float64]
    swap_min_per_day: NDArray[np.float64] | None = None


def sum_levels(zones: pd.DataFrame, *, are_cells: bool = False) -> list[CellSums]:
    """Zones summed to cells of several resolutions, the coarsest first.

    Parameters
    ----------
    zones : DataFrame
        Columns ``zone_id, lon, lat, car_owning_households, swaps_per_day, served_frac``, and
        ``counted_min`` if cells shall show the way to a station.
    are_cells : bool
        Whether the zones are known to be H3 cells; otherwise that is found out.

    Returns
    -------
    list of CellSums
        From at most `FEW_CELLS` to at most `MOST_CELLS` cells, a resolution each.
    """
    if zones.empty:
        return []
    known = hex_numbers(zones["zone_id"].tolist()) if are_cells else None
    cells = zone_cells(zones) if known is None else ZoneCells(known, are_zones=True)
    levels: list[CellSums] = []
    for resolution in range(cells.resolution, -1, -1):
        sums = _sum_to(zones, cell_parents(cells.cells, resolution), resolution)
        if len(sums.cells) <= MOST_CELLS:
            levels.insert(0, sums)
        if len(sums.cells) <= FEW_CELLS:
            break
    return levels


def _sum_to(zones: pd.DataFrame, parents: CellArray, resolution: int) -> CellSums:
    kept, cell_idx = np.unique(parents, return_inverse=True)
    swaps = zones["swaps_per_day"].to_numpy(float)

    def total(amount: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(cell_idx, amount, len(kept)).astype(np.float64)

    return CellSums(
        resolution,
        kept,
        total(zones["car_owning_households"].to_numpy(float)),
        total(swaps),
        total(swaps * zones["served_frac"].to_numpy(float)),
        total(swaps * zones["counted_min"].to_numpy(float)) if "counted_min" in zones else None,
    )


def pack_tiles(sums: CellSums, cut_lon: float = -180.0) -> list[dict[str, Any]]:
    """Cells as small integers, tile by tile, for the page to draw.

    Cells of one resolution that lie close mostly have the same outline: a tile (a coarser
    cell) carries each outline once, and of a cell only where its centre lies and which it has.

    Parameters
    ----------
    sums : CellSums
        The cells.
    cut_lon : float
        Meridian from which longitudes count on, beyond 180 degrees if need be.

    Returns
    -------
    list of dict
        ``at``: longitude and latitude that centres count from; ``box``: west, south, east,
        north; ``outlines``: corners relative to a centre [degrees]; then per cell ``x``, ``y``
        [1e-4 degrees from ``at``], ``outline``, ``households``, ``swaps`` [0.1 per day],
        ``served`` [percent of swaps; -1 where none are asked for], ``minutes`` [0.1 min per
        swap; likewise], where zones have minutes.
    """
    centres = cell_centres(sums.cells)
    centres[:, 0] = from_cut(centres[:, 0], cut_lon)
    with np.errstate(invalid="ignore"):
        served = np.rint(100 * sums.swaps_served_per_day / sums.swaps_per_day)
        minutes = (
            None if sums.swap_min_per_day is None
            else np.rint(10 * sums.swap_min_per_day / sums.swaps_per_day)
        )  # fmt: skip
    served = np.where(sums.swaps_per_day > 0, served, -1)
    parents = cell_parents(sums.cells, max(0, sums.resolution - _TILE_STEPS))
    corners, num_corners = cell_corners(sums.cells)
    first_corner = np.concatenate(([0], np.cumsum(num_corners)))
    # Cells ascend, and a cell's index starts with its ancestor's: tiles are runs.
    first = np.concatenate(([0], 1 + np.flatnonzero(np.diff(parents)), [len(parents)]))
    tiles = []
    for start, end in zip(first[:-1].tolist(), first[1:].tolist(), strict=True):
        run = slice(start, end)
        outlines, outline_idx = _outlines(
            corners[first_corner[start] : first_corner[end]], num_corners[run], centres[run]
        )
        low, high = centres[run].min(axis=0), centres[run].max(axis=0)
        reach = np.max([np.abs(outline).max(axis=0) for outline in outlines], axis=0)
        at = low.round(4)
        offsets = np.rint((centres[run] - at) * _PLACES_PER_DEGREE).astype(int)
        tiles.append(
            {
                "at": at.tolist(),
                "box": np.concatenate((low - reach, high + reach)).round(4).tolist(),
                "outlines": [outline.round(5).tolist() for outline in outlines],
                "outline": outline_idx.tolist(),
                "x": offsets[:, 0].tolist(),
                "y": offsets[:, 1].tolist(),
                "households": np.rint(sums.households[run]).astype(int).tolist(),
                "swaps": np.rint(10 * sums.swaps_per_day[run]).astype(int).tolist(),
                "served": served[run].astype(int).tolist(),
            }
        )
        if minutes is not None:
            shown = np.where(sums.swaps_per_day > 0, minutes, -1)[run]
            tiles[-1]["minutes"] = shown.astype(int).tolist()
    return tiles


def _outlines(
    flat: NDArray[np.float64], num_corners: NDArray[np.int64], centres: NDArray[np.float64]
) -> tuple[list[NDArray[np.float64]], NDArray[np.int64]]:
    """Outlines that differ by more than the eye sees, and which of them each cell has.

    Where an edge of the icosahedron passes, shapes change at once, and some cells have seven
    or eight corners.
    """
    outlines: list[NDArray[np.float64]] = []
    outline_idx = np.empty(len(centres), np.int64)
    for number in sorted(set(num_corners.tolist())):
        (left,) = np.nonzero(num_corners == number)
        places = flat[np.repeat(num_corners == number, num_corners)].reshape(-1, number, 2)
        corners = places - centres[left, None]
        corners = (corners + 180) % 360 - 180
        visible = _VISIBLE_FRAC * np.ptp(corners, axis=1).max()
        while len(left):
            alike = np.abs(corners - corners[0]).max(axis=(1, 2)) <= visible
            outline_idx[left[alike]] = len(outlines)
            outlines.append(corners[0])
            left, corners = left[~alike], corners[~alike]
    return outlines, outline_idx
