import csv
import hashlib
import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from planner.outputs.layers import write_layers
from planner.outputs.layers.corridors import CORRIDOR_LAYERS
from planner.outputs.run_folder import write_run
from tests.made_up_corridors import make_corridor_tables

LAYERS = {
    "stations": 2,
    "cities": 2,
    "candidates": 2,
    "allocation": 4,
    "service_areas": 2,
    "zones": 6,
    "zones_overview": 1,
    "zones_overview_coarse": 1,
    "drive_areas": 4,
    "climate_regions": 1,
    "chemistry_regions": 1,
    "corridor_stations": 2,
    "corridor_roads": 3,
    "corridor_legs": 3,
    "corridor_unserved": 2,
    "land": 1,
    "base_roads": 2,
}
TYPES = {
    "stations": "Point",
    "cities": "Point",
    "candidates": "Point",
    "allocation": "LineString",
    "service_areas": "MultiPolygon",
    "drive_areas": "MultiPolygon",
    "climate_regions": "MultiPolygon",
    "chemistry_regions": "MultiPolygon",
    "corridor_stations": "Point",
    "corridor_roads": "LineString",
    "corridor_legs": "LineString",
    "corridor_unserved": "Point",
    "land": "MultiPolygon",
    "base_roads": "LineString",
}
TABLES = {
    "packs": 2,
    "chemistries": 3,
    "coupling": 2,
    "corridor_summary": 6,
    "corridor_station_packs": 3,
    "corridor_unconnected": 1,
    "a_table_of_tomorrow": 1,
    "kpi": 3,
    "run_info": 6,
    "assumptions": 1,
}
OF_RUN = set(TABLES)
TABLES["layer_styles"] = len(LAYERS) + len(OF_RUN) + 1  # drive areas have two
IN_CSV = {"stations", "cities", "corridor_stations", "corridor_legs", "corridor_unserved"}
WITHOUT_PLACE = {("corridor_legs", 1), ("corridor_unserved", 2)}
NOT_IN_WINTER = {"corridor_roads": 1, "corridor_legs": 1}  # rows that winter's style passes over


def query(path, statement):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def assert_equal_values(left, right):
    # Readers differ in the type of text and in what stands for a missing value.
    pd.testing.assert_frame_equal(
        left.convert_dtypes(), right.convert_dtypes(), check_dtype=False, check_column_type=False
    )


def test_files_are_those_promised(tmp_path, write, content):
    # A folder of its own: GDAL leaves a plan.gpkg.aux.xml beside what it reads.
    run_folder = tmp_path / "run"
    write(run_folder, content)
    found = {str(path.relative_to(run_folder)) for path in run_folder.rglob("*") if path.is_file()}
    assert found == {
        "plan.gpkg",
        "datapackage.json",
        "stac-item.json",
        *(f"layers/{name}.parquet" for name in LAYERS),
        *(f"tables/{name}.parquet" for name in OF_RUN),
        *(f"tables/{name}.csv" for name in OF_RUN | IN_CSV),
        "tables/data_dictionary.csv",
    }


def test_returns_what_was_written(tmp_path, write, content):
    written = write(tmp_path / "run", content)
    assert sorted(written) == sorted(p for p in (tmp_path / "run").rglob("*") if p.is_file())


def test_same_plan_gives_same_bytes(tmp_path, write, content):
    evaluation = content.evaluation
    shuffled = replace(
        content,
        evaluation=replace(
            evaluation,
            stations=evaluation.stations[::-1],
            zones=evaluation.zones.sample(frac=1, random_state=1),
            cities=evaluation.cities[::-1],
            packs=evaluation.packs[::-1],
        ),
        allocation=content.allocation[::-1],
        candidates=content.candidates[::-1],
    )
    first, again = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        for files in (write(tmp_path / "a", content), write(tmp_path / "b", shuffled))
    )
    assert first == again


def test_input_is_left_as_it_was(tmp_path, write, content):
    evaluation = content.evaluation
    before = {name: getattr(evaluation, name).copy() for name in ("stations", "zones", "cities")}
    write(tmp_path / "run", content)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, getattr(evaluation, name))


@pytest.mark.parametrize("layer", LAYERS)
def test_geopackage_layers(run_folder, layer):
    info = pyogrio.read_info(run_folder / "plan.gpkg", layer=layer)
    assert info["features"] == LAYERS[layer]
    assert info["crs"] == "EPSG:4326"
    assert info["geometry_type"] == TYPES.get(layer, "Polygon")
    assert info["fid_column"] == "fid"


