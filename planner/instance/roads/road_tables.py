"""From roads as a map draws them to the tables ``road_nodes`` and ``roads``."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planner.errors import Fault, InputError
from planner.geodesy import degrees_east, great_circle_km
from planner.instance.notes import Note
from planner.instance.roads.road_speed import SPEED_SOURCE
from planner.units import METRES_PER_KM

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MIN_PART_KM = 20.0
"""A part of the network that joins no other is kept from this length on: a gated estate or a road
cut off at the extract's edge is shorter, an island such as Zhoushan or Hainan longer."""

SHAPE_TOLERANCE_KM = 0.05
"""Bends are kept where the straight line would leave the road by more: zones and sites join the
straight line. 50 m are 0.2 min at the speed of local streets."""

SAME_DETOUR_FRAC = 0.02
"""Two roads that meet are one if their lengths per straight kilometre differ by no more."""

_KM_PER_DEGREE_LAT = float(great_circle_km(0.0, 0.0, 0.0, 1.0))


@dataclass(frozen=True)
class RoadSegments:
    """Straight pieces of road between points, each once if it may be driven both ways.

    Attributes
    ----------
    node_id : int array, shape (num_points,)
        Unique.
    lon, lat : float array, shape (num_points,)
        WGS84 [degrees].
    tail, head : int array, shape (num_segments,)
        Positions in ``node_id``; a one-way piece is driven from tail to head.
    length_km, speed_kmh : float array, shape (num_segments,)
        Along the road; both > 0 but for points that coincide.
    has_limit, is_one_way : bool array, shape (num_segments,)
        Whether the speed comes from a posted limit; whether it is driven one way only.
    """

    node_id: IntArray
    lon: FloatArray
    lat: FloatArray
    tail: IntArray
    head: IntArray
    length_km: FloatArray
    speed_kmh: FloatArray
    has_limit: NDArray[np.bool_]
    is_one_way: NDArray[np.bool_]


@dataclass(frozen=True)
class RoadTables:
    """The two tables of a road network and what was decided on the way.

    ``reference`` is what the file gave coordinates in; ``is_osm`` whether it shows that it comes
    from OpenStreetMap.
    """

    road_nodes: pd.DataFrame
    roads: pd.DataFrame
    notes: tuple[Note, ...]
    reference: str = "WGS84"
    is_osm: bool = False


@dataclass(frozen=True)
class _Chains:
    """Roads between kept points, one after the other.

    ``point`` are the points passed, ``of_point`` the road each belongs to, ``segment`` the
    segment that leads to the point from the one before it (-1 for a road's first point).
    """

    point: IntArray
    of_point: IntArray
    segment: IntArray


def segment_length_km(
    lon: FloatArray, lat: FloatArray, tail: IntArray, head: IntArray
) -> FloatArray:
    """Geodesic length of straight segments on the WGS84 ellipsoid [km]."""
    _, _, length_m = Geod(ellps="WGS84").inv(lon[tail], lat[tail], lon[head], lat[head])
    return np.asarray(length_m) / METRES_PER_KM


