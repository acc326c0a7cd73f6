"""The project of a GeoPackage: order, themes and relations from tables, and where it is kept."""

import csv
import shutil
import sqlite3
import zipfile
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pyogrio
import pytest

from planner.outputs.language import phrase, translate
from planner.outputs.layers.corridors import CORRIDOR_LAYERS
from planner.outputs.layers.export import export_run
from planner.outputs.layers.frames import TABLES
from planner.outputs.layers.phases import LAYER_TABLES
from planner.outputs.project import NEEDED, write_project
from planner.outputs.project.order import find_relations, find_themes, order_groups
from planner.outputs.project.package import Held, read_package

SOURCE = "datasource"


def rows(name: str) -> list[dict[str, str]]:
    text = files("planner.outputs.project").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def held(name: str, *columns: str, styles: tuple[str, ...] = ()) -> Held:
    return Held(name, "", "POINT", "EPSG:4326", columns, "", "", dict.fromkeys(styles, ""))


def document(folder: Path) -> ET.Element:
    with zipfile.ZipFile(folder / "plan.qgz") as archive:
        (name,) = archive.namelist()
        return ET.fromstring(archive.read(name))


def in_package(path: Path) -> dict[str, bytes]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, content FROM qgis_projects ORDER BY name")
        return {name: bytes.fromhex(content) for name, content in found}


def test_every_layer_has_its_place_once_and_all_words_are_translated() -> None:
    groups = rows("groups.csv")
    names = [row["layer"] for row in groups]
    assert len(set(names)) == len(names)
    assert {*TABLES, *CORRIDOR_LAYERS, *LAYER_TABLES} <= set(names)
    titles = {row["title"] for row in groups}
    assert len(titles) == len(names)
    themes, relations = rows("themes.csv"), rows("relations.csv")
    told = {row["layer"] for row in themes} | {row[key] for row in relations
                                               for key in ("parent", "child")}  # fmt: skip
    assert told <= set(names)
    for text in titles | {row["group"] for row in groups} | {row["theme"] for row in themes}:
        assert translate(text, "zh") != text


def test_groups_keep_the_order_of_the_table_and_unknown_layers_come_last() -> None:
    names = ("zones", "a_table_of_tomorrow", "land", "stations", "kpi")
    groups = order_groups({name: held(name) for name in names}, "en")
    assert [(group.title, list(group.layers)) for group in groups] == [
        ("Plan", ["stations"]),
        ("Demand", ["zones"]),
        ("Base map", ["land"]),
        ("About the run", ["kpi"]),
        ("Other tables", ["a_table_of_tomorrow"]),
    ]
    assert order_groups({"kpi": held("kpi")}, "zh")[0].title == "关于本次运行"


def test_a_theme_is_offered_only_with_what_it_is_about() -> None:
    plain = {name: held(name) for name in ("stations", "cities", "candidates")}
    assert [theme.title for theme in find_themes(plain, "en")] == [
        "Plan", "Sites without a station",
    ]  # fmt: skip
    plain["stations"] = held("stations", styles=("stations by verdict",))
    (waits,) = [theme for theme in find_themes(plain, "en") if theme.title == "Waits"]
    assert waits.styles == {"stations": "stations by verdict", "cities": ""}


def test_legends_tell_what_colours_mean_in_both_languages(project_folder: Path) -> None:
    (legend,) = {
        tuple(option.get("value") for option in item.iter("Option")
              if option.get("name") == "legend/title-label")
        for item in document(project_folder).iter("LayoutItem") if item.get("title")
    }  # fmt: skip
    assert "Cities by winter design temperature" in legend
    assert "Stations" in legend  # whose further style tells something else
    looks = [layer.look for layer in read_package(project_folder / "plan.gpkg").layers.values()]
    told = [look for look in looks if look.startswith("by ")]
    assert len(told) >= 8
    assert [look for look in told if phrase(look, "zh") == look] == []


def test_relations_need_both_columns() -> None:
    layers = {
        "stations": held("stations", "fid", "site_id"),
        "station_hour": held("station_hour", "fid", "site_id"),
        "station_wait": held("station_wait", "fid", "name"),
    }
    assert [relation.key for relation in find_relations(layers)] == ["station_hour_of_stations"]


