"""Maps tell what the figures tell, at any scale, in either language, in colours of the legend."""

import csv
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import shapely

import planner.outputs.layers.columns as columns_module
from planner.outputs.language import language_of, phrase, translate
from planner.outputs.layers import base_map
from planner.outputs.layers.base_map import base_roads, land_around
from planner.outputs.layers.frames import build_layers
from planner.outputs.layers.read_back import open_run, read_layer
from planner.outputs.layers.styles import build_styles
from planner.outputs.layers.zone_layers import build_zone_layers
from planner.outputs.run_folder import Outputs, write_run

CHINESE = re.compile("[一-鿿]")


@pytest.fixture(scope="module")
def layers(phased):
    return build_layers(phased)


def _styles(content, layers, language="en"):
    made = build_styles(layers, content.station_types, content.chemistries, language)
    return {name: ET.fromstring(qml) for name, (qml, _) in made.items()}


@pytest.fixture(scope="module")
def styles(phased, layers):
    return _styles(phased, layers)


def _drawn_share(layer, column):
    """Share served by the area that is drawn: each row as large as the style makes it."""
    swaps = layer.frame["swaps_per_day"].to_numpy(float)
    area = np.clip(swaps / layer.full_size, 0.002, 1.0)
    served = layer.frame[column].fillna(0.0).to_numpy(float)
    return float((area * served).sum() / area.sum())


def test_what_is_drawn_as_served_is_what_is_served_at_every_scale(evaluation):
    # As nations are: few places have most of the swaps, and they are served.
    rng = np.random.default_rng(1)
    cells = [(lon, lat) for lon in np.arange(110, 116, 0.05) for lat in np.arange(30, 34, 0.05)]
    count = len(cells)
    swaps = rng.lognormal(0.0, 1.6, count)
    served = (swaps > np.quantile(swaps, 0.85)).astype(float)
    zones = pd.DataFrame(cells, columns=["lon", "lat"]).assign(
        zone_id=[f"z{number:05}" for number in range(count)], city_id="230100", county_id=None,
        car_owning_households=swaps, swaps_per_day=swaps, peak_swaps_per_hour=swaps / 10,
        served_frac=served, is_served=served > 0, site_id=None, drive_min=np.nan,
    )  # fmt: skip
    nobody = pd.DataFrame({"zone_id": [], "site_id": [], "share_frac": [], "drive_min": []})
    made = build_zone_layers(
        zones, nobody.astype({"zone_id": str, "site_id": str}), evaluation.stations
    )
    share = float((swaps * served).sum() / swaps.sum())
    assert share > served.mean() + 0.3
    for layer in made.layers:
        if layer.name.startswith("zones"):
            column = "served_frac" if layer.name == "zones" else "swaps_served_frac"
            assert _drawn_share(layer, column) == pytest.approx(share, abs=0.1), layer.name


def test_a_zone_with_more_swaps_is_drawn_larger_whether_cell_or_place(content, content_of_points):
    for given in (content, content_of_points):
        zones = build_layers(given)["zones"]
        assert zones.full_size == 30.0  # of 67.5: more than a third of all
        text = ET.tostring(_styles(given, build_layers(given))["zones"], encoding="unicode")
        assert "swaps_per_day" in text
        assert "/ 30" in text


def test_nothing_is_drawn_in_another_colour_than_the_legend_has(styles):
    for name, style in styles.items():
        assert {symbol.get("alpha") for symbol in style.iter("symbol")} <= {"1"}, name


def test_layers_that_cover_each_other_have_scales_of_their_own(styles):
    ends = {
        name: (int(style.get("maxScale")), int(style.get("minScale")) or 10**9)
        for name, style in styles.items()
    }
    shown = [ends[name] for name in ("zones", "zones_overview", "zones_overview_coarse")]
    for (_, until), (since, _) in pairwise(shown):
        assert until == since
    for name in ("climate_regions", "chemistry_regions"):
        assert ends[name][0] == ends["zones"][1]
    for name in ("candidates", "allocation", "service_areas"):
        assert ends[name][1] < ends["zones"][1]


