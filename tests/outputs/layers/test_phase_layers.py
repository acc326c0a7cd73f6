"""Layers over time and of futures: days that sliders read, styles that name them, places."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from planner.outputs.layers import write_layers
from planner.outputs.layers.export import export_run
from planner.outputs.layers.frames import build_layers
from tests.made_up_futures import FUTURES
from tests.made_up_phases import QUARTERS


def _days(column):
    return [None if pd.isna(day) else str(day) for day in column]


def test_stations_tell_the_day_they_open(phased_folder):
    stations = gpd.read_parquet(phased_folder / "layers/stations.parquet")
    assert _days(stations["opening_quarter"]) == [None, "2027Q1"]
    assert _days(stations["opens_on"]) == [None, "2027-01-01"]


def test_periods_follow_each_other_day_by_day(phased_folder):
    rows = gpd.read_parquet(phased_folder / "layers/station_phases.parquet").set_index(
        ["site_id", "quarter"]
    )
    first = rows.loc["s1"]
    assert _days(first["from_on"]) == ["2026-10-01", "2027-01-01", "2027-04-01"]
    assert _days(first["to_on"]) == ["2026-12-31", "2027-03-31", "2027-06-30"]
    assert first["change"].tolist() == ["stands", "stands", "enlarged"]
    assert first["bays"].tolist() == [14, 14, 30]
    assert rows.loc["s2"]["change"].tolist() == ["opened", "stands"]
    cities = gpd.read_parquet(phased_folder / "layers/city_phases.parquet")
    assert cities["quarter"].tolist() == list(QUARTERS)
    assert cities.geometry.x.tolist() == [126.65] * 3


def test_days_are_dates_in_every_format(phased_folder, tmp_path):
    info = pyogrio.read_info(phased_folder / "plan.gpkg", layer="station_phases")
    assert info["ogr_types"][5:7] == ["OFTDate", "OFTDate"]
    for file_format, name in (
        ("shapefile", "station_phases.shp"), ("geojson", "station_phases.geojson"),
    ):  # fmt: skip
        out = tmp_path / file_format
        export_run(phased_folder, file_format, out, names=["station_phases"])
        assert pyogrio.read_info(out / name)["ogr_types"][5:7] == ["OFTDate", "OFTDate"]
    package = json.loads((phased_folder / "datapackage.json").read_text(encoding="utf-8"))
    fields = {
        field["name"]: field["type"]
        for resource in package["resources"] if resource["name"] == "city_phases"
        for field in resource["schema"]["fields"]
    }  # fmt: skip
    assert fields["from_on"] == fields["to_on"] == "date"
    assert "2027-03-31" in (phased_folder / "tables/station_phases.csv").read_text(encoding="utf-8")


def _styles(path: Path) -> dict[str, ET.Element]:
    query = "SELECT styleName, styleQML FROM layer_styles"
    with closing(sqlite3.connect(path)) as connection:
        return {name: ET.fromstring(text) for name, text in connection.execute(query).fetchall()}


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [("stations", "opens_on", ""), ("stations by opening", "opens_on", ""),
     ("station_phases", "from_on", "to_on"), ("city_phases", "from_on", "to_on")],
)  # fmt: skip
def test_styles_name_the_columns_of_the_time_slider(phased_folder, name, start, end):
    style = _styles(phased_folder / "plan.gpkg")[name]
    temporal = style.find("temporal")
    assert temporal is not None
    assert temporal.get("enabled") == "1"
    assert f'"{start}"' in str(temporal.get("startExpression"))
    assert (f'"{end}"' in str(temporal.get("endExpression"))) == bool(end)
    assert "Temporal" in str(style.get("styleCategories")).split("|")


def test_sites_of_futures_have_a_column_for_each(phased):
    layer = build_layers(phased)["future_sites"]
    titles = [column.title for column in layer.columns if column.title.startswith("Best in ")]
    assert titles == [f"Best in {future}" for future in FUTURES]


def test_every_column_is_described(phased):
    for layer in build_layers(phased).values():
        if layer.name != "a_table_of_tomorrow":
            assert [each.source for each in layer.columns if not each.description] == []


def test_without_phasing_nothing_tells_of_time(content, tmp_path):
    stations = content.evaluation.stations.assign(opening_quarter=None)
    bare = replace(content, evaluation=replace(content.evaluation, stations=stations))
    folder = tmp_path / "bare"
    folder.mkdir()
    write_layers(folder, bare, lambda _: None)
    columns = gpd.read_parquet(folder / "layers/stations.parquet").columns
    assert not {"opening_quarter", "opens_on"} & set(columns)
    styles = _styles(folder / "plan.gpkg")
    assert "stations by opening" not in styles
    assert all(style.find("temporal") is None for style in styles.values())
