"""What a plan is drawn on: land, and the instance's own roads by what they join. No borders."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from planner.geodesy import great_circle_km
from planner.land import land_within
from planner.outputs.layers.allocation import as_multipolygons
from planner.outputs.layers.antimeridian import near_lon
from planner.outputs.layers.layer import CRS

LAND, BASE_ROADS = "land", "base_roads"
ROAD_CLASSES = MAIN, REGIONAL, LOCAL = ("main", "regional", "local")
"""On a shortest way between neighbouring cities; on one between neighbouring places 20 km apart;
any other."""

_MARGIN_FRAC, _LEAST_MARGIN_DEG = 0.5, 0.5
"""Margin over the larger extent: land fills a window or a sheet of any shape around a plan."""
_REGION_DEG = 0.2
"""Places between which the ways are regional roads: one junction in each cell of that size."""

_SIMPLIFY_DEG = 3e-4  # some 30 m: less than a line's width at any scale at which it is drawn
_DECIMALS = 6

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]


def land_around(west: float, south: float, east: float, north: float) -> gpd.GeoDataFrame:
    """Land of a box and of a margin around it, a row per island or mainland, the largest first.

    Parameters
    ----------
    west, south, east, north : float
        Degrees; ``west > east`` where the box spans 180 degrees.
    """
    width = east - west + (360.0 if west > east else 0.0)
    margin = max(_LEAST_MARGIN_DEG, _MARGIN_FRAC * max(width, north - south))
    if width + 2 * margin >= 360.0:
        west, east = -180.0, 180.0
    else:
        west, east = west - margin, west + width + margin
        if west < -180.0:
            west, east = west + 360.0, east + 360.0
    parts = land_within(west, max(-90.0, south - margin), east, min(90.0, north + margin))
    parts = parts[np.argsort(-shapely.area(parts), kind="stable")]
    return gpd.GeoDataFrame(
        {"land_id": [f"land_{number}" for number in range(1, len(parts) + 1)]},
        geometry=as_multipolygons(parts.tolist()),
        crs=CRS,
    )


def base_roads(nodes: pd.DataFrame, roads: pd.DataFrame, cities: pd.DataFrame) -> gpd.GeoDataFrame:
    """Roads as lines from junction to junction, each with its class.

    Parameters
    ----------
    nodes, roads : DataFrame
        Tables ``road_nodes`` and ``roads`` of an instance; straight between two nodes.
    cities : DataFrame
        ``lon, lat``: between them lead the main roads.

    Returns
    -------
    GeoDataFrame
        ``road_class, length_km``, main roads first.

    Notes
    -----
    Each node belongs to the city (or place) that is nearest by road; where two of them meet, the
    shortest way from one to the other over an edge between their nodes is drawn (Mehlhorn 1988,
    *A faster approximation algorithm for the Steiner problem in graphs*). One search finds all.
    """
    ids = pd.Index(nodes["node_id"])
    ends = np.column_stack(
        [ids.get_indexer(roads[name]) for name in ("from_node", "to_node")]
    ).astype(np.int64)
    ends.sort(axis=1)
    minutes = (roads["length_km"] / roads["speed_kmh"]).to_numpy(np.float64)
    order = np.lexsort((minutes, ends[:, 1], ends[:, 0]))
    ends, minutes = ends[order], minutes[order]
    is_first = np.append(True, (ends[1:] != ends[:-1]).any(axis=1))[: len(ends)]
    ends, minutes = ends[is_first], np.maximum(minutes[is_first], 1e-9)
    lonlat = nodes[["lon", "lat"]].to_numpy(np.float64)

    is_main = _on_ways(ends, minutes, len(ids), _nearest(lonlat, cities))
    is_regional = _on_ways(ends, minutes, len(ids), _one_per_cell(lonlat, ends)) & ~is_main
    start, end = lonlat[ends[:, 0]], lonlat[ends[:, 1]].copy()
    end[:, 0] = near_lon(end[:, 0], start[:, 0])
    pieces = np.asarray(shapely.linestrings(np.stack([start, end], axis=1)))
    lines = [_merged(pieces[chosen]) for chosen in (is_main, is_regional, ~(is_main | is_regional))]
    drawn = np.concatenate(lines)
    return gpd.GeoDataFrame(
        {
            "road_class": np.repeat(ROAD_CLASSES, [len(each) for each in lines]).astype(object),
            "length_km": _length_km(drawn),
        },
        geometry=gpd.GeoSeries(_thinned(drawn), crs=CRS),
        crs=CRS,
    )


def _nearest(lonlat: FloatArray, cities: pd.DataFrame) -> IndexArray:
    """Node nearest to each city, each once."""
    _, found = cKDTree(_on_sphere(lonlat)).query(
        _on_sphere(cities[["lon", "lat"]].to_numpy(np.float64))
    )
    return np.unique(found).astype(np.int64)


def _on_sphere(lonlat: FloatArray) -> FloatArray:
    lon, lat = np.radians(lonlat).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _one_per_cell(lonlat: FloatArray, ends: IndexArray) -> IndexArray:
    """In each cell of a grid the junction where most roads meet."""
    num_roads = np.bincount(ends.ravel(), minlength=len(lonlat))
    # Cells get no narrower towards the poles than towards the equator.
    row = np.floor(lonlat[:, 1] / _REGION_DEG)
    width = _REGION_DEG / np.maximum(0.05, np.cos(np.radians((row + 0.5) * _REGION_DEG)))
    column = np.floor(lonlat[:, 0] / width)
    order = np.lexsort((-num_roads, column, row))
    cells = np.column_stack([row, column])[order]
    is_first = np.append(True, (cells[1:] != cells[:-1]).any(axis=1))[: len(cells)]
    chosen: IndexArray = order[is_first].astype(np.int64)
    return chosen[num_roads[chosen] > 0]


def _on_ways(
    ends: IndexArray, minutes: FloatArray, num_nodes: int, places: IndexArray
) -> NDArray[np.bool_]:
    """Which edges lie on a shortest way between neighbouring places."""
    marked = np.zeros(len(ends), np.bool_)
    if not len(ends) or not len(places):
        return marked
    graph = coo_array((minutes, ends.T), shape=(num_nodes, num_nodes)).tocsr()
    reached, before, owner = dijkstra(
        graph, directed=False, indices=places, min_only=True, return_predecessors=True
    )
    first, second = ends.T
    meets = np.flatnonzero(np.isfinite(reached[first]) & (owner[first] != owner[second]))
    cost = reached[first[meets]] + minutes[meets] + reached[second[meets]]
    owners = np.sort(np.column_stack([owner[first[meets]], owner[second[meets]]]), axis=1)
    order = np.lexsort((cost, owners[:, 1], owners[:, 0]))
    pairs = owners[order]
    is_best = np.append(True, (pairs[1:] != pairs[:-1]).any(axis=1))[: len(pairs)]
    is_direct = _without_detour(pairs[is_best], cost[order[is_best]])
    best = meets[order[is_best][is_direct]]
    marked[best] = True

    keys = first * num_nodes + second  # ascending, as ends are sorted
    on_way = np.unique(np.concatenate([first[best], second[best]]))
    while len(on_way := on_way[before[on_way] >= 0]):
        towards = before[on_way].astype(np.int64)
        low, high = np.minimum(on_way, towards), np.maximum(on_way, towards)
        edges = np.searchsorted(keys, low * num_nodes + high)
        is_new = ~marked[edges]
        marked[edges] = True
        on_way = np.unique(towards[is_new])
    return marked


def _without_detour(pairs: NDArray[Any], cost: FloatArray) -> NDArray[np.bool_]:
    """Which pairs are not as near by way of a third place; roads far out join what is far apart."""
    both = pd.DataFrame(
        {
            "start": np.concatenate([pairs[:, 0], pairs[:, 1]]),
            "end": np.concatenate([pairs[:, 1], pairs[:, 0]]),
            "cost": np.concatenate([cost, cost]),
        }
    )
    legs = both.merge(both, left_on="end", right_on="start", suffixes=("", "_on"))
    legs = legs[legs["start"] < legs["end_on"]]
    least = (legs["cost"] + legs["cost_on"]).groupby([legs["start"], legs["end_on"]]).min()
    index = pd.MultiIndex.from_arrays([pairs[:, 0], pairs[:, 1]])
    return cost < least.reindex(index).fillna(np.inf).to_numpy(np.float64)


def _merged(pieces: NDArray[Any]) -> NDArray[Any]:
    """Pieces joined where just two of them meet."""
    if not len(pieces):
        return pieces
    return np.asarray(shapely.get_parts(shapely.line_merge(shapely.multilinestrings(pieces))))


def _length_km(lines: NDArray[Any]) -> FloatArray:
    corners, line_idx = shapely.get_coordinates(lines, return_index=True)
    within = line_idx[1:] == line_idx[:-1]
    step_km = great_circle_km(*corners[:-1].T, *corners[1:].T)[within]
    return np.bincount(line_idx[1:][within], step_km, len(lines)).astype(np.float64)


def _thinned(lines: NDArray[Any]) -> NDArray[Any]:
    thin = shapely.simplify(lines, _SIMPLIFY_DEG, preserve_topology=True)
    corners = shapely.get_coordinates(thin)
    return np.asarray(shapely.set_coordinates(thin, corners.round(_DECIMALS)))
