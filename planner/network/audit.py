"""Drive times recomputed by another implementation, to check those that a plan relies on."""

import heapq
from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planner.instance import Instance
from planner.instance.settings.network import Hour
from planner.limits import widened
from planner.network.graph import RoadGraph, is_one_way
from planner.network.join import Access
from planner.units import MINUTES_PER_HOUR


def to_networkx(instance: Instance) -> "nx.DiGraph[int]":
    """The instance's roads as a directed graph with ``minutes`` and ``length_km``.

    Minutes are those of the planning hour.
    Nodes are the instance's ``node_id`` with ``lon`` and ``lat``; a road passable both ways is
    two edges, and of parallel roads the fastest stands.
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    nodes = instance.road_nodes
    for node_id, lon, lat in zip(nodes["node_id"], nodes["lon"], nodes["lat"], strict=True):
        graph.add_node(node_id, lon=lon, lat=lat)
    roads = instance.roads
    minutes = roads["length_km"] * _min_per_km(instance)
    for start, end, length_km, road_min, one_way in zip(
        roads["from_node"], roads["to_node"], roads["length_km"], minutes, is_one_way(roads),
        strict=True,
    ):  # fmt: skip
        for tail, head in [(start, end)] if one_way else [(start, end), (end, start)]:
            known = graph.get_edge_data(tail, head)
            if known is None or road_min < known["minutes"]:
                graph.add_edge(tail, head, length_km=length_km, minutes=road_min)
    return graph


def _min_per_km(instance: Instance, hour: Hour | None = None) -> "pd.Series[float]":
    """Minutes per kilometre of each road: longer than in free flow by what traffic takes."""
    network = instance.scenario.network
    is_peak = (hour or network.planning_hour) == "peak"
    left_frac = network.peak_speed_frac if is_peak else network.mean_speed_frac
    return MINUTES_PER_HOUR / instance.roads["speed_kmh"] / left_frac


def audit_drive_times(
    instance: Instance,
    graph: RoadGraph,
    sites: Access,
    zones: Access,
    pairs: pd.DataFrame,
) -> NDArray[np.float64]:
    """Recompute drive times of the planning hour on the uncut roads with networkx.

    Independent of `drive_time_reach`: other graph (junctions only, places between them join
    by their position along the road), other code. Both take the instance's roads, between whose
    junctions speed and direction do not change.

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
        Drive time from zone to site [min]; inf where it is beyond the standard.
    """
    to_site = to_networkx(instance).reverse(copy=False)
    limit_min = widened(instance.scenario.siting.drive_time_min)
    node_id = instance.road_nodes["node_id"].to_numpy()
    from_node = instance.roads["from_node"].to_numpy()
    to_node = instance.roads["to_node"].to_numpy()
    length_km = instance.roads["length_km"].to_numpy(float)
    road_min = length_km * _min_per_km(instance).to_numpy(float)

    one_way = is_one_way(instance.roads)

    def junctions_before(point: int) -> list[tuple[int, float]]:
        """Junctions from which a point is driven to, nothing between, and the minutes."""
        edge = graph.edge_idx[point]
        if edge < 0:
            return [(node_id[point], 0.0)]
        passed_min = graph.edge_frac[point] * road_min[edge]
        back = [] if one_way[edge] else [(to_node[edge], road_min[edge] - passed_min)]
        return [(from_node[edge], passed_min), *back]

    def junctions_after(point: int) -> list[tuple[int, float]]:
        """Junctions to which one drives from a point, nothing between, and the minutes."""
        edge = graph.edge_idx[point]
        if edge < 0:
            return [(node_id[point], 0.0)]
        passed_min = graph.edge_frac[point] * road_min[edge]
        back = [] if one_way[edge] else [(from_node[edge], passed_min)]
        return [(to_node[edge], road_min[edge] - passed_min), *back]

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
        for node, offset_min in junctions_before(site_point):
            found = nx.single_source_dijkstra_path_length(
                to_site, node, cutoff=limit_min - start_min - offset_min, weight="minutes"
            )
            for other, other_min in found.items():
                total_min = start_min + offset_min + other_min
                node_min[other] = min(total_min, node_min.get(other, np.inf))
        for row in rows:
            point = zones.point_idx[zone_of_pair[row]]
            ways_min = [
                node_min.get(node, np.inf) + offset_min
                for node, offset_min in junctions_after(point)
            ]
            edge = graph.edge_idx[point]
            if edge >= 0 and edge == graph.edge_idx[site_point]:
                ahead_frac = graph.edge_frac[site_point] - graph.edge_frac[point]
                if ahead_frac >= 0 or not one_way[edge]:
                    ways_min.append(start_min + abs(ahead_frac) * road_min[edge])
            minutes[row] = min(ways_min) + zones.access_min[zone_of_pair[row]]
    return minutes


def audit_nearest(
    instance: Instance,
    graph: RoadGraph,
    sites: Access,
    zones: Access,
    site_idx: NDArray[np.int64],
    number: int = 1,
    hour: Hour | None = None,
) -> NDArray[np.float64]:
    """Minutes from every zone to the nearest of some sites, by one search from all of them.

    Independent of `drive_time_reach`: other graph (junctions and the sites' own points, nothing
    cut), another search (from all sites at once, a label per site that is among a node's nearest),
    other code.

    Parameters
    ----------
    instance, graph, sites, zones
        As in `audit_drive_times`.
    site_idx : int array
        The sites that count.
    number : int
        How many sites per zone, >= 0.
    hour : {"peak", "mean"}, optional
        Of the drives; the planning hour if left out.

    Returns
    -------
    ndarray, shape (num_zones, number)
        Drive time to the nearest, the second nearest, ... [min]; inf where there is none within
        the standard.
    """
    if number == 0:
        return np.empty((len(zones.point_idx), 0))
    limit_min = widened(instance.scenario.siting.drive_time_min)
    site_idx = site_idx[sites.access_min[site_idx] <= limit_min]
    site_point = sites.point_idx[site_idx]
    stops = _stops_along_roads(instance, graph, site_point, _min_per_km(instance, hour))
    heap = list(
        zip(
            sites.access_min[site_idx].tolist(),
            stops.beside(graph, site_point)[0].tolist(),
            site_idx.tolist(),
            strict=True,
        )
    )
    heapq.heapify(heap)
    minutes = np.full((len(stops.neighbours), number), np.inf)
    origin = np.full(minutes.shape, -1)
    found = [0] * len(minutes)
    while heap:
        now, node, site = heapq.heappop(heap)
        if found[node] == number or (number > 1 and site in origin[node, : found[node]]):
            continue
        minutes[node, found[node]], origin[node, found[node]] = now, site
        found[node] += 1
        for other, road_min in stops.neighbours[node]:
            if found[other] < number and now + road_min <= limit_min:
                heapq.heappush(heap, (now + road_min, other, site))

    joined = np.flatnonzero(zones.point_idx >= 0)
    left, left_min, right, right_min = stops.beside(graph, zones.point_idx[joined])
    ways = np.hstack([minutes[left] + left_min[:, None], minutes[right] + right_min[:, None]])
    origins = np.hstack([origin[left], origin[right]])
    order = np.argsort(ways, axis=1, kind="stable")
    ways, origins = (np.take_along_axis(each, order, axis=1) for each in (ways, origins))
    for column in range(1, ways.shape[1]):
        is_named = (origins[:, :column] == origins[:, [column]]).any(axis=1)
        ways[is_named, column] = np.inf
    ways = np.sort(ways, axis=1)[:, :number] + zones.access_min[joined, None]
    nearest_min = np.full((len(zones.point_idx), number), np.inf)
    nearest_min[joined] = np.where(ways <= limit_min, ways, np.inf)
    return nearest_min


class _Stops(NamedTuple):
    """Junctions and some points of the roads between, as a graph.

    ``place`` is a road's position plus the fraction along it, ascending: each road's stops one
    after the other, its ends included. ``node`` is the node of each, ``neighbours`` a list of
    nodes and minutes per node, ``road_min`` the minutes of every road.
    """

    place: NDArray[np.float64]
    node: NDArray[np.int64]
    neighbours: list[list[tuple[int, float]]]
    road_min: NDArray[np.float64]
    one_way: NDArray[np.bool_]

    def beside(
        self, graph: RoadGraph, point: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
        """Nodes on both sides of road points and the minutes to them; a node is beside itself.

        Against a one-way road they are inf.
        """
        left, right = point.astype(np.int64), point.astype(np.int64)
        left_min, right_min = np.zeros(len(point)), np.zeros(len(point))
        between = np.flatnonzero(graph.edge_idx[point] >= 0)
        edge = graph.edge_idx[point[between]]
        place = edge + graph.edge_frac[point[between]]
        before = np.searchsorted(self.place, place, side="right") - 1
        left[between], right[between] = self.node[before], self.node[before + 1]
        left_min[between] = (place - self.place[before]) * self.road_min[edge]
        left_min[between[self.one_way[edge] & (place > self.place[before])]] = np.inf
        right_min[between] = (self.place[before + 1] - place) * self.road_min[edge]
        return left, left_min, right, right_min


def _stops_along_roads(
    instance: Instance, graph: RoadGraph, point: NDArray[np.int32], min_per_km: "pd.Series[float]"
) -> _Stops:
    """Junctions and the given road points as stops of their roads."""
    roads, num_roads, num_junctions = instance.roads, len(instance.roads), len(instance.road_nodes)
    junction = pd.Index(instance.road_nodes["node_id"])
    ends = [junction.get_indexer(roads[name]) for name in ("from_node", "to_node")]
    road_min = (roads["length_km"] * min_per_km).to_numpy(float)
    inner = np.unique(point[graph.edge_idx[point] >= 0])
    road = np.concatenate((np.arange(num_roads), np.arange(num_roads), graph.edge_idx[inner]))
    frac = np.concatenate((np.zeros(num_roads), np.ones(num_roads), graph.edge_frac[inner]))
    node = np.concatenate((*ends, num_junctions + np.arange(len(inner))))
    order = np.lexsort((frac, road))
    road, frac, node = road[order], frac[order], node[order]
    neighbours: list[list[tuple[int, float]]] = [[] for _ in range(num_junctions + len(inner))]
    same_road = np.flatnonzero(np.diff(road) == 0)
    one_way = is_one_way(roads)
    for start, end, minutes, only_forth in zip(
        node[same_road].tolist(),
        node[same_road + 1].tolist(),
        ((frac[same_road + 1] - frac[same_road]) * road_min[road[same_road]]).tolist(),
        one_way[road[same_road]].tolist(),
        strict=True,
    ):
        neighbours[end].append((start, minutes))
        if not only_forth:
            neighbours[start].append((end, minutes))
    return _Stops(road.astype(float) + frac, node, neighbours, road_min, one_way)
