"""The next station against networkx on random one-way roads, and by hand with stated times."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from planner.instance import Instance
from planner.network import Access, RoadGraph, nearest_other_station, stated_next_station
from planner.planning.joined_network import join_network, next_stations


def _random_graph(seed: int) -> tuple[RoadGraph, nx.DiGraph]:
    rng = np.random.default_rng(seed)
    num_points, num_roads = 60, 110
    roads = nx.DiGraph()
    roads.add_nodes_from(range(num_points))
    for start, end in rng.integers(0, num_points, (num_roads, 2)).tolist():
        if start != end:
            roads.add_edge(start, end, minutes=float(rng.integers(1, 9)))
    ends = np.array(list(roads.edges))
    minutes = np.array([roads.edges[edge]["minutes"] for edge in roads.edges])
    rows = csr_array((minutes, (ends[:, 1], ends[:, 0])), (num_points, num_points))
    place = np.zeros(num_points)
    graph = RoadGraph(
        place, place, rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data,
        np.full(num_points, -1, np.int32), place,
    )  # fmt: skip
    return graph, roads


@pytest.mark.parametrize("seed", range(8))
def test_next_station_equals_networkx(seed: int) -> None:
    graph, roads = _random_graph(seed)
    rng = np.random.default_rng(seed)
    num_stations = 25
    point = rng.integers(0, len(graph.lon), num_stations).astype(np.int32)
    point[0] = -1  # joins no road
    point[1] = point[2]  # two at one point
    access = np.where(point >= 0, rng.integers(0, 3, num_stations).astype(float), np.inf)
    group = rng.integers(5, 9, num_stations)
    group[3] = 99  # alone in its city
    stations = Access(point, access, point < 0, point >= 0)
    found = nearest_other_station(graph, stations, group)
    for station in range(num_stations):
        away = {
            other: access[station] + drive + access[other]
            for other in np.flatnonzero((group == group[station]) & (point >= 0)).tolist()
            if other != station and point[station] >= 0
            for drive in [_drive(roads, int(point[station]), int(point[other]))]
            if np.isfinite(drive)
        }
        nearest = min(away, key=lambda other: (away[other], other), default=-1)
        assert found.idx[station] == nearest
        assert found.minutes[station] == away.get(nearest, np.inf)
    assert (found.idx >= 0).any()
    assert (found.idx[[0, 3]] == -1).all()


def _drive(roads: nx.DiGraph, start: int, end: int) -> float:
    try:
        return float(nx.dijkstra_path_length(roads, start, end, weight="minutes"))
    except nx.NetworkXNoPath:
        return np.inf


def test_next_station_of_the_tutorial_by_label(tutorial: Instance) -> None:
    stations = tutorial.sites[["site_id", "city_id"]].iloc[[2, 0]]
    first, other = stations["site_id"]
    rows = next_stations(tutorial, join_network(tutorial), stations)
    assert rows["station_id"].tolist() == [first, other]
    assert rows["next_station_id"].tolist() == [other, first]
    assert (rows["next_min"] > 0).all()
    alone = next_stations(tutorial, join_network(tutorial), stations.iloc[:1])
    assert alone[["next_station_id", "next_min"]].isna().all(axis=None)


def test_with_stated_times_the_next_station_is_as_the_crow_flies(tutorial: Instance) -> None:
    sites = tutorial.sites.iloc[:3].assign(lon=[0.0, 0.1, 0.3], lat=0.0)
    zone = tutorial.zones.iloc[:1].assign(lon=0.0, lat=0.0)
    times = pd.DataFrame(
        {
            "zone_id": zone["zone_id"].iloc[0],
            "site_id": sites["site_id"].iloc[1:],
            "minutes": [10.0, 50.0],  # 60 min for 0.4 degrees
        }
    )
    instance = replace(tutorial, sites=sites, zones=zone, travel_times=times)
    found = stated_next_station(instance, sites["site_id"], np.array([7, 7, 7]))
    assert found.idx.tolist() == [1, 0, 1]
    assert found.minutes == pytest.approx([15.0, 15.0, 30.0])
    apart = stated_next_station(instance, sites["site_id"], np.array([7, 7, 8]))
    assert apart.idx.tolist() == [1, 0, -1]
    assert np.isinf(apart.minutes[2])
    rows = next_stations(instance, None, sites)
    assert rows["next_station_id"].tolist() == sites["site_id"].iloc[[1, 0, 1]].tolist()
