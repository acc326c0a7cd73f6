"""Joints between road networks that the source leaves apart: bridges, tunnels and ferries."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array, eye_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import KDTree

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.geodesy import chord_to_arc_km, to_sphere_km
from planner.opendata.highways import RoadGraph, label_components


@dataclass(frozen=True)
class Joints:
    """Edges added to a road graph.

    Attributes
    ----------
    from_idx, to_idx : int array, shape (num_joints,)
        Positions among the nodes, ``from_idx < to_idx``.
    length_km, speed_kmh : float array, shape (num_joints,)
        Length, and travel speed with the waiting it takes.
    """

    from_idx: IntArray
    to_idx: IntArray
    length_km: FloatArray
    speed_kmh: FloatArray


def find_links(graph: RoadGraph, links: pd.DataFrame) -> Joints:
    """Find the junctions at the ends of known links.

    Parameters
    ----------
    graph : RoadGraph
        The roads.
    links : DataFrame
        ``from_lon``, ``from_lat``, ``to_lon``, ``to_lat``, ``length_km``, ``speed_kmh``.

    Returns
    -------
    Joints
        From the nearest junction at one end to the nearest at the other.
    """
    tree = KDTree(to_sphere_km(graph.lon, graph.lat))
    ends = [
        np.asarray(tree.query(to_sphere_km(links[f"{end}_lon"], links[f"{end}_lat"]))[1])
        for end in ("from", "to")
    ]
    return Joints(
        np.minimum(*ends),
        np.maximum(*ends),
        links["length_km"].to_numpy(dtype=np.float64),
        links["speed_kmh"].to_numpy(dtype=np.float64),
    )


def join_graph(graph: RoadGraph, joints: Joints) -> RoadGraph:
    """Add joints to the edges.

    Parameters
    ----------
    graph : RoadGraph
        The roads.
    joints : Joints
        Edges to add.

    Returns
    -------
    RoadGraph
        The same nodes; the joints are the last edges.
    """
    return replace(
        graph,
        from_idx=np.concatenate([graph.from_idx, joints.from_idx]),
        to_idx=np.concatenate([graph.to_idx, joints.to_idx]),
        length_km=np.concatenate([graph.length_km, joints.length_km]),
    )


def close_gaps(graph: RoadGraph, max_gap_km: float, detour_frac: float, speed_kmh: float) -> Joints:
    """Join networks that end near each other, each by its shortest gap.

    Of all gaps those of a minimum spanning tree are closed, so that no circuit arises that
    no road makes.

    Parameters
    ----------
    graph : RoadGraph
        The roads.
    max_gap_km : float
        Wider gaps stay open.
    detour_frac : float
        A joint is longer than its gap by this share.
    speed_kmh : float
        Travel speed on the joints.

    Returns
    -------
    Joints
        Sorted by their ends.
    """
    component_idx, num_nodes = label_components(graph)
    points_km = to_sphere_km(graph.lon, graph.lat)
    # Of two networks one at least is not the largest: only its junctions look around.
    outside = np.flatnonzero(component_idx > 0)
    near = KDTree(points_km[outside]).sparse_distance_matrix(
        KDTree(points_km), max_gap_km, output_type="ndarray"
    )
    pairs = np.stack([outside[near["i"]], near["j"]], axis=1).astype(np.int64)
    pairs = np.sort(pairs[component_idx[pairs[:, 0]] != component_idx[pairs[:, 1]]], axis=1)
    chord_km = np.linalg.norm(points_km[pairs[:, 0]] - points_km[pairs[:, 1]], axis=1)
    # Rounded: the source keeps 0.001 degrees, and gaps as long must tie whatever the last bit.
    # A gap of no length would be none to a sparse matrix.
    gap_km = np.maximum(chord_to_arc_km(chord_km).round(3), 0.001)
    low, high = np.sort(component_idx[pairs], axis=1).T
    order = np.lexsort((pairs[:, 1], pairs[:, 0], gap_km, high, low))
    low, high, gap_km, pairs = low[order], high[order], gap_km[order], pairs[order]
    first = np.ones(len(low), dtype=np.bool_)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    low, high, gap_km, pairs = low[first], high[first], gap_km[first], pairs[first]
    size = len(num_nodes)
    tree = minimum_spanning_tree(coo_array((gap_km, (low, high)), shape=(size, size)).tocsr())
    tree_low, tree_high = tree.nonzero()
    chosen = np.isin(low * size + high, np.asarray(tree_low) * size + np.asarray(tree_high))
    pairs, gap_km = pairs[chosen], gap_km[chosen]
    return _joints(pairs, gap_km, detour_frac, speed_kmh)


def mend_detours(
    graph: RoadGraph,
    max_gap_km: float,
    min_detour_km: float,
    detour_frac: float,
    speed_kmh: float,
) -> Joints:
    """Join junctions that lie side by side but far apart by road, the nearest first.

    A road cut by a lost bridge or ramp leaves ends that are connected, but only by a long
    way round. A pair already brought near by the joints before it gets none.

    Parameters
    ----------
    graph : RoadGraph
        The roads.
    max_gap_km : float
        Junctions this near lie side by side.
    min_detour_km : float
        Shorter ways round are left as they are.
    detour_frac : float
        A joint is longer than its gap by this share.
    speed_kmh : float
        Travel speed on the joints.

    Returns
    -------
    Joints
        Sorted by their ends.
    """
    points_km = to_sphere_km(graph.lon, graph.lat)
    pairs = KDTree(points_km).query_pairs(max_gap_km, output_type="ndarray").astype(np.int64)
    pairs = np.sort(pairs, axis=1)
    gap_km = chord_to_arc_km(np.linalg.norm(np.subtract(*points_km[pairs.T]), axis=1)).round(3)
    order = np.lexsort((pairs[:, 1], pairs[:, 0], gap_km))
    pairs, gap_km = pairs[order], gap_km[order]
    doubtful = np.flatnonzero(~_few_edges_apart(graph, pairs, min_detour_km))
    doubtful = doubtful[np.argsort(pairs[doubtful, 0], kind="stable")]
    starts, first = np.unique(pairs[doubtful, 0], return_index=True)
    matrix, far = _matrix(graph), np.zeros(len(pairs), dtype=np.bool_)
    for start, here in zip(starts.tolist(), np.split(doubtful, first)[1:], strict=True):
        far[here] = np.isinf(_road_km(matrix, start, min_detour_km)[pairs[here, 1]])
    chosen = []
    for pair_idx in np.flatnonzero(far).tolist():
        start, end = pairs[pair_idx]
        if np.isinf(_road_km(_matrix(graph), start, min_detour_km)[end]):
            chosen.append(pair_idx)
            one = slice(pair_idx, pair_idx + 1)
            graph = join_graph(graph, _joints(pairs[one], gap_km[one], detour_frac, speed_kmh))
    return _joints(pairs[chosen], gap_km[chosen], detour_frac, speed_kmh)


def _few_edges_apart(graph: RoadGraph, pairs: IntArray, limit_km: float) -> BoolArray:
    """Whether junctions are joined by few and short edges, so surely no farther than the limit.

    Almost all pairs are: searching the roads from each of them would take minutes.
    """
    if not len(pairs):
        return np.zeros(0, dtype=np.bool_)
    size, doublings = len(graph.node_id), 3
    short = graph.length_km <= limit_km / 2**doublings
    ends = (graph.from_idx[short], graph.to_idx[short])
    step = coo_array((np.ones(int(short.sum()), dtype=np.float32), ends), shape=(size, size))
    reach = (step + step.T + eye_array(size, dtype=np.float32)).tocsr()
    for _ in range(doublings):
        reach = reach @ reach
        reach.data[:] = 1
    return np.asarray(reach[pairs[:, 0], pairs[:, 1]] > 0).ravel()


def _matrix(graph: RoadGraph) -> csr_array:
    size, ends = len(graph.node_id), (graph.from_idx, graph.to_idx)
    return coo_array((graph.length_km, ends), shape=(size, size)).tocsr()


def _road_km(matrix: csr_array, start: int, limit_km: float) -> FloatArray:
    """Distance by road to each junction, infinite beyond the limit."""
    return np.asarray(
        dijkstra(matrix, directed=False, indices=np.array([start]), limit=limit_km)[0]
    )


def _joints(pairs: IntArray, gap_km: FloatArray, detour_frac: float, speed_kmh: float) -> Joints:
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Joints(
        pairs[order, 0],
        pairs[order, 1],
        # Two junctions may fall on one point; a length of 0 would be no edge to a sparse matrix.
        np.maximum((gap_km[order] * (1 + detour_frac)).round(3), 0.001),
        np.full(len(pairs), speed_kmh),
    )


def chain(*parts: Joints) -> Joints:
    """Put joints one after the other.

    Parameters
    ----------
    *parts : Joints
        Of the same graph.

    Returns
    -------
    Joints
        All of them.
    """
    return Joints(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Joints.__dataclass_fields__
        )
    )
