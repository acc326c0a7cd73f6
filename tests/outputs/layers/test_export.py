import csv
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from click import Choice

import planner.outputs.layers
from planner.cli import cli
from planner.errors import InputError
from planner.instance.china_datum import shift_to_gcj02
from planner.outputs.layers.export import FORMATS, export_run, parse_crs
from planner.outputs.layers.gcj02 import cities_in_china, with_gcj02
from planner.outputs.layers.read_back import open_run, read_layer
from planner.outputs.layers.shapefile import shapefile_names

PACKAGE = Path(planner.outputs.layers.__file__).parent
SUFFIX = {
    "parquet": "parquet",
    "flatgeobuf": "fgb",
    "shapefile": "shp",
    "geojson": "geojson",
}


def drawn(run_folder):
    run = open_run(run_folder)
    return [name for name in run.resources if run.has_geometry(name)]


@pytest.mark.parametrize("file_format", SUFFIX)
def test_layers_come_back(run_folder, tmp_path, file_format):
    written = export_run(run_folder, file_format, tmp_path)
    assert sorted(written) == sorted(tmp_path.iterdir())
    for name in drawn(run_folder):
        before = gpd.read_parquet(run_folder / "layers" / f"{name}.parquet")
        path = tmp_path / f"{name}.{SUFFIX[file_format]}"
        back = (gpd.read_parquet if file_format == "parquet" else pyogrio.read_dataframe)(path)
        assert len(back) == len(before)
        # FlatGeobuf orders its rows along a curve through space.
        back, before = (
            frame.iloc[np.lexsort([*frame.geometry.bounds.round(6).to_numpy().T])]
            for frame in (back, before)
        )
        assert back.iloc[:, 0].astype(str).tolist() == before.iloc[:, 0].astype(str).tolist()
        np.testing.assert_allclose(
            back.geometry.bounds.to_numpy(), before.geometry.bounds.to_numpy(), atol=1e-6
        )
    metadata = json.loads((tmp_path / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["ATTRIBUTION"] == "© OpenStreetMap"


def test_geopackage_keeps_styles_and_descriptions(run_folder, tmp_path):
    export_run(run_folder, "gpkg", tmp_path, names=["zones", "kpi"], crs="EPSG:4490")
    path = tmp_path / "plan.gpkg"
    assert {"zones", "kpi"} <= set(pyogrio.list_layers(path)[:, 0])
    assert pyogrio.read_info(path, layer="zones")["crs"] == "EPSG:4490"
    with closing(sqlite3.connect(path)) as connection:
        styled = connection.execute("SELECT f_table_name FROM layer_styles").fetchall()
        ((metadata,),) = connection.execute("SELECT metadata FROM gpkg_metadata").fetchall()
        titles = connection.execute(
            "SELECT title FROM gpkg_data_columns WHERE column_name = 'served_frac'"
        ).fetchall()
    assert styled == [("zones",), ("kpi",)]
    assert "EPSG:4490. Planned in EPSG:4326" in metadata
    assert "a shift of zero" in metadata
    assert titles == [("Served share [0-1]",)]


def test_cgcs2000_leaves_coordinates_as_they_are(run_folder, tmp_path):
    export_run(run_folder, "parquet", tmp_path, names=["cities"], crs="EPSG:4490")
    back = gpd.read_parquet(tmp_path / "cities.parquet")
    assert back.crs == "EPSG:4490"
    np.testing.assert_array_equal(back.geometry.x, back["lon"])
    np.testing.assert_array_equal(back.geometry.y, back["lat"])


def test_projected_coordinates_are_metres(run_folder, tmp_path):
    export_run(run_folder, "flatgeobuf", tmp_path, names=["stations"], crs="EPSG:32651")
    back = pyogrio.read_dataframe(tmp_path / "stations.fgb")
    assert back.crs == "EPSG:32651"
    # 0.01 degrees are 776 m east and 1,112 m north at 45.75 degrees.
    assert back.geometry.iloc[0].distance(back.geometry.iloc[1]) == pytest.approx(1356, rel=0.005)


def test_csv_holds_tables_and_shapes(run_folder, tmp_path):
    export_run(run_folder, "csv", tmp_path, with_bom=True)
    assert {path.stem for path in tmp_path.glob("*.csv")} == set(open_run(run_folder).resources)
    text = (tmp_path / "cities.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "cities.csv").open(encoding="utf-8-sig", newline="") as stream:
        cities = list(csv.DictReader(stream))
    assert [row["name_en"] for row in cities] == ["Harbin", "'=cmd|'<script>"]
    assert "wkt" not in cities[0]
    legs = pd.read_csv(tmp_path / "corridor_legs.csv")
    assert legs["wkt"][0] == "LINESTRING (126.65 45.75, 127 45.5)"
    areas = pd.read_csv(tmp_path / "service_areas.csv")
    assert areas["wkt"].str.startswith("MULTIPOLYGON (((126.").all()


def test_rows_in_china_tell_where_amap_draws_them(run_folder, tmp_path):
    for file_format in ("csv", "gpkg"):
        export_run(
            run_folder, file_format, tmp_path / file_format, names=["cities", "kpi"], gcj02=True
        )
    cities = pd.read_csv(tmp_path / "csv" / "cities.csv")
    lon, lat = shift_to_gcj02(cities["lon"], cities["lat"])
    np.testing.assert_allclose(cities["lon_gcj02"], lon, atol=1e-6)
    np.testing.assert_allclose(cities["lat_gcj02"], lat, atol=1e-6)
    shift_m = 111_195 * np.hypot((lon - cities["lon"]) * 0.7, lat - cities["lat"])
    assert ((shift_m > 100) & (shift_m < 900)).all()
    shown = pyogrio.read_dataframe(tmp_path / "gpkg" / "plan.gpkg", layer="cities")
    np.testing.assert_array_equal(shown.geometry.x, shown["lon"])  # places stay where they are
    with closing(sqlite3.connect(tmp_path / "gpkg" / "plan.gpkg")) as connection:
        ((title,),) = connection.execute(
            "SELECT title FROM gpkg_data_columns WHERE column_name = 'lat_gcj02'"
        )
    assert title == "Latitude in GCJ-02 [°]"
    assert "lon_gcj02" not in pd.read_csv(tmp_path / "csv" / "kpi.csv")


def test_places_outside_china_are_not_shifted(run_folder):
    layer = read_layer(open_run(run_folder), "cities")
    # Seoul lies in the box that publishers' formulas are for, and is drawn where it is.
    frame = layer.frame.assign(lon=[126.65, 126.98], lat=[45.75, 37.57], market=["CN", "KR"])
    shifted = with_gcj02(replace(layer, frame=frame), cities_in_china(frame)).frame
    assert shifted["lon_gcj02"].isna().tolist() == [False, True]
    assert shifted.columns[-1] == "geometry"


def test_shapefile_names_are_told(run_folder, tmp_path):
    export_run(run_folder, "shapefile", tmp_path, names=["zones"])
    names = pd.read_csv(tmp_path / "shapefile_names.csv").set_index("column")
    assert names["shapefile_name"].str.len().max() <= 10
    fields = pyogrio.read_info(tmp_path / "zones.shp")["fields"].tolist()
    assert fields == names["shapefile_name"].tolist()
    assert names.loc["car_owning_households", "title"] == "Car-owning households"
    assert (tmp_path / "zones.cpg").read_text() == "UTF-8"


def test_listed_short_names_say_what_they_mean_in_every_layer():
    listed = pd.read_csv(PACKAGE / "shapefile_names.csv")
    assert listed["shapefile_name"].is_unique
    assert listed["shapefile_name"].str.len().max() <= 10
    known = pd.read_csv(PACKAGE / "columns.csv")
    assert set(listed["column"]) <= set(known["column"])
    assert shapefile_names(["swaps_per_day", "is_served"])["swaps_per_day"] == "swaps_day"


def test_short_names_differ_from_each_other():
    columns = [f"design_range_pack_{number}_km" for number in range(12)]
    names = shapefile_names(columns)
    assert len(set(names.values())) == 12
    assert max(map(len, names.values())) <= 10


@pytest.mark.parametrize(
    ("crs", "word"),
    [
        ("GCJ-02", "EPSG:4490"),
        ("gcj02", "EPSG:4490"),
        ("BD09", "EPSG:4490"),
        ("EPSG:999999", "no such reference system"),
        ("nowhere", "no such reference system"),
        ("EPSG:4979", "two horizontal coordinates"),
        ("EPSG:5773", "two horizontal coordinates"),
    ],
)
def test_reference_systems_that_are_refused(crs, word):
    with pytest.raises(InputError, match=word):
        parse_crs(crs)


@pytest.mark.parametrize(
    ("file_format", "options", "word"),
    [
        ("geojson", {"crs": "EPSG:4490"}, "RFC 7946"),
        ("pmtiles", {"crs": "EPSG:3857"}, "Web Mercator"),
        ("parquet", {"crs": "EPSG:27700"}, "United Kingdom"),
        ("csv", {"names": ["zones", "mayors", "kings"]}, "2 faults"),
        ("shapefile", {"names": ["kpi"]}, "a table without geometry"),
    ],
)
def test_what_cannot_be_written_is_refused(run_folder, tmp_path, file_format, options, word):
    with pytest.raises(InputError, match=word):
        export_run(run_folder, file_format, tmp_path / "out", **options)
    assert list(tmp_path.rglob("*.*")) == []


def test_long_texts_are_not_cut(tmp_path, run_folder):
    path = tmp_path / "run" / "layers" / "candidates.parquet"
    path.parent.mkdir(parents=True)
    for name in ("DONE", "datapackage.json"):
        (tmp_path / "run" / name).write_bytes((run_folder / name).read_bytes())
    long = gpd.read_parquet(run_folder / "layers" / "candidates.parquet")
    long.assign(explanation="因" * 100).to_parquet(path)
    with pytest.raises(InputError, match="text of 300 bytes"):
        export_run(tmp_path / "run", "shapefile", tmp_path / "out", names=["candidates"])


def test_files_that_stand_are_kept(run_folder, tmp_path):
    (tmp_path / "zones.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="stands already"):
        export_run(run_folder, "csv", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["zones.csv"]
    assert (tmp_path / "zones.csv").read_text(encoding="utf-8") == "mine"


def test_only_finished_runs_are_exported(tmp_path):
    with pytest.raises(InputError, match="not a finished run"):
        export_run(tmp_path, "csv", tmp_path / "out")
    (tmp_path / "DONE").touch()
    with pytest.raises(InputError, match="run the instance again"):
        export_run(tmp_path, "csv", tmp_path / "out")


def test_export_is_the_same_twice(run_folder, tmp_path):
    for file_format in ("gpkg", "parquet", "csv", "geojson", "pmtiles"):
        first, again = (
            {path.name: path.read_bytes() for path in export_run(run_folder, file_format, folder)}
            for folder in (tmp_path / file_format / "a", tmp_path / file_format / "b")
        )
        assert first == again, file_format


def test_command_offers_every_format(run_folder, tmp_path):
    (option,) = (each for each in cli.commands["export"].params if each.name == "file_format")
    assert isinstance(option.type, Choice)
    assert set(option.type.choices) == {*FORMATS, "xlsx"}
    arguments = ["export", str(run_folder), "--format", "csv", "--layers", "kpi, cities"]
    cli.main([*arguments, "--out", str(tmp_path)], standalone_mode=False)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"kpi.csv", "cities.csv", "metadata.json"}
