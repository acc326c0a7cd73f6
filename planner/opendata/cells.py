"""Roads cut into short pieces, and the H3 cells that they pass or come near."""

from dataclasses import dataclass

import numpy as np
from h3.api import basic_int, numpy_int

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.opendata.highways import RoadGraph, edge_span_km

RESOLUTION = 8
"""H3 resolution of the demand zones."""

CELL_KM2 = 0.7373
"""Mean area of an H3 resolution-8 cell (h3geo.org, table of cell statistics)."""


@dataclass(frozen=True)
class RoadPieces:
    """Pieces of equal length that each edge is cut into.

    Attributes
    ----------
    edge_idx : int array, shape (num_pieces,)
        Edge that the piece belongs to, ascending.
    lon, lat : float array, shape (num_pieces,)
        Midpoint on the straight line between the edge's ends, degrees.
    apart_km : float array, shape (num_pieces,)
        Great-circle length.
    cell : int array, shape (num_pieces,)
        H3 cell of the midpoint.
    """

    edge_idx: IntArray
    lon: FloatArray
    lat: FloatArray
    apart_km: FloatArray
    cell: IntArray


@dataclass(frozen=True)
class RoadCells:
    """H3 cells that a road passes, and their neighbours.

    Attributes
    ----------
    cell : int array, shape (num_cells,)
        H3 index, ascending.
    lon, lat : float array, shape (num_cells,)
        Centre, degrees.
    near_idx : int array, shape (num_cells, 7)
        Positions of the cell and its neighbours; -1 where a neighbour is not among the cells.
    road_km : float array, shape (num_cells,)
        Road inside the cell.
    """

    cell: IntArray
    lon: FloatArray
    lat: FloatArray
    near_idx: IntArray
    road_km: FloatArray

    @property
    def has_road(self) -> BoolArray:
        """Whether a road passes the cell itself."""
        return self.road_km > 0

    def mean_nearby(self, values: FloatArray) -> FloatArray:
        """Mean over each cell and its six neighbours; a missing neighbour counts as 0.

        Parameters
        ----------
        values : float array, shape (num_cells,)
            Any quantity.

        Returns
        -------
        float array, shape (num_cells,)
            In the same unit.
        """
        padded = np.append(values, 0.0)
        mean: FloatArray = padded[self.near_idx].sum(axis=1) / self.near_idx.shape[1]
        return mean


def cells_of_points(lon: FloatArray, lat: FloatArray) -> IntArray:
    """H3 cell of each point, as a whole number.

    Parameters
    ----------
    lon, lat : float array, shape (n,)
        Degrees.

    Returns
    -------
    int array, shape (n,)
        H3 indexes; they fit into 63 bits.
    """
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    return np.fromiter(
        (basic_int.latlng_to_cell(y, x, RESOLUTION) for y, x in points), np.int64, len(lon)
    )


def cut_edges(graph: RoadGraph, piece_km: float) -> RoadPieces:
    """Cut every edge into equal pieces no longer than ``piece_km``.

    The source keeps few bends, so the pieces lie on straight lines between junctions;
    where an edge is long, the true road may run a few km aside.

    Parameters
    ----------
    graph : RoadGraph
        The roads.
    piece_km : float
        Longest piece.

    Returns
    -------
    RoadPieces
        Edge by edge.
    """
    apart_km = edge_span_km(graph)
    count = np.maximum(1, np.ceil(apart_km / piece_km)).astype(np.int64)
    edge_idx = np.repeat(np.arange(len(count)), count)
    position = np.arange(len(edge_idx)) - np.repeat(np.cumsum(count) - count, count)
    along = (position + 0.5) / count[edge_idx]
    start, end = graph.from_idx[edge_idx], graph.to_idx[edge_idx]
    # The short way, also across 180 degrees.
    east = graph.lon[end] - graph.lon[start]
    lon = graph.lon[start] + along * (east - 360 * np.rint(east / 360))
    lon = lon - 360 * np.rint(lon / 360)
    lat = graph.lat[start] + along * (graph.lat[end] - graph.lat[start])
    return RoadPieces(edge_idx, lon, lat, (apart_km / count)[edge_idx], cells_of_points(lon, lat))


def find_road_cells(pieces: RoadPieces) -> RoadCells:
    """Cells that the pieces pass, with one ring of neighbours around them.

    Parameters
    ----------
    pieces : RoadPieces
        The roads.

    Returns
    -------
    RoadCells
        Sorted by H3 index.
    """
    passed = np.unique(pieces.cell)
    cell = np.unique(_disks(passed))
    near = _disks(cell)
    near_idx = np.searchsorted(cell, near)
    missing = cell[np.minimum(near_idx, len(cell) - 1)] != near
    near_idx[missing] = -1
    centres = np.array([basic_int.cell_to_latlng(index) for index in cell.tolist()])
    return RoadCells(
        cell=cell,
        lon=centres[:, 1],
        lat=centres[:, 0],
        near_idx=near_idx,
        road_km=_sum_by(np.searchsorted(cell, pieces.cell), pieces.apart_km, len(cell)),
    )


def _sum_by(idx: IntArray, values: FloatArray, size: int) -> FloatArray:
    return np.bincount(idx, values, size).astype(np.float64)


def _disks(cells: IntArray) -> IntArray:
    disks = np.empty((len(cells), 7), dtype=np.int64)
    for row, index in enumerate(cells.tolist()):
        disks[row] = numpy_int.grid_disk(index, 1)
    return disks