def simplify_roads(segments: RoadSegments, label: str) -> RoadTables:
    """Make the tables of a road network.

    Points where only two segments meet are passed over, except bends (`SHAPE_TOLERANCE_KM`) and
    points where the road changes: its speed, its direction, or how much longer it is than drawn
    (`SAME_DETOUR_FRAC`). So a road's time is spread evenly over its straight line, and places
    beside it get the times of the source. Of several roads between the same two points the
    fastest stands, by direction. Parts of the network that join no other and are shorter than
    `MIN_PART_KM` are left out, but for the longest.

    Parameters
    ----------
    segments : RoadSegments
        As the source draws them.
    label : str
        File that the notes name.

    Returns
    -------
    RoadTables
        ``road_nodes`` sorted by ``node_id``, ``roads`` by ``from_node`` and ``to_node``: roads
        passable both ways with ``from_node`` < ``to_node``, others in their direction.

    Raises
    ------
    InputError
        If no road has a length.
    """
    is_kept, part_note = _keep_long_parts(segments, label)
    kept = RoadSegments(
        segments.node_id,
        segments.lon,
        segments.lat,
        *(
            getattr(segments, name)[is_kept]
            for name in ("tail", "head", "length_km", "speed_kmh", "has_limit", "is_one_way")
        ),
    )
    chains = _chains(kept)
    pieces = _pieces(kept, chains, _bends(chains, segments.lon, segments.lat))
    roads = _fastest_by_direction(pieces[pieces["from_node"] != pieces["to_node"]])
    # Points drawn upon each other are taken to be a millimetre apart: a speed needs a length.
    roads["length_km"] = roads["length_km"].clip(lower=1e-6)
    roads["speed_kmh"] = (roads["length_km"] / roads["hours"].clip(lower=1e-8)).clip(1, 200)
    used = np.unique(roads[["from_node", "to_node"]].to_numpy())
    at = np.flatnonzero(np.isin(segments.node_id, used))
    nodes = pd.DataFrame(
        {"node_id": segments.node_id[at], "lon": segments.lon[at], "lat": segments.lat[at]}
    ).sort_values("node_id", ignore_index=True)
    dropped_km = float(pieces["length_km"].sum() - roads["length_km"].sum())
    shape_note = Note(
        f"{label}: simplified",
        f"{len(np.unique(np.concatenate((kept.tail, kept.head)))):,} points to {len(nodes):,}; "
        f"{dropped_km:.1f} km of loops and second roads between the same points left out",
        "INF",
        "points where two roads of the same speed and direction meet are passed over, bends kept "
        f"within {METRES_PER_KM * SHAPE_TOLERANCE_KM:g} m",
    )
    total_km = kept.length_km.sum()
    limit_frac = kept.length_km[kept.has_limit].sum() / total_km
    return RoadTables(
        nodes,
        roads[["from_node", "to_node", "length_km", "speed_kmh", "oneway"]].round(
            {"length_km": 6, "speed_kmh": 3}
        ),
        (
            part_note,
            shape_note,
            Note(f"{label}: speeds", f"{limit_frac:.1%} of the length from a limit or speed in "
                 "the file, the rest by class", "AN", SPEED_SOURCE),
        ),
    )  # fmt: skip


def _keep_long_parts(segments: RoadSegments, label: str) -> tuple[NDArray[np.bool_], Note]:
    num = len(segments.node_id)
    links = coo_array((np.ones(len(segments.tail)), (segments.tail, segments.head)), (num, num))
    _, part_of_point = connected_components(links, directed=False)
    part = part_of_point[segments.tail]
    part_km = np.bincount(part, weights=segments.length_km, minlength=part_of_point.max() + 1)
    if not part_km.max() > 0:
        raise InputError([Fault(label, None, "length", "0", "roads need a length above 0")])
    is_kept = part_km >= min(MIN_PART_KM, part_km.max())
    kept = is_kept[part] & (segments.tail != segments.head)
    total_km, kept_km = part_km.sum(), part_km[is_kept].sum()
    left_out = int(((part_km > 0) & ~is_kept).sum())
    note = Note(
        f"{label}: connected parts",
        f"{int(is_kept.sum())} kept with {kept_km:,.0f} km, the longest "
        f"{part_km.max() / total_km:.1%} of the file's roads; {left_out} left out with "
        f"{total_km - kept_km:,.1f} km",
        "M",
        f"parts under {MIN_PART_KM:g} km that join no other road are left out",
    )
    return kept, note


def _chains(roads: RoadSegments) -> _Chains:
    """Follow the roads from kept point to kept point, then round the rings that have none."""
    tail, head = roads.tail, roads.head
    num, num_points = len(tail), len(roads.node_id)
    both = np.concatenate((tail, head))
    order = np.argsort(both, kind="stable")
    first = np.concatenate(([0], np.cumsum(np.bincount(both, minlength=num_points))))
    degree = np.diff(first)
    is_end = degree != 2
    inner = np.flatnonzero(~is_end)
    is_end[inner] = _changes(roads, order[first[inner]], order[first[inner] + 1])
    starts = (np.flatnonzero((degree > 0) & is_end), np.flatnonzero(~is_end))
    neighbour = np.concatenate((head, tail))[order].tolist()
    segment_at = (order % num).tolist()
    first, ends_here = first.tolist(), is_end.tolist()
    is_done = bytearray(num)
    point: list[int] = []
    of_point: list[int] = []
    segment: list[int] = []
    num_chains = 0
    for start in np.concatenate(starts).tolist():
        for leaving in range(first[start], first[start + 1]):
            if is_done[segment_at[leaving]]:
                continue
            chain_start = len(point)
            point.append(start)
            segment.append(-1)
            way = leaving
            while True:
                is_done[segment_at[way]] = 1
                at = neighbour[way]
                point.append(at)
                segment.append(segment_at[way])
                if ends_here[at] or at == start:
                    break
                way = first[at] if segment_at[first[at]] != segment_at[way] else first[at] + 1
            of_point.extend([num_chains] * (len(point) - chain_start))
            num_chains += 1
    return _Chains(
        np.array(point, dtype=np.int64),
        np.array(of_point, dtype=np.int64),
        np.array(segment, dtype=np.int64),
    )


