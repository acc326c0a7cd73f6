"""The road network as a graph fine enough to join demand zones and sites to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.geodesy import points_between
from planner.instance import Instance
from planner.instance.settings.network import Hour
from planner.units import MINUTES_PER_HOUR

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int32]

SPACING_KM = 0.5
"""Edges are cut into pieces no longer than this, so that a zone joins the road beside it."""


@dataclass(frozen=True)
class RoadGraph:
    """Road points and the drive times between neighbours, by direction.

    Attributes
    ----------
    lon, lat : ndarray, shape (num_points,)
        Junctions first, then the points that cut long edges [degrees].
    neighbour_ptr, neighbour_idx, neighbour_min : ndarray
        Compressed rows: the neighbours from which point p is driven to, and the minutes from
        them, stand in ``neighbour_ptr[p]:neighbour_ptr[p + 1]``. Zones drive to sites, so a
        search from a site follows them.
    edge_idx, edge_frac : ndarray, shape (num_points,)
        For a cutting point the road it lies on and how far along; -1 for a junction.
    """

    lon: FloatArray
    lat: FloatArray
    neighbour_ptr: NDArray[np.int64]
    neighbour_idx: IndexArray
    neighbour_min: FloatArray
    edge_idx: IndexArray
    edge_frac: FloatArray


def build_road_graph(instance: Instance, hour: Hour | None = None) -> RoadGraph:
    """Cut the instance's roads into short pieces and index them by point.

    Parameters
    ----------
    instance : Instance
        Roads with their free-flow speeds, and what traffic leaves of these.
    hour : {"peak", "mean"}, optional
        Hour of the drives; the scenario's planning hour if left out.
    """
    speed_frac = instance.scenario.network.speed_frac(hour)
    return cut_roads(instance.road_nodes, instance.roads, speed_frac)


def cut_roads(nodes: pd.DataFrame, roads: pd.DataFrame, speed_frac: float) -> RoadGraph:
    """Cut roads into short pieces and index them by point.

    Points lie on the straight line between two junctions; lengths are those of the road. A
    one-way road is passable from its ``from_node`` to its ``to_node`` only.

    Parameters
    ----------
    nodes, roads : DataFrame
        Tables ``road_nodes`` and ``roads``.
    speed_frac : float
        Share of the free-flow speed that is driven: minutes are 60 x km / (speed x share).
    """
    node_ids = pd.Index(nodes["node_id"])
    start = node_ids.get_indexer(roads["from_node"])
    end = node_ids.get_indexer(roads["to_node"])
    length_km = roads["length_km"].to_numpy(float)
    road_min = MINUTES_PER_HOUR * length_km / (roads["speed_kmh"].to_numpy(float) * speed_frac)
    num_pieces = np.maximum(1, np.ceil(length_km / SPACING_KM)).astype(np.int64)

    num_cuts = num_pieces - 1
    edge_idx = np.repeat(np.arange(len(roads)), num_cuts)
    first_cut = np.cumsum(num_cuts) - num_cuts
    cut_of_edge = np.arange(len(edge_idx)) - first_cut[edge_idx] + 1
    edge_frac = cut_of_edge / num_pieces[edge_idx]
    lon, lat = nodes["lon"].to_numpy(float), nodes["lat"].to_numpy(float)
    before, after = start[edge_idx], end[edge_idx]
    cut_lon, cut_lat = points_between(lon[before], lat[before], lon[after], lat[after], edge_frac)

    piece_edge = np.repeat(np.arange(len(roads)), num_pieces)
    piece = np.arange(len(piece_edge)) - (np.cumsum(num_pieces) - num_pieces)[piece_edge]
    cut_point = len(nodes) + first_cut[piece_edge] + piece - 1
    tail = np.where(piece == 0, start[piece_edge], cut_point)
    head = np.where(piece == num_pieces[piece_edge] - 1, end[piece_edge], cut_point + 1)
    piece_min = (road_min / num_pieces)[piece_edge]

    num_points = len(nodes) + len(edge_idx)
    both_ways = ~is_one_way(roads)[piece_edge]
    point = np.concatenate((tail[both_ways], head))
    neighbour = np.concatenate((head[both_ways], tail))
    order = np.argsort(point, kind="stable")
    degree = np.bincount(point, minlength=num_points)
    return RoadGraph(
        lon=np.concatenate((lon, cut_lon)),
        lat=np.concatenate((lat, cut_lat)),
        neighbour_ptr=np.concatenate(([0], np.cumsum(degree))),
        neighbour_idx=neighbour[order].astype(np.int32),
        neighbour_min=np.concatenate((piece_min[both_ways], piece_min))[order],
        edge_idx=np.concatenate((np.full(len(nodes), -1), edge_idx)).astype(np.int32),
        edge_frac=np.concatenate((np.zeros(len(nodes)), edge_frac)),
    )


def is_one_way(roads: pd.DataFrame) -> NDArray[np.bool_]:
    """Which roads are driven from ``from_node`` to ``to_node`` only; none if the table says none.

    Returns
    -------
    ndarray, shape (num_roads,)
    """
    if "oneway" not in roads.columns:
        return np.zeros(len(roads), dtype=np.bool_)
    return roads["oneway"].astype("boolean").fillna(False).to_numpy(dtype=np.bool_)
