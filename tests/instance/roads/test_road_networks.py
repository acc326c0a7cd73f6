"""Road tables from OpenStreetMap extracts and OSMnx graphs, drawn by the tests themselves."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import osmium
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from planner.errors import InputError
from planner.instance import read_instance
from planner.instance.china_datum import shift_to_gcj02
from planner.instance.roads.osm_extract import read_osm_extract, travel_direction
from planner.instance.roads.osmnx_graph import read_osmnx_graph
from planner.instance.roads.road_tables import (
    MIN_PART_KM,
    RoadSegments,
    RoadTables,
    segment_length_km,
    simplify_roads,
)
from planner.instance.settings.sources import Sources
from planner.planning.joined_network import reach_on_network

LAT = 45.75
"""Around the tutorial's town; a degree of longitude there is 77.8 km."""

Way = tuple[Sequence[int], Mapping[str, str]]


def _write_pbf(path: Path, points: Mapping[int, tuple[float, float]], ways: Sequence[Way]) -> Path:
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path)) as writer:
        for node_id, place in points.items():
            writer.add_node(osmium.osm.mutable.Node(id=node_id, location=place))
        for number, (refs, tags) in enumerate(ways, start=1):
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=refs, tags=dict(tags)))
    return path


def _straight(first: int, count: int, *, lat: float = LAT, step: float = 0.01):
    """Points 100 + 0, 1, ... on a parallel, ``step`` degrees apart."""
    return {first + k: (126.6 + k * step, lat) for k in range(count)}


def _edges(tables: RoadTables) -> dict[tuple[int, int], tuple[float, float]]:
    roads = tables.roads
    return {
        (row.from_node, row.to_node): (round(row.length_km, 2), round(row.speed_kmh, 1))
        for row in roads.itertuples()
    }


def _note(tables: RoadTables, item: str) -> str:
    return next(note.value for note in tables.notes if note.item.endswith(item))


def test_ways_become_edges(tmp_path: Path) -> None:
    points = _straight(100, 6) | {200: (126.62, LAT + 0.01), 300: (126.62, LAT - 0.01)}
    ways = [
        ([100, 101, 102], {"highway": "primary", "maxspeed": "60"}),
        ([102, 103], {"highway": "trunk", "maxspeed": "30 mph", "oneway": "yes"}),
        ([103, 104, 105], {"highway": "residential"}),
        ([102, 200], {"highway": "tertiary", "maxspeed": "CN:urban"}),
        ([102, 300], {"highway": "footway"}),
        ([105, 300], {"highway": "residential", "motor_vehicle": "private"}),
        ([104, 300], {"highway": "service"}),
    ]
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways))
    # 101 and 104 are passed over; at 103 speed and direction change.
    assert tables.road_nodes["node_id"].tolist() == [100, 102, 103, 105, 200]
    assert _edges(tables) == {
        (100, 102): (1.56, 48.0),
        (102, 103): (0.78, 38.6),
        (102, 200): (1.11, 30.0),
        (103, 105): (1.56, 22.5),
    }
    assert tables.roads["oneway"].tolist() == [False, True, False, False]
    assert _note(tables, "speeds").startswith("46.7%")
    assert _note(tables, "limits that say no speed") == "1"
    assert np.allclose(tables.road_nodes[["lon", "lat"]].iloc[0], [126.6, LAT])


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "primary"}, 0),
        ({"highway": "primary", "oneway": "yes"}, 1),
        ({"highway": "primary", "oneway": "-1"}, -1),
        ({"highway": "primary", "oneway": "reversible"}, 0),
        ({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}, 0),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
        ({"highway": "tertiary", "junction": "roundabout"}, 1),
    ],
)
def test_travel_direction(tags: Mapping[str, str], expected: int) -> None:
    assert travel_direction(tags) == expected


