"""The open world highway graph: parse it, cut a country out of it, keep what connects."""

import json
import re
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.errors import Fault, InputError
from planner.geodesy import great_circle_km


@dataclass(frozen=True)
class RoadGraph:
    """Roads passable both ways; every edge once, ``from_idx < to_idx``, sorted.

    Attributes
    ----------
    node_id : int array, shape (num_nodes,)
        Position in the source, ascending.
    lon, lat : float array, shape (num_nodes,)
        Degrees, rounded to 0.001 by the source.
    from_idx, to_idx : int array, shape (num_edges,)
        Positions among the nodes.
    length_km : float array, shape (num_edges,)
        As the source states it.
    """

    node_id: IntArray
    lon: FloatArray
    lat: FloatArray
    from_idx: IntArray
    to_idx: IntArray
    length_km: FloatArray


def parse_highways(text: str) -> RoadGraph:
    r"""Parse the two assignments of scgraph-data's ``world_highways.py``.

    Self loops are dropped; of parallel edges the shortest stays.

    Parameters
    ----------
    text : str
        ``graph=[{1: 1.233}, ...]`` (neighbour: km) and ``nodes=[[lat, lon], ...]``.

    Returns
    -------
    RoadGraph
        The whole network.

    Raises
    ------
    InputError
        If the text has another shape.

    >>> parse_highways("graph=[{1: 2.5}, {0: 2.5}]\nnodes=[[45.0, 126.0], [45.0, 126.1]]").lon
    array([126. , 126.1])
    """
    graph_text = re.search(r"^graph=(\[.*\])$", text, re.MULTILINE)
    nodes_text = re.search(r"^nodes=(\[.*\])$", text, re.MULTILINE)
    if graph_text is None or nodes_text is None:
        remedy = "expected the assignments graph=[...] and nodes=[...]"
        raise InputError([Fault("world_highways.py", None, "", "", remedy)])
    # A dict with whole-number keys is almost JSON, and json parses it far faster than ast.
    neighbours = json.loads(re.sub(r"(\d+): ", r'"\1":', graph_text[1]))
    latlon = np.array(json.loads(nodes_text[1]), dtype=np.float64).reshape(-1, 2)
    start = np.repeat(np.arange(len(neighbours)), [len(entry) for entry in neighbours])
    end = np.fromiter((int(key) for entry in neighbours for key in entry), np.int64)
    length_km = np.fromiter((km for entry in neighbours for km in entry.values()), np.float64)
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.lexsort((length_km, high, low))
    low, high, length_km = low[order], high[order], length_km[order]
    first = np.ones(len(low), dtype=np.bool_)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    first &= low != high
    return RoadGraph(
        node_id=np.arange(len(latlon)),
        lon=latlon[:, 1],
        lat=latlon[:, 0],
        from_idx=low[first],
        to_idx=high[first],
        length_km=length_km[first],
    )


def keep_nodes(graph: RoadGraph, keep: BoolArray) -> RoadGraph:
    """Cut the graph down to some nodes and the edges between them.

    Parameters
    ----------
    graph : RoadGraph
        The larger graph.
    keep : bool array, shape (num_nodes,)
        Nodes that stay.

    Returns
    -------
    RoadGraph
        Node ids stay as they are.
    """
    new_idx = np.cumsum(keep) - 1
    inside = keep[graph.from_idx] & keep[graph.to_idx]
    return RoadGraph(
        node_id=graph.node_id[keep],
        lon=graph.lon[keep],
        lat=graph.lat[keep],
        from_idx=new_idx[graph.from_idx[inside]],
        to_idx=new_idx[graph.to_idx[inside]],
        length_km=graph.length_km[inside],
    )


def keep_edges(graph: RoadGraph, keep: BoolArray) -> RoadGraph:
    """Drop edges, not nodes.

    Parameters
    ----------
    graph : RoadGraph
        The larger graph.
    keep : bool array, shape (num_edges,)
        Edges that stay.

    Returns
    -------
    RoadGraph
        With all nodes.
    """
    return RoadGraph(
        graph.node_id,
        graph.lon,
        graph.lat,
        graph.from_idx[keep],
        graph.to_idx[keep],
        graph.length_km[keep],
    )


def edge_span_km(graph: RoadGraph) -> FloatArray:
    """Great-circle distance between the ends of each edge.

    Parameters
    ----------
    graph : RoadGraph
        Any graph.

    Returns
    -------
    float array, shape (num_edges,)
        In km.
    """
    start, end = graph.from_idx, graph.to_idx
    return great_circle_km(graph.lon[start], graph.lat[start], graph.lon[end], graph.lat[end])


def detour_ratio(graph: RoadGraph) -> FloatArray:
    """Length of each edge over the distance between its ends (at least 0.05 km).

    Parameters
    ----------
    graph : RoadGraph
        Any graph.

    Returns
    -------
    float array, shape (num_edges,)
        About 1 for most edges: the source keeps few bends.
    """
    # Coordinates are rounded to 0.001 degrees, so that two ends may fall on one point.
    rounding_km = 0.05
    ratio: FloatArray = graph.length_km / np.maximum(edge_span_km(graph), rounding_km)
    return ratio


def label_components(graph: RoadGraph) -> tuple[IntArray, IntArray]:
    """Label the parts of the graph that do not connect.

    Parameters
    ----------
    graph : RoadGraph
        Any graph.

    Returns
    -------
    component_idx : int array, shape (num_nodes,)
        Component of each node; 0 is the largest, then by falling size.
    num_nodes : int array, shape (num_components,)
        Size of each.
    """
    size = len(graph.node_id)
    edges = (np.ones(len(graph.from_idx)), (graph.from_idx, graph.to_idx))
    _, label = connected_components(coo_array(edges, shape=(size, size)), directed=False)
    count = np.bincount(label)
    order = np.argsort(-count, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[label].astype(np.int64), count[order].astype(np.int64)