def test_areas_have_their_outer_rings_counter_clockwise(layers):
    for name, layer in layers.items():
        if str(layer.geometry_type).endswith("Polygon"):
            rings = shapely.get_exterior_ring(shapely.get_parts(layer.frame.geometry.to_numpy()))
            assert shapely.is_ccw(rings).all(), name


def test_stations_tell_their_city_and_no_open_one_is_a_candidate(content):
    for language, name in (("en", "Harbin"), ("zh", "哈尔滨")):
        told = replace(content, run_info={**content.run_info, "language": language})
        layers = build_layers(told)
        assert layers["stations"].frame["city_name"].tolist() == [name, name]
        for layer in ("stations", "corridor_stations"):
            assert layers[layer].frame["site_status"].tolist() == ["new", "existing"]


def test_headings_follow_the_language_and_names_of_columns_do_not(phased, layers):
    told = replace(phased, run_info={**phased.run_info, "language": "zh"})
    for name, layer in build_layers(told).items():
        assert [each.name for each in layer.columns] == [each.name for each in layers[name].columns]
        for column in layer.columns:
            assert CHINESE.search(column.title) or not layers[name].columns[0].title, column
            assert "[objective]" not in column.title
        titles = [column.title for column in layer.columns if column.title]
        assert len(set(titles)) == len(titles), name


def test_a_run_tells_its_language_to_whoever_reads_it(planned_tutorial, tmp_path):
    folder = write_run(planned_tutorial, tmp_path / "run", Outputs.TABLES, language="zh")
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["language"] == "zh"
    run = open_run(folder)
    assert language_of(run.run_info) == "zh"
    assert read_layer(run, "stations").columns[0].title == "站址"
    assert '"base_roads"' in (folder / "datapackage.json").read_text(encoding="utf-8")


def test_every_heading_has_its_chinese_with_the_same_places_and_unit():
    with (Path(columns_module.__file__).parent / "columns.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    marks = re.compile(r"\{\w+\}|\[objective\]|\[0-1\]|°C?|kWh|km²|min\]")
    for row in rows:
        assert CHINESE.search(row["title_zh"]), row
        found = [sorted(marks.findall(row[name])) for name in ("title", "title_zh")]
        assert found[0] == found[1] or "swap-min" in row["title"], row


def test_legends_follow_the_language_but_for_names_of_the_data(phased, layers, styles):
    told = _styles(phased, layers, "zh")
    of_data = {"small (14 bays)", "large (30 bays)"}
    for name, style in styles.items():
        pairs = zip(style.iter(), told[name].iter(), strict=True)
        for entry, other in pairs:
            if entry.get("label"):
                assert CHINESE.search(other.get("label")) or re.fullmatch(
                    r"[\d.,]+～[\d.,]+ ?(%|km|min|°C)?", other.get("label").replace("-", "")
                ), (name, entry.get("label"))
            if entry.get("label") in of_data:
                assert other.get("label").startswith(entry.get("label").split()[0])
    labels = [each["cities"].find(".//text-style").get("fieldName") for each in (styles, told)]
    assert labels == ['"name_en"', 'coalesce("name_zh", "name_en")']


def test_words_keep_figures_and_leave_names_of_the_data():
    assert phrase("less than 5 km left", "zh") == "剩余不足 5 km"
    assert phrase("in the plan, best in none", "zh") == "方案内，均非最优"
    assert phrase("choco_14", "zh") == "choco_14"
    assert phrase("less than 5 km left", "en") == "less than 5 km left"
    with pytest.raises(KeyError):
        translate("choco_14", "zh")


def test_the_largest_cities_are_named_whether_or_not_there_is_room(phased, layers):
    cities = pd.concat([pd.DataFrame(layers["cities"].frame)] * 20, ignore_index=True)
    cities["num_stations"] = np.arange(len(cities))
    many = {**layers, "cities": replace(layers["cities"], frame=cities)}
    text = ET.tostring(_styles(phased, many)["cities"], encoding="unicode")
    (least,) = re.findall(r'name="AlwaysShow".*?&gt;= ([\d.e+]+)', text, re.DOTALL)
    rank = cities["num_stations"] * 1e9 + cities["vehicles"]
    assert (rank >= float(least)).sum() == 30
    assert rank.nlargest(30).min() == pytest.approx(float(least))