def test_one_way_streets_keep_their_direction(tmp_path: Path) -> None:
    points = _straight(100, 6)
    ways = [
        ([100, 101, 102], {"highway": "primary", "oneway": "yes"}),
        ([104, 103, 102], {"highway": "primary", "oneway": "-1"}),  # goes on to 104
        ([105, 104], {"highway": "primary", "oneway": "yes"}),  # comes against it
    ]
    roads = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways)).roads
    assert roads[["from_node", "to_node"]].to_numpy().tolist() == [[100, 104], [105, 104]]
    assert roads["oneway"].all()


def test_of_second_roads_the_fastest_stands_by_direction(tmp_path: Path) -> None:
    points = _straight(1, 2, step=0.1) | {3: (126.65, LAT + 0.0001), 4: (126.65, LAT - 0.0001)}
    fast = ([2, 3, 1], {"highway": "motorway"})
    slow = ([1, 4, 2], {"highway": "primary"})
    roads = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, [fast, slow])).roads
    assert roads[["from_node", "to_node", "speed_kmh", "oneway"]].to_numpy().tolist() == [
        [1, 2, 45.0, True],
        [2, 1, 90.0, True],
    ]
    slow[1]["maxspeed"] = "150"  # 120 km/h: the faster one both ways
    roads = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, [fast, slow])).roads
    assert roads[["from_node", "to_node", "speed_kmh", "oneway"]].to_numpy().tolist() == [
        [1, 2, 120.0, False]
    ]


def test_roads_across_the_date_line(tmp_path: Path) -> None:
    lon = (179.98, 179.99, -180.0, -179.99, -179.98)
    points = {k: (x, 16.0) for k, x in enumerate(lon, start=1)}
    ways = [([1, 2, 3, 4, 5], {"highway": "primary"})]
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways))
    assert _edges(tables) == {(1, 5): (4.28, 45.0)}  # straight: no bend where 180 becomes -180


def test_bends_rings_and_second_roads(tmp_path: Path) -> None:
    points = {
        1: (126.60, LAT), 2: (126.65, LAT), 3: (126.625, LAT + 0.02),  # a bend of 2 km
        4: (126.625, LAT + 0.0001),  # a second road 11 m beside the first
        5: (126.66, LAT), 6: (126.66, LAT + 0.01), 7: (126.65, LAT + 0.01),  # a ring at 2
        8: (126.70, LAT), 9: (126.7001, LAT), 10: (126.7001, LAT + 0.0001),  # a turning circle
    }  # fmt: skip
    ways = [
        ([1, 2], {"highway": "primary"}),
        ([1, 3, 2], {"highway": "residential"}),
        ([1, 4, 2], {"highway": "residential"}),
        ([2, 5, 6, 7, 2], {"highway": "residential"}),
        ([5, 8, 9, 10, 8], {"highway": "residential"}),
    ]
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways))
    edges = _edges(tables)
    assert edges[1, 2][1] == 45  # the faster one
    assert {(1, 3), (2, 3), (2, 5), (5, 6), (6, 7), (2, 7), (5, 8)} < set(edges)
    assert len(edges) == 8
    assert _note(tables, "simplified").startswith("10 points to 7; 3.9 km of loops")


def test_parts_that_join_no_other(tmp_path: Path) -> None:
    points = _straight(100, 31) | _straight(200, 28, lat=46.5) | _straight(300, 11, lat=47.0)
    ways = [(list(range(first, first + n)), {"highway": "primary"})
            for first, n in ((100, 31), (200, 28), (300, 11))]  # fmt: skip
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways))
    assert MIN_PART_KM == 20
    assert set(_edges(tables)) == {(100, 130), (200, 227)}  # 23.3 and 20.7 km; not 7.6 km
    assert _note(tables, "connected parts") == (
        "2 kept with 44 km, the longest 45.2% of the file's roads; 1 left out with 7.6 km"
    )
    only = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways[2:]))
    assert set(_edges(only)) == {(300, 310)}  # the longest stays, however short


