"""Tiles of a run: all layers in one file, none too large, drawn as QGIS draws them."""

import gzip
import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles

from planner.outputs import palette
from planner.outputs.layers.columns import WrittenColumn
from planner.outputs.layers.export import export_run
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.read_back import open_run
from planner.outputs.layers.tiles import DEEPEST_ZOOM, ZoomRange, write_tiles, zoom_ranges

METADATA = {"TITLE": "Many", "ABSTRACT": "Many places.", "ATTRIBUTION": "© Somebody", "RUN": "r-1"}
MOST_BYTES = 500_000


@pytest.fixture(scope="module")
def exported(run_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    export_run(run_folder, "pmtiles", folder)
    return folder


@pytest.fixture(scope="module")
def drawn(run_folder):
    run = open_run(run_folder)
    return [name for name in run.resources if run.has_geometry(name)]


def tiles_of(path):
    with path.open("rb") as stream:
        return dict(all_tiles(MmapSource(stream)))


def read_metadata(path):
    with path.open("rb") as stream:
        return Reader(MmapSource(stream)).metadata()


def made_up(name, num_rows, num_columns, geometry_type="Point"):
    """Places in one city, with as many figures each."""
    rng = np.random.default_rng(1)
    points = shapely.points(rng.uniform((126.5, 45.6), (126.9, 45.9), (num_rows, 2)))
    values = {f"figure_{number}": rng.uniform(0, 1, num_rows) for number in range(num_columns)}
    shapes = points if geometry_type == "Point" else shapely.buffer(points, 0.002, quad_segs=2)
    frame = gpd.GeoDataFrame(values, geometry=shapes, crs="EPSG:4326")
    columns = [WrittenColumn(name, name, name, "") for name in values]
    return Layer(name, "Made up.", frame, tuple(columns), geometry_type)


def test_one_file_holds_all_layers_and_tells_whose_it_is(exported, drawn):
    assert {path.name for path in exported.iterdir()} == {
        "plan.pmtiles", "style.json", "metadata.json",
    }  # fmt: skip
    metadata = read_metadata(exported / "plan.pmtiles")
    assert {layer["id"] for layer in metadata["vector_layers"]} == set(drawn)
    assert metadata["attribution"] == "© OpenStreetMap"
    assert metadata["planner:scenario"] == "tiny"
    assert set(pyogrio.list_layers(exported / "plan.pmtiles")[:, 0]) == set(drawn)


def test_the_deepest_tiles_have_every_zone_and_station(exported, run_folder):
    for name in ("zones", "stations"):
        found = pyogrio.read_dataframe(exported / "plan.pmtiles", layer=name)
        expected = gpd.read_parquet(run_folder / "layers" / f"{name}.parquet")
        key = expected.columns[0]
        assert set(found[key]) == set(expected[key])
        mine = found.to_crs(4326).dissolve(key).geometry
        theirs = expected.set_index(key).geometry[mine.index]
        apart = shapely.distance(shapely.centroid(mine.array), shapely.centroid(theirs.array))
        assert apart.max() < 1e-4  # a unit of a tile is 5 m


def test_zones_begin_where_their_overview_ends():
    zones = made_up("zones", 20_000, 10, "Polygon")
    coarse, fine = (made_up(name, rows, 5, "Polygon") for name, rows in (
        ("zones_overview_coarse", 300), ("zones_overview", 13_000)))  # fmt: skip
    ranges = zoom_ranges([zones, fine, coarse])
    assert ranges["zones_overview_coarse"].first == 0
    assert ranges["zones_overview"].first == ranges["zones_overview_coarse"].last + 1
    assert ranges["zones"] == ZoomRange(ranges["zones_overview"].last + 1, DEEPEST_ZOOM)
    few = zoom_ranges([replace(zones, frame=zones.frame[:200])])
    assert few == {"zones": ZoomRange(0, DEEPEST_ZOOM)}


def test_no_tile_is_too_large_and_stations_are_seen_from_afar(tmp_path):
    stations = made_up("stations", 2_500, 40)
    named = stations.frame.assign(
        site_id=[f"site-{row}" for row in range(2_500)], station_type_id="large",
        swaps_per_day=1.5, utilisation_frac=0.5,
    )  # fmt: skip
    zones = made_up("zones", 8_000, 8, "Polygon")
    path = tmp_path / "plan.pmtiles"
    write_tiles(path, [replace(stations, frame=named), zones], METADATA)
    tiles = tiles_of(path)
    largest_bytes = max(map(len, tiles.values()))
    assert largest_bytes <= MOST_BYTES
    farthest = gzip.decompress(tiles[0, 0, 0])
    assert b"stations" in farthest
    assert b"site-2499" in farthest
    assert b"figure_39" not in farthest


def test_style_draws_the_tiles_with_the_colours_of_qgis(exported, drawn):
    style = json.loads((exported / "style.json").read_text(encoding="utf-8"))
    assert style["version"] == 8
    assert style["sources"]["plan"]["url"] == "pmtiles://plan.pmtiles"
    assert style["sources"]["plan"]["attribution"] == "© OpenStreetMap"
    by_name = {layer["id"]: layer for layer in style["layers"]}
    assert set(by_name) == {"background", *drawn}
    assert all(by_name[name]["source-layer"] == name for name in drawn)
    overview = by_name["zones_overview_coarse"]
    legend = [entry["colour"] for entry in overview["metadata"]["planner:legend"]]
    assert legend == [colour for _, colour, _ in palette.SERVED_CLASSES]
    _, test, missing, step = overview["paint"]["fill-color"]
    assert test == ["==", ["get", "swaps_served_frac"], None]
    assert missing == palette.MISSING
    assert step[2::2] == legend
    order = [layer["id"] for layer in style["layers"]]
    assert order.index("zones") < order.index("stations")
