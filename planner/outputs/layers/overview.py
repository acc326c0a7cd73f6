"""Zones as H3 cells: which cell each zone is, and their sums over coarser cells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.outputs.layers.antimeridian import near_lon
from planner.outputs.layers.hexagons import (
    CellArray,
    FloatArray,
    cell_centres,
    cell_names,
    cell_parents,
    cell_resolutions,
    cells_at,
    parent_names,
    parse_cells,
)

OVERVIEW_STEPS = (2, 3)
"""H3 resolutions that the overviews are coarser than the zones by; a step is a factor of 7."""

_POINT_RESOLUTION = 8  # 0.7 km2: stands for zones that are places, not cells
_CENTRE_TOLERANCE_DEG = 1e-4  # 10 m: centres that an instance wrote with four decimals


@dataclass(frozen=True)
class ZoneCells:
    """The cell of each zone.

    Attributes
    ----------
    cells : ndarray of uint64, shape (num_zones,)
        H3 cells; several zones may share one unless they are cells themselves.
    are_zones : bool
        Whether the zones are these cells, and not places within them.
    """

    cells: CellArray
    are_zones: bool

    @property
    def resolution(self) -> int:
        """Coarsest resolution of a zone."""
        found = cell_resolutions(self.cells)
        return int(found.min()) if len(found) else _POINT_RESOLUTION

    def coarser(self, steps: int) -> int:
        """Resolution some steps coarser than the zones, 0 at least."""
        return max(0, self.resolution - steps)

    def parents(self, steps: int) -> CellArray:
        """Cells that hold the zones, some steps coarser than the coarsest zone."""
        return cell_parents(self.cells, self.coarser(steps))


def zone_cells(zones: pd.DataFrame) -> ZoneCells:
    """Cells that zones are, if their ids are H3 cells and their points the cells' centres.

    Zones with places of their own are put into cells of resolution 8.
    """
    points = zones[["lon", "lat"]].to_numpy(np.float64)
    cells = parse_cells(zones["zone_id"].tolist())
    if cells is not None:
        lon, lat = cell_centres(cells).T
        centres = np.column_stack((near_lon(lon, points[:, 0]), lat))
        if (np.abs(centres - points) <= _CENTRE_TOLERANCE_DEG).all():
            return ZoneCells(cells, are_zones=True)
    return ZoneCells(cells_at(points[:, 0], points[:, 1], _POINT_RESOLUTION), are_zones=False)


def with_parents(places: pd.DataFrame) -> pd.DataFrame:
    """Places with the coarser cells that hold them, those of zones at the same points.

    Parameters
    ----------
    places : DataFrame
        With ``lon, lat``.
    """
    cells = cells_at(places["lon"].to_numpy(), places["lat"].to_numpy(), _POINT_RESOLUTION)
    return places.assign(**parent_names(cells))


def sum_to_cells(zones: pd.DataFrame, parents: CellArray) -> tuple[pd.DataFrame, CellArray]:
    """Sum zones over the cells that hold them.

    Parameters
    ----------
    zones : DataFrame
        As in an evaluation.
    parents : ndarray of uint64, shape (num_zones,)
        Cell that holds each zone.

    Returns
    -------
    DataFrame, ndarray of uint64
        A row per cell, and the cells, both ascending. Shares of nothing are NaN.
    """
    cells, cell_idx = np.unique(parents, return_inverse=True)

    def total(amount: FloatArray) -> FloatArray:
        return np.bincount(cell_idx, amount, len(cells)).astype(np.float64)

    households = zones["car_owning_households"].to_numpy(np.float64)
    swaps = zones["swaps_per_day"].to_numpy(np.float64)
    served_frac = zones["served_frac"].to_numpy(np.float64)
    frame = pd.DataFrame(
        {
            "h3_cell": cell_names(cells),
            "num_zones": np.bincount(cell_idx, minlength=len(cells)),
            "car_owning_households": total(households),
            "swaps_per_day": total(swaps),
            "unserved_swaps_per_day": total(swaps * (1 - served_frac)),
            "households_served_frac": _share(total(households * served_frac), total(households)),
            "swaps_served_frac": _share(total(swaps * served_frac), total(swaps)),
        }
    )
    return frame, cells


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