def test_an_extract_cut_at_its_edge(tmp_path: Path) -> None:
    points = _straight(100, 6)
    del points[102]
    ways = [([100, 101, 102, 103, 104, 105], {"highway": "primary"})]
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", points, ways))
    assert set(_edges(tables)) == {(103, 105)}
    assert _note(tables, "points missing") == "1"


def test_broken_extracts(tmp_path: Path) -> None:
    path = _write_pbf(
        tmp_path / "roads.osm.pbf", _straight(1, 3000, step=0.001),
        [([k, k + 1], {"highway": "primary", "name": f"{k * k}"}) for k in range(1, 2999)],
    )  # fmt: skip
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"roads\.osm\.pbf: .*cannot be read as an OpenStreetMap"):
        read_osm_extract(path)
    path.write_bytes(b"not a protocol buffer at all")
    with pytest.raises(InputError, match="cannot be read as an OpenStreetMap"):
        read_osm_extract(path)
    _write_pbf(path, _straight(1, 2), [([1, 2], {"highway": "footway"})])
    with pytest.raises(InputError, match="holds no drivable road"):
        read_osm_extract(path)


def _segments(edges: Sequence[tuple[int, int, int, bool]], places: Sequence[tuple[float, float]]):
    lon, lat = np.array(places, dtype=float).T
    tail, head, speed_kmh, is_one_way = (np.array(column) for column in zip(*edges, strict=True))
    return RoadSegments(
        node_id=np.arange(len(lon)) * 7,
        lon=lon,
        lat=lat,
        tail=tail,
        head=head,
        length_km=segment_length_km(lon, lat, tail, head),
        speed_kmh=speed_kmh.astype(float),
        has_limit=np.zeros(len(tail), dtype=np.bool_),
        is_one_way=is_one_way.astype(np.bool_),
    )


def _drives(ends, hours, is_one_way) -> "nx.DiGraph":
    """Every road as one arc or two; of several the fastest."""
    graph = nx.DiGraph()
    for (start, end), time, one_way in zip(ends, hours, is_one_way, strict=True):
        for tail, head in [(start, end)] if one_way else [(start, end), (end, start)]:
            known = graph.get_edge_data(tail, head, {"hours": np.inf})
            graph.add_edge(tail, head, hours=min(time, known["hours"]))
    return graph