def _roads(pairs):
    ends = np.array(pairs)
    return pd.DataFrame(
        {"from_node": ends[:, 0], "to_node": ends[:, 1], "length_km": 1.0, "speed_kmh": 50.0}
    )


def test_main_roads_are_the_shortest_ways_between_neighbouring_cities(monkeypatch):
    monkeypatch.setattr(base_map, "_REGION_DEG", 10.0)
    # A grid of streets; cities in two corners of a side and in the middle of the other.
    side = 5
    nodes = pd.DataFrame(
        [(row * side + col, 10 + col / 100, 50 + row / 100) for row in range(side)
         for col in range(side)], columns=["node_id", "lon", "lat"],
    )  # fmt: skip
    number = nodes["node_id"].to_numpy().reshape(side, side)
    pairs = [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True),
             *zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]  # fmt: skip
    roads = pd.concat([_roads(pairs), _roads([(b, a) for a, b in pairs])])  # both ways, once drawn
    cities = pd.DataFrame({"lon": [10.0, 10.04], "lat": [50.0, 50.0]})
    found = base_roads(nodes, roads, cities)
    km_by_class = found.groupby("road_class")["length_km"].sum()
    straight_km = found["length_km"].sum() / len(pairs)
    assert set(km_by_class.index) == {"main", "local"}
    (main,) = found.loc[found["road_class"] == "main", "geometry"]
    assert main.equals(shapely.LineString([(10.0, 50.0), (10.04, 50.0)]))
    assert km_by_class["main"] == pytest.approx(4 * straight_km, rel=0.3)
    drawn = shapely.union_all(found.geometry.to_numpy())
    every = shapely.union_all([
        shapely.LineString(nodes[["lon", "lat"]].to_numpy()[list(pair)]) for pair in pairs
    ])  # fmt: skip
    assert drawn.symmetric_difference(every).length == pytest.approx(0.0, abs=1e-9)


def test_cities_as_near_by_way_of_a_third_have_no_main_road_of_their_own(monkeypatch):
    monkeypatch.setattr(base_map, "_REGION_DEG", 100.0)
    # Three cities on a road, and a way far out from the first to the last.
    nodes = pd.DataFrame(
        {"node_id": [1, 2, 3, 4], "lon": [10.0, 10.1, 10.2, 10.1], "lat": [50.0, 50.0, 50.0, 49.0]}
    )
    roads = _roads([(1, 2), (2, 3), (1, 4), (4, 3)]).assign(length_km=[8.0, 8.0, 120.0, 120.0])
    found = base_roads(nodes, roads, nodes[:3])
    assert found["road_class"].tolist() == ["main", "local"]
    assert found["length_km"].iloc[1] > 200  # the whole way out and back as one line


def test_roads_of_islands_and_one_city_are_drawn_too():
    nodes = pd.DataFrame(
        {"node_id": [1, 2, 3, 4, 5], "lon": [179.9, -179.9, 178.0, 178.1, 170.0],
         "lat": [-17.0, -17.0, -18.0, -18.0, -18.0]}
    )  # fmt: skip
    found = base_roads(
        nodes, _roads([(1, 2), (3, 4)]), pd.DataFrame({"lon": [179.9], "lat": [-17.0]})
    )
    assert len(found) == 2
    assert found["length_km"].max() < 30  # not once around the Earth


@pytest.mark.parametrize("box", [(179.0, -18.0, -179.0, -16.0), (121.0, 30.5, 122.0, 31.5)])
def test_land_reaches_beyond_the_plan_and_never_around_the_earth(box):
    land = land_around(*box)
    assert len(land)
    west, south, east, north = land.total_bounds
    assert south <= box[1]
    assert north >= box[3]
    parts = shapely.bounds(shapely.get_parts(land.geometry.to_numpy()))
    assert (parts[:, 2] - parts[:, 0]).max() < 4
    if box[0] < box[2]:
        assert west < box[0] < box[2] < east
