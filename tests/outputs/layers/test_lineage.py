"""Each file of a run tells which run it is of, when it was made, and from what."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from pyarrow import parquet

from planner.outputs.layers.export import export_run
from planner.outputs.layers.geopackage import begin_geopackage
from planner.outputs.layers.layer import Layer
from planner.outputs.layers.parquet import write_parquet
from planner.outputs.lineage import lineage
from planner.planning.clock import StageClock

RUN_ID, DATE, DIGEST = "tiny-1a2b3c4d5e-20270102T030405Z", "2027-01-02T03:04:05Z", "9f86d081"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write, content):
    told = {"run_id": RUN_ID, "run_date": DATE, "instance": "tiny", "planner_version": "1.2",
            "sha256 zones.csv": DIGEST}  # fmt: skip
    folder = tmp_path_factory.mktemp("run") / "told"
    write(folder, replace(content, run_info={**content.run_info, **told}))
    (folder / "DONE").touch()
    return folder


def assert_told(text):
    for word in (RUN_ID, DATE, DIGEST, "zones.csv", "1.2"):
        assert word in text


def query(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_files_of_the_run_tell_it(folder):
    ((told,),) = query(folder / "plan.gpkg", "SELECT metadata FROM gpkg_metadata")
    assert_told(told)
    for (text,) in query(folder / "plan.gpkg", "SELECT description FROM gpkg_contents "
                         "WHERE table_name NOT LIKE 'layer_styles'"):  # fmt: skip
        assert RUN_ID in text
    paths = [*folder.glob("layers/*.parquet"), *folder.glob("tables/*.parquet")]
    for path in paths:
        assert_told(str(parquet.read_schema(path).metadata))
    for name in ("datapackage.json", "stac-item.json"):  # the first speaks for CSV too
        assert_told((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("file_format", "name"),
    [("flatgeobuf", "stations.fgb"), ("geojson", "stations.geojson"), ("pmtiles", "plan.pmtiles")],
)
def test_exported_files_tell_it(folder, tmp_path, file_format, name):
    export_run(folder, file_format, tmp_path, names=["stations"])
    if file_format == "flatgeobuf":
        told = str(pyogrio.read_info(tmp_path / name)["layer_metadata"])
    elif file_format == "geojson":
        told = (tmp_path / name).read_text(encoding="utf-8")
    else:
        told = (tmp_path / "style.json").read_text(encoding="utf-8")
    assert RUN_ID in told
    assert_told((tmp_path / "metadata.json").read_text(encoding="utf-8"))


def test_a_run_is_named_by_its_inputs_and_its_beginning(planned_tutorial):
    def of(began_s, deterministic):
        scenario = planned_tutorial.instance.scenario
        solver = scenario.solver.model_copy(update={"deterministic": deterministic})
        scenario = scenario.model_copy(update={"solver": solver})
        instance = replace(planned_tutorial.instance, scenario=scenario)
        return lineage(instance, StageClock(began_s=began_s))

    first, second = of(0.0, False), of(86_400.0, False)
    assert (first["run_date"], second["run_date"]) == (
        "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z",
    )  # fmt: skip
    assert first["run_id"] != second["run_id"]
    assert first["run_id"].endswith("-19700101T000000Z")
    # Runs that leave the same bytes are the same run, whenever they were made.
    assert of(0.0, True) == of(86_400.0, True)
    assert "run_date" not in of(0.0, True)


def test_rows_of_large_layers_lie_along_a_curve(tmp_path):
    rng = np.random.default_rng(3)
    points = shapely.points(rng.uniform((100, 20), (120, 40), (140_000, 2)))
    frame = gpd.GeoDataFrame(
        {"site_id": np.arange(140_000).astype(str)}, geometry=points, crs="EPSG:4326"
    )
    write_parquet(tmp_path / "many.parquet", Layer("many", "", frame, (), "Point"), {})
    back = gpd.read_parquet(tmp_path / "many.parquet")
    assert sorted(back["site_id"]) == sorted(frame["site_id"])
    groups = back.iloc[:65_536].geometry.total_bounds, back.geometry.total_bounds
    part, whole = ((box[2] - box[0]) * (box[3] - box[1]) for box in groups)
    assert part < 0.75 * whole  # shuffled rows would fill the whole box
    few = frame[:100]
    write_parquet(tmp_path / "few.parquet", Layer("few", "", few, (), "Point"), {})
    assert gpd.read_parquet(tmp_path / "few.parquet")["site_id"].tolist() == few["site_id"].tolist()


@pytest.mark.parametrize("kind", ["Point", "Polygon"])
def test_a_large_layer_is_what_one_writing_of_all_rows_would_be(tmp_path, kind):
    rng = np.random.default_rng(7)
    lonlat = rng.uniform((100, 20), (120, 40), (70_000, 2))
    shapes = shapely.points(lonlat) if kind == "Point" else shapely.box(*lonlat.T, *(lonlat.T + 1))
    frame = gpd.GeoDataFrame(
        {
            "site_id": pd.array([None, *map(str, range(1, 70_000))], "string"),
            "share_frac": np.where(lonlat[:, 0] < 110, np.nan, lonlat[:, 1]),
            "num_zones": np.arange(70_000, dtype=np.int32),
        },
        geometry=shapes, crs="EPSG:4326",
    )  # fmt: skip
    layer, metadata = Layer("zones", "All.", frame, (), kind), {"TITLE": "Zones"}
    write_parquet(tmp_path / "zones.parquet", layer, metadata)
    whole = frame.iloc[frame.hilbert_distance().argsort(kind="stable")]
    whole.attrs.update(metadata)
    whole.to_parquet(
        tmp_path / "whole.parquet", index=False, compression="zstd", schema_version="1.1.0",
        write_covering_bbox=True, row_group_size=65_536,
    )  # fmt: skip
    written, expected = (
        pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("zones", "whole")
    )
    assert written.read().equals(expected.read(), check_metadata=True)
    assert written.num_row_groups == expected.num_row_groups == 2
    assert written.metadata.metadata == expected.metadata.metadata
    begin_geopackage(tmp_path / "plan.gpkg", layer, metadata, print)
    back = pyogrio.read_dataframe(tmp_path / "plan.gpkg", layer="zones")
    assert shapely.equals_exact(back.geometry.to_numpy(), shapes).all()
    pd.testing.assert_frame_equal(
        pd.DataFrame(back).drop(columns="geometry"),
        pd.DataFrame(frame).drop(columns="geometry"), check_dtype=False,
    )  # fmt: skip
    assert back.crs == frame.crs


def test_ids_and_what_names_rows_of_others_have_indexes(folder):
    found = {
        (table, tuple(column for _, _, column in query(folder / "plan.gpkg",
                                                       f"PRAGMA index_info('{name}')")))
        for name, table in query(
            folder / "plan.gpkg",
            "SELECT name, tbl_name FROM sqlite_master WHERE name LIKE 'idx\\_%' ESCAPE '\\'",
        )
    }  # fmt: skip
    assert found >= {
        ("stations", ("site_id",)),
        ("zones", ("zone_id",)),
        ("zones", ("site_id",)),
        ("zones", ("city_id",)),
        ("packs", ("city_id", "vehicle_id", "pack_id")),
    }
    assert ("packs", ("city_id",)) not in found  # the key finds rows by its first column
    plan = query(
        folder / "plan.gpkg", "EXPLAIN QUERY PLAN SELECT * FROM zones WHERE site_id = 's1'"
    )
    assert "USING INDEX idx_zones_site_id" in str(plan)


def test_places_and_zones_tell_the_cells_that_hold_them(folder):
    overview = gpd.read_parquet(folder / "layers" / "zones_overview_coarse.parquet")
    zones = gpd.read_parquet(folder / "layers" / "zones.parquet")
    by_cell = zones.groupby("h3_5")["swaps_per_day"].sum()
    expected = overview.set_index("h3_cell")["swaps_per_day"]  # three steps coarser than 8
    np.testing.assert_allclose(by_cell[expected.index], expected)
    for name in ("stations", "candidates"):
        places = gpd.read_parquet(folder / "layers" / f"{name}.parquet")
        assert places["h3_5"].str.startswith("85").all()
        assert places["h3_7"].str.startswith("87").all()
    stations = gpd.read_parquet(folder / "layers" / "stations.parquet")
    assert set(stations["h3_7"]) <= set(zones["h3_7"])


def test_old_runs_without_an_id_are_still_exported(run_folder, tmp_path):
    export_run(run_folder, "geojson", tmp_path, names=["cities"])
    metadata = json.loads((tmp_path / "metadata.json").read_text(encoding="utf-8"))
    assert "RUN" not in metadata
    assert metadata["SCENARIO"] == "tiny"
