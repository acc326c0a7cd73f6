"""The road network as a graph fine enough to attach demand zones and sites to."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.instance import Instance
from planner.limits import widened
from planner.units import MINUTES_PER_HOUR

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int32]

SPACING_KM = 0.5
"""Edges are cut into pieces no longer than this, so that a zone joins the road beside it."""


@dataclass(frozen=True)
class RoadGraph:
    """Road points and the drive times between neighbours, in both directions.

    Attributes
    ----------
    lon, lat : ndarray, shape (num_points,)
        Junctions first, then the points that cut long edges [degrees].
    neighbour_ptr, neighbour_idx, neighbour_min : ndarray
        Compressed rows: point p's neighbours and the minutes to them stand in
        ``neighbour_ptr[p]:neighbour_ptr[p + 1]``.
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


@dataclass(frozen=True)
class Access:
    """Where places join the road network.

    Attributes
    ----------
    point_idx : ndarray, shape (num_places,)
        Nearest road point, -1 if none lies within the scenario's ``max_access_km``.
    access_min : ndarray, shape (num_places,)
        Time between the place and that point [min]; inf if there is none.
    """

    point_idx: IndexArray
    access_min: FloatArray


def build_road_graph(instance: Instance) -> RoadGraph:
    """Cut the instance's roads into short pieces and index them by point.

    Points lie on the straight line between two junctions; lengths are those of the road.
    """
    nodes, roads = instance.road_nodes, instance.roads
    node_ids = pd.Index(nodes["node_id"])
    start = node_ids.get_indexer(roads["from_node"])
    end = node_ids.get_indexer(roads["to_node"])
    length_km = roads["length_km"].to_numpy(float)
    road_min = MINUTES_PER_HOUR * length_km / roads["speed_kmh"].to_numpy(float)
    num_pieces = np.maximum(1, np.ceil(length_km / SPACING_KM)).astype(np.int64)

    num_cuts = num_pieces - 1
    edge_idx = np.repeat(np.arange(len(roads)), num_cuts)
    first_cut = np.cumsum(num_cuts) - num_cuts
    cut_of_edge = np.arange(len(edge_idx)) - first_cut[edge_idx] + 1
    edge_frac = cut_of_edge / num_pieces[edge_idx]
    lon, lat = nodes["lon"].to_numpy(float), nodes["lat"].to_numpy(float)
    cut_lon = lon[start[edge_idx]] * (1 - edge_frac) + lon[end[edge_idx]] * edge_frac
    cut_lat = lat[start[edge_idx]] * (1 - edge_frac) + lat[end[edge_idx]] * edge_frac

    piece_edge = np.repeat(np.arange(len(roads)), num_pieces)
    piece = np.arange(len(piece_edge)) - (np.cumsum(num_pieces) - num_pieces)[piece_edge]
    cut_point = len(nodes) + first_cut[piece_edge] + piece - 1
    tail = np.where(piece == 0, start[piece_edge], cut_point)
    head = np.where(piece == num_pieces[piece_edge] - 1, end[piece_edge], cut_point + 1)
    piece_min = (road_min / num_pieces)[piece_edge]

    num_points = len(nodes) + len(edge_idx)
    order = np.argsort(np.concatenate((tail, head)), kind="stable")
    degree = np.bincount(np.concatenate((tail, head)), minlength=num_points)
    return RoadGraph(
        lon=np.concatenate((lon, cut_lon)),
        lat=np.concatenate((lat, cut_lat)),
        neighbour_ptr=np.concatenate(([0], np.cumsum(degree))),
        neighbour_idx=np.concatenate((head, tail))[order].astype(np.int32),
        neighbour_min=np.concatenate((piece_min, piece_min))[order],
        edge_idx=np.concatenate((np.full(len(nodes), -1), edge_idx)).astype(np.int32),
        edge_frac=np.concatenate((np.zeros(len(nodes)), edge_frac)),
    )


def attach(graph: RoadGraph, lon: FloatArray, lat: FloatArray, instance: Instance) -> Access:
    """Join places to their nearest road point.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    lon, lat : ndarray, shape (num_places,)
        The places [degrees].
    instance : Instance
        For the scenario's access speed, detour and limit.

    Returns
    -------
    Access
        Access time = straight distance x (1 + detour) / access speed.
    """
    settings = instance.scenario.network
    tree = KDTree(to_sphere_km(graph.lon, graph.lat))
    chord_km, point_idx = tree.query(
        to_sphere_km(lon, lat), distance_upper_bound=widened(settings.max_access_km)
    )
    is_near = np.isfinite(chord_km)
    road_km = chord_to_arc_km(np.where(is_near, chord_km, 0)) * (1 + settings.access_detour_frac)
    access_min = np.where(is_near, MINUTES_PER_HOUR * road_km / settings.access_speed_kmh, np.inf)
    return Access(np.where(is_near, point_idx, -1).astype(np.int32), access_min)