def test_geopackage_is_sound_and_registers_every_table(run_folder):
    path = run_folder / "plan.gpkg"
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    kinds = dict(query(path, "SELECT table_name, data_type FROM gpkg_contents"))
    assert kinds == dict.fromkeys(LAYERS, "features") | dict.fromkeys(TABLES, "attributes")
    for table, num_rows in (LAYERS | TABLES).items():
        assert query(path, f"SELECT count(*) FROM {table}") == [(num_rows,)]
    extensions = query(path, "SELECT table_name, extension_name FROM gpkg_extensions")
    assert {("gpkg_data_columns", "gpkg_schema"), ("zones", "gpkg_rtree_index")} <= set(extensions)
    described = dict(query(path, "SELECT identifier, description FROM gpkg_contents"))
    assert described["zones"].startswith("Demand zones (H3 hexagons)")
    assert all(
        text.endswith("Scenario: tiny.") for name, text in described.items() if name in LAYERS
    )
    styled = query(path, "SELECT description FROM layer_styles")
    assert all(text.endswith("(scenario tiny)") for (text,) in styled)
    assert query(path, "SELECT DISTINCT scenario FROM kpi") == [("tiny",)]
    (last_changes,) = zip(*query(path, "SELECT last_change FROM gpkg_contents"), strict=True)
    assert set(last_changes) == {"2000-01-01T00:00:00.000Z"}


def test_attribution_stands_in_the_metadata(run_folder):
    ((metadata,),) = query(
        run_folder / "plan.gpkg",
        "SELECT metadata FROM gpkg_metadata JOIN gpkg_metadata_reference ON md_file_id = id"
        " WHERE reference_scope = 'geopackage'",
    )
    assert "© OpenStreetMap" in metadata
    assert '<MDI key="SCENARIO">tiny</MDI>' in metadata
    assert "EPSG:4490" in metadata


def test_spatial_index_finds_the_zone(run_folder, evaluation):
    zone = evaluation.zones.iloc[3]
    around = (zone["lon"] - 1e-5, zone["lat"] - 1e-5, zone["lon"] + 1e-5, zone["lat"] + 1e-5)
    found = pyogrio.read_dataframe(run_folder / "plan.gpkg", layer="zones", bbox=around)
    assert found["zone_id"].tolist() == [zone["zone_id"]]


@pytest.mark.parametrize("file", ["plan.gpkg", "layers/zones.parquet"])
def test_zones_come_back_equal(run_folder, evaluation, file):
    if file.endswith("gpkg"):
        zones = pyogrio.read_dataframe(run_folder / file, layer="zones")
    else:
        zones = gpd.read_parquet(run_folder / file)
    assert zones.crs == "EPSG:4326"
    centres = shapely.points(zones[["lon", "lat"]].to_numpy())
    assert shapely.contains(zones.geometry.to_numpy(), centres).all()
    assert zones["is_served"].dtype == bool
    assert zones["site_id"].isna().tolist() == [False, False, True, False, True, True]
    assert_equal_values(pd.DataFrame(zones)[list(evaluation.zones)], evaluation.zones)


def test_what_is_missing_is_null(run_folder):
    missing = query(
        run_folder / "plan.gpkg",
        "SELECT count(*) FROM zones WHERE site_id IS NULL AND drive_min IS NULL AND NOT is_served",
    )
    assert missing == [(3,)]
    assert pq.read_table(run_folder / "layers/zones.parquet")["drive_min"].null_count == 3


@pytest.mark.parametrize("layer", ["stations", "cities"])
def test_points_come_back_equal(run_folder, evaluation, layer):
    expected = getattr(evaluation, layer).rename(
        columns={"design_range_#25 Na_km": "design_range_25_na_km"}
    )
    if layer == "stations":  # in the words of a reader
        expected = expected.replace({"site_status": {"candidate": "new"}})
        expected.insert(2, "city_name", "Harbin")
    for back in (
        pyogrio.read_dataframe(run_folder / "plan.gpkg", layer=layer),
        gpd.read_parquet(run_folder / "layers" / f"{layer}.parquet"),
    ):
        np.testing.assert_array_equal(back.geometry.x, expected["lon"])
        np.testing.assert_array_equal(back.geometry.y, expected["lat"])
        assert_equal_values(pd.DataFrame(back)[list(expected)], expected)


def test_overview_sums_the_zones(run_folder):
    overview = pyogrio.read_dataframe(run_folder / "plan.gpkg", layer="zones_overview").iloc[0]
    assert overview["num_zones"] == 6
    assert overview["car_owning_households"] == 675
    assert overview["swaps_per_day"] == 67.5
    assert overview["households_served_frac"] == pytest.approx(350 / 675)
    assert overview["swaps_served_frac"] == pytest.approx(35 / 67.5)
    assert overview["unserved_swaps_per_day"] == pytest.approx(32.5)