def test_the_same_project_stands_beside_and_within_the_package(project_folder: Path) -> None:
    assert in_package(project_folder / "plan.gpkg") == {
        "plan": (project_folder / "plan.qgz").read_bytes()
    }


def test_paths_lead_to_the_file_beside(project_folder: Path) -> None:
    sources = [layer.findtext(SOURCE) for layer in document(project_folder).iter("maplayer")]
    assert len(sources) > 10
    assert all(source and source.startswith("./plan.gpkg|") for source in sources)


def test_the_package_is_as_it_was_but_for_the_project(
    project_folder: Path, run_folder: Path, tmp_path: Path
) -> None:
    before, after = run_folder / "plan.gpkg", project_folder / "plan.gpkg"
    assert pyogrio.list_layers(after).tolist() == pyogrio.list_layers(before).tolist()
    again = tmp_path / "plan.gpkg"
    shutil.copy(before, again)
    write_project(again)
    assert again.read_bytes() == after.read_bytes()
    write_project(again)  # once more into the same file
    assert in_package(again) == in_package(after)


def test_other_projects_in_the_package_are_kept(project_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    shutil.copy(project_folder / "plan.gpkg", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO qgis_projects VALUES ('mine', '{}', '00ff')")
    write_project(path)
    assert in_package(path)["mine"] == b"\x00\xff"


def test_a_plan_on_both_sides_of_180_degrees_is_one_map(
    project_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plan.gpkg"
    shutil.copy(project_folder / "plan.gpkg", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for (name,) in connection.execute(  # they ask for functions that SQLite alone lacks
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE cities SET lon = -179.5 WHERE city_id = 'x1'")
        for table in ("cities", "stations"):
            connection.execute(f"UPDATE {table} SET lon = 179.5 WHERE city_id = '230100'")
    write_project(path)
    project = document(tmp_path)
    assert project.findtext("projectCrs/spatialrefsys/authid") == "EPSG:3832"
    ends = {each.tag: float(each.text or "") for each in project.iterfind("mapcanvas/extent/*")}
    assert 0 < ends["xmax"] - ends["xmin"] < 200_000


def test_a_run_without_chinese_names_has_a_project(project_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    shutil.copy(project_folder / "plan.gpkg", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE cities RENAME COLUMN name_zh TO name_fr")
        connection.execute("DELETE FROM run_info WHERE key = 'language'")
        connection.execute("INSERT INTO run_info (key, value) VALUES ('language', 'zh')")
    write_project(path)
    assert [place.name for place in read_package(path).cities] == ["Harbin", "=cmd|'<script>"]
    project = document(tmp_path)
    told = [layer.findtext(tag) or "" for layer in project.iter("maplayer")
            for tag in ("datasource", "previewExpression")]  # fmt: skip
    told += [atlas.get("pageNameExpression", "") for atlas in project.iter("Atlas")]
    assert any("name_en" in text for text in told)
    assert not any("name_zh" in text for text in told)


def test_a_run_without_a_title_is_called_by_its_name(project_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    shutil.copy(project_folder / "plan.gpkg", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE run_info SET value = '' WHERE key = 'title'")
        connection.execute("DELETE FROM run_info WHERE key = 'language'")
        connection.execute("INSERT INTO run_info (key, value) VALUES ('language', 'zh')")
    write_project(path)
    assert document(tmp_path).findtext("title") == "tiny"
    assert [place.name for place in read_package(path).cities] == ["哈尔滨", "=cmd|'<script>"]


@pytest.mark.parametrize("names", [sorted(NEEDED), ["stations"]], ids=["enough", "one"])
def test_an_export_has_its_project_if_it_has_what_that_needs(
    run_folder: Path, tmp_path: Path, names: list[str]
) -> None:
    export_run(run_folder, "gpkg", tmp_path, names=names, crs="EPSG:4490")
    assert (tmp_path / "plan.qgz").is_file() == (set(names) >= NEEDED)
    if set(names) >= NEEDED:
        stations = next(
            layer for layer in document(tmp_path).iter("maplayer")
            if layer.findtext("id") == "planner_stations"
        )  # fmt: skip
        assert stations.findtext("srs/spatialrefsys/authid") == "EPSG:4490"
