"""Folders of alternatives and frontiers: what stands in them is what the tables say."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

from planner.errors import InputError
from planner.outputs.reasons import About, check_target, write_alternatives, write_frontier
from planner.outputs.reasons.alternatives import describe_alternatives, in_one_sentence
from planner.outputs.reasons.frontier import describe_frontier
from planner.outputs.reasons.layers import FRONTIERS, build_layers, build_styles, hexagon_classes
from planner.plans.question import judge_of
from tests.made_up_reasons import make_alternative_tables, make_frontier_tables

CITIES = ["230100", "</script><b>"]
PLACES = [(126.5 + 0.11 * (step % 6), 45.6 + 0.09 * (step // 6)) for step in range(24)]
ABOUT = About(
    "towns", "Towns & a test", judge_of("max_coverage").measures[0], "© OpenStreetMap",
    ("Tolerances are counted from the plan.",), parent_run="run-1",
)  # fmt: skip


@pytest.fixture(scope="module")
def alternatives() -> dict[str, pd.DataFrame]:
    return make_alternative_tables(CITIES, PLACES)


@pytest.fixture(scope="module")
def frontier() -> dict[str, pd.DataFrame]:
    return make_frontier_tables(CITIES[0], PLACES)


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, alternatives: dict[str, pd.DataFrame],
    frontier: dict[str, pd.DataFrame],
) -> dict[str, Path]:  # fmt: skip
    folder, lost = tmp_path_factory.mktemp("reasons"), list[str]()
    found = {
        "alternatives": write_alternatives(alternatives, ABOUT, folder / "a", lost.append),
        "frontier": write_frontier(frontier, ABOUT, folder / "f", on_loss=lost.append),
    }
    assert lost == []
    return found


def test_alternatives_stand_as_layers_tables_page_and_json(written, alternatives):
    folder = written["alternatives"]
    hexagons = gpd.read_parquet(folder / "alternative_hexagons.parquet")
    assert hexagons["h3"].tolist() == alternatives["alternative_hexagons"]["h3"].tolist()
    assert (hexagons.geometry.geom_type == "Polygon").all()
    sites = gpd.read_parquet(folder / "alternative_sites.parquet")
    assert sites.geometry.x.tolist() == sites["lon"].tolist()
    told = json.loads((folder / "alternatives.json").read_text("utf-8"))
    assert [row["places_differ"] for row in told["alternative_plans"]] == [0, 1, 2, 3]
    assert told["unit"] == "swaps/day"
    assert told["parent_run"] == "run-1"
    about = pyogrio.read_info(folder / "alternatives.gpkg", layer="alternative_sites")
    assert about["dataset_metadata"]["PARENT_RUN"] == "run-1"
    assert "Cost, at most [swaps/day]" in (folder / "data_dictionary.csv").read_text("utf-8")
    layers = dict(pyogrio.list_layers(folder / "alternatives.gpkg"))
    assert layers["alternative_hexagons"] == "Polygon"
    assert layers["alternative_plans"] is None


def test_the_page_tells_found_and_proven_and_escapes_names(written):
    page = (written["alternatives"] / "alternatives.html").read_text("utf-8")
    assert "3 places can differ at a loss of 1 % at most (proven: no more than 6)" in page
    assert "must have, proven by city" in page
    assert "</script><b>" not in page
    assert page.count("<svg") == 5
    assert not re.search(r'(?:src|href)="https?:', page)


def test_the_frontier_stands_as_chart_table_layer_and_pictures(written, frontier):
    folder = written["frontier"]
    table = pd.read_parquet(folder / "frontier.parquet")
    assert table["stations"].tolist() == frontier["frontier"]["stations"].tolist()
    rows = json.loads((folder / "frontier.json").read_text("utf-8"))["frontier"]
    assert rows[-1]["objective"] == 96.0
    page = (folder / "frontier.html").read_text("utf-8")
    assert "no plan is better than these by more than 0.60 % anywhere" in page
    assert page.count("<svg") == 5
    assert ET.parse(folder / "frontier.svg").getroot().tag.endswith("svg")
    assert (folder / "frontier.png").read_bytes().startswith(b"\x89PNG")
    assert set(dict(pyogrio.list_layers(folder / "frontier.gpkg"))) >= {
        "frontier", "frontier_bounds", "frontier_sites", "layer_styles"
    }  # fmt: skip
    assert len(pd.read_parquet(folder / "frontier_bounds.parquet")) == 9


@pytest.mark.parametrize("name", ["alternatives", "frontier"])
def test_styles_hold_every_row(written, name):
    path = written[name] / f"{name}.gpkg"
    query = "SELECT f_table_name, styleQML FROM layer_styles"
    with closing(sqlite3.connect(path)) as connection:
        styles = connection.execute(query).fetchall()
    assert styles
    for layer, text in styles:
        renderer = ET.fromstring(text).find("renderer-v2")
        assert renderer is not None
        if renderer.get("type") == "graduatedSymbol":
            values = pyogrio.read_dataframe(path, layer=layer)[renderer.get("attr")]
            ends = [(float(each.get("lower", "")), float(each.get("upper", "")))
                    for each in renderer.iter("range")]  # fmt: skip
            assert all(any(low <= value <= high for low, high in ends) for value in values)
            assert [high for _, high in ends[:-1]] == [low for low, _ in ends[1:]]
        elif layer == "alternative_sites":
            labels = set(pyogrio.read_dataframe(path, layer=layer)["label"])
            assert labels <= {each.get("value") for each in renderer.iter("category")}


def test_hexagons_are_told_apart_by_what_the_plans_have_there():
    hexagons = pd.DataFrame(
        {"in_plan": [1, 2, 1, 0, 0], "least": [1, 1, 0, 0, 1], "most": [1, 3, 1, 2, 1]}
    )
    assert hexagon_classes(hexagons).tolist() == ["same", "varies", "left", "taken", "same"]


def test_what_is_not_proven_is_not_told(alternatives):
    curve = alternatives["alternative_curve"]
    unproven = {**alternatives, "alternative_curve": curve.assign(places_proven_most=-1)}
    assert "proven" not in in_one_sentence(unproven)
    content = describe_alternatives(unproven, ABOUT)
    assert [row[3] for row in content.tables[1].rows] == ["–"] * len(curve)
    unfound = {**unproven, "alternative_curve": curve.assign(places_found=-1)}
    assert in_one_sentence(unfound) == "No other plan nearly as good was found."


def test_costs_of_steps_are_told_as_far_as_they_are_known(alternatives):
    steps = alternatives["city_steps"].copy()
    steps.loc[0, ["cost_low", "cost_found"]] = 0.25, np.nan
    steps.loc[1, ["cost_low", "cost_found"]] = -0.5, -0.25
    content = describe_alternatives({**alternatives, "city_steps": steps}, ABOUT)
    row = next(row for row in content.tables[2].rows if row[0] == CITIES[0])
    assert row[2:4] == ["at least 0.25", "-0.50 to -0.25"]


@pytest.mark.parametrize(
    ("objective", "over", "column"),
    [("max_coverage", "stations", "stations"), ("p_median", "stations", "stations"),
     ("set_cover", "covered_frac", "covered_frac"),
     ("facility_location", "money_cny", "money_cny")],
)  # fmt: skip
def test_a_frontier_of_every_question_is_described(frontier, objective, over, column):
    about = replace(ABOUT, measure=judge_of(objective).measures[0])
    table = frontier["frontier"].rename(columns={"stations": column})
    scale = {"stations": 1, "covered_frac": 0.01, "money_cny": 1e6}[column]
    table[column] = table[column] * scale
    table["bound"] = np.nan if objective == "set_cover" else table["bound"]
    table["gap_frac"] = np.inf if objective == "set_cover" else table["gap_frac"]
    # Without bounds between the plans those at the plans are drawn.
    content = describe_frontier(
        {"frontier": table, "frontier_sites": frontier["frontier_sites"]}, about, over
    )
    assert about.measure.words.name.lower() in content.finding
    assert ("not every bound is known" in content.finding) == (objective == "set_cover")
    assert all(chart.spec for chart in (*content.charts, *content.maps))
    assert about.unit in content.tables[0].headings[1][0]


def test_many_numbers_are_drawn_in_few_classes():
    numbers = list(range(500, 6001, 250))
    sites = pd.DataFrame(
        {"site_id": [f"s{number}" for number in numbers], "city_id": "t", "lon": 1.0, "lat": 2.0,
         "first_number": numbers}
    )  # fmt: skip
    layers = build_layers({"frontier_sites": sites}, FRONTIERS, "swaps/day")
    text, _ = build_styles(layers)["frontier_sites"]
    labels = [each.get("label") for each in ET.fromstring(text).iter("range")]
    assert labels[0] == "stands from 500 to 1,000"
    assert len(labels) == 8


def test_a_folder_of_something_else_is_kept(tmp_path, frontier):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="something else than frontier"):
        write_frontier(frontier, ABOUT, tmp_path)
    with pytest.raises(InputError, match="a file stands here"):
        check_target(tmp_path / "thesis.txt", "alternatives")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
