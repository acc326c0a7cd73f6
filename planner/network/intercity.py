"""The roads between cities: shortest paths among all of them, contracted to what a trip may meet.

Trips between cities are driven at the roads' free-flow speeds: what traffic takes in cities
(``network.peak_speed_frac``) is no matter of motorways. Only roads on some shortest path are kept.
What remains are junctions of these, the points where cities join, and points on the stretches
between, where a service area with a station may stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from planner.geodesy import chord_to_arc_km, degrees_east, great_circle_km, to_sphere_km
from planner.instance import Instance
from planner.instance.settings.corridors import Ferry
from planner.limits import widened, within
from planner.units import MINUTES_PER_HOUR

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_PORTAL_KM = 25.0
"""A city farther than this from the main network is not connected to it: an island, mostly."""


@dataclass(frozen=True)
class IntercityNetwork:
    """Where trips between cities pass.

    Attributes
    ----------
    lon, lat : float arrays, shape (num_nodes,)
        Junctions, portals of cities and points between them [degrees].
    from_idx, to_idx : int arrays, shape (num_segments,)
        Nodes at the ends of each road segment, passable both ways.
    length_km, drive_min : float arrays, shape (num_segments,)
        Along the road; a ferry has no length, but takes time.
    is_ferry : bool array, shape (num_segments,)
        Segments on which nothing is driven.
    portal_idx : int array, shape (num_cities,)
        Node where each city joins, -1 for a city that no road connects.
    unconnected : DataFrame
        Those cities: columns ``city_id``, ``name_en``, ``why``.
    """

    lon: FloatArray
    lat: FloatArray
    from_idx: IntArray
    to_idx: IntArray
    length_km: FloatArray
    drive_min: FloatArray
    is_ferry: NDArray[np.bool_]
    portal_idx: IntArray
    unconnected: pd.DataFrame


@dataclass(frozen=True)
class TripPaths:
    """Ways between cities, one after the other.

    Attributes
    ----------
    from_city_idx, to_city_idx : int arrays, shape (num_paths,)
        Ends of each path; a pair of cities may have several paths, the fastest first.
    ptr, segment_idx : int arrays
        Segments of path r in driving order: ``segment_idx[ptr[r]:ptr[r + 1]]``.
    node_ptr, node_idx : int arrays
        Nodes of path r, one more than its segments.
    length_km, drive_min : float arrays, shape (num_paths,)
        Of the whole path.
    """

    from_city_idx: IntArray
    to_city_idx: IntArray
    ptr: IntArray
    segment_idx: IntArray
    node_ptr: IntArray
    node_idx: IntArray
    length_km: FloatArray
    drive_min: FloatArray


def build_intercity_network(
    instance: Instance, *, max_trip_km: float, spacing_km: float, ferries: Sequence[Ferry] = ()
) -> IntercityNetwork:
    """Contract the instance's roads to those between its cities.

    Parameters
    ----------
    instance : Instance
        Roads and cities.
    max_trip_km : float
        Pairs of cities farther apart (great circle) are not connected [km].
    spacing_km : float
        Longer stretches between junctions get points no farther apart than this [km].
    ferries : sequence of Ferry
        Links that the roads lack, each from the junction nearest to one end to that at the other.

    Returns
    -------
    IntercityNetwork
        Of the largest connected part of the roads; cities join at its nearest junction, those
        beyond `MAX_PORTAL_KM` not at all.
    """
    roads, is_ferry = _join_ferries(instance, ferries)
    part = connected_components(roads.minutes_between, directed=False)[1]
    main = np.flatnonzero(part == np.bincount(part).argmax())
    cities = instance.cities
    city_xyz = to_sphere_km(cities["lon"], cities["lat"])
    chord_km, nearest = KDTree(to_sphere_km(roads.lon[main], roads.lat[main])).query(city_xyz)
    away_km = chord_to_arc_km(chord_km)
    joined = within(away_km, MAX_PORTAL_KM)
    portal = np.where(joined, main[nearest], -1)
    used = _roads_on_trips(roads, portal, cities, max_trip_km)
    return _contract(
        roads,
        used,
        is_ferry,
        portal,
        spacing_km,
        _unconnected(cities, np.flatnonzero(~joined), away_km, part, roads, city_xyz),
    )


@dataclass(frozen=True)
class _Roads:
    """The instance's roads by position; of parallel ones the fastest."""

    lon: FloatArray
    lat: FloatArray
    from_idx: IntArray
    to_idx: IntArray
    length_km: FloatArray
    minutes: FloatArray

    @property
    def minutes_between(self) -> scipy.sparse.csr_matrix:
        return _both_ways(self.from_idx, self.to_idx, self.minutes, len(self.lon))