def test_tables_come_back_equal(run_folder, content):
    evaluation, run_info, assumptions = content.evaluation, content.run_info, content.assumptions
    path = run_folder / "plan.gpkg"
    kpi = query(path, "SELECT name, value, unit FROM kpi ORDER BY fid")
    assert {name: value for name, value, _ in kpi} == evaluation.kpi
    assert [unit for _, _, unit in kpi] == ["1", "CNY", "1"]
    told = dict(query(path, "SELECT key, value FROM run_info"))
    assert told == {key: str(value) for key, value in run_info.items()}
    assert query(path, "SELECT item, value, mark, source FROM assumptions") == [
        tuple(row) for row in assumptions.to_numpy().tolist()
    ]
    assert query(path, "SELECT city_id, vehicles FROM packs ORDER BY fid") == [
        ("230100", 700),
        ("x1", 100),
    ]


def test_columns_carry_titles_and_descriptions(run_folder):
    path = run_folder / "plan.gpkg"
    aliases = {
        (table, column): (title, description)
        for table, column, title, description in query(
            path, "SELECT table_name, column_name, name, description FROM gpkg_data_columns"
        )
    }
    assert aliases["stations", "grid_kw"][0] == "Grid connection [kW]"
    assert aliases["cities", "design_range_25_na_km"][0] == "Winter design range with #25 Na [km]"
    for table in (set(LAYERS) | OF_RUN) - {"a_table_of_tomorrow"}:
        for _, column, *_ in query(path, f"PRAGMA table_info({table})"):
            if column not in {"fid", "geom"}:
                assert all(aliases[table, column]), (table, column)


def test_styles_are_found_and_name_columns_that_exist(run_folder):
    path = run_folder / "plan.gpkg"
    styles = query(
        path, "SELECT f_table_name, f_geometry_column, styleQML, useAsDefault FROM layer_styles"
    )
    # Plain tables too, for QGIS reads their headings there.
    assert {layer for layer, *_ in styles} == (set(LAYERS) | set(TABLES)) - {"layer_styles"}
    geometry_columns = dict(
        query(path, "SELECT table_name, column_name FROM gpkg_geometry_columns")
    )
    defaults = [layer for layer, _, _, is_default in styles if is_default]
    assert sorted(defaults) == sorted({layer for layer, *_ in styles})  # one each
    for layer, geometry_column, qml, _ in styles:
        assert geometry_column == geometry_columns.get(layer, "")
        aliases = {
            entry.get("field"): entry.get("name")
            for entry in ET.fromstring(qml).iter("alias")
            if entry.get("name")
        }
        assert aliases == dict(
            query(
                path,
                f"SELECT column_name, title FROM gpkg_data_columns WHERE table_name = '{layer}'",
            )
        )
        renderer = ET.fromstring(qml).find("renderer-v2")
        if layer in TABLES:
            assert renderer is None
            continue
        if renderer.get("type") == "singleSymbol":
            continue
        counted = [renderer.get("attr")] if renderer.get("attr") else [
            f"CASE WHEN {rule.get('filter')} THEN 1 END" for rule in renderer.iter("rule")
        ]  # fmt: skip
        counts = [query(path, f"SELECT count({each}) FROM {layer}")[0][0] for each in counted]
        assert sum(counts) == LAYERS[layer] - NOT_IN_WINTER.get(layer, 0)
        symbols = {symbol.get("name") for symbol in renderer.find("symbols")}
        classes = [*renderer.iter("category"), *renderer.iter("range"), *renderer.iter("rule")]
        assert {entry.get("symbol") for entry in classes} == symbols
    assert query(path, "PRAGMA table_info(layer_styles)")[0][1] == "id"


def test_station_types_are_coloured_from_small_to_large(run_folder):
    ((qml,),) = query(
        run_folder / "plan.gpkg",
        "SELECT styleQML FROM layer_styles WHERE f_table_name = 'stations'",
    )
    labels = [entry.get("label") for entry in ET.fromstring(qml).iter("category")]
    assert labels == ["small (14 bays)", "large (30 bays)"]


def test_names_survive_and_formulas_stay_text(run_folder):
    names = query(run_folder / "plan.gpkg", "SELECT name_en, name_zh FROM cities ORDER BY city_id")
    assert names == [("Harbin", "哈尔滨"), ("=cmd|'<script>", None)]
    harbin, other = read_csv(run_folder / "tables/cities.csv")
    assert harbin["name_zh"] == "哈尔滨"
    assert (other["name_en"], other["name_zh"], other["province"]) == ("'=cmd|'<script>", "", "'+1")
    (assumption,) = read_csv(run_folder / "tables/assumptions.csv")
    assert assumption["value"] == "'-35 C"
    assert assumption["source"] == "测量, by hand"


