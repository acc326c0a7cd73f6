"""QGIS itself opens what a run leaves: with its styles, aliases, reference system and rows."""

import shutil
from pathlib import Path

import pyogrio
import pytest

from tests.qgis import open_in_qgis

RENDERERS = {
    "stations": "categorizedSymbol",
    "cities": "graduatedSymbol",
    "candidates": "categorizedSymbol",
    "allocation": "graduatedSymbol",
    "service_areas": "graduatedSymbol",
    "drive_areas": "graduatedSymbol",
    "zones": "graduatedSymbol",
    "zones_overview": "graduatedSymbol",
    "zones_overview_coarse": "graduatedSymbol",
    "climate_regions": "categorizedSymbol",
    "chemistry_regions": "categorizedSymbol",
    "corridor_stations": "graduatedSymbol",
    "corridor_roads": "graduatedSymbol",
    "corridor_legs": "graduatedSymbol",
    "corridor_unserved": "categorizedSymbol",
    "station_phases": "categorizedSymbol",
    "city_phases": "graduatedSymbol",
    "future_sites": "categorizedSymbol",
    "land": "singleSymbol",
    "base_roads": "RuleRenderer",
}
OVER_TIME = {"station_phases", "city_phases", "future_sites"}
PARTLY_DRAWN = {
    "zones_overview", "zones_overview_coarse",  # no share of no swaps
    "corridor_roads", "corridor_legs",  # winter alone
}  # fmt: skip


@pytest.fixture(scope="module", params=["tutorial_folder", "run_folder", "phased_folder"])
def opened(request, tmp_path_factory):
    # QGIS leaves files of its own beside those that it opens.
    folder = tmp_path_factory.mktemp("qgis")
    original = request.getfixturevalue(request.param) / "plan.gpkg"
    geopackage, picture = Path(shutil.copy(original, folder)), folder / "map.png"
    told = open_in_qgis(geopackage, picture)
    assert geopackage.read_bytes() == original.read_bytes()
    return told, geopackage, picture


def test_qgis_finds_every_layer_and_table(opened):
    told, geopackage, _ = opened
    expected = {str(name) for name, _ in pyogrio.list_layers(geopackage)}
    assert set(told["layers"]) | {"layer_styles"} == expected | {"layer_styles"}
    for name, layer in told["layers"].items():
        assert layer["is_valid"], name
        info = pyogrio.read_info(geopackage, layer=name)
        assert layer["num_features"] == info["features"], name
        if name in RENDERERS:
            assert layer["crs"] == "EPSG:4326", name
            assert layer["abstract"], name


def test_qgis_takes_the_default_style_and_draws_every_row_with_it(opened):
    told, _, _ = opened
    for name, renderer in RENDERERS.items():
        if name not in told["layers"]:
            assert name.startswith(("corridor_", "base_")) or name in OVER_TIME, name
            continue
        layer = told["layers"][name]
        assert layer["renderer"] == renderer, name
        assert len(layer["legend"]) >= (1 if name == "land" else 2), name
        if name in PARTLY_DRAWN:
            assert layer["num_drawn"] > 0, name
        else:
            assert layer["num_drawn"] == layer["num_features"], name


def test_the_time_slider_shows_what_stands_then(opened):
    told, _, _ = opened
    times = {name: layer["times"] for name, layer in told["layers"].items() if layer["times"]}
    if "station_phases" not in told["layers"]:
        assert times == {}
        return
    # Of the last quarter of 2026, the last day of March 2027, and long after.
    assert times == {"stations": [1, 2, 2], "station_phases": [1, 2, 0], "city_phases": [1, 1, 0]}


def test_qgis_shows_aliases(opened):
    told, _, _ = opened
    for name, layer in told["layers"].items():
        if name == "a_table_of_tomorrow":  # nobody has described it
            continue
        for field, alias in layer["aliases"].items():
            assert alias or field == "fid", (name, field)
    assert told["layers"]["stations"]["aliases"]["grid_kw"] == "Grid connection [kW]"


def test_the_map_is_not_blank(opened):
    told, _, picture = opened
    assert told["map"]["errors"] == []
    assert told["map"]["num_colours"] >= 10
    assert picture.stat().st_size > 2_000