def _both_ways(
    from_idx: IntArray, to_idx: IntArray, weight: FloatArray, size: int
) -> scipy.sparse.csr_matrix:
    ends = (np.concatenate((from_idx, to_idx)), np.concatenate((to_idx, from_idx)))
    return scipy.sparse.csr_matrix((np.tile(weight, 2), ends), shape=(size, size))


def _join_ferries(instance: Instance, ferries: Sequence[Ferry]) -> tuple[_Roads, NDArray[np.bool_]]:
    nodes, table = instance.road_nodes, instance.roads
    lon, lat = nodes["lon"].to_numpy(float), nodes["lat"].to_numpy(float)
    ids = pd.Index(nodes["node_id"])
    from_idx = ids.get_indexer(table["from_node"]).astype(np.int64)
    to_idx = ids.get_indexer(table["to_node"]).astype(np.int64)
    length_km = table["length_km"].to_numpy(float)
    minutes = MINUTES_PER_HOUR * length_km / table["speed_kmh"].to_numpy(float)
    tree = KDTree(to_sphere_km(lon, lat))
    ends = [
        tree.query(to_sphere_km([getattr(ferry, f"{end}_lon") for ferry in ferries],
                                [getattr(ferry, f"{end}_lat") for ferry in ferries]))[1]
        for end in ("from", "to")
    ]  # fmt: skip
    from_idx, to_idx = np.concatenate((from_idx, ends[0])), np.concatenate((to_idx, ends[1]))
    length_km = np.concatenate((length_km, np.zeros(len(ferries))))
    minutes = np.concatenate((minutes, [ferry.minutes for ferry in ferries]))
    is_ferry = np.arange(len(minutes)) >= len(table)
    low, high = np.minimum(from_idx, to_idx), np.maximum(from_idx, to_idx)
    order = np.lexsort((minutes, high, low))
    low, high = low[order], high[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (np.diff(low) != 0) | (np.diff(high) != 0)
    first &= low != high
    order = order[first]
    roads = _Roads(lon, lat, low[first], high[first], length_km[order], minutes[order])
    return roads, is_ferry[order]


def _unconnected(
    cities: pd.DataFrame,
    missing: IntArray,
    away_km: FloatArray,
    part: NDArray[np.int32],
    roads: _Roads,
    city_xyz: FloatArray,
) -> pd.DataFrame:
    nearest = np.asarray(KDTree(to_sphere_km(roads.lon, roads.lat)).query(city_xyz[missing])[1])
    sizes = np.bincount(part)
    return pd.DataFrame(
        [
            (
                cities["city_id"].iloc[city],
                cities["name_en"].iloc[city],
                f"{away_km[city]:.0f} km from the connected roads; its own, {sizes[part[node]]} "
                "junctions, lead nowhere else: name the ferry in corridors.ferries",
            )
            for city, node in zip(missing, nearest, strict=True)
        ],
        columns=["city_id", "name_en", "why"],
    )


def _roads_on_trips(
    roads: _Roads, portal: IntArray, cities: pd.DataFrame, max_trip_km: float
) -> IntArray:
    """Roads on the fastest way between two cities, as positions."""
    position = {
        (low, high): at
        for at, (low, high) in enumerate(
            zip(roads.from_idx.tolist(), roads.to_idx.tolist(), strict=True)
        )
    }
    lon, lat = cities["lon"].to_numpy(float), cities["lat"].to_numpy(float)
    joined = np.flatnonzero(portal >= 0)
    graph = roads.minutes_between
    found: set[tuple[int, int]] = set()
    for city in joined:
        before = dijkstra(graph, indices=portal[city], return_predecessors=True)[1]
        near = within(great_circle_km(lon[city], lat[city], lon[joined], lat[joined]), max_trip_km)
        here = np.unique(portal[joined[near]])
        while len(here):
            behind = before[here]
            here, behind = here[behind >= 0], behind[behind >= 0]
            steps = zip(np.minimum(here, behind), np.maximum(here, behind), strict=True)
            found.update((int(low), int(high)) for low, high in steps)
            here = np.unique(behind)
    return np.array(sorted(position[step] for step in found), dtype=np.int64)


def _contract(
    roads: _Roads,
    used: IntArray,
    is_ferry: NDArray[np.bool_],
    portal: IntArray,
    spacing_km: float,
    unconnected: pd.DataFrame,
) -> IntercityNetwork:
    """Follow roads from junction to junction, and cut what lies between."""
    neighbours: dict[int, list[tuple[int, int]]] = {}
    for road in used.tolist():
        low, high = int(roads.from_idx[road]), int(roads.to_idx[road])
        neighbours.setdefault(low, []).append((high, road))
        neighbours.setdefault(high, []).append((low, road))
    kept = {node for node, roads_there in neighbours.items() if len(roads_there) != 2}
    kept.update(int(node) for node in portal[portal >= 0])
    for road in used[is_ferry[used]]:
        kept.update((int(roads.from_idx[road]), int(roads.to_idx[road])))
    place = {node: at for at, node in enumerate(sorted(kept))}
    lon, lat = [roads.lon[node] for node in place], [roads.lat[node] for node in place]
    segments: list[tuple[int, int, float, float, bool]] = []
    for start in place:
        for after, road in neighbours.get(start, ()):
            nodes, passed = [start, after], [road]
            while nodes[-1] not in kept:
                after, road = next(step for step in neighbours[nodes[-1]] if step[1] != passed[-1])
                nodes.append(after)
                passed.append(road)
            if (start, passed[0]) > (nodes[-1], passed[-1]) or nodes[-1] == start:
                continue  # met from its other end, or a loop that no fastest way takes
            km = np.concatenate(([0.0], np.cumsum(roads.length_km[passed])))
            minutes = float(roads.minutes[passed].sum())
            ferry = bool(is_ferry[passed].any())
            num_pieces = max(1, int(np.ceil(km[-1] / spacing_km)))
            at_km = km[-1] * np.arange(1, num_pieces) / num_pieces
            stops = [place[start], *range(len(lon), len(lon) + num_pieces - 1), place[nodes[-1]]]
            lon.extend(_interpolated_lon(at_km, km, roads.lon[nodes]))
            lat.extend(np.interp(at_km, km, roads.lat[nodes]))
            segments.extend(
                (tail, head, km[-1] / num_pieces, minutes / num_pieces, ferry)
                for tail, head in pairwise(stops)
            )
    tail, head, length, minutes_of, ferry_of = zip(*segments, strict=True) if segments else [()] * 5
    node_of = np.array([place.get(int(node), -1) for node in portal], dtype=np.int64)
    return IntercityNetwork(
        lon=np.array(lon, dtype=np.float64),
        lat=np.array(lat, dtype=np.float64),
        from_idx=np.array(tail, dtype=np.int64),
        to_idx=np.array(head, dtype=np.int64),
        length_km=np.array(length, dtype=np.float64),
        drive_min=np.array(minutes_of, dtype=np.float64),
        is_ferry=np.array(ferry_of, dtype=np.bool_),
        portal_idx=node_of,
        unconnected=unconnected,
    )


def _interpolated_lon(at_km: FloatArray, km: FloatArray, lon: FloatArray) -> FloatArray:
    """Longitudes along a road, also where it goes on from 180 to -180 [degrees]."""
    if np.ptp(lon) < 180:
        return np.asarray(np.interp(at_km, km, lon))
    unwrapped = lon[0] + np.cumsum(np.append(0.0, degrees_east(lon[:-1], lon[1:])))
    between = np.interp(at_km, km, unwrapped)
    return np.asarray(np.where(np.abs(between) > 180, between - np.sign(between) * 360, between))


def find_trip_paths(
    network: IntercityNetwork,
    *,
    max_trip_km: float,
    num_paths: int = 1,
    max_detour_frac: float = 0.0,
) -> TripPaths:
    """Fastest ways between all pairs of cities, and others through a third city.

    Parameters
    ----------
    network : IntercityNetwork
    max_trip_km : float
        Pairs whose fastest way is longer are left out [km].
    num_paths : int
        Ways per pair at most, >= 1.
    max_detour_frac : float
        Another way takes no longer than the fastest by more than this share.

    Returns
    -------
    TripPaths
        For every pair with ``from_city_idx < to_city_idx``; the way back is the same.
    """
    size, num_cities = len(network.lon), len(network.portal_idx)
    fastest = _fastest_segments(network)
    graph = _both_ways(
        network.from_idx[fastest], network.to_idx[fastest],
        np.maximum(network.drive_min[fastest], 1e-9), size,
    )  # fmt: skip
    segment_between = {
        (int(network.from_idx[at]), int(network.to_idx[at])): int(at) for at in fastest
    }
    segment_between |= {(head, tail): at for (tail, head), at in segment_between.items()}
    joined = np.flatnonzero(network.portal_idx >= 0)
    row = np.full(num_cities, -1)
    row[joined] = np.arange(len(joined))
    minutes, before = dijkstra(graph, indices=network.portal_idx[joined], return_predecessors=True)
    between_min = minutes[:, network.portal_idx[joined]]

    def way(origin: int, destination: int) -> list[int]:
        nodes = [int(network.portal_idx[destination])]
        while nodes[-1] != network.portal_idx[origin]:
            nodes.append(int(before[row[origin], nodes[-1]]))
        return nodes[::-1]

    ends, ways = [], []
    for origin in joined.tolist():
        for destination in joined[joined > origin].tolist():
            direct_min = between_min[row[origin], row[destination]]
            if not np.isfinite(direct_min):
                continue
            first = way(origin, destination)
            taken = [first]
            if not within(_length_km(network, segment_between, first), max_trip_km):
                continue
            if num_paths > 1:
                through_min = between_min[row[origin]] + between_min[:, row[destination]]
                for middle in joined[np.argsort(through_min, kind="stable")].tolist():
                    is_near = within(
                        float(through_min[row[middle]]), (1 + max_detour_frac) * direct_min
                    )
                    if len(taken) == num_paths or not is_near:
                        break
                    other = way(origin, middle) + way(middle, destination)[1:]
                    if len(set(other)) == len(other) and other not in taken:
                        taken.append(other)
            ends.extend([(origin, destination)] * len(taken))
            ways.extend(taken)
    segments = [[segment_between[step] for step in pairwise(nodes)] for nodes in ways]
    pairs = np.array(ends, dtype=np.int64).reshape(-1, 2)
    ptr = np.concatenate(([0], np.cumsum([len(each) for each in segments]))).astype(np.int64)
    segment_idx = np.array([at for each in segments for at in each], dtype=np.int64)
    path_of = np.repeat(np.arange(len(ways)), np.diff(ptr))
    return TripPaths(
        from_city_idx=pairs[:, 0],
        to_city_idx=pairs[:, 1],
        ptr=ptr,
        segment_idx=segment_idx,
        node_ptr=ptr + np.arange(len(ptr)),
        node_idx=np.array([node for nodes in ways for node in nodes], dtype=np.int64),
        length_km=np.asarray(
            np.bincount(path_of, network.length_km[segment_idx], minlength=len(ways)), np.float64
        ),
        drive_min=np.asarray(
            np.bincount(path_of, network.drive_min[segment_idx], minlength=len(ways)), np.float64
        ),
    )


def _fastest_segments(network: IntercityNetwork) -> IntArray:
    """Of segments between the same two nodes the fastest."""
    low = np.minimum(network.from_idx, network.to_idx)
    high = np.maximum(network.from_idx, network.to_idx)
    order = np.lexsort((network.drive_min, high, low))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    return np.sort(order[first]).astype(np.int64)


def _length_km(
    network: IntercityNetwork, segment_between: dict[tuple[int, int], int], nodes: list[int]
) -> float:
    steps = pairwise(nodes)
    return float(network.length_km[[segment_between[step] for step in steps]].sum())


def gather_nodes(lon: FloatArray, lat: FloatArray, rank: FloatArray, within_km: float) -> IntArray:
    """Nodes that one station serves: each leader takes the nodes around it.

    Parameters
    ----------
    lon, lat : ndarray, shape (num_nodes,)
        Degrees.
    rank : ndarray, shape (num_nodes,)
        Nodes lead in falling order of it (ties: in their order).
    within_km : float
        Great-circle distance within which a node belongs to a leader, >= 0 [km].

    Returns
    -------
    ndarray, shape (num_nodes,)
        Leader of each node; a leader leads itself.
    """
    xyz = to_sphere_km(lon, lat)
    around = KDTree(xyz).query_ball_point(xyz, widened(within_km))
    leader = np.full(len(lon), -1, dtype=np.int64)
    for node in np.argsort(-rank, kind="stable").tolist():
        if leader[node] < 0:
            free = [other for other in around[node] if leader[other] < 0]
            leader[free] = node
    return leader