@settings(max_examples=300, deadline=None)
@given(
    places=st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=6, max_size=6, unique=True
    ),
    edges=st.lists(
        st.tuples(
            st.integers(0, 5), st.integers(0, 5), st.sampled_from([20, 120]), st.booleans()
        ).filter(lambda edge: edge[0] != edge[1]),
        min_size=1,
        max_size=12,
    ),
)
def test_drive_times_stay(places, edges) -> None:
    """Between the points that remain the shortest times are those of the source."""
    source = _segments(edges, [(126 + x / 200, 45 + y / 200) for x, y in places])
    tables = simplify_roads(source, "drawn")
    roads = tables.roads
    ends = [(tail * 7, head * 7) for tail, head, *_ in edges]
    before = _drives(ends, source.length_km / source.speed_kmh, source.is_one_way)
    after = _drives(
        roads[["from_node", "to_node"]].itertuples(index=False, name=None),
        roads["length_km"] / roads["speed_kmh"],
        roads["oneway"],
    )
    for start, found in nx.all_pairs_dijkstra_path_length(after, weight="hours"):
        expected = nx.single_source_dijkstra_path_length(before, start, weight="hours")
        assert set(found) == set(expected) & set(after.nodes)
        for end, hours in found.items():
            assert hours == pytest.approx(expected[end], rel=1e-3, abs=1e-5)
    if len(roads):
        assert set(tables.road_nodes["node_id"]) == set(after.nodes)
    assert not roads.duplicated(["from_node", "to_node"]).any()
    # No road joins two speeds: places beside it get the time of the road that they stand at.
    assert roads["speed_kmh"].to_numpy() == pytest.approx(
        np.where(roads["speed_kmh"] < 70, 20.0, 120.0), rel=1e-3
    )


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ways=st.lists(
        st.tuples(
            st.lists(st.integers(0, 7), min_size=2, max_size=5, unique=True),
            st.sampled_from(["25", "75", "150"]),
            st.sampled_from(["yes", "-1", "no"]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_files_give_the_times_of_their_ways(tmp_path: Path, ways) -> None:
    """Both formats against the ways as they are written, in another reading than the planner's."""
    places = {k + 1: (126.6 + 0.01 * (k * k % 7), LAT + 0.01 * (k * 3 % 8)) for k in range(8)}
    ends, hours, speeds = [], [], []
    for points, limit, oneway in ways:
        refs = [point + 1 for point in points]
        for start, end in pairwise(refs):
            (x, y), (other_x, other_y) = places[start], places[end]
            km = Geod(ellps="WGS84").inv(x, y, other_x, other_y)[2] / 1000
            for pair in {"yes": [(start, end)], "-1": [(end, start)]}.get(
                oneway, [(start, end), (end, start)]
            ):
                ends.append(pair)
                hours.append(km / (0.8 * float(limit)))
                speeds.append((km, limit))
    source = _drives(ends, hours, [True] * len(ends))
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node_id, (x, y) in places.items():
        graph.add_node(node_id, x=str(x), y=str(y))
    for (start, end), (km, limit) in zip(ends, speeds, strict=True):
        graph.add_edge(start, end, length=str(1000 * km), maxspeed=limit, highway="primary")
    nx.write_graphml(graph, tmp_path / "roads.graphml")
    tags = [{"highway": "primary", "maxspeed": limit, "oneway": way} for _, limit, way in ways]
    refs_of = [[point + 1 for point in points] for points, *_ in ways]
    _write_pbf(tmp_path / "roads.osm.pbf", places, list(zip(refs_of, tags, strict=True)))
    for tables in (
        read_osm_extract(tmp_path / "roads.osm.pbf"),
        read_osmnx_graph(tmp_path / "roads.graphml", Sources()),
    ):
        roads = tables.roads
        read = _drives(
            roads[["from_node", "to_node"]].itertuples(index=False, name=None),
            roads["length_km"] / roads["speed_kmh"],
            roads["oneway"],
        )
        for start, found in nx.all_pairs_dijkstra_path_length(read, weight="hours"):
            expected = nx.single_source_dijkstra_path_length(source, start, weight="hours")
            assert set(found) == set(expected) & set(read.nodes)
            for end, time in found.items():
                assert time == pytest.approx(expected[end], rel=1e-3, abs=1e-5)


def test_lengths_of_one_road_stay_where_they_are() -> None:
    """Two edges drawn alike, one three times as long as drawn: 3 and 1 km, not 2 and 2."""
    source = _segments(
        [(0, 1, 60, False), (1, 2, 60, False)], [(126, 45), (126.1, 45), (126.2, 45)]
    )
    twisted = replace(source, length_km=source.length_km * [3.0, 1.0])
    assert len(simplify_roads(source, "drawn").roads) == 1
    roads = simplify_roads(twisted, "drawn").roads
    assert roads["length_km"].tolist() == pytest.approx(twisted.length_km.tolist(), abs=1e-6)


def _graph(**changes: object) -> "nx.MultiDiGraph":
    """Attributes are text, and two-way edges stand twice, as in files of OSMnx 1 and 2."""
    graph = nx.MultiDiGraph(crs="epsg:4326", created_with="OSMnx 2.1.1", simplified="True")
    places = {11: (126.6, 45.75), 12: (126.61, 45.75), 13: (126.61, 45.76), 14: (126.6, 45.76)}
    for node_id, (lon, lat) in places.items():
        graph.add_node(node_id, x=str(lon), y=str(lat), street_count="2")
    for start, end, reversed_ in ((11, 12, False), (12, 11, True)):
        graph.add_edge(start, end, osmid="10", highway="primary", maxspeed="60", oneway="False",
                       reversed=str(reversed_), length="780.0")  # fmt: skip
    graph.add_edge(
        12, 13, osmid="[11, 12]", highway="['secondary', 'tertiary']", oneway="True",
        reversed="False", length="1300.0",
        geometry="LINESTRING (126.61 45.75, 126.615 45.755, 126.61 45.76)",
    )  # fmt: skip
    for start, end, tags in (
        (13, 14, {"highway": "residential", "maxspeed": "['30', '50']", "length": "780.0"}),
        (14, 11, {"highway": "busway", "speed_kph": "33.0", "length": "1112.0"}),
        (11, 13, {"highway": "busway", "length": "1400.0"}),
    ):
        graph.add_edge(start, end, oneway="False", **tags)
    graph.graph.update(changes)
    return graph


def test_osmnx_graph(tmp_path: Path) -> None:
    path = tmp_path / "roads.graphml"
    nx.write_graphml(_graph(), path)
    tables = read_osmnx_graph(path, Sources())
    assert tables.road_nodes["node_id"].tolist() == [11, 12, 13, 14, 15]
    assert _edges(tables) == {
        (11, 12): (0.78, 48.0),
        (11, 13): (1.4, 22.5),
        (11, 14): (1.11, 33.0),
        (12, 15): (0.65, 33.3),
        (13, 14): (0.78, 30.0),
        (15, 13): (0.65, 33.3),
    }
    one_way = tables.roads[tables.roads["oneway"]]
    assert set(zip(one_way["from_node"], one_way["to_node"], strict=True)) == {
        (12, 15), (15, 13)
    }  # fmt: skip
    assert _note(tables, "edges of several speeds") == "2 edges, 2.1 km"
    bend = tables.road_nodes.set_index("node_id").loc[15]
    assert bend.tolist() == [126.615, 45.755]


def test_osmnx_references(tmp_path: Path) -> None:
    path = tmp_path / "roads.graphml"
    nx.write_graphml(_graph(), path)
    expected = read_osmnx_graph(path, Sources())
    from pyproj import Transformer

    way = Transformer.from_crs(4326, 32652, always_xy=True)
    for crs, convert, source in (
        ("epsg:32652", way.transform, Sources()),
        ("epsg:4326", shift_to_gcj02,
         Sources.model_validate({"tables": {"roads": {"coordinate_reference": "GCJ-02"}}})),
    ):  # fmt: skip
        graph = _graph(crs=crs)
        for _, data in graph.nodes(data=True):
            data["x"], data["y"] = (str(v) for v in convert(float(data["x"]), float(data["y"])))
        bend = convert(126.615, 45.755)
        graph.edges[12, 13, 0]["geometry"] = f"LINESTRING (0 0, {bend[0]} {bend[1]}, 1 1)"
        nx.write_graphml(graph, path)
        tables = read_osmnx_graph(path, source)
        pd.testing.assert_frame_equal(tables.road_nodes, expected.road_nodes, atol=1e-8, rtol=0)
        pd.testing.assert_frame_equal(tables.roads, expected.roads, atol=1e-4, rtol=0)
    graph = _graph()
    del graph.graph["crs"]
    nx.write_graphml(graph, path)
    with pytest.raises(InputError, match=r"roads\.graphml, coordinate reference: the file states"):
        read_osmnx_graph(path, Sources())
    read_osmnx_graph(path, Sources(coordinate_reference="WGS84"))


def test_broken_osmnx_graphs(tmp_path: Path) -> None:
    path = tmp_path / "roads.graphml"
    graph = _graph(crs="epsg:0")
    del graph.nodes[14]["x"]
    graph.edges[14, 11, 0]["length"] = "long"
    graph.edges[12, 13, 0]["geometry"] = "LINESTRING (1"
    nx.write_graphml(graph, path)
    with pytest.raises(InputError) as caught:
        read_osmnx_graph(path, Sources())
    assert [str(fault) for fault in caught.value.faults] == [
        "roads.graphml, coordinate reference: epsg:0: PROJ does not know it; project the graph to "
        "EPSG:4326 and save again",
        "roads.graphml, row 4, x, y: node 14: node has no place; give both",
        "roads.graphml, row 6, length: edge 14 to 11: edge has no length in metres; OSMnx: "
        "distance.add_edge_lengths",
        "roads.graphml, row 4, geometry: edge 12 to 13: not a line in well-known text",
    ]
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole.replace(b'"11"', b'"n11"')):
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot be read as GraphML with whole node numbers"):
            read_osmnx_graph(path, Sources())


def test_speeds_far_from_those_of_their_class_are_told(tmp_path: Path) -> None:
    ways = [
        ([1, 2], {"highway": "living_street", "maxspeed": "120"}),
        ([2, 3], {"highway": "living_street", "maxspeed": "10"}),
    ]
    tables = read_osm_extract(_write_pbf(tmp_path / "roads.osm.pbf", _straight(1, 3), ways))
    assert _note(tables, "speeds far from those of their class") == "1: ways 1"
    graph = _graph()
    graph.edges[12, 13, 0]["speed_kph"] = "5"  # of a secondary road: in m/s?
    nx.write_graphml(graph, tmp_path / "roads.graphml")
    tables = read_osmnx_graph(tmp_path / "roads.graphml", Sources())
    assert _note(tables, "speeds far from those of their class") == "1: edges 12 to 13"


def test_edges_of_a_graph_by_direction(tmp_path: Path) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node_id in range(1, 6):
        graph.add_node(node_id, x=str(126 + node_id / 100), y="45.75")
    alike = {"highway": "primary", "length": "779"}
    graph.add_edge(1, 2, **alike)  # both ways, as it stands there twice
    graph.add_edge(2, 1, **alike)
    graph.add_edge(3, 2, oneway="True", reversed="True", **alike)  # source to target all the same
    graph.add_edge(3, 4, maxspeed="100", **alike)  # by direction
    graph.add_edge(4, 3, maxspeed="50", **alike)
    graph.add_edge(4, 5, oneway="False", **alike)
    path = tmp_path / "roads.graphml"
    nx.write_graphml(graph, path)
    roads = read_osmnx_graph(path, Sources()).roads
    assert roads.drop(columns="length_km").to_numpy().tolist() == [
        [1, 2, 45.0, False],
        [3, 2, 45.0, True],
        [3, 4, 80.0, True],
        [4, 3, 40.0, True],
        [4, 5, 45.0, False],
    ]
    nx.write_graphml(graph.to_undirected(), path)
    tables = read_osmnx_graph(path, Sources())
    assert not tables.roads["oneway"].any()
    assert _note(tables, "direction") == "all roads passable both ways"


@pytest.mark.parametrize(
    ("where", "attribute", "value", "said"),
    [
        ("node", "x", "1e400", "row 2, x, y: node 12: node has no place"),
        ("edge", "length", "inf", "row 1, length: edge 11 to 12: edge has no length in metres"),
        ("edge", "speed_kph", "1e-320", "row 1, speed_kph: edge 11 to 12: must be 1 to 200"),
        ("edge", "geometry", "POINT (1 1)", "row 1, geometry: edge 11 to 12: not a line"),
        ("edge", "geometry", "LINESTRING (0 0, 1e400 1, 1 1)", "row 1, geometry: edge 11 to 12"),
        ("graph", "crs", "epsg:32652", "coordinate reference: .*4 of 5 points lie far outside"),
    ],
)
def test_odd_attributes_of_graphs(
    tmp_path: Path, where: str, attribute: str, value: str, said: str
) -> None:
    graph = _graph()
    if where == "graph":
        for node in graph:
            graph.nodes[node].update(x="1e30", y="1e30")
    of = {"node": graph.nodes[12], "edge": graph.edges[11, 12, 0], "graph": graph.graph}[where]
    of[attribute] = value
    path = tmp_path / "roads.graphml"
    nx.write_graphml(graph, path)
    with pytest.raises(InputError, match=said):
        read_osmnx_graph(path, Sources())


def test_node_numbers_no_table_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "roads.graphml"
    nx.write_graphml(_graph(), path)
    path.write_text(path.read_text(encoding="utf-8").replace('"11"', f'"{10**20}"'), "utf-8")
    with pytest.raises(
        InputError, match=f"row 4, id: node {10**20}: must be 0 to 9007199254740992"
    ):
        read_osmnx_graph(path, Sources())


def test_attributes_without_a_type_are_text(tmp_path: Path) -> None:
    path = tmp_path / "roads.graphml"
    nx.write_graphml(_graph(), path)
    whole = path.read_text(encoding="utf-8")
    expected = read_osmnx_graph(path, Sources()).roads
    path.write_text(whole.replace(' attr.type="string"', ""), encoding="utf-8")
    pd.testing.assert_frame_equal(read_osmnx_graph(path, Sources()).roads, expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<?xml version="1.0" encoding="klingon"?><graphml/>', "unknown encoding"),
        ('<?xml version="1.0"?><kml/>', "file not successfully read as graphml"),
        ("node,x,y\n1,2,3\n", "syntax error"),
        ("", "no element found"),
    ],
)
def test_graphs_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "roads.graphml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"roads\.graphml: .*{said}.*: file cannot be read as Gra"
    ):
        read_osmnx_graph(path, Sources())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_road_files_are_faults(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes cut off, dropped or written over: read or refused, never a traceback."""
    path = tmp_path / data.draw(st.sampled_from(["roads.graphml", "roads.osm.pbf"]))
    if path.suffix == ".graphml":
        nx.write_graphml(_graph(), path)
    else:
        _write_pbf(path, _straight(1, 40), [(list(range(1, 41)), {"highway": "primary"})])
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from(["cut", "drop", "write"])):
            case "cut":
                del whole[max(at, 1) :]
            case "drop":
                del whole[at : at + data.draw(st.integers(1, 40))]
            case _:
                whole[at] = data.draw(st.integers(0, 255))
        whole = whole or bytearray(b" ")
    path.write_bytes(whole)
    try:
        if path.suffix == ".graphml":
            read_osmnx_graph(path, Sources())
        else:
            read_osm_extract(path)
    except InputError as error:
        told = error.faults
    else:
        told = ()
    assert all(fault.file == path.name and fault.remedy for fault in told)


@pytest.mark.parametrize("ending", [".osm.pbf", ".graphml"])
def test_an_instance_with_a_road_network(tutorial_copy: Path, ending: str) -> None:
    tutorial = read_instance(tutorial_copy)
    nodes, roads = tutorial.road_nodes, tutorial.roads
    path = tutorial_copy / f"roads{ending}"
    if ending == ".osm.pbf":
        points = {row.node_id: (row.lon, row.lat) for row in nodes.itertuples()}
        tags = {"highway": "residential", "maxspeed": "75"}
        _write_pbf(path, points, [([r.from_node, r.to_node], tags) for r in roads.itertuples()])
    else:
        graph = nx.MultiDiGraph(crs="epsg:4326")
        for row in nodes.itertuples():
            graph.add_node(row.node_id, x=str(row.lon), y=str(row.lat))
        for row in roads.itertuples():
            graph.add_edge(row.from_node, row.to_node, length=str(1000 * row.length_km),
                           speed_kph=str(row.speed_kmh), oneway="False")  # fmt: skip
        nx.write_graphml(graph, path)
    with pytest.raises(
        InputError, match=rf"roads\.csv or roads\{ending}: the table stands here tw"
    ):
        read_instance(tutorial_copy)
    (tutorial_copy / "roads.csv").unlink()
    with pytest.raises(InputError, match=rf"road_nodes\.csv: roads\{ending} holds the junctions"):
        read_instance(tutorial_copy)
    (tutorial_copy / "road_nodes.csv").unlink()
    read = read_instance(tutorial_copy)
    assert read.roads["length_km"].sum() == pytest.approx(roads["length_km"].sum(), rel=0.01)
    assert read.roads["speed_kmh"].tolist() == pytest.approx([60.0] * len(read.roads), rel=1e-3)
    assert path.name in {file.path for file in read.input_files}
    is_osm = ending == ".osm.pbf"
    assert read.assumptions["item"].str.startswith(path.name).sum() == 3 + is_osm
    assert ("OpenStreetMap contributors" in read.scenario.attribution) is is_osm


@pytest.mark.parametrize("ending", [".osm.pbf", ".graphml"])
def test_times_on_both_sides_of_a_change_of_speed(tutorial_copy: Path, ending: str) -> None:
    """A station between 3 km at 120 km/h and 3 km at 20 km/h: 1.5 and 9 min, not twice 5.25."""
    lon = [126.6, 126.638664, 126.677329]
    path = tutorial_copy / f"roads{ending}"
    if ending == ".osm.pbf":
        fast, slow = ({"highway": "primary", "maxspeed": kmh} for kmh in ("150", "25"))
        points = {number: (x, LAT) for number, x in enumerate(lon, start=1)}
        _write_pbf(path, points, [([1, 2], fast), ([2, 3], slow)])
    else:
        graph = nx.MultiDiGraph(crs="epsg:4326")
        for number, x in enumerate(lon, start=1):
            graph.add_node(number, x=str(x), y=str(LAT))
        for start, end, kmh in ((1, 2, "120"), (2, 1, "120"), (2, 3, "20"), (3, 2, "20")):
            graph.add_edge(start, end, length="3000", speed_kph=kmh, oneway="False")
        nx.write_graphml(graph, path)
    for name in ("roads.csv", "road_nodes.csv"):
        (tutorial_copy / name).unlink()
    instance = read_instance(tutorial_copy, overrides={"siting": {"drive_time_min": 10.0}})
    instance = replace(
        instance,
        sites=instance.sites[:1].assign(lon=lon[1], lat=LAT),
        zones=instance.zones[:2].assign(lon=[lon[0], lon[2]], lat=LAT),
    )
    _, reach = reach_on_network(instance)
    assert reach.drive_min.tolist() == pytest.approx([1.5, 9.0], rel=0.005)


def test_openstreetmap_is_wgs84(tutorial_copy: Path) -> None:
    for name in ("roads.csv", "road_nodes.csv"):
        (tutorial_copy / name).unlink()
    path = tutorial_copy / "roads.osm.pbf"
    _write_pbf(path, _straight(1, 9), [(list(range(1, 10)), {"highway": "primary"})])
    text = (tutorial_copy / "scenario.toml").read_text(encoding="utf-8")
    more = '\n[tables.roads]\ncoordinate_reference = "GCJ-02"\n'
    (tutorial_copy / "scenario.toml").write_text(text + more, encoding="utf-8")
    with pytest.raises(
        InputError, match=r"tables\.roads\.coordinate_reference: GCJ-02: OpenStreetMap is"
    ):
        read_instance(tutorial_copy)


@pytest.mark.parametrize(("name", "length_km"), [("harbin", 1703.0), ("chengdu", 614.0)])
def test_city_extracts(name: str, length_km: float) -> None:
    """Lengths within 5 % of those that pyrosm 0.25 finds for the same classes of road."""
    folder = os.environ.get("PLANNER_TEST_DATA")
    path = Path(folder or ".") / "osm" / f"{name}.osm.pbf"
    if folder is None or not path.is_file():
        pytest.skip("PLANNER_TEST_DATA names no folder with osm/*.osm.pbf")
    tables = read_osm_extract(path)
    assert tables.roads["length_km"].sum() == pytest.approx(length_km, rel=0.05)
    assert tables.roads["speed_kmh"].between(4, 120).all()
    ends = tables.roads[["from_node", "to_node"]].to_numpy()
    assert set(np.unique(ends)) == set(tables.road_nodes["node_id"])
