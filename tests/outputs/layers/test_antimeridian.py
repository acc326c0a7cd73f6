"""A town on the antimeridian: its shapes end there, its boxes and lines stay small."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import shapely
from h3.api import basic_int
from hypothesis import given
from hypothesis import strategies as st

import planner.outputs.layers.allocation as allocation_module
from planner.outputs.layers import write_layers
from planner.outputs.layers.allocation import allocation_lines
from planner.outputs.layers.antimeridian import (
    box_of,
    cut_lon,
    from_cut,
    near_lon,
    same_type,
    split_shapes,
)
from planner.outputs.layers.corridors import place_corridors
from planner.outputs.layers.frames import build_layers
from planner.outputs.layers.hexagons import cell_polygons
from planner.outputs.layers.overview import zone_cells
from planner.outputs.run_folder import write_run
from planner.planning.pipeline import plan
from tests.moved_east import moved_east


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tutorial):
    middle = (tutorial.zones["lon"].min() + tutorial.zones["lon"].max()) / 2
    planned = plan(moved_east(tutorial, 180 - middle))
    return write_run(planned, tmp_path_factory.mktemp("antimeridian") / "run")


def test_lines_are_as_long_as_they_say(folder):
    lines = gpd.read_parquet(folder / "layers/allocation.parquet")
    assert set(lines.geom_type) == {"MultiLineString"}
    assert lines.geometry.apply(lambda line: len(line.geoms)).max() == 2
    drawn_km = lines.to_crs("+proj=eqdc +lat_1=45 +lat_2=46 +lon_0=180").length / 1000
    np.testing.assert_allclose(drawn_km, lines["straight_km"], rtol=0.01)


@pytest.mark.parametrize(
    "name", ["service_areas", "climate_regions", "chemistry_regions", "zones_overview"]
)
def test_areas_are_those_of_the_town_farther_west(folder, tutorial_folder, name):
    areas, usual = (
        gpd.read_parquet(path / f"layers/{name}.parquet") for path in (folder, tutorial_folder)
    )
    assert shapely.is_valid(areas.geometry.to_numpy()).all()
    corners = shapely.get_coordinates(areas.geometry.to_numpy())
    assert np.abs(corners[:, 0]).max() == 180
    assert np.abs(corners[:, 0]).min() > 179.5
    # Cells lie otherwise there, so that the towns' areas are alike only.
    if "area_km2" in areas:
        assert areas["area_km2"].sum() == pytest.approx(usual["area_km2"].sum(), rel=0.5)


def test_every_zone_lies_in_its_service_area(folder):
    areas = gpd.read_parquet(folder / "layers/service_areas.parquet").set_index("site_id")
    zones = gpd.read_parquet(folder / "layers/zones.parquet")
    served = zones[zones["site_id"].notna()]
    assert (served["lon"] < 0).any()
    assert (served["lon"] > 0).any()
    for zone in served.itertuples():
        assert areas.geometry[zone.site_id].covers(zone.geometry)


def test_the_catalogue_item_has_its_western_edge_in_the_east(folder):
    item = json.loads((folder / "stac-item.json").read_text(encoding="utf-8"))
    west, _, east, _ = item["bbox"]
    assert 179 < west <= 180
    assert -180 <= east < -179
    assert item["geometry"]["type"] == "MultiPolygon"
    assert pystac.Item.from_dict(item).validate()


def test_cells_of_zones_are_cut_too(tmp_path, content):
    cells = sorted(basic_int.grid_disk(basic_int.latlng_to_cell(45.75, 180.0, 8), 1))[:6]
    centres = np.array([basic_int.cell_to_latlng(cell) for cell in cells])
    zones = content.evaluation.zones.assign(
        zone_id=[f"{cell:x}" for cell in cells], lon=centres[:, 1], lat=centres[:, 0]
    )
    moved = replace(content, evaluation=replace(content.evaluation, zones=zones),
                    allocation=content.allocation.iloc[:0])  # fmt: skip
    layer = build_layers(moved)["zones"]
    assert layer.geometry_type == "MultiPolygon"
    assert layer.cell_resolution == 8
    assert set(layer.frame.geom_type) == {"MultiPolygon"}
    assert {len(shape.geoms) for shape in layer.frame.geometry} == {1, 2}
    (tmp_path / "run").mkdir()
    write_layers(tmp_path / "run", moved, lambda _: None)


def test_lines_from_cells_start_where_their_zones_are(monkeypatch, content):
    cells = zone_cells(content.evaluation.zones)
    zones = content.evaluation.zones.assign(lon=[179.999, -179.999, 179.998, -179.998, 180, 179.9])
    stations = content.evaluation.stations.assign(lon=[-179.99, 179.99])
    monkeypatch.setattr(allocation_module, "MOST_LINES_PER_ZONE", 0)
    lines, _ = allocation_lines(content.allocation, zones, cells, stations)
    assert len(lines)
    assert lines["straight_km"].max() < 20


def test_roads_between_cities_are_cut(content):
    roads = content.tables["corridor_roads"].assign(from_lon=179.0, to_lon=-179.0)
    (placed,) = place_corridors({"corridor_roads": roads}).values()
    parts = split_shapes(np.asarray(placed.frame.geometry))
    assert {shapely.get_num_geometries(line) for line in parts} == {2}
    assert shapely.length(parts).max() < 3


@given(
    st.floats(-60, 60), st.floats(179.9, 180.1), st.integers(5, 9)
)  # fmt: skip
def test_parts_make_the_whole(lat, lon, resolution):
    cells = np.array(
        basic_int.grid_disk(basic_int.latlng_to_cell(lat, (lon + 180) % 360 - 180, resolution), 2),
        np.uint64,
    )
    whole = cell_polygons(cells)
    parts = split_shapes(whole)
    west, _, east, _ = shapely.bounds(parts).T
    assert (west >= -180).all()
    assert (east <= 180).all()
    np.testing.assert_allclose(shapely.area(parts), shapely.area(whole), rtol=1e-3)
    assert shapely.is_valid(same_type(parts)).all()
    together = shapely.coverage_union_all(shapely.get_parts(parts))
    assert together.area == pytest.approx(shapely.area(whole).sum(), rel=1e-3)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(100, 0, 110, 5), (120, 1, 130, 6)], [100, 0, 130, 6]),
        ([(170, 0, 180, 5), (-180, 1, -170, 6)], [170, 0, -170, 6]),
        ([(140, 40, 145, 45), (-160, 18, -155, 22)], [140, 18, -155, 45]),
        ([(-120, 0, -60, 5)], [-120, 0, -60, 5]),
    ],
)
def test_box_is_the_narrow_one(boxes, expected):
    assert box_of(shapely.box(*np.array(boxes, float).T)) == expected


def test_longitudes_go_on_beyond_180_only_where_places_span_it():
    for lon in ([126.6, 127.0], [-120.0, -60.0], [-10.0, 30.0]):
        assert from_cut(np.array(lon), cut_lon(np.array(lon))).tolist() == lon
    fiji = np.array([177.0, 179.9, -179.9, -178.0])
    assert from_cut(fiji, cut_lon(fiji)).tolist() == pytest.approx([177, 179.9, 180.1, 182])
    assert cut_lon(np.array([])) == -180
    assert near_lon(np.array([-179.0, 10.0]), np.array([179.0, 20.0])).tolist() == [181.0, 10.0]


def test_longitudes_in_tables_are_the_usual_ones(folder):
    for name in ("zones", "stations", "cities"):
        lon = pd.read_parquet(folder / f"layers/{name}.parquet")["lon"]
        assert lon.between(-180, 180).all()
