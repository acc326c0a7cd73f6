"""What files tell of themselves reaches the instance: shapes, references, whose data, water."""

from pathlib import Path

import geopandas
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import MultiPolygon, box

from planner.instance import Instance, read_instance, tell_references
from planner.instance.check_places import places_on_water
from planner.instance.china_datum import shift_to_gcj02
from planner.instance.credits import OPENSTREETMAP, is_of_openstreetmap, with_credit
from planner.instance.roads.osmnx_graph import read_osmnx_graph
from planner.instance.settings.sources import Sources


def _say(folder: Path, text: str) -> None:
    path = folder / "scenario.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")


def _squares(tutorial: Instance) -> geopandas.GeoDataFrame:
    zones = tutorial.zones
    around = [box(x - 0.004, y - 0.003, x + 0.006, y + 0.003)
              for x, y in zones[["lon", "lat"]].to_numpy()]  # fmt: skip
    around[3] = MultiPolygon([around[3], box(126.0, 45.5, 126.001, 45.501)])
    frame = zones.drop(columns=["lon", "lat"])
    return geopandas.GeoDataFrame(frame, geometry=around, crs=4326)


@pytest.mark.parametrize("reference", ["EPSG:32652", "GCJ-02"])
def test_polygons_of_zones_are_kept(
    tutorial: Instance, tutorial_copy: Path, reference: str
) -> None:
    """In the order of the zones, on WGS84, whatever the file's order and reference."""
    drawn = _squares(tutorial)
    given = drawn.iloc[::-1]
    if reference == "GCJ-02":
        moved = shapely.transform(
            given.geometry.to_numpy(), lambda at: np.column_stack(shift_to_gcj02(*at.T))
        )
        given = given.set_geometry(geopandas.GeoSeries(moved, given.index, crs=4326))
        _say(tutorial_copy, '[tables.zones]\ncoordinate_reference = "GCJ-02"')
    else:
        given = given.to_crs(reference)
    (tutorial_copy / "zones.csv").unlink()
    given.to_file(tutorial_copy / "zones.gpkg")
    read = read_instance(tutorial_copy)
    assert read.zone_shapes is not None
    assert read.zones["zone_id"].tolist() == drawn["zone_id"].tolist()
    off = shapely.symmetric_difference(read.zone_shapes, drawn.geometry.to_numpy())
    np.testing.assert_allclose(shapely.area(off), 0, atol=1e-9)
    again = read_instance(tutorial_copy, overrides={"solver": {"seed": 3}}, like=read)
    assert again.zone_shapes is read.zone_shapes


def test_points_and_cells_have_no_shapes(tutorial: Instance) -> None:
    assert tutorial.zone_shapes is None


def test_references_as_given(tutorial: Instance, tutorial_copy: Path) -> None:
    assert tell_references(tutorial.given_references) == "WGS84"
    sites, nodes = tutorial.sites.copy(), tutorial.road_nodes
    sites["lon"], sites["lat"] = shift_to_gcj02(sites["lon"], sites["lat"])
    sites.to_csv(tutorial_copy / "sites.csv", index=False)
    _say(tutorial_copy, '[tables.sites]\ncoordinate_reference = "GCJ-02"')
    points = geopandas.points_from_xy(nodes["lon"], nodes["lat"], crs=4326).to_crs(32652)
    (tutorial_copy / "road_nodes.csv").unlink()
    geopandas.GeoDataFrame(nodes[["node_id"]], geometry=points).to_file(
        tutorial_copy / "road_nodes.gpkg"
    )
    told = tell_references(read_instance(tutorial_copy).given_references)
    assert told == (
        "WGS84 (cities, zones), GCJ-02 (sites), WGS 84 / UTM zone 52N (road_nodes); "
        "brought to WGS84 once"
    )


def test_one_shifted_reference_for_all() -> None:
    told = tell_references({"cities": "BD-09", "sites": "BD-09"})
    assert told == "BD-09; brought to WGS84 once"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"osm_id": ["1"]}, True),  # Geofabrik, GDAL
        ({"OSM_ID": ["1"]}, True),
        ({"osmid": ["[1, 2]"]}, True),  # OSMnx
        ({"@id": ["node/240109189"]}, True),  # Overpass turbo
        ({"id": [None, "way/5"]}, True),
        ({"id": ["5"], "name": ["way/5"]}, False),
        ({"@id": ["https://example.org/5"]}, False),
        ({"id": [None]}, False),
        ({}, False),
    ],
)
def test_columns_of_openstreetmap(columns: dict[str, list[object]], expected: bool) -> None:
    assert is_of_openstreetmap(pd.DataFrame(columns)) is expected
    assert is_of_openstreetmap(pd.DataFrame({"a": [1]}), columns) is (
        expected and "id" not in columns and "@id" not in columns
    )


