from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from planner.instance import Instance
from planner.instance.settings.corridors import Ferry
from planner.network.intercity import build_intercity_network, find_trip_paths, gather_nodes


def on_roads(
    tutorial: Instance, nodes: list[tuple[float, float]], roads: list[tuple[int, int, float]],
    cities: list[int],
) -> Instance:  # fmt: skip
    """The tutorial's instance on other roads (from, to, km at 60 km/h), cities at some nodes."""
    table = pd.concat([tutorial.cities.iloc[[0]]] * len(cities), ignore_index=True)
    table["city_id"] = [f"c{node}" for node in cities]
    table["lon"], table["lat"] = zip(*(nodes[node] for node in cities), strict=True)
    return replace(
        tutorial,
        cities=table,
        road_nodes=pd.DataFrame(nodes, columns=["lon", "lat"]).assign(
            node_id=np.arange(len(nodes))
        ),
        roads=pd.DataFrame(roads, columns=["from_node", "to_node", "length_km"]).assign(
            speed_kmh=60.0
        ),
    )


# A(0) - 1 - 2 - B(3) in a row, a dead end 4 at 1, and an island 5 - C(6).
NODES = [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (1.5, 0.0), (0.5, 0.5), (0.0, 2.0), (0.1, 2.0)]
ROADS = [(0, 1, 60.0), (1, 2, 60.0), (2, 3, 60.0), (1, 4, 60.0), (5, 6, 12.0)]


def test_chains_are_contracted_and_cut(tutorial: Instance):
    instance = on_roads(tutorial, NODES, ROADS, [0, 3])
    network = build_intercity_network(instance, max_trip_km=500, spacing_km=50)
    # 180 km between A and B; the dead end is on no trip; four pieces of 45 km.
    assert network.length_km.tolist() == pytest.approx([45.0] * 4)
    assert network.drive_min.sum() == pytest.approx(180.0)
    assert sorted(network.lon) == pytest.approx([0.0, 0.375, 0.75, 1.125, 1.5])
    paths = find_trip_paths(network, max_trip_km=500)
    assert paths.length_km.tolist() == pytest.approx([180.0])
    assert network.lon[paths.node_idx].tolist() == pytest.approx([0.0, 0.375, 0.75, 1.125, 1.5])


def test_stretches_across_the_date_line(tutorial: Instance):
    nodes = [(179.5, 0.0), (-179.9, 0.0), (-179.5, 0.0)]
    roads = [(0, 1, 66.8), (1, 2, 44.5)]
    network = build_intercity_network(
        on_roads(tutorial, nodes, roads, [0, 2]), max_trip_km=500, spacing_km=20
    )
    assert len(network.lon) == 7
    assert (np.abs(network.lon) >= 179.5).all()
    assert (np.abs(network.lon) <= 180).all()


def test_islands_are_named_and_joined_by_ferries(tutorial: Instance):
    instance = on_roads(tutorial, NODES, ROADS, [0, 3, 6])
    apart = build_intercity_network(instance, max_trip_km=500, spacing_km=500)
    assert apart.unconnected["city_id"].tolist() == ["c6"]
    assert "2 junctions" in apart.unconnected["why"].iloc[0]
    assert apart.portal_idx[2] == -1
    assert len(find_trip_paths(apart, max_trip_km=500).length_km) == 1
    ferry = Ferry(name="Strait", from_lon=0, from_lat=2, to_lon=0, to_lat=0, minutes=90)
    joined = build_intercity_network(instance, max_trip_km=500, spacing_km=500, ferries=[ferry])
    assert joined.unconnected.empty
    assert joined.length_km[joined.is_ferry].tolist() == [0.0]
    paths = find_trip_paths(joined, max_trip_km=500)
    to_island = (paths.from_city_idx == 0) & (paths.to_city_idx == 2)
    assert paths.length_km[to_island].tolist() == [12.0]
    assert paths.drive_min[to_island].tolist() == [102.0]


def test_longer_trips_are_left_out(tutorial: Instance):
    instance = on_roads(tutorial, NODES, ROADS, [0, 3])
    network = build_intercity_network(instance, max_trip_km=500, spacing_km=50)
    assert len(find_trip_paths(network, max_trip_km=179).length_km) == 0


def random_instance(tutorial: Instance, seed: int) -> Instance:
    rng = np.random.default_rng(seed)
    grid = [(x / 2, y / 2) for x in range(6) for y in range(6)]
    roads = [
        (6 * x + y, 6 * (x + dx) + y + dy, float(rng.uniform(55, 90)))
        for x in range(6)
        for y in range(6)
        for dx, dy in ((1, 0), (0, 1))
        if x + dx < 6 and y + dy < 6
    ]
    return on_roads(tutorial, grid, roads, rng.choice(36, 6, replace=False).tolist())


@pytest.mark.parametrize("seed", range(4))
def test_paths_are_as_short_as_networkx_finds_them(tutorial: Instance, seed: int):
    instance = random_instance(tutorial, seed)
    network = build_intercity_network(instance, max_trip_km=2000, spacing_km=25)
    assert network.length_km.max() <= 25
    paths = find_trip_paths(network, max_trip_km=2000)
    graph = nx.Graph()
    graph.add_weighted_edges_from(
        instance.roads[["from_node", "to_node", "length_km"]].itertuples(index=False)
    )
    cities = [int(name[1:]) for name in instance.cities["city_id"]]
    for near, far, km in zip(paths.from_city_idx, paths.to_city_idx, paths.length_km, strict=True):
        wanted = nx.shortest_path_length(graph, cities[near], cities[far], weight="weight")
        assert km == pytest.approx(wanted)
    assert len(paths.length_km) == 15


def test_other_ways_lead_through_a_third_city(tutorial: Instance):
    # A square: A - B directly 100 km, through C 110 km, through D 150 km.
    nodes = [(0.0, 0.0), (1.0, 0.0), (0.5, 0.4), (0.5, -0.8)]
    roads = [(0, 1, 100.0), (0, 2, 55.0), (2, 1, 55.0), (0, 3, 75.0), (3, 1, 75.0)]
    instance = on_roads(tutorial, nodes, roads, [0, 1, 2, 3])
    network = build_intercity_network(instance, max_trip_km=500, spacing_km=500)
    paths = find_trip_paths(network, max_trip_km=500, num_paths=3, max_detour_frac=0.2)
    direct = (paths.from_city_idx == 0) & (paths.to_city_idx == 1)
    assert paths.length_km[direct].tolist() == [100.0, 110.0]


def test_each_node_has_one_leader_nearby():
    leader = gather_nodes(
        np.array([0.0, 0.02, 0.04, 1.0]), np.zeros(4), np.array([1.0, 5.0, 1.0, 1.0]), 3.0
    )
    assert leader.tolist() == [1, 1, 1, 3]
