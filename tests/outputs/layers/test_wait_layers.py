"""Waits, verdicts and packs in the layers of stations, and the style that shows verdicts."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pytest

from planner.outputs.layers import RunContent, write_layers
from planner.outputs.layers.export import export_run
from planner.outputs.layers.frames import build_layers
from planner.outputs.layers.read_back import STYLES_FILE
from tests.made_up_corridors import STATION
from tests.made_up_waits import make_wait_tables

OTHER = "=evil</script>"


@pytest.fixture(scope="module")
def simulated(content: RunContent) -> RunContent:
    waits = make_wait_tables(["s1", STATION], ["230100", STATION], [0.5, 0.99])
    return replace(content, tables={**content.tables, **waits})


@pytest.fixture(scope="module")
def folder(tmp_path_factory, simulated):
    folder = tmp_path_factory.mktemp("run") / "waits"
    folder.mkdir()
    write_layers(folder, simulated, lambda _: None)
    (folder / "DONE").touch()
    return folder


def test_columns_stand_in_both_layers_of_stations(folder):
    stations = gpd.read_parquet(folder / "layers/stations.parquet").set_index("site_id")
    assert stations["verdict"].fillna("").to_dict() == {"s1": "confirmed", "s2": ""}
    between = gpd.read_parquet(folder / "layers/corridor_stations.parquet")
    between = between.set_index("corridor_station_id")
    assert between.loc[STATION, "verdict"] == "refuted"
    assert between.loc[STATION, "lacks"] == "packs of na_25"
    assert pd.isna(between.loc[OTHER, "within_5min_frac"])
    for frame in (stations, between):
        assert frame["within_5min_frac"].between(0, 1).sum() == 1


@pytest.mark.parametrize("name", ["stations", "corridor_stations"])
def test_packs_are_whole_in_parquet(folder, name):
    schema = pq.read_schema(folder / f"layers/{name}.parquet")
    for column in ("station_packs", "packs_na_25", "packs_lfp_25"):
        assert str(schema.field(column).type) == "int64", column


def test_every_column_is_described_and_named_apart(simulated):
    for layer in build_layers(simulated).values():
        if layer.name == "a_table_of_tomorrow":
            continue
        assert [column.source for column in layer.columns if not column.description] == []
        titles = [column.title for column in layer.columns]
        assert len(set(titles)) == len(titles), layer.name


def _styles(path):
    query = "SELECT styleName, f_table_name, useAsDefault, styleQML FROM layer_styles"
    with closing(sqlite3.connect(path)) as connection:
        return {name: rest for name, *rest in connection.execute(query).fetchall()}


def test_verdicts_are_a_further_style_and_the_default_stays(folder, tmp_path):
    styles = _styles(folder / "plan.gpkg")
    for name in ("stations", "corridor_stations"):
        table, is_default, qml = styles[f"{name} by verdict"]
        assert (table, bool(is_default)) == (name, False)
        shapes = {shape for shape in ("triangle", "square", "circle") if f'value="{shape}"' in qml}
        assert shapes == {"triangle", "square", "circle"}
        assert bool(styles[name][1])
        assert '"verdict"' not in styles[name][2].replace("&quot;", '"').split("<aliases")[0]
    export_run(folder, "gpkg", tmp_path / "out", names=["stations"])
    exported = _styles(tmp_path / "out/plan.gpkg")
    assert set(exported) == {"stations", "stations by verdict"}


def test_styles_of_a_run_without_geopackage_come_back(simulated, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    write_layers(folder, simulated, lambda _: None, with_geopackage=False)
    assert "stations by verdict" in json.loads((folder / STYLES_FILE).read_text(encoding="utf-8"))
    (folder / "DONE").touch()
    export_run(folder, "gpkg", tmp_path / "out", names=["corridor_stations"])
    assert set(_styles(tmp_path / "out/plan.gpkg")) == {
        "corridor_stations", "corridor_stations by verdict",
    }  # fmt: skip


def test_without_a_simulation_there_is_neither(content, write, tmp_path):
    folder = tmp_path / "bare"
    write(folder, content)
    assert not any("verdict" in name for name in _styles(folder / "plan.gpkg"))
    assert "verdict" not in gpd.read_parquet(folder / "layers/stations.parquet")