def test_openstreetmap_is_credited_once() -> None:
    assert with_credit("") == OPENSTREETMAP
    own = "Roads: © OpenStreetMap-Mitwirkende (ODbL)."
    assert with_credit(own) == own


def test_a_table_of_openstreetmap_is_credited(tutorial: Instance, tutorial_copy: Path) -> None:
    """Also where the column that shows it is left away."""
    sites = tutorial.sites.assign(osm_id=range(len(tutorial.sites)))
    sites.to_csv(tutorial_copy / "sites.csv", index=False)
    _say(tutorial_copy, '[tables.sites]\nignore = ["osm_id"]')
    stated = tutorial.scenario.attribution
    read = read_instance(tutorial_copy)
    assert read.scenario.attribution == f"{stated} {OPENSTREETMAP}".strip()
    assert read.assumptions.set_index("item").loc["sites.csv: licence", "value"] == OPENSTREETMAP
    again = read_instance(tutorial_copy, overrides={"solver": {"seed": 3}}, like=read)
    assert again.scenario.attribution == read.scenario.attribution
    assert again.scenario.solver.seed == 3


@pytest.mark.parametrize(
    ("of_graph", "of_edge", "expected"),
    [
        ({"created_with": "OSMnx 2.0.1"}, {}, True),
        ({}, {"osmid": "5"}, True),
        ({}, {"highway": "primary"}, True),
        ({}, {}, False),  # drawn by somebody else
    ],
)
def test_graphs_of_openstreetmap(
    tmp_path: Path, of_graph: dict[str, str], of_edge: dict[str, str], expected: bool
) -> None:
    graph = nx.MultiDiGraph(crs="epsg:4326", **of_graph)
    for node in range(30):
        graph.add_node(node, x=str(126.6 + 0.01 * node), y="45.7")
    for node in range(29):
        graph.add_edge(node, node + 1, length="778.0", **of_edge)
    nx.write_graphml(graph, tmp_path / "roads.graphml")
    assert read_osmnx_graph(tmp_path / "roads.graphml", Sources()).is_osm is expected


def test_places_on_water_are_told(tutorial: Instance) -> None:
    """On the bridge over Hangzhou Bay; not in a harbour, where the shore as drawn is near."""
    frames = {name: getattr(tutorial, name).iloc[:0] for name in ("cities", "corridor_sites")}
    bridge, ashore, harbour = (121.13, 30.45), (120.2, 30.3), (121.51, 31.39)
    frames["zones"] = pd.DataFrame(
        [("b", *bridge, 7.0), ("a", *bridge, 1200.0), ("c", *ashore, 50.0), ("d", *harbour, 50.0)],
        columns=["zone_id", "lon", "lat", "car_owning_households"],
    )
    frames["sites"] = pd.DataFrame({"site_id": ["s"], "lon": [ashore[0]], "lat": [ashore[1]]})
    files = {"zones": "zones.gpkg", "sites": "sites.csv", "cities": "cities.csv"}
    (note,) = places_on_water(frames, files)
    assert note.item == "zones.gpkg: zones on water"
    assert note.value == "2 of 4 zones, 1,207 car-owning households: a; b"
    assert note.mark == "?"
    assert places_on_water(frames, {"sites": "sites.csv"}) == []


def test_a_zone_on_water_stands_in_the_assumptions(tutorial: Instance, tutorial_copy: Path) -> None:
    frames = {name: getattr(tutorial, name).copy() for name in
              ("cities", "zones", "sites", "road_nodes")}  # fmt: skip
    for name, frame in frames.items():  # into the Yellow Sea
        frame.assign(lon=frame["lon"] - 3.0, lat=frame["lat"] - 10.0).to_csv(
            tutorial_copy / f"{name}.csv", index=False
        )
    roads = tutorial.roads
    longer = np.cos(np.radians(35.75)) / np.cos(np.radians(45.75))
    roads.assign(length_km=roads["length_km"] * longer).to_csv(
        tutorial_copy / "roads.csv", index=False
    )
    read = read_instance(tutorial_copy)
    items = {note.item for note in read.notes if note.item.endswith("on water")}
    assert items == {
        "cities.csv: cities on water", "zones.csv: zones on water", "sites.csv: sites on water"
    }  # fmt: skip
    assert items <= set(read.assumptions["item"])
