"""Markets as a layer: shapes of their cities, figures that are the tables', styles, relations."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from planner.outputs.language import phrase
from planner.outputs.layers import RunContent
from planner.outputs.layers.export import export_run
from planner.outputs.layers.frames import build_layers, whole_layers
from planner.outputs.layers.keys import keys_of
from planner.outputs.markets import closed_gates, market_figures
from planner.outputs.project import write_project
from planner.outputs.project.order import find_relations, find_themes
from planner.outputs.project.package import read_package
from planner.publish.tables import published_table
from tests.market_tables import (
    DELIVERED,
    MARKETS,
    OPEN_FROM,
    QUARTERS,
    SHORT,
    empty_market_tables,
    make_market_tables,
)

NOW = "2027Q1"


@pytest.fixture(scope="module")
def content_of_markets(content: RunContent) -> RunContent:
    """The plan written by hand, its second city in the second market."""
    cities = content.evaluation.cities.assign(market=list(MARKETS))
    evaluation = replace(content.evaluation, cities=cities)
    tables = {**content.tables, **make_market_tables()}
    return replace(content, evaluation=evaluation, tables=tables)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write, content_of_markets):
    folder = tmp_path_factory.mktemp("run") / "markets"
    write(folder, content_of_markets)
    (folder / "DONE").touch()
    return folder


def test_figures_of_a_market_are_recounted_from_the_tables(content_of_markets):
    layer = build_layers(content_of_markets)["markets"]
    rows = layer.frame.set_index("market")
    assert rows.index.tolist() == sorted(MARKETS)
    tables = content_of_markets.tables
    for market in MARKETS:
        row = rows.loc[market]
        for pack_id, chemistry in (("lfp_25", "lfp"), ("na_25", SHORT)):
            packs = sum(DELIVERED[market, pack_id][: QUARTERS.index(NOW) + 1])
            assert row[f"delivered_{chemistry}"] == pytest.approx(packs)
        assert row[f"open_from_{SHORT}"] == OPEN_FROM[market]
        assert row["open_from_lfp"] == QUARTERS[0]
        so_far = [
            gwh
            for quarter, where, gwh in tables["market_quarter"][
                ["quarter", "market", "delivered_gwh"]
            ].itertuples(index=False)
            if where == market and quarter <= NOW
        ]
        assert row["delivered_gwh"] == pytest.approx(sum(so_far))
    # R100 opens in 2027Q2, the passport is asked for from 2027Q1, storage waits for 2027Q3.
    assert rows["num_gates_closed"].to_dict() == {"CN": 1, "EU": 3}
    assert rows.loc["EU", "dearest_certificate"] == "Art. 12 safety"
    assert rows.loc["EU", "dearest_saving_cny"] == 5.1e6
    assert pd.isna(rows.loc["CN", "dearest_certificate"])
    assert rows["num_cities"].to_dict() == {"CN": 1, "EU": 1}


@pytest.mark.parametrize(
    ("quarter", "closed"),
    [("2026Q4", [True, False, True, True]), ("2027Q1", [True, True, True, True]),
     ("2027Q2", [False, False, True, True]), ("2027Q3", [False, False, False, True])],
)  # fmt: skip
def test_a_gate_is_closed_while_it_is_asked_for_and_not_held(quarter, closed):
    assert closed_gates(make_market_tables()["gate_value"], quarter).tolist() == closed


def test_quarters_add_up_to_the_table_by_pack(content_of_markets):
    frame = build_layers(content_of_markets)["market_quarters"].frame
    by_pack = content_of_markets.tables["market_quarter"]
    assert len(frame) == len(MARKETS) * len(QUARTERS)
    for name in ("delivered_gwh", "carbon_t"):
        assert frame[name].sum() == pytest.approx(by_pack[name].sum())
    assert frame["delivered_lfp"].sum() + frame[f"delivered_{SHORT}"].sum() == pytest.approx(
        by_pack["delivered_packs"].sum()
    )
    buyers = content_of_markets.tables["buyer_quarter"]
    named = buyers[buyers["market"] != ""]
    assert frame["served_gwh"].sum() == pytest.approx(named["served_gwh"].sum())
    for row in frame[["market", "quarter", f"open_{SHORT}"]].itertuples(index=False):
        assert row[2] == (row.quarter >= OPEN_FROM[row.market])


def test_a_market_is_the_cells_of_its_cities_and_light(content_of_markets):
    layers = build_layers(content_of_markets)
    markets, regions = layers["markets"].frame, layers["chemistry_regions"].frame
    assert markets.geometry.is_valid.all()
    drawn = markets[~markets.geometry.is_empty]
    assert drawn["market"].tolist()
    apart = drawn.geometry.union_all().symmetric_difference(regions.geometry.union_all())
    assert apart.area == pytest.approx(0.0, abs=1e-12)
    assert shapely.get_num_coordinates(drawn.geometry.to_numpy()).sum() < 500
    assert (drawn["area_km2"] > 0).all()


def test_vehicles_and_packs_are_whole_for_people(content_of_markets):
    layers = whole_layers(build_layers(content_of_markets))
    for name in ("markets", "market_quarters"):
        frame = layers[name].frame
        columns = [each for each in frame if each.startswith(("delivered_", "stock_", "vehicles"))]
        for column in columns:
            if column != "delivered_gwh":
                assert (frame[column].dropna() % 1 == 0).all(), (name, column)
    packs = layers["market_quarter"].frame
    told = layers["passport_flow"].frame.merge(packs, on=["market", "pack_id", "quarter"])
    assert (told["packs"] == told["delivered_packs"]).all()
    assert len(told)


def test_stations_tell_their_market(content_of_markets):
    stations = build_layers(content_of_markets)["stations"].frame
    assert stations["market"].tolist() == ["CN", "CN"]


def test_geopackage_and_parquet_open_with_the_same_rows(folder):
    assert "markets" in pyogrio.list_layers(folder / "plan.gpkg")[:, 0]
    info = pyogrio.read_info(folder / "plan.gpkg", layer="markets")
    assert (info["geometry_type"], info["features"]) == ("MultiPolygon", 2)
    assert info["crs"] == "EPSG:4326"
    parquet = gpd.read_parquet(folder / "layers/markets.parquet")
    package = gpd.read_file(folder / "plan.gpkg", layer="markets")
    assert package["market"].tolist() == parquet["market"].tolist() == sorted(MARKETS)
    assert package["dearest_saving_cny"].tolist() == parquet["dearest_saving_cny"].tolist()
    quarters = pyogrio.read_dataframe(folder / "plan.gpkg", layer="market_quarters")
    assert len(quarters) == len(MARKETS) * len(QUARTERS)


def test_every_column_is_described_in_both_languages(content_of_markets):
    english = build_layers(content_of_markets)
    run_info = {**content_of_markets.run_info, "language": "zh"}
    chinese = build_layers(replace(content_of_markets, run_info=run_info))
    for name in ("markets", *make_market_tables(), "market_quarters"):
        assert [each.source for each in english[name].columns if not each.description] == [], name
        for one, other in zip(english[name].columns, chinese[name].columns, strict=True):
            assert one.title
            assert any(ord(letter) >= 0x2E80 for letter in other.title), (name, one.name)


def test_keys_hold_and_point_at_markets(content_of_markets):
    keys = keys_of(build_layers(content_of_markets))
    assert keys["markets"].unique == ("market",)
    assert keys["market_quarters"].unique == ("market", "quarter")
    assert keys["gate_value"].unique == ("market", "application", "chemistry", "certificate")
    for name in ("cities", "market_quarters", "market_quarter", "gate_value", "offer"):
        assert ("market", "markets") in [
            (each.column, each.layer) for each in keys[name].references
        ], name


def test_project_has_theme_group_and_relations_and_its_styles_are_whole(folder, tmp_path):
    path = tmp_path / "plan.gpkg"
    path.write_bytes((folder / "plan.gpkg").read_bytes())
    write_project(path)
    package = read_package(path)
    held = package.layers["markets"]
    assert held.look == "by what the dearest certificate saves a quarter earlier"
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT styleName, styleQML FROM layer_styles WHERE f_table_name = 'markets'"
        styles = dict(connection.execute(query).fetchall())
    assert set(styles) == {"markets", "markets by packs delivered"}
    for text in styles.values():
        document = ET.fromstring(text)
        ranges = document.findall("renderer-v2/ranges/range")
        assert len(ranges) in (4, 5)
        ends = [(float(each.get("lower", "")), float(each.get("upper", ""))) for each in ranges]
        assert all(low < high for low, high in ends)
        assert [phrase(str(each.get("label")), "zh") == each.get("label") for each in ranges] == [
            False
        ] * len(ranges)
    assert "Markets" in [theme.title for theme in find_themes(package.layers, "en")]
    children = {each.child for each in find_relations(package.layers) if each.parent == "markets"}
    assert children >= {"cities", "market_quarters", "market_quarter", "gate_value", "offer"}


def test_exports_and_databases_take_markets(folder, tmp_path, content_of_markets):
    for file_format, name in (("geojson", "markets.geojson"), ("shapefile", "markets.shp")):
        export_run(folder, file_format, tmp_path / file_format, names=["markets"])
        exported = gpd.read_file(tmp_path / file_format / name)
        assert exported["market"].tolist() == sorted(MARKETS)
    metadata = {"ATTRIBUTION": "", "SCENARIO": "tiny"}
    for name, layer in build_layers(content_of_markets).items():
        if name in {"markets", "market_quarters", *make_market_tables()}:
            table = published_table(layer, metadata)
            assert set(table.types) == set(layer.frame.columns) - {"geometry"}
            assert all(table.comments.values())


def test_tables_without_rows_make_no_markets_and_no_fault(content, write, tmp_path):
    tables = {**content.tables, **empty_market_tables()}
    write(tmp_path / "empty", replace(content, tables=tables))
    assert pyogrio.read_info(tmp_path / "empty/plan.gpkg", layer="markets")["features"] == 0
    figures = market_figures(tables, content.evaluation.cities, NOW)
    assert figures.empty


def test_a_run_that_tells_of_no_markets_has_no_layer_of_them(content):
    layers = build_layers(content)
    assert "markets" not in layers
    assert "market_quarters" not in layers


def test_a_market_without_a_city_has_no_feature(content):
    layer = build_layers(
        replace(content, tables={**content.tables, **make_market_tables()})
    )["markets"]  # fmt: skip
    assert layer.frame["market"].tolist() == ["CN"]
