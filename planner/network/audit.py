"""Drive times recomputed by another implementation, to check those that a plan relies on."""

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from planner.arrays import BoolArray, FloatArray, IntArray
from planner.instance import Instance
from planner.instance.settings.network import Hour
from planner.limits import widened
from planner.network.graph import RoadGraph, is_one_way
from planner.network.join import Access
from planner.units import MINUTES_PER_HOUR

if TYPE_CHECKING:
    import networkx as nx

MOST_AT_ONCE = 4_000_000
"""Drive times from starts to all nodes of their part of the graph that are held together."""


def to_networkx(instance: Instance) -> "nx.DiGraph[int]":
    """The instance's roads as a directed graph with ``minutes`` and ``length_km``.

    Minutes are those of the planning hour.
    Nodes are the instance's ``node_id`` with ``lon`` and ``lat``; a road passable both ways is
    two edges, and of parallel roads the fastest stands.
    """
    import networkx as nx  # a third of a second, which no plan needs

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
    """Recompute drive times of the planning hour on the uncut roads with scipy.

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
    limit_min = widened(instance.scenario.siting.drive_time_min)
    site_idx, zone_idx = pairs["site_idx"].to_numpy(), pairs["zone_idx"].to_numpy()
    site_point, zone_point = (
        np.maximum(access.point_idx[idx], 0)  # who joins no road has an access time of inf
        for access, idx in ((sites, site_idx), (zones, zone_idx))
    )
    start, end = (
        pd.Index(instance.road_nodes["node_id"]).get_indexer(instance.roads[name])
        for name in ("from_node", "to_node")
    )
    length_km = instance.roads["length_km"]
    road_min: FloatArray = (length_km * _min_per_km(instance)).to_numpy(np.float64)
    one_way = is_one_way(instance.roads)
    ends_there = _ends_of_road(graph, site_point, start, end, road_min)
    ends_here = _ends_of_road(graph, zone_point, start, end, road_min)
    # Forth only: a site is come to from its road's start, a zone is left for its road's end.
    for (_, minutes), point, wrong in ((ends_there, site_point, 1), (ends_here, zone_point, 0)):
        edge = graph.edge_idx[point]
        minutes[wrong, (edge >= 0) & one_way[edge]] = np.inf
    to_site = _links_to(len(instance.road_nodes), start, end, road_min, one_way)
    # All four ways from an end of the zone's road to an end of the site's.
    there, here = (np.repeat(ends_there[0], 2, axis=0), np.tile(ends_here[0], (2, 1)))
    beside_min = np.repeat(ends_there[1], 2, axis=0) + np.tile(ends_here[1], (2, 1))
    open_way = np.isfinite(beside_min)
    beside_min[open_way] += _minutes_between(to_site, there[open_way], here[open_way], limit_min)
    ways_min = beside_min.min(axis=0)
    edge = graph.edge_idx[zone_point]
    ahead_frac = graph.edge_frac[site_point] - graph.edge_frac[zone_point]
    same = (edge >= 0) & (edge == graph.edge_idx[site_point]) & ((ahead_frac >= 0) | ~one_way[edge])
    direct_min = np.where(same, np.abs(ahead_frac) * road_min[edge], np.inf)
    total_min = sites.access_min[site_idx] + np.minimum(ways_min, direct_min)
    total_min += zones.access_min[zone_idx]
    return np.where(total_min <= limit_min, total_min, np.inf)


def _ends_of_road(
    graph: RoadGraph, point: IntArray, start: IntArray, end: IntArray, road_min: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Junctions at both ends of the points' roads and the minutes to them, shape (2, num_points).

    A junction is both of its ends, at no minutes.
    """
    edge, frac = graph.edge_idx[point], graph.edge_frac[point]
    on_road = edge >= 0
    junctions = np.where(on_road, (start[edge], end[edge]), point)
    return junctions, np.where(on_road, (frac * road_min[edge], (1 - frac) * road_min[edge]), 0.0)


def _links_to(
    num_nodes: int, start: IntArray, end: IntArray, road_min: FloatArray, one_way: BoolArray
) -> csr_array:
    """Minutes to each node (row) from its neighbours; of parallel roads the fastest stands."""
    both_ways = ~one_way
    head, tail = np.append(end, start[both_ways]), np.append(start, end[both_ways])
    minutes = np.append(road_min, road_min[both_ways])
    order = np.lexsort((minutes, tail, head))
    head, tail, minutes = head[order], tail[order], minutes[order]
    is_first = (np.diff(head, prepend=-1) != 0) | (np.diff(tail, prepend=-1) != 0)
    shape = (num_nodes, num_nodes)
    return coo_array((minutes[is_first], (head[is_first], tail[is_first])), shape).tocsr()


