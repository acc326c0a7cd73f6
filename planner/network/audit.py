"""Drive times recomputed by another implementation, to check those that a plan relies on."""

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.network.graph import Access, RoadGraph
from planner.units import MINUTES_PER_HOUR


def to_networkx(instance: Instance) -> "nx.Graph[int]":
    """The instance's roads as an undirected graph with ``minutes`` and ``length_km``.

    Nodes are the instance's ``node_id`` with ``lon`` and ``lat``; of parallel roads the
    fastest stands.
    """
    graph: nx.Graph[int] = nx.Graph()
    nodes = instance.road_nodes
    for node_id, lon, lat in zip(nodes["node_id"], nodes["lon"], nodes["lat"], strict=True):
        graph.add_node(node_id, lon=lon, lat=lat)
    roads = instance.roads
    minutes = MINUTES_PER_HOUR * roads["length_km"] / roads["speed_kmh"]
    for start, end, length_km, road_min in zip(
        roads["from_node"], roads["to_node"], roads["length_km"], minutes, strict=True
    ):
        known = graph.get_edge_data(start, end)
        if known is None or road_min < known["minutes"]:
            graph.add_edge(start, end, length_km=length_km, minutes=road_min)
    return graph


def audit_drive_times(
    instance: Instance,
    graph: RoadGraph,
    sites: Access,
    zones: Access,
    pairs: pd.DataFrame,
) -> NDArray[np.float64]:
    """Recompute the drive time of site-zone pairs on the uncut roads with networkx.

    Independent of `drive_time_reach`: other graph (junctions only, places between them join
    by their position along the road), other code.

    Parameters
    ----------
    instance : Instance
        Roads and the drive-time standard, beyond which the search stops.
    graph : RoadGraph
        For the positions of road points along their roads.
    sites, zones : Access
        Where places join.
    pairs : DataFrame
        Columns ``site_idx`` and ``zone_idx``.

    Returns
    -------
    ndarray, shape (num_pairs,)
        Drive time [min]; inf where the zone is not reached within the standard.
    """
    road_graph = to_networkx(instance)
    limit_min = instance.scenario.siting.drive_time_min
    node_id = instance.road_nodes["node_id"].to_numpy()
    from_node = instance.roads["from_node"].to_numpy()
    to_node = instance.roads["to_node"].to_numpy()
    length_km = instance.roads["length_km"].to_numpy(float)
    road_min = MINUTES_PER_HOUR * length_km / instance.roads["speed_kmh"].to_numpy(float)

    def junctions_beside(point: int) -> list[tuple[int, float]]:
        edge = graph.edge_idx[point]
        if edge < 0:
            return [(node_id[point], 0.0)]
        passed_min = graph.edge_frac[point] * road_min[edge]
        return [(from_node[edge], passed_min), (to_node[edge], road_min[edge] - passed_min)]

    minutes = np.full(len(pairs), np.inf)
    if not len(pairs):
        return minutes
    zone_of_pair, site_of_pair = pairs["zone_idx"].to_numpy(), pairs["site_idx"].to_numpy()
    by_site = np.argsort(site_of_pair, kind="stable")
    for rows in np.split(by_site, np.flatnonzero(np.diff(site_of_pair[by_site])) + 1):
        site_idx = site_of_pair[rows[0]]
        site_point = sites.point_idx[site_idx]
        start_min = sites.access_min[site_idx]
        node_min: dict[int, float] = {}
        for node, offset_min in junctions_beside(site_point):
            found = nx.single_source_dijkstra_path_length(
                road_graph, node, cutoff=limit_min - start_min - offset_min, weight="minutes"
            )
            for other, other_min in found.items():
                total_min = start_min + offset_min + other_min
                node_min[other] = min(total_min, node_min.get(other, np.inf))
        for row in rows:
            point = zones.point_idx[zone_of_pair[row]]
            ways_min = [
                node_min.get(node, np.inf) + offset_min
                for node, offset_min in junctions_beside(point)
            ]
            edge = graph.edge_idx[point]
            if edge >= 0 and edge == graph.edge_idx[site_point]:
                apart_frac = abs(graph.edge_frac[point] - graph.edge_frac[site_point])
                ways_min.append(start_min + apart_frac * road_min[edge])
            minutes[row] = min(ways_min) + zones.access_min[zone_of_pair[row]]
    return minutes