def _changes(roads: RoadSegments, one_end: IntArray, other_end: IntArray) -> NDArray[np.bool_]:
    """Whether the road changes where two segments meet, each given by its end there.

    Ends are counted as tails, then heads: end e belongs to segment e modulo their number.
    """
    num = len(roads.tail)
    one, other = one_end % num, other_end % num
    straight_km = segment_length_km(roads.lon, roads.lat, roads.tail, roads.head)
    detour = np.divide(roads.length_km, straight_km, out=np.ones(num), where=straight_km > 0)
    low, high = np.minimum(detour[one], detour[other]), np.maximum(detour[one], detour[other])
    is_one_way = roads.is_one_way[one]
    leave_both_or_none = (one_end < num) == (other_end < num)
    changes: NDArray[np.bool_] = (
        (roads.speed_kmh[one] != roads.speed_kmh[other])
        | (high > low * (1 + SAME_DETOUR_FRAC))
        | (is_one_way != roads.is_one_way[other])
        | (is_one_way & leave_both_or_none)
    )
    return changes


def _pieces(roads: RoadSegments, chains: _Chains, bends: IntArray) -> pd.DataFrame:
    """The chains between bends: ends by id, length, time, and whether driven one way only."""
    arrives = chains.segment >= 0
    passed_km, passed_h = np.zeros(len(chains.point)), np.zeros(len(chains.point))
    passed_km[arrives] = roads.length_km[chains.segment[arrives]]
    passed_h[arrives] = (roads.length_km / roads.speed_kmh)[chains.segment[arrives]]
    until_km, until_h = np.cumsum(passed_km), np.cumsum(passed_h)
    same_road = chains.of_point[bends[1:]] == chains.of_point[bends[:-1]]
    start, end = bends[:-1][same_road], bends[1:][same_road]
    one, other = roads.node_id[chains.point[start]], roads.node_id[chains.point[end]]
    last = chains.segment[end]
    one_way = roads.is_one_way[last]
    turned = np.where(one_way, roads.head[last] != chains.point[end], one > other)
    return pd.DataFrame(
        {
            "from_node": np.where(turned, other, one),
            "to_node": np.where(turned, one, other),
            "length_km": until_km[end] - until_km[start],
            "hours": until_h[end] - until_h[start],
            "oneway": one_way,
        }
    )


def _fastest_by_direction(pieces: pd.DataFrame) -> pd.DataFrame:
    """Of roads between the same points the fastest for either direction; both ways goes first."""
    forth = pieces.assign(piece=np.arange(len(pieces)), is_back=False)
    turned = {"from_node": "to_node", "to_node": "from_node"}
    back = forth[~forth["oneway"]].rename(columns=turned).assign(is_back=True)
    ways = pd.concat((forth, back), ignore_index=True)
    ways = ways.sort_values(["from_node", "to_node", "hours", "oneway", "piece"], kind="stable")
    ways = ways.drop_duplicates(["from_node", "to_node"])
    serves_both = ways["piece"].duplicated(keep=False)
    ways["oneway"] = ~serves_both
    return ways[~(serves_both & ways["is_back"])].reset_index(drop=True)


def _bends(chains: _Chains, lon: FloatArray, lat: FloatArray) -> IntArray:
    """Positions in the chains that are kept: ends, and bends by Douglas and Peucker (1973)."""
    position = np.arange(len(chains.point))
    is_first = chains.segment < 0
    scale = np.cos(np.radians(lat[chains.point[is_first]]))[chains.of_point]
    east = degrees_east(lon[chains.point[is_first]][chains.of_point], lon[chains.point])
    points = np.column_stack(
        (
            east * scale * _KM_PER_DEGREE_LAT,
            lat[chains.point] * _KM_PER_DEGREE_LAT,
            position,  # survives as z and tells which points were kept
        )
    )
    lines = shapely.linestrings(points, indices=chains.of_point)
    kept = shapely.simplify(lines, SHAPE_TOLERANCE_KM, preserve_topology=False)
    return shapely.get_coordinates(kept, include_z=True)[:, 2].astype(np.int64)