def _minutes_between(
    links: csr_array, start: IntArray, end: IntArray, limit_min: float
) -> FloatArray:
    """Shortest minutes of pairs of nodes along the rows of ``links``; inf beyond the limit.

    One search per start, each within the part of the graph that starts reach within the limit:
    scipy's searches take time and room for all nodes of their graph.
    """
    found_min = np.full(len(start), np.inf)
    if not len(start):
        return found_min
    starts = np.flatnonzero(np.bincount(start))
    nearest_min = dijkstra(links, indices=starts, limit=limit_min, min_only=True)
    met = np.flatnonzero(np.isfinite(nearest_min))
    part = connected_components(links[met][:, met], directed=False)[1]
    met = met[np.argsort(part, kind="stable")]
    links = links[met][:, met]
    place = np.full(len(nearest_min), -1)
    place[met] = np.arange(len(met))
    by_start = np.argsort(place[start], kind="stable")
    begin = 0
    for stop in np.cumsum(np.bincount(part)).tolist():
        area = links[begin:stop, begin:stop]
        first, last = np.searchsorted(place[start], (begin, stop), sorter=by_start)
        rows = by_start[first:last]
        at_once = max(1, MOST_AT_ONCE // (stop - begin))
        sources, of_row = np.unique(place[start[rows]] - begin, return_inverse=True)
        for group in range(0, len(sources), at_once):
            minutes = dijkstra(area, indices=sources[group : group + at_once], limit=limit_min)
            lower, upper = np.searchsorted(of_row, (group, group + at_once))
            chosen = rows[lower:upper]
            to = place[end[chosen]] - begin
            in_area = (to >= 0) & (to < stop - begin)
            found_min[chosen[in_area]] = minutes[of_row[lower:upper][in_area] - group, to[in_area]]
        begin = stop
    return found_min


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
    node, start_min = stops.beside(graph, site_point)[0], sites.access_min[site_idx]
    if number == 1:
        minutes = _nearest_minutes(stops.links, node, start_min, limit_min)[:, None]
        origin = np.full(minutes.shape, -1)
    else:
        minutes, origin = _nearest_of_each(
            stops.links, node, start_min, site_idx, limit_min, number
        )

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


def _nearest_minutes(
    links: csr_array, node: IntArray, start_min: FloatArray, limit_min: float
) -> FloatArray:
    """Minutes of all nodes to the nearest of some, each begun with its own; inf beyond the limit.

    One more node, linked to those, is where the search begins.
    """
    first_min = np.full(links.shape[0], np.inf)
    np.minimum.at(first_min, node, start_min)
    begun = np.flatnonzero(np.isfinite(first_min))
    whole = csr_array(
        (
            np.append(links.data, first_min[begun]),
            np.append(links.indices, begun),
            np.append(links.indptr, links.nnz + len(begun)),
        ),
        shape=(links.shape[0] + 1, links.shape[0] + 1),
    )
    begin = np.array([links.shape[0]])
    return dijkstra(whole, indices=begin, limit=limit_min, min_only=True)[:-1]


def _nearest_of_each(
    links: csr_array, node: IntArray, start_min: FloatArray, site_idx: IntArray,
    limit_min: float, number: int,
) -> tuple[FloatArray, IntArray]:  # fmt: skip
    """`_nearest_minutes` to as many different sites, and these, shape (num_nodes, number)."""
    ptr, neighbour, road_min = links.indptr.tolist(), links.indices.tolist(), links.data.tolist()
    heap = list(zip(start_min.tolist(), node.tolist(), site_idx.tolist(), strict=True))
    heapq.heapify(heap)
    minutes = np.full((links.shape[0], number), np.inf)
    origin = np.full(minutes.shape, -1)
    found = [0] * len(minutes)
    while heap:
        now, at, site = heapq.heappop(heap)
        if found[at] == number or site in origin[at, : found[at]]:
            continue
        minutes[at, found[at]], origin[at, found[at]] = now, site
        found[at] += 1
        for link in range(ptr[at], ptr[at + 1]):
            other, later = neighbour[link], now + road_min[link]
            if found[other] < number and later <= limit_min:
                heapq.heappush(heap, (later, other, site))
    return minutes, origin


class _Stops(NamedTuple):
    """Junctions and some points of the roads between, as a graph.

    ``place`` is a road's position plus the fraction along it, ascending: each road's stops one
    after the other, its ends included. ``node`` is the node of each, ``links`` the minutes to
    each node (row) from its neighbours, ``road_min`` the minutes of every road.
    """

    place: NDArray[np.float64]
    node: NDArray[np.int64]
    links: csr_array
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
    same_road = np.flatnonzero(np.diff(road) == 0)
    one_way = is_one_way(roads)
    links = _links_to(
        num_junctions + len(inner), node[same_road], node[same_road + 1],
        (frac[same_road + 1] - frac[same_road]) * road_min[road[same_road]],
        one_way[road[same_road]],
    )  # fmt: skip
    return _Stops(road.astype(float) + frac, node, links, road_min, one_way)
