"""QGIS itself opens the project: beside the package, and within it where it was taken elsewhere."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from planner.outputs.project import write_project
from tests.qgis import run_in_qgis

SCRIPT = Path(__file__).parent / "open_project.py"
LARGE, SMALL = "Demand in large cells", "Demand zones"


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def package(project_folder):
    return project_folder / "plan.gpkg"


@pytest.fixture(scope="module")
def opened(project_folder, tmp_path_factory):
    # QGIS leaves files of its own beside those that it opens.
    folder = tmp_path_factory.mktemp("qgis")
    shutil.copytree(project_folder, folder / "run")
    of_packs = [f"Harbin@Packs over time@{day}" for day in ("2026-10-01", "2027-04-01", "")]
    views = ("Tiny plan@Plan", "Harbin@Plan", *of_packs)
    told = run_in_qgis(SCRIPT, folder / "run" / "plan.qgz", folder, *views)
    for name in ("plan.gpkg", "plan.qgz"):
        assert (folder / "run" / name).read_bytes() == (project_folder / name).read_bytes()
    return told, folder


@pytest.fixture(scope="module")
def opened_in_chinese(project_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moved")
    path = Path(shutil.copy(project_folder / "plan.gpkg", folder / "plan.gpkg"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM run_info WHERE key = 'language'")
        connection.execute("INSERT INTO run_info (key, value) VALUES ('language', 'zh')")
    write_project(path)
    (folder / "plan.qgz").unlink()
    return run_in_qgis(SCRIPT, f"geopackage:{path}?projectName=plan", folder, "哈尔滨@方案")


def test_every_layer_and_table_is_there_with_its_rows_and_style(opened, package):
    told, _ = opened
    layers = told["layers"]
    names = {name for (name,) in rows(package, "SELECT table_name FROM gpkg_contents")}
    assert set(layers) == {f"planner_{name}" for name in names - {"layer_styles"}} | {
        "planner_packs_by_quarter"
    }
    for key, layer in layers.items():
        name = key.removeprefix("planner_")
        assert layer["is_valid"], name
        assert layer["is_read_only"], name
        if name != "packs_by_quarter":
            ((number,),) = rows(package, f'SELECT count(*) FROM "{name}"')
            assert layer["num_features"] == number, name
        if layer["is_spatial"]:
            assert layer["crs"] == "EPSG:4326", name
            assert len(layer["legend"]) >= 1 or name == "packs_by_quarter", name
    assert layers["planner_stations"]["aliases"]["grid_kw"] == "Grid connection [kW]"
    assert layers["planner_kpi"]["aliases"]["value"]
    assert layers["planner_stations"]["styles"] == ["by opening", "default"]


def test_opening_is_quick(opened):
    told, _ = opened
    assert told["seconds"] < 20


def test_layers_stand_in_groups_and_the_first_theme_is_shown(opened):
    told, _ = opened
    tree = told["tree"]
    assert list(tree)[:3] == ["Plan", "Over time", "Other sites"]
    assert list(tree)[-1] == "Other tables"
    shown = {title for group in tree.values() for title, is_shown in group.items() if is_shown}
    assert shown == set(told["themes"]["Plan"])
    assert {"Stations", "Cities", LARGE} <= shown
    assert not {"Service areas", "Winter classes", "Sites without a station"} & shown
    assert {"Corridors", "Stations over time", "Packs over time", "Winter"} <= set(told["themes"])


def test_each_scale_shows_layers_of_its_own(opened):
    told, _ = opened
    scales = {layer["title"]: layer["scales"] for layer in told["layers"].values()}
    assert scales[LARGE][1] >= scales["Demand in cells"][1] >= scales[SMALL][1]
    for view in told["views"]:
        assert view["errors"] == []
        assert view["num_colours"] > 10
    city = told["views"][1]
    assert {"Stations", SMALL} <= set(city["shown"])
    assert LARGE not in city["shown"]


def test_rows_lead_to_the_rows_that_belong_to_them(opened, package):
    told, _ = opened
    assert all(is_valid for is_valid, _ in told["relations"].values())
    for key in ("stations_of_cities", "packs_of_cities", "station_phases_of_stations"):
        child, _, parent = key.partition("_of_")
        column = {"cities": "city_id", "stations": "site_id"}[parent]
        most = rows(package, f"SELECT count(*) n FROM {child} GROUP BY {column} ORDER BY n DESC")
        assert told["relations"][key][1] == most[0][0], key
    tabs = told["layers"]["planner_cities"]["tabs"]
    assert tabs[:2] == ["Figures", "Stations"]
    assert "Cities period by period" in tabs


def test_the_slider_goes_through_the_quarters(opened, package):
    told, _ = opened
    begin, end, step, _ = told["slider"]
    ((first, last),) = rows(package, "SELECT min(quarter), max(last_quarter) FROM phase")
    assert begin == f"{first[:4]}-{3 * int(first[-1]) - 2:02}-01"
    assert step == 3
    times = {key: layer["times"] for key, layer in told["layers"].items() if layer["times"]}
    assert {"planner_stations", "planner_station_phases", "planner_city_phases"} <= set(times)
    assert times["planner_packs_by_quarter"] == [2, 2, 2]
    opened_stations = times["planner_stations"]
    assert opened_stations == sorted(opened_stations)
    assert opened_stations[0] < opened_stations[-1] == 2
    assert end > last[:4]


def test_pies_are_those_of_the_quarter_that_the_slider_shows(opened):
    first, last, without_slider = (view["colours"] for view in opened[0]["views"][2:])
    # Of 80 vehicles on lithium iron phosphate, and of 70 beside 230 on sodium-ion.
    lfp, sodium = "#0072b2", "#e69f00"
    assert sodium not in first
    assert last[sodium] > 2 * last[lfp] > 0
    assert last[lfp] + last[sodium] > 2 * first[lfp]
    assert without_slider == last


def test_pages_to_print_have_all_that_a_map_needs(opened):
    told, folder = opened
    assert list(told["layouts"]) == ["Map on one sheet", "A sheet for each city"]
    for number, page in enumerate(told["layouts"].values()):
        assert page["result"] == 0
        assert page["size_mm"] == [420, 297]
        for kind in ("maps", "legends", "scale_bars", "pictures"):
            assert page[kind] == 1, kind
        assert "Run: tiny-12ab, 2026-11-27, planner\n© OpenStreetMap" in page["texts"]
        assert any("Tiny plan" in text for text in page["texts"])
        assert (folder / f"page{number}.png").stat().st_size > 10_000
    whole, city = told["layouts"].values()
    assert "Tiny plan: Harbin" in city["texts"]
    # One centimetre is two kilometres on the ground, at 45.75 degrees north too.
    assert city["scale"] == pytest.approx(200_000 / 0.6978, rel=1e-3)
    assert whole["scale"] < city["scale"]


def test_a_package_alone_has_its_project_in_the_language_of_its_run(opened, opened_in_chinese):
    told = opened_in_chinese
    assert told["title"] == "Tiny plan"
    assert all(layer["is_valid"] for layer in told["layers"].values())
    assert list(told["tree"])[:3] == ["方案", "分期", "其他站址"]
    assert "换电站" in told["tree"]["方案"]
    assert list(told["layouts"]) == ["单幅地图", "每城一幅"]
    assert told["views"][0]["num_colours"] > 10
    assert told["relations"] == opened[0]["relations"]