def test_numbers_in_tables_are_short_and_equal(run_folder):
    harbin, other = read_csv(run_folder / "tables/cities.csv")
    assert harbin["winter_design_c"] == "-28.4"
    assert harbin["households_served_frac"] == "0.518519"
    assert other["households_served_frac"] == ""
    assert harbin["vehicles"] == "900"
    first, _ = read_csv(run_folder / "tables/stations.csv")
    assert first["capex_cny"] == "3200000"
    assert "geometry" not in first
    assert b"\r" not in (run_folder / "tables/cities.csv").read_bytes()
    assert {row["name"]: row["value"] for row in read_csv(run_folder / "tables/kpi.csv")} == {
        "num_stations": "2",
        "capex_cny": "8300000",
        "households_served_frac": "0.518519",
    }


def test_data_dictionary_names_every_column(run_folder):
    dictionary = read_csv(run_folder / "tables/data_dictionary.csv")
    titles = {(row["layer"], row["column"]): row["title"] for row in dictionary}
    for name in OF_RUN - {"a_table_of_tomorrow"} | IN_CSV:
        with (run_folder / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            for column in next(csv.reader(stream)):
                assert titles[name, column]


@pytest.mark.parametrize("layer", LAYERS)
def test_parquet_is_geoparquet_1_1_with_boxes(run_folder, layer):
    path = run_folder / "layers" / f"{layer}.parquet"
    metadata = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert "© OpenStreetMap" in gpd.read_parquet(path).attrs["ATTRIBUTION"]
    assert metadata["version"] == "1.1.0"
    assert metadata["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


@pytest.mark.parametrize("layer", CORRIDOR_LAYERS)
def test_corridors_come_back_equal(run_folder, layer):
    given = make_corridor_tables()[layer].replace({"site_status": {"candidate": "new"}})
    for back in (
        pyogrio.read_dataframe(run_folder / "plan.gpkg", layer=layer),
        gpd.read_parquet(run_folder / "layers" / f"{layer}.parquet"),
    ):
        plain = pd.DataFrame(back.drop(columns="geometry"))
        kept = [row for row in range(len(given)) if (layer, row) not in WITHOUT_PLACE]
        assert_equal_values(plain, given.iloc[kept].reset_index(drop=True))
        ends = [("from_lon", "from_lat"), ("to_lon", "to_lat")] if "from_lon" in given else [
            ("lon", "lat")
        ]  # fmt: skip
        np.testing.assert_array_equal(
            shapely.get_coordinates(back.geometry), np.vstack(
                [plain[list(end)].to_numpy()[[row]] for row in range(len(plain)) for end in ends]
            )
        )  # fmt: skip


def test_rows_without_a_place_stand_in_the_csv_alone(run_folder):
    for layer, row in WITHOUT_PLACE:
        given = make_corridor_tables()[layer]
        told = read_csv(run_folder / "tables" / f"{layer}.csv")
        assert len(told) == len(given)
        assert (told[-1]["season"], float(told[-1]["km"])) == (
            given["season"][row], given["km"][row]
        )  # fmt: skip
        path = run_folder / "plan.gpkg"
        ((said,),) = query(
            path, f"SELECT description FROM gpkg_contents WHERE table_name = '{layer}'"
        )
        assert f"tables/{layer}.csv alone" in said
    full = read_csv(run_folder / "tables/corridor_unserved.csv")[-1]
    assert (full["why"], full["lon"], full["breaks_from"]) == ("its stations are full", "", "")


def test_a_plan_of_corridors_without_trouble_is_written(tmp_path, write, content):
    empty = {name: frame.iloc[:0] for name, frame in make_corridor_tables().items()}
    write(tmp_path / "run", replace(content, tables=empty))
    for layer in CORRIDOR_LAYERS:
        info = pyogrio.read_info(tmp_path / "run" / "plan.gpkg", layer=layer)
        assert (info["features"], info["geometry_type"]) == (0, TYPES[layer])


def test_a_run_without_corridors_has_none_of_their_files(run_folder_of_points):
    assert not list(run_folder_of_points.rglob("corridor*"))
    names = {str(name) for name, _ in pyogrio.list_layers(run_folder_of_points / "plan.gpkg")}
    assert not [name for name in names if name.startswith("corridor")]
    dictionary = read_csv(run_folder_of_points / "tables/data_dictionary.csv")
    assert not [row for row in dictionary if row["layer"].startswith("corridor")]


def test_zones_with_places_of_their_own_are_points(run_folder_of_points, evaluation_of_points):
    path = run_folder_of_points / "plan.gpkg"
    layers = dict(pyogrio.list_layers(path).tolist())
    assert layers["zones"] == "Point"
    assert layers["zones_overview"] == layers["zones_overview_coarse"] == "Polygon"
    zones = pyogrio.read_dataframe(path, layer="zones")
    np.testing.assert_array_equal(zones.geometry.x, evaluation_of_points.zones["lon"])
    ((qml,),) = query(path, "SELECT styleQML FROM layer_styles WHERE f_table_name = 'zones'")
    assert {symbol.get("type") for symbol in ET.fromstring(qml).iter("symbol")} == {"marker"}


def test_cells_with_points_elsewhere_are_points(tmp_path, write, content):
    zones = content.evaluation.zones
    moved = replace(content.evaluation, zones=zones.assign(lon=zones["lon"] + 0.002))
    write(tmp_path / "run", replace(content, evaluation=moved))
    info = pyogrio.read_info(tmp_path / "run" / "plan.gpkg", layer="zones")
    assert info["geometry_type"] == "Point"


def test_plan_without_stations_is_written(tmp_path, write, content):
    evaluation = content.evaluation
    empty = replace(
        evaluation,
        stations=evaluation.stations.iloc[:0],
        packs=evaluation.packs.iloc[:0],
        zones=evaluation.zones.assign(
            is_served=False, served_frac=0.0, site_id=np.nan, drive_min=np.nan
        ),
        cities=evaluation.cities.assign(name_zh=None),
    )
    nothing = replace(content, evaluation=empty, allocation=content.allocation.iloc[:0])
    write(tmp_path / "run", nothing)
    for layer in ("allocation", "service_areas"):
        assert pyogrio.read_info(tmp_path / "run" / "plan.gpkg", layer=layer)["features"] == 0
    info = pyogrio.read_info(tmp_path / "run" / "plan.gpkg", layer="stations")
    assert (info["features"], info["geometry_type"]) == (0, "Point")
    assert gpd.read_parquet(tmp_path / "run" / "layers/stations.parquet").empty
    for layer, column in (("zones", "site_id"), ("cities", "name_zh")):
        table = query(tmp_path / "run" / "plan.gpkg", f"PRAGMA table_info({layer})")
        assert {name: kind for _, name, kind, *_ in table}[column] == "TEXT"
        parquet = pq.read_table(tmp_path / "run" / "layers" / f"{layer}.parquet")
        assert parquet[column].null_count == len(parquet)
        assert "string" in str(parquet[column].type)


def test_progress_is_told(tmp_path, content):
    told = []
    write_layers(tmp_path, content, told.append)
    assert "plan.gpkg: zones (6 rows)" in told


def test_tables_parquet_keep_types(run_folder):
    coupling = pd.read_parquet(run_folder / "tables/coupling.parquet")
    assert coupling.dtypes.astype(str).to_dict() == {
        "round": "int64",
        "swaps_per_day_served": "float64",
    }


def test_no_trace_of_a_database_journal_is_left(tutorial_folder):
    names = {path.name for path in tutorial_folder.rglob("*")}
    assert {name for name in names if name.endswith(("-wal", "-shm", "-journal"))} == set()


def test_a_run_written_twice_differs_in_its_times_only(tmp_path, planned_tutorial):
    timed = {"run.json", "progress.jsonl", "solver.log", "report.html"}
    first, again = (
        {
            line
            for line in (write_run(planned_tutorial, tmp_path / name) / "checksums.txt")
            .read_text()
            .splitlines()
            if line.split()[1] not in timed
        }
        for name in ("first", "again")
    )
    assert first == again
    assert any(line.endswith("plan.gpkg") for line in first)


@pytest.mark.parametrize("layer", [*LAYERS, *sorted(OF_RUN)])
def test_every_layer_and_table_is_read_by_gdal(run_folder, layer):
    num_rows = (LAYERS | TABLES)[layer]
    frame = pyogrio.read_dataframe(run_folder / "plan.gpkg", layer=layer)
    assert len(frame) == num_rows
    if layer in LAYERS:
        assert frame.geometry.is_valid.all()
    ogrinfo = shutil.which("ogrinfo")
    if ogrinfo is None:
        pytest.skip("ogrinfo is not installed (Debian: gdal-bin)")
    told = subprocess.run(
        [ogrinfo, "-so", "-ro", run_folder / "plan.gpkg", layer],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Feature Count: {num_rows}" in told.stdout
    assert told.stderr == ""
