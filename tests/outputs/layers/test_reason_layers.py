"""Stations and candidates with their costs: headings with the unit, styles that hold every row."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pytest

from planner.outputs.layers import write_layers
from planner.outputs.layers.frames import RunContent, build_layers
from planner.outputs.station_reasons import class_of, cost_classes, interval, stations_in_words
from tests.made_up_reasons import with_force_ins, with_replacements


@pytest.fixture(scope="module")
def explained(content: RunContent) -> RunContent:
    evaluation = content.evaluation
    stations = with_replacements(evaluation.stations, "s3")
    return replace(
        content,
        evaluation=replace(evaluation, stations=stations),
        candidates=with_force_ins(content.candidates, "s1"),
        objective_unit="swaps/day",
    )


def test_headings_tell_the_unit_of_the_objective(explained, content):
    stations = build_layers(explained)["stations"]
    titles = {column.name: column.title for column in stations.columns}
    assert titles["replacement_cost"] == "Replacement cost [swaps/day]"
    assert titles["replacement_cost_low"] == "Replacement cost, at least [swaps/day]"
    candidates = build_layers(replace(explained, objective_unit="CNY/year"))["candidates"]
    titles = {column.name: column.title for column in candidates.columns}
    assert titles["force_in_cost"] == "Force-in cost [CNY/year]"
    for layer in build_layers(explained).values():
        assert not any("[objective]" in each.title + each.description for each in layer.columns)


def test_costs_and_their_sites_are_written(explained, tmp_path):
    write_layers(tmp_path, explained, lambda _: None)
    stations = gpd.read_parquet(tmp_path / "layers/stations.parquet").set_index("site_id")
    assert stations["replacement_cost"].to_dict() == pytest.approx(
        {"s1": 12.0, "s2": float("nan")}, nan_ok=True
    )
    assert stations["next_best_site_id"]["s1"] == "s3"
    assert pd.isna(stations["next_best_site_id"]["s2"])
    candidates = gpd.read_parquet(tmp_path / "layers/candidates.parquet").set_index("site_id")
    assert candidates["leaves_site_id"]["s3"] == "s1"
    assert pd.isna(candidates["force_in_cost"]["s4"])
    query = "SELECT styleName, styleQML FROM layer_styles WHERE styleName LIKE '% cost'"
    with closing(sqlite3.connect(tmp_path / "plan.gpkg")) as connection:
        styles = dict(connection.execute(query).fetchall())
    assert set(styles) == {"stations by replacement cost", "candidates by force-in cost"}
    for text in styles.values():
        renderer = ET.fromstring(text).find("renderer-v2")
        assert renderer is not None
        values = {each.get("value") for each in renderer.iter("category")}
        assert values == {"", *re.findall(r"(?:THEN|ELSE) '(\d)'", str(renderer.get("attr")))}


def test_without_costs_there_is_no_style_of_them(content, tmp_path):
    names = [each.name for each in build_layers(content)["stations"].columns]
    assert "replacement_cost" not in names
    write_layers(tmp_path, content, lambda _: None)
    with closing(sqlite3.connect(tmp_path / "plan.gpkg")) as connection:
        styles = connection.execute("SELECT styleName FROM layer_styles").fetchall()
    assert not [name for (name,) in styles if name.endswith(" cost")]


@pytest.mark.parametrize(
    ("costs", "labels"),
    [
        ([], []),
        ([float("nan")], []),
        ([0.0, 0.0], ["0 and more"]),
        ([30e3] * 20, ["below 2,000", "2,000 to 5,000", "5,000 to 10,000", "10,000 to 20,000",
                       "20,000 and more"]),
        ([0.03], ["below 0.002", "0.002 to 0.005", "0.005 to 0.01", "0.01 to 0.02",
                  "0.02 and more"]),
    ],
)  # fmt: skip
def test_classes_are_round_and_hold_every_cost(costs, labels):
    column = pd.Series(costs, dtype=float)
    classes = cost_classes(column)
    assert [each.label for each in classes] == labels
    found = class_of(column, classes)
    for cost, rank in zip(costs, found, strict=True):
        assert rank == -1 if cost != cost else classes[rank].low <= cost < classes[rank].high


def test_words_hold_where_little_is_known(explained):
    stations = build_layers(explained)["stations"].frame
    told = stations_in_words(stations, "swaps/day")
    assert "the hardest (s1) at most 12" in told
    assert told.endswith("1 is proven to be missed.")
    standing = stations.assign(replacement_cost=float("nan"))
    assert "No station could be replaced" in stations_in_words(standing, "swaps/day")
    assert interval(0.0, 2.0) == "0 to 2.0"
