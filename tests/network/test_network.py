"""Reach against networkx on random roads, and by hand on a line."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from planner.geodesy import chord_to_arc_km, great_circle_km, to_sphere_km
from planner.instance import Instance
from planner.network import (
    Access,
    attach,
    audit_drive_times,
    audit_nearest,
    build_road_graph,
    drive_time_reach,
    to_networkx,
)


def _random_roads(tutorial: Instance, seed: int) -> Instance:
    rng = np.random.default_rng(seed)
    num_nodes, num_roads = 40, 70
    nodes = pd.DataFrame(
        {
            "node_id": rng.permutation(1000)[:num_nodes],
            "lon": 126.6 + rng.uniform(0, 0.1, num_nodes),
            "lat": 45.7 + rng.uniform(0, 0.1, num_nodes),
        }
    ).sort_values("node_id", ignore_index=True)
    ends = np.sort(np.array([rng.choice(num_nodes, 2, replace=False) for _ in range(num_roads)]))
    ends = np.unique(ends, axis=0)
    roads = pd.DataFrame(
        {
            "from_node": nodes["node_id"].to_numpy()[ends[:, 0]],
            "to_node": nodes["node_id"].to_numpy()[ends[:, 1]],
            "length_km": rng.uniform(0.05, 4, len(ends)),
            "speed_kmh": rng.choice([20.0, 40.0, 80.0], len(ends)),
        }
    )
    return replace(tutorial, road_nodes=nodes, roads=roads)


@pytest.mark.parametrize("seed", range(5))
def test_reach_equals_networkx(tutorial: Instance, seed: int) -> None:
    instance = _random_roads(tutorial, seed)
    rng = np.random.default_rng(seed)
    graph = build_road_graph(instance)
    sites, zones = (
        Access(rng.integers(0, len(graph.lon), count).astype(np.int32), rng.uniform(0, 3, count))
        for count in (15, 60)
    )
    sites.point_idx[0] = -1
    sites.access_min[0] = np.inf
    zones.point_idx[:5] = -1
    zones.access_min[:5] = np.inf
    standard = instance.scenario.siting.drive_time_min
    instance = replace(
        instance,
        scenario=instance.scenario.model_copy(
            update={"siting": instance.scenario.siting.model_copy(update={"drive_time_min": 6.0})}
        ),
    )
    standard = 6.0
    reach = drive_time_reach(graph, sites, zones, standard)

    pieces: nx.Graph[int] = nx.Graph()
    pieces.add_nodes_from(range(len(graph.lon)))
    for point in range(len(graph.lon)):
        for arc in range(graph.neighbour_ptr[point], graph.neighbour_ptr[point + 1]):
            pieces.add_edge(point, int(graph.neighbour_idx[arc]), minutes=graph.neighbour_min[arc])
    expected = {}
    for site in range(1, 15):
        times = nx.single_source_dijkstra_path_length(
            pieces, int(sites.point_idx[site]), weight="minutes"
        )
        for zone in range(5, 60):
            total = (
                sites.access_min[site]
                + times.get(int(zones.point_idx[zone]), np.inf)
                + zones.access_min[zone]
            )
            if total <= standard:
                expected[site, zone] = total
    site_of_arc = np.repeat(np.arange(15), np.diff(reach.ptr))
    found = dict(zip(zip(site_of_arc, reach.zone_idx, strict=True), reach.drive_min, strict=True))
    assert found.keys() == expected.keys()
    assert len(found) > 20
    for pair, minutes in expected.items():
        assert found[pair] == pytest.approx(minutes)

    pairs = pd.DataFrame({"site_idx": site_of_arc, "zone_idx": reach.zone_idx})
    audited = audit_drive_times(instance, graph, sites, zones, pairs)
    assert audited == pytest.approx(reach.drive_min)

    some = np.arange(0, len(sites.point_idx), 2)
    by_zone = [
        sorted(reach.drive_min[np.isin(site_of_arc, some) & (reach.zone_idx == zone)].tolist())
        for zone in range(len(zones.point_idx))
    ]
    for number in (0, 1, 3):
        nearest = audit_nearest(instance, graph, sites, zones, some, number)
        expected_min = [(minutes + [np.inf] * number)[:number] for minutes in by_zone]
        assert nearest == pytest.approx(np.array(expected_min).reshape(nearest.shape))


def test_audit_finds_zones_out_of_reach(tutorial: Instance) -> None:
    graph = build_road_graph(tutorial)
    sites = attach(graph, tutorial.sites["lon"], tutorial.sites["lat"], tutorial)
    zones = attach(graph, tutorial.zones["lon"], tutorial.zones["lat"], tutorial)
    pairs = pd.DataFrame({"site_idx": [0, 0, 0], "zone_idx": [1, 2, 7]})
    audited = audit_drive_times(tutorial, graph, sites, zones, pairs)
    assert audited == pytest.approx([0, 1, np.inf], abs=1e-3)


def test_roads_are_cut_and_keep_their_length(tutorial: Instance) -> None:
    graph = build_road_graph(tutorial)
    assert len(graph.lon) == 8 + 7  # 1 km roads, pieces of 0.5 km
    assert graph.neighbour_min.sum() == pytest.approx(2 * 7.0)
    assert graph.edge_idx.tolist() == [-1] * 8 + list(range(7))
    assert to_networkx(tutorial).size(weight="length_km") == pytest.approx(7.0)


def test_places_far_from_roads_are_left_out(tutorial: Instance) -> None:
    graph = build_road_graph(tutorial)
    access = attach(graph, np.array([126.6, 126.6]), np.array([45.76, 46.75]), tutorial)
    assert access.point_idx.tolist() == [0, -1]
    straight_km = great_circle_km(126.6, 45.75, 126.6, 45.76)
    assert access.access_min[0] == pytest.approx(60 * straight_km * 1.3 / 20)
    assert access.access_min[1] == np.inf
    reach = drive_time_reach(graph, access, access, 100.0)
    assert reach.zone_idx.tolist() == [0]


def test_chords_give_arcs() -> None:
    lon, lat = np.array([0.0, 120.0]), np.array([10.0, -30.0])
    chord = np.linalg.norm(np.diff(to_sphere_km(lon, lat), axis=0))
    assert chord_to_arc_km(chord) == pytest.approx(great_circle_km(*lon[:1], *lat[:1], 120, -30))


def test_a_drive_of_the_standard_to_the_digit_is_within_it(tutorial: Instance) -> None:
    # Four pieces of road of 0.1 min: three of them take 3 x 0.1 min, more than 0.3 in binary.
    lon = 126.6 + 0.001 * np.arange(5)
    nodes = pd.DataFrame({"node_id": range(1, 6), "lon": lon, "lat": 45.75})
    roads = pd.DataFrame(
        {"from_node": range(1, 5), "to_node": range(2, 6), "length_km": 0.1, "speed_kmh": 60.0}
    )
    for standard, reached in ((0.3, 4), (0.3 * (1 - 5e-10), 4), (0.3 * (1 - 1e-7), 3)):
        siting = tutorial.scenario.siting.model_copy(update={"drive_time_min": standard})
        scenario = tutorial.scenario.model_copy(update={"siting": siting})
        instance = replace(tutorial, road_nodes=nodes, roads=roads, scenario=scenario)
        graph = build_road_graph(instance)
        sites = Access(np.zeros(1, np.int32), np.zeros(1))
        zones = Access(np.arange(5, dtype=np.int32), np.zeros(5))
        reach = drive_time_reach(graph, sites, zones, standard)
        assert sorted(reach.zone_idx.tolist()) == list(range(reached))
        assert reach.drive_min.max() <= standard
        pairs = pd.DataFrame({"site_idx": 0, "zone_idx": reach.zone_idx})
        assert np.isfinite(audit_drive_times(instance, graph, sites, zones, pairs)).all()
        nearest = audit_nearest(instance, graph, sites, zones, np.array([0]))
        assert np.isfinite(nearest).sum() == reached
