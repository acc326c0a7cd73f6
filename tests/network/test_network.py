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
    RoadGraph,
    audit_drive_times,
    audit_nearest,
    build_road_graph,
    drive_time_reach,
    join_places,
    road_parts,
    to_networkx,
)
from planner.planning.joined_network import join_network, network_assumptions


def _random_roads(tutorial: Instance, seed: int, one_way: bool) -> Instance:
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
    if one_way:
        roads["oneway"] = rng.choice([True, False, None], len(ends))
        turned = rng.random(len(ends)) < 0.5
        roads.loc[turned, ["from_node", "to_node"]] = roads.loc[
            turned, ["to_node", "from_node"]
        ].to_numpy()
    return replace(tutorial, road_nodes=nodes, roads=roads)


def _access(point_idx: np.ndarray, access_min: np.ndarray) -> Access:
    is_near = point_idx >= 0
    return Access(point_idx.astype(np.int32), access_min, np.zeros_like(is_near), is_near)


@pytest.mark.parametrize("one_way", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_reach_equals_networkx(tutorial: Instance, seed: int, one_way: bool) -> None:
    instance = _random_roads(tutorial, seed, one_way)
    rng = np.random.default_rng(seed)
    graph = build_road_graph(instance)
    sites, zones = (
        _access(rng.integers(0, len(graph.lon), count), rng.uniform(0, 3, count))
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

    pieces = _pieces(instance, graph)
    expected = {}
    for site in range(1, 15):
        times = nx.single_source_dijkstra_path_length(
            pieces.reverse(copy=False), int(sites.point_idx[site]), weight="minutes"
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
    assert len(found) > (10 if one_way else 20)
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


def _pieces(instance: Instance, graph: RoadGraph) -> "nx.DiGraph[int]":
    """Roads cut at the graph's points, from the table; parallel pieces at the fastest."""
    pieces: nx.DiGraph[int] = nx.DiGraph()
    pieces.add_nodes_from(range(len(graph.lon)))
    position = {node: at for at, node in enumerate(instance.road_nodes["node_id"])}
    for road, row in enumerate(instance.roads.to_dict("records")):
        inner = np.flatnonzero(graph.edge_idx == road)
        inner = inner[np.argsort(graph.edge_frac[inner])]
        passed = [position[row["from_node"]], *inner.tolist(), position[row["to_node"]]]
        at_frac = np.diff([0.0, *graph.edge_frac[inner], 1.0])
        minutes = at_frac * 60 * row["length_km"] / row["speed_kmh"]
        for tail, head, piece_min in zip(passed, passed[1:], minutes, strict=False):
            for one, other in [(tail, head)] + [(head, tail)] * (row.get("oneway") is not True):
                known = pieces.get_edge_data(one, other, {"minutes": np.inf})["minutes"]
                pieces.add_edge(one, other, minutes=min(known, piece_min))
    return pieces


def test_audit_is_the_same_search_by_search(
    tutorial: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = _random_roads(tutorial, 3, one_way=True)
    graph = build_road_graph(instance)
    rng = np.random.default_rng(3)
    sites, zones = (
        _access(rng.integers(0, len(graph.lon), count), np.zeros(count)) for count in (12, 40)
    )
    site, zone = np.divmod(np.arange(12 * 40), 40)
    pairs = pd.DataFrame({"site_idx": site, "zone_idx": zone})
    together = audit_drive_times(instance, graph, sites, zones, pairs)
    monkeypatch.setattr("planner.network.audit.MOST_AT_ONCE", 1)
    assert np.isfinite(together).any()
    assert audit_drive_times(instance, graph, sites, zones, pairs) == pytest.approx(together)


def test_audit_finds_zones_out_of_reach(tutorial: Instance) -> None:
    graph = build_road_graph(tutorial)
    sites, zones = join_places(graph, tutorial)
    pairs = pd.DataFrame({"site_idx": [0, 0, 0], "zone_idx": [1, 2, 7]})
    audited = audit_drive_times(tutorial, graph, sites, zones, pairs)
    assert audited == pytest.approx([0, 1, np.inf], abs=1e-3)


def test_roads_are_cut_and_keep_their_length(tutorial: Instance) -> None:
    graph = build_road_graph(tutorial)
    assert len(graph.lon) == 8 + 7  # 1 km roads, pieces of 0.5 km
    assert graph.neighbour_min.sum() == pytest.approx(2 * 7.0)
    assert graph.edge_idx.tolist() == [-1] * 8 + list(range(7))
    assert to_networkx(tutorial).size(weight="length_km") == pytest.approx(2 * 7.0)


def test_places_far_from_roads_are_left_out(tutorial: Instance) -> None:
    zones = tutorial.zones[:2].assign(lon=[126.6, 126.6], lat=[45.76, 46.75])
    instance = replace(tutorial, zones=zones)
    graph = build_road_graph(instance)
    sites, access = join_places(graph, instance)
    assert access.point_idx.tolist() == [0, -1]
    straight_km = great_circle_km(126.6, 45.75, 126.6, 45.76)
    assert access.access_min[0] == pytest.approx(60 * straight_km * 1.3 / 20)
    assert access.access_min[1] == np.inf
    assert access.leads_on.tolist() == [True, False]
    reach = drive_time_reach(graph, sites, access, 100.0)
    assert reach.zone_idx.tolist() == [0] * len(tutorial.sites)


def test_the_customer_drives_to_the_station(tutorial: Instance) -> None:
    """Roads of the tutorial driven eastwards only: sites serve what lies in the west of them."""
    instance = replace(tutorial, roads=tutorial.roads.assign(oneway=True))
    graph = build_road_graph(instance)
    sites, zones = join_places(graph, instance)
    reach = drive_time_reach(graph, sites, zones, 2.5)
    site_of_arc = np.repeat(np.arange(len(sites.point_idx)), np.diff(reach.ptr))
    site_lon, zone_lon = (table["lon"].to_numpy() for table in (instance.sites, instance.zones))
    east_km = great_circle_km(zone_lon[reach.zone_idx], 45.75, site_lon[site_of_arc], 45.75)
    assert reach.drive_min == pytest.approx(east_km, abs=1e-3)  # 60 km/h
    assert (site_lon[site_of_arc] >= zone_lon[reach.zone_idx]).all()
    assert len(reach.zone_idx) == sum(min(n, 3) for n in (2, 3, 4, 5, 7))  # Z1 is 1, and so on


def _with_stray(tutorial: Instance, *, site: bool = False) -> Instance:
    """A road of 20 m that joins no other, 11 m from zone Z5 (and from site E, or not)."""
    stray = pd.DataFrame({"node_id": [101, 102], "lon": [126.6514, 126.65166], "lat": 45.7502})
    road = pd.DataFrame(
        {"from_node": [101], "to_node": [102], "length_km": [0.02], "speed_kmh": [30.0]}
    )
    zones, sites = tutorial.zones.copy(), tutorial.sites.copy()
    zones.loc[zones["zone_id"] == "Z5", "lat"] = 45.7503
    sites.loc[sites["site_id"] == "E", "lat"] = 45.7503
    sites.loc[sites["site_id"] == "E", "status"] = "candidate" if site else "forbidden"
    return replace(
        tutorial,
        road_nodes=pd.concat([tutorial.road_nodes, stray], ignore_index=True),
        roads=pd.concat([tutorial.roads, road], ignore_index=True),
        zones=zones,
        sites=sites,
    )


def test_zones_pass_over_roads_that_lead_to_no_site(tutorial: Instance) -> None:
    instance = _with_stray(tutorial)
    graph = build_road_graph(instance)
    sites, zones = join_places(graph, instance)
    at = instance.zones["zone_id"].tolist().index("Z5")
    away_km = great_circle_km(126.651552, 45.7503, 126.651552, 45.75)
    assert zones.access_min[at] == pytest.approx(60 * away_km * 1.3 / 20, abs=1e-3)
    assert np.flatnonzero(zones.passes_over).tolist() == [at]
    assert zones.leads_on.all()
    parts = road_parts(instance, graph, sites, zones)
    assert parts["length_km"].tolist() == pytest.approx([7.0, 0.02])
    assert parts["zones"].tolist() == [8, 0]


def test_a_part_with_zone_and_site_is_joined(tutorial: Instance) -> None:
    instance = _with_stray(tutorial, site=True)
    graph = build_road_graph(instance)
    sites, zones = join_places(graph, instance)
    assert not zones.passes_over.any()
    assert road_parts(instance, graph, sites, zones)["zones"].tolist() == [7, 1]


def test_sites_pass_over_roads_that_no_zone_takes(tutorial: Instance) -> None:
    instance = _with_stray(tutorial, site=True)
    instance = replace(instance, zones=tutorial.zones[tutorial.zones["zone_id"] != "Z5"])
    sites, _ = join_places(build_road_graph(instance), instance)
    assert instance.sites["site_id"][sites.passes_over].tolist() == ["E"]


def test_one_of_site_and_zones_moves_not_both(tutorial: Instance) -> None:
    """The only site beside a stray road, all zones on the main one: the site comes to them."""
    instance = _with_stray(tutorial, site=True)
    instance = replace(
        instance,
        sites=instance.sites[instance.sites["site_id"] == "E"],
        zones=tutorial.zones[tutorial.zones["zone_id"] != "Z5"],
    )
    graph = build_road_graph(instance)
    sites, zones = join_places(graph, instance)
    assert sites.passes_over.all()
    assert not zones.passes_over.any()
    assert len(drive_time_reach(graph, sites, zones, 60.0).zone_idx) == len(instance.zones)


def test_zones_on_a_part_without_site_are_told(tutorial: Instance) -> None:
    """Nothing else lies within reach of access: they stay where they are, and are named."""
    instance = _with_stray(tutorial)
    nodes = instance.road_nodes.copy()
    nodes.loc[nodes["node_id"] > 100, "lat"] = 46.5
    zones = instance.zones.copy()
    zones.loc[zones["zone_id"] == "Z5", "lat"] = 46.5
    instance = replace(instance, road_nodes=nodes, zones=zones)
    network = join_network(instance)
    assert network is not None
    rows = {row["item"]: row["value"] for row in network_assumptions(instance, network)}
    assert rows["zones from which no road leads to a site"] == "1: Z5"
    assert rows["roads in parts that do not meet"] == (
        "2: 7 km (99.7%) with 7 zones and 5 sites; 0.02 km (0.3%) with 1 zones and 0 sites"
    )


def test_a_one_way_street_out_of_the_map_is_passed_over(tutorial: Instance) -> None:
    """From its end no road leads to any site: the zone there joins the road beside."""
    roads = tutorial.roads.copy()
    roads["oneway"] = roads["to_node"] == 8
    instance = replace(tutorial, roads=roads)
    _, zones = join_places(build_road_graph(instance), instance)
    assert instance.zones["zone_id"][zones.passes_over].tolist() == ["Z8"]
    assert zones.leads_on.all()


def test_roads_are_cut_across_the_date_line(tutorial: Instance) -> None:
    nodes = pd.DataFrame({"node_id": [1, 2], "lon": [179.99, -179.99], "lat": 16.0})
    roads = pd.DataFrame({"from_node": [1], "to_node": [2], "length_km": 2.14, "speed_kmh": 60.0})
    instance = replace(tutorial, road_nodes=nodes, roads=roads)
    graph = build_road_graph(instance)
    assert (np.abs(graph.lon) >= 179.99).all()
    assert (np.abs(graph.lon) <= 180).all()
    assert great_circle_km(graph.lon, graph.lat, 180, 16).max() == pytest.approx(1.07, rel=0.01)


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
        sites, zones = (
            Access(
                np.arange(count, dtype=np.int32), np.zeros(count),
                np.zeros(count, bool), np.ones(count, bool),
            )
            for count in (1, 5)
        )  # fmt: skip
        reach = drive_time_reach(graph, sites, zones, standard)
        assert sorted(reach.zone_idx.tolist()) == list(range(reached))
        assert reach.drive_min.max() <= standard
        pairs = pd.DataFrame({"site_idx": 0, "zone_idx": reach.zone_idx})
        assert np.isfinite(audit_drive_times(instance, graph, sites, zones, pairs)).all()
        nearest = audit_nearest(instance, graph, sites, zones, np.array([0]))
        assert np.isfinite(nearest).sum() == reached
